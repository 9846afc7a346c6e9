/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xattr.h - extended attributes as 9P2000.L has them: a fid over a value.
 *
 * Txattrwalk makes a fid that reads a snapshot of a value, or of the list of names; Txattrcreate turns a
 * fid into one that collects a value, which Tclunk stores. Such a fid has `xattr` set; it can be
 * read or written, clunked, and nothing else. What all of them hold together is bounded by
 * LIMIT_XATTR_HELD, one value by the policy's max-xattr.
 *
 * Names: user.* is the guest's, but for user.virtfs.*, in which QEMU keeps owners and modes: it is never
 * shown and cannot be changed. ACLs (system.posix_acl_*) name users: they exist where the guest's
 * ids do (identities mapped and host) and no mode bits are taken away, which an ACL could give
 * back; elsewhere there are none (EOPNOTSUPP). trusted.* is as for a local user without
 * privileges: no value (ENODATA), not to be set (EPERM). security.* and all others do not exist (EOPNOTSUPP).
 */
#ifndef XEN9P_XATTR_H
#define XEN9P_XATTR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "xen9p/cursor.h"

struct session;
struct fid;
struct xattr;

#define XATTR_MAX_NAME 255u

/* Flags of Txattrcreate: those of setxattr(2). */
#define P9_XATTR_CREATE 1u
#define P9_XATTR_REPLACE 2u

/*
 * Copies the wire string to `out` as a name for the kernel, and judges it for reading or writing. 0, -ERANGE
 * (empty, too long), -EINVAL (NUL), or the refusal of its namespace.
 */
int xattr_name(const struct session *s, struct wire_str name, bool write,
               char out[XATTR_MAX_NAME + 1]);

/*
 * Value of `name` of the file of `f`, or for NULL the names that the guest may see, each with a NUL.
 * -ENODATA: not there. -E2BIG: larger than allowed. -ENOMEM, or the kernel's errno.
 */
int xattr_snapshot(struct session *s, const struct fid *f, const char *name, struct xattr **out);

/* Collector for `size` bytes of `name`. -E2BIG, -EINVAL (flags), -ENOMEM. */
int xattr_collect(struct session *s, const char *name, uint64_t size, uint32_t flags,
                  struct xattr **out);

uint32_t xattr_size(const struct xattr *x);
bool xattr_is_collector(const struct xattr *x);

/*
 * Up to `count` bytes at `offset` of a snapshot; *n says how many (0 behind the end). Valid as long
 * as `x`.
 */
const void *xattr_at(const struct xattr *x, uint64_t offset, uint32_t count, uint32_t *n);

/*
 * Collects `len` bytes for `offset`: at most up to the announced size, and without holes (-EINVAL). One caller at a time.
 */
int xattr_write(struct xattr *x, uint64_t offset, const struct iovec *data, int segs, uint32_t len);

/*
 * Stores what was collected in the file of `f`: -EINVAL when it is less than was announced. Nothing
 * announced and REPLACE: removes the attribute. 0 for a snapshot.
 */
int xattr_commit(const struct xattr *x, const struct fid *f);

void xattr_free(struct xattr *x); /* NULL is fine */

#endif
