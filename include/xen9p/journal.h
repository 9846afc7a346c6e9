/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.h - what a successor must know of a worker that died: ring indexes and tags in flight.
 *
 * One page in a memfd that the supervisor makes, seals (no resizing) and hands to each worker of
 * the device in turn. The worker trusts it no more than it trusts itself: a successor checks every
 * value against the ring before it uses it. Linux frontends never fail pending requests, so
 * each tag in flight must be answered by somebody.
 *
 * Order of stores. Taking a request: slot (tag, ring, out_end, state TAKEN), then ring.out_taken.
 * Publishing a reply: slot.in_end and state PUBLISHING, then the ring's in_prod, then
 * ring.in_prod here, then state FREE. A successor finds for each slot:
 *   TAKEN: not answered; PUBLISHING: answered if the interface page's in_prod has reached in_end.
 */
#ifndef XEN9P_JOURNAL_H
#define XEN9P_JOURNAL_H

#include <stdatomic.h>
#include <stdint.h>

#include "xen9p/control.h"

#define JOURNAL_MAGIC 0x4a503958u /* "X9PJ" */
/* Room for every request that is executed and every one that is parked (flight.h). */
#define JOURNAL_SLOTS 250u

enum journal_state { JOURNAL_FREE = 0, JOURNAL_TAKEN = 1, JOURNAL_PUBLISHING = 2 };

struct journal_slot {
    _Atomic uint32_t state;
    uint16_t tag;
    uint8_t ring;
    uint8_t type;
    uint32_t out_end; /* index behind the request in `out` */
    uint32_t in_end;  /* index behind the reply in `in`, state PUBLISHING */
};

struct journal_ring {
    _Atomic uint32_t in_prod;
    _Atomic uint32_t out_taken;
};

struct journal {
    uint32_t magic;
    uint32_t size;            /* sizeof(struct journal) */
    _Atomic uint32_t started; /* a worker has filled in the rings */
    _Atomic uint32_t dialect;
    _Atomic uint32_t msize;
    uint32_t reserved;
    struct journal_ring ring[CTL_MAX_RINGS];
    struct journal_slot slot[JOURNAL_SLOTS];
};

_Static_assert(sizeof(struct journal) <= 4096, "the journal is one page");

/* Makes a sealed, zeroed journal with its header; returns the memfd or a negative errno. */
int journal_create(void);
/*
 * Maps a journal memfd after checking seals, size and header. Returns NULL and sets errno
 * (EPROTO: not a journal). The mapping stays; the fd may be closed.
 */
struct journal *journal_map(int fd);

#endif
