/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_ops_threads.c - many threads, one session, the same few fids: no crash, no race, no
 * descriptor left behind. Errors are expected: what one thread opens another removes.
 */
#include "ops_harness.h"

#define THREADS 6
#define ROUNDS 3000
#define FIDS 6u /* few, so that threads meet */

/* A request of a thread's own; the harness has only one. */
struct client {
    struct request r;
    uint32_t random;
};

static uint32_t pick(struct client *c, uint32_t n)
{
    c->random = c->random * 1664525u + 1013904223u;
    return (c->random >> 16) % n;
}

static int act(struct client *c, request_handler handler, const char *fmt, ...)
{
    struct request *r = &c->r;
    struct builder b;
    va_list ap;
    int err;

    builder_init(&b, r->body, sizeof(r->body));
    va_start(ap, fmt);
    put_fields(&b, fmt, ap);
    va_end(ap);
    r->session = the_session();
    cursor_init(&r->in, r->body, builder_len(&b));
    builder_init(&r->out, r->small + P9_HDR_SIZE, sizeof(r->small) - P9_HDR_SIZE);
    err = handler(r);
    assert_true(err <= 0 && err > -4096);
    return err;
}

static void one_step(struct client *c)
{
    uint32_t fid = 10 + pick(c, FIDS), other = 10 + pick(c, FIDS);
    char name[8] = {'a', (char)('0' + pick(c, 4)), '\0'};
    char to[8] = {'a', (char)('0' + pick(c, 4)), '\0'};

    switch (pick(c, 15)) {
    case 0:
        act(c, op_walk, "442s", ROOT_FID, fid, 1, name);
        break;
    case 1:
        act(c, op_walk, "442", ROOT_FID, fid, 0);
        break;
    case 2:
        act(c, op_walk, "442s", fid, other, 1, "..");
        break;
    case 3:
        act(c, op_lopen, "44", fid, pick(c, 3));
        break;
    case 4:
        act(c, op_lcreate, "4s444", fid, name, P9_L_RDWR, 0644u, 0u);
        break;
    case 5:
    case 6:
        act(c, op_readdir, "484", fid, 0ull, 300 + pick(c, 4000));
        break;
    case 7:
        act(c, op_getattr, "48", fid, P9_GETATTR_BASIC);
        break;
    case 8:
        act(c, op_setattr, "4444488888", fid, P9_SETATTR_SIZE | P9_SETATTR_MODE, 0644u, 0u, 0u,
            (uint64_t)pick(c, 9000), 0ull, 0ull, 0ull, 0ull);
        break;
    case 9:
        act(c, op_renameat, "4s4s", ROOT_FID, name, ROOT_FID, to);
        break;
    case 10:
        act(c, op_rename, "44s", fid, ROOT_FID, to);
        break;
    case 11:
        act(c, op_remove, "4", fid);
        break;
    case 12:
        act(c, op_link, "44s", ROOT_FID, fid, name);
        break;
    case 13:
        act(c, op_mkdir, "4s44", 10 + pick(c, FIDS), name, 0755u, 0u);
        break;
    default:
        act(c, op_clunk, "4", fid);
    }
}

static void *client(void *arg)
{
    struct client *c = calloc(1, sizeof(*c));

    c->random = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++)
        one_step(c);
    free(c);
    return NULL;
}

static void test_together(void **state)
{
    pthread_t thread[THREADS];

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, client, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    /* Nothing got out, and the root is where it was. */
    assert_int_equal(duplicate(ROOT_FID, 99), 0);
    assert_true(host_stat("").st_ino == the_session()->root.st_ino);
}

static void *opener(void *arg)
{
    struct client *c = calloc(1, sizeof(*c));
    uintptr_t won = 0;

    (void)arg;
    for (uint32_t i = 0; i < 40; i++)
        won += act(c, op_lopen, "44", 20 + i, P9_L_RDONLY) == 0;
    free(c);
    return (void *)won;
}

/* Several Tlopen of one fid at once: one of them opens it. */
static void test_open_once(void **state)
{
    pthread_t thread[THREADS];
    uintptr_t won = 0;

    (void)state;
    host_file("f", "x");
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(walk1(ROOT_FID, 20 + i, "f"), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, opener, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *n;

        pthread_join(thread[i], &n);
        won += (uintptr_t)n;
    }
    assert_int_equal(won, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(test_together),
        OPS_TEST(test_open_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
