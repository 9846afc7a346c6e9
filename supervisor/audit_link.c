/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_link.c - the connection to xen9p-audit, the workers' sockets, and starting xen9p-audit.
 *
 * xen9p-audit reads what workers wrote and is trusted less than this process: its messages are
 * fixed-size numbers, and no descriptor is taken from it.
 */
#include "xen9p/audit_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch_child.h"
#include "xen9p/limits.h"
#include "xen9p/log.h"
#include "xen9p/loop.h"

#define MESSAGES_AT_ONCE 32

struct audit_source {
    struct audit_link *link;
    struct audit_source *next;
    uint64_t id;
    int fd; /* the receiving end, a duplicate of xen9p-audit's */
    struct audit_identity who;
    bool wanted, told, changed, ended;
    void (*violated)(void *owner);
    void *owner;
};

/* An event that was not sent yet. */
struct event {
    struct event *next;
    struct audit_ctl_event msg;
};

struct audit_link {
    struct loop *loop;
    const char *socket;
    int program;
    bool said_missing;
    uint64_t last_id;
    struct audit_source *sources;
    struct event *events, **events_end;
    uint32_t num_events;
    struct loop_source conn;    /* fd -1: not connected */
    struct loop_source process; /* pidfd of the one that we started */
    struct loop_timer retry;    /* to connect, or to send what did not go */
    struct loop_timer sweep;    /* ended sources that are empty by now */
};

static void push(struct audit_link *a);

/* --- starting xen9p-audit ----------------------------------------------------------------------- */

/* In the child. Its own session, so that nobody takes it for a part of xen9pd. */
static void become_audit(int program)
{
    char *const argv[] = {(char *)"xen9p-audit", NULL}, *const env[] = {NULL};
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
    }
    (void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    (void)fexecve(program, argv, env);
    _exit(127);
}

static void process_ready(struct loop_source *s, uint32_t events)
{
    struct audit_link *a = s->owner;
    int pidfd = s->fd;
    siginfo_t info;

    (void)events;
    memset(&info, 0, sizeof(info));
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        return;
    log_error("xen9p-audit (pid %d) ended with %s %d", (int)info.si_pid,
              info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
    loop_remove(a->loop, s);
    close(pidfd);
}

static void spawn(struct audit_link *a)
{
    sigset_t all, before;
    int pidfd = -1;
    pid_t pid;

    if (a->program < 0 || a->process.fd >= 0)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = launch_clone(CLONE_PIDFD, &pidfd, 0);
    if (pid == 0)
        become_audit(a->program);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        log_error("xen9p-audit cannot be started: %s", strerror((int)-pid));
        return;
    }
    log_notice("started xen9p-audit (pid %d), which outlives this process", (int)pid);
    a->process = (struct loop_source){.fd = pidfd, .ready = process_ready, .owner = a};
    if (loop_add(a->loop, &a->process) != 0) {
        close(pidfd);
        a->process.fd = -1;
    }
}

/* --- connection --------------------------------------------------------------------------------- */

static void try_again(struct audit_link *a)
{
    loop_timer_set(a->loop, &a->retry, LIMIT_AUDIT_CONNECT_MS);
}

static void lost(struct audit_link *a, const char *why)
{
    int fd = a->conn.fd;

    log_error("connection to xen9p-audit lost (%s); records wait in the workers' sockets, and with "
              "audit-full = block their guests do when those are full",
              why);
    loop_remove(a->loop, &a->conn);
    close(fd);
    for (struct audit_source *s = a->sources; s != NULL; s = s->next)
        s->told = false;
    try_again(a);
}

static struct audit_source *find(struct audit_link *a, uint64_t id)
{
    struct audit_source *s = a->sources;

    while (s != NULL && s->id != id)
        s = s->next;
    return s;
}

