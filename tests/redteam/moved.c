/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moved.c - the host rearranges the export meanwhile: a directory leaves it, another file system
 * lies on top of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

/*
 * The host moves a directory out of the export while it is open in here. As everywhere, who has it
 * open goes on in it and in what lies below it; it must not become a way to what lies beside it.
 */
static long moved_away(struct hostile *h)
{
    long dir = steal(h, WFD_ROOT, "moving", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir >= 0)
        your_turn(h, 1);
    return dir;
}

static const char *const beside[] = {
    "..", "../.", "../outside/secret", "../../outside", "inner/../../outside/secret", NULL};

static long moved_away_open(struct hostile *h)
{
    long dir = moved_away(h);

    return dir < 0 ? 0 : steal_any(h, (int)dir, beside, O_RDONLY | O_CLOEXEC);
}

static long moved_away_point(struct hostile *h)
{
    long dir = moved_away(h);

    return dir < 0 ? 0 : steal_any(h, (int)dir, beside, O_PATH | O_CLOEXEC);
}

/* The calls that take any path: from the directory, and from the descriptor tree by way of it. */
static long moved_away_look(struct hostile *h)
{
    long dir = moved_away(h), res = -ENOENT;
    char path[128];

    if (dir < 0)
        return 0;
    for (const char *const *p = beside; *p != NULL && res < 0; p++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        (void)snprintf(path, sizeof(path), "%ld/%s", dir, *p);
        res = attack(SYS_newfstatat, (uintptr_t)dir, AT(*p), AT(h->brief->loot), 0, 0, 0);
        if (res < 0)
            res = attack(SYS_statx, WFD_PROC, AT(path), 0, 0xfff, AT(h->brief->loot), 0);
        if (res < 0)
            res = attack(SYS_readlinkat, (uintptr_t)dir, AT(*p), AT(h->brief->loot), 64, 0, 0);
    }
    return res;
}

static long moved_away_change(struct hostile *h)
{
    long dir = moved_away(h), res = -ENOENT;
    char path[128];

    if (dir < 0)
        return 0;
    for (const char *const *p = beside; *p != NULL && res < 0; p++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        (void)snprintf(path, sizeof(path), "%ld/%s", dir, *p);
        res = attack(SYS_linkat, WFD_PROC, AT(path), WFD_ROOT, AT("stolen"), AT_SYMLINK_FOLLOW, 0);
        if (res < 0)
            res = attack(SYS_fchmodat, WFD_PROC, AT(path), 0777, 0, 0, 0);
        if (res < 0)
            res = attack(SYS_unlinkat, (uintptr_t)dir, AT(*p), 0, 0, 0, 0);
        if (res < 0)
            res = attack(SYS_renameat, (uintptr_t)dir, AT(*p), WFD_ROOT, AT("stolen"), 0, 0);
        if (res < 0)
            res = attack(SYS_renameat, WFD_ROOT, AT("file"), (uintptr_t)dir, AT(*p), 0, 0);
    }
    return res;
}

/* What lies in it remains readable, even what is new: judged is that nothing else is. */
static long moved_away_stay(struct hostile *h)
{
    long dir = moved_away(h);

    return dir < 0 ? 0 : steal(h, (int)dir, "inner/new", O_RDONLY | O_CLOEXEC);
}

/*
 * Not seen from in here, but there: where the host has mounted something else. The kernel refuses
 * to take away what is a mount point in the caller's own namespace only; elsewhere the mount goes.
 */
static long rename_mountpoint(struct hostile *h)
{
    (void)h;
    return attack(SYS_renameat2, WFD_ROOT, AT("mnt"), WFD_ROOT, AT("mnt2"), 0, 0);
}

static long rename_over_mountpoint(struct hostile *h)
{
    (void)h;
    return attack(SYS_renameat2, WFD_ROOT, AT("dir/inner"), WFD_ROOT, AT("mnt"), 0, 0);
}

static long remove_mountpoint(struct hostile *h)
{
    (void)h;
    return attack(SYS_unlinkat, WFD_ROOT, AT("mnt"), AT_REMOVEDIR, 0, 0, 0);
}

#define RUN(name, outcome) RUN_UNDER(BOTH, name, outcome)

static const struct attempt table[] = {
    RUN(moved_away_open, REFUSED),
    RUN(moved_away_point, REFUSED),
    RUN(moved_away_look, REFUSED),
    WRITES(moved_away_change, REFUSED),
    RUN(moved_away_stay, VAIN),
    WRITES(rename_mountpoint, VAIN),
    WRITES(rename_over_mountpoint, KNOWN),
    WRITES(remove_mountpoint, KNOWN),
};
SUBJECT(moved, table);
