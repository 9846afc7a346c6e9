/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.c - from fork to exec of a worker: the supervisor's half.
 *
 * Trusts its caller. Nothing here waits: whatever may hang (the export's file system) happens in
 * the child, which the caller kills when its time is up. A child that waits for a FUSE server which has
 * taken the request and never answers does not even die of SIGKILL before that file system's
 * connection is aborted: the caller must not wait for its end either.
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
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch_child.h"

/* A worker sees no process, no network, no IPC object and no host name but its own. */
#define WORKER_NAMESPACES (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

pid_t launch_clone(uint64_t flags, int *pidfd, int cgroup)
{
    struct clone_args args;
    long pid;

    memset(&args, 0, sizeof(args));
    args.flags = flags;
    args.pidfd = (uint64_t)(uintptr_t)pidfd;
    args.exit_signal = SIGCHLD;
    if (cgroup > 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    pid = syscall(SYS_clone3, &args, sizeof(args));
    return pid < 0 ? -errno : (pid_t)pid;
}

int launch_worker(const struct launch_spec *spec, struct launch_result *out)
{
    sigset_t all, before;
    int sock[2], err;
    pid_t pid;

    if (spec->worker_uid == 0 || spec->worker_uid == (uid_t)-1 || spec->worker_fd < 0)
        return -EINVAL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) != 0)
        return -errno;
    if (fcntl(sock[0], F_SETFL, O_NONBLOCK) != 0) {
        err = -errno;
        goto fail;
    }
    /* The child must not run our handlers in its copy of us. It takes the mask off again. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = launch_clone(CLONE_PIDFD | WORKER_NAMESPACES, &out->pidfd, spec->cgroup_fd);
    if (pid == 0) {
        close(sock[0]);
        launch_child(spec, sock[1]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        err = (int)pid;
        goto fail;
    }
    close(sock[1]);
    out->pid = pid;
    out->control_fd = sock[0];
    return 0;
fail:
    close(sock[0]);
    close(sock[1]);
    return err;
}
