/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - a worker as the supervisor sees it: started, listened to, given deadlines, reaped.
 *
 * Its messages are fixed-size numbers and are checked against phase and count; anything else ends it.
 * Nobody waits for a child: one that does not even die of SIGKILL (it may hang in a file system) is
 * given up by its owner after LIMIT_KILL_MS and reaped whenever it ends.
 */
#ifndef XEN9P_CHILD_H
#define XEN9P_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/budget.h"
#include "xen9p/control.h"

struct loop;
struct child;
struct children;

/* What an owner is told; each is called from the loop. */
struct child_owner {
    /* Locked down and serving. */
    void (*ready)(void *owner, const struct ctl_ready *ready);
    /* Tversion, attach, stopped: for status and log. */
    void (*event)(void *owner, const struct ctl_event *event);
    /* It cannot go on with this guest. */
    void (*asks_close)(void *owner, const struct ctl_event *event);
    /*
     * The child has ended, or (`given_up`) was killed and does not end: the owner must forget it.
     * `why` is text for the log.
     */
    void (*ended)(void *owner, const struct child *c, bool given_up, const char *why);
};

/* NULL when out of memory. */
struct children *children_new(struct loop *loop);
/* Starts what starts them (launcher_start), while the supervisor is small. 0 or a negative errno. */
int children_start(struct children *cs);
/* All of them, including those given up. */
uint32_t children_count(const struct children *cs);
/* True while one of them was not given up. */
bool children_alive(const struct children *cs);

/* The shares of those that were given up: they still hold what they have. Overwrites *out. */
void children_held(const struct children *cs, struct budget *out);

struct child_spec {
    const char *path; /* export */
    int worker_fd;
    bool read_only;
    int cgroup_fd;             /* see launch_spec; the caller's */
    struct ctl_config *config; /* hdr.type is set here */
    struct budget share;       /* of the host's: counts until it has ended, even when given up */
    int fds[CTL_CONFIG_FD_AUDIT_MOST]; /* in the order of enum ctl_config_fd; the caller's */
    int audit_fd;                      /* the worker's end for audit records, with CTL_FLAG_AUDIT */
};

/*
 * Launches the child, sends it its configuration, starts the clock. 0 with *out (owned by `cs`), or
 * a negative errno.
 */
int child_start(struct children *cs, const struct child_spec *spec, const struct child_owner *calls,
                void *owner, struct child **out);

/* Ends it: asks a serving one to drain (LIMIT_DRAIN_MS), kills one that does not serve. */
void child_stop(struct child *c);

/*
 * Tells a serving worker the limits of a new policy. 0; -EAGAIN: not now, it does not serve yet
 * or does not read; another negative errno: it is on its way out.
 */
int child_limits(struct child *c, const struct ctl_limits *limits);

pid_t child_pid(const struct child *c);
uid_t child_uid(const struct child *c);
/* True when CTL_FAILED came; *failed is what it said. */
bool child_failure(const struct child *c, struct ctl_failed *failed);
/* True when it did what no worker does: a call that its filter kills for, a message out of order. */
bool child_violation(const struct child *c);
/* Kills it for such a thing, that somebody else has seen. */
void child_violated(struct child *c, const char *what);
/* Once it has ended: the signal that it died of, 0 when it exited. */
int child_signal(const struct child *c);
/* True when it was killed because it was not READY in time. */
bool child_timed_out(const struct child *c);

#endif
