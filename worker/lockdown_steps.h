/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_steps.h - the steps of the lockdown, between lockdown.c and lockdown_*.c.
 *
 * A step returns 0 or a negative errno, and may leave a number for the log in `value`.
 */
#ifndef XEN9P_LOCKDOWN_STEPS_H
#define XEN9P_LOCKDOWN_STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/limits.h"
#include "xen9p/lockdown.h"

/* Supplementary groups of a worker that acts as the guest's users: every id that a guest has. */
#define LOCKDOWN_GROUPS LIMIT_IDS

struct lockdown {
    struct worker *w;
    int (*threads)(struct worker *w);
    void *intf[CTL_MAX_RINGS], *data[CTL_MAX_RINGS];
    uid_t uid; /* owner of the export, as seen inside the user namespace */
    gid_t gid;
    bool landlock;  /* the kernel has it and it is in force */
    uint32_t value; /* for CTL_FAILED */
};

/* Those of the pump, the main thread, and that of the quota's scan. */
static inline uint32_t lockdown_threads(const struct lockdown *l)
{
    return l->w->config.threads + 2;
}

/* lockdown_fds.c */
int lockdown_check_fds(struct lockdown *l);
/*
 * Lists the open descriptors through `dir` (/proc/self/fd, opened for reading; itself open and
 * expected): each must be below 64 and in the set `expected`. -EBADF and *other otherwise.
 */
int lockdown_only_open(int dir, uint64_t expected, uint32_t *other);
/* Makes a fixed number refer to /dev/null. */
int lockdown_plug(int number);
/* Moves `fd` to a fixed number. Passes a negative `fd` on as -errno. */
int lockdown_place(int fd, int number);

/* lockdown_map.c */
int lockdown_map_rings(struct lockdown *l);
int lockdown_map_journal(struct lockdown *l);
int lockdown_map_quota(struct lockdown *l);

/* lockdown_root.c */
int lockdown_pivot_root(struct lockdown *l);

/* lockdown_ids.c */
int lockdown_limits(struct lockdown *l);
int lockdown_join_userns(struct lockdown *l);
int lockdown_ids_and_caps(struct lockdown *l);
/* Capabilities that this worker keeps (1 << CAP_*), and how many groups: 0, 1, ... of them. */
uint64_t lockdown_caps(const struct ctl_config *c);
uint32_t lockdown_groups(const struct ctl_config *c);
int lockdown_no_new_privs(struct lockdown *l);

/* lockdown_landlock.c */
int lockdown_landlock(struct lockdown *l);

/* lockdown_prove.c */
int lockdown_prove(struct lockdown *l);

#endif
