/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_names.c - Tmkdir, Tmknod, Tsymlink, Treadlink, Tlink, Trename, Trenameat, Tunlinkat,
 * Tremove, Treaddir.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"

static void touch(struct rig *g, const char *name)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    close(fd);
}

static bool exists(struct rig *g, const char *name)
{
    return faccessat(g->root_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void mkdir_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct stat st;

    touch(g, "f");
    p9c_mount(&c, g);
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0750));
    CHECK_EQ(c.qid.type, P9_QTDIR);
    MUST(fstatat(g->root_fd, "d", &st, 0));
    CHECK_EQ(st.st_mode, S_IFDIR | 0750);
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    CHECK_ERR(p9c_mkdir(&c, 0, "d", 0755), EEXIST);
    CHECK_ERR(p9c_mkdir(&c, 0, "f", 0755), EEXIST);
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_ERR(p9c_mkdir(&c, 2, "x", 0755), ENOTDIR);
    CHECK_ERR(p9c_mkdir(&c, 99, "x", 0755), EBADF);
    CHECK_OK(p9c_mkdir(&c, 1, "sticky", 01777));
    MUST(fstatat(g->root_fd, "d/sticky", &st, 0));
    CHECK_EQ(st.st_mode & 07777, 01777);
    rig_end(g);
}

static void mknod_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;
    struct stat st;

    p9c_mount(&c, g);
    CHECK_OK(p9c_mknod(&c, 0, "fifo", S_IFIFO | 0644, 0, 0));
    CHECK_OK(p9c_mknod(&c, 0, "sock", S_IFSOCK | 0644, 0, 0));
    CHECK_OK(p9c_walk(&c, 0, 1, "fifo"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(S_ISFIFO(a.mode));
    MUST(fstatat(g->root_fd, "sock", &st, 0));
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_ERR(p9c_mknod(&c, 0, "null", S_IFCHR | 0666, 1, 3), EPERM);
    CHECK_ERR(p9c_mknod(&c, 0, "disk", S_IFBLK | 0666, 8, 0), EPERM);
    CHECK(p9c_mknod(&c, 0, "odd", S_IFLNK | 0666, 0, 0) != 0);
    CHECK(p9c_mknod(&c, 0, "odd", S_IFDIR | 0755, 0, 0) != 0);
    CHECK(p9c_mknod(&c, 0, "odd", 0xf0000000u | 0755, 0, 0) != 0 ||
          (fstatat(g->root_fd, "odd", &st, 0) == 0 && S_ISREG(st.st_mode)));
    CHECK(!exists(g, "null") && !exists(g, "disk"));
    CHECK_ERR(p9c_mknod(&c, 0, "fifo", S_IFIFO | 0644, 0, 0), EEXIST);
    rig_end(g);
}

static void symlink_rules(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6});
    char longest[4097], got[8192];
    struct p9c c;
    struct p9_attr a;

    p9c_mount(&c, g);
    CHECK_OK(p9c_symlink(&c, 0, "l", "/etc/passwd"));
    CHECK_EQ(c.qid.type, P9_QTSYMLINK);
    CHECK_OK(p9c_walk(&c, 0, 1, "l"));
    CHECK_OK(p9c_readlink(&c, 1, got, sizeof(got)));
    CHECK(strcmp(got, "/etc/passwd") == 0);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(S_ISLNK(a.mode));
    CHECK_EQ(a.size, 11);
    memset(longest, 'x', sizeof(longest));
    longest[4095] = '\0';
    CHECK_OK(p9c_symlink(&c, 0, "long", longest));
    CHECK_OK(p9c_walk(&c, 0, 2, "long"));
    CHECK_OK(p9c_readlink(&c, 2, got, sizeof(got)));
    CHECK(strcmp(got, longest) == 0);
    longest[4095] = 'x';
    longest[4096] = '\0';
    CHECK_ERR(p9c_symlink(&c, 0, "longer", longest), ENAMETOOLONG);
    CHECK(p9c_symlink(&c, 0, "empty", "") != 0);
    CHECK(p9c_rpc(&c, P9_TSYMLINK, "dsSd", 0u, "nul", (size_t)3, "a\0b", 0u) != 0);
    CHECK(!exists(g, "nul") && !exists(g, "empty"));
    CHECK_ERR(p9c_symlink(&c, 0, "l", "x"), EEXIST);
    CHECK(p9c_readlink(&c, 0, got, sizeof(got)) != 0); /* of a directory */
    rig_end(g);
}

