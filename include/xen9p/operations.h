/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * operations.h - the groups of operations that a policy can allow and forbid.
 *
 * One table (operations.c): operation -> 9P messages that it admits -> system calls that it needs.
 * The worker's dispatcher asks it which messages to refuse; the rules of the supervisor's filter
 * carry the same bits, and a test holds both against the table.
 *
 * What is in no group is always admitted: version, auth, attach, flush, walk, clunk, getattr,
 * fsync, and stat of the older dialects. Without it a client cannot even mount. Topen, Tcreate and Twstat are many things in one:
 * their handlers ask for the groups of what they come to.
 */
#ifndef XEN9P_OPERATIONS_H
#define XEN9P_OPERATIONS_H

#include <stddef.h>
#include <stdint.h>

enum operation {
    OPERATION_READ = 1 << 0,
    OPERATION_WRITE = 1 << 1,
    OPERATION_CREATE = 1 << 2,
    OPERATION_DELETE = 1 << 3,
    OPERATION_RENAME = 1 << 4,
    OPERATION_LINK = 1 << 5,
    OPERATION_SYMLINK = 1 << 6,
    OPERATION_MKNOD = 1 << 7,
    OPERATION_SETATTR = 1 << 8,
    OPERATION_XATTR = 1 << 9,
    OPERATION_LOCK = 1 << 10,
    OPERATION_STATFS = 1 << 11,
};
#define OPERATIONS 12
#define OPERATIONS_ALL ((1u << OPERATIONS) - 1)
/* What is left of a read-only export. */
#define OPERATIONS_READ_ONLY \
    ((uint32_t)OPERATION_READ | OPERATION_XATTR | OPERATION_LOCK | OPERATION_STATFS)

#define OPERATION_MAX_MESSAGES 8
#define OPERATION_MAX_CALLS 8

struct operation_info {
    const char *name;
    uint32_t bit;
    int error;                               /* positive errno of a refusal */
    uint8_t message[OPERATION_MAX_MESSAGES]; /* refused as a whole without it; 0 ends */
    const char *call[OPERATION_MAX_CALLS];   /* system calls that only it (or another group that
                                                 names them) brings into the filter; NULL ends */
    const char *why;                         /* one line: what it is, what else it decides */
};

extern const struct operation_info operation_table[OPERATIONS];

/* Bit of the group with this name (not NUL-terminated), or 0. */
uint32_t operation_by_name(const char *name, size_t len);

/*
 * 0 when `allowed` admits 9P message `type`, else the negative errno of the refusal. What depends
 * on more than the type (a Tlopen for writing, the size in a Tsetattr) is judged by the handler, with
 * operation_refusal().
 */
int operation_admits(uint32_t allowed, uint8_t type);

/* 0 when every bit of `needed` is in `allowed`, else the negative errno of the first missing one. */
int operation_refusal(uint32_t allowed, uint32_t needed);

#endif
