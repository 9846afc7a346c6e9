/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_rings.c - the ring engine with a frontend that keeps to the protocol: wrap-around, orders,
 * back-pressure, publication, notifications.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "locking.h"
#include "suites.h"

/* Messages of 11 bytes in both directions: every offset of a page comes up as a start. */
static void wrap_at_every_offset(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 1, .num_rings = 1});
    struct p9c c;

    p9c_mount(&c, g);
    CHECK_EQ(c.msize, 2048);
    for (int i = 0; i < 4200; i++)
        CHECK_ERR(p9c_clunk(&c, 1000), EBADF);
    rig_end(g);
}

static void data_wraps_at_every_offset(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 1, .num_rings = 1});
    uint8_t data[2048], buf[2048];
    struct p9c c;
    uint32_t n;

    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    for (uint32_t i = 0; i < 2200; i++) {
        uint32_t len = 1 + i * 7 % 1999;

        for (uint32_t k = 0; k < len; k++)
            data[k] = (uint8_t)(i + k * 3);
        CHECK_OK(p9c_write(&c, 1, i, data, len, &n));
        CHECK_EQ(n, len);
        CHECK_OK(p9c_read(&c, 1, i, buf, len, &n));
        CHECK_EQ(n, len);
        CHECK(memcmp(buf, data, len) == 0);
    }
    rig_end(g);
}

/* Several times the ring's size through it, on every ring. */
static void pour(struct rig *g)
{
    size_t len = 3 * (size_t)g->ring[0].size + 777, got;
    uint8_t *data = malloc(len), *buf = malloc(len);
    struct p9c c;

    p9c_mount(&c, g);
    for (uint32_t ring = 0; ring < g->cfg.num_rings; ring++) {
        char name[] = {'f', (char)('0' + ring), '\0'};

        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)((i ^ i >> 9) + ring);
        c.ring = (int)ring;
        CHECK_OK(p9c_walk(&c, 0, 10 + ring, ""));
        CHECK_OK(p9c_lcreate(&c, 10 + ring, name, P9_L_RDWR | P9_L_CREAT, 0644));
        CHECK_OK(p9c_write_all(&c, 10 + ring, 0, data, len));
        CHECK_OK(p9c_read_all(&c, 10 + ring, 0, buf, len, &got));
        CHECK_EQ(got, len);
        CHECK(memcmp(data, buf, len) == 0);
    }
    rig_end(g);
    free(data);
    free(buf);
}

static void orders_1_to_9(void)
{
    for (uint32_t order = 1; order <= 9; order++)
        pour(rig_new(&(struct rig_config){.order = order, .export = tap_dir()}));
}

static void one_to_four_rings(void)
{
    for (uint32_t rings = 1; rings <= CTL_MAX_RINGS; rings++)
        pour(rig_new(&(struct rig_config){.order = 3, .num_rings = rings, .export = tap_dir()}));
}

static void indexes_pass_2_to_the_32(void)
{
    static const uint32_t starts[] = {0xffffffffu, 0xfffff801u, 0xffff0003u, 0x7ffff123u};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        pour(rig_new(
            &(struct rig_config){.order = 4, .start_index = starts[i], .export = tap_dir()}));
}

static void file_with(struct rig *g, const char *name, size_t len)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    uint8_t *data = malloc(len);

    MUST(fd);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i >> 3);
    CHECK_EQ(write(fd, data, len), (ssize_t)len);
    close(fd);
    free(data);
}

/* Puts a Tread without waiting for room: false when `out` is full. */
static bool try_read(struct rig *g, uint32_t ring, uint16_t tag, uint32_t count)
{
    uint8_t msg[64];
    uint32_t len = p9_pack(msg, sizeof(msg), P9_TREAD, tag, "dqd", 1u, 0ul, count);

    if (rig_out_room(g, ring) < len)
        return false;
    g->ring[ring].in_flight[tag]++;
    rig_copy_out(g, ring, 0, msg, len);
    rig_publish(g, ring, len);
    rig_kick(g);
    return true;
}

