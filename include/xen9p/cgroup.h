/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - a cgroup (version 2) for each worker, below the one that the service manager has
 * delegated to xen9pd: memory, processor and disk as its policy says.
 *
 * Everything here is a write to the kernel's own file system and waits for nobody: limits of
 * memory are set while a cgroup is empty, because the kernel reclaims at once when they are lowered.
 */
#ifndef XEN9P_CGROUP_H
#define XEN9P_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_NAME_MAX 48

struct cgroups;

struct cgroup_limits {
    uint64_t memory_max; /* bytes; 0: none */
    uint32_t cpu_weight; /* 1..10000, 100 is everybody's */
    uint32_t io_weight;  /* the same */
};

/*
 * Path of the cgroup in which this process is, from the texts of /proc/self/cgroup and
 * /proc/self/mountinfo. False when version 2 is not mounted or we are in the root, with the reason
 * in `why`.
 */
bool cgroup_path(const char *cgroup, const char *mountinfo, char *out, size_t cap,
                 const char **why);

/*
 * Takes over `path`: moves this process into a cgroup of its own below it, hands the controllers
 * down, removes what an earlier xen9pd has left. `marked`: must carry the service manager's mark of
 * delegation (or this process must be alone in it, where there is no systemd). NULL with the reason
 * in `why` when it is not ours to take.
 */
struct cgroups *cgroups_open(const char *path, bool marked, const char **why);

/* Both of the above for this process. */
struct cgroups *cgroups_open_own(const char **why);

/* Leaves the cgroups where they are. NULL is allowed. */
void cgroups_close(struct cgroups *cs);

/*
 * Makes an empty cgroup `name`. Returns its descriptor (close-on-exec, for clone3), or a negative errno
 * with what failed in `what`; nothing is left then. A limit that differs from the default but whose
 * controller is not there is -ENOTSUP.
 */
int cgroup_make(struct cgroups *cs, const char *name, const struct cgroup_limits *limits,
                const char **what);

/* The weights of a cgroup in use. 0 or a negative errno. */
int cgroup_reweigh(struct cgroups *cs, const char *name, const struct cgroup_limits *limits,
                   const char **what);

/* True when the kernel has killed in it because memory_max was reached. */
bool cgroup_was_full(const struct cgroups *cs, const char *name);

/* When its processes have ended; one that is still busy goes when another one is made. */
void cgroup_remove(struct cgroups *cs, const char *name);

#endif
