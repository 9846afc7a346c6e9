/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flight_internal.h - what flight.c and flight_lock.c share. pump.lock is held for all of it.
 */
#ifndef XEN9P_FLIGHT_INTERNAL_H
#define XEN9P_FLIGHT_INTERNAL_H

#include "xen9p/pump.h"

/* flight.c */
void flight_free_slot(struct pump *p, uint32_t slot);
/* The slot is answered with a fixed reply as soon as there is room. */
void flight_mark_answer(struct pump *p, uint32_t slot);
void flight_unlink(struct flight *f, struct request *r);
/* Lets every parked Tflush go that has nothing to wait for any more. */
void flight_release_flushes(struct pump *p);
/* Wakes pump_wait() when a worker that is to end has nothing in flight any more. */
void flight_tell_if_drained(struct pump *p);
/* True when a parked Tflush waits for the end of `tag`. */
bool flight_is_flushed(const struct flight *f, uint16_t tag, uint32_t generation);

/* flight_lock.c */
/* A parked Tlock has this tag; `unanswered`: and the guest may not use it again yet. */
bool flight_lock_has_tag(const struct flight *f, uint16_t tag, uint32_t generation,
                         bool unanswered);
/*
 * Tflush of `tag`: a parked Tlock that nobody is trying is forgotten; its fid is returned, for
 * fid_put() without the lock. One that is tried is not tried again.
 */
struct fid *flight_cancel_lock(struct pump *p, uint16_t tag, uint32_t generation);
/* The answer of a slot is published. */
void flight_lock_answered(struct pump *p, uint32_t slot);
/* None is parked: nobody waits for those of a device that is being closed. */
bool flight_no_locks(const struct pump *p);

#endif
