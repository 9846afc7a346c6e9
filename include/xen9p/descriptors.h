/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * descriptors.h - the fixed descriptor table of a worker.
 *
 * The numbers are part of the contract between supervisor and worker: the seccomp filter pins
 * arguments to them. 0..2 are /dev/null. Descriptors of fids come after WFD_FIRST_FREE.
 */
#ifndef XEN9P_DESCRIPTORS_H
#define XEN9P_DESCRIPTORS_H

#include "xen9p/control.h"

enum worker_fd {
    /* Present at exec, put there by the supervisor's child. */
    WFD_CONTROL = 3, /* SOCK_SEQPACKET to the supervisor */
    WFD_TREE = 4,    /* detached mount of the export; the worker's root, gone after lockdown */
    WFD_USERNS = 5,  /* user namespace to join; gone after lockdown */

    /* Received with CTL_CONFIG and moved here. */
    WFD_RINGMEM = 6,  /* gntdev or memfd behind all rings; gone once they are mapped */
    WFD_CALL = 8,     /* notify kind eventfd only: the eventfd that kicks the frontend */
    WFD_FILTER = 9,   /* sealed memfd with the seccomp program; gone once it is loaded */
    WFD_JOURNAL = 10, /* sealed memfd with struct journal; gone once it is mapped */
    WFD_NOTIFY = 16,  /* evtchn device, of the first ring; or the eventfd that the frontend kicks */
    WFD_NOTIFY_LAST = WFD_NOTIFY + CTL_MAX_RINGS - 1,
    WFD_AUDIT = 20, /* SOCK_SEQPACKET that audit records are sent to; absent without an audit */
    WFD_QUOTA = 21, /* sealed memfd with struct quota_counts; gone once it is mapped */

    /* Made by the worker. */
    WFD_TIMER = 7,     /* timerfd: a parked Tlock is due */
    WFD_EPOLL = 11,    /* what idle threads wait on */
    WFD_KICK = 12,     /* eventfd: passes the waiting on to one more thread */
    WFD_SIGNAL = 13,   /* signalfd: SIGTERM */
    WFD_PROC = 14,     /* private mount of /proc/self/fd alone: reopening, xattrs, links */
    WFD_ROOT = 15,     /* O_PATH of the export's root */
    WFD_THROTTLE = 22, /* timerfd: a request that was too fast is due */

    /*
     * After lockdown every number below this one is taken, by /dev/null where there is nothing
     * else, and the filter lets nobody close them: a pinned number always means the same file.
     */
    WFD_FIRST_FREE = 23,
    WFD_TASKS = WFD_FIRST_FREE, /* /proc/self/task, to prove the lockdown; gone before READY */
};

/* The filter names them with a mask. */
_Static_assert((WFD_NOTIFY & (CTL_MAX_RINGS - 1)) == 0, "not a multiple of the most rings");

#endif
