/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beside.h - what one load costs another: fsyncs beside cached reads of the same device, and a guest that floods its
 * own device beside one that works.
 */
#ifndef XEN9P_BENCH_BESIDE_H
#define XEN9P_BENCH_BESIDE_H

#include "load.h"
#include "report.h"

/*
 * `two`: mounted, with two rings; `one`: with one, or NULL. False: reads beside fsyncs have a p99 of more than four times
 * that alone in every round, or a flood costs more than 25 % beyond its share of the processors.
 */
bool beside_report(struct report *r, struct link *two, struct link *one, uint32_t rounds,
                   double scale);

#endif
