/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * succession.h - when a dead worker gets a successor, and when that has to stop. Pure.
 *
 * Each death may be a guest's try at its worker, with a fresh address layout every time: so there
 * are few tries in a long window, and each costs more time than the last.
 */
#ifndef XEN9P_SUCCESSION_H
#define XEN9P_SUCCESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "xen9p/limits.h"

struct succession {
    uint64_t death_ms[LIMIT_DEATHS]; /* the last ones, a ring */
    uint32_t deaths;                 /* in all, for status */
};

/* Notes a death at `now_ms`; true when there were more than LIMIT_DEATHS within LIMIT_DEATHS_MS. */
bool succession_died(struct succession *s, uint64_t now_ms);

/* Deaths within the window that ends at `now_ms`. */
uint32_t succession_recent(const struct succession *s, uint64_t now_ms);

/* How long the next successor has to wait: 0 for the first, then doubling. */
uint32_t succession_delay(const struct succession *s, uint64_t now_ms);

#endif