/* Mounts, and opens a file as fid 1. */
static void open_file(struct rig *g, struct p9c *c)
{
    file_with(g, "f", 8192);
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(c, 1, P9_L_RDONLY));
}

/* Asks ring 0 for reads of it until no more of them fit; tags 2000 and up. How many. */
static uint16_t fill_ring(struct rig *g)
{
    uint16_t sent = 0;

    for (long long until = tap_now() + 300; tap_now() < until;) {
        if (try_read(g, 0, (uint16_t)(2000 + sent), 3000))
            sent++;
        else
            tap_sleep(1);
    }
    return sent;
}

/*
 * The frontend takes no replies: the worker must stop taking requests and sleep, serve the
 * other ring meanwhile, and go on when there is room again.
 */
static void back_pressure(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 3});
    uint16_t sent;
    long long cpu;
    struct p9c c;
    uint32_t cons;

    open_file(g, &c);
    sent = fill_ring(g);
    CHECK(sent > 100);
    cons = __atomic_load_n(&g->ring[0].intf->out_cons, __ATOMIC_ACQUIRE);
    CHECK(rig_in_used(g, 0) >= 3011 && g->ring[0].size - rig_in_used(g, 0) < 3011);
    while (rig_notified(g, 20))
        ;
    cpu = rig_cpu_ms(g);
    g->notifications = 0;
    CHECK(!rig_notified(g, 700));
    CHECK(rig_cpu_ms(g) - cpu < 30);
    CHECK_EQ(g->ring[0].intf->out_cons, cons); /* takes no more */
    c.ring = 1;
    for (uint32_t i = 0; i < 50; i++) { /* the other ring does not care */
        CHECK_OK(p9c_walk(&c, 0, 100 + i, "f"));
        CHECK_OK(p9c_clunk(&c, 100 + i));
    }
    for (uint16_t i = 0; i < sent; i++) {
        struct reply *m = rig_wait(g, 0, (uint16_t)(2000 + i));

        CHECK_EQ(m->len, 3011);
        CHECK_EQ(m->type, P9_TREAD + 1);
        free(m);
    }
    rig_end(g);
}

#define FLUSHED 20u

/*
 * Requests that still lie in a full ring, flushed through the other: when Rflush can be seen, so can the reply that it
 * tells the end of. Which of them have been looked at nobody outside knows.
 */
static void flush_of_what_was_not_taken(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 3});
    bool answered[65536] = {false};
    uint16_t sent;
    uint32_t left = FLUSHED;
    long long until;
    struct p9c c;

    open_file(g, &c);
    sent = fill_ring(g);
    CHECK(sent > 2 * FLUSHED);
    CHECK(atomic_load(&g->journal->ring[0].out_taken) != g->ring[0].out_prod);
    for (uint16_t i = 0; i < FLUSHED; i++) { /* every other from the end, and from the beginning */
        uint16_t back = (uint16_t)(i % 2 == 0 ? sent - 1 - i : i);
        uint8_t msg[16];
        uint32_t len =
            p9_pack(msg, sizeof(msg), P9_TFLUSH, (uint16_t)(1000 + i), "w", 2000 + (int)back);

        rig_put(g, 1, msg, len);
    }
    until = tap_now() + RIG_WAIT_MS;
    while (left > 0) {
        struct reply *m = rig_take(g, 1);
        uint16_t i, back;

        CHECK(tap_now() < until);
        if (m == NULL) { /* room for one more */
            m = rig_take(g, 0);
            if (m != NULL)
                answered[m->tag] = true;
            else
                (void)rig_notified(g, 5);
            free(m);
            tap_sleep(1);
            continue;
        }
        CHECK_EQ(m->type, P9_TFLUSH + 1);
        i = (uint16_t)(m->tag - 1000);
        CHECK(i < FLUSHED);
        back = (uint16_t)(i % 2 == 0 ? sent - 1 - i : i);
        free(m);
        while ((m = rig_take(g, 0)) != NULL) { /* only what is there already */
            answered[m->tag] = true;
            free(m);
        }
        if (!answered[2000 + back])
            FAIL("the Rflush of %u came before its reply", 2000 + back);
        left--;
    }
    rig_end(g);
}

