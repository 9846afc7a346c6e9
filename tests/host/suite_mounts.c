/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_mounts.c - file systems that are mounted below the export: hidden, or part of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"

static void make(const struct rig *g, const char *name, const char *text)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void mount_at(const struct rig *g, const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", g->root, name);
    MUST(mount("none", path, "tmpfs", 0, "size=1M,mode=0755"));
}

/* "sub" and "sub/sub", each a file system of its own with a file "f"; the mounts are this case's alone. */
static struct rig *mounted_rig(struct p9c *c, uint32_t flags)
{
    struct rig *g = rig_prepare(&(struct rig_config){.flags = flags});

    MUST(unshare(CLONE_NEWNS));
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    close(g->root_fd); /* of the namespace that was */
    g->root_fd = open(g->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    MUST(g->root_fd);
    make(g, "f", "top");
    MUST(mkdirat(g->root_fd, "sub", 0755));
    MUST(mkdirat(g->root_fd, "later", 0755));
    mount_at(g, "sub");
    MUST(mkdirat(g->root_fd, "sub/sub", 0755));
    make(g, "sub/f", "middle");
    mount_at(g, "sub/sub");
    make(g, "sub/sub/f", "bottom");
    rig_start(g, 0);
    p9c_mount(c, g);
    return g;
}

static void hidden(void)
{
    struct p9c c;
    struct rig *g = mounted_rig(&c, 0);

    CHECK_OK(p9c_walk(&c, 0, 1, "sub"));
    CHECK_ERR(p9c_walk(&c, 1, 2, "f"), ENOENT);
    CHECK_OK(p9c_mkdir(&c, 1, "below", 0755)); /* in the directory under the mount */
    CHECK(faccessat(g->root_fd, "sub/below", F_OK, 0) != 0);
    rig_end(g);
}

static void expect_text(struct p9c *c, const char *path, uint32_t fid, const char *text)
{
    char buf[64];
    uint32_t n;

    CHECK_OK(p9c_walk(c, 0, fid, path));
    CHECK_OK(p9c_lopen(c, fid, P9_L_RDONLY));
    CHECK_OK(p9c_read(c, fid, 0, buf, sizeof(buf), &n));
    CHECK_EQ(n, strlen(text));
    CHECK(memcmp(buf, text, n) == 0);
}

static void shown(void)
{
    struct p9c c;
    struct rig *g = mounted_rig(&c, CTL_FLAG_SUBMOUNTS);
    struct p9_statfs top, sub;
    struct p9_attr a[3];
    uint32_t n;

    expect_text(&c, "f", 1, "top");
    expect_text(&c, "sub/f", 2, "middle");
    expect_text(&c, "sub/sub/f", 3, "bottom");
    for (uint32_t i = 0; i < 3; i++)
        CHECK_OK(p9c_getattr(&c, 1 + i, P9_GETATTR_BASIC, &a[i]));
    /* Two fresh tmpfs give out the same inode numbers. */
    CHECK(a[0].qid.path != a[1].qid.path && a[1].qid.path != a[2].qid.path &&
          a[0].qid.path != a[2].qid.path);
    CHECK_OK(p9c_walk(&c, 0, 10, "sub"));
    CHECK_OK(p9c_walk(&c, 0, 11, "sub/sub"));
    CHECK_OK(p9c_walk(&c, 11, 12, ".."));
    CHECK_OK(p9c_walk(&c, 11, 13, "../.."));
    CHECK_OK(p9c_statfs(&c, 0, &top));
    CHECK_OK(p9c_statfs(&c, 11, &sub));
    CHECK_EQ(sub.blocks * sub.bsize, 1 << 20);
    CHECK(top.fsid != sub.fsid || top.blocks != sub.blocks);
    CHECK_ERR(p9c_renameat(&c, 0, "f", 10, "g"), EXDEV);
    CHECK_ERR(p9c_link(&c, 10, 1, "g"), EXDEV);
    CHECK_ERR(p9c_unlinkat(&c, 0, "sub", P9_AT_REMOVEDIR), EBUSY);
    CHECK_OK(p9c_walk(&c, 10, 14, ""));
    CHECK_OK(p9c_lcreate(&c, 14, "new", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_write(&c, 14, 0, "x", 1, &n));
    rig_end(g);
}

/* What a directory says of an entry that something is mounted on is what getattr says. */
static void entries_are_what_is_mounted(void)
{
    struct p9c c;
    struct rig *g = mounted_rig(&c, CTL_FLAG_SUBMOUNTS);
    struct p9_dirent d;
    struct p9_attr a;
    int seen = 0;

    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_walk(&c, 0, 2, "sub"));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(&c, 1, 0, 8000));
    while (p9c_dirent(&c, &d)) {
        if (strcmp(d.name, "sub") != 0)
            continue;
        CHECK_EQ(d.qid.path, a.qid.path);
        seen++;
    }
    CHECK_EQ(seen, 1);
    CHECK_OK(p9c_walk(&c, 0, 3, "sub/sub")); /* ".." of what is mounted is where it is mounted */
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(&c, 3, 0, 8000));
    for (seen = 0; p9c_dirent(&c, &d);) {
        if (strcmp(d.name, "..") != 0)
            continue;
        CHECK_EQ(d.qid.path, a.qid.path);
        seen++;
    }
    CHECK_EQ(seen, 1);
    rig_end(g);
}

