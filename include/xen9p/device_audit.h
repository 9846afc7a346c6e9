/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device_audit.h - what of a device's life stands in its domain's audit log.
 */
#ifndef XEN9P_DEVICE_AUDIT_H
#define XEN9P_DEVICE_AUDIT_H

#include "xen9p/control.h"

struct child;
struct device;

/*
 * A socket for the worker about to be started: sets CTL_FLAG_AUDIT in `c` and returns the worker's
 * end, to be closed by the caller; or a negative errno.
 */
int device_audit_open(struct device *d, struct ctl_config *c);
/* The worker was forked (`c`), or could not be (NULL). */
void device_audit_started(struct device *d, const struct child *c);
void device_audit_ready(struct device *d, const struct ctl_ready *ready);
/* CTL_EVENT_STOPPED and CTL_EVENT_LOST: totals, for the record of the end. */
void device_audit_event(struct device *d, const struct ctl_event *event);
/* The worker has ended; `why` is text. */
void device_audit_ended(struct device *d, const struct child *c, const char *why);
/* The device is closed for good, because of its workers; d->error says why. */
void device_audit_quarantined(struct device *d);
/* It is not served; d->error says why. */
void device_audit_refused(struct device *d);
/* A new policy: classes, files. */
void device_audit_limits(struct device *d);
/* True while the device must not be served because nobody would write its log. */
bool device_audit_missing(const struct device *d);

#endif
