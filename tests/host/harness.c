/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harness.c - life of a rig: export, memory, worker, control socket. Its rings: frontend.c.
 */
#include "harness.h"

#include <errno.h>
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
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "xen9p/limits.h"

static void make_export(struct rig *g)
{
    snprintf(g->outside, sizeof(g->outside), "%s/outside", tap_dir());
    if (mkdir(g->outside, 0755) != 0 && errno != EEXIST)
        FAIL("mkdir %s: %m", g->outside);
    if (g->cfg.export != NULL) {
        snprintf(g->root, sizeof(g->root), "%s", g->cfg.export);
    } else {
        snprintf(g->root, sizeof(g->root), "%s/export", tap_dir());
        MUST(mkdir(g->root, 0755));
        MUST(chown(g->root, g->cfg.export_owner, g->cfg.export_owner));
    }
    g->root_fd = open(g->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    MUST(g->root_fd);
}

static void make_rings(struct rig *g)
{
    size_t pages = 1 + ((size_t)1 << g->cfg.order);

    g->mem_len = g->cfg.num_rings * pages * RING_PAGE_SIZE;
    g->memfd = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    MUST(g->memfd);
    MUST(ftruncate(g->memfd, (off_t)g->mem_len));
    MUST(fcntl(g->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    g->mem = mmap(NULL, g->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd, 0);
    CHECK(g->mem != MAP_FAILED);
    for (uint32_t i = 0; i < g->cfg.num_rings; i++) {
        struct fe_ring *r = &g->ring[i];
        uint8_t *base = (uint8_t *)g->mem + i * pages * RING_PAGE_SIZE;

        r->intf = (struct xen_9pfs_data_intf *)base;
        r->size = ringidx_size(g->cfg.order);
        r->in = base + RING_PAGE_SIZE;
        r->out = r->in + r->size;
        r->intf->ring_order = g->cfg.order;
        r->intf->in_cons = r->intf->in_prod = g->cfg.start_index;
        r->intf->out_cons = r->intf->out_prod = g->cfg.start_index;
        r->out_prod = r->in_cons = g->cfg.start_index;
    }
}

static void make_counts(struct rig *g)
{
    static const uint64_t none[QUOTA_KINDS];

    g->quota_fd = g->cfg.quota_of != NULL ? fcntl(g->cfg.quota_of->quota_fd, F_DUPFD_CLOEXEC, 0)
                                          : quota_counts_create(none);
    CHECK(g->quota_fd >= 0);
    g->quota = quota_counts_map(g->quota_fd);
    CHECK(g->quota != NULL);
}

struct rig *rig_prepare(const struct rig_config *cfg)
{
    struct rig *g = calloc(1, sizeof(*g));

    CHECK(g != NULL);
    if (cfg != NULL)
        g->cfg = *cfg;
    if (g->cfg.order == 0)
        g->cfg.order = 5;
    if (g->cfg.num_rings == 0)
        g->cfg.num_rings = 2;
    if (g->cfg.threads == 0)
        g->cfg.threads = LIMIT_THREADS;
    if (g->cfg.max_fids == 0)
        g->cfg.max_fids = 1024;
    if (g->cfg.max_msize == 0)
        g->cfg.max_msize = LIMIT_MAX_MSIZE;
    if (g->cfg.policy.poll_us == 0 && !g->cfg.no_polling)
        g->cfg.policy.poll_us = LIMIT_POLL_US;
    make_export(g);
    make_rings(g);
    g->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->journal_fd = journal_create();
    CHECK(g->kick_fd >= 0 && g->call_fd >= 0 && g->journal_fd >= 0);
    g->journal = journal_map(g->journal_fd);
    CHECK(g->journal != NULL);
    make_counts(g);
    g->control_fd = -1;
    return g;
}

void rig_start_unready(struct rig *g, uint32_t flags)
{
    const size_t stride = (1 + ((size_t)1 << g->cfg.order)) * RING_PAGE_SIZE;
    struct ctl_config c = g->cfg.policy;

    c.flags |= g->cfg.flags | flags | (g->cfg.audit_fd > 0 ? CTL_FLAG_AUDIT : 0);
    c.ring_kind = CTL_RING_MEMFD;
    c.notify_kind = CTL_NOTIFY_EVENTFD;
    c.num_rings = g->cfg.num_rings;
    c.threads = g->cfg.threads;
    c.max_fids = g->cfg.max_fids;
    c.max_open_files = g->cfg.max_open_files;
    c.max_msize = g->cfg.max_msize;
    c.forbidden = g->cfg.forbidden;
    c.shown_uid = g->cfg.shown_uid;
    c.shown_gid = g->cfg.shown_gid;
    for (uint32_t i = 0; i < g->cfg.num_rings; i++)
        c.ring[i] = (struct ctl_ring){i * stride, i * stride + RING_PAGE_SIZE, g->cfg.order, 0};
    CHECK(g->pid == 0);
    if (g->control_fd >= 0)
        close(g->control_fd);
    memset(&g->counts, 0, sizeof(g->counts));
    g->closed = g->has_stopped = g->eof = false;
    g->phase = CTL_PHASE_STARTING;
    backend_start(g, &c);
}

void rig_start(struct rig *g, uint32_t flags)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    rig_start_unready(g, flags);
    while (g->phase == CTL_PHASE_STARTING && !g->eof && tap_now() < deadline) {
        struct pollfd p = {g->control_fd, POLLIN, 0};

        (void)poll(&p, 1, 100);
        rig_events(g);
    }
    if (g->phase != CTL_PHASE_SERVING)
        FAIL("the worker did not become ready%s", g->eof ? ": it ended" : "");
}

struct rig *rig_new(const struct rig_config *cfg)
{
    struct rig *g = rig_prepare(cfg);

    rig_start(g, g->cfg.start_index != 0 ? CTL_FLAG_SUCCESSOR | CTL_FLAG_ADOPT : 0);
    return g;
}

static void take_event(struct rig *g, const struct ctl_event *e)
{
    switch (e->code) {
    case CTL_EVENT_SESSION:
        g->sessions++;
        g->last_session = *e;
        break;
    case CTL_EVENT_ATTACH:
        g->attaches++;
        g->last_attach = *e;
        break;
    case CTL_EVENT_CLOSE:
        g->closed = true;
        g->close = *e;
        break;
    case CTL_EVENT_STOPPED:
        g->has_stopped = true;
        g->stopped = *e;
        break;
    case CTL_EVENT_LOST:
        g->lost = e->a;
        break;
    default:
        FAIL("event with unknown code %u", e->code);
    }
}

void rig_events(struct rig *g)
{
    struct ctl_received r;
    int n;

    while (!g->eof && (n = ctl_recv(g->control_fd, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT)) != 0) {
        if (n == -EAGAIN)
            return;
        if (n < 0)
            FAIL("control message from the worker: %s", strerror(-n));
        if (!ctl_permit(&g->counts, r.msg.hdr.type, g->phase))
            FAIL("control message %s is not permitted in phase %d", ctl_type_name(r.msg.hdr.type),
                 (int)g->phase);
        switch (r.msg.hdr.type) {
        case CTL_FAILED:
            FAIL("the worker failed: %s: %s (value %u)", ctl_step_name(r.msg.failed.step),
                 strerror(r.msg.failed.error), r.msg.failed.value);
        case CTL_READY:
            g->ready = r.msg.ready;
            g->phase = CTL_PHASE_SERVING;
            break;
        default:
            take_event(g, &r.msg.event);
        }
    }
    g->eof = true;
}

static void pump_events(struct rig *g, const bool *until)
{
    long long deadline = tap_now() + RIG_WAIT_MS;

    rig_events(g);
    while (!*until && !g->eof && tap_now() < deadline) {
        struct pollfd p = {g->control_fd, POLLIN, 0};

        (void)poll(&p, 1, 100);
        rig_events(g);
    }
}

int rig_wait_exit(struct rig *g)
{
    struct pollfd p = {g->pidfd, POLLIN, 0};
    int status;

    CHECK(g->pid > 0);
    if (poll(&p, 1, RIG_WAIT_MS) != 1) {
        kill(g->pid, SIGKILL);
        FAIL("the worker did not end within %d s", RIG_WAIT_MS / 1000);
    }
    CHECK_EQ(waitpid(g->pid, &status, 0), g->pid);
    close(g->pidfd);
    g->pid = 0;
    return status;
}

void rig_kill(struct rig *g)
{
    CHECK(g->pid > 0);
    CHECK_EQ(kill(g->pid, SIGKILL), 0);
    (void)rig_wait_exit(g);
    rig_events(g);
}

static void send_stop(struct rig *g)
{
    union ctl_message m = {.hdr = {.type = CTL_STOP}};
    int err = ctl_send(g->control_fd, &m, NULL, 0);

    if (err != 0 && err != -EPIPE && err != -ECONNRESET)
        FAIL("sending CTL_STOP: %s", strerror(-err));
    g->phase = CTL_PHASE_STOPPING;
}

void rig_end(struct rig *g)
{
    int status;

    rig_events(g);
    if (g->closed)
        FAIL("the worker asked for a close: %s, ring %llu, value 0x%llx",
             ctl_close_reason_name((uint32_t)g->close.a), (unsigned long long)g->close.b,
             (unsigned long long)g->close.c);
    send_stop(g);
    status = rig_wait_exit(g);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("the worker ended with status 0x%x, expected exit 0", status);
    rig_events(g);
    CHECK(g->has_stopped);
}

void rig_expect_close(struct rig *g, uint32_t ring, enum ctl_close_reason reason)
{
    int status;

    pump_events(g, &g->closed);
    if (!g->closed)
        FAIL("the worker did not ask for a close (%s)", ctl_close_reason_name(reason));
    if (g->close.a != reason || g->close.b != ring)
        FAIL("close: %s on ring %llu, expected %s on ring %u",
             ctl_close_reason_name((uint32_t)g->close.a), (unsigned long long)g->close.b,
             ctl_close_reason_name(reason), ring);
    send_stop(g);
    status = rig_wait_exit(g);
    if (!WIFEXITED(status))
        FAIL("the worker ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) > 1) /* a sanitizer's own status */
        FAIL("the worker ended with status %d", WEXITSTATUS(status));
}

long long rig_cpu_ms(const struct rig *g)
{
    clockid_t clock;
    struct timespec t;

    CHECK_EQ(clock_getcpuclockid(g->pid, &clock), 0);
    CHECK_EQ(clock_gettime(clock, &t), 0);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}
