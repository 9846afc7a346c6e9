/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ops_name.c - messages that make, move and take away names.
 */
#include "ops_harness.h"

static int t_mkdir(uint32_t fid, const char *name, uint32_t mode)
{
    return call(op_mkdir, "4s44", fid, name, mode, 0u);
}

static int t_mknod(uint32_t fid, const char *name, uint32_t mode)
{
    return call(op_mknod, "4s4444", fid, name, mode, 1u, 3u, 0u);
}

static int t_symlink(uint32_t fid, const char *name, const char *target)
{
    return call(op_symlink, "4ss4", fid, name, target, 0u);
}

static int t_link(uint32_t dfid, uint32_t fid, const char *name)
{
    return call(op_link, "44s", dfid, fid, name);
}

static int t_rename(uint32_t fid, uint32_t dfid, const char *name)
{
    return call(op_rename, "44s", fid, dfid, name);
}

static int t_renameat(uint32_t from, const char *name, uint32_t to, const char *newname)
{
    return call(op_renameat, "4s4s", from, name, to, newname);
}

static int t_unlinkat(uint32_t fid, const char *name, uint32_t flags)
{
    return call(op_unlinkat, "4s4", fid, name, flags);
}

static int t_remove(uint32_t fid)
{
    return call(op_remove, "4", fid);
}

/* The reply is the qid of `name` and nothing else. */
static void assert_qid_of(const char *name)
{
    assert_true(get_qid().path == host_path(name));
    assert_end();
}

static void test_mkdir(void **state)
{
    (void)state;
    assert_int_equal(t_mkdir(ROOT_FID, "d", 07750), 0);
    assert_qid_of("d");
    assert_int_equal(host_stat("d").st_mode, S_IFDIR | 01750);
    assert_int_equal(t_mkdir(ROOT_FID, "d", 0755), -EEXIST);
}

static void test_mknod(void **state)
{
    (void)state;
    assert_int_equal(t_mknod(ROOT_FID, "p", S_IFIFO | 0640), 0);
    assert_qid_of("p");
    assert_int_equal(host_stat("p").st_mode, S_IFIFO | 0640);
    assert_int_equal(t_mknod(ROOT_FID, "s", S_IFSOCK | 06600), 0);
    assert_int_equal(host_stat("s").st_mode, S_IFSOCK | 0600);
    assert_int_equal(t_mknod(ROOT_FID, "f", S_IFREG | 06400), 0);
    assert_qid_of("f");
    assert_int_equal(host_stat("f").st_mode, S_IFREG | 0400);
    assert_int_equal(t_mknod(ROOT_FID, "g", 0600), 0);
    assert_int_equal(host_stat("g").st_mode, S_IFREG | 0600);
    assert_int_equal(t_mknod(ROOT_FID, "f", S_IFREG | 0600), -EEXIST);
    assert_int_equal(t_mknod(ROOT_FID, "p", S_IFIFO | 0600), -EEXIST);
    assert_int_equal(t_mknod(ROOT_FID, "x", S_IFCHR | 0600), -EPERM);
    assert_int_equal(t_mknod(ROOT_FID, "x", S_IFBLK | 0600), -EPERM);
    assert_int_equal(t_mknod(ROOT_FID, "x", S_IFDIR | 0600), -EPERM);
    assert_int_equal(t_mknod(ROOT_FID, "x", S_IFLNK | 0600), -EINVAL);
    assert_int_equal(t_mknod(ROOT_FID, "x", S_IFMT | 0600), -EINVAL);
    assert_true(host_missing("x"));
}

