/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_harness.h - what the tests of policies share.
 */
#ifndef XEN9P_TESTS_POLICY_HARNESS_H
#define XEN9P_TESTS_POLICY_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xen9p/policy.h"

#define UUID_A "123e4567-e89b-12d3-a456-426614174000"
#define UUID_B "223e4567-e89b-12d3-a456-426614174000"

static inline void print_report(const struct policy_report *r)
{
    char line[2048];

    for (size_t i = 0; i < r->num; i++) {
        policy_report_format(&r->message[i], line, sizeof(line));
        print_message("%s\n", line);
    }
}

/* A set from a text that has to be good. */
static inline struct policy_set *good(const char *text)
{
    struct policy_report report = {0};
    struct policy_set *set = policy_load_text("t", text, strlen(text), &report);

    print_report(&report);
    assert_non_null(set);
    assert_int_equal(report.num, 0);
    policy_report_clear(&report);
    return set;
}

/* What a device gets; fails when it is refused. */
static inline struct policy *served(struct policy_set *set, const char *uuid, const char *name,
                                    const char *path)
{
    const struct policy_subject who = {uuid, name, path};
    struct policy *p = NULL;
    char why[512] = "";

    if (policy_resolve(set, &who, &p, why, sizeof(why)) != 0)
        fail_msg("refused: %s", why);
    return p;
}

/* The whole of `file`; the caller frees it. */
static inline char *slurp(const char *file, size_t *len)
{
    FILE *in = fopen(file, "rb");
    char *text = calloc(1, 1 << 20);

    if (in == NULL || text == NULL)
        fail_msg("%s cannot be read; tests run in the top folder", file);
    *len = fread(text, 1, (1 << 20) - 1, in);
    fclose(in);
    return text;
}

#endif
