/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scene.h - where an attempt takes place: an export with traps in it, secrets around it, a
 * neighbour, a supervisor's child table, and a record of what everything looked like before.
 *
 * Everything that must not change or become known is judged here, from outside and after each attempt, whichever
 * it is. All functions fail the running case when the test itself cannot go on.
 */
#ifndef XEN9P_TESTS_REDTEAM_SCENE_H
#define XEN9P_TESTS_REDTEAM_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "attempt.h"
#include "xen9p/child.h"
#include "xen9p/loop.h"

struct scene {
    char export[128], outside[128], neighbourhood[128];
    char secret[64];   /* what the files outside hold */
    uint64_t marks[3]; /* fingerprints: outside, neighbourhood, export */
    unsigned mounts;
    int ring_fd, journal_fd;
    struct briefing *brief;
};

/* Makes it, in the case's directory and in a mount namespace of the case's own. */
void scene_make(struct scene *s);
/* Once both workers are there: what it looks like from now on. */
void scene_record(struct scene *s);
/*
 * What is not as it was: NULL, or text for the report. `frozen`: the export counts as well.
 */
const char *scene_damage(struct scene *s, bool frozen);
/* The path of BUILD`name`, where this program is BUILD/tests/redteam/redteam; until the next call. */
const char *scene_program(const char *name);
/* Rings for a worker: memory of two rings, as scene.c lays them out. */
int scene_rings(struct ctl_config *config);

/* A number for all that lies below `path`: names, kinds, modes, owners, sizes, times, contents. */
uint64_t fingerprint(const char *path);
/* The first file below `path` that would hurt the host: NULL, or text. */
const char *find_hurtful(const char *path);

/* The host's part in some attempts, by name; called every few milliseconds while it runs. */
void host_takes_part(const struct scene *s, const struct attempt *a, struct child *c);
/* True when that changes the export. */
bool host_moves_files(const struct attempt *a);

#endif
