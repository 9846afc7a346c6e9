/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.c - which message is handled by whom, and what an error looks like in each dialect.
 */
#include "xen9p/session.h"

#include <errno.h>
#include <string.h>
#include <sys/vfs.h>

#include "xen9p/descriptors.h"
#include "xen9p/identity.h"
#include "xen9p/operations.h"
#include "xen9p/ops.h"
#include "xen9p/worker.h"

#define OP_WB (SESSION_OP_WRITE | SESSION_OP_BLOCK)

/*
 * 9P2000.L. Messages that wait for nothing but local metadata are not marked BLOCK: on a file
 * system that asks a server every message is treated as SYNC (session.remote).
 */
static const struct session_op ops_l[256] = {
    [P9_TSTATFS] = {op_statfs, 0},
    [P9_TLOPEN] = {op_lopen, SESSION_OP_BLOCK}, /* judges read-only exports itself */
    [P9_TLCREATE] = {op_lcreate, OP_WB},
    [P9_TSYMLINK] = {op_symlink, OP_WB},
    [P9_TMKNOD] = {op_mknod, OP_WB},
    [P9_TRENAME] = {op_rename, OP_WB},
    [P9_TREADLINK] = {op_readlink, 0},
    [P9_TGETATTR] = {op_getattr, 0},
    [P9_TSETATTR] = {op_setattr, OP_WB},
    [P9_TXATTRWALK] = {op_xattrwalk, SESSION_OP_BLOCK},
    [P9_TXATTRCREATE] = {op_xattrcreate, SESSION_OP_WRITE},
    [P9_TREADDIR] = {op_readdir, SESSION_OP_BLOCK},
    [P9_TFSYNC] = {op_fsync, SESSION_OP_SYNC},
    [P9_TLOCK] = {op_lock, 0},
    [P9_TGETLOCK] = {op_getlock, 0},
    [P9_TLINK] = {op_link, OP_WB},
    [P9_TMKDIR] = {op_mkdir, OP_WB},
    [P9_TRENAMEAT] = {op_renameat, OP_WB},
    [P9_TUNLINKAT] = {op_unlinkat, OP_WB},
    [P9_TAUTH] = {op_auth, 0},
    [P9_TATTACH] = {op_attach, 0},
    [P9_TFLUSH] = {op_flush, SESSION_OP_QUICK},
    [P9_TWALK] = {op_walk, 0},
    [P9_TREAD] = {op_read, SESSION_OP_QUICK}, /* request_read() knows when it may block */
    [P9_TWRITE] = {op_write, OP_WB},
    [P9_TCLUNK] = {op_clunk, 0},
    [P9_TREMOVE] = {op_remove, SESSION_OP_BLOCK}, /* ends its fid on a read-only export, too */
};

static const struct session_op *ops_of(uint32_t dialect)
{
    switch (dialect) {
    case P9_DIALECT_L:
        return ops_l;
    case P9_DIALECT_U:
    case P9_DIALECT_LEGACY:
        return session_ops_u;
    default:
        return NULL;
    }
}

