/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trail.c - the queue of what is to be recorded, and sending it.
 */
#include "xen9p/trail.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "trail_note.h"
#include "xen9p/descriptors.h"
#include "xen9p/limits.h"
#include "xen9p/reply.h"
#include "xen9p/worker.h"

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- queue: lock held -------------------------------------------------------------------------- */

static void push(struct trail *t, struct trail_item *item)
{
    item->next = NULL;
    *t->last = item;
    t->last = &item->next;
    atomic_fetch_add_explicit(&t->queued, 1, memory_order_relaxed);
}

static bool is_answer(const struct trail *t, const struct trail_item *item)
{
    return (uintptr_t)item >= (uintptr_t)t->answer &&
           (uintptr_t)item < (uintptr_t)(t->answer + JOURNAL_SLOTS);
}

/* The first item's record, or NULL when it has none (a reply that waits for what is before it). */
static const struct audit_record *record_of(struct trail *t, const struct trail_item *item,
                                            struct trail_path *room, struct audit_record *rec)
{
    if (item->request != NULL)
        return item->request->note.made ? &item->request->note.rec : NULL;
    if (is_answer(t, item))
        return NULL;
    if (item->fid == NULL)
        return &t->own_rec;
    trail_record_of_fid(t, item->fid, room, rec);
    return rec;
}

/*
 * Moves items with their records into the message while they fit. True when there is anything to
 * be sent or published, also what could not be sent the last time.
 */
static bool fill(struct trail *t)
{
    struct trail_item **end = &t->batch;
    struct trail_path room;

    if (t->batch != NULL)
        return true;
    audit_begin(&t->message, t->buf);
    while (t->first != NULL) {
        struct trail_item *item = t->first;
        struct audit_record rec;
        const struct audit_record *r = record_of(t, item, &room, &rec);

        if (r != NULL && !audit_put(&t->message, r))
            break;
        t->first = item->next;
        if (t->first == NULL)
            t->last = &t->first;
        item->next = NULL;
        *end = item;
        end = &item->next;
    }
    return t->batch != NULL;
}

/* --- sending ----------------------------------------------------------------------------------- */

/* One event when there is room again. */
static void watch_room(void)
{
    struct epoll_event ev = {.events = EPOLLOUT | EPOLLONESHOT, .data.fd = WFD_AUDIT};

    (void)epoll_ctl(WFD_EPOLL, EPOLL_CTL_MOD, WFD_AUDIT, &ev);
}

/* Requests may be taken again: those that came meanwhile have had their event. */
static void end_waiting(struct pump *p, struct trail *t)
{
    if (atomic_exchange(&t->waiting, false))
        pump_pass_on(p);
}

/* True once it makes no sense any more to wait for room. */
static bool give_up(struct pump *p, struct trail *t)
{
    if (t->given_up || !atomic_load(&p->draining))
        return t->given_up;
    if (t->deadline_ms == 0)
        t->deadline_ms = now_ms() + LIMIT_AUDIT_DRAIN_MS;
    t->given_up = now_ms() > t->deadline_ms;
    return t->given_up;
}

/* They have had their numbers: what is missing shows, whatever happens to who is told. */
static void lose(struct trail *t, uint32_t count)
{
    const uint32_t most = UINT32_MAX - t->lost;

    t->all_lost += count;
    count = count < most ? count : most;
    t->lost += count;
    t->next += count;
}

