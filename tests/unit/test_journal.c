/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_journal.c - a journal is mapped only when it is one, and cannot be resized under its reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen9p/journal.h"

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static void test_fresh(void **state)
{
    int fd = journal_create();
    struct journal *j;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    j = journal_map(fd);
    assert_non_null(j);
    assert_int_equal(atomic_load(&j->started), 0);
    for (size_t i = 0; i < JOURNAL_SLOTS; i++)
        assert_int_equal(atomic_load(&j->slot[i].state), JOURNAL_FREE);
    munmap(j, 4096);
    close(fd);
}

static void test_shared_and_kept(void **state)
{
    int fd = journal_create();
    struct journal *a = journal_map(fd), *b = journal_map(fd);

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    a->slot[JOURNAL_SLOTS - 1].tag = 77;
    atomic_store(&a->slot[JOURNAL_SLOTS - 1].state, JOURNAL_TAKEN);
    munmap(a, 4096); /* its worker died */
    assert_int_equal(atomic_load(&b->slot[JOURNAL_SLOTS - 1].state), JOURNAL_TAKEN);
    assert_int_equal(b->slot[JOURNAL_SLOTS - 1].tag, 77);
    munmap(b, 4096);
    close(fd);
}

static void test_cannot_be_resized(void **state)
{
    int fd = journal_create();

    (void)state;
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 8192), -1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    close(fd);
}

/* A memfd of `size` bytes with `header` in front and `seals`. */
static int forge(off_t size, const uint32_t header[2], int seals)
{
    int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    if (size > 0)
        assert_int_equal(pwrite(fd, header, 8, 0), 8);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void test_forged(void **state)
{
    const uint32_t good[2] = {JOURNAL_MAGIC, sizeof(struct journal)};
    const uint32_t magic[2] = {JOURNAL_MAGIC + 1, sizeof(struct journal)};
    const uint32_t size[2] = {JOURNAL_MAGIC, sizeof(struct journal) - 4};
    const struct {
        off_t size;
        const uint32_t *header;
        int seals;
        bool ok;
    } cases[] = {
        {4096, good, ALL_SEALS, true},
        {4096, good, F_SEAL_SHRINK, false},
        {4096, good, F_SEAL_SHRINK | F_SEAL_GROW, false},
        {4096, good, F_SEAL_GROW | F_SEAL_SEAL, false},
        {4096, magic, ALL_SEALS, false},
        {4096, size, ALL_SEALS, false},
        {0, good, ALL_SEALS, false},
        {4095, good, ALL_SEALS, false},
        {8192, good, ALL_SEALS, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = forge(cases[i].size, cases[i].header, cases[i].seals);
        struct journal *j = journal_map(fd);

        assert_int_equal(j != NULL, cases[i].ok);
        if (j == NULL)
            assert_int_equal(errno, EPROTO);
        else
            munmap(j, 4096);
        close(fd);
    }
}

static void test_not_a_memfd(void **state)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_null(journal_map(fd));
    assert_int_equal(errno, EPROTO);
    close(fd);
    assert_null(journal_map(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_shared_and_kept),
        cmocka_unit_test(test_cannot_be_resized),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_not_a_memfd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
