/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.c - the load generator.
 */
#include "load.h"

#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint8_t payload_bytes[512 * 1024];

double load_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct run {
    struct rig *g;
    struct fe_ring *r;
    const struct load *l;
    struct load_slot slot[LOAD_MAX_DEPTH];
    uint64_t started, done;
    uint32_t pending[LOAD_MAX_DEPTH]; /* slots with a message to send, oldest first */
    uint32_t num_pending;
    bool moved;
};

/* Sends the next message of a slot; false when there is no room in `out`. */
static bool send_next(struct run *run, struct load_slot *s)
{
    uint8_t buf[512];
    uint32_t payload = 0;
    uint32_t len = run->l->message(s, buf, sizeof(buf), &payload);

    if (rig_out_room(run->g, 0) < len + payload)
        return false;
    rig_copy_out(run->g, 0, 0, buf, len);
    if (payload > 0)
        rig_copy_out(run->g, 0, len, payload_bytes, payload);
    rig_publish(run->g, 0, len + payload);
    s->step++;
    run->moved = true;
    return true;
}

static void send_pending(struct run *run)
{
    uint32_t sent = 0;

    while (sent < run->num_pending && send_next(run, &run->slot[run->pending[sent]]))
        sent++;
    run->num_pending -= sent;
    memmove(run->pending, run->pending + sent, run->num_pending * sizeof(run->pending[0]));
}

/* The slot has its reply: next message, next operation, or rest. */
static void step(struct run *run, struct load_slot *s)
{
    uint8_t buf[512];
    uint32_t payload = 0;

    if (s->step != 0 && run->l->message(s, buf, sizeof(buf), &payload) == 0) {
        run->done++;
        s->step = 0;
    }
    if (s->step == 0) {
        if (run->started == run->l->ops)
            return;
        s->op = run->started++;
    }
    run->pending[run->num_pending++] = s->index;
}

static uint8_t in_byte(const struct fe_ring *r, uint32_t skip)
{
    return r->in[(r->in_cons + skip) & (r->size - 1)];
}

/* Takes all replies that are there. */
static void receive(struct run *run)
{
    struct fe_ring *r = run->r;

    while (rig_in_used(run->g, 0) > 0) {
        uint32_t len = 0, tag = in_byte(r, 5) | (uint32_t)in_byte(r, 6) << 8;

        for (uint32_t i = 0; i < 4; i++)
            len |= (uint32_t)in_byte(r, i) << (8 * i);
        if (in_byte(r, 4) == P9_RLERROR)
            FAIL("operation %llu, message %u: errno %u", (unsigned long long)run->slot[tag].op,
                 run->slot[tag].step - 1, in_byte(r, 7));
        r->in_cons += len;
        __atomic_store_n(&r->intf->in_cons, r->in_cons, __ATOMIC_RELEASE);
        step(run, &run->slot[tag]);
        run->moved = true;
    }
}

double load_run(struct rig *g, const struct load *l)
{
    struct run run = {.g = g, .r = &g->ring[0], .l = l};
    double start = load_now();

    for (uint32_t i = 0; i < l->depth; i++) {
        run.slot[i].index = i;
        step(&run, &run.slot[i]);
    }
    while (run.done < l->ops) {
        run.moved = false;
        receive(&run);
        send_pending(&run);
        if (run.moved)
            rig_kick(g); /* one event for all of it, as a frontend's interrupt handler gives */
        else if (!rig_notified(g, 10000))
            FAIL("no event for 10 s (%llu of %llu operations done)", (unsigned long long)run.done,
                 (unsigned long long)l->ops);
    }
    return load_now() - start;
}
