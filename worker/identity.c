/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - what a guest's users, owners and modes come to on disk.
 *
 * Trusts the policy's numbers. With one owner (squash) all files are the export's owner's: a new
 * owner has no place to be kept. With many (mapped, host) ids are kept as they are; for mapped the
 * user namespace makes them the domain's own on the host, and knows no others. Identity xattr has one
 * owner on disk and notes everything down in attributes (virtfs.h); who may do what to whose file is
 * for the guest's kernel to judge then.
 *
 * Which groups a user is in is known to the guest's kernel alone, which has asked its own before it
 * sends a message. So a thread is in all of them (the lockdown saw to that), and where a group may do less
 * than others, who is not in it is let in by identity_as_other().
 */
#include "xen9p/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/fid.h"
#include "xen9p/operations.h"
#include "xen9p/path.h"
#include "xen9p/session.h"
#include "xen9p/virtfs.h"
#include "xen9p/worker.h"

/* setuid and setgid would be those of the export's owner on the host; the filter has none either. */
#define SQUASHED_MODE 01777u
#define STORED_MODE 07777u

#define NO_ID UINT32_MAX

bool identity_keeps_owners(const struct session *s)
{
    return s->identity == CTL_IDENTITY_MAPPED || s->identity == CTL_IDENTITY_HOST;
}

/* Whether the worker's user namespace knows it. */
static bool is_known(const struct session *s, uint32_t id)
{
    return s->identity == CTL_IDENTITY_MAPPED ? id < s->worker->config.id_count : id != NO_ID;
}

/* Messages for which no permission is judged once the file is open, or was walked to. */
static bool acts_as_anybody(uint8_t type)
{
    static const uint8_t types[] = {P9_TVERSION,  P9_TAUTH,    P9_TATTACH, P9_TFLUSH, P9_TREAD,
                                    P9_TREADLINK, P9_TGETATTR, P9_TSTATFS, P9_TFSYNC};

    for (size_t i = 0; i < sizeof(types); i++)
        if (types[i] == type)
            return true;
    return false;
}

#define AS_USER 1u
#define AS_GROUP 2u

/* Messages whose handlers call identity_group(). */
static bool names_group(uint8_t type)
{
    return type == P9_TLCREATE || type == P9_TMKDIR || type == P9_TMKNOD || type == P9_TSYMLINK;
}

/*
 * Root's own requests are not touched. setfsuid() to another user takes CAP_CHOWN, DAC_OVERRIDE,
 * FOWNER and FSETID away from this thread, and back to 0 gives them back: capabilities(7).
 */
unsigned int identity_enter(struct request *r)
{
    struct session *s = r->session;
    struct cursor in = r->in;
    unsigned int entered;
    struct fid *f;
    uint32_t num;

    r->gid = 0;
    r->rdev = 0;
    if (!identity_keeps_owners(s) || acts_as_anybody(r->type))
        return 0;
    num = cursor_u32(&in);
    f = fid_get(s->fids, num, r->generation);
    if (f == NULL) /* Tclunk stores an attribute */
        f = fid_get_xattr(s->fids, num, r->generation);
    entered = f != NULL ? identity_enter_as(s, f->uid) : 0;
    fid_put(f);
    return names_group(r->type) ? entered | AS_GROUP : entered;
}

unsigned int identity_enter_as(const struct session *s, uint32_t uid)
{
    if (!identity_keeps_owners(s) || uid == 0)
        return 0;
    (void)setfsuid(uid);
    return AS_USER;
}

void identity_leave(unsigned int entered)
{
    if ((entered & AS_USER) != 0)
        (void)setfsuid(0);
    if ((entered & AS_GROUP) != 0)
        (void)setfsgid(0);
}

/* Attributes cannot be asked for where the policy has none: then there may be a list. */
static bool has_access_list(const struct session *s, int fd)
{
    return (s->operations & OPERATION_XATTR) == 0 ||
           getxattr(fd_name(fd).s, "system.posix_acl_access", NULL, 0) >= 0 ||
           (errno != ENODATA && errno != EOPNOTSUPP);
}

bool identity_as_other(const struct session *s, const struct fid *f, int fd, mode_t want)
{
    struct stat st;

    if (!identity_keeps_owners(s) || f->uid == 0 || path_stat(fd, &st) != 0 ||
        st.st_uid == f->uid || (st.st_mode & want) != want || has_access_list(s, fd))
        return false;
    (void)setfsuid(0);
    return true;
}

void identity_as_user(const struct fid *f)
{
    (void)setfsuid(f->uid);
}

int identity_group(struct request *r, uint32_t gid)
{
    r->gid = gid;
    if (!identity_keeps_owners(r->session) || gid == 0)
        return 0;
    if (!is_known(r->session, gid))
        return -EINVAL;
    (void)setfsgid(gid);
    return 0;
}

