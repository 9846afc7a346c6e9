/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.c - directories and small files of the cgroup file system.
 *
 * Trusts the kernel's texts in /proc and its file system. Workers never see it.
 */
#include "xen9p/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OWN "supervisor"  /* where xen9pd itself is */
#define WORKERS "worker-" /* what the others begin with */
#define TEXT_MAX 65536

enum controller { MEMORY, CPU, IO, CONTROLLERS };
static const char *const controller_names[CONTROLLERS] = {"memory", "cpu", "io"};

struct cgroups {
    int fd;
    bool has[CONTROLLERS]; /* handed down to the workers */
    bool leftover;         /* one could not be removed when it should have been */
};

/* --- texts --------------------------------------------------------------------------------------- */

/* The file's text, cut at `cap`; its length or a negative errno. */
static ssize_t read_text(int dir, const char *name, char *out, size_t cap)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t len = 0;
    ssize_t n = 1;

    if (fd < 0)
        return -errno;
    while (n > 0 && len < cap - 1) {
        n = read(fd, out + len, cap - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        n = -errno;
    close(fd);
    out[len] = '\0';
    return n < 0 ? n : (ssize_t)len;
}

/* One write: the kernel takes a value whole. */
static int write_text(int dir, const char *name, const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    int err = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        err = -errno;
    close(fd);
    return err;
}

/* Whether `word` is one of the words in `text`. */
static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = text; (p = strstr(p, word)) != NULL; p += len)
        if ((p == text || p[-1] == ' ') && strchr(" \n", p[len]) != NULL)
            return true;
    return false;
}

/* --- where we are -------------------------------------------------------------------------------- */

