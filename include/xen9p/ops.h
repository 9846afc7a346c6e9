/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops.h - handlers of the 9P messages, one ops_*.c per family.
 */
#ifndef XEN9P_OPS_H
#define XEN9P_OPS_H

#include "xen9p/fid.h"
#include "xen9p/request.h"

/* ops_session.c */
int op_version(struct request *r);
int op_auth(struct request *r);
int op_attach(struct request *r);
int op_flush(struct request *r);

/* ops_walk.c */
int op_walk(struct request *r);
int op_clunk(struct request *r);

/* ops_open.c */
int op_lopen(struct request *r);
int op_lcreate(struct request *r);

/* ops_io.c */
int op_read(struct request *r);
int op_write(struct request *r);
int op_fsync(struct request *r);

/* ops_attr.c */
int op_getattr(struct request *r);
int op_setattr(struct request *r);
int op_statfs(struct request *r);

/* ops_dir.c */
int op_readdir(struct request *r);
/* Tread of an open directory: stats, 9P2000 and 9P2000.u. */
int dir_read(struct request *r, struct fid *f, uint64_t offset, uint32_t count);

/* ops_name.c */
int op_mkdir(struct request *r);
int op_mknod(struct request *r);
int op_symlink(struct request *r);
int op_readlink(struct request *r);
int op_link(struct request *r);
int op_rename(struct request *r);
int op_renameat(struct request *r);
int op_unlinkat(struct request *r);
int op_remove(struct request *r);

/* ops_u_open.c, ops_u_stat.c: 9P2000 and 9P2000.u */
int op_open(struct request *r);
int op_create(struct request *r);
int op_stat(struct request *r);
int op_wstat(struct request *r);

/* ops_xattr.c */
int op_xattrwalk(struct request *r);
int op_xattrcreate(struct request *r);
/* Tread, Twrite and Tclunk on a fid that stands for an attribute; -EBADF when `num` is none. */
int xattr_op_read(struct request *r, uint32_t num, uint64_t offset, uint32_t count);
int xattr_op_write(struct request *r, uint32_t num, uint64_t offset);
int xattr_op_clunk(struct request *r, struct fid *f);

/* ops_lock.c */
int op_lock(struct request *r);
int op_getlock(struct request *r);

#endif
