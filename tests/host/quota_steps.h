/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_steps.h - what the suites of quotas share.
 */
#ifndef XEN9P_TESTS_QUOTA_STEPS_H
#define XEN9P_TESTS_QUOTA_STEPS_H

#include <stdint.h>

#include "harness.h"
#include "p9c.h"

#define KIB 1024u
#define MIB (1024u * KIB)

extern char limits_data[MIB];

/* Mounted, with these limits. */
struct rig *limits_rig(struct p9c *c, uint64_t space, uint64_t files);
/* Walks to "" as `fid` and creates `name` there. */
int limits_create(struct p9c *c, uint32_t fid, const char *name);
/* In pieces, up to the first that is not written whole. */
int limits_write(struct p9c *c, uint32_t fid, uint64_t offset, uint32_t count, uint32_t *n);
int limits_size(struct p9c *c, uint32_t fid, uint64_t size);
/* What is counted, now; or soon, after a scan. */
void limits_is(struct rig *g, uint64_t space, uint64_t files);
void limits_becomes(struct rig *g, uint64_t space, uint64_t files);
/* There were so many scans. */
void limits_scanned(struct rig *g, uint32_t number);

#endif
