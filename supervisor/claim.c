/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claim.c - the handshake in `libxl/xen-9pfs`, and what a dead predecessor has left.
 *
 * The nodes are written by dom0 alone (in a driver domain by nobody); /proc is the kernel's.
 */
#include "xen9p/claim.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xenstore.h>

#include "xen9p/limits.h"
#include "xen9p/log.h"
#include "xen9p/nodes.h"

#define CLAIM_DIR "libxl/xen-9pfs"
#define WORKER_NAME "xen9p-worker"

/* What we need of /proc/PID/stat. */
struct process {
    pid_t pid, parent;
    char name[32];
    char state;
    uint64_t start; /* clock ticks since boot */
};

static bool process_look(pid_t pid, struct process *p)
{
    char path[40], text[512];
    const char *open_paren, *close_paren;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    /* the name may hold anything, so it ends at the last parenthesis */
    open_paren = strchr(text, '(');
    close_paren = strrchr(text, ')');
    if (open_paren == NULL || close_paren == NULL || close_paren < open_paren)
        return false;
    memset(p, 0, sizeof(*p));
    p->pid = pid;
    (void)snprintf(p->name, sizeof(p->name), "%.*s", (int)(close_paren - open_paren - 1),
                   open_paren + 1);
    int parent;
    unsigned long long start;
    if (sscanf(close_paren + 1,
               " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &p->state, &parent, &start) != 3)
        return false;
    p->parent = parent;
    p->start = start;
    return true;
}

/* A daemon for this backend kind: ours, under either name, or Xen's own. */
static bool is_daemon(const struct process *p)
{
    return p->state != 'Z' && p->state != 'X' &&
           (strcmp(p->name, "xen9pd") == 0 || strcmp(p->name, "xen-9pfsd") == 0);
}

/* Calls `visit` for each process until it returns true. */
static bool each_process(bool (*visit)(const struct process *p, void *arg), void *arg)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;
    bool found = false;

    if (dir == NULL)
        return false;
    while (!found && (e = readdir(dir)) != NULL) {
        struct process p;

        if (isdigit((unsigned char)e->d_name[0]) && process_look((pid_t)atol(e->d_name), &p))
            found = visit(&p, arg);
    }
    closedir(dir);
    return found;
}

static bool other_daemon(const struct process *p, void *arg)
{
    if (!is_daemon(p) || p->pid == getpid())
        return false;
    *(pid_t *)arg = p->pid;
    return true;
}

/* Value of a node in the claim's directory as a string; false when there is none. */
static bool claim_read(struct xs_handle *xs, xs_transaction_t t, const char *node, char *buf,
                       size_t cap)
{
    char path[64];
    unsigned int len;
    char *value;

    (void)snprintf(path, sizeof(path), CLAIM_DIR "/%s", node);
    value = xs_read(xs, t, path, &len);
    if (value == NULL)
        return false;
    (void)snprintf(buf, cap, "%s", value);
    free(value);
    return true;
}

static bool claim_write(struct xs_handle *xs, xs_transaction_t t, const char *node,
                        const char *value)
{
    char path[64];

    (void)snprintf(path, sizeof(path), CLAIM_DIR "/%s", node);
    return xs_write(xs, t, path, value, (unsigned int)strlen(value));
}

/*
 * Whether the daemon that wrote `state` lives. `owner` is exact (pid and start time). Without it
 * the claim is Xen's own daemon's: `pid` is libxl's note of it, or missing when it was started by hand.
 */
static bool predecessor_lives(struct xs_handle *xs, xs_transaction_t t, pid_t *other)
{
    char text[64];
    struct process p;
    uint64_t pid;

    *other = 0;
    if (claim_read(xs, t, "owner", text, sizeof(text))) {
        int recorded;
        unsigned long long start;

        if (sscanf(text, "%d %llu", &recorded, &start) != 2 || recorded == getpid() ||
            !process_look(recorded, &p) || !is_daemon(&p) || p.start != start)
            return false;
        *other = recorded;
        return true;
    }
    if (claim_read(xs, t, "pid", text, sizeof(text)) &&
        nodes_decimal(text, strlen(text), INT32_MAX, &pid) == 0 && (pid_t)pid != getpid()) {
        *other = (pid_t)pid;
        return process_look((pid_t)pid, &p) && is_daemon(&p);
    }
    return each_process(other_daemon, other);
}

static int claim_write_all(struct xs_handle *xs, xs_transaction_t t)
{
    struct process self;
    char pid[24], owner[64];

    if (!process_look(getpid(), &self))
        return -EIO;
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)snprintf(owner, sizeof(owner), "%d %llu", (int)getpid(), (unsigned long long)self.start);
    if (claim_write(xs, t, "state", "running") && claim_write(xs, t, "pid", pid) &&
        claim_write(xs, t, "owner", owner))
        return 0;
    return errno == EPERM ? -EACCES : -errno;
}

static int try_claim(struct xs_handle *xs, pid_t *other)
{
    char state[64];
    xs_transaction_t t = xs_transaction_start(xs);
    int err = 0;

    if (t == XBT_NULL)
        return errno != 0 ? -errno : -EIO;
    if (claim_read(xs, t, "state", state, sizeof(state))) {
        if (predecessor_lives(xs, t, other))
            err = -EEXIST;
        else
            log_notice("taking over from a daemon that is gone (libxl/xen-9pfs/state was \"%s\")",
                       state);
    }
    if (err == 0)
        err = claim_write_all(xs, t);
    if (err != 0) {
        (void)xs_transaction_end(xs, t, true);
        return err;
    }
    return xs_transaction_end(xs, t, false) ? 0 : -errno;
}

int claim_take(struct xs_handle *xs, pid_t *other)
{
    int err = -EAGAIN;

    for (int i = 0; err == -EAGAIN && i < LIMIT_STORE_RETRIES; i++)
        err = try_claim(xs, other);
    return err;
}

void claim_release(struct xs_handle *xs)
{
    char text[64];
    int pid;

    /* Xen's own daemon removes the whole directory when it ends; so that libxl starts the next. */
    if (claim_read(xs, XBT_NULL, "owner", text, sizeof(text)) && sscanf(text, "%d", &pid) == 1 &&
        pid == getpid())
        (void)xs_rm(xs, XBT_NULL, CLAIM_DIR);
}

/* A worker whose supervisor is gone has become a child of init, or of a service manager. */
static bool is_orphan(const struct process *p)
{
    struct process parent;

    if (p->state == 'Z' || p->state == 'X' || strcmp(p->name, WORKER_NAME) != 0)
        return false;
    return p->parent <= 1 ||
           (process_look(p->parent, &parent) && strcmp(parent.name, "systemd") == 0);
}

static bool orphan_visit(const struct process *p, void *arg)
{
    const bool *end = arg;
    struct process again;
    int fd;

    if (!is_orphan(p))
        return false;
    if (!*end)
        return true;
    /* the pidfd first, then the same look again: the number cannot have changed hands */
    fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (fd >= 0) {
        if (process_look(p->pid, &again) && again.start == p->start)
            (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
        close(fd);
    }
    return false;
}

bool claim_orphans_run(bool end)
{
    bool look_only = false;

    if (end)
        (void)each_process(orphan_visit, &end);
    return each_process(orphan_visit, &look_only);
}