static void link_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a, b;

    touch(g, "f");
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(symlinkat("f", g->root_fd, "l"));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_OK(p9c_link(&c, 2, 1, "hard"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.nlink, 2);
    CHECK_OK(p9c_walk(&c, 2, 3, "hard"));
    CHECK_OK(p9c_getattr(&c, 3, P9_GETATTR_BASIC, &b));
    CHECK_EQ(a.qid.path, b.qid.path);
    CHECK_ERR(p9c_link(&c, 2, 1, "hard"), EEXIST);
    CHECK(p9c_link(&c, 0, 2, "dirlink") != 0); /* of a directory */
    CHECK_ERR(p9c_link(&c, 1, 1, "x"), ENOTDIR);
    CHECK_ERR(p9c_link(&c, 0, 99, "x"), EBADF);
    CHECK_ERR(p9c_link(&c, 99, 1, "x"), EBADF);
    /* Of a symlink: the symlink itself. */
    CHECK_OK(p9c_walk(&c, 0, 4, "l"));
    CHECK_OK(p9c_link(&c, 0, 4, "l2"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.nlink, 2);
    /* A fid of another attach is a fid of the same tree. */
    CHECK_OK(p9c_attach(&c, 50, P9_NOFID, "", 1000));
    CHECK_OK(p9c_link(&c, 50, 1, "other"));
    rig_end(g);
}

static void rename_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;

    touch(g, "f");
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(mkdirat(g->root_fd, "d/sub", 0755));
    MUST(mkdirat(g->root_fd, "full", 0755));
    touch(g, "full/x");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_OK(p9c_rename(&c, 1, 2, "g"));
    CHECK(!exists(g, "f") && exists(g, "d/g"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_rename(&c, 1, 0, "f2")); /* the fid follows */
    CHECK(exists(g, "f2"));
    CHECK_OK(p9c_renameat(&c, 0, "f2", 2, "f3"));
    CHECK(exists(g, "d/f3"));
    CHECK_ERR(p9c_renameat(&c, 0, "nope", 2, "x"), ENOENT);
    CHECK_ERR(p9c_renameat(&c, 0, "d", 0, "full"), ENOTEMPTY);
    CHECK_ERR(p9c_renameat(&c, 2, "f3", 0, "full"), EISDIR);
    CHECK_ERR(p9c_renameat(&c, 0, "full", 2, "f3"), ENOTDIR);
    CHECK_ERR(p9c_renameat(&c, 99, "a", 0, "b"), EBADF);
    CHECK_ERR(p9c_renameat(&c, 0, "a", 99, "b"), EBADF);
    CHECK_ERR(p9c_renameat(&c, 1, "a", 0, "b"), ENOTDIR);
    CHECK_ERR(p9c_rename(&c, 99, 0, "b"), EBADF);
    /* Over itself, over another name of the same file. */
    CHECK_OK(p9c_renameat(&c, 2, "f3", 2, "f3"));
    CHECK(exists(g, "d/f3"));
    rig_end(g);
}

static void rename_directory_into_its_child(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(mkdirat(g->root_fd, "d/sub", 0755));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "d/sub"));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_ERR(p9c_renameat(&c, 0, "d", 1, "d"), EINVAL);
    CHECK_ERR(p9c_rename(&c, 2, 1, "d"), EINVAL);
    CHECK_ERR(p9c_rename(&c, 2, 2, "d"), EINVAL);
    CHECK(exists(g, "d/sub"));
    rig_end(g);
}

static void rename_unlink_remove_of_the_root(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr a;

    MUST(mkdirat(g->root_fd, "d", 0755));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK(p9c_rename(&c, 1, 2, "root") != 0);
    CHECK(p9c_rename(&c, 0, 0, "root") != 0);
    CHECK(p9c_unlinkat(&c, 0, ".", P9_AT_REMOVEDIR) != 0);
    CHECK(p9c_unlinkat(&c, 2, "..", P9_AT_REMOVEDIR) != 0);
    CHECK(p9c_renameat(&c, 2, "..", 0, "x") != 0);
    CHECK(p9c_link(&c, 0, 1, "x") != 0);
    CHECK_OK(p9c_walk(&c, 0, 3, "d/.."));
    CHECK(p9c_remove(&c, 3) != 0);
    CHECK(p9c_remove(&c, 1) != 0);
    CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_walk(&c, 0, 4, "d"));
    rig_end(g);
}

