/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_check.c - what only the whole set can tell: sections that are there twice, templates that
 * are not there, domains that two sections claim.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

#define TOLD_GLOBS 20 /* overlapping pairs of globs that are told one by one */

struct checker {
    struct policy_set *set;
    struct policy_report *report;
    const struct policy_section *
        *sorted; /* room for all sections, in the order that a check needs */
    size_t num;
};

static int by_place(const struct policy_section *a, const struct policy_section *b)
{
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_title(const void *a, const void *b)
{
    const struct policy_section *s = *(const struct policy_section *const *)a;
    const struct policy_section *t = *(const struct policy_section *const *)b;
    int d = (int)s->kind - (int)t->kind;

    if (d == 0 && s->title != NULL)
        d = strcmp(s->title, t->title);
    return d != 0 ? d : by_place(s, t);
}

/* The UUID that identifies the domain of `s`, or NULL. */
static const char *uuid_of(const struct policy_section *s)
{
    return s->title_is_uuid ? s->title : s->uuid.text;
}

static int by_uuid(const void *a, const void *b)
{
    const struct policy_section *s = *(const struct policy_section *const *)a;
    const struct policy_section *t = *(const struct policy_section *const *)b;
    const char *u = uuid_of(s), *v = uuid_of(t);
    int d;

    if (u == NULL || v == NULL)
        return (u == NULL) - (v == NULL) != 0 ? (u == NULL) - (v == NULL) : by_place(s, t);
    d = strcmp(u, v);
    return d != 0 ? d : by_place(s, t);
}

static void check_titles(struct checker *c)
{
    qsort(c->sorted, c->num, sizeof(struct policy_section *), by_title);
    for (size_t i = 1; i < c->num; i++) {
        const struct policy_section *s = c->sorted[i - 1], *t = c->sorted[i];

        if (s->kind != t->kind || (s->title != NULL && strcmp(s->title, t->title) != 0))
            continue;
        if (s->title == NULL)
            policy_error(c->report, t->at.file, t->at.line,
                         "a second defaults section, first at %s:%u; leave one", s->at.file,
                         s->at.line);
        else
            policy_error(c->report, t->at.file, t->at.line,
                         "%s \"%s\" is there already, at %s:%u; leave one",
                         policy_kind_name(s->kind), s->title, s->at.file, s->at.line);
    }
}

static void check_uuids(struct checker *c)
{
    qsort(c->sorted, c->num, sizeof(struct policy_section *), by_uuid);
    for (size_t i = 1; i < c->num; i++) {
        const struct policy_section *s = c->sorted[i - 1], *t = c->sorted[i];

        if (uuid_of(s) == NULL || uuid_of(t) == NULL || strcmp(uuid_of(s), uuid_of(t)) != 0)
            continue;
        if (strcmp(s->title, t->title) != 0) /* else told as a repeated title */
            policy_error(c->report, t->at.file, t->at.line,
                         "domain \"%s\" has the uuid of domain \"%s\" at %s:%u; leave one",
                         t->title, s->title, s->at.file, s->at.line);
    }
}

/* Two globs that fit one name: which should hold? A glob with a uuid is as exact as a name. */
static void check_globs(struct checker *c)
{
    size_t told = 0, more = 0, num = 0;

    for (size_t i = 0; i < c->num; i++)
        if (c->set->section[i]->title_is_glob && c->set->section[i]->uuid.text == NULL)
            c->sorted[num++] = c->set->section[i];
    for (size_t i = 0; i < num; i++) {
        for (size_t j = i + 1; j < num; j++) {
            const struct policy_section *s = c->sorted[i], *t = c->sorted[j];

            if (strcmp(s->title, t->title) == 0 || !policy_globs_overlap(s->title, t->title))
                continue;
            if (told < TOLD_GLOBS)
                policy_error(c->report, t->at.file, t->at.line,
                             "domain \"%s\" and domain \"%s\" at %s:%u can fit the same name; make "
                             "one of them narrower",
                             t->title, s->title, s->at.file, s->at.line);
            more += told >= TOLD_GLOBS;
            told++;
        }
    }
    if (more != 0)
        policy_error(c->report, NULL, 0, "%zu more pairs of globs can fit the same name", more);
}

static const struct policy_section *find_template(const struct policy_set *set, const char *name)
{
    for (size_t i = 0; i < set->num_sections; i++) {
        const struct policy_section *s = set->section[i];

        if (s->kind == POLICY_TEMPLATE && strcmp(s->title, name) == 0)
            return s;
    }
    return NULL;
}

static void link_sections(struct checker *c)
{
    for (size_t i = 0; i < c->set->num_sections; i++) {
        struct policy_section *s = c->set->section[i];

        if (s->kind == POLICY_DEFAULTS)
            c->set->defaults = s;
        if (s->template_name.text == NULL)
            continue;
        s->template = find_template(c->set, s->template_name.text);
        if (s->template == NULL)
            policy_error(c->report, s->template_name.at.file, s->template_name.at.line,
                         "there is no template \"%.140s\" in any file", s->template_name.text);
    }
}

void policy_check(struct policy_set *set, struct policy_report *report)
{
    struct checker c = {set, report, NULL, set->num_sections};

    c.sorted = calloc(set->num_sections + 1, sizeof(struct policy_section *));
    if (c.sorted == NULL) {
        policy_error(report, NULL, 0, "out of memory");
        return;
    }
    for (size_t i = 0; i < set->num_sections; i++)
        c.sorted[i] = set->section[i];
    check_uuids(&c);
    check_titles(&c);
    link_sections(&c);
    check_globs(&c);
    policy_check_identity(set, report);
    free(c.sorted);
}
