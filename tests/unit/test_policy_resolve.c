/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_policy_resolve.c - which section is a domain's, what holds then, and how it is shown; the
 * policies that are shipped.
 */
#include <dirent.h>
#include <errno.h>

#include "policy_harness.h"
#include "xen9p/p9.h"

#include "../../supervisor/policy_internal.h"

/* Refused, with `text` in the reason. */
static void refused(struct policy_set *set, const char *uuid, const char *name, const char *path,
                    const char *text)
{
    const struct policy_subject who = {uuid, name, path};
    struct policy *p = NULL;
    char why[512] = "";

    assert_int_equal(policy_resolve(set, &who, &p, why, sizeof(why)), -EACCES);
    assert_null(p);
    if (strstr(why, text) == NULL)
        fail_msg("refused with: %s", why);
}

/* Served with this number of threads: the sections of the tests are told apart by it. */
static void expect(struct policy_set *set, const char *uuid, const char *name, const char *path,
                   unsigned threads)
{
    struct policy *p = served(set, uuid, name, path);

    assert_int_equal(policy_number(p, POLICY_THREADS), threads);
    policy_free(p);
}

/* --- which section ---------------------------------------------------------------------------- */

static void test_by_name(void **state)
{
    struct policy_set *set = good("defaults { threads = 1 }\n"
                                  "domain \"web\" { threads = 2 }\n"
                                  "domain \"web-*\" { threads = 3 }\n"
                                  "domain \"web-7\" { threads = 4 }\n"
                                  "domain \"db-?\" { threads = 5 }\n");

    (void)state;
    expect(set, NULL, "web", NULL, 2);
    expect(set, NULL, "web--incoming", NULL, 2);
    expect(set, NULL, "web-1", NULL, 3);
    expect(set, NULL, "web-1--incoming", NULL, 3);
    expect(set, NULL, "web-7", NULL, 4); /* exact before glob */
    expect(set, NULL, "web-7--incoming", NULL, 4);
    expect(set, NULL, "db-1", NULL, 5);
    expect(set, NULL, "db-10", NULL, 1);
    expect(set, NULL, "Web", NULL, 1);
    expect(set, NULL, "7", NULL, 1);
    expect(set, NULL, "--incoming", NULL, 1);
    expect(set, UUID_A, "web", NULL, 2);
    expect(set, NULL, "web-*", NULL, 3); /* a name is not a pattern */
    policy_set_unref(set);
}

static void test_by_uuid(void **state)
{
    struct policy_set *set = good("defaults { threads = 1 }\n"
                                  "domain \"" UUID_A "\" { threads = 2 }\n"
                                  "domain \"*\" { uuid = \"" UUID_B "\" threads = 3 }\n");

    (void)state;
    expect(set, UUID_A, "web", NULL, 2);
    expect(set, "123E4567-E89B-12D3-A456-426614174000", "web", NULL, 2);
    expect(set, UUID_A, NULL, NULL, 2);
    expect(set, UUID_B, "web", NULL, 3);
    expect(set, "323e4567-e89b-12d3-a456-426614174000", UUID_A, NULL, 1);
    refused(set, "123e4567", "web", NULL, "none that a policy can name");
    refused(set, UUID_A " ", "web", NULL, "none that a policy can name");
    refused(set, NULL, "web", NULL, "UUID that it asks for is not known");
    policy_set_unref(set);
}

/* Both given: both must match, and half a match is not passed over. */
static void test_by_both(void **state)
{
    struct policy_set *set = good("defaults { threads = 1 }\n"
                                  "domain \"web\" { uuid = \"" UUID_A "\" threads = 2 }\n");

    (void)state;
    expect(set, UUID_A, "web", NULL, 2);
    expect(set, UUID_A, "web--incoming", NULL, 2);
    expect(set, UUID_B, "db", NULL, 1);
    refused(set, UUID_B, "web", NULL, "has this domain's name but another uuid");
    refused(set, UUID_A, "db", NULL, "has this domain's uuid but another name");
    refused(set, NULL, "web", NULL, "not known here");
    policy_set_unref(set);
}

/* A UUID outranks a glob, and two sections for one domain refuse. */
static void test_ranks(void **state)
{
    struct policy_set *set = good("domain \"web-*\" { threads = 2 }\n"
                                  "domain \"web-1\" { threads = 3 }\n"
                                  "domain \"" UUID_A "\" { threads = 4 }\n");

    (void)state;
    expect(set, UUID_B, "web-2", NULL, 2);
    expect(set, UUID_A, "web-2", NULL, 4);
    expect(set, UUID_B, "web-1", NULL, 3);
    refused(set, UUID_A, "web-1", NULL, "fit it equally well");
    policy_set_unref(set);
}

