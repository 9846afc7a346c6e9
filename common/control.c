/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.c - messages between supervisor and worker: the table, sending and receiving.
 *
 * Trusts nothing about what arrives: a worker may have been taken over by its guest.
 */
#include "xen9p/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xen9p/fdpass.h"

#define SIZE_IS(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " has padding")

_Static_assert(CTL_MAX_FDS <= FDPASS_MAX, "no room for what a message may carry");
SIZE_IS(ctl_header, 4);
SIZE_IS(ctl_ring, 24);
SIZE_IS(ctl_limits, 56);
SIZE_IS(ctl_config, 240);
SIZE_IS(ctl_new_limits, 64);
SIZE_IS(ctl_failed, 16);
SIZE_IS(ctl_ready, 20);
SIZE_IS(ctl_event, 32);

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the control protocol is little-endian; this machine would need conversion in control.c"
#endif

#define ANY_PHASE (CTL_PHASE_STARTING | CTL_PHASE_SERVING | CTL_PHASE_STOPPING)

/* Sessions, attaches: a guest can remount in a loop, so these may not end its worker. */
#define UNLIMITED UINT32_MAX

static const struct rule {
    const char *name;
    size_t size;
    uint8_t min_fds, max_fds;
    enum ctl_side from;
    uint32_t phases;
    uint32_t most; /* of this type from one worker */
} rules[] = {
    [CTL_CONFIG] = {"CONFIG", sizeof(struct ctl_config), 5, CTL_MAX_FDS, CTL_SIDE_SUPERVISOR,
                    CTL_PHASE_STARTING, 1},
    [CTL_STOP] = {"STOP", sizeof(struct ctl_header), 0, 0, CTL_SIDE_SUPERVISOR, ANY_PHASE, 1},
    [CTL_LIMITS] = {"LIMITS", sizeof(struct ctl_new_limits), 0, 0, CTL_SIDE_SUPERVISOR,
                    CTL_PHASE_SERVING | CTL_PHASE_STOPPING, UNLIMITED},
    [CTL_FAILED] = {"FAILED", sizeof(struct ctl_failed), 0, 0, CTL_SIDE_WORKER,
                    CTL_PHASE_STARTING | CTL_PHASE_STOPPING, 1},
    [CTL_READY] = {"READY", sizeof(struct ctl_ready), 0, 0, CTL_SIDE_WORKER,
                   CTL_PHASE_STARTING | CTL_PHASE_STOPPING, 1},
    [CTL_EVENT] = {"EVENT", sizeof(struct ctl_event), 0, 0, CTL_SIDE_WORKER,
                   CTL_PHASE_SERVING | CTL_PHASE_STOPPING, UNLIMITED},
};

static const struct rule *rule_of(uint32_t type)
{
    if (type >= sizeof(rules) / sizeof(rules[0]) || rules[type].name == NULL)
        return NULL;
    return &rules[type];
}

const char *ctl_type_name(uint32_t type)
{
    const struct rule *rule = rule_of(type);

    return rule != NULL ? rule->name : "?";
}

