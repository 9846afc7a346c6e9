/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_audit_control.c - messages between xen9pd and xen9p-audit: each type passes in its own
 * direction, and whatever the table does not say is refused, with its descriptor closed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xen9p/audit.h"
#include "xen9p/audit_control.h"
#include "xen9p/fdpass.h"

static int a, b; /* the two ends of a case */

static int ends(void **state)
{
    int pair[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    a = pair[0];
    b = pair[1];
    return 0;
}

static int closed(void **state)
{
    (void)state;
    close(a);
    close(b);
    return 0;
}

/* A valid message of `type`. */
static union audit_ctl_message valid(uint16_t type)
{
    union audit_ctl_message m;

    memset(&m, 0, sizeof(m));
    m.hdr.type = type;
    m.hdr.id = 7;
    if (type == AUDIT_CTL_STATE) {
        m.state.state = AUDIT_STATE_BLOCKED;
        m.state.error = ENOSPC;
        return m;
    }
    m.source.who.log_max = 4096;
    m.source.who.log_keep = 1;
    strcpy(m.source.who.domain, "guest");
    if (type == AUDIT_CTL_EVENT)
        m.event.op = AUDIT_OP_SUPERVISOR_LAST;
    return m;
}

static int next_fd(void)
{
    int fd = fcntl(0, F_DUPFD, 3);

    close(fd);
    return fd;
}

static void each_type_passes(void **state)
{
    static const uint16_t types[] = {AUDIT_CTL_SOURCE, AUDIT_CTL_LIMITS, AUDIT_CTL_EVENT,
                                     AUDIT_CTL_STATE};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        union audit_ctl_message sent = valid(types[i]), got;
        bool source = types[i] == AUDIT_CTL_SOURCE, up = types[i] == AUDIT_CTL_STATE;
        int fd = -1;

        assert_int_equal(audit_ctl_send(a, &sent, source ? 0 : -1), 0);
        assert_int_equal(audit_ctl_recv(b, &got, up ? NULL : &fd), 1);
        assert_memory_equal(&sent, &got, sizeof(sent));
        assert_int_equal(fd >= 0, source);
        if (source)
            assert_int_equal(close(fd), 0);
    }
}

static void what_the_table_does_not_send(void **state)
{
    union audit_ctl_message m = valid(AUDIT_CTL_SOURCE);

    (void)state;
    assert_int_equal(audit_ctl_send(a, &m, -1), -EINVAL); /* without its descriptor */
    m = valid(AUDIT_CTL_LIMITS);
    assert_int_equal(audit_ctl_send(a, &m, 0), -EINVAL); /* with one too many */
    m.hdr.type = 9;
    assert_int_equal(audit_ctl_send(a, &m, -1), -EINVAL);
    m.hdr.type = 99;
    assert_int_equal(audit_ctl_send(a, &m, -1), -EINVAL);
}

static void emptiness_fullness_and_end(void **state)
{
    union audit_ctl_message m = valid(AUDIT_CTL_STATE);
    int err, fd;

    (void)state;
    assert_int_equal(audit_ctl_recv(b, &m, NULL), -EAGAIN);
    do {
        m = valid(AUDIT_CTL_STATE);
        err = audit_ctl_send(a, &m, -1);
    } while (err == 0);
    assert_int_equal(err, -EAGAIN);
    while ((err = audit_ctl_recv(b, &m, NULL)) == 1)
        ;
    assert_int_equal(err, -EAGAIN);
    assert_int_equal(shutdown(a, SHUT_WR), 0);
    assert_int_equal(audit_ctl_recv(b, &m, &fd), 0);
    assert_int_equal(shutdown(b, SHUT_RDWR), 0);
    m = valid(AUDIT_CTL_STATE);
    assert_int_equal(audit_ctl_send(a, &m, -1), -EPIPE);
}

/* One change that makes a valid message an invalid one. */
static void spoil(union audit_ctl_message *m, int how)
{
    struct audit_identity *who = &m->source.who;

    switch (how) {
    case 0:
        who->full = AUDIT_FULL_DROP + 1;
        break;
    case 1:
        who->log_max = 0;
        break;
    case 2:
        who->log_keep = 0;
        break;
    case 3:
        who->reserved = 1;
        break;
    case 4:
        memset(who->domain, 'x', sizeof(who->domain));
        break;
    case 5:
        who->uuid[5] = 'x';
        break; /* behind its end */
    case 6:
        who->policy[sizeof(who->policy) - 1] = 'x';
        break;
    case 7:
        m->event.op = AUDIT_OP_WORKER_LAST;
        break; /* a worker's own */
    case 8:
        m->event.op = AUDIT_OP_SUPERVISOR_LAST + 1;
        break;
    case 9:
        m->event.cls = AUDIT_CLASSES;
        break;
    case 10:
        m->event.reserved = 1;
        break;
    case 11:
        memset(m->event.path, 'x', sizeof(m->event.path));
        break;
    default:
        m->event.detail[1] = 'x';
        break;
    }
}

