/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.h - visits everything in an export, for quota_scan.c and quota_delete.c.
 *
 * The tree is a guest's and changes under us: no link is followed, no name is used twice without a look
 * at what it is, and however deep or wide it is, descriptors and memory stay bounded.
 */
#ifndef XEN9P_TREE_H
#define XEN9P_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Descriptors that one walk holds at a time, at most. */
#define TREE_FDS 26u
/* Deeper than this is not visited (-ELOOP). */
#define TREE_MAX_DEPTH 16384u

struct tree;

/*
 * An entry: `name` in the directory `dir` (open for reading). Nonzero ends the walk with that
 * result. A directory is visited before what is in it; of it only st_mode is filled in.
 */
typedef int (*tree_visit)(void *arg, struct tree *t, int dir, const char *name,
                          const struct stat *st);

/*
 * Visits what is below `root` (an O_PATH descriptor). 0 at the end, what `visit` returned, or a
 * negative errno: -ESTALE when the tree was moved about so that the walk lost its way, -EINTR when
 * `stop` became true.
 */
int tree_walk(int root, const atomic_bool *stop, tree_visit visit, void *arg);

/* Path, from the root, of the directory being visited, "" for the root. False: it does not fit. */
bool tree_path(const struct tree *t, char *out, size_t cap);

/* O_PATH descriptor of the directory at such a path, step by step, or a negative errno. */
int tree_open(int root, const char *path);

#endif
