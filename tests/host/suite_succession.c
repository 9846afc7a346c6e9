/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_succession.c - a worker dies, at any moment, and another takes over its rings: every tag
 * in flight is answered exactly once, old fids give EIO, and the next Tversion is served.
 *
 * That no tag is answered twice is seen by rig_take(); that each is answered, by waiting for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suites.h"

static uint32_t random_of(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

/* One request by chance, put if there is room for it. */
static bool put_some(struct rig *g, uint32_t *x, uint16_t tag)
{
    uint8_t msg[4096], data[2000] = {0};
    uint32_t ring = tag % g->cfg.num_rings, n = random_of(x) % 2000, len;

    switch (random_of(x) % 8) {
    case 0:
    case 1:
        len = p9_pack(msg, sizeof(msg), P9_TWRITE, tag, "dqdB", 1u, 0ul, n, (size_t)n, data);
        break;
    case 2:
    case 3:
        len = p9_pack(msg, sizeof(msg), P9_TREAD, tag, "dqd", 1u, 0ul, n);
        break;
    case 4:
        len = p9_pack(msg, sizeof(msg), P9_TWALK, tag, "ddws", 0u, 100u + tag, 1, "f");
        break;
    case 5:
        len = p9_pack(msg, sizeof(msg), P9_TFLUSH, tag, "w", 100 + (int)(random_of(x) % 100));
        break;
    case 6:
        len = p9_pack(msg, sizeof(msg), P9_TCLUNK, tag, "d", 100u + random_of(x) % 200);
        break;
    default:
        len = p9_pack(msg, sizeof(msg), P9_TGETATTR, tag, "dq", 0u, P9_GETATTR_BASIC);
    }
    if (rig_out_room(g, ring) < len)
        return false;
    rig_put(g, ring, msg, len);
    return true;
}

static void take_all(struct rig *g)
{
    for (uint32_t ring = 0; ring < g->cfg.num_rings; ring++) {
        struct reply *m;

        while ((m = rig_take(g, ring)) != NULL)
            free(m);
    }
}

static uint32_t unanswered(const struct rig *g)
{
    uint32_t n = 0;

    for (uint32_t ring = 0; ring < g->cfg.num_rings; ring++)
        for (uint32_t tag = 0; tag < 65536; tag++)
            n += g->ring[ring].in_flight[tag];
    return n;
}

/* Everything that is in flight must be answered now. */
static void all_answered(struct rig *g)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    for (;;) {
        take_all(g);
        if (unanswered(g) == 0)
            return;
        if (tap_now() > deadline)
            FAIL("%u requests were never answered", unanswered(g));
        (void)rig_notified(g, 50);
    }
}

static void nap_us(uint32_t us)
{
    struct timespec t = {0, us * 1000l};

    nanosleep(&t, NULL);
}

static void begin(struct p9c *c, struct rig *g)
{
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
}

static void old_fids_are_dead(struct p9c *c)
{
    struct p9_attr a;
    uint8_t buf[8];
    uint32_t n;

    CHECK_ERR(p9c_getattr(c, 0, P9_GETATTR_BASIC, &a), EIO);
    CHECK_ERR(p9c_read(c, 1, 0, buf, 8, &n), EIO);
    CHECK_ERR(p9c_walk(c, 0, 9, ""), EIO);
    CHECK_ERR(p9c_attach(c, 9, P9_NOFID, "", 0), EIO);
    CHECK_OK(p9c_clunk(c, 1)); /* Linux gives up its fids when it unmounts */
    CHECK_OK(p9c_flush(c, 9999));
}

static void idle_worker_is_succeeded(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    begin(&c, g);
    rig_kill(g);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    old_fids_are_dead(&c);
    begin(&c, g);
    rig_end(g);
}

/* Before the first message ever; and a successor that dies before it served anything. */
static void successors_that_die_young(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    rig_kill(g);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    rig_kill(g);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    begin(&c, g);
    for (int i = 0; i < 5; i++) {
        rig_kill(g);
        rig_start_unready(g, CTL_FLAG_SUCCESSOR);
        nap_us((uint32_t)i * 1500);
    }
    rig_kill(g);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    old_fids_are_dead(&c);
    begin(&c, g);
    rig_end(g);
}

/* The heart of it: killed at any moment, in any state of its rings. */
static void killed_at_any_moment(struct rig_config cfg, int rounds, uint32_t seed)
{
    struct rig *g = rig_new(&cfg);
    uint32_t x = seed;
    struct p9c c;

    for (int round = 0; round < rounds; round++) {
        uint32_t many = 1 + random_of(&x) % 150, us = random_of(&x) % 1500;
        bool consume = random_of(&x) % 3 != 0;
        long long until;

        begin(&c, g);
        for (uint32_t i = 0; i < many; i++) {
            if (!put_some(g, &x, (uint16_t)(100 + i)))
                break;
            if (consume && i % 8 == 0)
                take_all(g);
        }
        for (until = tap_now() + us / 1000; consume && tap_now() < until;)
            take_all(g);
        nap_us(us % 1000);
        rig_kill(g);
        if (random_of(&x) % 4 == 0) { /* the successor dies, too, maybe while it answers */
            rig_start(g, CTL_FLAG_SUCCESSOR);
            nap_us(random_of(&x) % 300);
            rig_kill(g);
        }
        rig_start(g, CTL_FLAG_SUCCESSOR);
        all_answered(g);
        c.next_tag = 5000;
        old_fids_are_dead(&c);
    }
    begin(&c, g);
    rig_end(g);
}

