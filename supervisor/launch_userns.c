/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch_userns.c - a user namespace that knows a few users and groups.
 *
 * Async-signal-safe calls only. A namespace needs a process to begin with: a helper is born in it
 * and shares our descriptor table. We are in a pid namespace whose numbers mean nothing in the host's
 * /proc, so the helper opens its own directory there, for us to work with: the maps are written under
 * our credentials, as the kernel demands.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch_child.h"

/* Descriptor of its /proc directory, or a negative errno, through the pipe; then waits to be killed. */
static _Noreturn void helper(int to)
{
    int fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        fd = -errno;
    if (write(to, &fd, sizeof(fd)) != (ssize_t)sizeof(fd))
        _exit(1);
    for (;;)
        pause();
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
    int pipe_fd[2], proc = -EIO, fd;
    pid_t pid;

    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return -errno;
    pid = launch_clone(CLONE_FILES | CLONE_NEWUSER, NULL, 0);
    if (pid == 0)
        helper(pipe_fd[1]);
    fd = (int)pid;
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
