/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emulated.h - what a test has to know when it runs under an emulator of another machine's programs
 * (make check-cross, $TEST_EMULATOR), which does not know all system calls. After cmocka.h.
 */
#ifndef XEN9P_TESTS_EMULATED_H
#define XEN9P_TESTS_EMULATED_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>

static inline bool emulated(void)
{
    return getenv("TEST_EMULATOR") != NULL;
}

/* Ends the case; tests/run-tests shows why. */
#define SKIP_BECAUSE(why)                   \
    do {                                    \
        print_message("# skip: " why "\n"); \
        skip();                             \
    } while (0)

/*
 * libseccomp asks the kernel what it can do before it compiles, and the emulator has no seccomp(2).
 * Told of API level 3 (SECCOMP_FILTER_FLAG_LOG), it compiles what it would on a real machine.
 */
__attribute__((constructor)) static void compile_filters_all_the_same(void)
{
    if (emulated() && seccomp_api_set(3) != 0)
        abort();
}

#endif