/* Lock held, but not while sending. False: to be tried again when there is room. */
static bool send_message(struct pump *p, struct trail *t)
{
    const uint32_t count = audit_count(&t->message);
    ssize_t n;

    if (count == 0 && t->lost == 0)
        return true;
    audit_finish(&t->message, t->next, t->lost);
    pthread_mutex_unlock(&t->lock);
    do
        n = send(WFD_AUDIT, t->buf, builder_len(&t->message), MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    pthread_mutex_lock(&t->lock);
    if (n >= 0) {
        t->next += count;
        t->lost = 0;
        end_waiting(p, t);
        return true;
    }
    if (t->blocks && !give_up(p, t)) {
        atomic_store(&t->waiting, true);
        watch_room();
        return false;
    }
    end_waiting(p, t);
    lose(t, count);
    return true;
}

/* The records of these are sent, or lost as the policy has it. Takes tx_lock of rings. */
static void publish(struct pump *p, struct trail_item *items, bool lost)
{
    while (items != NULL) {
        struct trail_item *next = items->next;
        struct request *r = items->request;

        if (items->fid != NULL) {
            fid_free(items->fid);
        } else if (is_answer(&p->worker->trail, items)) {
            flight_unhold_answer(p, (uint32_t)(items - p->worker->trail.answer));
        } else if (r != NULL) {
            /* done, but nobody will ever read that it was: not a success for the guest either */
            if (lost && r->note.made) {
                builder_init(&r->out, r->small + P9_HDR_SIZE, P9_ERROR_SIZE);
                r->note.reply_type = session_error(r, EIO);
            }
            reply_send(p, r, r->note.reply_type);
        }
        items = next;
    }
}

static uint32_t length(const struct trail_item *items)
{
    uint32_t n = 0;

    for (; items != NULL; items = items->next)
        n++;
    return n;
}

void trail_flush(struct pump *p)
{
    struct trail *t = &p->worker->trail;

    if (atomic_load_explicit(&t->dir.key, memory_order_relaxed) != 0)
        atomic_store(&t->dir.key, 0);
    if (atomic_load_explicit(&t->queued, memory_order_relaxed) == 0)
        return;
    pthread_mutex_lock(&t->lock);
    /* another thread that is sending takes along what has been queued meanwhile */
    if (!t->sending) {
        t->sending = true;
        while (fill(t) && send_message(p, t)) {
            struct trail_item *done = t->batch;
            bool lost = t->given_up && t->blocks;

            t->batch = NULL;
            atomic_fetch_sub_explicit(&t->queued, length(done), memory_order_relaxed);
            pthread_mutex_unlock(&t->lock);
            publish(p, done, lost);
            pthread_mutex_lock(&t->lock);
        }
        t->sending = false;
        pthread_cond_broadcast(&t->changed);
    }
    pthread_mutex_unlock(&t->lock);
}

bool trail_hold(struct pump *p, struct request *r, uint8_t reply_type)
{
    struct trail *t = &p->worker->trail;

    /* whatever stands in the queue may be what this reply tells the end of: a clunk's file */
    if (!r->note.made && atomic_load_explicit(&t->queued, memory_order_relaxed) == 0)
        return false;
    r->note.reply_type = reply_type;
    r->note.item = (struct trail_item){.request = r};
    pthread_mutex_lock(&t->lock);
    push(t, &r->note.item);
    pthread_mutex_unlock(&t->lock);
    return true;
}

bool trail_hold_answer(struct pump *p, uint32_t slot)
{
    struct trail *t = &p->worker->trail;

    if (atomic_load_explicit(&t->queued, memory_order_relaxed) == 0)
        return false;
    t->answer[slot] = (struct trail_item){0};
    pthread_mutex_lock(&t->lock);
    push(t, &t->answer[slot]);
    pthread_mutex_unlock(&t->lock);
    return true;
}

int trail_patience(const struct pump *p)
{
    const struct trail *t = &p->worker->trail;

    return atomic_load(&p->draining) && atomic_load(&t->waiting) ? LIMIT_AUDIT_RETRY_MS : -1;
}

/* --- records that belong to no request --------------------------------------------------------- */

void trail_closing(struct pump *p, enum ctl_close_reason reason)
{
    struct trail *t = &p->worker->trail;
    uint32_t classes = atomic_load_explicit(&p->worker->session.limits.audit, memory_order_relaxed);

    if (!t->open || (classes & 1u << AUDIT_VIOLATION) == 0)
        return;
    pthread_mutex_lock(&t->lock);
    if (!t->own_queued) {
        t->own_queued = true;
        t->own_rec = (struct audit_record){.op = AUDIT_OP_PROTOCOL,
                                           .cls = AUDIT_VIOLATION,
                                           .error = EPROTO,
                                           .uid = P9_NONUNAME,
                                           .value = reason};
        push(t, &t->own);
    }
    pthread_mutex_unlock(&t->lock);
}

/* The last reference to a fid is gone: true when we take it over. */
static bool fid_closed(void *arg, struct fid *f)
{
    struct worker *w = arg;
    struct trail *t = &w->trail;
    uint32_t classes = atomic_load_explicit(&w->session.limits.audit, memory_order_relaxed);

    atomic_fetch_add_explicit(&t->read, atomic_load(&f->read), memory_order_relaxed);
    atomic_fetch_add_explicit(&t->written, atomic_load(&f->written), memory_order_relaxed);
    if (!t->open || (classes & 1u << trail_class_of_fid(f)) == 0)
        return false;
    f->item = (struct trail_item){.fid = f};
    pthread_mutex_lock(&t->lock);
    push(t, &f->item);
    pthread_mutex_unlock(&t->lock);
    return true;
}

void trail_count(struct fid *f, uint64_t read, uint64_t written)
{
    if (read != 0)
        atomic_fetch_add_explicit(&f->read, read, memory_order_relaxed);
    if (written != 0)
        atomic_fetch_add_explicit(&f->written, written, memory_order_relaxed);
}

/* --- life -------------------------------------------------------------------------------------- */

void trail_init(struct worker *w)
{
    struct trail *t = &w->trail;

    memset(t, 0, sizeof(*t));
    t->open = (w->config.flags & CTL_FLAG_AUDIT) != 0;
    t->blocks = (w->config.flags & CTL_FLAG_AUDIT_BLOCKS) != 0;
    t->root_len = trail_root_len();
    t->next = 1;
    t->last = &t->first;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    fid_table_on_close(w->session.fids, fid_closed, w);
}

/* Not sent yet, or being sent by another thread. */
static bool has_left(struct trail *t)
{
    return t->sending || t->batch != NULL || t->first != NULL;
}

static void wait_a_moment(struct trail *t)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LIMIT_AUDIT_RETRY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

/*
 * What was dropped since the last message and has been said in none. There was no room then, and
 * now there is soon, unless nobody listens.
 */
static void say_lost(struct trail *t)
{
    const uint64_t until = now_ms() + LIMIT_AUDIT_DRAIN_MS;

    while (t->lost != 0) {
        audit_begin(&t->message, t->buf);
        audit_finish(&t->message, t->next, t->lost);
        if (send(WFD_AUDIT, t->buf, builder_len(&t->message), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            t->lost = 0;
        else if (now_ms() < until)
            wait_a_moment(t);
        else
            break;
    }
}

uint64_t trail_finish(struct pump *p)
{
    struct session *s = &p->worker->session;
    struct trail *t = &p->worker->trail;
    uint64_t lost;

    fid_table_reset(s->fids, atomic_load(&s->generation));
    trail_flush(p);
    pthread_mutex_lock(&t->lock);
    while (has_left(t)) {
        wait_a_moment(t);
        pthread_mutex_unlock(&t->lock);
        trail_flush(p);
        pthread_mutex_lock(&t->lock);
    }
    if (t->open)
        say_lost(t);
    lost = t->all_lost;
    pthread_mutex_unlock(&t->lock);
    return lost;
}
