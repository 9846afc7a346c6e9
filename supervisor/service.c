/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * service.c - one datagram to the service manager.
 *
 * Trusts its environment, which root has set.
 */
#include "xen9p/service.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "xen9p/log.h"

void service_notify(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = name != NULL ? strlen(name) : 0;
    int fd;

    if (len < 2 || len >= sizeof(sa.sun_path) || (name[0] != '/' && name[0] != '@'))
        return;
    memcpy(sa.sun_path, name, len);
    if (name[0] == '@') /* abstract: the length counts, not a NUL at the end */
        sa.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&sa,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        log_debug("service manager not told: %s", strerror(errno));
    close(fd);
}

void service_notify_reloading(void)
{
    struct timespec ts;
    char text[64];

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    service_notify(text);
}
