/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_quota_counts.c - the arithmetic of quota_counts.h, by many threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen9p/quota_counts.h"

static struct quota_counts *fresh(uint64_t space, uint64_t files)
{
    int fd = quota_counts_create((const uint64_t[]){space, files});
    struct quota_counts *c;

    assert_true(fd >= 0);
    c = quota_counts_map(fd);
    assert_non_null(c);
    close(fd);
    return c;
}

static uint64_t used(const struct quota_counts *c, enum quota_kind kind)
{
    return atomic_load(&c->used[kind]);
}

static void test_memory(void **state)
{
    static const uint64_t none[QUOTA_KINDS];
    int fd = quota_counts_create(none), other;
    char zero[4096] = {0};

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 8192), -1);
    close(fd);
    other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(other, zero, sizeof(zero)), sizeof(zero));
    assert_null(quota_counts_map(other)); /* not sealed */
    assert_int_equal(errno, EPROTO);
    assert_int_equal(fcntl(other, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    assert_null(quota_counts_map(other)); /* no header */
    assert_int_equal(errno, EPROTO);
    close(other);
}

static void test_round(void **state)
{
    (void)state;
    assert_int_equal(quota_round(0), 0);
    assert_int_equal(quota_round(1), 4096);
    assert_int_equal(quota_round(4096), 4096);
    assert_int_equal(quota_round(4097), 8192);
    assert_int_equal(quota_round(INT64_MAX), (uint64_t)1 << 63);
}

static void test_take(void **state)
{
    struct quota_counts *c = fresh(0, 0);

    (void)state;
    assert_int_equal(quota_take(c, QUOTA_SPACE, 4096, 4096, 8192), 4096);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 8192, 4096, 8192), 4096); /* what is left */
    assert_int_equal(quota_take(c, QUOTA_SPACE, 4096, 4096, 8192), 0);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 8192, 8192, 12288), 0); /* all or nothing */
    assert_int_equal(used(c, QUOTA_SPACE), 8192);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 4096, 4096, 9000), 0);       /* no half blocks */
    assert_int_equal(quota_take(c, QUOTA_SPACE, 1 << 20, 4096, 0), 1 << 20); /* no limit */
    assert_int_equal(quota_take(c, QUOTA_SPACE, 4096, 4096, 8192), 0);       /* far above it */
    quota_give(c, QUOTA_SPACE, UINT64_MAX);
    assert_int_equal(used(c, QUOTA_SPACE), 0);
    assert_int_equal(quota_take(c, QUOTA_SPACE, UINT64_MAX, 1, 0), UINT64_MAX);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 4096, 4096, 0), 4096);
    assert_int_equal(used(c, QUOTA_SPACE), UINT64_MAX); /* and not around the end */
    quota_counts_unmap(c);
}

static void test_settle(void **state)
{
    static const _Atomic uint64_t none, hidden = 50;
    struct quota_counts *c = fresh(100, 0);
    struct quota_pending p;
    struct quota_mark m;

    (void)state;
    memset(&p, 0, sizeof(p));
    quota_mark(c, &p, &m);
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 70, &none), 0);
    assert_int_equal(used(c, QUOTA_SPACE), 70); /* nothing happened: exact */
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 70, &hidden), 0);
    assert_int_equal(used(c, QUOTA_SPACE), 120);

    /* 30 came while it looked: it saw them or not */
    quota_mark(c, &p, &m);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 30, 1, 0), 30);
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 120, &none), 30);
    assert_int_equal(used(c, QUOTA_SPACE), 150);
    quota_mark(c, &p, &m);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 30, 1, 0), 30);
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 180, &none), 30);
    assert_int_equal(used(c, QUOTA_SPACE), 180);
    /* what lies outside of that was wrong before */
    quota_mark(c, &p, &m);
    assert_int_equal(quota_take(c, QUOTA_SPACE, 30, 1, 0), 30);
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 100, &none), 30);
    assert_int_equal(used(c, QUOTA_SPACE), 130);

    /* 40 are going: gone from the tree, not yet from the count */
    atomic_store(&p.down[QUOTA_SPACE], 40);
    quota_going(c, QUOTA_SPACE, 40);
    quota_mark(c, &p, &m);
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 90, &none), 80);
    assert_int_equal(used(c, QUOTA_SPACE), 130);
    quota_give(c, QUOTA_SPACE, 40);
    atomic_store(&p.down[QUOTA_SPACE], 0);
    assert_int_equal(used(c, QUOTA_SPACE), 90);

    /* 20 were taken before it began to look, and appear while it does */
    assert_int_equal(quota_take(c, QUOTA_SPACE, 20, 1, 0), 20);
    atomic_store(&p.up[QUOTA_SPACE], 20);
    quota_mark(c, &p, &m);
    atomic_store(&p.up[QUOTA_SPACE], 0);
    assert_int_equal(quota_settle(c, QUOTA_SPACE, &m, &p, 90, &none), 20);
    assert_int_equal(used(c, QUOTA_SPACE), 110);
    quota_counts_unmap(c);
}

/* --- many threads ------------------------------------------------------------------------------ */

#define THREADS 8
#define ROUNDS 20000u
#define LIMIT 64u

static struct quota_counts *shared;
static struct quota_pending pending;
static _Atomic uint64_t there; /* the truth, as a file system has it */
static atomic_bool over;

/* Takes and gives back in the order that the worker does. */
static void *churn(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg, mine = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t n = (seed = seed * 6364136223846793005ull + 1442695040888963407ull) >> 60;

        if (n % 2 == 0 || mine == 0) {
            atomic_fetch_add(&pending.up[0], n);
            n = quota_take(shared, QUOTA_SPACE, n, 1, LIMIT);
            if (atomic_fetch_add(&there, n) + n > LIMIT)
                atomic_store(&over, true);
            mine += n;
            atomic_fetch_sub(&pending.up[0], (seed >> 60));
        } else {
            n = n > mine ? mine : n;
            atomic_fetch_add(&pending.down[0], n);
            quota_going(shared, QUOTA_SPACE, n);
            atomic_fetch_sub(&there, n);
            quota_give(shared, QUOTA_SPACE, n);
            atomic_fetch_sub(&pending.down[0], n);
            mine -= n;
        }
    }
    return NULL;
}

/* A scan of one look: whatever it sees in between must leave a right count alone. */
static void *scan(void *arg)
{
    static const _Atomic uint64_t none;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct quota_mark m;

        quota_mark(shared, &pending, &m);
        (void)quota_settle(shared, QUOTA_SPACE, &m, &pending, atomic_load(&there), &none);
    }
    return arg;
}

static void test_threads(void **state)
{
    pthread_t t[THREADS + 1];

    (void)state;
    shared = fresh(0, 0);
    for (uintptr_t i = 0; i <= THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, i < THREADS ? churn : scan, (void *)(i + 1)),
                         0);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(t[i], NULL);
    assert_false(atomic_load(&over));
    assert_int_equal(used(shared, QUOTA_SPACE), atomic_load(&there));
    assert_int_equal(atomic_load(&pending.up[0]), 0);
    assert_int_equal(atomic_load(&pending.down[0]), 0);
    quota_counts_unmap(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory), cmocka_unit_test(test_round),   cmocka_unit_test(test_take),
        cmocka_unit_test(test_settle), cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
