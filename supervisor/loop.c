/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.c - epoll, a sorted list of timers, a hook after each event.
 */
#include "xen9p/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct loop {
    int epoll_fd;
    struct loop_timer *timers;
    void (*hook)(void *arg);
    void *hook_arg;
    bool stopped;
    int status;
};

uint64_t loop_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    close(l->epoll_fd);
    free(l);
}

int loop_add(struct loop *l, struct loop_source *s)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) == 0 ? 0 : -errno;
}

void loop_remove(struct loop *l, struct loop_source *s)
{
    if (s->fd < 0)
        return;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    s->fd = -1;
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
    if (!t->armed)
        return;
    for (struct loop_timer **at = &l->timers; *at != NULL; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            break;
        }
    }
    t->armed = false;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms)
{
    struct loop_timer **at = &l->timers;

    loop_timer_cancel(l, t);
    t->deadline_ms = loop_now() + ms;
    while (*at != NULL && (*at)->deadline_ms <= t->deadline_ms)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    t->armed = true;
}

void loop_after(struct loop *l, void (*hook)(void *arg), void *arg)
{
    l->hook = hook;
    l->hook_arg = arg;
}

/* Time until the next timer in milliseconds, -1 when there is none. */
static int time_left(const struct loop *l)
{
    uint64_t now = loop_now();
    uint64_t left;

    if (l->timers == NULL)
        return -1;
    if (l->timers->deadline_ms <= now)
        return 0;
    left = l->timers->deadline_ms - now;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static void fire_due(struct loop *l)
{
    struct loop_timer *t = l->timers;

    if (t == NULL || t->deadline_ms > loop_now())
        return;
    l->timers = t->next;
    t->armed = false;
    t->fire(t);
    if (l->hook != NULL)
        l->hook(l->hook_arg);
}

int loop_run(struct loop *l)
{
    while (!l->stopped) {
        struct epoll_event ev;
        /*
         * One event at a time: a callback may remove any other source and free its owner, and no
         * event of it can be left over in a batch then. The kernel's ready list keeps it fair.
         */
        int n = epoll_wait(l->epoll_fd, &ev, 1, time_left(l));

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 1) {
            struct loop_source *s = ev.data.ptr;

            s->ready(s, ev.events);
            if (l->hook != NULL)
                l->hook(l->hook_arg);
        }
        if (!l->stopped)
            fire_due(l);
    }
    return l->status;
}

void loop_stop(struct loop *l, int status)
{
    if (!l->stopped)
        l->status = status;
    l->stopped = true;
}
