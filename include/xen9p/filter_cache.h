/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_cache.h - compiled filters: one for each distinct need, with the hash by which log and
 * status name it. Compiling takes milliseconds, and most devices need the same.
 */
#ifndef XEN9P_FILTER_CACHE_H
#define XEN9P_FILTER_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "xen9p/filter.h"
#include "xen9p/limits.h"

#define FILTER_HASH_SIZE 72 /* "sha256:", 64 hexadecimal digits, NUL */

struct compiled_filter {
    struct filter_spec spec;
    int fd; /* sealed memfd, the cache's; sent to a worker, which has its own then */
    char hash[FILTER_HASH_SIZE]; /* of the program, as it stands in the memfd */
    uint64_t used;               /* when it was asked for last: a count */
};

/* Zeroed at the start. What was asked for longest ago makes room for a new one. */
struct filter_cache {
    struct compiled_filter *entry[LIMIT_FILTERS];
    size_t num;
    uint64_t clock;
};

/*
 * The filter for `spec`, compiled now unless it is there. Valid until the next call. NULL with
 * *err, a negative errno.
 */
const struct compiled_filter *filter_cache_get(struct filter_cache *c,
                                               const struct filter_spec *spec, int *err);

void filter_cache_clear(struct filter_cache *c);

#endif
