/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attr.h - changing the attributes of a file, as all dialects need it.
 */
#ifndef XEN9P_ATTR_H
#define XEN9P_ATTR_H

#include <stdint.h>

#include "xen9p/fid.h"
#include "xen9p/request.h"

/* What a Tsetattr says, or a Twstat: the fields whose P9_SETATTR_* bit is in `valid` count. */
struct attr_change {
    uint32_t valid, mode, uid, gid; /* mode: permission bits, and S_ISUID, S_ISGID, S_ISVTX */
    uint64_t size;
    uint64_t atime_sec, atime_nsec, mtime_sec, mtime_nsec;
};

/* What the policy has against a change of these: 0, -EROFS, or the errno of a group. */
int attr_refuses(const struct session *s, uint32_t valid);

/*
 * Changes the file of `f`, if the policy allows it. 0 or a negative errno: what could be refused beforehand has
 * changed nothing; what the kernel refuses half-way leaves what came before it.
 */
int attr_change(struct request *r, struct fid *f, const struct attr_change *a);

#endif
