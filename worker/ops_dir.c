/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_dir.c - Treaddir, and Tread of a directory in the older dialects.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "xen9p/dirstream.h"
#include "xen9p/session.h"

typedef int (*dir_reader)(struct dirstream *d, uint64_t offset, struct builder *out);

/* Reads into the reply, whose count[4] comes first; the fid's lock is held. */
static int read_locked(struct request *r, struct fid *f, uint64_t offset, uint32_t count,
                       dir_reader reader)
{
    int err, fd = atomic_load(&f->io_fd);
    struct builder entries, len;

    if (fd < 0)
        return -EBADF;
    if (f->dir == NULL)
        f->dir = dirstream_new(r->session, fd);
    if (f->dir == NULL)
        return -ENOMEM;
    err = request_big_reply(r, (uint32_t)sizeof(count) + count);
    if (err != 0)
        return err;
    len = r->out;
    builder_u32(&r->out, 0);
    builder_init(&entries, r->out.p, count);
    err = reader(f->dir, offset, &entries);
    if (err != 0)
        return err;
    builder_u32(&len, (uint32_t)builder_len(&entries));
    r->out.p = entries.p;
    return 0;
}

int dir_read(struct request *r, struct fid *f, uint64_t offset, uint32_t count)
{
    int err;

    request_may_block(r);
    pthread_mutex_lock(&f->lock);
    err = read_locked(r, f, offset, count, dirstream_read_stats);
    pthread_mutex_unlock(&f->lock);
    return err;
}

/*
 * Treaddir fid[4] offset[8] count[4] -> Rreaddir count[4] (qid[13] offset[8] type[1] name[s])*.
 * A count of 0 in the reply is the end.
 */
int op_readdir(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint64_t offset = cursor_u64(&r->in);
    uint32_t count = cursor_u32(&r->in);
    /* Linux takes a reply of msize bytes for one that did not fit: one byte less. */
    uint32_t most = atomic_load(&r->session->msize) - P9_IOHDR_SIZE - 1;
    struct fid *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    if (count > most)
        count = most;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    if (S_ISDIR(f->type)) {
        pthread_mutex_lock(&f->lock);
        err = read_locked(r, f, offset, count, dirstream_read);
        pthread_mutex_unlock(&f->lock);
        if (err == 0)
            trail_count(f, builder_len(&r->out) - 4, 0);
    } else {
        err = -ENOTDIR;
    }
    fid_put(f);
    return err;
}