/* f_type of file systems on which any call may wait for a server or another process. */
static bool is_remote(long type)
{
    static const long types[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x65735546, /* FUSE */
        0x01021997, /* 9P */
        0x5346414f, /* AFS */
        0x00c36400, /* Ceph */
        0x7461636f, /* OCFS2 */
        0x01161970, /* GFS2 */
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((uint32_t)type == (uint32_t)types[i])
            return true;
    return false;
}

/* No reply may be larger than half of one direction of the smallest ring. */
static uint32_t largest_msize(const struct worker *w)
{
    uint32_t msize = w->config.max_msize;

    for (uint32_t i = 0; i < w->config.num_rings; i++)
        if (w->ring[i].size / 2 < msize)
            msize = w->ring[i].size / 2;
    return msize;
}

int session_init(struct session *s, struct worker *w)
{
    struct statfs fs;

    memset(s, 0, sizeof(*s));
    s->worker = w;
    s->max_msize = largest_msize(w);
    atomic_store(&s->msize, s->max_msize);
    s->shown_uid = w->config.shown_uid;
    s->shown_gid = w->config.shown_gid;
    s->file_mode_drop = w->config.file_mode_drop;
    s->directory_mode_drop = w->config.directory_mode_drop;
    s->identity = w->config.identity;
    s->notes_devices = identity_keeps_owners(s) && (w->config.flags & CTL_FLAG_DEVICE_NODES) != 0;
    s->refuse_chown = (w->config.flags & CTL_FLAG_REFUSE_CHOWN) != 0;
    s->read_only = (w->config.flags & CTL_FLAG_READ_ONLY) != 0;
    s->operations = OPERATIONS_ALL & ~w->config.forbidden;
    throttle_init(&s->throttle);
    quota_init(&s->quota, s, w->quota_counts, (w->config.flags & CTL_FLAG_AUTO_DELETE) != 0);
    session_set_limits(s, &w->config.limits);
    pthread_mutex_init(&s->version_lock, NULL);
    pthread_mutex_init(&s->dev_lock, NULL);
    if (fstat(WFD_ROOT, &s->root) != 0 || fstatfs(WFD_ROOT, &fs) != 0)
        return -errno;
    s->owner_uid = s->root.st_uid;
    s->owner_gid = s->root.st_gid;
    if (identity_supported(s) != 0)
        return identity_supported(s);
    s->submounts = (w->config.flags & CTL_FLAG_SUBMOUNTS) != 0;
    s->remote = s->submounts || is_remote(fs.f_type); /* nobody looks at what is mounted below */
    s->fids = fid_table_new(w->max_fids);
    s->locks = lock_table_new(w->config.max_locks != 0 ? w->config.max_locks : LIMIT_MAX_LOCKS);
    if (s->fids == NULL || s->locks == NULL)
        return -ENOMEM;
    fid_table_limit_open(s->fids, w->config.max_open_files);
    fid_table_on_end(s->fids, quota_fid_ends, s);
    return 0;
}

void session_set_limits(struct session *s, const struct ctl_limits *limits)
{
    atomic_store(&s->limits.max_space, limits->max_space);
    atomic_store(&s->limits.max_files, limits->max_files);
    atomic_store(&s->limits.read_iops, limits->read_iops);
    atomic_store(&s->limits.write_iops, limits->write_iops);
    atomic_store(&s->limits.read_bandwidth, limits->read_bandwidth);
    atomic_store(&s->limits.write_bandwidth, limits->write_bandwidth);
    atomic_store(&s->limits.audit, limits->audit);
    quota_limits_changed(&s->quota);
    throttle_set(&s->throttle, &s->limits);
}

void session_fini(struct session *s)
{
    fid_table_free(s->fids);
    lock_table_free(s->locks);
    s->fids = NULL;
    s->locks = NULL;
    quota_fini(&s->quota);
}

int session_refuses(const struct session *s, uint32_t needed)
{
    if (s->read_only && (needed & ~OPERATIONS_READ_ONLY) != 0)
        return -EROFS;
    return operation_refusal(s->operations, needed);
}

/* A successor knows none of the fids; a clunk of one is as good as done. */
static int orphan_dispatch(struct request *r)
{
    switch (r->type) {
    case P9_TFLUSH:
        return op_flush(r);
    case P9_TCLUNK:
        return 0;
    default:
        return -EIO;
    }
}

/* Tread and Twrite on an attribute belong to the group that let the fid be made. */
static bool is_xattr_io(const struct request *r)
{
    struct cursor in = r->in;
    struct fid *f = NULL;

    if ((r->type == P9_TREAD || r->type == P9_TWRITE) &&
        (r->session->operations & OPERATION_XATTR) != 0)
        f = fid_get_xattr(r->session->fids, cursor_u32(&in), r->generation);
    fid_put(f);
    return f != NULL;
}

/*
 * Others hear what comes before it blocks, or somebody watches: true, and then listen_blocked() is to be called
 * afterwards. On a file system that asks a server every message blocks.
 */
static bool may_block(struct request *r, uint8_t flags)
{
    struct pump *p = &r->session->worker->pump;

    if ((flags & SESSION_OP_SYNC) == 0 && !r->session->remote) {
        if ((flags & SESSION_OP_QUICK) != 0)
            return false;
        if (listen_may_block(p, (flags & SESSION_OP_BLOCK) != 0))
            return true;
        if ((flags & SESSION_OP_BLOCK) == 0)
            return false;
    }
    request_may_block(r);
    return false;
}

static int dispatch(struct request *r)
{
    struct session *s = r->session;
    const struct session_op *ops = ops_of(atomic_load(&s->dialect));
    const struct session_op *op;
    struct pump *p = &s->worker->pump;
    unsigned int entered;
    bool trusts;
    int err;

    if (r->error != 0)
        return r->error;
    if (r->type == P9_TVERSION)
        return op_version(r);
    if (atomic_load(&s->orphaned))
        return orphan_dispatch(r);
    if (ops == NULL)
        return -EINVAL; /* no Tversion yet */
    op = &ops[r->type];
    if (op->handler == NULL)
        return -EOPNOTSUPP;
    if ((op->flags & SESSION_OP_WRITE) != 0 && s->read_only)
        return -EROFS;
    err = operation_admits(s->operations, r->type);
    if (err != 0 && !is_xattr_io(r))
        return err;
    trusts = may_block(r, op->flags);
    entered = identity_enter(r);
    err = op->handler(r);
    /* not `r`: it may be parked, and answered by another thread */
    identity_leave(entered);
    if (trusts)
        listen_blocked(p);
    return err;
}

uint8_t session_error(struct request *r, int error)
{
    uint32_t dialect = atomic_load(&r->session->dialect);

    builder_init(&r->out, r->out.start, (size_t)(r->out.end - r->out.start));
    if (dialect == P9_DIALECT_L) {
        builder_u32(&r->out, (uint32_t)error);
        return P9_RLERROR;
    }
    const char *text = strerrordesc_np(error);
    if (text == NULL)
        text = strerrordesc_np(EIO);
    builder_str(&r->out, text, strlen(text));
    if (dialect == P9_DIALECT_U)
        builder_u32(&r->out, (uint32_t)error);
    return P9_RERROR;
}

void session_dispatch(struct request *r, uint8_t *reply_type)
{
    int err;

    trail_begin(r);
    err = dispatch(r);
    *reply_type = (uint8_t)(r->type + 1);
    if (err == 0 && !r->published && r->out.bad)
        err = -EMSGSIZE;
    trail_end(r, err);
    if (err == 0 || r->published)
        return;
    /* a handler may have left a buffer that is too short for the words of an error */
    builder_init(&r->out, r->small + P9_HDR_SIZE, P9_ERROR_SIZE);
    *reply_type = session_error(r, -err);
}
