/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ustat.c - the stat of 9P2000 and 9P2000.u: names of ids, modes, what fits and what does not. The replies that
 * are made of it are tested in the host tests, byte by byte.
 */
#include "ops_harness.h"

#include "xen9p/path.h"
#include "xen9p/ustat.h"

static struct wire_str wire(const char *s)
{
    return (struct wire_str){s, (uint16_t)strlen(s)};
}

static void ids(void **state)
{
    static const struct {
        const char *name;
        bool known;
        uint32_t id;
    } t[] = {
        {"root", true, 0},        {"nobody", true, 65534},  {"0", true, 0},
        {"1000", true, 1000},     {"007", true, 7},         {"4294967294", true, 4294967294u},
        {"4294967295", false, 0}, {"4294967296", false, 0}, {"99999999999", false, 0},
        {"", false, 0},           {"-1", false, 0},         {"+1", false, 0},
        {"1 ", false, 0},         {" 1", false, 0},         {"0x10", false, 0},
        {"Root", false, 0},       {"rootx", false, 0},      {"nobod", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint32_t id = 4711;

        assert_int_equal(ustat_id(wire(t[i].name), &id), t[i].known);
        if (t[i].known)
            assert_int_equal(id, t[i].id);
    }
}

static void modes(void **state)
{
    static const struct {
        mode_t mode;
        uint32_t u, legacy;
    } t[] = {
        {S_IFREG | 0644, 0644, 0644},
        {S_IFDIR | 01777, 0x80010000 | 0777, 0x80000000 | 0777},
        {S_IFREG | 06755, 0x000c0000 | 0755, 0755},
        {S_IFLNK | 0777, 0x02000000 | 0777, 0777},
        {S_IFIFO | 0600, 0x00200000 | 0600, 0600},
        {S_IFSOCK | 0600, 0x00100000 | 0600, 0600},
        {S_IFCHR | 0600, 0x00800000 | 0600, 0600},
        {S_IFBLK | 0600, 0x00800000 | 0600, 0600},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        atomic_store(&the_session()->dialect, P9_DIALECT_U);
        assert_int_equal(ustat_mode(the_session(), t[i].mode), t[i].u);
        atomic_store(&the_session()->dialect, P9_DIALECT_LEGACY);
        assert_int_equal(ustat_mode(the_session(), t[i].mode), t[i].legacy);
    }
}

/* What was put is got back; with one byte less of room nothing is put. */
static void put_and_get(void **state)
{
    uint8_t buf[512];
    struct builder b;
    struct cursor c;
    struct ustat u;
    struct stat st;
    size_t len;
    int fd;

    (void)state;
    host_file("f", "0123456789");
    fd = open(host("f"), O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(path_stat(fd, &st), 0);
    for (uint32_t d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        atomic_store(&the_session()->dialect, d);
        builder_init(&b, buf, sizeof(buf));
        assert_int_equal(ustat_put(the_session(), fd, &st, "name", &b), 0);
        len = builder_len(&b);
        cursor_init(&c, buf, len);
        assert_true(ustat_get(&c, d == P9_DIALECT_U, &u));
        assert_int_equal(u.length, 10);
        assert_int_equal(u.name.len, 4);
        assert_memory_equal(u.name.s, "name", 4);
        assert_int_equal(u.n_uid, d == P9_DIALECT_U ? 0 : P9_NONUNAME);
        cursor_init(&c, buf, len);
        assert_false(ustat_get(&c, d != P9_DIALECT_U, &u)); /* the other dialect's */
        for (size_t room = 0; room < len; room++) {
            builder_init(&b, buf, room);
            assert_int_equal(ustat_put(the_session(), fd, &st, "name", &b), -ENOBUFS);
            assert_int_equal(builder_len(&b), 0);
            assert_false(b.bad);
            cursor_init(&c, buf, room);
            assert_false(ustat_get(&c, d == P9_DIALECT_U, &u));
        }
    }
    close(fd);
}

/* Names as they are: deleted, called as if deleted, of the root. */
static void names(void **state)
{
    char name[P9_NAME_MAX + 1], longest[P9_NAME_MAX + 1];
    struct stat st;
    int fd[3];

    (void)state;
    memset(longest, 'n', P9_NAME_MAX);
    longest[P9_NAME_MAX] = '\0';
    host_file("a (deleted)", "");
    host_file("b", "");
    host_file(longest, "");
    fd[0] = open(host("a (deleted)"), O_PATH | O_CLOEXEC);
    fd[1] = open(host("b"), O_PATH | O_CLOEXEC);
    fd[2] = open(host(longest), O_PATH | O_CLOEXEC);
    assert_int_equal(unlink(host("b")), 0);
    assert_int_equal(unlink(host(longest)), 0);
    for (size_t i = 0; i < 3; i++) {
        static const char *const want[] = {"a (deleted)", "b", NULL};

        assert_true(fd[i] >= 0);
        assert_int_equal(path_stat(fd[i], &st), 0);
        path_name(the_session(), fd[i], &st, name);
        assert_string_equal(name, want[i] != NULL ? want[i] : longest);
        close(fd[i]);
    }
    assert_int_equal(path_stat(WFD_ROOT, &st), 0);
    path_name(the_session(), WFD_ROOT, &st, name);
    assert_string_equal(name, "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(ids),
        OPS_TEST(modes),
        OPS_TEST(put_and_get),
        OPS_TEST(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
