/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtfs.c - owners and modes in extended attributes.
 *
 * What is read was written by the guest, by QEMU, or by whoever had the tree before: any number may
 * be there. Files are named by descriptor number relative to the working directory (WFD_PROC), as
 * in xattr.c.
 */
#include "xen9p/virtfs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/fid.h"

#define MODES 07777u

static bool read_u32(const char *path, const char *name, uint32_t *out)
{
    uint32_t v;

    if (getxattr(path, name, &v, sizeof(v)) != (ssize_t)sizeof(v))
        return false;
    *out = le32toh(v);
    return true;
}

/* Whether a file that is `disk` can stand for one that is `seen`. */
static bool can_be(mode_t disk, mode_t seen)
{
    switch (seen & S_IFMT) {
    case S_IFREG:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return S_ISREG(disk);
    case S_IFDIR:
        return S_ISDIR(disk);
    default:
        return false;
    }
}

static mode_t believed(mode_t disk, uint32_t seen)
{
    if ((seen & ~(S_IFMT | MODES)) != 0)
        return disk;
    if (can_be(disk, seen))
        return seen;
    return (disk & S_IFMT) | (seen & MODES); /* a mode without a type, or with a wrong one */
}

mode_t virtfs_mode(int fd, mode_t on_disk)
{
    uint32_t mode;

    if (!S_ISREG(on_disk) && !S_ISDIR(on_disk)) /* only they can have attributes of users */
        return on_disk;
    return read_u32(fd_name(fd).s, "user.virtfs.mode", &mode) ? believed(on_disk, mode) : on_disk;
}

uint64_t virtfs_rdev(int fd)
{
    uint64_t rdev;

    if (getxattr(fd_name(fd).s, "user.virtfs.rdev", &rdev, sizeof(rdev)) != (ssize_t)sizeof(rdev))
        return 0;
    return le64toh(rdev);
}

void virtfs_read(int fd, struct virtfs *v)
{
    const struct fd_name path = fd_name(fd);

    if (!S_ISREG(v->mode) && !S_ISDIR(v->mode))
        return;
    (void)read_u32(path.s, "user.virtfs.uid", &v->uid);
    (void)read_u32(path.s, "user.virtfs.gid", &v->gid);
    v->mode = virtfs_mode(fd, v->mode);
    if (S_ISCHR(v->mode) || S_ISBLK(v->mode))
        v->rdev = virtfs_rdev(fd);
}

static int write_u32(const char *path, const char *name, uint32_t value)
{
    uint32_t v = htole32(value);

    return setxattr(path, name, &v, sizeof(v), 0) == 0 ? 0 : -errno;
}

int virtfs_write(int fd, const struct virtfs *v, unsigned int what)
{
    const struct fd_name path = fd_name(fd);
    uint64_t rdev = htole64(v->rdev);
    int err = 0;

    if ((what & VIRTFS_UID) != 0)
        err = write_u32(path.s, "user.virtfs.uid", v->uid);
    if (err == 0 && (what & VIRTFS_GID) != 0)
        err = write_u32(path.s, "user.virtfs.gid", v->gid);
    if (err == 0 && (what & VIRTFS_MODE) != 0)
        err = write_u32(path.s, "user.virtfs.mode", v->mode);
    if (err == 0 && (what & VIRTFS_RDEV) != 0 &&
        setxattr(path.s, "user.virtfs.rdev", &rdev, sizeof(rdev), 0) != 0)
        err = -errno;
    return err;
}

int virtfs_symlink(int dir, const char *name, const char *target)
{
    struct iovec text = {(void *)(uintptr_t)target, strlen(target)};
    int fd =
        openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, VIRTFS_FILE_MODE);
    int err = 0;

    if (fd < 0)
        return -errno;
    if (pwritev2(fd, &text, 1, 0, 0) != (ssize_t)text.iov_len)
        err = errno != 0 ? -errno : -ENOSPC;
    close(fd);
    return err;
}

ssize_t virtfs_readlink(int fd, char *out, size_t cap)
{
    int file = openat(WFD_PROC, fd_name(fd).s, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t n;

    if (file < 0)
        return -errno;
    n = pread(file, out, cap, 0);
    if (n < 0)
        n = -errno;
    else if ((size_t)n == cap)
        n = -ENAMETOOLONG;
    close(file);
    return n;
}

int virtfs_supported(int fd)
{
    char byte;

    if (fchdir(WFD_PROC) != 0) /* the lockdown goes there at its end */
        return -errno;
    if (getxattr(fd_name(fd).s, "user.virtfs.mode", &byte, 0) >= 0 || errno == ENODATA)
        return 0;
    return -errno;
}
