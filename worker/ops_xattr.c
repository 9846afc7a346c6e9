/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_xattr.c - Txattrwalk and Txattrcreate, and what Tread and Twrite are on the fids that they make.
 *
 * Data of a Twrite may be in guest memory and change under us: it is copied once.
 */
#include "xen9p/ops.h"

#include <errno.h>

#include "xen9p/path.h"
#include "xen9p/session.h"
#include "xen9p/xattr.h"

/* Puts a fid over `x` into the table, taking over `x` and `path_fd`; in the place of `old` if there is one. */
static int enter(struct request *r, uint32_t num, const struct fid *from, int path_fd,
                 struct xattr *x, struct fid *old)
{
    struct fid *f = fid_new(num, path_fd, from->type, from->uid);
    int err;

    if (f == NULL) {
        xattr_free(x);
        return -ENOMEM;
    }
    f->xattr = x;
    if (old != NULL)
        err = fid_replace(r->session->fids, old, f, r->generation);
    else
        err = fid_insert(r->session->fids, f, r->generation);
    fid_put(f);
    return err;
}

static int walk_to(struct request *r, const struct fid *f, uint32_t newnum, struct wire_str wire)
{
    char name[XATTR_MAX_NAME + 1];
    uint32_t size;
    struct xattr *x;
    int err = wire.len > 0 ? xattr_name(r->session, wire, false, name) : 0;

    if (err != 0)
        return err;
    err = xattr_snapshot(r->session, f, wire.len > 0 ? name : NULL, &x);
    if (err != 0)
        return err;
    size = xattr_size(x);
    err = enter(r, newnum, f, -1, x, NULL);
    if (err == 0)
        builder_u64(&r->out, size);
    return err;
}

/* Txattrwalk fid[4] newfid[4] name[s] -> Rxattrwalk size[8]. An empty name: the list of names. */
int op_xattrwalk(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint32_t newnum = cursor_u32(&r->in);
    struct wire_str name = cursor_str(&r->in);
    struct fid *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    if (newnum == P9_NOFID || newnum == num)
        return -EBADF;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = walk_to(r, f, newnum, name);
    fid_put(f);
    return err;
}

static int collect(struct request *r, struct fid *f, const char *name, uint64_t size,
                   uint32_t flags)
{
    struct xattr *x;
    int fd, err;

    if (atomic_load(&f->io_fd) >= 0)
        return -EINVAL;
    err = xattr_collect(r->session, name, size, flags, &x);
    if (err != 0)
        return err;
    fd = path_again(f->path_fd);
    if (fd < 0) {
        xattr_free(x);
        return fd;
    }
    return enter(r, f->num, f, fd, x, f);
}

/*
 * Txattrcreate fid[4] name[s] attr_size[8] flags[4] -> Rxattrcreate. The fid, which must not be open, stands
 * for the new value from now on; Tclunk stores it.
 */
int op_xattrcreate(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    uint64_t size = cursor_u64(&r->in);
    uint32_t flags = cursor_u32(&r->in);
    char name[XATTR_MAX_NAME + 1];
    struct fid *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    err = xattr_name(r->session, wire, true, name);
    if (err != 0)
        return err;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = collect(r, f, name, size, flags);
    fid_put(f);
    return err;
}

int xattr_op_read(struct request *r, uint32_t num, uint64_t offset, uint32_t count)
{
    struct fid *f = fid_get_xattr(r->session->fids, num, r->generation);
    const void *data;
    uint32_t n;
    int err;

    if (f == NULL)
        return -EBADF;
    if (xattr_is_collector(f->xattr)) {
        err = -EBADF;
        goto out;
    }
    data = xattr_at(f->xattr, offset, count, &n);
    err = request_big_reply(r, (uint32_t)sizeof(n) + n);
    if (err == 0) {
        builder_u32(&r->out, n);
        builder_bytes(&r->out, data, n);
    }
out:
    fid_put(f);
    return err;
}

int xattr_op_write(struct request *r, uint32_t num, uint64_t offset)
{
    struct fid *f = fid_get_xattr(r->session->fids, num, r->generation);
    int err = -EBADF;

    if (f == NULL)
        return -EBADF;
    if (xattr_is_collector(f->xattr)) {
        pthread_mutex_lock(&f->lock);
        err = xattr_write(f->xattr, offset, r->data, r->data_segs, r->data_len);
        pthread_mutex_unlock(&f->lock);
    }
    fid_put(f);
    if (err == 0)
        builder_u32(&r->out, r->data_len);
    return err;
}

int xattr_op_clunk(struct request *r, struct fid *f)
{
    int err;

    if (f->xattr == NULL || !xattr_is_collector(f->xattr))
        return 0;
    request_may_block(r);
    pthread_mutex_lock(&f->lock); /* a Twrite that came before may still be at it */
    err = xattr_commit(f->xattr, f);
    pthread_mutex_unlock(&f->lock);
    return err;
}
