/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_counts.c - the counts of an export: memory, arithmetic.
 *
 * The memory may hold anything that another worker of the same domain has put there: every
 * operation is good for all numbers.
 */
#include "xen9p/quota_counts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNTS_FILE_SIZE 4096
#define COUNTS_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert(sizeof(struct quota_counts) <= COUNTS_FILE_SIZE, "the counts are one page");

int quota_counts_create(const uint64_t used[QUOTA_KINDS])
{
    struct quota_counts c = {.magic = QUOTA_COUNTS_MAGIC, .size = sizeof(c)};
    int fd = memfd_create("xen9p-quota", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err;

    if (fd < 0)
        return -errno;
    for (int i = 0; i < QUOTA_KINDS; i++)
        atomic_init(&c.used[i], used[i]);
    errno = 0;
    if (ftruncate(fd, COUNTS_FILE_SIZE) == 0 &&
        pwrite(fd, &c, sizeof(c), 0) == (ssize_t)sizeof(c) &&
        fcntl(fd, F_ADD_SEALS, COUNTS_SEALS) == 0)
        return fd;
    err = errno != 0 ? -errno : -EIO;
    close(fd);
    return err;
}

struct quota_counts *quota_counts_map(int fd)
{
    struct stat st;
    struct quota_counts *c;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & COUNTS_SEALS) != COUNTS_SEALS || fstat(fd, &st) != 0 ||
        st.st_size != COUNTS_FILE_SIZE) {
        errno = EPROTO;
        return NULL;
    }
    c = mmap(NULL, COUNTS_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED)
        return NULL;
    if (c->magic != QUOTA_COUNTS_MAGIC || c->size != sizeof(struct quota_counts)) {
        quota_counts_unmap(c);
        errno = EPROTO;
        return NULL;
    }
    return c;
}

void quota_counts_unmap(struct quota_counts *c)
{
    munmap(c, COUNTS_FILE_SIZE);
}

uint64_t quota_round(uint64_t size)
{
    return (size + QUOTA_BLOCK - 1) & ~(uint64_t)(QUOTA_BLOCK - 1);
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t sub_capped(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint64_t quota_take(struct quota_counts *c, enum quota_kind kind, uint64_t wanted, uint64_t unit,
                    uint64_t limit)
{
    uint64_t used = atomic_load(&c->used[kind]), n;

    /* before it is counted: quota_settle() must not see a count that has no margin yet */
    atomic_fetch_add(&c->grown[kind], wanted);
    do {
        n = wanted;
        if (limit != 0 && n > sub_capped(limit, used))
            n = sub_capped(limit, used) / unit * unit;
        if (n == 0)
            return 0;
    } while (!atomic_compare_exchange_weak(&c->used[kind], &used, add_capped(used, n)));
    return n;
}

void quota_give(struct quota_counts *c, enum quota_kind kind, uint64_t n)
{
    uint64_t used = atomic_load(&c->used[kind]);

    while (!atomic_compare_exchange_weak(&c->used[kind], &used, sub_capped(used, n)))
        ;
}

void quota_going(struct quota_counts *c, enum quota_kind kind, uint64_t n)
{
    atomic_fetch_add(&c->shrunk[kind], n);
}

void quota_moving(struct quota_counts *c, enum quota_kind kind, uint64_t n)
{
    atomic_fetch_add(&c->grown[kind], n);
    atomic_fetch_add(&c->shrunk[kind], n);
}

void quota_mark(const struct quota_counts *c, const struct quota_pending *p, struct quota_mark *m)
{
    for (int i = 0; i < QUOTA_KINDS; i++) {
        m->grown[i] = atomic_load(&c->grown[i]);
        m->shrunk[i] = atomic_load(&c->shrunk[i]);
        /* what was begun before and takes place after this moment */
        m->up[i] = atomic_load(&p->up[i]);
        m->down[i] = atomic_load(&p->down[i]);
    }
}

uint64_t quota_settle(struct quota_counts *c, enum quota_kind kind, const struct quota_mark *m,
                      const struct quota_pending *p, uint64_t seen, const _Atomic uint64_t *hidden)
{
    uint64_t used = atomic_load(&c->used[kind]), low, high, now;

    do {
        uint64_t there = add_capped(seen, atomic_load(hidden));
        /* gone already, but still counted */
        uint64_t leaving = atomic_load(&p->down[kind]);
        uint64_t more = add_capped(atomic_load(&c->grown[kind]) - m->grown[kind], m->up[kind]);
        uint64_t less = add_capped(atomic_load(&c->shrunk[kind]) - m->shrunk[kind], m->down[kind]);

        low = sub_capped(there, less);
        high = add_capped(there, add_capped(more, leaving));
        now = used < low ? low : used > high ? high : used;
    } while (!atomic_compare_exchange_weak(&c->used[kind], &used, now));
    return high - low;
}
