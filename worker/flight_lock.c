/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flight_lock.c - Tlock that wait for a lock which somebody else holds.
 *
 * No thread waits with them: a parked one keeps its journal slot and gives its request back. A timer
 * has one thread try those that are due, each after twice the time of before; a lock that this guest gives
 * back makes all of them due. It ends with the lock, with BLOCKED when its time is up or the worker ends (the
 * guest asks again), or without a reply: flushed, or the session is over. Everything is under pump.lock but the
 * tries themselves.
 */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "flight_internal.h"
#include "xen9p/descriptors.h"
#include "xen9p/identity.h"
#include "xen9p/reply.h"
#include "xen9p/worker.h"

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The timer goes off when the next one is due. */
static void arm(struct pump *p, uint64_t now)
{
    struct itimerspec when = {{0, 0}, {0, 0}};
    uint64_t due = UINT64_MAX;

    for (uint32_t i = 0; i < LIMIT_PARKED_LOCKS; i++) {
        const struct flight_lock *l = &p->flight.lock[i];

        if (l->state == FLIGHT_LOCK_WAITS && l->due_ms < due)
            due = l->due_ms;
    }
    if (due == UINT64_MAX)
        return;
    due = due > now ? due - now : 0;
    when.it_value.tv_sec = (time_t)(due / 1000);
    when.it_value.tv_nsec = due > 0 ? (long)(due % 1000) * 1000000 : 1;
    (void)timerfd_settime(WFD_TIMER, 0, &when, NULL);
}

static void free_lock(struct pump *p, struct flight_lock *l)
{
    l->state = FLIGHT_LOCK_FREE;
    l->fid = NULL;
    atomic_fetch_sub(&p->flight.num_locks, 1);
}

/* No reply. */
static void drop(struct pump *p, struct flight_lock *l)
{
    flight_free_slot(p, l->slot);
    free_lock(p, l);
}

static void answer(struct pump *p, struct flight_lock *l, enum p9_lock_status status)
{
    l->state = FLIGHT_LOCK_ANSWERED;
    l->status = status;
    l->fid = NULL;
    flight_mark_answer(p, l->slot);
}

static struct flight_lock *unused(struct flight *f)
{
    for (uint32_t i = 0; i < LIMIT_PARKED_LOCKS; i++)
        if (f->lock[i].state == FLIGHT_LOCK_FREE)
            return &f->lock[i];
    return NULL;
}

bool flight_park_lock(struct pump *p, struct request *r, struct fid *f,
                      const struct lock_request *q)
{
    uint64_t now = now_ms();
    struct flight_lock *l;

    pthread_mutex_lock(&p->lock);
    l = unused(&p->flight);
    if (l == NULL || p->worker->config.lock_wait_ms == 0 || atomic_load(&p->draining) ||
        flight_is_flushed(&p->flight, r->tag, r->generation) ||
        r->generation != atomic_load(&r->session->generation)) {
        pthread_mutex_unlock(&p->lock);
        return false;
    }
    l->state = FLIGHT_LOCK_WAITS;
    l->slot = r->slot;
    l->tag = r->tag;
    l->generation = r->generation;
    l->cancelled = false;
    l->fid = f;
    l->request = *q;
    l->delay_ms = LIMIT_LOCK_RETRY_MS;
    l->due_ms = now + l->delay_ms;
    l->until_ms = now + p->worker->config.lock_wait_ms;
    atomic_fetch_add(&p->flight.num_locks, 1);
    flight_unlink(&p->flight, r); /* the slot stays in use */
    r->parked = true;
    arm(p, now);
    pthread_mutex_unlock(&p->lock);
    return true;
}

void flight_retry_locks(struct pump *p)
{
    uint64_t now;

    if (atomic_load(&p->flight.num_locks) == 0)
        return;
    now = now_ms();
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < LIMIT_PARKED_LOCKS; i++)
        if (p->flight.lock[i].state == FLIGHT_LOCK_WAITS)
            p->flight.lock[i].due_ms = now;
    arm(p, now);
    pthread_mutex_unlock(&p->lock);
}

/* One that is due, taken to be tried. */
static struct flight_lock *take_due(struct pump *p, uint64_t now)
{
    struct flight_lock *found = NULL;

    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < LIMIT_PARKED_LOCKS && found == NULL; i++) {
        struct flight_lock *l = &p->flight.lock[i];

        if (l->state == FLIGHT_LOCK_WAITS && l->due_ms <= now)
            found = l;
    }
    if (found != NULL)
        found->state = FLIGHT_LOCK_TRIED;
    else
        arm(p, now);
    pthread_mutex_unlock(&p->lock);
    return found;
}

/*
 * What becomes of one that was tried, or that nobody may wait for any more. True: it waits on. Its
 * fid goes first, without the lock: the end of that file is in the trail before a reply tells of it.
 */
