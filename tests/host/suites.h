/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suites.h - the suites of the host tests, one suite_*.c each.
 */
#ifndef XEN9P_TESTS_SUITES_H
#define XEN9P_TESTS_SUITES_H

#include "harness.h"
#include "p9c.h"

extern const struct tap_suite suite_session;    /* version, attach, walk, clunk, flush */
extern const struct tap_suite suite_files;      /* open, create, read, write, attributes */
extern const struct tap_suite suite_names;      /* directories, links, renames, readdir */
extern const struct tap_suite suite_semantics;  /* what a local file system does */
extern const struct tap_suite suite_times;      /* what shows that a file has changed */
extern const struct tap_suite suite_replies;    /* the bytes of every reply of 9P2000.L */
extern const struct tap_suite suite_kept;       /* fids whose file has lost its name */
extern const struct tap_suite suite_escape;     /* nothing outside of the export */
extern const struct tap_suite suite_malformed;  /* messages that are not as they should be */
extern const struct tap_suite suite_rings;      /* the ring engine with a good frontend */
extern const struct tap_suite suite_hostile;    /* and with a bad one */
extern const struct tap_suite suite_parallel;   /* requests that block, flushes */
extern const struct tap_suite suite_polling;    /* adaptive polling */
extern const struct tap_suite suite_succession; /* workers that die */
extern const struct tap_suite suite_policy;     /* operations that a policy forbids */
extern const struct tap_suite suite_quota;      /* limits on space and files */
extern const struct tap_suite suite_counts;     /* what a quota has counted */
extern const struct tap_suite suite_xattr;      /* extended attributes */
extern const struct tap_suite suite_u;          /* 9P2000.u and 9P2000: files and directories */
extern const struct tap_suite suite_ustat;      /* Tstat and Twstat */
extern const struct tap_suite suite_clients;    /* Mini-OS, Unikraft; sessions of every dialect */
extern const struct tap_suite suite_squash;     /* one owner for all files */
extern const struct tap_suite suite_identity;   /* many owners, as the host sees them */
extern const struct tap_suite suite_virtfs;     /* owners, modes and devices in attributes */
extern const struct tap_suite suite_audit;      /* what is recorded, and before which reply */
extern const struct tap_suite suite_locks;      /* file locks */
extern const struct tap_suite suite_waiting;    /* file locks that wait */
extern const struct tap_suite suite_mounts;     /* file systems below the export */
extern const struct tap_suite suite_deep;       /* paths longer than PATH_MAX, by fid */
extern const struct tap_suite suite_cases;      /* known hostile cases, and where each is tested */
extern const struct tap_suite suite_growth;
extern const struct tap_suite suite_openfiles; /* max-open-files */
extern const struct tap_suite suite_ceilings;  /* requests and bytes per second */
extern const struct tap_suite suite_ucreate;   /* Tcreate in 9P2000.u and 9P2000 */
extern const struct tap_suite suite_ending;    /* SIGTERM, CTL_STOP, control socket */

#endif
