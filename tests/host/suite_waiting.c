/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_waiting.c - locks that wait until others are given back, and what ends the waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "locking.h"
#include "suites.h"
#include "xen9p/limits.h"

static uint16_t send_wait(struct p9c *c, uint32_t fid, uint8_t type, uint32_t pid)
{
    return p9c_send(c, P9_TLOCK, "dbdqqds", fid, (int)type, P9_LOCK_FLAG_BLOCK, 0ul, 0ul, pid,
                    "guest");
}

static int finish_wait(struct p9c *c, uint16_t tag)
{
    int status;

    CHECK_OK(p9c_finish(c, tag, P9_TLOCK));
    status = cursor_u8(&c->body);
    p9c_done(c);
    return status;
}

static bool is_quiet(struct p9c *c, uint16_t tag)
{
    return rig_wait_ms(c->rig, p9c_ring(c, tag), tag, RIG_QUIET_MS) == NULL;
}

static struct rig *waiting_rig(struct p9c *c, uint32_t wait_ms)
{
    return lock_rig(c, (struct rig_config){.policy.lock_wait_ms = wait_ms, .threads = 1});
}

/* Until the holder gives it back: by an unlock, by a clunk, or on the host. One thread serves all of it. */
static void waits_until_it_is_free(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 60000);
    struct p9_attr a;
    uint16_t tag;
    int fd = host_open(g, "f", O_RDWR);

    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    tag = send_wait(&c, 2, WR, 2);
    CHECK(is_quiet(&c, tag));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    CHECK_EQ(finish_wait(&c, tag), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), BLOCKED); /* 2 has it now */
    tag = send_wait(&c, 1, RD, 1);
    CHECK(is_quiet(&c, tag));
    CHECK_OK(p9c_clunk(&c, 2));
    CHECK_EQ(finish_wait(&c, tag), GRANTED);
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    tag = send_wait(&c, 1, RD, 1);
    CHECK(is_quiet(&c, tag));
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    CHECK_EQ(finish_wait(&c, tag), GRANTED);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), EAGAIN);
    close(fd);
    rig_end(g);
}

static void waits_no_longer_than_the_policy_says(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 300);
    long long since, cpu;
    uint16_t tag;

    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    since = tap_now();
    cpu = rig_cpu_ms(g);
    tag = send_wait(&c, 2, WR, 2);
    CHECK_EQ(finish_wait(&c, tag), BLOCKED);
    since = tap_now() - since;
    CHECK(since >= 290 && since < 5000);
    CHECK(rig_cpu_ms(g) - cpu < 100);
    rig_end(g);
    g = lock_rig(&c,
                 (struct rig_config){.export = g->root}); /* the default: the guest asks again */
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    CHECK_EQ(finish_wait(&c, send_wait(&c, 2, WR, 2)), BLOCKED);
    rig_end(g);
}

/* Tflush, on this ring and on the other: Rflush alone, and the lock is never taken. */
static void flush_cancels(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 60000);
    int fd = host_open(g, "f", O_RDWR);

    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    for (int ring = 0; ring < 2; ring++) {
        uint16_t tag;

        c.ring = 0;
        tag = send_wait(&c, 2, WR, 2);
        CHECK(is_quiet(&c, tag));
        c.ring = ring;
        CHECK_OK(p9c_flush(&c, tag));
        c.ring = 0;
        CHECK(is_quiet(&c, tag));
        g->ring[0].in_flight[tag] = 0;
        c.next_tag = (uint16_t)(tag - 1); /* the tag is free again */
        CHECK_EQ(lock(&c, 1, RD, 0, 1, 1), GRANTED);
    }
    CHECK_OK(p9c_clunk(&c, 2));
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    tap_sleep(50);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    close(fd);
    rig_end(g);
}

/* Flush and unlock at the same time: a reply comes before Rflush or never, and whoever got the lock has it. */
static void flush_races_with_the_lock(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){.policy.lock_wait_ms = 60000});
    uint32_t granted = 0;

    for (int i = 0; i < 300; i++) {
        uint16_t tag, unlock, flush;
        struct reply *m;

        CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
        c.ring = 0;
        tag = send_wait(&c, 2, WR, 2);
        c.ring = 1;
        unlock = p9c_send(&c, P9_TLOCK, "dbdqqds", 1u, (int)UN, 0u, 0ul, 0ul, 1u, "guest");
        if (i % 3 == 0)
            tap_sleep(1);
        c.ring = i % 2;
        flush = p9c_send(&c, P9_TFLUSH, "w", (int)tag);
        CHECK_OK(p9c_finish(&c, flush, P9_TFLUSH));
        m = rig_wait_ms(g, 0, tag, 0); /* what is not there now never comes */
        c.ring = 1;
        CHECK_OK(p9c_finish(&c, unlock, P9_TLOCK));
        granted += m != NULL && m->bytes[P9_HDR_SIZE] == GRANTED;
        if (m == NULL)
            g->ring[0].in_flight[tag] = 0;
        free(m);
        CHECK_EQ(lock(&c, 2, UN, 0, 0, 2), GRANTED);
    }
    tap_note("%u of 300 were granted before the flush", granted);
    rig_end(g);
}

