/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frontend.h - following the one node of a guest that is followed: its `state`.
 *
 * A guest may write it as fast as it likes. Above LIMIT_WATCH_EVENTS in LIMIT_WATCH_MS the watch is
 * taken away and the node is read every LIMIT_POLL_MS, until it has been calm for
 * LIMIT_CALM_POLLS. A frontend whose connections keep failing is read ever more seldom.
 */
#ifndef XEN9P_FRONTEND_H
#define XEN9P_FRONTEND_H

struct device;

/* Begins; the first event follows by itself. */
void frontend_follow(struct device *d);
void frontend_unfollow(struct device *d);

/* A watch event came. Only notes it. */
void frontend_event(struct device *d);
/* After all events were taken: reads the state if one came, and feeds it unless a worker is ending. */
void frontend_catch_up(struct device *d);

/* A connection of this frontend failed once more (d->failures). */
void frontend_slow_down(struct device *d);

#endif
