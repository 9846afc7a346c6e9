/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_resolve.c - which section is a device's, and what holds for it.
 *
 * When in doubt it refuses: a device that is not served is noticed, one that is served under the
 * wrong policy is not. Names and UUIDs come from the toolstack's xenstore nodes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

/* --- effective values ------------------------------------------------------------------------- */

static void apply(struct policy *p, const struct policy_section *s)
{
    for (int i = 0; i < POLICY_KEYS; i++) {
        const struct policy_value *v = &s->value[i];

        if (!v->given)
            continue;
        if (policy_keys[i].type == POLICY_TYPE_OPERATIONS)
            p->number[i] = (p->number[i] & v->keep) | v->add;
        else
            p->number[i] = v->number;
        p->from[i] = v;
    }
}

static void name_origin(struct policy *p, const struct policy_section *s)
{
    if (s == NULL)
        (void)snprintf(p->origin, sizeof(p->origin), "built-in");
    else if (s->title == NULL)
        (void)snprintf(p->origin, sizeof(p->origin), "defaults (%.160s:%u)", s->at.file,
                       s->at.line);
    else
        (void)snprintf(p->origin, sizeof(p->origin), "domain \"%.80s\" (%.140s:%u)", s->title,
                       s->at.file, s->at.line);
}

struct policy *policy_of_section(struct policy_set *set, const struct policy_section *domain)
{
    struct policy *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->set = policy_set_ref(set);
    p->domain = domain;
    for (int i = 0; i < POLICY_KEYS; i++) {
        p->number[i] = set->preset[i].number;
        p->from[i] = &set->preset[i];
    }
    if (set->defaults != NULL)
        apply(p, set->defaults);
    if (domain != NULL && domain->template != NULL)
        apply(p, domain->template);
    if (domain != NULL)
        apply(p, domain);
    name_origin(p, domain != NULL ? domain : set->defaults);
    return p;
}

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    policy_set_unref(p->set);
    policy_set_unref(p->live_set);
    free(p);
}

struct policy *policy_copy(const struct policy *p)
{
    struct policy *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return NULL;
    *copy = *p;
    policy_set_ref(copy->set);
    if (copy->live_set != NULL)
        policy_set_ref(copy->live_set);
    return copy;
}

void policy_follow(struct policy *p, const struct policy *newer)
{
    for (int i = 0; i < POLICY_KEYS; i++) {
        if (!policy_keys[i].live)
            continue;
        p->number[i] = newer->number[i];
        p->from[i] = newer->from[i];
    }
    policy_set_unref(p->live_set);
    p->live_set = policy_set_ref(newer->set);
}

const struct policy_value *policy_value_of(const struct policy *p, enum policy_key key)
{
    return p->from[key];
}

uint64_t policy_number(const struct policy *p, enum policy_key key)
{
    return p->number[key];
}

uint32_t policy_operations(const struct policy *p)
{
    uint32_t bits = (uint32_t)p->number[POLICY_OPERATIONS];

    return p->number[POLICY_ACCESS] == POLICY_READ_ONLY ? bits & OPERATIONS_READ_ONLY : bits;
}

/* Length of the longest prefix in `v` that `path` is below, 0 for none. */
static size_t longest_prefix(const struct policy_value *v, const char *path)
{
    size_t best = 0;

    for (size_t i = 0; i < v->num_items; i++)
        if (strlen(v->item[i]) > best && policy_path_below(path, v->item[i]))
            best = strlen(v->item[i]);
    return best;
}

bool policy_path_allow(const struct policy *p, const char *path)
{
    const struct policy_value *v = p->from[POLICY_PATH_ALLOW];

    return v->num_items == 0 || longest_prefix(v, path) != 0;
}

const char *policy_origin(const struct policy *p)
{
    return p->origin;
}

uint64_t policy_ceiling(const struct policy *p, enum policy_key key, uint64_t node)
{
    uint64_t limit = p->number[key];

    if (p->number[POLICY_TOOLSTACK_LIMITS] == POLICY_IGNORE || node == 0)
        return limit;
    return limit == 0 || node < limit ? node : limit;
}

/* --- choosing the section --------------------------------------------------------------------- */

struct seeker {
    const char *uuid; /* lower case, or NULL */
    const char *name; /* without --incoming, or NULL */
    const char *path;
    char *why;
    size_t cap;
    struct policy_section *best;
    int rank;    /* of `best`: the higher the closer; 0: none */
    size_t deep; /* of a choice by path: length of the prefix */
    bool refused;
};

enum rank { RANK_NONE, RANK_GLOB, RANK_EXACT };

static void refuse(struct seeker *k, const struct policy_section *s, const char *text)
{
    if (!k->refused)
        (void)snprintf(k->why, k->cap, "domain \"%s\" at %s:%u %s", s->title, s->at.file,
                       s->at.line, text);
    k->refused = true;
}

/* A section that names a UUID, by its key: the title has to fit as well. */
static enum rank rank_by_uuid(struct seeker *k, const struct policy_section *s)
{
    bool title = k->name != NULL && policy_glob_match(s->title, k->name);
    bool named = title && !s->title_is_glob;

