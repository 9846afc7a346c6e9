/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reply.c - publishing replies, and keeping those that do not fit yet.
 */
#include "xen9p/reply.h"

#include <errno.h>

#include "xen9p/pump.h"
#include "xen9p/worker.h"

static void put_header(uint8_t *at, uint32_t size, uint8_t type, uint16_t tag)
{
    struct builder b;

    builder_init(&b, at, P9_HDR_SIZE);
    builder_u32(&b, size);
    builder_u8(&b, type);
    builder_u16(&b, tag);
}

/* Room for `len` bytes in `in`; a broken in_cons closes the device and counts as none. tx_lock held. */
static bool has_room(struct pump *p, struct ring *ring, uint32_t len)
{
    uint32_t n = ring_room(ring, len);

    if (n == UINT32_MAX) {
        pump_close(p, CTL_CLOSE_BAD_INDEX, ring->id, (uint64_t)ring->in_prod << 32);
        return false;
    }
    return n >= len;
}

/* After a Tversion nobody waits for the reply of an older request any more. */
static bool stale(const struct request *r)
{
    return r->generation != atomic_load(&r->session->generation);
}

/*
 * tx_lock held. False: no room. A device that is being closed has nobody to read replies; it may be
 * has_room() that finds this out.
 */
static bool publish(struct pump *p, struct request *r)
{
    struct ring *ring = r->ring;
    bool fits = !stale(r) && !atomic_load(&p->closing) && has_room(p, ring, r->reply_len);

    if (!fits && !stale(r) && !atomic_load(&p->closing))
        return false;
    if (fits) {
        flight_answer(r);
        ring_copy_in(ring, 0, r->reply, r->reply_len);
        ring_publish(ring, r->reply_len, &p->worker->journal->slot[r->slot]);
    }
    return true;
}

/*
 * The reply to a tag whose request is gone: a Tflush or Tlock that waited, or what a predecessor left. A clunk has
 * happened in either case; everything else failed.
 */
static uint32_t fixed_reply(struct pump *p, uint32_t i, uint8_t buf[64])
{
    const struct journal_slot *slot = &p->worker->journal->slot[i];
    int status = slot->type == P9_TLOCK ? flight_lock_status(p, i) : -1;
    struct request r = {.session = &p->worker->session};
    uint8_t type = (uint8_t)(slot->type + 1);
    uint32_t len = P9_HDR_SIZE;

    if (status >= 0) {
        buf[P9_HDR_SIZE] = (uint8_t)status;
        len++;
    } else if (slot->type != P9_TFLUSH && slot->type != P9_TCLUNK) {
        builder_init(&r.out, buf + P9_HDR_SIZE, 64 - P9_HDR_SIZE);
        type = session_error(&r, EIO);
        len += (uint32_t)builder_len(&r.out);
    }
    put_header(buf, len, type, slot->tag);
    return len;
}

/* tx_lock held. */
static bool publish_answers(struct pump *p, struct ring *ring)
{
    uint8_t buf[64];

    while (atomic_load(&ring->answers) > 0) {
        uint32_t i = flight_next_answer(p, ring->id);
        struct journal_slot *slot;
        uint32_t len;

        if (i == FLIGHT_NO_SLOT)
            return true;
        if (flight_answer_is_stale(p, i)) {
            flight_answered_slot(p, i);
            continue;
        }
        slot = &p->worker->journal->slot[i];
        len = fixed_reply(p, i, buf);
        if (!has_room(p, ring, len))
            return false;
        ring_copy_in(ring, 0, buf, len);
        ring_publish(ring, len, slot);
        flight_answered_slot(p, i);
    }
    return true;
}

bool reply_flush(struct pump *p, struct ring *ring)
{
    bool done = true;

    /* Closing: a reply may be on its way to the backlog right now, behind the lock; it has to go. */
    if (__atomic_load_n(&ring->backlog, __ATOMIC_RELAXED) == NULL &&
        atomic_load(&ring->answers) == 0 && !atomic_load(&p->closing))
        return true;
    pthread_mutex_lock(&ring->tx_lock);
    while (done && ring->backlog != NULL) {
        struct request *r = ring->backlog;

        done = publish(p, r);
        if (done) {
            __atomic_store_n(&ring->backlog, r->next, __ATOMIC_RELAXED);
            flight_end(p, r);
        }
    }
    done = done && publish_answers(p, ring);
    pthread_mutex_unlock(&ring->tx_lock);
    return done;
}

void reply_answers(struct pump *p)
{
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++)
        if (atomic_load(&p->worker->ring[i].answers) > 0)
            (void)reply_flush(p, &p->worker->ring[i]);
}

void reply_send(struct pump *p, struct request *r, uint8_t type)
{
    struct ring *ring = r->ring;
    bool done;

    r->reply = r->out.start - P9_HDR_SIZE;
    r->reply_len = P9_HDR_SIZE + (uint32_t)builder_len(&r->out);
    put_header(r->reply, r->reply_len, type, r->tag);
    pthread_mutex_lock(&ring->tx_lock);
    done = ring->backlog == NULL && publish(p, r);
    if (!done) {
        r->next = NULL;
        if (ring->backlog == NULL)
            __atomic_store_n(&ring->backlog, r, __ATOMIC_RELAXED);
        else
            ring->backlog_last->next = r;
        ring->backlog_last = r;
    }
    pthread_mutex_unlock(&ring->tx_lock);
    if (done)
        flight_end(p, r);
    reply_answers(p);
}

int reply_direct_begin(struct pump *p, struct request *r, uint32_t count, struct iovec seg[2])
{
    struct ring *ring = r->ring;

    pthread_mutex_lock(&ring->tx_lock);
    if (ring->backlog == NULL && !stale(r) && has_room(p, ring, P9_IOHDR_SIZE + count))
        return ring_room_segments(ring, P9_IOHDR_SIZE, count, seg);
    pthread_mutex_unlock(&ring->tx_lock);
    return 0;
}

void reply_direct_commit(struct pump *p, struct request *r, uint32_t n)
{
    struct ring *ring = r->ring;
    uint8_t hdr[P9_IOHDR_SIZE];
    struct builder b;

    put_header(hdr, P9_IOHDR_SIZE + n, (uint8_t)(r->type + 1), r->tag);
    builder_init(&b, hdr + P9_HDR_SIZE, sizeof(uint32_t));
    builder_u32(&b, n);
    flight_answer(r);
    ring_copy_in(ring, 0, hdr, sizeof(hdr));
    ring_publish(ring, P9_IOHDR_SIZE + n, &p->worker->journal->slot[r->slot]);
    r->reply_len = P9_IOHDR_SIZE + n;
    r->moved = n;
    r->published = true;
    pthread_mutex_unlock(&ring->tx_lock);
}

void reply_direct_abort(struct pump *p, struct request *r)
{
    (void)p;
    pthread_mutex_unlock(&r->ring->tx_lock);
}
