/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claim.h - being the one daemon for backend kind xen_9pfs in this domain.
 *
 * libxl starts a daemon unless `libxl/xen-9pfs/state` exists, and waits for "running" in it.
 * Beside that node we keep `pid` (libxl writes it too when it has started us) and `owner`, our
 * pid and start time, by which a successor tells a live daemon from a value that a crash left.
 */
#ifndef XEN9P_CLAIM_H
#define XEN9P_CLAIM_H

#include <stdbool.h>
#include <sys/types.h>

struct xs_handle;

/*
 * 0: ours now. -EEXIST: a live daemon serves (its pid in *other, 0 when unknown). -EACCES: this domain may not write
 * there, which is normal in a driver domain, where libxl starts nothing. Another negative errno
 * on failure.
 */
int claim_take(struct xs_handle *xs, pid_t *other);

/* Removes the claim when it is still ours. */
void claim_release(struct xs_handle *xs);

/*
 * True while workers of a supervisor that is gone still run: they drain by themselves, and nobody
 * else may serve their rings before they have ended. With `end`, they are killed.
 */
bool claim_orphans_run(bool end);

#endif