/* The path behind "0::", or false. */
static bool own_path(const char *cgroup, char *out, size_t cap)
{
    for (const char *line = cgroup; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);

        if (len > 3 && strncmp(line, "0::", 3) == 0 && len - 3 < cap) {
            memcpy(out, line + 3, len - 3);
            out[len - 3] = '\0';
            return true;
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

/* Mount point of the whole of version 2, or false. */
static bool mount_point(const char *mountinfo, char out[1024])
{
    for (const char *line = mountinfo; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n'), *type = strstr(line, " - cgroup2 ");
        char root[1024];

        if (type != NULL && (end == NULL || type < end) &&
            sscanf(line, "%*u %*u %*s %1023s %1023s", root, out) == 2 && strcmp(root, "/") == 0)
            return true;
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

bool cgroup_path(const char *cgroup, const char *mountinfo, char *out, size_t cap, const char **why)
{
    char path[1024], at[1024];
    int n;

    *why = "cgroup version 2 is not mounted";
    if (!mount_point(mountinfo, at) || !own_path(cgroup, path, sizeof(path)))
        return false;
    *why = "xen9pd runs in the root cgroup; let a service manager start it";
    if (strcmp(path, "/") == 0)
        return false;
    *why = "the path of the cgroup is too long";
    n = snprintf(out, cap, "%s%s", at, path);
    return n > 0 && (size_t)n < cap;
}

/* --- taking it over ------------------------------------------------------------------------------ */

/* systemd marks what it has delegated; without it, being alone has to do. */
static bool is_delegated(int fd)
{
    char value[4], procs[64], *end;

    if (fgetxattr(fd, "trusted.delegate", value, sizeof(value)) == 1 ||
        fgetxattr(fd, "user.delegate", value, sizeof(value)) == 1)
        return value[0] == '1';
    if (access("/run/systemd/system", F_OK) == 0)
        return false;
    if (read_text(fd, "cgroup.procs", procs, sizeof(procs)) <= 0)
        return false;
    return strtol(procs, &end, 10) == (long)getpid() && strcmp(end, "\n") == 0;
}

/* Workers of a supervisor that is gone; what is still busy stays. */
static void sweep(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *e;

    if (dir == NULL) {
        if (copy >= 0)
            close(copy);
        return;
    }
    while ((e = readdir(dir)) != NULL)
        if (strncmp(e->d_name, WORKERS, strlen(WORKERS)) == 0)
            (void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
    (void)closedir(dir);
}

/* A cgroup that hands controllers down has no process of its own. */
static int step_aside(int fd)
{
    if (mkdirat(fd, OWN, 0755) != 0 && errno != EEXIST)
        return -errno;
    return write_text(fd, OWN "/cgroup.procs", "0");
}

static void hand_down(struct cgroups *cs)
{
    char text[256] = "", change[16];

    for (int i = 0; i < CONTROLLERS; i++) {
        (void)snprintf(change, sizeof(change), "+%s", controller_names[i]);
        /* one that the kernel or the parent does not have: found missing below */
        (void)write_text(cs->fd, "cgroup.subtree_control", change);
    }
    if (read_text(cs->fd, "cgroup.subtree_control", text, sizeof(text)) < 0)
        return;
    for (int i = 0; i < CONTROLLERS; i++)
        cs->has[i] = has_word(text, controller_names[i]);
}

struct cgroups *cgroups_open(const char *path, bool marked, const char **why)
{
    struct cgroups *cs = calloc(1, sizeof(*cs));
    int err;

    *why = "out of memory";
    if (cs == NULL)
        return NULL;
    cs->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *why = "it cannot be opened";
    if (cs->fd < 0)
        goto fail;
    *why = "it is not delegated to xen9pd (Delegate=yes in its unit)";
    if (marked && !is_delegated(cs->fd))
        goto fail;
    err = step_aside(cs->fd);
    *why = err == -EROFS ? "it is read-only here (ReadWritePaths= of the unit has to name it)"
                         : "xen9pd cannot make cgroups below it";
    if (err != 0)
        goto fail;
    hand_down(cs);
    sweep(cs->fd);
    return cs;
fail:
    cgroups_close(cs);
    return NULL;
}

struct cgroups *cgroups_open_own(const char **why)
{
    char *cgroup = malloc(TEXT_MAX), *mounts = malloc(TEXT_MAX), path[2100];
    struct cgroups *cs = NULL;

    *why = "/proc cannot be read";
    if (cgroup != NULL && mounts != NULL &&
        read_text(AT_FDCWD, "/proc/self/cgroup", cgroup, TEXT_MAX) > 0 &&
        read_text(AT_FDCWD, "/proc/self/mountinfo", mounts, TEXT_MAX) > 0 &&
        cgroup_path(cgroup, mounts, path, sizeof(path), why))
        cs = cgroups_open(path, true, why);
    free(cgroup);
    free(mounts);
    return cs;
}

void cgroups_close(struct cgroups *cs)
{
    if (cs == NULL)
        return;
    if (cs->fd >= 0)
        close(cs->fd);
    free(cs);
}

/* --- workers ------------------------------------------------------------------------------------- */

/*
 * Writes a limit, if its controller is there. Without it that is an error only for a value that is
 * not everybody's anyway.
 */
static int set(const struct cgroups *cs, int dir, enum controller c, const char *file,
               const char *value, bool wanted, const char **what)
{
    int err;

    *what = file;
    if (!cs->has[c])
        return wanted ? -ENOTSUP : 0;
    err = write_text(dir, file, value);
    return err == -ENOENT && !wanted ? 0 : err; /* io.weight is an option of the kernel */
}

static int weigh(const struct cgroups *cs, int dir, const struct cgroup_limits *l,
                 const char **what)
{
    char text[32];
    int err;

    (void)snprintf(text, sizeof(text), "%u", l->cpu_weight);
    err = set(cs, dir, CPU, "cpu.weight", text, l->cpu_weight != 100, what);
    if (err != 0)
        return err;
    (void)snprintf(text, sizeof(text), "default %u", l->io_weight);
    return set(cs, dir, IO, "io.weight", text, l->io_weight != 100, what);
}

static int limit_all(const struct cgroups *cs, int dir, const struct cgroup_limits *l,
                     const char **what)
{
    char text[32] = "max";
    int err;

    if (l->memory_max != 0)
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)l->memory_max);
    err = set(cs, dir, MEMORY, "memory.max", text, l->memory_max != 0, what);
    if (err == 0) /* a worker without one of its threads is no worker */
        err = set(cs, dir, MEMORY, "memory.oom.group", "1", l->memory_max != 0, what);
    return err == 0 ? weigh(cs, dir, l, what) : err;
}

int cgroup_make(struct cgroups *cs, const char *name, const struct cgroup_limits *limits,
                const char **what)
{
    int dir, err;

    if (cs->leftover)
        sweep(cs->fd);
    cs->leftover = false;
    *what = "a new cgroup";
    if (mkdirat(cs->fd, name, 0755) != 0)
        return -errno;
    dir = openat(cs->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err = dir < 0 ? -errno : limit_all(cs, dir, limits, what);
    if (err == 0)
        return dir;
    if (dir >= 0)
        close(dir);
    cgroup_remove(cs, name);
    return err;
}

int cgroup_reweigh(struct cgroups *cs, const char *name, const struct cgroup_limits *limits,
                   const char **what)
{
    int dir = openat(cs->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err;

    *what = "its cgroup";
    if (dir < 0)
        return -errno;
    err = weigh(cs, dir, limits, what);
    close(dir);
    return err;
}

bool cgroup_was_full(const struct cgroups *cs, const char *name)
{
    char file[CGROUP_NAME_MAX + 16], text[512];
    const char *at;

    (void)snprintf(file, sizeof(file), "%s/memory.events", name);
    if (read_text(cs->fd, file, text, sizeof(text)) <= 0)
        return false;
    at = strstr(text, "oom_kill ");
    return at != NULL && strtoul(at + strlen("oom_kill "), NULL, 10) != 0;
}

void cgroup_remove(struct cgroups *cs, const char *name)
{
    if (unlinkat(cs->fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        cs->leftover = true;
}
