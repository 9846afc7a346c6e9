/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_quota.c - limits that a guest meets: space and files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quota_steps.h"
#include "suites.h"
#include "u9.h"

/* Filled to the last byte, one more is too much; room made is room to use. */
static void space_exact(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 0);
    struct p9_statfs s;
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, limits_data, MIB));
    limits_is(g, MIB, 0);
    CHECK_ERR(limits_write(&c, 1, MIB, 1, &n), ENOSPC);
    CHECK_OK(limits_create(&c, 2, "g"));
    CHECK_ERR(limits_write(&c, 2, 0, 1, &n), ENOSPC);
    CHECK_OK(limits_write(&c, 1, 0, 100 * KIB, &n)); /* over what is there */
    CHECK_EQ(n, 100 * KIB);
    CHECK_OK(p9c_statfs(&c, 0, &s));
    CHECK_EQ(s.blocks * s.bsize, MIB);
    CHECK_EQ(s.bfree, 0);
    CHECK_EQ(s.bavail, 0);

    CHECK_OK(limits_size(&c, 1, MIB - 4 * KIB)); /* a block comes free */
    CHECK_OK(p9c_statfs(&c, 0, &s));
    CHECK_EQ(s.bfree * s.bsize, s.bsize <= 4 * KIB ? 4 * KIB : 0);
    CHECK_OK(limits_write(&c, 2, 0, 5 * KIB, &n)); /* as much as there is room for */
    CHECK_EQ(n, 4 * KIB);
    CHECK_ERR(limits_write(&c, 2, 4 * KIB, 1, &n), ENOSPC);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    limits_is(g, 4 * KIB, 0);
    CHECK_OK(p9c_write_all(&c, 2, 4 * KIB, limits_data, MIB - 4 * KIB));
    CHECK_ERR(limits_write(&c, 2, MIB, 1, &n), ENOSPC);
    rig_end(g);
}

/* Holes count like limits_data, and no length is too large to be refused. */
static void space_sparse(void)
{
    static const uint64_t sizes[] = {MIB + 1,           UINT64_C(1) << 32, UINT64_C(1) << 40,
                                     UINT64_C(1) << 62, INT64_MAX,         UINT64_C(1) << 63};
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 0);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(limits_size(&c, 1, MIB));
    limits_is(g, MIB, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int err = limits_size(&c, 1, sizes[i]);

        CHECK(err == ENOSPC || (err == EINVAL && sizes[i] > INT64_MAX));
        CHECK_OK(limits_size(&c, 1, 5));
        limits_is(g, 4 * KIB, 0);
        CHECK_OK(limits_size(&c, 1, MIB));
    }
    CHECK_OK(limits_size(&c, 1, 0));
    limits_is(g, 0, 0);
    CHECK_OK(limits_write(&c, 1, MIB - 1, 1, &n));
    limits_is(g, MIB, 0);
    CHECK_ERR(limits_write(&c, 1, MIB, 1, &n), ENOSPC);
    CHECK_ERR(limits_write(&c, 1, UINT64_C(1) << 62, 1, &n), ENOSPC);
    CHECK_OK(limits_write(&c, 1, MIB - 2, 2, &n));
    CHECK_OK(limits_write(&c, 1, MIB - 1, 2, &n)); /* cut at the limit */
    CHECK_EQ(n, 1);
    CHECK(limits_write(&c, 1, INT64_MAX - 1, 2, &n) != 0);
    limits_is(g, MIB, 0);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_WRONLY | P9_L_TRUNC));
    limits_is(g, 0, 0);
    rig_end(g);
}

static void space_append(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 0);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, limits_data, MIB - 100));
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_WRONLY | P9_L_APPEND));
    CHECK_OK(limits_write(&c, 2, 0, 150, &n)); /* goes to the end, wherever it is said to go */
    CHECK_EQ(n, 100);
    CHECK_ERR(limits_write(&c, 2, 0, 1, &n), ENOSPC);
    limits_is(g, MIB, 0);
    rig_end(g);
}

