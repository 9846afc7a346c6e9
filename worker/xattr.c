/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xattr.c - values of extended attributes: read at once, stored at once.
 *
 * The kernel has no call that takes an O_PATH descriptor here: the file is named by its number,
 * relative to the working directory, which is the private mount of /proc/self/fd (WFD_PROC). Such a link leads
 * to the file itself, be it a symlink, and never elsewhere.
 */
#include "xen9p/xattr.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "xen9p/fid.h"
#include "xen9p/worker.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

struct xattr {
    struct session *session;
    bool collector;
    uint32_t size; /* of the value, or announced */
    uint32_t filled;
    uint32_t flags;
    char name[XATTR_MAX_NAME + 1];
    char value[]; /* `charged` bytes */
};

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_acl(const char *name)
{
    return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

static bool has_acls(const struct session *s)
{
    const struct ctl_config *c = &s->worker->config;

    return (c->identity == CTL_IDENTITY_MAPPED || c->identity == CTL_IDENTITY_HOST) &&
           c->file_mode_drop == 0 && c->directory_mode_drop == 0;
}

/* 0 when the guest may have it, else what it is told. */
static int judge(const struct session *s, const char *name, bool write)
{
    if (begins(name, "user.virtfs.") || begins(name, "trusted."))
        return write ? -EPERM : -ENODATA;
    if (begins(name, "user.") || (is_acl(name) && has_acls(s)))
        return 0;
    return -EOPNOTSUPP;
}

int xattr_name(const struct session *s, struct wire_str name, bool write,
               char out[XATTR_MAX_NAME + 1])
{
    if (name.len == 0 || name.len > XATTR_MAX_NAME)
        return -ERANGE;
    if (memchr(name.s, '\0', name.len) != NULL)
        return -EINVAL;
    memcpy(out, name.s, name.len);
    out[name.len] = '\0';
    return judge(s, out, write);
}

static uint32_t largest(const struct session *s)
{
    uint32_t max = s->worker->config.max_xattr;

    return max != 0 ? max : LIMIT_MAX_XATTR;
}

/* Room for `size` bytes, counted. NULL: too much is held already, or out of memory. */
static struct xattr *new_xattr(struct session *s, uint32_t size)
{
    struct xattr *x = NULL;

    if (atomic_fetch_add(&s->xattr_held, size) + size <= LIMIT_XATTR_HELD)
        x = calloc(1, sizeof(*x) + size);
    if (x == NULL) {
        atomic_fetch_sub(&s->xattr_held, size);
        return NULL;
    }
    x->session = s;
    x->size = size;
    return x;
}

/* The room is kept: what a value was smaller than asked for is given back to the count only. */
static void shrink(struct xattr *x, uint32_t size)
{
    atomic_fetch_sub(&x->session->xattr_held, x->size - size);
    x->size = size;
}

void xattr_free(struct xattr *x)
{
    if (x == NULL)
        return;
    atomic_fetch_sub(&x->session->xattr_held, x->size);
    free(x);
}

static ssize_t ask(const struct fid *f, const char *name, char *buf, size_t size)
{
    const struct fd_name path = fd_name(f->path_fd);
    ssize_t n = name != NULL ? getxattr(path.s, name, buf, size) : listxattr(path.s, buf, size);

    return n >= 0 ? n : -errno;
}

/* Leaves the names that the guest may see; their length. */
static uint32_t filter_names(const struct session *s, char *list, uint32_t len)
{
    uint32_t kept = 0;

    for (uint32_t at = 0; at < len;) {
        uint32_t n = (uint32_t)strnlen(list + at, len - at - 1) + 1;

        list[at + n - 1] = '\0';
        if (judge(s, list + at, false) == 0) {
            memmove(list + kept, list + at, n);
            kept += n;
        }
        at += n;
    }
    return kept;
}

/* One try: -ERANGE when the value has grown between the two questions. */
static int snapshot(struct session *s, const struct fid *f, const char *name, struct xattr **out)
{
    uint32_t max = name != NULL ? largest(s) : LIMIT_MAX_XATTR;
    ssize_t n = ask(f, name, NULL, 0);
    struct xattr *x;

    if (n < 0)
        return (int)n;
    if (n > (ssize_t)max)
        return -E2BIG;
    x = new_xattr(s, (uint32_t)n);
    if (x == NULL)
        return -ENOMEM;
    if (n > 0) { /* a size of 0 would ask for the size again */
        n = ask(f, name, x->value, (size_t)n);
        if (n < 0) {
            xattr_free(x);
            return (int)n;
        }
        shrink(x, (uint32_t)n);
    }
    if (name == NULL)
        shrink(x, filter_names(s, x->value, x->size));
    *out = x;
    return 0;
}

int xattr_snapshot(struct session *s, const struct fid *f, const char *name, struct xattr **out)
{
    int err = -ERANGE;

    for (int i = 0; i < 8 && err == -ERANGE; i++)
        err = snapshot(s, f, name, out);
    if (err == -EOPNOTSUPP &&
        name == NULL) { /* a file system without attributes has none to list */
        *out = new_xattr(s, 0);
        err = *out != NULL ? 0 : -ENOMEM;
    }
    return err;
}

int xattr_collect(struct session *s, const char *name, uint64_t size, uint32_t flags,
                  struct xattr **out)
{
    struct xattr *x;

    if ((flags & ~(P9_XATTR_CREATE | P9_XATTR_REPLACE)) != 0)
        return -EINVAL;
    if (size > largest(s))
        return -E2BIG;
    x = new_xattr(s, (uint32_t)size);
    if (x == NULL)
        return -ENOMEM;
    x->collector = true;
    x->flags = flags;
    memcpy(x->name, name, strlen(name) + 1);
    *out = x;
    return 0;
}

uint32_t xattr_size(const struct xattr *x)
{
    return x->size;
}

bool xattr_is_collector(const struct xattr *x)
{
    return x->collector;
}

const void *xattr_at(const struct xattr *x, uint64_t offset, uint32_t count, uint32_t *n)
{
    if (offset >= x->size) {
        *n = 0;
        return x->value;
    }
    *n = count < x->size - (uint32_t)offset ? count : x->size - (uint32_t)offset;
    return x->value + offset;
}

int xattr_write(struct xattr *x, uint64_t offset, const struct iovec *data, int segs, uint32_t len)
{
    uint32_t at = (uint32_t)offset;

    if (offset > x->filled || len > x->size - at)
        return -EINVAL;
    for (int i = 0; i < segs; i++) {
        memcpy(x->value + at, data[i].iov_base, data[i].iov_len);
        at += (uint32_t)data[i].iov_len;
    }
    if (at > x->filled)
        x->filled = at;
    return 0;
}

int xattr_commit(const struct xattr *x, const struct fid *f)
{
    const struct fd_name path = fd_name(f->path_fd);
    int flags = ((x->flags & P9_XATTR_CREATE) != 0 ? XATTR_CREATE : 0) |
                ((x->flags & P9_XATTR_REPLACE) != 0 ? XATTR_REPLACE : 0);
    int res;

    if (!x->collector)
        return 0;
    if (x->filled < x->size)
        return -EINVAL;
    if (x->size == 0 && x->flags == P9_XATTR_REPLACE)
        res = removexattr(path.s, x->name);
    else
        res = setxattr(path.s, x->name, x->value, x->size, flags);
    return res == 0 ? 0 : -errno;
}