/* A driver domain sees nothing but the path. */
static void test_by_path(void **state)
{
    struct policy_set *set =
        good("defaults { threads = 1 }\n"
             "template \"t\" { path-allow = {\"/srv/t\"} }\n"
             "domain \"a\" { path-allow = {\"/srv/a\", \"/srv/b\"} threads = 2 }\n"
             "domain \"b\" { path-allow = {\"/srv/a/deep\"} threads = 3 }\n"
             "domain \"c\" { template = t threads = 4 }\n"
             "domain \"d\" { path-allow = {\"/srv/d\"} threads = 5 }\n"
             "domain \"e\" { path-allow = {\"/srv/d\"} threads = 6 }\n"
             "domain \"f\" { path-allow = {\"/srv/d/f\"} threads = 7 }\n"
             "domain \"g\" { threads = 8 }\n");

    (void)state;
    expect(set, NULL, NULL, "/srv/a", 2);
    expect(set, NULL, NULL, "/srv/b/x", 2);
    expect(set, NULL, NULL, "/srv/a/deep", 3);
    expect(set, NULL, NULL, "/srv/a/deep/er", 3);
    expect(set, NULL, NULL, "/srv/a/deeper", 2);
    expect(set, NULL, NULL, "/srv/ab", 1);
    expect(set, NULL, NULL, "/srv/t/x", 4);
    expect(set, NULL, NULL, "/srv", 1);
    refused(set, NULL, NULL, "/srv/d/x", "fit it equally well");
    expect(set, NULL, NULL, "/srv/d/f", 7);
    /* where the name is known, the path is only judged */
    expect(set, NULL, "a", "/srv/b", 2);
    refused(set, NULL, "a", "/srv/t", "is not below the path-allow of t:3; change either");
    expect(set, NULL, "x", "/srv/a/deep", 1);
    policy_set_unref(set);
}

static void test_path_allow(void **state)
{
    struct policy_set *set = good("defaults { path-allow = {\"/srv/x\"} }\n"
                                  "domain \"a\" { threads = 2 }\n"
                                  "domain \"b\" { path-allow = \"/\" threads = 3 }\n");

    (void)state;
    expect(set, NULL, "a", "/srv/x", 2);
    expect(set, NULL, "a", "/srv/x/y", 2);
    refused(set, NULL, "a", "/srv/xy", "\"/srv/xy\" is not below the path-allow of t:1");
    refused(set, NULL, "a", "/srv", "path-allow");
    refused(set, NULL, "other", "/etc", "path-allow");
    expect(set, NULL, NULL, "/etc", 3);
    expect(set, NULL, "b", "/etc", 3);
    policy_set_unref(set);
}

static void tell(void *arg, const char *text)
{
    strcat(strcat(arg, text), "\n");
}

static void test_unmatched(void **state)
{
    struct policy_set *set = good("domain \"a\" { threads = 2 }\ndomain \"b\" { threads = 3 }\n");
    char text[2048] = "";

    (void)state;
    policy_unmatched(set, tell, text);
    assert_non_null(strstr(text, "t:1: domain \"a\" has fitted no device"));
    assert_non_null(strstr(text, "t:2: domain \"b\" has fitted no device"));
    expect(set, NULL, "a", NULL, 2);
    text[0] = '\0';
    policy_unmatched(set, tell, text);
    assert_null(strstr(text, "\"a\""));
    assert_non_null(strstr(text, "\"b\""));
    policy_set_unref(set);
}

/* --- globs: against trying every name --------------------------------------------------------- */

static const char letters[] = "ab*?";

/* The n-th string over the first `base` letters. */
static void nth(unsigned n, unsigned base, char *out)
{
    for (; n > 0; n = (n - 1) / base)
        *out++ = letters[(n - 1) % base];
    *out = '\0';
}

static bool overlap_by_trying(const char *a, const char *b)
{
    char name[16];

    for (unsigned n = 0; n < 255; n++) { /* up to 7 letters of 2 */
        nth(n, 2, name);
        if (policy_glob_match(a, name) && policy_glob_match(b, name))
            return true;
    }
    return false;
}

static void test_globs_overlap(void **state)
{
    char a[16], b[16];
    size_t yes = 0, no = 0;

    (void)state;
    for (unsigned i = 0; i < 341; i++) { /* up to 4 letters of 4 */
        nth(i, 4, a);
        for (unsigned j = 0; j < 341; j++) {
            bool got;

            nth(j, 4, b);
            got = policy_globs_overlap(a, b);
            if (got != overlap_by_trying(a, b))
                fail_msg("\"%s\" and \"%s\": %d", a, b, got);
            yes += got;
            no += !got;
        }
    }
    assert_true(yes > 1000 && no > 1000);
}

