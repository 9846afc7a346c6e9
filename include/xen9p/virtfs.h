/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtfs.h - identity xattr: owner, mode and device number of a file in extended attributes, as
 * QEMU's security model "mapped-xattr" keeps them, so that one's trees are the other's.
 *
 * On disk there are regular files of mode 0600 and directories of mode 0700, all of one owner. The
 * attributes, little-endian: user.virtfs.uid, .gid, .mode (with the type) of 32 bits, .rdev of 64.
 * A symlink is a file with its target as content; FIFOs, sockets and devices are empty files. What
 * has no attribute is as it is on disk.
 */
#ifndef XEN9P_VIRTFS_H
#define XEN9P_VIRTFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct virtfs {
    uint32_t uid, gid;
    mode_t mode; /* with the type */
    uint64_t rdev;
};

#define VIRTFS_UID 1u
#define VIRTFS_GID 2u
#define VIRTFS_MODE 4u
#define VIRTFS_RDEV 8u

#define VIRTFS_FILE_MODE 0600
#define VIRTFS_DIRECTORY_MODE 0700

/*
 * Replaces what attributes of the file `fd` (an O_PATH descriptor will do) say otherwise. `v->mode`
 * is the mode on disk: a type that cannot be is not believed.
 */
void virtfs_read(int fd, struct virtfs *v);
/* The number of a device alone, 0 without one. */
uint64_t virtfs_rdev(int fd);
/* The mode alone. */
mode_t virtfs_mode(int fd, mode_t on_disk);
/* Stores the fields in `what` (VIRTFS_*). 0 or a negative errno; what comes first stays. */
int virtfs_write(int fd, const struct virtfs *v, unsigned int what);

/* Makes the file of a symlink. 0 or a negative errno. */
int virtfs_symlink(int dir, const char *name, const char *target);
/* Reads the target; its length, or a negative errno: -ENAMETOOLONG from `cap` bytes on. */
ssize_t virtfs_readlink(int fd, char *out, size_t cap);

/* Whether this file system keeps such attributes: 0, or a negative errno. */
int virtfs_supported(int fd);

#endif
