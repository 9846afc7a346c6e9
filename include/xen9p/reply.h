/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reply.h - publishing replies: whole, in any order, never dropped for want of room.
 *
 * A reply that does not fit stays with its ring (the backlog) until the guest has consumed
 * enough; no request is taken from that ring meanwhile, so the backlog is bounded by the requests in flight.
 */
#ifndef XEN9P_REPLY_H
#define XEN9P_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "xen9p/request.h"
#include "xen9p/ring.h"

struct pump;

/* Publishes the reply of type `type` whose body is in r->out, or puts it on the backlog. Ends and frees `r`. */
void reply_send(struct pump *p, struct request *r, uint8_t type);

/*
 * Reply of a Tread straight into the ring. reply_direct_begin() locks the ring's producer side and describes
 * `count` bytes of room behind the reply's header, or returns 0 (nothing locked) when there is not
 * enough. Then exactly one of _commit (count[4] = n; published) and _abort.
 */
int reply_direct_begin(struct pump *p, struct request *r, uint32_t count, struct iovec seg[2]);
void reply_direct_commit(struct pump *p, struct request *r, uint32_t n);
void reply_direct_abort(struct pump *p, struct request *r);

/* Publishes what waits for room, as far as there is any. True when nothing waits any more. */
bool reply_flush(struct pump *p, struct ring *ring);
/* The same for the answers, on whichever ring, that the end or the parking of a request has set free. */
void reply_answers(struct pump *p);

#endif
