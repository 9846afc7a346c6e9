/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - xenstore for the supervisor: bounded reads, and writes that cannot bring a removed
 * node back to life.
 *
 * Paths without a leading slash are relative to our own domain, so that everything works in a
 * driver domain as well. One struct xs_handle, one thread that uses it.
 */
#ifndef XEN9P_STORE_H
#define XEN9P_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct xs_handle;

/*
 * Value of `path` into `buf` (no NUL added). Its length, -ENOENT, -E2BIG when longer than `cap`,
 * -EACCES, or -EIO when xenstored does not answer.
 */
int store_read(struct xs_handle *xs, const char *path, char *buf, size_t cap);
/* The same as a string: NUL-terminated, -EINVAL when the value holds a NUL. 0 or as above. */
int store_read_string(struct xs_handle *xs, const char *path, char *buf, size_t cap);

struct store_write {
    const char *node;
    const char *value; /* NULL: remove the node */
};

/*
 * Writes nodes below `dir` in one transaction in which `dir`/`witness` was seen to exist. 0,
 * -ENOENT when it does not (nothing written), -EAGAIN after too many collisions, or another
 * negative errno.
 */
int store_update(struct xs_handle *xs, const char *dir, const char *witness,
                 const struct store_write *writes, size_t num);

/* Formats a path; false when it does not fit. */
bool store_path(char *out, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
