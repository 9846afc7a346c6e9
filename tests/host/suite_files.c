/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_files.c - Tlopen, Tlcreate, Tread, Twrite, Tfsync, Tgetattr, Tsetattr, Tstatfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"

static void host_file(struct rig *g, const char *name, const void *data, size_t len)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static void open_modes(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    char buf[16];
    uint32_t n;

    host_file(g, "f", "0123456789", 10);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_ERR(p9c_read(&c, 1, 0, buf, 4, &n), EBADF); /* not open */
    CHECK_ERR(p9c_write(&c, 1, 0, "x", 1, &n), EBADF);
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY | P9_L_LARGEFILE | P9_L_NONBLOCK | P9_L_DIRECT));
    CHECK(c.qid.type == P9_QTFILE);
    CHECK_OK(p9c_read(&c, 1, 2, buf, 4, &n));
    CHECK_EQ(n, 4);
    CHECK(memcmp(buf, "2345", 4) == 0);
    CHECK_ERR(p9c_write(&c, 1, 0, "x", 1, &n), EBADF);
    CHECK(p9c_lopen(&c, 1, P9_L_RDONLY) != 0); /* double open */
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_WRONLY));
    CHECK_ERR(p9c_read(&c, 2, 0, buf, 4, &n), EBADF);
    CHECK_OK(p9c_write(&c, 2, 8, "AB", 2, &n));
    CHECK_OK(p9c_walk(&c, 0, 3, "f"));
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDWR | P9_L_NOATIME));
    CHECK_OK(p9c_read(&c, 3, 8, buf, 4, &n));
    CHECK_EQ(n, 2);
    CHECK(memcmp(buf, "AB", 2) == 0);
    CHECK_OK(p9c_walk(&c, 0, 4, "f"));
    CHECK_OK(p9c_lopen(&c, 4, P9_L_WRONLY | P9_L_TRUNC));
    CHECK_OK(p9c_read(&c, 3, 0, buf, 4, &n));
    CHECK_EQ(n, 0);
    /* CREAT, EXCL and bits that nobody knows mean nothing to Tlopen. */
    CHECK_OK(p9c_walk(&c, 0, 5, "f"));
    CHECK_OK(p9c_lopen(&c, 5, P9_L_RDWR | P9_L_CREAT | P9_L_EXCL | 020000u));
    CHECK_ERR(p9c_lopen(&c, 99, 0), EBADF);
    /* A directory: to read only. DIRECTORY on a file. */
    CHECK_OK(p9c_walk(&c, 0, 6, ""));
    CHECK_ERR(p9c_lopen(&c, 6, P9_L_RDWR), EISDIR);
    CHECK_ERR(p9c_lopen(&c, 6, P9_L_WRONLY), EISDIR);
    CHECK_OK(p9c_lopen(&c, 6, P9_L_RDONLY));
    CHECK_OK(p9c_walk(&c, 0, 7, "f"));
    CHECK_ERR(p9c_lopen(&c, 7, P9_L_RDONLY | P9_L_DIRECTORY), ENOTDIR);
    rig_end(g);
}

static void open_append(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;
    uint32_t n;

    host_file(g, "f", "0123456789", 10);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_WRONLY | P9_L_APPEND));
    CHECK_OK(p9c_write(&c, 1, 10, "ab", 2, &n));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, 12);
    rig_end(g);
}

/* What is written through them is on disk with the reply; the content is the same. */
static void open_sync(void)
{
    static const uint32_t flags[] = {P9_L_SYNC, P9_L_DSYNC, P9_L_SYNC | P9_L_DSYNC};
    struct rig *g = rig_new(NULL);
    struct p9c c;
    char buf[8];
    uint32_t n;

    host_file(g, "f", "", 0);
    p9c_mount(&c, g);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_OK(p9c_walk(&c, 0, 10 + i, "f"));
        CHECK_OK(p9c_lopen(&c, 10 + i, P9_L_RDWR | flags[i]));
        CHECK_OK(p9c_write(&c, 10 + i, i, &"abc"[i], 1, &n));
        CHECK_OK(p9c_walk(&c, 0, 20 + i, "f")); /* of no use to who only reads */
        CHECK_OK(p9c_lopen(&c, 20 + i, P9_L_RDONLY | flags[i]));
        CHECK_OK(p9c_read(&c, 20 + i, 0, buf, sizeof(buf), &n));
        CHECK(n == i + 1 && memcmp(buf, "abc", n) == 0);
    }
    rig_end(g);
}

