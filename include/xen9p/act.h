/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act.h - carrying out what a device's table says: xenstore nodes, rings, workers.
 *
 * Nothing here waits. What comes of it is fed back with devices_feed().
 */
#ifndef XEN9P_ACT_H
#define XEN9P_ACT_H

#include "xen9p/device.h"
#include "xen9p/nodes.h"

struct device;

void act(struct device *d, enum device_action action);

/* Sets the device's `error` and writes the one line about it: what, where, and what to do. */
void act_refuse(struct device *d, const struct nodes_fault *fault);

/*
 * Tells the device's worker the limits of its terms, now or, while it does not listen, again
 * every LIMIT_TELL_MS.
 */
void act_limits(struct device *d);

/* Gives the cgroup of the device's worker the weights of its terms. */
void act_reweigh(struct device *d);

/* Closes and frees all that a device holds; its worker must have ended or been given up. */
void act_release(struct device *d);

#endif
