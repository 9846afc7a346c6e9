/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device_audit.c - a device's source of audit records, and its events.
 *
 * Who a record is about is said here, from xenstore's nodes and the policy, never by a worker.
 */
#include "xen9p/device_audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen9p/audit_link.h"
#include "xen9p/child.h"
#include "xen9p/devices.h"
#include "xen9p/policy.h"
#include "xen9p/supervisor.h"

#define INCOMING "--incoming"

/*
 * The domain's name is its directory. While it is being migrated it bears a suffix, which is left
 * out; where names cannot be read, the number has to do.
 */
static void name_of(const struct device *d, char *out, size_t cap)
{
    size_t len = strlen(d->who.name), suffix = strlen(INCOMING);

    if (len == 0) {
        (void)snprintf(out, cap, "domain-%u", d->domid);
        return;
    }
    if (len > suffix && strcmp(d->who.name + len - suffix, INCOMING) == 0)
        len -= suffix;
    (void)snprintf(out, cap, "%.*s", (int)len, d->who.name);
}

static void identify(const struct device *d, const struct policy *p, uint32_t pid,
                     struct audit_identity *who)
{
    _Static_assert(sizeof(who->policy) == POLICY_HASH_SIZE, "one form for all hashes");

    memset(who, 0, sizeof(*who));
    who->domid = d->domid;
    who->devid = d->devid;
    who->pid = pid;
    who->full = policy_number(p, POLICY_AUDIT_FULL) == POLICY_AUDIT_BLOCK ? AUDIT_FULL_BLOCK
                                                                          : AUDIT_FULL_DROP;
    who->log_max = policy_number(p, POLICY_LOG_MAX);
    who->log_keep = (uint32_t)policy_number(p, POLICY_LOG_KEEP);
    name_of(d, who->domain, sizeof(who->domain));
    (void)snprintf(who->uuid, sizeof(who->uuid), "%.*s", (int)sizeof(who->uuid) - 1, d->who.uuid);
    policy_hash(p, who->policy);
}

static bool is_recorded(const struct policy *p, enum audit_class cls)
{
    return (policy_number(p, POLICY_AUDIT) & 1u << cls) != 0;
}

static void violated(void *owner)
{
    struct device *d = owner;

    if (d->child != NULL)
        child_violated(d->child, "sent a malformed audit record");
}

int device_audit_open(struct device *d, struct ctl_config *c)
{
    int fd = -1, err;

    audit_source_close(d->audit);
    d->audit = NULL;
    memset(d->totals, 0, sizeof(d->totals));
    err = audit_source_open(d->sv->audit, violated, d, &d->audit, &fd);
    if (err != 0)
        return err;
    c->flags |= CTL_FLAG_AUDIT;
    return fd;
}

static void set_source(struct device *d)
{
    struct audit_identity who;

    if (d->audit == NULL || d->child == NULL || d->policy == NULL)
        return;
    identify(d, d->policy, (uint32_t)child_pid(d->child), &who);
    audit_source_set(d->audit, &who, policy_number(d->policy, POLICY_AUDIT) != 0);
}

void device_audit_limits(struct device *d)
{
    set_source(d);
}

/* --- events ------------------------------------------------------------------------------------- */

static void event_of(const struct device *d, enum audit_op op, enum audit_class cls,
                     const char *detail, struct audit_ctl_event *e)
{
    memset(e, 0, sizeof(*e));
    e->op = op;
    e->cls = cls;
    (void)snprintf(e->path, sizeof(e->path), "%s", d->nodes.path);
    (void)snprintf(e->detail, sizeof(e->detail), "%s", detail);
}

/* Of the worker that runs, or has run. */
static void tell(struct device *d, struct audit_ctl_event *e)
{
    if (d->audit != NULL && d->policy != NULL && is_recorded(d->policy, (enum audit_class)e->cls))
        audit_source_event(d->audit, e);
}

void device_audit_started(struct device *d, const struct child *c)
{
    struct audit_ctl_event e;

    if (c == NULL) {
        audit_source_close(d->audit);
        d->audit = NULL;
        return;
    }
    set_source(d);
    event_of(d, AUDIT_OP_CONNECT, AUDIT_SESSION,
             d->terms.read_only ? "worker started, read-only" : "worker started", &e);
    tell(d, &e);
}

void device_audit_ready(struct device *d, const struct ctl_ready *ready)
{
    struct audit_ctl_event e;
    char detail[sizeof(e.detail)];

    (void)snprintf(detail, sizeof(detail), "owner %u, %u fids, filter %s, Landlock %s",
                   ready->owner_uid, ready->max_fids, d->filter,
                   (ready->flags & CTL_READY_LANDLOCK) != 0 ? "in force" : "not in this kernel");
    event_of(d, AUDIT_OP_LOCKDOWN, AUDIT_SESSION, detail, &e);
    e.value = ready->threads;
    tell(d, &e);
}

void device_audit_event(struct device *d, const struct ctl_event *event)
{
    if (event->code == CTL_EVENT_STOPPED) {
        d->totals[0] = event->a;
        d->totals[1] = event->b;
        d->totals[2] = event->c;
    } else if (event->code == CTL_EVENT_LOST) {
        devices_say(d, LOG_LEVEL_ERROR, "%llu audit records could not be written",
                    (unsigned long long)event->a);
    }
}

void device_audit_ended(struct device *d, const struct child *c, const char *why)
{
    const int signal = child_signal(c);
    const bool violation = child_violation(c);
    struct audit_ctl_event e;

    if (signal == 0 && !violation) {
        event_of(d, AUDIT_OP_DISCONNECT, AUDIT_SESSION, why, &e);
        e.value = d->totals[0]; /* requests */
    } else {
        event_of(d, AUDIT_OP_CRASH, violation ? AUDIT_VIOLATION : AUDIT_SESSION, why, &e);
        e.value = (uint64_t)signal;
    }
    e.read = d->totals[1];
    e.written = d->totals[2];
    tell(d, &e);
    audit_source_close(d->audit);
    d->audit = NULL;
}

/* About a device that has no worker any more, or had none. */
static void tell_without(struct device *d, struct audit_ctl_event *e)
{
    struct audit_identity who;

    if (d->policy == NULL || !is_recorded(d->policy, (enum audit_class)e->cls))
        return;
    identify(d, d->policy, 0, &who);
    audit_link_event(d->sv->audit, &who, e);
}

void device_audit_quarantined(struct device *d)
{
    struct audit_ctl_event e;

    event_of(d, AUDIT_OP_QUARANTINE, AUDIT_VIOLATION, d->error, &e);
    tell_without(d, &e);
}

void device_audit_refused(struct device *d)
{
    struct audit_ctl_event e;

    event_of(d, AUDIT_OP_REFUSE, AUDIT_SESSION, d->error, &e);
    e.error = EINVAL;
    tell_without(d, &e);
}

bool device_audit_missing(const struct device *d)
{
    return (d->terms.worker.flags & CTL_FLAG_AUDIT_BLOCKS) != 0 && !audit_link_up(d->sv->audit);
}
