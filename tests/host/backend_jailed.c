/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend_jailed.c - the shipped worker, launched and configured as the supervisor does it.
 */
#include "backend.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/filter.h"
#include "xen9p/launch.h"

#define WORKER_UID 200001

const bool backend_is_jailed = true;

/* The one of the same build: BUILD/tests/host/host-jailed and BUILD/xen9p-worker. */
static int open_worker(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    int fd;

    MUST(n);
    path[n] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(path, '/');

        CHECK(slash != NULL);
        *slash = '\0';
    }
    CHECK(strlen(path) + sizeof("/xen9p-worker") <= sizeof(path));
    strcat(path, "/xen9p-worker");
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        FAIL("no worker at %s: %m", path);
    return fd;
}

void backend_start(struct rig *g, const struct ctl_config *config)
{
    const struct filter_spec filter = {.notify = CTL_NOTIFY_EVENTFD,
                                       .read_only = (config->flags & CTL_FLAG_READ_ONLY) != 0,
                                       .forbidden = config->forbidden};
    int worker = open_worker();
    struct launch_spec spec = {.path = g->root,
                               .worker_fd = worker,
                               .worker_uid = WORKER_UID,
                               .read_only = filter.read_only,
                               .stderr_fd = 2};
    struct launch_result res;
    union ctl_message msg;
    int filter_fd, err;

    filter_fd = filter_compile(&filter);
    if (filter_fd < 0)
        FAIL("filter_compile: %s", strerror(-filter_fd));
    err = launch_worker(&spec, &res);
    if (err != 0)
        FAIL("launch_worker: %s", strerror(-err));
    memset(&msg, 0, sizeof(msg));
    msg.config = *config;
    msg.hdr.type = CTL_CONFIG;
    err = ctl_send(res.control_fd, &msg,
                   (const int[]){[CTL_CONFIG_FD_RINGMEM] = g->memfd,
                                 [CTL_CONFIG_FD_NOTIFY] = g->kick_fd,
                                 [CTL_CONFIG_FD_FILTER] = filter_fd,
                                 [CTL_CONFIG_FD_JOURNAL] = g->journal_fd,
                                 [CTL_CONFIG_FD_CALL] = g->call_fd},
                   5);
    if (err != 0)
        FAIL("sending CTL_CONFIG: %s", strerror(-err));
    close(filter_fd);
    close(worker);
    g->pid = res.pid;
    g->pidfd = res.pidfd;
    g->control_fd = res.control_fd;
}
