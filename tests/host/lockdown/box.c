/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box.c - launching the shipped worker with rings in a memfd.
 */
#include "box.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xen9p/filter.h"
#include "xen9p/journal.h"
#include "xen9p/limits.h"
#include "xen9p/quota_counts.h"
#include "xen9p/ringidx.h"

#define ORDER 3u
#define RINGS 2u

/* The worker of the same build: BUILD/tests/host/lockdown/lockdown-test, BUILD/xen9p-worker. */
static int open_worker(void)
{
    const char *build = getenv("BUILD"), *worker = getenv("XEN9P_WORKER");
    char path[512], self[400];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    MUST(n);
    self[n] = '\0';
    for (int i = 0; i < 4; i++) {
        char *slash = strrchr(self, '/');

        CHECK(slash != NULL);
        *slash = '\0';
    }
    if (worker != NULL)
        snprintf(path, sizeof(path), "%s", worker);
    else
        snprintf(path, sizeof(path), "%s/xen9p-worker", build != NULL ? build : self);
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        FAIL("no worker at %s: %m", path);
    return fd;
}

static int make_memory(void)
{
    int fd = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    MUST(fd);
    MUST(ftruncate(fd, RINGS * (1 + (1u << ORDER)) * RING_PAGE_SIZE));
    MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    return fd;
}

void box_prepare(struct box *b, uid_t owner)
{
    const uint64_t stride = (1 + (1u << ORDER)) * (uint64_t)RING_PAGE_SIZE;
    const struct filter_spec filter = {.notify = CTL_NOTIFY_EVENTFD};

    memset(b, 0, sizeof(*b));
    snprintf(b->export, sizeof(b->export), "%s/export", tap_dir());
    if (access(b->export, F_OK) != 0)
        MUST(mkdir(b->export, 0755));
    MUST(chown(b->export, owner, owner));
    b->spec = (struct launch_spec){
        .path = b->export, .worker_fd = open_worker(), .worker_uid = BOX_UID, .stderr_fd = -1};
    b->config = (struct ctl_config){.ring_kind = CTL_RING_MEMFD,
                                    .notify_kind = CTL_NOTIFY_EVENTFD,
                                    .num_rings = RINGS,
                                    .threads = 3,
                                    .max_fids = 100,
                                    .max_msize = LIMIT_MAX_MSIZE};
    for (uint32_t i = 0; i < RINGS; i++)
        b->config.ring[i] = (struct ctl_ring){i * stride, i * stride + RING_PAGE_SIZE, ORDER, 0};
    b->fds[CTL_CONFIG_FD_RINGMEM] = make_memory();
    b->fds[CTL_CONFIG_FD_NOTIFY] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->fds[CTL_CONFIG_FD_FILTER] = filter_compile(&filter);
    b->fds[CTL_CONFIG_FD_JOURNAL] = journal_create();
    b->fds[CTL_CONFIG_FD_QUOTA] = quota_counts_create((const uint64_t[QUOTA_KINDS]){0});
    b->fds[CTL_CONFIG_FD_CALL] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->num_fds = CTL_CONFIG_FD_CALL + 1;
    for (size_t i = 0; i < b->num_fds; i++)
        CHECK(b->fds[i] >= 0);
}

void box_launch(struct box *b)
{
    int err = launch_worker(&b->launcher, &b->spec, &b->res);

    if (err != 0)
        FAIL("launch_worker: %s", strerror(-err));
}

void box_configure(struct box *b)
{
    union ctl_message m;

    memset(&m, 0, sizeof(m));
    m.config = b->config;
    m.hdr.type = CTL_CONFIG;
    /* EPIPE: it has failed already, and says why */
    (void)ctl_send(b->res.control_fd, &m, b->fds, b->num_fds);
}

bool box_message(struct box *b, struct ctl_received *r, long long ms)
{
    struct pollfd p = {b->res.control_fd, POLLIN, 0};
    int n;

    if (poll(&p, 1, (int)ms) != 1)
        return false;
    n = ctl_recv(b->res.control_fd, CTL_SIDE_SUPERVISOR, r, MSG_DONTWAIT);
    if (n < 0)
        FAIL("message from the worker: %s", strerror(-n));
    return n == 1;
}

void box_expect_ready(struct box *b)
{
    struct ctl_received r;

    if (!box_message(b, &r, BOX_WAIT_MS))
        FAIL("the worker said nothing; status 0x%x", (unsigned)box_wait(b, 0));
    if (r.msg.hdr.type == CTL_FAILED)
        FAIL("the worker failed: %s: %s (value %u)", ctl_step_name(r.msg.failed.step),
             strerror(r.msg.failed.error), r.msg.failed.value);
    CHECK_EQ(r.msg.hdr.type, CTL_READY);
    b->ready = r.msg.ready;
}

void box_expect_failed(struct box *b, enum ctl_step step, int error)
{
    struct ctl_received r;
    int status;

    if (!box_message(b, &r, BOX_WAIT_MS))
        FAIL("no message, expected: %s: %s", ctl_step_name(step), strerror(error));
    if (r.msg.hdr.type != CTL_FAILED)
        FAIL("%s, expected: %s: %s", ctl_type_name(r.msg.hdr.type), ctl_step_name(step),
             strerror(error));
    if (r.msg.failed.step != step || r.msg.failed.error != error)
        FAIL("failed: %s: %s (value %u), expected: %s: %s", ctl_step_name(r.msg.failed.step),
             strerror(r.msg.failed.error), r.msg.failed.value, ctl_step_name(step),
             strerror(error));
    status = box_wait(b, BOX_WAIT_MS);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
        FAIL("status 0x%x, expected exit 1", (unsigned)status);
}

void box_start(struct box *b)
{
    box_launch(b);
    box_configure(b);
    box_expect_ready(b);
}

int box_wait(struct box *b, long long ms)
{
    struct pollfd p = {b->res.pidfd, POLLIN, 0};
    int status;

    if (poll(&p, 1, (int)ms) != 1)
        return -1;
    CHECK_EQ(waitpid(b->res.pid, &status, 0), b->res.pid);
    close(b->res.pidfd);
    close(b->res.control_fd);
    return status;
}

void box_kill(struct box *b)
{
    MUST(kill(b->res.pid, SIGKILL));
    if (box_wait(b, BOX_WAIT_MS) == -1)
        FAIL("SIGKILL did not end it");
}

void box_free(struct box *b)
{
    for (size_t i = 0; i < b->num_fds; i++)
        close(b->fds[i]);
    close(b->spec.worker_fd);
    launcher_stop(&b->launcher);
}
