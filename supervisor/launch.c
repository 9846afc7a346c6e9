/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.c - from fork to exec of a worker: the supervisor's half, and the launcher between the two.
 *
 * Trusts its caller, as the launcher does: it is a copy of it. The supervisor waits for the launcher's
 * answer, at most LIMIT_LAUNCHER_MS; the launcher does nothing that can hang. Whatever may (the
 * export's file system) happens in the child, which the caller kills when its time is up. A child that
 * waits for a FUSE server which has taken the request and never answers does not even die of SIGKILL
 * before that file system's connection is aborted: the caller must not wait for its end either.
 *
 * Capabilities that the supervisor needs for launch, found by taking one away at a time (the
 * child and the worker's lockdown work with the same ones):
 *   CAP_SYS_ADMIN     namespaces; open_tree and mount_setattr with an id map; in the worker mount,
 *                     pivot_root, setns
 *   CAP_SETUID,
 *   CAP_SETGID        the one line of uid_map and of gid_map
 *   CAP_DAC_OVERRIDE  exports below, and directories made in, what belongs to somebody else
 *   CAP_SYS_RESOURCE  only where the hard limit of RLIMIT_NOFILE is too low for max-fids; without it the
 *                     worker lowers max-fids and READY says so
 * Not CAP_KILL: whoever made a user namespace may signal what runs in it. Not CAP_SYS_CHROOT,
 * CAP_SETPCAP, CAP_SETFCAP, CAP_SYS_PTRACE; CAP_FOWNER, CAP_CHOWN and CAP_FSETID only for identity
 * host, whose workers keep them.
 */
#include "xen9p/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch_child.h"
#include "xen9p/fdpass.h"
#include "xen9p/limits.h"
#include "xen9p/log.h"

/* What the launcher is asked for; its answer is the pid, or a negative errno. */
struct request {
    uint32_t worker_uid, id_first, id_count;
    uint8_t identity, read_only, submounts;
    uint8_t with; /* optional descriptors */
    char path[PATH_MAX];
};
#define WITH_STDERR 1u
#define WITH_CGROUP 2u

/* What goes along with it, the optional ones behind the others. */
enum { FD_CONTROL, FD_WORKER, FD_OPTIONAL, FD_MOST = FD_OPTIONAL + 2 };

/* A worker sees no process, no network, no IPC object and no host name but its own. */
#define WORKER_NAMESPACES (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

pid_t launch_clone(uint64_t flags, int *pidfd, int cgroup)
{
    struct clone_args args;
    long pid;

    memset(&args, 0, sizeof(args));
    args.flags = flags;
    args.pidfd = (uint64_t)(uintptr_t)pidfd;
    args.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD; /* a sibling has ours */
    if (cgroup > 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    pid = syscall(SYS_clone3, &args, sizeof(args));
    return pid < 0 ? -errno : (pid_t)pid;
}

/* --- the launcher: raw system calls and its own stack only --------------------------------------- */

static pid_t clone_worker(int sock, const struct request *r, const int *fds)
{
    struct launch_spec spec = {.path = r->path,
                               .worker_fd = fds[FD_WORKER],
                               .worker_uid = r->worker_uid,
                               .read_only = r->read_only != 0,
                               .submounts = r->submounts != 0,
                               .identity = r->identity,
                               .id_first = r->id_first,
                               .id_count = r->id_count,
                               .stderr_fd = -1};
    const int *optional = fds + FD_OPTIONAL;
    pid_t pid;

    if ((r->with & WITH_STDERR) != 0)
        spec.stderr_fd = *optional++;
    if ((r->with & WITH_CGROUP) != 0)
        spec.cgroup_fd = *optional;
    pid = launch_clone(CLONE_PARENT | WORKER_NAMESPACES, NULL, spec.cgroup_fd);
    if (pid != 0)
        return pid;
    close(sock); /* or the supervisor would not hear that we have ended */
    launch_child(&spec, fds[FD_CONTROL]);
}

/* Handlers are not run here: all signals are blocked, in the child until it has none. */
static _Noreturn void launcher(int sock)
{
    struct request r;

    if (sock > STDERR_FILENO + 1)
        (void)syscall(SYS_close_range, STDERR_FILENO + 1, sock - 1, 0);
    (void)syscall(SYS_close_range, sock + 1, ~0u, 0);
    (void)prctl(PR_SET_NAME, "xen9pd-launch");
    for (;;) {
        union fdpass_room room;
        struct iovec iov = {&r, sizeof(r)};
        struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
        int fds[FD_MOST], num;
        int32_t answer;

        fdpass_expect(&mh, &room);
        if (recvmsg(sock, &mh, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(r))
            _exit(0); /* the supervisor has ended */
        num = fdpass_take(&mh, fds, FD_MOST);
        if (num < FD_OPTIONAL || num != FD_OPTIONAL + __builtin_popcount(r.with))
            _exit(1);
        answer = clone_worker(sock, &r, fds);
        for (int i = 0; i < num; i++)
            close(fds[i]);
        if (send(sock, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
            _exit(1);
    }
}

/* --- the supervisor ---------------------------------------------------------------------------- */

int launcher_start(struct launcher *l)
{
    const struct timeval patience = {LIMIT_LAUNCHER_MS / 1000, LIMIT_LAUNCHER_MS % 1000 * 1000};
    sigset_t all, before;
    int sock[2];
    pid_t pid;

    if (l->pid != 0)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) != 0)
        return -errno;
    (void)setsockopt(sock[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = launch_clone(0, NULL, 0);
    if (pid == 0)
        launcher(sock[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(sock[1]);
    if (pid < 0) {
        close(sock[0]);
        return (int)pid;
    }
    *l = (struct launcher){pid, sock[0]};
    return 0;
}

void launcher_stop(struct launcher *l)
{
    if (l->pid == 0)
        return;
    (void)kill(l->pid, SIGKILL);
    while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(l->sock);
    *l = (struct launcher){0, -1};
}

/* The child's pid or a negative errno; -EPIPE: the launcher is gone, or somebody has stopped it. */
static pid_t ask(struct launcher *l, const struct request *r, const int *fds, size_t num)
{
    union fdpass_room room;
    struct iovec iov = {(void *)(uintptr_t)r, sizeof(*r)};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    int err = launcher_start(l);
    int32_t answer;
    ssize_t n;

    if (err != 0)
        return err;
    fdpass_put(&mh, &room, fds, num);
    do
        n = sendmsg(l->sock, &mh, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? -EPIPE : -errno;
    do
        n = recv(l->sock, &answer, sizeof(answer), 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(answer) ? answer : -EPIPE;
}

static pid_t ask_twice(struct launcher *l, const struct launch_spec *spec, int control)
{
    struct request r = {.worker_uid = spec->worker_uid,
                        .id_first = spec->id_first,
                        .id_count = spec->id_count,
                        .identity = (uint8_t)spec->identity,
                        .read_only = spec->read_only,
                        .submounts = spec->submounts};
    int fds[FD_MOST] = {[FD_CONTROL] = control, [FD_WORKER] = spec->worker_fd};
    const size_t len = strlen(spec->path);
    size_t num = FD_OPTIONAL;
    pid_t pid;

    if (len >= sizeof(r.path))
        return -ENAMETOOLONG;
    memcpy(r.path, spec->path, len);
    if (spec->stderr_fd >= 0) {
        r.with |= WITH_STDERR;
        fds[num++] = spec->stderr_fd;
    }
    if (spec->cgroup_fd > 0) {
        r.with |= WITH_CGROUP;
        fds[num++] = spec->cgroup_fd;
    }
    pid = ask(l, &r, fds, num);
    if (pid != -EPIPE)
        return pid;
    log_warning("the launcher of workers (pid %d) does not answer; starting another", (int)l->pid);
    launcher_stop(l);
    return ask(l, &r, fds, num);
}

int launch_worker(struct launcher *l, const struct launch_spec *spec, struct launch_result *out)
{
    int sock[2], err;
    pid_t pid;

    if (spec->worker_uid == 0 || spec->worker_uid == (uid_t)-1 || spec->worker_fd < 0)
        return -EINVAL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) != 0)
        return -errno;
    pid = fcntl(sock[0], F_SETFL, O_NONBLOCK) == 0 ? ask_twice(l, spec, sock[1]) : -errno;
    close(sock[1]);
    if (pid < 0) {
        close(sock[0]);
        return pid;
    }
    /* There is room for it where sock[1] was, and the pid is nobody else's before we reap it. */
    out->pidfd = pidfd_open(pid, 0);
    if (out->pidfd < 0) {
        err = -errno;
        (void)kill(pid, SIGKILL); /* not waited for: it may hang */
        close(sock[0]);
        return err;
    }
    out->pid = pid;
    out->control_fd = sock[0];
    return 0;
}