static void bad_content(void **state)
{
    union audit_ctl_message m, got;
    int fd;

    (void)state;
    for (int how = 0; how <= 12; how++) {
        m = valid(AUDIT_CTL_EVENT);
        spoil(&m, how);
        assert_int_equal(audit_ctl_send(a, &m, -1), 0);
        assert_int_equal(audit_ctl_recv(b, &got, &fd), -EPROTO);
    }
    m = valid(AUDIT_CTL_STATE);
    m.state.state = AUDIT_STATE_VIOLATION + 1;
    assert_int_equal(audit_ctl_send(a, &m, -1), 0);
    assert_int_equal(audit_ctl_recv(b, &got, NULL), -EPROTO);
}

/* Sizes, versions and directions; a descriptor that came along is not left open. */
static void bad_envelopes(void **state)
{
    union audit_ctl_message m = valid(AUDIT_CTL_STATE), got;
    char large[sizeof(m) + 1] = {0};
    int fd, before = next_fd();

    (void)state;
    m.hdr.version = AUDIT_CTL_VERSION;
    for (size_t n = 1; n < sizeof(m.state); n++) {
        assert_int_equal(send(a, &m, n, 0), (ssize_t)n);
        assert_int_equal(audit_ctl_recv(b, &got, NULL), -EPROTO);
    }
    got = valid(AUDIT_CTL_EVENT); /* the longest type, and a byte more */
    got.hdr.version = AUDIT_CTL_VERSION;
    memcpy(large, &got, sizeof(got));
    assert_int_equal(send(a, large, sizeof(large), 0), (ssize_t)sizeof(large));
    assert_int_equal(audit_ctl_recv(b, &got, &fd), -EPROTO);
    m.hdr.version++;
    assert_int_equal(send(a, &m, sizeof(m.state), 0), (ssize_t)sizeof(m.state));
    assert_int_equal(audit_ctl_recv(b, &got, NULL), -EPROTO);
    m = valid(AUDIT_CTL_STATE);
    m.hdr.reserved = 1;
    assert_int_equal(audit_ctl_send(a, &m, -1), 0);
    assert_int_equal(audit_ctl_recv(b, &got, NULL), -EPROTO);
    m = valid(AUDIT_CTL_STATE);
    assert_int_equal(audit_ctl_send(a, &m, -1), 0);
    assert_int_equal(audit_ctl_recv(b, &got, &fd), -EPROTO); /* only xen9pd takes a state */
    m = valid(AUDIT_CTL_LIMITS);
    assert_int_equal(audit_ctl_send(a, &m, -1), 0);
    assert_int_equal(audit_ctl_recv(b, &got, NULL), -EPROTO); /* and gives no orders to itself */
    m = valid(AUDIT_CTL_SOURCE);
    assert_int_equal(audit_ctl_send(a, &m, 0), 0);
    assert_int_equal(audit_ctl_recv(b, &got, NULL), -EPROTO);
    m = valid(AUDIT_CTL_SOURCE);
    m.source.who.log_keep = 0;
    assert_int_equal(audit_ctl_send(a, &m, 0), 0);
    assert_int_equal(audit_ctl_recv(b, &got, &fd), -EPROTO);
    assert_int_equal(fd, -1);
    assert_int_equal(next_fd(), before);
}

/* As a source, but with two descriptors. */
static void one_descriptor_too_many(void **state)
{
    union audit_ctl_message m = valid(AUDIT_CTL_SOURCE), got;
    struct iovec iov = {&m, sizeof(m.source)};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    union fdpass_room room;
    int fd, before = next_fd();

    (void)state;
    m.hdr.version = AUDIT_CTL_VERSION;
    fdpass_put(&mh, &room, (const int[]){0, 0}, 2);
    assert_int_equal(sendmsg(a, &mh, 0), (ssize_t)sizeof(m.source));
    assert_int_equal(audit_ctl_recv(b, &got, &fd), -EPROTO);
    assert_int_equal(next_fd(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_type_passes, ends, closed),
        cmocka_unit_test_setup_teardown(what_the_table_does_not_send, ends, closed),
        cmocka_unit_test_setup_teardown(emptiness_fullness_and_end, ends, closed),
        cmocka_unit_test_setup_teardown(bad_content, ends, closed),
        cmocka_unit_test_setup_teardown(bad_envelopes, ends, closed),
        cmocka_unit_test_setup_teardown(one_descriptor_too_many, ends, closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
