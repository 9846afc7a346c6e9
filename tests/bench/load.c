/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.c - the load generator.
 */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../host/p9c.h"

#define BUF_SIZE (2u * 1024 * 1024)
#define WAIT_MS 10000

static uint8_t payload_bytes[512 * 1024];

double load_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void load_pin(bool server)
{
    long num = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    if (num < 2)
        return;
    CPU_ZERO(&set);
    for (int i = server ? 1 : 0; i < (server ? num : 1); i++)
        CPU_SET(i, &set);
    (void)sched_setaffinity(0, sizeof(set), &set); /* or where the system wants it to be */
}

#define MAX_TRIPS 100000u
static float trips[MAX_TRIPS];

void load_trip(uint64_t i, double start)
{
    if (i < MAX_TRIPS)
        trips[i] = (float)(load_now() - start);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

double load_trip_at(uint64_t num, double part)
{
    if (num > MAX_TRIPS)
        num = MAX_TRIPS;
    qsort(trips, num, sizeof(trips[0]), by_value);
    return num > 0 ? (double)trips[(uint64_t)((double)num * part)] * 1e6 : 0;
}

double load_median_trip(uint64_t num)
{
    return load_trip_at(num, 0.5);
}

struct run {
    struct link *k;
    const struct load *l;
    struct load_slot slot[LOAD_MAX_DEPTH];
    uint64_t started, done;
    uint32_t active;                  /* slots with an operation */
    uint32_t pending[LOAD_MAX_DEPTH]; /* slots with a message to send, oldest first */
    uint32_t num_pending;
    bool moved;
};

static uint32_t ring_of(const struct run *run, const struct load_slot *s)
{
    return s->index % run->k->rig->cfg.num_rings;
}

static void send_all(int sock, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            FAIL("send: %m");
        p += n;
        len -= (size_t)n;
    }
}

