/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ringidx.c - ring arithmetic with the indexes of a hostile frontend, across the wrap of 2^32.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "xen9p/ringidx.h"

/* Indexes around everything that could go wrong. */
static const uint32_t edges[] = {
    0,          1,          2047,       2048,       2049,       4095,       4096,
    1048575,    1048576,    1048577,    0x7fffffff, 0x80000000, 0x80000001, 0xfffff7ff,
    0xfffff800, 0xfffff801, 0xffefffff, 0xfff00000, 0xfff00001, 0xfffffffe, 0xffffffff,
};
#define NUM_EDGES (sizeof(edges) / sizeof(edges[0]))

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(ringidx_size(RING_MIN_ORDER), 4096);
    assert_int_equal(ringidx_size(RING_MAX_ORDER), 1u << 20);
    for (uint32_t o = RING_MIN_ORDER; o <= RING_MAX_ORDER; o++) {
        /* in and out together fill the 1 << order data pages */
        assert_int_equal(2 * ringidx_size(o), (RING_PAGE_SIZE << o));
        assert_int_equal(ringidx_size(o) & (ringidx_size(o) - 1), 0);
    }
    assert_int_equal(RING_MAX_REFS, 512);
}

/* Judged against arithmetic that cannot wrap. */
static void test_valid(void **state)
{
    (void)state;
    for (uint32_t o = RING_MIN_ORDER; o <= RING_MAX_ORDER; o++) {
        uint32_t size = ringidx_size(o);

        for (size_t i = 0; i < NUM_EDGES; i++) {
            for (size_t k = 0; k < NUM_EDGES; k++) {
                uint32_t prod = edges[i], cons = edges[k];
                uint64_t ahead =
                    prod >= cons ? (uint64_t)prod - cons : ((uint64_t)1 << 32) + prod - cons;

                assert_int_equal(ringidx_valid(prod, cons, size), ahead <= size);
                if (ringidx_valid(prod, cons, size)) {
                    assert_true(ringidx_used(prod, cons) == ahead);
                    assert_true(ringidx_free(prod, cons, size) == size - ahead);
                    assert_true(ringidx_used(prod, cons) + ringidx_free(prod, cons, size) == size);
                }
            }
        }
    }
}

static void test_full_and_empty(void **state)
{
    uint32_t size = ringidx_size(9);

    (void)state;
    for (size_t i = 0; i < NUM_EDGES; i++) {
        uint32_t cons = edges[i];

        assert_true(ringidx_valid(cons, cons, size));
        assert_int_equal(ringidx_used(cons, cons), 0);
        assert_int_equal(ringidx_free(cons, cons, size), size);
        assert_true(ringidx_valid(cons + size, cons, size));
        assert_int_equal(ringidx_free(cons + size, cons, size), 0);
        assert_false(ringidx_valid(cons + size + 1, cons, size));
        assert_false(ringidx_valid(cons - 1, cons, size)); /* consumed more than was produced */
    }
}

/* Segments stay inside of the ring, in order, and cover exactly the bytes asked for. */
static void check_segments(uint8_t *base, uint32_t size, uint32_t at, uint32_t len)
{
    struct iovec seg[2];
    int n = ringidx_segments(base, size, at, len, seg);
    size_t sum = 0;

    assert_in_range(n, len == 0 ? 0 : 1, len == 0 ? 0 : 2);
    for (int i = 0; i < n; i++) {
        uint8_t *p = seg[i].iov_base;

        assert_true(seg[i].iov_len > 0);
        assert_true(p >= base && p < base + size);
        assert_true(seg[i].iov_len <= (size_t)(base + size - p));
        for (size_t k = 0; k<seg[i].iov_len; k += seg[i].iov_len> 64 ? 61 : 1)
            assert_ptr_equal(p + k, base + (at + sum + k) % size);
        sum += seg[i].iov_len;
    }
    assert_int_equal(sum, len);
}

static void test_segments(void **state)
{
    uint8_t *base = malloc(ringidx_size(RING_MAX_ORDER));

    (void)state;
    for (uint32_t o = RING_MIN_ORDER; o <= RING_MAX_ORDER; o += 4) {
        uint32_t size = ringidx_size(o);
        const uint32_t lens[] = {0, 1, 2, 6, 7, size / 2, size - 1, size};

        for (size_t i = 0; i < NUM_EDGES; i++)
            for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++)
                check_segments(base, size, edges[i], lens[k]);
    }
    free(base);
}

/* A copy through the segments of every position of a small ring comes out as it went in. */
static void test_copy_round_trip(void **state)
{
    uint32_t size = ringidx_size(RING_MIN_ORDER);
    uint8_t *ring = malloc(size), data[37], back[37];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (uint32_t at = 0xffffffff - size; at != 64; at++) {
        struct iovec seg[2];
        size_t done = 0;
        int n = ringidx_segments(ring, size, at, sizeof(data), seg);

        memset(ring, 0, size);
        for (int i = 0; i < n; i++) {
            memcpy(seg[i].iov_base, data + done, seg[i].iov_len);
            done += seg[i].iov_len;
        }
        for (size_t i = 0; i < sizeof(back); i++)
            back[i] = ring[(at + (uint32_t)i) % size];
        assert_memory_equal(back, data, sizeof(data));
    }
    free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),           cmocka_unit_test(test_valid),
        cmocka_unit_test(test_full_and_empty),  cmocka_unit_test(test_segments),
        cmocka_unit_test(test_copy_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
