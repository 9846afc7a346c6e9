/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_control.c - ctl_recv() on both sides: the first byte says which side receives and how many
 * descriptors come along, the rest is the message. No descriptor may be lost.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xen9p/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_raw(int fd, const uint8_t *data, size_t size, size_t num_fds)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(16 * sizeof(int))];
    } room = {0};
    struct iovec iov = {(void *)data, size};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

    if (num_fds > 0) {
        struct cmsghdr *c;

        mh.msg_control = room.buf;
        mh.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
        memset(CMSG_DATA(c), 0, num_fds * sizeof(int)); /* descriptor 0, so many times */
    }
    if (sendmsg(fd, &mh, MSG_DONTWAIT) != (ssize_t)size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum ctl_side side;
    struct ctl_received r;
    struct ctl_counts counts = {{0}};
    int pair[2], before, after, n;

    if (size < 1 || size > 4096)
        return 0;
    side = data[0] & 1 ? CTL_SIDE_WORKER : CTL_SIDE_SUPERVISOR;
    before = dup(0);
    close(before);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    send_raw(pair[0], data + 1, size - 1, data[0] >> 1 & 15);
    n = ctl_recv(pair[1], side, &r, MSG_DONTWAIT);
    if (n == 1) {
        if (side == CTL_SIDE_SUPERVISOR && r.num_fds != 0)
            abort();
        (void)ctl_permit(&counts, r.msg.hdr.type, CTL_PHASE_SERVING);
        for (size_t i = 0; i < r.num_fds; i++)
            close(r.fds[i]);
    } else if (r.num_fds != 0) {
        abort();
    }
    close(pair[0]);
    close(pair[1]);
    after = dup(0);
    close(after);
    if (after != before)
        abort();
    return 0;
}
