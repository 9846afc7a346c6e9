/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota.c - counting what a guest's operations do to space and files.
 *
 * The numbers in shared memory are trusted for no more than being numbers.
 */
#include "xen9p/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/operations.h"
#include "xen9p/p9.h"
#include "xen9p/path.h"
#include "xen9p/quota_delete.h"
#include "xen9p/quota_scan.h"
#include "xen9p/session.h"

void quota_init(struct quota *q, struct session *s, struct quota_counts *counts, bool auto_delete)
{
    memset(q, 0, sizeof(*q));
    q->session = s;
    q->counts = counts;
    q->auto_delete = auto_delete;
    pthread_mutex_init(&q->names, NULL);
    pthread_mutex_init(&q->deleting, NULL);
    for (uint32_t i = 0; i < QUOTA_STRIPES; i++)
        pthread_mutex_init(&q->stripe[i], NULL);
    quota_scan_init(q);
}

void quota_fini(struct quota *q)
{
    quota_scan_end(q);
    for (uint32_t i = 0; i < QUOTA_ORPHAN_BUCKETS; i++) {
        while (q->orphan[i] != NULL) {
            struct quota_orphan *o = q->orphan[i];

            q->orphan[i] = o->next;
            free(o);
        }
    }
}

static uint64_t limit_of(const struct quota *q, enum quota_kind kind)
{
    return atomic_load_explicit(kind == QUOTA_SPACE ? &q->session->limits.max_space
                                                    : &q->session->limits.max_files,
                                memory_order_relaxed);
}

void quota_limits_changed(struct quota *q)
{
    bool begins = false;

    if (q->counts == NULL)
        return;
    for (int i = 0; i < QUOTA_KINDS; i++) {
        bool counts = limit_of(q, (enum quota_kind)i) != 0;

        begins |= !atomic_exchange(&q->counting[i], counts) && counts;
    }
    if (begins) /* what happened meanwhile was not counted */
        quota_scan_ask(q);
}

static bool counting(const struct quota *q, enum quota_kind kind)
{
    return atomic_load_explicit(&q->counting[kind], memory_order_relaxed);
}

static bool counting_any(const struct quota *q)
{
    return counting(q, QUOTA_SPACE) || counting(q, QUOTA_FILES);
}

/* All or nothing. */
static int take_all(struct quota *q, enum quota_kind kind, uint64_t n)
{
    return n == 0 || quota_take(q->counts, kind, n, n, limit_of(q, kind)) == n ? 0 : -ENOSPC;
}

/*
 * The limit stands in the way of `n` more: true when it is worth another try, because auto-delete has
 * made room. No lock is held. Otherwise a scan looks whether the export is as full as it seems.
 */
static bool make_room(struct quota *q, enum quota_kind kind, uint64_t n)
{
    if (quota_delete_oldest(q, kind, n, limit_of(q, kind)))
        return true;
    quota_scan_ask(q);
    return false;
}

/* --- length of a file -------------------------------------------------------------------------- */

struct file_lock {
    pthread_mutex_t *stripe;
    uint64_t rounded; /* what the file counts for */
    bool orphan;      /* it has no name */
};

/* Excludes other changes of the file's length and looks at it. */
static int lock_file(struct quota *q, struct fid *f, int fd, struct file_lock *l, struct stat *st)
{
    int err;

    l->stripe = &q->stripe[fid_key(f) % QUOTA_STRIPES];
    pthread_mutex_lock(l->stripe);
    err = path_stat(fd, st);
    if (err != 0) {
        pthread_mutex_unlock(l->stripe);
        return err;
    }
    l->rounded = quota_round((uint64_t)st->st_size);
    l->orphan = st->st_nlink == 0;
    return 0;
}

static void begin_growth(struct quota *q, enum quota_kind kind, uint64_t n)
{
    atomic_fetch_add(&q->pending.up[kind], n);
}

static void end_growth(struct quota *q, enum quota_kind kind, uint64_t begun)
{
    atomic_fetch_sub(&q->pending.up[kind], begun);
}

static void begin_shrinking(struct quota *q, enum quota_kind kind, uint64_t n)
{
    atomic_fetch_add(&q->pending.down[kind], n);
    quota_going(q->counts, kind, n);
}

/* Of what was begun `gone` is gone. */
static void end_shrinking(struct quota *q, enum quota_kind kind, uint64_t begun, uint64_t gone)
{
    quota_give(q->counts, kind, gone);
    atomic_fetch_sub(&q->pending.down[kind], begun);
}

