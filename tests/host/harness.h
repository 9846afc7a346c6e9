/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harness.h - a frontend without Xen: rings in a memfd, eventfds for the event channel, and a
 * worker behind them.
 *
 * Two back ends (backend.h) serve the same suites: the shipped xen9p-worker, started by the
 * supervisor's own launch code and fully locked down, and the worker's engine in a forked child,
 * for sanitizers and coverage.
 *
 * Nothing here waits for ever: each wait has a deadline, and missing it fails the case. A reply
 * that comes without a notification, twice, for a tag that is not in flight, or in pieces fails
 * the case too, whichever case it is.
 */
#ifndef XEN9P_TESTS_HARNESS_H
#define XEN9P_TESTS_HARNESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <xen/io/9pfs.h>

#include "tap.h"
#include "xen9p/control.h"
#include "xen9p/journal.h"
#include "xen9p/p9.h"
#include "xen9p/quota_counts.h"
#include "xen9p/ringidx.h"

#define RIG_WAIT_MS 15000 /* for anything that must happen at all */
#define RIG_QUIET_MS 150  /* for something that must not happen */

/* All zero: the defaults in brackets. */
struct rig_config {
    uint32_t order;           /* [5] */
    uint32_t num_rings;       /* [2] */
    uint32_t threads;         /* [LIMIT_THREADS] */
    uint32_t flags;           /* CTL_FLAG_READ_ONLY */
    uint32_t forbidden;       /* groups of operations.h */
    struct ctl_config policy; /* all that has no field of its own here; poll_us [LIMIT_POLL_US] */
    bool no_polling;          /* poll_us 0 */
    uint32_t max_fids;        /* [1024] */
    uint32_t max_open_files;
    uint32_t max_msize; /* [LIMIT_MAX_MSIZE] */
    uint32_t shown_uid, shown_gid;
    uint32_t start_index; /* where the indexes of all rings stand before the first message */
    int audit_fd;         /* worker's end of a socket for audit records [none] */
    const char *export;   /* [a new directory] */
    uid_t export_owner;
    const struct rig *quota_of; /* shares that rig's counts [has its own] */
};

/* One reply as it came off a ring. */
struct reply {
    struct reply *next;
    uint32_t ring;
    uint32_t len;
    uint8_t type;
    uint16_t tag;
    uint8_t bytes[];
};

struct fe_ring {
    struct xen_9pfs_data_intf *intf;
    uint8_t *in, *out;
    uint32_t size;
    uint32_t out_prod, in_cons; /* ours */
    uint16_t in_flight[65536];  /* requests not answered, by tag */
};

struct rig {
    struct rig_config cfg;
    char root[96];    /* the export */
    char outside[96]; /* a directory beside it */
    int root_fd;

    int memfd, kick_fd, call_fd, journal_fd;
    void *mem;
    size_t mem_len;
    struct journal *journal;
    int quota_fd;
    struct quota_counts *quota;
    struct fe_ring ring[CTL_MAX_RINGS];
    struct reply *replies; /* received, not asked for yet; oldest first */
    bool lenient;          /* hostile case: replies to tags not in flight are its own business */

    pid_t pid; /* 0: no worker */
    int pidfd, control_fd;
    struct ctl_counts counts;
    enum ctl_phase phase;
    struct ctl_ready ready;
    uint64_t notifications; /* eventfd writes seen so far */

    /* From the worker's events. */
    uint32_t sessions, attaches;
    struct ctl_event last_session, last_attach, close, stopped;
    uint64_t lost; /* audit records */
    bool closed, has_stopped, eof;
};

/* Makes the export, the memory and a started worker that is ready. */
struct rig *rig_new(const struct rig_config *cfg);
/* The same without the worker. */
struct rig *rig_prepare(const struct rig_config *cfg);
/* Starts a worker (CTL_FLAG_SUCCESSOR in `flags`: on the rings as they are); waits for READY. */
void rig_start(struct rig *g, uint32_t flags);
/* The same up to the configuration: what comes then is the caller's to look at. */
void rig_start_unready(struct rig *g, uint32_t flags);
/* CTL_STOP, then the worker must end with status 0; must not have asked for a close. */
void rig_end(struct rig *g);

/* Ends the worker at once. */
void rig_kill(struct rig *g);
/* Waits for its end; returns the status of waitpid. */
int rig_wait_exit(struct rig *g);
/* It must ask for its device to be closed for this reason, and end when told to. */
void rig_expect_close(struct rig *g, uint32_t ring, enum ctl_close_reason reason);
/* Takes what the worker has sent over its control socket. */
void rig_events(struct rig *g);
/* CPU time that the worker has used, milliseconds. */
long long rig_cpu_ms(const struct rig *g);

/* Puts bytes on a ring (waits for room) and publishes them; kicks. */
void rig_put(struct rig *g, uint32_t ring, const void *msg, uint32_t len);
/* The parts: copies at out_prod + skip without publishing; publishes; kicks. */
void rig_copy_out(struct rig *g, uint32_t ring, uint32_t skip, const void *msg, uint32_t len);
void rig_publish(struct rig *g, uint32_t ring, uint32_t len);
void rig_kick(struct rig *g);
/* Bytes free in `out`. */
uint32_t rig_out_room(const struct rig *g, uint32_t ring);
/* Bytes of replies that wait in `in`. */
uint32_t rig_in_used(const struct rig *g, uint32_t ring);

/* Takes one reply off a ring if there is one. The caller frees it. */
struct reply *rig_take(struct rig *g, uint32_t ring);
/* Waits for the reply to `tag` on `ring`, keeping others. Never NULL. */
struct reply *rig_wait(struct rig *g, uint32_t ring, uint16_t tag);
/* The same; NULL when it does not come within `ms`. */
struct reply *rig_wait_ms(struct rig *g, uint32_t ring, uint16_t tag, long long ms);
/* Sleeps on the event channel for at most `ms`; true when it was notified. */
bool rig_notified(struct rig *g, long long ms);

#endif