    if (k->uuid == NULL) {
        if (title)
            refuse(k, s, "fits by name, but the UUID that it asks for is not known here");
        return RANK_NONE;
    }
    if (strcmp(k->uuid, s->uuid.text) == 0) {
        if (title)
            return RANK_EXACT;
        refuse(k, s, "has this domain's uuid but another name; correct its title");
    } else if (named) {
        refuse(k, s,
               "has this domain's name but another uuid; correct it when the domain was made anew");
    }
    return RANK_NONE;
}

static enum rank rank_of(struct seeker *k, const struct policy_section *s)
{
    if (s->title_is_uuid)
        return k->uuid != NULL && strcmp(k->uuid, s->title) == 0 ? RANK_EXACT : RANK_NONE;
    if (s->uuid.text != NULL)
        return rank_by_uuid(k, s);
    if (k->name == NULL)
        return RANK_NONE;
    if (!s->title_is_glob)
        return strcmp(s->title, k->name) == 0 ? RANK_EXACT : RANK_NONE;
    return policy_glob_match(s->title, k->name) ? RANK_GLOB : RANK_NONE;
}

static void tie(struct seeker *k, const struct policy_section *s)
{
    if (!k->refused)
        (void)snprintf(
            k->why, k->cap,
            "domain \"%s\" at %s:%u and domain \"%s\" at %s:%u fit it equally well; make one "
            "of them narrower",
            k->best->title, k->best->at.file, k->best->at.line, s->title, s->at.file, s->at.line);
    k->refused = true;
}

static void seek_by_name(struct seeker *k, struct policy_section *s)
{
    enum rank rank = rank_of(k, s);

    if (rank == RANK_NONE || (int)rank < k->rank)
        return;
    if ((int)rank == k->rank) {
        tie(k, s);
        return;
    }
    k->best = s;
    k->rank = (int)rank;
}

/* Only the path is known: whose path-allow (or whose template's) reaches deepest? */
static void seek_by_path(struct seeker *k, struct policy_section *s)
{
    const struct policy_value *v = &s->value[POLICY_PATH_ALLOW];
    size_t deep;

    if (!v->given && s->template != NULL)
        v = &s->template->value[POLICY_PATH_ALLOW];
    deep = longest_prefix(v, k->path);
    if (deep == 0 || deep < k->deep)
        return;
    if (deep == k->deep) {
        tie(k, s);
        return;
    }
    k->best = s;
    k->deep = deep;
    k->refused = false; /* a tie of shorter ones does not matter any more */
}

static int judge_path(const struct policy *p, const char *path, char *why, size_t cap)
{
    const struct policy_value *v = p->from[POLICY_PATH_ALLOW];

    if (path == NULL || policy_path_allow(p, path))
        return 0;
    (void)snprintf(why, cap,
                   "export path \"%.200s\" is not below the path-allow of %s:%u; change either",
                   path, v->at.file != NULL ? v->at.file : "built-in", v->at.line);
    return -EACCES;
}

static void seek(struct policy_set *set, struct seeker *k)
{
    bool by_path = k->uuid == NULL && k->name == NULL && k->path != NULL;

    for (size_t i = 0; i < set->num_sections; i++) {
        struct policy_section *s = set->section[i];

        if (s->kind != POLICY_DOMAIN)
            continue;
        if (by_path)
            seek_by_path(k, s);
        else
            seek_by_name(k, s);
    }
}

void policy_plain_name(const char *name, char *out, size_t cap)
{
    size_t len = strlen(name), tail = strlen(POLICY_INCOMING);

    if (len > tail && strcmp(name + len - tail, POLICY_INCOMING) == 0)
        len -= tail;
    (void)snprintf(out, cap, "%.*s", (int)(len < cap ? len : cap - 1), name);
}

int policy_resolve(struct policy_set *set, const struct policy_subject *who, struct policy **out,
                   char *why, size_t cap)
{
    char uuid[POLICY_UUID_LEN + 1], name[256];
    struct seeker k = {.path = who->path, .why = why, .cap = cap};
    int err;

    if (who->name != NULL && strlen(who->name) < sizeof(name)) {
        policy_plain_name(who->name, name, sizeof(name));
        k.name = name;
    }
    if (who->uuid != NULL && policy_uuid(who->uuid, uuid))
        k.uuid = uuid;
    if ((who->name != NULL && k.name == NULL) || (who->uuid != NULL && k.uuid == NULL)) {
        (void)snprintf(why, cap, "the domain's name or UUID is none that a policy can name");
        return -EACCES;
    }
    seek(set, &k);
    if (k.refused)
        return -EACCES;
    *out = policy_of_section(set, k.best);
    if (*out == NULL)
        return -ENOMEM;
    if (k.best != NULL)
        k.best->matched = true;
    err = judge_path(*out, who->path, why, cap);
    if (err != 0) {
        policy_free(*out);
        *out = NULL;
    }
    return err;
}
