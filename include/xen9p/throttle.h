/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * throttle.h - ceilings for requests and bytes per second: what comes too fast is executed later.
 *
 * Token buckets, one for each limit, that may go into debt by one request: over any time no more
 * than the rate gets through, but for the first LIMIT_BURST_MS after a rest. A request that has to
 * wait is parked: it keeps its place in the order of its kind, holds no thread, and a timer
 * (WFD_THROTTLE) brings it back. Only what reads and writes is ever parked; a Tflush takes a parked request
 * out (it is answered EINTR), a Tversion takes out all. When LIMIT_THROTTLED are parked nothing more
 * is taken off the rings of this guest.
 *
 * Without a limit this is one look at a flag per request.
 */
#ifndef XEN9P_THROTTLE_H
#define XEN9P_THROTTLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct request;
struct session_limits;

enum throttle_side { THROTTLE_READ, THROTTLE_WRITE, THROTTLE_SIDES };
enum throttle_unit { THROTTLE_REQUESTS, THROTTLE_BYTES, THROTTLE_UNITS };

struct throttle_queue {
    uint64_t rate[THROTTLE_UNITS];    /* per second; 0: no limit */
    uint64_t free_ns[THROTTLE_UNITS]; /* CLOCK_MONOTONIC from which on the bucket is not in debt */
    struct request *first, *last;     /* parked */
};

struct throttle {
    atomic_bool on;
    _Atomic uint32_t parked;
    pthread_mutex_t lock; /* of the rest; nothing is taken while it is held */
    struct throttle_queue queue[THROTTLE_SIDES];
    bool open; /* nothing waits any more: the worker drains */
};

void throttle_init(struct throttle *t);
/* New limits, at the start and at any time: debts are forgiven, what is parked is judged anew. */
void throttle_set(struct throttle *t, const struct session_limits *limits);
/* True: `r` is parked, somebody else will execute it. False: it is to be executed now. */
bool throttle_parks(struct throttle *t, struct request *r);
/* A parked request whose time has come, or NULL. To be called again until it is NULL. */
struct request *throttle_next(struct throttle *t);
/* A request that throttle_parks() or throttle_next() let go is done: what it did not move is given back. */
void throttle_done(struct throttle *t, const struct request *r, uint32_t moved);
/* A parked request with this tag and generation, taken out; or NULL. */
struct request *throttle_cancel(struct throttle *t, uint16_t tag, uint32_t generation);
/* Any one that is parked, taken out; or NULL. */
struct request *throttle_cancel_any(struct throttle *t);
/* From now on nothing waits. */
void throttle_release(struct throttle *t);
/* No more is to be taken off the rings for now. */
bool throttle_full(struct throttle *t);

#endif
