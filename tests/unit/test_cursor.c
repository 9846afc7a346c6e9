/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cursor.c - no getter passes the end, no putter either, and an error sticks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "xen9p/cursor.h"

static void test_reads_little_endian(void **state)
{
    const uint8_t wire[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
                            0x0c, 0x0d, 0x0e, 0xff, 0x02, 0x00, 'h',  'i',  0xaa, 0xbb};
    struct cursor c;
    struct wire_str s;
    const uint8_t *raw;

    (void)state;
    cursor_init(&c, wire, sizeof(wire));
    assert_int_equal(cursor_u16(&c), 0x0201);
    assert_int_equal(cursor_u32(&c), 0x06050403);
    assert_true(cursor_u64(&c) == 0x0e0d0c0b0a090807ull);
    assert_int_equal(cursor_u8(&c), 0xff);
    s = cursor_str(&c);
    assert_int_equal(s.len, 2);
    assert_memory_equal(s.s, "hi", 2);
    assert_int_equal(cursor_left(&c), 2);
    assert_false(cursor_done(&c));
    raw = cursor_bytes(&c, 2);
    assert_ptr_equal(raw, wire + sizeof(wire) - 2);
    assert_true(cursor_done(&c));
}

/* Each getter over each length from 0 to one more than it needs, at the end of an allocation. */
static void test_never_past_the_end(void **state)
{
    (void)state;
    for (size_t need = 1; need <= 8; need *= 2) {
        for (size_t have = 0; have <= need + 1; have++) {
            uint8_t *buf = malloc(have); /* exactly, for the address sanitizer */
            struct cursor c;
            uint64_t v;

            if (have > 0)
                memset(buf, 0xff, have);
            cursor_init(&c, buf, have);
            switch (need) {
            case 1:
                v = cursor_u8(&c);
                break;
            case 2:
                v = cursor_u16(&c);
                break;
            case 4:
                v = cursor_u32(&c);
                break;
            default:
                v = cursor_u64(&c);
                break;
            }
            assert_int_equal(c.bad, have < need);
            if (have < need) {
                assert_true(v == 0);
                assert_int_equal(cursor_left(&c), have); /* nothing consumed */
            } else {
                assert_true(v == (need == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * need)) - 1));
                assert_int_equal(cursor_left(&c), have - need);
            }
            free(buf);
        }
    }
}

static void test_error_sticks(void **state)
{
    const uint8_t wire[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct cursor c;

    (void)state;
    cursor_init(&c, wire, 3);
    assert_int_equal(cursor_u32(&c), 0);
    assert_true(c.bad);
    /* there are bytes for these, but the message is spoilt */
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_u16(&c), 0);
    assert_null(cursor_bytes(&c, 1));
    assert_null(cursor_bytes(&c, 0));
    assert_int_equal(cursor_str(&c).len, 0);
    assert_false(cursor_done(&c));
}

static void test_lying_string(void **state)
{
    const uint8_t short_by_one[] = {0x03, 0x00, 'a', 'b'};
    const uint8_t longest[] = {0xff, 0xff, 'a', 'b'};
    const uint8_t no_length[] = {0x00};
    const struct {
        const uint8_t *p;
        size_t len;
    } cases[] = {{short_by_one, 4}, {longest, 4}, {no_length, 1}, {no_length, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cursor c;
        struct wire_str s;

        cursor_init(&c, cases[i].p, cases[i].len);
        s = cursor_str(&c);
        assert_true(c.bad);
        assert_int_equal(s.len, 0);
        assert_non_null(s.s); /* an empty string, never NULL */
    }
}

static void test_huge_lengths(void **state)
{
    const uint8_t wire[4] = {0};
    const size_t lens[] = {5, SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, (size_t)1 << 32};

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct cursor c;

        cursor_init(&c, wire, sizeof(wire));
        assert_null(cursor_bytes(&c, lens[i]));
        assert_true(c.bad);
        assert_int_equal(cursor_left(&c), sizeof(wire));
    }
}