static void files_exact(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, 0, 5);
    struct p9_statfs s;
    struct stat st;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    CHECK_OK(p9c_symlink(&c, 0, "l", "f"));
    CHECK_OK(p9c_mknod(&c, 0, "p", S_IFIFO | 0644, 0, 0));
    CHECK_ERR(p9c_mkdir(&c, 0, "d", 0755), EEXIST); /* what fails is not counted */
    CHECK_OK(p9c_mknod(&c, 0, "r", S_IFREG | 0644, 0, 0));
    limits_is(g, 0, 5);
    CHECK_ERR(limits_create(&c, 2, "x"), ENOSPC);
    CHECK_ERR(p9c_mkdir(&c, 0, "x", 0755), ENOSPC);
    CHECK_ERR(p9c_symlink(&c, 0, "x", "f"), ENOSPC);
    CHECK_ERR(p9c_mknod(&c, 0, "x", S_IFIFO | 0644, 0, 0), ENOSPC);
    CHECK(fstatat(g->root_fd, "x", &st, AT_SYMLINK_NOFOLLOW) != 0);
    CHECK_OK(p9c_lcreate(&c, 2, "r", P9_L_RDWR | P9_L_CREAT, 0644)); /* it is there already */
    CHECK_OK(p9c_link(&c, 0, 1, "f2"));                              /* a name is no file */
    limits_is(g, 0, 5);
    CHECK_OK(p9c_statfs(&c, 0, &s));
    CHECK_EQ(s.files, 5);
    CHECK_EQ(s.ffree, 0);
    CHECK_ERR(p9c_unlinkat(&c, 0, "d", 0), EISDIR);
    CHECK_OK(p9c_unlinkat(&c, 0, "d", P9_AT_REMOVEDIR));
    limits_is(g, 0, 4);
    CHECK_OK(p9c_mkdir(&c, 0, "x", 0755));
    CHECK_ERR(p9c_mkdir(&c, 0, "y", 0755), ENOSPC);
    CHECK_OK(p9c_unlinkat(&c, 0, "p", 0));
    CHECK_OK(p9c_unlinkat(&c, 0, "l", 0));
    limits_is(g, 0, 3);
    rig_end(g);
}

/* Never more than there is: of the file system and of the limit, whichever is less. */
static void statfs_is_the_lesser(void)
{
    static const struct {
        uint64_t space, files, want_space, want_files;
    } t[] = {
        {512 * KIB, 10, 512 * KIB, 10}, /* the limits are */
        {64 * MIB, 1000, 4 * MIB, 50},  /* the file system is */
        {0, 0, 4 * MIB, 50},            /* none */
    };
    char mnt[96];

    snprintf(mnt, sizeof(mnt), "%s/mnt", tap_dir());
    MUST(mkdir(mnt, 0755));
    MUST(mount("none", mnt, "tmpfs", 0, "size=4M,nr_inodes=50,mode=0755"));
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct rig_config cfg = {
            .policy.limits = {.max_space = t[i].space, .max_files = t[i].files}, .export = mnt};
        struct rig *g = rig_new(&cfg);
        struct p9_statfs s, after;
        struct p9c c;
        uint32_t n;

        tap_note("%zu", i);
        p9c_mount(&c, g);
        if (t[i].space != 0)
            limits_scanned(g, 1);
        CHECK_OK(p9c_statfs(&c, 0, &s));
        CHECK_EQ(s.blocks * s.bsize, t[i].want_space);
        CHECK_EQ(s.bfree, s.blocks);
        CHECK_EQ(s.files, t[i].want_files);
        CHECK(s.ffree >= s.files - 2 && s.ffree <= s.files);
        CHECK_OK(limits_create(&c, 1, "f"));
        CHECK_OK(limits_write(&c, 1, 0, 100 * KIB, &n));
        CHECK_OK(p9c_statfs(&c, 1, &after));
        CHECK_EQ((s.bfree - after.bfree) * s.bsize, 100 * KIB);
        CHECK_EQ((s.bavail - after.bavail) * s.bsize, 100 * KIB);
        CHECK_EQ(s.ffree - after.ffree, 1);
        CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
        CHECK_OK(p9c_clunk(&c, 1));
        CHECK_OK(p9c_statfs(&c, 0, &after));
        CHECK_EQ(after.bfree, s.bfree);
        CHECK_EQ(after.ffree, s.ffree);
        rig_end(g);
    }
}

