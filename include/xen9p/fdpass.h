/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdpass.h - descriptors in the control data of a message (unix(7), SCM_RIGHTS).
 */
#ifndef XEN9P_FDPASS_H
#define XEN9P_FDPASS_H

#include <stddef.h>
#include <sys/socket.h>

#define FDPASS_MAX 9 /* in one message */

union fdpass_room {
    struct cmsghdr align;
    char buf[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

/* Before sendmsg: `num` (0 to FDPASS_MAX) descriptors go along. `room` lives as long as *mh. */
void fdpass_put(struct msghdr *mh, union fdpass_room *room, const int *fds, size_t num);

/* Before recvmsg: there is room for descriptors. */
void fdpass_expect(struct msghdr *mh, union fdpass_room *room);

/*
 * After recvmsg: how many came, in `fds`, at most `most` of them, which are the caller's then. -EPROTO when
 * there were more, or anything else in the control data, or when some had no room: none is left open.
 */
int fdpass_take(struct msghdr *mh, int *fds, size_t most);

#endif
