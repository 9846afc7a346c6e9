/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.h - steps through the export. All of them work on O_PATH descriptors, take one name at a
 * time, never follow a symlink and never hand a guest's ".." to the kernel.
 */
#ifndef XEN9P_PATH_H
#define XEN9P_PATH_H

#include <sys/stat.h>

#include "xen9p/fid.h"
#include "xen9p/p9.h"

struct session;

/* stat of the file that `fd` (O_PATH or open) refers to. 0 or a negative errno. */
int path_stat(int fd, struct stat *st);

/*
 * O_PATH descriptor of `name` (as made by p9_name()) in the directory `dirfd`, and its stat.
 * Returns the descriptor, owned by the caller, or a negative errno.
 */
int path_step(int dirfd, const char *name, struct stat *st);

/* Another O_PATH descriptor of the file of `fd`, unlinked or not, or a negative errno. */
int path_again(int fd);

/*
 * 0 when the directory `fd` is below the root, however deep (LIMIT_DEEP_STEPS). -ENOENT or another
 * errno when not: the kernel refuses ".." out of a mount's root, and so out of what was moved away.
 */
int path_is_inside(const struct session *s, int fd);

/* 0 when `name` in the directory `dir` is the file of `fd`; -ENOENT or another errno when not. */
int path_is_entry(int fd, int dir, const char *name);

/*
 * Where a file is now: an O_PATH descriptor of its parent directory, owned by the caller, and its
 * name there. The kernel knows the name under which `fd` was reached, through all renames; it is
 * walked from the root, and what stands at its end compared with `fd`.
 * -EBUSY: the root, which has no parent. -ENOENT: unlinked, or moved out of the export.
 * -ENAMETOOLONG: deeper than a path can say (4096 bytes); parent.h knows more.
 */
int path_locate(const struct session *s, int fd, char name[P9_NAME_MAX + 1]);

/*
 * The name under which the file of `fd` is known now, for a stat: "/" for the root; the last one it had when it was
 * removed; "" when it lies too deep for the kernel to say.
 */
void path_name(const struct session *s, int fd, const struct stat *st, char name[P9_NAME_MAX + 1]);

#endif
