/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ops_open.c - Tlopen and Tlcreate: flags, types of files, what must never be opened.
 */
#include "ops_harness.h"

#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/un.h>

static int status_flags(uint32_t num)
{
    return fcntl(io_fd(num), F_GETFL);
}

static void test_open_file(void **state)
{
    char buf[8];

    (void)state;
    host_file("f", "hello");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(lopen(2, P9_L_RDONLY), 0);
    assert_true(get_qid().path == host_path("f"));
    assert_int_equal(cursor_u32(&reply), 0); /* iounit */
    assert_end();
    assert_int_equal(pread(io_fd(2), buf, sizeof(buf), 0), 5);
    assert_true((fcntl(io_fd(2), F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(lopen(2, P9_L_RDONLY), -EINVAL); /* twice */
    assert_int_equal(lopen(99, P9_L_RDONLY), -EBADF);
    assert_int_equal(clunk(2), 0);
}

/* What reaches the kernel of the flags of a guest. */
static void test_flags(void **state)
{
    static const struct {
        uint32_t p9;
        int host;
    } t[] = {
        {P9_L_RDONLY, O_RDONLY},
        {P9_L_WRONLY, O_WRONLY},
        {P9_L_RDWR, O_RDWR},
        {P9_L_WRONLY | P9_L_APPEND, O_WRONLY | O_APPEND},
        {P9_L_RDWR | P9_L_APPEND, O_RDWR}, /* write-back of old Linux clients */
        {P9_L_RDONLY | P9_L_APPEND, O_RDONLY},
        {P9_L_RDWR | P9_L_DSYNC, O_RDWR | O_DSYNC},
        {P9_L_RDWR | P9_L_SYNC | P9_L_DSYNC, O_RDWR | O_SYNC},
        {P9_L_RDONLY | P9_L_SYNC | P9_L_DSYNC, O_RDONLY},
        {P9_L_RDONLY | P9_L_CREAT | P9_L_EXCL | P9_L_NOCTTY | 020000 | P9_L_DIRECT, O_RDONLY},
        {P9_L_RDONLY | P9_L_NOFOLLOW | P9_L_LARGEFILE | 02000000, O_RDONLY},
        {P9_L_RDONLY | 0x01000000 | 0x20000000 | 0x80000000, O_RDONLY}, /* O_TMPFILE's among them */
        {P9_L_RDONLY | 010000000, O_RDONLY},                            /* O_PATH */
    };
    const int seen = O_ACCMODE | O_APPEND | O_SYNC | O_ASYNC | O_DIRECT | O_PATH;

    (void)state;
    for (uint32_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        host_file("f", "x");
        assert_int_equal(walk1(ROOT_FID, 10 + i, "f"), 0);
        assert_int_equal(lopen(10 + i, t[i].p9), 0);
        assert_int_equal(status_flags(10 + i) & seen, t[i].host);
        assert_true((status_flags(10 + i) & O_NONBLOCK) != 0);
        assert_int_equal(host_stat("f").st_size, 1);
    }
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(lopen(2, P9_L_ACCMODE), -EINVAL);
}

static void test_truncate(void **state)
{
    (void)state;
    host_file("f", "hello");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(lopen(2, P9_L_WRONLY | P9_L_TRUNC), 0);
    assert_int_equal(host_stat("f").st_size, 0);
}

static void test_directory(void **state)
{
    (void)state;
    host_dir("d");
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(lopen(2, P9_L_WRONLY), -EISDIR);
    assert_int_equal(lopen(2, P9_L_RDWR), -EISDIR);
    assert_int_equal(lopen(2, P9_L_RDONLY | P9_L_TRUNC), -EISDIR);
    assert_int_equal(lopen(2, P9_L_RDONLY | P9_L_DIRECTORY | P9_L_LARGEFILE), 0);
    assert_int_equal(get_qid().type, P9_QTDIR);
    assert_int_equal(walk1(ROOT_FID, 3, "f"), 0);
    assert_int_equal(lopen(3, P9_L_RDONLY | P9_L_DIRECTORY), -ENOTDIR);
}

static void make_socket(const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", host(name));
    assert_int_equal(bind(fd, (void *)&un, sizeof(un)), 0);
    close(fd);
}

/* With a reader or writer at the other end these opens would succeed; without, they would block. */
static void test_special(void **state)
{
    static const char *const names[] = {"fifo", "sock", "link"};
    static const int errors[] = {-ENXIO, -ENXIO, -ELOOP};
    int peer;

    (void)state;
    assert_int_equal(mkfifo(host("fifo"), 0666), 0);
    peer = open(host("fifo"), O_RDWR | O_CLOEXEC);
    make_socket("sock");
    assert_int_equal(symlink("/etc/passwd", host("link")), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(walk1(ROOT_FID, 10 + i, names[i]), 0);
        assert_int_equal(lopen(10 + i, P9_L_RDONLY), errors[i]);
        assert_int_equal(lopen(10 + i, P9_L_RDWR | P9_L_TRUNC), errors[i]);
        assert_int_equal(lopen(10 + i, P9_L_RDONLY | P9_L_DIRECTORY), errors[i]);
        assert_int_equal(io_fd(10 + i), -1);
        /* Nor by creating what exists. */
        assert_int_equal(duplicate(ROOT_FID, 20), 0);
        assert_int_equal(lcreate(20, names[i], P9_L_RDWR, 0644), errors[i]);
        assert_int_equal(lcreate(20, names[i], P9_L_RDONLY | P9_L_TRUNC, 0644), errors[i]);
        assert_int_equal(lcreate(20, names[i], P9_L_RDWR | P9_L_EXCL, 0644), -EEXIST);
        assert_int_equal(clunk(20), 0);
    }
    close(peer);
}

/* A device, from outside of the scratch directory: no test may need mknod. */
static void test_device(void **state)
{
    struct fid *f = fid_new(5, open("/dev/null", O_PATH | O_CLOEXEC), S_IFCHR, 0);

    (void)state;
    assert_int_equal(fid_insert(the_session()->fids, f, req.generation), 0);
    fid_put(f);
    assert_int_equal(lopen(5, P9_L_RDONLY), -EACCES);
    assert_int_equal(lopen(5, P9_L_RDWR), -EACCES);
    assert_int_equal(io_fd(5), -1);
}

static void test_read_only_export(void **state)
{
    (void)state;
    host_file("f", "x");
    the_session()->read_only = true;
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(lopen(2, P9_L_WRONLY), -EROFS);
    assert_int_equal(lopen(2, P9_L_RDWR), -EROFS);
    assert_int_equal(lopen(2, P9_L_RDONLY | P9_L_TRUNC), -EROFS);
    assert_int_equal(host_stat("f").st_size, 1);
    assert_int_equal(lopen(2, P9_L_RDONLY), 0);
}

/* O_NOATIME on somebody else's file is EPERM: then without it. */
static void test_noatime(void **state)
{
    struct fid *f = fid_new(5, open("/etc/passwd", O_PATH | O_CLOEXEC), S_IFREG, 0);

    (void)state;
    assert_int_equal(fid_insert(the_session()->fids, f, req.generation), 0);
    fid_put(f);
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(lopen(2, P9_L_RDONLY | P9_L_NOATIME), 0);
    assert_true((status_flags(2) & O_NOATIME) != 0);
    setfsuid(geteuid() == 0 ? 65534 : geteuid()); /* as root: without CAP_FOWNER */
    assert_int_equal(lopen(5, P9_L_RDONLY | P9_L_NOATIME), 0);
    setfsuid(geteuid());
    assert_int_equal(status_flags(5) & O_NOATIME, 0);
}

static void test_open_unlinked(void **state)
{
    (void)state;
    host_file("f", "hello");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(unlink(host("f")), 0);
    host_file("f", "other");
    assert_int_equal(lopen(2, P9_L_RDWR | P9_L_TRUNC), 0);
    assert_int_equal(host_stat("f").st_size, 5);
}

static void test_create(void **state)
{
    struct stat st;

    (void)state;
    host_dir("d");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(lcreate(2, "new", P9_L_RDWR | P9_L_CREAT | P9_L_EXCL, 07640), 0);
    st = host_stat("d/new");
    assert_true(get_qid().path == host_path("d/new"));
    assert_int_equal(cursor_u32(&reply), 0);
    assert_end();
    assert_int_equal(st.st_mode, S_IFREG | 01640); /* neither setuid nor setgid */
    assert_true(S_ISREG(peek(2)->type));           /* the fid is the open file now */
    assert_int_equal(write(io_fd(2), "hello", 5), 5);
    assert_int_equal(host_stat("d/new").st_size, 5);
    assert_int_equal(walk1(2, 3, "x"), -ENOTDIR);
    assert_int_equal(lopen(2, P9_L_RDONLY), -EINVAL);
    assert_int_equal(lcreate(2, "x", P9_L_RDWR, 0644), -ENOTDIR);
}

/* A file that its mode does not let open is open all the same, for the one who made it. */
static void test_create_mode_0(void **state)
{
    (void)state;
    assert_int_equal(duplicate(ROOT_FID, 2), 0);
    assert_int_equal(lcreate(2, "f", P9_L_RDWR | P9_L_EXCL, 0), 0);
    assert_int_equal(write(io_fd(2), "x", 1), 1);
    assert_int_equal(host_stat("f").st_mode, S_IFREG);
}

static void test_create_existing(void **state)
{
    (void)state;
    host_file("f", "hello");
    host_dir("d");
    assert_int_equal(duplicate(ROOT_FID, 2), 0);
    assert_int_equal(lcreate(2, "f", P9_L_RDWR | P9_L_EXCL, 0600), -EEXIST);
    assert_int_equal(lcreate(2, "d", P9_L_RDONLY, 0600), -EISDIR);
    assert_true(S_ISDIR(peek(2)->type)); /* the fid is what it was */
    assert_int_equal(lcreate(2, "f", P9_L_RDWR, 0600), 0);
    assert_int_equal(host_stat("f").st_mode, S_IFREG | 0644);
    assert_int_equal(host_stat("f").st_size, 5);
    assert_int_equal(duplicate(ROOT_FID, 3), 0);
    assert_int_equal(lcreate(3, "f", P9_L_WRONLY | P9_L_TRUNC, 0600), 0);
    assert_int_equal(host_stat("f").st_size, 0);
}

static void test_create_never_follows(void **state)
{
    char outside[128];
    struct stat st;

    (void)state;
    snprintf(outside, sizeof(outside), "%s/outside", scratch);
    assert_int_equal(symlink(outside, host("l")), 0);
    assert_int_equal(lcreate(ROOT_FID, "l", P9_L_RDWR, 0644), -ELOOP);
    assert_int_equal(stat(outside, &st), -1);
}

static void test_create_refused(void **state)
{
    (void)state;
    host_file("f", "x");
    host_dir("d");
    assert_int_equal(lcreate(ROOT_FID, "", P9_L_RDWR, 0644), -ENOENT);
    assert_int_equal(lcreate(ROOT_FID, ".", P9_L_RDWR, 0644), -EINVAL);
    assert_int_equal(lcreate(ROOT_FID, "..", P9_L_RDWR, 0644), -EINVAL);
    assert_int_equal(lcreate(ROOT_FID, "../x", P9_L_RDWR, 0644), -EINVAL);
    assert_int_equal(lcreate(ROOT_FID, "x", P9_L_ACCMODE, 0644), -EINVAL);
    assert_int_equal(lcreate(99, "x", P9_L_RDWR, 0644), -EBADF);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(lcreate(2, "x", P9_L_RDWR, 0644), -ENOTDIR);
    assert_int_equal(walk1(ROOT_FID, 3, "d"), 0);
    assert_int_equal(lopen(3, P9_L_RDONLY), 0);
    assert_int_equal(lcreate(3, "x", P9_L_RDWR, 0644), -EINVAL); /* open */
    assert_int_equal(walk1(ROOT_FID, 4, "d"), 0);
    assert_int_equal(rmdir(host("d")), 0);
    assert_int_equal(lcreate(4, "x", P9_L_RDWR, 0644), -ENOENT);
    assert_exact(op_lcreate, "4s444", ROOT_FID, "x", P9_L_RDWR, 0644u, 0u);
    assert_exact(op_lopen, "44", ROOT_FID, P9_L_RDONLY);
    assert_true(host_missing("x"));
    assert_int_equal(io_fd(ROOT_FID), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(test_open_file),
        OPS_TEST(test_flags),
        OPS_TEST(test_truncate),
        OPS_TEST(test_directory),
        OPS_TEST(test_special),
        OPS_TEST(test_device),
        OPS_TEST(test_read_only_export),
        OPS_TEST(test_noatime),
        OPS_TEST(test_open_unlinked),
        OPS_TEST(test_create),
        OPS_TEST(test_create_mode_0),
        OPS_TEST(test_create_existing),
        OPS_TEST(test_create_never_follows),
        OPS_TEST(test_create_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
