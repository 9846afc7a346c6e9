/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_fid.c - the fid table: what it accepts, its references, its size, and many threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>

#include "../../worker/fid.c"

/* A fid without a descriptor: close(-1) does nothing. */
static struct fid *bare(uint32_t num)
{
    struct fid *f = fid_new(num, -1, S_IFREG | 0644, 7);

    assert_non_null(f);
    return f;
}

static int put_new(struct fid_table *t, uint32_t num, uint32_t generation)
{
    struct fid *f = bare(num);
    int err = fid_insert(t, f, generation);

    fid_put(f);
    return err;
}

static void test_insert_get_remove(void **state)
{
    struct fid_table *t = fid_table_new(10);
    struct fid *f;

    (void)state;
    assert_null(fid_get(t, 5, 0));
    assert_int_equal(put_new(t, 5, 0), 0);
    assert_int_equal(fid_table_count(t), 1);
    f = fid_get(t, 5, 0);
    assert_non_null(f);
    assert_int_equal(f->num, 5);
    assert_int_equal(f->type, S_IFREG);
    assert_int_equal(f->uid, 7);
    assert_int_equal(atomic_load(&f->io_fd), -1);
    fid_put(f);
    assert_int_equal(put_new(t, 5, 0), -EBADF);
    f = fid_remove(t, 5, 0);
    assert_non_null(f);
    fid_put(f);
    assert_null(fid_remove(t, 5, 0));
    assert_null(fid_get(t, 5, 0));
    assert_int_equal(fid_table_count(t), 0);
    fid_table_free(t);
}

static void test_bounds(void **state)
{
    struct fid_table *t = fid_table_new(3);

    (void)state;
    assert_int_equal(put_new(t, P9_NOFID, 0), -EBADF);
    assert_int_equal(put_new(t, 0, 0), 0);
    assert_int_equal(put_new(t, 0xfffffffe, 0), 0);
    assert_int_equal(put_new(t, 64, 0), 0);
    assert_int_equal(put_new(t, 65, 0), -ENFILE);
    fid_put(fid_remove(t, 64, 0));
    assert_int_equal(put_new(t, 65, 0), 0);
    fid_table_free(t);
}

static void test_generation(void **state)
{
    struct fid_table *t = fid_table_new(10);
    struct fid *held, *f;

    (void)state;
    assert_int_equal(put_new(t, 1, 0), 0);
    held = fid_get(t, 1, 0);
    fid_table_reset(t, 1);
    assert_int_equal(fid_table_count(t), 0);
    assert_null(fid_get(t, 1, 0));
    assert_null(fid_get(t, 1, 1));
    assert_int_equal(put_new(t, 1, 0), -EBADF); /* a request of the old session */
    f = bare(1);
    assert_int_equal(fid_replace(t, held, f, 0), -EBADF);
    assert_int_equal(fid_replace(t, held, f, 1), -EBADF);
    fid_put(f);
    assert_int_equal(put_new(t, 1, 1), 0);
    assert_null(fid_remove(t, 1, 0));
    assert_int_equal(atomic_load(&held->refs), 1);
    fid_put(held);
    fid_table_free(t);
}

static void test_replace(void **state)
{
    struct fid_table *t = fid_table_new(10);
    struct fid *old, *f = bare(9), *got;

    (void)state;
    assert_int_equal(put_new(t, 9, 0), 0);
    old = fid_get(t, 9, 0);
    assert_int_equal(fid_replace(t, old, f, 0), 0);
    assert_int_equal(fid_table_count(t), 1);
    got = fid_get(t, 9, 0);
    assert_ptr_equal(got, f);
    fid_put(got);
    assert_int_equal(fid_replace(t, old, f, 0), -EBADF); /* it was replaced already */
    assert_int_equal(atomic_load(&old->refs), 1);
    fid_put(old);
    fid_put(f);
    fid_table_free(t);
}

