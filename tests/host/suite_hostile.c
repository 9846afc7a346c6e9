/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_hostile.c - a frontend that breaks the ring protocol. The worker answers an error or asks
 * for its device to be closed; it never crashes, hangs or spins, and its other ring goes on as
 * long as the device is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"

static void set(RING_IDX *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* A mounted rig in which out_prod of ring 1 is then moved by `by`. */
static void bad_out_prod(uint32_t by)
{
    struct rig *g = rig_new(&(struct rig_config){.export = tap_dir()});
    struct p9c c;

    p9c_mount(&c, g);
    c.ring = 1;
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    set(&g->ring[1].intf->out_prod, g->ring[1].out_prod + by);
    rig_kick(g);
    rig_expect_close(g, 1, CTL_CLOSE_BAD_INDEX);
}

static void out_prod_too_far(void)
{
    bad_out_prod(ringidx_size(5) + 1);
    bad_out_prod(0x80000000u);
    bad_out_prod(2 * ringidx_size(5));
}

static void out_prod_backwards(void)
{
    bad_out_prod(UINT32_MAX); /* by one */
    bad_out_prod(0u - ringidx_size(5));
}

/* in_cons ahead of in_prod, or further behind than the ring is large. */
static void in_cons_garbage(void)
{
    static const uint32_t by[] = {1, 0x80000000u, 0u - 65537u, 100};

    for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
        struct rig *g = rig_new(&(struct rig_config){.export = tap_dir()});
        uint8_t msg[32];
        struct p9c c;
        uint32_t len;

        p9c_mount(&c, g);
        set(&g->ring[0].intf->in_cons, g->ring[0].in_cons + by[i]);
        len = p9_pack(msg, sizeof(msg), P9_TSTATFS, 50, "d", 0u);
        rig_put(g, 0, msg, len);
        rig_expect_close(g, 0, CTL_CLOSE_BAD_INDEX);
    }
}

/*
 * Many replies meet the broken index at once while the supervisor stops the device as soon as it
 * hears of it: none of them may be kept for a frontend that is not served any more.
 */
static void in_cons_garbage_under_load(void)
{
    for (uint32_t i = 0; i < 60; i++) {
        struct rig *g = rig_new(&(struct rig_config){.export = tap_dir()});
        uint8_t msg[32];
        struct p9c c;

        p9c_mount(&c, g);
        set(&g->ring[i % 2].intf->in_cons, g->ring[i % 2].in_cons + 1);
        for (uint16_t k = 0; k < 40; k++) {
            uint32_t len = p9_pack(msg, sizeof(msg), P9_TSTATFS, (uint16_t)(50 + k), "d", 0u);

            g->ring[k % 2].in_flight[50 + k]++;
            rig_copy_out(g, k % 2, 0, msg, len);
            rig_publish(g, k % 2, len);
            rig_kick(g);
        }
        rig_expect_close(g, i % 2, CTL_CLOSE_BAD_INDEX);
    }
}

static void bad_size(uint32_t size)
{
    struct rig *g = rig_new(&(struct rig_config){.export = tap_dir()});
    uint8_t msg[64] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16),
                       (uint8_t)(size >> 24), P9_TSTATFS};
    struct p9c c;

    p9c_mount(&c, g);
    rig_copy_out(g, 0, 0, msg, sizeof(msg));
    rig_publish(g, 0, sizeof(msg));
    rig_kick(g);
    rig_expect_close(g, 0, CTL_CLOSE_BAD_SIZE);
    CHECK_EQ(g->close.c, size);
}

static void size_0_to_6(void)
{
    for (uint32_t size = 0; size < P9_HDR_SIZE; size++)
        bad_size(size);
}

static void size_over_the_ring(void)
{
    bad_size(ringidx_size(5) + 1);
    bad_size(0x80000000u);
    bad_size(UINT32_MAX);
}

/* A request that never becomes whole: nobody spins over it, the other ring goes on. */
static void incomplete(uint32_t bytes)
{
    struct rig *g = rig_new(&(struct rig_config){.export = tap_dir()});
    uint8_t msg[64];
    struct p9c c;
    long long cpu;
    uint32_t len;

    p9c_mount(&c, g);
    len = p9_pack(msg, sizeof(msg), P9_TGETATTR, 60, "dq", 0u, P9_GETATTR_BASIC);
    CHECK(bytes < len);
    rig_copy_out(g, 0, 0, msg, bytes);
    rig_publish(g, 0, bytes);
    rig_kick(g);
    tap_sleep(50);
    cpu = rig_cpu_ms(g);
    tap_sleep(400);
    CHECK(rig_cpu_ms(g) - cpu <= 5);
    c.ring = 1;
    for (int i = 0; i < 50; i++) {
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_clunk(&c, 1));
    }
    rig_copy_out(g, 0, 0, msg + bytes, len - bytes);
    g->ring[0].in_flight[60]++;
    rig_publish(g, 0, len - bytes);
    rig_kick(g);
    free(rig_wait(g, 0, 60));
    rig_end(g);
}

