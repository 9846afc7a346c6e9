/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_root.c - the export becomes the worker's root, and nothing else is mounted.
 *
 * Runs with the supervisor's privileges in a mount namespace of the worker's own, which the
 * supervisor's child has made and cut off from the host's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockdown_steps.h"
#include "xen9p/descriptors.h"

/*
 * /proc/self/fd alone: a clone of that one directory, so that ".." of it is itself. Files are
 * reopened, linked and reached by relative name through it.
 */
static int make_descriptor_tree(void)
{
    int err;

    /* Ours, of our pid namespace: it also is the place where the export is mounted. */
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return -errno;
    err = lockdown_place(open_tree(AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
                         WFD_PROC);
    if (err != 0)
        return err;
    return lockdown_place(open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), WFD_TASKS);
}

static int enter_export(void)
{
    if (move_mount(WFD_TREE, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) != 0 ||
        fchdir(WFD_TREE) != 0 ||
        /* the old root on top of the new one, then off with everything that is there */
        syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return -errno;
    return lockdown_place(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), WFD_ROOT);
}

int lockdown_pivot_root(struct lockdown *l)
{
    int err = make_descriptor_tree();

    (void)l;
    if (err == 0)
        err = enter_export();
    if (err == 0)
        err = lockdown_plug(WFD_TREE);
    umask(0); /* modes are the guest's to choose */
    return err;
}
