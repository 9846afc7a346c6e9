/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * turns.c - who may start a worker now. A guest can make its own device wait, and come, as often as it
 * likes: each time it stands behind all others.
 */
#include "xen9p/turns.h"

#include "xen9p/devices.h"
#include "xen9p/supervisor.h"

static uint32_t starting(const struct supervisor *sv)
{
    const uint64_t now = loop_now();
    uint32_t n = 0;

    for (const struct device *d = sv->devices; d != NULL; d = d->next)
        if (d->starting_ms != 0 && now < d->starting_ms + LIMIT_TURN_MS)
            n++;
    return n;
}

/* How many came before it and wait. */
static uint32_t before(const struct device *d)
{
    uint32_t n = 0;

    for (const struct device *o = d->sv->devices; o != NULL; o = o->next)
        if (o->turn != 0 && o->turn < d->turn)
            n++;
    return n;
}

/* Of those that wait, the first whose turn comes after `turn`. */
static struct device *next_after(const struct supervisor *sv, uint64_t turn)
{
    struct device *next = NULL;

    for (struct device *d = sv->devices; d != NULL; d = d->next)
        if (d->turn > turn && (next == NULL || d->turn < next->turn))
            next = d;
    return next;
}

bool turns_wait(struct device *d, void (*again)(struct loop_timer *t))
{
    struct supervisor *sv = d->sv;
    const bool first = d->turn == 0;

    if (first)
        d->turn = ++sv->turns;
    if (starting(sv) + before(d) < sv->host_starts) {
        d->turn = 0;
        return false;
    }
    if (first)
        devices_say(d, LOG_LEVEL_DEBUG, "waits for its turn to start a worker");
    loop_timer_cancel(sv->loop, &d->retry);
    d->retry = (struct loop_timer){.fire = again, .owner = d};
    loop_timer_set(sv->loop, &d->retry, LIMIT_TURN_MS); /* nobody may say that a start hangs */
    return true;
}

void turns_begin(struct device *d)
{
    d->starting_ms = loop_now();
}

void turns_end(struct device *d)
{
    struct supervisor *sv = d->sv;
    uint64_t turn = 0;

    d->starting_ms = 0;
    d->turn = 0;
    for (uint32_t n = starting(sv); n < sv->host_starts; n++) {
        struct device *next = next_after(sv, turn);

        if (next == NULL)
            return;
        turn = next->turn;
        loop_timer_set(sv->loop, &next->retry, 0);
    }
}
