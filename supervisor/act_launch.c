/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_launch.c - a device's worker by the newest policy: its share of the host, its cgroup, counts, filter and
 * rings; and new limits while it runs.
 */
#include "act_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/act.h"
#include "xen9p/admit.h"
#include "xen9p/device_audit.h"
#include "xen9p/devices.h"
#include "xen9p/quota_store.h"
#include "xen9p/supervisor.h"
#include "xen9p/turns.h"

static void configure(const struct device *d, struct ctl_config *c, uint32_t flags)
{
    *c = d->terms.worker;
    c->flags |= flags;
    c->ring_kind = CTL_RING_GNTDEV;
    c->notify_kind = CTL_NOTIFY_EVTCHN;
    c->num_rings = connection_rings(d->connection);
    c->max_fids = (uint32_t)d->share.fids;
    c->threads = (uint32_t)d->share.threads - 1; /* the first one executes none */
}

/* The worker's part of the host's budgets. NULL, or why there is none. */
static const char *take_share(struct device *d)
{
    const struct ctl_config *c = &d->terms.worker;
    const char *why = budget_take(d, c->max_fids, c->threads, d->terms.log_bytes);

    if (why == NULL && (d->share.fids < c->max_fids || d->share.threads < c->threads + 1))
        devices_say(d, LOG_LEVEL_WARNING,
                    "host budget runs low: %llu of %u fids, %llu of %u threads",
                    (unsigned long long)d->share.fids, c->max_fids,
                    (unsigned long long)d->share.threads - 1, c->threads);
    return why;
}

/*
 * A cgroup for a new worker: its descriptor, 0 for none, or a negative errno with the reason in
 * *why.
 */
static int make_cgroup(struct device *d, const char **why)
{
    struct supervisor *sv = d->sv;
    const char *what;
    int fd;

    if (sv->cgroups == NULL)
        return 0;
    (void)snprintf(d->cgroup, sizeof(d->cgroup), "worker-%u-%u-%u", d->domid, d->devid,
                   ++sv->cgroup_serial);
    fd = cgroup_make(sv->cgroups, d->cgroup, &d->terms.cgroup, &what);
    if (fd >= 0)
        return fd;
    d->cgroup[0] = '\0';
    devices_say(d, d->terms.cgroup_required ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
                "no cgroup for its worker: %s: %s; is Delegate= of the unit complete?", what,
                strerror(-fd));
    *why = "its cgroup cannot be made, and cgroup = required";
    return d->terms.cgroup_required ? fd : 0;
}

/* Sends all of it to a new worker. `spec` lacks its path, its configuration and the rings. */
static int launch_with(struct device *d, struct child_spec *spec, uint32_t flags, const char **why)
{
    struct ctl_config config;
    int ringmem, err;

    configure(d, &config, flags);
    err = admit_identity(d, &config);
    if (err != 0)
        return err;
    spec->cgroup_fd = make_cgroup(d, why);
    if (spec->cgroup_fd < 0)
        return spec->cgroup_fd;
    *why = NULL;
    ringmem = connection_map(d->connection, config.ring);
    if (ringmem < 0) {
        err = ringmem;
        goto out;
    }
    spec->audit_fd = device_audit_open(d, &config);
    if (spec->audit_fd < 0) {
        err = spec->audit_fd;
        close(ringmem);
        goto out;
    }
    spec->path = d->nodes.path;
    spec->share = d->share;
    spec->config = &config;
    spec->fds[CTL_CONFIG_FD_RINGMEM] = ringmem;
    err = child_start(d->sv->children, spec, &act_worker_calls, d, &d->child);
    close(ringmem); /* the worker's alone from here on */
    close(spec->audit_fd);
    device_audit_started(d, err == 0 ? d->child : NULL);
out:
    if (spec->cgroup_fd > 0)
        close(spec->cgroup_fd);
    if (err != 0 && d->cgroup[0] != '\0') {
        cgroup_remove(d->sv->cgroups, d->cgroup);
        d->cgroup[0] = '\0';
    }
    return err;
}

