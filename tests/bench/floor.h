/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor.h - what a round trip costs on this machine without any server.
 */
#ifndef XEN9P_BENCH_FLOOR_H
#define XEN9P_BENCH_FLOOR_H

#include "report.h"

/*
 * Round trips per second: a bare ring that two processors look at all the time, against an eventfd ping-pong between two
 * processes that sleep.
 */
void floor_report(struct report *r, uint32_t rounds, double scale);

#endif
