/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nodes.c - xenstore nodes of the test frontend, and of its toolstack. */
#include "fe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

void fe_init(struct fe *fe, struct xs_handle *xs, unsigned dev)
{
    if (xs == NULL)
        die("no xenstore");
    memset(fe, 0, sizeof(*fe));
    fe->xs = xs;
    fe->dev = dev;
    fe->rings = 2;
    fe->order = FE_ORDER;
    fe->intf_order = -1;
    snprintf(fe->fpath, sizeof(fe->fpath), "/local/domain/0/device/9pfs/%u", dev);
    snprintf(fe->bpath, sizeof(fe->bpath), "/local/domain/0/backend/xen_9pfs/0/%u", dev);
}

static void put(struct fe *fe, xs_transaction_t t, const char *dir, const char *node,
                const char *value)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", dir, node);
    if (!xs_write(fe->xs, t, path, value, (unsigned)strlen(value)))
        die("cannot write %s", path);
}

void fe_write(struct fe *fe, const char *node, const char *value)
{
    put(fe, XBT_NULL, fe->fpath, node, value);
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

static void put_rings(struct fe *fe, xs_transaction_t t)
{
    char node[32], value[32];

    put(fe, t, fe->fpath, "version", "1");
    snprintf(value, sizeof(value), "%u", fe->rings);
    put(fe, t, fe->fpath, "num-rings", fe->num_rings ? fe->num_rings : value);
    for (unsigned i = 0; i < fe->rings; i++) {
        snprintf(node, sizeof(node), "ring-ref%u", i);
        snprintf(value, sizeof(value), "%u", fe->bad_intf ? 0x00fffff0u : fe->ring[i].intf_ref);
        if (!fe->no_refs)
            put(fe, t, fe->fpath, node, value);
        snprintf(node, sizeof(node), "event-channel-%u", i);
        snprintf(value, sizeof(value), "%u", fe->ring[fe->one_channel ? 0 : i].port);
        put(fe, t, fe->fpath, node, value);
    }
}

/* As Linux does it: the rings in one transaction, then the state. */
void fe_publish(struct fe *fe)
{
    xs_transaction_t t;

    do {
        t = xs_transaction_start(fe->xs);
        put_rings(fe, t);
    } while (!xs_transaction_end(fe->xs, t, false));
    fe_write(fe, "state", "3");
}
