/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig.h - a running xen9p-audit, this process as its supervisor and as its workers.
 */
#ifndef XEN9P_TESTS_AUDIT_RIG_H
#define XEN9P_TESTS_AUDIT_RIG_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "../host/tap.h"
#include "xen9p/audit.h"
#include "xen9p/audit_control.h"

#define AUDIT_TEST_UID 0x7838ffffu

struct arig {
    char logs[128], socket[128];
    pid_t pid;
    int sock; /* as the supervisor */
    uint64_t next_id;
    struct audit_ctl_state state; /* last one received */
    unsigned states;
};

/* A worker that only sends records. */
struct source {
    uint64_t id;
    struct audit_identity who;
    int worker, audit; /* the two ends; we keep both, as the supervisor does */
    uint64_t sent;     /* records that were taken by the socket */
};

/* Directory of its own, audit process, connection. `logs` NULL: below tap_dir(). */
void arig_start(struct arig *r, const char *logs);
void arig_spawn(struct arig *r);
/* Path of a program of the same build. */
void arig_program(const char *name, char *path, size_t cap);
void arig_connect(struct arig *r);
void arig_kill(struct arig *r, int sig);
/* A new one after that. It knows no source yet. */
void arig_restart(struct arig *r);
/* SIGTERM: everything that is in the sockets is written then. */
void arig_stop(struct arig *r);
/* Takes what xen9p-audit has to say; waits up to `ms` for a state. */
bool arig_state(struct arig *r, enum audit_state state, long long ms);

/* A small file system for the logs, at tap_dir()/NAME, and more room on it. */
void small_disk(const char *name, char *mnt, size_t cap);
void grow_disk(const char *mnt);

void source_open(struct arig *r, struct source *s, const char *domain, enum audit_full full);
/* Tells xen9p-audit about it (again). */
void source_register(struct arig *r, struct source *s);
/* Sends `count` records in one batch. 0, -EAGAIN when the socket is full. */
int source_send(struct source *s, unsigned count, const struct audit_record *like);
/* The same; waits as long as it takes. */
void source_send_all(struct source *s, unsigned total, unsigned batch);
/* Waits until xen9p-audit has taken all that was sent. */
void source_drained(const struct source *s);
void source_end(struct source *s);
void arig_event(struct arig *r, const struct source *s, enum audit_op op, const char *detail);

/* What stands in a guest's files, oldest first, each line parsed; fails on any that does not. */
struct log {
    json_t *lines;       /* array */
    uint64_t records;    /* lines of workers */
    uint64_t suppressed; /* sum of the counts */
    unsigned files;
};
/* `whole`: sequence from 1, else from wherever the oldest file begins. Never a gap. */
void log_read(const struct arig *r, const char *directory, bool whole, struct log *l);
uint64_t line_number(const json_t *line, const char *key);
const char *line_text(const json_t *line, const char *key);
/* Records of the worker `id` must be 1..n without gap or repetition. */
void log_expect(const struct log *l, uint64_t id, uint64_t n);

#endif