void act_reweigh(struct device *d)
{
    const char *what;
    int err = 0;

    if (d->cgroup[0] != '\0')
        err = cgroup_reweigh(d->sv->cgroups, d->cgroup, &d->terms.cgroup, &what);
    if (err != 0)
        devices_say(d, LOG_LEVEL_WARNING, "%s cannot be changed: %s", what, strerror(-err));
}

/* The counts of its export, for as long as the device is connected. */
static int use_counts(struct device *d, const char **why)
{
    const struct ctl_limits *l = &d->terms.worker.limits;
    const struct quota_claim claim = {.path = d->nodes.path,
                                      .domid = d->domid,
                                      .counted = l->max_space != 0 || l->max_files != 0,
                                      .writes = !d->terms.read_only};
    const char *other = NULL;
    int err = quota_store_use(d->sv->quotas, &claim, &d->quota, &other);

    if (err != -EBUSY)
        return err;
    *why = "its export overlaps with another device's, and is counted";
    devices_say(d, LOG_LEVEL_ERROR,
                "%s overlaps with %s, which another device writes to, and max-space or "
                "max-files counts what is in one of them: neither count would be right. Export "
                "separate directories, or limit both by project quotas of the file system",
                d->nodes.path, other);
    return err;
}

int act_launch(struct device *d, uint32_t flags, const char **why)
{
    const struct filter_spec need = {.notify = CTL_NOTIFY_EVTCHN,
                                     .read_only = d->terms.read_only,
                                     .forbidden = d->terms.worker.forbidden,
                                     .identity = d->terms.worker.identity,
                                     .device_nodes =
                                         (d->terms.worker.flags & CTL_FLAG_DEVICE_NODES) != 0};
    struct child_spec spec = {
        .worker_fd = d->sv->worker_fd,
        .read_only = d->terms.read_only,
        .fds = {[CTL_CONFIG_FD_NOTIFY] = connection_evtchn_fd(d->connection, 0),
                [CTL_CONFIG_FD_JOURNAL] = d->journal_fd}};
    const struct compiled_filter *filter;
    struct policy *in_force;
    int err = 0;

    for (uint32_t i = 1; i < connection_rings(d->connection); i++)
        spec.fds[CTL_CONFIG_FD_NEXT + i - 1] = connection_evtchn_fd(d->connection, i);
    d->error[0] = '\0';
    turns_begin(d);
    *why = take_share(d);
    if (*why != NULL)
        return -ENOSPC;
    filter = filter_cache_get(&d->sv->filters, &need, &err);
    if (filter == NULL)
        return err;
    in_force = policy_copy(d->policy);
    if (in_force == NULL)
        return -ENOMEM;
    spec.fds[CTL_CONFIG_FD_FILTER] = filter->fd;
    err = use_counts(d, why);
    if (err == 0) {
        spec.fds[CTL_CONFIG_FD_QUOTA] = quota_use_fd(d->quota);
        err = launch_with(d, &spec, flags, why);
    }
    if (err != 0) {
        policy_free(in_force);
        return err;
    }
    policy_free(d->in_force);
    d->in_force = in_force;
    memcpy(d->filter, filter->hash, sizeof(d->filter));
    devices_say(d, LOG_LEVEL_DEBUG, "worker %d starts", (int)child_pid(d->child));
    return 0;
}

static void tell_due(struct loop_timer *t)
{
    act_limits(t->owner);
}

void act_limits(struct device *d)
{
    struct ctl_limits limits = d->terms.worker.limits;
    const char *why;
    int err = 0;

    device_audit_limits(d);
    if (d->child != NULL && use_counts(d, &why) != 0)
        limits.max_space = limits.max_files = 0; /* it goes on uncounted, as the log says */
    if (d->child != NULL)
        err = child_limits(d->child, &limits);
    loop_timer_cancel(d->sv->loop, &d->tell);
    if (err != -EAGAIN)
        return;
    d->tell = (struct loop_timer){.fire = tell_due, .owner = d};
    loop_timer_set(d->sv->loop, &d->tell, LIMIT_TELL_MS);
}
