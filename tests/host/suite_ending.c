/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_ending.c - how a worker ends: CTL_STOP, SIGTERM, the supervisor's end, nonsense on the
 * control socket. What was taken is answered, what was not stays in the ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"

enum how { HOW_STOP, HOW_TERM, HOW_EOF, HOW_NOISE, HOW_BAD_TYPE, HOW_TWICE, HOW_WITH_FDS };

static void end_worker(struct rig *g, enum how how)
{
    union ctl_message stop = {.hdr = {.type = CTL_STOP, .version = CTL_VERSION}};
    int fds[2] = {g->kick_fd, g->call_fd};
    char room[CMSG_SPACE(sizeof(fds))] = {0};
    struct iovec iov = {&stop, sizeof(stop.hdr)};
    struct msghdr mh = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

    g->phase = CTL_PHASE_STOPPING;
    switch (how) {
    case HOW_STOP:
        CHECK_EQ(ctl_send(g->control_fd, &stop, NULL, 0), 0);
        break;
    case HOW_TERM:
        CHECK_EQ(kill(g->pid, SIGTERM), 0);
        break;
    case HOW_EOF:
        MUST(shutdown(g->control_fd, SHUT_WR));
        break;
    case HOW_NOISE:
        CHECK_EQ(send(g->control_fd, "nonsense of any length", 22, 0), 22);
        break;
    case HOW_BAD_TYPE:
        stop.hdr.type = CTL_READY;
        CHECK_EQ(send(g->control_fd, &stop, sizeof(stop.ready), 0), (ssize_t)sizeof(stop.ready));
        break;
    case HOW_TWICE:
        CHECK_EQ(ctl_send(g->control_fd, &stop, NULL, 0), 0);
        (void)ctl_send(g->control_fd, &stop, NULL, 0);
        break;
    case HOW_WITH_FDS:
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(fds));
        memcpy(CMSG_DATA(c), fds, sizeof(fds));
        CHECK_EQ(sendmsg(g->control_fd, &mh, 0), (ssize_t)sizeof(stop.hdr));
        break;
    }
}

/* Ends it while requests pour in; the sum of answers and of what is left must be right. */
static void drain(enum how how, uint32_t order, bool consume)
{
    struct rig *g = rig_new(&(struct rig_config){.order = order, .export = tap_dir()});
    uint32_t sent = 0, answered = 0, left = 0, len = 0;
    uint8_t msg[32];
    struct reply *m;
    struct pollfd p;
    struct p9c c;
    int status;

    p9c_mount(&c, g);
    for (uint16_t i = 0; i < 600; i++) {
        len =
            p9_pack(msg, sizeof(msg), P9_TGETATTR, (uint16_t)(100 + i), "dq", 0u, P9_GETATTR_BASIC);
        if (rig_out_room(g, i % 2) < len)
            continue;
        g->ring[i % 2].in_flight[100 + i]++;
        rig_copy_out(g, i % 2, 0, msg, len);
        rig_publish(g, i % 2, len);
        rig_kick(g);
        sent++;
        if (i == 300)
            end_worker(g, how);
    }
    p = (struct pollfd){g->pidfd, POLLIN, 0};
    for (long long deadline = tap_now() + RIG_WAIT_MS; poll(&p, 1, 1) == 0;) {
        CHECK(tap_now() < deadline);
        for (uint32_t ring = 0; consume && ring < 2; ring++)
            while ((m = rig_take(g, ring)) != NULL) {
                answered++;
                free(m);
            }
        consume = consume || tap_now() > deadline - RIG_WAIT_MS + 300;
    }
    status = rig_wait_exit(g);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("the worker ended with status 0x%x", status);
    for (uint32_t ring = 0; ring < 2; ring++) {
        while ((m = rig_take(g, ring)) != NULL) {
            answered++;
            free(m);
        }
        left += (g->ring[ring].out_prod - g->ring[ring].intf->out_cons) / len;
    }
    CHECK_EQ(answered + left, sent);
    rig_events(g);
    CHECK(g->has_stopped);
    CHECK(g->stopped.a >= answered);
}