static void test_glob_match(void **state)
{
    (void)state;
    assert_true(policy_glob_match("*", ""));
    assert_true(policy_glob_match("a*b*c", "aXbbYc"));
    assert_false(policy_glob_match("a*b*c", "aXbbYcd"));
    assert_false(policy_glob_match("?", ""));
    assert_true(policy_glob_match("**?", "a"));
    /* what costs a backtracking matcher its life */
    assert_false(
        policy_glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b",
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

/* --- what holds ------------------------------------------------------------------------------- */

static void test_precedence(void **state)
{
    struct policy_set *set = good("template \"t\" { max-rings = 2 threads = 3 max-msize = 64K }\n"
                                  "domain \"a\" { template = t threads = 5 }\n"
                                  "defaults { max-msize = 32K max-fids = 100 max-rings = 3 }\n");
    struct policy *p = served(set, NULL, "a", NULL);

    (void)state;
    assert_int_equal(policy_number(p, POLICY_THREADS), 5);           /* domain */
    assert_int_equal(policy_number(p, POLICY_MAX_RINGS), 2);         /* template */
    assert_int_equal(policy_number(p, POLICY_MAX_MSIZE), 64 * 1024); /* template */
    assert_int_equal(policy_number(p, POLICY_MAX_FIDS), 100);        /* defaults */
    assert_int_equal(policy_number(p, POLICY_MAX_RING_ORDER), 9);    /* built-in */
    assert_string_equal(policy_origin(p), "domain \"a\" (t:2)");
    assert_int_equal(p->from[POLICY_MAX_FIDS]->at.line, 3);
    assert_int_equal(p->from[POLICY_MAX_MSIZE]->at.line, 1);
    policy_free(p);
    p = served(set, NULL, "b", NULL);
    assert_int_equal(policy_number(p, POLICY_MAX_MSIZE), 32 * 1024);
    assert_string_equal(policy_origin(p), "defaults (t:3)");
    /* a policy outlives its set */
    policy_set_unref(set);
    assert_int_equal(policy_number(p, POLICY_MAX_FIDS), 100);
    policy_free(p);
}

static uint32_t operations_of(const char *defaults, const char *domain, const char *access)
{
    char text[512];
    struct policy_set *set;
    struct policy *p;
    uint32_t bits;

    snprintf(text, sizeof(text),
             "defaults { operations = {%s} }\ndomain \"a\" { operations = {%s} access = %s }\n",
             defaults, domain, access);
    set = good(text);
    p = served(set, NULL, "a", NULL);
    bits = policy_operations(p);
    policy_free(p);
    policy_set_unref(set);
    return bits;
}

static void test_operations(void **state)
{
    const uint32_t all = OPERATIONS_ALL;

    (void)state;
    assert_int_equal(operations_of("\"+all\"", "\"-mknod\", '-xattr'", "read-write"),
                     all & ~(uint32_t)(OPERATION_MKNOD | OPERATION_XATTR));
    /* inherited, then changed */
    assert_int_equal(operations_of("\"-mknod\"", "\"-link\"", "read-write"),
                     all & ~(uint32_t)(OPERATION_MKNOD | OPERATION_LINK));
    assert_int_equal(operations_of("\"-mknod\", \"-link\"", "\"+link\"", "read-write"),
                     all & ~(uint32_t)OPERATION_MKNOD);
    assert_int_equal(operations_of("\"-mknod\"", "\"+all\"", "read-write"), all);
    assert_int_equal(operations_of("\"+all\"", "\"-all\", \"+read\"", "read-write"),
                     OPERATION_READ);
    /* in the order given */
    assert_int_equal(operations_of("\"+all\"", "\"+link\", \"-all\"", "read-write"), 0);
    assert_int_equal(operations_of("\"-all\"", "\"-link\", \"+link\"", "read-write"),
                     OPERATION_LINK);
    /* read-only is a ceiling */
    assert_int_equal(operations_of("\"+all\"", "\"+all\"", "read-only"), OPERATIONS_READ_ONLY);
    assert_int_equal(operations_of("\"+all\"", "\"-statfs\", \"+write\"", "read-only"),
                     OPERATIONS_READ_ONLY & ~(uint32_t)OPERATION_STATFS);
}

static void test_ceiling(void **state)
{
    struct policy_set *set = good("domain \"a\" { max-fids = 1000 }\n"
                                  "domain \"b\" { max-fids = 1000 toolstack-limits = ignore }\n");
    struct policy *p = served(set, NULL, "a", NULL);

    (void)state;
    assert_int_equal(policy_ceiling(p, POLICY_MAX_FIDS, 0), 1000);
    assert_int_equal(policy_ceiling(p, POLICY_MAX_FIDS, 999), 999);
    assert_int_equal(policy_ceiling(p, POLICY_MAX_FIDS, 1001), 1000);
    assert_int_equal(policy_ceiling(p, POLICY_MAX_SPACE, 0), 0); /* 0 in both: no limit */
    assert_int_equal(policy_ceiling(p, POLICY_MAX_SPACE, 5), 5);
    policy_free(p);
    p = served(set, NULL, "b", NULL);
    assert_int_equal(policy_ceiling(p, POLICY_MAX_FIDS, 999), 1000);
    assert_int_equal(policy_ceiling(p, POLICY_MAX_SPACE, 5), 0);
    policy_free(p);
    policy_set_unref(set);
}

/* --- showing ---------------------------------------------------------------------------------- */

static char *printed(const struct policy *p)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    policy_print(p, out);
    fclose(out);
    return text;
}

/* What is printed says the same when it is loaded. */
static void round_trip(struct policy *p, const char *uuid, const char *name)
{
    char *text = printed(p);
    struct policy_set *set = good(text);
    struct policy *q = served(set, uuid, name, NULL);
    size_t reconnect;

    assert_int_equal(policy_diff(p, q, stderr, &reconnect), 0);
    assert_int_equal(policy_operations(p), policy_operations(q));
    policy_free(q);
    policy_set_unref(set);
    free(text);
}

static void test_print(void **state)
{
    struct policy_set *set =
        good("template \"t\" { threads = 3\noperations = {\"-mknod\"} }\n"
             "domain \"a\" {\n uuid = \"" UUID_A "\" template = t\n"
             "path-allow = {\"/srv/a\", \"/srv/b\"}\n"
             "presented-owner = \"1000:100\"             max-msize = 12345 }\n");
    struct policy *p = served(set, UUID_A, "a", "/srv/b");
    char *text = printed(p);

    (void)state;
    assert_non_null(strstr(text, "# domain \"a\" (t:3), template \"t\" (t:1)\ndomain \"a\" {\n"));
    assert_non_null(strstr(text, "uuid = \"" UUID_A "\" # t:4\n"));
    assert_non_null(strstr(text, "path-allow = {\"/srv/a\", \"/srv/b\"}        # t:5\n"));
    assert_non_null(strstr(text, "operations = {\"+all\", \"-mknod\"} "));
    assert_non_null(strstr(text, "presented-owner = \"1000:100\"             # t:6\n"));
    assert_non_null(strstr(text, "max-msize = 12345 "));
    assert_non_null(strstr(text, "threads = 3                              # t:1\n"));
    assert_non_null(strstr(text, "max-rings = 4                            # built-in\n"));
    free(text);
    round_trip(p, UUID_A, "a");
    policy_free(p);
    p = served(set, UUID_B, "b", "/srv");
    round_trip(p, NULL, "b");
    policy_free(p);
    policy_set_unref(set);
}

/* Every policy that is shipped loads, alone and with the others, and says the same when printed. */
static void test_shipped(void **state)
{
    DIR *dir = opendir("policy");
    struct dirent *e;
    char path[16][300];
    const char *files[16];
    size_t n = 0;
    struct policy_report report = {0};
    struct policy_set *set;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        if (strstr(e->d_name, ".conf") == NULL || strcmp(strstr(e->d_name, ".conf"), ".conf") != 0)
            continue;
        assert_true(n < 16);
        snprintf(path[n], sizeof(path[n]), "policy/%s", e->d_name);
        files[n] = path[n];
        set = policy_load_files(&files[n], 1, &report);
        print_report(&report);
        assert_non_null(set);
        for (size_t i = 0; i < set->num_sections; i++) {
            const struct policy_section *s = set->section[i];
            struct policy *p = policy_of_section(set, s->kind == POLICY_DOMAIN ? s : NULL);

            round_trip(p, s->uuid.text, s->title);
            policy_free(p);
        }
        policy_set_unref(set);
        n++;
    }
    closedir(dir);
    assert_true(n >= 6);
    set = policy_load_files(files, n, &report);
    assert_non_null(set);
    policy_set_unref(set);
    policy_report_clear(&report);
}

