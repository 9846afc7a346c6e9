/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.h - xen9p-audit: its root struct, its guests, and the sources of their records.
 *
 * One thread. A guest is one directory of log files; a source is the socket of one worker.
 * Nothing of one guest waits for another's: sources take turns, a batch each.
 */
#ifndef XEN9P_SUPERVISOR_AUDIT_H
#define XEN9P_SUPERVISOR_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "bucket.h"
#include "logfile.h"
#include "text.h"
#include "xen9p/audit.h"
#include "xen9p/audit_control.h"

/* Records a second that one guest may cause, and at once. */
#define AUDIT_RATE 20000u
#define AUDIT_BURST 40000u
/* Of these, refusals and violations: a guest that is refused this often is trying something. */
#define AUDIT_DENY_RATE 1000u
#define AUDIT_DENY_BURST 4000u
#define AUDIT_SAY_MS 1000     /* how often suppression is said */
#define AUDIT_RETRY_MS 500    /* a log that could not be written is tried again */
#define AUDIT_MAX_EVENTS 256u /* records of the supervisor that wait for a guest's log */
#define AUDIT_MAX_SOURCES 4096u

struct guest;

/* What epoll tells apart: first member of each thing that is watched. */
enum watch_kind { WATCH_LISTEN, WATCH_SUPERVISOR, WATCH_SIGNAL, WATCH_SOURCE };
struct watch {
    enum watch_kind kind;
    int fd;
    bool on; /* in the epoll set */
};

/* What of a worker's records is in the log or never will be, and what of that is not said yet. */
struct tally {
    uint64_t done;                         /* number of the last one */
    uint64_t lost;                         /* dropped by the worker: numbers up to `done`, */
    uint64_t by_restart, by_disk, by_rate; /* and suppressed here */
};

struct source {
    struct watch watch;
    struct source *next; /* of the guest's */
    struct guest *guest;
    uint64_t id;
    struct audit_identity who;
    struct tally tally;
    bool fresh; /* nothing was heard of it: an earlier xen9p-audit may have */
    bool again; /* what the log has already may come again */
};

/* A record of the supervisor that waits. */
struct event {
    struct event *next;
    struct audit_ctl_event msg;
};

struct guest {
    struct guest *next;
    char domain[sizeof(((struct audit_identity *)0)->domain)];
    char directory[AUDIT_DIRECTORY_MAX];
    struct logfile log;
    uint32_t full; /* enum audit_full */
    struct bucket all, denials;
    struct source *sources;
    struct event *events, **events_end;
    uint32_t num_events;
    bool broken;              /* the last attempt to write failed */
    uint64_t wait_ms;         /* until then nothing is read from its sources; 0: does not wait */
    uint64_t said_ms;         /* when suppression was said last */
    struct tally missing;     /* of the supervisor's records, and of workers that are gone */
    enum audit_reason opened; /* why the next file is a new one */
    uint64_t lines;           /* in text */
};

struct audit {
    int root;  /* the log directory */
    int epoll; /* and what is in it */
    struct watch listen, supervisor, signal;
    char boot[40];
    struct guest *guests;
    uint32_t num_sources;
    struct text text; /* lines on their way to a file */
    uint8_t batch[AUDIT_BATCH_MAX];
    bool stop;
};

/* --- guest.c --- */

/* The guest of an identity, made and opened if need be. 0 or a negative errno. */
int guest_get(struct audit *a, const struct audit_identity *who, struct guest **out);
/* Forgets guests that have neither sources nor anything to write. */
void guest_tidy(struct audit *a);
/* The source goes away; what is missing of it is still said. */
void guest_forget(struct source *s);
/* Takes one batch of a source. */
void guest_turn(struct audit *a, struct source *s);
/* Queues a record of the supervisor and writes what can be written. */
void guest_event(struct audit *a, struct guest *g, const struct audit_ctl_event *e);
/*
 * Whatever is due: waiting events, retries, suppression to be said. Returns when it wants to be
 * called again, or UINT64_MAX.
 */
uint64_t guest_due(struct audit *a, struct guest *g);
/* SIGHUP. */
void guest_reopen(struct audit *a);
/* Writes all that is left in the sources' sockets; for the end. */
void guest_drain(struct audit *a);

/* --- server.c --- */

/* Watches, or stops watching, a descriptor for reading. */
void server_watch(struct audit *a, struct watch *w, bool on);
/* A word to the supervisor about a source. */
void server_say(struct audit *a, uint64_t id, enum audit_state state, int error);
/* Ends a source. Its guest stays. */
void server_drop(struct audit *a, struct source *s);
/* Opens the listening socket: 0, -EEXIST when another instance has it, or a negative errno. */
int server_listen(struct audit *a, const char *path);
/* Serves until SIGTERM. Returns the exit status. */
int server_run(struct audit *a);

/* --- jail.c --- */

struct jail {
    const char *dir; /* the log directory */
    uint32_t uid;    /* user and group */
};

/*
 * Leaves nothing but the log directory, as an unprivileged user, under a filter; *root is that
 * directory. Logs what failed. 0 or a negative errno: the caller exits.
 */
int jail_enter(const struct jail *j, int *root);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t now_ms(void);

#endif
