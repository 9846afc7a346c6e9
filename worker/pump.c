/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump.c - the threads of a worker.
 *
 * Takes requests off the rings (guest memory, copied once here) and sees to it that no wake-up is
 * lost: events and kicks are edges on one epoll set, each wakes one thread, and a thread looks at all
 * rings between receiving an edge and waiting for the next.
 */
#include "xen9p/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h> /* domid_t for evtchn.h */

#include <xen/sys/evtchn.h>

#include "xen9p/descriptors.h"
#include "xen9p/recover.h"
#include "xen9p/reply.h"
#include "xen9p/worker.h"

/* Requests served by one thread before the guest is told, when more keep coming. */
#define BATCH 16
/* And until records are sent, with the replies that wait for them: the guest works on those meanwhile. */
#define TRAIL_BATCH 8
/*
 * Requests that one thread serves without a pause until others hear of them, too: short ones are served
 * faster by one than by several that wait for each other's locks. None where there is one processor for all of them.
 */
#define ALONE 64
/* Requests of one thread until it looks for a STOP, which no other may be free to hear. */
#define EVENTS_EVERY 512

void pump_event(struct pump *p, enum ctl_event_code code, uint64_t a, uint64_t b, uint64_t c)
{
    union ctl_message m = {.event = {.hdr.type = CTL_EVENT, .code = code, .a = a, .b = b, .c = c}};

    (void)p;
    (void)ctl_send(WFD_CONTROL, &m, NULL, 0);
}

void pump_close(struct pump *p, enum ctl_close_reason reason, uint32_t ring, uint64_t value)
{
    if (atomic_exchange(&p->closing, true))
        return;
    pthread_mutex_lock(&p->lock); /* flight_none() may be true from now on */
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    trail_closing(p, reason);
    pump_event(p, CTL_EVENT_CLOSE, reason, ring, value);
}

static bool evtchn(const struct pump *p)
{
    return p->worker->config.notify_kind == CTL_NOTIFY_EVTCHN;
}

static void notify_ring(struct pump *p, struct ring *ring)
{
    const uint64_t one = 1;
    struct ioctl_evtchn_notify n = {.port = ring->port};

    if (evtchn(p) ? ioctl(WFD_NOTIFY + (int)ring->id, IOCTL_EVTCHN_NOTIFY, &n) != 0
                  : write(WFD_CALL, &one, sizeof(one)) != (ssize_t)sizeof(one))
        pump_close(p, CTL_CLOSE_NOTIFY, ring->id, (uint64_t)errno);
}

static void notify_rings(struct pump *p)
{
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++) {
        struct ring *ring = &p->worker->ring[i];

        if (atomic_load_explicit(&ring->moved, memory_order_relaxed) &&
            atomic_exchange(&ring->moved, false))
            notify_ring(p, ring);
    }
}

void pump_notify(struct pump *p)
{
    trail_flush(p); /* publishes what was held back until it is recorded */
    notify_rings(p);
}

static void kick(void)
{
    const uint64_t one = 1;
    ssize_t n = write(WFD_KICK, &one, sizeof(one));

    (void)n; /* a counter that is full wakes just as well */
}

void pump_pass_on(struct pump *p)
{
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++) {
        struct ring *ring = &p->worker->ring[i];

        if (ring_pending(ring) && !atomic_exchange(&p->kicked, true))
            kick();
    }
}

