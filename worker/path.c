/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.c - steps through the export.
 *
 * Trusts the kernel. The host may change the tree at any time, and other threads do: each step
 * holds a descriptor of what it has reached, and what a path says is verified at its end.
 */
#include "xen9p/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/limits.h"
#include "xen9p/session.h"

int path_stat(int fd, struct stat *st)
{
    return fstatat(fd, "", st, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

int path_step(int dirfd, const char *name, struct stat *st)
{
    int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int err;

    if (fd < 0)
        return -errno;
    err = path_stat(fd, st);
    if (err != 0) {
        close(fd);
        return err;
    }
    return fd;
}

int path_again(int fd)
{
    /* The link below WFD_PROC ends at the file itself, be it a symlink: no O_NOFOLLOW here. */
    int again = openat(WFD_PROC, fd_name(fd).s, O_PATH | O_CLOEXEC);

    return again >= 0 ? again : -errno;
}

/* Path of `fd` as the kernel sees it now. Returns its length or a negative errno. */
static ssize_t path_of(int fd, char out[PATH_MAX])
{
    ssize_t n = readlinkat(WFD_PROC, fd_name(fd).s, out, PATH_MAX);

    if (n < 0)
        return -errno;
    if (n == PATH_MAX)
        return -ENAMETOOLONG;
    out[n] = '\0';
    return n;
}

/*
 * Path of `fd` below the root, without a leading slash. The worker's root is the export, so
 * that the root's own path is "/"; it is asked for all the same, for a worker that was not
 * given a root of its own (tests of single functions).
 */
static ssize_t path_below_root(int fd, char out[PATH_MAX])
{
    char root[PATH_MAX];
    ssize_t n = path_of(fd, out), r = path_of(WFD_ROOT, root);

    if (n < 0 || r < 0)
        return n < 0 ? n : r;
    if (root[r - 1] == '/')
        r--;
    /* "(unreachable)..." and anything else that does not begin with the root is outside of it. */
    if (n <= r + 1 || memcmp(out, root, (size_t)r) != 0 || out[r] != '/')
        return -ENOENT;
    n -= r + 1;
    memmove(out, out + r + 1, (size_t)n + 1);
    return n;
}

/* Walks `path` but for its last name. Returns the parent's descriptor, *last is that name. */
static int walk_to_parent(char *path, char **last)
{
    struct stat st;
    int dir = path_again(WFD_ROOT);

    while (dir >= 0) {
        char *slash = strchr(path, '/');
        int next;

        if (slash == NULL)
            break;
        *slash = '\0';
        next = path_step(dir, path, &st);
        close(dir);
        dir = next;
        path = slash + 1;
    }
    *last = path;
    return dir;
}

int path_is_inside(const struct session *s, int fd)
{
    struct stat st = {0};
    int dir = path_again(fd), up, err = dir < 0 ? dir : path_stat(dir, &st);

    for (uint32_t i = 0; err == 0 && i < LIMIT_DEEP_STEPS; i++) {
        if (st.st_dev == s->root.st_dev && st.st_ino == s->root.st_ino)
            break;
        up = i + 1 < LIMIT_DEEP_STEPS ? path_step(dir, "..", &st) : -ENAMETOOLONG;
        close(dir);
        dir = up;
        err = dir < 0 ? dir : 0;
    }
    if (dir >= 0)
        close(dir);
    return err;
}

int path_is_entry(int fd, int dir, const char *name)
{
    struct stat a, b;
    int err = path_stat(fd, &a);

    if (err != 0)
        return err;
    if (fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino ? 0 : -ENOENT;
}

int path_locate(const struct session *s, int fd, char name[P9_NAME_MAX + 1])
{
    char path[PATH_MAX], *last;
    struct stat st;
    struct wire_str w;
    ssize_t n;
    int dir, err = path_stat(fd, &st);

    if (err != 0)
        return err;
    if (st.st_dev == s->root.st_dev && st.st_ino == s->root.st_ino)
        return -EBUSY;
    n = path_below_root(fd, path);
    if (n < 0)
        return (int)n;
    dir = walk_to_parent(path, &last);
    if (dir < 0)
        return dir;
    w.s = last;
    w.len = (uint16_t)strlen(last);
    /* " (deleted)" behind a name of 255 bytes makes it too long: that too is "no such entry". */
    err = p9_name(w, name) == 0 ? path_is_entry(fd, dir, name) : -ENOENT;
    if (err != 0) {
        close(dir);
        return err;
    }
    return dir;
}

static const char deleted[] = " (deleted)"; /* what the kernel puts behind the last name */

void path_name(const struct session *s, int fd, const struct stat *st, char name[P9_NAME_MAX + 1])
{
    char path[PATH_MAX];
    ssize_t n = path_of(fd, path);
    const char *last = n > 0 ? strrchr(path, '/') : NULL;
    size_t len = last != NULL ? strlen(++last) : 0;

    if (st->st_dev == s->root.st_dev && st->st_ino == s->root.st_ino) {
        memcpy(name, "/", sizeof("/"));
        return;
    }
    if (len >= sizeof(deleted) && strcmp(last + len - (sizeof(deleted) - 1), deleted) == 0) {
        int parent = path_locate(s, fd, name);

        if (parent >= 0) { /* it is really called so */
            close(parent);
            return;
        }
        len -= sizeof(deleted) - 1;
    }
    if (len > P9_NAME_MAX)
        len = 0;
    memcpy(name, len > 0 ? last : "", len);
    name[len] = '\0';
}
