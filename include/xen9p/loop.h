/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - the supervisor's event loop: descriptors, timers, and a hook after each event.
 *
 * One thread. Nothing called from it may wait: a source or timer that needs time sets a timer.
 * Sources and timers are embedded in their owner's struct, which must remove them before it goes
 * away; that is safe at any time, from any callback.
 */
#ifndef XEN9P_LOOP_H
#define XEN9P_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop_source {
    int fd; /* not owned; -1 when not added */
    /* `events` as in epoll_event.events */
    void (*ready)(struct loop_source *s, uint32_t events);
    void *owner;
};

struct loop_timer {
    uint64_t deadline_ms; /* CLOCK_MONOTONIC */
    void (*fire)(struct loop_timer *t);
    void *owner;
    bool armed;
    struct loop_timer *next; /* the loop's list, soonest first */
};

/* NULL and errno on failure. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Watches s->fd for reading (level-triggered). 0 or a negative errno. */
int loop_add(struct loop *l, struct loop_source *s);
/* Before the descriptor is closed. Sets s->fd to -1; no effect when it is. */
void loop_remove(struct loop *l, struct loop_source *s);

/* Fires once, `ms` from now; replaces an earlier setting. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms);
void loop_timer_cancel(struct loop *l, struct loop_timer *t);

/* Called after every event and timer, when no other callback is on the stack. */
void loop_after(struct loop *l, void (*hook)(void *arg), void *arg);

/* Runs until loop_stop(); returns its status, or a negative errno when epoll fails. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t loop_now(void);

#endif
