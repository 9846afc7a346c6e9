/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.h - audit records on their way from a worker to xen9p-audit.
 *
 * A batch is one SOCK_SEQPACKET message: header and records, little-endian, no padding. It says
 * what a guest did and how it went; who, when and under which policy is told by the supervisor,
 * never by a worker. A worker may have been taken over: a batch that is not exactly as described
 * here is a violation of its device's policy.
 *
 *   batch   version[2] count[2] lost[4] first[8] record*count
 *   record  op[1] class[1] flags[2] error[4] reason[4] uid[4] mode[4] value[8] read[8] written[8]
 *           path[s] to[s]
 *
 * A string is len[2] and that many bytes, any bytes.
 */
#ifndef XEN9P_AUDIT_H
#define XEN9P_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen9p/cursor.h"

#define AUDIT_VERSION 1u
#define AUDIT_HEADER_SIZE 16u
#define AUDIT_STRING_MAX 4096u /* bytes of a path */
#define AUDIT_RECORD_SIZE 44u  /* without its strings */
#define AUDIT_RECORD_MAX (AUDIT_RECORD_SIZE + 4u + 2u * AUDIT_STRING_MAX)
#define AUDIT_BATCH_MAX 32768u /* bytes of a message */

enum audit_class {
    AUDIT_SESSION,   /* connecting, sessions, attaches, ends */
    AUDIT_MUTATE,    /* whatever changes a file, a name or an attribute */
    AUDIT_READ,      /* opening for reading, links read */
    AUDIT_DENY,      /* refused: EACCES, EPERM, EROFS, or an operation that the policy leaves out */
    AUDIT_VIOLATION, /* a guest that broke the protocol, a worker that did what it must not */
    AUDIT_CLASSES,
};
#define AUDIT_ALL_CLASSES ((1u << AUDIT_CLASSES) - 1)

enum audit_op {
    AUDIT_OP_NONE,
    /* a worker's */
    AUDIT_OP_VERSION, /* value: msize */
    AUDIT_OP_ATTACH,
    AUDIT_OP_WALK,
    AUDIT_OP_OPEN, /* value: flags of the Tlopen */
    AUDIT_OP_CREATE,
    AUDIT_OP_CLOSE, /* read, written: in all since it was opened */
    AUDIT_OP_READ,
    AUDIT_OP_WRITE,
    AUDIT_OP_READDIR,
    AUDIT_OP_MKDIR,
    AUDIT_OP_MKNOD,
    AUDIT_OP_SYMLINK, /* path: the new link, to: what it says */
    AUDIT_OP_LINK,    /* path: the file, to: its new name */
    AUDIT_OP_RENAME,
    AUDIT_OP_UNLINK,
    AUDIT_OP_REMOVE,
    AUDIT_OP_GETATTR,
    AUDIT_OP_SETATTR, /* value: P9_SETATTR_* */
    AUDIT_OP_READLINK,
    AUDIT_OP_XATTR,
    AUDIT_OP_LOCK,
    AUDIT_OP_FSYNC,
    AUDIT_OP_STATFS,
    AUDIT_OP_PROTOCOL, /* value: enum ctl_close_reason */
    AUDIT_OP_OTHER,    /* value: type of the message */
    AUDIT_OP_WORKER_LAST = AUDIT_OP_OTHER,
    /* the supervisor's */
    AUDIT_OP_CONNECT,
    AUDIT_OP_LOCKDOWN, /* value: threads */
    AUDIT_OP_DISCONNECT,
    AUDIT_OP_CRASH, /* value: signal, 0 when it exited */
    AUDIT_OP_QUARANTINE,
    AUDIT_OP_REFUSE,
    AUDIT_OP_SUPERVISOR_LAST = AUDIT_OP_REFUSE,
    /* xen9p-audit's own */
    AUDIT_OP_LOG,        /* a new file */
    AUDIT_OP_SUPPRESSED, /* value: how many records were not written */
    AUDIT_OP_LOST,       /* value: how many records the worker could not send */
    AUDIT_OP_MALFORMED,  /* a batch that was none */
    AUDIT_OPS,
};