static void unlink_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    touch(g, "f");
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(mkdirat(g->root_fd, "full", 0755));
    touch(g, "full/x");
    MUST(symlinkat("full", g->root_fd, "l"));
    MUST(mkfifoat(g->root_fd, "fifo", 0644));
    p9c_mount(&c, g);
    CHECK_ERR(p9c_unlinkat(&c, 0, "d", 0), EISDIR);
    CHECK_ERR(p9c_unlinkat(&c, 0, "f", P9_AT_REMOVEDIR), ENOTDIR);
    CHECK_ERR(p9c_unlinkat(&c, 0, "full", P9_AT_REMOVEDIR), ENOTEMPTY);
    CHECK_ERR(p9c_unlinkat(&c, 0, "nope", 0), ENOENT);
    CHECK_ERR(p9c_unlinkat(&c, 0, "f", 0x1000), EINVAL);
    CHECK_ERR(p9c_unlinkat(&c, 99, "f", 0), EBADF);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_ERR(p9c_unlinkat(&c, 1, "x", 0), ENOTDIR);
    CHECK_OK(p9c_unlinkat(&c, 0, "l", 0)); /* the link, not what it names */
    CHECK(exists(g, "full/x"));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    CHECK_OK(p9c_unlinkat(&c, 0, "fifo", 0));
    CHECK_OK(p9c_unlinkat(&c, 0, "d", P9_AT_REMOVEDIR));
    CHECK(!exists(g, "f") && !exists(g, "fifo") && !exists(g, "d"));
    rig_end(g);
}

static void remove_each_type(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    touch(g, "f");
    MUST(linkat(g->root_fd, "f", g->root_fd, "f2", 0));
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(symlinkat("f", g->root_fd, "l"));
    MUST(mkfifoat(g->root_fd, "fifo", 0644));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f2"));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_OK(p9c_walk(&c, 0, 3, "l"));
    CHECK_OK(p9c_walk(&c, 0, 4, "fifo"));
    for (uint32_t f = 1; f <= 4; f++)
        CHECK_OK(p9c_remove(&c, f));
    CHECK(exists(g, "f") && !exists(g, "f2") && !exists(g, "d") && !exists(g, "l"));
    CHECK(!exists(g, "fifo"));
    /* Renamed since: the file goes, not what stands at its old name. */
    touch(g, "a");
    CHECK_OK(p9c_walk(&c, 0, 5, "a"));
    MUST(renameat(g->root_fd, "a", g->root_fd, "b"));
    touch(g, "a");
    CHECK_OK(p9c_remove(&c, 5));
    CHECK(exists(g, "a") && !exists(g, "b"));
    /* Without a name any more. */
    CHECK_OK(p9c_walk(&c, 0, 6, "a"));
    MUST(unlinkat(g->root_fd, "a", 0));
    touch(g, "a");
    CHECK(p9c_remove(&c, 6) != 0);
    CHECK(exists(g, "a"));
    rig_end(g);
}

/* Reads a whole directory in replies of `count` bytes; returns how many entries. */
static uint32_t list(struct p9c *c, uint32_t fid, uint32_t count, struct p9_dirent *to,
                     uint32_t max)
{
    uint64_t at = 0;
    uint32_t n = 0;

    for (;;) {
        uint32_t before = n;
        struct p9_dirent d;

        CHECK_OK(p9c_readdir(c, fid, at, count));
        while (p9c_dirent(c, &d)) {
            CHECK(n < max);
            to[n++] = d;
            at = d.offset;
        }
        if (n == before)
            return n;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct p9_dirent *)a)->name, ((const struct p9_dirent *)b)->name);
}

