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

#include "suites.h"
#include "u9.h"

#define KIB 1024u
#define MIB (1024u * KIB)

/* Walks to "" as `fid` and creates `name` there. */
static int create(struct p9c *c, uint32_t fid, const char *name)
{
    CHECK_OK(p9c_walk(c, 0, fid, ""));
    return p9c_lcreate(c, fid, name, P9_L_RDWR | P9_L_CREAT, 0644);
}

static struct rig *with_limits(struct p9c *c, uint64_t space, uint64_t files)
{
    struct rig *g =
        rig_new(&(struct rig_config){.policy.limits = {.max_space = space, .max_files = files}});

    p9c_mount(c, g);
    return g;
}

static void used_is(struct rig *g, uint64_t space, uint64_t files)
{
    CHECK_EQ(atomic_load(&g->quota->used[QUOTA_SPACE]), space);
    CHECK_EQ(atomic_load(&g->quota->used[QUOTA_FILES]), files);
}

/* The same, soon: after a scan. */
static void used_becomes(struct rig *g, uint64_t space, uint64_t files)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    while (tap_now() < deadline && (atomic_load(&g->quota->used[QUOTA_SPACE]) != space ||
                                    atomic_load(&g->quota->used[QUOTA_FILES]) != files))
        tap_sleep(10);
    used_is(g, space, files);
}

static void wait_scan(struct rig *g, uint32_t number)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    while (tap_now() < deadline && atomic_load(&g->quota->scans) < number)
        tap_sleep(5);
    CHECK(atomic_load(&g->quota->scans) >= number);
}

static char data[MIB];

/* In pieces, up to the first that is not written whole. */
static int write_at(struct p9c *c, uint32_t fid, uint64_t offset, uint32_t count, uint32_t *n)
{
    uint32_t piece, got;

    for (*n = 0; *n < count; *n += got) {
        piece = count - *n < 28 * KIB ? count - *n : 28 * KIB;
        int err = p9c_write(c, fid, offset + *n, data, piece, &got);

        if (err != 0)
            return *n > 0 ? 0 : err;
        if (got < piece) {
            *n += got;
            break;
        }
    }
    return 0;
}

static int set_size(struct p9c *c, uint32_t fid, uint64_t size)
{
    return p9c_setattr(c, fid, P9_SETATTR_SIZE, &(struct p9_attr){.size = size});
}

/* Filled to the last byte, one more is too much; room made is room to use. */
static void space_exact(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 0);
    struct p9_statfs s;
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, data, MIB));
    used_is(g, MIB, 0);
    CHECK_ERR(write_at(&c, 1, MIB, 1, &n), ENOSPC);
    CHECK_OK(create(&c, 2, "g"));
    CHECK_ERR(write_at(&c, 2, 0, 1, &n), ENOSPC);
    CHECK_OK(write_at(&c, 1, 0, 100 * KIB, &n)); /* over what is there */
    CHECK_EQ(n, 100 * KIB);
    CHECK_OK(p9c_statfs(&c, 0, &s));
    CHECK_EQ(s.blocks * s.bsize, MIB);
    CHECK_EQ(s.bfree, 0);
    CHECK_EQ(s.bavail, 0);

    CHECK_OK(set_size(&c, 1, MIB - 4 * KIB)); /* a block comes free */
    CHECK_OK(p9c_statfs(&c, 0, &s));
    CHECK_EQ(s.bfree * s.bsize, s.bsize <= 4 * KIB ? 4 * KIB : 0);
    CHECK_OK(write_at(&c, 2, 0, 5 * KIB, &n)); /* as much as there is room for */
    CHECK_EQ(n, 4 * KIB);
    CHECK_ERR(write_at(&c, 2, 4 * KIB, 1, &n), ENOSPC);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    used_is(g, 4 * KIB, 0);
    CHECK_OK(p9c_write_all(&c, 2, 4 * KIB, data, MIB - 4 * KIB));
    CHECK_ERR(write_at(&c, 2, MIB, 1, &n), ENOSPC);
    rig_end(g);
}

