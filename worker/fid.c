/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fid.c - fids and the table of them: a hash that grows, under one mutex.
 *
 * Fid numbers are the guest's choice. They are spread by a multiplicative hash; a guest that
 * looks for collisions slows its own look-ups and nobody else's, over at most `max` fids.
 */
#include "xen9p/fid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/dirstream.h"
#include "xen9p/p9.h"
#include "xen9p/parent.h"
#include "xen9p/path.h"
#include "xen9p/xattr.h"

#define FIRST_BITS 6u /* 64 buckets to begin with: a guest at rest has a few fids */

struct fid_table {
    pthread_mutex_t lock;
    struct fid **bucket;
    unsigned int bits; /* 1 << bits buckets */
    uint32_t count, max;
    uint32_t generation;
    _Atomic uint32_t open; /* files open at present: those of fids in use, in the table or not */
    uint32_t max_open;     /* UINT32_MAX: no limit */
    bool (*closed)(void *arg, struct fid *f); /* NULL: nobody wants to know */
    void *closed_arg;
    void (*ends)(struct session *s, struct fid *f);
    struct session *session; /* for it */
};

void fid_table_on_close(struct fid_table *t, bool (*closed)(void *arg, struct fid *f), void *arg)
{
    t->closed = closed;
    t->closed_arg = arg;
}

static uint32_t hash(uint32_t num, unsigned int bits)
{
    return (uint32_t)(num * 2654435769u) >> (32 - bits); /* 2^32 / golden ratio */
}

struct fid_table *fid_table_new(uint32_t max)
{
    struct fid_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->bits = FIRST_BITS;
    t->max = max;
    t->max_open = UINT32_MAX;
    t->bucket = calloc((size_t)1 << t->bits, sizeof(struct fid *));
    if (t->bucket == NULL) {
        free(t);
        return NULL;
    }
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void fid_table_limit_open(struct fid_table *t, uint32_t max)
{
    t->max_open = max != 0 ? max : UINT32_MAX;
}

int fid_opening(struct fid_table *t)
{
    uint32_t n = atomic_load_explicit(&t->open, memory_order_relaxed);

    do
        if (n >= t->max_open)
            return -EMFILE;
    while (!atomic_compare_exchange_weak(&t->open, &n, n + 1));
    return 0;
}

void fid_not_opened(struct fid_table *t)
{
    atomic_fetch_sub(&t->open, 1);
}

void fid_opened(struct fid_table *t, struct fid *f, int io_fd, uint32_t open_flags)
{
    f->open_flags = open_flags;
    f->opened_in = t;
    atomic_store(&f->io_fd, io_fd);
}

void fid_table_on_end(struct fid_table *t, void (*ends)(struct session *s, struct fid *f),
                      struct session *s)
{
    t->ends = ends;
    t->session = s;
}

uint64_t fid_key_of(const struct stat *st)
{
    /* for one device each inode has a key of its own */
    uint64_t key = (uint64_t)st->st_ino + (uint64_t)st->st_dev * 0x9e3779b97f4a7c15ull;

    return key != 0 ? key : 1;
}

uint64_t fid_key(struct fid *f)
{
    uint64_t key = atomic_load_explicit(&f->key, memory_order_relaxed);
    struct stat st;

    if (key != 0)
        return key;
    if (f->path_fd < 0 || path_stat(f->path_fd, &st) != 0)
        return 0;
    key = fid_key_of(&st);
    atomic_store_explicit(&f->key, key, memory_order_relaxed);
    return key;
}

static bool has(struct fid_table *t, uint64_t key, bool open)
{
    bool found = false;

    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < (size_t)1 << t->bits && !found; i++)
        for (struct fid *f = t->bucket[i]; f != NULL && !found; f = f->next)
            found = fid_key(f) == key && (!open || atomic_load(&f->io_fd) >= 0);
    pthread_mutex_unlock(&t->lock);
    return found;
}

bool fid_table_has(struct fid_table *t, uint64_t key)
{
    return has(t, key, false);
}

bool fid_table_has_open(struct fid_table *t, uint64_t key)
{
    return has(t, key, true);
}

/* Unlinks all fids from the table; returns them as a list. Lock held. */
static struct fid *take_all(struct fid_table *t)
{
    struct fid *all = NULL;

    for (size_t i = 0; i < (size_t)1 << t->bits; i++) {
        while (t->bucket[i] != NULL) {
            struct fid *f = t->bucket[i];

            t->bucket[i] = f->next;
            f->next = all;
            all = f;
        }
    }
    t->count = 0;
    return all;
}

static void put_all(struct fid *all)
{
    while (all != NULL) {
        struct fid *next = all->next;

        fid_put(all);
        all = next;
    }
}

void fid_table_free(struct fid_table *t)
{
    if (t == NULL)
        return;
    put_all(take_all(t));
    pthread_mutex_destroy(&t->lock);
    free(t->bucket);
    free(t);
}

struct fid *fid_table_take(struct fid_table *t, uint32_t generation)
{
    struct fid *all;

    pthread_mutex_lock(&t->lock);
    t->generation = generation;
    all = take_all(t);
    pthread_mutex_unlock(&t->lock);
    return all;
}

void fid_table_reset(struct fid_table *t, uint32_t generation)
{
    /* close() may wait for a server: not under the lock. */
    put_all(fid_table_take(t, generation));
}

