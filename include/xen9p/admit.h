/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admit.h - where devices and policies meet: loading POLICY_DIR, and finding what holds for a
 * device.
 *
 * Reads POLICY_DIR and xenstore. Never an export.
 */
#ifndef XEN9P_ADMIT_H
#define XEN9P_ADMIT_H

#include <stdbool.h>

struct supervisor;
struct device;

/*
 * Loads POLICY_DIR into sv->policies; without files that is the built-in policy. False when there
 * was an error: all of them were told, and nothing was changed.
 */
bool admit_load(struct supervisor *sv);

/*
 * Finds out who the device's domain is and what holds for it, by sv->policies: d->who, d->policy,
 * d->terms. d->nodes must be good. False when there is no place for it: d->error says why, the log
 * too, and d->policy is NULL.
 */
bool admit_device(struct device *d);

/* Frees what admit_device() has left in the device. */
void admit_forget(struct device *d);

#endif
