/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend_engine.c - the worker's engine in a forked child, for sanitizers and coverage.
 *
 * Does what the launch and lockdown steps leave behind (the fixed descriptor table, mapped rings,
 * SIGTERM blocked) and nothing of what they take away. Part of a test program only: nothing that
 * is installed can run an engine without its jail.
 */
#include "backend.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/quota_scan.h"
#include "xen9p/worker.h"

#define HIGH 200 /* above the fixed table and everything that the child inherits */

const bool backend_is_jailed = false;

/*
 * Under ASan the memory of a worker is searched for leaks when it ends; that of the first one of a
 * case, because the search stops the world for long. What the test itself allocated before the
 * fork is none of the worker's.
 */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "leak_check_at_exit=0";
}

__attribute__((constructor)) static void leaks_of_the_test_do_not_count(void)
{
    if (__lsan_disable != NULL)
        __lsan_disable();
}

static bool has_leaks(void)
{
    return __lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0;
}

static int lift(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

    MUST(high);
    return high;
}

static void put(int high, int number)
{
    MUST(dup3(high, number, O_CLOEXEC));
    close(high);
}

/* The fixed descriptors, and nothing else of the parent's. */
static void arrange_descriptors(const struct rig *g, int control)
{
    int c = lift(control), kick = lift(g->kick_fd), call = lift(g->call_fd);
    int root = lift(g->root_fd), audit = g->cfg.audit_fd > 0 ? lift(g->cfg.audit_fd) : -1;
    int proc = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    MUST(proc);
    MUST(fchdir(proc));
    proc = lift(proc);
    MUST(close_range(3, HIGH - 1, 0));
    put(c, WFD_CONTROL);
    put(kick, WFD_NOTIFY);
    put(call, WFD_CALL);
    put(proc, WFD_PROC);
    put(root, WFD_ROOT);
    if (audit >= 0)
        put(audit, WFD_AUDIT);
    for (int fd = 3; fd < WFD_FIRST_FREE; fd++) /* so that fids come behind it */
        if (fcntl(fd, F_GETFD) < 0)
            MUST(dup3(0, fd, O_CLOEXEC));
}

static void map_rings(struct worker *w, struct rig *g)
{
    for (uint32_t i = 0; i < w->config.num_rings; i++) {
        const struct ctl_ring *c = &w->config.ring[i];
        size_t len = ((size_t)1 << c->order) * RING_PAGE_SIZE;
        void *intf = mmap(NULL, RING_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd,
                          (off_t)c->intf_offset);
        void *data =
            mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd, (off_t)c->data_offset);

        CHECK(intf != MAP_FAILED && data != MAP_FAILED);
        ring_init(&w->ring[i], i, c, intf, data, &w->journal->ring[i]);
    }
}

static void serve(struct rig *g, const struct ctl_config *config, int control, bool first)
{
    static struct worker w;
    union ctl_message ready = {.ready = {.hdr.type = CTL_READY}};
    sigset_t term;
    int status;

    if (__lsan_enable != NULL)
        __lsan_enable();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    umask(0);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    MUST(sigprocmask(SIG_BLOCK, &term, NULL));
    signal(SIGXFSZ, SIG_IGN);
    w.config = *config;
    w.max_fids = config->max_fids;
    w.journal = journal_map(g->journal_fd);
    w.quota_counts = g->quota;
    CHECK(w.journal != NULL);
    map_rings(&w, g);
    arrange_descriptors(g, control);
    CHECK_EQ(session_init(&w.session, &w), 0);
    CHECK_EQ(pump_start(&w.pump, &w), 0);
    CHECK_EQ(quota_scan_start(&w.session.quota), 0);
    ready.ready.threads = config->threads;
    ready.ready.max_fids = w.max_fids;
    CHECK_EQ(ctl_send(WFD_CONTROL, &ready, NULL, 0), 0);
    pump_open(&w.pump);
    quota_scan_open(&w.session.quota);
    status = pump_wait(&w.pump);
    for (uint32_t i = 0; i < w.pump.num_threads; i++) /* a worker just exits; here they must end */
        pthread_join(w.pump.thread[i], NULL);
    session_fini(&w.session);
    if (first && has_leaks())
        status = 2;
    exit(status);
}

void backend_start(struct rig *g, const struct ctl_config *config)
{
    static bool started;
    int pair[2];

    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    g->pid = fork();
    MUST(g->pid);
    if (g->pid == 0)
        serve(g, config, pair[1], !started);
    started = true;
    close(pair[1]);
    MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK));
    g->control_fd = pair[0];
    g->pidfd = (int)syscall(SYS_pidfd_open, g->pid, 0);
    MUST(g->pidfd);
}

bool backend_policy(const char *name, struct ctl_config *config)
{
    (void)name;
    (void)config;
    return false;
}