/* The shipped default is what holds without it. */
static void test_shipped_default(void **state)
{
    struct policy_report report = {0};
    const char *file = "policy/xen9p.conf";
    struct policy_set *with = policy_load_files(&file, 1, &report), *without = good("");
    struct policy *p = served(with, NULL, "a", NULL), *q = served(without, NULL, "a", NULL);
    size_t reconnect;

    (void)state;
    assert_int_equal(policy_diff(p, q, stderr, &reconnect), 0);
    for (int i = 0; i < POLICY_KEYS; i++)
        if (policy_keys[i].enforced != POLICY_NOT_ENFORCED && i != POLICY_PATH_ALLOW &&
            p->from[i]->at.file == NULL)
            fail_msg("policy/xen9p.conf does not say %s", policy_keys[i].name);
    policy_free(p);
    policy_free(q);
    policy_set_unref(with);
    policy_set_unref(without);
    policy_report_clear(&report);
}

static void test_diff(void **state)
{
    struct policy_set *from = good("defaults { threads = 2 }\n"
                                   "domain \"a\" { access = read-only }\n"
                                   "domain \"b\" { threads = 2 }\n");
    struct policy_set *to = good("defaults { threads = 2 restart-limit = 1 }\n"
                                 "domain \"a\" { access = read-write restart-limit = 5 }\n"
                                 "domain \"c\" { path-allow = \"/srv\" restart-limit = 5 }\n");
    char *text = NULL;
    size_t len, reconnect;
    FILE *out = open_memstream(&text, &len);
    struct policy *p = served(from, NULL, "a", NULL), *q = served(to, NULL, "a", NULL);

    (void)state;
    assert_int_equal(policy_diff_sets(from, to, out), 4);
    fclose(out);
    assert_string_equal(
        text, "  any other domain\n"
              "    restart-limit: 5 -> 1 (built-in -> t:1; live)\n"
              "  domain \"a\"\n"
              "    access: read-only -> read-write (t:2 -> t:2; at the next connection)\n"
              "- domain \"b\"\n"
              "    restart-limit: 5 -> 1 (built-in -> t:1; live)\n"
              "+ domain \"c\"\n"
              "    path-allow: any -> {\"/srv\"} (built-in -> t:3; at the next connection)\n");
    free(text);
    assert_int_equal(policy_diff(p, q, NULL, &reconnect), 1);
    assert_int_equal(reconnect, 1);
    policy_free(p);
    policy_free(q);
    policy_set_unref(from);
    policy_set_unref(to);
}

