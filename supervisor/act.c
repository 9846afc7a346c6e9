/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act.c - what a device's table asks for: publishing nodes, starting and ending workers.
 *
 * The frontend's nodes are guest input (nodes.c judges them), a worker's words are numbers that
 * its guest may have chosen (child.c has checked type, size, phase and count).
 */
#include "xen9p/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#include "xen9p/admit.h"
#include "xen9p/claim.h"
#include "xen9p/device_audit.h"
#include "xen9p/devices.h"
#include "xen9p/frontend.h"
#include "xen9p/journal.h"
#include "xen9p/quota_store.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"

/* --- xenstore ---------------------------------------------------------------------------------- */

/* Writes nodes of the backend directory, unless it is gone. The last one is `state`. */
static void publish(struct device *d, struct store_write *writes, size_t num, unsigned state)
{
    char text[4];
    int err;

    (void)snprintf(text, sizeof(text), "%u", state);
    writes[num - 1] = (struct store_write){"state", text};
    err = store_update(d->sv->xs, d->dir, "frontend-id", writes, num);
    writes[num - 1] = (struct store_write){NULL, NULL}; /* `text` ends here */
    if (err == -ENOENT) {
        devices_feed(d, DEVICE_VANISHED);
        return;
    }
    if (err != 0)
        devices_say(d, LOG_LEVEL_ERROR, "state %u cannot be written: %s", state, strerror(-err));
    d->written = state;
}

static void publish_offer(struct device *d)
{
    char rings[12], order[12];
    struct store_write writes[] = {
        {"versions", "1"}, {"max-rings", rings}, {"max-ring-page-order", order},
        {"error", NULL},   {NULL, NULL},
    };

    (void)snprintf(rings, sizeof(rings), "%u", d->offered_rings);
    (void)snprintf(order, sizeof(order), "%u", d->offered_order);
    d->error[0] = '\0';
    publish(d, writes, sizeof(writes) / sizeof(writes[0]), XenbusStateInitWait);
}

/* What the policy offers, less when the host's grants run low. False when there is none. */
static bool make_offer(struct device *d)
{
    uint32_t most = d->terms.max_ring_order;
    uint32_t rings =
        d->terms.max_rings < LIMIT_WAITING_RINGS ? d->terms.max_rings : LIMIT_WAITING_RINGS;
    const struct budget *host = &d->sv->host;
    struct budget used;

    budget_used(d->sv, d, &used);
    d->offered_rings = d->terms.max_rings;
    d->offered_order = budget_order(host, &used, rings, most);
    if (d->offered_order == 0) {
        (void)snprintf(
            d->error, sizeof(d->error),
            "host budget: %llu of %llu grant mappings for 9pfs (host-grants) are promised; "
            "lower max-rings or max-ring-order in policies",
            (unsigned long long)used.grants, (unsigned long long)host->grants);
        devices_say(d, LOG_LEVEL_ERROR, "refused: %s", d->error);
        return false;
    }
    d->share.grants = budget_grants(rings, d->offered_order);
    if (d->offered_order < most)
        devices_say(d, LOG_LEVEL_WARNING,
                    "host budget: max-ring-page-order lowered from %u to %u, %llu of %llu grant "
                    "mappings for 9pfs are promised",
                    most, d->offered_order, (unsigned long long)used.grants,
                    (unsigned long long)host->grants);
    return true;
}

/* With `error` as it is: no stale one stays beside a state that contradicts it. */
static void publish_state(struct device *d, unsigned state)
{
    struct store_write writes[] = {{"error", d->error[0] != '\0' ? d->error : NULL}, {NULL, NULL}};

    publish(d, writes, 2, state);
}

/* --- faults ------------------------------------------------------------------------------------ */

void act_refuse(struct device *d, const struct nodes_fault *fault)
{
    (void)snprintf(d->error, sizeof(d->error), "%s %s: %s", fault->node, fault->value, fault->why);
    d->failures++;
    devices_say(d, LOG_LEVEL_WARNING, "refused: node %s", d->error);
    device_audit_refused(d);
}

/* Identity mapped on an export that belongs to somebody else: the command that gives it away. */
static const char *remedy_chown(const struct device *d, char *buf, size_t cap)
{
    uint32_t first = d->terms.worker.id_first;

    (void)snprintf(buf, cap,
                   "it has to belong to one of the ids %u to %u, which are this domain's; for one "
                   "that is empty or all root's: chown -hR %u:%u '%s'",
                   first, first + d->terms.worker.id_count - 1, first, first, d->nodes.path);
    return buf;
}