static void partial_header(void)
{
    incomplete(1);
    incomplete(6);
}

static void a_header_only(void)
{
    incomplete(7);
    incomplete(18);
}

static void one_byte_at_a_time(void)
{
    struct rig *g = rig_new(NULL);
    uint8_t msg[64];
    struct p9c c;

    p9c_mount(&c, g);
    for (uint16_t k = 0; k < 20; k++) {
        uint32_t len = p9_pack(msg, sizeof(msg), P9_TWALK, (uint16_t)(60 + k), "ddwss", 0u,
                               100u + k, 2, "..", "..");

        g->ring[1].in_flight[60 + k]++;
        for (uint32_t i = 0; i < len; i++) {
            rig_copy_out(g, 1, 0, msg + i, 1);
            rig_publish(g, 1, 1);
            rig_kick(g);
            if (i % 3 == 0)
                sched_yield();
        }
        free(rig_wait(g, 1, (uint16_t)(60 + k)));
    }
    rig_end(g);
}

/* One free byte in `in`, for ever. */
static void one_free_byte_forever(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint8_t msg[32];
    long long cpu;
    uint32_t len, prod;

    p9c_mount(&c, g);
    prod = g->ring[0].in_cons;
    set(&g->ring[0].intf->in_cons, prod - g->ring[0].size + 1);
    for (uint16_t i = 0; i < 100; i++) {
        len = p9_pack(msg, sizeof(msg), P9_TSTATFS, (uint16_t)(100 + i), "d", 0u);
        rig_put(g, 0, msg, len);
    }
    tap_sleep(100);
    cpu = rig_cpu_ms(g);
    tap_sleep(400);
    CHECK(rig_cpu_ms(g) - cpu <= 5);
    CHECK_EQ(g->ring[0].intf->in_prod, prod);
    c.ring = 1;
    c.next_tag = 2000; /* a tag is in flight on either ring */
    for (int i = 0; i < 50; i++) {
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_clunk(&c, 1));
    }
    set(&g->ring[0].intf->in_cons, prod);
    rig_kick(g);
    for (uint16_t i = 0; i < 100; i++)
        free(rig_wait(g, 0, (uint16_t)(100 + i)));
    rig_end(g);
}

/* The worker's own indexes are overwritten in the page: it keeps to its private ones. */
static void indexes_of_the_backend_overwritten(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t in = g->ring[0].in_cons, out = g->ring[0].out_prod, len;
        long long deadline = tap_now() + RIG_WAIT_MS;
        uint8_t msg[32];

        set(&g->ring[0].intf->in_prod, i * 2654435761u);
        set(&g->ring[0].intf->out_cons, ~i * 40503u);
        len = p9_pack(msg, sizeof(msg), P9_TCLUNK, 7, "d", 99u);
        g->ring[0].in_flight[7]++;
        rig_copy_out(g, 0, 0, msg, len);
        rig_publish(g, 0, len);
        rig_kick(g);
        while (__atomic_load_n(&g->ring[0].intf->in_prod, __ATOMIC_ACQUIRE) != in + 11)
            if (!rig_notified(g, 100) && tap_now() > deadline)
                FAIL("no reply");
        free(rig_wait(g, 0, 7));
        CHECK_EQ(g->ring[0].intf->out_cons, out + len);
    }
    rig_end(g);
}

static void ring_order_changed_after_the_map(void)
{
    static const uint32_t orders[] = {0, 1, 10, 255, UINT32_MAX, 9};
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        set(&g->ring[0].intf->ring_order, orders[i]);
        memset(g->ring[0].intf->ref, (int)i, 2048);
        for (int k = 0; k < 300; k++) {
            CHECK_OK(p9c_walk(&c, 0, 1, ".."));
            CHECK_OK(p9c_clunk(&c, 1));
        }
    }
    rig_end(g);
}

struct tamper {
    struct rig *g;
    atomic_bool stop;
    unsigned seed;
};