/* Hard links: one file until the last name is gone, and until the last fid is. */
static void links_and_orphans(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 10);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, limits_data, 100 * KIB));
    CHECK_OK(p9c_link(&c, 0, 1, "f2"));
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    limits_is(g, 100 * KIB, 1);
    CHECK_OK(p9c_walk(&c, 0, 1, "f2"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_walk(&c, 1, 2, ""));
    CHECK_OK(p9c_unlinkat(&c, 0, "f2", 0));
    limits_is(g, 100 * KIB, 1);
    CHECK_OK(limits_write(&c, 1, 100 * KIB, 100 * KIB, &n)); /* an orphan grows */
    CHECK_OK(p9c_clunk(&c, 2));
    limits_is(g, 200 * KIB, 1);
    CHECK_OK(limits_size(&c, 1, 50 * KIB)); /* shrinks */
    CHECK_OK(p9c_clunk(&c, 1));
    limits_is(g, 0, 0);

    for (uint32_t fid = 10; fid < 14; fid++) { /* Tversion ends all fids */
        CHECK_OK(limits_create(&c, fid, "o"));
        CHECK_OK(limits_write(&c, fid, 0, 10 * KIB, &n));
        CHECK_OK(p9c_unlinkat(&c, 0, "o", 0));
    }
    limits_is(g, 48 * KIB, 4);
    p9c_mount(&c, g);
    limits_is(g, 0, 0);
    CHECK_OK(limits_create(&c, 1, "r")); /* Tremove: name and fid at once */
    CHECK_OK(limits_write(&c, 1, 0, 10 * KIB, &n));
    CHECK_OK(p9c_remove(&c, 1));
    limits_is(g, 0, 0);
    rig_end(g);
}

static void rename_over(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 10);
    uint32_t n;

    limits_scanned(g, 1);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK_OK(limits_create(&c, 1 + i, i == 0 ? "a" : "b"));
        CHECK_OK(limits_write(&c, 1 + i, 0, (1 + i) * 100 * KIB, &n));
    }
    CHECK_OK(p9c_link(&c, 0, 1, "a2"));
    CHECK_OK(p9c_renameat(&c, 0, "a", 0, "a2")); /* two names of one file: nothing happens */
    limits_is(g, 300 * KIB, 2);
    CHECK_OK(p9c_unlinkat(&c, 0, "a2", 0));
    CHECK_OK(p9c_renameat(&c, 0, "a", 0, "b")); /* b is open */
    limits_is(g, 300 * KIB, 2);
    CHECK_OK(p9c_clunk(&c, 2));
    limits_is(g, 100 * KIB, 1);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(limits_create(&c, 3, "c"));
    CHECK_OK(limits_write(&c, 3, 0, 8 * KIB, &n));
    CHECK_OK(p9c_rename(&c, 3, 0, "b")); /* b is not */
    limits_is(g, 8 * KIB, 1);
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    CHECK_OK(p9c_mkdir(&c, 0, "e", 0755));
    CHECK_OK(p9c_renameat(&c, 0, "d", 0, "e"));
    limits_is(g, 8 * KIB, 2);
    CHECK_ERR(p9c_renameat(&c, 0, "e", 0, "b"), ENOTDIR);
    CHECK_ERR(p9c_renameat(&c, 0, "nothing", 0, "b"), ENOENT);
    limits_is(g, 8 * KIB, 2);
    rig_end(g);
}

/* A limit that a new policy sets, changes, takes away. */
static void live_limits(void)
{
    union ctl_message m = {.limits = {.hdr.type = CTL_LIMITS}};
    struct p9c c;
    struct rig *g = limits_rig(&c, 0, 0);
    struct p9_statfs s;
    uint32_t n;

    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, limits_data, MIB));
    limits_is(g, 0, 0); /* nobody counts */
    m.limits.limits.max_space = 2 * MIB;
    m.limits.limits.max_files = 1;
    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
    limits_becomes(g, MIB, 1);
    CHECK_ERR(limits_create(&c, 3, "g"), ENOSPC);
    CHECK_OK(p9c_write_all(&c, 1, MIB, limits_data, MIB));
    CHECK_ERR(limits_write(&c, 1, 2 * MIB, 1, &n), ENOSPC);
    m.limits.limits.max_space = MIB; /* less than there is: nothing is lost */
    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
    do
        CHECK_OK(p9c_statfs(&c, 0, &s));
    while (s.blocks * s.bsize != MIB);
    CHECK_EQ(s.bfree, 0);
    CHECK_ERR(limits_write(&c, 1, 2 * MIB, 1, &n), ENOSPC);
    CHECK_OK(limits_write(&c, 1, 2 * MIB - 1, 1, &n));
    m.limits.limits.max_space = m.limits.limits.max_files = 0;
    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
    do
        CHECK_OK(p9c_statfs(&c, 0, &s));
    while (s.blocks * s.bsize == MIB);
    CHECK_OK(limits_write(&c, 1, 2 * MIB, 1, &n));
    CHECK_OK(limits_create(&c, 2, "g"));
    rig_end(g);
}

