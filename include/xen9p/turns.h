/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * turns.h - few workers start at the same time (host-starts of the policy), and in the order in which
 * their devices came.
 *
 * A start is work: a process, namespaces, a lockdown that proves itself. When a host boots, or xen9pd
 * finds its devices waiting, all of them at once would each take so long that they are given up
 * (LIMIT_START_MS), and be started again. A start that hangs, on a dead file server, keeps others waiting for
 * LIMIT_TURN_MS only.
 */
#ifndef XEN9P_TURNS_H
#define XEN9P_TURNS_H

#include <stdbool.h>

struct device;
struct loop_timer;

/* True: the device is to wait, and `again` is called with its timer `retry`. False: it may start a worker now. */
bool turns_wait(struct device *d, void (*again)(struct loop_timer *t));

/* A worker of the device begins to start. */
void turns_begin(struct device *d);

/* It is ready or has ended, or the device does not want one any more. */
void turns_end(struct device *d);

#endif