/* A guest's races are none of ours: only the worker is to be free of them. */
#if defined(__clang__)
#define GUEST_RACES __attribute__((no_sanitize("thread")))
#else
#define GUEST_RACES
#endif

/* Rewrites the sizes and bodies of whatever may be waiting in `out`. */
GUEST_RACES static void *rewrite_requests(void *arg)
{
    struct tamper *t = arg;
    struct fe_ring *r = &t->g->ring[0];
    uint32_t x = t->seed;

    while (!atomic_load(&t->stop)) {
        x = x * 1664525u + 1013904223u;
        *(volatile uint8_t *)&r->out[(x >> 8) & (r->size - 1)] = (uint8_t)(x >> 24);
    }
    return NULL;
}

/* And everything: indexes of both sides, order, requests, replies. */
GUEST_RACES static void *scribble(void *arg)
{
    struct tamper *t = arg;
    uint8_t *mem = t->g->mem;
    uint32_t x = t->seed;

    while (!atomic_load(&t->stop)) {
        struct xen_9pfs_data_intf *intf = t->g->ring[x >> 31].intf;

        x = x * 1664525u + 1013904223u;
        switch ((x >> 28) % 5) {
        case 0:
            set(&intf->out_prod, intf->out_cons + (x >> 20) % 200);
            break;
        case 1:
            set(&intf->in_cons, intf->in_prod - (x >> 20) % 200);
            break;
        case 2:
            set(&intf->out_prod, intf->out_prod + (x >> 27));
            break;
        default:
            *(volatile uint8_t *)&mem[(x >> 4) % t->g->mem_len] = (uint8_t)x;
        }
        if ((x >> 16) % 64 == 0)
            rig_kick(t->g);
    }
    return NULL;
}

/* The worker lives or asks to be closed; then it ends when it is told to. */
static void end_either_way(struct rig *g)
{
    union ctl_message m = {.hdr = {.type = CTL_STOP}};
    int status;

    rig_events(g);
    if (g->closed)
        CHECK(g->close.a == CTL_CLOSE_BAD_INDEX || g->close.a == CTL_CLOSE_BAD_SIZE ||
              g->close.a == CTL_CLOSE_FLUSH_STORM);
    (void)ctl_send(g->control_fd, &m, NULL, 0);
    g->phase = CTL_PHASE_STOPPING;
    /* A frontend that is still there takes its replies, so that the worker can drain. */
    for (uint32_t i = 0; i < g->cfg.num_rings; i++)
        set(&g->ring[i].intf->in_cons, g->ring[i].intf->in_prod);
    rig_kick(g);
    status = rig_wait_exit(g);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        FAIL("the worker ended with status 0x%x", status);
}

static void requests_changed_during_the_copy(void)
{
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct rig *g = rig_new(&(struct rig_config){.order = 2, .export = tap_dir()});
        struct tamper t = {.g = g, .seed = seed * 7919};
        uint8_t msg[64], data[8] = {0};
        long long until;
        pthread_t thread;
        struct p9c c;

        p9c_mount(&c, g);
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
        g->lenient = true;
        CHECK_EQ(pthread_create(&thread, NULL, rewrite_requests, &t), 0);
        for (until = tap_now() + 500; tap_now() < until && !g->closed;) {
            uint32_t len =
                p9_pack(msg, sizeof(msg), P9_TWRITE, 9, "dqdB", 1u, 0ul, 8u, (size_t)8, data);
            struct reply *m;

            if (rig_out_room(g, 0) >= len && rig_out_room(g, 0) <= g->ring[0].size) {
                rig_copy_out(g, 0, 0, msg, len);
                rig_publish(g, 0, len);
                rig_kick(g);
            }
            while ((m = rig_take(g, 0)) != NULL)
                free(m);
            rig_events(g);
        }
        atomic_store(&t.stop, true);
        pthread_join(thread, NULL);
        end_either_way(g);
    }
}

static void everything_scribbled_over(void)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct rig *g = rig_new(&(struct rig_config){
            .order = 1 + seed % 4, .export = tap_dir(), .flags = CTL_FLAG_READ_ONLY});
        struct tamper t = {.g = g, .seed = seed * 104729};
        pthread_t thread;
        struct p9c c;

        p9c_mount(&c, g);
        g->lenient = true;
        CHECK_EQ(pthread_create(&thread, NULL, scribble, &t), 0);
        for (int i = 0; i < 30 && !g->closed; i++) {
            tap_sleep(10);
            rig_events(g);
        }
        atomic_store(&t.stop, true);
        pthread_join(thread, NULL);
        end_either_way(g);
    }
}

