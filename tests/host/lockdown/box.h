/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box.h - one launch of the shipped worker, with every part of what it is given open to change.
 */
#ifndef XEN9P_TESTS_LOCKDOWN_BOX_H
#define XEN9P_TESTS_LOCKDOWN_BOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "../tap.h"
#include "xen9p/control.h"
#include "xen9p/launch.h"

#define BOX_UID 200007
#define BOX_WAIT_MS 10000

struct box {
    char export[128];
    struct launcher launcher;
    struct launch_spec spec;
    struct launch_result res;
    struct ctl_config config;
    int fds[CTL_MAX_FDS]; /* in the order of enum ctl_config_fd */
    size_t num_fds;
    struct ctl_ready ready;
};

/* A new export of `owner` in the case's directory, and all that a worker for it needs. */
void box_prepare(struct box *b, uid_t owner);
/* launch_worker() only. */
void box_launch(struct box *b);
void box_configure(struct box *b);
/* Waits for the first message. */
void box_expect_ready(struct box *b);
/* Waits for CTL_FAILED with these, and for exit status 1. */
void box_expect_failed(struct box *b, enum ctl_step step, int error);
/* All three, for the good case. */
void box_start(struct box *b);
/* The message that came, or false: none before the end of the worker or `ms`. */
bool box_message(struct box *b, struct ctl_received *r, long long ms);
/* Waits for its end; status of waitpid, or -1 when it still lives after `ms`. */
int box_wait(struct box *b, long long ms);
/* SIGKILL; it must be gone soon. */
void box_kill(struct box *b);
/* Gives back what box_prepare made, and ends the launcher. */
void box_free(struct box *b);

#endif
