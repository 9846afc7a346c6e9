/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9.c - just enough 9P over a Xen ring: one request at a time, little-endian. */
#include "fe.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TVERSION 100
#define TATTACH 104
#define TWALK 110
#define TLOPEN 12
#define TREAD 116
#define TCLUNK 120
#define RLERROR 7
#define RERROR 107
#define NOTAG 0xffffu
#define NOFID 0xffffffffu

double p9_deadline = 20;

struct msg {
    uint32_t len; /* with the 7 bytes of header */
    uint8_t b[65536];
};
static struct msg tx, rx;

static void put(const void *p, uint32_t n)
{
    memcpy(tx.b + tx.len, p, n);
    tx.len += n;
}
static void put8(uint8_t v)
{
    put(&v, 1);
}
static void put16(uint16_t v)
{
    put(&v, 2);
}
static void put32(uint32_t v)
{
    put(&v, 4);
}
static void put64(uint64_t v)
{
    put(&v, 8);
}
static void puts9(const char *s)
{
    put16((uint16_t)strlen(s));
    put(s, (uint32_t)strlen(s));
}

static void begin(uint8_t type, uint16_t tag)
{
    tx.len = 4;
    put8(type);
    put16(tag);
}

static volatile uint32_t *idx(struct fe_ring *r, unsigned off)
{
    return (volatile uint32_t *)(void *)(r->intf + off);
}

static void ring_put(struct fe *fe, struct fe_ring *r)
{
    uint32_t size = 1u << (fe->order + 11), prod = *idx(r, 68);

    for (uint32_t i = 0; i < tx.len; i++)
        r->data[size + ((prod + i) & (size - 1))] = tx.b[i];
    __sync_synchronize();
    *idx(r, 68) = prod + tx.len;
    __sync_synchronize();
    xenevtchn_notify(fe->ev, r->port);
}

/* Waits for an event, and looks anyway each 100 ms: whether the backend notified is not what is tested here. */
static void ring_wait(struct fe *fe)
{
    struct pollfd p = {.fd = xenevtchn_fd(fe->ev), .events = POLLIN};
    int port;

    if (poll(&p, 1, 100) > 0) {
        port = xenevtchn_pending(fe->ev);
        if (port >= 0)
            xenevtchn_unmask(fe->ev, (evtchn_port_t)port);
    }
}

static bool ring_get(struct fe *fe, struct fe_ring *r)
{
    uint32_t size = 1u << (fe->order + 11), cons = *idx(r, 0), have, want = 7;
    double end = now() + p9_deadline;

    for (;;) {
        have = *idx(r, 4) - cons;
        __sync_synchronize();
        if (have >= want) {
            for (uint32_t i = 0; i < want; i++)
                rx.b[i] = r->data[(cons + i) & (size - 1)];
            memcpy(&rx.len, rx.b, 4);
            if (rx.len > sizeof(rx.b) || rx.len < 7)
                die("reply of %u bytes", rx.len);
            if (want == rx.len)
                break;
            want = rx.len;
            continue;
        }
        if (now() > end)
            return false;
        ring_wait(fe);
    }
    __sync_synchronize();
    *idx(r, 0) = cons + rx.len;
    xenevtchn_notify(fe->ev, r->port);
    return true;
}

static int call(struct fe *fe, unsigned ring)
{
    uint32_t code;
    uint16_t tag;

    memcpy(tx.b, &tx.len, 4);
    ring_put(fe, &fe->ring[ring]);
    if (!ring_get(fe, &fe->ring[ring]))
        return -1;
    memcpy(&tag, rx.b + 5, 2);
    if (memcmp(&tag, tx.b + 5, 2) != 0)
        die("reply with tag %u", tag);
    if (rx.b[4] == RLERROR) {
        memcpy(&code, rx.b + 7, 4);
        return (int)code;
    }
    if (rx.b[4] == RERROR) { /* ename s, errno4: 9P2000.u */
        uint16_t n;

        memcpy(&n, rx.b + 7, 2);
        if (rx.len != 13u + n)
            die("Rerror of %u bytes", rx.len);
        memcpy(&code, rx.b + 9 + n, 4);
        return (int)code;
    }
    if (rx.b[4] != tx.b[4] + 1)
        die("reply of type %u to %u", rx.b[4], tx.b[4]);
    return 0;
}

int p9_version(struct fe *fe, unsigned ring)
{
    int rc;

    begin(TVERSION, NOTAG);
    put32(1u << (fe->order + 10) < 65536 ? 1u << (fe->order + 10) : 65536);
    puts9("9P2000.L");
    rc = call(fe, ring);
    if (rc == 0)
        memcpy(&fe->msize, rx.b + 7, 4);
    return rc;
}

int p9_attach(struct fe *fe, unsigned ring, uint32_t fid)
{
    begin(TATTACH, ++fe->tag);
    put32(fid);
    put32(NOFID);
    puts9("");
    puts9("");
    put32(0);
    return call(fe, ring);
}

int p9_walk(struct fe *fe, unsigned ring, uint32_t fid, uint32_t newfid, const char *name)
{
    begin(TWALK, ++fe->tag);
    put32(fid);
    put32(newfid);
    put16(name ? 1 : 0);
    if (name)
        puts9(name);
    return call(fe, ring);
}

int p9_open(struct fe *fe, unsigned ring, uint32_t fid, uint32_t flags)
{
    begin(TLOPEN, ++fe->tag);
    put32(fid);
    put32(flags);
    return call(fe, ring);
}

int p9_read(struct fe *fe, unsigned ring, uint32_t fid, uint64_t off, uint32_t count, void *to,
            uint32_t *got)
{
    int rc;

    begin(TREAD, ++fe->tag);
    put32(fid);
    put64(off);
    put32(count);
    rc = call(fe, ring);
    if (rc != 0)
        return rc;
    memcpy(got, rx.b + 7, 4);
    if (*got > count || *got + 11 > rx.len)
        die("read of %u bytes answered with %u", count, *got);
    memcpy(to, rx.b + 11, *got);
    return 0;
}

int p9_clunk(struct fe *fe, unsigned ring, uint32_t fid)
{
    begin(TCLUNK, ++fe->tag);
    put32(fid);
    return call(fe, ring);
}

int p9_ask(struct fe *fe, unsigned ring, uint8_t type, uint16_t tag, const char *fmt, ...)
{
    va_list ap;

    begin(type, tag);
    va_start(ap, fmt);
    for (; *fmt; fmt++) {
        uint32_t n;

        switch (*fmt) {
        case 'b':
            put8((uint8_t)va_arg(ap, int));
            break;
        case 'w':
            put16((uint16_t)va_arg(ap, int));
            break;
        case 'd':
            put32(va_arg(ap, uint32_t));
            break;
        case 'q':
            put64(va_arg(ap, uint64_t));
            break;
        case 's':
            puts9(va_arg(ap, const char *));
            break;
        case 'B':
            n = va_arg(ap, uint32_t);
            put(va_arg(ap, const void *), n);
            break;
        default:
            die("format letter %c", *fmt);
        }
    }
    va_end(ap);
    return call(fe, ring);
}

const uint8_t *p9_body(uint32_t *len)
{
    *len = rx.len - 7;
    return rx.b + 7;
}
