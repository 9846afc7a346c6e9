/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock.c - owners of file locks and their ranges.
 *
 * The kernel has the last word on every lock. What an owner holds is kept here, too: to bound it, to tell the
 * guest who is in the way, and to know when an owner holds nothing any more.
 */
#include "xen9p/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <unistd.h>

#include "xen9p/operations.h"
#include "xen9p/path.h"
#include "xen9p/session.h"

#define BUCKETS 1024u

struct lock_range {
    uint64_t start, end;
    uint8_t type;
};

struct lock_owner {
    LIST_ENTRY(lock_owner) link; /* the bucket's */
    struct lock_refs refs;
    struct lock_table *table;
    dev_t dev;
    ino_t ino;
    uint32_t proc_id;
    int fd;
    bool reads, writes;       /* access of fd */
    int flock_level;          /* LOCK_UN, LOCK_SH, LOCK_EX */
    struct lock_range *range; /* sorted, disjoint; NULL when there are none */
    uint32_t num_ranges;
    uint16_t client_len;
    char client[];
};

struct lock_ref {
    LIST_ENTRY(lock_ref) of_owner, of_fid;
    struct lock_owner *owner;
    struct fid *fid;
};

struct lock_table {
    pthread_mutex_t lock; /* of everything, and of the lists in fids */
    uint32_t max, num_ranges, num_refs;
    LIST_HEAD(, lock_owner) bucket[BUCKETS];
};

struct lock_table *lock_table_new(uint32_t max)
{
    struct lock_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    t->max = max;
    return t;
}

void lock_table_free(struct lock_table *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* --- ranges --- */

static bool overlaps(const struct lock_range *a, uint64_t start, uint64_t end)
{
    return a->start <= end && start <= a->end;
}

static void append(struct lock_range *to, uint32_t *n, struct lock_range r)
{
    struct lock_range *last = *n > 0 ? &to[*n - 1] : NULL;

    if (last != NULL && last->type == r.type && last->end + 1 == r.start)
        last->end = r.end;
    else
        to[(*n)++] = r;
}

/*
 * What the owner will hold after `q`: its ranges without that of `q`, and the new one in its place. `to` has room for
 * two more than there are. Returns their number.
 */
static uint32_t ranges_after(const struct lock_owner *o, const struct lock_request *q,
                             struct lock_range *to)
{
    const struct lock_range new = {q->start, q->end, q->type};
    bool put = q->type == P9_LOCK_UNLCK;
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->num_ranges; i++) {
        struct lock_range r = o->range[i];

        if (r.start < q->start) {
            struct lock_range left = {r.start, r.end < q->start ? r.end : q->start - 1, r.type};

            append(to, &n, left);
        }
        if (!put && r.end >= q->start) {
            append(to, &n, new);
            put = true;
        }
        if (r.end > q->end) {
            struct lock_range right = {r.start > q->end ? r.start : q->end + 1, r.end, r.type};

            append(to, &n, right);
        }
    }
    if (!put)
        append(to, &n, new);
    return n;
}

/* --- owners; the table is locked --- */

static uint32_t bucket_of(dev_t dev, ino_t ino)
{
    uint64_t h = ((uint64_t)ino ^ (uint64_t)dev << 40) * 0x9e3779b97f4a7c15ull;

    return (uint32_t)(h >> 32) % BUCKETS;
}

static struct lock_owner *find_owner(struct lock_table *t, const struct stat *st,
                                     const struct lock_request *q)
{
    struct lock_owner *o;

    LIST_FOREACH(o, &t->bucket[bucket_of(st->st_dev, st->st_ino)], link)
    if (o->dev == st->st_dev && o->ino == st->st_ino && o->proc_id == q->proc_id &&
        o->client_len == q->client_len && memcmp(o->client, q->client, q->client_len) == 0)
        break;
    return o;
}