static void test_symlink_readlink(void **state)
{
    char text[5000];
    struct wire_str s;

    (void)state;
    assert_int_equal(t_symlink(ROOT_FID, "l", "/etc/../\xff passwd"), 0);
    assert_true(get_qid().type == P9_QTSYMLINK);
    assert_int_equal(walk1(ROOT_FID, 2, "l"), 0);
    assert_int_equal(call(op_readlink, "4", 2u), 0);
    s = cursor_str(&reply);
    assert_end();
    assert_int_equal(s.len, strlen("/etc/../\xff passwd"));
    assert_memory_equal(s.s, "/etc/../\xff passwd", s.len);
    /* As long as every file system takes it. */
    memset(text, 't', sizeof(text));
    text[1000] = '\0';
    assert_int_equal(t_symlink(ROOT_FID, "long", text), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "long"), 0);
    assert_int_equal(call(op_readlink, "4", 3u), 0);
    assert_int_equal(cursor_str(&reply).len, 1000);
    text[1000] = 't';
    text[4096] = '\0';
    assert_int_equal(t_symlink(ROOT_FID, "x", text), -ENAMETOOLONG);
    assert_int_equal(t_symlink(ROOT_FID, "x", ""), -ENOENT);
    assert_int_equal(call(op_symlink, "4sS4", ROOT_FID, "x", "a\0b", (size_t)3, 0u), -EINVAL);
    assert_int_equal(t_symlink(ROOT_FID, "l", "y"), -EEXIST);
    assert_true(host_missing("x"));
    /* Unlinked, it can still be read. */
    assert_int_equal(unlink(host("l")), 0);
    assert_int_equal(call(op_readlink, "4", 2u), 0);
    assert_int_equal(call(op_readlink, "4", ROOT_FID), -EINVAL);
    assert_int_equal(call(op_readlink, "4", 99u), -EBADF);
}

static void test_link(void **state)
{
    (void)state;
    host_dir("d");
    host_file("f", "x");
    assert_int_equal(symlink("/etc/passwd", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "d"), 0);
    assert_int_equal(walk1(ROOT_FID, 4, "l"), 0);
    assert_int_equal(t_link(3, 2, "g"), 0);
    assert_end();
    assert_int_equal(host_stat("d/g").st_ino, host_stat("f").st_ino);
    assert_int_equal(t_link(3, 2, "g"), -EEXIST);
    assert_int_equal(t_link(3, 4, "l2"), 0); /* the symlink, not /etc/passwd */
    assert_int_equal(host_stat("d/l2").st_ino, host_stat("l").st_ino);
    assert_int_equal(t_link(ROOT_FID, 3, "d2"), -EPERM);
    assert_int_equal(t_link(2, 2, "x"), -ENOTDIR);
    assert_int_equal(t_link(3, 99, "x"), -EBADF);
    assert_int_equal(t_link(99, 2, "x"), -EBADF);
    /* Renamed meanwhile: the file of the fid; without a name left: none. */
    assert_int_equal(rename(host("f"), host("d/h")), 0);
    assert_int_equal(t_link(ROOT_FID, 2, "again"), 0);
    assert_int_equal(host_stat("again").st_nlink, 3);
    assert_int_equal(unlink(host("again")) + unlink(host("d/h")) + unlink(host("d/g")), 0);
    assert_int_equal(t_link(ROOT_FID, 2, "x"), -ENOENT);
}

static void test_rename(void **state)
{
    uint64_t ino;

    (void)state;
    host_dir("a");
    host_dir("b");
    host_file("a/f", "x");
    ino = host_stat("a/f").st_ino;
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 2u, 2, "a", "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "b"), 0);
    assert_int_equal(walk1(ROOT_FID, 4, "a"), 0);
    assert_int_equal(t_rename(2, 3, "g"), 0);
    assert_end();
    assert_true(host_missing("a/f"));
    assert_int_equal(host_stat("b/g").st_ino, ino);
    /* Where it is now, after a rename by somebody else of its parent, too. */
    assert_int_equal(rename(host("b"), host("c")), 0);
    assert_int_equal(t_rename(2, 4, "h"), 0);
    assert_int_equal(host_stat("a/h").st_ino, ino);
    assert_int_equal(t_rename(3, 4, "c"), 0);       /* a directory */
    assert_int_equal(t_rename(4, 3, "a"), -EINVAL); /* into its own child */
    assert_int_equal(t_rename(2, 2, "x"), -ENOTDIR);
    assert_int_equal(t_rename(2, 99, "x"), -EBADF);
    assert_int_equal(t_rename(99, 4, "x"), -EBADF);
    assert_int_equal(t_rename(2, 4, ".."), -EINVAL);
    assert_int_equal(t_rename(2, 4, "x/y"), -EINVAL);
}

