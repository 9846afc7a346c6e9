/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdpass.c - descriptors in the control data of a message.
 *
 * Trusts nothing about what arrives but that the kernel wrote the control data.
 */
#include "xen9p/fdpass.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

void fdpass_put(struct msghdr *mh, union fdpass_room *room, const int *fds, size_t num)
{
    struct cmsghdr *c;

    if (num == 0)
        return;
    memset(room, 0, sizeof(*room));
    mh->msg_control = room->buf;
    mh->msg_controllen = CMSG_SPACE(num * sizeof(int));
    c = CMSG_FIRSTHDR(mh);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(num * sizeof(int));
    memcpy(CMSG_DATA(c), fds, num * sizeof(int));
}

void fdpass_expect(struct msghdr *mh, union fdpass_room *room)
{
    mh->msg_control = room->buf;
    mh->msg_controllen = sizeof(room->buf);
}

int fdpass_take(struct msghdr *mh, int *fds, size_t most)
{
    bool good = (mh->msg_flags & MSG_CTRUNC) == 0;
    size_t num = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
        const size_t bytes = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            good = false;
            continue;
        }
        for (size_t i = 0; i < bytes / sizeof(int); i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (num < most) {
                fds[num++] = fd;
            } else {
                close(fd);
                good = false;
            }
        }
    }
    if (good)
        return (int)num;
    for (size_t i = 0; i < num; i++)
        close(fds[i]);
    return -EPROTO;
}