/* Holes count like data, and no length is too large to be refused. */
static void space_sparse(void)
{
    static const uint64_t sizes[] = {MIB + 1,           UINT64_C(1) << 32, UINT64_C(1) << 40,
                                     UINT64_C(1) << 62, INT64_MAX,         UINT64_C(1) << 63};
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 0);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(set_size(&c, 1, MIB));
    used_is(g, MIB, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int err = set_size(&c, 1, sizes[i]);

        CHECK(err == ENOSPC || (err == EINVAL && sizes[i] > INT64_MAX));
        CHECK_OK(set_size(&c, 1, 5));
        used_is(g, 4 * KIB, 0);
        CHECK_OK(set_size(&c, 1, MIB));
    }
    CHECK_OK(set_size(&c, 1, 0));
    used_is(g, 0, 0);
    CHECK_OK(write_at(&c, 1, MIB - 1, 1, &n));
    used_is(g, MIB, 0);
    CHECK_ERR(write_at(&c, 1, MIB, 1, &n), ENOSPC);
    CHECK_ERR(write_at(&c, 1, UINT64_C(1) << 62, 1, &n), ENOSPC);
    CHECK_OK(write_at(&c, 1, MIB - 2, 2, &n));
    CHECK_OK(write_at(&c, 1, MIB - 1, 2, &n)); /* cut at the limit */
    CHECK_EQ(n, 1);
    CHECK(write_at(&c, 1, INT64_MAX - 1, 2, &n) != 0);
    used_is(g, MIB, 0);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_WRONLY | P9_L_TRUNC));
    used_is(g, 0, 0);
    rig_end(g);
}

static void space_append(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 0);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, data, MIB - 100));
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_WRONLY | P9_L_APPEND));
    CHECK_OK(write_at(&c, 2, 0, 150, &n)); /* goes to the end, wherever it is said to go */
    CHECK_EQ(n, 100);
    CHECK_ERR(write_at(&c, 2, 0, 1, &n), ENOSPC);
    used_is(g, MIB, 0);
    rig_end(g);
}

static void files_exact(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, 0, 5);
    struct p9_statfs s;
    struct stat st;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    CHECK_OK(p9c_symlink(&c, 0, "l", "f"));
    CHECK_OK(p9c_mknod(&c, 0, "p", S_IFIFO | 0644, 0, 0));
    CHECK_ERR(p9c_mkdir(&c, 0, "d", 0755), EEXIST); /* what fails is not counted */
    CHECK_OK(p9c_mknod(&c, 0, "r", S_IFREG | 0644, 0, 0));
    used_is(g, 0, 5);
    CHECK_ERR(create(&c, 2, "x"), ENOSPC);
    CHECK_ERR(p9c_mkdir(&c, 0, "x", 0755), ENOSPC);
    CHECK_ERR(p9c_symlink(&c, 0, "x", "f"), ENOSPC);
    CHECK_ERR(p9c_mknod(&c, 0, "x", S_IFIFO | 0644, 0, 0), ENOSPC);
    CHECK(fstatat(g->root_fd, "x", &st, AT_SYMLINK_NOFOLLOW) != 0);
    CHECK_OK(p9c_lcreate(&c, 2, "r", P9_L_RDWR | P9_L_CREAT, 0644)); /* it is there already */
    CHECK_OK(p9c_link(&c, 0, 1, "f2"));                              /* a name is no file */
    used_is(g, 0, 5);
    CHECK_OK(p9c_statfs(&c, 0, &s));
    CHECK_EQ(s.files, 5);
    CHECK_EQ(s.ffree, 0);
    CHECK_ERR(p9c_unlinkat(&c, 0, "d", 0), EISDIR);
    CHECK_OK(p9c_unlinkat(&c, 0, "d", P9_AT_REMOVEDIR));
    used_is(g, 0, 4);
    CHECK_OK(p9c_mkdir(&c, 0, "x", 0755));
    CHECK_ERR(p9c_mkdir(&c, 0, "y", 0755), ENOSPC);
    CHECK_OK(p9c_unlinkat(&c, 0, "p", 0));
    CHECK_OK(p9c_unlinkat(&c, 0, "l", 0));
    used_is(g, 0, 3);
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
            wait_scan(g, 1);
        CHECK_OK(p9c_statfs(&c, 0, &s));
        CHECK_EQ(s.blocks * s.bsize, t[i].want_space);
        CHECK_EQ(s.bfree, s.blocks);
        CHECK_EQ(s.files, t[i].want_files);
        CHECK(s.ffree >= s.files - 2 && s.ffree <= s.files);
        CHECK_OK(create(&c, 1, "f"));
        CHECK_OK(write_at(&c, 1, 0, 100 * KIB, &n));
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
    struct rig *g = with_limits(&c, MIB, 10);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, data, 100 * KIB));
    CHECK_OK(p9c_link(&c, 0, 1, "f2"));
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    used_is(g, 100 * KIB, 1);
    CHECK_OK(p9c_walk(&c, 0, 1, "f2"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_walk(&c, 1, 2, ""));
    CHECK_OK(p9c_unlinkat(&c, 0, "f2", 0));
    used_is(g, 100 * KIB, 1);
    CHECK_OK(write_at(&c, 1, 100 * KIB, 100 * KIB, &n)); /* an orphan grows */
    CHECK_OK(p9c_clunk(&c, 2));
    used_is(g, 200 * KIB, 1);
    CHECK_OK(set_size(&c, 1, 50 * KIB)); /* shrinks */
    CHECK_OK(p9c_clunk(&c, 1));
    used_is(g, 0, 0);

    for (uint32_t fid = 10; fid < 14; fid++) { /* Tversion ends all fids */
        CHECK_OK(create(&c, fid, "o"));
        CHECK_OK(write_at(&c, fid, 0, 10 * KIB, &n));
        CHECK_OK(p9c_unlinkat(&c, 0, "o", 0));
    }
    used_is(g, 48 * KIB, 4);
    p9c_mount(&c, g);
    used_is(g, 0, 0);
    CHECK_OK(create(&c, 1, "r")); /* Tremove: name and fid at once */
    CHECK_OK(write_at(&c, 1, 0, 10 * KIB, &n));
    CHECK_OK(p9c_remove(&c, 1));
    used_is(g, 0, 0);
    rig_end(g);
}