static void readdir_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_dirent d[16];
    struct p9_attr a;
    struct p9c c;
    uint32_t n;
    char name[256];

    touch(g, "file");
    MUST(mkdirat(g->root_fd, "dir", 0755));
    MUST(symlinkat("x", g->root_fd, "link"));
    MUST(mkfifoat(g->root_fd, "pipe", 0644));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK(p9c_readdir(&c, 1, 0, 4000) != 0); /* not open */
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY | P9_L_DIRECTORY));
    n = list(&c, 1, 4000, d, 16);
    CHECK_EQ(n, 6);
    qsort(d, n, sizeof(d[0]), by_name);
    CHECK(strcmp(d[0].name, ".") == 0 && strcmp(d[1].name, "..") == 0);
    CHECK(strcmp(d[2].name, "dir") == 0 && d[2].type == DT_DIR && d[2].qid.type == P9_QTDIR);
    CHECK(strcmp(d[3].name, "file") == 0 && d[3].type == DT_REG && d[3].qid.type == P9_QTFILE);
    CHECK(strcmp(d[4].name, "link") == 0 && d[4].type == DT_LNK && d[4].qid.type == P9_QTSYMLINK);
    CHECK(strcmp(d[5].name, "pipe") == 0 && d[5].type == DT_FIFO);
    for (uint32_t i = 2; i < n; i++) {
        CHECK_OK(p9c_walk(&c, 0, 2, d[i].name));
        CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
        CHECK_EQ(a.qid.path, d[i].qid.path);
        CHECK_OK(p9c_clunk(&c, 2));
    }
    CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.qid.path, d[0].qid.path); /* "." */
    /* Again from the start, in the smallest steps. */
    CHECK_EQ(list(&c, 1, 24 + 4, d, 16), 6);
    /* The first entry does not fit: an error, not the end. */
    CHECK(p9c_readdir(&c, 1, 0, 10) != 0);
    CHECK(p9c_readdir(&c, 1, 0, 0) != 0 || cursor_left(&c.body) == 0);
    CHECK_OK(p9c_readdir(&c, 1, 0, UINT32_MAX));
    /* Of a file, of nothing. */
    CHECK_OK(p9c_walk(&c, 0, 3, "file"));
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDONLY));
    CHECK(p9c_readdir(&c, 3, 0, 4000) != 0);
    CHECK_ERR(p9c_readdir(&c, 99, 0, 4000), EBADF);
    CHECK(p9c_read(&c, 1, 0, name, 100, &n) != 0); /* Tread of a directory */
    rig_end(g);
}

#define MANY 20000u

static void readdir_20000_any_cookie(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 8});
    struct p9_dirent *d = calloc(MANY + 2, sizeof(*d)), e;
    uint8_t *seen = calloc(1, MANY);
    struct p9c c;
    char name[32];
    uint32_t n, x = 12345;

    MUST(mkdirat(g->root_fd, "big", 0755));
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "big/file-%05u", i);
        touch(g, name);
    }
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "big"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    n = list(&c, 1, c.msize, d, MANY + 2);
    CHECK_EQ(n, MANY + 2);
    for (uint32_t i = 0; i < n; i++) {
        unsigned number;

        if (sscanf(d[i].name, "file-%u", &number) == 1) {
            CHECK(number < MANY && !seen[number]);
            seen[number] = 1;
        }
    }
    for (int k = 0; k < 500; k++) { /* any cookie that was given out, in any order */
        uint32_t i;

        x = x * 1103515245u + 12345u;
        i = (x >> 8) % (n - 1);
        CHECK_OK(p9c_readdir(&c, 1, d[i].offset, 400));
        for (uint32_t j = i + 1; p9c_dirent(&c, &e); j++) {
            CHECK(j < n);
            CHECK(strcmp(e.name, d[j].name) == 0);
            CHECK_EQ(e.offset, d[j].offset);
        }
    }
    CHECK_OK(p9c_readdir(&c, 1, d[n - 1].offset, 400));
    CHECK(!p9c_dirent(&c, &e));
    rig_end(g);
}

/* Cookies that were never given out: anything but a crash, a hang or a broken reply. */
static void readdir_any_cookie_of_ones_own(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_dirent e;
    struct p9c c;
    uint64_t cookies[] = {1,
                          2,
                          3,
                          77,
                          INT32_MAX,
                          UINT32_MAX,
                          1ull << 32,
                          INT64_MAX - 1,
                          INT64_MAX,
                          1ull << 63,
                          UINT64_MAX - 1,
                          UINT64_MAX};

    for (int i = 0; i < 30; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        touch(g, name);
    }
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++)
        if (p9c_readdir(&c, 1, cookies[i], 4000) == 0)
            while (p9c_dirent(&c, &e))
                ;
    CHECK_OK(p9c_readdir(&c, 1, 0, 4000));
    CHECK(p9c_dirent(&c, &e));
    rig_end(g);
}

