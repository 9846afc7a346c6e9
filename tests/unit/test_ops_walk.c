/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ops_walk.c - Twalk and Tclunk, good and hostile.
 */
#include "ops_harness.h"

static void test_one_step(void **state)
{
    struct p9_qid q;

    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(cursor_u16(&reply), 1);
    q = get_qid();
    assert_end();
    assert_int_equal(q.type, P9_QTFILE);
    assert_true(q.path == host_path("f"));
    assert_int_not_equal(q.version, 0);
    assert_int_equal(clunk(2), 0);
    assert_end();
    assert_int_equal(clunk(2), -EBADF);
}

static void test_types(void **state)
{
    (void)state;
    host_dir("d");
    assert_int_equal(symlink("/etc/passwd", host("l")), 0);
    assert_int_equal(mkfifo(host("p"), 0644), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    (void)cursor_u16(&reply);
    assert_int_equal(get_qid().type, P9_QTDIR);
    assert_int_equal(walk1(ROOT_FID, 3, "l"), 0);
    (void)cursor_u16(&reply);
    assert_int_equal(get_qid().type, P9_QTSYMLINK);
    assert_true(S_ISLNK(peek(3)->type));
    assert_int_equal(walk1(ROOT_FID, 4, "p"), 0);
    assert_true(S_ISFIFO(peek(4)->type));
}

/* An error only if the first name fails; else the qids of what worked, and no new fid. */
static void test_short(void **state)
{
    (void)state;
    host_dir("a");
    host_dir("a/b");
    assert_int_equal(walk1(ROOT_FID, 2, "nope"), -ENOENT);
    assert_null(peek(2));
    assert_int_equal(call(op_walk, "442sss", ROOT_FID, 2u, 3, "a", "nope", "b"), 0);
    assert_int_equal(cursor_u16(&reply), 1);
    assert_true(get_qid().path == host_path("a"));
    assert_end();
    assert_null(peek(2));
    assert_int_equal(clunk(2), -EBADF);
    /* In place: the fid stays where it was. */
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, ROOT_FID, 2, "a", "nope"), 0);
    assert_int_equal(cursor_u16(&reply), 1);
    assert_int_equal(walk1(ROOT_FID, 3, "a"), 0);
}

static void test_deep(void **state)
{
    (void)state;
    char path[64] = "";

    for (int i = 0; i < 16; i++) {
        strcat(path, i > 0 ? "/d" : "d");
        host_dir(path);
    }
    assert_int_equal(call(op_walk, "442ssssssssssssssss", ROOT_FID, 2u, 16, "d", "d", "d", "d", "d",
                          "d", "d", "d", "d", "d", "d", "d", "d", "d", "d", "d"),
                     0);
    assert_int_equal(cursor_u16(&reply), 16);
    for (int i = 0; i < 15; i++)
        (void)get_qid();
    assert_true(get_qid().path == host_path(path));
    assert_end();
    assert_int_equal(call(op_walk, "442sssssssssssssssss", ROOT_FID, 3u, 17, "d", "d", "d", "d",
                          "d", "d", "d", "d", "d", "d", "d", "d", "d", "d", "d", "d", "d"),
                     -EINVAL);
    assert_int_equal(call(op_walk, "442", ROOT_FID, 3u, 65535), -EINVAL);
}

static void test_clone(void **state)
{
    (void)state;
    host_file("f", "x");
    assert_int_equal(symlink("f", host("l")), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "l"), 0);
    assert_int_equal(unlink(host("f")), 0);
    assert_int_equal(unlink(host("l")), 0);
    assert_int_equal(duplicate(2, 4), 0); /* unlinked: still there */
    assert_int_equal(cursor_u16(&reply), 0);
    assert_end();
    assert_int_equal(duplicate(3, 5), 0); /* the symlink, not what it says */
    assert_true(S_ISLNK(peek(5)->type));
    assert_int_equal(call(op_readlink, "4", 5u), 0);
    assert_int_equal(cursor_str(&reply).len, 1);
    assert_int_equal(duplicate(2, 2), 0);
    assert_int_equal(clunk(2), 0);
    assert_int_equal(lopen(4, P9_L_RDONLY), 0);
}

