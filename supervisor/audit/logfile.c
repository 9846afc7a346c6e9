/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logfile.c - the files of one guest's audit log.
 *
 * The log directory belongs to this process and to root; nothing in it is a guest's. A domain's
 * name is the toolstack's, and becomes one path component here.
 */
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATED_NAME_MAX 32

static void rotated_name(char out[ROTATED_NAME_MAX], uint32_t i)
{
    if (i == 0)
        (void)snprintf(out, ROTATED_NAME_MAX, "%s", AUDIT_LOG_NAME);
    else
        (void)snprintf(out, ROTATED_NAME_MAX, "%s.%u", AUDIT_LOG_NAME, i);
}

/* --- taking up what is there ------------------------------------------------------------------ */

static bool take_number(const char **p, const char *key, uint64_t *value)
{
    size_t len = strlen(key);
    char *end;

    if (strncmp(*p, key, len) != 0)
        return false;
    errno = 0;
    *value = strtoull(*p + len, &end, 10);
    if (end == *p + len || errno != 0)
        return false;
    *p = end;
    return true;
}

/* The numbers that a line begins with. `line` is NUL-terminated. */
static bool take_line(const char *line, uint64_t *seq, uint64_t *worker, uint64_t *n)
{
    return take_number(&line, "{\"seq\":", seq) && take_number(&line, ",\"worker\":", worker) &&
           take_number(&line, ",\"n\":", n);
}

/* The whole lines at the end of a file, NUL-terminated each. */
struct tail {
    char *buf, *first; /* the first line */
    char *end;         /* behind the last one */
    off_t from;        /* where the first one stands in the file */
    off_t whole;       /* and the last one ends */
};

/* The last `look` bytes at most. 0 or a negative errno. The caller frees t->buf. */
static int read_tail(int fd, size_t look, struct tail *t)
{
    struct stat st;
    ssize_t n;
    char *last;

    if (fstat(fd, &st) != 0)
        return -errno;
    t->from = st.st_size > (off_t)look ? st.st_size - (off_t)look : 0;
    look = (size_t)(st.st_size - t->from);
    t->buf = malloc(look + 1);
    if (t->buf == NULL)
        return -ENOMEM;
    n = pread(fd, t->buf, look, t->from);
    if (n < 0) {
        n = -errno;
        free(t->buf);
        return (int)n;
    }
    t->first = t->buf;
    last = memrchr(t->buf, '\n', (size_t)n);
    t->end = last != NULL ? last + 1 : t->buf;
    if (t->from > 0 && last != NULL) /* begins somewhere in a line */
        t->first = (char *)memchr(t->buf, '\n', (size_t)n) + 1;
    t->whole = t->from + (t->end - t->buf);
    t->from += t->first - t->buf;
    for (char *p = t->buf; p < t->end; p++)
        *p = *p == '\n' ? '\0' : *p;
    return 0;
}

/*
 * Reads the number of the last line of `fd`. Returns the length up to which there are whole
 * lines, or a negative errno.
 */
static int64_t take_up(struct logfile *l, int fd)
{
    struct tail t;
    int err = read_tail(fd, 2 * LOGFILE_LINE_MAX, &t);

    if (err != 0)
        return err;
    for (const char *p = t.first; p < t.end; p = strchr(p, '\0') + 1) {
        uint64_t seq, worker, n;

        if (take_line(p, &seq, &worker, &n) && seq > l->seq)
            l->seq = seq;
    }
    free(t.buf);
    return t.whole;
}

