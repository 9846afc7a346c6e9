/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown.c - the list of steps by which a worker locks itself down, and its last ones.
 *
 * Runs before the first byte of the guest is looked at; trusts the supervisor and the kernel, and
 * checks what it is given all the same: a step that is not exactly as expected ends the worker.
 */
#include "xen9p/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockdown_steps.h"
#include "xen9p/audit.h"
#include "xen9p/descriptors.h"
#include "xen9p/operations.h"

#define FILTER_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static int failed(enum ctl_step step, int err, uint32_t value)
{
    union ctl_message m;

    memset(&m, 0, sizeof(m));
    m.failed.hdr.type = CTL_FAILED;
    m.failed.step = step;
    m.failed.error = -err;
    m.failed.value = value;
    (void)ctl_send(WFD_CONTROL, &m, NULL, 0);
    return err;
}

/*
 * Threads inherit everything that is in force now. SIGTERM goes to a signalfd; EFBIG and EPIPE are
 * answers, not reasons to die.
 */
static int start_threads(struct lockdown *l)
{
    sigset_t term;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &term, NULL) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
        signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    return l->threads(l->w);
}

/* The program in WFD_FILTER; NULL with errno. */
static struct sock_filter *read_filter(unsigned short *len)
{
    int seals = fcntl(WFD_FILTER, F_GET_SEALS);
    struct sock_filter *program;
    struct stat st;

    if (seals < 0 || (seals & FILTER_SEALS) != FILTER_SEALS || fstat(WFD_FILTER, &st) != 0 ||
        st.st_size <= 0 || st.st_size > (off_t)(BPF_MAXINSNS * sizeof(*program)) ||
        (size_t)st.st_size % sizeof(*program) != 0) {
        errno = EPROTO;
        return NULL;
    }
    program = malloc((size_t)st.st_size);
    if (program == NULL)
        return NULL;
    if (pread(WFD_FILTER, program, (size_t)st.st_size, 0) != st.st_size) {
        free(program);
        errno = EPROTO;
        return NULL;
    }
    *len = (unsigned short)((size_t)st.st_size / sizeof(*program));
    return program;
}

/* The last thing before the filter: nothing of this is possible behind it. */
static int load_filter(struct lockdown *l)
{
    struct sock_fprog prog = {0};
    int err = 0;
    long res;

    prog.filter = read_filter(&prog.len);
    if (prog.filter == NULL)
        return -errno;
    err = lockdown_plug(WFD_FILTER);
    if (err == 0 && fchdir(WFD_PROC) != 0)
        err = -errno;
    if (err == 0) {
        res = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, &prog);
        if (res > 0) { /* that thread could not be brought along */
            l->value = (uint32_t)res;
            err = -ESRCH;
        } else if (res < 0) {
            err = -errno;
        }
    }
    free(prog.filter);
    return err;
}

static const struct {
    enum ctl_step step;
    int (*run)(struct lockdown *l);
} steps[] = {
    {CTL_STEP_CHECK_FDS, lockdown_check_fds},
    {CTL_STEP_MAP_RINGS, lockdown_map_rings},
    {CTL_STEP_MAP_JOURNAL, lockdown_map_journal},
    {CTL_STEP_MAP_QUOTA, lockdown_map_quota},
    {CTL_STEP_PIVOT_ROOT, lockdown_pivot_root},
    {CTL_STEP_LIMITS, lockdown_limits},
    {CTL_STEP_JOIN_USERNS, lockdown_join_userns},
    {CTL_STEP_IDS_AND_CAPS, lockdown_ids_and_caps},
    {CTL_STEP_NO_NEW_PRIVS, lockdown_no_new_privs},
    {CTL_STEP_LANDLOCK, lockdown_landlock},
    {CTL_STEP_THREADS, start_threads},
    {CTL_STEP_SECCOMP, load_filter},
    {CTL_STEP_PROVE, lockdown_prove},
};

int lockdown_run(struct worker *w, int (*threads)(struct worker *w), struct ctl_ready *ready)
{
    struct lockdown l = {.w = w, .threads = threads};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int err;

        l.value = 0;
        err = steps[i].run(&l);
        if (err != 0)
            return failed(steps[i].step, err, l.value);
    }
    ready->hdr.type = CTL_READY;
    ready->threads = w->config.threads;
    ready->max_fids = w->max_fids;
    ready->owner_uid = l.uid;
    ready->flags = l.landlock ? CTL_READY_LANDLOCK : 0;
    return 0;
}

static bool ring_is_valid(const struct ctl_config *c, const struct ctl_ring *r)
{
    return r->order >= RING_MIN_ORDER && r->order <= RING_MAX_ORDER &&
           r->intf_offset % RING_PAGE_SIZE == 0 && r->data_offset % RING_PAGE_SIZE == 0 &&
           (r->port != 0) == (c->notify_kind == CTL_NOTIFY_EVTCHN);
}

/* The guest's ids on the host: never root's, and only where they are asked for. */
static bool ids_are_valid(const struct ctl_config *c)
{
    if (c->identity != CTL_IDENTITY_MAPPED)
        return c->id_first == 0 && c->id_count == 0;
    return c->id_first != 0 && c->id_count >= 1 && c->id_count <= LIMIT_IDS &&
           c->id_first <= UINT32_MAX - c->id_count;
}

