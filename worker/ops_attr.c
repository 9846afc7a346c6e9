/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_attr.c - Tgetattr, Tsetattr, Tstatfs.
 *
 * All of them work on the O_PATH descriptor, so that they reach the file that the fid was walked
 * to, wherever it is now and whether it still has a name.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "xen9p/attr.h"
#include "xen9p/identity.h"
#include "xen9p/operations.h"
#include "xen9p/path.h"
#include "xen9p/session.h"

#define NSEC_PER_SEC 1000000000ull
#define V9FS_MAGIC 0x01021997u

/* Device number as Linux encodes it in 32 bits (new_encode_dev). */
static uint64_t encode_rdev(uint32_t maj, uint32_t min)
{
    return (min & 0xffu) | (uint64_t)(maj & 0xfffu) << 8 | (uint64_t)(min & 0xfff00u) << 12;
}

/*
 * What programs take as the best size for I/O. Each call of theirs is a message here: a multiple of
 * the file system's block, as far as a message carries it, up to 64 KiB (buffers of that size are
 * allocated per open stream).
 */
static uint64_t best_block(uint64_t block, uint32_t msize)
{
    uint64_t most = 64 * 1024;

    if (most > msize - P9_TWRITE_HDR_SIZE)
        most = msize - P9_TWRITE_HDR_SIZE;
    if (block == 0)
        block = 512;
    while (block * 2 <= most)
        block *= 2;
    return block;
}

static void put_time(struct builder *b, struct statx_timestamp t)
{
    builder_u64(b, (uint64_t)t.tv_sec);
    builder_u64(b, t.tv_nsec);
}

/* The parts of a stat that make a qid. */
static struct p9_qid statx_qid(struct session *s, const struct statx *sx)
{
    struct stat st = {0};

    st.st_dev = makedev(sx->stx_dev_major, sx->stx_dev_minor);
    st.st_ino = sx->stx_ino;
    st.st_mode = sx->stx_mode;
    st.st_size = (off_t)sx->stx_size;
    st.st_mtim.tv_sec = sx->stx_mtime.tv_sec;
    st.st_mtim.tv_nsec = sx->stx_mtime.tv_nsec;
    st.st_ctim.tv_sec = sx->stx_ctime.tv_sec;
    st.st_ctim.tv_nsec = sx->stx_ctime.tv_nsec;
    return session_qid(s, &st);
}

/* Owner, mode and device as the guest sees them. */
static void as_shown(const struct session *s, int fd, struct statx *sx)
{
    struct identity_attr a = {sx->stx_uid, sx->stx_gid, sx->stx_mode,
                              makedev(sx->stx_rdev_major, sx->stx_rdev_minor), sx->stx_size};

    identity_shown(s, fd, &a);
    sx->stx_uid = a.uid;
    sx->stx_gid = a.gid;
    sx->stx_mode = (uint16_t)a.mode;
    sx->stx_rdev_major = major(a.rdev);
    sx->stx_rdev_minor = minor(a.rdev);
}

/* Body of Rgetattr. gen and data_version are 0 and not valid. */
static void put_attr(struct request *r, const struct statx *sx, uint64_t valid)
{
    struct session *s = r->session;
    struct statx_timestamp none = {0};
    struct p9_qid qid = statx_qid(s, sx);
    struct builder *b = &r->out;

    builder_u64(b, valid);
    builder_qid(b, &qid);
    builder_u32(b, sx->stx_mode);
    builder_u32(b, sx->stx_uid);
    builder_u32(b, sx->stx_gid);
    builder_u64(b, sx->stx_nlink);
    builder_u64(b, encode_rdev(sx->stx_rdev_major, sx->stx_rdev_minor));
    builder_u64(b, sx->stx_size);
    builder_u64(b, best_block(sx->stx_blksize, atomic_load(&s->msize)));
    builder_u64(b, sx->stx_blocks);
    put_time(b, sx->stx_atime);
    put_time(b, sx->stx_mtime);
    put_time(b, sx->stx_ctime);
    put_time(b, (valid & P9_GETATTR_BTIME) != 0 ? sx->stx_btime : none);
    builder_u64(b, 0);
    builder_u64(b, 0);
}

