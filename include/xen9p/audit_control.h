/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_control.h - the protocol between xen9pd and xen9p-audit: AF_UNIX SOCK_SEQPACKET at
 * AUDIT_SOCKET, one fixed-size little-endian struct without padding per message.
 *
 * xen9p-audit listens and takes root's connections only. For each worker xen9pd makes a socketpair:
 * the worker sends its batches into one end; the other goes to xen9p-audit, together with who
 * that worker is. xen9pd keeps a duplicate: when xen9p-audit dies, what is queued waits for its
 * successor, to whom the same end is sent again.
 */
#ifndef XEN9P_AUDIT_CONTROL_H
#define XEN9P_AUDIT_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#define AUDIT_SOCKET "/run/xen9p/audit.sock"
#define AUDIT_LOG_DIR "/var/log/xen9p"
#define AUDIT_RUN_USER "_xen9p-audit"
/* Where there is no such user: below the workers' range (limits.h), which nobody else hands out. */
#define AUDIT_RUN_UID 0x7838ffffu
#define AUDIT_CTL_VERSION 1u

enum audit_ctl_type {
    /* xen9pd -> xen9p-audit */
    AUDIT_CTL_SOURCE = 1, /* struct audit_ctl_source + the receiving end of a worker's socket */
    AUDIT_CTL_LIMITS = 2, /* the same without a descriptor: a known source's new limits */
    AUDIT_CTL_EVENT = 3,  /* struct audit_ctl_event: a record of the supervisor's own */
    /* xen9p-audit -> xen9pd */
    AUDIT_CTL_STATE = 16, /* struct audit_ctl_state */
};

enum audit_full { AUDIT_FULL_BLOCK = 0, AUDIT_FULL_DROP = 1 };

struct audit_ctl_header {
    uint16_t version;
    uint16_t type;
    uint32_t reserved; /* 0 */
    uint64_t id;       /* the source, as xen9pd numbers them */
};

/* Who. Text is NUL-terminated and the rest of its field is zero; it may hold any other byte. */
struct audit_identity {
    uint32_t domid, devid;
    uint32_t pid;      /* of the worker, 0 when there is none */
    uint32_t full;     /* enum audit_full */
    uint64_t log_max;  /* bytes of one file */
    uint32_t log_keep; /* files, the present one included; at least 1 */
    uint32_t reserved; /* 0 */
    char domain[128];  /* its name: the directory's, too */
    char uuid[40];
    char policy[72]; /* hash of the policy in force */
};

struct audit_ctl_source {
    struct audit_ctl_header hdr;
    struct audit_identity who;
};

struct audit_ctl_event {
    struct audit_ctl_header hdr; /* id 0: of no source */
    struct audit_identity who;
    uint32_t op;       /* enum audit_op, one of the supervisor's */
    uint32_t cls;      /* enum audit_class */
    uint32_t error;    /* errno or 0 */
    uint32_t reserved; /* 0 */
    uint64_t value, read, written;
    char path[1024];  /* the export, or "" */
    char detail[256]; /* for people, or "" */
};

enum audit_state {
    AUDIT_STATE_BLOCKED = 1,   /* cannot write its log; error says why */
    AUDIT_STATE_RUNNING = 2,   /* can again */
    AUDIT_STATE_DROPPING = 3,  /* cannot write and drops, as its policy says */
    AUDIT_STATE_VIOLATION = 4, /* a malformed batch: the worker is not to be trusted any more */
};

struct audit_ctl_state {
    struct audit_ctl_header hdr;
    uint32_t state; /* enum audit_state */
    uint32_t error; /* errno or 0 */
};

union audit_ctl_message {
    struct audit_ctl_header hdr;
    struct audit_ctl_source source;
    struct audit_ctl_event event;
    struct audit_ctl_state state;
};

/*
 * Sends `m` (hdr.type set, hdr.version filled in here) with descriptor `pass` or -1, without
 * waiting. 0, -EAGAIN, -EINVAL when the table does not know it so, or another negative errno.
 */
int audit_ctl_send(int sock, union audit_ctl_message *m, int pass);

/*
 * Receives one message without waiting. 1: `m` filled, and *passed (NULL: no room for one), owned
 * by the caller, or -1. 0: closed. -EAGAIN. -EPROTO: anything else than the table says.
 */
int audit_ctl_recv(int sock, union audit_ctl_message *m, int *passed);

#endif