static void start_draining(struct pump *p, bool orphaned)
{
    atomic_store(&p->draining, true);
    flight_end_locks(p);
    throttle_release(&p->worker->session.throttle);
    pthread_mutex_lock(&p->lock);
    p->orphaned = p->orphaned || orphaned;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/*
 * New limits are taken over. STOP, anything else, or the end of the supervisor: finish and go. Read until
 * it is empty: the end may follow a STOP at once, and is no edge of its own then.
 */
static void drain_control(struct pump *p)
{
    struct ctl_received r;
    bool orphaned = false;

    while (!orphaned) {
        int n = ctl_recv(WFD_CONTROL, CTL_SIDE_WORKER, &r, MSG_DONTWAIT);

        if (n == -EAGAIN)
            return;
        if (n == 1 && r.msg.hdr.type == CTL_LIMITS) {
            session_set_limits(&p->worker->session, &r.msg.limits.limits);
            continue;
        }
        for (size_t i = 0; n == 1 && i < r.num_fds; i++)
            close(r.fds[i]);
        orphaned = n != 1 && n != -EPROTO;
        start_draining(p, orphaned);
    }
}

static void handle_event(struct pump *p, int fd)
{
    uint64_t count;
    ssize_t n;

    switch (fd) {
    case WFD_NOTIFY ... WFD_NOTIFY_LAST:
        listen_take(p, fd);
        break;
    case WFD_KICK:
        n = read(WFD_KICK, &count, sizeof(count));
        (void)n;
        atomic_store(&p->kicked, false);
        break;
    case WFD_SIGNAL:
        start_draining(p, false);
        break;
    case WFD_CONTROL:
        drain_control(p);
        break;
    case WFD_TIMER:
        flight_try_locks(p);
        break;
    default:
        break;
    }
}

/* Body of a Twrite: the fields in front of the data are copied, the data stays where it can. */
static void take_write(struct ring *ring, const struct ring_head *h, struct request *r, bool *hold)
{
    r->data_len = h->size - P9_TWRITE_HDR_SIZE;
    ring_copy_out(ring, h->at + P9_HDR_SIZE, r->body, P9_TWRITE_HDR_SIZE - P9_HDR_SIZE);
    cursor_init(&r->in, r->body, P9_TWRITE_HDR_SIZE - P9_HDR_SIZE);
    *hold = r->data_len > 0 && ring_can_hold(ring, h->size);
    if (*hold) {
        r->data_segs = ringidx_segments(ring->out, ring->size, h->at + P9_TWRITE_HDR_SIZE,
                                        r->data_len, r->data);
        return;
    }
    if (r->data_len == 0)
        return;
    r->error = request_big_reply(r, 0);
    if (r->error == 0) {
        ring_copy_out(ring, h->at + P9_TWRITE_HDR_SIZE, r->big, r->data_len);
        r->data[0] = (struct iovec){r->big, r->data_len};
        r->data_segs = 1;
    }
}

/* Copies what the request says out of guest memory, once. rx_lock held. */
static void take_body(struct ring *ring, const struct ring_head *h, struct request *r, bool *hold)
{
    uint32_t len = h->size - P9_HDR_SIZE;

    cursor_init(&r->in, r->body, 0);
    if (r->error != 0)
        return;
    if (h->size > atomic_load(&r->session->msize)) {
        r->error = -EMSGSIZE;
    } else if (h->type == P9_TWRITE && h->size >= P9_TWRITE_HDR_SIZE) {
        take_write(ring, h, r, hold);
    } else if (len > sizeof(r->body)) {
        r->error = -EMSGSIZE;
    } else {
        ring_copy_out(ring, h->at + P9_HDR_SIZE, r->body, len);
        cursor_init(&r->in, r->body, len);
    }
}

/* The next request of a ring, or NULL: none, or no room to answer it, or the device is ending. */
static struct request *take(struct pump *p, struct ring *ring)
{
    struct request *r = NULL;
    struct ring_head h;
    enum ring_result res;
    bool hold = false;

    if (!ring_pending(ring) || atomic_load(&p->draining) || atomic_load(&p->closing) ||
        atomic_load(&p->worker->trail.waiting) || throttle_full(&p->worker->session.throttle))
        return NULL;
    pthread_mutex_lock(&ring->rx_lock);
    res = reply_flush(p, ring) ? ring_peek(ring, &h) : RING_EMPTY;
    if (res == RING_REQUEST)
        r = flight_begin(p, ring, &h);
    if (r != NULL) {
        take_body(ring, &h, r, &hold);
        r->span = ring_advance(ring, &h, hold);
    }
    pthread_mutex_unlock(&ring->rx_lock);
    if (res == RING_BROKEN)
        pump_close(p, h.reason, ring->id, h.value);
    if (r != NULL)
        flight_taken(p);
    return r;
}

/* Bytes that a Tread or Twrite has moved: both replies begin with that number. */
static uint32_t moved(const struct request *r, uint8_t type)
{
    struct cursor c;

    if (r->published)
        return r->moved;
    if (type != r->type + 1)
        return 0;
    cursor_init(&c, r->out.start, builder_len(&r->out));
    return cursor_u32(&c);
}

void pump_execute(struct pump *p, struct request *r)
{
    struct session *s = r->session;
    uint32_t msize = atomic_load(&s->msize);
    uint32_t cap = msize < sizeof(r->small) ? msize : (uint32_t)sizeof(r->small);
    uint8_t type;

    builder_init(&r->out, r->small + P9_HDR_SIZE, cap - P9_HDR_SIZE);
    session_dispatch(r, &type);
    if (r->span != RING_NO_SPAN)
        ring_release(r->ring, r->span, r->size);
    if (r->cost > 0)
        throttle_done(&s->throttle, r, moved(r, type));
    atomic_fetch_add_explicit(&p->served, 1, memory_order_relaxed);
    if (r->published || r->parked) {
        flight_end(p, r);
        reply_answers(p);
    } else if (!trail_hold(p, r, type)) {
        reply_send(p, r, type);
    }
}

/* At once, or when its time has come. */
static void execute(struct pump *p, struct request *r)
{
    if (!throttle_parks(&r->session->throttle, r))
        pump_execute(p, r);
}

/* Events that are there, or the first to come. False: none did. */
static bool handle_events(struct pump *p, int timeout)
{
    struct epoll_event ev[4];
    int n = epoll_wait(WFD_EPOLL, ev, 4, timeout);

    for (int i = 0; i < n; i++)
        handle_event(p, ev[i].data.fd);
    return n > 0;
}

/* Sleeps until there is an event; one of the threads that do looks after the others meanwhile. */
static void rest(struct pump *p)
{
    bool watching = listen_watch(p);

    while (watching) {
        if (handle_events(p, LISTEN_WATCH_MS)) {
            listen_watch_end(p);
            return;
        }
        watching = listen_watch_on(p);
    }
    (void)handle_events(p, trail_patience(p));
}

/*
 * Takes and executes until no ring has anything to take. Returns how many it were. `unheard` is how many
 * the thread has served since it looked for events without sleeping: a poller may find one more each time.
 */
static uint32_t serve(struct pump *p, uint32_t *unheard)
{
    uint32_t rings = p->worker->config.num_rings;
    uint32_t batch = 0;
    bool again = true;

    for (uint32_t i = 0; i < rings; i++)
        (void)reply_flush(p, &p->worker->ring[i]);
    while (again) {
        struct request *due = throttle_next(&p->worker->session.throttle);

        again = due != NULL;
        if (due != NULL)
            pump_execute(p, due);
        for (uint32_t i = 0; i < rings; i++) {
            struct request *r = take(p, &p->worker->ring[i]);

            if (r == NULL)
                continue;
            again = true;
            execute(p, r);
            if (++batch % BATCH == 0)
                notify_rings(p);
            if (batch % TRAIL_BATCH == 0)
                pump_notify(p);
            if (batch % ALONE == 0 && !p->one_processor)
                listen_hand_over(p);
            if (++*unheard % EVENTS_EVERY == 0)
                (void)handle_events(p, 0);
        }
    }
    pump_notify(p);
    return batch;
}

static void wait_gate(struct pump *p)
{
    pthread_mutex_lock(&p->lock);
    p->arrived++;
    pthread_cond_broadcast(&p->changed);
    while (!p->open)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* Replies that wait for room in `in` are in flight, too: until then somebody listens. */
static bool drained(struct pump *p)
{
    bool none;

    if (!atomic_load(&p->draining))
        return false;
    pthread_mutex_lock(&p->lock);
    none = flight_none(p);
    pthread_mutex_unlock(&p->lock);
    return none;
}

static void *pump_thread(void *arg)
{
    struct pump *p = arg;
    uint32_t unheard = 0;

    wait_gate(p);
    for (;;) {
        /* draining: takes nothing any more, publishes what there is room for */
        while (serve(p, &unheard) > 0 && listen_poll(p, &p))
            ;
        listen_rest(p, &p);
        if (drained(p))
            break;
        rest(p);
    }
    kick(); /* the next thread ends, too */
    return NULL;
}

static int watch(int fd)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

    return epoll_ctl(WFD_EPOLL, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

/* Asked for with trail_flush()'s own flags when the socket is full. */
static int watch_audit(const struct pump *p)
{
    struct epoll_event ev = {.events = EPOLLONESHOT, .data.fd = WFD_AUDIT};

    if ((p->worker->config.flags & CTL_FLAG_AUDIT) == 0)
        return 0;
    return epoll_ctl(WFD_EPOLL, EPOLL_CTL_ADD, WFD_AUDIT, &ev) == 0 ? 0 : -errno;
}

/* Moves a descriptor just made to its fixed number. */
static int place(int fd, int number)
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

static int make_descriptors(struct pump *p)
{
    static const int watched[] = {WFD_KICK, WFD_SIGNAL, WFD_CONTROL, WFD_TIMER, WFD_THROTTLE};
    sigset_t term;
    int err;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    err = place(epoll_create1(EPOLL_CLOEXEC), WFD_EPOLL);
    if (err == 0)
        err = place(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), WFD_KICK);
    if (err == 0)
        err = place(signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK), WFD_SIGNAL);
    if (err == 0)
        err = place(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), WFD_TIMER);
    if (err == 0)
        err = place(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), WFD_THROTTLE);
    if (err == 0)
        err = listen_init(p);
    for (size_t i = 0; err == 0 && i < sizeof(watched) / sizeof(watched[0]); i++)
        err = watch(watched[i]);
    return err;
}

