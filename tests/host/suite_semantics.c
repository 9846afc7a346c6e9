/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_semantics.c - what programs expect of any file system, through walked and open fids:
 * unlinked, renamed and renamed-over files, sparse files, modes that forbid their owner.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"

static void put(struct rig *g, const char *name, const char *text)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void expect_text(struct p9c *c, uint32_t fid, const char *text)
{
    char buf[64];
    uint32_t n;

    CHECK_OK(p9c_read(c, fid, 0, buf, sizeof(buf), &n));
    CHECK_EQ(n, strlen(text));
    CHECK(memcmp(buf, text, n) == 0);
}

/* Everything that must go on working with an open fid, wherever its name is. */
static void use(struct p9c *c, uint32_t fid, uint64_t nlink)
{
    struct p9_attr set = {.mode = 0604, .size = 6, .mtime = 1234567890}, a;
    uint32_t n;

    CHECK_OK(p9c_write(c, fid, 0, "written", 7, &n));
    CHECK_EQ(n, 7);
    expect_text(c, fid, "written");
    CHECK_OK(p9c_setattr(c, fid, P9_SETATTR_SIZE, &set));
    expect_text(c, fid, "writte");
    CHECK_OK(p9c_setattr(c, fid, P9_SETATTR_MODE, &set));
    CHECK_OK(p9c_setattr(c, fid, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, &set));
    CHECK_OK(p9c_setattr(c, fid, P9_SETATTR_UID | P9_SETATTR_GID, &set));
    CHECK_OK(p9c_fsync(c, fid, 0));
    CHECK_OK(p9c_getattr(c, fid, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.nlink, nlink);
    CHECK_EQ(a.size, 6);
    CHECK_EQ(a.mode, S_IFREG | 0604);
    CHECK_EQ(a.mtime, 1234567890);
}

static void unlinked_open_file(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr set = {.size = 2, .mode = 0640}, a;

    put(g, "f", "hello");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 2, "f")); /* walked only */
    CHECK_OK(p9c_walk(&c, 0, 3, "f")); /* read only */
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDONLY));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    put(g, "f", "another");
    use(&c, 1, 0);
    /* Through fids that cannot write. */
    CHECK_OK(p9c_setattr(&c, 2, P9_SETATTR_SIZE | P9_SETATTR_MODE, &set));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, 2);
    CHECK_EQ(a.mode & 0777, 0640);
    set.size = 1;
    CHECK_OK(p9c_setattr(&c, 3, P9_SETATTR_SIZE, &set));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDWR)); /* open after unlink */
    expect_text(&c, 2, "w");
    CHECK_OK(p9c_walk(&c, 2, 4, ""));
    CHECK_OK(p9c_walk(&c, 0, 5, "f"));
    CHECK_OK(p9c_lopen(&c, 5, P9_L_RDONLY));
    expect_text(&c, 5, "another");
    rig_end(g);
}

static void renamed_open_file(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    put(g, "f", "hello");
    MUST(mkdirat(g->root_fd, "d", 0755));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_OK(p9c_renameat(&c, 0, "f", 2, "g"));
    use(&c, 1, 1);
    rig_end(g);
}

static void renamed_over_file(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct stat st;

    put(g, "victim", "old");
    put(g, "new", "contents");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "victim"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_walk(&c, 0, 2, "victim"));
    CHECK_OK(p9c_renameat(&c, 0, "new", 0, "victim"));
    use(&c, 1, 0);
    MUST(fstatat(g->root_fd, "victim", &st, 0)); /* the new file is not touched */
    CHECK_EQ(st.st_size, 8);
    CHECK_EQ(st.st_mode & 0777, 0644);
    CHECK_OK(p9c_walk(&c, 0, 3, "victim"));
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDONLY));
    expect_text(&c, 3, "contents");
    rig_end(g);
}

static void renamed_parent(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    MUST(mkdirat(g->root_fd, "a", 0755));
    MUST(mkdirat(g->root_fd, "a/b", 0755));
    MUST(mkdirat(g->root_fd, "z", 0755));
    put(g, "a/b/f", "hello");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "a/b/f"));
    CHECK_OK(p9c_walk(&c, 0, 2, "a/b"));
    CHECK_OK(p9c_walk(&c, 0, 3, "z"));
    CHECK_OK(p9c_renameat(&c, 0, "a", 3, "y"));
    MUST(mkdirat(g->root_fd, "a", 0755));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    use(&c, 1, 1);
    CHECK_OK(p9c_mkdir(&c, 2, "below", 0755));
    CHECK_EQ(faccessat(g->root_fd, "z/y/b/below", F_OK, 0), 0);
    CHECK_OK(p9c_walk(&c, 2, 4, "../../.."));
    CHECK_OK(p9c_rename(&c, 1, 0, "moved"));
    CHECK_EQ(faccessat(g->root_fd, "moved", F_OK, 0), 0);
    rig_end(g);
}