static void rename_over(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 10);
    uint32_t n;

    wait_scan(g, 1);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK_OK(create(&c, 1 + i, i == 0 ? "a" : "b"));
        CHECK_OK(write_at(&c, 1 + i, 0, (1 + i) * 100 * KIB, &n));
    }
    CHECK_OK(p9c_link(&c, 0, 1, "a2"));
    CHECK_OK(p9c_renameat(&c, 0, "a", 0, "a2")); /* two names of one file: nothing happens */
    used_is(g, 300 * KIB, 2);
    CHECK_OK(p9c_unlinkat(&c, 0, "a2", 0));
    CHECK_OK(p9c_renameat(&c, 0, "a", 0, "b")); /* b is open */
    used_is(g, 300 * KIB, 2);
    CHECK_OK(p9c_clunk(&c, 2));
    used_is(g, 100 * KIB, 1);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(create(&c, 3, "c"));
    CHECK_OK(write_at(&c, 3, 0, 8 * KIB, &n));
    CHECK_OK(p9c_rename(&c, 3, 0, "b")); /* b is not */
    used_is(g, 8 * KIB, 1);
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    CHECK_OK(p9c_mkdir(&c, 0, "e", 0755));
    CHECK_OK(p9c_renameat(&c, 0, "d", 0, "e"));
    used_is(g, 8 * KIB, 2);
    CHECK_ERR(p9c_renameat(&c, 0, "e", 0, "b"), ENOTDIR);
    CHECK_ERR(p9c_renameat(&c, 0, "nothing", 0, "b"), ENOENT);
    used_is(g, 8 * KIB, 2);
    rig_end(g);
}

/* The count is the export's, not the worker's. */
static void restart_keeps(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 10);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, data, MIB));
    rig_kill(g);
    used_is(g, MIB, 1);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    p9c_mount(&c, g);
    CHECK_OK(create(&c, 2, "g"));
    CHECK_ERR(write_at(&c, 2, 0, 1, &n), ENOSPC);
    used_becomes(g, MIB, 2);
    rig_end(g);
}

/* An open file without a name dies with its worker; the successor's scan finds out. */
static void orphan_of_the_dead(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 10);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(write_at(&c, 1, 0, 100 * KIB, &n));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    rig_kill(g);
    used_is(g, 100 * KIB, 1);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    used_becomes(g, 0, 0);
    rig_end(g);
}

