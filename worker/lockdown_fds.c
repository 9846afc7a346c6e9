/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_fds.c - the descriptors that a worker starts with: each is what it should be, and
 * there is no other.
 *
 * They come from the supervisor; what is checked here is that a mistake there cannot become a
 * descriptor too many in here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lockdown_steps.h"
#include "xen9p/descriptors.h"

#define BIT(fd) (UINT64_C(1) << (fd))

static int socket_option(int fd, int option)
{
    socklen_t len = sizeof(int);
    int v = -1;

    return getsockopt(fd, SOL_SOCKET, option, &v, &len) == 0 ? v : -1;
}

static bool is_seqpacket(int fd)
{
    return socket_option(fd, SO_DOMAIN) == AF_UNIX && socket_option(fd, SO_TYPE) == SOCK_SEQPACKET;
}

static bool is_null(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static bool is_directory(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_userns(int fd)
{
    return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWUSER;
}

static bool is_memfd(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fcntl(fd, F_GET_SEALS) > 0;
}

static bool is_device(int fd, const char *path)
{
    struct stat st, named;

    return fstat(fd, &st) == 0 && stat(path, &named) == 0 && S_ISCHR(st.st_mode) &&
           S_ISCHR(named.st_mode) && st.st_rdev == named.st_rdev;
}

static bool is_gntdev(int fd)
{
    return is_device(fd, "/dev/xen/gntdev");
}

static bool is_evtchn(int fd)
{
    return is_device(fd, "/dev/xen/evtchn");
}

static bool is_eventfd(int fd)
{
    static const char want[] = "anon_inode:[eventfd]";
    char path[sizeof("/proc/self/fd/00")] = "/proc/self/fd/", target[sizeof(want)];
    size_t n = strlen(path);

    if (fd > 9)
        path[n++] = (char)('0' + fd / 10);
    path[n] = (char)('0' + fd % 10);
    return readlink(path, target, sizeof(target)) == (ssize_t)sizeof(want) - 1 &&
           memcmp(target, want, sizeof(want) - 1) == 0;
}

int lockdown_only_open(int dir, uint64_t expected, uint32_t *other)
{
    _Alignas(struct dirent64) char buf[4096];
    ssize_t n;

    while ((n = getdents64(dir, buf, sizeof(buf))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *e = (const void *)(buf + at);
            unsigned long fd = strtoul(e->d_name, NULL, 10);

            at += e->d_reclen;
            if (e->d_name[0] == '.' || fd == (unsigned long)dir)
                continue;
            if (fd >= 64 || (expected & BIT(fd)) == 0) {
                *other = (uint32_t)fd;
                return -EBADF;
            }
        }
    }
    return n == 0 ? 0 : -errno;
}

int lockdown_plug(int number)
{
    return dup3(STDIN_FILENO, number, O_CLOEXEC) >= 0 ? 0 : -errno;
}

int lockdown_place(int fd, int number)
{
    int err = 0;

    if (fd < 0)
        return -errno;
    if (fd == number)
        return 0;
    if (dup3(fd, number, O_CLOEXEC) < 0)
        err = -errno;
    close(fd);
    return err;
}

static int nothing_else(struct lockdown *l, uint64_t expected)
{
    int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err;

    if (dir < 0)
        return -errno;
    err = lockdown_only_open(dir, expected, &l->value);
    close(dir);
    return err;
}

int lockdown_check_fds(struct lockdown *l)
{
    const struct ctl_config *c = &l->w->config;
    bool evtchn = c->notify_kind == CTL_NOTIFY_EVTCHN;
    const struct {
        int fd;
        bool (*is)(int fd);
    } expected[] = {
        {STDIN_FILENO, is_null},
        {STDOUT_FILENO, is_null},
        {STDERR_FILENO, is_open}, /* the supervisor's choice */
        {WFD_CONTROL, is_seqpacket},
        {WFD_TREE, is_directory},
        {WFD_USERNS, is_userns},
        {WFD_RINGMEM, c->ring_kind == CTL_RING_GNTDEV ? is_gntdev : is_memfd},
        {WFD_NOTIFY, evtchn ? is_evtchn : is_eventfd},
        {WFD_NOTIFY + 1, evtchn && c->num_rings > 1 ? is_evtchn : NULL},
        {WFD_NOTIFY + 2, evtchn && c->num_rings > 2 ? is_evtchn : NULL},
        {WFD_NOTIFY + 3, evtchn && c->num_rings > 3 ? is_evtchn : NULL},
        {WFD_FILTER, is_memfd},
        {WFD_JOURNAL, is_memfd},
        {WFD_QUOTA, is_memfd},
        {WFD_CALL, evtchn ? NULL : is_eventfd},
        {WFD_AUDIT, (c->flags & CTL_FLAG_AUDIT) != 0 ? is_seqpacket : NULL},
    };
    _Static_assert(CTL_MAX_RINGS == 4, "one line for each");
    const size_t num = sizeof(expected) / sizeof(expected[0]);
    uint64_t open_fds = 0;
    int err;

    for (size_t i = 0; i < num; i++) {
        l->value = (uint32_t)expected[i].fd;
        if (expected[i].is == NULL)
            continue;
        if (!expected[i].is(expected[i].fd))
            return -EBADF;
        open_fds |= BIT(expected[i].fd);
    }
    err = nothing_else(l, open_fds);
    for (int fd = 0; fd < WFD_FIRST_FREE && err == 0; fd++)
        if ((open_fds & BIT(fd)) == 0)
            err = lockdown_plug(fd);
    return err;
}
