/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_steps.c - what the suites of quotas share.
 */
#include "quota_steps.h"

/* Walks to "" as `fid` and creates `name` there. */
int limits_create(struct p9c *c, uint32_t fid, const char *name)
{
    CHECK_OK(p9c_walk(c, 0, fid, ""));
    return p9c_lcreate(c, fid, name, P9_L_RDWR | P9_L_CREAT, 0644);
}

struct rig *limits_rig(struct p9c *c, uint64_t space, uint64_t files)
{
    struct rig *g =
        rig_new(&(struct rig_config){.policy.limits = {.max_space = space, .max_files = files}});

    p9c_mount(c, g);
    return g;
}

void limits_is(struct rig *g, uint64_t space, uint64_t files)
{
    CHECK_EQ(atomic_load(&g->quota->used[QUOTA_SPACE]), space);
    CHECK_EQ(atomic_load(&g->quota->used[QUOTA_FILES]), files);
}

/* The same, soon: after a scan. */
void limits_becomes(struct rig *g, uint64_t space, uint64_t files)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    while (tap_now() < deadline && (atomic_load(&g->quota->used[QUOTA_SPACE]) != space ||
                                    atomic_load(&g->quota->used[QUOTA_FILES]) != files))
        tap_sleep(10);
    limits_is(g, space, files);
}

void limits_scanned(struct rig *g, uint32_t number)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    while (tap_now() < deadline && atomic_load(&g->quota->scans) < number)
        tap_sleep(5);
    CHECK(atomic_load(&g->quota->scans) >= number);
}

char limits_data[MIB];

/* In pieces, up to the first that is not written whole. */
int limits_write(struct p9c *c, uint32_t fid, uint64_t offset, uint32_t count, uint32_t *n)
{
    uint32_t piece, got;

    for (*n = 0; *n < count; *n += got) {
        piece = count - *n < 28 * KIB ? count - *n : 28 * KIB;
        int err = p9c_write(c, fid, offset + *n, limits_data, piece, &got);

        if (err != 0)
            return *n > 0 ? 0 : err;
        if (got < piece) {
            *n += got;
            break;
        }
    }
    return 0;
}

int limits_size(struct p9c *c, uint32_t fid, uint64_t size)
{
    return p9c_setattr(c, fid, P9_SETATTR_SIZE, &(struct p9_attr){.size = size});
}
