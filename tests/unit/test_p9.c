/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_p9.c - names that may reach a system call, and the names we give to numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "xen9p/p9.h"

static int name_of(const char *s, size_t len, char out[P9_NAME_MAX + 1])
{
    return p9_name((struct wire_str){s, (uint16_t)len}, out);
}

static void test_good_names(void **state)
{
    char out[P9_NAME_MAX + 1], longest[P9_NAME_MAX];
    const char *const good[] = {"a", "...", ".a",   "..a",      "a..",
                                " ", "-rf", "a\nb", "\xff\xfe", "\\"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(name_of(good[i], strlen(good[i]), out), 0);
        assert_string_equal(out, good[i]);
    }
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(name_of(longest, sizeof(longest), out), 0);
    assert_int_equal(strlen(out), P9_NAME_MAX);
}

static void test_bad_names(void **state)
{
    char out[P9_NAME_MAX + 1], too_long[P9_NAME_MAX + 1];

    (void)state;
    assert_int_equal(name_of("", 0, out), -ENOENT);
    memset(too_long, 'x', sizeof(too_long));
    assert_int_equal(name_of(too_long, sizeof(too_long), out), -ENAMETOOLONG);
    assert_int_equal(name_of(".", 1, out), -EINVAL);
    assert_int_equal(name_of("..", 2, out), -EINVAL);
    assert_int_equal(name_of("/", 1, out), -EINVAL);
    assert_int_equal(name_of("a/b", 3, out), -EINVAL);
    assert_int_equal(name_of("../x", 4, out), -EINVAL);
    assert_int_equal(name_of("a/", 2, out), -EINVAL);
    assert_int_equal(name_of("\0", 1, out), -EINVAL);
    assert_int_equal(name_of("..\0", 3, out), -EINVAL);
    assert_int_equal(name_of("a\0b", 3, out), -EINVAL);
    assert_int_equal(name_of("ab\0", 3, out), -EINVAL);
}

/* The string is not NUL-terminated: what follows it in the message is none of its business. */
static void test_name_ends_where_it_says(void **state)
{
    char out[P9_NAME_MAX + 1];

    (void)state;
    assert_int_equal(name_of("a/../etc", 1, out), 0);
    assert_string_equal(out, "a");
    assert_int_equal(name_of("..x", 2, out), -EINVAL);
}

static void test_qid(void **state)
{
    const struct p9_qid q = {P9_QTDIR, 0x01020304, 0x1112131415161718ull};
    const uint8_t want[P9_QID_SIZE] = {0x80, 4,    3,    2,    1,    0x18, 0x17,
                                       0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
    uint8_t buf[P9_QID_SIZE];
    struct builder b;

    (void)state;
    builder_init(&b, buf, sizeof(buf));
    builder_qid(&b, &q);
    assert_false(b.bad);
    assert_int_equal(builder_room(&b), 0);
    assert_memory_equal(buf, want, sizeof(want));
    builder_init(&b, buf, sizeof(buf) - 1);
    builder_qid(&b, &q);
    assert_true(b.bad);
}

static void test_type_names(void **state)
{
    int known = 0;

    (void)state;
    for (unsigned t = 0; t < 256; t++) {
        const char *name = p9_type_name((uint8_t)t);

        assert_non_null(name);
        known += strcmp(name, "T?") != 0;
    }
    assert_true(known > 30);
    assert_string_equal(p9_type_name(P9_TWALK), "Twalk");
    assert_string_equal(p9_type_name(P9_TVERSION), "Tversion");
    assert_string_equal(p9_type_name(255), "T?");
    assert_string_equal(p9_dialect_name(P9_DIALECT_L), "9P2000.L");
    assert_string_equal(p9_dialect_name(P9_DIALECT_U), "9P2000.u");
    assert_string_equal(p9_dialect_name(P9_DIALECT_LEGACY), "9P2000");
    assert_non_null(p9_dialect_name(P9_DIALECT_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_names),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_name_ends_where_it_says),
        cmocka_unit_test(test_qid),
        cmocka_unit_test(test_type_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
