/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch_child.c - what the forked child does until it is xen9p-worker: the export as a detached,
 * restricted mount, namespaces, the fixed descriptor table, exec.
 *
 * Async-signal-safe calls only. It has all of the supervisor's privileges and trusts the supervisor's
 * specification; the export's contents belong to a guest, so that nothing below the export is
 * looked at, and a symbolic link is followed nowhere. It may hang on the export's file system.
 */
#include "launch_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xen9p/control.h"
#include "xen9p/descriptors.h"

/* Where the worker's executable is kept for exec: the number behind the fixed ones at that time. */
#define EXEC_FD (WFD_USERNS + 1)
/* Descriptors are collected from here on before they go to their fixed numbers. */
#define ASIDE (EXEC_FD + 1)

struct child {
    const struct launch_spec *spec;
    int control;
    int export; /* O_PATH */
    int tree;   /* detached mount of it */
    int userns; /* the worker's */
    int idmap;  /* the mount's, often the same */
    struct stat owner;
    uint32_t value; /* for CTL_FAILED */
};

static _Noreturn void fail(const struct child *c, int control, enum ctl_step step, int err)
{
    union ctl_message m;

    memset(&m, 0, sizeof(m));
    m.failed.hdr.type = CTL_FAILED;
    m.failed.step = step;
    m.failed.error = -err;
    m.failed.value = c->value;
    (void)ctl_send(control, &m, NULL, 0);
    _exit(1);
}

/* Handlers, mask and terminal of the supervisor are none of the worker's business. */
static void reset_process(int control)
{
    struct {
        unsigned long handler, flags, restorer, mask;
    } dfl;
    struct pollfd peer = {control, 0, 0};
    sigset_t none;

    memset(&dfl, 0, sizeof(dfl));
    /* The kernel's call: libc's leaves out the two signals that it keeps for itself. */
    for (int sig = 1; sig < NSIG; sig++)
        (void)syscall(SYS_rt_sigaction, sig, &dfl, NULL, _NSIG / 8);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    /*
     * Ends a child that hangs here when the supervisor dies. Not enough alone: the kernel takes it
     * back when the worker changes its ids, and it comes too late when the supervisor is dead already.
     * Both are covered by the socket: the worker ends when its peer is gone.
     */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP) != 0)
        _exit(1);
}

static int step_path(struct child *c)
{
    c->export = launch_path(c->spec->path);
    return c->export < 0 ? c->export : 0;
}

static unsigned int recursive(const struct child *c)
{
    return c->spec->submounts ? AT_RECURSIVE : 0;
}

/*
 * The one directory, without what is mounted below it unless the policy wants that, as mounts of our
 * own that nobody else has.
 */
static int step_tree(struct child *c)
{
    c->tree = open_tree(c->export, "",
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive(c));
    return c->tree < 0 ? -errno : 0;
}

static int step_owner(struct child *c)
{
    if (fstat(c->tree, &c->owner) != 0)
        return -errno;
    c->value = c->owner.st_uid;
    return S_ISDIR(c->owner.st_mode) ? 0 : -ENOTDIR;
}

static bool in_range(const struct launch_spec *s, uint32_t id)
{
    return id >= s->id_first && id - s->id_first < s->id_count;
}

static int step_id_range(const struct child *c)
{
    if (c->spec->identity != CTL_IDENTITY_MAPPED ||
        (in_range(c->spec, c->owner.st_uid) && in_range(c->spec, c->owner.st_gid)))
        return 0;
    return -EPERM;
}

static struct id_map one_id(uint32_t inner, uint32_t outer)
{
    return (struct id_map){inner, outer, 1};
}

/* The owner of the export, under an id on the host that belongs to this worker alone. */
static int squash_userns(struct child *c)
{
    c->userns = launch_userns(one_id(c->owner.st_uid, c->spec->worker_uid),
                              one_id(c->owner.st_gid, c->spec->worker_uid));
    c->idmap = c->userns;
    return c->userns < 0 ? c->userns : 0;
}

/*
 * The guest's ids are the domain's range, in memory and on disk. The mount's map translates
 * nothing: it knows that range only, so that files of all others belong to nobody, whom the kernel
 * lets write nothing whatever their modes say.
 */
static int mapped_userns(struct child *c)
{
    const struct id_map guest = {0, c->spec->id_first, c->spec->id_count};
    const struct id_map disk = {c->spec->id_first, c->spec->id_first, c->spec->id_count};

    c->userns = launch_userns(guest, guest);
    if (c->userns < 0)
        return c->userns;
    c->idmap = launch_userns(disk, disk);
    return c->idmap < 0 ? c->idmap : 0;
}

