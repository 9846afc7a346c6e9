/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_log.h - "xen9pctl log ...": the audit log of a domain, for people.
 */
#ifndef XEN9P_CTL_LOG_H
#define XEN9P_CTL_LOG_H

/* argv[0] is the word behind "log". Returns the exit status: 0, 1 no log, 2 for usage. */
int ctl_log(int argc, char **argv);

extern const char ctl_log_help[];

#endif
