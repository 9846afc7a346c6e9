/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_print.c - effective policies, and what two of them differ in, for people.
 */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "policy_internal.h"
#include "xen9p/budget.h"

static void print_place(const struct policy_value *v, FILE *out)
{
    if (v->at.file != NULL)
        (void)fprintf(out, "%s:%u", v->at.file, v->at.line);
    else
        (void)fputs("built-in", out);
}

/* The value as text; the caller frees it. NULL when out of memory. */
static char *value_text(const struct policy *p, enum policy_key key)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    if (policy_keys[key].type == POLICY_TYPE_PATHS && p->from[key]->num_items == 0)
        (void)fputs("any", out);
    else
        policy_value_print(key, p->number[key], p->from[key], out);
    return fclose(out) == 0 ? text : NULL;
}

/* A line that could stand in a file, or a comment where none can say it. */
static void print_key(const struct policy *p, enum policy_key key, FILE *out)
{
    const struct policy_key_info *k = &policy_keys[key];
    char *text = value_text(p, key);
    bool comment = k->type == POLICY_TYPE_PATHS && p->from[key]->num_items == 0;
    char line[64];

    (void)snprintf(line, sizeof(line), "%s%s = ", comment ? "# " : "", k->name);
    if (text != NULL) {
        int pad = 40 - (int)strlen(line) - (int)strlen(text);

        (void)fprintf(out, "    %s%s%*s # ", line, text, pad > 0 ? pad : 0, "");
        print_place(p->from[key], out);
        (void)fputc('\n', out);
    }
    free(text);
}

static void print_title(const struct policy *p, FILE *out)
{
    const struct policy_section *s = p->domain;

    (void)fprintf(out, "# %s", p->origin);
    if (s != NULL && s->template != NULL)
        (void)fprintf(out, ", template \"%s\" (%s:%u)", s->template->title, s->template->at.file,
                      s->template->at.line);
    if (s == NULL)
        (void)fputs("\ndefaults {\n", out);
    else
        (void)fprintf(out, "\ndomain \"%s\" {\n", s->title);
    if (s != NULL && s->uuid.text != NULL)
        (void)fprintf(out, "    uuid = \"%s\" # %s:%u\n", s->uuid.text, s->uuid.at.file,
                      s->uuid.at.line);
}

void policy_print(const struct policy *p, FILE *out)
{
    char hash[POLICY_HASH_SIZE];
    const char *comma = "# not enforced by this version, and refused in a file:";

    policy_hash(p, hash);
    (void)fprintf(out, "# %s\n", hash);
    print_title(p, out);
    for (int i = 0; i < POLICY_DOMAIN_KEYS; i++)
        if (policy_keys[i].enforced != POLICY_NOT_ENFORCED)
            print_key(p, (enum policy_key)i, out);
    (void)fputs("}\n", out);
    for (int i = 0; i < POLICY_KEYS; i++) {
        if (policy_keys[i].enforced != POLICY_NOT_ENFORCED)
            continue;
        (void)fprintf(out, "%s %s", comma, policy_keys[i].name);
        comma = ",";
    }
    if (comma[0] == ',')
        (void)fputc('\n', out);
}

