/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock.h - file locks that count: against processes of the host, other guests, and each other.
 *
 * An owner is an inode, a client_id and a proc_id: a process of the guest with one file, through however
 * many fids. It has one open description of its own, with the widest access that the policy gives, and
 * its ranges are open-file-description locks on that (fcntl(2)). Where the description has not the
 * access for a lock of this type (a directory, a read-only export), a lock of the whole file is one of flock(2),
 * and what can be had of it by fcntl besides.
 *
 * A fid through which a lock was taken keeps the owner alive; with the last such fid the owner and all its
 * locks go. Ranges held, and pairs of fid and owner, are bounded by the policy's max-locks each.
 */
#ifndef XEN9P_LOCK_H
#define XEN9P_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xen9p/limits.h"

struct fid;
struct lock_table;
struct session;

/* What a fid has to do with locks; zero at first. */
LIST_HEAD(lock_refs, lock_ref);
struct lock_fid {
    struct lock_table *table; /* once it has had a lock: under whose lock `refs` is */
    struct lock_refs refs;    /* owners that it keeps alive */
};

enum p9_lock_type { P9_LOCK_RDLCK = 0, P9_LOCK_WRLCK = 1, P9_LOCK_UNLCK = 2 };
#define P9_LOCK_FLAG_BLOCK 1u
#define P9_LOCK_FLAG_RECLAIM 2u
enum p9_lock_status { P9_LOCK_SUCCESS = 0, P9_LOCK_BLOCKED = 1, P9_LOCK_ERROR = 2 };

#define LOCK_TO_END INT64_MAX

struct lock_request {
    uint8_t type;        /* enum p9_lock_type */
    uint64_t start, end; /* both included; end LOCK_TO_END: however long the file gets */
    uint32_t proc_id;
    uint16_t client_len;
    char client[LIMIT_LOCK_CLIENT];
};

/* `max` ranges at most. NULL when out of memory. */
struct lock_table *lock_table_new(uint32_t max);
/* Every fid must be gone. */
void lock_table_free(struct lock_table *t);

/*
 * Takes or gives back a range through the open fid `f`. Never waits for another owner: -EAGAIN when one is in the
 * way. -ENOLCK: too many. -EBADF: no access for part of a file. Or the kernel's errno.
 */
int lock_set(struct session *s, struct fid *f, const struct lock_request *q);

/*
 * Who is in the way of `q`: fills it with the lock found, or sets its type to UNLCK. UNLCK is asked as WRLCK. An
 * owner outside of this guest has proc_id 0 and no client_id.
 */
int lock_test(struct session *s, struct fid *f, struct lock_request *q);

/* The last reference to `f` is gone. */
void lock_drop_fid(struct fid *f);

#endif