/* What is there when a worker starts, in all shapes. */
static void first_scan(void)
{
    struct rig_config cfg = {.policy.limits = {.max_space = 100 * MIB, .max_files = 10000}};
    struct rig *g = rig_prepare(&cfg);
    char path[64] = "";
    int dir = g->root_fd, fd;

    for (int i = 0; i < 100; i++) { /* deeper than descriptors are kept for */
        MUST(mkdirat(dir, "d", 0755));
        dir = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MUST(dir);
        snprintf(path, sizeof(path), "f%d", i);
        fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        MUST(fd);
        MUST(ftruncate(fd, 1 + i));
        close(fd);
        MUST(mkdirat(dir, "beside", 0));
    }
    MUST(linkat(dir, path, g->root_fd, "link1", 0));
    MUST(linkat(dir, path, g->root_fd, "link2", 0));
    for (int i = 0; i < 3000; i++) { /* many files of two names each */
        char one[16], two[16];

        snprintf(one, sizeof(one), "one%d", i);
        snprintf(two, sizeof(two), "two%d", i);
        MUST(mknodat(g->root_fd, one, S_IFREG | 0644, 0));
        MUST(linkat(g->root_fd, one, g->root_fd, two, 0));
    }
    MUST(symlinkat("/", g->root_fd, "outside"));
    MUST(mkfifoat(g->root_fd, "fifo", 0644));
    rig_start(g, 0);
    used_becomes(g, 100 * 4 * KIB, 100 * 3 + 2 + 3000);
    rig_end(g);
}

/* The host makes room; the guest that needs it has it soon. */
static void host_side(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, MIB, 3);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, data, MIB));
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(create(&c, 2, "g"));
    MUST(unlinkat(g->root_fd, "f", 0));
    CHECK_ERR(write_at(&c, 2, 0, 1, &n), ENOSPC); /* and has it looked at */
    used_becomes(g, 0, 1);
    CHECK_OK(write_at(&c, 2, 0, 1, &n));
    rig_end(g);
}

/* Two devices with the same directory share one count. */
static void two_workers(void)
{
    struct p9c a, b;
    struct rig *g = with_limits(&a, MIB, 10), *h;
    struct rig_config cfg = {
        .policy.limits = {.max_space = MIB, .max_files = 10}, .export = g->root, .quota_of = g};
    uint32_t n;

    wait_scan(g, 1);
    h = rig_new(&cfg);
    p9c_mount(&b, h);
    wait_scan(g, 2);
    CHECK_OK(create(&a, 1, "a"));
    CHECK_OK(create(&b, 1, "b"));
    CHECK_OK(write_at(&a, 1, 0, 500 * KIB, &n));
    CHECK_OK(write_at(&b, 1, 0, 500 * KIB, &n));
    used_is(g, 1000 * KIB, 2);
    CHECK_OK(write_at(&b, 1, 500 * KIB, 100 * KIB, &n));
    CHECK_EQ(n, 24 * KIB);
    CHECK_ERR(write_at(&a, 1, 500 * KIB, 1, &n), ENOSPC);
    CHECK_OK(p9c_clunk(&b, 1));
    CHECK_OK(p9c_unlinkat(&a, 0, "b", 0));
    CHECK_OK(write_at(&a, 1, 500 * KIB, 400 * KIB, &n));
    CHECK_EQ(n, 400 * KIB);
    rig_end(h);
    rig_end(g);
}

/* A limit that a new policy sets, changes, takes away. */
static void live_limits(void)
{
    union ctl_message m = {.limits = {.hdr.type = CTL_LIMITS}};
    struct p9c c;
    struct rig *g = with_limits(&c, 0, 0);
    struct p9_statfs s;
    uint32_t n;

    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, data, MIB));
    used_is(g, 0, 0); /* nobody counts */
    m.limits.limits.max_space = 2 * MIB;
    m.limits.limits.max_files = 1;
    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
    used_becomes(g, MIB, 1);
    CHECK_ERR(create(&c, 3, "g"), ENOSPC);
    CHECK_OK(p9c_write_all(&c, 1, MIB, data, MIB));
    CHECK_ERR(write_at(&c, 1, 2 * MIB, 1, &n), ENOSPC);
    m.limits.limits.max_space = MIB; /* less than there is: nothing is lost */
    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
    do
        CHECK_OK(p9c_statfs(&c, 0, &s));
    while (s.blocks * s.bsize != MIB);
    CHECK_EQ(s.bfree, 0);
    CHECK_ERR(write_at(&c, 1, 2 * MIB, 1, &n), ENOSPC);
    CHECK_OK(write_at(&c, 1, 2 * MIB - 1, 1, &n));
    m.limits.limits.max_space = m.limits.limits.max_files = 0;
    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
    do
        CHECK_OK(p9c_statfs(&c, 0, &s));
    while (s.blocks * s.bsize == MIB);
    CHECK_OK(write_at(&c, 1, 2 * MIB, 1, &n));
    CHECK_OK(create(&c, 2, "g"));
    rig_end(g);
}

