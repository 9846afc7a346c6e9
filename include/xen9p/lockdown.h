/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown.h - how a worker gives up everything it does not need, as one list of named steps.
 *
 * Order: check fds, map rings and journal, close the mapped-grant fd, enter the root (pivot_root
 * onto WFD_TREE, private /proc/self/fd), limits, join the user namespace, ids, groups and
 * capabilities, no_new_privs, Landlock, threads, seccomp with TSYNC, proof for every thread.
 * A failed step is fatal and names itself (CTL_FAILED). No ring byte is read before the end.
 */
#ifndef XEN9P_LOCKDOWN_H
#define XEN9P_LOCKDOWN_H

#include "xen9p/control.h"
#include "xen9p/worker.h"

/*
 * Receives and checks CTL_CONFIG into w->config and moves its descriptors to their fixed places.
 * On failure sends CTL_FAILED and returns a negative errno.
 */
int lockdown_configure(struct worker *w);

/*
 * Runs all steps. `threads` is called as the step CTL_STEP_THREADS, when everything but the filter is in force; it returns 0
 * or a negative errno. `ready` is filled for CTL_READY, which the caller sends. On failure sends CTL_FAILED and
 * returns a negative errno: the caller exits.
 */
int lockdown_run(struct worker *w, int (*threads)(struct worker *w), struct ctl_ready *ready);

#endif