/* A range of another owner of this guest that `q` cannot be held with. */
static const struct lock_range *find_conflict(struct lock_table *t, const struct stat *st,
                                              const struct lock_request *q,
                                              const struct lock_owner *self,
                                              const struct lock_owner **by)
{
    const struct lock_owner *o;

    LIST_FOREACH(o, &t->bucket[bucket_of(st->st_dev, st->st_ino)], link)
    {
        if (o == self || o->dev != st->st_dev || o->ino != st->st_ino)
            continue;
        for (uint32_t i = 0; i < o->num_ranges; i++) {
            const struct lock_range *r = &o->range[i];

            if (overlaps(r, q->start, q->end) &&
                (r->type == P9_LOCK_WRLCK || q->type == P9_LOCK_WRLCK)) {
                *by = o;
                return r;
            }
        }
    }
    return NULL;
}

struct description {
    int fd;
    bool reads, writes;
};

/* The widest access that policy and file give. */
static int open_description(const struct session *s, const struct fid *f, struct description *d)
{
    bool reads = session_refuses(s, OPERATION_READ) == 0;
    bool writes = session_refuses(s, OPERATION_WRITE) == 0 && S_ISREG(f->type);

    d->fd = -EACCES;
    if (writes)
        d->fd = fid_reopen(f, reads ? O_RDWR : O_WRONLY);
    d->writes = d->fd >= 0;
    if (d->fd < 0 && reads) /* not ours to write, or a program that runs */
        d->fd = fid_reopen(f, O_RDONLY);
    d->reads = reads;
    if (d->fd == -EMFILE || d->fd == -ENFILE)
        d->fd = -ENOLCK;
    return d->fd < 0 ? d->fd : 0;
}

/* Takes over the description in any case. */
static struct lock_owner *add_owner(struct lock_table *t, const struct stat *st,
                                    const struct lock_request *q, const struct description *d)
{
    struct lock_owner *o = calloc(1, sizeof(*o) + q->client_len);

    if (o == NULL) {
        close(d->fd);
        return NULL;
    }
    o->table = t;
    o->dev = st->st_dev;
    o->ino = st->st_ino;
    o->proc_id = q->proc_id;
    o->client_len = q->client_len;
    memcpy(o->client, q->client, q->client_len);
    o->fd = d->fd;
    o->reads = d->reads;
    o->writes = d->writes;
    o->flock_level = LOCK_UN;
    LIST_INSERT_HEAD(&t->bucket[bucket_of(o->dev, o->ino)], o, link);
    return o;
}

static void drop_ref(struct lock_ref *ref)
{
    ref->owner->table->num_refs--;
    LIST_REMOVE(ref, of_owner);
    LIST_REMOVE(ref, of_fid);
    free(ref);
}

/* Closing the description gives back all its locks. */
static void drop_owner(struct lock_owner *o)
{
    for (struct lock_ref *ref = LIST_FIRST(&o->refs), *next; ref != NULL; ref = next) {
        next = LIST_NEXT(ref, of_owner);
        drop_ref(ref);
    }
    o->table->num_ranges -= o->num_ranges;
    LIST_REMOVE(o, link);
    close(o->fd);
    free(o->range);
    free(o);
}

static int add_ref(struct lock_owner *o, struct fid *f)
{
    struct lock_ref *ref;

    LIST_FOREACH(ref, &f->locks.refs, of_fid)
    if (ref->owner == o)
        return 0;
    if (o->table->num_refs >= o->table->max)
        return -ENOLCK;
    ref = calloc(1, sizeof(*ref));
    if (ref == NULL)
        return -ENOMEM;
    ref->owner = o;
    ref->fid = f;
    LIST_INSERT_HEAD(&o->refs, ref, of_owner);
    f->locks.table = o->table;
    LIST_INSERT_HEAD(&f->locks.refs, ref, of_fid);
    o->table->num_refs++;
    return 0;
}

/* --- the kernel's locks --- */

static struct flock flock_of(const struct lock_request *q, short type)
{
    struct flock fl = {.l_type = type, .l_whence = SEEK_SET};

