/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_open.c - Tlopen and Tlcreate.
 *
 * Flags come from the guest and are translated bit by bit; what is not in the table does not
 * reach the kernel. Only regular files and directories are ever opened: the type is known from the
 * O_PATH descriptor, which never changes what it refers to, before anything is opened through it.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/identity.h"
#include "xen9p/open.h"
#include "xen9p/operations.h"
#include "xen9p/parent.h"
#include "xen9p/path.h"
#include "xen9p/session.h"

/*
 * Flags of 9P2000.L (Linux x86 octal) and what they are here. Absent on purpose: CREAT (Tlcreate
 * adds it), EXCL, NOCTTY, FASYNC, LARGEFILE, NOFOLLOW (all given or meaningless), NONBLOCK (always
 * set), DIRECT (the buffers are ours, not the guest's), and whatever there may be beyond.
 */
static const struct {
    uint32_t p9;
    int host;
} open_flags[] = {
    {P9_L_TRUNC, O_TRUNC},         {P9_L_APPEND, O_APPEND},   {P9_L_DSYNC, O_DSYNC},
    {P9_L_DIRECTORY, O_DIRECTORY}, {P9_L_NOATIME, O_NOATIME}, {P9_L_SYNC, O_SYNC},
};

/*
 * O_APPEND is kept for O_WRONLY: the kernel then appends whatever the offset of a Twrite, so that
 * two writers of a log do not overwrite each other. For O_RDWR it is dropped: Linux before 6.19
 * opens an O_WRONLY|O_APPEND file of a cached mount as O_RDWR|O_APPEND and writes whole pages back
 * through it, at offsets that must be honoured. The offset that a client sends is its own end of
 * the file, so that nothing changes for a single client.
 * Who only reads has no use for flags of writing; the filter of a read-only worker has none either.
 */
static int host_flags(uint32_t p9)
{
    uint32_t mode = p9 & P9_L_ACCMODE;
    int flags = mode == P9_L_RDONLY ? O_RDONLY : mode == P9_L_WRONLY ? O_WRONLY : O_RDWR;

    if (mode != P9_L_WRONLY)
        p9 &= ~P9_L_APPEND;
    if (mode == P9_L_RDONLY)
        p9 &= ~(P9_L_DSYNC | P9_L_SYNC);
    for (size_t i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++)
        if ((p9 & open_flags[i].p9) != 0)
            flags |= open_flags[i].host;
    return flags;
}

static bool wants_write(uint32_t p9)
{
    return (p9 & P9_L_ACCMODE) != P9_L_RDONLY || (p9 & P9_L_TRUNC) != 0;
}

/* The groups of operations that the policy has to allow. */
static uint32_t needed_by(uint32_t p9)
{
    uint32_t needed = wants_write(p9) ? OPERATION_WRITE : 0u;

    return (p9 & P9_L_ACCMODE) == P9_L_WRONLY ? needed : needed | OPERATION_READ;
}

/*
 * Whether a file of this type may be opened so, with the errno of a local open(2): a symlink
 * under O_NOFOLLOW, a device on a nodev mount, a socket; a FIFO is answered as one without a peer.
 */
static int judge(mode_t type, uint32_t p9)
{
    switch (type & S_IFMT) {
    case S_IFREG:
        return (p9 & P9_L_DIRECTORY) != 0 ? -ENOTDIR : 0;
    case S_IFDIR:
        return wants_write(p9) ? -EISDIR : 0;
    case S_IFLNK:
        return -ELOOP;
    case S_IFCHR:
    case S_IFBLK:
        return -EACCES;
    default:
        return -ENXIO;
    }
}

static int open_as(struct session *s, struct fid *f, int flags)
{
    return (flags & O_TRUNC) != 0 ? quota_open_truncated(s, f, flags) : fid_reopen(f, flags);
}

/* What others need for it. */
static mode_t others_bits(int flags)
{
    const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;

    return ((flags & O_ACCMODE) != O_WRONLY ? S_IROTH : 0u) | (writes ? S_IWOTH : 0u);
}

/* O_NOATIME is a wish: only the owner of a file may have it. */
static int reopen(struct session *s, struct fid *f, int flags)
{
    int fd = open_as(s, f, flags);

    if (fd == -EACCES && identity_as_other(s, f, f->path_fd, others_bits(flags))) {
        fd = open_as(s, f, flags);
        identity_as_user(f);
    }
    if (fd == -EPERM && (flags & O_NOATIME) != 0)
        fd = open_as(s, f, flags & ~O_NOATIME);
    return fd;
}

/* Opens `f`; its lock is held. */
static int open_locked(struct session *s, struct fid *f, uint32_t p9)
{
    int err, fd;

    if (atomic_load(&f->io_fd) >= 0)
        return -EINVAL; /* a fid is opened once, open(5) */
    err = fid_opening(s->fids);
    if (err != 0)
        return err;
    fd = reopen(s, f, host_flags(p9));
    if (fd < 0) {
        fid_not_opened(s->fids);
        return fd;
    }
    if ((p9 & P9_L_TRUNC) != 0)
        identity_written(s, f);
    fid_opened(s->fids, f, fd, p9);
    return 0;
}

int open_reply(struct request *r, int fd)
{
    struct p9_qid qid;
    struct stat st;
    int err = path_stat(fd, &st);

    if (err != 0)
        return err;
    qid = session_qid(r->session, &st);
    builder_qid(&r->out, &qid);
    builder_u32(&r->out, 0);
    return 0;
}

