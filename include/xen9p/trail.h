/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trail.h - a worker's audit trail: what is recorded of requests and open files, and how it gets to
 * xen9p-audit before the guest sees that anything was done.
 *
 * trail_note.c notes what a request is about: the fids that its handler works on (request_fid())
 * and where they are, names as the message gives them, the outcome. A request with something to
 * record is held back (trail_hold()) and its reply is published after its record was sent.
 * Everything held stands in one queue, in its order: replies, those to Tlock and Tflush that waited
 * too, and open files whose last reference is gone, each of which gets one record with all that was
 * read and written. trail_flush() sends
 * what there is as one message, as often as it takes; it is called wherever the guest would be
 * notified.
 *
 * A full socket: with CTL_FLAG_AUDIT_BLOCKS no more requests are taken until there is room
 * (WFD_AUDIT is watched for that; no thread waits in a system call, so that the supervisor is
 * heard). Otherwise records are dropped and counted.
 *
 * The lock is the innermost but one: pump.lock and the rings' may not be taken under it.
 */
#ifndef XEN9P_TRAIL_H
#define XEN9P_TRAIL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "xen9p/audit.h"
#include "xen9p/control.h"
#include "xen9p/cursor.h"
#include "xen9p/journal.h"

struct fid;
struct fid_table;
struct pump;
struct request;
struct worker;

/* A directory's path, a slash, and names; more is cut. */
#define TRAIL_PATH_MAX (AUDIT_STRING_MAX + 258u)

/* What waits to be sent: a request with its reply, an open file, a fixed answer of flight.c. */
struct trail_item {
    struct trail_item *next;
    struct request *request; /* NULL: */
    struct fid *fid;         /* NULL: the worker's own record, or one of `answer` */
};

struct trail_message; /* how a type of message is recorded */

/* Of one request. Up to `why` set when its handler is called; strings end up in `rec`. */
struct trail_note {
    const struct trail_message *msg; /* NULL: only a refusal would be recorded */
    uint32_t classes;                /* in force when it began */
    enum audit_reason why;           /* for a handler to set: AUDIT_WHY_LIMIT */
    bool before;                     /* paths are read before the operation */
    bool made;                       /* `rec` is to be sent */
    bool has[2];                     /* the message names such a fid: */
    uint32_t num[2];
    struct fid *fid[2]; /* what its handler got for it; a reference of ours */
    uint16_t len[2];    /* of path, with names */
    struct audit_record rec;
    struct trail_item item;
    uint8_t reply_type;
    char path[2][TRAIL_PATH_MAX];
};

/*
 * Where a directory is: not asked again while one batch lasts and this worker renames nothing. What the
 * host renames meanwhile shows from the next batch on.
 */
struct trail_dir {
    _Atomic uint64_t key; /* fid_key(); 0: none. All else under the lock. */
    uint64_t moves;       /* trail.moves when it was looked up */
    uint16_t len;
    char path[TRAIL_PATH_MAX];
};

struct trail {
    bool open;   /* there is a socket */
    bool blocks; /* CTL_FLAG_AUDIT_BLOCKS */
    size_t root_len;
    _Atomic uint64_t moves;  /* requests that a directory's place may have changed by */
    _Atomic uint32_t queued; /* items; looked at without the lock */
    atomic_bool waiting;     /* the socket is full: nothing is taken */
    _Atomic uint64_t read, written;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* for the end */
    struct trail_dir dir;
    bool sending;         /* one thread at a time */
    bool given_up;        /* the end is near, what cannot be sent is lost */
    uint64_t deadline_ms; /* for that; 0: not set */
    struct trail_item *first, **last;
    struct trail_item *batch;                /* those whose records stand in `buf` */
    struct trail_item own;                   /* why the device was closed */
    struct trail_item answer[JOURNAL_SLOTS]; /* by slot */
    struct audit_record own_rec;
    bool own_queued;
    uint64_t next; /* number of the next record, from 1 */
    uint32_t lost; /* not sent, not said yet */
    uint64_t all_lost;
    struct builder message;
    uint8_t buf[AUDIT_BATCH_MAX];
};

/* After WFD_AUDIT and WFD_ROOT are in place. Watches fids of `t` that are closed. */
void trail_init(struct worker *w);

/* --- of a request: session_dispatch() and request_fid() --- */

/* Before its handler is called. */
void trail_begin(struct request *r);
/* The handler works on `f`, which the message calls `num`. */
void trail_saw(struct request *r, struct fid *f, uint32_t num);
/* It returned `err`. */
void trail_end(struct request *r, int err);
/* What the open file `f` was used for. */
void trail_count(struct fid *f, uint64_t read, uint64_t written);

/* --- sending: the pump's --- */

/*
 * True when the reply must not be published before something was sent: it is taken over, and
 * published by trail_flush().
 */
bool trail_hold(struct pump *p, struct request *r, uint8_t reply_type);
/*
 * The same for the fixed answer of a journal slot: flight_unhold_answer() is called when it may go.
 * pump.lock held.
 */
bool trail_hold_answer(struct pump *p, uint32_t slot);
/* Sends what is held. Cheap when there is nothing. No lock may be held. */
void trail_flush(struct pump *p);
/* Milliseconds that a thread may wait for events: -1 but near the end. */
int trail_patience(const struct pump *p);
/* Records why the device is closed. Any lock but our own may be held. */
void trail_closing(struct pump *p, enum ctl_close_reason reason);
/*
 * Nothing is in flight any more and nothing will be: records the files that are still open, sends
 * what there is, waits a moment for that if need be. Returns the number of records lost in all.
 */
uint64_t trail_finish(struct pump *p);

#endif