static void take_state(struct audit_link *a, const struct audit_ctl_state *m)
{
    struct audit_source *s = find(a, m->hdr.id);

    if (s == NULL)
        return;
    switch (m->state) {
    case AUDIT_STATE_BLOCKED:
        log_error("audit log of domain %s cannot be written: %s; its guest waits for it. Make "
                  "room below " AUDIT_LOG_DIR ", or lower log-max and log-keep",
                  s->who.domain, strerror((int)m->error));
        break;
    case AUDIT_STATE_DROPPING:
        log_error("audit log of domain %s cannot be written: %s; its records are dropped and "
                  "counted, as audit-full = drop says",
                  s->who.domain, strerror((int)m->error));
        break;
    case AUDIT_STATE_RUNNING:
        log_notice("audit log of domain %s can be written again", s->who.domain);
        break;
    default:
        log_error("worker %u of domain %s sent a malformed audit record", s->who.pid,
                  s->who.domain);
        if (s->violated != NULL && !s->ended)
            s->violated(s->owner);
        break;
    }
}

static void conn_ready(struct loop_source *c, uint32_t events)
{
    struct audit_link *a = c->owner;

    (void)events;
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        union audit_ctl_message m;
        int n = audit_ctl_recv(c->fd, &m, NULL);

        if (n == -EAGAIN)
            return;
        if (n != 1) {
            lost(a, n == 0 ? "it has ended" : strerror(-n));
            return;
        }
        take_state(a, &m.state);
    }
}

