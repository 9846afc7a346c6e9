/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request.h - one 9P request on its way through a worker.
 *
 * The pump takes a request off a ring (header and body copied once to private memory), calls its
 * handler, and publishes the reply. A request belongs to one thread at a time.
 */
#ifndef XEN9P_REQUEST_H
#define XEN9P_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "xen9p/cursor.h"
#include "xen9p/limits.h"
#include "xen9p/p9.h"
#include "xen9p/trail.h"

struct fid;
struct ring;
struct session;

struct request {
    struct session *session;
    struct ring *ring;
    uint32_t size; /* from the header, judged against ring and msize */
    uint8_t type;
    uint16_t tag;
    uint32_t generation; /* of the session when the request was taken; fid lookups need it */

    /*
     * The body behind the header. Twrite: fid, offset, count only; the payload is `data`, in ring
     * memory (which the guest may change at any time: only copying system calls may touch it) or
     * in a private copy.
     */
    struct cursor in;
    struct iovec data[2];
    int data_segs;
    uint32_t data_len;

    /* The reply's body, behind room for the header. request_big_reply() moves it. */
    struct builder out;

    /* The rest is the pump's. */
    struct request *next; /* free list, or the ring's backlog */
    struct request *next_in_flight;
    uint32_t slot;        /* of the journal */
    uint32_t span;        /* which span of the ring's `out` this request holds, or RING_NO_SPAN */
    int error;            /* judged when taken: answer this negative errno and do nothing else */
    uint32_t gid;         /* of a creating message: identity_group() */
    uint64_t rdev;        /* of a Tmknod, as makedev() */
    uint32_t cost;        /* bytes that throttle.h has counted */
    uint32_t moved;       /* bytes of a Tread whose handler has published the reply itself */
    atomic_bool answered; /* the guest may use the tag again */
    bool published;       /* the handler has published the reply itself */
    bool parked;          /* a Tflush or Tlock that is answered later, by others */
    uint8_t *big;         /* buffer of the session's max_msize bytes, NULL until needed */
    uint8_t *reply;       /* where the reply is built: small or big */
    uint32_t reply_len;   /* whole reply, once built */
    struct trail_note note;
    uint8_t body[LIMIT_REQUEST];
    uint8_t small[LIMIT_REPLY];
};

/*
 * Handler of one message type. Reads `r->in`, writes the reply's body to `r->out`. Returns 0, or a
 * negative errno that becomes Rlerror/Rerror (what was written to `out` is dropped). A handler
 * checks cursor_done(&r->in) before it acts and returns -EINVAL when it is false. A reply that did
 * not fit (r->out.bad) becomes EMSGSIZE by itself.
 */
typedef int (*request_handler)(struct request *r);

/*
 * The fid that a handler works on: fid_get() and fid_remove() of the request's session. One place
 * for all handlers, so that what is said about a request later is said about this very fid, which
 * another request may clunk or replace meanwhile.
 */
struct fid *request_fid(struct request *r, uint32_t num);
struct fid *request_take_fid(struct request *r, uint32_t num);

/*
 * Gives `r->out` room for `body` bytes of reply body (at most msize), in a buffer that is kept
 * with the request. 0, -ENOMEM, or -EINVAL when body is over msize.
 */
int request_big_reply(struct request *r, uint32_t body);

/*
 * Answers a Tread of `count` bytes at `offset` of the open file `fd`: into the ring itself when
 * the kernel can promise not to block, else through the request's buffer, with another thread
 * taking over the waiting. Returns 0 with the reply built or published, or a negative errno.
 * `nowait_refused` remembers, per open file, that the file system refuses RWF_NOWAIT.
 */
int request_read(struct request *r, int fd, uint64_t offset, uint32_t count, bool *nowait_refused);

/*
 * To be called before a system call that may wait for a disk, a server or another process: what
 * was published so far is notified, and if more requests are waiting another thread is woken for
 * them. Cheap when there is nothing to do.
 */
void request_may_block(struct request *r);
/* To be called before `count` bytes of data are moved: the guest hears of what is done already when they are many. */
void request_moves(struct request *r, uint32_t count);

#endif