static void readdir_directory_changed_meanwhile(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_dirent e;
    struct p9c c;
    uint64_t at = 0;
    uint32_t old = 0;

    MUST(mkdirat(g->root_fd, "d", 0755));
    for (int i = 0; i < 400; i++) {
        char name[16];

        snprintf(name, sizeof(name), "d/n%03d", i);
        touch(g, name);
    }
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    for (int i = 0;; i++) { /* files that stay must all be told, whatever else happens */
        char name[16];
        uint32_t before = old;

        CHECK_OK(p9c_readdir(&c, 1, at, 1000));
        while (p9c_dirent(&c, &e)) {
            at = e.offset;
            old += e.name[0] == 'n';
            before = UINT32_MAX;
        }
        if (before != UINT32_MAX)
            break;
        snprintf(name, sizeof(name), "d/x%03d", i);
        touch(g, name);
    }
    CHECK_EQ(old, 400);
    /* Deleted while it is open: the end, or an error; not a hang. */
    MUST(mkdirat(g->root_fd, "e", 0755));
    CHECK_OK(p9c_walk(&c, 0, 2, "e"));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDONLY));
    MUST(unlinkat(g->root_fd, "e", AT_REMOVEDIR));
    if (p9c_readdir(&c, 2, 0, 4000) == 0)
        while (p9c_dirent(&c, &e))
            CHECK(e.name[0] == '.');
    rig_end(g);
}

