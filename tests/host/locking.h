/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * locking.h - a guest and a process of the host that lock the same files.
 */
#ifndef XEN9P_TESTS_LOCKING_H
#define XEN9P_TESTS_LOCKING_H

#include "harness.h"
#include "p9c.h"
#include "xen9p/lock.h"

#define RD P9_LOCK_RDLCK
#define WR P9_LOCK_WRLCK
#define UN P9_LOCK_UNLCK
#define GRANTED P9_LOCK_SUCCESS
#define BLOCKED P9_LOCK_BLOCKED

/* A mounted rig; file "f" is open as fids 1 and 2 (and 3, of a directory "d"). */
struct rig *lock_rig(struct p9c *c, struct rig_config cfg);
/* Tlock by process `pid` of the client "guest", without BLOCK; its status. */
int lock(struct p9c *c, uint32_t fid, uint8_t type, uint64_t start, uint64_t len, uint32_t pid);

int host_open(const struct rig *g, const char *name, int flags);
/* What fcntl(2) of another open file says: 0 or the errno. */
int host_lock(int fd, short type, off_t start, off_t len);

#endif