static int open_at(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

/* Numbers of the newest rotated file, for when the present one does not have them. */
static void take_up_rotated(struct logfile *l)
{
    char name[ROTATED_NAME_MAX];
    int fd;

    rotated_name(name, 1);
    fd = open_at(l->dir, name, O_RDONLY);
    if (fd < 0)
        return;
    (void)take_up(l, fd);
    close(fd);
}

/* As logfile_find() for one file, of which at most *look bytes are read. */
static int find_in(int fd, uint64_t id, uint64_t *number, size_t *look)
{
    struct tail t;
    int found = 0;

    if (read_tail(fd, *look, &t) != 0)
        return -1;
    for (const char *p = t.first; p < t.end; p = strchr(p, '\0') + 1) {
        uint64_t seq, worker, n;

        if (!take_line(p, &seq, &worker, &n) || worker != id || n == 0)
            continue;
        *number = n;
        found = 1;
    }
    *look -= (size_t)(t.end - t.first);
    free(t.buf);
    return found == 0 && t.from > 0 ? -1 : found;
}

int logfile_find(const struct logfile *l, uint64_t worker, uint64_t *n)
{
    size_t look = LOGFILE_LOOK;
    int found = 0;

    *n = 0;
    for (uint32_t i = 0; found == 0; i++) {
        char name[ROTATED_NAME_MAX];
        int fd;

        rotated_name(name, i);
        fd = open_at(l->dir, name, O_RDONLY);
        if (fd == -ENOENT && i > 0)
            break;
        if (fd >= 0)
            found = find_in(fd, worker, n, &look);
        else if (fd != -ENOENT)
            found = -1;
        if (fd >= 0)
            close(fd);
    }
    return found;
}

int logfile_ready(struct logfile *l)
{
    int64_t whole;
    int fd;

    if (l->fd >= 0)
        return 0;
    fd = open_at(l->dir, AUDIT_LOG_NAME, O_RDWR | O_APPEND | O_CREAT);
    if (fd < 0)
        return fd;
    whole = take_up(l, fd);
    /* half a line: its writer was killed, and writes it again */
    if (whole < 0 || ftruncate(fd, whole) != 0) {
        int err = whole < 0 ? (int)whole : -errno;

        close(fd);
        return err;
    }
    l->fd = fd;
    l->size = (uint64_t)whole;
    return 0;
}

int logfile_open(struct logfile *l, int root, const char *name)
{
    int err;

    l->fd = -1;
    l->size = l->seq = 0;
    if (mkdirat(root, name, 0750) != 0 && errno != EEXIST)
        return -errno;
    l->dir = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (l->dir < 0)
        return -errno;
    take_up_rotated(l);
    err = logfile_ready(l);
    if (err == -ENOSPC || err == -EDQUOT)
        err = 0; /* tried again when something is to be written */
    if (err != 0)
        logfile_close(l);
    return err;
}

void logfile_reopen(struct logfile *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->size = 0;
}

void logfile_close(struct logfile *l)
{
    logfile_reopen(l);
    if (l->dir >= 0)
        close(l->dir);
    l->dir = -1;
}

/* --- writing ---------------------------------------------------------------------------------- */

bool logfile_is_full(const struct logfile *l, size_t len)
{
    return l->size > 0 && (len > l->max || l->size > l->max - len);
}

int logfile_append(struct logfile *l, const char *lines, size_t len)
{
    size_t done = 0;
    int err = logfile_ready(l);

    while (err == 0 && done < len) {
        ssize_t n = write(l->fd, lines + done, len - done);

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            err = n == 0 ? -ENOSPC : -errno;
    }
    if (err == 0) {
        l->size += len;
        return 0;
    }
    /* No half line stays. When that fails, taking the file up again sees to it. */
    if (l->fd >= 0 && done > 0 && ftruncate(l->fd, (off_t)l->size) != 0)
        logfile_reopen(l);
    return err;
}

int logfile_rotate(struct logfile *l)
{
    char from[ROTATED_NAME_MAX], to[ROTATED_NAME_MAX];

    logfile_reopen(l);
    /* log-keep may have been lowered: take away whatever is behind the last one to stay */
    for (uint32_t i = l->keep - 1;; i++) {
        rotated_name(from, i);
        if (unlinkat(l->dir, from, 0) != 0)
            break;
    }
    for (uint32_t i = l->keep - 1; i > 0; i--) {
        rotated_name(from, i - 1);
        rotated_name(to, i);
        if (renameat(l->dir, from, l->dir, to) != 0 && errno != ENOENT)
            return -errno;
    }
    return logfile_ready(l);
}
