/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_parallel.c - requests that block in the kernel, here in a frozen file system: others go
 * on, flushes wait for what they flush, Tversion waits for nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"

static const char *mount_image(void)
{
    static char mnt[96];
    char cmd[400];

    snprintf(mnt, sizeof(mnt), "%s/mnt", tap_dir());
    snprintf(cmd, sizeof(cmd),
             "truncate -s 32M %s/image && mkfs.ext4 -q -F %s/image && mkdir %s && "
             "mount -o loop %s/image %s",
             tap_dir(), tap_dir(), mnt, tap_dir(), mnt);
    if (system(cmd) != 0)
        FAIL("cannot mount an image: %s", cmd);
    return mnt;
}

static void freeze(struct rig *g, bool on)
{
    int fd = open(g->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    MUST(fd);
    if (ioctl(fd, on ? FIFREEZE : FITHAW, 0) != 0)
        FAIL("%s: %m", on ? "freeze" : "thaw");
    close(fd);
}

/* A mounted rig over a file system of its own, file "f" open as fid 1. */
static struct rig *frozen_rig_with(struct p9c *c, struct rig_config cfg)
{
    struct rig *g;
    uint8_t data[4096] = {7};
    uint32_t n;

    cfg.export = mount_image();
    g = rig_new(&cfg);
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_write(c, 1, 0, data, sizeof(data), &n));
    CHECK_OK(p9c_fsync(c, 1, 0));
    freeze(g, true);
    c->next_tag = 1000;
    return g;
}

static struct rig *frozen_rig(struct p9c *c, uint32_t order, uint32_t threads)
{
    return frozen_rig_with(c, (struct rig_config){.order = order, .threads = threads});
}

static void put_write(struct rig *g, uint32_t ring, uint16_t tag, uint32_t count)
{
    uint8_t *data = calloc(1, count), *msg = malloc(count + 64);
    uint32_t len =
        p9_pack(msg, count + 64, P9_TWRITE, tag, "dqdB", 1u, 0ul, count, (size_t)count, data);

    rig_put(g, ring, msg, len);
    free(data);
    free(msg);
}

static void expect_write(struct rig *g, uint32_t ring, uint16_t tag)
{
    struct reply *m = rig_wait(g, ring, tag);

    CHECK_EQ(m->type, P9_TWRITE + 1);
    free(m);
}

/* Requests that need no write access, `rounds` x 4 of them. */
static void others_go_on(struct p9c *c, uint32_t ring, int rounds)
{
    char buf[2000];
    struct p9_attr a;
    uint32_t n;

    c->ring = (int)ring;
    for (int i = 0; i < rounds; i++) {
        CHECK_OK(p9c_walk(c, 0, 50, "f"));
        CHECK_OK(p9c_getattr(c, 50, P9_GETATTR_BASIC, &a));
        CHECK_OK(p9c_read(c, 1, 0, buf, sizeof(buf), &n));
        CHECK_EQ(n, sizeof(buf));
        CHECK_OK(p9c_clunk(c, 50));
    }
}

static void one_blocked_write(struct rig_config cfg)
{
    struct p9c c;
    struct rig *g = frozen_rig_with(&c, cfg);

    put_write(g, 0, 10, 100);
    others_go_on(&c, 0, 200);
    others_go_on(&c, 1, 200);
    CHECK(rig_wait_ms(g, 0, 10, RIG_QUIET_MS) == NULL);
    freeze(g, false);
    expect_write(g, 0, 10);
    rig_end(g);
}

static void blocked_write_does_not_delay_others(void)
{
    one_blocked_write((struct rig_config){.order = 6, .threads = 4});
}

/* The thread that blocks is the one that polls; and there is none that does. */
static void blocked_write_of_a_poller(void)
{
    one_blocked_write(
        (struct rig_config){.order = 6, .threads = 4, .policy = {.poll_us = LIMIT_POLL_MAX_US}});
}

static void blocked_write_without_polling(void)
{
    one_blocked_write((struct rig_config){.order = 6, .threads = 4, .no_polling = true});
}

/* Opens, which now and then wait for a disk and here do not: a thread that has nothing to do watches. */
static void opens_go_on(struct p9c *c, uint32_t ring, int rounds)
{
    c->ring = (int)ring;
    for (int i = 0; i < rounds; i++) {
        CHECK_OK(p9c_walk(c, 0, 50, "f"));
        CHECK_OK(p9c_lopen(c, 50, P9_L_RDONLY));
        CHECK_OK(p9c_clunk(c, 50));
    }
}