static void long_and_strange_names(void)
{
    struct rig *g = rig_new(NULL);
    char name[256], all[260];
    struct p9_dirent d[8];
    struct p9c c;
    int k = 0;

    p9c_mount(&c, g);
    memset(name, 'n', 255);
    name[255] = '\0';
    CHECK_OK(p9c_mkdir(&c, 0, name, 0755));
    CHECK_OK(p9c_walk(&c, 0, 1, name));
    for (int i = 1; i < 256; i++)
        if (i != '/')
            all[k++] = (char)i;
    all[k] = '\0';
    CHECK_EQ(k, 254);
    CHECK_OK(p9c_walk(&c, 1, 2, ""));
    CHECK_OK(p9c_lcreate(&c, 2, all, P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_mkdir(&c, 1, "...", 0755));
    CHECK_OK(p9c_mkdir(&c, 1, " ", 0755));
    CHECK_OK(p9c_mkdir(&c, 1, "\xff\xfe (deleted)", 0755));
    CHECK_OK(p9c_walk(&c, 1, 3, "\xff\xfe (deleted)"));
    CHECK_OK(p9c_rename(&c, 3, 1, "x (deleted)"));
    CHECK_OK(p9c_remove(&c, 3));
    CHECK_OK(p9c_walk(&c, 0, 4, name));
    CHECK_OK(p9c_lopen(&c, 4, P9_L_RDONLY));
    CHECK_EQ(list(&c, 4, 4000, d, 8), 5);
    qsort(d, 5, sizeof(d[0]), by_name);
    CHECK(strcmp(d[0].name, all) == 0);
    rig_end(g);
}

/* Names as long as they may be, of every byte that a name may have; those that the kernel decorates, too. */
static const char *odd_name(uint32_t i)
{
    static char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    switch (i) {
    case 0: /* bytes 1 to 255 but '/': 254 of them */
        for (int b = 1, k = 0; b < 256; b++)
            if (b != '/')
                name[k++] = (char)b;
        break;
    case 1:
        memset(name, 0xff, 255);
        break;
    case 2:
        memset(name, '\n', 255);
        break;
    case 3: /* what the path of a file without a name ends in */
        memcpy(name + 245, " (deleted)", 10);
        break;
    case 4:
        memcpy(name, "(unreachable)", 13);
        break;
    case 5:
        memcpy(name, "..", 2);
        break;
    case 6:
        memcpy(name, " (deleted)", 11);
        break;
    default:
        return NULL;
    }
    return name;
}

/* Through every message that has a name in it, and back from those that tell one. */
static void odd_names_everywhere(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_dirent d[8];
    const char *name;
    struct p9c c;
    uint32_t n;

    p9c_mount(&c, g);
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    for (uint32_t i = 0; (name = odd_name(i)) != NULL; i++) {
        char target[256];

        tap_note("name %u", i);
        CHECK_OK(p9c_mkdir(&c, 1, name, 0755));
        CHECK_ERR(p9c_mkdir(&c, 1, name, 0755), EEXIST);
        CHECK_OK(p9c_walkv(&c, 1, 10, 1, &name));
        CHECK_OK(p9c_lopen(&c, 10, P9_L_RDONLY));
        CHECK_OK(p9c_walk(&c, 10, 11, ".."));
        CHECK_OK(p9c_unlinkat(&c, 1, name, P9_AT_REMOVEDIR));
        CHECK_OK(p9c_mknod(&c, 1, name, S_IFIFO | 0644, 0, 0));
        CHECK_OK(p9c_unlinkat(&c, 1, name, 0));
        CHECK_OK(p9c_symlink(&c, 1, name, name));
        CHECK_OK(p9c_walkv(&c, 1, 12, 1, &name));
        CHECK_OK(p9c_readlink(&c, 12, target, sizeof(target)));
        CHECK(strcmp(target, name) == 0);
        CHECK_OK(p9c_remove(&c, 12));
        CHECK_OK(p9c_walk(&c, 1, 13, ""));
        CHECK_OK(p9c_lcreate(&c, 13, name, P9_L_RDWR | P9_L_CREAT | P9_L_EXCL, 0644));
        CHECK_OK(p9c_link(&c, 0, 13, name));
        CHECK_OK(p9c_unlinkat(&c, 1, name, 0));
        CHECK_OK(p9c_renameat(&c, 0, name, 1, name));
        CHECK_OK(p9c_walkv(&c, 1, 14, 1, &name));
        CHECK_OK(p9c_rename(&c, 14, 0, "short"));
        CHECK_OK(p9c_rename(&c, 14, 1, name)); /* by its fid, from and to it */
        CHECK_OK(p9c_walk(&c, 1, 15, ""));
        CHECK_OK(p9c_lopen(&c, 15, P9_L_RDONLY));
        n = list(&c, 15, 4000, d, 8);
        CHECK_EQ(n, 3);
        qsort(d, n, sizeof(d[0]), by_name);
        for (uint32_t k = 0, found = 0; k < n; k++) {
            found += strcmp(d[k].name, name) == 0;
            CHECK(k + 1 < n || found == 1);
        }
        CHECK_OK(p9c_remove(&c, 14));
        CHECK(p9c_remove(&c, 13) != 0); /* the same file, and it has no name now */
        CHECK_OK(p9c_clunk(&c, 10));
        CHECK_OK(p9c_clunk(&c, 11));
        CHECK_OK(p9c_clunk(&c, 15));
    }
    CHECK_OK(p9c_unlinkat(&c, 0, "d", P9_AT_REMOVEDIR));
    rig_end(g);
}

/* The umask has been applied by the client, and the gid is not obeyed. */
static void created_things_have_the_given_mode(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct stat st;

    p9c_mount(&c, g);
    for (uint32_t mode = 0; mode < 01000; mode += 0111) {
        char name[16];

        snprintf(name, sizeof(name), "f%03o", mode);
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_lcreate(&c, 1, name, P9_L_RDWR | P9_L_CREAT, mode));
        CHECK_OK(p9c_clunk(&c, 1));
        MUST(fstatat(g->root_fd, name, &st, 0));
        CHECK_EQ(st.st_mode & 07777, mode);
        name[0] = 'd';
        CHECK_OK(p9c_mkdir(&c, 0, name, mode));
        MUST(fstatat(g->root_fd, name, &st, 0));
        CHECK_EQ(st.st_mode & 07777, mode);
    }
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"mkdir_rules", mkdir_rules, 0, 0},
    {"mknod_rules", mknod_rules, 0, 0},
    {"symlink_rules", symlink_rules, 0, 0},
    {"link_rules", link_rules, 0, 0},
    {"rename_rules", rename_rules, 0, 0},
    {"rename_directory_into_its_child", rename_directory_into_its_child, 0, 0},
    {"rename_unlink_remove_of_the_root", rename_unlink_remove_of_the_root, 0, 0},
    {"unlink_rules", unlink_rules, 0, 0},
    {"remove_each_type", remove_each_type, 0, 0},
    {"readdir_rules", readdir_rules, 0, 0},
    {"readdir_20000_any_cookie", readdir_20000_any_cookie, 0, 0},
    {"readdir_any_cookie_of_ones_own", readdir_any_cookie_of_ones_own, 0, 0},
    {"readdir_directory_changed_meanwhile", readdir_directory_changed_meanwhile, 0, 0},
    {"long_and_strange_names", long_and_strange_names, 0, 0},
    {"odd_names_everywhere", odd_names_everywhere, 0, 0},
    {"created_things_have_the_given_mode", created_things_have_the_given_mode, 0, 0},
};
TAP_SUITE(names, cases);
