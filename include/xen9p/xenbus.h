/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenbus.h - xenstore's events, sorted to the devices they concern.
 *
 * `backend/xen_9pfs` is watched as a whole (only the toolstack and we write there); of a guest
 * only its `state` is (frontend.h).
 */
#ifndef XEN9P_XENBUS_H
#define XEN9P_XENBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct supervisor;

/*
 * Sets the watch on `backend/xen_9pfs` and adds xenstore to the loop. The watch's first event makes the first scan. `lost` is called once
 * when xenstored goes away. 0 or a negative errno.
 */
int xenbus_start(struct supervisor *sv, void (*lost)(struct supervisor *sv));
void xenbus_stop(struct supervisor *sv);

/*
 * Device that the path of a watch event below backend/xen_9pfs concerns; false when it is above
 * the devices (or none of ours), which calls for a scan. Pure.
 */
bool xenbus_device_of_path(const char *path, uint32_t *domid, uint32_t *devid);

#endif
