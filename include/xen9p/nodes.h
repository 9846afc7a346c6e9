/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nodes.h - strict reading of the xenstore nodes of a device.
 *
 * The frontend's nodes are guest input: any length, any bytes, rewritten at any time. The
 * backend's come from the toolstack and from what an administrator typed. Both are taken through
 * one getter, so that everything here is pure.
 */
#ifndef XEN9P_NODES_H
#define XEN9P_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen9p/control.h"
#include "xen9p/limits.h"

/*
 * Fetches node `name` into `buf` (at most `cap` bytes, no NUL is added). Returns its length,
 * -ENOENT, -E2BIG when it is longer than `cap`, or another negative errno.
 */
typedef int (*nodes_getter)(void *arg, const char *name, char *buf, size_t cap);

/* Why a device was refused: enough for one line in the log. */
struct nodes_fault {
    char node[32];
    char value[72];  /* start of the value, escaped, in quotes; "(missing)", "(too long)" */
    const char *why; /* what is wrong and what to do about it */
};

struct backend_nodes {
    char path[LIMIT_EXPORT_PATH];
    char frontend[64];       /* the frontend's directory, without a slash at the end */
    uint64_t max_space;      /* bytes, 0: none */
    uint64_t max_files;      /* 0: none */
    uint32_t max_open_files; /* 0: default */
    bool auto_delete;
};

struct frontend_ring {
    uint32_t ref;  /* grant of the interface page */
    uint32_t port; /* the frontend's event channel */
};

struct frontend_nodes {
    uint32_t num_rings; /* 1..LIMIT_MAX_RINGS */
    struct frontend_ring ring[CTL_MAX_RINGS];
};

/*
 * Decimal number: 1 to 20 digits and nothing else, no leading zero, at most `max`.
 * 0, -EINVAL, or -ERANGE.
 */
int nodes_decimal(const char *s, size_t len, uint64_t max, uint64_t *out);

/*
 * Nodes that the toolstack wrote for device `devid` of domain `domid`. 0, -EINVAL with `fault`
 * filled in, or another negative errno when the getter failed for reasons of its own.
 */
int nodes_backend(nodes_getter get, void *arg, uint32_t domid, uint32_t devid,
                  struct backend_nodes *out, struct nodes_fault *fault);

/* Nodes that the frontend wrote. As nodes_backend(). */
int nodes_frontend(nodes_getter get, void *arg, struct frontend_nodes *out,
                   struct nodes_fault *fault);

/* The frontend's or backend's `state`: 0..8 in `out`. As nodes_backend(), and -ENOENT when there is none. */
int nodes_state(nodes_getter get, void *arg, unsigned *out, struct nodes_fault *fault);

/* `value` in quotes, escaped, shortened to what `out` holds. */
void nodes_quote(char *out, size_t cap, const char *value, size_t len);

#endif