static int step_userns(struct child *c)
{
    switch (c->spec->identity) {
    case CTL_IDENTITY_MAPPED:
        return mapped_userns(c);
    case CTL_IDENTITY_HOST: /* the one that we are in: there is none to join */
        c->userns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
        return c->userns < 0 ? -errno : 0;
    default:
        return squash_userns(c);
    }
}

/* All mounts of the tree alike, or none of them. */
static int restrict_mounts(const struct child *c, bool idmap)
{
    struct mount_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.attr_set =
        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
    if (c->spec->read_only)
        attr.attr_set |= MOUNT_ATTR_RDONLY;
    if (idmap) {
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = (uint64_t)c->idmap;
    }
    attr.propagation = MS_PRIVATE; /* a mount that the host makes below the export stays out */
    return mount_setattr(c->tree, "", AT_EMPTY_PATH | recursive(c), &attr, sizeof(attr)) == 0
               ? 0
               : -errno;
}

/*
 * NFS, FUSE and others cannot translate owners (EINVAL), a mount that translates already cannot
 * twice (EPERM): then the worker runs under the owner's own id, unless that is root's.
 */
static int step_mount_attr(struct child *c, enum ctl_step *step)
{
    int err = restrict_mounts(c, c->spec->identity != CTL_IDENTITY_HOST);

    if (c->spec->identity == CTL_IDENTITY_HOST || (err != -EINVAL && err != -EPERM))
        return err;
    if (c->spec->identity == CTL_IDENTITY_MAPPED) {
        *step = CTL_STEP_NO_IDMAP;
        return err;
    }
    if (c->owner.st_uid == 0 || c->owner.st_gid == 0) {
        *step = CTL_STEP_ROOT_OWNED;
        return err;
    }
    close(c->userns);
    c->userns = launch_userns(one_id(c->owner.st_uid, c->owner.st_uid),
                              one_id(c->owner.st_gid, c->owner.st_gid));
    if (c->userns < 0) {
        *step = CTL_STEP_USERNS;
        return c->userns;
    }
    return restrict_mounts(c, false);
}

static int step_namespaces(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return -errno;
    return 0;
}

/* From here on the control socket is WFD_CONTROL. */
static int step_descriptors(struct child *c)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int from[] = {
        [0] = null,
        [1] = null,
        [2] = c->spec->stderr_fd >= 0 ? c->spec->stderr_fd : null,
        [WFD_CONTROL] = c->control,
        [WFD_TREE] = c->tree,
        [WFD_USERNS] = c->userns,
        [EXEC_FD] = c->spec->worker_fd,
    };
    int aside[EXEC_FD + 1];

    if (null < 0)
        return -errno;
    for (int i = 0; i <= EXEC_FD; i++) {
        aside[i] = fcntl(from[i], F_DUPFD_CLOEXEC, ASIDE);
        if (aside[i] < 0)
            return -errno;
    }
    for (int i = 0; i <= EXEC_FD; i++)
        if (dup3(aside[i], i, i == EXEC_FD ? O_CLOEXEC : 0) < 0)
            return -errno;
    c->control = WFD_CONTROL;
    return syscall(SYS_close_range, EXEC_FD + 1, ~0u, 0) == 0 ? 0 : -errno;
}

static int step_exec(void)
{
    char name[] = "xen9p-worker";
    char *const argv[] = {name, NULL}, *const envp[] = {NULL};

    (void)syscall(SYS_execveat, EXEC_FD, "", argv, envp, AT_EMPTY_PATH);
    return -errno;
}

static void check(const struct child *c, enum ctl_step step, int err)
{
    if (err != 0)
        fail(c, c->control, step, err);
}

_Noreturn void launch_child(const struct launch_spec *spec, int control)
{
    struct child c = {.spec = spec, .control = control};
    enum ctl_step step = CTL_STEP_MOUNT_ATTR;
    int err;

    reset_process(control);
    check(&c, CTL_STEP_PATH, step_path(&c));
    check(&c, CTL_STEP_TREE, step_tree(&c));
    check(&c, CTL_STEP_OWNER, step_owner(&c));
    check(&c, CTL_STEP_ID_RANGE, step_id_range(&c));
    check(&c, CTL_STEP_USERNS, step_userns(&c));
    err = step_mount_attr(&c, &step);
    check(&c, step, err);
    check(&c, CTL_STEP_NAMESPACES, step_namespaces());
    check(&c, CTL_STEP_DESCRIPTORS, step_descriptors(&c));
    fail(&c, c.control, CTL_STEP_EXEC, step_exec());
}
