/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_openfiles.c - the most files that a guest may have open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"

#define MOST 5u

static struct rig *with_open_limit(struct p9c *c)
{
    struct rig *g = rig_new(&(struct rig_config){.max_open_files = MOST});

    p9c_mount(c, g);
    return g;
}

/* Walks to "" as `fid` and creates `name` there. */
static int create(struct p9c *c, uint32_t fid, const char *name)
{
    CHECK_OK(p9c_walk(c, 0, fid, ""));
    return p9c_lcreate(c, fid, name, P9_L_RDWR | P9_L_CREAT, 0644);
}

static void open_files_exact(void)
{
    struct p9c c;
    struct rig *g = with_open_limit(&c);
    struct stat st;

    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDONLY | P9_L_DIRECTORY)); /* a directory counts */
    for (uint32_t fid = 3; fid <= MOST; fid++) {              /* so does the same file again */
        CHECK_OK(p9c_walk(&c, 0, fid, "f"));
        CHECK_OK(p9c_lopen(&c, fid, P9_L_RDONLY));
    }
    CHECK_OK(p9c_walk(&c, 0, 10, "f"));
    CHECK_ERR(p9c_lopen(&c, 10, P9_L_RDONLY), EMFILE);
    CHECK_ERR(create(&c, 11, "g"), EMFILE);
    CHECK(fstatat(g->root_fd, "g", &st, 0) != 0); /* refused before it was made */
    CHECK_OK(p9c_clunk(&c, 3));
    CHECK_OK(p9c_lopen(&c, 10, P9_L_RDONLY));
    CHECK_ERR(p9c_lcreate(&c, 11, "g", P9_L_RDWR | P9_L_CREAT, 0644), EMFILE);
    CHECK_OK(p9c_remove(&c, 10)); /* ends the fid: one more */
    CHECK_OK(p9c_lcreate(&c, 11, "g", P9_L_RDWR | P9_L_CREAT, 0644));
    rig_end(g);
}

/* What fails to open is not counted. */
static void open_files_failures(void)
{
    struct p9c c;
    struct rig *g = with_open_limit(&c);

    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    for (uint32_t i = 0; i < 3 * MOST; i++) {
        CHECK_OK(p9c_walk(&c, 0, 20, "d"));
        CHECK_ERR(p9c_lopen(&c, 20, P9_L_RDWR), EISDIR);
        CHECK_OK(p9c_clunk(&c, 20));
        CHECK_OK(p9c_walk(&c, 0, 20, ""));
        CHECK_ERR(p9c_lcreate(&c, 20, "f", P9_L_RDWR | P9_L_CREAT | P9_L_EXCL, 0644), EEXIST);
        CHECK_ERR(p9c_lcreate(&c, 20, "d", P9_L_RDWR | P9_L_CREAT, 0644), EISDIR);
        CHECK_ERR(p9c_lopen(&c, 1, P9_L_RDONLY), EINVAL); /* open already */
        CHECK_OK(p9c_clunk(&c, 20));
    }
    for (uint32_t fid = 2; fid <= MOST; fid++) {
        CHECK_OK(p9c_walk(&c, 0, fid, "f"));
        CHECK_OK(p9c_lopen(&c, fid, P9_L_RDONLY));
    }
    CHECK_ERR(create(&c, 30, "g"), EMFILE);
    rig_end(g);
}

static void open_files_version(void)
{
    struct p9c c;
    struct rig *g = with_open_limit(&c);

    for (int round = 0; round < 3; round++) {
        char name[16];

        for (uint32_t fid = 1; fid <= MOST; fid++) {
            snprintf(name, sizeof(name), "f%u", fid);
            CHECK_OK(create(&c, fid, name));
        }
        CHECK_ERR(create(&c, 100, "more"), EMFILE);
        p9c_mount(&c, g); /* Tversion gives all back */
    }
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"exact", open_files_exact, 0, 0},
    {"failures", open_files_failures, 0, 0},
    {"version", open_files_version, 0, 0},
};
TAP_SUITE(openfiles, cases);