static void create_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;
    struct stat st;
    char buf[8];
    uint32_t n;

    host_file(g, "old", "data", 4);
    MUST(symlinkat("elsewhere", g->root_fd, "dangling"));
    MUST(mkdirat(g->root_fd, "dir", 0755));
    p9c_mount(&c, g);
    /* The fid becomes the open file. */
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "new", P9_L_RDWR | P9_L_CREAT | P9_L_EXCL, 0640));
    CHECK_EQ(c.qid.type, P9_QTFILE);
    CHECK_OK(p9c_write(&c, 1, 0, "abc", 3, &n));
    CHECK_OK(p9c_read(&c, 1, 0, buf, 8, &n));
    CHECK_EQ(n, 3);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(S_ISREG(a.mode));
    CHECK_EQ(a.mode & 07777, 0640);
    CHECK_EQ(a.qid.path, c.qid.path);
    MUST(fstatat(g->root_fd, "new", &st, 0));
    CHECK_EQ(st.st_mode & 07777, 0640); /* the umask has been applied by the guest already */
    CHECK(p9c_lcreate(&c, 1, "x", P9_L_RDWR, 0644) != 0); /* on an open file */
    /* EXCL or not. */
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_ERR(p9c_lcreate(&c, 2, "old", P9_L_RDWR | P9_L_EXCL, 0644), EEXIST);
    CHECK_OK(p9c_lcreate(&c, 2, "old", P9_L_RDWR, 0600));
    CHECK_OK(p9c_read(&c, 2, 0, buf, 8, &n));
    CHECK_EQ(n, 4);
    CHECK_OK(p9c_walk(&c, 0, 3, ""));
    CHECK_OK(p9c_lcreate(&c, 3, "old", P9_L_WRONLY | P9_L_TRUNC, 0600));
    CHECK_OK(p9c_getattr(&c, 3, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, 0);
    /* What cannot be. */
    CHECK_OK(p9c_walk(&c, 0, 4, "old"));
    CHECK_ERR(p9c_lcreate(&c, 4, "x", P9_L_RDWR, 0644), ENOTDIR);
    CHECK_OK(p9c_walk(&c, 0, 5, ""));
    CHECK(p9c_lcreate(&c, 5, "dangling", P9_L_RDWR, 0644) != 0);
    CHECK(fstatat(g->root_fd, "elsewhere", &st, 0) != 0); /* not followed */
    CHECK(p9c_lcreate(&c, 5, "dir", P9_L_RDWR, 0644) != 0);
    CHECK_ERR(p9c_lcreate(&c, 99, "x", P9_L_RDWR, 0644), EBADF);
    CHECK_OK(p9c_lcreate(&c, 5, "fine", P9_L_RDONLY, 0)); /* the fid was not hurt */
    CHECK_OK(p9c_walk(&c, 0, 6, ""));
    CHECK_OK(p9c_lopen(&c, 6, P9_L_RDONLY));
    CHECK(p9c_lcreate(&c, 6, "x", P9_L_RDWR, 0644) != 0); /* on an open directory */
    rig_end(g);
}

static void create_mode_without_suid(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;
    struct stat st;
    struct p9_attr set = {.mode = 06755};

    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 06777));
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_mode & 07777, 0777);
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_MODE, &set));
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_mode & 07777, 0755);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.mode & 0777, 0755);
    CHECK_OK(p9c_mkdir(&c, 0, "d", 03777));
    MUST(fstatat(g->root_fd, "d", &st, 0));
    CHECK_EQ(st.st_mode & 06000, 0);
    CHECK_EQ(st.st_mode & 0777, 0777);
    CHECK_OK(p9c_mknod(&c, 0, "p", S_IFIFO | 06644, 0, 0));
    MUST(fstatat(g->root_fd, "p", &st, 0));
    CHECK_EQ(st.st_mode & 07777, 0644);
    rig_end(g);
}

