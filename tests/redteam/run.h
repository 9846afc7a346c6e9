/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - one attempt from the scene to the verdict: hostile-worker is launched and supervised by
 * the supervisor's own code for children, beside a neighbour.
 */
#ifndef XEN9P_TESTS_REDTEAM_RUN_H
#define XEN9P_TESTS_REDTEAM_RUN_H

#include "../host/tap.h"
#include "logs.h"
#include "scene.h"

struct run {
    /* The caller's to set; the rest zero. */
    uint32_t number; /* of the attempt */
    bool read_only;
    int filter_fd; /* 0: the one that the supervisor compiles; owned by the caller */

    const struct attempt *attempt;
    struct scene scene;
    struct loop *loop;
    struct children *children;
    struct logs logs; /* of an attempt WITH_AUDIT */
    struct loop_timer tick;
    uint64_t deadline;
    struct worker_of {
        struct run *run;
        struct child *child;
        struct ctl_config config;
        bool ready, ended, violation, lingers;
        char why[160];
    } hostile, neighbour; /* no neighbour where the filter must kill: nothing touches it then */
};

/* Until the hostile worker has ended. Fails the case when it does not come as far as READY. */
void run_it(struct run *r);
/* NULL: held. Else what is wrong. */
const char *run_verdict(struct run *r);

/* Cases that show that a verdict can be another one. */
const struct tap_suite *selftest_suite(void);

#endif
