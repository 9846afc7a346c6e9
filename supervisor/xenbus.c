/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenbus.c - watch events of xenstore, and the scan of backend/xen_9pfs.
 *
 * Names below backend/xen_9pfs are the toolstack's; the tokens of events are our own.
 */
#include "xen9p/xenbus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <xenstore.h>

#include "xen9p/devices.h"
#include "xen9p/frontend.h"
#include "xen9p/nodes.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"

#define BACKEND_DIR "backend/xen_9pfs"
#define BACKEND_TOKEN "backend"
#define EVENTS_AT_ONCE 256
#define MAX_DOMID 0x7fefu /* DOMID_FIRST_RESERVED - 1 */

bool xenbus_device_of_path(const char *path, uint32_t *domid, uint32_t *devid)
{
    const char *p = strstr(path, BACKEND_DIR "/");
    const char *end;
    uint64_t dom, dev;

    if (p == NULL)
        return false;
    p += sizeof(BACKEND_DIR);
    end = strchr(p, '/');
    if (end == NULL || nodes_decimal(p, (size_t)(end - p), MAX_DOMID, &dom) != 0)
        return false;
    p = end + 1;
    if (nodes_decimal(p, strcspn(p, "/"), UINT32_MAX, &dev) != 0)
        return false;
    *domid = (uint32_t)dom;
    *devid = (uint32_t)dev;
    return true;
}

/* Numbers among the names of a directory; the others are none of ours. Returns how many. */
static size_t list_numbers(struct xs_handle *xs, const char *dir, uint64_t max, uint32_t **out)
{
    unsigned int num = 0;
    size_t n = 0;
    char **names = xs_directory(xs, XBT_NULL, dir, &num);

    *out = NULL;
    if (names == NULL)
        return 0;
    if (num > 0)
        *out = calloc(num, sizeof(**out));
    for (unsigned int i = 0; *out != NULL && i < num; i++) {
        uint64_t v;

        if (nodes_decimal(names[i], strlen(names[i]), max, &v) == 0)
            (*out)[n++] = (uint32_t)v;
    }
    free(names);
    return n;
}

static void scan_domain(struct supervisor *sv, uint32_t domid)
{
    char dir[64];
    uint32_t *devids;
    size_t n;

    (void)snprintf(dir, sizeof(dir), BACKEND_DIR "/%u", domid);
    n = list_numbers(sv->xs, dir, UINT32_MAX, &devids);
    for (size_t i = 0; i < n; i++)
        devices_check(sv, domid, devids[i]);
    free(devids);
}

/* Everything below backend/xen_9pfs, and every device that we know. */
static void scan(struct supervisor *sv)
{
    uint32_t *domids;
    size_t n = list_numbers(sv->xs, BACKEND_DIR, MAX_DOMID, &domids);

    sv->scan = false;
    for (struct device *d = sv->devices; d != NULL; d = d->next)
        d->changed = true;
    for (size_t i = 0; i < n; i++)
        scan_domain(sv, domids[i]);
    free(domids);
}

static void take_event(struct supervisor *sv, const char *path, const char *token)
{
    uint32_t domid, devid;
    struct device *d;

    if (strcmp(token, BACKEND_TOKEN) == 0) {
        if (!xenbus_device_of_path(path, &domid, &devid))
            sv->scan = true;
        else if ((d = devices_find(sv, domid, devid)) != NULL)
            d->changed = true;
        else
            devices_check(sv, domid, devid);
        return;
    }
    if (sscanf(token, "f%u/%u", &domid, &devid) == 2) {
        d = devices_find(sv, domid, devid);
        if (d != NULL)
            frontend_event(d);
    }
}

/* What the events have changed, each device once however many they were. */
static void catch_up(struct supervisor *sv)
{
    if (sv->scan)
        scan(sv);
    for (struct device *d = sv->devices; d != NULL; d = d->next) {
        if (d->changed)
            devices_check(sv, d->domid, d->devid);
        if (d->state != DEVICE_GONE)
            frontend_catch_up(d);
    }
}

static void lost(struct supervisor *sv)
{
    xenbus_stop(sv);
    sv->store_lost(sv);
}

static void xenstore_ready(struct loop_source *s, uint32_t events)
{
    struct supervisor *sv = s->owner;
    char **event;

    for (int i = 0; i < EVENTS_AT_ONCE && (event = xs_check_watch(sv->xs)) != NULL; i++) {
        if (!sv->stopping)
            take_event(sv, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
        free(event);
    }
    if (!sv->stopping)
        catch_up(sv);
    if ((events & (EPOLLHUP | EPOLLERR)) != 0)
        lost(sv);
}

/*
 * libxenstore 4.17 tells nobody when xenstored has closed the connection; the next question finds
 * out. Any answer will do.
 */
static void ask(struct loop_timer *t)
{
    struct supervisor *sv = t->owner;
    char domid[16];

    if (store_read(sv->xs, "domid", domid, sizeof(domid)) == -EIO)
        lost(sv);
    else
        loop_timer_set(sv->loop, t, LIMIT_STORE_ASK_MS);
}

int xenbus_start(struct supervisor *sv, void (*lost_hook)(struct supervisor *sv))
{
    if (!xs_watch(sv->xs, BACKEND_DIR, BACKEND_TOKEN))
        return errno != 0 ? -errno : -EIO;
    sv->store_lost = lost_hook;
    sv->store_ask = (struct loop_timer){.fire = ask, .owner = sv};
    loop_timer_set(sv->loop, &sv->store_ask, LIMIT_STORE_ASK_MS);
    sv->store = (struct loop_source){.fd = xs_fileno(sv->xs), .ready = xenstore_ready, .owner = sv};
    return loop_add(sv->loop, &sv->store);
}

void xenbus_stop(struct supervisor *sv)
{
    loop_timer_cancel(sv->loop, &sv->store_ask);
    loop_remove(sv->loop, &sv->store);
}