static void read_counts_and_offsets(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 7});
    struct p9c c;
    const size_t len = 300000;
    uint8_t *data = malloc(len), *buf = malloc(len + 10);
    size_t all;
    uint32_t n;

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    host_file(g, "f", data, len);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_OK(p9c_read(&c, 1, 0, buf, 0, &n));
    CHECK_EQ(n, 0);
    CHECK_OK(p9c_read(&c, 1, len, buf, 100, &n));
    CHECK_EQ(n, 0);
    CHECK_OK(p9c_read(&c, 1, len - 1, buf, 100, &n));
    CHECK_EQ(n, 1);
    /* More than a reply can hold: as much as fits. */
    CHECK_OK(p9c_rpc(&c, P9_TREAD, "dqd", 1u, 0ul, UINT32_MAX));
    n = cursor_u32(&c.body);
    CHECK(n > c.msize / 2 && cursor_left(&c.body) == n);
    CHECK(memcmp(c.body.p, data, n) == 0);
    CHECK_OK(p9c_read_all(&c, 1, 0, buf, len + 10, &all));
    CHECK_EQ(all, len);
    CHECK(memcmp(buf, data, len) == 0);
    /* Offsets at the edge of the world. */
    for (int i = 0; i < 64; i++)
        if (p9c_read(&c, 1, (1ull << 63) - 32 + (uint64_t)i, buf, 100, &n) == 0)
            CHECK_EQ(n, 0);
    CHECK(p9c_read(&c, 1, UINT64_MAX, buf, 1, &n) != 0);
    CHECK(p9c_write(&c, 1, UINT64_MAX, buf, 1, &n) != 0);
    CHECK(p9c_write(&c, 1, INT64_MAX, buf, 10, &n) != 0);
    CHECK(p9c_write(&c, 1, INT64_MAX - 5, buf, 10, &n) != 0);
    CHECK(p9c_write(&c, 1, 1ull << 63, buf, 10, &n) != 0);
    CHECK_OK(p9c_write(&c, 1, 5, buf, 0, &n));
    CHECK_EQ(n, 0);
    rig_end(g);
}

static void write_count_and_content_disagree(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct stat st;
    uint8_t data[100] = {1};

    host_file(g, "f", "", 0);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_ERR(p9c_rpc(&c, P9_TWRITE, "dqdB", 1u, 0ul, 101u, sizeof(data), data), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TWRITE, "dqdB", 1u, 0ul, 99u, sizeof(data), data), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TWRITE, "dqdB", 1u, 0ul, UINT32_MAX, sizeof(data), data), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TWRITE, "dqd", 1u, 0ul, 1u), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TWRITE, "dq", 1u, 0ul), EINVAL);
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_size, 0);
    rig_end(g);
}

/* The same bytes in and out, in all sizes, by both paths of a Tread. */
static void copy_check(struct rig *g, const char *name)
{
    struct p9c c;
    const size_t len = 200000;
    uint8_t *data = malloc(len), *buf = malloc(len);
    size_t at = 0;
    uint32_t n, step = 1;

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 40503u >> 7);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, name, P9_L_RDWR | P9_L_CREAT, 0644));
    while (at < len) {
        uint32_t most = c.msize - P9_TWRITE_HDR_SIZE;
        uint32_t k = step < most ? step : most;

        if (k > len - at)
            k = (uint32_t)(len - at);
        CHECK_OK(p9c_write(&c, 1, at, data + at, k, &n));
        CHECK_EQ(n, k);
        at += k;
        step += step / 3 + 1;
        if (step > 2 * most)
            step = 5;
    }
    CHECK_OK(p9c_fsync(&c, 1, 0));
    CHECK_OK(p9c_fsync(&c, 1, 1));
    for (at = 0, step = 1; at < len; at += n) {
        CHECK_OK(p9c_read(&c, 1, at, buf + at, step < len - at ? step : (uint32_t)(len - at), &n));
        CHECK(n > 0);
        step += step / 3 + 1;
        if (step > c.msize - P9_IOHDR_SIZE - 1)
            step = 5;
    }
    CHECK(memcmp(data, buf, len) == 0);
    rig_end(g);
}