uint32_t fid_table_count(struct fid_table *t)
{
    uint32_t n;

    pthread_mutex_lock(&t->lock);
    n = t->count;
    pthread_mutex_unlock(&t->lock);
    return n;
}

/* Doubles the buckets. Without memory the table stays as it is, only slower. Lock held. */
static void grow(struct fid_table *t)
{
    unsigned int bits = t->bits + 1;
    struct fid **bucket = calloc((size_t)1 << bits, sizeof(struct fid *));
    struct fid *all;
    uint32_t count = t->count;

    if (bucket == NULL)
        return;
    all = take_all(t);
    free(t->bucket);
    t->bucket = bucket;
    t->bits = bits;
    t->count = count;
    while (all != NULL) {
        struct fid *next = all->next;
        struct fid **head = &bucket[hash(all->num, bits)];

        all->next = *head;
        *head = all;
        all = next;
    }
}

/* Link that points to fid `num`, or the end of its chain. Lock held. */
static struct fid **find(struct fid_table *t, uint32_t num)
{
    struct fid **link = &t->bucket[hash(num, t->bits)];

    while (*link != NULL && (*link)->num != num)
        link = &(*link)->next;
    return link;
}

struct fid *fid_new(uint32_t num, int path_fd, mode_t type, uint32_t uid)
{
    struct fid *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        if (path_fd >= 0)
            close(path_fd);
        return NULL;
    }
    atomic_init(&f->refs, 1);
    f->num = num;
    f->uid = uid;
    f->type = type & S_IFMT;
    f->path_fd = path_fd;
    atomic_init(&f->io_fd, -1);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void fid_free(struct fid *f)
{
    int io_fd;

    if (f->table != NULL && f->table->ends != NULL)
        f->table->ends(f->table->session, f);
    parent_drop(f);
    dirstream_free(f->dir);
    xattr_free(f->xattr);
    io_fd = atomic_load(&f->io_fd);
    if (io_fd >= 0)
        close(io_fd);
    if (f->opened_in != NULL)
        fid_not_opened(f->opened_in);
    if (f->path_fd >= 0)
        close(f->path_fd);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

void fid_put(struct fid *f)
{
    const struct fid_table *t;

    if (f == NULL || atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    lock_drop_fid(f); /* at once, also when the fid waits for its record to be sent */
    t = f->opened_in;
    if (t == NULL || t->closed == NULL || atomic_load(&f->io_fd) < 0 ||
        !t->closed(t->closed_arg, f))
        fid_free(f);
}

struct fid *fid_ref(struct fid *f)
{
    atomic_fetch_add(&f->refs, 1);
    return f;
}

static struct fid *get(struct fid_table *t, uint32_t num, uint32_t generation, bool xattr)
{
    struct fid *f = NULL;

    pthread_mutex_lock(&t->lock);
    if (t->generation == generation)
        f = *find(t, num);
    if (f != NULL && (f->xattr != NULL) != xattr)
        f = NULL;
    if (f != NULL)
        atomic_fetch_add(&f->refs, 1);
    pthread_mutex_unlock(&t->lock);
    return f;
}

struct fid *fid_get(struct fid_table *t, uint32_t num, uint32_t generation)
{
    return get(t, num, generation, false);
}

struct fid *fid_get_xattr(struct fid_table *t, uint32_t num, uint32_t generation)
{
    return get(t, num, generation, true);
}

int fid_insert(struct fid_table *t, struct fid *f, uint32_t generation)
{
    struct fid **link;
    int err = 0;

    if (f->num == P9_NOFID)
        return -EBADF;
    pthread_mutex_lock(&t->lock);
    if (t->count >= (uint32_t)1 << t->bits && t->bits < 31)
        grow(t);
    link = find(t, f->num);
    if (t->generation != generation || *link != NULL) {
        err = -EBADF;
    } else if (t->count >= t->max) {
        err = -ENFILE;
    } else {
        atomic_fetch_add(&f->refs, 1);
        f->table = t;
        f->next = NULL;
        *link = f;
        t->count++;
    }
    pthread_mutex_unlock(&t->lock);
    return err;
}

int fid_replace(struct fid_table *t, struct fid *old, struct fid *f, uint32_t generation)
{
    struct fid **link;
    bool found;

    pthread_mutex_lock(&t->lock);
    link = find(t, old->num);
    found = t->generation == generation && *link == old && f->num == old->num;
    if (found) {
        atomic_fetch_add(&f->refs, 1);
        f->table = t;
        f->next = old->next;
        *link = f;
    }
    pthread_mutex_unlock(&t->lock);
    if (!found)
        return -EBADF;
    fid_put(old); /* the table's reference; the caller still has its own */
    return 0;
}

struct fid *fid_remove(struct fid_table *t, uint32_t num, uint32_t generation)
{
    struct fid *f = NULL;

    pthread_mutex_lock(&t->lock);
    if (t->generation == generation) {
        struct fid **link = find(t, num);

        f = *link;
        if (f != NULL) {
            *link = f->next;
            t->count--;
        }
    }
    pthread_mutex_unlock(&t->lock);
    return f;
}

struct fd_name fd_name(int fd)
{
    struct fd_name n;

    snprintf(n.s, sizeof(n.s), "%d", fd);
    return n;
}

int fid_reopen(const struct fid *f, int flags)
{
    int fd = openat(WFD_PROC, fd_name(f->path_fd).s, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd >= 0 ? fd : -errno;
}
