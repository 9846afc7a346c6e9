/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump.h - the threads of a worker: wait for events, take requests off the rings, have them
 * executed, notify the guest.
 *
 * All idle threads wait on one epoll set (edge-triggered: one event wakes one thread). The thread
 * that got the event takes requests until there are none. Before it does something that may block,
 * events are let in again (listen.h), and if more is waiting one more thread is woken for it.
 *
 * Locks are taken in this order: a ring's rx_lock, a ring's tx_lock, pump.lock.
 */
#ifndef XEN9P_PUMP_H
#define XEN9P_PUMP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "xen9p/control.h"
#include "xen9p/flight.h"
#include "xen9p/limits.h"
#include "xen9p/listen.h"
#include "xen9p/request.h"

struct worker;

struct pump {
    struct worker *worker;
    uint32_t num_threads;
    bool one_processor; /* that all of them share */
    pthread_t thread[LIMIT_THREADS_MAX];

    pthread_mutex_t lock; /* of everything down to `flight` */
    pthread_cond_t changed;
    uint32_t arrived; /* threads that have started and wait for `open` */
    bool open;        /* threads are made before the lockdown is proven: they wait for this */
    bool orphaned;    /* the supervisor is gone: draining is bounded by LIMIT_DRAIN_MS */
    struct flight flight;

    struct listen listen;
    atomic_bool kicked;   /* WFD_KICK was written and nobody has come yet */
    atomic_bool draining; /* take nothing more, end when nothing is in flight */
    atomic_bool closing;  /* the guest broke a ring: take nothing more, wait to be stopped */
    atomic_uint_fast64_t served;
};

/*
 * Makes request pool, epoll set and threads. When it returns all threads have started, so that a
 * filter may be loaded over them; they touch nothing of the guest before pump_open(). WFD_NOTIFY
 * and WFD_CONTROL must be in place and SIGTERM blocked. Negative errno on failure.
 */
int pump_start(struct pump *p, struct worker *w);
/* The lockdown is proven: read the rings' indexes (recover.h), then let the threads go. */
void pump_open(struct pump *p);
/*
 * Waits until the worker is to end and nothing is in flight any more; when the supervisor is gone, for
 * LIMIT_DRAIN_MS at most. Returns its exit status.
 */
int pump_wait(struct pump *p);

/* Executes a request that was taken, and answers it. It may not be used afterwards. */
void pump_execute(struct pump *p, struct request *r);
/* Wakes one more thread if there are requests that nobody has taken. */
void pump_pass_on(struct pump *p);
/* Notifies the guest of every ring whose indexes have moved. */
void pump_notify(struct pump *p);
/* The device cannot go on: says so to the supervisor, once, and takes no more requests. */
void pump_close(struct pump *p, enum ctl_close_reason reason, uint32_t ring, uint64_t value);
/* A CTL_EVENT to the supervisor; dropped when it does not keep up. */
void pump_event(struct pump *p, enum ctl_event_code code, uint64_t a, uint64_t b, uint64_t c);

#endif
