/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_counts.h - how much of an export is in use: counts in a memfd, one for each exported
 * directory, shared by the workers that serve it and the supervisor that remembers them.
 *
 * Made and sealed (no resizing) by the supervisor. A worker adds before it makes something and
 * takes off after it has removed something, so that a count is never too low by what is under way.
 * Whoever holds the memory can write any number into it: the numbers of its own export, nobody
 * else's.
 *
 * A scan of the tree says what there really is, but the tree changes while it looks. `grown` and
 * `shrunk` add up all that could have changed: what was counted must lie within that margin of
 * what was seen, and is moved to the nearest number that does. Nothing changed: exact.
 */
#ifndef XEN9P_QUOTA_COUNTS_H
#define XEN9P_QUOTA_COUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QUOTA_COUNTS_MAGIC 0x51503958u /* "X9PQ" */

enum quota_kind {
    QUOTA_SPACE, /* bytes: lengths of regular files, each rounded up to QUOTA_BLOCK */
    QUOTA_FILES, /* inodes: files, directories, symlinks, FIFOs, sockets; not the root */
    QUOTA_KINDS,
};
#define QUOTA_BLOCK 4096u

struct quota_counts {
    uint32_t magic;
    uint32_t size; /* sizeof(struct quota_counts) */
    _Atomic uint64_t used[QUOTA_KINDS];
    _Atomic uint64_t grown[QUOTA_KINDS];  /* all that was ever added; wraps */
    _Atomic uint64_t shrunk[QUOTA_KINDS]; /* all that was ever taken off; wraps */
    _Atomic uint32_t scans;               /* that were finished */
    uint32_t reserved;
};

/* A sealed memfd with these numbers in use; owned by the caller. Or a negative errno. */
int quota_counts_create(const uint64_t used[QUOTA_KINDS]);
/* Maps such a memfd after checking seals, size and header. NULL and errno (EPROTO: not one). */
struct quota_counts *quota_counts_map(int fd);
void quota_counts_unmap(struct quota_counts *c);

/* `size` rounded up to QUOTA_BLOCK. Any size that a file can have (below 2^63). */
uint64_t quota_round(uint64_t size);

/*
 * Adds what is wanted, or as much of it as `limit` (0: none) leaves, in multiples of `unit` (at
 * least `wanted` is one). Returns how much that was.
 */
uint64_t quota_take(struct quota_counts *c, enum quota_kind kind, uint64_t wanted, uint64_t unit,
                    uint64_t limit);
/* Takes off `n`; never below 0. */
void quota_give(struct quota_counts *c, enum quota_kind kind, uint64_t n);
/* `n` is about to go, or to move: for the margin of a scan that is under way. */
void quota_going(struct quota_counts *c, enum quota_kind kind, uint64_t n);
void quota_moving(struct quota_counts *c, enum quota_kind kind, uint64_t n);

/* Changes under way in one process, for the margin: begun, not finished. */
struct quota_pending {
    _Atomic uint64_t up[QUOTA_KINDS], down[QUOTA_KINDS];
};

/* Where the counts stood when a scan began. */
struct quota_mark {
    uint64_t grown[QUOTA_KINDS], shrunk[QUOTA_KINDS];
    uint64_t up[QUOTA_KINDS], down[QUOTA_KINDS];
};
void quota_mark(const struct quota_counts *c, const struct quota_pending *p, struct quota_mark *m);
/*
 * The scan since `m` has seen `seen`; `*hidden` is in use beside that, where a scan does not see it
 * (read anew for each attempt). Returns the width of the margin: 0 when the count is exact now.
 */
uint64_t quota_settle(struct quota_counts *c, enum quota_kind kind, const struct quota_mark *m,
                      const struct quota_pending *p, uint64_t seen, const _Atomic uint64_t *hidden);

#endif
