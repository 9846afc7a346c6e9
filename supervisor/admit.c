/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admit.c - policies for devices.
 *
 * Trusts the files, which only root can write, and the toolstack's nodes.
 */
#include "xen9p/admit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/act.h"
#include "xen9p/devices.h"
#include "xen9p/policy.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"

#define LINE_ROOM 900

/* --- files ------------------------------------------------------------------------------------- */

static void tell(const struct policy_report *report)
{
    char line[LINE_ROOM];

    for (size_t i = 0; i < report->num; i++) {
        const struct policy_message *m = &report->message[i];

        policy_report_format(m, line, sizeof(line));
        log_msg(m->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s", line);
    }
    if (report->dropped != 0)
        log_error("and %zu more", report->dropped);
}

/* NULL after telling all errors. */
static struct policy_set *load(const struct supervisor *sv)
{
    struct policy_report report = {0};
    /* root, but in tests */
    struct policy_set *set = policy_load(sv->policy_dir, geteuid(), &report);

    tell(&report);
    if (set == NULL)
        log_error("%zu error%s in the policy; \"xen9pctl policy check\" says them again",
                  report.errors, report.errors == 1 ? "" : "s");
    policy_report_clear(&report);
    return set;
}

static void use(struct supervisor *sv, struct policy_set *set)
{
    size_t files = policy_set_files(set), domains = policy_set_domains(set);

    policy_set_unref(sv->policies);
    sv->policies = set;
    budget_host(set, &sv->host);
    sv->host_starts = (uint32_t)policy_host(set, POLICY_HOST_STARTS);
    if (files == 0)
        log_notice("no policy in %s: the built-in one holds for every domain", sv->policy_dir);
    else
        log_notice("policy: %zu file%s, %zu domain section%s", files, files == 1 ? "" : "s",
                   domains, domains == 1 ? "" : "s");
}

bool admit_load(struct supervisor *sv)
{
    struct policy_set *set = load(sv);

    if (set != NULL)
        use(sv, set);
    return set != NULL;
}

static void warn(void *arg, const char *text)
{
    (void)arg;
    log_warning("%s", text);
}

void admit_unmatched(const struct supervisor *sv)
{
    policy_unmatched(sv->policies, warn, NULL);
}

/* --- devices ----------------------------------------------------------------------------------- */

static int get_absolute(void *arg, const char *path, char *buf, size_t cap)
{
    return store_read(arg, path, buf, cap);
}

static bool refuse(struct device *d, const char *why)
{
    (void)snprintf(d->error, sizeof(d->error), "policy: %.480s", why);
    devices_say(d, LOG_LEVEL_ERROR, "refused by policy: %s", why);
    return false;
}

static bool identify(struct device *d)
{
    struct nodes_fault fault;
    char why[256];

    if (domain_identify(get_absolute, d->sv->xs, d->domid, &d->who, &fault) == 0)
        return true;
    (void)snprintf(why, sizeof(why), "%s %s %s", fault.node, fault.value, fault.why);
    return refuse(d, why);
}

/* NULL with the reason in `why`. */
static struct policy *resolve(struct policy_set *set, const struct device *d, char *why, size_t cap)
{
    const struct policy_subject who = {
        .uuid = d->who.uuid[0] != '\0' ? d->who.uuid : NULL,
        .name = d->who.name[0] != '\0' ? d->who.name : NULL,
        .path = d->nodes.path,
    };
    struct policy *p = NULL;
    int err = policy_resolve(set, &who, &p, why, cap);

    if (err != 0 && err != -EACCES)
        (void)snprintf(why, cap, "%s", strerror(-err));
    if (err == 0 && d->sv->cgroups == NULL &&
        policy_number(p, POLICY_CGROUP) == POLICY_CGROUP_REQUIRED) {
        (void)snprintf(why, cap, "cgroup = required in %s, but workers can have none: %s",
                       policy_origin(p), d->sv->no_cgroups);
        policy_free(p);
        p = NULL;
    }
    return err == 0 ? p : NULL;
}

/* The terms of d->policy; what cannot be kept of them is said. */
static void take_terms(struct device *d)
{
    const struct cgroup_limits *l = &d->terms.cgroup;

    terms_of(d->policy, &d->nodes, &d->terms);
    if (d->sv->cgroups == NULL &&
        (l->memory_max != 0 || l->cpu_weight != 100 || l->io_weight != 100))
        devices_say(d, LOG_LEVEL_WARNING,
                    "its policy limits memory, processor or disk, without effect: workers can have "
                    "no cgroup, %s",
                    d->sv->no_cgroups);
}

bool admit_device(struct device *d)
{
    char why[512];

    policy_free(d->policy);
    d->policy = NULL;
    if (!identify(d))
        return false;
    d->policy = resolve(d->sv->policies, d, why, sizeof(why));
    if (d->policy == NULL)
        return refuse(d, why);
    take_terms(d);
    return true;
}

/* --- reloading --------------------------------------------------------------------------------- */

/* What differs, sorted by when it holds. */
struct changes {
    char live[LINE_ROOM], later[LINE_ROOM];
};

static void note(void *arg, enum policy_key key, const char *a, const char *b)
{
    struct changes *c = arg;
    char *text = policy_keys[key].live ? c->live : c->later;
    size_t len = strlen(text);

    (void)snprintf(text + len, LINE_ROOM - len, "%s%s %s -> %s", len != 0 ? ", " : "",
                   policy_keys[key].name, a, b);
}

static void say_changes(const struct device *d, const struct policy *from, const struct policy *to)
{
    struct changes c = {"", ""};

    policy_differences(from, to, note, &c);
    if (c.live[0] != '\0')
        devices_say(d, LOG_LEVEL_NOTICE, "new policy: %.800s", c.live);
    if (c.later[0] != '\0')
        devices_say(d, LOG_LEVEL_NOTICE, "new policy%s: %.800s",
                    d->child != NULL ? ", when the guest connects again" : "", c.later);
}

/* A domain may have got its final name meanwhile. */
static void identify_again(struct device *d)
{
    struct nodes_fault fault;
    struct domain_id who;

    if (domain_identify(get_absolute, d->sv->xs, d->domid, &who, &fault) == 0)
        d->who = who;
}

/* What runs, runs on; nothing new begins. */
static void without_policy(struct device *d, const char *why)
{
    policy_free(d->policy);
    d->policy = NULL;
    if (d->child != NULL)
        devices_say(
            d, LOG_LEVEL_WARNING,
            "the new policy refuses it: %s. It is served as before until the guest connects "
            "again; detach it to end that",
            why);
    else
        (void)refuse(d, why);
    devices_feed(d, DEVICE_REFUSE);
}

static void renew(struct device *d, struct policy_set *set)
{
    struct ctl_limits before = d->terms.worker.limits;
    struct cgroup_limits weights = d->terms.cgroup;
    struct policy *p;
    char why[512];

    identify_again(d);
    p = resolve(set, d, why, sizeof(why));
    if (p == NULL) {
        without_policy(d, why);
        return;
    }
    if (d->in_force != NULL || d->policy != NULL)
        say_changes(d, d->in_force != NULL ? d->in_force : d->policy, p);
    policy_free(d->policy);
    d->policy = p;
    take_terms(d);
    if (d->in_force != NULL)
        policy_follow(d->in_force, p);
    if (memcmp(&before, &d->terms.worker.limits, sizeof(before)) != 0)
        act_limits(d);
    if (weights.cpu_weight != d->terms.cgroup.cpu_weight ||
        weights.io_weight != d->terms.cgroup.io_weight)
        act_reweigh(d);
}

void admit_reload(struct supervisor *sv)
{
    struct policy_set *set = load(sv);

    if (set == NULL) {
        log_error("the policy stays as it was");
        return;
    }
    policy_remember(set, sv->policies);
    use(sv, set);
    for (struct device *d = sv->devices; d != NULL; d = d->next) {
        if (d->state == DEVICE_REFUSED)
            devices_say(d, LOG_LEVEL_NOTICE,
                        "stays closed; the new policy is asked when it is attached again");
        else if (d->state != DEVICE_GONE && d->state != DEVICE_OFFLINE)
            renew(d, set);
    }
    admit_unmatched(sv);
}

void admit_forget(struct device *d)
{
    policy_free(d->policy);
    policy_free(d->in_force);
    d->policy = d->in_force = NULL;
}
