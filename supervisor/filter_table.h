/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_table.h - the system calls of a worker, as data. filter.c compiles it.
 */
#ifndef XEN9P_FILTER_TABLE_H
#define XEN9P_FILTER_TABLE_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "xen9p/control.h"

#define FILTER_MAX_PINS 3

/* Which workers a rule is for. */
enum filter_group {
    FILTER_ALL,
    FILTER_EVTCHN,   /* notify kind evtchn */
    FILTER_EVENTFD,  /* notify kind eventfd */
    FILTER_WRITABLE, /* the export is not read-only */
};

/* Which operations (operations.h) bring a rule in; all three must hold, 0 holds always. */
struct filter_need {
    uint32_t all;     /* all of these are allowed */
    uint32_t any;     /* one of these is */
    uint32_t without; /* none of these is */
};

/* Which identities bring a rule in: 1 << enum ctl_identity; 0: all. */
#define FILTER_ATTRIBUTES (1u << CTL_IDENTITY_XATTR)
#define FILTER_MANY_OWNERS (1u << CTL_IDENTITY_MAPPED | 1u << CTL_IDENTITY_HOST)
/* With many owners and device nodes that are kept in attributes. */
#define FILTER_DEVICE_NODES (1u << 31)

struct filter_rule {
    int nr; /* SCMP_SYS(); negative where this machine does not have the call */
    enum filter_group group;
    uint32_t identities;
    struct filter_need need;
    unsigned int num_pins;
    struct scmp_arg_cmp pin[FILTER_MAX_PINS]; /* all must hold */
};

/* Several rules for one call: one of them must hold. */
extern const struct filter_rule filter_table[];
extern const size_t filter_table_len;

/* Why a call of the table is there (filter_reason.c), one line; NULL for any other. */
const char *filter_reason(int nr);

#endif
