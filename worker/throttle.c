/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * throttle.c - token buckets, and the requests that wait for them.
 */
#include "xen9p/throttle.h"

#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "xen9p/descriptors.h"
#include "xen9p/limits.h"
#include "xen9p/request.h"
#include "xen9p/session.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define BURST_NS (LIMIT_BURST_MS * UINT64_C(1000000))

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* The side that a message type is on; THROTTLE_SIDES: it is never delayed. */
static enum throttle_side side_of(uint8_t type)
{
    switch (type) {
    case P9_TREAD:
    case P9_TREADDIR:
        return THROTTLE_READ;
    case P9_TWRITE:
    case P9_TFSYNC:
    case P9_TLCREATE:
    case P9_TCREATE:
    case P9_TMKDIR:
    case P9_TMKNOD:
    case P9_TSYMLINK:
    case P9_TLINK:
    case P9_TRENAME:
    case P9_TRENAMEAT:
    case P9_TUNLINKAT:
    case P9_TSETATTR:
    case P9_TWSTAT:
        return THROTTLE_WRITE;
    default:
        return THROTTLE_SIDES;
    }
}

/* Bytes that a request asks to move; the msize bounds what a Tread gets. */
static uint32_t bytes_of(const struct request *r)
{
    struct cursor c = r->in;
    uint32_t count, most = atomic_load(&r->session->msize);

    if (r->type == P9_TWRITE)
        return r->data_len;
    if (r->type != P9_TREAD)
        return 0;
    (void)cursor_u32(&c); /* fid */
    (void)cursor_u64(&c); /* offset */
    count = cursor_u32(&c);
    return c.bad ? 0 : count < most ? count : most;
}

static uint64_t cost_ns(uint64_t rate, uint64_t n)
{
    return n * NS_PER_SEC / rate;
}

/* When nothing of this side's is in debt; 0 without limits. Lock held. */
static uint64_t due_ns(const struct throttle *t, const struct throttle_queue *q)
{
    uint64_t due = 0;

    if (t->open)
        return 0;
    for (int i = 0; i < THROTTLE_UNITS; i++)
        if (q->rate[i] != 0 && q->free_ns[i] > due)
            due = q->free_ns[i];
    return due;
}

/* Lock held. */
static void charge(struct throttle_queue *q, uint64_t now, struct request *r)
{
    const uint64_t n[THROTTLE_UNITS] = {1, r->cost};

    for (int i = 0; i < THROTTLE_UNITS; i++) {
        if (q->rate[i] == 0)
            continue;
        if (q->free_ns[i] + BURST_NS < now)
            q->free_ns[i] = now - BURST_NS;
        q->free_ns[i] += cost_ns(q->rate[i], n[i]);
    }
}

