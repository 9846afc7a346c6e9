/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor.h - the root struct of xen9pd, and one struct per device.
 *
 * Everything here belongs to the one thread of the loop.
 */
#ifndef XEN9P_SUPERVISOR_H
#define XEN9P_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/budget.h"
#include "xen9p/child.h"
#include "xen9p/connect.h"
#include "xen9p/control.h"
#include "xen9p/device.h"
#include "xen9p/domain.h"
#include "xen9p/filter_cache.h"
#include "xen9p/limits.h"
#include "xen9p/loop.h"
#include "xen9p/nodes.h"
#include "xen9p/succession.h"
#include "xen9p/terms.h"

struct quota_store;
struct quota_use;
struct xs_handle;
struct device;
struct audit_link;
struct audit_source;

struct supervisor {
    struct loop *loop;
    struct xs_handle *xs;
    struct children *children;
    struct device *devices;
    uint32_t num_devices;
    int worker_fd; /* the worker's executable */
    struct filter_cache filters;
    struct cgroups *cgroups; /* for workers; NULL: */
    const char *no_cgroups;  /* why there are none */
    uint32_t cgroup_serial;  /* part of their names */
    struct audit_link *audit;
    const char *policy_dir;
    struct budget host;   /* what devices share, by the same */
    uint32_t host_starts; /* workers that may start at the same time, by the same */
    uint64_t turns;       /* handed out to devices that wait for it */
    struct quota_store *quotas;
    struct idpool *ids;          /* ranges for identity mapped */
    bool keeps_host_identity;    /* capabilities of identity host were not given away */
    struct policy_set *policies; /* as loaded last without an error */
    bool claimed;                /* libxl/xen-9pfs is ours */
    bool stopping;               /* no more events; ends when the workers have */
    int exit_status;             /* once stopping */
    bool scan;                   /* look at the whole of backend/xen_9pfs */
    struct loop_source store;    /* xenstore's watch events */
    struct loop_timer store_ask; /* whether it is still there */
    void (*store_lost)(struct supervisor *sv); /* xenstored went away */
};

/* How the frontend's `state` is followed. */
struct frontend_watch {
    bool watched;           /* by xenstore; else polled by the timer */
    bool changed;           /* an event came: read it after the queue is drained */
    uint64_t window_ms;     /* start of the present window, */
    uint32_t events;        /* events in it */
    uint32_t calm;          /* polls without a change */
    bool known;             /* `now` holds something */
    enum device_event now;  /* last seen */
    bool fed;               /* `last` holds something */
    enum device_event last; /* last given to the table */
    struct loop_timer poll;
};

#define DEVICE_QUEUE 16u

struct device {
    struct supervisor *sv;
    struct device *next;
    uint32_t domid, devid;
    char dir[64]; /* backend directory, relative */
    struct domain_id who;
    enum device_state state;
    unsigned written; /* xenbus state that we wrote last, or found */
    bool changed;     /* an event came for the backend directory */
    bool seen;        /* by the present scan */
    char error[512];  /* for the `error` node, "" when all is well */
    struct backend_nodes nodes;

    struct policy *policy;         /* what holds from the next connection on; NULL: refused */
    struct policy *in_force;       /* what its worker goes by; NULL when there was none so far */
    struct terms terms;            /* of `policy` */
    uint32_t offered_rings;        /* max-rings as published */
    uint32_t offered_order;        /* max-ring-page-order as published */
    struct budget share;           /* of the host's, that it may use */
    char cgroup[CGROUP_NAME_MAX];  /* of its worker, "" for none */
    char filter[FILTER_HASH_SIZE]; /* of its worker; "" when there was none so far */
    struct frontend_watch fe;

    struct connection *connection; /* validated rings, kept for successors */
    int journal_fd;                /* -1 when there is none */
    struct quota_use *quota;       /* of its export; NULL while it is not connected */
    bool adopting;                 /* the rings are a dead supervisor's, its journal is lost */
    struct child *child;           /* NULL when none runs, or it was given up */
    struct audit_source *audit;    /* of that child, or of one that could not be started */
    uint64_t totals[3];            /* it has stopped: requests, bytes read, bytes written */
    struct succession succession;
    struct loop_timer retry;
    bool waits_for_audit;        /* to be started, and nobody writes its log */
    struct loop_timer tell;      /* new limits that the worker has not taken yet */
    uint64_t turn;               /* among those that wait to start a worker; 0: it does not */
    uint64_t starting_ms;        /* since when its worker starts; 0: it does not */
    uint64_t orphan_deadline_ms; /* for the dead supervisor's workers to drain; 0: not set */
    uint32_t failures;           /* connections that failed in a row */
    uint64_t connected_ms;       /* when it was connected last */
    uint32_t threads;            /* of the worker, as it says */
    uint32_t msize;              /* of the session, as the worker says */

    enum device_event queue[DEVICE_QUEUE];
    uint32_t queued;
    bool feeding;
};

#endif