/* Tgetattr fid[4] request_mask[8] -> Rgetattr. All basic fields whatever was asked for. */
int op_getattr(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint64_t mask = cursor_u64(&r->in);
    uint64_t valid = P9_GETATTR_BASIC;
    struct statx sx;
    struct fid *f;
    int err = 0;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    if (statx(f->path_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
        err = -errno;
    else
        as_shown(r->session, f->path_fd, &sx);
    fid_put(f);
    if (err != 0)
        return err;
    if ((mask & P9_GETATTR_BTIME) != 0 && (sx.stx_mask & STATX_BTIME) != 0)
        valid |= P9_GETATTR_BTIME;
    put_attr(r, &sx, valid);
    return 0;
}

/* ftruncate for a file that is open for writing, else through a descriptor of its own. */
static int set_size(struct session *s, struct fid *f, uint64_t size)
{
    int fd = atomic_load(&f->io_fd), own = -1, err;

    if (S_ISDIR(f->type))
        return -EISDIR;
    if (!S_ISREG(f->type) || size > INT64_MAX)
        return -EINVAL;
    if (fd < 0 || (f->open_flags & P9_L_ACCMODE) == P9_L_RDONLY) {
        own = fid_reopen(f, O_WRONLY);
        if (own < 0)
            return own;
        fd = own;
    }
    err = quota_truncate(s, f, fd, size);
    if (err == 0)
        identity_written(s, f);
    if (own >= 0)
        close(own);
    return err;
}

/* A symlink has no mode of its own. */
static int set_mode(const struct session *s, const struct fid *f, uint32_t mode)
{
    if (S_ISLNK(f->type))
        return -EOPNOTSUPP;
    return identity_chmod(s, f, mode);
}

static int one_time(uint32_t valid, uint32_t bit, uint32_t set_bit, uint64_t sec, uint64_t nsec,
                    struct timespec *out)
{
    out->tv_sec = 0;
    out->tv_nsec = UTIME_OMIT;
    if ((valid & bit) == 0)
        return 0;
    out->tv_nsec = UTIME_NOW;
    if ((valid & set_bit) == 0)
        return 0;
    if (nsec >= NSEC_PER_SEC) /* also keeps UTIME_NOW and UTIME_OMIT out */
        return -EINVAL;
    out->tv_sec = (time_t)sec;
    out->tv_nsec = (long)nsec;
    return 0;
}

static int set_times(const struct fid *f, const struct timespec ts[2])
{
    if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
        return 0;
    return utimensat(f->path_fd, "", ts, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

/*
 * Sets the atime to what it is, which moves the ctime: a worker has no chown, and of all that
 * could be set again this is what a race with another thread would harm least. Somebody else's
 * file, whose ctime is not ours to move, is no reason for an error.
 */
static int touch_ctime(const struct fid *f)
{
    struct timespec ts[2] = {{0, 0}, {0, UTIME_OMIT}};
    struct stat st;
    int err = path_stat(f->path_fd, &st);

    if (err != 0)
        return err;
    ts[0] = st.st_atim;
    err = set_times(f, ts);
    return err == -EPERM || err == -EACCES ? 0 : err;
}

/*
 * Owner, size, mode, times, in this order: a chown takes setuid away, and a truncate sets the mtime,
 * both of which the guest may be setting too. An owner that is accepted and not stored (identity
 * squash) moves the ctime like CTIME, unless one of the others has done so.
 */
static int apply(struct session *s, struct fid *f, const struct attr_change *a)
{
    const uint32_t stored = identity_keeps_owners(s) ? P9_SETATTR_UID | P9_SETATTR_GID : 0;
    const uint32_t moves_ctime =
        P9_SETATTR_SIZE | P9_SETATTR_MODE | P9_SETATTR_ATIME | P9_SETATTR_MTIME | stored;
    struct timespec ts[2];
    int err = one_time(a->valid, P9_SETATTR_ATIME, P9_SETATTR_ATIME_SET, a->atime_sec,
                       a->atime_nsec, &ts[0]);

    if (err == 0)
        err = one_time(a->valid, P9_SETATTR_MTIME, P9_SETATTR_MTIME_SET, a->mtime_sec,
                       a->mtime_nsec, &ts[1]);
    if (err == 0)
        err = identity_chown(s, f, a->valid, a->uid, a->gid);
    if (err == 0 && (a->valid & P9_SETATTR_SIZE) != 0)
        err = set_size(s, f, a->size);
    if (err == 0 && (a->valid & P9_SETATTR_MODE) != 0)
        err = set_mode(s, f, a->mode);
    if (err == 0)
        err = set_times(f, ts);
    if (err == 0 && a->valid != 0 && (a->valid & moves_ctime) == 0)
        err = touch_ctime(f);
    return err;
}

/*
 * The groups that a Tsetattr needs. A truncate moves the times to now, which comes with it: that
 * much is allowed to whoever may write.
 */
static uint32_t needed_by(const struct session *s, uint32_t valid)
{
    const uint32_t chosen = P9_SETATTR_MODE | P9_SETATTR_UID | P9_SETATTR_GID |
                            P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME_SET;
    uint32_t needed = 0;

    if ((valid & P9_SETATTR_SIZE) != 0)
        needed |= OPERATION_WRITE;
    if ((valid & chosen) != 0 || (needed == 0 && (s->operations & OPERATION_WRITE) == 0))
        needed |= OPERATION_SETATTR;
    return needed;
}

int attr_refuses(const struct session *s, uint32_t valid)
{
    return session_refuses(s, needed_by(s, valid));
}

int attr_change(struct request *r, struct fid *f, const struct attr_change *a)
{
    int err = attr_refuses(r->session, a->valid);

    return err != 0 ? err : apply(r->session, f, a);
}

/*
 * Tsetattr fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime sec[8] nsec[8] mtime sec[8] nsec[8]
 * -> Rsetattr.
 */
int op_setattr(struct request *r)
{
    const uint32_t known = P9_SETATTR_MODE | P9_SETATTR_UID | P9_SETATTR_GID | P9_SETATTR_SIZE |
                           P9_SETATTR_ATIME | P9_SETATTR_MTIME | P9_SETATTR_CTIME |
                           P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME_SET;
    uint32_t num = cursor_u32(&r->in);
    struct attr_change a;
    struct fid *f;
    int err;

    a.valid = cursor_u32(&r->in);
    a.mode = cursor_u32(&r->in);
    a.uid = cursor_u32(&r->in);
    a.gid = cursor_u32(&r->in);
    a.size = cursor_u64(&r->in);
    a.atime_sec = cursor_u64(&r->in);
    a.atime_nsec = cursor_u64(&r->in);
    a.mtime_sec = cursor_u64(&r->in);
    a.mtime_nsec = cursor_u64(&r->in);
    if (!cursor_done(&r->in) || (a.valid & ~known) != 0)
        return -EINVAL;
    err = attr_refuses(r->session, a.valid); /* before the fid is looked for */
    if (err != 0)
        return err;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = attr_change(r, f, &a);
    fid_put(f);
    return err;
}

/*
 * Tstatfs fid[4] -> Rstatfs type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8]
 * namelen[4]. The type is that of a 9P file system: what is below is not the guest's concern, and
 * programs that know the type of the host's would expect more of it than 9P can do.
 */
int op_statfs(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct builder *b = &r->out;
    struct statfs fs;
    struct fid *f;
    int err = 0;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    if (fstatfs(f->path_fd, &fs) != 0)
        err = -errno;
    else
        quota_statfs(r->session, &fs);
    fid_put(f);
    if (err != 0)
        return err;
    builder_u32(b, V9FS_MAGIC);
    builder_u32(b, (uint32_t)fs.f_bsize);
    builder_u64(b, fs.f_blocks);
    builder_u64(b, fs.f_bfree);
    builder_u64(b, fs.f_bavail);
    builder_u64(b, fs.f_files);
    builder_u64(b, fs.f_ffree);
    builder_u64(b, (uint32_t)fs.f_fsid.__val[0] | (uint64_t)(uint32_t)fs.f_fsid.__val[1] << 32);
    builder_u32(b, fs.f_namelen < P9_NAME_MAX ? (uint32_t)fs.f_namelen : P9_NAME_MAX);
    return 0;
}
