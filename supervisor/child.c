/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.c - starting, hearing, timing and reaping workers.
 *
 * Trusts nothing that a worker sends: its guest may have taken it over.
 */
#include "xen9p/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xen9p/kernel_log.h"
#include "xen9p/launch.h"
#include "xen9p/limits.h"
#include "xen9p/log.h"
#include "xen9p/loop.h"

#define MESSAGES_AT_ONCE 16 /* of one worker, before the others' turn */
#define LAST_WORDS 4096     /* of one that has ended: more than its socket can hold */

struct child {
    struct children *all;
    struct child *next;
    pid_t pid;
    int pidfd;
    int control_fd; /* -1 once the other end is closed */
    uid_t uid;
    enum ctl_phase phase;
    struct ctl_counts counts;
    struct ctl_failed failure; /* hdr.type is 0 until there was one */
    bool killed;               /* by us */
    bool timed_out;
    bool broke_protocol;
    struct budget share;
    int signal;             /* that it died of */
    bool filtered;          /* killed by its seccomp filter */
    siginfo_t end;          /* how it has ended */
    struct loop_timer look; /* for the system call that it was killed for */
    int looks;
    struct loop_source control, process;
    struct loop_timer deadline;
    const struct child_owner *calls; /* NULL once given up */
    void *owner;
};

struct children {
    struct loop *loop;
    struct launcher launcher;
    struct kernel_log log;
    struct child *first;
    uint32_t next_uid; /* offset in the range */
};

struct children *children_new(struct loop *loop)
{
    struct children *cs = calloc(1, sizeof(*cs));

    if (cs == NULL)
        return NULL;
    cs->loop = loop;
    kernel_log_open(&cs->log);
    return cs;
}

int children_start(struct children *cs)
{
    return launcher_start(&cs->launcher);
}

uint32_t children_count(const struct children *cs)
{
    uint32_t n = 0;

    for (const struct child *c = cs->first; c != NULL; c = c->next)
        n++;
    return n;
}

bool children_alive(const struct children *cs)
{
    for (const struct child *c = cs->first; c != NULL; c = c->next) {
        if (c->calls != NULL)
            return true;
    }
    return false;
}

void children_held(const struct children *cs, struct budget *out)
{
    memset(out, 0, sizeof(*out));
    for (const struct child *c = cs->first; c != NULL; c = c->next) {
        if (c->calls != NULL)
            continue;
        out->grants += c->share.grants;
        out->fids += c->share.fids;
        out->threads += c->share.threads;
    }
}

static bool uid_in_use(const struct children *cs, uid_t uid)
{
    for (const struct child *c = cs->first; c != NULL; c = c->next) {
        if (c->uid == uid)
            return true;
    }
    return false;
}

/* A uid that no living worker has, not even one given up. Round robin: the longest unused one. */
static uid_t pick_uid(struct children *cs)
{
    for (uint32_t i = 0; i < LIMIT_WORKER_UIDS; i++) {
        uid_t uid = LIMIT_WORKER_UID_BASE + cs->next_uid;

        cs->next_uid = (cs->next_uid + 1) % LIMIT_WORKER_UIDS;
        if (!uid_in_use(cs, uid))
            return uid;
    }
    return 0;
}

