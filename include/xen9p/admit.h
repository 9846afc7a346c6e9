/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admit.h - where devices and policies meet: loading sv->policy_dir, and finding what holds for a
 * device.
 *
 * Reads that directory and xenstore. Never an export.
 */
#ifndef XEN9P_ADMIT_H
#define XEN9P_ADMIT_H

#include <stdbool.h>

struct supervisor;
struct device;

/*
 * Loads sv->policy_dir into sv->policies; without files that is the built-in policy. False when there
 * was an error: all of them were told, and nothing was changed.
 */
bool admit_load(struct supervisor *sv);

/*
 * The same again for all devices, or nothing at all when there is an error. What a running worker can
 * follow holds for it at once; of the rest the log says which keys wait for a new connection.
 */
void admit_reload(struct supervisor *sv);

/* Warns of domain sections that have fitted no device. */
void admit_unmatched(const struct supervisor *sv);

/*
 * Finds out who the device's domain is and what holds for it, by sv->policies: d->who, d->policy,
 * d->terms. d->nodes must be good. False when there is no place for it: d->error says why, the log
 * too, and d->policy is NULL.
 */
bool admit_device(struct device *d);

struct ctl_config;

/*
 * What the identity of the device's policy needs for a worker that is about to start: identity
 * mapped gets its range of ids into `c`. 0, or a negative errno after telling why (d->error, log).
 */
int admit_identity(struct device *d, struct ctl_config *c);

/* Frees what admit_device() has left in the device. */
void admit_forget(struct device *d);

#endif