/* Writes that block one after the other in the middle of it, until one thread is left. */
static void blocked_writes_are_noticed(struct rig_config cfg)
{
    struct p9c c;
    struct rig *g = frozen_rig_with(&c, cfg);

    for (uint16_t i = 0; i + 1u < cfg.threads; i++) {
        opens_go_on(&c, i % 2, 200);
        put_write(g, i % 2, (uint16_t)(10 + i), 100);
        opens_go_on(&c, i % 2, 50);
        others_go_on(&c, 1 - i % 2, 50);
    }
    freeze(g, false);
    for (uint16_t i = 0; i + 1u < cfg.threads; i++)
        expect_write(g, i % 2, (uint16_t)(10 + i));
    rig_end(g);
}

static void blocked_writes_between_others(void)
{
    blocked_writes_are_noticed((struct rig_config){.order = 6, .threads = 4});
}

static void blocked_writes_between_others_without_polling(void)
{
    blocked_writes_are_noticed((struct rig_config){.order = 6, .threads = 4, .no_polling = true});
}

static void blocked_writes_of_a_poller_of_two(void)
{
    blocked_writes_are_noticed(
        (struct rig_config){.order = 6, .threads = 2, .policy = {.poll_us = LIMIT_POLL_MAX_US}});
}

static void all_but_one_thread_blocked(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 6, 4);

    for (uint16_t i = 0; i < 3; i++)
        put_write(g, i % 2, (uint16_t)(10 + i), 3000);
    others_go_on(&c, 0, 200);
    others_go_on(&c, 1, 200);
    freeze(g, false);
    for (uint16_t i = 0; i < 3; i++)
        expect_write(g, i % 2, (uint16_t)(10 + i));
    rig_end(g);
}

static void more_blocked_than_threads(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);
    long long cpu;

    for (uint16_t i = 0; i < 12; i++)
        put_write(g, i % 2, (uint16_t)(10 + i), 1000);
    tap_sleep(100);
    cpu = rig_cpu_ms(g);
    tap_sleep(300);
    CHECK(rig_cpu_ms(g) - cpu <= 5);
    freeze(g, false);
    for (uint16_t i = 0; i < 12; i++)
        expect_write(g, i % 2, (uint16_t)(10 + i));
    rig_end(g);
}

static void put_flush(struct rig *g, uint32_t ring, uint16_t tag, uint16_t oldtag)
{
    uint8_t msg[16];
    uint32_t len = p9_pack(msg, sizeof(msg), P9_TFLUSH, tag, "w", (int)oldtag);

    rig_put(g, ring, msg, len);
}

/* Until the worker has taken all that was put: in flight, whichever thread goes on with it. */
static void until_taken(struct rig *g, uint32_t ring)
{
    for (int i = 0; i < 1000; i++) {
        if (atomic_load(&g->journal->ring[ring].out_taken) == g->ring[ring].out_prod)
            return;
        tap_sleep(10);
    }
    FAIL("ring %u is not taken from", ring);
}

/* On the same ring, on the other ring, of a flush: Rflush only after the reply. */
static void flush_waits_for_the_reply(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);
    struct reply *m;

    put_write(g, 0, 10, 100);
    until_taken(g, 0);
    put_flush(g, 0, 20, 10);
    put_flush(g, 1, 21, 10);
    until_taken(g,
                1); /* a flush of a flush waits if that one was seen first; clients do not do it */
    put_flush(g, 1, 23, 21);
    until_taken(g, 1);
    put_flush(g, 0, 24, 23);
    others_go_on(&c, 0, 100);
    others_go_on(&c, 1, 100);
    for (uint16_t tag = 20; tag <= 24; tag++)
        if (tag != 22)
            CHECK(rig_wait_ms(g, tag % 2 ? 1 : 0, tag, RIG_QUIET_MS) == NULL);
    freeze(g, false);
    free(rig_wait(g, 1, 21)); /* it is there: then the reply it waited for is, too */
    m = rig_wait_ms(g, 0, 10, 0);
    CHECK(m != NULL);
    CHECK_EQ(m->type, P9_TWRITE + 1);
    free(m);
    free(rig_wait(g, 0, 20));
    free(rig_wait(g, 1, 23));
    free(rig_wait(g, 0, 24));
    rig_end(g);
}

static void flush_storm_on_a_blocked_request(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);

    put_write(g, 0, 10, 100);
    until_taken(g, 0);
    for (uint16_t i = 0; i < LIMIT_PARKED_FLUSHES; i++)
        put_flush(g, i % 2, (uint16_t)(100 + i), 10);
    others_go_on(&c, 0, 20);
    rig_events(g);
    CHECK(!g->closed);
    put_flush(g, 1, 99, 10);
    for (int i = 0; i < 100 && !g->closed; i++) {
        tap_sleep(20);
        rig_events(g);
    }
    freeze(g, false);
    rig_expect_close(g, 1, CTL_CLOSE_FLUSH_STORM);
}

