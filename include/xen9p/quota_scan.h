/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_scan.h - looks at the whole export in the background and puts its counts right.
 *
 * One thread of the lowest priority, asleep unless something is counted. It scans when the worker
 * starts, when a limit stands in a guest's way, and every LIMIT_SCAN_PERIOD_MS; never more than a
 * small share of the time. Nobody waits for it.
 */
#ifndef XEN9P_QUOTA_SCAN_H
#define XEN9P_QUOTA_SCAN_H

struct quota;

void quota_scan_init(struct quota *q);
/*
 * Makes the thread; it has started when this returns and touches nothing before quota_scan_open(), so that
 * a filter may be loaded over it. Negative errno on failure.
 */
int quota_scan_start(struct quota *q);
void quota_scan_open(struct quota *q);
/* Ends the thread if there is one. */
void quota_scan_end(struct quota *q);

/* To be done soon. Cheap. */
void quota_scan_ask(struct quota *q);

/* One scan, by the caller. 0: the counts are exact; 1: within a margin; or a negative errno. */
int quota_scan_run(struct quota *q);

#endif
