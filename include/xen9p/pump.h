/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump.h - the threads of a worker: wait for events, take requests off the rings, have them
 * executed, publish replies, notify the guest.
 *
 * All idle threads wait on one epoll set (edge-triggered: one event wakes one thread). A thread
 * that got the event unmasks the port at once and takes requests until there are none; before it
 * does something that may block while more is waiting it wakes one more thread.
 */
#ifndef XEN9P_PUMP_H
#define XEN9P_PUMP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "xen9p/limits.h"
#include "xen9p/request.h"

struct worker;

struct pump_flush; /* a parked Tflush */

struct pump {
    struct worker *worker;
    uint32_t num_threads;
    pthread_t thread[LIMIT_THREADS_MAX];

    pthread_mutex_t gate_lock; /* threads are made before the lockdown is proven: they wait here */
    pthread_cond_t gate;
    bool open;

    pthread_mutex_t lock; /* request pool, tags in flight, parked flushes, slots */
    struct request *free_requests;
    struct request *all_requests;
    uint32_t num_requests;
    struct request *in_flight; /* linked by `flight_next`... */
    struct pump_flush *flushes;
    uint32_t num_flushes;
    uint64_t slot_used[4]; /* bitmap of journal slots */

    atomic_uint idle;    /* threads in epoll_wait */
    atomic_bool kicked;  /* WFD_KICK was written and nobody came yet */
    atomic_bool draining;
    atomic_bool closing;
    atomic_uint_fast64_t served;
};

/*
 * Makes request pool, epoll set and threads. The threads touch nothing of the guest before
 * pump_open(). WFD_NOTIFY, WFD_CONTROL must be in place. Negative errno on failure.
 */
int pump_start(struct pump *p, struct worker *w);
/* Lockdown proven: go. */
void pump_open(struct pump *p);
/* Waits until the threads have ended: drained, or closed. Returns the exit status of the worker. */
int pump_wait(struct pump *p);

#endif
