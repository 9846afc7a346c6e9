/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_policy.c - loading policies: every fixture of tests/unit/policy with exactly the errors that
 * its head lists, files that must not be trusted, the table of keys against limits.h and the manual.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_harness.h"
#include "xen9p/limits.h"

#define FIXTURES "tests/unit/policy"

/* --- fixtures --------------------------------------------------------------------------------- */

/* "#! LINE: TEXT" at the head of `text` -> "NAME:LINE: error: TEXT". How many. */
static size_t expected(const char *name, const char *text, char want[][512], size_t cap)
{
    size_t n = 0;

    for (; strncmp(text, "#! ", 3) == 0; text += strcspn(text, "\n") + 1) {
        unsigned line = 0;
        int at = 0;

        assert_true(n < cap);
        assert_int_equal(sscanf(text, "#! %u: %n", &line, &at), 1);
        snprintf(want[n++], 512, "%s:%u: error: %.*s", name, line, (int)strcspn(text + at, "\n"),
                 text + at);
    }
    return n;
}

static int order(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_fixture(const char *name)
{
    static char want[64][512], got[64][512];
    struct policy_report report = {0};
    char path[512];
    size_t len, n;
    char *text;

    snprintf(path, sizeof(path), "%s/%s", FIXTURES, name);
    text = slurp(path, &len);
    n = expected(name, text, want, 64);
    assert_null(policy_load_text(name, text, len, &report));
    assert_true(report.num <= 64);
    for (size_t i = 0; i < report.num; i++)
        policy_report_format(&report.message[i], got[i], sizeof(got[i]));
    qsort(want, n, sizeof(want[0]), order);
    qsort(got, report.num, sizeof(got[0]), order);
    for (size_t i = 0; i < n && i < report.num; i++)
        assert_string_equal(got[i], want[i]);
    if (report.num != n)
        fail_msg("%s: %zu messages, not %zu", name, report.num, n);
    assert_int_equal(report.errors, n);
    policy_report_clear(&report);
    free(text);
}

static void test_fixtures(void **state)
{
    DIR *dir = opendir(FIXTURES);
    struct dirent *e;
    size_t n = 0;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        check_fixture(e->d_name);
        n++;
    }
    closedir(dir);
    assert_true(n >= 27);
}

/* One after the other in one process: libConfuse's lexer remembers where the last file left it. */
static void test_after_a_broken_one(void **state)
{
    static const char *const broken[] = {
        "domain \"a",
        "domain 'a",
        "domain \"a\" { access = \"",
        "/* ",
        "domain \"a\" { /* ",
        "# ",
        "domain \"a\" { operations = {\"+all\",",
        "domain",
        "domain \"a\" { access =",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct policy_report report = {0};
        struct policy *p;
        struct policy_set *set = policy_load_text("broken", broken[i], strlen(broken[i]), &report);

        assert_true((set == NULL) == (strcmp(broken[i], "# ") != 0));
        policy_set_unref(set);
        policy_report_clear(&report);
        set = good("domain \"a\" { access = read-only threads = 3 }");
        p = served(set, NULL, "a", NULL);
        assert_int_equal(policy_number(p, POLICY_THREADS), 3);
        policy_free(p);
        policy_set_unref(set);
    }
}

static void test_too_many_errors(void **state)
{
    struct policy_report report = {0};
    size_t lines = POLICY_MAX_MESSAGES + 100;
    char *text = calloc(lines + 1, 32);
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < lines; i++)
        len += (size_t)sprintf(text + len, "defaults { threads = 0 }\n");
    assert_null(policy_load_text("t", text, len, &report));
    assert_int_equal(report.num, POLICY_MAX_MESSAGES);
    assert_int_equal(report.errors, lines + lines - 1); /* a bad value, and a second section */
    assert_int_equal(report.dropped, report.errors - POLICY_MAX_MESSAGES);
    policy_report_clear(&report);
    free(text);
}

/* --- the table -------------------------------------------------------------------------------- */

