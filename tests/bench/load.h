/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.h - a load generator: keeps a number of operations in flight on one ring of a rig.
 *
 * An operation is a sequence of 9P messages; `depth` of them run at once, each in a slot with a tag and
 * fids of its own. The generator looks at replies in place and copies nothing out of the ring, so that what
 * is measured is the worker.
 */
#ifndef XEN9P_BENCH_LOAD_H
#define XEN9P_BENCH_LOAD_H

#include <stdint.h>

#include "../host/harness.h"

#define LOAD_MAX_DEPTH 64u
#define LOAD_FID 1000u /* fids of slot s: LOAD_FID + s; what is below is shared */

struct load_slot {
    uint32_t index; /* tag, and which fids */
    uint64_t op;    /* number of the operation */
    uint32_t step;  /* which of its messages comes next */
};

struct load {
    uint32_t depth;
    uint64_t ops;
    /*
     * Packs the next message of slot `s` into `buf`; returns its length, 0 when the operation is
     * complete. `payload` bytes follow from a fixed buffer (Twrite) when set.
     */
    uint32_t (*message)(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload);
};

/* Runs it to the end on ring 0. Seconds that it took. An error reply ends the benchmark. */
double load_run(struct rig *g, const struct load *l);

/* Monotonic seconds. */
double load_now(void);

#endif
