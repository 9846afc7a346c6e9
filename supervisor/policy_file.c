/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_file.c - finding and reading policy files.
 *
 * Whoever can write one decides what guests may do: a file counts only when nobody but its owner
 * can have written it. Judged on the open descriptor, without following symbolic links.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_internal.h"

#define MAIN_FILE "xen9p.conf"
#define MORE_DIR "policy.d"
#define SUFFIX ".conf"

/* Where a read stands: the same for all files of a directory. */
struct reader {
    struct policy_set *set;
    struct policy_report *report;
    uid_t owner;
    bool strict; /* a doubtful owner or mode is an error, else a warning */
};

static void trust(const struct reader *r, const char *path, const struct stat *st)
{
    if (st->st_uid != r->owner && r->strict)
        policy_error(r->report, path, 0, "belongs to uid %u, not %u; chown it",
                     (unsigned)st->st_uid, (unsigned)r->owner);
    else if (st->st_uid != r->owner)
        policy_warning(r->report, path, 0, "belongs to uid %u: xen9pd will not take it like that",
                       (unsigned)st->st_uid);
    if ((st->st_mode & 022) != 0 && r->strict)
        policy_error(r->report, path, 0, "others can write it (mode %04o); chmod go-w",
                     (unsigned)st->st_mode & 07777);
    else if ((st->st_mode & 022) != 0)
        policy_warning(r->report, path, 0,
                       "others can write it (mode %04o): xen9pd will not take it like that",
                       (unsigned)st->st_mode & 07777);
}

static void tell_open_error(const struct reader *r, const char *path, int err)
{
    if (err == ELOOP)
        policy_error(r->report, path, 0, "is a symbolic link; put the file itself here");
    else
        policy_error(r->report, path, 0, "cannot be opened: %s", strerror(err));
}

/* Up to `cap` bytes; how many, or a negative errno. */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, buf + len, cap - len);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

/* The whole file with a NUL behind it; NULL and told when that fails. */
static char *slurp(const struct reader *r, int fd, const char *path, size_t *len)
{
    char *text = malloc(POLICY_MAX_FILE + 1);
    ssize_t n = text != NULL ? read_all(fd, text, POLICY_MAX_FILE + 1) : -ENOMEM;

    if (n >= 0 && (size_t)n <= POLICY_MAX_FILE) {
        text[n] = '\0';
        *len = (size_t)n;
        return text;
    }
    if (n < 0)
        policy_error(r->report, path, 0, "cannot be read: %s", strerror((int)-n));
    else
        policy_error(r->report, path, 0, "is larger than 1 MiB; split it");
    free(text);
    return NULL;
}

/* `fd` is closed. */
static void read_open(const struct reader *r, int fd, const char *path)
{
    struct stat st;
    size_t len;
    char *text;

    if (fstat(fd, &st) != 0) {
        policy_error(r->report, path, 0, "%s", strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        policy_error(r->report, path, 0, "is no regular file; remove it");
    } else {
        trust(r, path, &st);
        text = slurp(r, fd, path, &len);
        if (text != NULL)
            policy_parse(r->set, path, text, len, r->report);
        free(text);
    }
    close(fd);
}

/* `name` in `dir`, which is called `dir_path`. A file that is not there is none. */
static void read_at(const struct reader *r, int dir, const char *dir_path, const char *name)
{
    char path[PATH_MAX];
    /* O_NONBLOCK: a FIFO would wait for a writer */
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int err = errno;

    (void)snprintf(path, sizeof(path), "%s/%s", dir_path, name);
    if (fd >= 0)
        read_open(r, fd, path);
    else if (err != ENOENT)
        tell_open_error(r, path, err);
}

/* Descriptor of a directory that may be trusted, or -1: not there, or told. */
static int open_dir(const struct reader *r, int at, const char *name, const char *path)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno != ENOENT) {
        int err = errno;

        /* with O_DIRECTORY a symbolic link is ENOTDIR */
        if (err == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(st.st_mode))
            err = ELOOP;
        tell_open_error(r, path, err);
    }
    if (fd >= 0 && fstat(fd, &st) == 0)
        trust(r, path, &st);
    return fd;
}

static int is_policy_file(const struct dirent *e)
{
    size_t len = strlen(e->d_name);

    return e->d_name[0] != '.' && len > strlen(SUFFIX) &&
           strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* The order of bytes: the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_more(const struct reader *r, int dir, const char *dir_path)
{
    char path[PATH_MAX];
    struct dirent **names = NULL;
    int n, fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir_path, MORE_DIR);
    fd = open_dir(r, dir, MORE_DIR, path);
    if (fd < 0)
        return;
    n = scandirat(fd, ".", &names, is_policy_file, by_name);
    if (n < 0)
        policy_error(r->report, path, 0, "cannot be read: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        read_at(r, fd, path, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    close(fd);
}

void policy_read_dir(struct policy_set *set, const char *dir, uid_t owner, bool strict,
                     struct policy_report *report)
{
    const struct reader r = {set, report, owner, strict};
    int fd = open_dir(&r, AT_FDCWD, dir, dir);

    if (fd < 0)
        return;
    read_at(&r, fd, dir, MAIN_FILE);
    read_more(&r, fd, dir);
    close(fd);
}

void policy_read_file(struct policy_set *set, const char *path, struct policy_report *report)
{
    const struct reader r = {set, report, 0, false};
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        policy_error(report, path, 0, "cannot be opened: %s", strerror(errno));
    } else if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        policy_read_dir(set, path, 0, false, report);
    } else {
        read_open(&r, fd, path);
    }
}
