/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs.h - a running xen9p-audit for attempts on its socket, and what must be true of its files.
 */
#ifndef XEN9P_TESTS_REDTEAM_LOGS_H
#define XEN9P_TESTS_REDTEAM_LOGS_H

#include <stdbool.h>
#include <sys/types.h>

#include "xen9p/audit_link.h"
#include "xen9p/loop.h"

struct logs {
    pid_t pid;
    char dir[128], socket[128];
    struct audit_link *link;
};

/* Starts it; logs_ready() is true once the supervisor's link is up. */
void logs_start(struct logs *l, struct loop *loop);
bool logs_ready(const struct logs *l);
/* A source for the worker of this domain: its end of the socket, the caller's to close. */
int logs_source(struct logs *l, const char *domain, void (*violated)(void *owner), void *owner);
/*
 * Ends it, and looks: NULL, or what is wrong. Every line is one of its own, numbered without a gap,
 * of the domain that its directory is for. `malformed`: the last one of hostile's says so.
 */
const char *logs_judge(struct logs *l, bool malformed);

#endif
