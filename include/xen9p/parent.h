/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parent.h - where the file of a fid is, also when that is too deep for the kernel to tell.
 *
 * path_locate() needs the path, which the kernel tells up to PATH_MAX only. So a fid that was walked to
 * somewhere deep remembers the directory and the name by which it was found, at the price of one more
 * descriptor; others do not, and no more than parent_most(). What is remembered is a hint: it is
 * compared with the file before it is used. A file that has got deep because a directory above it was
 * moved, and was walked to before that, is not found: -ENAMETOOLONG.
 */
#ifndef XEN9P_PARENT_H
#define XEN9P_PARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "xen9p/p9.h"

struct fid;
struct parent;
struct session;

/* Bytes of names from the root on, as far as a fid knows, from which on it remembers. */
#define PARENT_DEEP 3072u

/* How many fids of `fids` may remember: a quarter, and LIMIT_DEEP_FIDS. */
uint32_t parent_most(uint32_t fids);

/* True when a fid that is `more` bytes of names below `from` has to remember. */
bool parent_is_deep(const struct fid *from, uint32_t more);

/*
 * `f`, which nobody else knows yet, was found as `name` in the directory `dir`, `more` bytes of names
 * below `from`. `dir` stays the caller's. Without a descriptor or memory nothing is remembered.
 */
void parent_found(struct session *s, struct fid *f, const struct fid *from, uint32_t more, int dir,
                  const char *name);
/* `f`, which nobody else knows yet, is another fid for the file of `from`. */
void parent_same(struct fid *f, struct fid *from);
/* `f` has got another name in its directory, `dir`. */
void parent_renamed(struct session *s, struct fid *f, int dir, const char *name);
/*
 * `f` has been moved to `name` in the directory of `to`. What is moved without its fid, or with a directory above it, to
 * where paths are too long is not noticed.
 */
void parent_moved(struct session *s, struct fid *f, const struct fid *to, const char *name);
/* The end of `f`. */
void parent_drop(struct fid *f);

/* As path_locate(): an O_PATH descriptor of the directory, owned by the caller, and the name there. */
int parent_locate(const struct session *s, struct fid *f, char name[P9_NAME_MAX + 1]);

#endif