static void copy_on_disk(void)
{
    copy_check(rig_new(&(struct rig_config){.order = 5}), "f");
}

static void copy_order_2(void)
{
    copy_check(rig_new(&(struct rig_config){.order = 2, .num_rings = 1}), "f");
}

/* tmpfs refuses RWF_NOWAIT: reads go through the buffer. */
static void copy_on_tmpfs(void)
{
    char mnt[96];

    snprintf(mnt, sizeof(mnt), "%s/mnt", tap_dir());
    MUST(mkdir(mnt, 0755));
    MUST(mount("none", mnt, "tmpfs", 0, "size=64M,mode=0755"));
    copy_check(rig_new(&(struct rig_config){.export = mnt}), "f");
}

static void getattr_is_stat(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a, again;
    struct stat st;

    host_file(g, "f", "12345", 5);
    MUST(fchmodat(g->root_fd, "f", 0641, 0));
    MUST(linkat(g->root_fd, "f", g->root_fd, "g", 0));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(a.mode, st.st_mode);
    CHECK_EQ(a.uid, 0);
    CHECK_EQ(a.gid, 0);
    CHECK_EQ(a.nlink, 2);
    CHECK_EQ(a.size, 5);
    CHECK_EQ(a.blocks, st.st_blocks);
    CHECK(a.blksize > 0);
    CHECK_EQ(a.atime, st.st_atim.tv_sec);
    CHECK_EQ(a.mtime, st.st_mtim.tv_sec);
    CHECK_EQ(a.mtime_ns, st.st_mtim.tv_nsec);
    CHECK_EQ(a.ctime, st.st_ctim.tv_sec);
    CHECK_EQ(a.ctime_ns, st.st_ctim.tv_nsec);
    CHECK(a.qid.version != 0);
    /* Asked for less or for more: all of BASIC, the same qid. */
    CHECK_OK(p9c_getattr(&c, 1, 0, &again));
    CHECK_EQ(again.size, 5);
    CHECK(memcmp(&again.qid.path, &a.qid.path, 8) == 0 && again.qid.version == a.qid.version);
    CHECK_OK(p9c_getattr(&c, 1, UINT64_MAX, &again));
    CHECK_EQ(again.mode, a.mode);
    CHECK_EQ(again.qid.version, a.qid.version);
    /* Both names are one file. */
    CHECK_OK(p9c_walk(&c, 0, 2, "g"));
    CHECK_EQ(c.qid.path, a.qid.path);
    CHECK_ERR(p9c_getattr(&c, 99, P9_GETATTR_BASIC, &a), EBADF);
    rig_end(g);
}

static void shown_owner(void)
{
    struct rig *g = rig_new(&(struct rig_config){.shown_uid = 4711, .shown_gid = 4712});
    struct p9c c;
    struct p9_attr a;

    host_file(g, "f", "", 0);
    host_file(g, "others", "", 0);
    MUST(fchownat(g->root_fd, "others", 1, 1, 0));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.uid, 4711);
    CHECK_EQ(a.gid, 4712);
    CHECK_OK(p9c_walk(&c, 0, 2, "others"));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
    CHECK(a.uid != 4711);
    rig_end(g);
}

static void qid_version_follows_changes(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a, b;
    uint32_t n, zero = 0;

    host_file(g, "f", "1", 1);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    for (int i = 0; i < 50; i++) {
        CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
        CHECK(a.qid.version != 0);
        tap_sleep(12); /* a tick of the file system's clock */
        CHECK_OK(p9c_write(&c, 1, 0, &i, 4, &n));
        CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &b));
        zero += a.qid.version == b.qid.version;
        CHECK_EQ(a.qid.path, b.qid.path);
    }
    CHECK_EQ(zero, 0);
    rig_end(g);
}

