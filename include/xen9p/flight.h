/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flight.h - requests between being taken and being answered: the pool of them, their tags, their journal
 * slots, and the Tflush that wait for them.
 *
 * A request is in flight from flight_begin() to flight_end(). Between flight_answer() and flight_end() its reply is being
 * published: the guest may use the tag again, a Tflush still waits.
 */
#ifndef XEN9P_FLIGHT_H
#define XEN9P_FLIGHT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "xen9p/journal.h"
#include "xen9p/lock.h"
#include "xen9p/request.h"

struct pump;
struct ring_head;

#define FLIGHT_NO_SLOT UINT32_MAX

/* A Tflush that waits; it stands at the index of its journal slot. */
struct flight_flush {
    bool waiting;
    uint16_t tag, oldtag;
    uint32_t generation;
    uint64_t number;               /* in the order of parking */
    uint32_t taken[CTL_MAX_RINGS]; /* each ring must have been taken up to here */
};

/* A Tlock that waits (flight_lock.c). */
enum flight_lock_state {
    FLIGHT_LOCK_FREE = 0,
    FLIGHT_LOCK_WAITS,
    FLIGHT_LOCK_TRIED,    /* a thread is trying it */
    FLIGHT_LOCK_ANSWERED, /* until the reply is published */
};
struct flight_lock {
    enum flight_lock_state state;
    uint32_t slot; /* of the journal */
    uint16_t tag;
    uint32_t generation;
    bool cancelled; /* by a Tflush, while it was tried */
    enum p9_lock_status status;
    struct fid *fid; /* a reference */
    struct lock_request request;
    uint64_t due_ms, until_ms;
    uint32_t delay_ms;
};

struct flight {
    struct request *pool; /* num_requests of them, in one block */
    uint32_t num_requests;
    uint32_t num_touched; /* requests of the pool before this one have been used */
    struct request *unused;
    struct request *first; /* in flight */
    uint64_t used_slots[(JOURNAL_SLOTS + 63) / 64];
    uint64_t answer_slots[(JOURNAL_SLOTS + 63) / 64]; /* wait for a fixed answer */
    uint32_t held_answers;                            /* and wait for the trail first */
    uint32_t answer_generation[JOURNAL_SLOTS];        /* of the session that waits for it */
    struct flight_flush flush[JOURNAL_SLOTS];
    _Atomic uint32_t num_flushes; /* written under the lock, looked at without it */
    uint64_t flush_number;
    struct flight_lock lock[LIMIT_PARKED_LOCKS];
    _Atomic uint32_t num_locks; /* written under the lock, looked at without it */
};

/* A pool of `num_requests` requests. Negative errno on failure. */
int flight_init(struct flight *f, uint32_t num_requests);
void flight_fini(struct flight *f);

/*
 * A request with the tag and type given, in flight from now on, its journal slot filled in. NULL when the pool
 * or the journal is used up (to be tried again when something was answered), or the worker is draining. r->error is
 * set when the tag is in flight already.
 */
struct request *flight_begin(struct pump *p, struct ring *ring, const struct ring_head *h);
/* The reply is about to be published. */
void flight_answer(struct request *r);
/*
 * The reply is published (or dropped): tag and journal slot are free, Tflush that waited may go. The request goes back to
 * the pool; that of a parked Tflush, too, whose slot stays in use.
 */
void flight_end(struct pump *p, struct request *r);
/*
 * True when nothing is in flight or parked and no fixed answer waits for room (nobody waits for those of a
 * device that is being closed). pump.lock held.
 */
bool flight_none(struct pump *p);

/*
 * Tflush `r` of `oldtag`: true when it may be answered at once; else it is parked (r->parked)
 * and answered when oldtag is. Rules of the specification: the reply to oldtag, if there is one,
 * comes before Rflush, also when both came on different rings.
 */
bool flight_flush(struct pump *p, struct request *r, uint16_t oldtag);
/*
 * Parks the Tlock `r` for config.lock_wait_ms, and takes over the reference to `f`. False when it has to be answered
 * BLOCKED at once: no waiting is wanted, too many wait, a Tflush or the end is there already.
 */
bool flight_park_lock(struct pump *p, struct request *r, struct fid *f,
                      const struct lock_request *q);
/* A lock of this guest was given back: those that wait are tried soon. */
void flight_retry_locks(struct pump *p);
/* WFD_TIMER went off: tries what is due. */
void flight_try_locks(struct pump *p);
/* A new session: what waits in older ones is forgotten. Draining: what waits is told to come again. */
void flight_forget_locks(struct pump *p);
void flight_end_locks(struct pump *p);
/* enum p9_lock_status of the parked Tlock that is answered in `slot`, or -1. */
int flight_lock_status(struct pump *p, uint32_t slot);

/* Requests were taken off a ring: Tflush that waited for that may go. */
void flight_taken(struct pump *p);

/* The journal slot of a request that is answered with a fixed reply as soon as there is room. */
void flight_answer_slot(struct pump *p, uint32_t slot);
/* trail_hold_answer() has let it go; it is published if there is room. No lock may be held. */
void flight_unhold_answer(struct pump *p, uint32_t slot);
/* Next slot of `ring` to be answered that way, or FLIGHT_NO_SLOT. */
uint32_t flight_next_answer(struct pump *p, uint32_t ring);
/* Its session is over: to be dropped. */
bool flight_answer_is_stale(const struct pump *p, uint32_t slot);
void flight_answered_slot(struct pump *p, uint32_t slot);

#endif
