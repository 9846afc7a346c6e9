/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.c - lies over the socket to the supervisor, which ends a worker for the first message
 * that is out of place, and takes no descriptor from it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "attempt.h"
#include "xen9p/control.h"
#include "xen9p/descriptors.h"

static uint8_t big[65536];

/* Any bytes, with any control data; then it waits for what comes of it. */
static long say(const void *bytes, size_t len, const void *control, size_t control_len)
{
    struct iovec iov = {(void *)bytes, len};
    struct msghdr mh = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = (void *)control,
                        .msg_controllen = control_len};

    return attack(SYS_sendmsg, WFD_CONTROL, AT(&mh), MSG_NOSIGNAL, 0, 0, 0);
}

static long say_and_wait(const void *bytes, size_t len)
{
    return await_end(say(bytes, len, NULL, 0));
}

/* A message that would be in order, of `type`. */
static long say_type(uint16_t type, size_t len)
{
    union ctl_message m;

    memset(&m, 0, sizeof(m));
    m.hdr = (struct ctl_header){CTL_VERSION, type};
    return say_and_wait(&m, len);
}

static long ready_twice(struct hostile *h)
{
    (void)h;
    return say_type(CTL_READY, sizeof(struct ctl_ready));
}

static long forged_failure(struct hostile *h)
{
    (void)h;
    return say_type(CTL_FAILED, sizeof(struct ctl_failed));
}

static long supervisors_config(struct hostile *h)
{
    (void)h;
    return say_type(CTL_CONFIG, sizeof(struct ctl_config));
}

static long supervisors_stop(struct hostile *h)
{
    (void)h;
    return say_type(CTL_STOP, sizeof(struct ctl_header));
}

static long supervisors_limits(struct hostile *h)
{
    (void)h;
    return say_type(CTL_LIMITS, sizeof(struct ctl_new_limits));
}

static long unknown_type(struct hostile *h)
{
    (void)h;
    return say_type(0x7fff, sizeof(struct ctl_event));
}

static long other_version(struct hostile *h)
{
    const struct ctl_event e = {.hdr = {CTL_VERSION + 1, CTL_EVENT}, .code = CTL_EVENT_SESSION};

    (void)h;
    return say_and_wait(&e, sizeof(e));
}

static long too_short(struct hostile *h)
{
    (void)h;
    return say_type(CTL_EVENT, sizeof(struct ctl_event) - 1);
}

static long too_long(struct hostile *h)
{
    (void)h;
    return say_type(CTL_EVENT, sizeof(struct ctl_event) + 1);
}

static long one_byte(struct hostile *h)
{
    (void)h;
    return say_and_wait("x", 1);
}

static long much_too_long(struct hostile *h)
{
    const struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT}, .code = CTL_EVENT_SESSION};

    (void)h;
    memcpy(big, &e, sizeof(e));
    return say_and_wait(big, sizeof(big));
}

/* Descriptors for the supervisor, with a message that is right otherwise. */
static long smuggle(int fd, size_t num)
{
    const struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT}, .code = CTL_EVENT_SESSION};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(200 * sizeof(int))];
    } room;

    memset(&room, 0, sizeof(room));
    room.align.cmsg_level = SOL_SOCKET;
    room.align.cmsg_type = SCM_RIGHTS;
    room.align.cmsg_len = CMSG_LEN(num * sizeof(int));
    for (size_t i = 0; i < num; i++)
        memcpy(CMSG_DATA(&room.align) + i * sizeof(int), &fd, sizeof(int));
    return await_end(say(&e, sizeof(e), room.buf, CMSG_SPACE(num * sizeof(int))));
}

static long smuggle_root(struct hostile *h)
{
    (void)h;
    return smuggle(WFD_ROOT, 1);
}

/* The socket inside of itself: garbage that only the kernel's collector finds. */
static long smuggle_socket(struct hostile *h)
{
    (void)h;
    return smuggle(WFD_CONTROL, 1);
}

static long smuggle_many(struct hostile *h)
{
    (void)h;
    return smuggle(WFD_PROC, 200);
}

/* In another's name. The kernel checks. */
static long forged_credentials(struct hostile *h)
{
    const struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT}, .code = CTL_EVENT_SESSION};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(struct ucred))];
    } room;
    const struct ucred root = {h->brief->supervisor, 0, 0};

    memset(&room, 0, sizeof(room));
    room.align.cmsg_level = SOL_SOCKET;
    room.align.cmsg_type = SCM_CREDENTIALS;
    room.align.cmsg_len = CMSG_LEN(sizeof(root));
    memcpy(CMSG_DATA(&room.align), &root, sizeof(root));
    return say(&e, sizeof(e), room.buf, sizeof(room.buf));
}

/*
 * To somebody else than the supervisor: the kernel ignores the address, the socket being connected,
 * and the supervisor does not like the message.
 */
static long to_another_address(struct hostile *h)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};
    struct iovec iov = {big, 16};
    struct msghdr mh = {
        .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1};

    (void)h;
    return await_end(attack(SYS_sendmsg, WFD_CONTROL, AT(&mh), MSG_NOSIGNAL, 0, 0, 0));
}

/* Messages that are right, without end: the supervisor has other children. */
static long flood(struct hostile *h)
{
    const struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT}, .code = CTL_EVENT_ATTACH};

    for (int i = 0; i < 10000; i++)
        if (say(&e, sizeof(e), NULL, 0) < 0)
            return -1;
    (void)snprintf(h->brief->what, sizeof(h->brief->what), "10000 messages");
    return 0;
}

/* Numbers that the supervisor has no name for: they are for the log. */
static long unknown_event(struct hostile *h)
{
    const struct ctl_event e = {
        .hdr = {CTL_VERSION, CTL_EVENT}, .code = ~0u, .a = ~0ull, .b = ~0ull, .c = ~0ull};

    (void)h;
    return say(&e, sizeof(e), NULL, 0);
}

/* The same for the reason of a close. */
static long unknown_close(struct hostile *h)
{
    const struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT},
                                .code = CTL_EVENT_CLOSE,
                                .a = ~0ull,
                                .b = ~0ull,
                                .c = ~0ull};

    (void)h;
    return say(&e, sizeof(e), NULL, 0);
}

#define RUN(name, outcome) RUN_UNDER(BUILT_IN, name, outcome)

static const struct attempt table[] = {
    RUN(ready_twice, ENDED),
    RUN(forged_failure, ENDED),
    RUN(supervisors_config, ENDED),
    RUN(supervisors_stop, ENDED),
    RUN(supervisors_limits, ENDED),
    RUN(unknown_type, ENDED),
    RUN(other_version, ENDED),
    RUN(too_short, ENDED),
    RUN(too_long, ENDED),
    RUN(one_byte, ENDED),
    RUN(much_too_long, ENDED),
    RUN(smuggle_root, ENDED),
    RUN(smuggle_socket, ENDED),
    RUN(smuggle_many, ENDED),
    RUN(forged_credentials, REFUSED),
    RUN(to_another_address, ENDED),
    RUN(flood, VAIN),
    RUN(unknown_event, VAIN),
    RUN(unknown_close, VAIN),
};
SUBJECT(control, table);
