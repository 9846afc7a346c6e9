/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h - one Xen 9pfs ring (xen/io/9pfs.h), backend side.
 *
 * `out` carries requests, `in` carries replies. The guest can write all of this memory at any
 * time: indexes that we own are kept privately, an index of the guest is read once and
 * checked, a header is copied once and judged from the copy.
 *
 * Consumer side: ring_take() hands out requests in order; the bytes of a Twrite stay in the ring
 * (a span) until ring_release(), and out_cons moves over the finished prefix. Producer side: a reply is published whole,
 * under the ring's producer lock, in any order.
 */
#ifndef XEN9P_RING_H
#define XEN9P_RING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "xen9p/control.h"
#include "xen9p/journal.h"
#include "xen9p/limits.h"
#include "xen9p/ringidx.h"

struct request;
struct xen_9pfs_data_intf;

#define RING_MAX_SPANS 64u
#define RING_NO_SPAN UINT32_MAX

/* A stretch of `out` that a request still reads from. */
struct ring_span {
    uint32_t start; /* index of its message */
    bool done;
};

struct ring {
    uint32_t id;
    uint32_t size; /* of one direction, bytes */
    uint32_t port;
    struct xen_9pfs_data_intf *intf; /* shared with the guest */
    uint8_t *in, *out;               /* shared with the guest */
    struct journal_ring *journal;

    /* Consumer. */
    pthread_mutex_t rx_lock;
    uint32_t out_taken;                    /* index of the next request to take */
    uint32_t out_seen;                     /* the guest's out_prod when it was read last */
    uint32_t out_cons;                     /* published */
    struct ring_span span[RING_MAX_SPANS]; /* FIFO of spans, oldest first */
    uint32_t span_first, span_next;        /* free-running */
    uint32_t held;                         /* bytes of `out` that running writes read from */
    bool forgetting;                       /* what was queued before out_forget */
    uint32_t out_forget;

    /* Producer. */
    pthread_mutex_t tx_lock;
    uint32_t in_prod;
    uint32_t in_seen;      /* the guest's in_cons when it was read last */
    atomic_bool in_unread; /* to be read anew: once for each time that out_prod is */
    struct request *backlog, *backlog_last; /* replies that did not fit yet; the pump's */

    /* Tags to be answered with a fixed reply as soon as there is room; the pump's. */
    atomic_uint answers;

    atomic_bool moved; /* an index of ours has moved since the last notification */
};

/* Result of looking at the next request. */
enum ring_result {
    RING_EMPTY = 0, /* nothing, or not whole yet */
    RING_REQUEST,   /* there is one */
    RING_BROKEN,    /* the guest broke the ring; `reason` and `value` say how */
};

struct ring_head {
    uint32_t size;
    uint8_t type;
    uint16_t tag;
    uint32_t at;    /* index of the message in `out` */
    bool forgotten; /* it was there when ring_forget() was called */
    enum ctl_close_reason reason;
    uint64_t value;
};

void ring_init(struct ring *r, uint32_t id, const struct ctl_ring *cfg, void *intf, void *data,
               struct journal_ring *journal);

/*
 * The next request at out_taken, without taking it. Its size is at least P9_HDR_SIZE and at most
 * what is queued; whether it is too large for the session is the caller's to judge. rx_lock held.
 */
enum ring_result ring_peek(struct ring *r, struct ring_head *h);
/* True when `out` holds bytes that were not taken. Any thread, a hint. */
bool ring_pending(const struct ring *r);
/* A session has begun: what is queued by now belongs to the one before it. Takes rx_lock. */
void ring_forget(struct ring *r);
/* out_prod, or where we stand when the guest's value makes no sense. Any thread. */
uint32_t ring_out_prod(const struct ring *r);
/* Copies `len` bytes at index `at` of `out` to private memory. rx_lock held, or the span is. */
void ring_copy_out(const struct ring *r, uint32_t at, void *dst, uint32_t len);
/*
 * Takes the request: out_taken moves behind it. With `hold` its bytes stay in the ring until
 * ring_release(); returns the span's number or RING_NO_SPAN. rx_lock held.
 */
uint32_t ring_advance(struct ring *r, const struct ring_head *h, bool hold);
/* True when a span of `len` bytes may be held: at most half of `out`, and a span number is free. rx_lock held. */
bool ring_can_hold(const struct ring *r, uint32_t len);
/* The bytes of a span are not needed any more. Takes rx_lock. */
void ring_release(struct ring *r, uint32_t span, uint32_t len);

/*
 * Room in `in`, in bytes: all that there is when it is less than `want`. UINT32_MAX when the guest's in_cons is out of
 * bounds. tx_lock held.
 */
uint32_t ring_room(struct ring *r, uint32_t want);
/* The next `len` bytes of `in` as segments, at most ring_room(). tx_lock held. */
int ring_room_segments(struct ring *r, uint32_t skip, uint32_t len, struct iovec seg[2]);
/* Copies to `in` at `skip` bytes behind in_prod. tx_lock held. */
void ring_copy_in(struct ring *r, uint32_t skip, const void *src, uint32_t len);
/* Publishes `len` bytes and retires `slot`. tx_lock held. */
void ring_publish(struct ring *r, uint32_t len, struct journal_slot *slot);

#endif