static void event_storm(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 1000; k++)
            rig_kick(g);
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_clunk(&c, 1));
    }
    rig_end(g);
}

/* Each request gets an answer, be it an error for the tag that is in flight already. */
static void duplicate_tags_in_flight(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (int round = 0; round < 100; round++) {
        uint32_t len = 0;

        for (int i = 0; i < 40; i++) {
            uint8_t msg[32];
            uint32_t n = p9_pack(msg, sizeof(msg), i % 2 ? P9_TSTATFS : P9_TGETATTR, 3,
                                 i % 2 ? "d" : "dq", 0u, P9_GETATTR_BASIC);

            g->ring[0].in_flight[3]++;
            rig_copy_out(g, 0, len, msg, n);
            len += n;
        }
        rig_publish(g, 0, len);
        rig_kick(g);
        for (int i = 0; i < 40; i++) {
            struct reply *m = rig_wait(g, 0, 3);

            CHECK(m->type == P9_RLERROR || m->type == P9_TSTATFS + 1 || m->type == P9_TGETATTR + 1);
            free(m);
        }
    }
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    rig_end(g);
}

/* The same tag on both rings: each answer comes on its own. */
static void one_tag_on_both_rings(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (int i = 0; i < 500; i++) {
        uint8_t msg[32];
        uint32_t n = p9_pack(msg, sizeof(msg), P9_TSTATFS, 3, "d", 0u);

        rig_put(g, 0, msg, n);
        rig_put(g, 1, msg, n);
        free(rig_wait(g, 1, 3));
        free(rig_wait(g, 0, 3));
    }
    rig_end(g);
}

static void notag_as_a_tag(void)
{
    struct rig *g = rig_new(NULL);
    uint8_t msg[64];
    struct p9c c;
    char got[16];
    uint32_t n;

    p9c_mount(&c, g);
    n = p9_pack(msg, sizeof(msg), P9_TSTATFS, P9_NOTAG, "d", 0u);
    p9c_send_raw(&c, msg, n);
    CHECK_OK(p9c_finish(&c, P9_NOTAG, P9_TSTATFS));
    n = p9_pack(msg, sizeof(msg), P9_TFLUSH, P9_NOTAG, "w", (int)P9_NOTAG);
    p9c_send_raw(&c, msg, n);
    CHECK_OK(p9c_finish(&c, P9_NOTAG, P9_TFLUSH));
    n = p9_pack(msg, sizeof(msg), P9_TVERSION, 0, "ds", 8192u, "9P2000.L"); /* Mini-OS */
    p9c_send_raw(&c, msg, n);
    CHECK_OK(p9c_finish(&c, 0, P9_TVERSION));
    CHECK_OK(p9c_version(&c, 8192, "9P2000.L", got));
    rig_end(g);
}

/* As many as may be parked at once: all are answered. */
static void flush_storm(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6});
    const uint16_t many = LIMIT_PARKED_FLUSHES - 8;
    uint32_t x = 3;
    struct p9c c;

    p9c_mount(&c, g);
    for (int round = 0; round < 60; round++) {
        for (uint16_t i = 0; i < many; i++) { /* of each other, of themselves, of nothing */
            uint8_t msg[16];
            uint32_t n;

            x = x * 1664525u + 1013904223u;
            n = p9_pack(msg, sizeof(msg), P9_TFLUSH, (uint16_t)(100 + i), "w",
                        100 + (int)((x >> 16) % (many + 20)));
            p9c_send_raw(&c, msg, n);
        }
        for (uint16_t i = 0; i < many; i++)
            CHECK_OK(p9c_finish(&c, (uint16_t)(100 + i), P9_TFLUSH));
    }
    rig_end(g);
}

/* More than that: all answered, or the device closed for it; no third way. */
static void flush_storm_over_the_bound(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6});
    uint32_t answered = 0, sent = 0;
    long long deadline = tap_now() + RIG_WAIT_MS;
    struct reply *m;
    struct p9c c;

    p9c_mount(&c, g);
    while (!g->closed && answered < 30000) {
        CHECK(tap_now() < deadline);
        while (sent - answered < 2000) {
            uint8_t msg[16];
            uint32_t n = p9_pack(msg, sizeof(msg), P9_TFLUSH, (uint16_t)(sent % 30000), "w",
                                 (int)(sent * 7919 % 30000));

            if (rig_out_room(g, sent % 2) < n)
                break;
            g->ring[sent % 2].in_flight[sent % 30000]++;
            rig_copy_out(g, sent % 2, 0, msg, n);
            rig_publish(g, sent % 2, n);
            sent++;
        }
        rig_kick(g);
        for (uint32_t ring = 0; ring < 2; ring++)
            while ((m = rig_take(g, ring)) != NULL) {
                answered++;
                free(m);
            }
        (void)rig_notified(g, 1);
        rig_events(g);
    }
    if (g->closed)
        rig_expect_close(g, (uint32_t)g->close.b, CTL_CLOSE_FLUSH_STORM);
}