static void child_kill(struct child *c)
{
    c->killed = true;
    (void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
    loop_timer_set(c->all->loop, &c->deadline, LIMIT_KILL_MS);
}

static void control_close(struct child *c)
{
    if (c->control_fd < 0)
        return;
    loop_remove(c->all->loop, &c->control);
    close(c->control_fd);
    c->control_fd = -1;
}

static void child_free(struct child *c)
{
    for (struct child **at = &c->all->first; *at != NULL; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    control_close(c);
    loop_remove(c->all->loop, &c->process);
    loop_timer_cancel(c->all->loop, &c->deadline);
    loop_timer_cancel(c->all->loop, &c->look);
    if (c->pidfd >= 0)
        close(c->pidfd);
    free(c);
}

/* How it ended, in words. `call`: what its filter has killed it for, "" when that is not known. */
static void describe_end(const struct child *c, const char *call, char *why, size_t cap)
{
    const siginfo_t *info = &c->end;

    if (c->failure.hdr.type == CTL_FAILED)
        (void)snprintf(why, cap, "step \"%s\" failed: %s (%u)", ctl_step_name(c->failure.step),
                       strerror(c->failure.error), c->failure.value);
    else if (c->timed_out)
        (void)snprintf(why, cap, "was not ready within %d s", LIMIT_START_MS / 1000);
    else if (c->broke_protocol)
        (void)snprintf(why, cap, "broke the control protocol and was killed");
    else if (info->si_code == CLD_EXITED)
        (void)snprintf(why, cap, "exited with status %d", info->si_status);
    else if (info->si_status == SIGSYS)
        (void)snprintf(why, cap, "was killed by its seccomp filter (signal %d), system call %s",
                       SIGSYS, call[0] != '\0' ? call : "unknown (see the kernel log)");
    else if (c->killed)
        (void)snprintf(why, cap, "did not end in time and was killed");
    else
        (void)snprintf(why, cap, "was killed by signal %d (%s)%s", info->si_status,
                       strsignal(info->si_status),
                       info->si_status == SIGKILL ? " from outside" : "");
}

/* CTL_CLOSE asks the owner; whatever else is news. */
static void take_event(struct child *c, const struct ctl_event *event)
{
    if (c->calls == NULL)
        return;
    if (event->code == CTL_EVENT_CLOSE)
        c->calls->asks_close(c->owner, event);
    else
        c->calls->event(c->owner, event);
}

static void take_ready(struct child *c, const struct ctl_ready *ready)
{
    if (c->phase != CTL_PHASE_STARTING) /* it crossed our stop on the way */
        return;
    c->phase = CTL_PHASE_SERVING;
    loop_timer_cancel(c->all->loop, &c->deadline);
    if (c->calls != NULL)
        c->calls->ready(c->owner, ready);
}

static void take_message(struct child *c, const union ctl_message *m)
{
    switch (m->hdr.type) {
    case CTL_READY:
        take_ready(c, &m->ready);
        break;
    case CTL_FAILED:
        c->failure = m->failed;
        break;
    default:
        take_event(c, &m->event);
        break;
    }
}

static void protocol_broken(struct child *c, const char *what)
{
    log_error("worker %d: %s; killing it", (int)c->pid, what);
    c->broke_protocol = true;
    control_close(c);
    child_kill(c);
}

void child_violated(struct child *c, const char *what)
{
    protocol_broken(c, what);
}

int child_signal(const struct child *c)
{
    return c->signal;
}

/* Takes up to `most` messages. */
static void hear(struct child *c, int most)
{
    for (int i = 0; i < most && c->control_fd >= 0; i++) {
        struct ctl_received r;
        int n = ctl_recv(c->control_fd, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT);

        if (n == -EAGAIN)
            return;
        if (n == 0) {
            control_close(c); /* it is on its way out: the pidfd tells the rest */
        } else if (n < 0) {
            protocol_broken(c, "malformed control message");
        } else if (!ctl_permit(&c->counts, r.msg.hdr.type, c->phase)) {
            protocol_broken(c, "control message out of turn");
        } else {
            take_message(c, &r.msg);
        }
    }
}

static void control_ready(struct loop_source *s, uint32_t events)
{
    (void)events;
    hear(s->owner, MESSAGES_AT_ONCE);
}

static void tell_end(struct child *c, const char *call)
{
    char why[160];

    describe_end(c, call, why, sizeof(why));
    if (c->calls != NULL)
        c->calls->ended(c->owner, c, false, why);
    else
        log_notice("worker %d, given up earlier, has ended at last", (int)c->pid);
    child_free(c);
}

/* The kernel writes its log a moment after the end of the process. */
static void look_for_call(struct loop_timer *t)
{
    struct child *c = t->owner;
    char call[64] = "";

    if (c->filtered && c->all->log.fd >= 0 &&
        !kernel_log_find(&c->all->log, c->pid, call, sizeof(call)) && c->looks++ < LIMIT_LOOKS) {
        loop_timer_set(c->all->loop, t, LIMIT_LOOK_MS);
        return;
    }
    tell_end(c, call);
}

/* The process has ended. */
static void process_ready(struct loop_source *s, uint32_t events)
{
    struct child *c = s->owner;

    (void)events;
    memset(&c->end, 0, sizeof(c->end));
    if (waitid(P_PIDFD, (id_t)c->pidfd, &c->end, WEXITED | WNOHANG) != 0 || c->end.si_pid == 0)
        return;
    hear(c, LAST_WORDS);
    c->signal = c->end.si_code != CLD_EXITED ? c->end.si_status : 0;
    c->filtered = c->signal == SIGSYS;
    loop_remove(c->all->loop, &c->process);
    loop_timer_cancel(c->all->loop, &c->deadline);
    look_for_call(&c->look);
}

static void deadline_passed(struct loop_timer *t)
{
    struct child *c = t->owner;
    const struct child_owner *calls = c->calls;
    char why[160];

    if (!c->killed) {
        c->timed_out = c->phase == CTL_PHASE_STARTING;
        child_kill(c);
        return;
    }
    /* Not even SIGKILL: it hangs in the kernel. Its owner goes on without it. */
    if (calls == NULL)
        return;
    c->calls = NULL;
    (void)snprintf(why, sizeof(why), "hangs in the kernel and cannot be killed");
    calls->ended(c->owner, c, true, why);
}

static int send_config(struct child *c, const struct child_spec *spec)
{
    union ctl_message m = {.config = *spec->config};
    const size_t num = CTL_CONFIG_FD_NEXT + spec->config->num_rings - 1;
    int fds[CTL_MAX_FDS];

    memcpy(fds, spec->fds, num * sizeof(fds[0]));
    fds[num] = spec->audit_fd;
    m.hdr.type = CTL_CONFIG;
    return ctl_send(c->control_fd, &m, fds,
                    num + ((spec->config->flags & CTL_FLAG_AUDIT) != 0 ? 1 : 0));
}

static int child_listen(struct child *c)
{
    int err;

    c->control = (struct loop_source){.fd = c->control_fd, .ready = control_ready, .owner = c};
    c->process = (struct loop_source){.fd = c->pidfd, .ready = process_ready, .owner = c};
    c->deadline = (struct loop_timer){.fire = deadline_passed, .owner = c};
    c->look = (struct loop_timer){.fire = look_for_call, .owner = c};
    err = loop_add(c->all->loop, &c->process);
    if (err != 0) {
        c->process.fd = c->control.fd = -1;
        return err;
    }
    err = loop_add(c->all->loop, &c->control);
    if (err != 0)
        c->control.fd = -1;
    return err;
}

int child_start(struct children *cs, const struct child_spec *spec, const struct child_owner *calls,
                void *owner, struct child **out)
{
    struct child *c = calloc(1, sizeof(*c));
    struct launch_result launched;
    struct launch_spec ls = {.path = spec->path,
                             .worker_fd = spec->worker_fd,
                             .worker_uid = pick_uid(cs),
                             .read_only = spec->read_only,
                             .submounts = (spec->config->flags & CTL_FLAG_SUBMOUNTS) != 0,
                             .identity = spec->config->identity,
                             .id_first = spec->config->id_first,
                             .id_count = spec->config->id_count,
                             .stderr_fd = -1,
                             .cgroup_fd = spec->cgroup_fd};
    int err;

    if (c == NULL)
        return -ENOMEM;
    err = ls.worker_uid == 0 ? -EUSERS : launch_worker(&cs->launcher, &ls, &launched);
    if (err != 0) {
        free(c);
        return err;
    }
    c->all = cs;
    c->pid = launched.pid;
    c->pidfd = launched.pidfd;
    c->control_fd = launched.control_fd;
    c->uid = ls.worker_uid;
    c->share = spec->share;
    c->phase = CTL_PHASE_STARTING;
    c->next = cs->first;
    cs->first = c;
    err = child_listen(c);
    if (err == 0)
        err = send_config(c, spec);
    if (err != 0) { /* it has nothing of the guest yet */
        child_kill(c);
        return err;
    }
    c->calls = calls;
    c->owner = owner;
    loop_timer_set(cs->loop, &c->deadline, LIMIT_START_MS);
    *out = c;
    return 0;
}

void child_stop(struct child *c)
{
    union ctl_message m = {.hdr = {.type = CTL_STOP}};
    bool serving = c->phase == CTL_PHASE_SERVING;

    if (c->phase == CTL_PHASE_STOPPING || c->killed)
        return;
    c->phase = CTL_PHASE_STOPPING;
    if (serving && c->control_fd >= 0 && ctl_send(c->control_fd, &m, NULL, 0) == 0)
        loop_timer_set(c->all->loop, &c->deadline, LIMIT_DRAIN_MS);
    else
        child_kill(c);
}

int child_limits(struct child *c, const struct ctl_limits *limits)
{
    union ctl_message m = {.limits = {.hdr = {.type = CTL_LIMITS}, .limits = *limits}};

    if (c->phase == CTL_PHASE_STARTING)
        return -EAGAIN;
    if (c->phase != CTL_PHASE_SERVING || c->control_fd < 0 || c->killed)
        return -ESRCH;
    return ctl_send(c->control_fd, &m, NULL, 0);
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

uid_t child_uid(const struct child *c)
{
    return c->uid;
}

bool child_failure(const struct child *c, struct ctl_failed *failed)
{
    *failed = c->failure;
    return c->failure.hdr.type == CTL_FAILED;
}

bool child_violation(const struct child *c)
{
    return c->broke_protocol || c->filtered;
}

bool child_timed_out(const struct child *c)
{
    return c->timed_out;
}
