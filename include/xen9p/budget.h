/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget.h - what all devices of a host share: grant mappings, fids, threads, space for logs.
 *
 * A device counts with what it may use, not with what it uses, so that nobody is surprised later.
 * Sums are made anew each time, over the devices there are and the workers that were given up but
 * have not ended: there is no count that could drift.
 */
#ifndef XEN9P_BUDGET_H
#define XEN9P_BUDGET_H

#include <stdint.h>

struct supervisor;
struct device;

struct budget {
    uint64_t grants; /* mappings of guest pages */
    uint64_t fids;
    uint64_t threads;   /* of workers, their first one included */
    uint64_t log_bytes; /* of audit files; once for all devices of a domain */
};

struct policy_set;

/* What there is: the host's keys of the policy. */
void budget_host(const struct policy_set *set, struct budget *out);

/* Grants of `rings` rings of this order. */
uint64_t budget_grants(uint32_t rings, uint32_t order);

/*
 * The order that a device with `rings` rings is offered: at most `most`, less when it would take
 * more than 1/LIMIT_HOST_PART of the grants that are left. 0: not even the smallest rings fit.
 */
uint32_t budget_order(const struct budget *host, const struct budget *used, uint32_t rings,
                      uint32_t most);

/*
 * How much of `most` a device gets when `used` of `limit` is taken: no more than
 * 1/LIMIT_HOST_PART of what is left, but `least` as long as there is as much. 0: there is not.
 */
uint32_t budget_part(uint64_t limit, uint64_t used, uint32_t most, uint32_t least);

/* Adds up the shares of all devices but `except` (may be NULL), and of workers that were given up. */
void budget_used(const struct supervisor *sv, const struct device *except, struct budget *out);

/*
 * What `d`, whose share of grants is set already, gets for a worker of `fids` fids and `threads`
 * threads that execute requests, and for the domain's log: into d->share, less than asked for when
 * that runs low. NULL, or what has run out with the remedy; d->share has no part of a worker then.
 */
const char *budget_take(struct device *d, uint32_t fids, uint32_t threads, uint64_t log_bytes);

#endif
