/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devices.c - the list of devices, and how events reach their tables.
 */
#include "xen9p/devices.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xenbus.h>

#include "xen9p/act.h"
#include "xen9p/admit.h"
#include "xen9p/frontend.h"
#include "xen9p/quota_store.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"

#define LINE_MAX_BYTES 900

void devices_say(const struct device *d, enum log_level level, const char *fmt, ...)
{
    enum log_level most = log_highest();
    char text[LINE_MAX_BYTES];
    va_list ap;

    /* the domain's own level holds, unless xen9pd was told to say everything */
    if (most != LOG_LEVEL_DEBUG && d->policy != NULL)
        most = d->terms.log_level;
    if (level > most)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_always(level, "domain %u%s%s%s device %u: %s", d->domid, d->who.name[0] != '\0' ? " (" : "",
               d->who.name, d->who.name[0] != '\0' ? ")" : "", d->devid, text);
}

struct device *devices_find(struct supervisor *sv, uint32_t domid, uint32_t devid)
{
    struct device *d = sv->devices;

    while (d != NULL && (d->domid != domid || d->devid != devid || d->state == DEVICE_GONE))
        d = d->next;
    return d;
}

static int get_backend(void *arg, const char *name, char *buf, size_t cap)
{
    const struct device *d = arg;
    char path[LIMIT_STORE_PATH];

    if (!store_path(path, sizeof(path), "%s/%s", d->dir, name))
        return -EINVAL;
    return store_read(d->sv->xs, path, buf, cap);
}

static struct device *device_new(struct supervisor *sv, uint32_t domid, uint32_t devid)
{
    struct device *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    d->sv = sv;
    d->domid = domid;
    d->devid = devid;
    d->journal_fd = -1;
    d->offered_rings = LIMIT_MAX_RINGS; /* a predecessor may have published something */
    d->offered_order = LIMIT_RING_PAGE_ORDER;
    (void)snprintf(d->dir, sizeof(d->dir), "backend/xen_9pfs/%u/%u", domid, devid);
    return d;
}

/* True when the node reads "0". */
static bool is_offline(struct device *d)
{
    char online[8];
    int n = get_backend(d, "online", online, sizeof(online));

    return n == 1 && online[0] == '0';
}

/* The backend's `state`: 0 when it is missing or makes no sense. */
static unsigned backend_state(struct device *d)
{
    struct nodes_fault fault;
    unsigned state = XenbusStateUnknown;

    return nodes_state(get_backend, d, &state, &fault) == 0 ? state : XenbusStateUnknown;
}

/* Whether the toolstack's directory is there; an xenstored that does not answer counts as yes. */
static bool is_there(struct device *d)
{
    char id[24];

    return get_backend(d, "frontend-id", id, sizeof(id)) != -ENOENT;
}

/* What the toolstack has done to a device that we know. */
static void check_known(struct device *d)
{
    unsigned state;

    d->changed = false;
    if (!is_there(d)) {
        devices_feed(d, DEVICE_VANISHED);
        return;
    }
    state = backend_state(d);
    if (state == XenbusStateInitialising && d->written != XenbusStateInitialising) {
        devices_say(d, LOG_LEVEL_DEBUG, "made anew by the toolstack");
        devices_feed(d, DEVICE_VANISHED);
        return;
    }
    if (!is_offline(d) && (state != XenbusStateClosing || d->written == XenbusStateClosing))
        return;
    if (d->state != DEVICE_OFFLINE || state != XenbusStateClosed)
        devices_feed(d, DEVICE_TAKEN_AWAY);
}

/* First look at a device: its nodes, and where it stands (a predecessor may have served it). */
static void introduce(struct device *d)
{
    struct nodes_fault fault;
    int err = nodes_backend(get_backend, d, d->domid, d->devid, &d->nodes, &fault);

    d->written = backend_state(d);
    d->state = device_first_state(d->written);
    if (is_offline(d)) {
        devices_feed(d, DEVICE_TAKEN_AWAY);
    } else if (err == -EINVAL) {
        act_refuse(d, &fault);
        devices_feed(d, DEVICE_REFUSE);
    } else if (!admit_device(d)) {
        devices_feed(d, DEVICE_REFUSE);
    } else {
        devices_say(d, LOG_LEVEL_NOTICE, "found, exports %s (%s); policy: %s", d->nodes.path,
                    device_state_name(d->state), policy_origin(d->policy));
        frontend_follow(d);
        devices_feed(d, DEVICE_FOUND);
    }
}

