/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.h - what a guest once asked for (trace_kinds.h), again: as messages one after the other, and as the system calls
 * that a server makes for them. Each line of the trace is one operation of a load.
 *
 * Every reply is compared with the record: success or the same error, and as many bytes read. What differs ends the
 * benchmark with the line of the trace.
 */
#ifndef XEN9P_BENCH_TRACE_H
#define XEN9P_BENCH_TRACE_H

#include "load.h"

/*
 * Makes anew, in the export of `rig`, what the trace in this file begins with. Its operations come next; their number is
 * returned.
 */
uint64_t trace_begin(const struct rig *rig, const char *path);

uint32_t trace_message(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload);
void trace_reply(struct load_slot *s, uint8_t type, const uint8_t *body, uint32_t len);
void trace_raw(uint64_t op);

#endif