static void removed_directory(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;

    MUST(mkdirat(g->root_fd, "d", 0755));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    CHECK_OK(p9c_unlinkat(&c, 0, "d", P9_AT_REMOVEDIR));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(S_ISDIR(a.mode));
    CHECK_ERR(p9c_mkdir(&c, 1, "x", 0755), ENOENT);
    CHECK_ERR(p9c_walk(&c, 1, 2, "x"), ENOENT);
    CHECK_OK(p9c_walk(&c, 1, 3, ""));
    rig_end(g);
}

static void hard_links_share_everything(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a, b;
    uint32_t n;

    put(g, "a", "x");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "a"));
    CHECK_OK(p9c_link(&c, 0, 1, "b"));
    CHECK_OK(p9c_walk(&c, 0, 2, "b"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_write(&c, 1, 0, "shared", 6, &n));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDONLY));
    expect_text(&c, 2, "shared");
    CHECK_OK(p9c_unlinkat(&c, 0, "a", 0));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &b));
    CHECK_EQ(a.nlink, 1);
    CHECK_EQ(a.qid.path, b.qid.path);
    CHECK_EQ(a.qid.version, b.qid.version);
    use(&c, 1, 1);
    rig_end(g);
}

static void sparse_over_4_gib(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a, set = {.size = (5ull << 30) + 123};
    char buf[4096], zero[4096] = {0};
    uint32_t n;

    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set));
    CHECK_OK(p9c_write(&c, 1, 1ull << 32, "beyond", 6, &n));
    CHECK_OK(p9c_write(&c, 1, 6ull << 30, "end", 3, &n));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, (6ull << 30) + 3);
    CHECK(a.blocks < 1000);
    CHECK_OK(p9c_read(&c, 1, (1ull << 32) - 5, buf, 16, &n));
    CHECK_EQ(n, 16);
    CHECK(memcmp(buf, "\0\0\0\0\0beyond\0\0\0\0\0", 16) == 0);
    CHECK_OK(p9c_read(&c, 1, 3ull << 30, buf, 4096, &n));
    CHECK_EQ(n, 4096);
    CHECK(memcmp(buf, zero, 4096) == 0);
    CHECK_OK(p9c_read(&c, 1, 6ull << 30, buf, 4096, &n));
    CHECK_EQ(n, 3);
    rig_end(g);
}

/* The guest's root opens what it owns, whatever the mode says. */
static void files_of_mode_0400_and_0000(void)
{
    static const uint32_t modes[] = {0400, 0200, 0000, 0044};
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint32_t n;

    p9c_mount(&c, g);
    for (uint32_t i = 0; i < 4; i++) {
        char name[8];

        snprintf(name, sizeof(name), "f%u", i);
        put(g, name, "hello");
        MUST(fchmodat(g->root_fd, name, modes[i], 0));
        CHECK_OK(p9c_walk(&c, 0, 10 + i, name));
        CHECK_OK(p9c_lopen(&c, 10 + i, P9_L_RDWR));
        CHECK_OK(p9c_write(&c, 10 + i, 0, "J", 1, &n));
        expect_text(&c, 10 + i, "Jello");
        CHECK_OK(p9c_walk(&c, 0, 20 + i, ""));
        snprintf(name, sizeof(name), "c%u", i);
        CHECK_OK(p9c_lcreate(&c, 20 + i, name, P9_L_RDWR | P9_L_CREAT, modes[i]));
        CHECK_OK(p9c_write(&c, 20 + i, 0, "x", 1, &n));
        expect_text(&c, 20 + i, "x");
    }
    MUST(mkdirat(g->root_fd, "d", 0));
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    CHECK_OK(p9c_mkdir(&c, 1, "e", 0));
    CHECK_OK(p9c_walk(&c, 0, 2, "d/e"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(&c, 1, 0, 4000));
    rig_end(g);
}

static void two_fids_of_a_file_see_each_other(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;
    char text[8];
    uint32_t n;

    put(g, "f", "");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_WRONLY));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDONLY));
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "%05d", i);
        CHECK_OK(p9c_write(&c, 1, 0, text, 5, &n));
        expect_text(&c, 2, text);
        CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
        CHECK_EQ(a.size, 5);
    }
    rig_end(g);
}

static void host_changes_are_seen(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;

    p9c_mount(&c, g);
    CHECK_ERR(p9c_walk(&c, 0, 1, "f"), ENOENT);
    put(g, "f", "one");
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    expect_text(&c, 1, "one");
    put(g, "f", "three");
    expect_text(&c, 1, "three");
    MUST(unlinkat(g->root_fd, "f", 0));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.nlink, 0);
    CHECK_ERR(p9c_walk(&c, 0, 2, "f"), ENOENT);
    rig_end(g);
}

