/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request.c - what handlers need of the machinery around them: larger replies, reading into the
 * ring, and saying that they may block.
 */
#include "xen9p/request.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "xen9p/reply.h"
#include "xen9p/worker.h"

struct fid *request_fid(struct request *r, uint32_t num)
{
    struct fid *f = fid_get(r->session->fids, num, r->generation);

    if (f != NULL && r->note.msg != NULL)
        trail_saw(r, f, num);
    return f;
}

struct fid *request_take_fid(struct request *r, uint32_t num)
{
    struct fid *f = fid_remove(r->session->fids, num, r->generation);

    if (f != NULL && r->note.msg != NULL)
        trail_saw(r, f, num);
    return f;
}

/* Copying so much takes longer than telling the guest what is done already. */
#define LONG_DATA (64u * 1024)

int request_big_reply(struct request *r, uint32_t body)
{
    uint32_t size = r->session->max_msize;

    if (body > size - P9_HDR_SIZE)
        return -EINVAL;
    if (r->big == NULL) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            return -ENOMEM;
        r->big = p;
    }
    if (body > 0)
        builder_init(&r->out, r->big + P9_HDR_SIZE, body);
    return 0;
}

void request_may_block(struct request *r)
{
    struct pump *p = &r->session->worker->pump;

    pump_notify(p);
    listen_hand_over(p);
    pump_pass_on(p);
}

void request_moves(struct request *r, uint32_t count)
{
    if (count >= LONG_DATA)
        pump_notify(&r->session->worker->pump);
}

/* Skips `n` bytes of the segments; returns how many are left. */
static int skip(struct iovec seg[2], int segs, size_t n)
{
    if (segs == 2 && n >= seg[0].iov_len) {
        n -= seg[0].iov_len;
        seg[0] = seg[1];
        segs = 1;
    }
    seg[0].iov_base = (char *)seg[0].iov_base + n;
    seg[0].iov_len -= n;
    return segs;
}

/*
 * Reads into `seg` without blocking: the whole count, or up to the end of the file. Returns the number
 * of bytes, or -EAGAIN when the rest would block, or another negative errno.
 */
static ssize_t read_nowait(int fd, struct iovec seg[2], int segs, uint64_t offset, uint32_t count)
{
    size_t done = 0;

    while (done < count) {
        ssize_t n = preadv2(fd, seg, segs, (off_t)(offset + done), RWF_NOWAIT);

        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
        if (done < count)
            segs = skip(seg, segs, (size_t)n);
    }
    return (ssize_t)done;
}

/* Through the request's own buffer, with others to hear what comes: may take as long as it takes. */
static ssize_t read_waiting(struct request *r, int fd, uint8_t *to, uint64_t offset, uint32_t count)
{
    size_t done = 0;

    request_may_block(r);
    while (done < count) {
        ssize_t n = pread(fd, to + done, count - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && done == 0)
            return -errno;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Remembers that the file system refuses RWF_NOWAIT. True: to be read waiting. */
static bool would_block(ssize_t n, bool *nowait_refused)
{
    if (n == -EOPNOTSUPP)
        __atomic_store_n(nowait_refused, true, __ATOMIC_RELAXED);
    return n == -EOPNOTSUPP || n == -EAGAIN || n == -EINTR;
}

/* Without room in the ring, or when the data is not there yet. */
static int read_buffered(struct request *r, int fd, uint64_t offset, uint32_t count, bool nowait,
                         bool *nowait_refused)
{
    struct iovec seg[2];
    ssize_t n = -EAGAIN;
    int err = request_big_reply(r, (uint32_t)sizeof(uint32_t) + count);

    if (err != 0)
        return err;
    seg[0] = (struct iovec){r->out.start + sizeof(uint32_t), count};
    if (nowait)
        n = read_nowait(fd, seg, 1, offset, count);
    if (n < 0 && would_block(n, nowait_refused))
        n = read_waiting(r, fd, r->out.start + sizeof(uint32_t), offset, count);
    if (n < 0)
        return (int)n;
    builder_u32(&r->out, (uint32_t)n);
    r->out.p += n;
    return 0;
}

int request_read(struct request *r, int fd, uint64_t offset, uint32_t count, bool *nowait_refused)
{
    struct pump *p = &r->session->worker->pump;
    struct iovec seg[2];
    ssize_t n;
    int segs;

    if (__atomic_load_n(nowait_refused, __ATOMIC_RELAXED))
        return read_buffered(r, fd, offset, count, false, nowait_refused);
    request_moves(r, count);
    segs = count > 0 ? reply_direct_begin(p, r, count, seg) : 0;
    if (segs == 0)
        return read_buffered(r, fd, offset, count, true, nowait_refused);
    n = read_nowait(fd, seg, segs, offset, count);
    if (n >= 0) {
        reply_direct_commit(p, r, (uint32_t)n);
        return 0;
    }
    reply_direct_abort(p, r);
    return would_block(n, nowait_refused)
               ? read_buffered(r, fd, offset, count, false, nowait_refused)
               : (int)n;
}