/*
 * A new session begins on the other ring. What the full one holds, and the lock that ended meanwhile, are the old one's:
 * neither executed nor answered, and their tags are free.
 */
static void version_beside_a_full_ring(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 3, .policy.lock_wait_ms = 500});
    uint32_t published;
    uint16_t sent, tag;
    char got[16];
    struct p9c c;
    int fd;

    open_file(g, &c);
    fd = host_open(g, "f", O_RDWR);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    c.ring = 0;
    tag = p9c_send(&c, P9_TLOCK, "dbdqqds", 1u, (int)RD, P9_LOCK_FLAG_BLOCK, 0ul, 0ul, 1u, "guest");
    sent = fill_ring(g);
    CHECK(sent > 100);
    tap_sleep(500);
    CHECK_EQ(g->ring[0].in_flight[tag], 1);
    c.ring = 1;
    CHECK_OK(p9c_version(&c, 4096, "9P2000.L", got));
    for (published = rig_in_used(g, 0); published > 0;) {
        struct reply *m = rig_take(g, 0);

        CHECK_EQ(m->type, P9_TREAD + 1);
        published -= m->len;
        free(m);
    }
    memset(g->ring[0].in_flight, 0, sizeof(g->ring[0].in_flight));
    c.ring = 0;
    c.next_tag = (uint16_t)(2000 + sent - 4);
    CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
    for (int i = 0; i < 1000; i++) { /* more than the ring holds */
        CHECK_OK(p9c_walk(&c, 0, 1, "f"));
        CHECK_OK(p9c_clunk(&c, 1));
    }
    tap_sleep(RIG_QUIET_MS);
    CHECK_EQ(rig_in_used(g, 0), 0);
    close(fd);
    rig_end(g);
}

/* 64 requests in flight, the frontend looks at in_prod as fast as it can (see rig_take). */
static void replies_are_published_whole(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6});
    uint32_t sent = 0, got = 0, x = 7;
    const uint32_t total = 30000;
    struct p9c c;
    long long deadline;

    file_with(g, "f", 8192);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    deadline = tap_now() + 30000;
    while (got < total) {
        CHECK(tap_now() < deadline);
        if (sent < total && sent - got < 64) {
            x = x * 1664525u + 1013904223u;
            if (try_read(g, sent % 2, (uint16_t)(1000 + sent % 20000), (x >> 16) % 5000))
                sent++;
        }
        for (uint32_t ring = 0; ring < 2; ring++) {
            struct reply *m = rig_take(g, ring);

            if (m == NULL)
                continue;
            CHECK_EQ(m->type, P9_TREAD + 1);
            got++;
            free(m);
        }
    }
    rig_end(g);
}

static void no_notification_without_progress(void)
{
    struct rig *g = rig_new(NULL);
    uint64_t before;
    struct p9c c;

    p9c_mount(&c, g);
    while (rig_notified(g, 50))
        ;
    before = g->notifications;
    for (int i = 0; i < 2000; i++) {
        rig_kick(g);
        if (i % 20 == 0)
            tap_sleep(1);
    }
    CHECK(!rig_notified(g, 200));
    CHECK_EQ(g->notifications, before);
    /* One request: one reply, and not many more words than that. */
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    while (rig_notified(g, 50))
        ;
    CHECK(g->notifications - before >= 1 && g->notifications - before <= 2);
    rig_end(g);
}

