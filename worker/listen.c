/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen.c - events in and out of the mask, and polling instead of them.
 *
 * Trusts the kernel; a guest can send as many events as it likes, and move its indexes without any.
 */
#include "xen9p/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/worker.h"

/* Looks at the rings between two looks at the clock. */
#define LOOKS 32
/* A load that leaves us nothing to find is tried again after so many sleeps. */
#define MOST_PENALTY 15u

static bool evtchn(const struct pump *p)
{
    return p->worker->config.notify_kind == CTL_NOTIFY_EVTCHN;
}

static uint32_t notify_events(const struct pump *p)
{
    return EPOLLIN | (evtchn(p) || p->listen.poll_us == 0 ? EPOLLET : EPOLLONESHOT);
}

static uint32_t num_descriptors(const struct pump *p)
{
    return evtchn(p) ? p->worker->config.num_rings : 1;
}

int listen_init(struct pump *p)
{
    p->listen.poll_us = p->worker->config.poll_us;
    for (uint32_t i = 0; i < num_descriptors(p); i++) {
        struct epoll_event ev = {.events = notify_events(p), .data.fd = WFD_NOTIFY + (int)i};

        if (fcntl(ev.data.fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0 ||
            epoll_ctl(WFD_EPOLL, EPOLL_CTL_ADD, ev.data.fd, &ev) != 0)
            return -errno;
    }
    return 0;
}

static void unmask_evtchn(struct pump *p, uint32_t masked)
{
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++) {
        uint32_t port = p->worker->ring[i].port;

        if ((masked & 1u << i) != 0 &&
            write(WFD_NOTIFY + (int)i, &port, sizeof(port)) != (ssize_t)sizeof(port))
            pump_close(p, CTL_CLOSE_NOTIFY, i, (uint64_t)errno);
    }
}

static void unmask_eventfd(struct pump *p)
{
    struct epoll_event ev = {.events = notify_events(p), .data.fd = WFD_NOTIFY};

    if (epoll_ctl(WFD_EPOLL, EPOLL_CTL_MOD, WFD_NOTIFY, &ev) != 0)
        pump_close(p, CTL_CLOSE_NOTIFY, 0, (uint64_t)errno);
}

static void unmask(struct pump *p)
{
    uint32_t masked;

    if (atomic_load(&p->listen.masked) == 0)
        return;
    masked = atomic_exchange(&p->listen.masked, 0);
    if (masked != 0 && evtchn(p))
        unmask_evtchn(p, masked);
    else if (masked != 0)
        unmask_eventfd(p);
}

/* What a channel has brought, which is its one port. */
static bool read_port(struct pump *p, uint32_t ring)
{
    uint32_t port;
    ssize_t n = read(WFD_NOTIFY + (int)ring, &port, sizeof(port));

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        pump_close(p, CTL_CLOSE_NOTIFY, ring, (uint64_t)errno);
    return n > 0;
}

void listen_start(struct pump *p)
{
    if (!evtchn(p))
        return; /* this worker's own epoll set, and armed */
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++)
        (void)read_port(p, i); /* before it can fire again */
    atomic_store(&p->listen.masked, (1u << p->worker->config.num_rings) - 1);
    unmask(p);
}

void listen_take(struct pump *p, int fd)
{
    uint32_t ring = (uint32_t)(fd - WFD_NOTIFY);
    uint64_t count;
    ssize_t n;

    if (evtchn(p)) {
        if (!read_port(p, ring))
            return; /* somebody else has: the event was for that one */
        atomic_fetch_or(&p->listen.masked, 1u << ring);
        if (p->listen.poll_us == 0)
            unmask(p);
        return;
    }
    n = read(WFD_NOTIFY, &count, sizeof(count));
    (void)n;
    if (p->listen.poll_us > 0)
        atomic_fetch_or(&p->listen.masked, 1u);
}

void listen_hand_over(struct pump *p)
{
    struct listen *l = &p->listen;

    if (l->poll_us == 0 || p->num_threads == 1)
        return;
    /* Whoever takes an event from now on must not leave it to a poller that may be this thread. */
    if (atomic_load(&l->poller) != NULL)
        atomic_store(&l->poller, NULL);
    unmask(p);
}

