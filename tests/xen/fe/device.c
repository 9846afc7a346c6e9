/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device.c - xenstore nodes, grants and event channels of the test frontend. */
#include "fe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u

void die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "fe: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void fe_init(struct fe *fe, unsigned dev)
{
    memset(fe, 0, sizeof(*fe));
    fe->dev = dev;
    fe->rings = 2;
    fe->order = FE_ORDER;
    fe->intf_order = -1;
    fe->xs = xs_open(0);
    fe->shr = xengntshr_open(NULL, 0);
    fe->ev = xenevtchn_open(NULL, 0);
    if (!fe->xs || !fe->shr || !fe->ev)
        die("no xenstore, gntalloc or evtchn device");
    snprintf(fe->fpath, sizeof(fe->fpath), "/local/domain/0/device/9pfs/%u", dev);
    snprintf(fe->bpath, sizeof(fe->bpath), "/local/domain/0/backend/xen_9pfs/0/%u", dev);
}

static bool put(struct fe *fe, xs_transaction_t t, const char *dir, const char *node,
                const char *value)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", dir, node);
    return xs_write(fe->xs, t, path, value, (unsigned)strlen(value));
}

void fe_write(struct fe *fe, const char *node, const char *value)
{
    if (!put(fe, XBT_NULL, fe->fpath, node, value))
        die("cannot write %s", node);
}

char *be_read(struct fe *fe, const char *node)
{
    char path[160];
    unsigned len;

    snprintf(path, sizeof(path), "%s/%s", fe->bpath, node);
    return xs_read(fe->xs, XBT_NULL, path, &len);
}

int be_state(struct fe *fe)
{
    char *s = be_read(fe, "state");
    int state = s ? atoi(s) : 0;

    free(s);
    return state;
}

bool be_wait(struct fe *fe, int state, double seconds)
{
    double end = now() + seconds;

    while (be_state(fe) != state) {
        if (now() > end)
            return false;
        usleep(20000);
    }
    return true;
}

void toolstack_add(struct fe *fe, const char *path)
{
    static const char *const limits[] = {"max-space", "max-files", "max-open-files", "auto-delete",
                                         "frontend-id"};
    xs_transaction_t t;

    do {
        t = xs_transaction_start(fe->xs);
        put(fe, t, fe->bpath, "frontend", fe->fpath);
        put(fe, t, fe->bpath, "online", "1");
        put(fe, t, fe->bpath, "path", path);
        put(fe, t, fe->bpath, "security_model", "none");
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
            put(fe, t, fe->bpath, limits[i], "0");
        put(fe, t, fe->bpath, "state", "1");
        put(fe, t, fe->fpath, "backend", fe->bpath);
        put(fe, t, fe->fpath, "backend-id", "0");
        put(fe, t, fe->fpath, "tag", "share");
        put(fe, t, fe->fpath, "state", "1");
    } while (!xs_transaction_end(fe->xs, t, false));
}

void toolstack_unplug(struct fe *fe)
{
    xs_transaction_t t;

    do {
        t = xs_transaction_start(fe->xs);
        put(fe, t, fe->bpath, "online", "0");
        put(fe, t, fe->bpath, "state", "5");
    } while (!xs_transaction_end(fe->xs, t, false));
}

void toolstack_remove(struct fe *fe)
{
    xs_rm(fe->xs, XBT_NULL, fe->fpath);
    xs_rm(fe->xs, XBT_NULL, fe->bpath);
}

static void share_ring(struct fe *fe, struct fe_ring *r)
{
    uint32_t pages = 1u << fe->order;
    uint32_t *refs;
    int port;

    r->intf = xengntshr_share_pages(fe->shr, 0, 1, &r->intf_ref, 1);
    if (!r->intf)
        die("cannot grant an interface page");
    memset(r->intf, 0, PAGE);
    refs = (uint32_t *)(void *)(r->intf + 132);
    r->data = xengntshr_share_pages(fe->shr, 0, (int)pages, refs, 1);
    if (!r->data)
        die("cannot grant %u data pages (gntalloc's limit?)", pages);
    *(uint32_t *)(void *)(r->intf + 128) =
        fe->intf_order >= 0 ? (uint32_t)fe->intf_order : fe->order;
    for (uint32_t i = 0; fe->bad_grants && i < pages; i++)
        refs[i] = 0x00ffff00u + i;
    port = xenevtchn_bind_unbound_port(fe->ev, 0);
    if (port < 0)
        die("cannot bind an unbound port");
    r->port = (evtchn_port_t)port;
}

void fe_share(struct fe *fe)
{
    for (unsigned i = 0; i < fe->rings; i++)
        share_ring(fe, &fe->ring[i]);
}

void fe_publish(struct fe *fe)
{
    char node[32], value[32];

    fe_write(fe, "version", "1");
    snprintf(value, sizeof(value), "%u", fe->rings);
    fe_write(fe, "num-rings", fe->num_rings ? fe->num_rings : value);
    for (unsigned i = 0; i < fe->rings; i++) {
        snprintf(node, sizeof(node), "ring-ref%u", i);
        snprintf(value, sizeof(value), "%u", fe->bad_intf ? 0x00fffff0u : fe->ring[i].intf_ref);
        if (!fe->no_refs)
            fe_write(fe, node, value);
        snprintf(node, sizeof(node), "event-channel-%u", i);
        snprintf(value, sizeof(value), "%u", fe->ring[fe->one_channel ? 0 : i].port);
        fe_write(fe, node, value);
    }
    fe_write(fe, "state", "3");
}

void fe_unshare(struct fe *fe)
{
    for (unsigned i = 0; i < fe->rings; i++) {
        struct fe_ring *r = &fe->ring[i];

        if (!r->intf)
            continue;
        xenevtchn_unbind(fe->ev, r->port);
        xengntshr_unshare(fe->shr, r->data, 1u << fe->order);
        xengntshr_unshare(fe->shr, r->intf, 1);
        memset(r, 0, sizeof(*r));
    }
}
