/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ops_attr.c - Tgetattr, Tsetattr, Tstatfs; and that they go on working on files that were
 * unlinked, renamed, or renamed over.
 */
#include "ops_harness.h"

#include <sys/vfs.h>
#include <time.h>

struct attr {
    uint64_t valid;
    struct p9_qid qid;
    uint32_t mode, uid, gid;
    uint64_t nlink, rdev, size, blksize, blocks;
    uint64_t atime[2], mtime[2], ctime[2], btime[2];
    uint64_t gen, data_version;
};

static struct attr getattr(uint32_t fid)
{
    struct attr a;

    assert_int_equal(call(op_getattr, "48", fid, (uint64_t)0x3fff), 0);
    a.valid = cursor_u64(&reply);
    a.qid = get_qid();
    a.mode = cursor_u32(&reply);
    a.uid = cursor_u32(&reply);
    a.gid = cursor_u32(&reply);
    a.nlink = cursor_u64(&reply);
    a.rdev = cursor_u64(&reply);
    a.size = cursor_u64(&reply);
    a.blksize = cursor_u64(&reply);
    a.blocks = cursor_u64(&reply);
    for (int i = 0; i < 2; i++)
        a.atime[i] = cursor_u64(&reply);
    for (int i = 0; i < 2; i++)
        a.mtime[i] = cursor_u64(&reply);
    for (int i = 0; i < 2; i++)
        a.ctime[i] = cursor_u64(&reply);
    for (int i = 0; i < 2; i++)
        a.btime[i] = cursor_u64(&reply);
    a.gen = cursor_u64(&reply);
    a.data_version = cursor_u64(&reply);
    assert_end();
    return a;
}

static struct {
    uint32_t mode;
    uint64_t size, atime, ansec, mtime, mnsec;
} set; /* arguments of the next setattr() */

static int setattr(uint32_t fid, uint32_t valid)
{
    int err = call(op_setattr, "4444488888", fid, valid, set.mode, 4711u, 4712u, set.size,
                   set.atime, set.ansec, set.mtime, set.mnsec);

    if (err == 0)
        assert_end();
    return err;
}

static int set_size(uint32_t fid, uint64_t size)
{
    set.size = size;
    return setattr(fid, P9_SETATTR_SIZE);
}

static int set_mode(uint32_t fid, uint32_t mode)
{
    set.mode = mode;
    return setattr(fid, P9_SETATTR_MODE);
}

static int set_mtime(uint32_t fid, uint64_t sec)
{
    set.mtime = sec;
    set.mnsec = 123456789;
    return setattr(fid, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET);
}

static void test_getattr(void **state)
{
    struct stat st;
    struct attr a;

    (void)state;
    host_file("f", "hello");
    assert_int_equal(link(host("f"), host("g")), 0);
    the_session()->shown_uid = 12;
    the_session()->shown_gid = 13;
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    a = getattr(2);
    st = host_stat("f");
    assert_int_equal(a.valid & P9_GETATTR_BASIC, P9_GETATTR_BASIC);
    assert_int_equal(a.valid & ~(P9_GETATTR_BASIC | P9_GETATTR_BTIME), 0);
    assert_true(a.qid.path == host_path("f"));
    assert_int_equal(a.mode, st.st_mode);
    assert_int_equal(a.uid, 12);
    assert_int_equal(a.gid, 13);
    assert_int_equal(a.nlink, 2);
    assert_int_equal(a.rdev, 0);
    assert_int_equal(a.size, 5);
    assert_int_equal(a.blocks, st.st_blocks);
    assert_true(a.blksize >= (uint64_t)st.st_blksize && a.blksize <= MSIZE);
    assert_int_equal(a.blksize % (uint64_t)st.st_blksize, 0);
    assert_int_equal(a.mtime[0], st.st_mtim.tv_sec);
    assert_int_equal(a.mtime[1], st.st_mtim.tv_nsec);
    assert_int_equal(a.ctime[1], st.st_ctim.tv_nsec);
    assert_int_equal(a.atime[0], st.st_atim.tv_sec);
    assert_int_equal(a.gen + a.data_version, 0);
    /* Nothing asked for: the basics all the same, no birth time. */
    assert_int_equal(call(op_getattr, "48", 2u, (uint64_t)0), 0);
    assert_int_equal(cursor_u64(&reply), P9_GETATTR_BASIC);
    assert_int_equal(call(op_getattr, "48", 99u, (uint64_t)0), -EBADF);
    assert_exact(op_getattr, "48", 2u, (uint64_t)0);
}