/* Two writers of a log: whatever offset they send, neither overwrites the other. Not so for O_RDWR: worker/ops_open.c. */
static void appending_writers(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint32_t n;

    put(g, "log", "0123");
    p9c_mount(&c, g);
    for (uint32_t fid = 1; fid <= 3; fid++) {
        CHECK_OK(p9c_walk(&c, 0, fid, "log"));
        CHECK_OK(p9c_lopen(&c, fid, (fid < 3 ? P9_L_WRONLY : P9_L_RDWR) | P9_L_APPEND));
    }
    CHECK_OK(p9c_write(&c, 1, 0, "one ", 4, &n));
    CHECK_OK(p9c_write(&c, 2, 4, "two ", 4, &n));
    CHECK_OK(p9c_write(&c, 1, 1u << 20, "three", 5, &n));
    expect_text(&c, 3, "0123one two three");
    CHECK_OK(p9c_write(&c, 3, 17, " four", 5, &n)); /* at the end, as clients send it */
    expect_text(&c, 3, "0123one two three four");
    CHECK_OK(p9c_write(&c, 3, 0, "page", 4, &n)); /* a page that is written back */
    expect_text(&c, 3, "pageone two three four");
    /* created so */
    CHECK_OK(p9c_walk(&c, 0, 4, ""));
    CHECK_OK(p9c_lcreate(&c, 4, "new", P9_L_WRONLY | P9_L_APPEND | P9_L_CREAT, 0644));
    CHECK_OK(p9c_write(&c, 4, 100, "a", 1, &n));
    CHECK_OK(p9c_write(&c, 4, 0, "b", 1, &n));
    CHECK_OK(p9c_walk(&c, 0, 5, "new"));
    CHECK_OK(p9c_lopen(&c, 5, P9_L_RDONLY));
    expect_text(&c, 5, "ab");
    rig_end(g);
}

/* --- what is on stable storage --- */

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* since Linux 6.5, the same on all machines that Xen runs on */
#endif

/* Pages of the file that are not on disk yet; -1 where the kernel cannot tell. */
static long long not_written(const struct rig *g, const char *name)
{
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } stat = {0};
    const struct {
        uint64_t offset, len;
    } all = {0, 0};
    int fd = openat(g->root_fd, name, O_RDONLY | O_CLOEXEC);
    long res;

    MUST(fd);
    res = syscall(SYS_cachestat, fd, &all, &stat, 0);
    close(fd);
    return res == 0 ? (long long)(stat.dirty + stat.writeback) : -1;
}

/* Tfsync, and a Twstat that touches nothing. */
static void fsync_writes_to_disk(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct u9 u;
    uint32_t n;

    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    for (uint32_t datasync = 0; datasync < 2; datasync++) {
        CHECK_OK(p9c_write(&c, 1, 0, "data", 4, &n));
        if (not_written(g, "f") <= 0) {
            tap_note("nothing is to be seen here");
            break; /* a file system in memory, an old kernel */
        }
        CHECK_OK(p9c_fsync(&c, 1, datasync));
        CHECK_EQ(not_written(g, "f"), 0);
    }
    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        u9_mount(&u, g, d);
        u9_walk(&u, 0, 1, "f");
        u9_open(&u, 1, P9_ORDWR);
        u9_write(&u, 1, 0, "more");
        if (not_written(g, "f") <= 0)
            break;
        u9_want(&u, u9_ask_wstat(&u, 1, &u9_blank), P9_TWSTAT, "");
        CHECK_EQ(not_written(g, "f"), 0);
    }
    rig_end(g);
}

static void file_system_full(void)
{
    struct rig_config cfg = {.order = 6};
    char mnt[96];
    struct rig *g;
    struct p9c c;
    uint8_t block[16384] = {1};
    uint32_t n;
    uint64_t at = 0;
    int err;

    snprintf(mnt, sizeof(mnt), "%s/mnt", tap_dir());
    MUST(mkdir(mnt, 0755));
    MUST(mount("none", mnt, "tmpfs", 0, "size=1M,nr_inodes=20,mode=0755"));
    cfg.export = mnt;
    g = rig_new(&cfg);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    do {
        err = p9c_write(&c, 1, at, block, sizeof(block), &n);
        at += err == 0 ? n : 0;
    } while (err == 0 && at < 4 << 20);
    CHECK_ERR(err, ENOSPC);
    CHECK_EQ(at, 1 << 20);
    for (int i = 0; i < 30 && err != 0; i++) {
        char name[8];

        snprintf(name, sizeof(name), "d%d", i);
        err = p9c_mkdir(&c, 0, name, 0755) == 0;
    }
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "g", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_write(&c, 1, 0, block, sizeof(block), &n)); /* the space came back */
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"unlinked_open_file", unlinked_open_file, 0, 0},
    {"renamed_open_file", renamed_open_file, 0, 0},
    {"renamed_over_file", renamed_over_file, 0, 0},
    {"renamed_parent", renamed_parent, 0, 0},
    {"removed_directory", removed_directory, 0, 0},
    {"hard_links_share_everything", hard_links_share_everything, 0, 0},
    {"sparse_over_4_gib", sparse_over_4_gib, 0, 0},
    {"files_of_mode_0400_and_0000", files_of_mode_0400_and_0000, 0, 0},
    {"two_fids_of_a_file_see_each_other", two_fids_of_a_file_see_each_other, 0, 0},
    {"host_changes_are_seen", host_changes_are_seen, 0, 0},
    {"appending_writers", appending_writers, 0, 0},
    {"fsync_writes_to_disk", fsync_writes_to_disk, 0, 0},
    {"file_system_full", file_system_full, 0, 0},
};
TAP_SUITE(semantics, cases);
