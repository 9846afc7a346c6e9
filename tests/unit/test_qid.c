/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_qid.c - qids tell files apart, and tell when one has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../worker/qid.c"

#include <stdlib.h>

#define ROOT_DEV 0x801u

static struct session session;

static int setup(void **state)
{
    (void)state;
    session = (struct session){
        .root.st_dev = ROOT_DEV, .root.st_ino = 2, .owner_uid = 1234, .owner_gid = 1235};
    pthread_mutex_init(&session.dev_lock, NULL);
    return 0;
}

static void test_root_device_is_plain(void **state)
{
    (void)state;
    assert_true(session_qid_path(&session, ROOT_DEV, 2) == 2);
    assert_true(session_qid_path(&session, ROOT_DEV, UINT64_MAX >> 1) == UINT64_MAX >> 1);
    assert_int_equal(atomic_load(&session.num_devs), 0);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* 100 devices, among them more than there are indexes, and inode numbers of every size. */
static void test_never_collide(void **state)
{
    static const uint64_t inos[] = {
        0,
        1,
        2,
        256,
        1ull << 32,
        (1ull << 57) - 1,
        1ull << 57,
        (1ull << 57) + 1,
        1ull << 62,
        (1ull << 63) - 1,
        1ull << 63,
        (1ull << 63) + 2,
        UINT64_MAX - 1,
        UINT64_MAX,
    };
    enum { DEVS = 100, INOS = sizeof(inos) / sizeof(inos[0]) };
    static uint64_t all[DEVS * INOS];
    size_t n = 0;

    (void)state;
    for (uint32_t d = 0; d < DEVS; d++)
        for (size_t i = 0; i < INOS; i++)
            all[n++] = session_qid_path(&session, ROOT_DEV + d, inos[i]);
    assert_int_equal(atomic_load(&session.num_devs), INDEX_HASHED);
    for (uint32_t d = 0, k = 0; d < DEVS; d++) /* the same when asked again */
        for (size_t i = 0; i < INOS; i++)
            assert_true(all[k++] == session_qid_path(&session, ROOT_DEV + d, inos[i]));
    qsort(all, n, sizeof(all[0]), by_value);
    for (size_t i = 1; i < n; i++)
        assert_true(all[i - 1] != all[i]);
}

static struct stat sample(void)
{
    struct stat st = {0};

    st.st_dev = ROOT_DEV;
    st.st_ino = 77;
    st.st_mode = S_IFREG | 0644;
    st.st_size = 4096;
    st.st_mtim = (struct timespec){1700000000, 5};
    st.st_ctim = (struct timespec){1700000000, 5};
    return st;
}

static void test_version_follows_changes(void **state)
{
    struct stat a = sample(), b = sample();
    uint32_t v = session_qid(&session, &a).version;

    (void)state;
    b.st_atim.tv_sec = 99; /* reading is no change */
    assert_int_equal(session_qid(&session, &b).version, v);
    b = a;
    b.st_size++;
    assert_int_not_equal(session_qid(&session, &b).version, v);
    b = a;
    b.st_mtim.tv_nsec++;
    assert_int_not_equal(session_qid(&session, &b).version, v);
    b = a;
    b.st_ctim.tv_nsec++;
    assert_int_not_equal(session_qid(&session, &b).version, v);
    b = a; /* both at once must not cancel out */
    b.st_mtim.tv_nsec++;
    b.st_ctim.tv_nsec--;
    assert_int_not_equal(session_qid(&session, &b).version, v);
}

/* The hash of an all-zero stat is 0: the version must not be. */
static void test_version_is_never_0(void **state)
{
    struct stat st = {.st_mode = S_IFREG};

    (void)state;
    assert_int_equal(session_qid(&session, &st).version, 1);
}

static void test_type(void **state)
{
    (void)state;
    assert_int_equal(session_qid_type(S_IFDIR | 0755), P9_QTDIR);
    assert_int_equal(session_qid_type(S_IFLNK | 0777), P9_QTSYMLINK);
    assert_int_equal(session_qid_type(S_IFREG), P9_QTFILE);
    assert_int_equal(session_qid_type(S_IFIFO), P9_QTFILE);
}

static void test_shown_owner(void **state)
{
    (void)state;
    session.shown_uid = 10;
    session.shown_gid = 20;
    assert_int_equal(session_shown_uid(&session, 1234), 10);
    assert_int_equal(session_shown_gid(&session, 1235), 20);
    assert_int_equal(session_shown_uid(&session, 0), 65534);
    assert_int_equal(session_shown_gid(&session, 1234), 65534);
}

static void *many_devs(void *arg)
{
    uint64_t *out = arg;

    for (uint32_t d = 0; d < 70; d++)
        out[d] = session_qid_path(&session, 0x900 + d, 5);
    return NULL;
}

/* Threads that meet the same devices first agree on their indexes. */
static void test_threads(void **state)
{
    static uint64_t out[4][70];
    pthread_t thread[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, many_devs, out[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    for (int i = 1; i < 4; i++)
        assert_memory_equal(out[0], out[i], sizeof(out[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_root_device_is_plain, setup),
        cmocka_unit_test_setup(test_never_collide, setup),
        cmocka_unit_test_setup(test_version_follows_changes, setup),
        cmocka_unit_test_setup(test_version_is_never_0, setup),
        cmocka_unit_test_setup(test_type, setup),
        cmocka_unit_test_setup(test_shown_owner, setup),
        cmocka_unit_test_setup(test_threads, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
