/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_deep.c - files whose path is longer than PATH_MAX, by fid: "..", Tremove, Trename, Twstat;
 * also while the host moves the directories above them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"

#define LEVELS 24u /* of 201 bytes each */

/* Descriptor of the directory `LEVELS` below `top`, all of which it makes. */
static int dig(int top, char name[201])
{
    int fd = dup(top);

    MUST(fd);
    memset(name, 'd', 200);
    name[200] = '\0';
    for (uint32_t i = 0; i < LEVELS; i++) {
        int next;

        MUST(mkdirat(fd, name, 0755));
        next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        MUST(next);
        close(fd);
        fd = next;
    }
    return fd;
}

static void touch(int dir, const char *name)
{
    int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    close(fd);
}

static bool has(int dir, const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Fid 10 is the deepest directory below fid 0. */
static void descend(struct p9c *c, const char *name)
{
    CHECK_OK(p9c_walk(c, 0, 10, ""));
    for (uint32_t i = 0; i < LEVELS; i++)
        CHECK_OK(p9c_walk(c, 10, 10, name));
}

static void by_fid(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_attr up, dir;
    char name[201];
    struct p9c c;
    int deep;

    CHECK(LEVELS * 201 > PATH_MAX);
    deep = dig(g->root_fd, name);
    touch(deep, "removed");
    touch(deep, "moved");
    MUST(mkdirat(deep, "sub", 0755));
    p9c_mount(&c, g);
    descend(&c, name);
    CHECK_OK(p9c_walk(&c, 10, 11, "removed"));
    CHECK_OK(p9c_remove(&c, 11));
    CHECK(!has(deep, "removed"));
    CHECK_OK(p9c_walk(&c, 10, 11, "moved"));
    CHECK_OK(p9c_rename(&c, 11, 0, "up"));
    CHECK(has(g->root_fd, "up") && !has(deep, "moved"));
    CHECK_OK(p9c_rename(&c, 11, 10, "down"));
    CHECK(!has(g->root_fd, "up") && has(deep, "down"));
    CHECK_OK(p9c_walk(&c, 10, 12, ""));
    CHECK_OK(p9c_lcreate(&c, 12, "created", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_remove(&c, 12));
    CHECK(!has(deep, "created"));
    CHECK_OK(p9c_walk(&c, 10, 13, "sub"));
    CHECK_OK(p9c_walk(&c, 13, 14, ".."));
    CHECK_OK(p9c_getattr(&c, 14, P9_GETATTR_BASIC, &up));
    CHECK_OK(p9c_getattr(&c, 10, P9_GETATTR_BASIC, &dir));
    CHECK_EQ(up.qid.path, dir.qid.path);
    CHECK_OK(p9c_walk(&c, 14, 15, "down"));
    close(deep);
    rig_end(g);
}

/* A file that was walked to where paths are short, and then moved to where they are not. */
static void moved_down_by_its_fid(void)
{
    struct rig *g = rig_new(NULL);
    char name[201];
    struct p9c c;
    int deep = dig(g->root_fd, name);

    touch(g->root_fd, "f");
    MUST(mkdirat(g->root_fd, "dir", 0755));
    p9c_mount(&c, g);
    descend(&c, name);
    CHECK_OK(p9c_walk(&c, 0, 11, "f"));
    CHECK_OK(p9c_walk(&c, 0, 12, "dir"));
    CHECK_OK(p9c_rename(&c, 11, 10, "down"));
    CHECK_OK(p9c_rename(&c, 12, 10, "down.d"));
    CHECK(has(deep, "down") && has(deep, "down.d"));
    CHECK_OK(p9c_walk(&c, 12, 13, ".."));
    CHECK_OK(p9c_walk(&c, 13, 14, "down"));
    CHECK_OK(p9c_rename(&c, 11, 10, "again"));
    CHECK(has(deep, "again") && !has(deep, "down"));
    CHECK_OK(p9c_rename(&c, 11, 0, "up"));
    CHECK(has(g->root_fd, "up"));
    CHECK_OK(p9c_rename(&c, 11, 12, "again"));
    CHECK_OK(p9c_remove(&c, 11));
    CHECK(!has(deep, "down.d/again"));
    CHECK_OK(p9c_remove(&c, 12));
    CHECK(!has(deep, "down.d"));
    close(deep);
    rig_end(g);
}

static void by_wstat(void)
{
    struct rig *g = rig_new(NULL);
    struct u9_stat s = u9_blank;
    char name[201];
    struct u9 u;
    int deep = dig(g->root_fd, name);

    touch(deep, "old");
    u9_mount(&u, g, P9_DIALECT_U);
    u9_walk(&u, 0, 10, "");
    for (uint32_t i = 0; i < LEVELS; i++)
        u9_walk(&u, 10, 10, name);
    u9_walk(&u, 10, 11, "old");
    s.name = "new";
    u9_want(&u, u9_ask_wstat(&u, 11, &s), P9_TWSTAT, "");
    CHECK(has(deep, "new") && !has(deep, "old"));
    u9_want(&u, u9_ask(&u, P9_TREMOVE, "d", 11), P9_TREMOVE, "");
    CHECK(!has(deep, "new"));
    close(deep);
    rig_end(g);
}

/* More deep fids than are remembered: they serve, but for what needs the name. */
static void more_than_are_remembered(void)
{
    struct rig *g = rig_new(&(struct rig_config){.max_fids = 400});
    char name[201];
    struct p9_attr a;
    struct p9c c;
    int deep = dig(g->root_fd, name);

    touch(deep, "f");
    p9c_mount(&c, g);
    descend(&c, name);
    for (uint32_t i = 0; i < 200; i++)
        CHECK_OK(p9c_walk(&c, 10, 100 + i, "f"));
    CHECK_OK(p9c_rename(&c, 198, 10, "f")); /* a quarter of them are remembered, 10 among them */
    CHECK_OK(p9c_getattr(&c, 299, P9_GETATTR_BASIC, &a));
    CHECK_ERR(p9c_rename(&c, 299, 0, "x"), ENAMETOOLONG);
    CHECK_OK(p9c_clunk(&c, 100)); /* makes room for one more */
    CHECK_OK(p9c_walk(&c, 10, 100, "f"));
    CHECK_OK(p9c_rename(&c, 100, 10, "g"));
    CHECK(has(deep, "g"));
    close(deep);
    rig_end(g);
}

/* A parent that the host has moved within the export is found; not where another file has the name. */
static void moved_by_the_host(void)
{
    struct rig *g = rig_new(NULL);
    char name[201];
    struct p9c c;
    int deep = dig(g->root_fd, name);

    touch(deep, "f");
    touch(deep, "g");
    p9c_mount(&c, g);
    descend(&c, name);
    CHECK_OK(p9c_walk(&c, 10, 11, "f"));
    CHECK_OK(p9c_walk(&c, 10, 12, "g"));
    MUST(renameat(g->root_fd, name, g->root_fd, "elsewhere"));
    CHECK_OK(p9c_remove(&c, 11));
    CHECK(!has(deep, "f"));
    MUST(renameat(deep, "g", deep, "g2"));
    touch(deep, "g"); /* another file */
    CHECK(p9c_remove(&c, 12) != 0);
    CHECK(has(deep, "g") && has(deep, "g2"));
    close(deep);
    rig_end(g);
}

/* Taken out of the export, as deep as before: nothing there is removed, moved or reached by "..". */
static void moved_out_by_the_host(void)
{
    struct rig *g = rig_new(NULL);
    char name[201], path[160];
    struct p9c c;
    int deep = dig(g->root_fd, name);

    touch(deep, "f");
    touch(deep, "g");
    MUST(mkdirat(deep, "sub", 0755));
    p9c_mount(&c, g);
    descend(&c, name);
    CHECK_OK(p9c_walk(&c, 10, 11, "f"));
    CHECK_OK(p9c_walk(&c, 10, 12, "g"));
    CHECK_OK(p9c_walk(&c, 10, 13, "sub"));
    snprintf(path, sizeof(path), "%s/out", g->outside);
    MUST(renameat(g->root_fd, name, AT_FDCWD, path));
    CHECK(p9c_remove(&c, 11) != 0);
    CHECK(p9c_rename(&c, 12, 0, "stolen") != 0);
    CHECK(!has(g->root_fd, "stolen"));
    CHECK(has(deep, "f") && has(deep, "g"));
    if (p9c_walk(&c, 13, 14, "..") == 0) { /* no further than where the guest has been */
        CHECK(p9c_walk(&c, 14, 15, "..") != 0);
        CHECK(p9c_mkdir(&c, 14, "made", 0755) != 0);
        CHECK(p9c_unlinkat(&c, 14, "g", 0) != 0);
    }
    CHECK(has(deep, "g") && !has(deep, "made"));
    close(deep);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"by_fid", by_fid, 0, 0},
    {"moved_down_by_its_fid", moved_down_by_its_fid, 0, 0},
    {"by_wstat", by_wstat, 0, 0},
    {"more_than_are_remembered", more_than_are_remembered, 0, 0},
    {"moved_by_the_host", moved_by_the_host, 0, 0},
    {"moved_out_by_the_host", moved_out_by_the_host, TAP_JAILED, 0},
};
TAP_SUITE(deep, cases);