static void stop_drains(void)
{
    drain(HOW_STOP, 6, true);
    drain(HOW_STOP, 2, true);
}

static void sigterm_drains(void)
{
    drain(HOW_TERM, 6, true);
    drain(HOW_TERM, 2, true);
}

static void end_of_the_supervisor_drains(void)
{
    drain(HOW_EOF, 6, true);
}

/* The guest takes no replies for a while: the worker waits for it to (the supervisor would not). */
static void drain_with_a_full_in_ring(void)
{
    drain(HOW_STOP, 2, false);
    drain(HOW_TERM, 2, false);
}

static void nonsense_on_the_control_socket(void)
{
    drain(HOW_NOISE, 4, true);
    drain(HOW_BAD_TYPE, 4, true);
    drain(HOW_TWICE, 4, true);
    drain(HOW_WITH_FDS, 4, true);
}

/* The supervisor is gone for good: nobody hears STOPPED, the worker ends all the same. */
static void control_socket_closed(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    int status;

    p9c_mount(&c, g);
    close(g->control_fd);
    g->control_fd = -1;
    status = rig_wait_exit(g);
    CHECK(WIFEXITED(status));
}

/* Puts requests until their replies fill `in`, which nobody empties. */
static void fill_the_in_ring(struct rig *g)
{
    uint8_t msg[32];

    for (uint16_t i = 0; i < 600; i++) {
        uint32_t len =
            p9_pack(msg, sizeof(msg), P9_TGETATTR, (uint16_t)(100 + i), "dq", 0u, P9_GETATTR_BASIC);

        if (rig_out_room(g, 0) < len)
            break;
        rig_copy_out(g, 0, 0, msg, len);
        rig_publish(g, 0, len);
        rig_kick(g);
    }
    tap_sleep(100);
    CHECK(g->ring[0].size - rig_in_used(g, 0) < 160);
}

/* The supervisor is gone and the guest takes no replies, ever: the worker ends within its bound. */
static void orphan_with_a_full_in_ring(void)
{
    for (int stop = 0; stop < 2; stop++) {
        struct rig *g = rig_new(&(struct rig_config){.order = 2, .export = tap_dir()});
        union ctl_message m = {.hdr = {.type = CTL_STOP}};
        long long start;
        struct p9c c;
        int status;

        p9c_mount(&c, g);
        fill_the_in_ring(g);
        if (stop != 0) /* STOP and the end of the supervisor are one edge */
            CHECK_EQ(ctl_send(g->control_fd, &m, NULL, 0), 0);
        start = tap_now();
        close(g->control_fd);
        g->control_fd = -1;
        status = rig_wait_exit(g);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        CHECK(tap_now() - start >= LIMIT_DRAIN_MS - 100);
        CHECK(tap_now() - start < LIMIT_DRAIN_MS + 3000);
    }
}

static void stop_before_the_first_message(void)
{
    rig_end(rig_new(NULL));
}

/* A supervisor that reads nothing: the worker serves on, events are dropped. */
static void supervisor_that_does_not_read(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    for (int i = 0; i < 3000; i++) {
        char got[16];

        p9c_init(&c, g);
        CHECK_OK(p9c_version(&c, 8192, "9P2000.L", got));
        CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
    }
    rig_events(g);
    CHECK(g->sessions > 0 && g->sessions <= 3000);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"stop_drains", stop_drains, 0, 0},
    {"sigterm_drains", sigterm_drains, 0, 0},
    {"end_of_the_supervisor_drains", end_of_the_supervisor_drains, 0, 0},
    {"drain_with_a_full_in_ring", drain_with_a_full_in_ring, 0, 0},
    {"nonsense_on_the_control_socket", nonsense_on_the_control_socket, 0, 0},
    {"control_socket_closed", control_socket_closed, 0, 0},
    {"orphan_with_a_full_in_ring", orphan_with_a_full_in_ring, 0, 0},
    {"stop_before_the_first_message", stop_before_the_first_message, 0, 0},
    {"supervisor_that_does_not_read", supervisor_that_does_not_read, 0, 0},
};
TAP_SUITE(ending, cases);
