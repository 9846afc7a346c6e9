/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_log.c - one call is one line, whatever a guest put into a node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "xen9p/log.h"

static char got[16384];

/* What `level` and `text` make of stderr when it is a pipe. */
static size_t logged(enum log_level highest, enum log_level level, const char *text)
{
    int fds[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    fflush(stderr);
    dup2(fds[1], STDERR_FILENO);
    log_init("prog", highest);
    log_msg(level, "%s", text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fds[1]);
    n = read(fds[0], got, sizeof(got) - 1);
    close(fds[0]);
    got[n < 0 ? 0 : n] = '\0';
    return n < 0 ? 0 : (size_t)n;
}

static void test_levels(void **state)
{
    (void)state;
    logged(LOG_LEVEL_DEBUG, LOG_LEVEL_ERROR, "a");
    assert_string_equal(got, "<3>prog: a\n");
    logged(LOG_LEVEL_DEBUG, LOG_LEVEL_WARNING, "a");
    assert_string_equal(got, "<4>prog: a\n");
    logged(LOG_LEVEL_DEBUG, LOG_LEVEL_NOTICE, "a");
    assert_string_equal(got, "<5>prog: a\n");
    logged(LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, "a");
    assert_string_equal(got, "<7>prog: a\n");
    assert_int_equal(logged(LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG, "a"), 0);
    assert_int_equal(logged(LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, "a"), 0);
}

static void test_no_forged_line(void **state)
{
    (void)state;
    logged(LOG_LEVEL_NOTICE, LOG_LEVEL_NOTICE, "x\n<3>prog: disk on fire\r\x1b[2J\x7f\\");
    assert_string_equal(got, "<5>prog: x\\x0a<3>prog: disk on fire\\x0d\\x1b[2J\\x7f\\\\\n");
}

/* Each byte but NUL on its own: printable ASCII or escaped, and told apart from its neighbours. */
static void test_every_byte(void **state)
{
    (void)state;
    for (int b = 1; b < 256; b++) {
        const char text[] = {(char)b, 0};
        char want[32];

        if (b == '\\')
            snprintf(want, sizeof(want), "<5>prog: \\\\\n");
        else if (b >= 0x20 && b < 0x7f)
            snprintf(want, sizeof(want), "<5>prog: %c\n", b);
        else
            snprintf(want, sizeof(want), "<5>prog: \\x%02x\n", (unsigned)b);
        logged(LOG_LEVEL_NOTICE, LOG_LEVEL_NOTICE, text);
        assert_string_equal(got, want);
    }
}

/* The longest lines of the worst bytes: cut, but still one whole line. */
static void test_long_lines(void **state)
{
    char text[9000];
    const char fill[] = {'a', '\n', '\\', (char)0xff};

    (void)state;
    for (size_t f = 0; f < sizeof(fill); f++) {
        for (size_t len = 1020; len < sizeof(text); len = len < 1030 ? len + 1 : len * 2) {
            size_t n;

            memset(text, fill[f], len);
            text[len] = '\0';
            n = logged(LOG_LEVEL_NOTICE, LOG_LEVEL_NOTICE, text);
            assert_true(n > 500);
            assert_int_equal(got[n - 1], '\n');
            assert_ptr_equal(strchr(got, '\n'), got + n - 1);
        }
    }
}

/* A reader of stderr that went away, or none at all, is not the end of the supervisor. */
static void test_closed_stderr(void **state)
{
    int saved = dup(STDERR_FILENO);

    (void)state;
    close(STDERR_FILENO);
    log_init("prog", LOG_LEVEL_NOTICE);
    log_notice("nobody listens to %d", 1);
    dup2(saved, STDERR_FILENO);
    close(saved);
    logged(LOG_LEVEL_NOTICE, LOG_LEVEL_NOTICE, "back");
    assert_string_equal(got, "<5>prog: back\n");
}

/* What is said however little was asked for. */
static void test_always(void **state)
{
    int fds[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    dup2(fds[1], STDERR_FILENO);
    log_init("prog", LOG_LEVEL_ERROR);
    log_always(LOG_LEVEL_DEBUG, "%s\n", "a");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fds[1]);
    n = read(fds[0], got, sizeof(got) - 1);
    close(fds[0]);
    assert_true(n > 0);
    got[n] = '\0';
    assert_string_equal(got, "<7>prog: a\\x0a\n");
    assert_int_equal(log_highest(), LOG_LEVEL_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),        cmocka_unit_test(test_no_forged_line),
        cmocka_unit_test(test_every_byte),    cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_closed_stderr), cmocka_unit_test(test_always),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
