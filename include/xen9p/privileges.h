/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.h - what the supervisor keeps of root's power: one table, each with its reason.
 */
#ifndef XEN9P_PRIVILEGES_H
#define XEN9P_PRIVILEGES_H

#include <stdbool.h>

/*
 * Reduces permitted, effective and bounding set to the table (what we were not given stays
 * missing, with a line in the log), clears the inheritable and ambient sets. Workers inherit the result and give the rest up. 0 or a
 * negative errno. `host_identity`: a policy asks for identity host, whose workers need more.
 */
int privileges_reduce(bool host_identity);
/* Afterwards: whether what workers of identity host need is there. */
bool privileges_host_identity(void);

/* RLIMIT_NOFILE up to LIMIT_NOFILE as far as we are allowed. Never fails. */
void privileges_raise_nofile(void);

#endif