static void test_empty(void **state)
{
    struct cursor c;

    (void)state;
    cursor_init(&c, "", 0);
    assert_true(cursor_done(&c));
    assert_non_null(cursor_bytes(&c, 0));
    assert_true(cursor_done(&c));
}

static void test_trailing_bytes_are_seen(void **state)
{
    struct cursor c;

    (void)state;
    cursor_init(&c, "\x01\x02", 2);
    assert_int_equal(cursor_u8(&c), 1);
    assert_false(cursor_done(&c));
    assert_false(c.bad);
}

static void test_builder_round_trip(void **state)
{
    uint8_t buf[64];
    struct builder b;
    struct cursor c;
    struct wire_str s;

    (void)state;
    builder_init(&b, buf, sizeof(buf));
    builder_u8(&b, 0xfe);
    builder_u16(&b, 0xfedc);
    builder_u32(&b, 0xfedcba98);
    builder_u64(&b, 0xfedcba9876543210ull);
    builder_str(&b, "a\0b", 3);
    builder_bytes(&b, "xyz", 3);
    assert_false(b.bad);
    assert_int_equal(builder_len(&b), 1 + 2 + 4 + 8 + 5 + 3);
    assert_int_equal(builder_room(&b), sizeof(buf) - builder_len(&b));

    cursor_init(&c, buf, builder_len(&b));
    assert_int_equal(cursor_u8(&c), 0xfe);
    assert_int_equal(cursor_u16(&c), 0xfedc);
    assert_int_equal(cursor_u32(&c), 0xfedcba98);
    assert_true(cursor_u64(&c) == 0xfedcba9876543210ull);
    s = cursor_str(&c);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.s, "a\0b", 3);
    assert_memory_equal(cursor_bytes(&c, 3), "xyz", 3);
    assert_true(cursor_done(&c));
}

/* A message is built into every capacity that is too small: nothing behind it is touched. */
static void test_builder_never_past_the_end(void **state)
{
    const size_t whole = 1 + 2 + 4 + 8 + 2 + 3;

    (void)state;
    for (size_t cap = 0; cap <= whole; cap++) {
        uint8_t buf[32];
        struct builder b;

        memset(buf, 0x5a, sizeof(buf));
        builder_init(&b, buf, cap);
        builder_u8(&b, 0xff);
        builder_u16(&b, 0xffff);
        builder_u32(&b, 0xffffffff);
        builder_u64(&b, UINT64_MAX);
        builder_str(&b, "abc", 3);
        assert_int_equal(b.bad, cap < whole);
        assert_true(builder_len(&b) <= cap);
        for (size_t i = builder_len(&b); i < sizeof(buf); i++)
            assert_int_equal(buf[i], 0x5a);
    }
}

static void test_builder_error_sticks(void **state)
{
    uint8_t buf[4];
    struct builder b;

    (void)state;
    builder_init(&b, buf, sizeof(buf));
    builder_u64(&b, 1);
    assert_true(b.bad);
    builder_u8(&b, 1); /* would fit */
    assert_true(b.bad);
    assert_int_equal(builder_len(&b), 0);
}

static void test_builder_long_string(void **state)
{
    size_t cap = 70000;
    uint8_t *buf = malloc(cap);
    char *s = calloc(1, 65536);
    struct builder b;

    (void)state;
    builder_init(&b, buf, cap);
    builder_str(&b, s, 65535);
    assert_false(b.bad);
    assert_int_equal(builder_len(&b), 65537);
    builder_init(&b, buf, cap);
    builder_str(&b, s, 65536); /* its length does not fit into len[2] */
    assert_true(b.bad);
    assert_int_equal(builder_len(&b), 0);
    free(s);
    free(buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_little_endian),
        cmocka_unit_test(test_never_past_the_end),
        cmocka_unit_test(test_error_sticks),
        cmocka_unit_test(test_lying_string),
        cmocka_unit_test(test_huge_lengths),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_trailing_bytes_are_seen),
        cmocka_unit_test(test_builder_round_trip),
        cmocka_unit_test(test_builder_never_past_the_end),
        cmocka_unit_test(test_builder_error_sticks),
        cmocka_unit_test(test_builder_long_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