static void duplicate_tag_of_a_blocked_request(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);
    uint8_t msg[32];
    struct reply *m;
    uint32_t len;

    put_write(g, 0, 10, 100);
    until_taken(g, 0);
    for (uint32_t ring = 0; ring < 2; ring++) {
        len = p9_pack(msg, sizeof(msg), P9_TSTATFS, 10, "d", 0u);
        rig_put(g, ring, msg, len);
        m = rig_wait(g, ring, 10);
        CHECK_EQ(m->type, P9_RLERROR);
        free(m);
    }
    freeze(g, false);
    expect_write(g, 0, 10);
    rig_end(g);
}

/* The guest mounts anew while an old request is stuck: no waiting, and no late reply. */
static void version_does_not_wait(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);
    uint32_t n;
    char got[16], buf[16];

    put_write(g, 0, 10, 100);
    put_write(g, 1, 11, 100);
    until_taken(g, 0);
    until_taken(g, 1);
    put_flush(g, 1, 12, 10);
    CHECK_OK(p9c_version(&c, 8192, "9P2000.L", got));
    g->ring[0].in_flight[10] = g->ring[1].in_flight[11] = g->ring[1].in_flight[12] = 0;
    CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_read(&c, 1, 0, buf, 16, &n));
    freeze(g, false);
    CHECK(rig_wait_ms(g, 0, 10, RIG_QUIET_MS) == NULL); /* rig_take() fails on a stale one */
    CHECK(rig_wait_ms(g, 1, 11, RIG_QUIET_MS) == NULL);
    CHECK(rig_wait_ms(g, 1, 12, 0) == NULL);
    others_go_on(&c, 0, 20);
    rig_end(g);
}

/* The fid of a blocked request is clunked: the request ends as it should. */
static void clunk_under_a_blocked_request(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);
    struct stat st;

    put_write(g, 0, 10, 4100);
    until_taken(g, 0);
    tap_sleep(100); /* and it has got hold of its fid */
    c.ring = 0;
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    freeze(g, false);
    expect_write(g, 0, 10);
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_size, 4100);
    rig_end(g);
}

/* Told to stop: what is in flight is answered first. */
static void stop_waits_for_a_blocked_request(void)
{
    struct p9c c;
    struct rig *g = frozen_rig(&c, 5, 4);
    union ctl_message stop = {.hdr = {.type = CTL_STOP}};

    put_write(g, 0, 10, 100);
    until_taken(g, 0);
    CHECK_EQ(ctl_send(g->control_fd, &stop, NULL, 0), 0);
    g->phase = CTL_PHASE_STOPPING;
    CHECK(rig_wait_ms(g, 0, 10, RIG_QUIET_MS) == NULL);
    freeze(g, false);
    expect_write(g, 0, 10);
    CHECK_EQ(rig_wait_exit(g), 0);
    rig_events(g);
    CHECK(g->has_stopped);
}

#define FROZEN (TAP_LOOP | TAP_FREEZE)

static const struct tap_case cases[] = {
    {"blocked_write_does_not_delay_others", blocked_write_does_not_delay_others, FROZEN, 0},
    {"blocked_write_of_a_poller", blocked_write_of_a_poller, FROZEN, 0},
    {"blocked_write_without_polling", blocked_write_without_polling, FROZEN, 0},
    {"blocked_writes_between_others", blocked_writes_between_others, FROZEN, 0},
    {"blocked_writes_between_others_without_polling", blocked_writes_between_others_without_polling,
     FROZEN, 0},
    {"blocked_writes_of_a_poller_of_two", blocked_writes_of_a_poller_of_two, FROZEN, 0},
    {"all_but_one_thread_blocked", all_but_one_thread_blocked, FROZEN, 0},
    {"more_blocked_than_threads", more_blocked_than_threads, FROZEN, 0},
    {"flush_waits_for_the_reply", flush_waits_for_the_reply, FROZEN, 0},
    {"flush_storm_on_a_blocked_request", flush_storm_on_a_blocked_request, FROZEN, 0},
    {"duplicate_tag_of_a_blocked_request", duplicate_tag_of_a_blocked_request, FROZEN, 0},
    {"version_does_not_wait", version_does_not_wait, FROZEN, 0},
    {"clunk_under_a_blocked_request", clunk_under_a_blocked_request, FROZEN, 0},
    {"stop_waits_for_a_blocked_request", stop_waits_for_a_blocked_request, FROZEN, 0},
};
TAP_SUITE(parallel, cases);