static void killed_at_any_moment_order_2(void)
{
    killed_at_any_moment((struct rig_config){.order = 2}, 60, 1);
}

static void killed_at_any_moment_order_6(void)
{
    killed_at_any_moment((struct rig_config){.order = 6}, 60, 2);
}

static void killed_at_any_moment_at_2_to_the_32(void)
{
    for (uint32_t i = 0; i < 10; i++)
        killed_at_any_moment((struct rig_config){.order = 3,
                                                 .num_rings = 1 + i % 4,
                                                 .start_index = 0xfffff000u - i * 3333,
                                                 .export = tap_dir()},
                             5, 100 + i);
}

static void killed_with_a_full_in_ring(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 2});
    uint32_t x = 5;
    struct p9c c;

    for (int round = 0; round < 20; round++) {
        begin(&c, g);
        for (uint16_t i = 0; put_some(g, &x, (uint16_t)(100 + i)) && i < 1000; i++)
            ;
        tap_sleep(5);
        rig_kill(g);
        rig_start(g, CTL_FLAG_SUCCESSOR);
        all_answered(g);
        c.next_tag = 5000;
        old_fids_are_dead(&c);
    }
    rig_end(g);
}

/* A predecessor that was taken over left nonsense: the successor serves or asks for a close. */
static void journal_full_of_nonsense(void)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct rig *g = rig_new(&(struct rig_config){.order = 2, .export = tap_dir()});
        union ctl_message m = {.hdr = {.type = CTL_STOP}};
        uint32_t x = seed * 2654435761u;
        uint8_t *j = (uint8_t *)g->journal;
        struct p9c c;
        int status;

        p9c_mount(&c, g);
        rig_kill(g);
        g->lenient = true;
        for (size_t i = 2 * sizeof(uint32_t); i < sizeof(*g->journal); i++)
            if (random_of(&x) % (1 + seed % 20) == 0)
                j[i] = (uint8_t)random_of(&x);
        if (seed % 2 == 0) { /* good indexes, bad slots */
            atomic_store(&g->journal->started, 1);
            for (uint32_t r = 0; r < 2; r++) {
                atomic_store(&g->journal->ring[r].in_prod, g->ring[r].intf->in_prod);
                atomic_store(&g->journal->ring[r].out_taken, g->ring[r].intf->out_cons);
            }
        }
        rig_start(g, CTL_FLAG_SUCCESSOR);
        for (int i = 0; i < 20 && !g->closed; i++) {
            for (uint32_t r = 0; r < 2; r++)
                __atomic_store_n(&g->ring[r].intf->in_cons, g->ring[r].intf->in_prod,
                                 __ATOMIC_RELEASE);
            rig_kick(g);
            (void)rig_notified(g, 5);
            rig_events(g);
        }
        (void)ctl_send(g->control_fd, &m, NULL, 0);
        g->phase = CTL_PHASE_STOPPING;
        status = rig_wait_exit(g);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
            FAIL("seed %u: the successor ended with status 0x%x", seed, status);
    }
}

/* No journal: the rings themselves say where to go on. */
static void adopted_rings(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    begin(&c, g);
    for (int i = 0; i < 30; i++)
        CHECK_OK(p9c_fsync(&c, 1, 0));
    rig_kill(g);
    munmap(g->journal, 4096);
    close(g->journal_fd);
    g->journal_fd = journal_create();
    g->journal = journal_map(g->journal_fd);
    CHECK(g->journal != NULL);
    rig_start(g, CTL_FLAG_ADOPT);
    old_fids_are_dead(&c);
    begin(&c, g);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"idle_worker_is_succeeded", idle_worker_is_succeeded, 0, 0},
    {"successors_that_die_young", successors_that_die_young, 0, 0},
    {"killed_at_any_moment_order_2", killed_at_any_moment_order_2, 0, 120},
    {"killed_at_any_moment_order_6", killed_at_any_moment_order_6, 0, 120},
    {"killed_at_any_moment_at_2_to_the_32", killed_at_any_moment_at_2_to_the_32, 0, 120},
    {"killed_with_a_full_in_ring", killed_with_a_full_in_ring, 0, 0},
    {"journal_full_of_nonsense", journal_full_of_nonsense, 0, 0},
    {"adopted_rings", adopted_rings, 0, 0},
};
TAP_SUITE(succession, cases);
