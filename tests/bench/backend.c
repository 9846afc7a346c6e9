/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend.c - one of the two back ends of the host tests, both linked under names of their own.
 */
#include "backend.h"

#include <stdio.h>

#include "../host/backend.h"

/* backend_jailed.c and backend_engine.c, see rules.mk */
void backend_start_jailed(struct rig *g, const struct ctl_config *config);
void backend_start_bare(struct rig *g, const struct ctl_config *config);

static bool next_is_bare;

void backend_bare(bool bare)
{
    next_is_bare = bare;
}

void backend_start(struct rig *g, const struct ctl_config *config)
{
    if (!next_is_bare) {
        backend_start_jailed(g, config);
        return;
    }
    fflush(NULL); /* it is a fork, and ends with exit(): what we have not written is not its */
    backend_start_bare(g, config);
}
