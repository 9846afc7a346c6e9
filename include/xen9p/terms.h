/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terms.h - the terms on which a device is served: what its policy and the limits in its toolstack
 * nodes come to, as the numbers that supervisor and worker go by. Pure.
 */
#ifndef XEN9P_TERMS_H
#define XEN9P_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "xen9p/cgroup.h"
#include "xen9p/control.h"
#include "xen9p/log.h"
#include "xen9p/nodes.h"
#include "xen9p/policy.h"
#include "xen9p/succession.h"

struct terms {
    bool read_only;
    bool quarantine;    /* a worker that does what it must not has no successor */
    uint32_t max_rings; /* offered to the guest */
    uint32_t max_ring_order;
    uint64_t log_bytes; /* of all audit files of the domain; 0: nothing is recorded */
    struct cgroup_limits cgroup;
    bool cgroup_required;     /* no worker without one */
    enum log_level log_level; /* of lines about the device */
    struct succession_rules restart;
    /*
     * All that a policy decides in the worker's configuration, flags included. What the connection
     * decides (kinds, rings) is zero.
     */
    struct ctl_config worker;
};

/* `nodes` are the toolstack's; its limits narrow the policy's, if the policy follows them. */
void terms_of(const struct policy *p, const struct backend_nodes *nodes, struct terms *out);

#endif