static int make_threads(struct pump *p)
{
    pthread_attr_t attr;
    int err = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, LIMIT_THREAD_STACK);
    for (uint32_t i = 0; i < p->num_threads && err == 0; i++)
        err = pthread_create(&p->thread[i], &attr, pump_thread, p);
    pthread_attr_destroy(&attr);
    /* libc's part of a thread's start makes system calls that the filter to come does not allow */
    pthread_mutex_lock(&p->lock);
    while (err == 0 && p->arrived < p->num_threads)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return -err;
}

static bool has_one_processor(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

/* By the clock that nobody sets. */
static void init_changed(struct pump *p)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
}

int pump_start(struct pump *p, struct worker *w)
{
    int err;

    memset(p, 0, sizeof(*p));
    p->worker = w;
    p->num_threads = w->config.threads;
    p->one_processor = has_one_processor();
    pthread_mutex_init(&p->lock, NULL);
    init_changed(p);
    /* each thread executes one, and each ring may have a backlog of as many; others are throttled */
    err = flight_init(&p->flight, p->num_threads * w->config.num_rings + LIMIT_THROTTLED);
    if (err == 0)
        err = make_descriptors(p);
    if (err == 0)
        err = watch_audit(p);
    trail_init(w);
    if (err == 0)
        err = make_threads(p);
    return err;
}

