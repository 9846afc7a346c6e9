/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch_child.h - between launch.c and launch_child*.c: what runs in the forked child.
 *
 * Everything here is called after fork in a process whose parent, or the launcher's, has threads: raw system calls and
 * the child's own stack only, no allocation, no stdio, no locks.
 */
#ifndef XEN9P_LAUNCH_CHILD_H
#define XEN9P_LAUNCH_CHILD_H

#include <linux/sched.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/launch.h"

/* Becomes the worker; comes back never. `control` is the worker's end of the socket. */
_Noreturn void launch_child(const struct launch_spec *spec, int control);

/*
 * clone3 with fork's meaning: 0 in the child, its pid in the parent, or a negative errno. The child
 * begins in the cgroup of descriptor `cgroup`, unless that is 0.
 */
pid_t launch_clone(uint64_t flags, int *pidfd, int cgroup);

/*
 * Walks to `path` (absolute, without empty, "." or ".." components, not "/"), making missing
 * directories as Xen's daemon does. Returns an O_PATH descriptor of it or a negative errno: -EINVAL
 * for such a path, -ELOOP for a symbolic link on the way, -ENOTDIR for anything else.
 */
int launch_path(const char *path);

/* One line of a uid_map or gid_map. */
struct id_map {
    uint32_t inner, outer, count;
};

/*
 * Makes a user namespace that knows these users and groups of its parent, and nobody else. Returns
 * its descriptor or a negative errno.
 */
int launch_userns(struct id_map uids, struct id_map gids);

#endif