static void test_getattr_types(void **state)
{
    struct fid *f;

    (void)state;
    assert_int_equal(symlink("0123456789", host("l")), 0);
    assert_int_equal(mkfifo(host("p"), 0600), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "l"), 0);
    assert_int_equal(getattr(2).size, 10);
    assert_true(S_ISLNK(getattr(2).mode));
    assert_int_equal(getattr(2).qid.type, P9_QTSYMLINK);
    assert_int_equal(walk1(ROOT_FID, 3, "p"), 0);
    assert_true(S_ISFIFO(getattr(3).mode));
    assert_true(S_ISDIR(getattr(ROOT_FID).mode));
    f = fid_new(5, open("/dev/null", O_PATH | O_CLOEXEC), S_IFCHR, 0);
    assert_int_equal(fid_insert(the_session()->fids, f, req.generation), 0);
    fid_put(f);
    assert_int_equal(getattr(5).rdev, 0x103); /* 1:3 */
}

/* The version stands still while the file does, whichever message tells it. */
static void test_version(void **state)
{
    struct p9_qid walked, opened, before;

    (void)state;
    host_file("f", "hello");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    (void)cursor_u16(&reply);
    walked = get_qid();
    before = getattr(2).qid;
    assert_int_equal(lopen(2, P9_L_RDWR), 0);
    opened = get_qid();
    assert_int_equal(walked.version, before.version);
    assert_int_equal(opened.version, before.version);
    assert_int_not_equal(before.version, 0);
    assert_int_equal(pwrite(io_fd(2), "x", 1, 5), 1);
    assert_int_not_equal(getattr(2).qid.version, before.version);
    assert_true(getattr(2).qid.path == before.path);
}

