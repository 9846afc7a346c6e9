/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_control.c - messages between xen9pd and xen9p-audit.
 *
 * Each side checks what the other sends: xen9p-audit reads what workers write and is trusted less
 * than xen9pd, which gives it no room to pass descriptors.
 */
#include "xen9p/audit_control.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xen9p/audit.h"
#include "xen9p/fdpass.h"

#define SIZE_IS(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " has padding")

SIZE_IS(audit_ctl_header, 16);
SIZE_IS(audit_identity, 272);
SIZE_IS(audit_ctl_source, 288);
SIZE_IS(audit_ctl_event, 288 + 40 + 1280);
SIZE_IS(audit_ctl_state, 24);

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this protocol is little-endian; this machine would need conversion in audit_control.c"
#endif

static const struct rule {
    size_t size; /* 0: no such type */
    bool fd;
} rules[] = {
    [AUDIT_CTL_SOURCE] = {sizeof(struct audit_ctl_source), true},
    [AUDIT_CTL_LIMITS] = {sizeof(struct audit_ctl_source), false},
    [AUDIT_CTL_EVENT] = {sizeof(struct audit_ctl_event), false},
    [AUDIT_CTL_STATE] = {sizeof(struct audit_ctl_state), false},
};

static const struct rule *rule_of(uint32_t type)
{
    if (type >= sizeof(rules) / sizeof(rules[0]) || rules[type].size == 0)
        return NULL;
    return &rules[type];
}

int audit_ctl_send(int sock, union audit_ctl_message *m, int pass)
{
    const struct rule *rule = rule_of(m->hdr.type);
    union fdpass_room room;
    struct iovec iov = {m, 0};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (rule == NULL || rule->fd != (pass >= 0))
        return -EINVAL;
    m->hdr.version = AUDIT_CTL_VERSION;
    iov.iov_len = rule->size;
    fdpass_put(&mh, &room, &pass, pass >= 0 ? 1 : 0);
    do
        n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    return (size_t)n == rule->size ? 0 : -EIO;
}

static bool is_text(const char *s, size_t cap)
{
    size_t len = strnlen(s, cap);

    for (size_t i = len; i < cap; i++) {
        if (s[i] != '\0')
            return false;
    }
    return len < cap;
}

static bool identity_is_valid(const struct audit_identity *w)
{
    return w->full <= AUDIT_FULL_DROP && w->log_max > 0 && w->log_keep > 0 && w->reserved == 0 &&
           is_text(w->domain, sizeof(w->domain)) && is_text(w->uuid, sizeof(w->uuid)) &&
           is_text(w->policy, sizeof(w->policy));
}

static bool event_is_valid(const struct audit_ctl_event *e)
{
    return identity_is_valid(&e->who) && e->op > AUDIT_OP_WORKER_LAST &&
           e->op <= AUDIT_OP_SUPERVISOR_LAST && e->cls < AUDIT_CLASSES && e->reserved == 0 &&
           is_text(e->path, sizeof(e->path)) && is_text(e->detail, sizeof(e->detail));
}

static bool content_is_valid(const union audit_ctl_message *m)
{
    switch (m->hdr.type) {
    case AUDIT_CTL_SOURCE:
    case AUDIT_CTL_LIMITS:
        return identity_is_valid(&m->source.who);
    case AUDIT_CTL_EVENT:
        return event_is_valid(&m->event);
    default:
        return m->state.state >= AUDIT_STATE_BLOCKED && m->state.state <= AUDIT_STATE_VIOLATION;
    }
}

int audit_ctl_recv(int sock, union audit_ctl_message *m, int *passed)
{
    union fdpass_room room;
    struct iovec iov = {m, sizeof(*m)};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    const struct rule *rule;
    int fd = -1, num;
    ssize_t n;

    memset(m, 0, sizeof(*m));
    if (passed != NULL) {
        *passed = -1;
        fdpass_expect(&mh, &room);
    }
    do
        n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : errno == ECONNRESET ? 0 : -errno;
    num = fdpass_take(&mh, &fd, 1);
    if (num < 0)
        return num;
    if (n == 0 && num == 0)
        return 0;
    rule = (size_t)n >= sizeof(m->hdr) ? rule_of(m->hdr.type) : NULL;
    /* the two directions are told apart by the room for a descriptor */
    if (rule != NULL && (mh.msg_flags & MSG_TRUNC) == 0 && m->hdr.version == AUDIT_CTL_VERSION &&
        m->hdr.reserved == 0 && (size_t)n == rule->size && rule->fd == (fd >= 0) &&
        (passed != NULL) == (m->hdr.type < AUDIT_CTL_STATE) && content_is_valid(m)) {
        if (passed != NULL)
            *passed = fd;
        return 1;
    }
    if (fd >= 0)
        close(fd);
    return -EPROTO;
}
