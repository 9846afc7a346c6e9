/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.c - what the host does meanwhile, in attempts that need two.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/tap.h"
#include "scene.h"

/* The directory that is open in there leaves the export; something to find is made in it. */
static void move_away(const struct scene *s, struct child *c)
{
    char from[200], to[200];
    int fd;

    (void)c;
    if (atomic_load(&s->brief->hostile_step) != 1 || atomic_load(&s->brief->host_step) != 0)
        return;
    (void)snprintf(from, sizeof(from), "%s/moving", s->export);
    (void)snprintf(to, sizeof(to), "%s/moved", tap_dir());
    MUST(rename(from, to));
    (void)snprintf(to, sizeof(to), "%s/moved/inner/new", tap_dir());
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    MUST(fd);
    CHECK_EQ(write(fd, "new", 3), 3);
    close(fd);
    atomic_store(&s->brief->host_step, 1);
}

/* For some time, directory and link change places as fast as they can. */
static void swap(const struct scene *s, struct child *c)
{
    const long long until = tap_now() + 4;
    char dir[200], link[200];

    (void)c;
    if (atomic_load(&s->brief->hostile_step) != 1)
        return;
    (void)snprintf(dir, sizeof(dir), "%s/swapped", s->export);
    (void)snprintf(link, sizeof(link), "%s/to-outside", s->export);
    while (tap_now() < until)
        MUST(renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE));
}

static void stop(const struct scene *s, struct child *c)
{
    if (atomic_load(&s->brief->hostile_step) == 1)
        child_stop(c);
}

static const struct {
    const char *attempt; /* begins so */
    void (*act)(const struct scene *s, struct child *c);
    bool moves; /* files of the export */
} parts[] = {
    {"moved_away_", move_away, true},
    {"race_swapped", swap, true},
    {"ignore_stop", stop, false},
    {"spin", stop, false},
};
#define NUM_PARTS (sizeof(parts) / sizeof(parts[0]))

static bool takes_part(size_t i, const struct attempt *a)
{
    return strncmp(parts[i].attempt, a->name, strlen(parts[i].attempt)) == 0;
}

void host_takes_part(const struct scene *s, const struct attempt *a, struct child *c)
{
    for (size_t i = 0; i < NUM_PARTS; i++)
        if (takes_part(i, a))
            parts[i].act(s, c);
}

bool host_moves_files(const struct attempt *a)
{
    for (size_t i = 0; i < NUM_PARTS; i++)
        if (takes_part(i, a))
            return parts[i].moves;
    return false;
}
