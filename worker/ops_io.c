/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_io.c - Tread, Twrite, Tfsync.
 *
 * Data of a Twrite may still be in guest memory and change under us: only pwritev2 (in quota_write()) touches it.
 */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "xen9p/identity.h"
#include "xen9p/ops.h"
#include "xen9p/session.h"

/* The open file of a fid. -EBADF: no such fid, not open, or not open for this. */
static int open_file(struct request *r, uint32_t num, bool write, struct fid **out)
{
    struct fid *f = request_fid(r, num);
    uint32_t mode;

    if (f == NULL)
        return -EBADF;
    if (atomic_load(&f->io_fd) < 0)
        goto bad;
    mode = f->open_flags & P9_L_ACCMODE;
    if (mode == (write ? P9_L_RDONLY : P9_L_WRONLY))
        goto bad;
    *out = f;
    return 0;
bad:
    fid_put(f);
    return -EBADF;
}

/* Tread fid[4] offset[8] count[4] -> Rread count[4] data. A count that cannot be answered is cut. */
int op_read(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint64_t offset = cursor_u64(&r->in);
    uint32_t count = cursor_u32(&r->in);
    uint32_t most = atomic_load(&r->session->msize) - P9_IOHDR_SIZE;
    uint32_t dialect = atomic_load(&r->session->dialect);
    struct fid *f;
    int err;

    if (!cursor_done(&r->in) || offset > INT64_MAX)
        return -EINVAL;
    if (dialect == P9_DIALECT_L)
        most--; /* Linux takes a reply of msize bytes for one that did not fit */
    if (count > most)
        count = most;
    if (count > INT64_MAX - offset)
        count = (uint32_t)(INT64_MAX - offset);
    err = open_file(r, num, false, &f);
    if (err != 0)
        return xattr_op_read(r, num, offset, count);
    if (f->type == S_IFDIR)
        err = dialect == P9_DIALECT_L ? -EISDIR : dir_read(r, f, offset, count);
    else
        err = request_read(r, atomic_load(&f->io_fd), offset, count, &f->nowait_refused);
    if (err == 0)
        trail_count(f, r->published ? r->reply_len - P9_IOHDR_SIZE : builder_len(&r->out) - 4, 0);
    fid_put(f);
    return err;
}

/* Twrite fid[4] offset[8] count[4] data -> Rwrite count[4]. */
int op_write(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint64_t offset = cursor_u64(&r->in);
    uint32_t count = cursor_u32(&r->in);
    struct fid *f;
    ssize_t n = 0;
    int err;

    if (!cursor_done(&r->in) || count != r->data_len || offset > INT64_MAX)
        return -EINVAL;
    err = open_file(r, num, true, &f);
    if (err != 0)
        return xattr_op_write(r, num, offset);
    request_moves(r, count);
    if ((f->open_flags & (P9_L_SYNC | P9_L_DSYNC)) != 0)
        request_may_block(r);
    if (count > 0) {
        n = quota_write(r->session, f, r->data, r->data_segs, offset);
        if (n < 0) {
            err = (int)n;
        } else {
            identity_written(r->session, f);
            trail_count(f, 0, (uint64_t)n);
        }
    }
    fid_put(f);
    if (err == 0)
        builder_u32(&r->out, (uint32_t)n);
    return err;
}

/* Tfsync fid[4] datasync[4] -> Rfsync. A fid that is not open has nothing to write back. */
int op_fsync(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint32_t datasync = cursor_u32(&r->in);
    struct fid *f;
    int fd, err = 0;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    fd = atomic_load(&f->io_fd);
    if (fd >= 0 && (datasync != 0 ? fdatasync(fd) : fsync(fd)) != 0)
        err = -errno;
    fid_put(f);
    return err;
}
