/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.h - a load generator: keeps a number of operations in flight on a link.
 *
 * A link is the rings of a worker (the generator is the frontend; a slot's messages go to ring
 * slot % rings), or a stream socket to another server. An operation is a sequence of 9P messages; `depth` of
 * them run at once, each in a slot with a tag and fids of its own. On rings the generator looks at replies in place and
 * copies nothing out, so that what is measured is the server.
 */
#ifndef XEN9P_BENCH_LOAD_H
#define XEN9P_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../host/harness.h"

#define LOAD_MAX_DEPTH 64u
#define LOAD_FID 1000u /* fids of slot s: LOAD_FID + s; what is below is shared */

struct link {
    struct rig *rig; /* NULL: `sock` */
    int sock;
    const char *aname;
    uint32_t msize; /* [what load_mount() asks for], then what was agreed */
    /* A guest's processor is awake: look for replies so long before sleeping. */
    double spin_seconds;
    pid_t server; /* whose processor time counts */

    uint8_t *buf; /* of a socket: replies not taken yet */
    size_t len;
};

struct load_slot {
    uint32_t index; /* tag, and which fids */
    uint64_t op;    /* number of the operation */
    uint32_t step;  /* which of its messages comes next */
    uint64_t cookie;
    double begun; /* where times of single operations are taken */
    bool done;    /* set by `reply`: the operation is complete */
    const struct link *link;
};

struct load {
    uint32_t depth;
    uint64_t ops;
    /*
     * Packs the next message of slot `s` into `buf`; returns its length, 0 when the operation is
     * complete. `payload` bytes follow from a fixed buffer (Twrite) when set.
     */
    uint32_t (*message)(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload);
    /* Looks at the body of a reply, an Rlerror too (may be NULL). */
    void (*reply)(struct load_slot *s, uint8_t type, const uint8_t *body, uint32_t len);
    bool aside;  /* slot 0 alone counts, one operation after the other; others run beside it */
    bool errors; /* an error reply ends its operation; else it ends the benchmark */
};

/* Runs it to the end. Seconds that it took. */
double load_run(struct link *k, const struct load *l);
/* One message and its reply, whose type is returned. */
uint8_t load_call(struct link *k, const uint8_t *msg, uint32_t len);
/* Tversion and Tattach as fid 0. */
void load_mount(struct link *k);

/* Monotonic seconds. */
double load_now(void);

/*
 * A guest has a processor of its own: the calling thread stays on the first one, or (a server that is about to be
 * started, which inherits it) on all others. Nothing on a machine with one processor.
 */
void load_pin(bool server);

/*
 * Times of single operations: operation `i` began at `start` and ends now. The median of the first `num`, in
 * microseconds; 0 when there are none. load_run() takes them at depth 1, and of slot 0 with others aside.
 */
void load_trip(uint64_t i, double start);
double load_median_trip(uint64_t num);
/* The same for another part than half. */
double load_trip_at(uint64_t num, double part);

#endif
