/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect.h - what connects a device to its guest: the validated grant references of its rings
 * and its event channels.
 *
 * connection_open() is the only place where the supervisor looks at guest memory: the interface
 * page of each ring, mapped read-only, copied once, judged from the copy. What was
 * validated there is kept: a successor maps from the kept references and never reads them again.
 */
#ifndef XEN9P_CONNECT_H
#define XEN9P_CONNECT_H

#include <stdint.h>

#include "xen9p/control.h"
#include "xen9p/nodes.h"

struct connection;

/*
 * Reads the interface pages, binds the event channels on a descriptor of their own that is
 * restricted to domain `domid`. `max_order` is what was published. 0 with *out owned by the
 * caller; -EINVAL with `fault` filled in when the guest gave something illegal; another negative errno for trouble of our
 * own, with `fault` saying where.
 */
int connection_open(uint32_t domid, const struct frontend_nodes *nodes, uint32_t max_order,
                    struct connection **out, struct nodes_fault *fault);

/* Closes the event channels. NULL is allowed. */
void connection_free(struct connection *c);

/*
 * A fresh gntdev descriptor with a MAP entry for the interface page and one for the data pages of
 * every ring; fills in offsets, orders and ports. The mapping itself is made by the worker.
 * Returns the descriptor (close-on-exec; to be closed as soon as it was sent) or a negative errno.
 */
int connection_map(const struct connection *c, struct ctl_ring ring[CTL_MAX_RINGS]);

/* Grants that a worker maps: of all rings, interface pages included. */
uint32_t connection_grants(const struct connection *c);
uint32_t connection_rings(const struct connection *c);
/* The event channel descriptor of a ring. Owned by the connection: one open file for all workers of it. */
int connection_evtchn_fd(const struct connection *c, uint32_t ring);

#endif