/* One of two names: the one that the fid was walked to. */
static void test_rename_hard_link(void **state)
{
    (void)state;
    host_file("one", "x");
    assert_int_equal(link(host("one"), host("two")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "two"), 0);
    assert_int_equal(t_rename(2, ROOT_FID, "three"), 0);
    assert_true(host_missing("two"));
    assert_int_equal(host_stat("one").st_ino, host_stat("three").st_ino);
}

/* A fid whose name is gone, or belongs to another file, or lies outside. */
static void test_no_name(void **state)
{
    char outside[128];

    (void)state;
    snprintf(outside, sizeof(outside), "%s/outside", scratch);
    host_file("f", "x");
    host_file("moved", "x");
    host_file("over", "x");
    host_file("new", "y");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "moved"), 0);
    assert_int_equal(walk1(ROOT_FID, 4, "over"), 0);
    assert_int_equal(unlink(host("f")), 0);
    host_file("f", "another");
    assert_int_equal(rename(host("moved"), outside), 0);
    assert_int_equal(rename(host("new"), host("over")), 0);
    for (uint32_t fid = 2; fid <= 4; fid++)
        assert_int_equal(t_rename(fid, ROOT_FID, "x"), -ENOENT);
    for (uint32_t fid = 2; fid <= 4; fid++)
        assert_int_equal(t_remove(fid), -ENOENT);
    assert_true(host_missing("x"));
    assert_int_equal(host_stat("f").st_size, 7);
    assert_int_equal(host_stat("over").st_size, 1);
    assert_int_equal(access(outside, F_OK), 0);
}

static void test_renameat(void **state)
{
    (void)state;
    host_dir("a");
    host_file("f", "x");
    host_file("g", "yy");
    assert_int_equal(walk1(ROOT_FID, 2, "a"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "f"), 0);
    assert_int_equal(t_renameat(ROOT_FID, "f", 2, "f2"), 0);
    assert_end();
    assert_int_equal(host_stat("a/f2").st_size, 1);
    assert_int_equal(t_renameat(2, "f2", ROOT_FID, "g"), 0); /* over */
    assert_int_equal(host_stat("g").st_size, 1);
    assert_int_equal(t_renameat(ROOT_FID, "nope", 2, "x"), -ENOENT);
    assert_int_equal(t_renameat(ROOT_FID, "a", 2, "x"), -EINVAL); /* into itself */
    assert_int_equal(t_renameat(ROOT_FID, "g", ROOT_FID, "a"), -EISDIR);
    assert_int_equal(t_renameat(ROOT_FID, "a", ROOT_FID, "g"), -ENOTDIR);
    assert_int_equal(t_renameat(3, "x", 2, "x"), -ENOTDIR);
    assert_int_equal(t_renameat(2, "x", 3, "x"), -ENOTDIR);
    assert_int_equal(t_renameat(99, "x", 2, "x"), -EBADF);
    assert_int_equal(t_renameat(2, "x", 99, "x"), -EBADF);
    assert_int_equal(t_renameat(2, "..", ROOT_FID, "x"), -EINVAL);
    assert_int_equal(t_renameat(ROOT_FID, "a", ROOT_FID, "../b"), -EINVAL);
    assert_int_equal(t_renameat(ROOT_FID, ".", ROOT_FID, "b"), -EINVAL);
}