/* A length that no limit forbids and no file system has; a file without a name that is opened with TRUNC. */
static void truncated_in_odd_ways(void)
{
    struct p9c c;
    struct rig *g = with_limits(&c, INT64_MAX, 10);
    uint32_t n;

    wait_scan(g, 1);
    CHECK_OK(create(&c, 1, "f"));
    CHECK_OK(write_at(&c, 1, 0, 10 * KIB, &n));
    CHECK(set_size(&c, 1, (UINT64_C(1) << 62) + 5) != 0);
    used_is(g, 12 * KIB, 1);
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    used_is(g, 12 * KIB, 1);
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDWR | P9_L_TRUNC));
    used_is(g, 0, 1);
    CHECK_OK(write_at(&c, 2, 0, 5 * KIB, &n));
    used_is(g, 8 * KIB, 1);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_clunk(&c, 2));
    used_is(g, 0, 0);
    rig_end(g);
}

/* A Twstat whose second half fails: the rename of the first is taken back. */
static void wstat_is_taken_back(void)
{
    struct rig *g = rig_new(&(struct rig_config){.policy.limits.max_space = MIB});
    struct u9_stat s = u9_blank;
    struct u9 u;

    wait_scan(g, 1);
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

/* Everything at once, from several clients; afterwards the count is what a scan would find. */
static void churn(void)
{
    enum { IN_FLIGHT = 16, ROUNDS = 40 };
    struct p9c c;
    struct rig *g = with_limits(&c, 4 * MIB, 100);
    uint32_t scans;

    wait_scan(g, 1);
    for (uint32_t i = 0; i < IN_FLIGHT; i++) {
        char name[16];

        snprintf(name, sizeof(name), "f%u", i / 2); /* each by two fids */
        CHECK_OK(create(&c, 100 + i, name));
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint16_t tag[3 * IN_FLIGHT];
        uint8_t type[3 * IN_FLIGHT];
        uint32_t n = 0;

        for (uint32_t i = 0; i < IN_FLIGHT; i++) {
            uint64_t at = (round * 7919u + i * 104729u) % (600 * KIB);
            char name[16], other[16];

            snprintf(name, sizeof(name), "n%u", (round + i) % 5);
            snprintf(other, sizeof(other), "n%u", (round + i) % 3);
            type[n] = P9_TWRITE;
            tag[n++] = p9c_send(&c, P9_TWRITE, "dqdB", 100 + i, at, 20000u, (size_t)20000, data);
            type[n] = i % 3 == 0 ? P9_TSETATTR : i % 3 == 1 ? P9_TLINK : P9_TUNLINKAT;
            if (type[n] == P9_TSETATTR)
                tag[n++] = p9c_send(&c, P9_TSETATTR,
                                    "ddddd"
                                    "q"
                                    "qqqq",
                                    100 + i, P9_SETATTR_SIZE, 0u, 0u, 0u, (at * 3) % (600 * KIB),
                                    0ull, 0ull, 0ull, 0ull);
            else if (type[n] == P9_TLINK)
                tag[n++] = p9c_send(&c, P9_TLINK, "dds", 0u, 100 + i, name);
            else
                tag[n++] = p9c_send(&c, P9_TUNLINKAT, "dsd", 0u, name, 0u);
            type[n] = P9_TRENAMEAT;
            tag[n++] = p9c_send(&c, P9_TRENAMEAT, "dsds", 0u, name, 0u, other);
        }
        for (uint32_t i = 0; i < n; i++)
            (void)p9c_finish(&c, tag[i], type[i]);
    }
    for (uint32_t i = 0; i < IN_FLIGHT; i++)
        CHECK_OK(p9c_clunk(&c, 100 + i));
    /* exact or too much, never too little; a scan of the quiet tree makes it exact */
    uint64_t space = atomic_load(&g->quota->used[QUOTA_SPACE]);
    uint64_t files = atomic_load(&g->quota->used[QUOTA_FILES]);
    rig_end(g);
    scans = atomic_load(&g->quota->scans);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    wait_scan(g, scans + 1);
    tap_note("counted %llu in %llu, found %llu in %llu", (unsigned long long)space,
             (unsigned long long)files, (unsigned long long)g->quota->used[QUOTA_SPACE],
             (unsigned long long)g->quota->used[QUOTA_FILES]);
    used_is(g, space, files);
    rig_end(g);
}

/* --- auto-delete ------------------------------------------------------------------------------- */

static void old_file(struct rig *g, const char *name, uint32_t kib, time_t mtime)
{
    const struct timespec t[2] = {{mtime, 0}, {mtime, 0}};
    int fd = openat(g->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, data, kib * KIB), kib * KIB);
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
    used_becomes(g, 900 * KIB, 8);
    CHECK_OK(p9c_walk(&c, 0, 1, "open"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_walk(&c, 0, 2, "seen")); /* a fid, not open: gone all the same, and its space */
    CHECK_OK(create(&c, 3, "new"));
    CHECK_OK(write_at(&c, 3, 0, 200 * KIB, &n)); /* 24 too many */
    CHECK_EQ(n, 200 * KIB);
    CHECK(!exists(g, "d/oldest") && exists(g, "second"));
    CHECK_OK(write_at(&c, 3, 200 * KIB, 200 * KIB, &n));
    CHECK_EQ(n, 200 * KIB);
    CHECK(!exists(g, "second") && !exists(g, "seen"));
    used_is(g, 900 * KIB, 7); /* "seen" is a file as long as there is a fid */
    CHECK_OK(p9c_clunk(&c, 2));
    used_is(g, 900 * KIB, 6);
    CHECK_ERR(set_size(&c, 3, 900 * KIB), ENOSPC); /* all that may go would not be enough */
    CHECK(exists(g, "young") && exists(g, "open") && exists(g, "linked") && exists(g, "d"));
    CHECK(exists(g, "../outside/far"));
    for (int i = 0; i < 6; i++) {
        char name[16];

        snprintf(name, sizeof(name), "e%d", i);
        CHECK_OK(p9c_mknod(&c, 0, name, S_IFREG | 0644, 0, 0));
    }
    used_is(g, 900 * KIB, 12);
    CHECK_OK(p9c_mkdir(&c, 0, "f", 0755)); /* a file goes for it: the oldest one */
    CHECK(!exists(g, "young") && exists(g, "e0"));
    used_is(g, 600 * KIB, 12);
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
    used_becomes(g, MANY * 4 * KIB, MANY + 2);
    for (uint32_t i = 0; i < 20; i++) { /* each makes room for a file, and for its space */
        snprintf(name, sizeof(name), "new%u", i);
        CHECK_OK(create(&c, 100 + i, name));
        CHECK_OK(write_at(&c, 100 + i, 0, 4 * KIB, &n));
        CHECK_EQ(n, 4 * KIB);
        snprintf(name, sizeof(name), "%sf%u", i % 10 == 3 ? "a/b/" : "", i);
        CHECK(!exists(g, name));
        snprintf(name, sizeof(name), "%sf%u", (i + 1) % 10 == 3 ? "a/b/" : "", i + 1);
        CHECK(exists(g, name));
    }
    used_is(g, MANY * 4 * KIB, MANY + 2);
    CHECK_OK(set_size(&c, 100, 12 * KIB)); /* and by a length that grows */
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
    {"restart_keeps", restart_keeps, 0, 0},
    {"orphan_of_the_dead", orphan_of_the_dead, 0, 0},
    {"first_scan", first_scan, 0, 0},
    {"host_side", host_side, 0, 0},
    {"two_workers", two_workers, 0, 0},
    {"live_limits", live_limits, 0, 0},
    {"truncated_in_odd_ways", truncated_in_odd_ways, 0, 0},
    {"wstat_is_taken_back", wstat_is_taken_back, 0, 0},
    {"churn", churn, 0, 0},
    {"auto_delete", auto_delete, 0, 0},
    {"auto_delete_of_many", auto_delete_of_many, 0, 0},
};
TAP_SUITE(quota, cases);