void policy_hash(const struct policy *p, char out[POLICY_HASH_SIZE])
{
    struct hash h;

    _Static_assert(POLICY_HASH_SIZE == HASH_TEXT_SIZE, "one form for all hashes");
    hash_begin(&h);
    for (int i = 0; i < POLICY_DOMAIN_KEYS; i++) {
        char *text = value_text(p, (enum policy_key)i);

        /* name, value and newline: a value holds no newline, so that no two policies look alike */
        hash_add(&h, policy_keys[i].name, strlen(policy_keys[i].name));
        hash_add(&h, "=", 1);
        hash_add(&h, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
        hash_add(&h, "\n", 1);
        free(text);
    }
    hash_end(&h, out);
}

static void differences(const struct policy *from, const struct policy *to, int first, int end,
                        void (*tell)(void *arg, enum policy_key key, const char *a, const char *b),
                        void *arg)
{
    for (int i = first; i < end; i++) {
        char *a = value_text(from, (enum policy_key)i), *b = value_text(to, (enum policy_key)i);

        if (a == NULL || b == NULL || strcmp(a, b) != 0)
            tell(arg, (enum policy_key)i, a != NULL ? a : "?", b != NULL ? b : "?");
        free(a);
        free(b);
    }
}

void policy_differences(const struct policy *from, const struct policy *to,
                        void (*tell)(void *arg, enum policy_key key, const char *a, const char *b),
                        void *arg)
{
    differences(from, to, 0, POLICY_DOMAIN_KEYS, tell, arg);
}

struct diff {
    const struct policy *from, *to;
    FILE *out; /* may be NULL */
    size_t differ, reconnect;
};

static void diff_key(void *arg, enum policy_key key, const char *a, const char *b)
{
    struct diff *d = arg;

    d->differ++;
    d->reconnect += !policy_keys[key].live;
    if (d->out == NULL)
        return;
    (void)fprintf(d->out, "    %s: %s -> %s (", policy_keys[key].name, a, b);
    print_place(d->from->from[key], d->out);
    (void)fputs(" -> ", d->out);
    print_place(d->to->from[key], d->out);
    (void)fprintf(d->out, "; %s)\n", policy_keys[key].live ? "live" : "at the next connection");
}

size_t policy_diff(const struct policy *from, const struct policy *to, FILE *out, size_t *reconnect)
{
    struct diff d = {from, to, out, 0, 0};

    policy_differences(from, to, diff_key, &d);
    *reconnect = d.reconnect;
    return d.differ;
}

/* --- sets ------------------------------------------------------------------------------------- */

static const struct policy_section *find_domain(const struct policy_set *set, const char *title)
{
    for (size_t i = 0; i < set->num_sections; i++)
        if (set->section[i]->kind == POLICY_DOMAIN && strcmp(set->section[i]->title, title) == 0)
            return set->section[i];
    return NULL;
}

/* One section against its counterpart; NULL stands for the defaults of that set. */
static size_t diff_section(struct policy_set *from, const struct policy_section *s,
                           struct policy_set *to, const struct policy_section *t, FILE *out)
{
    struct policy *a = policy_of_section(from, s), *b = policy_of_section(to, t);
    const char *title = s != NULL ? s->title : t != NULL ? t->title : NULL;
    char *text = NULL;
    size_t len, differ = 0, reconnect;
    FILE *lines = a != NULL && b != NULL ? open_memstream(&text, &len) : NULL;

    if (lines != NULL) {
        differ = policy_diff(a, b, lines, &reconnect);
        if (s != NULL && t != NULL && !policy_same_text(s->uuid.text, t->uuid.text)) {
            (void)fprintf(lines, "    uuid: %s -> %s\n",
                          s->uuid.text != NULL ? s->uuid.text : "any",
                          t->uuid.text != NULL ? t->uuid.text : "any");
            differ++;
        }
        (void)fclose(lines);
        if (title != NULL && (s == NULL || t == NULL)) {
            (void)fprintf(out, "%c domain \"%s\"\n%s", s == NULL ? '+' : '-', title, text);
            differ += differ == 0; /* a section of its own, even with the same values */
        } else if (differ != 0 && title != NULL) {
            (void)fprintf(out, "  domain \"%s\"\n%s", title, text);
        } else if (differ != 0) {
            (void)fprintf(out, "  any other domain\n%s", text);
        }
    }
    free(text);
    policy_free(a);
    policy_free(b);
    return differ;
}

/* What is nobody's in particular. */
static size_t diff_host(struct policy_set *from, struct policy_set *to, FILE *out)
{
    struct policy *a = policy_of_section(from, NULL), *b = policy_of_section(to, NULL);
    struct diff d = {a, b, out, 0, 0};

    if (a != NULL && b != NULL)
        differences(a, b, POLICY_DOMAIN_KEYS, POLICY_KEYS, diff_key, &d);
    policy_free(a);
    policy_free(b);
    return d.differ;
}

size_t policy_diff_sets(struct policy_set *from, struct policy_set *to, FILE *out)
{
    size_t differ = diff_section(from, NULL, to, NULL, out) + diff_host(from, to, out);

    for (size_t i = 0; i < from->num_sections; i++) {
        const struct policy_section *s = from->section[i];

        if (s->kind == POLICY_DOMAIN)
            differ += diff_section(from, s, to, find_domain(to, s->title), out);
    }
    for (size_t i = 0; i < to->num_sections; i++) {
        const struct policy_section *t = to->section[i];

        if (t->kind == POLICY_DOMAIN && find_domain(from, t->title) == NULL)
            differ += diff_section(from, NULL, to, t, out);
    }
    return differ;
}

/* What all domains together could ask for, against what xen9pd hands out. */
static void print_excess(const struct policy_set *set, const struct budget *sum, FILE *out)
{
    const struct {
        enum policy_key key;
        uint64_t asked;
        const char *what;
    } parts[] = {
        {POLICY_HOST_FIDS, sum->fids, "fids"},
        {POLICY_HOST_THREADS, sum->threads, "threads"},
        {POLICY_HOST_GRANTS, sum->grants, "grants"},
        {POLICY_HOST_LOG, sum->log_bytes, "bytes of log"},
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].asked > policy_host(set, parts[i].key))
            (void)fprintf(out,
                          "That is more %s than %s (%llu): devices get less, or none, when all are "
                          "there.\n",
                          parts[i].what, policy_keys[parts[i].key].name,
                          (unsigned long long)policy_host(set, parts[i].key));
}

static void add_domain(const struct policy *p, struct budget *sum)
{
    sum->fids += p->number[POLICY_MAX_FIDS];
    sum->threads += p->number[POLICY_THREADS] + 1; /* the first one executes no requests */
    sum->grants +=
        p->number[POLICY_MAX_RINGS] * ((UINT64_C(1) << p->number[POLICY_MAX_RING_ORDER]) + 1);
    if (p->number[POLICY_AUDIT] != 0)
        sum->log_bytes += p->number[POLICY_LOG_MAX] * p->number[POLICY_LOG_KEEP];
}

/* A glob stands for any number of domains: counted once, and said. */
void policy_print_sum(struct policy_set *set, FILE *out)
{
    struct budget sum = {0};
    size_t domains = 0, globs = 0;

    for (size_t i = 0; i < set->num_sections; i++) {
        const struct policy_section *s = set->section[i];
        struct policy *p = s->kind == POLICY_DOMAIN ? policy_of_section(set, s) : NULL;

        if (p == NULL)
            continue;
        domains++;
        globs += s->title_is_glob && s->uuid.text == NULL;
        add_domain(p, &sum);
        policy_free(p);
    }
    if (domains == 0)
        return;
    (void)fprintf(
        out,
        "%zu domain%s, %zu of them by a glob; with one device each (a glob counted once)\n"
        "they could ask for %llu fids, %llu threads, %llu grants and %llu MiB of audit "
        "logs.\n",
        domains, domains == 1 ? "" : "s", globs, (unsigned long long)sum.fids,
        (unsigned long long)sum.threads, (unsigned long long)sum.grants,
        (unsigned long long)sum.log_bytes >> 20);
    print_excess(set, &sum, out);
}