static void test_presets(void **state)
{
    struct policy_set *set = good("");
    struct policy *p = served(set, NULL, "a", "/srv/a");

    (void)state;
    assert_int_equal(policy_number(p, POLICY_ACCESS), POLICY_READ_WRITE);
    assert_int_equal(policy_operations(p), OPERATIONS_ALL);
    assert_int_equal(policy_number(p, POLICY_MAX_FIDS), LIMIT_MAX_FIDS);
    assert_int_equal(policy_number(p, POLICY_MAX_MSIZE), LIMIT_MAX_MSIZE);
    assert_int_equal(policy_number(p, POLICY_MAX_RINGS), LIMIT_MAX_RINGS);
    assert_int_equal(policy_number(p, POLICY_MAX_RING_ORDER), LIMIT_RING_PAGE_ORDER);
    assert_int_equal(policy_number(p, POLICY_THREADS), LIMIT_THREADS);
    assert_int_equal(policy_number(p, POLICY_RESTART_LIMIT), LIMIT_DEATHS);
    assert_int_equal(policy_number(p, POLICY_RESTART_WINDOW) * 1000, LIMIT_DEATHS_MS);
    assert_int_equal(policy_number(p, POLICY_RESTART_DELAY), LIMIT_BACKOFF_MS);
    assert_int_equal(policy_number(p, POLICY_RESTART_DELAY_MAX), LIMIT_BACKOFF_MAX_MS);
    assert_int_equal(policy_number(p, POLICY_PRESENTED_OWNER), 0);
    assert_int_equal(policy_number(p, POLICY_MAX_SPACE), 0);
    assert_string_equal(policy_origin(p), "built-in");
    policy_free(p);
    policy_set_unref(set);
}

static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(policy_keys[POLICY_MAX_RINGS].max, LIMIT_MAX_RINGS);
    assert_int_equal(policy_keys[POLICY_MAX_RING_ORDER].max, LIMIT_RING_PAGE_ORDER);
    assert_int_equal(policy_keys[POLICY_THREADS].max, LIMIT_THREADS_MAX);
    assert_int_equal(policy_keys[POLICY_MAX_MSIZE].max, LIMIT_MAX_MSIZE);
    assert_true(2 * policy_keys[POLICY_MAX_FIDS].max < LIMIT_NOFILE); /* a fid may be open */
    assert_int_equal(policy_keys[POLICY_RESTART_LIMIT].max, LIMIT_DEATHS);
    for (int i = 0; i < POLICY_KEYS; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(policy_keys[i].name, policy_keys[j].name);
}

/* A known key is either enforced or refused, with its default as with any other value. */
static void test_enforced_or_refused(void **state)
{
    size_t refused = 0;

    (void)state;
    for (int i = 0; i < POLICY_KEYS; i++) {
        const struct policy_key_info *k = &policy_keys[i];
        struct policy_report report = {0};
        struct policy_set *set;
        char text[256];

        snprintf(text, sizeof(text), "defaults { %s = \"%s\" }", k->name,
                 k->type == POLICY_TYPE_PATHS ? "/"
                 : k->type == POLICY_TYPE_SET ? k->choices[0]
                                              : k->preset);
        set = policy_load_text("t", text, strlen(text), &report);
        if (k->enforced == POLICY_NOT_ENFORCED) {
            assert_null(set);
            assert_int_equal(report.num, 1);
            assert_non_null(strstr(report.message[0].text, "not enforced by this version"));
            refused++;
        } else {
            print_report(&report);
            assert_non_null(set);
        }
        policy_report_clear(&report);
        policy_set_unref(set);
    }
    assert_true(refused < POLICY_KEYS);
}

static void size_text(char *out, uint64_t n)
{
    int i = -1;

    for (; n != 0 && n % 1024 == 0 && i < 3; i++)
        n /= 1024;
    if (i < 0)
        sprintf(out, "%llu", (unsigned long long)n);
    else
        sprintf(out, "%llu%c", (unsigned long long)n, "KMGT"[i]);
}