int open_fid(struct request *r, struct fid *f, uint32_t p9)
{
    int err = judge(f->type, p9);

    if (err == 0)
        err = session_refuses(r->session, needed_by(p9));
    if (err != 0)
        return err;
    pthread_mutex_lock(&f->lock);
    err = open_locked(r->session, f, p9);
    pthread_mutex_unlock(&f->lock);
    return err;
}

/* Tlopen fid[4] flags[4] -> Rlopen qid[13] iounit[4]. */
int op_lopen(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint32_t p9 = cursor_u32(&r->in);
    struct fid *f;
    int err;

    if (!cursor_done(&r->in) || (p9 & P9_L_ACCMODE) == P9_L_ACCMODE)
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = open_fid(r, f, p9);
    if (err == 0)
        err = open_reply(r, f->path_fd);
    fid_put(f);
    return err;
}

struct create {
    const struct request *r;
    struct session *session;
    uint32_t num, p9, mode;
    const char *name;
};

/* The fid that stands for the file just created. Takes over `io_fd` when it returns 0. */
static int made(const struct create *c, const struct fid *dir, int io_fd, struct fid **out)
{
    int path_fd = path_again(io_fd);

    if (path_fd < 0)
        return path_fd;
    *out = fid_new(c->num, path_fd, S_IFREG, dir->uid);
    if (*out == NULL)
        return -ENOMEM;
    parent_found(c->session, *out, dir, (uint32_t)strlen(c->name) + 1, dir->path_fd, c->name);
    fid_opened(c->session->fids, *out, io_fd, c->p9);
    return 0;
}

/* The name is new: a regular file of ours and nothing else. */
static int create_new(const struct create *c, const struct fid *dir, struct fid **out)
{
    int flags = host_flags(c->p9) & ~(O_TRUNC | O_NOATIME | O_DIRECTORY);
    int io_fd, err = fid_opening(c->session->fids);
    bool counted;

    if (err != 0)
        return err;
    err = quota_making(c->session, dir->path_fd, c->name, &counted);
    if (err != 0) {
        fid_not_opened(c->session->fids);
        return err;
    }
    io_fd = openat(dir->path_fd, c->name,
                   flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                   identity_mode(c->session, S_IFREG, c->mode));
    err = io_fd < 0 ? -errno : identity_made(c->r, dir, io_fd, S_IFREG, c->mode);
    quota_made(c->session, counted, err == 0);
    if (err == 0)
        err = made(c, dir, io_fd, out);
    if (err == 0)
        return 0;
    fid_not_opened(c->session->fids);
    if (io_fd >= 0)
        close(io_fd);
    return err;
}

/* The name exists: open what is there, unless it is special. */
static int open_existing(const struct create *c, const struct fid *dir, struct fid **out)
{
    struct stat st;
    int err, fd = path_step(dir->path_fd, c->name, &st);
    struct fid *f;

    if (fd < 0)
        return fd;
    st.st_mode = identity_type(c->r->session, fd, &st);
    f = fid_new(c->num, fd, st.st_mode & S_IFMT, dir->uid);
    if (f == NULL)
        return -ENOMEM;
    parent_found(c->session, f, dir, (uint32_t)strlen(c->name) + 1, dir->path_fd, c->name);
    err = S_ISDIR(st.st_mode) ? -EISDIR : judge(st.st_mode, c->p9);
    if (err == 0)
        err = open_locked(c->session, f, c->p9); /* nobody else knows this fid yet */
    if (err != 0)
        fid_put(f);
    else
        *out = f;
    return err;
}

/*
 * Not one openat with O_CREAT: it would open a FIFO or a device that somebody has put there. A name
 * that comes and goes between the two steps is tried again a few times.
 */
static int create(const struct create *c, const struct fid *dir, struct fid **out)
{
    int err = -EEXIST;

    for (int i = 0; i < 8; i++) {
        err = create_new(c, dir, out);
        if (err != -EEXIST || (c->p9 & P9_L_EXCL) != 0)
            return err;
        err = open_existing(c, dir, out);
        if (err != -ENOENT)
            return err;
    }
    return err;
}

int open_create(struct request *r, struct fid *dir, const char *name, uint32_t p9, uint32_t mode)
{
    const struct create c = {r, r->session, dir->num, p9, mode, name};
    struct fid *f = NULL;
    int err;

    if (!S_ISDIR(dir->type))
        return -ENOTDIR;
    if (atomic_load(&dir->io_fd) >= 0)
        return -EINVAL;
    err = session_refuses(r->session, OPERATION_CREATE | needed_by(p9));
    if (err != 0)
        return err;
    err = create(&c, dir, &f);
    if (f == NULL)
        return err;
    err = open_reply(r, f->path_fd);
    if (err == 0)
        err = fid_replace(r->session->fids, dir, f, r->generation);
    fid_put(f);
    return err;
}

/*
 * Tlcreate fid[4] name[s] flags[4] mode[4] gid[4] -> Rlcreate qid[13] iounit[4]. The client has
 * applied the umask.
 */
int op_lcreate(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    uint32_t p9 = cursor_u32(&r->in);
    uint32_t mode = cursor_u32(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *dir;
    uint32_t gid;
    int err;

    gid = cursor_u32(&r->in);
    if (!cursor_done(&r->in) || (p9 & P9_L_ACCMODE) == P9_L_ACCMODE)
        return -EINVAL;
    err = identity_group(r, gid);
    if (err == 0)
        err = p9_name(wire, name);
    if (err != 0)
        return err;
    dir = request_fid(r, num);
    if (dir == NULL)
        return -EBADF;
    err = open_create(r, dir, name, p9, mode);
    fid_put(dir);
    return err;
}