/* A length that no limit forbids and no file system has; a file without a name that is opened with TRUNC. */
static void truncated_in_odd_ways(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, INT64_MAX, 10);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(limits_write(&c, 1, 0, 10 * KIB, &n));
    CHECK(limits_size(&c, 1, (UINT64_C(1) << 62) + 5) != 0);
    limits_is(g, 12 * KIB, 1);
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    limits_is(g, 12 * KIB, 1);
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDWR | P9_L_TRUNC));
    limits_is(g, 0, 1);
    CHECK_OK(limits_write(&c, 2, 0, 5 * KIB, &n));
    limits_is(g, 8 * KIB, 1);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_clunk(&c, 2));
    limits_is(g, 0, 0);
    rig_end(g);
}

/* A Twstat whose second half fails: the rename of the first is taken back. */
static void wstat_is_taken_back(void)
{
    struct rig *g = rig_new(&(struct rig_config){.policy.limits.max_space = MIB});
    struct u9_stat s = u9_blank;
    struct u9 u;

    limits_scanned(g, 1);
    u9_host_file(g, "f", "text", 0644);
    u9_mount(&u, g, P9_DIALECT_U);
    u9_walk(&u, 0, 1, "f");
    s.name = "renamed";
    s.mode = 0600;
    s.length = 2 * MIB;
    {
        struct reply *r = rig_wait(g, 0, u9_ask_tag(&u, 4, P9_TWSTAT, "dT", 1u, &s));

        CHECK_EQ(r->type, P9_RERROR);
        free(r);
    }
    CHECK(u9_host_has(g, "f") && !u9_host_has(g, "renamed"));
    CHECK_EQ(u9_host_stat(g, "f").st_mode & 07777, 0644);
    u9_host_says(g, "f", "text");
    s.length = 2;
    u9_want(&u, u9_ask_wstat(&u, 1, &s), P9_TWSTAT, "");
    u9_host_says(g, "renamed", "te");
    rig_end(g);
}

/* --- auto-delete ------------------------------------------------------------------------------- */

static void old_file(struct rig *g, const char *name, uint32_t kib, time_t mtime)
{
    const struct timespec t[2] = {{mtime, 0}, {mtime, 0}};
    int fd = openat(g->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, limits_data, kib * KIB), kib * KIB);
    MUST(futimens(fd, t));
    close(fd);
}