static void choices_text(const struct policy_key_info *k, const char *start, uint32_t which,
                         char *out)
{
    const char *comma = " ";

    out += sprintf(out, "%s", start);
    for (int i = 0; i < POLICY_MAX_CHOICES && k->choices[i] != NULL; i++) {
        if ((which >> i & 1) == 0)
            continue;
        out += sprintf(out, "%s%s", comma, k->choices[i]);
        comma = ", ";
    }
    sprintf(out, ".\n");
}

/* The lines that the manual has to have for a key, as they stand there. */
static void facts_of(const struct policy_key_info *k, char *out)
{
    char a[32], b[32];

    switch (k->type) {
    case POLICY_TYPE_SIZE:
        size_text(a, k->min);
        size_text(b, k->max);
        out += sprintf(out, "Range: %s to %s %s.\n", a, b, k->unit);
        break;
    case POLICY_TYPE_NUMBER:
        out += sprintf(out, "Range: %llu to %llu %s.\n", (unsigned long long)k->min,
                       (unsigned long long)k->max, k->unit);
        break;
    case POLICY_TYPE_MODE:
        out += sprintf(out, "Range: 0000 to 0777 octal.\n");
        break;
    case POLICY_TYPE_PAIR:
        out += sprintf(out, "Form: %s.\n", k->unit);
        break;
    case POLICY_TYPE_CHOICE:
    case POLICY_TYPE_SET:
        choices_text(k, k->type == POLICY_TYPE_SET ? "List of:" : "One of:", UINT32_MAX, out);
        out += strlen(out);
        break;
    case POLICY_TYPE_PATHS:
        out += sprintf(out, "List of absolute paths.\n");
        break;
    case POLICY_TYPE_OPERATIONS:
        out += sprintf(out, "List of +NAME and -NAME.\n");
        break;
    }
    out += sprintf(out, "Default: %s.\n", k->preset[0] != '\0' ? k->preset : "none");
    out +=
        sprintf(out, "Changes %s.\n", k->live ? "at once on a reload" : "with the next connection");
    if (k->enforced == POLICY_NOT_ENFORCED)
        sprintf(out, "Not enforced by this version.\n");
    else if (k->enforced != POLICY_ENFORCED)
        choices_text(k, "Enforced by this version:", k->enforced, out);
}

static void test_manual(void **state)
{
    size_t len, items = 0;
    char *page = slurp("policy/xen9p.conf.5", &len), *keys = strstr(page, ".Sh KEYS");

    (void)state;
    assert_non_null(keys);
    for (int i = 0; i < POLICY_KEYS; i++) {
        char item[64], facts[1024], *at, *end;

        snprintf(item, sizeof(item), ".It Ic %s\n", policy_keys[i].name);
        at = strstr(keys, item);
        if (at == NULL)
            fail_msg("xen9p.conf(5) does not know %s", policy_keys[i].name);
        facts_of(&policy_keys[i], facts);
        end = strstr(at, facts);
        if (end == NULL ||
            (strncmp(end + strlen(facts), ".It ", 4) != 0 &&
             strncmp(end + strlen(facts), ".El", 3) != 0) ||
            strstr(at + 1, ".It ") < end)
            fail_msg("xen9p.conf(5), %s has to end with:\n%s", policy_keys[i].name, facts);
    }
    /* and nothing else */
    for (char *at = keys; (at = strstr(at, ".It Ic ")) != NULL; at++)
        items++;
    assert_int_equal(items, POLICY_KEYS);
    free(page);
}

static void test_manual_of_operations(void **state)
{
    size_t len;
    char *page = slurp("policy/xen9p.conf.5", &len), *part = strstr(page, ".Sh OPERATIONS");

    (void)state;
    assert_non_null(part);
    for (size_t i = 0; i < OPERATIONS; i++) {
        char item[64], *at, *end;

        snprintf(item, sizeof(item), ".It Cm %s\n", operation_table[i].name);
        at = strstr(part, item);
        if (at == NULL)
            fail_msg("xen9p.conf(5) does not know %s", operation_table[i].name);
        end = strstr(at + 1, ".It ");
        if (end != NULL)
            *end = '\0';
        if (strstr(at, strerrorname_np(operation_table[i].error)) == NULL)
            fail_msg("xen9p.conf(5): %s gives %s", operation_table[i].name,
                     strerrorname_np(operation_table[i].error));
        if (end != NULL)
            *end = '.';
    }
    free(page);
}

