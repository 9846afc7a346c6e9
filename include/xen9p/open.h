/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open.h - opening and creating, as all dialects need it. Flags are P9_L_* throughout.
 */
#ifndef XEN9P_OPEN_H
#define XEN9P_OPEN_H

#include "xen9p/fid.h"
#include "xen9p/request.h"

/*
 * Opens the file of `f`. -EROFS on a read-only export, -EINVAL when it is open already, -EISDIR, -ELOOP, -ENXIO,
 * -EACCES for what is never opened (so), or the kernel's errno.
 */
int open_fid(struct request *r, struct fid *f, uint32_t p9);

/*
 * Creates `name` (checked) in the directory of `dir`; the number of `dir` becomes the open file. Writes the reply's
 * body. Without P9_L_EXCL a file that is there is opened.
 */
int open_create(struct request *r, struct fid *dir, const char *name, uint32_t p9, uint32_t mode);

/* Body of Ropen, Rlopen, Rcreate, Rlcreate: qid[13] iounit[4]; iounit 0 leaves it to the client. */
int open_reply(struct request *r, int fd);

#endif