/* A duplicate of its tag is refused, and it goes on waiting. */
static void tag_of_a_waiting_lock(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 60000);
    uint8_t msg[32];
    uint16_t tag;
    uint32_t len;
    struct reply *m;

    c.ring = 0;
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    tag = send_wait(&c, 2, WR, 2);
    for (uint32_t ring = 0; ring < 2; ring++) {
        len = p9_pack(msg, sizeof(msg), P9_TSTATFS, tag, "d", 0u);
        rig_put(g, ring, msg, len);
        m = rig_wait(g, ring, tag);
        CHECK_EQ(m->type, P9_RLERROR);
        free(m);
    }
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    CHECK_EQ(finish_wait(&c, tag), GRANTED);
    rig_end(g);
}

/* More than may wait: the rest is told at once to come again, and nobody else is held up. */
static void more_than_may_wait(void)
{
    const uint32_t many = LIMIT_PARKED_LOCKS + 20;
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){.policy.lock_wait_ms = 60000, .order = 6});
    uint16_t tag[LIMIT_PARKED_LOCKS + 20];
    uint32_t blocked = 0, granted = 0;
    struct p9_attr a;

    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    for (uint32_t i = 0; i < many; i++)
        tag[i] = send_wait(&c, 2, RD, 100 + i);
    for (int i = 0; i < 100; i++)
        CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    for (uint32_t i = 0; i < many; i++) {
        if (finish_wait(&c, tag[i]) == BLOCKED)
            blocked++;
        else
            granted++;
    }
    CHECK_EQ(granted, LIMIT_PARKED_LOCKS);
    CHECK_EQ(blocked, 20);
    rig_end(g);
}

/* Its fid is clunked: the lock that comes is gone at once. Its session ends: no reply, no lock. */
static void waiting_lock_loses_its_fid(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 60000);
    int fd = host_open(g, "f", O_RDWR);
    uint16_t tag;

    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    tag = send_wait(&c, 2, WR, 2);
    CHECK(is_quiet(&c, tag));
    CHECK_OK(p9c_clunk(&c, 2));
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    CHECK_EQ(finish_wait(&c, tag), GRANTED);
    tap_sleep(20);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    tag = send_wait(&c, 1, WR, 1);
    CHECK(is_quiet(&c, tag));
    p9c_mount(&c, g);
    memset(g->ring[0].in_flight, 0, sizeof(g->ring[0].in_flight));
    memset(g->ring[1].in_flight, 0, sizeof(g->ring[1].in_flight));
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    tap_sleep(300); /* rig_take() fails on a late reply */
    CHECK(rig_take(g, 0) == NULL && rig_take(g, 1) == NULL);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    close(fd);
    rig_end(g);
}

/* Told to stop: those that wait are told to come again, and draining does not wait for them. */
static void stop_ends_the_waiting(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 600000);
    union ctl_message stop = {.hdr = {.type = CTL_STOP}};
    uint16_t tag;

    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    tag = send_wait(&c, 2, WR, 2);
    CHECK(is_quiet(&c, tag));
    CHECK_EQ(ctl_send(g->control_fd, &stop, NULL, 0), 0);
    g->phase = CTL_PHASE_STOPPING;
    CHECK_EQ(finish_wait(&c, tag), BLOCKED);
    CHECK_EQ(rig_wait_exit(g), 0);
}

/* The worker dies: its successor answers, and the dead one's locks are gone. */
static void succession_ends_the_waiting(void)
{
    struct p9c c;
    struct rig *g = waiting_rig(&c, 600000);
    int fd = host_open(g, "f", O_RDWR);
    uint16_t tag;

    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    tag = send_wait(&c, 2, WR, 2);
    CHECK(is_quiet(&c, tag));
    rig_kill(g);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    CHECK_ERR(p9c_finish(&c, tag, P9_TLOCK), EIO);
    close(fd);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"waits_until_it_is_free", waits_until_it_is_free, 0, 0},
    {"waits_no_longer_than_the_policy_says", waits_no_longer_than_the_policy_says, 0, 0},
    {"flush_cancels", flush_cancels, 0, 0},
    {"flush_races_with_the_lock", flush_races_with_the_lock, 0, 0},
    {"tag_of_a_waiting_lock", tag_of_a_waiting_lock, 0, 0},
    {"more_than_may_wait", more_than_may_wait, 0, 0},
    {"waiting_lock_loses_its_fid", waiting_lock_loses_its_fid, 0, 0},
    {"stop_ends_the_waiting", stop_ends_the_waiting, 0, 0},
    {"succession_ends_the_waiting", succession_ends_the_waiting, 0, 0},
};
TAP_SUITE(waiting, cases);
