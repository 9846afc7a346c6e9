/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owners.h - who owns what, in a guest and on the host's disk: what the suites about identities share.
 *
 * Calls of a guest return what those of p9c.h do, and leave none of their fids (90 to 96) behind.
 */
#ifndef XEN9P_TESTS_OWNERS_H
#define XEN9P_TESTS_OWNERS_H

#include "harness.h"
#include "p9c.h"

/* Attached fids of the guest's root and of two users. */
#define ROOT 0u
#define ALICE 10u
#define BOB 11u

/* The range of a domain whose identity is mapped. */
#define FIRST 300000u
#define COUNT 65536u

/* The path of a file of the export, until the next call. */
char *on_host(const struct rig *g, const char *name);
/* Owner, group and mode: as the host's disk has them, and as the guest is told. */
void check_disk(struct rig *g, const char *name, uid_t uid, gid_t gid, mode_t mode);
void check_shown(struct p9c *c, const char *name, uint32_t uid, uint32_t gid, uint32_t mode);

/* Creating messages below directory `dir` (a fid), with a gid. A node is 1:3. */
int make_file(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid);
int make_dir(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid);
int make_node(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid);
/* A file below directory `dir` (a path), made by who has attached as `who`. */
int make_in(struct p9c *c, uint32_t who, const char *dir, const char *name, uint32_t mode,
            uint32_t gid);

/* Tsetattr and Tlopen of a path, by who has attached as `from`. */
int set_mode(struct p9c *c, uint32_t from, const char *name, uint32_t mode);
#define BOTH (P9_SETATTR_UID | P9_SETATTR_GID)
int set_owner(struct p9c *c, uint32_t from, const char *name, uint32_t valid, uint32_t uid,
              uint32_t gid);
int open_as(struct p9c *c, uint32_t who, const char *name, uint32_t flags);

#endif
