/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_prove.c - after the lockdown: the kernel's own account of every thread, of what is
 * open and of what is mounted must be exactly what was intended.
 *
 * Runs under the filter, before the first byte of the guest. Reads /proc through a descriptor that is
 * closed afterwards.
 */
#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockdown_steps.h"
#include "xen9p/descriptors.h"

#define BIT(fd) (UINT64_C(1) << (fd))
/*
 * For a whole file of /proc: status grows with the number of CPUs, mountinfo has the export's path
 * with escapes and the file system's options.
 */
#define PROC_FILE_MAX 32768
/* A status that names LOCKDOWN_GROUPS groups. */
#define STATUS_MAX (PROC_FILE_MAX + 8 * LOCKDOWN_GROUPS)

/* The file `name` of thread `tid` as a string; its length, or a negative errno. */
static ssize_t slurp(const char *tid, const char *name, char *buf, size_t cap)
{
    char path[64];
    ssize_t n, len = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", tid, name);
    fd = openat(WFD_TASKS, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while ((n = pread(fd, buf + len, cap - 1 - (size_t)len, len)) > 0)
        len += n;
    n = n < 0 ? -errno : 0;
    close(fd);
    if (n < 0 || (size_t)len == cap - 1)
        return n < 0 ? n : -EOVERFLOW;
    buf[len] = '\0';
    return len;
}

/* True when `text` has the line "KEY:\tVALUE". */
static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);

    for (const char *p = text; p != NULL; p = strchr(p, '\n')) {
        p += *p == '\n';
        if (strncmp(p, line, len) == 0 && (p[len] == '\n' || p[len] == '\0'))
            return true;
    }
    return false;
}

/* The line "Groups:" names 0, 1, ... num - 1 and nothing else. */
static bool has_groups(const char *text, uint32_t num)
{
    const char *p = strstr(text, "\nGroups:\t");

    if (p == NULL)
        return false;
    p += strlen("\nGroups:\t");
    for (uint32_t i = 0; i < num; i++) {
        char *end;

        if (strtoul(p, &end, 10) != i || end == p)
            return false;
        p = end + (*end == ' ');
    }
    p += *p == ' '; /* the kernel ends an empty list with a space, or not */
    return *p == '\n';
}

static int judge_status(const struct lockdown *l, const char *status)
{
    uint64_t caps = lockdown_caps(&l->w->config);
    char line[9][96];

    snprintf(line[0], sizeof(line[0]), "Uid:\t%u\t%u\t%u\t%u", l->uid, l->uid, l->uid, l->uid);
    snprintf(line[1], sizeof(line[1]), "Gid:\t%u\t%u\t%u\t%u", l->gid, l->gid, l->gid, l->gid);
    snprintf(line[2], sizeof(line[2]), "CapInh:\t%016x", 0);
    snprintf(line[3], sizeof(line[3]), "CapPrm:\t%016" PRIx64, caps);
    snprintf(line[4], sizeof(line[4]), "CapEff:\t%016" PRIx64, caps);
    snprintf(line[5], sizeof(line[5]), "CapBnd:\t%016x", 0);
    snprintf(line[6], sizeof(line[6]), "CapAmb:\t%016x", 0);
    snprintf(line[7], sizeof(line[7]), "NoNewPrivs:\t1");
    snprintf(line[8], sizeof(line[8]), "Seccomp:\t2");
    for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
        if (!has_line(status, line[i]))
            return -EPERM;
    return has_groups(status, lockdown_groups(&l->w->config)) ? 0 : -EPERM;
}

static int prove_status(const struct lockdown *l, const char *tid)
{
    char *status = malloc(STATUS_MAX);
    ssize_t n;
    int err;

    if (status == NULL)
        return -ENOMEM;
    n = slurp(tid, "status", status, STATUS_MAX);
    err = n < 0 ? (int)n : judge_status(l, status);
    free(status);
    return err;
}

/*
 * The one line of a map. One owner: our one id, and on the host it is not root's. Mapped: the
 * domain's range. Host: all ids, as they are.
 */
static bool map_is_right(const struct ctl_config *c, uint32_t inner, const unsigned long v[3])
{
    switch (c->identity) {
    case CTL_IDENTITY_MAPPED:
        return v[0] == 0 && v[1] == c->id_first && v[2] == c->id_count;
    case CTL_IDENTITY_HOST:
        return v[0] == 0 && v[1] == 0 && v[2] == UINT32_MAX;
    default:
        return v[0] == inner && v[1] != 0 && v[2] == 1;
    }
}

static int prove_map(const struct ctl_config *c, const char *tid, const char *name, uint32_t inner)
{
    unsigned long v[3];
    char map[256], *p = map;
    ssize_t n = slurp(tid, name, map, sizeof(map));

    if (n < 0)
        return (int)n;
    for (int i = 0; i < 3; i++) {
        char *end;

        v[i] = strtoul(p, &end, 10);
        if (end == p)
            return -EPERM;
        p = end;
    }
    return strcmp(p, "\n") == 0 && map_is_right(c, inner, v) ? 0 : -EPERM;
}

