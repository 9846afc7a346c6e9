/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.c - sockets of xen9p-audit: the one that it listens on, the supervisor's, the workers'.
 *
 * The supervisor is root and told apart by the kernel (SO_PEERCRED); its messages are checked all
 * the same. There is one at a time: a new connection takes the place of the old one, whose
 * workers are heard to their end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "xen9p/log.h"

/* Messages of the supervisor taken before the workers have their turn. */
#define MESSAGES_AT_ONCE 64
/* Sources heard between two looks at all guests. */
#define TURNS_AT_ONCE 256
/*
 * After workers were heard: their next records wait in their sockets, and nobody is woken for each. A worker's
 * replies need that its records are there, no more; a socket holds some hundred messages.
 */
#define NAP_MS 1

uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

void server_watch(struct audit *a, struct watch *w, bool on)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = w};

    if (w->on == on || w->fd < 0)
        return;
    if (epoll_ctl(a->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, w->fd, &ev) != 0)
        log_error("epoll: %s", strerror(errno));
    else
        w->on = on;
}

static void watch_close(struct audit *a, struct watch *w)
{
    server_watch(a, w, false);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

void server_say(struct audit *a, uint64_t id, enum audit_state state, int error)
{
    union audit_ctl_message m;

    memset(&m, 0, sizeof(m.state));
    m.state.hdr.type = AUDIT_CTL_STATE;
    m.state.hdr.id = id;
    m.state.state = state;
    m.state.error = (uint32_t)error;
    if (a->supervisor.fd >= 0 && audit_ctl_send(a->supervisor.fd, &m, -1) == -EAGAIN)
        log_warning("the supervisor does not listen to what is said about source %llu",
                    (unsigned long long)id);
}

/* --- sources ---------------------------------------------------------------------------------- */

void server_drop(struct audit *a, struct source *s)
{
    for (struct source **at = &s->guest->sources; *at != NULL; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    guest_forget(s);
    watch_close(a, &s->watch);
    a->num_sources--;
    free(s);
}

static bool is_seqpacket(int fd)
{
    int type = 0, domain = 0;
    socklen_t len = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET &&
           getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

static struct source *find_source(struct guest *g, uint64_t id)
{
    struct source *s = g->sources;

    while (s != NULL && s->id != id)
        s = s->next;
    return s;
}

/* Takes over `fd`. */
static int add_source(struct audit *a, const struct audit_ctl_source *m, int fd)
{
    struct source *s = a->num_sources < AUDIT_MAX_SOURCES ? calloc(1, sizeof(*s)) : NULL;
    struct guest *g;
    int err;

    if (s == NULL || !is_seqpacket(fd)) {
        err = s == NULL ? -ENOMEM : -EINVAL;
        goto fail;
    }
    err = guest_get(a, &m->who, &g);
    if (err != 0 || find_source(g, m->hdr.id) != NULL) /* told again: only its connection was new */
        goto fail;
    s->watch = (struct watch){.kind = WATCH_SOURCE, .fd = fd};
    s->guest = g;
    s->id = m->hdr.id;
    s->who = m->who;
    s->fresh = true;
    s->next = g->sources;
    g->sources = s;
    a->num_sources++;
    if (g->wait_ms == 0)
        server_watch(a, &s->watch, true);
    return 0;
fail:
    close(fd);
    free(s);
    return err;
}

/* New limits of a source that is known. */
static int change_source(struct audit *a, const struct audit_ctl_source *m)
{
    for (struct guest *g = a->guests; g != NULL; g = g->next) {
        for (struct source *s = g->sources; s != NULL; s = s->next) {
            if (s->id != m->hdr.id || strcmp(m->who.domain, g->domain) != 0)
                continue;
            s->who = m->who;
            return guest_get(a, &m->who, &g);
        }
    }
    return 0; /* it has ended meanwhile */
}

/* --- supervisor ------------------------------------------------------------------------------- */

static int take_event(struct audit *a, const struct audit_ctl_event *e)
{
    struct guest *g;
    int err = guest_get(a, &e->who, &g);

    if (err == 0)
        guest_event(a, g, e);
    return err;
}

static void take_message(struct audit *a, const union audit_ctl_message *m, int fd)
{
    int err = 0;

    switch (m->hdr.type) {
    case AUDIT_CTL_SOURCE:
        err = add_source(a, &m->source, fd);
        break;
    case AUDIT_CTL_LIMITS:
        err = change_source(a, &m->source);
        break;
    default:
        err = take_event(a, &m->event);
        break;
    }
    if (err == 0)
        return;
    log_error("the log of %s cannot be kept: %s", m->source.who.domain, strerror(-err));
    server_say(a, m->hdr.id, AUDIT_STATE_BLOCKED, -err);
}

static void hear_supervisor(struct audit *a)
{
    for (int i = 0; i < MESSAGES_AT_ONCE && a->supervisor.fd >= 0; i++) {
        union audit_ctl_message m;
        int fd = -1, n = audit_ctl_recv(a->supervisor.fd, &m, &fd);

        if (n == -EAGAIN)
            return;
        if (n == 1) {
            take_message(a, &m, fd);
            continue;
        }
        if (n < 0)
            log_error("message of the supervisor: %s", strerror(-n));
        else
            log_notice("the supervisor is gone; its workers are heard to their end");
        watch_close(a, &a->supervisor);
    }
}

static void take_connection(struct audit *a)
{
    int fd = accept4(a->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t len = sizeof(peer);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.uid != 0) {
        log_error("connection of uid %u refused: only root's", peer.uid);
        close(fd);
        return;
    }
    watch_close(a, &a->supervisor);
    a->supervisor.fd = fd;
    server_watch(a, &a->supervisor, true);
    log_notice("supervisor %d connected", (int)peer.pid);
}

/* --- listening -------------------------------------------------------------------------------- */

/*
 * One instance per socket: a lock beside it, for as long as this process lives. The socket of a
 * process that is gone is in the way and nobody's.
 */
static int lock_instance(const char *path)
{
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(".lock")];
    int fd;

    (void)snprintf(name, sizeof(name), "%s.lock", path);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    close(fd);
    return errno == EWOULDBLOCK ? -EEXIST : -errno;
}

int server_listen(struct audit *a, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd, err;

    if (strlen(path) >= sizeof(un.sun_path))
        return -ENAMETOOLONG;
    memcpy(un.sun_path, path, strlen(path) + 1);
    err = lock_instance(path);
    if (err != 0)
        return err;
    (void)unlink(path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* nobody but root from its first moment on */
    mode_t before = umask(0177);
    err =
        bind(fd, (const struct sockaddr *)&un, sizeof(un)) == 0 && listen(fd, 8) == 0 ? 0 : -errno;
    (void)umask(before);
    if (err != 0) {
        close(fd);
        return err;
    }
    a->listen.fd = fd;
    return 0;
}

/* --- loop ------------------------------------------------------------------------------------- */

static void take_signal(struct audit *a)
{
    struct signalfd_siginfo info;

    if (read(a->signal.fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP) {
        log_notice("SIGHUP: opening the files again");
        guest_reopen(a);
    } else {
        a->stop = true;
    }
}

static void handle(struct audit *a, struct watch *w)
{
    switch (w->kind) {
    case WATCH_LISTEN:
        take_connection(a);
        break;
    case WATCH_SUPERVISOR:
        hear_supervisor(a);
        break;
    case WATCH_SIGNAL:
        take_signal(a);
        break;
    case WATCH_SOURCE:
        guest_turn(a, (struct source *)w); /* its first member */
        break;
    }
}

/* Milliseconds until something is due, -1 for never. */
static int due(struct audit *a)
{
    uint64_t next = UINT64_MAX, now;

    for (struct guest *g = a->guests; g != NULL; g = g->next) {
        uint64_t at = guest_due(a, g);

        next = at < next ? at : next;
    }
    guest_tidy(a);
    if (next == UINT64_MAX)
        return -1;
    now = now_ms();
    return next <= now ? 0 : next - now > 60000 ? 60000 : (int)(next - now);
}

/* Takes one event, waiting up to `timeout` ms. Sets *heard when it was a worker's. Returns their number, or -errno. */
static int turn(struct audit *a, int timeout, bool *heard)
{
    struct epoll_event ev;
    /* One at a time: handling one may end another. The kernel hands them out in turn. */
    int n = epoll_wait(a->epoll, &ev, 1, timeout);

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    if (n == 1) {
        struct watch *w = ev.data.ptr;

        *heard = *heard || w->kind == WATCH_SOURCE;
        handle(a, w);
    }
    return n;
}

int server_run(struct audit *a)
{
    server_watch(a, &a->listen, true);
    server_watch(a, &a->signal, true);
    while (!a->stop) {
        bool heard = false;
        int n = turn(a, due(a), &heard);

        for (int i = 1; n == 1 && i < TURNS_AT_ONCE && !a->stop; i++)
            n = turn(a, 0, &heard);
        if (n < 0) {
            log_error("epoll: %s", strerror(-n));
            return EXIT_FAILURE;
        }
        if (heard && !a->stop)
            (void)poll(NULL, 0, NAP_MS);
    }
    guest_drain(a);
    return EXIT_SUCCESS;
}