/* Why, where an errno alone does not say it. */
enum audit_reason {
    AUDIT_WHY_NONE,
    AUDIT_WHY_READ_ONLY, /* the export is */
    AUDIT_WHY_OPERATION, /* the policy leaves this operation out */
    AUDIT_WHY_LIMIT,     /* a limit of the policy */
    AUDIT_WHY_RATE,      /* more records than a guest may cause */
    AUDIT_WHY_DISK,      /* the log could not be written */
    AUDIT_WHY_ROTATED,
    AUDIT_WHY_REOPENED,
    AUDIT_WHY_STARTED,
    AUDIT_REASONS,
};

#define AUDIT_FLAG_PATH_CUT 1u /* the path was longer than AUDIT_STRING_MAX */
#define AUDIT_FLAG_TO_CUT 2u
#define AUDIT_FLAG_DELETED 4u /* the file had no name any more; the path is its last one */
#define AUDIT_FLAGS 7u

/* Strings point into the message. */
struct audit_record {
    uint8_t op;  /* enum audit_op */
    uint8_t cls; /* enum audit_class */
    uint16_t flags;
    uint32_t error;  /* errno, 0 for success */
    uint32_t reason; /* enum audit_reason */
    uint32_t uid;    /* n_uname of the attach, P9_NONUNAME when unknown */
    uint32_t mode;   /* permission and type bits of what was created */
    uint64_t value;  /* see enum audit_op */
    uint64_t read, written;
    struct wire_str path, to;
};

struct audit_batch {
    uint16_t count; /* at least 1, or 0 with `lost` */
    uint32_t lost;  /* records that were dropped since the batch before */
    uint64_t first; /* number of the first record among all of this worker, dropped ones too */
};

/* Begins a batch in `buf` of AUDIT_BATCH_MAX bytes. */
void audit_begin(struct builder *b, void *buf);
/*
 * Appends a record. False, with the batch as it was, when there is no room for it: send first. An
 * empty batch takes any record. Strings over AUDIT_STRING_MAX are cut and flagged.
 */
bool audit_put(struct builder *b, const struct audit_record *r);
/* Fills in the header; the message is what the builder holds. */
void audit_finish(struct builder *b, uint64_t first, uint32_t lost);
/* Records in it. */
uint16_t audit_count(const struct builder *b);

/*
 * Opens a received batch: `c` then stands at its first record. 0 or -EPROTO. `len` is the length
 * of the message, all of which was received.
 */
int audit_open(struct cursor *c, const void *msg, size_t len, struct audit_batch *batch);
/* The next record. 0 or -EPROTO: a number that means nothing, a string too long, cut off. */
int audit_next(struct cursor *c, struct audit_record *r);
/*
 * All of a batch: 0, or -EPROTO unless it holds exactly its records, of operations that are a
 * worker's. After this audit_next() cannot fail.
 */
int audit_check(const void *msg, size_t len, struct audit_batch *batch);

/* As they stand in the log; "?" for a number that is none. */
const char *audit_op_name(uint32_t op);
const char *audit_class_name(uint32_t cls);
/* NULL for AUDIT_WHY_NONE. */
const char *audit_reason_name(uint32_t reason);

/* The present file in a domain's directory; older ones end in .1 (the newest) and so on. */
#define AUDIT_LOG_NAME "audit.log"
#define AUDIT_DIRECTORY_MAX 256
/*
 * Directory of a domain: letters, digits, "-_+.@" as they are, all else as %XX, a leading dot too;
 * "unnamed" for an empty name. What does not fit ends in a hash of all of it.
 */
void audit_directory(char out[AUDIT_DIRECTORY_MAX], const char *domain);

#endif
