/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.c - one Xen 9pfs ring, backend side (xen/io/9pfs.h).
 *
 * The guest may write all of this memory at any moment. Trusted are only our own copies of the indexes; of the
 * guest's, one reading is taken and checked each time.
 */
#include "xen9p/ring.h"

#include <string.h>
#include <xen/io/9pfs.h>

#include "xen9p/p9.h"

/* The indexes in the interface page, as the guest sees them. */
static uint32_t read_index(const volatile uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void write_index(volatile uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

void ring_init(struct ring *r, uint32_t id, const struct ctl_ring *cfg, void *intf, void *data,
               struct journal_ring *journal)
{
    memset(r, 0, sizeof(*r));
    r->id = id;
    r->size = ringidx_size(cfg->order);
    r->port = cfg->port;
    r->intf = intf;
    r->in = data;
    r->out = r->in + r->size;
    r->journal = journal;
    pthread_mutex_init(&r->rx_lock, NULL);
    pthread_mutex_init(&r->tx_lock, NULL);
}

void ring_copy_out(const struct ring *r, uint32_t at, void *dst, uint32_t len)
{
    struct iovec seg[2];
    int n = ringidx_segments(r->out, r->size, at, len, seg);
    uint8_t *to = dst;

    for (int i = 0; i < n; i++) {
        memcpy(to, seg[i].iov_base, seg[i].iov_len);
        to += seg[i].iov_len;
    }
}

bool ring_pending(const struct ring *r)
{
    uint32_t taken = __atomic_load_n(&r->out_taken, __ATOMIC_RELAXED);

    return __atomic_load_n(&r->out_seen, __ATOMIC_RELAXED) != taken ||
           read_index(&r->intf->out_prod) != taken;
}

uint32_t ring_out_prod(const struct ring *r)
{
    uint32_t prod = read_index(&r->intf->out_prod);
    uint32_t taken = __atomic_load_n(&r->out_taken, __ATOMIC_ACQUIRE);

    return ringidx_valid(prod, taken, r->size) ? prod : taken;
}

/*
 * True when `len` bytes are queued. The guest's index lies in a cache line that it writes all the time: it is read when
 * what was seen the last time is used up. Everything between our own out_cons and it must fit into the ring.
 */
static bool has_queued(struct ring *r, uint32_t len, struct ring_head *h, bool *broken)
{
    uint32_t prod;

    *broken = false;
    if (ringidx_used(r->out_seen, r->out_taken) >= len)
        return true;
    prod = read_index(&r->intf->out_prod);
    atomic_store_explicit(&r->in_unread, true, memory_order_relaxed);
    if (!ringidx_valid(prod, r->out_cons, r->size) ||
        (uint32_t)(prod - r->out_cons) < (uint32_t)(r->out_taken - r->out_cons)) {
        h->reason = CTL_CLOSE_BAD_INDEX;
        h->value = (uint64_t)prod << 32 | r->out_cons;
        *broken = true;
        return false;
    }
    __atomic_store_n(&r->out_seen, prod, __ATOMIC_RELAXED);
    return ringidx_used(prod, r->out_taken) >= len;
}

enum ring_result ring_peek(struct ring *r, struct ring_head *h)
{
    uint8_t hdr[P9_HDR_SIZE];
    struct cursor c;
    bool broken;

    if (!has_queued(r, P9_HDR_SIZE, h, &broken))
        return broken ? RING_BROKEN : RING_EMPTY;
    ring_copy_out(r, r->out_taken, hdr, sizeof(hdr));
    cursor_init(&c, hdr, sizeof(hdr));
    h->size = cursor_u32(&c);
    h->type = cursor_u8(&c);
    h->tag = cursor_u16(&c);
    h->at = r->out_taken;
    if (h->size < P9_HDR_SIZE || h->size > r->size) {
        h->reason = CTL_CLOSE_BAD_SIZE;
        h->value = h->size;
        return RING_BROKEN;
    }
    if (!has_queued(r, h->size, h, &broken))
        return broken ? RING_BROKEN : RING_EMPTY;
    /* once passed it is over: indexes wrap */
    r->forgetting = r->forgetting && (int32_t)(h->at - r->out_forget) < 0;
    h->forgotten = r->forgetting;
    return RING_REQUEST;
}

void ring_forget(struct ring *r)
{
    pthread_mutex_lock(&r->rx_lock);
    r->out_forget = ring_out_prod(r);
    r->forgetting = true;
    pthread_mutex_unlock(&r->rx_lock);
}

bool ring_can_hold(const struct ring *r, uint32_t len)
{
    return r->span_next - r->span_first < RING_MAX_SPANS && r->held + len <= r->size / 2;
}

/* out_cons follows the finished prefix of what was taken. */
static void retire(struct ring *r)
{
    uint32_t cons;

    while (r->span_first != r->span_next && r->span[r->span_first % RING_MAX_SPANS].done)
        r->span_first++;
    if (r->span_first == r->span_next)
        cons = r->out_taken;
    else
        cons = r->span[r->span_first % RING_MAX_SPANS].start;
    if (cons == r->out_cons)
        return;
    r->out_cons = cons;
    /* a release: our reads are done before the guest may reuse */
    write_index(&r->intf->out_cons, cons);
    atomic_store_explicit(&r->moved, true, memory_order_release);
}

uint32_t ring_advance(struct ring *r, const struct ring_head *h, bool hold)
{
    uint32_t number = RING_NO_SPAN;

    if (hold) {
        number = r->span_next++;
        r->span[number % RING_MAX_SPANS] = (struct ring_span){h->at, false};
        r->held += h->size;
    }
    __atomic_store_n(&r->out_taken, h->at + h->size, __ATOMIC_RELEASE);
    atomic_store_explicit(&r->journal->out_taken, r->out_taken, memory_order_release);
    retire(r);
    return number;
}

void ring_release(struct ring *r, uint32_t span, uint32_t len)
{
    pthread_mutex_lock(&r->rx_lock);
    r->span[span % RING_MAX_SPANS].done = true;
    r->held -= len;
    retire(r);
    pthread_mutex_unlock(&r->rx_lock);
}

uint32_t ring_room(struct ring *r, uint32_t want)
{
    uint32_t room = ringidx_free(r->in_prod, r->in_seen, r->size), cons;

    if (room >= want && !atomic_load_explicit(&r->in_unread, memory_order_relaxed))
        return room;
    atomic_store_explicit(&r->in_unread, false, memory_order_relaxed);
    cons = read_index(&r->intf->in_cons); /* an acquire: before its bytes are overwritten */
    if (!ringidx_valid(r->in_prod, cons, r->size))
        return UINT32_MAX;
    r->in_seen = cons;
    return ringidx_free(r->in_prod, cons, r->size);
}

int ring_room_segments(struct ring *r, uint32_t skip, uint32_t len, struct iovec seg[2])
{
    return ringidx_segments(r->in, r->size, r->in_prod + skip, len, seg);
}

void ring_copy_in(struct ring *r, uint32_t skip, const void *src, uint32_t len)
{
    struct iovec seg[2];
    int n = ring_room_segments(r, skip, len, seg);
    const uint8_t *from = src;

    for (int i = 0; i < n; i++) {
        memcpy(seg[i].iov_base, from, seg[i].iov_len);
        from += seg[i].iov_len;
    }
}

void ring_publish(struct ring *r, uint32_t len, struct journal_slot *slot)
{
    uint32_t prod = r->in_prod + len;

    if (slot != NULL) {
        slot->in_end = prod;
        atomic_store_explicit(&slot->state, JOURNAL_PUBLISHING, memory_order_release);
    }
    write_index(&r->intf->in_prod, prod);
    r->in_prod = prod;
    atomic_store_explicit(&r->journal->in_prod, prod, memory_order_release);
    if (slot != NULL)
        atomic_store_explicit(&slot->state, JOURNAL_FREE, memory_order_release);
    atomic_store_explicit(&r->moved, true, memory_order_release);
}