/* Idle: no thread wakes up by itself. */
/* TSan has a thread of its own in each process, which wakes up ten times a second. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IDLE_MS 15
#endif
#endif
#ifndef IDLE_MS
#define IDLE_MS 2
#endif

static void idle_costs_nothing(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    long long cpu;

    p9c_mount(&c, g);
    tap_sleep(100);
    cpu = rig_cpu_ms(g);
    tap_sleep(1500);
    CHECK(rig_cpu_ms(g) - cpu <= IDLE_MS);
    rig_end(g);
}

/* Many requests in one publication, one kick for all of them. */
static void one_kick_for_many(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6});
    struct p9c c;

    p9c_mount(&c, g);
    for (int round = 0; round < 200; round++) {
        uint32_t len = 0;

        for (uint16_t i = 0; i < 100; i++) {
            uint8_t msg[32];
            uint32_t n = p9_pack(msg, sizeof(msg), P9_TGETATTR, (uint16_t)(100 + i), "dq", 0u,
                                 P9_GETATTR_BASIC);

            g->ring[0].in_flight[100 + i]++;
            rig_copy_out(g, 0, len, msg, n);
            len += n;
        }
        rig_publish(g, 0, len);
        rig_kick(g);
        for (uint16_t i = 0; i < 100; i++) {
            struct reply *m = rig_wait(g, 0, (uint16_t)(100 + i));

            CHECK_EQ(m->type, P9_TGETATTR + 1);
            free(m);
        }
    }
    rig_end(g);
}

/* Two rings at once, everything in flight that fits, all threads. */
static void mix(bool no_polling)
{
    struct rig *g =
        rig_new(&(struct rig_config){.order = 4, .threads = 8, .no_polling = no_polling});
    uint8_t msg[4096], data[3000] = {0};
    uint32_t x = 99;
    struct p9c c;

    file_with(g, "f", 100000);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    for (uint32_t round = 0; round < 150; round++) {
        for (uint32_t i = 0; i < 60; i++) {
            uint16_t tag = (uint16_t)(100 + i);
            uint64_t at;
            uint32_t n;

            x = x * 1664525u + 1013904223u;
            n = (x >> 12) % 2500;
            at = (x >> 8) % 90000;
            if (i % 4 == 0)
                n = p9_pack(msg, sizeof(msg), P9_TWRITE, tag, "dqdB", 1u, at, n, (size_t)n, data);
            else if (i % 4 == 1)
                n = p9_pack(msg, sizeof(msg), P9_TWALK, tag, "ddws", 0u, 1000 + i, 1, "f");
            else if (i % 4 == 2)
                n = p9_pack(msg, sizeof(msg), P9_TREAD, tag, "dqd", 1u, at, n);
            else
                n = p9_pack(msg, sizeof(msg), P9_TFLUSH, tag, "w", 100 + (int)(x >> 24) % 60);
            p9c_send_raw(&c, msg, n);
        }
        for (uint32_t i = 0; i < 60; i++)
            free(rig_wait(g, p9c_ring(&c, (uint16_t)(100 + i)), (uint16_t)(100 + i)));
        for (uint32_t i = 1; i < 60; i += 4)
            CHECK_OK(p9c_clunk(&c, 1000 + i));
    }
    rig_end(g);
}

static void mixed_load(void)
{
    mix(false);
}

static void mixed_load_without_polling(void)
{
    mix(true);
}

static const struct tap_case cases[] = {
    {"wrap_at_every_offset", wrap_at_every_offset, 0, 0},
    {"data_wraps_at_every_offset", data_wraps_at_every_offset, 0, 0},
    {"orders_1_to_9", orders_1_to_9, 0, 0},
    {"one_to_four_rings", one_to_four_rings, 0, 0},
    {"indexes_pass_2_to_the_32", indexes_pass_2_to_the_32, 0, 0},
    {"back_pressure", back_pressure, 0, 0},
    {"flush_of_what_was_not_taken", flush_of_what_was_not_taken, 0, 0},
    {"version_beside_a_full_ring", version_beside_a_full_ring, 0, 0},
    {"replies_are_published_whole", replies_are_published_whole, 0, 0},
    {"no_notification_without_progress", no_notification_without_progress, 0, 0},
    {"idle_costs_nothing", idle_costs_nothing, 0, 0},
    {"one_kick_for_many", one_kick_for_many, 0, 0},
    {"mixed_load", mixed_load, 0, 0},
    {"mixed_load_without_polling", mixed_load_without_polling, 0, 0},
};
TAP_SUITE(rings, cases);
