/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workloads.h - what is measured: operations as 9P messages, and as the raw system calls that a
 * server has to make for them.
 */
#ifndef XEN9P_BENCH_WORKLOADS_H
#define XEN9P_BENCH_WORKLOADS_H

#include "load.h"

struct workload {
    const char *name, *unit;
    double per_op; /* units of one operation; 0: bytes of one large message, in MB */
    bool vary;     /* measured with other numbers of rings, threads ..., too */
    double target; /* least ratio to the raw calls; 0: none */
    struct load load;
    void (*raw)(uint64_t op);
    const char *trace; /* whose lines are the operations, see trace.h; NULL: none */
};

extern const struct workload workloads[];
extern const size_t num_workloads;

/* Makes the files of all workloads in the export; the raw calls move data out of and into the memory of its rings. */
void workloads_prepare(const struct rig *rig);
/* What was written so far is on the disk: each sample begins with clean pages. */
void workloads_settle(void);
/* Walks a link to where the operations begin. */
void workloads_mount(struct link *k);
/* A read of 4 KiB at random; a write of 4 KiB and an fsync. Messages of a load, see load.h. */
uint32_t workloads_read(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload);
uint32_t workloads_sync(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload);
/* Bytes of one large message on this link. */
uint32_t workloads_large(const struct link *k);

#endif
