/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_policy.h - "xen9pctl policy ...": policies without Xen and without the service.
 */
#ifndef XEN9P_CTL_POLICY_H
#define XEN9P_CTL_POLICY_H

/* argv[0] is the word behind "policy". Returns the exit status: 0, 1 as documented, 2 for usage. */
int ctl_policy(int argc, char **argv);

/* What ctl_policy() understands, for --help. */
extern const char ctl_policy_help[];

#endif