static void test_unlinkat(void **state)
{
    (void)state;
    host_dir("d");
    host_file("d/f", "x");
    assert_int_equal(symlink("d", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(t_unlinkat(ROOT_FID, "d", 0), -EISDIR);
    assert_int_equal(t_unlinkat(ROOT_FID, "d", P9_AT_REMOVEDIR), -ENOTEMPTY);
    assert_int_equal(t_unlinkat(2, "f", P9_AT_REMOVEDIR), -ENOTDIR);
    assert_int_equal(t_unlinkat(2, "f", 1), -EINVAL);
    assert_int_equal(t_unlinkat(2, "f", P9_AT_REMOVEDIR | 0x1000), -EINVAL);
    assert_int_equal(t_unlinkat(2, "f", 0), 0);
    assert_end();
    assert_true(host_missing("d/f"));
    assert_int_equal(t_unlinkat(2, "f", 0), -ENOENT);
    assert_int_equal(t_unlinkat(2, "..", P9_AT_REMOVEDIR), -EINVAL);
    assert_int_equal(t_unlinkat(2, ".", P9_AT_REMOVEDIR), -EINVAL);
    assert_int_equal(t_unlinkat(ROOT_FID, "l", 0), 0); /* the link */
    assert_int_equal(t_unlinkat(ROOT_FID, "d", P9_AT_REMOVEDIR), 0);
    assert_true(host_missing("d"));
    assert_int_equal(t_unlinkat(99, "d", 0), -EBADF);
}

/* Tremove ends the fid, whatever comes of it. */
static void test_remove(void **state)
{
    (void)state;
    host_dir("d");
    host_file("d/f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(walk1(2, 3, "f"), 0);
    assert_int_equal(t_remove(2), -ENOTEMPTY);
    assert_int_equal(clunk(2), -EBADF);
    assert_int_equal(lopen(3, P9_L_RDWR), 0);
    assert_int_equal(t_remove(3), 0); /* an open file */
    assert_end();
    assert_int_equal(clunk(3), -EBADF);
    assert_true(host_missing("d/f"));
    assert_int_equal(walk1(ROOT_FID, 4, "d"), 0);
    assert_int_equal(t_remove(4), 0);
    assert_true(host_missing("d"));
    assert_int_equal(t_remove(4), -EBADF);
    host_file("f", "x");
    the_session()->read_only = true;
    assert_int_equal(walk1(ROOT_FID, 5, "f"), 0);
    assert_int_equal(t_remove(5), -EROFS);
    assert_int_equal(clunk(5), -EBADF);
    assert_int_equal(host_stat("f").st_size, 1);
}

static void test_root_stays(void **state)
{
    (void)state;
    host_dir("d");
    host_dir("d/e");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(t_rename(ROOT_FID, 2, "x"), -EBUSY);
    assert_int_equal(call(op_walk, "442s", 2u, 3u, 1, ".."), 0);
    assert_int_equal(t_rename(3, 2, "x"), -EBUSY);
    assert_int_equal(t_remove(3), -EBUSY);
    assert_int_equal(clunk(3), -EBADF);
    assert_int_equal(duplicate(ROOT_FID, 4), 0);
}

/* Paths that are longer than PATH_MAX: steps do not mind, Trename and Tremove say so. */
static void test_very_deep(void **state)
{
    char name[201];
    uint32_t fid = ROOT_FID;

    (void)state;
    memset(name, 'n', 200);
    name[200] = '\0';
    for (uint32_t i = 0; i < 30; i++) {
        assert_int_equal(t_mkdir(fid, name, 0755), 0);
        assert_int_equal(walk1(fid, 10 + i, name), 0);
        fid = 10 + i;
    }
    assert_int_equal(duplicate(fid, 50), 0);
    assert_int_equal(lcreate(50, "f", P9_L_RDWR, 0644), 0);
    assert_int_equal(t_renameat(fid, "f", ROOT_FID, "up"), 0);
    assert_int_equal(t_renameat(ROOT_FID, "up", fid, "f"), 0);
    /* By fid: created, walked to, cloned; moved and moved back; a directory; a stale memory. */
    assert_int_equal(t_rename(50, ROOT_FID, "x"), 0);
    assert_int_equal(t_rename(50, fid, "f"), 0);
    assert_int_equal(t_rename(50, fid, "g"), 0);
    assert_int_equal(walk1(fid, 51, "g"), 0);
    assert_int_equal(duplicate(51, 52), 0);
    assert_int_equal(t_rename(52, fid, "h"), 0);
    assert_int_equal(t_rename(51, ROOT_FID, "y"), -ENAMETOOLONG);
    assert_int_equal(call(op_remove, "4", 52u), 0);
    assert_int_equal(clunk(50), 0);
    assert_int_equal(walk1(fid, 53, "h"), -ENOENT);
    assert_int_equal(t_mkdir(fid, "d", 0755), 0);
    assert_int_equal(walk1(fid, 54, "d"), 0);
    assert_int_equal(call(op_walk, "442ss", 54u, 55u, 2, "..", "d"), 0);
    assert_int_equal(call(op_remove, "4", 54u), 0);
    assert_int_equal(walk1(fid, 56, "d"), -ENOENT);
}

static void test_bad_names(void **state)
{
    static const char *const bad[] = {"", ".", "..", "/", "a/b", "/etc/x", "../x"};
    char longname[257];

    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    memset(longname, 'x', 256);
    longname[256] = '\0';
    for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
        bool last = i == sizeof(bad) / sizeof(bad[0]);
        const char *name = last ? longname : bad[i];
        int err = last ? -ENAMETOOLONG : i == 0 ? -ENOENT : -EINVAL;

        assert_int_equal(t_mkdir(ROOT_FID, name, 0755), err);
        assert_int_equal(t_mknod(ROOT_FID, name, S_IFIFO | 0600), err);
        assert_int_equal(t_symlink(ROOT_FID, name, "x"), err);
        assert_int_equal(t_link(ROOT_FID, 2, name), err);
        assert_int_equal(t_rename(2, ROOT_FID, name), err);
        assert_int_equal(t_renameat(ROOT_FID, name, ROOT_FID, "x"), err);
        assert_int_equal(t_renameat(ROOT_FID, "f", ROOT_FID, name), err);
        assert_int_equal(t_unlinkat(ROOT_FID, name, 0), err);
        assert_int_equal(lcreate(ROOT_FID, name, P9_L_RDWR, 0600), err);
    }
    longname[255] = '\0'; /* 255 are a name */
    assert_int_equal(t_mkdir(ROOT_FID, longname, 0755), 0);
}

static void test_not_a_directory(void **state)
{
    (void)state;
    host_file("f", "x");
    assert_int_equal(symlink(".", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "l"), 0);
    for (uint32_t fid = 2; fid <= 3; fid++) {
        assert_int_equal(t_mkdir(fid, "x", 0755), -ENOTDIR);
        assert_int_equal(t_mknod(fid, "x", S_IFIFO | 0600), -ENOTDIR);
        assert_int_equal(t_mknod(fid, "x", S_IFREG | 0600), -ENOTDIR);
        assert_int_equal(t_symlink(fid, "x", "y"), -ENOTDIR);
        assert_int_equal(t_unlinkat(fid, "x", 0), -ENOTDIR);
        assert_int_equal(lcreate(fid, "x", P9_L_RDWR, 0600), -ENOTDIR);
    }
    assert_int_equal(t_mkdir(99, "x", 0755), -EBADF);
    assert_int_equal(t_mknod(99, "x", S_IFIFO), -EBADF);
    assert_int_equal(t_symlink(99, "x", "y"), -EBADF);
    assert_true(host_missing("x"));
}

static void test_malformed(void **state)
{
    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_exact(op_mkdir, "4s44", ROOT_FID, "x", 0755u, 0u);
    assert_exact(op_mknod, "4s4444", ROOT_FID, "x", (uint32_t)S_IFIFO, 0u, 0u, 0u);
    assert_exact(op_symlink, "4ss4", ROOT_FID, "x", "y", 0u);
    assert_exact(op_link, "44s", ROOT_FID, 2u, "x");
    assert_exact(op_rename, "44s", 2u, ROOT_FID, "x");
    assert_exact(op_renameat, "4s4s", ROOT_FID, "f", ROOT_FID, "x");
    assert_exact(op_unlinkat, "4s4", ROOT_FID, "f", 0u);
    assert_exact(op_remove, "4", 2u);
    assert_exact(op_readlink, "4", 2u);
    assert_true(host_missing("x"));
    assert_int_equal(host_stat("f").st_size, 1);
    assert_non_null(peek(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(test_mkdir),     OPS_TEST(test_mknod),           OPS_TEST(test_symlink_readlink),
        OPS_TEST(test_link),      OPS_TEST(test_rename),          OPS_TEST(test_rename_hard_link),
        OPS_TEST(test_no_name),   OPS_TEST(test_renameat),        OPS_TEST(test_unlinkat),
        OPS_TEST(test_remove),    OPS_TEST(test_root_stays),      OPS_TEST(test_very_deep),
        OPS_TEST(test_bad_names), OPS_TEST(test_not_a_directory), OPS_TEST(test_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