static void flush_chain(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (int round = 0; round < 100; round++) {
        for (uint16_t i = 0; i < 50; i++) { /* each flushes the next one: a ring of waiting */
            uint8_t msg[16];
            uint32_t n =
                p9_pack(msg, sizeof(msg), P9_TFLUSH, (uint16_t)(100 + i), "w", 100 + (i + 1) % 50);

            p9c_send_raw(&c, msg, n);
        }
        for (uint16_t i = 0; i < 50; i++)
            CHECK_OK(p9c_finish(&c, (uint16_t)(100 + i), P9_TFLUSH));
    }
    rig_end(g);
}

/* Tversion while everything is busy: afterwards only the new session is answered. */
static void version_in_the_middle_of_io(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6, .threads = 6});
    uint8_t msg[64];
    struct p9c c;

    p9c_mount(&c, g);
    for (int round = 0; round < 100; round++) {
        struct reply *m;
        char got[16];
        uint32_t n;

        for (uint16_t i = 0; i < 60; i++) {
            n = p9_pack(msg, sizeof(msg), P9_TGETATTR, (uint16_t)(100 + i), "dq", 0u,
                        P9_GETATTR_BASIC);
            p9c_send_raw(&c, msg, n);
        }
        CHECK_OK(p9c_version(&c, 65536, "9P2000.L", got));
        /* What was answered came before Rversion or never: tags are free for the new session. */
        for (uint32_t ring = 0; ring < 2; ring++) {
            while ((m = rig_take(g, ring)) != NULL)
                free(m);
            memset(g->ring[ring].in_flight, 0, sizeof(g->ring[ring].in_flight));
        }
        while ((m = g->replies) != NULL) {
            g->replies = m->next;
            free(m);
        }
        CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
        rig_events(g);
        for (uint16_t i = 0; i < 60; i++) {
            n = p9_pack(msg, sizeof(msg), P9_TSTATFS, (uint16_t)(100 + i), "d", 0u);
            p9c_send_raw(&c, msg, n);
        }
        for (uint16_t i = 0; i < 60; i++)
            CHECK_OK(p9c_finish(&c, (uint16_t)(100 + i), P9_TSTATFS));
    }
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"out_prod_too_far", out_prod_too_far, 0, 0},
    {"out_prod_backwards", out_prod_backwards, 0, 0},
    {"in_cons_garbage", in_cons_garbage, 0, 0},
    {"in_cons_garbage_under_load", in_cons_garbage_under_load, 0, 0},
    {"size_0_to_6", size_0_to_6, 0, 0},
    {"size_over_the_ring", size_over_the_ring, 0, 0},
    {"partial_header", partial_header, 0, 0},
    {"a_header_only", a_header_only, 0, 0},
    {"one_byte_at_a_time", one_byte_at_a_time, 0, 0},
    {"one_free_byte_forever", one_free_byte_forever, 0, 0},
    {"indexes_of_the_backend_overwritten", indexes_of_the_backend_overwritten, 0, 0},
    {"ring_order_changed_after_the_map", ring_order_changed_after_the_map, 0, 0},
    {"requests_changed_during_the_copy", requests_changed_during_the_copy, 0, 0},
    {"everything_scribbled_over", everything_scribbled_over, 0, 0},
    {"event_storm", event_storm, 0, 0},
    {"duplicate_tags_in_flight", duplicate_tags_in_flight, 0, 0},
    {"one_tag_on_both_rings", one_tag_on_both_rings, 0, 0},
    {"notag_as_a_tag", notag_as_a_tag, 0, 0},
    {"flush_storm", flush_storm, 0, 0},
    {"flush_storm_over_the_bound", flush_storm_over_the_bound, 0, 0},
    {"flush_chain", flush_chain, 0, 0},
    {"version_in_the_middle_of_io", version_in_the_middle_of_io, 0, 0},
};
TAP_SUITE(hostile, cases);
