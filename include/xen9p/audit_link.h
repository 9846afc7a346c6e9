/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_link.h - xen9pd's end of xen9p-audit: workers' sockets handed over, events of devices told,
 * and all of it again when xen9p-audit was restarted.
 *
 * Nothing here waits. While nobody listens at the socket the link tries again and again, and
 * starts xen9p-audit itself when it was given its program. What a worker has sent stays in its
 * socket, of which a duplicate is kept until it is empty, also behind the worker's end.
 */
#ifndef XEN9P_AUDIT_LINK_H
#define XEN9P_AUDIT_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/audit.h"
#include "xen9p/audit_control.h"

struct loop;
struct audit_link;
struct audit_source;

/*
 * NULL when out of memory. `program`: descriptor of xen9p-audit's executable, kept by the caller;
 * -1 when a service manager starts it.
 */
struct audit_link *audit_link_new(struct loop *loop, const char *socket, int program);
/* Connects, or begins trying. */
void audit_link_start(struct audit_link *a);
bool audit_link_up(const struct audit_link *a);

/*
 * A socket for a worker about to be started: *worker_end is the caller's to pass on and close.
 * `violated` is called when xen9p-audit could not read what the worker sent. 0 or a negative errno.
 */
int audit_source_open(struct audit_link *a, void (*violated)(void *owner), void *owner,
                      struct audit_source **out, int *worker_end);
/* Who it is, from now on. `wanted`: something of it is to be recorded, so xen9p-audit is told. */
void audit_source_set(struct audit_source *s, const struct audit_identity *who, bool wanted);
/* The worker has ended; what it has sent is still taken. NULL is allowed. */
void audit_source_close(struct audit_source *s);

/* A record of the supervisor's own: hdr and `who` are filled in from `s`. */
void audit_source_event(struct audit_source *s, struct audit_ctl_event *e);
/* The same about a device without a worker. */
void audit_link_event(struct audit_link *a, const struct audit_identity *who,
                      struct audit_ctl_event *e);

#endif
