/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frontend.c - following a frontend's `state`, whatever pace it is written at.
 *
 * The node is guest input: nodes_state() judges it.
 */
#include "xen9p/frontend.h"

#include <errno.h>
#include <stdio.h>

#include <xenstore.h>

#include "xen9p/act.h"
#include "xen9p/devices.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"

#define FREE_FAILURES 10u /* failed connections before a frontend is slowed down */

static bool state_path(const struct device *d, char *out, size_t cap)
{
    return store_path(out, cap, "%s/state", d->nodes.frontend);
}

static void watch_token(const struct device *d, char out[32])
{
    (void)snprintf(out, 32, "f%u/%u", d->domid, d->devid);
}

static uint32_t poll_interval(const struct device *d)
{
    uint32_t over = d->failures > FREE_FAILURES ? d->failures - FREE_FAILURES : 0;
    uint32_t ms = over < 16 ? LIMIT_POLL_MS << over : LIMIT_POLL_MAX_MS;

    return ms < LIMIT_POLL_MAX_MS ? ms : LIMIT_POLL_MAX_MS;
}

static bool watch(struct device *d)
{
    char path[LIMIT_STORE_PATH], token[32];

    watch_token(d, token);
    d->fe.watched = state_path(d, path, sizeof(path)) && xs_watch(d->sv->xs, path, token);
    return d->fe.watched;
}

static void unwatch(struct device *d)
{
    char path[LIMIT_STORE_PATH], token[32];

    watch_token(d, token);
    if (d->fe.watched && state_path(d, path, sizeof(path)))
        (void)xs_unwatch(d->sv->xs, path, token);
    d->fe.watched = false;
}

static void poll_from_now(struct device *d)
{
    unwatch(d);
    d->fe.calm = 0;
    loop_timer_set(d->sv->loop, &d->fe.poll, poll_interval(d));
}

static int get_frontend(void *arg, const char *name, char *buf, size_t cap)
{
    const struct device *d = arg;
    char path[LIMIT_STORE_PATH];

    if (!store_path(path, sizeof(path), "%s/%s", d->nodes.frontend, name))
        return -EINVAL;
    return store_read(d->sv->xs, path, buf, cap);
}

/* Reads the state node into fe.now. */
static void look(struct device *d)
{
    struct nodes_fault fault;
    enum device_event event = DEVICE_FE_GONE;
    unsigned state;
    int err = nodes_state(get_frontend, d, &state, &fault);

    if (err == 0)
        event = device_frontend_event(state);
    else if (err == -EINVAL)
        event = DEVICE_FE_BAD;
    else if (err != -ENOENT) /* xenstored is in trouble: what we know stays */
        return;
    if (event == DEVICE_FE_BAD && (!d->fe.known || d->fe.now != event))
        act_refuse(d, &fault);
    d->fe.calm = d->fe.known && d->fe.now == event ? d->fe.calm + 1 : 0;
    d->fe.known = true;
    d->fe.now = event;
}

/* While a worker ends only the last state counts; it is given to the table afterwards. */
static void feed(struct device *d)
{
    if (!d->fe.known || device_is_ending(d->state) || (d->fe.fed && d->fe.last == d->fe.now))
        return;
    d->fe.fed = true;
    d->fe.last = d->fe.now;
    devices_feed(d, d->fe.now);
}

static void poll_due(struct loop_timer *t)
{
    struct device *d = t->owner;

    look(d);
    feed(d);
    if (d->state == DEVICE_GONE)
        return;
    if (d->fe.calm >= LIMIT_CALM_POLLS && d->failures <= FREE_FAILURES && watch(d)) {
        devices_say(d, LOG_LEVEL_DEBUG, "frontend is calm again and watched");
        return;
    }
    loop_timer_set(d->sv->loop, &d->fe.poll, poll_interval(d));
}

void frontend_follow(struct device *d)
{
    d->fe.poll = (struct loop_timer){.fire = poll_due, .owner = d};
    d->fe.window_ms = loop_now();
    if (watch(d))
        return;
    /* too many watches for one domain, for instance */
    devices_say(d, LOG_LEVEL_NOTICE, "frontend cannot be watched (errno %d); it is polled", errno);
    loop_timer_set(d->sv->loop, &d->fe.poll, 0);
}

void frontend_unfollow(struct device *d)
{
    unwatch(d);
    loop_timer_cancel(d->sv->loop, &d->fe.poll);
}

void frontend_event(struct device *d)
{
    uint64_t now = loop_now();

    d->fe.changed = true;
    if (now - d->fe.window_ms >= LIMIT_WATCH_MS) {
        d->fe.window_ms = now;
        d->fe.events = 0;
    }
    if (++d->fe.events <= LIMIT_WATCH_EVENTS || !d->fe.watched)
        return;
    devices_say(
        d, LOG_LEVEL_WARNING,
        "frontend wrote state more than %d times in %d s; it is polled every %d ms until calm",
        LIMIT_WATCH_EVENTS, LIMIT_WATCH_MS / 1000, LIMIT_POLL_MS);
    poll_from_now(d);
}

void frontend_catch_up(struct device *d)
{
    /* those with nothing new are only read: after a fork each page that is written costs a fault */
    if (d->fe.changed) {
        if (d->fe.watched)
            look(d);
        d->fe.changed = false;
    }
    feed(d);
}

void frontend_slow_down(struct device *d)
{
    if (d->failures <= FREE_FAILURES)
        return;
    devices_say(d, LOG_LEVEL_WARNING,
                "%u connections failed in a row; the frontend is looked at every %u ms",
                d->failures, poll_interval(d));
    poll_from_now(d);
}