int identity_user(const struct session *s, uint32_t n_uname, uint32_t *uid)
{
    *uid = n_uname;
    if (!identity_keeps_owners(s) && s->identity != CTL_IDENTITY_XATTR)
        return 0;
    if (n_uname == NO_ID) /* the mount itself, or a client that makes no difference */
        *uid = 0;
    return is_known(s, *uid) ? 0 : -EACCES;
}

bool identity_notes_type(const struct session *s, mode_t type)
{
    if (S_ISCHR(type) || S_ISBLK(type))
        return s->notes_devices || s->identity == CTL_IDENTITY_XATTR;
    return s->identity == CTL_IDENTITY_XATTR && !S_ISREG(type) && !S_ISDIR(type);
}

bool identity_files_may_stand_for_others(const struct session *s)
{
    return s->notes_devices || s->identity == CTL_IDENTITY_XATTR;
}

/*
 * What an empty file stands for where only device nodes are noted down: owner, permissions and times
 * are its own. Others are never asked for the attribute, which is what it would cost each file.
 */
static mode_t noted_device(const struct session *s, int fd, mode_t on_disk, uint64_t size)
{
    mode_t noted;

    if (!s->notes_devices || !S_ISREG(on_disk) || size != 0)
        return on_disk;
    noted = virtfs_mode(fd, on_disk);
    return S_ISCHR(noted) || S_ISBLK(noted) ? (noted & S_IFMT) | (on_disk & STORED_MODE) : on_disk;
}

/* What the policy leaves of a mode. */
static mode_t masked(const struct session *s, mode_t type, uint32_t mode)
{
    return mode & STORED_MODE & ~(S_ISDIR(type) ? s->directory_mode_drop : s->file_mode_drop);
}

mode_t identity_mode(const struct session *s, mode_t type, uint32_t mode)
{
    if (s->identity == CTL_IDENTITY_XATTR)
        return S_ISDIR(type) ? VIRTFS_DIRECTORY_MODE : VIRTFS_FILE_MODE;
    mode = masked(s, type, mode);
    return identity_keeps_owners(s) ? mode : mode & SQUASHED_MODE;
}

mode_t identity_type(const struct session *s, int fd, const struct stat *st)
{
    return s->identity == CTL_IDENTITY_XATTR
               ? virtfs_mode(fd, st->st_mode)
               : noted_device(s, fd, st->st_mode, (uint64_t)st->st_size);
}

void identity_shown(const struct session *s, int fd, struct identity_attr *a)
{
    struct virtfs v = {session_shown_uid(s, a->uid), session_shown_gid(s, a->gid), a->mode,
                       a->rdev};

    if (s->identity == CTL_IDENTITY_XATTR) {
        virtfs_read(fd, &v);
    } else {
        v.mode = noted_device(s, fd, a->mode, a->size);
        if (v.mode != a->mode)
            v.rdev = virtfs_rdev(fd);
    }
    *a = (struct identity_attr){v.uid, v.gid, v.mode, v.rdev, a->size};
}

void identity_stat(const struct session *s, int fd, struct stat *st)
{
    struct identity_attr a = {st->st_uid, st->st_gid, st->st_mode, st->st_rdev,
                              (uint64_t)st->st_size};

    identity_shown(s, fd, &a);
    st->st_uid = a.uid;
    st->st_gid = a.gid;
    st->st_mode = a.mode;
    st->st_rdev = a.rdev;
}

ssize_t identity_readlink(const struct session *s, int fd, char *out, size_t cap)
{
    ssize_t n = readlinkat(fd, "", out, cap);

    if (n < 0)
        n = s->identity == CTL_IDENTITY_XATTR ? virtfs_readlink(fd, out, cap) : -errno;
    return n;
}

int identity_made(const struct request *r, const struct fid *dir, int fd, mode_t type,
                  uint32_t mode)
{
    const struct session *s = r->session;
    const struct virtfs v = {dir->uid, r->gid, type | masked(s, type, mode), r->rdev};
    unsigned int what = S_ISCHR(type) || S_ISBLK(type) ? VIRTFS_MODE | VIRTFS_RDEV : VIRTFS_MODE;

    if (s->identity == CTL_IDENTITY_XATTR)
        return virtfs_write(fd, &v, what | VIRTFS_UID | VIRTFS_GID);
    return identity_notes_type(s, type) ? virtfs_write(fd, &v, what) : 0;
}

int identity_made_at(const struct request *r, const struct fid *dir, const char *name, mode_t type,
                     uint32_t mode)
{
    struct stat st;
    int fd, err;

    if (r->session->identity != CTL_IDENTITY_XATTR)
        return 0;
    fd = path_step(dir->path_fd, name, &st);
    if (fd < 0)
        return fd;
    err = identity_made(r, dir, fd, type, mode);
    close(fd);
    return err;
}

