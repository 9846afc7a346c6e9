/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_lock.c - Tlock and Tgetlock.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <string.h>

#include "xen9p/lock.h"
#include "xen9p/worker.h"

/* start[8] length[8] proc_id[4] client_id[s]. A length of 0 is to the end of the file, however long it gets. */
static int parse_range(struct request *r, struct lock_request *q)
{
    uint64_t start = cursor_u64(&r->in);
    uint64_t len = cursor_u64(&r->in);
    struct wire_str client;

    q->proc_id = cursor_u32(&r->in);
    client = cursor_str(&r->in);
    if (!cursor_done(&r->in) || q->type > P9_LOCK_UNLCK || client.len > sizeof(q->client) ||
        start > INT64_MAX || (len > 0 && len - 1 > INT64_MAX - start))
        return -EINVAL;
    q->start = start;
    q->end = len > 0 ? start + len - 1 : LOCK_TO_END;
    q->client_len = client.len;
    memcpy(q->client, client.s, client.len);
    return 0;
}

/* Only an open file is locked: what cannot be opened cannot be locked. */
static int get_open(struct request *r, uint32_t num, struct fid **f)
{
    *f = request_fid(r, num);
    if (*f == NULL)
        return -EBADF;
    if (atomic_load(&(*f)->io_fd) >= 0)
        return 0;
    fid_put(*f);
    return -EBADF;
}

/*
 * Tlock fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s] -> Rlock status[1]. With BLOCK and
 * somebody in the way the request is parked for as long as the policy says.
 */
int op_lock(struct request *r)
{
    struct pump *p = &r->session->worker->pump;
    uint32_t num = cursor_u32(&r->in);
    struct lock_request q;
    uint32_t flags;
    struct fid *f;
    int err;

    q.type = cursor_u8(&r->in);
    flags = cursor_u32(&r->in);
    err = parse_range(r, &q);
    if (err == 0 && (flags & ~(P9_LOCK_FLAG_BLOCK | P9_LOCK_FLAG_RECLAIM)) != 0)
        err = -EINVAL;
    if (err == 0)
        err = get_open(r, num, &f);
    if (err != 0)
        return err;
    err = lock_set(r->session, f, &q);
    if (err == -EAGAIN && (flags & P9_LOCK_FLAG_BLOCK) != 0 && flight_park_lock(p, r, f, &q))
        return 0; /* the fid goes with it */
    fid_put(f);
    if (err == 0 && q.type == P9_LOCK_UNLCK)
        flight_retry_locks(p);
    if (err == 0 || err == -EAGAIN)
        builder_u8(&r->out, err == 0 ? P9_LOCK_SUCCESS : P9_LOCK_BLOCKED);
    return err == -EAGAIN ? 0 : err;
}

/*
 * Tgetlock fid[4] type[1] start[8] length[8] proc_id[4] client_id[s] -> Rgetlock with the same fields: the lock that
 * is in the way, or type UNLCK and the rest as it was.
 */
int op_getlock(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct lock_request q;
    struct fid *f;
    int err;

    q.type = cursor_u8(&r->in);
    err = parse_range(r, &q);
    if (err == 0)
        err = get_open(r, num, &f);
    if (err != 0)
        return err;
    err = lock_test(r->session, f, &q);
    fid_put(f);
    if (err != 0)
        return err;
    builder_u8(&r->out, q.type);
    builder_u64(&r->out, q.start);
    builder_u64(&r->out, q.end == LOCK_TO_END ? 0 : q.end - q.start + 1);
    builder_u32(&r->out, q.proc_id);
    builder_str(&r->out, q.client, q.client_len);
    return 0;
}