/* Has the timer wake a thread when the next parked request is due. Lock held. */
static void arm(struct throttle *t)
{
    struct itimerspec when = {{0, 0}, {0, 0}};
    uint64_t next = UINT64_MAX;

    for (int i = 0; i < THROTTLE_SIDES; i++)
        if (t->queue[i].first != NULL && due_ns(t, &t->queue[i]) < next)
            next = due_ns(t, &t->queue[i]);
    if (next == UINT64_MAX)
        return;
    when.it_value.tv_sec = (time_t)(next / NS_PER_SEC);
    when.it_value.tv_nsec = (long)(next % NS_PER_SEC) + (next == 0); /* 0 would disarm it */
    (void)timerfd_settime(WFD_THROTTLE, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Takes `r`, which stands behind `before` (NULL: at the front), out of the queue. Lock held. */
static void take_out(struct throttle *t, struct throttle_queue *q, struct request *r,
                     struct request *before)
{
    if (before == NULL)
        q->first = r->next;
    else
        before->next = r->next;
    if (q->last == r)
        q->last = before;
    atomic_fetch_sub(&t->parked, 1);
}

void throttle_init(struct throttle *t)
{
    memset(t, 0, sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
}

void throttle_set(struct throttle *t, const struct session_limits *limits)
{
    const uint64_t rate[THROTTLE_SIDES][THROTTLE_UNITS] = {
        {atomic_load(&limits->read_iops), atomic_load(&limits->read_bandwidth)},
        {atomic_load(&limits->write_iops), atomic_load(&limits->write_bandwidth)}};
    uint64_t any = 0;

    pthread_mutex_lock(&t->lock);
    for (int s = 0; s < THROTTLE_SIDES; s++) {
        for (int u = 0; u < THROTTLE_UNITS; u++) {
            t->queue[s].rate[u] = rate[s][u];
            t->queue[s].free_ns[u] = 0;
            any |= rate[s][u];
        }
    }
    atomic_store(&t->on, any != 0);
    arm(t);
    pthread_mutex_unlock(&t->lock);
}

bool throttle_parks(struct throttle *t, struct request *r)
{
    enum throttle_side side;
    struct throttle_queue *q;
    uint64_t now;
    bool parks;

    r->cost = 0;
    if (!atomic_load_explicit(&t->on, memory_order_relaxed) || r->error != 0)
        return false;
    side = side_of(r->type);
    if (side == THROTTLE_SIDES)
        return false;
    r->cost = bytes_of(r);
    now = now_ns();
    pthread_mutex_lock(&t->lock);
    q = &t->queue[side];
    parks = !t->open && (q->first != NULL || due_ns(t, q) > now);
    if (!parks) {
        charge(q, now, r);
    } else {
        r->next = NULL;
        if (q->first == NULL)
            q->first = r;
        else
            q->last->next = r;
        q->last = r;
        atomic_fetch_add(&t->parked, 1);
        arm(t);
    }
    pthread_mutex_unlock(&t->lock);
    return parks;
}

struct request *throttle_next(struct throttle *t)
{
    struct request *r = NULL;
    uint64_t now;

    if (atomic_load_explicit(&t->parked, memory_order_relaxed) == 0)
        return NULL;
    now = now_ns();
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < THROTTLE_SIDES && r == NULL; i++) {
        struct throttle_queue *q = &t->queue[i];

        if (q->first == NULL || due_ns(t, q) > now)
            continue;
        r = q->first;
        take_out(t, q, r, NULL);
        charge(q, now, r);
    }
    arm(t); /* for the next one, which may be due already: another thread may have it */
    pthread_mutex_unlock(&t->lock);
    return r;
}

void throttle_done(struct throttle *t, const struct request *r, uint32_t moved)
{
    enum throttle_side side = side_of(r->type);
    struct throttle_queue *q = &t->queue[side == THROTTLE_SIDES ? 0 : side];
    uint64_t back;

    if (moved >= r->cost || side == THROTTLE_SIDES)
        return;
    pthread_mutex_lock(&t->lock);
    if (q->rate[THROTTLE_BYTES] != 0) {
        back = cost_ns(q->rate[THROTTLE_BYTES], r->cost - moved);
        q->free_ns[THROTTLE_BYTES] -=
            back < q->free_ns[THROTTLE_BYTES] ? back : q->free_ns[THROTTLE_BYTES];
        arm(t);
    }
    pthread_mutex_unlock(&t->lock);
}

struct request *throttle_cancel(struct throttle *t, uint16_t tag, uint32_t generation)
{
    struct request *found = NULL;

    if (atomic_load(&t->parked) == 0)
        return NULL;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < THROTTLE_SIDES && found == NULL; i++) {
        struct request *before = NULL, *r = t->queue[i].first;

        while (r != NULL && (r->tag != tag || r->generation != generation)) {
            before = r;
            r = r->next;
        }
        if (r != NULL)
            take_out(t, &t->queue[i], r, before);
        found = r;
    }
    if (found != NULL)
        found->cost = 0; /* it was not charged */
    pthread_mutex_unlock(&t->lock);
    return found;
}

struct request *throttle_cancel_any(struct throttle *t)
{
    struct request *r = NULL;

    if (atomic_load(&t->parked) == 0)
        return NULL;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < THROTTLE_SIDES && r == NULL; i++) {
        r = t->queue[i].first;
        if (r != NULL)
            take_out(t, &t->queue[i], r, NULL);
    }
    if (r != NULL)
        r->cost = 0;
    pthread_mutex_unlock(&t->lock);
    return r;
}

void throttle_release(struct throttle *t)
{
    pthread_mutex_lock(&t->lock);
    t->open = true;
    arm(t);
    pthread_mutex_unlock(&t->lock);
}

bool throttle_full(struct throttle *t)
{
    return atomic_load_explicit(&t->parked, memory_order_relaxed) >= LIMIT_THROTTLED;
}
