/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name.h - giving, moving and taking away names, as all dialects need it. `name` has passed p9_name(), `dir` is a
 * fid of a directory. The policy's groups were asked for by the caller. 0 or a negative errno.
 */
#ifndef XEN9P_NAME_H
#define XEN9P_NAME_H

#include "xen9p/fid.h"
#include "xen9p/request.h"

/* `mode`: permission bits, and S_ISUID, S_ISGID, S_ISVTX as far as the policy gives them. */
int name_mkdir(struct request *r, const struct fid *dir, const char *name, uint32_t mode);
/* A regular file, FIFO or socket (S_IFMT bits in `type`). */
int name_node(struct request *r, const struct fid *dir, const char *name, mode_t type,
              uint32_t mode);
/* A symlink to `target`: any bytes but NUL, shorter than PATH_MAX. */
int name_symlink(struct request *r, const struct fid *dir, const char *name,
                 struct wire_str target);
/* Another name for the file of `f`. */
int name_link(struct request *r, const struct fid *dir, const char *name, const struct fid *f);

/*
 * Moves `name` in the directory `from` to `newname` in `to` (O_PATH descriptors). Replaces what is there, unless
 * `exclusive` or a policy without delete: -EEXIST.
 */
int name_rename(struct request *r, int from, const char *name, int to, const char *newname,
                bool exclusive);
/* Moves `f` to `name` in the directory of `to`, and replaces in the same way. */
int name_move(struct request *r, struct fid *f, const struct fid *to, const char *name);
/* Removes the name of `f`: a file, or an empty directory. */
int name_remove(struct request *r, struct fid *f);

#endif
