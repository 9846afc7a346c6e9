/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - the root struct of xen9p-worker, and how its parts come together.
 */
#ifndef XEN9P_WORKER_H
#define XEN9P_WORKER_H

#include "xen9p/control.h"
#include "xen9p/journal.h"
#include "xen9p/pump.h"
#include "xen9p/ring.h"
#include "xen9p/session.h"
#include "xen9p/trail.h"

struct worker {
    struct ctl_config config; /* as received, checked */
    struct journal *journal;
    struct quota_counts *quota_counts;
    struct ring ring[CTL_MAX_RINGS];
    struct session session;
    struct pump pump;
    struct trail trail;
    uint32_t max_fids; /* in force */
};

#endif
