/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act.c - what a device's table asks for: publishing nodes, connecting rings, starting and ending workers.
 *
 * The frontend's nodes are guest input (nodes.c judges them).
 */
#include "xen9p/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#include "act_internal.h"
#include "xen9p/admit.h"
#include "xen9p/claim.h"
#include "xen9p/device_audit.h"
#include "xen9p/devices.h"
#include "xen9p/frontend.h"
#include "xen9p/journal.h"
#include "xen9p/quota_store.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"
#include "xen9p/turns.h"

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

/* --- connecting -------------------------------------------------------------------------------- */

void act_release(struct device *d)
{
    loop_timer_cancel(d->sv->loop, &d->retry);
    loop_timer_cancel(d->sv->loop, &d->tell);
    turns_end(d);
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
    turns_end(d);
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

    if (err == 0 && (wait_for_audit(d, start_due) || turns_wait(d, start_due)))
        return;
    d->waits_for_audit = false;
    if (err == 0)
        err = connect_rings(d);
    if (err == 0) {
        err = act_launch(d, 0, &why);
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
    err = act_launch(d, adopt ? CTL_FLAG_ADOPT : CTL_FLAG_SUCCESSOR, &why);
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

    if (wait_for_orphans(d) || wait_for_audit(d, retry_due) || turns_wait(d, retry_due))
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
