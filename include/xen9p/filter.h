/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - the seccomp filter of a worker, compiled by the supervisor.
 *
 * One table: each allowed system call with its argument pins, the operations that need it and the
 * reason it is there.
 * Default action: kill the process, logged. Descriptors are pinned to descriptors.h.
 */
#ifndef XEN9P_FILTER_H
#define XEN9P_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "xen9p/control.h"

struct filter_spec {
    enum ctl_notify_kind notify; /* ioctl NOTIFY on the event channel, or write to an eventfd */
    bool read_only;              /* leaves out every call that changes a file */
    uint32_t forbidden;          /* groups of operations.h that are left out, too */
    enum ctl_identity identity;  /* setuid, setgid and owners are for some of them only */
    bool device_nodes;           /* kept in attributes, with identities of many owners */
};

/*
 * Compiles the filter into a sealed memfd that holds an array of struct sock_filter and nothing
 * else. Returns the descriptor (close-on-exec) or a negative errno.
 */
int filter_compile(const struct filter_spec *spec);

/* True when both give the same filter: the same calls, however their lack came about. */
bool filter_same(const struct filter_spec *a, const struct filter_spec *b);

/* Writes the filter as text (pseudo filter code) to `fd`, for people. 0 or a negative errno. */
int filter_print(const struct filter_spec *spec, int fd);

#endif
