/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suites.h - the suites of the audit tests, one suite_*.c each.
 */
#ifndef XEN9P_TESTS_AUDIT_SUITES_H
#define XEN9P_TESTS_AUDIT_SUITES_H

#include "../host/tap.h"

extern const struct tap_suite suite_jail;     /* the process */
extern const struct tap_suite suite_records;  /* from sources to lines */
extern const struct tap_suite suite_files;    /* rotation, a full disk */
extern const struct tap_suite suite_trouble;  /* floods and malformed batches */
extern const struct tap_suite suite_shown;    /* xen9pctl log */
extern const struct tap_suite suite_together; /* with the shipped worker */

#endif