static void setattr_each(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr set = {0}, a, before;
    struct stat st;

    host_file(g, "f", "0123456789", 10);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    set.mode = 0605;
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_MODE, &set));
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_mode, S_IFREG | 0605);
    set.size = 3;
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set));
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_size, 3);
    set.size = 100000;
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_SIZE | P9_SETATTR_CTIME, &set));
    set.atime = 1000000000;
    set.atime_ns = 111;
    set.mtime = 1100000000;
    set.mtime_ns = 222;
    CHECK_OK(p9c_setattr(
        &c, 1, P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET,
        &set));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, 100000);
    CHECK_EQ(a.atime, 1000000000);
    CHECK_EQ(a.atime_ns, 111);
    CHECK_EQ(a.mtime, 1100000000);
    CHECK_EQ(a.mtime_ns, 222);
    /* One of them, the other stays; without _SET: now. */
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_ATIME, &set));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(a.atime > 1100000000);
    CHECK_EQ(a.mtime, 1100000000);
    /* CTIME alone touches ctime and nothing else. */
    before = a;
    tap_sleep(20);
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_CTIME, &set));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(a.ctime != before.ctime || a.ctime_ns != before.ctime_ns);
    CHECK_EQ(a.mtime, before.mtime);
    CHECK_EQ(a.mode, before.mode);
    /* Nothing is fine, too; a time of 2^40 ns is not. */
    CHECK_OK(p9c_setattr(&c, 1, 0, &set));
    set.atime_ns = 1ull << 40;
    CHECK(p9c_setattr(&c, 1, P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET, &set) != 0);
    set.atime_ns = 0x3fffffff; /* UTIME_NOW must not be smuggled in */
    CHECK(p9c_setattr(&c, 1, P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET, &set) != 0);
    set.size = 1ull << 63;
    CHECK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set) != 0);
    set.size = UINT64_MAX;
    CHECK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set) != 0);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, 100000);
    /* A directory has no size to set. */
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    set.size = 0;
    CHECK(p9c_setattr(&c, 2, P9_SETATTR_SIZE, &set) != 0);
    CHECK_ERR(p9c_setattr(&c, 99, P9_SETATTR_MODE, &set), EBADF);
    rig_end(g);
}

static void setattr_chown_is_ignored(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr set = {.uid = 1234, .gid = 1234, .mode = 0600}, a;
    struct stat st;

    host_file(g, "f", "", 0);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_UID | P9_SETATTR_GID, &set));
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_UID | P9_SETATTR_MODE | P9_SETATTR_CTIME, &set));
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_uid, 0);
    CHECK_EQ(st.st_gid, 0);
    CHECK_EQ(st.st_mode & 07777, 0600);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.uid, 0);
    rig_end(g);
}

static void setattr_on_symlink(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr set = {.mode = 0600, .mtime = 1200000000, .uid = 5, .gid = 5};
    struct stat st, before;

    host_file(g, "f", "x", 1);
    MUST(symlinkat("f", g->root_fd, "l"));
    MUST(fstatat(g->root_fd, "f", &before, 0));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "l"));
    CHECK(p9c_setattr(&c, 1, P9_SETATTR_MODE, &set) != 0);
    CHECK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set) != 0);
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_UID, &set)); /* tar and cp -a do */
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, &set));
    MUST(fstatat(g->root_fd, "l", &st, AT_SYMLINK_NOFOLLOW));
    CHECK_EQ(st.st_mtim.tv_sec, 1200000000);
    MUST(fstatat(g->root_fd, "f", &st, 0)); /* what it points to is untouched */
    CHECK_EQ(st.st_mode, before.st_mode);
    CHECK_EQ(st.st_size, before.st_size);
    CHECK_EQ(st.st_mtim.tv_sec, before.st_mtim.tv_sec);
    rig_end(g);
}

static void statfs_is_statfs(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_statfs s;
    struct statfs fs;

    p9c_mount(&c, g);
    CHECK_OK(p9c_statfs(&c, 0, &s));
    MUST(statfs(g->root, &fs));
    CHECK_EQ(s.bsize, fs.f_bsize);
    CHECK_EQ(s.blocks, fs.f_blocks);
    CHECK_EQ(s.files, fs.f_files);
    CHECK_EQ(s.namelen, fs.f_namelen);
    CHECK_ERR(p9c_statfs(&c, 99, &s), EBADF);
    rig_end(g);
}