    fl.l_start = (off_t)q->start;
    fl.l_len = q->end == LOCK_TO_END ? 0 : (off_t)(q->end - q->start + 1);
    return fl;
}

static short kernel_type(uint8_t type)
{
    return type == P9_LOCK_RDLCK ? F_RDLCK : type == P9_LOCK_WRLCK ? F_WRLCK : F_UNLCK;
}

static int ofd_set(int fd, const struct lock_request *q, short type)
{
    struct flock fl = flock_of(q, type);

    if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

static int flock_set(struct lock_owner *o, int level)
{
    if (level == o->flock_level)
        return 0;
    if (flock(o->fd, level == LOCK_UN ? LOCK_UN : level | LOCK_NB) == 0) {
        o->flock_level = level;
        return 0;
    }
    if (errno != EWOULDBLOCK)
        return -errno;
    /* The kernel gives back what is held before it looks for what is wanted. */
    if (o->flock_level != LOCK_UN && flock(o->fd, o->flock_level | LOCK_NB) != 0)
        o->flock_level = LOCK_UN;
    return -EAGAIN;
}

static int level_for(const struct lock_range *range, uint32_t n)
{
    int level = LOCK_UN;

    for (uint32_t i = 0; i < n && level != LOCK_EX; i++)
        level = range[i].type == P9_LOCK_WRLCK ? LOCK_EX : LOCK_SH;
    return level;
}

/*
 * A description without the access that one of the types wants: flock(2) keeps writers and readers apart, a
 * lock of the type that can be had shows the range to others.
 */
static int set_narrow(struct lock_owner *o, const struct lock_request *q,
                      const struct lock_range *after, uint32_t n)
{
    bool whole = q->start == 0 && q->end == LOCK_TO_END;
    bool fits = q->type == P9_LOCK_UNLCK || (q->type == P9_LOCK_WRLCK ? o->writes : o->reads);
    int before = o->flock_level, err;

    if (!fits && !whole)
        return -EBADF;
    err = flock_set(o, level_for(after, n));
    if (err == 0 && q->type == P9_LOCK_UNLCK)
        err = ofd_set(o->fd, q, F_UNLCK);
    else if (err == 0 && (fits || o->reads))
        err = ofd_set(o->fd, q, fits ? kernel_type(q->type) : F_RDLCK);
    if (err != 0)
        (void)flock_set(o, before);
    return err;
}

/* The owner's ranges become those after `q`, here and in the kernel. */
static int change(struct lock_owner *o, const struct lock_request *q)
{
    struct lock_table *t = o->table;
    struct lock_range *after = calloc(o->num_ranges + 2, sizeof(*after));
    uint32_t n;
    int err;

    if (after == NULL)
        return -ENOMEM;
    n = ranges_after(o, q, after);
    if (n > o->num_ranges && t->num_ranges + (n - o->num_ranges) > t->max)
        err = -ENOLCK;
    else if (o->reads && o->writes)
        err = ofd_set(o->fd, q, kernel_type(q->type));
    else
        err = set_narrow(o, q, after, n);
    if (err != 0) {
        free(after);
        return err;
    }
    t->num_ranges = t->num_ranges - o->num_ranges + n;
    free(o->range);
    o->range = after;
    o->num_ranges = n;
    return 0;
}

/* The owner of `q`, which need not be there. Opening may wait for a server: the table is unlocked meanwhile. */
static int get_owner(struct session *s, const struct fid *f, const struct stat *st,
                     const struct lock_request *q, struct lock_owner **out)
{
    struct lock_table *t = s->locks;
    struct description d;
    int err;

    *out = find_owner(t, st, q);
    if (*out != NULL)
        return 0;
    pthread_mutex_unlock(&t->lock);
    err = open_description(s, f, &d);
    pthread_mutex_lock(&t->lock);
    if (err != 0)
        return err;
    *out = find_owner(t, st, q);
    if (*out != NULL)
        close(d.fd);
    else
        *out = add_owner(t, st, q, &d);
    return *out != NULL ? 0 : -ENOMEM;
}

int lock_set(struct session *s, struct fid *f, const struct lock_request *q)
{
    struct lock_table *t = s->locks;
    const struct lock_owner *by;
    struct lock_owner *o = NULL;
    struct stat st;
    int err = path_stat(f->path_fd, &st);

    if (err != 0)
        return err;
    pthread_mutex_lock(&t->lock);
    if (q->type == P9_LOCK_UNLCK)
        o = find_owner(t, &st, q);
    else if (find_conflict(t, &st, q, find_owner(t, &st, q), &by) != NULL)
        err = -EAGAIN;
    else if (t->num_ranges >= t->max && find_owner(t, &st, q) == NULL)
        err = -ENOLCK;
    else
        err = get_owner(s, f, &st, q, &o);
    if (err == 0 && o != NULL) {
        if (q->type != P9_LOCK_UNLCK)
            err = add_ref(o, f);
        if (err == 0)
            err = change(o, q);
        if (o->num_ranges == 0)
            drop_owner(o);
    }
    pthread_mutex_unlock(&t->lock);
    return err;
}

static void tell(struct lock_request *q, uint8_t type, uint64_t start, uint64_t end)
{
    q->type = type;
    q->start = start;
    q->end = end;
}

/* Locks of others than this guest. Asked through the owner's own description, if it has one. */
static int test_kernel(int fd, struct lock_request *q)
{
    struct flock fl = flock_of(q, kernel_type(q->type));

    if (fcntl(fd, F_OFD_GETLK, &fl) != 0)
        return -errno;
    if (fl.l_type == F_UNLCK) {
        q->type = P9_LOCK_UNLCK;
        return 0;
    }
    tell(q, fl.l_type == F_RDLCK ? P9_LOCK_RDLCK : P9_LOCK_WRLCK, (uint64_t)fl.l_start,
         fl.l_len == 0 ? LOCK_TO_END : (uint64_t)(fl.l_start + fl.l_len - 1));
    q->proc_id = 0;
    q->client_len = 0;
    return 0;
}

/* 1: answered. 0: nobody of this guest is in the way, and it has no description to ask through. */
static int test_own(struct lock_table *t, const struct stat *st, struct lock_request *q)
{
    struct lock_owner *self = find_owner(t, st, q);
    const struct lock_owner *by;
    const struct lock_range *r = find_conflict(t, st, q, self, &by);
    int err;

    if (r != NULL) {
        tell(q, r->type, r->start, r->end);
        q->proc_id = by->proc_id;
        q->client_len = by->client_len;
        memcpy(q->client, by->client, by->client_len);
        return 1;
    }
    if (self == NULL)
        return 0;
    err = test_kernel(self->fd, q);
    return err != 0 ? err : 1;
}

int lock_test(struct session *s, struct fid *f, struct lock_request *q)
{
    struct description d;
    struct stat st;
    int err = path_stat(f->path_fd, &st);

    if (err != 0)
        return err;
    if (q->type == P9_LOCK_UNLCK)
        q->type = P9_LOCK_WRLCK;
    pthread_mutex_lock(&s->locks->lock);
    err = test_own(s->locks, &st, q);
    pthread_mutex_unlock(&s->locks->lock);
    if (err != 0)
        return err < 0 ? err : 0;
    err = open_description(s, f, &d);
    if (err != 0)
        return err;
    err = test_kernel(d.fd, q);
    close(d.fd);
    return err;
}

void lock_drop_fid(struct fid *f)
{
    struct lock_table *t = f->locks.table;

    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    for (struct lock_ref *ref = LIST_FIRST(&f->locks.refs), *next; ref != NULL; ref = next) {
        struct lock_owner *o = ref->owner;

        next = LIST_NEXT(ref, of_fid);
        drop_ref(ref);
        if (LIST_EMPTY(&o->refs))
            drop_owner(o);
    }
    pthread_mutex_unlock(&t->lock);
}