/* What an administrator can do about a step that failed; NULL when the step's name says it all. */
static const char *remedy(const struct device *d, const struct ctl_failed *f, char *buf, size_t cap)
{
    switch (f->step) {
    case CTL_STEP_ID_RANGE:
        return remedy_chown(d, buf, cap);
    case CTL_STEP_PATH:
        return f->error == EROFS || f->error == EACCES
                   ? "create the directory by hand, or export one that exists"
                   : "is every part of the path a directory, and its file system answering?";
    case CTL_STEP_TREE:
        return "is it a directory, and does no part of the path before it point elsewhere?";
    case CTL_STEP_ROOT_OWNED:
        return "it belongs to root on a file system without id-mapped mounts: chown it to an "
               "unprivileged user, or move it to ext4, xfs or btrfs";
    case CTL_STEP_NO_IDMAP:
        return "identity mapped needs a file system with id-mapped mounts (ext4, xfs, btrfs): move "
               "the export there, or choose identity squash or xattr";
    case CTL_STEP_USERNS:
    case CTL_STEP_NAMESPACES:
        return "does the kernel allow user namespaces (user.max_user_namespaces), and has xen9pd "
               "the capabilities it asks for?";
    case CTL_STEP_THREADS:
        return f->error == EOPNOTSUPP
                   ? "identity xattr and device-nodes = note need a file system with extended attributes of users"
                   : NULL;
    case CTL_STEP_EXEC:
        return "is xen9p-worker installed and executable?";
    case CTL_STEP_MAP_RINGS:
        return f->error == EAGAIN || f->error == ENOMEM
                   ? "dom0 is short of grant mappings or memory (gnttab_max_maptrack_frames)"
                   : "the guest has given references that cannot be mapped";
    default:
        return NULL;
    }
}

/* The line about a worker that did not become ready; `why` is child.c's. */
static void start_failed(struct device *d, const struct child *c, const char *why)
{
    struct ctl_failed f;
    const char *help = NULL;
    char buf[LIMIT_EXPORT_PATH + 200];

    if (child_failure(c, &f))
        help = remedy(d, &f, buf, sizeof(buf));
    else if (child_timed_out(c))
        help = "does its file system answer (a dead NFS or FUSE server does not)?";
    (void)snprintf(d->error, sizeof(d->error), "worker for %.100s %s", d->nodes.path, why);
    devices_say(d, LOG_LEVEL_ERROR, "worker %d for %s %s%s%s", (int)child_pid(c), d->nodes.path,
                why, help != NULL ? "; " : "", help != NULL ? help : "");
}

/* --- worker ------------------------------------------------------------------------------------ */

static void quarantine(struct device *d, const struct child *c, const char *why, const char *reason)
{
    (void)snprintf(d->error, sizeof(d->error), "quarantine: %s", reason);
    devices_say(
        d, LOG_LEVEL_ERROR,
        "worker %d %s; %s: device closed (quarantine). "
        "Requests of the guest hang from now on. Find the cause in the lines above and in the kernel "
        "log, then detach and attach the device, restart the domain, or restart xen9pd",
        (int)child_pid(c), why, reason);
    device_audit_quarantined(d);
    devices_feed(d, DEVICE_DIED_OFTEN);
}

/* A worker that served has died: successor, or quarantine. */
static void died(struct device *d, const struct child *c, const char *why)
{
    const struct succession_rules *rules = &d->terms.restart;
    uint64_t now = loop_now();
    bool too_often = succession_died(&d->succession, rules, now);
    char reason[96];

    if (child_violation(c) && d->terms.quarantine) {
        quarantine(d, c, why, "its policy gives a violation no successor");
    } else if (too_often) {
        (void)snprintf(reason, sizeof(reason), "more than %u deaths within %u s", rules->limit,
                       rules->window_ms / 1000);
        quarantine(d, c, why, reason);
    } else {
        devices_say(
            d, LOG_LEVEL_ERROR,
            "worker %d %s; its successor takes over (death %u of %u within %u s): the guest "
            "sees errors on open files and can unmount and mount again",
            (int)child_pid(c), why, succession_recent(&d->succession, rules, now), rules->limit,
            rules->window_ms / 1000);
        devices_feed(d, DEVICE_DIED);
    }
}

