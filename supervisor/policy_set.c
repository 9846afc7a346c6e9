/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_set.c - the sections of all files, counted by references; and the three ways to load one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

const char *policy_kind_name(enum policy_kind kind)
{
    static const char *const names[] = {"defaults", "template", "domain"};

    return names[kind];
}

/* Items are separated by spaces. */
static bool take_items(enum policy_key key, struct policy_value *v)
{
    char why[256], items[128], *save = NULL;

    (void)snprintf(items, sizeof(items), "%s", policy_keys[key].preset);
    for (char *item = strtok_r(items, " ", &save); item != NULL;
         item = strtok_r(NULL, " ", &save)) {
        if (policy_value_take(key, v, item, why, sizeof(why)) != NULL)
            return false;
    }
    return true;
}

/* The built-in values are texts like those of a file, and go the same way. */
static bool take_presets(struct policy_set *set)
{
    for (int i = 0; i < POLICY_KEYS; i++) {
        struct policy_value *v = &set->preset[i];

        if (!take_items((enum policy_key)i, v))
            return false;
        if (policy_keys[i].type == POLICY_TYPE_OPERATIONS)
            v->number = v->add;
    }
    return true;
}

struct policy_set *policy_set_new(void)
{
    struct policy_set *set = calloc(1, sizeof(*set));

    if (set == NULL)
        return NULL;
    set->refs = 1;
    if (take_presets(set))
        return set;
    policy_set_unref(set);
    return NULL;
}

struct policy_set *policy_set_ref(struct policy_set *set)
{
    set->refs++;
    return set;
}

static void free_section(struct policy_section *s)
{
    for (int i = 0; i < POLICY_KEYS; i++)
        policy_value_clear(&s->value[i]);
    free(s->title);
    free(s->uuid.text);
    free(s->template_name.text);
    free(s);
}

void policy_set_unref(struct policy_set *set)
{
    if (set == NULL || --set->refs != 0)
        return;
    for (size_t i = 0; i < set->num_sections; i++)
        free_section(set->section[i]);
    for (size_t i = 0; i < set->num_files; i++)
        free(set->file[i]);
    for (int i = 0; i < POLICY_KEYS; i++)
        policy_value_clear(&set->preset[i]);
    free(set->section);
    free(set->file);
    free(set);
}

const char *policy_set_file(struct policy_set *set, const char *name)
{
    char **more = reallocarray(set->file, set->num_files + 1, sizeof(*more));

    if (more == NULL)
        return NULL;
    set->file = more;
    more[set->num_files] = strdup(name);
    return more[set->num_files] != NULL ? more[set->num_files++] : NULL;
}

struct policy_section *policy_set_section(struct policy_set *set, enum policy_kind kind,
                                          const char *title, struct policy_place at)
{
    struct policy_section **more;
    struct policy_section *s;

    if (set->num_sections >= POLICY_MAX_SECTIONS)
        return NULL;
    more = reallocarray(set->section, set->num_sections + 1, sizeof(struct policy_section *));
    if (more == NULL)
        return NULL;
    set->section = more;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->kind = kind;
    s->at = at;
    s->index = set->num_sections;
    if (title != NULL && (s->title = strdup(title)) == NULL) {
        free(s);
        return NULL;
    }
    more[set->num_sections++] = s;
    return s;
}

size_t policy_set_domains(const struct policy_set *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->num_sections; i++)
        n += set->section[i]->kind == POLICY_DOMAIN;
    return n;
}

uint64_t policy_host(const struct policy_set *set, enum policy_key key)
{
    const struct policy_section *s = set->defaults;

    return s != NULL && s->value[key].given ? s->value[key].number : set->preset[key].number;
}

size_t policy_set_files(const struct policy_set *set)
{
    return set->num_files;
}

/* Judged as a whole; a set with an error is none. */
static struct policy_set *finish(struct policy_set *set, struct policy_report *report)
{
    policy_check(set, report);
    if (report->errors == 0)
        return set;
    policy_set_unref(set);
    return NULL;
}

static struct policy_set *start(struct policy_report *report)
{
    struct policy_set *set = policy_set_new();

    if (set == NULL)
        policy_error(report, NULL, 0, "out of memory");
    return set;
}

struct policy_set *policy_load(const char *dir, uid_t owner, struct policy_report *report)
{
    struct policy_set *set = start(report);

    if (set == NULL)
        return NULL;
    policy_read_dir(set, dir, owner, true, report);
    return finish(set, report);
}

struct policy_set *policy_load_files(const char *const *files, size_t num,
                                     struct policy_report *report)
{
    struct policy_set *set = start(report);

    if (set == NULL)
        return NULL;
    for (size_t i = 0; i < num; i++)
        policy_read_file(set, files[i], report);
    return finish(set, report);
}

struct policy_set *policy_load_text(const char *name, const char *text, size_t len,
                                    struct policy_report *report)
{
    struct policy_set *set = start(report);
    char *copy = malloc(len + 1);

    if (set == NULL || copy == NULL) {
        free(copy);
        policy_set_unref(set);
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    policy_parse(set, name, copy, len, report);
    free(copy);
    return finish(set, report);
}

bool policy_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void policy_remember(struct policy_set *set, const struct policy_set *earlier)
{
    for (size_t i = 0; i < set->num_sections; i++) {
        struct policy_section *s = set->section[i];

        for (size_t j = 0; s->kind == POLICY_DOMAIN && j < earlier->num_sections; j++) {
            const struct policy_section *t = earlier->section[j];

            if (t->kind == POLICY_DOMAIN && policy_same_text(s->title, t->title) &&
                policy_same_text(s->uuid.text, t->uuid.text))
                s->matched |= t->matched;
        }
    }
}

void policy_unmatched(const struct policy_set *set, void (*tell)(void *arg, const char *text),
                      void *arg)
{
    for (size_t i = 0; i < set->num_sections; i++) {
        const struct policy_section *s = set->section[i];
        char text[512];

        if (s->kind != POLICY_DOMAIN || s->matched)
            continue;
        (void)snprintf(
            text, sizeof(text),
            "%s:%u: domain \"%s\" has fitted no device so far; if it should have, compare "
            "its name and uuid with xl list and xl vm-list",
            s->at.file, s->at.line, s->title);
        tell(arg, text);
    }
}
