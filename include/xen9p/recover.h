/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recover.h - where a worker starts on its rings: a fresh device, a device whose worker died
 * (CTL_FLAG_SUCCESSOR: the journal tells) or one whose supervisor was restarted (CTL_FLAG_ADOPT).
 */
#ifndef XEN9P_RECOVER_H
#define XEN9P_RECOVER_H

struct worker;

/*
 * Sets every ring's indexes, marks the tags that a predecessor left in flight to be answered, and makes the session
 * an orphan when there was one. The first thing that reads guest memory: after the lockdown, before
 * the threads. 0, or a negative errno when the rings make no sense.
 */
int recover_rings(struct worker *w);

#endif