/* The same in the older dialects: files of the same number in three file systems, told apart by stat and by directory. */
static void shown_in_u(void)
{
    struct p9c c;
    struct rig *g = mounted_rig(&c, CTL_FLAG_SUBMOUNTS);

    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        static const char *const paths[] = {"", "sub", "sub/sub"};
        uint64_t seen[3];
        struct u9 u;

        u9_mount(&u, g, d);
        for (uint32_t i = 0; i < 3; i++) {
            struct cursor at;
            char path[32];

            snprintf(path, sizeof(path), "%s/f", paths[i]);
            u9_walk(&u, 0, 10, path);
            at = u9_take(&u, u9_ask(&u, P9_TSTAT, "d", 10u), P9_TSTAT);
            (void)cursor_bytes(&at, 2 + 2 + 2 + 4 + 5);
            seen[i] = cursor_u64(&at);
            u9_clunk(&u, 10);
            for (uint32_t k = 0; k < i; k++)
                CHECK(seen[k] != seen[i]);
            u9_walk(&u, 0, 11, paths[i]); /* the entry "sub" is what is mounted there */
            u9_open(&u, 11, P9_OREAD);
            at = u9_take(&u, u9_ask(&u, P9_TREAD, "dqd", 11u, 0ull, 8000u), P9_TREAD);
            (void)cursor_u32(&at);
            while (cursor_left(&at) > 0) {
                struct cursor s;
                struct wire_str name;
                uint16_t size = cursor_u16(&at);
                uint64_t number;

                cursor_init(&s, cursor_bytes(&at, size), size);
                (void)cursor_bytes(&s, 2 + 4 + 5);
                number = cursor_u64(&s);
                (void)cursor_bytes(&s, 4 + 4 + 4 + 8);
                name = cursor_str(&s);
                if (name.len == 1 && name.s[0] == 'f')
                    CHECK_EQ(number, seen[i]);
                CHECK(number != seen[i] || name.s[0] == 'f');
            }
            u9_clunk(&u, 11);
        }
    }
    rig_end(g);
}

/* Read-only all the way down; what the host mounts later stays out. */
static void restricted_as_the_export_is(void)
{
    struct p9c c;
    struct rig *g = mounted_rig(&c, CTL_FLAG_SUBMOUNTS | CTL_FLAG_READ_ONLY);

    CHECK_OK(p9c_walk(&c, 0, 1, "sub/sub/f"));
    CHECK_ERR(p9c_lopen(&c, 1, P9_L_RDWR), EROFS);
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    mount_at(g, "later");
    make(g, "later/f", "x");
    CHECK_OK(p9c_walk(&c, 0, 2, "later"));
    CHECK_ERR(p9c_walk(&c, 2, 3, "f"), ENOENT);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"hidden", hidden, TAP_JAILED, 0},
    {"shown", shown, 0, 0},
    {"shown_in_u", shown_in_u, 0, 0},
    {"entries_are_what_is_mounted", entries_are_what_is_mounted, 0, 0},
    {"restricted_as_the_export_is", restricted_as_the_export_is, TAP_JAILED, 0},
};
TAP_SUITE(mounts, cases);
