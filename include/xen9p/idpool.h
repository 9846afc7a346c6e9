/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idpool.h - which range of host ids belongs to which domain, for identity mapped.
 *
 * A range that was given out once stays that domain's: files of it lie on some disk. So the ranges
 * are kept in a file, which is written before a range is used for the first time. Nobody ever takes
 * a line away but an administrator with an editor.
 */
#ifndef XEN9P_IDPOOL_H
#define XEN9P_IDPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDPOOL_FILE "/var/lib/xen9p/id-ranges"
#define IDPOOL_KEY_MAX 800 /* with its NUL */

struct id_range {
    uint32_t first, count;
};

struct idpool;

/* Reads `path` when it is needed first. NULL when out of memory. */
struct idpool *idpool_new(const char *path);
void idpool_free(struct idpool *p);

/*
 * Key of a domain: `kind` ("uuid", "name", "path") and what it is, with bytes that would be in the
 * way escaped.
 */
void idpool_key(const char *kind, const char *what, char out[IDPOOL_KEY_MAX]);

/* True when the policy has given `range` (or a part of it) to somebody by name. */
typedef bool (*idpool_taken)(void *arg, struct id_range range);

/*
 * The range of the domain `key`.
 *
 * With `fixed` (count not 0; the policy's identity-range) that one, unless a part of it was another
 * domain's. Otherwise the one that was given to it last; or the first one in `pool` of LIMIT_IDS
 * ids that nobody was ever given and `taken` does not know. New ones are on disk when this returns:
 * it waits for that disk, once in a domain's life.
 *
 * 0, or a negative errno with the reason and its remedy in `why`: -EEXIST another domain's,
 * -ENOSPC the pool is used up, -EBADMSG the file is not as written, or what kept it from being
 * read or written.
 */
int idpool_take(struct idpool *p, const char *key, struct id_range fixed, struct id_range pool,
                idpool_taken taken, void *arg, struct id_range *out, char *why, size_t cap);

#endif