/*
 * Linux takes setuid and setgid away itself before somebody but the owner writes, and does so in the writer's name.
 * Whoever may write may have that, as the kernel would do the same on the write; nothing else of a mode.
 */
static int drop_set_id(const struct fid *f, mode_t mode)
{
    struct stat st;
    mode_t changed;
    int fd, err = path_stat(f->path_fd, &st);

    if (err != 0)
        return err;
    changed = (st.st_mode & STORED_MODE) ^ mode;
    if (!S_ISREG(st.st_mode) || changed == 0 || (changed & ~(mode_t)(S_ISUID | S_ISGID)) != 0 ||
        (mode & changed) != 0)
        return -EPERM;
    fd = fid_reopen(f, O_WRONLY);
    if (fd < 0)
        return -EPERM;
    (void)setfsuid(0);
    err = fchmodat(WFD_PROC, fd_name(f->path_fd).s, mode, 0) == 0 ? 0 : -errno;
    (void)setfsuid(f->uid);
    close(fd);
    return err;
}

int identity_chmod(const struct session *s, const struct fid *f, uint32_t mode)
{
    const struct virtfs v = {.mode = (f->type & S_IFMT) | masked(s, f->type, mode)};

    if (s->identity == CTL_IDENTITY_XATTR)
        return virtfs_write(f->path_fd, &v, VIRTFS_MODE);
    mode = identity_mode(s, f->type, mode);
    if (fchmodat(WFD_PROC, fd_name(f->path_fd).s, mode, 0) == 0)
        return 0;
    if (errno == EPERM && identity_keeps_owners(s) && f->uid != 0)
        return drop_set_id(f, mode);
    return -errno;
}

/* What the kernel does to the bits on disk: setgid is one of a program only where the group may run it. */
static void drop_noted_set_id(const struct fid *f)
{
    struct virtfs v = {.mode = S_IFREG};
    mode_t mode = virtfs_mode(f->path_fd, S_IFREG);

    v.mode = mode & ~(mode_t)S_ISUID;
    if ((mode & S_IXGRP) != 0)
        v.mode &= ~(mode_t)S_ISGID;
    if (v.mode != mode)
        (void)virtfs_write(f->path_fd, &v, VIRTFS_MODE);
}

/* With the other identities it is the kernel's to do. Root keeps them, as on a disk of its own. */
void identity_written(const struct session *s, const struct fid *f)
{
    if (s->identity == CTL_IDENTITY_XATTR && f->uid != 0)
        drop_noted_set_id(f);
}

int identity_supported(const struct session *s)
{
    return identity_files_may_stand_for_others(s) ? virtfs_supported(WFD_ROOT) : 0;
}

/* The owner that a file has is not a new one. */
static int refuse_chown(const struct session *s, const struct fid *f, uint32_t valid, uint32_t uid,
                        uint32_t gid)
{
    struct stat st;
    int err = path_stat(f->path_fd, &st);

    if (err != 0)
        return err;
    if (((valid & P9_SETATTR_UID) != 0 && uid != session_shown_uid(s, st.st_uid)) ||
        ((valid & P9_SETATTR_GID) != 0 && gid != session_shown_gid(s, st.st_gid)))
        return -EPERM;
    return 0;
}

static int note_owner(const struct fid *f, uint32_t valid, uint32_t uid, uint32_t gid)
{
    const struct virtfs v = {.uid = uid, .gid = gid};
    int err;

    if (((valid & P9_SETATTR_UID) != 0 && uid == NO_ID) ||
        ((valid & P9_SETATTR_GID) != 0 && gid == NO_ID))
        return -EINVAL;
    err = virtfs_write(f->path_fd, &v,
                       ((valid & P9_SETATTR_UID) != 0 ? VIRTFS_UID : 0) |
                           ((valid & P9_SETATTR_GID) != 0 ? VIRTFS_GID : 0));
    if (err == 0 && !S_ISDIR(f->type)) /* root's chown, too: chown(2) */
        drop_noted_set_id(f);
    return err;
}

int identity_chown(const struct session *s, const struct fid *f, uint32_t valid, uint32_t uid,
                   uint32_t gid)
{
    if ((valid & (P9_SETATTR_UID | P9_SETATTR_GID)) == 0)
        return 0;
    if (s->identity == CTL_IDENTITY_XATTR)
        return note_owner(f, valid, uid, gid);
    if (!identity_keeps_owners(s))
        return s->refuse_chown ? refuse_chown(s, f, valid, uid, gid) : 0;
    if ((valid & P9_SETATTR_UID) == 0)
        uid = NO_ID;
    else if (!is_known(s, uid))
        return -EINVAL;
    if ((valid & P9_SETATTR_GID) == 0)
        gid = NO_ID;
    else if (!is_known(s, gid))
        return -EINVAL;
    return fchownat(f->path_fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 ? 0
                                                                                        : -errno;
}