/* --- the table of operations ------------------------------------------------------------------ */

static void test_operation_table(void **state)
{
    uint32_t seen = 0;

    (void)state;
    for (size_t i = 0; i < OPERATIONS; i++) {
        const struct operation_info *o = &operation_table[i];

        assert_int_equal(o->bit, 1u << i);
        assert_int_equal(operation_by_name(o->name, strlen(o->name)), o->bit);
        seen |= o->bit;
        for (size_t m = 0; m < OPERATION_MAX_MESSAGES && o->message[m] != 0; m++) {
            /* in one group only, refused without it and by nothing else */
            assert_int_equal(operation_admits(OPERATIONS_ALL & ~o->bit, o->message[m]), -o->error);
            assert_int_equal(operation_admits(o->bit, o->message[m]), 0);
        }
    }
    assert_int_equal(seen, OPERATIONS_ALL);
    assert_int_equal(operation_by_name("rea", 3), 0);
    for (int type = 0; type < 256; type++)
        assert_int_equal(operation_admits(OPERATIONS_ALL, (uint8_t)type), 0);
    /* without these nobody can even look */
    assert_int_equal(operation_admits(0, P9_TVERSION), 0);
    assert_int_equal(operation_admits(0, P9_TATTACH), 0);
    assert_int_equal(operation_admits(0, P9_TWALK), 0);
    assert_int_equal(operation_admits(0, P9_TCLUNK), 0);
    assert_int_equal(operation_admits(0, P9_TGETATTR), 0);
    assert_int_equal(operation_refusal(OPERATION_READ, OPERATION_READ | OPERATION_LINK), -EPERM);
    assert_int_equal(operation_refusal(OPERATIONS_ALL, OPERATIONS_ALL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_name),         cmocka_unit_test(test_by_uuid),
        cmocka_unit_test(test_by_both),         cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_by_path),         cmocka_unit_test(test_path_allow),
        cmocka_unit_test(test_unmatched),       cmocka_unit_test(test_globs_overlap),
        cmocka_unit_test(test_glob_match),      cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_operations),      cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_print),           cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_shipped_default), cmocka_unit_test(test_diff),
        cmocka_unit_test(test_operation_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
