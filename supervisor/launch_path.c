/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch_path.c - the walk to an export, one name at a time.
 *
 * Async-signal-safe calls only. The path is the toolstack's, but directories on the way may lie
 * in the export of another guest, which can put a symbolic link there: none is followed, so that the
 * path means what it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch_child.h"

/* Mode of a directory that we make: 0777 under a daemon's usual umask. */
#define MADE_MODE 0755

/* Copies the name at `p` (behind its slash); returns its length, or 0 when it is none that we take. */
static size_t take_name(const char *p, char name[NAME_MAX + 1])
{
    size_t len = strcspn(p, "/");

    if (len == 0 || len > NAME_MAX)
        return 0;
    memcpy(name, p, len);
    name[len] = '\0';
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? 0 : len;
}

static int open_dir(int dir, const char *name)
{
    /* O_DIRECTORY also makes an automount point mount */
    int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd >= 0 ? fd : -errno;
}

static int enter(int dir, const char *name)
{
    struct stat st;
    int fd = open_dir(dir, name);

    if (fd == -ENOENT) {
        if (mkdirat(dir, name, MADE_MODE) != 0 && errno != EEXIST)
            return -errno;
        fd = open_dir(dir, name);
    }
    if (fd == -ENOTDIR && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        return -ELOOP;
    return fd;
}

/* The whole path is judged before the first directory is made. */
static int judge(const char *path)
{
    char name[NAME_MAX + 1];

    if (*path != '/' || strnlen(path, PATH_MAX) == PATH_MAX)
        return -EINVAL;
    for (const char *p = path; *p == '/';) {
        size_t len = take_name(p + 1, name);

        if (len == 0)
            return -EINVAL;
        p += 1 + len;
    }
    return 0;
}

int launch_path(const char *path)
{
    char name[NAME_MAX + 1];
    int err = judge(path);
    int dir;

    if (err != 0)
        return err;
    umask(0777 & ~MADE_MODE);
    dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    for (const char *p = path; *p == '/';) {
        int next;

        p += 1 + take_name(p + 1, name);
        next = enter(dir, name);
        close(dir);
        if (next < 0)
            return next;
        dir = next;
    }
    return dir;
}
