/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_policy_ctl.c - "xen9pctl policy": exit status, and what goes where.
 */
#include <fcntl.h>
#include <unistd.h>

#include "policy_harness.h"

#include "emulated.h"

#include "../../supervisor/ctl_policy.h"

static char out_text[1 << 18], err_text[1 << 16];
static char conf[] = "/tmp/test_policy_ctl.XXXXXX";

static void read_back(FILE *f, char *text, size_t cap)
{
    rewind(f);
    text[fread(text, 1, cap - 1, f)] = '\0';
    fclose(f);
}

/* Runs one command with its output caught. */
static int run(int argc, const char *const *argv)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int old_out, old_err, status;

    fflush(stdout);
    fflush(stderr);
    old_out = dup(STDOUT_FILENO);
    old_err = dup(STDERR_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    status = ctl_policy(argc, (char **)(uintptr_t)argv);
    fflush(stdout);
    fflush(stderr);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    close(old_out);
    close(old_err);
    read_back(out, out_text, sizeof(out_text));
    read_back(err, err_text, sizeof(err_text));
    return status;
}
#define RUN(...)                                                       \
    run((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), \
        (const char *const[]){__VA_ARGS__})

static int make_conf(void **state)
{
    int fd = mkstemp(conf);
    static const char text[] = "domain \"a\" { access = read-only path-allow = \"/srv/a\" }\n"
                               "domain \"w-*\" { threads = 2 }\n";

    (void)state;
    if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
        return -1;
    return close(fd);
}

static int remove_conf(void **state)
{
    (void)state;
    return unlink(conf);
}

static void test_check(void **state)
{
    (void)state;
    assert_int_equal(RUN("check", conf), 0);
    assert_non_null(strstr(out_text, "1 file, no errors\n2 domains, 1 of them by a glob"));
    assert_non_null(strstr(out_text, "32768 fids, 8 threads, 4104 grants and 512 MiB"));
    assert_int_equal(
        RUN("check", "tests/unit/policy/values.conf", "tests/unit/policy/no-title.conf"), 1);
    assert_non_null(strstr(err_text, "values.conf:24: error: access \"readonly\""));
    assert_non_null(strstr(err_text, "no-title.conf:2: error: missing title"));
    assert_non_null(strstr(err_text, "21 errors\n"));
    assert_int_equal(RUN("check", "/nonexistent"), 1);
    assert_int_equal(RUN("check", "--what"), 2);
}

static void test_print(void **state)
{
    (void)state;
    assert_int_equal(RUN("print", "a", "--config", conf), 0);
    assert_non_null(strstr(out_text, "domain \"a\" {\n"));
    assert_non_null(strstr(out_text, "access = read-only "));
    assert_int_equal(RUN("print", "a", "--config", conf, "--path", "/srv/b"), 1);
    assert_non_null(strstr(err_text, "refused: export path \"/srv/b\" is not below"));
    assert_int_equal(RUN("print", "--config", conf, "--path", "/srv/a/b"), 0);
    assert_non_null(strstr(out_text, "domain \"a\" {\n"));
    assert_int_equal(RUN("print", "x", "--config", conf, "--uuid", "1"), 1);
    assert_int_equal(RUN("print", "x", "--config", "tests/unit/policy/values.conf"), 1);
    assert_int_equal(RUN("print", "--config", conf), 2);
    assert_int_equal(RUN("print", "a", "b"), 2);
    assert_int_equal(RUN("print", "a", "--path"), 2);
    assert_int_equal(RUN("print", "a", "--uuid", UUID_A, "--uuid", UUID_A), 2);
    assert_int_equal(RUN("print", "a", "--nothing"), 2);
}

static void test_seccomp(void **state)
{
    (void)state;
    assert_int_equal(RUN("seccomp", "w-1", "--config", conf), 0);
    assert_non_null(strstr(out_text, "# domain \"w-*\""));
    assert_non_null(strstr(out_text, "\n# sha256:"));
    assert_non_null(strstr(out_text, "pwritev2"));
    assert_int_equal(RUN("seccomp", "a", "--config", conf), 0);
    assert_non_null(strstr(out_text, "preadv2"));
    assert_null(strstr(out_text, "pwritev2"));
    assert_null(strstr(out_text, "unlinkat"));
}

static void test_diff(void **state)
{
    (void)state;
    assert_int_equal(RUN("diff", conf, conf), 0);
    assert_string_equal(out_text, "");
    assert_int_equal(RUN("diff", "policy/xen9p.conf", conf), 1);
    assert_non_null(strstr(out_text, "+ domain \"a\"\n"));
    assert_int_equal(RUN("diff", conf, "tests/unit/policy/values.conf"), 2);
    assert_int_equal(RUN("diff", conf), 2);
}

static void test_usage(void **state)
{
    (void)state;
    assert_int_equal(run(0, NULL), 2);
    assert_int_equal(RUN("dance"), 2);
    assert_non_null(strstr(err_text, "policy check"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check), cmocka_unit_test(test_print), cmocka_unit_test(test_seccomp),
        cmocka_unit_test(test_diff),  cmocka_unit_test(test_usage),
    };

    return cmocka_run_group_tests(tests, make_conf, remove_conf);
}
