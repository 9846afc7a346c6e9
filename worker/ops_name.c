/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_name.c - messages that give a name to something new: Tmkdir, Tmknod, Tsymlink, Tlink; and
 * Treadlink.
 *
 * Names pass p9_name(), so that each is one entry of the directory that a fid stands for.
 * What the gid of a message comes to: identity.h.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/identity.h"
#include "xen9p/name.h"
#include "xen9p/session.h"
#include "xen9p/virtfs.h"

/* Fid `num` as a directory that `name` (checked and copied to `out`) is an entry of. */
static int get_dir(struct request *r, uint32_t num, struct wire_str name, char out[P9_NAME_MAX + 1],
                   struct fid **dir)
{
    int err = p9_name(name, out);

    if (err != 0)
        return err;
    *dir = request_fid(r, num);
    if (*dir == NULL)
        return -EBADF;
    if (S_ISDIR((*dir)->type))
        return 0;
    fid_put(*dir);
    return -ENOTDIR;
}

/* qid of what was just made. Somebody may have renamed it already: then the answer is ENOENT. */
static int put_qid_of(struct request *r, const struct fid *dir, const char *name, mode_t type)
{
    struct p9_qid qid;
    struct stat st;

    if (fstatat(dir->path_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    if (identity_notes_type(r->session, type))
        st.st_mode = type;
    qid = session_qid(r->session, &st);
    builder_qid(&r->out, &qid);
    return 0;
}

static int make_directory(const struct request *r, const struct fid *dir, const char *name,
                          uint32_t mode)
{
    if (mkdirat(dir->path_fd, name, identity_mode(r->session, S_IFDIR, mode)) != 0)
        return -errno;
    return identity_made_at(r, dir, name, S_IFDIR, mode);
}

int name_mkdir(struct request *r, const struct fid *dir, const char *name, uint32_t mode)
{
    bool counted;
    int err = quota_making(r->session, dir->path_fd, name, &counted);

    if (err != 0)
        return err;
    err = make_directory(r, dir, name, mode);
    quota_made(r->session, counted, err == 0);
    return err;
}

/* Tmkdir dfid[4] name[s] mode[4] gid[4] -> Rmkdir qid[13]. */
int op_mkdir(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    uint32_t mode = cursor_u32(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *dir;
    uint32_t gid;
    int err;

    gid = cursor_u32(&r->in);
    if (!cursor_done(&r->in))
        return -EINVAL;
    err = identity_group(r, gid);
    if (err == 0)
        err = get_dir(r, num, wire, name, &dir);
    if (err != 0)
        return err;
    err = name_mkdir(r, dir, name, mode);
    if (err == 0)
        err = put_qid_of(r, dir, name, S_IFDIR);
    fid_put(dir);
    return err;
}

/*
 * A file without a type is a regular one, mknod(2). Devices are never made; where the policy has it
 * so, a file stands for one.
 */
static int node_type(const struct session *s, uint32_t mode, mode_t *type)
{
    *type = mode & S_IFMT;
    switch (*type) {
    case 0:
        *type = S_IFREG;
        return 0;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFCHR:
    case S_IFBLK:
        return identity_notes_type(s, *type) ? 0 : -EPERM;
    case S_IFDIR: /* as mknod(2) */
        return -EPERM;
    default:
        return -EINVAL;
    }
}

/* A regular file is made by open(2): mknod is left for FIFOs and sockets. */
static int make_node(const struct request *r, const struct fid *dir, const char *name, mode_t type,
                     uint32_t mode)
{
    mode_t on_disk = identity_mode(r->session, type, mode);
    int fd, err;

    if (type != S_IFREG && !identity_notes_type(r->session, type))
        return mknodat(dir->path_fd, name, type | on_disk, 0) == 0 ? 0 : -errno;
    fd = openat(dir->path_fd, name,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                on_disk);
    if (fd < 0)
        return -errno;
    err = identity_made(r, dir, fd, type, mode);
    close(fd);
    return err;
}

int name_node(struct request *r, const struct fid *dir, const char *name, mode_t type,
              uint32_t mode)
{
    bool counted;
    int err = quota_making(r->session, dir->path_fd, name, &counted);

    if (err != 0)
        return err;
    err = make_node(r, dir, name, type, mode);
    quota_made(r->session, counted, err == 0);
    return err;
}

/* Tmknod dfid[4] name[s] mode[4] major[4] minor[4] gid[4] -> Rmknod qid[13]. */
int op_mknod(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    uint32_t mode = cursor_u32(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *dir;
    uint32_t maj, min, gid;
    mode_t type;
    int err;

    maj = cursor_u32(&r->in);
    min = cursor_u32(&r->in);
    gid = cursor_u32(&r->in);
    if (!cursor_done(&r->in))
        return -EINVAL;
    err = node_type(r->session, mode, &type);
    if (err == 0)
        err = identity_group(r, gid);
    if (err == 0)
        err = get_dir(r, num, wire, name, &dir);
    if (err != 0)
        return err;
    r->rdev = makedev(maj, min);
    err = name_node(r, dir, name, type, mode);
    if (err == 0)
        err = put_qid_of(r, dir, name, type);
    fid_put(dir);
    return err;
}

/* Text of a symlink: any bytes but NUL, as long as a path may be. The kernel refuses none. */
static int link_text(struct wire_str s, char out[PATH_MAX])
{
    if (s.len >= PATH_MAX)
        return -ENAMETOOLONG;
    if (memchr(s.s, '\0', s.len) != NULL)
        return -EINVAL;
    memcpy(out, s.s, s.len);
    out[s.len] = '\0';
    return 0;
}

static int make_symlink(const struct request *r, const struct fid *dir, const char *name,
                        const char *text)
{
    int err;

    if (!identity_notes_type(r->session, S_IFLNK))
        return symlinkat(text, dir->path_fd, name) == 0 ? 0 : -errno;
    err = virtfs_symlink(dir->path_fd, name, text);
    return err != 0 ? err : identity_made_at(r, dir, name, S_IFLNK, 0777);
}

int name_symlink(struct request *r, const struct fid *dir, const char *name, struct wire_str target)
{
    char text[PATH_MAX];
    bool counted;
    int err = link_text(target, text);

    if (err == 0)
        err = quota_making(r->session, dir->path_fd, name, &counted);
    if (err != 0)
        return err;
    err = make_symlink(r, dir, name, text);
    quota_made(r->session, counted, err == 0);
    return err;
}

/*
 * Tsymlink dfid[4] name[s] target[s] gid[4] -> Rsymlink qid[13]. The target is the guest's to
 * interpret: nothing here ever follows it.
 */
int op_symlink(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    struct wire_str target = cursor_str(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *dir;
    uint32_t gid;
    int err;

    gid = cursor_u32(&r->in);
    if (!cursor_done(&r->in))
        return -EINVAL;
    err = identity_group(r, gid);
    if (err == 0)
        err = get_dir(r, num, wire, name, &dir);
    if (err != 0)
        return err;
    err = name_symlink(r, dir, name, target);
    if (err == 0)
        err = put_qid_of(r, dir, name, S_IFLNK);
    fid_put(dir);
    return err;
}

/* Treadlink fid[4] -> Rreadlink target[s]. */
int op_readlink(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    char text[PATH_MAX];
    struct fid *f;
    ssize_t n = -EINVAL;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    if (S_ISLNK(f->type))
        n = identity_readlink(r->session, f->path_fd, text, sizeof(text));
    fid_put(f);
    if (n < 0)
        return (int)n;
    builder_str(&r->out, text, (size_t)n);
    return 0;
}

int name_link(struct request *r, const struct fid *dir, const char *name, const struct fid *f)
{
    struct fd_name at = fd_name(f->path_fd);

    quota_linking(r->session, f->path_fd);
    return linkat(WFD_PROC, at.s, dir->path_fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
}

/*
 * Tlink dfid[4] fid[4] name[s] -> Rlink. A new name for the file of the fid itself, wherever it is
 * now; a symlink gets one too. ENOENT when it has none left, EPERM for a directory (kernel).
 */
int op_link(struct request *r)
{
    uint32_t dnum = cursor_u32(&r->in);
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *dir, *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    err = get_dir(r, dnum, wire, name, &dir);
    if (err != 0)
        return err;
    f = request_fid(r, num);
    if (f == NULL)
        err = -EBADF;
    else
        err = name_link(r, dir, name, f);
    fid_put(f);
    fid_put(dir);
    return err;
}