/* Sends the next message of a slot; false when there is no room in `out`. */
static bool send_next(struct run *run, struct load_slot *s)
{
    struct rig *g = run->k->rig;
    uint8_t buf[512];
    uint32_t payload = 0, len = run->l->message(s, buf, sizeof(buf), &payload);

    if (g == NULL) {
        send_all(run->k->sock, buf, len);
        send_all(run->k->sock, payload_bytes, payload);
    } else {
        uint32_t ring = ring_of(run, s);

        if (rig_out_room(g, ring) < len + payload)
            return false;
        rig_copy_out(g, ring, 0, buf, len);
        if (payload > 0)
            rig_copy_out(g, ring, len, payload_bytes, payload);
        rig_publish(g, ring, len + payload);
    }
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

static bool is_timed(const struct run *run, const struct load_slot *s)
{
    return run->l->depth == 1 || (run->l->aside && s->index == 0);
}

static bool counts(const struct run *run, const struct load_slot *s)
{
    return !run->l->aside || s->index == 0;
}

/* Begins the slot's next operation; false: there is none. */
static bool begin(struct run *run, struct load_slot *s)
{
    if (counts(run, s) ? run->started == run->l->ops : run->done == run->l->ops)
        return false;
    s->op = counts(run, s) ? run->started++ : s->op + 1;
    s->cookie = 0;
    s->done = false;
    if (is_timed(run, s))
        s->begun = load_now();
    return true;
}

/* The slot has its reply: next message, next operation, or rest. */
static void step(struct run *run, struct load_slot *s)
{
    uint8_t buf[512];
    uint32_t payload = 0;

    if (s->step != 0 && (s->done || run->l->message(s, buf, sizeof(buf), &payload) == 0)) {
        if (is_timed(run, s))
            load_trip(run->done, s->begun);
        if (counts(run, s))
            run->done++;
        run->active--;
        s->step = 0;
    }
    if (s->step == 0) {
        if (!begin(run, s))
            return;
        run->active++;
    }
    run->pending[run->num_pending++] = s->index;
}

static void take(struct run *run, uint8_t type, uint16_t tag, const uint8_t *body, uint32_t len)
{
    struct load_slot *s = &run->slot[tag];

    CHECK(tag < run->l->depth);
    if (type == P9_RLERROR && !run->l->errors)
        FAIL("operation %llu, message %u: errno %u", (unsigned long long)s->op, s->step - 1,
             body[0]);
    if (type == P9_RLERROR)
        s->done = true;
    if (run->l->reply != NULL)
        run->l->reply(s, type, body, len);
    step(run, s);
    run->moved = true;
}

/* What the generator looks at: in place unless it wraps; of a long reply only where somebody asks. */
static const uint8_t *view(const struct run *run, const struct fe_ring *r, uint32_t skip,
                           uint32_t len)
{
    static uint8_t copy[512 * 1024];
    uint32_t at = (r->in_cons + skip) & (r->size - 1);

    if (run->l->reply == NULL && len > P9_HDR_SIZE)
        len = P9_HDR_SIZE;
    if (at + len <= r->size)
        return r->in + at;
    memcpy(copy, r->in + at, r->size - at);
    memcpy(copy + r->size - at, r->in, len - (r->size - at));
    return copy;
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void receive_ring(struct run *run, uint32_t ring)
{
    struct fe_ring *r = &run->k->rig->ring[ring];

    while (rig_in_used(run->k->rig, ring) > 0) {
        uint8_t hdr[P9_HDR_SIZE];
        uint32_t len;

        memcpy(hdr, view(run, r, 0, P9_HDR_SIZE), sizeof(hdr));
        len = le32(hdr);
        take(run, hdr[4], (uint16_t)(hdr[5] | hdr[6] << 8),
             view(run, r, P9_HDR_SIZE, len - P9_HDR_SIZE), len - P9_HDR_SIZE);
        r->in_cons += len;
        __atomic_store_n(&r->intf->in_cons, r->in_cons, __ATOMIC_RELEASE);
    }
}

static void receive_socket(struct run *run)
{
    struct link *k = run->k;
    struct pollfd p = {k->sock, POLLIN, 0};
    size_t at = 0;
    ssize_t n;

    if (poll(&p, 1, WAIT_MS) != 1)
        FAIL("no reply for %d s", WAIT_MS / 1000);
    n = recv(k->sock, k->buf + k->len, BUF_SIZE - k->len, 0);
    if (n <= 0)
        FAIL("the server closed the connection");
    k->len += (size_t)n;
    while (k->len - at >= P9_HDR_SIZE && k->len - at >= le32(k->buf + at)) {
        const uint8_t *m = k->buf + at;

        take(run, m[4], (uint16_t)(m[5] | m[6] << 8), m + P9_HDR_SIZE, le32(m) - P9_HDR_SIZE);
        at += le32(m);
    }
    k->len -= at;
    memmove(k->buf, k->buf + at, k->len);
}

static bool replies_wait(const struct link *k)
{
    for (uint32_t i = 0; i < k->rig->cfg.num_rings; i++)
        if (rig_in_used(k->rig, i) > 0)
            return true;
    return false;
}

/* Until there is a reply, or an event: there may be room for what did not fit. */
static void wait_ring(struct run *run)
{
    struct link *k = run->k;
    double start = load_now();

    while (load_now() - start < k->spin_seconds)
        if (replies_wait(k))
            return;
    while (!replies_wait(k) && !rig_notified(k->rig, WAIT_MS))
        if (load_now() - start > WAIT_MS / 1e3) /* else it was the control socket that woke us */
            FAIL("no event for %d s (%llu of %llu operations done)", WAIT_MS / 1000,
                 (unsigned long long)run->done, (unsigned long long)run->l->ops);
}

static void turn(struct run *run)
{
    send_pending(run);
    if (run->k->rig == NULL) {
        receive_socket(run);
        return;
    }
    /* one event for all that was sent and taken, as a frontend's interrupt handler gives */
    if (run->moved)
        rig_kick(run->k->rig);
    run->moved = false;
    wait_ring(run);
    for (uint32_t i = 0; i < run->k->rig->cfg.num_rings; i++)
        receive_ring(run, i);
}

double load_run(struct link *k, const struct load *l)
{
    static struct run run;
    double start = load_now();

    memset(&run, 0, sizeof(run));
    run.k = k;
    run.l = l;
    for (uint32_t i = 0; i < l->depth; i++) {
        run.slot[i].index = i;
        run.slot[i].link = k;
        step(&run, &run.slot[i]);
    }
    while (run.active > 0)
        turn(&run);
    return load_now() - start;
}

/* --- single messages, tag 0 ------------------------------------------------------------------- */

static const uint8_t *call_msg;
static uint32_t call_len;
static uint8_t call_type;
static uint32_t call_msize;

static uint32_t call_message(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    (void)payload;
    if (s->step > 0)
        return 0;
    CHECK(call_len <= cap);
    memcpy(buf, call_msg, call_len);
    return call_len;
}

static void call_reply(struct load_slot *s, uint8_t type, const uint8_t *body, uint32_t len)
{
    (void)s;
    call_type = type;
    if (type == P9_TVERSION + 1 && len >= 4)
        call_msize = le32(body);
}

uint8_t load_call(struct link *k, const uint8_t *msg, uint32_t len)
{
    const struct load one = {1, 1, call_message, call_reply, false, true};

    call_msg = msg;
    call_len = len;
    call_type = P9_RLERROR;
    (void)load_run(k, &one);
    return call_type;
}

void load_mount(struct link *k)
{
    uint8_t msg[256];
    uint32_t len = p9_pack(msg, sizeof(msg), P9_TVERSION, 0, "ds", k->msize, "9P2000.L");

    if (k->rig == NULL && k->buf == NULL)
        k->buf = malloc(BUF_SIZE);
    CHECK_EQ(load_call(k, msg, len), P9_TVERSION + 1);
    k->msize = call_msize;
    len = p9_pack(msg, sizeof(msg), P9_TATTACH, 0, "ddssd", 0u, P9_NOFID, "", k->aname, 0u);
    CHECK_EQ(load_call(k, msg, len), P9_TATTACH + 1);
}
