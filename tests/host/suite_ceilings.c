/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_ceilings.c - requests and bytes in a second that a guest may have.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"

#define KIB 1024u

static char data[1024u * KIB];

static void old_file(struct rig *g, const char *name, uint32_t kib, time_t mtime)
{
    const struct timespec t[2] = {{mtime, 0}, {mtime, 0}};
    int fd = openat(g->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, data, kib * KIB), kib * KIB);
    MUST(futimens(fd, t));
    close(fd);
}

/* A file "f" of 100 KiB, open as fid 1, and no debts. */
static struct rig *with_ceilings(struct p9c *c, const struct ctl_limits *limits)
{
    struct rig *g = rig_prepare(&(struct rig_config){.policy.limits = *limits});

    old_file(g, "f", 100, 1000);
    rig_start(g, 0);
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(c, 1, P9_L_RDWR));
    return g;
}

static void set_limits(struct rig *g, const struct ctl_limits *limits)
{
    union ctl_message m = {.limits = {.hdr.type = CTL_LIMITS, .limits = *limits}};

    CHECK_OK(-ctl_send(g->control_fd, &m, NULL, 0));
}

static uint16_t send_read(struct p9c *c, uint64_t offset, uint32_t count)
{
    return p9c_send(c, P9_TREAD, "dqd", 1u, offset, count);
}

/* Never faster than the rate, but for the first tenth of a second's worth; never an error. */
static void ceiling_requests(void)
{
    struct p9c c;
    struct rig *g = with_ceilings(&c, &(struct ctl_limits){.read_iops = 40, .write_iops = 20});
    uint16_t tag[30];
    long long begin = tap_now(), took;
    uint32_t n;

    for (int i = 0; i < 13; i++)
        CHECK_OK(p9c_write(&c, 1, 0, data, 100, &n));
    took = tap_now() - begin;
    if (took < 500) /* 3 at once, 10 of 20 a second */
        FAIL("13 writes took %lld ms", took);
    begin = tap_now();
    for (int i = 0; i < 30; i++)
        tag[i] = send_read(&c, 0, 100);
    for (int i = 0; i < 30; i++)
        CHECK_OK(p9c_finish(&c, tag[i], P9_TREAD));
    took = tap_now() - begin;
    if (took < 625) /* 5 at once, 25 of 40 a second */
        FAIL("30 reads took %lld ms", took);
    rig_end(g);
}

static void ceiling_bytes(void)
{
    struct p9c c;
    struct rig *g = with_ceilings(
        &c, &(struct ctl_limits){.read_bandwidth = 100 * KIB, .write_bandwidth = 200 * KIB});
    long long begin = tap_now(), took;
    uint32_t n;
    size_t got;

    CHECK_OK(p9c_write_all(&c, 1, 0, data, 100 * KIB));
    took = tap_now() - begin;
    if (took < 250) /* 20 KiB and one message at once */
        FAIL("100 KiB were written in %lld ms", took);
    begin = tap_now();
    CHECK_OK(p9c_read_all(&c, 1, 0, data, 100 * KIB, &got));
    CHECK_EQ(got, 100 * KIB);
    took = tap_now() - begin;
    if (took < 500)
        FAIL("100 KiB were read in %lld ms", took);
    begin = tap_now();
    for (int i = 0; i < 100; i++) { /* what is asked for and not there costs nothing */
        CHECK_OK(p9c_read(&c, 1, 100 * KIB, data, 28 * KIB, &n));
        CHECK_EQ(n, 0);
    }
    took = tap_now() - begin;
    if (took > 10000) /* 28 s if it did */
        FAIL("100 reads at the end took %lld ms", took);
    rig_end(g);
}

/* What waits holds up nothing else. */
static void ceiling_others(void)
{
    struct p9c c;
    struct rig *g = with_ceilings(&c, &(struct ctl_limits){.read_iops = 1});
    uint16_t tag[20];
    struct p9_attr a;
    uint32_t n, many = 20;
    long long begin;

    for (uint32_t i = 0; i < many; i++)
        tag[i] = send_read(&c, 0, 100);
    begin = tap_now();
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_write(&c, 1, 0, data, 100, &n));
    CHECK_OK(p9c_clunk(&c, 2));
    /* a flush takes it out: the old request is answered first, and not with data */
    CHECK_OK(p9c_flush(&c, tag[many - 1]));
    CHECK_ERR(p9c_finish(&c, tag[many - 1], P9_TREAD), EINTR);
    if (tap_now() - begin > 5000)
        FAIL("requests without a ceiling were delayed");
    /* without the ceiling they are all due */
    set_limits(g, &(struct ctl_limits){.read_iops = 0});
    for (uint32_t i = 0; i < many - 1; i++)
        CHECK_OK(p9c_finish(&c, tag[i], P9_TREAD));
    if (tap_now() - begin > 10000)
        FAIL("a ceiling that is gone still delays");
    rig_end(g);
}

/* Tversion forgets them; CTL_STOP finishes them. */
static void ceiling_ends(void)
{
    struct p9c c;
    struct rig *g = with_ceilings(&c, &(struct ctl_limits){.read_iops = 1, .write_iops = 1});
    uint16_t tag[10];
    struct p9_attr a;

    for (int i = 0; i < 10; i++)
        tag[i] = send_read(&c, 0, 100);
    CHECK_OK(p9c_finish(&c, tag[0], P9_TREAD));
    g->lenient = true; /* one more may be due, and none of the others is answered */
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    for (int i = 0; i < 5; i++)
        tag[i] =
            p9c_send(&c, P9_TWRITE, "dqdB", 1u, 200ull * KIB + (uint64_t)i, 1u, (size_t)1, "x");
    tap_sleep(200);
    rig_end(g); /* waits for them within its time */
    for (int i = 0; i < 5; i++)
        CHECK_OK(p9c_finish(&c, tag[i], P9_TWRITE));
}

/* More than can wait: they stay on the ring, and all are served in the end. */
static void ceiling_many(void)
{
    struct p9c c;
    struct rig *g = with_ceilings(&c, &(struct ctl_limits){.read_iops = 100, .write_iops = 100});
    uint16_t tag[150];

    for (int i = 0; i < 150; i++)
        tag[i] = i % 3 == 0 ? p9c_send(&c, P9_TWRITE, "dqdB", 1u, 0ull, 500u, (size_t)500, data)
                            : send_read(&c, 0, 500);
    for (int i = 0; i < 150; i++)
        CHECK_OK(p9c_finish(&c, tag[i], i % 3 == 0 ? P9_TWRITE : P9_TREAD));
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"requests", ceiling_requests, 0, 0}, {"bytes", ceiling_bytes, 0, 0},
    {"others", ceiling_others, 0, 0},     {"ends", ceiling_ends, 0, 0},
    {"many", ceiling_many, 0, 0},
};
TAP_SUITE(ceilings, cases);