static void check_unknown(struct supervisor *sv, uint32_t domid, uint32_t devid)
{
    struct device *d;
    bool there;

    if (sv->num_devices >= LIMIT_DEVICES) {
        log_error("domain %u device %u: ignored, %d devices are served already", domid, devid,
                  LIMIT_DEVICES);
        return;
    }
    d = device_new(sv, domid, devid);
    if (d == NULL) {
        log_error("domain %u device %u: ignored, out of memory", domid, devid);
        return;
    }
    there = is_there(d);
    if (!there) {
        free(d);
        return;
    }
    d->next = sv->devices;
    sv->devices = d;
    sv->num_devices++;
    introduce(d);
}

void devices_check(struct supervisor *sv, uint32_t domid, uint32_t devid)
{
    struct device *d = devices_find(sv, domid, devid);

    if (sv->stopping)
        return;
    if (d != NULL)
        check_known(d);
    else
        check_unknown(sv, domid, devid);
}

void devices_feed(struct device *d, enum device_event event)
{
    if (d->sv->stopping || d->queued == DEVICE_QUEUE)
        return; /* the queue holds more than one action can cause; see device.c */
    d->queue[d->queued++] = event;
    if (d->feeding)
        return;
    d->feeding = true;
    for (uint32_t i = 0; i < d->queued; i++) {
        enum device_state before = d->state;
        struct device_step step = device_step(before, d->queue[i]);

        d->state = step.next;
        if (before != d->state)
            devices_say(d, LOG_LEVEL_DEBUG, "%s -> %s", device_state_name(before),
                        device_state_name(d->state));
        act(d, step.action);
    }
    d->queued = 0;
    d->feeding = false;
}

static void forget(struct device *d)
{
    struct supervisor *sv = d->sv;
    uint32_t domid = d->domid, devid = d->devid;

    devices_say(d, LOG_LEVEL_NOTICE, "removed");
    sv->num_devices--;
    admit_forget(d);
    free(d);
    devices_check(sv, domid, devid); /* it may have been made anew meanwhile */
}

void devices_tidy(struct supervisor *sv)
{
    for (struct device **at = &sv->devices; *at != NULL;) {
        struct device *d = *at;

        if (d->state != DEVICE_GONE) {
            at = &d->next;
            continue;
        }
        *at = d->next;
        forget(d);
        at = &sv->devices; /* forgetting may have put a new one in front */
    }
}

/* What its export uses of limits that it has. */
static void dump_quota(const struct device *d)
{
    const struct ctl_limits *l = &d->terms.worker.limits;
    uint64_t space, files;

    if (d->quota == NULL || (l->max_space == 0 && l->max_files == 0))
        return;
    quota_use_counts(d->quota, &space, &files);
    devices_say(d, LOG_LEVEL_NOTICE, "quota: %llu of %llu bytes, %llu of %llu files (0: no limit)",
                (unsigned long long)space, (unsigned long long)l->max_space,
                (unsigned long long)files, (unsigned long long)l->max_files);
}

static void dump_device(const struct device *d, uint64_t now)
{
    char hash[POLICY_HASH_SIZE] = "none";

    devices_say(d, LOG_LEVEL_NOTICE,
                "%s, worker %d, uid %u, %u threads, msize %u, %u deaths (%u recent), exports %s",
                device_state_name(d->state), d->child != NULL ? (int)child_pid(d->child) : 0,
                d->child != NULL ? child_uid(d->child) : 0, d->threads, d->msize,
                d->succession.deaths, succession_recent(&d->succession, &d->terms.restart, now),
                d->nodes.path);
    if (d->in_force != NULL)
        policy_hash(d->in_force, hash);
    devices_say(d, LOG_LEVEL_NOTICE, "policy %s, in force %s, filter %s",
                d->policy != NULL ? policy_origin(d->policy) : "refuses it", hash,
                d->filter[0] != '\0' ? d->filter : "none");
    dump_quota(d);
}

static void dump_budget(const struct supervisor *sv)
{
    struct budget used;

    budget_used(sv, NULL, &used);
    log_notice("host budget: %llu of %llu grants, %llu of %llu fids, %llu of %llu threads, "
               "%llu of %llu MiB of audit logs",
               (unsigned long long)used.grants, (unsigned long long)sv->host.grants,
               (unsigned long long)used.fids, (unsigned long long)sv->host.fids,
               (unsigned long long)used.threads, (unsigned long long)sv->host.threads,
               (unsigned long long)used.log_bytes >> 20,
               (unsigned long long)sv->host.log_bytes >> 20);
}

void devices_dump(const struct supervisor *sv)
{
    uint64_t now = loop_now();

    log_notice("status: %u devices, %u worker processes", sv->num_devices,
               children_count(sv->children));
    dump_budget(sv);
    for (const struct device *d = sv->devices; d != NULL; d = d->next)
        dump_device(d, now);
}