static void test_last_put_closes(void **state)
{
    int path = open("/dev/null", O_PATH | O_CLOEXEC), io = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct fid *f = fid_new(1, path, S_IFREG, 0);

    (void)state;
    atomic_store(&f->io_fd, io);
    atomic_fetch_add(&f->refs, 1);
    fid_put(f);
    assert_true(fcntl(path, F_GETFD) >= 0);
    fid_put(f);
    assert_int_equal(fcntl(path, F_GETFD), -1);
    assert_int_equal(fcntl(io, F_GETFD), -1);
    fid_put(NULL);
}

/* Longest chain of the table. */
static uint32_t longest(const struct fid_table *t)
{
    uint32_t most = 0;

    for (size_t i = 0; i < (size_t)1 << t->bits; i++) {
        uint32_t n = 0;

        for (const struct fid *f = t->bucket[i]; f != NULL; f = f->next)
            n++;
        if (n > most)
            most = n;
    }
    return most;
}

/* Fid numbers as clients give them out: one after the other, or in strides. */
static void test_spread(void **state)
{
    static const uint32_t strides[] = {1, 2, 16, 64, 256, 4096, 65536};

    (void)state;
    for (size_t s = 0; s < sizeof(strides) / sizeof(strides[0]); s++) {
        struct fid_table *t = fid_table_new(20000);

        for (uint32_t i = 0; i < 10000; i++)
            assert_int_equal(put_new(t, i * strides[s], 0), 0);
        assert_true(longest(t) <= 8);
        for (uint32_t i = 0; i < 10000; i++) {
            struct fid *f = fid_get(t, i * strides[s], 0);

            assert_non_null(f);
            fid_put(f);
        }
        fid_table_free(t);
    }
}

/* 10,000 fids cost less than 4 MiB of user memory, by far. */
static void test_memory(void **state)
{
    struct fid_table *t = fid_table_new(10000);
    struct mallinfo2 before = mallinfo2(), after;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(put_new(t, i, 0), 0);
    after = mallinfo2();
    /* 184, 192 of the heap; where a mutex has more than x86-64's 40, that and rounding to 16 */
    assert_true(sizeof(struct fid) - sizeof(pthread_mutex_t) <= 144);
    assert_true(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd <
                2 * 1024 * 1024 + 10000 * 2 * (sizeof(pthread_mutex_t) - 40));
    fid_table_free(t);
}

static struct fid_table *shared;
static atomic_uint alive; /* fids in the table, by the threads' own count */

static void *hammer(void *arg)
{
    uint32_t x = (uint32_t)(uintptr_t)arg;

    for (int i = 0; i < 20000; i++) {
        uint32_t num;
        struct fid *f, *g;

        x = x * 1664525 + 1013904223;
        num = x >> 24;
        switch (x >> 8 & 3) {
        case 0:
            if (put_new(shared, num, 1) == 0)
                atomic_fetch_add(&alive, 1);
            break;
        case 1:
            f = fid_remove(shared, num, 1);
            if (f != NULL)
                atomic_fetch_sub(&alive, 1);
            fid_put(f);
            break;
        case 2:
            f = fid_get(shared, num, 1);
            if (f != NULL) {
                g = bare(num);
                fid_replace(shared, f, g, 1);
                fid_put(g);
            }
            fid_put(f);
            break;
        default:
            f = fid_get(shared, num, 1);
            if (f != NULL)
                assert_int_equal(f->num, num);
            fid_put(f);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[8];

    (void)state;
    shared = fid_table_new(200);
    fid_table_reset(shared, 1);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, hammer, (void *)(uintptr_t)(i + 1)), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(fid_table_count(shared), atomic_load(&alive));
    for (uint32_t num = 0; num < 256; num++) {
        struct fid *f = fid_remove(shared, num, 1);

        if (f != NULL)
            assert_int_equal(atomic_load(&f->refs), 1); /* no reference was lost */
        fid_put(f);
    }
    assert_int_equal(fid_table_count(shared), 0);
    fid_table_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_get_remove),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_generation),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_last_put_closes),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