/* --- files ------------------------------------------------------------------------------------ */

static char top[] = "/tmp/test_policy.XXXXXX";

static void put(const char *name, const char *text)
{
    char path[512];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", top, name);
    out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(path, 0644), 0);
}

static const char *in_top(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", top, name);
    return path;
}

static int make_top(void **state)
{
    (void)state;
    strcpy(top + sizeof(top) - 7, "XXXXXX");
    if (mkdtemp(top) == NULL)
        return -1;
    return mkdir(in_top("policy.d"), 0755);
}

static int remove_top(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

/* Loads `top` for owner `owner`; the only message has to contain `text`, NULL: there is none. */
static void expect_load(uid_t owner, const char *text)
{
    struct policy_report report = {0};
    struct policy_set *set = policy_load(top, owner, &report);

    print_report(&report);
    if (text == NULL) {
        assert_non_null(set);
        assert_int_equal(report.num, 0);
    } else {
        char line[1024];

        assert_null(set);
        assert_int_equal(report.num, 1);
        policy_report_format(&report.message[0], line, sizeof(line));
        assert_non_null(strstr(line, text));
    }
    policy_set_unref(set);
    policy_report_clear(&report);
}

static void test_nothing_there(void **state)
{
    struct policy_report report = {0};
    struct policy_set *set;

    (void)state;
    set = policy_load("/nonexistent/xen9p", 0, &report);
    assert_non_null(set);
    assert_int_equal(report.num, 0);
    assert_int_equal(policy_set_files(set), 0);
    policy_set_unref(set);
    expect_load(geteuid(), NULL);
}

static void test_order_and_names(void **state)
{
    struct policy_report report = {0};
    struct policy_set *set;

    (void)state;
    put("xen9p.conf", "defaults { threads = 2 }\n");
    put("policy.d/b.conf", "template \"t\" { threads = 3 }\n");
    put("policy.d/B.conf", "domain \"b\" { template = t }\n");
    put("policy.d/a.conf", "domain \"a\" { template = t threads = 4 }\n");
    put("policy.d/a.conf~", "broken");
    put("policy.d/.a.conf", "broken");
    put("policy.d/README", "broken");
    set = policy_load(top, geteuid(), &report);
    print_report(&report);
    assert_non_null(set);
    assert_int_equal(policy_set_files(set), 4);
    assert_int_equal(policy_set_domains(set), 2);
    policy_set_unref(set);
    policy_report_clear(&report);
    /* the later one is told, in the order of bytes: B before a */
    put("policy.d/c.conf", "domain \"b\" { threads = 1 }\n");
    expect_load(geteuid(), "policy.d/c.conf:1: error: domain \"b\" is there already, at ");
    put("policy.d/A.conf", "domain \"b\" { threads = 1 }\n");
    put("policy.d/c.conf", "");
    expect_load(geteuid(), "policy.d/B.conf:1: error: domain \"b\" is there already, at ");
}

static void test_every_file_is_read(void **state)
{
    struct policy_report report = {0};

    (void)state;
    put("xen9p.conf", "defaults { treads = 2 }\n");
    put("policy.d/a.conf", "domain \"a\" { threads = \"\n");
    put("policy.d/b.conf", "domain \"b\" { template = t }\n");
    put("policy.d/c.conf", "domain \"c\" { threads = 0 }\n");
    assert_null(policy_load(top, geteuid(), &report));
    print_report(&report);
    assert_int_equal(report.errors, 5); /* a string and a section that do not end, in a.conf */
    policy_report_clear(&report);
}

static void test_untrusted(void **state)
{
    (void)state;
    put("xen9p.conf", "defaults { threads = 2 }\n");
    expect_load(geteuid(), NULL);
    assert_int_equal(chmod(in_top("xen9p.conf"), 0664), 0);
    expect_load(geteuid(), "xen9p.conf: error: others can write it (mode 0664); chmod go-w");
    assert_int_equal(chmod(in_top("xen9p.conf"), 0646), 0);
    expect_load(geteuid(), "xen9p.conf: error: others can write it (mode 0646); chmod go-w");
    assert_int_equal(chmod(in_top("xen9p.conf"), 0600), 0);
    expect_load(geteuid(), NULL);
    assert_int_equal(chmod(in_top("policy.d"), 0775), 0);
    expect_load(geteuid(), "policy.d: error: others can write it (mode 0775); chmod go-w");
    assert_int_equal(chmod(in_top("policy.d"), 0755), 0);
    assert_int_equal(chmod(top, 0777), 0);
    expect_load(geteuid(), "others can write it (mode 0777); chmod go-w");
    assert_int_equal(chmod(top, 0700), 0);
    expect_load(geteuid(), NULL);
}

/* Seen from somebody else: all three are not that owner's. */
static void test_owner(void **state)
{
    struct policy_report report = {0};

    (void)state;
    put("xen9p.conf", "defaults { threads = 2 }\n");
    assert_null(policy_load(top, geteuid() + 1, &report));
    assert_int_equal(report.num, 3);
    for (size_t i = 0; i < report.num; i++)
        assert_non_null(strstr(report.message[i].text, "chown it"));
    policy_report_clear(&report);
}

static void test_no_links(void **state)
{
    (void)state;
    put("elsewhere", "defaults { threads = 2 }\n");
    assert_int_equal(symlink("elsewhere", in_top("xen9p.conf")), 0);
    expect_load(geteuid(), "xen9p.conf: error: is a symbolic link");
    assert_int_equal(unlink(in_top("xen9p.conf")), 0);
    assert_int_equal(rmdir(in_top("policy.d")), 0);
    assert_int_equal(symlink("/tmp", in_top("policy.d")), 0);
    expect_load(geteuid(), "policy.d: error: is a symbolic link");
}

static void test_no_special_files(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_top("xen9p.conf"), 0644), 0);
    expect_load(geteuid(), "xen9p.conf: error: is no regular file");
    assert_int_equal(unlink(in_top("xen9p.conf")), 0);
    assert_int_equal(mkdir(in_top("policy.d/x.conf"), 0755), 0);
    expect_load(geteuid(), "policy.d/x.conf: error: is no regular file");
}

