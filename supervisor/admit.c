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
static struct policy_set *load(void)
{
    struct policy_report report = {0};
    struct policy_set *set = policy_load(POLICY_DIR, 0, &report);

    tell(&report);
    if (set == NULL)
        log_error("%zu error%s in the policy; \"xen9pctl policy check\" says them again",
                  report.errors, report.errors == 1 ? "" : "s");
    policy_report_clear(&report);
    return set;
}

bool admit_load(struct supervisor *sv)
{
    struct policy_set *set = load();
    size_t files, domains;

    if (set == NULL)
        return false;
    policy_set_unref(sv->policies);
    sv->policies = set;
    files = policy_set_files(set);
    domains = policy_set_domains(set);
    if (files == 0)
        log_notice("no policy in " POLICY_DIR ": the built-in one holds for every domain");
    else
        log_notice("policy: %zu file%s, %zu domain section%s", files, files == 1 ? "" : "s",
                   domains, domains == 1 ? "" : "s");
    return true;
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
    return err == 0 ? p : NULL;
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
    terms_of(d->policy, &d->nodes, &d->terms);
    return true;
}

void admit_forget(struct device *d)
{
    policy_free(d->policy);
    policy_free(d->in_force);
    d->policy = d->in_force = NULL;
}