/* Numbers of the policy, but for those that are judged beside the rings. */
static bool policy_is_valid(const struct ctl_config *c)
{
    return c->identity <= CTL_IDENTITY_HOST && ids_are_valid(c) &&
           (c->file_mode_drop & ~0777u) == 0 && (c->directory_mode_drop & ~0777u) == 0 &&
           c->max_locks <= LIMIT_MAX_LOCKS_MAX && c->max_xattr <= LIMIT_MAX_XATTR &&
           c->lock_wait_ms <= LIMIT_LOCK_WAIT_MAX_MS && c->poll_us <= LIMIT_POLL_MAX_US &&
           c->limits.audit <= AUDIT_ALL_CLASSES && c->limits.reserved == 0;
}

static size_t fds_of(const struct ctl_config *c)
{
    return CTL_CONFIG_FD_NEXT + (c->notify_kind == CTL_NOTIFY_EVTCHN ? c->num_rings - 1u : 1u) +
           ((c->flags & CTL_FLAG_AUDIT) != 0 ? 1u : 0u);
}

static bool config_is_valid(const struct ctl_config *c, size_t num_fds)
{
    static const struct ctl_ring none;
    bool evtchn = c->notify_kind == CTL_NOTIFY_EVTCHN;

    if ((c->flags & ~(CTL_FLAG_READ_ONLY | CTL_FLAG_SUCCESSOR | CTL_FLAG_ADOPT |
                      CTL_FLAG_REFUSE_CHOWN | CTL_FLAG_AUDIT_BLOCKS | CTL_FLAG_AUDIT |
                      CTL_FLAG_AUTO_DELETE | CTL_FLAG_SUBMOUNTS | CTL_FLAG_DEVICE_NODES)) != 0 ||
        (c->ring_kind != CTL_RING_GNTDEV && c->ring_kind != CTL_RING_MEMFD) ||
        (!evtchn && c->notify_kind != CTL_NOTIFY_EVENTFD) || num_fds != fds_of(c) ||
        (c->forbidden & ~OPERATIONS_ALL) != 0 || !policy_is_valid(c))
        return false;
    if (c->num_rings < 1 || c->num_rings > CTL_MAX_RINGS || c->threads < 1 ||
        c->threads > LIMIT_THREADS_MAX || c->max_fids < 1 ||
        c->max_msize < ringidx_size(RING_MIN_ORDER) / 2 || c->max_msize > LIMIT_MAX_MSIZE)
        return false;
    for (uint32_t i = 0; i < CTL_MAX_RINGS; i++) {
        if (i < c->num_rings ? !ring_is_valid(c, &c->ring[i])
                             : memcmp(&c->ring[i], &none, sizeof(none)) != 0)
            return false;
    }
    return true;
}

static int number_of(const struct ctl_received *r, size_t i)
{
    static const int number[CTL_CONFIG_FD_NEXT] = {
        [CTL_CONFIG_FD_RINGMEM] = WFD_RINGMEM, [CTL_CONFIG_FD_NOTIFY] = WFD_NOTIFY,
        [CTL_CONFIG_FD_FILTER] = WFD_FILTER,   [CTL_CONFIG_FD_JOURNAL] = WFD_JOURNAL,
        [CTL_CONFIG_FD_QUOTA] = WFD_QUOTA,
    };
    const struct ctl_config *c = &r->msg.config;

    if (i < CTL_CONFIG_FD_NEXT)
        return number[i];
    if ((c->flags & CTL_FLAG_AUDIT) != 0 && i == r->num_fds - 1)
        return WFD_AUDIT;
    return c->notify_kind == CTL_NOTIFY_EVTCHN ? WFD_NOTIFY + 1 + (int)(i - CTL_CONFIG_FD_NEXT)
                                               : WFD_CALL;
}

/* To their fixed numbers, by way of numbers that are in nobody's way. Closes what it was given. */
static int place_fds(struct ctl_received *r)
{
    int err = 0;

    for (size_t i = 0; i < r->num_fds; i++) {
        int aside = fcntl(r->fds[i], F_DUPFD_CLOEXEC, WFD_FIRST_FREE + CTL_MAX_FDS);

        if (aside < 0)
            err = -errno;
        close(r->fds[i]);
        r->fds[i] = aside;
    }
    for (size_t i = 0; i < r->num_fds && err == 0; i++)
        err = lockdown_place(r->fds[i], number_of(r, i));
    return err;
}

int lockdown_configure(struct worker *w)
{
    struct ctl_received r;
    int n = ctl_recv(WFD_CONTROL, CTL_SIDE_WORKER, &r, 0);
    int err;

    if (n <= 0)
        return failed(CTL_STEP_CONFIG, n == 0 ? -EPIPE : n, 0);
    if (r.msg.hdr.type != CTL_CONFIG)
        return failed(CTL_STEP_CONFIG, -EPROTO, r.msg.hdr.type);
    if (!config_is_valid(&r.msg.config, r.num_fds))
        return failed(CTL_STEP_CONFIG, -EINVAL, (uint32_t)r.num_fds);
    err = place_fds(&r);
    if (err != 0)
        return failed(CTL_STEP_CONFIG, err, 0);
    w->config = r.msg.config;
    return 0;
}
