/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_internal.h - between act.c (the table's actions), act_launch.c and act_worker.c.
 */
#ifndef XEN9P_ACT_INTERNAL_H
#define XEN9P_ACT_INTERNAL_H

#include <stdint.h>

#include "xen9p/child.h"

struct device;

/*
 * Starts a worker on the device's connection, by the newest policy. Needs a journal. Flags: CTL_FLAG_SUCCESSOR or
 * CTL_FLAG_ADOPT. *why: the reason, when it is none that an errno could tell.
 */
int act_launch(struct device *d, uint32_t flags, const char **why);

/* What a device does about its worker's words and end. */
extern const struct child_owner act_worker_calls;

#endif
