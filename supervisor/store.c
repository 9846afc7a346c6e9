/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.c - bounded reads and existence-checked writes of xenstore.
 *
 * Values may have been written by a guest: only their length is interpreted here.
 */
#include "xen9p/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "xen9p/limits.h"

/*
 * xs_* errors as ours. Only xenstored's own ENOENT says that a node is gone: a connection that broke
 * gives EINVAL, EBADF and others, and must not look like a device that was removed.
 */
static int store_error(int err)
{
    switch (err) {
    case ENOENT:
    case EACCES:
    case EAGAIN:
    case ENOMEM:
    case ENOSPC:
        return -err;
    case EPERM:
        return -EACCES;
    default:
        return -EIO;
    }
}

int store_read(struct xs_handle *xs, const char *path, char *buf, size_t cap)
{
    unsigned int len = 0;
    char *value = xs_read(xs, XBT_NULL, path, &len);

    if (value == NULL)
        return store_error(errno);
    if (len > cap || len > LIMIT_STORE_VALUE) {
        free(value);
        return -E2BIG;
    }
    memcpy(buf, value, len);
    free(value);
    return (int)len;
}

int store_read_string(struct xs_handle *xs, const char *path, char *buf, size_t cap)
{
    int n = store_read(xs, path, buf, cap - 1);

    if (n < 0)
        return n;
    buf[n] = '\0';
    return strlen(buf) == (size_t)n ? 0 : -EINVAL;
}

bool store_path(char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(out, cap, fmt, ap);
    va_end(ap);
    return n >= 0 && (size_t)n < cap;
}

static int exists(struct xs_handle *xs, xs_transaction_t t, const char *dir, const char *witness)
{
    char path[LIMIT_STORE_PATH];
    unsigned int len;
    char *value;

    if (!store_path(path, sizeof(path), "%s/%s", dir, witness))
        return -EINVAL;
    value = xs_read(xs, t, path, &len);
    if (value == NULL)
        return store_error(errno);
    free(value);
    return 0;
}

static int write_one(struct xs_handle *xs, xs_transaction_t t, const char *dir,
                     const struct store_write *w)
{
    char path[LIMIT_STORE_PATH];

    if (!store_path(path, sizeof(path), "%s/%s", dir, w->node))
        return -EINVAL;
    if (w->value == NULL) {
        /* what is not there need not go */
        return xs_rm(xs, t, path) || errno == ENOENT ? 0 : store_error(errno);
    }
    if (!xs_write(xs, t, path, w->value, (unsigned int)strlen(w->value)))
        return store_error(errno);
    return 0;
}

static int try_update(struct xs_handle *xs, const char *dir, const char *witness,
                      const struct store_write *writes, size_t num)
{
    xs_transaction_t t = xs_transaction_start(xs);
    int err;

    if (t == XBT_NULL)
        return store_error(errno);
    err = exists(xs, t, dir, witness);
    for (size_t i = 0; err == 0 && i < num; i++)
        err = write_one(xs, t, dir, &writes[i]);
    if (err != 0) {
        (void)xs_transaction_end(xs, t, true);
        return err;
    }
    return xs_transaction_end(xs, t, false) ? 0 : store_error(errno);
}

int store_update(struct xs_handle *xs, const char *dir, const char *witness,
                 const struct store_write *writes, size_t num)
{
    int err = -EAGAIN;

    for (int i = 0; err == -EAGAIN && i < LIMIT_STORE_RETRIES; i++)
        err = try_update(xs, dir, witness, writes, num);
    return err;
}
