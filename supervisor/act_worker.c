/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_worker.c - what comes of a device's worker: what it reports, and how it ends.
 *
 * A worker's words are numbers that its guest may have chosen (child.c has checked type, size,
 * phase and count). Whatever went wrong, an administrator is told what to do about it.
 */
#include "act_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen9p/device_audit.h"
#include "xen9p/devices.h"
#include "xen9p/frontend.h"
#include "xen9p/supervisor.h"
#include "xen9p/turns.h"

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
    turns_end(d);
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
    turns_end(d);
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

const struct child_owner act_worker_calls = {
    .ready = on_ready,
    .event = on_event,
    .asks_close = on_asks_close,
    .ended = on_ended,
};
