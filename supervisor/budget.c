/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget.c - sums of what devices may use, and what is left.
 */
#include "xen9p/budget.h"

#include <stddef.h>

#include "xen9p/child.h"
#include "xen9p/limits.h"
#include "xen9p/ringidx.h"
#include "xen9p/supervisor.h"

#define LEAST_THREADS 2u /* the first one, and one that executes requests */

void budget_host(const struct policy_set *set, struct budget *out)
{
    out->grants = policy_host(set, POLICY_HOST_GRANTS);
    out->fids = policy_host(set, POLICY_HOST_FIDS);
    out->threads = policy_host(set, POLICY_HOST_THREADS);
    out->log_bytes = policy_host(set, POLICY_HOST_LOG);
}

uint64_t budget_grants(uint32_t rings, uint32_t order)
{
    return rings * ((UINT64_C(1) << order) + 1);
}

static uint64_t left(uint64_t limit, uint64_t used)
{
    return limit > used ? limit - used : 0;
}

uint32_t budget_order(const struct budget *host, const struct budget *used, uint32_t rings,
                      uint32_t most)
{
    uint64_t rest = left(host->grants, used->grants);

    for (uint32_t order = most; order >= RING_MIN_ORDER; order--)
        if (budget_grants(rings, order) <= rest / LIMIT_HOST_PART)
            return order;
    return budget_grants(rings, RING_MIN_ORDER) <= rest ? RING_MIN_ORDER : 0;
}

uint32_t budget_part(uint64_t limit, uint64_t used, uint32_t most, uint32_t least)
{
    uint64_t rest = left(limit, used), part = rest / LIMIT_HOST_PART;

    if (least > most)
        least = most;
    if (rest < least)
        return 0;
    if (part >= most)
        return most;
    return part > least ? (uint32_t)part : least;
}

/* Devices of a domain write one log: the first of them in the list counts. */
static bool counts_log(const struct supervisor *sv, const struct device *d,
                       const struct device *except)
{
    for (const struct device *e = sv->devices; e != d; e = e->next)
        if (e != except && e->domid == d->domid && e->share.log_bytes != 0)
            return false;
    return true;
}

void budget_used(const struct supervisor *sv, const struct device *except, struct budget *out)
{
    children_held(sv->children, out);
    for (const struct device *d = sv->devices; d != NULL; d = d->next) {
        if (d == except)
            continue;
        out->grants += d->share.grants;
        out->fids += d->share.fids;
        out->threads += d->share.threads;
        if (d->share.log_bytes != 0 && counts_log(sv, d, except))
            out->log_bytes += d->share.log_bytes;
    }
}

/* NULL when `more` fits beside `used`. */
static const char *refusal(const struct budget *host, const struct budget *used,
                           const struct budget *more)
{
    if (more->grants > left(host->grants, used->grants))
        return "the host's grant mappings for 9pfs (host-grants) are used up; lower max-rings or "
               "max-ring-order in policies";
    if (more->fids > left(host->fids, used->fids))
        return "the host's fids (host-fids) are used up; lower max-fids in policies";
    if (more->threads > left(host->threads, used->threads))
        return "the host's threads (host-threads) are used up; lower threads in policies";
    if (more->log_bytes > left(host->log_bytes, used->log_bytes))
        return "the host's space for audit logs (host-log) is promised already; lower log-max or log-keep in "
               "policies";
    return NULL;
}

/* Whether the log of the domain counts already. */
static bool log_is_counted(const struct device *d)
{
    for (const struct device *e = d->sv->devices; e != NULL; e = e->next)
        if (e != d && e->domid == d->domid && e->share.log_bytes != 0)
            return true;
    return false;
}

const char *budget_take(struct device *d, uint32_t fids, uint32_t threads, uint64_t log_bytes)
{
    struct budget used, more = {.grants = d->share.grants};
    const struct budget *host = &d->sv->host;
    const char *why;

    budget_used(d->sv, d, &used);
    more.fids = budget_part(host->fids, used.fids, fids, LIMIT_LEAST_FIDS);
    more.threads = budget_part(host->threads, used.threads, threads + 1, LEAST_THREADS);
    more.log_bytes = log_is_counted(d) ? 0 : log_bytes;
    if (more.fids == 0)
        more.fids = LIMIT_LEAST_FIDS; /* which do not fit */
    if (more.threads == 0)
        more.threads = LEAST_THREADS;
    why = refusal(host, &used, &more);
    if (why == NULL)
        d->share = (struct budget){more.grants, more.fids, more.threads, log_bytes};
    else
        d->share = (struct budget){.grants = more.grants};
    return why;
}