static void test_size(void **state)
{
    (void)state;
    host_file("f", "hello");
    host_dir("d");
    assert_int_equal(mkfifo(host("p"), 0600), 0);
    assert_int_equal(symlink("f", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(set_size(2, 2), 0);
    assert_int_equal(host_stat("f").st_size, 2);
    assert_int_equal(set_size(2, 5ull << 30), 0);
    assert_true(host_stat("f").st_size == 5ll << 30);
    assert_int_equal(set_size(2, 1ull << 63), -EINVAL);
    assert_int_equal(set_size(2, UINT64_MAX), -EINVAL);
    assert_int_equal(lopen(2, P9_L_RDONLY), 0);
    assert_int_equal(set_size(2, 7), 0); /* the descriptor it is open with could not */
    assert_int_equal(host_stat("f").st_size, 7);
    assert_int_equal(walk1(ROOT_FID, 3, "d"), 0);
    assert_int_equal(set_size(3, 0), -EISDIR);
    assert_int_equal(walk1(ROOT_FID, 4, "p"), 0);
    assert_int_equal(set_size(4, 0), -EINVAL);
    assert_int_equal(walk1(ROOT_FID, 5, "l"), 0);
    assert_int_equal(set_size(5, 0), -EINVAL);
    assert_int_equal(host_stat("f").st_size, 7);
}

/* A file that may only be read, open for writing since before: its descriptor decides. */
static void test_size_of_open_file(void **state)
{
    (void)state;
    assert_int_equal(duplicate(ROOT_FID, 2), 0);
    assert_int_equal(lcreate(2, "f", P9_L_RDWR, 0400), 0);
    assert_int_equal(set_size(2, 1000), 0);
    assert_int_equal(host_stat("f").st_size, 1000);
}

static void test_mode(void **state)
{
    (void)state;
    host_file("f", "x");
    host_dir("d");
    assert_int_equal(mkfifo(host("p"), 0600), 0);
    assert_int_equal(symlink("f", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(set_mode(2, S_IFREG | 06755), 0);
    assert_int_equal(host_stat("f").st_mode, S_IFREG | 0755); /* silently without */
    assert_int_equal(set_mode(2, 0), 0);
    assert_int_equal(host_stat("f").st_mode, S_IFREG);
    assert_int_equal(walk1(ROOT_FID, 3, "d"), 0);
    assert_int_equal(set_mode(3, 03777), 0);
    assert_int_equal(host_stat("d").st_mode, S_IFDIR | 01777);
    assert_int_equal(walk1(ROOT_FID, 4, "p"), 0);
    assert_int_equal(set_mode(4, 0640), 0);
    assert_int_equal(host_stat("p").st_mode, S_IFIFO | 0640);
    assert_int_equal(walk1(ROOT_FID, 5, "l"), 0);
    assert_int_equal(set_mode(5, 0777), -EOPNOTSUPP);
    assert_int_equal(host_stat("f").st_mode, S_IFREG); /* not followed */
}

static void test_times(void **state)
{
    struct timespec now;
    struct stat st;

    (void)state;
    host_file("f", "x");
    assert_int_equal(symlink("f", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    set.atime = 1000;
    set.ansec = 1;
    set.mtime = 2000;
    set.mnsec = 999999999;
    assert_int_equal(setattr(2, P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME |
                                    P9_SETATTR_MTIME_SET),
                     0);
    st = host_stat("f");
    assert_int_equal(st.st_atim.tv_sec, 1000);
    assert_int_equal(st.st_atim.tv_nsec, 1);
    assert_int_equal(st.st_mtim.tv_sec, 2000);
    assert_int_equal(st.st_mtim.tv_nsec, 999999999);
    /* Without SET: now; without the bit: left alone. */
    clock_gettime(CLOCK_REALTIME, &now);
    assert_int_equal(setattr(2, P9_SETATTR_ATIME), 0);
    st = host_stat("f");
    assert_true(st.st_atim.tv_sec >= now.tv_sec - 1);
    assert_int_equal(st.st_mtim.tv_sec, 2000);
    assert_int_equal(setattr(2, P9_SETATTR_MTIME), 0);
    assert_true(host_stat("f").st_mtim.tv_sec >= now.tv_sec - 1);
    /* Before 1970. */
    set.mtime = (uint64_t)-5;
    assert_int_equal(setattr(2, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET), 0);
    assert_int_equal(host_stat("f").st_mtim.tv_sec, -5);
    /* A symlink's own. */
    assert_int_equal(walk1(ROOT_FID, 3, "l"), 0);
    assert_int_equal(set_mtime(3, 777), 0);
    assert_int_equal(host_stat("l").st_mtim.tv_sec, 777);
    assert_int_equal(host_stat("f").st_mtim.tv_sec, -5);
}

/* Numbers that mean something else to utimensat(2) are no nanoseconds. */
static void test_bad_nsec(void **state)
{
    static const uint64_t bad[] = {1000000000, UTIME_NOW, UTIME_OMIT, UINT64_MAX, (1ull << 32) + 5};

    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set.ansec = set.mnsec = bad[i];
        set.size = 0;
        assert_int_equal(setattr(2, P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET | P9_SETATTR_SIZE),
                         -EINVAL);
        assert_int_equal(setattr(2, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET), -EINVAL);
        assert_int_equal(setattr(2, P9_SETATTR_MTIME), 0); /* not looked at */
    }
    assert_int_equal(host_stat("f").st_size, 1); /* judged before anything is done */
}

/* Kernels stamp with a clock of a few milliseconds. */
static void next_tick(void)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
}

static bool ctime_moved(const struct stat *before, const char *name)
{
    struct stat now = host_stat(name);

    return now.st_ctim.tv_sec != before->st_ctim.tv_sec ||
           now.st_ctim.tv_nsec != before->st_ctim.tv_nsec;
}

static void test_owner_and_ctime(void **state)
{
    static const uint32_t valid[] = {P9_SETATTR_UID, P9_SETATTR_GID, P9_SETATTR_CTIME,
                                     P9_SETATTR_UID | P9_SETATTR_GID | P9_SETATTR_CTIME};

    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        struct stat before = host_stat("f"), after;

        next_tick();
        assert_int_equal(setattr(2, valid[i]), 0);
        after = host_stat("f");
        assert_true(ctime_moved(&before, "f"));
        assert_int_equal(after.st_uid, before.st_uid);
        assert_int_equal(after.st_gid, before.st_gid);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
        assert_memory_equal(&after.st_atim, &before.st_atim, sizeof(after.st_atim));
    }
    assert_int_equal(setattr(2, 0), 0);
}

/* As Linux sends truncate: size, mtime to be kept. */
static void test_all_at_once(void **state)
{
    (void)state;
    host_file("f", "hello");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    set.size = 3;
    set.mode = 0400;
    set.mtime = 5000;
    set.mnsec = 0;
    assert_int_equal(setattr(2, P9_SETATTR_SIZE | P9_SETATTR_MODE | P9_SETATTR_MTIME |
                                    P9_SETATTR_MTIME_SET | P9_SETATTR_UID | P9_SETATTR_CTIME),
                     0);
    assert_int_equal(host_stat("f").st_size, 3);
    assert_int_equal(host_stat("f").st_mode & 07777, 0400);
    assert_int_equal(host_stat("f").st_mtim.tv_sec, 5000);
}

static void test_setattr_refused(void **state)
{
    (void)state;
    host_file("f", "hello");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(setattr(99, P9_SETATTR_MODE), -EBADF);
    assert_int_equal(setattr(2, 0x200), -EINVAL);
    assert_int_equal(setattr(2, 0x80000000), -EINVAL);
    assert_exact(op_setattr, "4444488888", 2u, 1u, 0u, 0u, 0u, 0ull, 0ull, 0ull, 0ull, 0ull);
    the_session()->read_only = true;
    assert_int_equal(set_size(2, 0), -EROFS);
    assert_int_equal(host_stat("f").st_size, 5);
    assert_int_equal(host_stat("f").st_mode, S_IFREG | 0644);
}

/* Everything that a fid must still do for the file it was walked to. */
static void use_it(uint32_t fid, uint64_t nlink)
{
    struct statfs fs;

    assert_int_equal(getattr(fid).nlink, nlink);
    assert_int_equal(set_size(fid, 100), 0);
    assert_int_equal(getattr(fid).size, 100);
    assert_int_equal(set_mode(fid, 0604), 0);
    assert_int_equal(getattr(fid).mode, S_IFREG | 0604);
    assert_int_equal(set_mtime(fid, 4242), 0);
    assert_int_equal(getattr(fid).mtime[0], 4242);
    assert_int_equal(getattr(fid).mtime[1], 123456789);
    assert_int_equal(setattr(fid, P9_SETATTR_UID | P9_SETATTR_GID), 0);
    assert_int_equal(call(op_statfs, "4", fid), 0);
    assert_int_equal(fstatfs(peek(fid)->path_fd, &fs), 0);
    if (io_fd(fid) < 0)
        assert_int_equal(lopen(fid, P9_L_RDWR), 0);
    assert_int_equal(pwrite(io_fd(fid), "hello", 5, 0), 5);
    assert_int_equal(call(op_fsync, "44", fid, 0u), 0);
}

static void test_unlinked(void **state)
{
    (void)state;
    host_file("f", "one");
    host_file("g", "two");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "g"), 0);
    assert_int_equal(lopen(3, P9_L_RDWR), 0);
    assert_int_equal(call(op_unlinkat, "4s4", ROOT_FID, "f", 0u), 0);
    assert_int_equal(call(op_unlinkat, "4s4", ROOT_FID, "g", 0u), 0);
    host_file("f", "new");
    host_file("g", "new");
    use_it(2, 0);
    use_it(3, 0);
    assert_int_equal(host_stat("f").st_size, 3);
    assert_int_equal(host_stat("g").st_size, 3);
    assert_int_equal(host_stat("g").st_mode, S_IFREG | 0644);
}

static void test_renamed(void **state)
{
    (void)state;
    host_dir("a");
    host_file("a/f", "one");
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 2u, 2, "a", "f"), 0);
    assert_int_equal(call(op_renameat, "4s4s", ROOT_FID, "a", ROOT_FID, "b"), 0);
    use_it(2, 1);
    assert_int_equal(host_stat("b/f").st_size, 100);
    assert_int_equal(rename(host("b/f"), host("g")), 0);
    use_it(2, 1);
}