static void test_newfid(void **state)
{
    (void)state;
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, P9_NOFID, "f"), -EBADF);
    assert_int_equal(duplicate(ROOT_FID, P9_NOFID), -EBADF);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), 0);
    assert_int_equal(walk1(ROOT_FID, 2, "f"), -EBADF);
    assert_int_equal(duplicate(ROOT_FID, 2), -EBADF);
    assert_int_equal(walk1(99, 3, "f"), -EBADF);
    assert_int_equal(walk1(P9_NOFID, 3, "f"), -EBADF);
}

static void test_full(void **state)
{
    uint32_t n = 0;
    int err;

    (void)state;
    do
        err = duplicate(ROOT_FID, 100 + n++);
    while (err == 0 && n < 1000);
    assert_int_equal(err, -ENFILE);
    assert_int_equal(n, 100); /* 99 beside the root */
    assert_int_equal(clunk(100), 0);
    assert_int_equal(duplicate(ROOT_FID, 100), 0);
}

static void test_in_place(void **state)
{
    (void)state;
    host_dir("d");
    host_file("d/f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(walk1(2, 2, "f"), 0);
    assert_true(S_ISREG(peek(2)->type));
    assert_int_equal(walk1(2, 2, "f"), -ENOTDIR);
    assert_true(S_ISREG(peek(2)->type));
}

static void test_from_open_fid(void **state)
{
    (void)state;
    host_dir("d");
    host_file("d/f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    assert_int_equal(lopen(2, P9_L_RDONLY | P9_L_DIRECTORY), 0);
    assert_int_equal(walk1(2, 3, "f"), 0);
    assert_int_equal(duplicate(2, 4), 0);
    assert_int_equal(io_fd(4), -1); /* a clone is not open */
    assert_int_equal(lopen(4, P9_L_RDONLY), 0);
}

static void test_bad_names(void **state)
{
    char longname[257];

    (void)state;
    host_dir("d");
    memset(longname, 'x', sizeof(longname));
    longname[256] = '\0';
    assert_int_equal(walk1(ROOT_FID, 2, ""), -ENOENT);
    assert_int_equal(walk1(ROOT_FID, 2, "."), -EINVAL);
    assert_int_equal(walk1(ROOT_FID, 2, "/"), -EINVAL);
    assert_int_equal(walk1(ROOT_FID, 2, "d/"), -EINVAL);
    assert_int_equal(walk1(ROOT_FID, 2, "../export"), -EINVAL);
    assert_int_equal(walk1(ROOT_FID, 2, "/etc"), -EINVAL);
    assert_int_equal(walk1(ROOT_FID, 2, longname), -ENAMETOOLONG);
    assert_int_equal(call(op_walk, "442S", ROOT_FID, 2u, 1, "d\0x", (size_t)3), -EINVAL);
    assert_null(peek(2));
}

static void test_malformed(void **state)
{
    (void)state;
    host_dir("d");
    assert_exact(op_walk, "442s", ROOT_FID, 2u, 1, "d");
    assert_exact(op_walk, "442", ROOT_FID, 2u, 0);
    assert_int_equal(call(op_walk, "442s", ROOT_FID, 2u, 0, "d"), -EINVAL);
    assert_int_equal(call(op_walk, "442s", ROOT_FID, 2u, 2, "d"), -EINVAL);
    assert_int_equal(call(op_walk, "4422", ROOT_FID, 2u, 1, 500), -EINVAL);
    assert_null(peek(2));
    assert_exact(op_clunk, "4", ROOT_FID);
    assert_non_null(peek(ROOT_FID));
}

static void test_through_symlink(void **state)
{
    (void)state;
    host_dir("d");
    host_file("d/f", "x");
    assert_int_equal(symlink("d", host("l")), 0);
    assert_int_equal(symlink("/", host("abs")), 0);
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 2u, 2, "l", "f"), 0);
    assert_int_equal(cursor_u16(&reply), 1);
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 2u, 2, "abs", "etc"), 0);
    assert_int_equal(cursor_u16(&reply), 1);
    assert_int_equal(walk1(ROOT_FID, 3, "l"), 0);
    assert_int_equal(walk1(3, 4, "f"), -ENOTDIR);
    assert_int_equal(walk1(3, 4, ".."), -ENOTDIR);
}

