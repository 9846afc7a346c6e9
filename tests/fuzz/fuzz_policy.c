/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_policy.c - any bytes as a policy file: loading, resolving, printing.
 *
 * Beyond what the sanitizers see: a set that loads is printed and loaded again and says the same,
 * and a broken file has not changed how the next one is read.
 */
#include <stdlib.h>
#include <string.h>

#include "../../supervisor/policy_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
    if (!what)
        abort();
}

static struct policy_set *load(const char *text, size_t len)
{
    struct policy_report report = {0};
    struct policy_set *set = policy_load_text("fuzz", text, len, &report);
    char line[2048];

    must((set == NULL) == (report.errors != 0));
    for (size_t i = 0; i < report.num; i++) {
        policy_report_format(&report.message[i], line, sizeof(line));
        for (const char *p = line; *p != '\0'; p++)
            must(*p >= 0x20 && *p < 0x7f);
    }
    policy_report_clear(&report);
    return set;
}

static void round_trip(struct policy *p, const struct policy_section *s)
{
    struct policy_set *set;
    struct policy *q = NULL;
    char *text = NULL;
    size_t len, reconnect;
    FILE *out = open_memstream(&text, &len);

    policy_print(p, out);
    fclose(out);
    set = load(text, len);
    must(set != NULL && set->num_sections == 1);
    q = policy_of_section(set, s != NULL ? set->section[0] : NULL);
    must(q != NULL && policy_diff(p, q, NULL, &reconnect) == 0);
    policy_free(q);
    policy_set_unref(set);
    free(text);
}

static void use(struct policy_set *set)
{
    static const struct policy_subject who[] = {
        {NULL, "a", "/srv/a"},
        {"123e4567-e89b-12d3-a456-426614174000", "web-1--incoming", NULL},
        {NULL, NULL, "/srv/a/b"},
        {"123e4567-e89b-12d3-a456-426614174000", NULL, "/"},
    };

    for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
        struct policy *p = NULL;
        char why[64] = "";
        int err = policy_resolve(set, &who[i], &p, why, sizeof(why));

        must((err == 0) == (p != NULL) && (err == 0) == (why[0] == '\0'));
        policy_free(p);
    }
    for (size_t i = 0; i < set->num_sections && i < 4; i++) {
        const struct policy_section *s = set->section[i];
        struct policy *p = policy_of_section(set, s->kind == POLICY_DOMAIN ? s : NULL);

        round_trip(p, s->kind == POLICY_DOMAIN ? s : NULL);
        policy_free(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char plain[] = "domain \"a\" { threads = 3 }\n";
    struct policy_set *set = load((const char *)data, size);

    if (set != NULL)
        use(set);
    policy_set_unref(set);
    set = load(plain, sizeof(plain) - 1);
    must(set != NULL && set->num_sections == 1 &&
         set->section[0]->value[POLICY_THREADS].number == 3);
    policy_set_unref(set);
    return 0;
}
