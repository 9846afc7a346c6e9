/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frontend.c - the frontend's side of the rings of a rig.
 *
 * Written from xen/io/9pfs.h and the Linux frontend, with the checks that a frontend could make
 * of its backend: see harness.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static uint32_t load(const RING_IDX *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t rig_out_room(const struct rig *g, uint32_t ring)
{
    const struct fe_ring *r = &g->ring[ring];
    uint32_t cons = load(&r->intf->out_cons);

    if (!g->lenient && !ringidx_valid(r->out_prod, cons, r->size))
        FAIL("ring %u: out_cons 0x%x is not behind out_prod 0x%x", ring, cons, r->out_prod);
    return r->size - (r->out_prod - cons);
}

uint32_t rig_in_used(const struct rig *g, uint32_t ring)
{
    const struct fe_ring *r = &g->ring[ring];
    uint32_t prod = load(&r->intf->in_prod);

    if (!g->lenient && !ringidx_valid(prod, r->in_cons, r->size))
        FAIL("ring %u: in_prod 0x%x overtakes in_cons 0x%x", ring, prod, r->in_cons);
    return prod - r->in_cons;
}

void rig_copy_out(struct rig *g, uint32_t ring, uint32_t skip, const void *msg, uint32_t len)
{
    struct fe_ring *r = &g->ring[ring];
    const uint8_t *p = msg;
    uint32_t at = (r->out_prod + skip) & (r->size - 1);
    uint32_t first = len < r->size - at ? len : r->size - at;

    memcpy(r->out + at, p, first);
    memcpy(r->out, p + first, len - first);
}

void rig_publish(struct rig *g, uint32_t ring, uint32_t len)
{
    struct fe_ring *r = &g->ring[ring];

    r->out_prod += len;
    __atomic_store_n(&r->intf->out_prod, r->out_prod, __ATOMIC_RELEASE);
}

void rig_kick(struct rig *g)
{
    const uint64_t one = 1;

    if (write(g->kick_fd, &one, sizeof(one)) != sizeof(one) && errno != EAGAIN)
        FAIL("kick: %m");
}

bool rig_notified(struct rig *g, long long ms)
{
    struct pollfd p[2] = {{g->call_fd, POLLIN, 0}, {g->eof ? -1 : g->control_fd, POLLIN, 0}};
    uint64_t count;

    if (poll(p, 2, ms < 0 ? 0 : (int)ms) < 0 && errno != EINTR)
        FAIL("poll: %m");
    if (p[1].revents != 0)
        rig_events(g);
    if (read(g->call_fd, &count, sizeof(count)) != sizeof(count))
        return false;
    g->notifications += count;
    return true;
}

/* A worker that is gone or wants to go will not answer. */
static void check_alive(struct rig *g)
{
    if (g->lenient)
        return;
    if (g->closed)
        FAIL("the worker asked for a close: %s, ring %llu, value 0x%llx",
             ctl_close_reason_name((uint32_t)g->close.a), (unsigned long long)g->close.b,
             (unsigned long long)g->close.c);
    if (g->eof && g->pid != 0)
        FAIL("the worker ended (status 0x%x)", (unsigned)rig_wait_exit(g));
}

void rig_put(struct rig *g, uint32_t ring, const void *msg, uint32_t len)
{
    long long deadline = tap_now() + RIG_WAIT_MS;
    const uint8_t *p = msg;

    CHECK(len <= g->ring[ring].size);
    while (rig_out_room(g, ring) < len) {
        if (!rig_notified(g, 20) && tap_now() > deadline)
            FAIL("ring %u: no room for a request of %u bytes", ring, len);
        check_alive(g);
        if (rig_out_room(g, ring) >= len)
            break;
        /* Room may depend on replies being taken; keep them. */
        for (struct reply *r; (r = rig_take(g, ring)) != NULL;) {
            struct reply **end = &g->replies;

            while (*end != NULL)
                end = &(*end)->next;
            *end = r;
        }
    }
    if (len >= P9_HDR_SIZE)
        g->ring[ring].in_flight[(uint16_t)(p[5] | p[6] << 8)]++;
    rig_copy_out(g, ring, 0, msg, len);
    rig_publish(g, ring, len);
    rig_kick(g);
}

static void copy_in(const struct fe_ring *r, uint32_t at, void *dst, uint32_t len)
{
    uint32_t offset = at & (r->size - 1);
    uint32_t first = len < r->size - offset ? len : r->size - offset;

    memcpy(dst, r->in + offset, first);
    memcpy((uint8_t *)dst + first, r->in, len - first);
}

struct reply *rig_take(struct rig *g, uint32_t ring)
{
    struct fe_ring *r = &g->ring[ring];
    uint32_t used = rig_in_used(g, ring);
    uint8_t hdr[P9_HDR_SIZE];
    struct reply *m;
    uint32_t len;

    if (used == 0)
        return NULL;
    if (used < P9_HDR_SIZE)
        FAIL("ring %u: %u bytes published, less than a header", ring, used);
    copy_in(r, r->in_cons, hdr, sizeof(hdr));
    len = le32(hdr);
    if (len < P9_HDR_SIZE || len > used)
        FAIL("ring %u: in_prod in the middle of a reply (%u of %u bytes)", ring, used, len);
    m = malloc(sizeof(*m) + len);
    CHECK(m != NULL);
    m->next = NULL;
    m->ring = ring;
    m->len = len;
    m->type = hdr[4];
    m->tag = (uint16_t)(hdr[5] | hdr[6] << 8);
    copy_in(r, r->in_cons, m->bytes, len);
    r->in_cons += len;
    __atomic_store_n(&r->intf->in_cons, r->in_cons, __ATOMIC_RELEASE);
    rig_kick(g); /* as Linux does: there is room again */
    if (r->in_flight[m->tag] > 0)
        r->in_flight[m->tag]--;
    else if (!g->lenient)
        FAIL("ring %u: reply of type %u to tag %u, which is not in flight", ring, m->type, m->tag);
    return m;
}

static struct reply *kept(struct rig *g, uint32_t ring, uint16_t tag)
{
    for (struct reply **p = &g->replies; *p != NULL; p = &(*p)->next)
        if ((*p)->ring == ring && (*p)->tag == tag) {
            struct reply *m = *p;

            *p = m->next;
            m->next = NULL;
            return m;
        }
    return NULL;
}

struct reply *rig_wait_ms(struct rig *g, uint32_t ring, uint16_t tag, long long ms)
{
    long long deadline = tap_now() + ms;
    struct reply *m = kept(g, ring, tag);
    bool last = false;

    while (m == NULL) {
        struct reply **end = &g->replies;

        while (*end != NULL)
            end = &(*end)->next;
        m = rig_take(g, ring);
        if (m != NULL) {
            if (last && !rig_notified(g, 2000))
                FAIL("ring %u: a reply was published without a notification", ring);
            if (m->tag == tag)
                break;
            *end = m;
            m = NULL;
            continue;
        }
        if (last)
            return NULL;
        check_alive(g);
        if (g->eof && g->pid == 0)
            return NULL;
        if (!rig_notified(g, deadline - tap_now()) && tap_now() >= deadline)
            last = true; /* one look at the ring: was it only the notification that is missing? */
    }
    return m;
}

struct reply *rig_wait(struct rig *g, uint32_t ring, uint16_t tag)
{
    struct reply *m = rig_wait_ms(g, ring, tag, RIG_WAIT_MS);

    if (m == NULL)
        FAIL("ring %u: no reply to tag %u", ring, tag);
    return m;
}