static void test_dotdot(void **state)
{
    uint64_t root = host_path("");

    (void)state;
    host_dir("a");
    host_dir("a/b");
    host_file("a/f", "x");
    assert_int_equal(call(op_walk, "442sssss", ROOT_FID, 2u, 5, "a", "b", "..", "..", ".."), 0);
    assert_int_equal(cursor_u16(&reply), 5);
    (void)get_qid();
    (void)get_qid();
    assert_true(get_qid().path == host_path("a"));
    assert_true(get_qid().path == root);
    assert_true(get_qid().path == root); /* not the export's parent */
    assert_int_equal(walk1(ROOT_FID, 3, ".."), 0);
    (void)cursor_u16(&reply);
    assert_true(get_qid().path == root);
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 4u, 2, "a", "f"), 0);
    assert_int_equal(walk1(4, 5, ".."), -ENOTDIR);
    /* Renamed meanwhile: ".." is where the directory is now. */
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 6u, 2, "a", "b"), 0);
    host_dir("new");
    assert_int_equal(rename(host("a/b"), host("new/b2")), 0);
    assert_int_equal(walk1(6, 7, ".."), 0);
    (void)cursor_u16(&reply);
    assert_true(get_qid().path == host_path("new"));
}

/* The host moves a directory out of the export, or removes it: ".." leads nowhere. */
static void test_dotdot_moved_away(void **state)
{
    char outside[128];

    (void)state;
    host_dir("a");
    host_dir("a/b");
    host_dir("gone");
    snprintf(outside, sizeof(outside), "%s/outside", scratch);
    assert_int_equal(call(op_walk, "442ss", ROOT_FID, 2u, 2, "a", "b"), 0);
    assert_int_equal(walk1(ROOT_FID, 3, "a"), 0);
    assert_int_equal(walk1(ROOT_FID, 4, "gone"), 0);
    assert_int_equal(rename(host("a"), outside), 0);
    assert_int_equal(rmdir(host("gone")), 0);
    assert_int_equal(walk1(2, 10, ".."), -ENOENT);
    assert_int_equal(walk1(3, 10, ".."), -ENOENT);
    assert_int_equal(walk1(4, 10, ".."), -ENOENT);
    /* A directory that only looks like the deleted one. */
    host_dir("gone (deleted)");
    assert_int_equal(walk1(4, 10, ".."), -ENOENT);
    /* And one that is called so and is not. */
    assert_int_equal(walk1(ROOT_FID, 5, "gone (deleted)"), 0);
    assert_int_equal(walk1(5, 6, ".."), 0);
    assert_int_equal(walk1(ROOT_FID, 10, "a"), -ENOENT);
}

/* An export whose name begins like another directory's is not that directory. */
static void test_dotdot_sibling(void **state)
{
    char sibling[128];

    (void)state;
    host_dir("d");
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
    snprintf(sibling, sizeof(sibling), "%s/export2", scratch);
    assert_int_equal(mkdir(sibling, 0755), 0);
    strcat(sibling, "/d");
    assert_int_equal(rename(host("d"), sibling), 0);
    assert_int_equal(walk1(2, 3, ".."), -ENOENT);
}

static void test_old_generation(void **state)
{
    (void)state;
    host_dir("d");
    atomic_fetch_add(&the_session()->generation, 1);
    fid_table_reset(the_session()->fids, atomic_load(&the_session()->generation));
    assert_int_equal(walk1(ROOT_FID, 2, "d"), -EBADF);
    assert_int_equal(clunk(ROOT_FID), -EBADF);
    attach(ROOT_FID, 0);
    assert_int_equal(walk1(ROOT_FID, 2, "d"), 0);
}

static void test_uid_is_inherited(void **state)
{
    (void)state;
    host_dir("d");
    attach(50, 1000);
    assert_int_equal(walk1(50, 51, "d"), 0);
    assert_int_equal(duplicate(51, 52), 0);
    assert_int_equal(lcreate(52, "f", P9_L_RDWR, 0644), 0);
    assert_int_equal(peek(51)->uid, 1000);
    assert_int_equal(peek(52)->uid, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(test_one_step),
        OPS_TEST(test_types),
        OPS_TEST(test_short),
        OPS_TEST(test_deep),
        OPS_TEST(test_clone),
        OPS_TEST(test_newfid),
        OPS_TEST(test_full),
        OPS_TEST(test_in_place),
        OPS_TEST(test_from_open_fid),
        OPS_TEST(test_bad_names),
        OPS_TEST(test_malformed),
        OPS_TEST(test_through_symlink),
        OPS_TEST(test_dotdot),
        OPS_TEST(test_dotdot_moved_away),
        OPS_TEST(test_dotdot_sibling),
        OPS_TEST(test_old_generation),
        OPS_TEST(test_uid_is_inherited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