/* True when the comma-separated `list` has `option`. */
static bool has_option(const char *list, const char *option)
{
    size_t len = strlen(option);

    for (const char *p = list; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, option, len) == 0 && (p[len] == ',' || p[len] == '\0'))
            return true;
    }
    return false;
}

/*
 * A line of mountinfo: restricted, and taking part in no propagation. A submount of a file system that the
 * host has mounted read-only stays that.
 */
static int prove_mount(const struct lockdown *l, const char *line, bool top)
{
    const char *const wanted[] = {"nosuid", "nodev", "noexec", "nosymfollow"};
    bool read_only = (l->w->config.flags & CTL_FLAG_READ_ONLY) != 0;
    char options[256];
    int point = 0, optional = 0;
    const char *end;

    /* id parent major:minor root mountpoint options, optional fields up to "-" */
    if (sscanf(line, "%*s %*s %*s %*s %n", &point) != 0 || line[point] != '/' ||
        (end = strchr(line + point, ' ')) == NULL || (top && end != line + point + 1) ||
        sscanf(end, " %255s %n", options, &optional) != 1 || optional == 0 ||
        strncmp(end + optional, "- ", 2) != 0)
        return -EPERM;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!has_option(options, wanted[i]))
            return -EPERM;
    if (read_only || top)
        return has_option(options, read_only ? "ro" : "rw") ? 0 : -EPERM;
    return 0;
}

/* One mount, the root; with submounts, as many as fit into PROC_FILE_MAX bytes of the kernel's account. */
static int prove_mounts(const struct lockdown *l, const char *tid)
{
    bool submounts = (l->w->config.flags & CTL_FLAG_SUBMOUNTS) != 0;
    char text[PROC_FILE_MAX];
    ssize_t n = slurp(tid, "mountinfo", text, sizeof(text));
    int err = n > 0 ? 0 : -EPERM;

    if (n < 0)
        return (int)n;
    for (char *line = text, *lf; err == 0 && *line != '\0'; line = lf + 1) {
        lf = strchr(line, '\n');
        if (lf == NULL || (line != text && !submounts))
            return -EPERM;
        *lf = '\0';
        err = prove_mount(l, line, line == text);
    }
    return err;
}

static int prove_thread(struct lockdown *l, const char *tid)
{
    int err = prove_status(l, tid);

    l->value = (uint32_t)strtoul(tid, NULL, 10);
    if (err == 0)
        err = prove_map(&l->w->config, tid, "uid_map", l->uid);
    if (err == 0)
        err = prove_map(&l->w->config, tid, "gid_map", l->gid);
    return err != 0 ? err : prove_mounts(l, tid);
}

static int prove_threads(struct lockdown *l)
{
    _Alignas(struct dirent64) char buf[4096];
    uint32_t seen = 0;
    ssize_t n;

    while ((n = getdents64(WFD_TASKS, buf, sizeof(buf))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *e = (const void *)(buf + at);
            int err = e->d_name[0] == '.' ? 0 : prove_thread(l, e->d_name);

            if (err != 0)
                return err;
            seen += e->d_name[0] != '.';
            at += e->d_reclen;
        }
    }
    l->value = seen;
    if (n < 0)
        return -errno;
    return seen == lockdown_threads(l) ? 0 : -ESRCH;
}

/* Every fixed number is taken, nothing behind them is, but what is used here. */
static int prove_fds(struct lockdown *l)
{
    int dir = openat(WFD_PROC, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err;

    if (dir < 0)
        return -errno;
    err = lockdown_only_open(dir, (BIT(WFD_FIRST_FREE) - 1) | BIT(WFD_TASKS), &l->value);
    close(dir);
    for (int fd = 0; fd < WFD_FIRST_FREE && err == 0; fd++) {
        struct stat st;

        l->value = (uint32_t)fd;
        if (fstat(fd, &st) != 0)
            err = -errno;
    }
    return err;
}

/* ".." of `fd` is `fd` itself, on the same mount. */
static int prove_top(struct lockdown *l, int fd)
{
    struct statx up, here;

    l->value = (uint32_t)fd;
    if (statx(fd, "..", AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_MNT_ID, &up) != 0 ||
        statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &here) != 0)
        return -errno;
    return up.stx_ino == here.stx_ino && up.stx_mnt_id == here.stx_mnt_id &&
                   up.stx_dev_major == here.stx_dev_major && up.stx_dev_minor == here.stx_dev_minor
               ? 0
               : -EPERM;
}

int lockdown_prove(struct lockdown *l)
{
    int err = prove_threads(l);

    if (err == 0)
        err = prove_fds(l);
    if (err == 0)
        err = prove_top(l, WFD_ROOT);
    if (err == 0)
        err = prove_top(l, WFD_PROC);
    if (err == 0 && close(WFD_TASKS) != 0)
        err = -errno;
    return err;
}
