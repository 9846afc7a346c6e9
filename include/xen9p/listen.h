/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.h - how the threads of a worker hear of requests: by events, and by polling.
 *
 * An event channel that has fired stays masked until we unmask it: the guest's further notifications
 * cost nothing meanwhile and wake nobody. Without polling (poll-us 0) it is unmasked at once. With polling that is put
 * off as long as one thread serves short requests or polls, which needs no events; it is done
 *   - before a thread sleeps,
 *   - before a request that waits for a disk (another thread must hear what comes),
 *   - before one that may do so, unless another thread watches, and when that one finds it stuck,
 *   - when there is more to do than a few requests (other threads may join in).
 *
 * Each ring's channel has a descriptor of its own. On one that several share Linux (drivers/xen/evtchn.c) may lose a
 * wake-up for good: the handler of an event wakes readers only if its buffer was empty when it looked, and a reader
 * may take the rest and find nothing more before the handler writes. A channel that is masked until its event has been read
 * always finds the buffer empty when it has that to itself.
 *
 * No wake-up is lost: whoever has taken an event either unmasks the channel and then looks at the rings once
 * more before it sleeps, or leaves that to the thread that polls, which does the same.
 *
 * Most requests that may wait for a disk do not: to wake another thread for each costs more than they do. So one of the
 * threads that have nothing to do looks every LISTEN_WATCH_MS whether the others get on, as long as there are such
 * requests. When none came to an end and one is under way, it hands over in its place.
 *
 * An eventfd in the place of the event channel is masked the same way, by EPOLLONESHOT.
 */
#ifndef XEN9P_LISTEN_H
#define XEN9P_LISTEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pump;

#define LISTEN_WATCH_MS 2

struct listen {
    uint32_t poll_us;        /* 0: no polling */
    _Atomic uint32_t masked; /* rings whose channel has fired and is masked; bits */
    /* The thread that polls, or serves what it has found so; NULL: none. */
    _Atomic(const void *) poller;
    /* After polls in vain: how many times to go without. Only the poller's to change. */
    _Atomic uint32_t skip, penalty;

    atomic_bool watched;     /* a thread watches */
    atomic_bool wanted;      /* there were requests that may block since one did */
    _Atomic uint32_t trusts; /* requests under way that rely on it */
    uint64_t seen;           /* requests served when it looked the last time; its own */
};

/* Watches WFD_NOTIFY and those after it on WFD_EPOLL. Negative errno on failure. */
int listen_init(struct pump *p);
/* Before the first request: a predecessor may have died with the channels masked, which outlives it. */
void listen_start(struct pump *p);
/* An event has come on a descriptor, by its number: takes it. The channel stays masked when there is polling. */
void listen_take(struct pump *p, int fd);
/*
 * The caller is about to block, or has a lot to do: others are to hear what comes. To be followed by a look at the
 * rings. Cheap when they hear it already.
 */
void listen_hand_over(struct pump *p);
/*
 * The caller begins what may block. True: somebody watches, and listen_blocked() is to be called afterwards. False:
 * nobody does; when it is `likely` to block, others are to hear what comes.
 */
bool listen_may_block(struct pump *p, bool likely);
void listen_blocked(struct pump *p);
/* The caller is about to sleep. True: it is to watch, and to sleep no longer than LISTEN_WATCH_MS. */
bool listen_watch(struct pump *p);
/* It has slept so long without an event. True: on with it. False: it does not watch any more. */
bool listen_watch_on(struct pump *p);
/* It was woken by an event, and does not watch any more. */
void listen_watch_end(struct pump *p);
/*
 * Looks at the rings for at most poll_us. True when there is something. False: nothing came, or it
 * is not worth while, or another thread does it; then the caller sleeps, after listen_rest(). `me` is
 * the calling thread, any pointer of its own.
 */
bool listen_poll(struct pump *p, const void *me);
/* Before sleeping: ends polling and unmasks, or leaves both to the thread that polls. */
void listen_rest(struct pump *p, const void *me);

#endif
