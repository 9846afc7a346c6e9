/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dirstream.h - Treaddir on an open directory, and Tread of the older dialects.
 *
 * The stream holds no entries: one read fills one reply, and what the kernel hands out always
 * fits, so the position of the descriptor is the cookie of the entry that comes next. A guest with
 * thousands of half-read directories costs no memory.
 */
#ifndef XEN9P_DIRSTREAM_H
#define XEN9P_DIRSTREAM_H

#include <stdint.h>

#include "xen9p/cursor.h"

struct session;
struct dirstream;

/*
 * Stream over the directory `fd` (O_RDONLY, stays the caller's and must outlive the stream).
 * NULL when out of memory.
 */
struct dirstream *dirstream_new(struct session *s, int fd);
void dirstream_free(struct dirstream *d); /* NULL is fine */

/*
 * Appends entries (qid[13] offset[8] type[1] name[s]) from cookie `offset` on to `out` as long as
 * they fit. Offset 0 is the beginning, any other must be the `offset` of an entry that was sent.
 * Nothing appended and 0: the end. -EINVAL: not even the first entry fits, or no such offset; or
 * what the file system says. One caller at a time.
 */
int dirstream_read(struct dirstream *d, uint64_t offset, struct builder *out);

/*
 * Appends stats (ustat.h), whole ones, without "." and "..": read(5). `offset` counts bytes: 0, or where the last such
 * read ended; -EINVAL for any other, and when there is no room for the first stat. Nothing appended and 0: the end.
 */
int dirstream_read_stats(struct dirstream *d, uint64_t offset, struct builder *out);

#endif