static void ended_while_starting(struct device *d, const struct child *c, const char *why)
{
    d->failures++;
    start_failed(d, c, why);
    devices_feed(d, DEVICE_FAILED);
    frontend_slow_down(d);
}

/* The cgroup goes with its worker (later, when that was given up); what it tells about the end is added to `text`. */
static void leave_cgroup(struct device *d, char *text, size_t cap)
{
    size_t len = strlen(text);

    if (d->cgroup[0] == '\0')
        return;
    if (cgroup_was_full(d->sv->cgroups, d->cgroup))
        (void)snprintf(text + len, cap - len, " (it had reached memory-max of its policy)");
    cgroup_remove(d->sv->cgroups, d->cgroup);
    d->cgroup[0] = '\0';
}

static void on_ended(void *owner, const struct child *c, bool given_up, const char *end)
{
    struct device *d = owner;
    char why[256];

    (void)snprintf(why, sizeof(why), "%s", end);
    leave_cgroup(d, why, sizeof(why));
    device_audit_ended(d, c, why);
    d->child = NULL;
    d->threads = 0;
    if (given_up)
        devices_say(d, LOG_LEVEL_ERROR,
                    "worker %d (%s) %s; it keeps its grants until its file system answers",
                    (int)child_pid(c), d->nodes.path, why);
    if (d->sv->stopping || device_is_ending(d->state)) {
        devices_say(d, LOG_LEVEL_NOTICE, "worker %d %s", (int)child_pid(c), why);
        devices_feed(d, DEVICE_ENDED);
    } else if (d->state == DEVICE_STARTING) {
        ended_while_starting(d, c, why);
    } else if (given_up && d->state == DEVICE_CONNECTED) {
        /* it may still move bytes of the rings when it wakes up: nobody can succeed it */
        (void)snprintf(d->error, sizeof(d->error), "worker %s", why);
        devices_feed(d, DEVICE_ASKS_CLOSE);
    } else {
        if (d->state == DEVICE_RESUMING)
            start_failed(d, c, why);
        died(d, c, why);
    }
}

static void on_ready(void *owner, const struct ctl_ready *ready)
{
    struct device *d = owner;

    d->threads = ready->threads;
    devices_say(d, LOG_LEVEL_NOTICE, "worker %d serves %s: %u threads, %u fids, filter %s%s",
                (int)child_pid(d->child), d->nodes.path, ready->threads, ready->max_fids, d->filter,
                (ready->flags & CTL_READY_LANDLOCK) != 0 ? "" : ", no Landlock in this kernel");
    if (ready->max_fids < d->share.fids)
        devices_say(d, LOG_LEVEL_NOTICE,
                    "max-fids lowered from %u to %u by RLIMIT_NOFILE; raise LimitNOFILE= for more",
                    (uint32_t)d->share.fids, ready->max_fids);
    device_audit_ready(d, ready);
    devices_feed(d, DEVICE_READY);
}

static void on_event(void *owner, const struct ctl_event *event)
{
    struct device *d = owner;

    if (event->code == CTL_EVENT_SESSION)
        d->msize = (uint32_t)event->b;
    device_audit_event(d, event);
    devices_say(d, LOG_LEVEL_DEBUG, "worker event %u: %llu %llu %llu", event->code,
                (unsigned long long)event->a, (unsigned long long)event->b,
                (unsigned long long)event->c);
}

static void on_asks_close(void *owner, const struct ctl_event *event)
{
    struct device *d = owner;

    (void)snprintf(d->error, sizeof(d->error), "ring %llu: %s (0x%llx)",
                   (unsigned long long)event->b, ctl_close_reason_name((uint32_t)event->a),
                   (unsigned long long)event->c);
    d->failures++;
    devices_say(d, LOG_LEVEL_WARNING,
                "closed, the guest's frontend broke the protocol: %s; it may connect again",
                d->error);
    devices_feed(d, DEVICE_ASKS_CLOSE);
    frontend_slow_down(d);
}

static const struct child_owner worker_calls = {
    .ready = on_ready,
    .event = on_event,
    .asks_close = on_asks_close,
    .ended = on_ended,
};

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
    err = child_start(d->sv->children, spec, &worker_calls, d, &d->child);
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

/*
 * Starts a worker on the device's connection, by the newest policy. Needs a journal. *why: the
 * reason, when it is none that an errno could tell.
 */