static bool exists(struct rig *g, const char *name)
{
    struct stat st;

    return fstatat(g->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void auto_delete(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUTO_DELETE,
                             .policy.limits = {.max_space = MIB, .max_files = 12}};
    struct rig *g = rig_prepare(&cfg);
    struct p9c c;
    uint32_t n;

    MUST(mkdirat(g->root_fd, "d", 0755));
    old_file(g, "open", 100, 10);
    old_file(g, "d/oldest", 100, 100);
    old_file(g, "second", 100, 200);
    old_file(g, "seen", 200, 300);
    old_file(g, "linked", 100, 50);
    MUST(linkat(g->root_fd, "linked", g->root_fd, "d/linked", 0));
    old_file(g, "young", 300, 1000);
    MUST(symlinkat("../outside", g->root_fd, "out"));
    MUST(mkdirat(g->root_fd, "../outside/x", 0755));
    old_file(g, "../outside/far", 400, 1);
    rig_start(g, 0);
    p9c_mount(&c, g);
    limits_becomes(g, 900 * KIB, 8);
    CHECK_OK(p9c_walk(&c, 0, 1, "open"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_walk(&c, 0, 2, "seen")); /* a fid, not open: gone all the same, and its space */
    CHECK_OK(limits_create(&c, 3, "new"));
    CHECK_OK(limits_write(&c, 3, 0, 200 * KIB, &n)); /* 24 too many */
    CHECK_EQ(n, 200 * KIB);
    CHECK(!exists(g, "d/oldest") && exists(g, "second"));
    CHECK_OK(limits_write(&c, 3, 200 * KIB, 200 * KIB, &n));
    CHECK_EQ(n, 200 * KIB);
    CHECK(!exists(g, "second") && !exists(g, "seen"));
    limits_is(g, 900 * KIB, 7); /* "seen" is a file as long as there is a fid */
    CHECK_OK(p9c_clunk(&c, 2));
    limits_is(g, 900 * KIB, 6);
    CHECK_ERR(limits_size(&c, 3, 900 * KIB), ENOSPC); /* all that may go would not be enough */
    CHECK(exists(g, "young") && exists(g, "open") && exists(g, "linked") && exists(g, "d"));
    CHECK(exists(g, "../outside/far"));
    for (int i = 0; i < 6; i++) {
        char name[16];

        snprintf(name, sizeof(name), "e%d", i);
        CHECK_OK(p9c_mknod(&c, 0, name, S_IFREG | 0644, 0, 0));
    }
    limits_is(g, 900 * KIB, 12);
    CHECK_OK(p9c_mkdir(&c, 0, "f", 0755)); /* a file goes for it: the oldest one */
    CHECK(!exists(g, "young") && exists(g, "e0"));
    limits_is(g, 600 * KIB, 12);
    rig_end(g);
}

/* More files than are looked at together, in no order of age: the oldest go, whatever the order they are found in. */
static void auto_delete_of_many(void)
{
    enum { MANY = 600 };
    struct rig_config cfg = {.flags = CTL_FLAG_AUTO_DELETE,
                             .policy.limits = {.max_space = MANY * 4 * KIB, .max_files = MANY + 2}};
    struct rig *g = rig_prepare(&cfg);
    struct p9c c;
    char name[16];
    uint32_t n;

    MUST(mkdirat(g->root_fd, "a", 0755));
    MUST(mkdirat(g->root_fd, "a/b", 0755));
    for (uint32_t i = 0; i < MANY; i++) { /* 0 is the oldest */
        uint32_t age = i * 7 % MANY;

        snprintf(name, sizeof(name), "%sf%u", age % 10 == 3 ? "a/b/" : "", age);
        old_file(g, name, 4, 1000 + age);
    }
    rig_start(g, 0);
    p9c_mount(&c, g);
    limits_becomes(g, MANY * 4 * KIB, MANY + 2);
    for (uint32_t i = 0; i < 20; i++) { /* each makes room for a file, and for its space */
        snprintf(name, sizeof(name), "new%u", i);
        CHECK_OK(limits_create(&c, 100 + i, name));
        CHECK_OK(limits_write(&c, 100 + i, 0, 4 * KIB, &n));
        CHECK_EQ(n, 4 * KIB);
        snprintf(name, sizeof(name), "%sf%u", i % 10 == 3 ? "a/b/" : "", i);
        CHECK(!exists(g, name));
        snprintf(name, sizeof(name), "%sf%u", (i + 1) % 10 == 3 ? "a/b/" : "", i + 1);
        CHECK(exists(g, name));
    }
    limits_is(g, MANY * 4 * KIB, MANY + 2);
    CHECK_OK(limits_size(&c, 100, 12 * KIB)); /* and by a length that grows */
    CHECK(!exists(g, "f20") && !exists(g, "f21") && exists(g, "f22"));
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"space_exact", space_exact, 0, 0},
    {"space_sparse", space_sparse, 0, 0},
    {"space_append", space_append, 0, 0},
    {"files_exact", files_exact, 0, 0},
    {"statfs_is_the_lesser", statfs_is_the_lesser, 0, 0},
    {"links_and_orphans", links_and_orphans, 0, 0},
    {"rename_over", rename_over, 0, 0},
    {"live_limits", live_limits, 0, 0},
    {"truncated_in_odd_ways", truncated_in_odd_ways, 0, 0},
    {"wstat_is_taken_back", wstat_is_taken_back, 0, 0},
    {"auto_delete", auto_delete, 0, 0},
    {"auto_delete_of_many", auto_delete_of_many, 0, 0},
};
TAP_SUITE(quota, cases);