static void orphan_resized(struct quota *q, uint64_t before, uint64_t after)
{
    /* modulo 2^64: a difference, whichever sign it has */
    atomic_fetch_add(&q->orphaned[QUOTA_SPACE], after - before);
}

static ssize_t write_all(int fd, const struct iovec *seg, int segs, uint64_t offset)
{
    ssize_t n;

    do
        n = pwritev2(fd, seg, segs, (off_t)offset, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* The first `len` bytes of the segments. */
static ssize_t write_some(int fd, const struct iovec *seg, int segs, uint64_t len, uint64_t offset)
{
    struct iovec cut[2];
    int n = 0;

    for (; n < segs && n < 2 && len > 0; n++) {
        cut[n] = seg[n];
        if (cut[n].iov_len > len)
            cut[n].iov_len = len;
        len -= cut[n].iov_len;
    }
    return write_all(fd, cut, n, offset);
}

static uint64_t length(const struct iovec *seg, int segs)
{
    uint64_t len = 0;

    for (int i = 0; i < segs; i++)
        len += seg[i].iov_len;
    return len;
}

struct write {
    int fd;
    const struct iovec *seg;
    int segs;
    uint64_t start;
    bool whole;       /* or not at all */
    uint64_t missing; /* result: room that the limit did not leave */
};

/* With blocks for `got` bytes more than the file has. */
static ssize_t write_within(const struct file_lock *l, struct write *w, uint64_t more, uint64_t got)
{
    uint64_t len = length(w->seg, w->segs), most = l->rounded + got;

    /* nothing of it stays taken when nothing is written */
    w->missing = more == got ? 0 : w->whole ? more : more - got;
    if (more > got && (w->whole || most <= w->start))
        return -ENOSPC;
    if (more == got)
        return write_all(w->fd, w->seg, w->segs, w->start);
    return write_some(w->fd, w->seg, w->segs, most - w->start < len ? most - w->start : len,
                      w->start);
}

/* The file's stripe is held. */
static ssize_t write_counted(struct quota *q, const struct file_lock *l, struct write *w)
{
    uint64_t end = quota_round(w->start + length(w->seg, w->segs)), got, used = 0;
    uint64_t more = end > l->rounded ? end - l->rounded : 0;
    ssize_t n;

    w->missing = 0;
    if (more == 0)
        return write_all(w->fd, w->seg, w->segs, w->start);
    begin_growth(q, QUOTA_SPACE, more);
    got = quota_take(q->counts, QUOTA_SPACE, more, QUOTA_BLOCK, limit_of(q, QUOTA_SPACE));
    n = write_within(l, w, more, got);
    if (n > 0 && quota_round(w->start + (uint64_t)n) > l->rounded)
        used = quota_round(w->start + (uint64_t)n) - l->rounded;
    if (used < got)
        quota_give(q->counts, QUOTA_SPACE, got - used);
    if (l->orphan)
        orphan_resized(q, 0, used);
    end_growth(q, QUOTA_SPACE, more);
    return n;
}

static ssize_t try_write(struct quota *q, struct fid *f, struct write *w)
{
    const uint32_t mode = P9_L_ACCMODE | P9_L_APPEND;
    struct file_lock l;
    struct stat st;
    ssize_t n = lock_file(q, f, w->fd, &l, &st);

    if (n != 0)
        return n;
    if ((f->open_flags & mode) == (P9_L_WRONLY | P9_L_APPEND)) /* as it was opened */
        w->start = (uint64_t)st.st_size;
    if (w->start > INT64_MAX - length(w->seg, w->segs))
        n = write_all(w->fd, w->seg, w->segs, w->start); /* the kernel has a word for that */
    else
        n = write_counted(q, &l, w);
    pthread_mutex_unlock(l.stripe);
    return n;
}

ssize_t quota_write(struct session *s, struct fid *f, const struct iovec *seg, int segs,
                    uint64_t offset)
{
    struct quota *q = &s->quota;
    struct write w = {.fd = atomic_load(&f->io_fd),
                      .seg = seg,
                      .segs = segs,
                      .start = offset,
                      .whole = q->auto_delete};
    ssize_t n;

    if (!counting(q, QUOTA_SPACE))
        return write_all(w.fd, seg, segs, offset);
    n = try_write(q, f, &w);
    if (w.missing > 0 && make_room(q, QUOTA_SPACE, w.missing)) {
        w.whole = false;
        w.start = offset;
        n = try_write(q, f, &w);
    }
    return n;
}

static int truncate_up(struct quota *q, const struct file_lock *l, int fd, uint64_t size)
{
    uint64_t more = quota_round(size) - l->rounded;
    int err;

    begin_growth(q, QUOTA_SPACE, more);
    err = take_all(q, QUOTA_SPACE, more);
    if (err == 0 && ftruncate(fd, (off_t)size) != 0) {
        err = -errno;
        quota_give(q->counts, QUOTA_SPACE, more);
    }
    end_growth(q, QUOTA_SPACE, more);
    return err;
}

static int truncate_down(struct quota *q, const struct file_lock *l, int fd, uint64_t size)
{
    uint64_t less = l->rounded - quota_round(size);
    int err;

    begin_shrinking(q, QUOTA_SPACE, less);
    err = ftruncate(fd, (off_t)size) != 0 ? -errno : 0;
    end_shrinking(q, QUOTA_SPACE, less, err == 0 ? less : 0);
    return err;
}

static int try_truncate(struct quota *q, struct fid *f, int fd, uint64_t size, uint64_t *missing)
{
    struct file_lock l;
    struct stat st;
    uint64_t rounded = quota_round(size);
    int err = lock_file(q, f, fd, &l, &st);

    *missing = 0;
    if (err != 0)
        return err;
    if (rounded > l.rounded) {
        err = truncate_up(q, &l, fd, size);
        *missing = err == -ENOSPC ? rounded - l.rounded : 0;
    } else {
        err = truncate_down(q, &l, fd, size);
    }
    if (err == 0 && l.orphan)
        orphan_resized(q, l.rounded, rounded);
    pthread_mutex_unlock(l.stripe);
    return err;
}

int quota_truncate(struct session *s, struct fid *f, int fd, uint64_t size)
{
    struct quota *q = &s->quota;
    uint64_t missing;
    int err;

    if (!counting(q, QUOTA_SPACE) || size > INT64_MAX)
        return ftruncate(fd, (off_t)size) == 0 ? 0 : -errno;
    err = try_truncate(q, f, fd, size, &missing);
    if (missing > 0 && make_room(q, QUOTA_SPACE, missing))
        err = try_truncate(q, f, fd, size, &missing);
    return err;
}

int quota_open_truncated(struct session *s, struct fid *f, int flags)
{
    struct quota *q = &s->quota;
    struct file_lock l;
    struct stat st;
    int fd, err;

    if (!counting(q, QUOTA_SPACE) || !S_ISREG(f->type))
        return fid_reopen(f, flags);
    err = lock_file(q, f, f->path_fd, &l, &st);
    if (err != 0)
        return err;
    begin_shrinking(q, QUOTA_SPACE, l.rounded);
    fd = fid_reopen(f, flags);
    end_shrinking(q, QUOTA_SPACE, l.rounded, fd >= 0 ? l.rounded : 0);
    if (fd >= 0 && l.orphan)
        orphan_resized(q, l.rounded, 0);
    pthread_mutex_unlock(l.stripe);
    return fd;
}

/* --- files that come --------------------------------------------------------------------------- */

int quota_making(struct session *s, int dir, const char *name, bool *counted)
{
    struct quota *q = &s->quota;
    struct stat st;
    int err;

    *counted = counting(q, QUOTA_FILES);
    if (!*counted)
        return 0;
    begin_growth(q, QUOTA_FILES, 1);
    err = take_all(q, QUOTA_FILES, 1);
    if (err != 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        err = -EEXIST;
    else if (err != 0 && make_room(q, QUOTA_FILES, 1))
        err = take_all(q, QUOTA_FILES, 1);
    if (err != 0)
        end_growth(q, QUOTA_FILES, 1);
    return err;
}

void quota_made(struct session *s, bool counted, bool success)
{
    struct quota *q = &s->quota;

    if (!counted)
        return;
    if (!success)
        quota_give(q->counts, QUOTA_FILES, 1);
    end_growth(q, QUOTA_FILES, 1);
}

void quota_linking(struct session *s, int fd)
{
    struct quota *q = &s->quota;
    struct stat st;

    if (!counting_any(q) || path_stat(fd, &st) != 0)
        return;
    quota_moving(q->counts, QUOTA_FILES, 1);
    if (S_ISREG(st.st_mode))
        quota_moving(q->counts, QUOTA_SPACE, quota_round((uint64_t)st.st_size));
}

/* --- files that go ----------------------------------------------------------------------------- */

/* An entry that is about to lose its name. */
struct victim {
    int fd; /* O_PATH; -1: there is none */
    struct stat st;
    uint64_t key;
    pthread_mutex_t *stripe;
    uint64_t space; /* what it counts for */
};

static uint64_t space_of(const struct stat *st)
{
    return S_ISREG(st->st_mode) ? quota_round((uint64_t)st->st_size) : 0;
}

/* `names` is held. */
static void seize(struct quota *q, struct victim *v)
{
    v->key = fid_key_of(&v->st);
    v->stripe = &q->stripe[v->key % QUOTA_STRIPES];
    pthread_mutex_lock(v->stripe);
    (void)path_stat(v->fd, &v->st); /* its length, now that nobody changes it */
    v->space = space_of(&v->st);
    begin_shrinking(q, QUOTA_SPACE, v->space);
    begin_shrinking(q, QUOTA_FILES, 1);
}

static void remember_orphan(struct quota *q, struct victim *v)
{
    struct quota_orphan *o = malloc(sizeof(*o));
    struct quota_orphan **head = &q->orphan[v->key % QUOTA_ORPHAN_BUCKETS];

    if (o == NULL) /* it goes on counting until the next scan */
        return;
    o->key = v->key;
    o->next = *head;
    *head = o;
    atomic_fetch_add(&q->orphans, 1);
    atomic_fetch_add(&q->orphaned[QUOTA_SPACE], v->space);
    atomic_fetch_add(&q->orphaned[QUOTA_FILES], 1);
}

/* A directory is gone with its name; a file when it was the last one and no fid has it. */
static bool is_gone(struct quota *q, struct victim *v)
{
    struct stat now;
    bool gone;

    if (S_ISDIR(v->st.st_mode))
        return true;
    /* some file systems have nothing to say about a file without a name */
    if (v->st.st_nlink != 1 || (path_stat(v->fd, &now) == 0 && now.st_nlink != 0))
        return false;
    /* counted before the table is looked at: a fid that ends meanwhile waits for `names` then */
    atomic_fetch_add(&q->orphans, 1);
    gone = !fid_table_has(q->session->fids, v->key);
    if (!gone)
        remember_orphan(q, v);
    atomic_fetch_sub(&q->orphans, 1);
    return gone;
}

static void let_go(struct quota *q, struct victim *v, bool removed)
{
    bool gone = removed && is_gone(q, v);

    end_shrinking(q, QUOTA_SPACE, v->space, gone ? v->space : 0);
    end_shrinking(q, QUOTA_FILES, 1, gone ? 1 : 0);
    pthread_mutex_unlock(v->stripe);
}

int quota_unlink(struct session *s, int dir, const char *name, int flags)
{
    struct quota *q = &s->quota;
    struct victim v;
    int err;

    if (!counting_any(q))
        return unlinkat(dir, name, flags) == 0 ? 0 : -errno;
    pthread_mutex_lock(&q->names);
    v.fd = path_step(dir, name, &v.st);
    err = v.fd < 0 ? v.fd : 0;
    if (err == 0) {
        seize(q, &v);
        err = unlinkat(dir, name, flags) == 0 ? 0 : -errno;
        let_go(q, &v, err == 0);
        close(v.fd);
    }
    pthread_mutex_unlock(&q->names);
    return err;
}

/* The space of a file that no longer has a name, but fids that are not open. `names` is held. */
static void empty_orphan(struct quota *q, const struct victim *v)
{
    int fd =
        openat(WFD_PROC, fd_name(v->fd).s, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return;
    close(fd);
    atomic_fetch_sub(&q->orphaned[QUOTA_SPACE], v->space);
    quota_give(q->counts, QUOTA_SPACE, v->space);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && S_ISREG(a->st_mode) &&
           a->st_nlink == 1 && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* `names` is held. */
static int delete_victim(struct quota *q, int dir, const char *name, struct victim *v)
{
    struct session *s = q->session;
    int err;

    seize(q, v);
    err = unlinkat(dir, name, 0) == 0 ? 0 : -errno;
    begin_shrinking(q, QUOTA_SPACE, v->space); /* for empty_orphan() */
    let_go(q, v, err == 0);
    if (err == 0 && (s->operations & OPERATION_WRITE) != 0 && fid_table_has(s->fids, v->key) &&
        !fid_table_has_open(s->fids, v->key))
        empty_orphan(q, v);
    end_shrinking(q, QUOTA_SPACE, v->space, 0);
    return err;
}

int quota_delete_file(struct quota *q, int dir, const char *name, const struct stat *st)
{
    struct victim v;
    int err;

    pthread_mutex_lock(&q->names);
    v.fd = path_step(dir, name, &v.st);
    err = v.fd < 0 ? v.fd : 0;
    if (err == 0 && !is_same_file(&v.st, st))
        err = -ESTALE;
    if (err == 0 && fid_table_has_open(q->session->fids, fid_key_of(st)))
        err = -EBUSY;
    if (err == 0)
        err = delete_victim(q, dir, name, &v);
    if (v.fd >= 0)
        close(v.fd);
    pthread_mutex_unlock(&q->names);
    return err;
}

/* What is renamed may be seen twice by a scan, or not at all. */
static void note_move(struct quota *q, const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        atomic_fetch_add(&q->tree_moves, 1);
    quota_moving(q->counts, QUOTA_FILES, 1);
    quota_moving(q->counts, QUOTA_SPACE, space_of(st));
}

int quota_rename(struct session *s, int from, const char *name, int to, const char *newname,
                 unsigned int flags)
{
    struct quota *q = &s->quota;
    struct victim v = {.fd = -1};
    struct stat source;
    int err;

    if (!counting_any(q))
        return renameat2(from, name, to, newname, flags) == 0 ? 0 : -errno;
    pthread_mutex_lock(&q->names);
    if (fstatat(from, name, &source, AT_SYMLINK_NOFOLLOW) != 0) {
        err = -errno;
        goto out;
    }
    note_move(q, &source);
    v.fd = path_step(to, newname, &v.st);
    if (v.fd >= 0 && v.st.st_dev == source.st_dev && v.st.st_ino == source.st_ino) {
        close(v.fd); /* two names of one file: nothing happens */
        v.fd = -1;
    }
    if (v.fd >= 0)
        seize(q, &v);
    err = renameat2(from, name, to, newname, flags) == 0 ? 0 : -errno;
    if (v.fd >= 0) {
        let_go(q, &v, err == 0);
        close(v.fd);
    }
    note_move(q, &source); /* begun before a scan and finished in it */
out:
    pthread_mutex_unlock(&q->names);
    return err;
}

static bool forget_orphan(struct quota *q, uint64_t key)
{
    struct quota_orphan **at = &q->orphan[key % QUOTA_ORPHAN_BUCKETS], *o;

    while (*at != NULL && (*at)->key != key)
        at = &(*at)->next;
    o = *at;
    if (o == NULL)
        return false;
    *at = o->next;
    free(o);
    atomic_fetch_sub(&q->orphans, 1);
    return true;
}

void quota_fid_ends(struct session *s, struct fid *f)
{
    struct quota *q = &s->quota;
    uint64_t key, space;
    struct stat st;

    if (atomic_load(&q->orphans) == 0)
        return;
    pthread_mutex_lock(&q->names);
    key = fid_key(f);
    if (!fid_table_has(s->fids, key) && forget_orphan(q, key)) {
        space = path_stat(f->path_fd, &st) == 0 ? space_of(&st) : 0;
        begin_shrinking(q, QUOTA_SPACE, space);
        begin_shrinking(q, QUOTA_FILES, 1);
        atomic_fetch_sub(&q->orphaned[QUOTA_SPACE], space);
        atomic_fetch_sub(&q->orphaned[QUOTA_FILES], 1);
        end_shrinking(q, QUOTA_SPACE, space, space);
        end_shrinking(q, QUOTA_FILES, 1, 1);
    }
    pthread_mutex_unlock(&q->names);
}

/* --- what the guest sees ----------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t left(const struct quota *q, enum quota_kind kind)
{
    uint64_t limit = limit_of(q, kind), used = atomic_load(&q->counts->used[kind]);

    return limit > used ? limit - used : 0;
}

void quota_statfs(struct session *s, struct statfs *fs)
{
    const struct quota *q = &s->quota;
    uint64_t block = fs->f_bsize > 0 ? (uint64_t)fs->f_bsize : 1;

    if (counting(q, QUOTA_SPACE)) {
        fs->f_blocks = least(fs->f_blocks, limit_of(q, QUOTA_SPACE) / block);
        fs->f_bfree = least(fs->f_bfree, left(q, QUOTA_SPACE) / block);
        fs->f_bavail = least(fs->f_bavail, fs->f_bfree);
    }
    if (counting(q, QUOTA_FILES)) {
        bool none = fs->f_files == 0; /* a file system that makes inodes as it needs them */

        fs->f_files =
            none ? limit_of(q, QUOTA_FILES) : least(fs->f_files, limit_of(q, QUOTA_FILES));
        fs->f_ffree = none ? left(q, QUOTA_FILES) : least(fs->f_ffree, left(q, QUOTA_FILES));
    }
}
