/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ops_dir.c - Treaddir: every entry once, whatever the size of the replies; cookies.
 */
#include "ops_harness.h"

#include <dirent.h>

#define MAX_ENTRIES 2000

struct entry {
    struct p9_qid qid;
    uint64_t offset;
    uint8_t type;
    char name[256];
};

static struct entry entry[MAX_ENTRIES];
static size_t num_entries;

/* One Treaddir; appends what it returns. Returns the number of bytes, or a negative errno. */
static int readdir1(uint32_t fid, uint64_t offset, uint32_t count)
{
    int err = call(op_readdir, "484", fid, offset, count);
    uint32_t len;

    if (err != 0)
        return err;
    len = cursor_u32(&reply);
    assert_true(len <= count);
    assert_int_equal(cursor_left(&reply), len);
    while (cursor_left(&reply) > 0) {
        struct entry *e = &entry[num_entries++];
        struct wire_str name;

        assert_true(num_entries < MAX_ENTRIES);
        e->qid = get_qid();
        e->offset = cursor_u64(&reply);
        e->type = cursor_u8(&reply);
        name = cursor_str(&reply);
        assert_false(reply.bad); /* none is split */
        assert_true(name.len > 0 && name.len < sizeof(e->name));
        memcpy(e->name, name.s, name.len);
        e->name[name.len] = '\0';
    }
    return (int)len;
}

/* The whole directory from `offset` on, in replies of at most `count`. Returns how many replies. */
static int read_all(uint32_t fid, uint64_t offset, uint32_t count)
{
    int n, replies = 0;

    num_entries = 0;
    while ((n = readdir1(fid, offset, count)) > 0) {
        offset = entry[num_entries - 1].offset;
        replies++;
    }
    assert_int_equal(n, 0);
    return replies;
}

static const struct entry *find(const char *name)
{
    const struct entry *found = NULL;

    for (size_t i = 0; i < num_entries; i++) {
        if (strcmp(entry[i].name, name) == 0) {
            assert_null(found); /* once */
            found = &entry[i];
        }
    }
    return found;
}

static void open_dir(uint32_t fid, const char *name)
{
    assert_int_equal(walk1(ROOT_FID, fid, name), 0);
    assert_int_equal(lopen(fid, P9_L_RDONLY | P9_L_DIRECTORY), 0);
}

/* Names of every length, and many. */
static size_t fill(const char *dir)
{
    char path[600];
    size_t n = 0;

    host_dir(dir);
    for (int len = 1; len <= 255; len++) {
        snprintf(path, sizeof(path), "%s/%0*d", dir, len, 0);
        memset(path + strlen(dir) + 1, 'a' + len % 26, (size_t)len);
        host_file(path, "");
        n++;
    }
    for (int i = 0; i < 700; i++) {
        snprintf(path, sizeof(path), "%s/file-%d", dir, i);
        host_file(path, "");
        n++;
    }
    return n;
}

static void test_types_and_qids(void **state)
{
    static const char *const names[] = {"f", "d", "l", "p", ".", ".."};
    static const unsigned char types[] = {DT_REG, DT_DIR, DT_LNK, DT_FIFO, DT_DIR, DT_DIR};
    static const uint8_t qtypes[] = {0, P9_QTDIR, P9_QTSYMLINK, 0, P9_QTDIR, P9_QTDIR};

    (void)state;
    host_dir("x");
    host_file("x/f", "x");
    host_dir("x/d");
    assert_int_equal(symlink("f", host("x/l")), 0);
    assert_int_equal(mkfifo(host("x/p"), 0600), 0);
    open_dir(2, "x");
    read_all(2, 0, 4096);
    assert_int_equal(num_entries, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct entry *e = find(names[i]);
        char path[32];

        assert_non_null(e);
        assert_int_equal(e->type, types[i]);
        assert_int_equal(e->qid.type, qtypes[i]);
        snprintf(path, sizeof(path), "x/%s", names[i]);
        assert_true(e->qid.path == host_path(path));
    }
}

/* ".." of the root is the root, not the host's directory above. */
static void test_root(void **state)
{
    (void)state;
    assert_int_equal(duplicate(ROOT_FID, 2), 0);
    assert_int_equal(lopen(2, P9_L_RDONLY), 0);
    read_all(2, 0, 4096);
    assert_int_equal(num_entries, 2);
    assert_true(find("..")->qid.path == host_path(""));
    assert_true(find(".")->qid.path == host_path(""));
}

/* Every entry once, whatever the size of the replies, which are not needlessly empty. */
static void test_sizes(void **state)
{
    static const uint32_t counts[] = {280,  281,  300,   320,   511,     600,
                                      1000, 4096, 20000, 65000, 1 << 20, UINT32_MAX};
    size_t n;

    (void)state;
    n = fill("x") + 2;
    open_dir(2, "x");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        int replies = read_all(2, 0, counts[i]);

        assert_int_equal(num_entries, n);
        for (int k = 0; k < 700; k += 50) {
            char name[32];

            snprintf(name, sizeof(name), "file-%d", k);
            assert_non_null(find(name));
        }
        assert_non_null(find("."));
        assert_non_null(find(".."));
        if (counts[i] >= 4096)
            assert_true((size_t)replies <= 20 + 80000 / counts[i]);
    }
}

/* The largest reply is one byte less than msize, which Linux takes for a failure. */
static void test_fits_msize(void **state)
{
    (void)state;
    fill("x");
    atomic_store(&the_session()->msize, 8192);
    open_dir(2, "x");
    num_entries = 0;
    assert_true(readdir1(2, 0, 8192) > 4096);
    assert_true(P9_HDR_SIZE + builder_len(&req.out) < 8192);
}

