/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch_userns.c - a user namespace that knows a few users and groups.
 *
 * Async-signal-safe calls only. A namespace needs a process to begin with: a helper is born in it
 * and shares our descriptor table, and our memory, which is the supervisor's copied once already: to copy it again for this
 * would cost more than all the rest. We are in a pid namespace whose numbers mean nothing in the host's /proc, so the
 * helper opens its own directory there, for us to work with: the maps are written under our credentials, as the
 * kernel demands.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch_child.h"

#define HELPER_STACK 16384

/*
 * Descriptor of its /proc directory, or a negative errno, through the pipe; then waits to be killed. libc's state is
 * shared, too: nothing but system calls, and errno only as long as we wait for the answer.
 */
static int helper(void *pipe_end)
{
    const int *to = pipe_end;
    long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int answer = fd < 0 ? -errno : (int)fd;

    if (syscall(SYS_write, *to, &answer, sizeof(answer)) != (long)sizeof(answer))
        return 1;
    for (;;)
        (void)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

static size_t put_number(char *at, uint32_t v)
{
    char digits[10];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    for (size_t i = 0; i < n; i++)
        at[i] = digits[n - 1 - i];
    return n;
}

/* "<inner> <outer> <count>" */
static int write_map(int proc, const char *name, struct id_map map)
{
    char line[40];
    size_t n = put_number(line, map.inner);
    int fd = openat(proc, name, O_WRONLY | O_CLOEXEC);
    ssize_t written;
    int err;

    if (fd < 0)
        return -errno;
    line[n++] = ' ';
    n += put_number(line + n, map.outer);
    line[n++] = ' ';
    n += put_number(line + n, map.count);
    written = write(fd, line, n);
    err = written == (ssize_t)n ? 0 : written < 0 ? -errno : -EIO;
    close(fd);
    return err;
}

static int make(int proc, struct id_map uids, struct id_map gids)
{
    int err = write_map(proc, "uid_map", uids);
    int fd;

    if (err == 0)
        err = write_map(proc, "gid_map", gids);
    if (err != 0)
        return err;
    fd = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int launch_userns(struct id_map uids, struct id_map gids)
{
    _Alignas(16) char stack[HELPER_STACK];
    int pipe_fd[2], proc = -EIO, fd;
    pid_t pid;

    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return -errno;
    pid = clone(helper, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_NEWUSER | SIGCHLD,
                &pipe_fd[1]);
    fd = -errno;
    if (pid > 0) {
        if (read(pipe_fd[0], &proc, sizeof(proc)) != (ssize_t)sizeof(proc))
            proc = -EIO;
        fd = proc < 0 ? proc : make(proc, uids, gids);
        if (proc >= 0)
            close(proc);
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    return fd;
}