static void read_only_export(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_READ_ONLY, .export = tap_dir()};
    struct rig *g = rig_prepare(&cfg);
    struct p9_attr set = {.mode = 0600, .size = 1}, a;
    struct p9c c;
    char buf[8];
    uint32_t n;

    host_file(g, "f", "data", 4);
    MUST(mkdirat(g->root_fd, "d", 0755));
    rig_start(g, 0);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_ERR(p9c_lopen(&c, 1, P9_L_RDWR), EROFS);
    CHECK_ERR(p9c_lopen(&c, 1, P9_L_WRONLY), EROFS);
    CHECK_ERR(p9c_lopen(&c, 1, P9_L_RDONLY | P9_L_TRUNC), EROFS);
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_read(&c, 1, 0, buf, 8, &n));
    CHECK_EQ(n, 4);
    CHECK(p9c_write(&c, 1, 0, "x", 1, &n) != 0);
    CHECK_OK(p9c_fsync(&c, 1, 0));
    CHECK_ERR(p9c_setattr(&c, 1, P9_SETATTR_MODE, &set), EROFS);
    CHECK_ERR(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set), EROFS);
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_ERR(p9c_lcreate(&c, 2, "n", P9_L_RDWR | P9_L_CREAT, 0644), EROFS);
    CHECK_ERR(p9c_mkdir(&c, 0, "n", 0755), EROFS);
    CHECK_ERR(p9c_mknod(&c, 0, "n", S_IFIFO | 0644, 0, 0), EROFS);
    CHECK_ERR(p9c_symlink(&c, 0, "n", "f"), EROFS);
    CHECK_ERR(p9c_link(&c, 0, 1, "n"), EROFS);
    CHECK_ERR(p9c_rename(&c, 1, 0, "n"), EROFS);
    CHECK_ERR(p9c_renameat(&c, 0, "f", 0, "n"), EROFS);
    CHECK_ERR(p9c_unlinkat(&c, 0, "f", 0), EROFS);
    CHECK_ERR(p9c_unlinkat(&c, 0, "d", P9_AT_REMOVEDIR), EROFS);
    CHECK_OK(p9c_walk(&c, 0, 3, "f"));
    CHECK_ERR(p9c_remove(&c, 3), EROFS);
    CHECK_ERR(p9c_getattr(&c, 3, P9_GETATTR_BASIC, &a), EBADF); /* Tremove always clunks */
    CHECK_OK(p9c_walk(&c, 0, 4, ""));
    CHECK_OK(p9c_lopen(&c, 4, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(&c, 4, 0, 4000));
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"open_modes", open_modes, 0, 0},
    {"open_append", open_append, 0, 0},
    {"open_sync", open_sync, 0, 0},
    {"create_rules", create_rules, 0, 0},
    {"create_mode_without_suid", create_mode_without_suid, 0, 0},
    {"read_counts_and_offsets", read_counts_and_offsets, 0, 0},
    {"write_count_and_content_disagree", write_count_and_content_disagree, 0, 0},
    {"copy_on_disk", copy_on_disk, 0, 0},
    {"copy_order_2", copy_order_2, 0, 0},
    {"copy_on_tmpfs", copy_on_tmpfs, 0, 0},
    {"getattr_is_stat", getattr_is_stat, 0, 0},
    {"shown_owner", shown_owner, 0, 0},
    {"qid_version_follows_changes", qid_version_follows_changes, 0, 0},
    {"setattr_each", setattr_each, 0, 0},
    {"setattr_chown_is_ignored", setattr_chown_is_ignored, 0, 0},
    {"setattr_on_symlink", setattr_on_symlink, 0, 0},
    {"statfs_is_statfs", statfs_is_statfs, 0, 0},
    {"read_only_export", read_only_export, 0, 0},
};
TAP_SUITE(files, cases);
