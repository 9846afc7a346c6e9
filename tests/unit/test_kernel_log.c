/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_kernel_log.c - the call that a process was killed for: as the kernel tells it, and nobody
 * else.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen9p/kernel_log.h"

#define LINE                                                                                  \
    "audit: type=1326 audit(1795656581.269:157685): auid=4294967295 uid=0 gid=0 ses=1 pid=%d" \
    " comm=%s exe=\"/usr/libexec/xen9p/xen9p-worker\" sig=%d arch=c000003e syscall=%d"        \
    " compat=0 ip=0x7ff04606f829 code=0x80000000\n"

static struct kernel_log l;
static int kernel;

static int set_up(void **state)
{
    int sv[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv) != 0)
        return -1;
    memset(&l, 0, sizeof(l));
    l.fd = sv[0];
    kernel = sv[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kernel_log_close(&l);
    close(kernel);
    return 0;
}

static void record(const char *prefix, int pid, const char *comm, int sig, int call)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s;" LINE, prefix, pid, comm, sig, call);

    assert_int_equal(write(kernel, text, (size_t)n), n);
}

static void found(void **state)
{
    char name[64];

    (void)state;
    record("6,101,17873277383,-", 999, "\"xen9p-worker\"", SIGSYS, 101);
    record("5,102,17873277390,-,caller=T33", 1000, "\"xen9p-worker\"", SIGSYS, 41);
    record("5,103,17873277391,-", 1001, "\"xen9p-worker\"", SIGSYS, 9999);
    assert_true(kernel_log_find(&l, 1000, name, sizeof(name)));
    assert_string_equal(name, "socket (41)");
    assert_true(kernel_log_find(&l, 999, name, sizeof(name)));
    assert_string_equal(name, "ptrace (101)");
    assert_true(kernel_log_find(&l, 1001, name, sizeof(name)));
    assert_string_equal(name, "? (9999)");
    assert_false(kernel_log_find(&l, 1000, name, sizeof(name))); /* once */
    assert_false(kernel_log_find(&l, 0, name, sizeof(name)));
}

/* Another's pid, another signal, written by a process, or something else. */
static void not_found(void **state)
{
    char name[64];

    (void)state;
    record("6,1,1,-", 10000, "\"xen9p-worker\"", SIGSYS, 41);
    record("6,2,1,-", 1000, "\"xen9p-worker\"", SIGSEGV, 41);
    record("14,3,1,-", 1000, "\"xen9p-worker\"", SIGSYS, 41); /* facility 1: user */
    assert_int_equal(write(kernel, "6,4,1,-;audit: type=1400 pid=1000 sig=31", 40), 40);
    assert_int_equal(write(kernel, ";", 1), 1);
    assert_int_equal(write(kernel, "6,5,1,-", 7), 7);
    assert_false(kernel_log_find(&l, 1000, name, sizeof(name)));
    l.fd = -1;
    assert_false(kernel_log_find(&l, 10000, name, sizeof(name)));
}

/* More than are kept: the newest stay. */
static void many(void **state)
{
    char name[64];

    (void)state;
    for (int i = 1; i <= 100; i++)
        record("6,1,1,-", i, "\"xen9p-worker\"", SIGSYS, 41);
    assert_true(kernel_log_find(&l, 100, name, sizeof(name)));
    assert_true(kernel_log_find(&l, 100 - (int)KERNEL_LOG_KEPT + 1, name, sizeof(name)));
    assert_false(kernel_log_find(&l, 100 - (int)KERNEL_LOG_KEPT, name, sizeof(name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("kernel_log", tests, NULL, NULL);
}