/* A descriptor, or a negative errno. */
static int dial(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd, err;

    if (strlen(path) >= sizeof(un.sun_path))
        return -ENAMETOOLONG;
    memcpy(un.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

static void connect_now(struct audit_link *a)
{
    int fd = dial(a->socket);

    if (fd >= 0) {
        a->conn = (struct loop_source){.fd = fd, .ready = conn_ready, .owner = a};
        if (loop_add(a->loop, &a->conn) == 0) {
            log_notice("connected to xen9p-audit");
            a->said_missing = false;
            push(a);
            return;
        }
        close(fd);
        a->conn.fd = -1;
    } else if (fd == -ENOENT || fd == -ECONNREFUSED) {
        spawn(a);
    }
    if (!a->said_missing && a->program < 0)
        log_error("xen9p-audit does not answer at %s: nothing is recorded, and devices with "
                  "audit-full = block are not served until it does; systemctl start xen9p-audit",
                  a->socket);
    a->said_missing = true;
    try_again(a);
}

static void retry_due(struct loop_timer *t)
{
    struct audit_link *a = t->owner;

    if (a->conn.fd < 0)
        connect_now(a);
    else
        push(a);
}

/* --- sending ------------------------------------------------------------------------------------ */

/* True when it went. */
static bool deliver(struct audit_link *a, union audit_ctl_message *m, int fd)
{
    int err = audit_ctl_send(a->conn.fd, m, fd);

    if (err == -EAGAIN)
        try_again(a);
    else if (err != 0 && a->conn.fd >= 0)
        lost(a, strerror(-err));
    return err == 0;
}

static bool tell(struct audit_link *a, struct audit_source *s)
{
    union audit_ctl_message m;

    memset(&m, 0, sizeof(m));
    m.source.hdr.type = s->told ? AUDIT_CTL_LIMITS : AUDIT_CTL_SOURCE;
    m.source.hdr.id = s->id;
    m.source.who = s->who;
    if (!deliver(a, &m, s->told ? -1 : s->fd))
        return false;
    s->told = true;
    s->changed = false;
    return true;
}

/* Sources first: the events may be about them. */
static void push(struct audit_link *a)
{
    if (a->conn.fd < 0)
        return;
    for (struct audit_source *s = a->sources; s != NULL; s = s->next)
        if (s->wanted && (!s->told || s->changed) && !tell(a, s))
            return;
    while (a->events != NULL) {
        struct event *e = a->events;
        union audit_ctl_message m = {.event = e->msg};

        if (!deliver(a, &m, -1))
            return;
        a->events = e->next;
        if (a->events == NULL)
            a->events_end = &a->events;
        a->num_events--;
        free(e);
    }
}

static void queue(struct audit_link *a, const struct audit_ctl_event *m)
{
    struct event *e = a->num_events < LIMIT_AUDIT_EVENTS ? malloc(sizeof(*e)) : NULL;

    if (e == NULL) {
        log_error("audit: %s of domain %s is not recorded, xen9p-audit does not answer",
                  audit_op_name(m->op), m->who.domain);
        return;
    }
    e->next = NULL;
    e->msg = *m;
    e->msg.hdr.type = AUDIT_CTL_EVENT;
    *a->events_end = e;
    a->events_end = &e->next;
    a->num_events++;
    push(a);
}

void audit_link_event(struct audit_link *a, const struct audit_identity *who,
                      struct audit_ctl_event *e)
{
    e->who = *who;
    e->hdr.id = 0;
    queue(a, e);
}

void audit_source_event(struct audit_source *s, struct audit_ctl_event *e)
{
    if (!s->wanted)
        return;
    e->who = s->who;
    e->hdr.id = s->id;
    queue(s->link, e);
}

/* --- sources ------------------------------------------------------------------------------------ */

/* Never used again, not even by a later xen9pd: what stands in a log is recognised by it. */
static uint64_t new_id(struct audit_link *a)
{
    struct timespec t;
    uint64_t now;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    a->last_id = now > a->last_id ? now : a->last_id + 1;
    return a->last_id;
}

int audit_source_open(struct audit_link *a, void (*violated)(void *owner), void *owner,
                      struct audit_source **out, int *worker_end)
{
    struct audit_source *s = calloc(1, sizeof(*s));
    const int room = LIMIT_AUDIT_SOCKET;
    int pair[2], err;

    if (s == NULL)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        err = -errno;
        free(s);
        return err;
    }
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    *s = (struct audit_source){.link = a,
                               .next = a->sources,
                               .id = new_id(a),
                               .fd = pair[1],
                               .violated = violated,
                               .owner = owner};
    a->sources = s;
    *out = s;
    *worker_end = pair[0];
    return 0;
}

void audit_source_set(struct audit_source *s, const struct audit_identity *who, bool wanted)
{
    s->who = *who;
    s->wanted = wanted || s->told;
    s->changed = true;
    push(s->link);
}

/* xen9p-audit takes a message only after it has written it. */
static bool is_empty(const struct audit_source *s)
{
    int bytes = 0;

    return !s->wanted || ioctl(s->fd, FIONREAD, &bytes) != 0 || bytes == 0;
}

static void drop(struct audit_link *a, struct audit_source *s)
{
    for (struct audit_source **at = &a->sources; *at != NULL; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    close(s->fd);
    free(s);
}

/* Drops ended sources that are empty; sooner or later all are. */
static void sweep_due(struct loop_timer *t)
{
    struct audit_link *a = t->owner;
    uint32_t left = 0;

    for (struct audit_source *s = a->sources, *next; s != NULL; s = next) {
        next = s->next;
        if (!s->ended)
            continue;
        left++;
        if (is_empty(s) || left > LIMIT_AUDIT_ENDED) {
            if (!is_empty(s))
                log_error("audit: the last records of domain %s are lost", s->who.domain);
            drop(a, s);
            left--;
        }
    }
    if (left > 0)
        loop_timer_set(a->loop, &a->sweep, LIMIT_AUDIT_SWEEP_MS);
}

void audit_source_close(struct audit_source *s)
{
    if (s == NULL)
        return;
    s->ended = true;
    s->violated = NULL;
    loop_timer_set(s->link->loop, &s->link->sweep, LIMIT_AUDIT_SWEEP_MS);
}

/* --- life --------------------------------------------------------------------------------------- */

struct audit_link *audit_link_new(struct loop *loop, const char *socket, int program)
{
    struct audit_link *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->loop = loop;
    a->socket = socket;
    a->program = program;
    a->conn.fd = a->process.fd = -1;
    a->events_end = &a->events;
    a->retry = (struct loop_timer){.fire = retry_due, .owner = a};
    a->sweep = (struct loop_timer){.fire = sweep_due, .owner = a};
    return a;
}

void audit_link_start(struct audit_link *a)
{
    connect_now(a);
}

bool audit_link_up(const struct audit_link *a)
{
    return a->conn.fd >= 0;
}
