/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend.h - what serves a rig: backend_jailed.c or backend_engine.c, one per test program.
 */
#ifndef XEN9P_TESTS_BACKEND_H
#define XEN9P_TESTS_BACKEND_H

#include "harness.h"

extern const bool backend_is_jailed;

/*
 * Starts a worker with this configuration for g; sets g->pid, g->pidfd, g->control_fd. READY has
 * not been received.
 */
void backend_start(struct rig *g, const struct ctl_config *config);

/*
 * What xen9pd would tell the worker of the first domain that policy/NAME.conf is for, or of
 * everybody. False where there is no supervisor to ask (the engine).
 */
bool backend_policy(const char *name, struct ctl_config *config);

#endif