static void test_first_does_not_fit(void **state)
{
    char path[300] = "x/";

    (void)state;
    host_dir("x");
    memset(path + 2, 'n', 255);
    host_file(path, "");
    open_dir(2, "x");
    num_entries = 0;
    assert_int_equal(readdir1(2, 0, 0), -EINVAL);
    assert_int_equal(readdir1(2, 0, 24), -EINVAL);
    read_all(2, 0, 279);
    assert_int_equal(num_entries, 3);
    /* 26 bytes hold "." or "..", never the long one; an error takes nothing away. */
    for (size_t i = 0; i < 3; i++) {
        uint64_t from = i == 0 ? 0 : entry[i - 1].offset;
        bool is_long = strlen(entry[i].name) == 255;
        size_t before = num_entries;

        if (is_long) {
            assert_int_equal(readdir1(2, from, 278), -EINVAL);
            assert_int_equal(readdir1(2, from, 26), -EINVAL);
            assert_int_equal(readdir1(2, from, 279), 279);
            assert_int_equal(strlen(entry[before].name), 255);
        } else {
            assert_int_equal(readdir1(2, from, 26), 24 + (int)strlen(entry[i].name));
            assert_string_equal(entry[before].name, entry[i].name);
        }
        num_entries = before;
    }
}

/* A cookie says: what came after that entry. Any earlier one may come again, in any order. */
static void test_replay(void **state)
{
    static struct entry all[MAX_ENTRIES];
    size_t n;

    (void)state;
    fill("x");
    open_dir(2, "x");
    read_all(2, 0, 1000);
    n = num_entries;
    memcpy(all, entry, n * sizeof(all[0]));
    for (size_t k = 0; k + 1 < n; k += 37) {
        size_t i = (k * 7919) % (n - 1);

        num_entries = 0;
        assert_true(readdir1(2, all[i].offset, 600) > 0);
        assert_string_equal(entry[0].name, all[i + 1].name);
        assert_true(entry[0].offset == all[i + 1].offset);
    }
    read_all(2, all[n - 1].offset, 600);
    assert_int_equal(num_entries, 0);
    read_all(2, all[n / 2].offset, 600);
    assert_int_equal(num_entries, n - 1 - n / 2);
}

static void test_rewind_shows_what_is_new(void **state)
{
    (void)state;
    host_dir("x");
    open_dir(2, "x");
    read_all(2, 0, 4096);
    assert_int_equal(num_entries, 2);
    host_file("x/new", "");
    read_all(2, 0, 4096);
    assert_non_null(find("new"));
    assert_int_equal(unlink(host("x/new")), 0);
    read_all(2, 0, 4096);
    assert_null(find("new"));
}

/* Cookies that were never given out: an error or some entries, and the stream lives on. */
static void test_wild_cookies(void **state)
{
    static const uint64_t wild[] = {
        1,         2, 3, 12345, 1ull << 31, 1ull << 32, 1ull << 62, INT64_MAX, INT64_MAX + 1ull,
        UINT64_MAX};
    size_t n;

    (void)state;
    n = fill("x") + 2;
    open_dir(2, "x");
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        num_entries = 0;
        readdir1(2, wild[i], 4096);
        if (wild[i] > INT64_MAX)
            assert_int_equal(readdir1(2, wild[i], 4096), -EINVAL);
    }
    read_all(2, 0, 4096);
    assert_int_equal(num_entries, n);
}

static void test_refused(void **state)
{
    (void)state;
    host_dir("x");
    host_file("f", "x");
    assert_int_equal(walk1(ROOT_FID, 2, "x"), 0);
    assert_int_equal(readdir1(2, 0, 4096), -EBADF); /* not open */
    assert_int_equal(walk1(ROOT_FID, 3, "f"), 0);
    assert_int_equal(lopen(3, P9_L_RDONLY), 0);
    assert_int_equal(readdir1(3, 0, 4096), -ENOTDIR);
    assert_int_equal(readdir1(99, 0, 4096), -EBADF);
    assert_exact(op_readdir, "484", 2u, (uint64_t)0, 4096u);
    open_dir(4, "x");
    assert_int_equal(rmdir(host("x")), 0);
    assert_int_equal(readdir1(4, 0, 4096), -ENOENT); /* as getdents(2): nothing is left of it */
}

/* Removing while reading, as rm -r does: nothing that stays is missed. */
static void test_remove_while_reading(void **state)
{
    size_t n, removed = 0;
    uint64_t offset = 0;
    int len;

    (void)state;
    n = fill("x");
    open_dir(2, "x");
    num_entries = 0;
    while ((len = readdir1(2, offset, 700)) > 0) {
        offset = entry[num_entries - 1].offset;
        for (size_t i = 0; i < num_entries; i++) {
            if (entry[i].name[0] != '.' && call(op_unlinkat, "4s4", 2u, entry[i].name, 0u) == 0)
                removed++;
        }
        num_entries = 0;
    }
    assert_int_equal(len, 0);
    assert_int_equal(removed, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(test_types_and_qids),
        OPS_TEST(test_root),
        OPS_TEST(test_sizes),
        OPS_TEST(test_fits_msize),
        OPS_TEST(test_first_does_not_fit),
        OPS_TEST(test_replay),
        OPS_TEST(test_rewind_shows_what_is_new),
        OPS_TEST(test_wild_cookies),
        OPS_TEST(test_refused),
        OPS_TEST(test_remove_while_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