void pump_open(struct pump *p)
{
    (void)recover_rings(p->worker);
    listen_start(p);
    pthread_mutex_lock(&p->lock);
    p->open = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* Until nothing is in flight; false when that takes LIMIT_DRAIN_MS from now. pump.lock held. */
static bool wait_bounded(struct pump *p)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LIMIT_DRAIN_MS / 1000;
    until.tv_nsec += LIMIT_DRAIN_MS % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!flight_none(p))
        if (pthread_cond_timedwait(&p->changed, &p->lock, &until) == ETIMEDOUT)
            return flight_none(p);
    return true;
}

/*
 * How long draining may take is the supervisor's business. Without one nobody would end a worker
 * whose guest takes no replies, and a new supervisor waits for its end: it bounds itself.
 */
int pump_wait(struct pump *p)
{
    bool done = true;
    uint64_t lost;

    pthread_mutex_lock(&p->lock);
    while (!p->orphaned && (!atomic_load(&p->draining) || !flight_none(p)))
        pthread_cond_wait(&p->changed, &p->lock);
    if (p->orphaned)
        done = wait_bounded(p);
    pthread_mutex_unlock(&p->lock);
    if (!done) {
        pump_close(p, CTL_CLOSE_INTERNAL, 0, ETIMEDOUT);
        for (uint32_t i = 0; i < p->worker->config.num_rings; i++)
            (void)reply_flush(p, &p->worker->ring[i]); /* drops what nobody takes */
    }
    kick();
    pump_notify(p);
    lost = trail_finish(p);
    if (lost > 0)
        pump_event(p, CTL_EVENT_LOST, lost, 0, 0);
    pump_event(p, CTL_EVENT_STOPPED, atomic_load(&p->served), atomic_load(&p->worker->trail.read),
               atomic_load(&p->worker->trail.written));
    return done ? 0 : 1;
}