static int launch(struct device *d, uint32_t flags, const char **why)
{
    const struct filter_spec need = {.notify = CTL_NOTIFY_EVTCHN,
                                     .read_only = d->terms.read_only,
                                     .forbidden = d->terms.worker.forbidden,
                                     .identity = d->terms.worker.identity,
                                     .device_nodes =
                                         (d->terms.worker.flags & CTL_FLAG_DEVICE_NODES) != 0};
    struct child_spec spec = {.worker_fd = d->sv->worker_fd,
                              .read_only = d->terms.read_only,
                              .fds = {[CTL_CONFIG_FD_NOTIFY] = connection_evtchn_fd(d->connection),
                                      [CTL_CONFIG_FD_JOURNAL] = d->journal_fd}};
    const struct compiled_filter *filter;
    struct policy *in_force;
    int err = 0;

    d->error[0] = '\0';
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

/* --- connecting -------------------------------------------------------------------------------- */

void act_release(struct device *d)
{
    loop_timer_cancel(d->sv->loop, &d->retry);
    loop_timer_cancel(d->sv->loop, &d->tell);
    policy_free(d->in_force);
    d->in_force = NULL;
    d->filter[0] = '\0';
    d->share = (struct budget){.grants = 0};
    connection_free(d->connection);
    d->connection = NULL;
    if (d->journal_fd >= 0)
        close(d->journal_fd);
    d->journal_fd = -1;
    quota_store_unuse(d->quota);
    d->quota = NULL;
    d->adopting = false;
    d->msize = 0;
}

static int get_frontend(void *arg, const char *name, char *buf, size_t cap)
{
    const struct device *d = arg;
    char path[LIMIT_STORE_PATH];

    if (!store_path(path, sizeof(path), "%s/%s", d->nodes.frontend, name))
        return -EINVAL;
    return store_read(d->sv->xs, path, buf, cap);
}

/* What we have published holds: a policy may offer fewer rings than the protocol has. */
static int judge_rings(const struct device *d, const struct frontend_nodes *nodes,
                       struct nodes_fault *fault)
{
    if (nodes->num_rings <= d->offered_rings)
        return 0;
    *fault = (struct nodes_fault){.node = "num-rings", .why = "must be at most max-rings"};
    (void)snprintf(fault->value, sizeof(fault->value), "%u", nodes->num_rings);
    return -EINVAL;
}

/* The frontend's nodes and interface pages, read once, into d->connection; and a fresh journal. */
static int connect_rings(struct device *d)
{
    struct frontend_nodes nodes;
    struct nodes_fault fault;
    int err = nodes_frontend(get_frontend, d, &nodes, &fault);

    act_release(d);
    if (err == 0)
        err = judge_rings(d, &nodes, &fault);
    else if (err != -EINVAL)
        fault = (struct nodes_fault){"(frontend)", "", "its nodes cannot be read"};
    if (err == 0)
        err = connection_open(d->domid, &nodes, d->offered_order, &d->connection, &fault);
    if (err != 0) {
        act_refuse(d, &fault);
        frontend_slow_down(d);
        return err;
    }
    d->share.grants = connection_grants(d->connection);
    d->journal_fd = journal_create();
    return d->journal_fd < 0 ? d->journal_fd : 0;
}

/* `why` may be NULL. What admit_identity() had to say was said. */
static void cannot_start(struct device *d, int err, const char *why)
{
    d->failures++;
    if (d->error[0] == '\0') {
        (void)snprintf(d->error, sizeof(d->error), "worker cannot be started: %s",
                       why != NULL ? why : strerror(-err));
        devices_say(d, LOG_LEVEL_ERROR, "%s", d->error);
    }
    frontend_slow_down(d);
}

/* A reload may have left the device without a policy; the one of now has the last word. */
static bool admitted(struct device *d)
{
    return d->policy != NULL || admit_device(d);
}

/* With audit-full = block nobody is served whose records nobody takes. `again` is called later. */
static bool wait_for_audit(struct device *d, void (*again)(struct loop_timer *t))
{
    if (!device_audit_missing(d))
        return false;
    if (!d->waits_for_audit)
        devices_say(d, LOG_LEVEL_ERROR,
                    "not served until xen9p-audit answers, since audit-full is block; start "
                    "xen9p-audit, or let the policy say audit-full = drop");
    d->waits_for_audit = true;
    d->retry = (struct loop_timer){.fire = again, .owner = d};
    loop_timer_set(d->sv->loop, &d->retry, LIMIT_AUDIT_CONNECT_MS);
    return true;
}

static void start(struct device *d);

static void start_due(struct loop_timer *t)
{
    start(t->owner);
}

static void start(struct device *d)
{
    int err = admitted(d) ? 0 : -EACCES;
    const char *why;

    if (err == 0 && wait_for_audit(d, start_due))
        return;
    d->waits_for_audit = false;
    if (err == 0)
        err = connect_rings(d);
    if (err == 0) {
        err = launch(d, 0, &why);
        if (err != 0)
            cannot_start(d, err, why);
    }
    if (err != 0)
        devices_feed(d, DEVICE_FAILED);
}

/* A successor on the kept rings, or the adoption of what a dead supervisor has left. */
static void resume(struct device *d)
{
    bool adopt = d->adopting;
    int err = admitted(d) ? 0 : -EACCES;
    const char *why;

    if (err == 0 && adopt)
        err = connect_rings(d);
    if (err != 0) {
        devices_feed(d, DEVICE_FAILED);
        return;
    }
    d->adopting = adopt;
    err = launch(d, adopt ? CTL_FLAG_ADOPT : CTL_FLAG_SUCCESSOR, &why);
    if (err == 0)
        return;
    cannot_start(d, err, why);
    devices_feed(d, succession_died(&d->succession, &d->terms.restart, loop_now())
                        ? DEVICE_DIED_OFTEN
                        : DEVICE_DIED);
}

/* Two workers on one ring would tear it: the dead supervisor's own has to end first. */
static bool wait_for_orphans(struct device *d)
{
    if (!d->adopting || !claim_orphans_run(false))
        return false;
    if (d->orphan_deadline_ms == 0) {
        d->orphan_deadline_ms = loop_now() + LIMIT_DRAIN_MS;
        devices_say(d, LOG_LEVEL_NOTICE, "waits until workers of an earlier xen9pd have drained");
    } else if (loop_now() > d->orphan_deadline_ms) {
        (void)claim_orphans_run(true);
    }
    loop_timer_set(d->sv->loop, &d->retry, LIMIT_ORPHAN_MS);
    return true;
}

static void retry_due(struct loop_timer *t)
{
    struct device *d = t->owner;

    if (wait_for_orphans(d) || wait_for_audit(d, retry_due))
        return;
    d->waits_for_audit = false;
    devices_feed(d, DEVICE_RETRY);
}

static void schedule(struct device *d)
{
    if (d->connection == NULL && !d->adopting) {
        d->adopting = true;
        devices_say(d, LOG_LEVEL_NOTICE, "was connected by an earlier xen9pd; adopting its rings");
    }
    d->retry = (struct loop_timer){.fire = retry_due, .owner = d};
    loop_timer_set(d->sv->loop, &d->retry,
                   succession_delay(&d->succession, &d->terms.restart, loop_now()));
}

static void connected(struct device *d)
{
    uint64_t now = loop_now();

    if (now - d->connected_ms > LIMIT_STABLE_MS)
        d->failures = 0;
    d->connected_ms = now;
    d->adopting = false;
    d->error[0] = '\0';
}

/* --- the table's actions ----------------------------------------------------------------------- */

static void close_with(struct device *d, unsigned state)
{
    act_release(d);
    publish_state(d, state);
}

static void stop(struct device *d)
{
    if (d->child != NULL)
        child_stop(d->child);
    else
        devices_feed(d, DEVICE_ENDED);
}

void act(struct device *d, enum device_action action)
{
    switch (action) {
    case DEVICE_NOTHING:
        break;
    case DEVICE_PUBLISH:
        act_release(d);
        if (admitted(d) && make_offer(d))
            publish_offer(d);
        else
            devices_feed(d, DEVICE_REFUSE);
        break;
    case DEVICE_START:
        start(d);
        break;
    case DEVICE_CONNECT:
        connected(d);
        publish_state(d, XenbusStateConnected);
        break;
    case DEVICE_STOP:
        stop(d);
        break;
    case DEVICE_SAY_CLOSING:
        close_with(d, XenbusStateClosing);
        break;
    case DEVICE_SAY_CLOSED:
        close_with(d, XenbusStateClosed);
        break;
    case DEVICE_SCHEDULE:
        schedule(d);
        break;
    case DEVICE_RESUME:
        resume(d);
        break;
    case DEVICE_RESUMED:
        connected(d);
        break;
    case DEVICE_FORGET:
        frontend_unfollow(d);
        act_release(d);
        break;
    }
}