static bool waits_on(struct pump *p, struct flight_lock *l, int err, uint64_t now)
{
    if (err != -EAGAIN || l->cancelled || now >= l->until_ms || atomic_load(&p->draining) ||
        l->generation != atomic_load(&p->worker->session.generation))
        return false;
    l->state = FLIGHT_LOCK_WAITS;
    l->delay_ms =
        l->delay_ms * 2 < LIMIT_LOCK_RETRY_MAX_MS ? l->delay_ms * 2 : LIMIT_LOCK_RETRY_MAX_MS;
    l->due_ms = now + l->delay_ms < l->until_ms ? now + l->delay_ms : l->until_ms;
    return true;
}

/* The lock, if it was got in a session that is over, goes with the fid. */
static void end(struct pump *p, struct flight_lock *l, int err)
{
    const bool blocked = err == -EAGAIN;

    if (l->generation != atomic_load(&p->worker->session.generation) || (blocked && l->cancelled))
        drop(p, l);
    else
        answer(p, l, err == 0 ? P9_LOCK_SUCCESS : blocked ? P9_LOCK_BLOCKED : P9_LOCK_ERROR);
    flight_release_flushes(p);
    flight_tell_if_drained(p);
}

void flight_try_locks(struct pump *p)
{
    struct flight_lock *l;
    uint64_t now = now_ms();

    while ((l = take_due(p, now)) != NULL) {
        struct session *s = &p->worker->session;
        unsigned int entered =
            identity_enter_as(s, l->fid->uid); /* its first try was the user's, too */
        int err = lock_set(s, l->fid, &l->request);
        bool on;

        identity_leave(entered);
        pthread_mutex_lock(&p->lock);
        on = waits_on(p, l, err, now);
        pthread_mutex_unlock(&p->lock);
        if (on)
            continue;
        fid_put(l->fid); /* nobody else touches one that is being tried */
        pthread_mutex_lock(&p->lock);
        end(p, l, err);
        pthread_mutex_unlock(&p->lock);
    }
    reply_answers(p);
}

/* Ends those that wait: all of them with BLOCKED, or those of older sessions without a reply. */
static void end_waiting(struct pump *p, bool old)
{
    uint32_t generation = atomic_load(&p->worker->session.generation);
    struct flight_lock *ended[LIMIT_PARKED_LOCKS];
    uint32_t n = 0;

    if (atomic_load(&p->flight.num_locks) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < LIMIT_PARKED_LOCKS; i++) {
        struct flight_lock *l = &p->flight.lock[i];

        if (l->state != FLIGHT_LOCK_WAITS || (old && l->generation == generation))
            continue;
        l->state = FLIGHT_LOCK_TRIED;
        ended[n++] = l;
    }
    pthread_mutex_unlock(&p->lock);
    for (uint32_t i = 0; i < n; i++)
        fid_put(ended[i]->fid);
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < n; i++)
        end(p, ended[i], -EAGAIN);
    pthread_mutex_unlock(&p->lock);
}

void flight_forget_locks(struct pump *p)
{
    end_waiting(p, true);
}

void flight_end_locks(struct pump *p)
{
    end_waiting(p, false);
}

int flight_lock_status(struct pump *p, uint32_t slot)
{
    int status = -1;

    if (atomic_load(&p->flight.num_locks) == 0)
        return -1;
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < LIMIT_PARKED_LOCKS; i++) {
        struct flight_lock *l = &p->flight.lock[i];

        if (l->state == FLIGHT_LOCK_ANSWERED && l->slot == slot)
            status = (int)l->status;
    }
    pthread_mutex_unlock(&p->lock);
    return status;
}

bool flight_lock_has_tag(const struct flight *f, uint16_t tag, uint32_t generation, bool unanswered)
{
    for (uint32_t i = 0; f->num_locks > 0 && i < LIMIT_PARKED_LOCKS; i++) {
        const struct flight_lock *l = &f->lock[i];

        if (l->state != FLIGHT_LOCK_FREE && l->tag == tag && l->generation == generation &&
            !(unanswered && l->state == FLIGHT_LOCK_ANSWERED))
            return true;
    }
    return false;
}

struct fid *flight_cancel_lock(struct pump *p, uint16_t tag, uint32_t generation)
{
    struct flight *f = &p->flight;

    for (uint32_t i = 0; f->num_locks > 0 && i < LIMIT_PARKED_LOCKS; i++) {
        struct flight_lock *l = &f->lock[i];
        struct fid *fid = l->fid;

        if (l->tag != tag || l->generation != generation)
            continue;
        if (l->state == FLIGHT_LOCK_TRIED)
            l->cancelled = true;
        if (l->state != FLIGHT_LOCK_WAITS)
            continue;
        drop(p, l);
        return fid;
    }
    return NULL;
}

void flight_lock_answered(struct pump *p, uint32_t slot)
{
    struct flight *f = &p->flight;

    for (uint32_t i = 0; f->num_locks > 0 && i < LIMIT_PARKED_LOCKS; i++)
        if (f->lock[i].state == FLIGHT_LOCK_ANSWERED && f->lock[i].slot == slot) {
            free_lock(p, &f->lock[i]);
            flight_release_flushes(p);
            return;
        }
}

bool flight_no_locks(const struct pump *p)
{
    return atomic_load(&p->flight.num_locks) == 0 || atomic_load(&p->closing);
}