const char *ctl_step_name(uint32_t step)
{
    static const char *const names[CTL_STEP_COUNT] = {
        [CTL_STEP_NONE] = "none",
        [CTL_STEP_PATH] = "create the export's directories",
        [CTL_STEP_TREE] = "clone the export's mount",
        [CTL_STEP_OWNER] = "look at the export's owner",
        [CTL_STEP_USERNS] = "make the user namespace",
        [CTL_STEP_MOUNT_ATTR] = "restrict the mount",
        [CTL_STEP_ROOT_OWNED] = "map the owner of a root-owned export",
        [CTL_STEP_ID_RANGE] = "find the export's owner in the domain's range of ids",
        [CTL_STEP_NO_IDMAP] = "map ids on the export's file system",
        [CTL_STEP_NAMESPACES] = "unshare namespaces",
        [CTL_STEP_DESCRIPTORS] = "arrange descriptors",
        [CTL_STEP_EXEC] = "execute the worker",
        [CTL_STEP_CONFIG] = "receive the configuration",
        [CTL_STEP_CHECK_FDS] = "check descriptors",
        [CTL_STEP_MAP_RINGS] = "map the rings",
        [CTL_STEP_MAP_JOURNAL] = "map the journal",
        [CTL_STEP_MAP_QUOTA] = "map the counts of the export",
        [CTL_STEP_PIVOT_ROOT] = "enter the export",
        [CTL_STEP_LIMITS] = "set resource limits",
        [CTL_STEP_JOIN_USERNS] = "join the user namespace",
        [CTL_STEP_IDS_AND_CAPS] = "drop ids, groups and capabilities",
        [CTL_STEP_NO_NEW_PRIVS] = "set no_new_privs",
        [CTL_STEP_LANDLOCK] = "apply Landlock",
        [CTL_STEP_THREADS] = "start threads",
        [CTL_STEP_SECCOMP] = "load the seccomp filter",
        [CTL_STEP_PROVE] = "prove the lockdown",
    };

    return step < CTL_STEP_COUNT ? names[step] : "?";
}

const char *ctl_close_reason_name(uint32_t reason)
{
    static const char *const names[CTL_CLOSE_COUNT] = {
        [0] = "?",
        [CTL_CLOSE_BAD_INDEX] = "ring index out of bounds",
        [CTL_CLOSE_BAD_SIZE] = "message size out of bounds",
        [CTL_CLOSE_FLUSH_STORM] = "too many pending Tflush",
        [CTL_CLOSE_NOTIFY] = "event channel failed",
        [CTL_CLOSE_INTERNAL] = "internal error",
    };

    return reason < CTL_CLOSE_COUNT ? names[reason] : "?";
}

int ctl_send(int fd, union ctl_message *msg, const int *fds, size_t num_fds)
{
    const struct rule *rule = rule_of(msg->hdr.type);
    union fdpass_room room;
    struct iovec iov = {msg, 0};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (rule == NULL || num_fds < rule->min_fds || num_fds > rule->max_fds)
        return -EINVAL;
    msg->hdr.version = CTL_VERSION;
    iov.iov_len = rule->size;
    fdpass_put(&mh, &room, fds, num_fds);
    do
        n = sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    return (size_t)n == rule->size ? 0 : -EIO;
}

int ctl_recv(int fd, enum ctl_side side, struct ctl_received *r, int flags)
{
    union fdpass_room room;
    struct iovec iov = {&r->msg, sizeof(r->msg)};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    const struct rule *rule;
    ssize_t n;
    int num;

    memset(r, 0, sizeof(*r));
    if (side == CTL_SIDE_WORKER) /* only the worker is ever sent descriptors */
        fdpass_expect(&mh, &room);
    /*
     * ECONNRESET, said once, means that the peer has gone without reading all that we sent. What it
     * sent before (CTL_FAILED, say) is still there, then comes the end.
     */
    do
        n = recvmsg(fd, &mh, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    num = fdpass_take(&mh, r->fds, CTL_MAX_FDS);
    if (num < 0)
        return num;
    r->num_fds = (size_t)num;
    if (n == 0 && num == 0)
        return 0;
    rule = (size_t)n >= sizeof(struct ctl_header) ? rule_of(r->msg.hdr.type) : NULL;
    if (rule != NULL && (mh.msg_flags & MSG_TRUNC) == 0 && r->msg.hdr.version == CTL_VERSION &&
        (size_t)n == rule->size && rule->from != side && r->num_fds >= rule->min_fds &&
        r->num_fds <= rule->max_fds)
        return 1;
    for (size_t i = 0; i < r->num_fds; i++)
        close(r->fds[i]);
    r->num_fds = 0;
    return -EPROTO;
}

bool ctl_permit(struct ctl_counts *counts, uint16_t type, enum ctl_phase phase)
{
    const struct rule *rule = rule_of(type);

    if (rule == NULL || (rule->phases & phase) == 0)
        return false;
    if (counts->seen[type] != UINT32_MAX)
        counts->seen[type]++;
    return counts->seen[type] <= rule->most;
}