static void test_large_file(void **state)
{
    char *text = malloc((1 << 20) + 2);

    (void)state;
    memset(text, '\n', (1 << 20) + 1);
    text[1 << 20] = '\0';
    put("xen9p.conf", text);
    expect_load(geteuid(), NULL);
    text[1 << 20] = '\n';
    text[(1 << 20) + 1] = '\0';
    put("xen9p.conf", text);
    expect_load(geteuid(), "xen9p.conf: error: is larger than 1 MiB");
    free(text);
}

/* A draft: what it says is judged, who could have written it is worth a warning. */
static void test_draft(void **state)
{
    struct policy_report report = {0};
    const char *files[] = {in_top("draft")};
    struct policy_set *set;

    (void)state;
    put("draft", "defaults { threads = 2 }\n");
    assert_int_equal(chmod(in_top("draft"), 0666), 0);
    set = policy_load_files(files, 1, &report);
    assert_non_null(set);
    assert_int_equal(report.errors, 0);
    assert_int_equal(report.num, geteuid() == 0 ? 1 : 2);
    assert_true(report.message[report.num - 1].warning);
    policy_set_unref(set);
    policy_report_clear(&report);
    files[0] = "/nonexistent/draft";
    assert_null(policy_load_files(files, 1, &report));
    assert_int_equal(report.errors, 1);
    policy_report_clear(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_after_a_broken_one),
        cmocka_unit_test(test_too_many_errors),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_enforced_or_refused),
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_manual_of_operations),
        cmocka_unit_test_setup_teardown(test_nothing_there, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_order_and_names, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_every_file_is_read, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_untrusted, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_owner, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_no_links, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_no_special_files, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_large_file, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_draft, make_top, remove_top),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
