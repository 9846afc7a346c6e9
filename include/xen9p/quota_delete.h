/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_delete.h - auto-delete: room for something new at the cost of the oldest files.
 *
 * As xl.cfg(5) has it: the oldest file that the guest has not open goes when a limit is reached.
 * Only regular files with one name, below the export's root, by modification time. Nothing is
 * deleted when all of them together would not be enough.
 */
#ifndef XEN9P_QUOTA_DELETE_H
#define XEN9P_QUOTA_DELETE_H

#include <stdbool.h>
#include <stdint.h>

#include "xen9p/quota_counts.h"

struct quota;

/*
 * Makes room for `n` more within `limit`. True when it may be there now (others may take it first).
 * False at once where auto-delete is off. May take long; no lock of quota.h may be held.
 */
bool quota_delete_oldest(struct quota *q, enum quota_kind kind, uint64_t n, uint64_t limit);

#endif