/* The victim of a rename: what is done to its fid is not done to the new file. */
static void test_renamed_over(void **state)
{
    (void)state;
    host_file("victim", "old");
    host_file("new", "fresh");
    assert_int_equal(walk1(ROOT_FID, 2, "victim"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "victim"), 0);
    assert_int_equal(lopen(3, P9_L_RDWR), 0);
    assert_int_equal(call(op_renameat, "4s4s", ROOT_FID, "new", ROOT_FID, "victim"), 0);
    use_it(2, 0);
    use_it(3, 0);
    assert_int_equal(host_stat("victim").st_size, 5);
    assert_int_equal(host_stat("victim").st_mode, S_IFREG | 0644);
}

static void test_statfs(void **state)
{
    struct statfs fs;

    (void)state;
    assert_int_equal(call(op_statfs, "4", ROOT_FID), 0);
    assert_int_equal(statfs(host(""), &fs), 0);
    assert_int_equal(cursor_u32(&reply), 0x01021997);
    assert_int_equal(cursor_u32(&reply), fs.f_bsize);
    assert_int_equal(cursor_u64(&reply), fs.f_blocks);
    (void)cursor_u64(&reply);
    (void)cursor_u64(&reply);
    assert_int_equal(cursor_u64(&reply), fs.f_files);
    (void)cursor_u64(&reply);
    (void)cursor_u64(&reply);
    assert_int_equal(cursor_u32(&reply), 255);
    assert_end();
    assert_int_equal(call(op_statfs, "4", 99u), -EBADF);
    assert_exact(op_statfs, "4", ROOT_FID);
}

/* With a small msize the size for I/O still fits a message. */
static void test_best_block(void **state)
{
    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    atomic_store(&the_session()->msize, 32768);
    assert_true(getattr(2).blksize <= 32768 - 24);
    atomic_store(&the_session()->msize, 512 * 1024);
    assert_true(getattr(2).blksize <= 65536 ||
                getattr(2).blksize == (uint64_t)host_stat("f").st_blksize);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(test_getattr),
        OPS_TEST(test_getattr_types),
        OPS_TEST(test_version),
        OPS_TEST(test_size),
        OPS_TEST(test_size_of_open_file),
        OPS_TEST(test_mode),
        OPS_TEST(test_times),
        OPS_TEST(test_bad_nsec),
        OPS_TEST(test_owner_and_ctime),
        OPS_TEST(test_all_at_once),
        OPS_TEST(test_setattr_refused),
        OPS_TEST(test_unlinked),
        OPS_TEST(test_renamed),
        OPS_TEST(test_renamed_over),
        OPS_TEST(test_statfs),
        OPS_TEST(test_best_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
