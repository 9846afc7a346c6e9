/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_polling.c - adaptive polling: it finds requests without an event, costs nothing when there
 * is nothing to find, and hides nothing else that a worker has to hear.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"

static const struct ctl_config longest = {.poll_us = LIMIT_POLL_MAX_US};

/* Publishes a Tgetattr of the root with tag 7; no event. */
static void put_silently(struct rig *g)
{
    uint8_t msg[32];
    uint32_t len = p9_pack(msg, sizeof(msg), P9_TGETATTR, 7, "dq", 0u, P9_GETATTR_BASIC);

    g->ring[0].in_flight[7]++;
    rig_copy_out(g, 0, 0, msg, len);
    rig_publish(g, 0, len);
}

/* Takes a reply without an event from us: what rig_take() does after that is a kick. */
static bool take_silently(struct rig *g, long long ms)
{
    struct fe_ring *r = &g->ring[0];
    long long deadline = tap_now() + ms;
    uint32_t used;

    while ((used = rig_in_used(g, 0)) == 0)
        if (tap_now() > deadline)
            return false;
    r->in_cons += used;
    __atomic_store_n(&r->intf->in_cons, r->in_cons, __ATOMIC_RELEASE);
    r->in_flight[7]--;
    return true;
}

static void finds_requests_without_an_event(void)
{
    struct rig *g = rig_new(&(struct rig_config){.policy = longest});
    uint32_t found = 0;
    struct p9c c;

    p9c_mount(&c, g);
    for (int i = 0; i < 3000; i++) {
        put_silently(g);
        if (take_silently(g, 3)) {
            found++;
            continue;
        }
        rig_kick(g); /* it had gone to sleep: the event must wake it */
        CHECK(take_silently(g, RIG_WAIT_MS));
    }
    CHECK(found > 300); /* most of them; the machine may be busy with something else */
    rig_end(g);
}

static uint64_t voluntary_switches(const struct rig *g)
{
    char path[64], line[128];
    uint64_t sum = 0, n;
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)g->pid);
    d = opendir(path);
    CHECK(d != NULL);
    while ((e = readdir(d)) != NULL) {
        char status[sizeof(path) + sizeof(e->d_name) + 16];
        FILE *f;

        snprintf(status, sizeof(status), "%s/%s/status", path, e->d_name);
        f = e->d_name[0] != '.' ? fopen(status, "re") : NULL;
        while (f != NULL && fgets(line, sizeof(line), f) != NULL)
            if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
                sum += n;
        if (f != NULL)
            fclose(f);
    }
    closedir(d);
    return sum;
}

/*
 * No wake-up at all within ten seconds: a thread that wakes sleeps again, which is counted. Jailed only:
 * sanitizers have threads of their own.
 */
static void idle_wakes_nobody(void)
{
    struct rig *g = rig_new(&(struct rig_config){.policy = longest});
    uint64_t before;
    struct p9c c;

    p9c_mount(&c, g);
    for (int i = 0; i < 2000; i++) {
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_clunk(&c, 1));
    }
    tap_sleep(300);
    before = voluntary_switches(g);
    tap_sleep(10000);
    CHECK_EQ(voluntary_switches(g), before);
    rig_end(g);
}

/* One request in 5 ms: polling for a millisecond after each would find nothing. */
static void sparse_load_is_not_polled_for(void)
{
    struct rig *g = rig_new(&(struct rig_config){.policy = longest});
    struct p9c c;
    long long cpu;

    p9c_mount(&c, g);
    tap_sleep(50);
    cpu = rig_cpu_ms(g);
    for (int i = 0; i < 300; i++) {
        CHECK_ERR(p9c_clunk(&c, 1000), EBADF);
        tap_sleep(5);
    }
    CHECK(rig_cpu_ms(g) - cpu < 150);
    rig_end(g);
}

/* `out` is never empty: the one thread never sleeps. It must hear CTL_STOP all the same. */
static void stop_is_heard_under_load(uint32_t depth)
{
    struct rig *g =
        rig_new(&(struct rig_config){.threads = 1, .policy = longest, .export = tap_dir()});
    union ctl_message stop = {.hdr = {.type = CTL_STOP}};
    struct pollfd p = {g->pidfd, POLLIN, 0};
    long long start = tap_now();
    bool stopped = false;
    struct p9c c;

    p9c_mount(&c, g);
    while (poll(&p, 1, 0) == 0) {
        uint32_t used = rig_in_used(g, 0);

        CHECK(tap_now() < start + 200 + LIMIT_DRAIN_MS / 2);
        if (!stopped && tap_now() > start + 200) {
            CHECK_EQ(ctl_send(g->control_fd, &stop, NULL, 0), 0);
            g->phase = CTL_PHASE_STOPPING;
            stopped = true;
        }
        g->ring[0].in_cons += used;
        __atomic_store_n(&g->ring[0].intf->in_cons, g->ring[0].in_cons, __ATOMIC_RELEASE);
        while (rig_out_room(g, 0) > g->ring[0].size - depth * 19)
            put_silently(g);
        rig_kick(g);
    }
    CHECK_EQ(rig_wait_exit(g), 0);
}

static void stop_is_heard(void)
{
    stop_is_heard_under_load(1);
    stop_is_heard_under_load(500);
}

static const struct tap_case cases[] = {
    {"finds_requests_without_an_event", finds_requests_without_an_event, 0, 0},
    {"idle_wakes_nobody", idle_wakes_nobody, TAP_JAILED, 0},
    {"sparse_load_is_not_polled_for", sparse_load_is_not_polled_for, 0, 0},
    {"stop_is_heard", stop_is_heard, 0, 0},
};
TAP_SUITE(polling, cases);
