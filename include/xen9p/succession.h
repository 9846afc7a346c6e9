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

/* Of the device's policy, which may change them at any time. */
struct succession_rules {
    uint32_t limit;        /* deaths within the window that are forgiven, at most LIMIT_DEATHS */
    uint32_t window_ms;    /* of which deaths are counted */
    uint32_t delay_ms;     /* before the second successor, doubled for each further one */
    uint32_t delay_max_ms; /* longest delay */
};

struct succession {
    uint64_t death_ms[LIMIT_DEATHS]; /* the last ones, a ring */
    uint32_t deaths;                 /* in all, for status */
};

/* Notes a death at `now_ms`; true when there were more than the limit within the window. */
bool succession_died(struct succession *s, const struct succession_rules *rules, uint64_t now_ms);

/* Deaths within the window that ends at `now_ms`; never more than LIMIT_DEATHS. */
uint32_t succession_recent(const struct succession *s, const struct succession_rules *rules,
                           uint64_t now_ms);

/* How long the next successor has to wait: 0 for the first, then doubling. */
uint32_t succession_delay(const struct succession *s, const struct succession_rules *rules,
                          uint64_t now_ms);

#endif
