/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - a worker in the fuzzer's own process: no threads, no jail, a scratch directory on a
 * tmpfs that nobody else sees. Each input starts from the same files and the same rings.
 */
#ifndef XEN9P_FUZZ_ENGINE_H
#define XEN9P_FUZZ_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include <xen/io/9pfs.h>

#include "xen9p/worker.h"

#define ENGINE_RINGS 2u
#define ENGINE_ORDER 3u

struct engine_ring {
    struct xen_9pfs_data_intf *intf;
    uint8_t *in, *out;
    uint32_t size;
};

/* Once per process. Exits with a message when it cannot. */
void engine_init(void);
/* Fresh files, rings, journal and session; `flags` as in struct ctl_config. */
void engine_reset(uint32_t flags);
/* The same worker again, on the rings and the journal as they are. */
void engine_succeed(void);
void engine_stop(void);
struct engine_ring *engine_ring(uint32_t ring);
uint8_t *engine_journal(size_t *len);
/* Everything that a thread does after an event. */
void engine_serve(void);
bool engine_closed(void);
/*
 * Takes all replies, and aborts unless they are whole, well-formed and no larger than their
 * ring can deliver. Not for rings whose indexes the input has written.
 */
void engine_take_replies(void);

#endif
