/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devices.h - the devices of a supervisor: found, fed with events, forgotten.
 */
#ifndef XEN9P_DEVICES_H
#define XEN9P_DEVICES_H

#include <stdint.h>

#include "xen9p/device.h"
#include "xen9p/log.h"

struct supervisor;

struct device *devices_find(struct supervisor *sv, uint32_t domid, uint32_t devid);

/*
 * Looks at backend/xen_9pfs/<domid>/<devid>: makes the device when it is new, tells a known one
 * what the toolstack did.
 */
void devices_check(struct supervisor *sv, uint32_t domid, uint32_t devid);

/* Gives an event to the device's table and carries out what it says. Safe from any callback. */
void devices_feed(struct device *d, enum device_event event);

/* To be called when no callback of a device is on the stack: forgets those that are gone. */
void devices_tidy(struct supervisor *sv);

/* One line in the log about a device: "domain 5 (name) device 0: ...". */
void devices_say(const struct device *d, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One line per device: state, worker, threads, msize, deaths. */
void devices_dump(const struct supervisor *sv);

#endif
