/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota.h - max-space and max-files of an export (quota_counts.h says what counts).
 *
 * Every operation that changes what is counted goes through here. Where no limit is set it is the
 * system call and one look at a flag. Otherwise what an operation will add is taken first (ENOSPC
 * when it is not there), then the operation is done, then what was not needed is given back.
 * Operations on one file's length exclude each other (a stripe of locks by inode), so do those
 * that take names away: the kernel does much the same.
 *
 * A file without a name counts until its last fid is gone. Where the worker cannot know (the host
 * changes something, two devices have one file open, a worker died) the count drifts, and the
 * next scan puts it right (quota_scan.h).
 *
 * Returns are 0 or a negative errno unless said otherwise.
 */
#ifndef XEN9P_QUOTA_H
#define XEN9P_QUOTA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "xen9p/quota_counts.h"

struct fid;
struct session;

#define QUOTA_STRIPES 64u
#define QUOTA_ORPHAN_BUCKETS 256u

/* A file that lost its last name while a fid referred to it. */
struct quota_orphan {
    uint64_t key; /* fid_key() */
    struct quota_orphan *next;
};

/* The thread that looks at the whole tree now and then. */
struct quota_scan {
    pthread_t thread;
    pthread_mutex_t lock; /* of the following */
    pthread_cond_t changed;
    bool started, arrived, open, asked;
    bool inexact;         /* the last one had a margin, or failed */
    uint64_t last_ms;     /* end of the last scan, CLOCK_MONOTONIC; 0: none */
    uint64_t duration_ms; /* of it */
    atomic_bool stop;
};

struct quota {
    struct session *session;
    struct quota_counts *counts; /* NULL: nothing is counted */
    atomic_bool counting[QUOTA_KINDS];
    bool auto_delete;
    struct quota_pending pending;

    pthread_mutex_t names; /* taken before a stripe */
    pthread_mutex_t stripe[QUOTA_STRIPES];

    struct quota_orphan *orphan[QUOTA_ORPHAN_BUCKETS]; /* under `names` */
    _Atomic uint32_t orphans;                          /* there are, or may be in a moment */
    _Atomic uint64_t orphaned[QUOTA_KINDS];            /* what they amount to */
    _Atomic uint32_t tree_moves;                       /* directories that were renamed */

    pthread_mutex_t deleting; /* one auto-delete at a time */
    struct quota_scan scan;
};

/* `counts` may be NULL. The limits are the session's, and may change at any time. */
void quota_init(struct quota *q, struct session *s, struct quota_counts *counts, bool auto_delete);
void quota_fini(struct quota *q);
/* The session's limits have changed. */
void quota_limits_changed(struct quota *q);

/*
 * pwritev2() to the open file of `f`. Writes less than asked for when the limit lies within.
 * Returns the number of bytes, or a negative errno.
 */
ssize_t quota_write(struct session *s, struct fid *f, const struct iovec *seg, int segs,
                    uint64_t offset);
/* ftruncate() of `fd`, which is open for the file of `f`. */
int quota_truncate(struct session *s, struct fid *f, int fd, uint64_t size);
/* Opens the file of `f` with flags that have O_TRUNC. A descriptor, or a negative errno. */
int quota_open_truncated(struct session *s, struct fid *f, int flags);

/*
 * Around the making of a file of whatever type as `name` in `dir`: 0, and quota_made() must follow; else -ENOSPC,
 * or -EEXIST when that name is taken, which is the better answer.
 */
int quota_making(struct session *s, int dir, const char *name, bool *counted);
void quota_made(struct session *s, bool counted, bool success);

int quota_unlink(struct session *s, int dir, const char *name, int flags);
int quota_rename(struct session *s, int from, const char *name, int to, const char *newname,
                 unsigned int flags);
/*
 * Deletes a regular file if it is still the one that `st` says, has no other name and is not open: -ESTALE,
 * -EBUSY. Frees its space even while a fid refers to it.
 */
int quota_delete_file(struct quota *q, int dir, const char *name, const struct stat *st);
/* A new name is made for the file of `fd`: it may be seen twice by a scan. */
void quota_linking(struct session *s, int fd);

/* The last reference to `f`, which no table has any more, is gone; its descriptors are open. */
void quota_fid_ends(struct session *s, struct fid *f);

/* What the guest is to see: the smaller of file system and quota. */
void quota_statfs(struct session *s, struct statfs *fs);

#endif
