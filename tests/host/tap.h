/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap.h - runs test cases and prints TAP.
 *
 * Each case runs in a process of its own under a time limit, so that a crash, a hang or a failed
 * check of one case is a "not ok" of that case and nothing else. What a case prints is shown only
 * when it fails.
 */
#ifndef XEN9P_TESTS_TAP_H
#define XEN9P_TESTS_TAP_H

#include <stdbool.h>
#include <stddef.h>

#define TAP_JAILED 1u  /* needs the real worker: nothing to test without a jail */
#define TAP_ALONE 2u   /* measures time or load: nothing else runs meanwhile */
#define TAP_LOOP 4u    /* mounts an image of its own: needs a loop device */
#define TAP_SLOW 8u    /* not worth its time under a sanitizer or an emulator */
#define TAP_FREEZE 16u /* freezes a file system, which emulators do not know how to */
#define TAP_LONG 32u   /* takes minutes: runs only by its own name, as check-long does */

struct tap_case {
    const char *name;
    void (*run)(void);
    unsigned flags;
    unsigned seconds; /* time limit, 0: TAP_SECONDS */
};
#define TAP_SECONDS 60u

struct tap_suite {
    const char *name;
    const struct tap_case *cases;
    size_t num_cases;
};
#define TAP_SUITE(id, table) \
    const struct tap_suite suite_##id = {#id, table, sizeof(table) / sizeof((table)[0])}

/*
 * main() of a test program. Arguments: -l lists, -j N cases at once (as many as processors), -v
 * shows the output of all cases, and names "suite", "suite.case" that select.
 */
int tap_main(int argc, char **argv, const struct tap_suite *const *suites, bool jailed);

/* Scratch directory of the running case; removed afterwards, a mount on its "mnt" thawed. */
const char *tap_dir(void);

/* The running case, for cases that share a function. */
const struct tap_case *tap_running(void);

/* The case failed: prints and ends its process. Any thread. */
void tap_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn));
void tap_equal(const char *file, int line, const char *what, long long got, long long want);
/* Compares errno values and prints their names. */
void tap_errno(const char *file, int line, const char *what, int got, int want);
/* A word for the person who reads a failure. */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...) tap_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond)            \
    do {                       \
        if (!(cond))           \
            FAIL("%s", #cond); \
    } while (0)
#define CHECK_EQ(got, want) tap_equal(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_ERR(got, want) tap_errno(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_OK(got) tap_errno(__FILE__, __LINE__, #got, (got), 0)
/* For system calls of the test itself. */
#define MUST(call)                 \
    do {                           \
        if ((call) < 0)            \
            FAIL("%s: %m", #call); \
    } while (0)

/* Monotonic milliseconds. */
long long tap_now(void);
void tap_sleep(long long ms);

#endif