bool listen_may_block(struct pump *p, bool likely)
{
    struct listen *l = &p->listen;

    if (p->num_threads == 1)
        return false;
    if (!atomic_load_explicit(&l->wanted, memory_order_relaxed))
        atomic_store_explicit(&l->wanted, true, memory_order_relaxed);
    if (!likely && !atomic_load_explicit(&l->watched, memory_order_relaxed))
        return false;
    /* In this order: who gives up watching looks at the count afterwards. */
    atomic_fetch_add(&l->trusts, 1);
    if (atomic_load(&l->watched))
        return true;
    atomic_fetch_sub(&l->trusts, 1);
    return false;
}

void listen_blocked(struct pump *p)
{
    atomic_fetch_sub(&p->listen.trusts, 1);
}

bool listen_watch(struct pump *p)
{
    struct listen *l = &p->listen;

    if (!atomic_load_explicit(&l->wanted, memory_order_relaxed) ||
        atomic_exchange(&l->watched, true))
        return false;
    l->seen = atomic_load_explicit(&p->served, memory_order_relaxed);
    return true;
}

void listen_watch_end(struct pump *p)
{
    struct listen *l = &p->listen;

    atomic_store(&l->watched, false);
    if (atomic_load(&l->trusts) > 0)
        listen_hand_over(p);
}

bool listen_watch_on(struct pump *p)
{
    struct listen *l = &p->listen;
    uint64_t served = atomic_load_explicit(&p->served, memory_order_relaxed);

    if (served != l->seen) {
        l->seen = served;
        return true;
    }
    /* stuck, or at rest */
    if (atomic_load(&l->trusts) == 0)
        atomic_store_explicit(&l->wanted, false, memory_order_relaxed);
    listen_watch_end(p);
    pump_notify(p);
    pump_pass_on(p);
    return false;
}

/* Something to take on a ring that can take it. */
static bool pending(const struct pump *p)
{
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++) {
        const struct ring *ring = &p->worker->ring[i];

        if (ring_pending(ring) && __atomic_load_n(&ring->backlog, __ATOMIC_RELAXED) == NULL)
            return true;
    }
    return false;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool look(const struct pump *p)
{
    uint64_t end = 0;

    for (;;) {
        uint64_t now;

        for (int i = 0; i < LOOKS; i++) {
            if (pending(p))
                return true;
            relax();
        }
        now = now_ns();
        if (end == 0)
            end = now + p->listen.poll_us * UINT64_C(1000);
        if (now >= end || atomic_load(&p->draining) || atomic_load(&p->closing))
            return false;
    }
}

bool listen_poll(struct pump *p, const void *me)
{
    struct listen *l = &p->listen;
    const void *owner = NULL;
    uint32_t n;

    if (l->poll_us == 0 || (!atomic_compare_exchange_strong(&l->poller, &owner, me) && owner != me))
        return false;
    n = atomic_load_explicit(&l->skip, memory_order_relaxed);
    if (n > 0) {
        atomic_store_explicit(&l->skip, n - 1, memory_order_relaxed);
        return false;
    }
    if (look(p)) {
        atomic_store_explicit(&l->penalty, 0, memory_order_relaxed);
        return true;
    }
    n = 2 * atomic_load_explicit(&l->penalty, memory_order_relaxed) + 1;
    n = n < MOST_PENALTY ? n : MOST_PENALTY;
    atomic_store_explicit(&l->penalty, n, memory_order_relaxed);
    atomic_store_explicit(&l->skip, n, memory_order_relaxed);
    return false;
}

/*
 * In this order: poller, then mask. Who takes an event sets the mask and then looks for a poller: if it
 * leaves the mask to one, that one sees it here.
 */
void listen_rest(struct pump *p, const void *me)
{
    struct listen *l = &p->listen;
    const void *owner = me;

    if (l->poll_us == 0)
        return;
    if (!atomic_compare_exchange_strong(&l->poller, &owner, NULL) && owner != NULL)
        return; /* another one */
    unmask(p);
}
