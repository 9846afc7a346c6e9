/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail.c - what xen9p-audit leaves behind before it reads the first record: every file but the log
 * directory, every other network, IPC and mount, its user, its capabilities, most system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "audit.h"
#include "xen9p/largefile.h"
#include "xen9p/log.h"

/* The log directory, ours and nobody else's to write. */
static int open_directory(const struct jail *j)
{
    struct stat st;
    int fd;

    if (mkdir(j->dir, 0750) == 0 && chown(j->dir, j->uid, j->uid) != 0)
        log_warning("chown %s: %s", j->dir, strerror(errno));
    fd = open(j->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int err = -errno;

        log_error("%s: %s", j->dir, strerror(-err));
        if (fd >= 0)
            close(fd);
        return err;
    }
    if (st.st_uid == j->uid && (st.st_mode & 022) == 0)
        return fd;
    log_error(
        "%s must belong to uid %u and be writable by nobody else: chown %u:%u %s; chmod 750 %s",
        j->dir, j->uid, j->uid, j->uid, j->dir, j->dir);
    close(fd);
    return -EPERM;
}

/* The log directory becomes the root, and there is nothing else. */
static int enter(const struct jail *j)
{
    struct mount_attr attr = {
        .attr_set =
            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW,
        .propagation = MS_PRIVATE,
    };
    int dir = open_directory(j), tree, err = 0;

    if (dir < 0)
        return dir;
    tree = open_tree(dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    close(dir);
    if (tree < 0)
        return -errno;
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) != 0 ||
        unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        move_mount(tree, "", AT_FDCWD, j->dir, MOVE_MOUNT_F_EMPTY_PATH) != 0 || fchdir(tree) != 0 ||
        syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        err = -errno;
    close(tree);
    return err;
}

static int drop_user(const struct jail *j)
{
    struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    const struct rlimit none = {0, 0};
    uid_t r = 0, e = 0, s = 0;

    /* where we may; without it no_new_privs has to do */
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0 ||
        setrlimit(RLIMIT_NPROC, &none) != 0 || setgroups(0, NULL) != 0 ||
        setresgid(j->uid, j->uid, j->uid) != 0 || setresuid(j->uid, j->uid, j->uid) != 0 ||
        syscall(SYS_capset, &hdr, data) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return -errno;
    /* looked at, not assumed */
    if (syscall(SYS_capget, &hdr, data) != 0 || getresuid(&r, &e, &s) != 0)
        return -errno;
    if (r != j->uid || e != j->uid || s != j->uid || getgroups(0, NULL) != 0 ||
        (data[0].effective | data[0].permitted | data[0].inheritable | data[1].effective |
         data[1].permitted | data[1].inheritable) != 0 ||
        setuid(0) == 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return -EPERM;
    return 0;
}

/* A descriptor, not AT_FDCWD. */
#define FD(arg)                        \
    {                                  \
        arg, SCMP_CMP_LE, INT32_MAX, 0 \
    }
/* No bits but these. */
#define ONLY(arg, bits)                                   \
    {                                                     \
        arg, SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(bits), 0 \
    }
#define OPEN_FLAGS                                                                                \
    (O_RDWR | O_WRONLY | O_APPEND | O_CREAT | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | \
     O_NOCTTY | KERNEL_O_LARGEFILE)

/*
 * Left out on purpose: anything that makes a process, a socket, a namespace or a mount, chmod and
 * chown, links, and every way to wait but epoll_wait and poll. Killed otherwise.
 */
static const struct {
    int nr;
    unsigned pins;
    struct scmp_arg_cmp pin[2];
} allowed[] = {
    /* waiting, and being told */
    {SCMP_SYS(epoll_wait), 0, {{0}}},
    {SCMP_SYS(epoll_pwait), 0, {{0}}},
    {SCMP_SYS(epoll_ctl), 0, {{0}}}, /* workers come and go, or have to wait */
/* is there more in a socket; and a rest after workers were heard */
#ifdef __NR_poll
    {SCMP_SYS(poll), 0, {{0}}},
#else
    {SCMP_SYS(ppoll), 0, {{0}}}, /* what libc's poll() is there */
#endif
    {SCMP_SYS(read), 0, {{0}}}, /* signals */
    {SCMP_SYS(accept4), 0, {{0}}},
    {SCMP_SYS(getsockopt), 0, {{0}}}, /* who connects */
    {SCMP_SYS(recvmsg), 0, {{0}}},    /* the supervisor, with workers' sockets */
    {SCMP_SYS(recvfrom), 0, {{0}}},   /* workers, without room for descriptors */
    {SCMP_SYS(sendmsg), 0, {{0}}},    /* a word to the supervisor */
    {SCMP_SYS(close), 0, {{0}}},
    /* the log's files */
    {SCMP_SYS(openat), 2, {FD(0), ONLY(2, OPEN_FLAGS)}},
    {SCMP_SYS(mkdirat), 2, {FD(0), ONLY(2, 0750)}},
    {SCMP_SYS(fstat), 0, {{0}}},
    {SCMP_SYS(newfstatat),
     2,
     {FD(0), {3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0}}}, /* fstat of newer libc */
    {SCMP_SYS(pread64), 0, {{0}}},
    {SCMP_SYS(write), 0, {{0}}}, /* and our own log lines */
    {SCMP_SYS(ftruncate), 0, {{0}}},
    {SCMP_SYS(renameat), 2, {FD(0), FD(2)}},
    {SCMP_SYS(unlinkat), 2, {FD(0), ONLY(2, 0)}},
    /* memory: never executable */
    {SCMP_SYS(brk), 0, {{0}}},
    {SCMP_SYS(munmap), 0, {{0}}},
    {SCMP_SYS(mremap), 0, {{0}}},
    {SCMP_SYS(mmap),
     2,
     {ONLY(2, 3 /* PROT_READ | PROT_WRITE */), ONLY(3, 0x22 /* private, anonymous */)}},
    {SCMP_SYS(mprotect), 1, {ONLY(2, 3)}},
    {SCMP_SYS(madvise), 0, {{0}}},
    {SCMP_SYS(futex), 0, {{0}}},
    {SCMP_SYS(getrandom), 0, {{0}}},
    {SCMP_SYS(clock_gettime), 0, {{0}}},
    {SCMP_SYS(rt_sigreturn), 0, {{0}}},
    {SCMP_SYS(rt_sigprocmask), 0, {{0}}}, /* abort() */
    {SCMP_SYS(restart_syscall), 0, {{0}}},
    {SCMP_SYS(exit_group), 0, {{0}}},
};

static int load_filter(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err;

    if (ctx == NULL)
        return -ENOMEM;
    err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (err == 0)
        err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    for (size_t i = 0; err == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (allowed[i].nr >= 0)
            err = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, allowed[i].nr, allowed[i].pins,
                                               allowed[i].pin);
    }
    if (err == 0)
        err = seccomp_load(ctx);
    seccomp_release(ctx);
    return err;
}

int jail_enter(const struct jail *j, int *root)
{
    int err = enter(j);

    if (err != 0) {
        log_error("cannot enter %s: %s", j->dir, strerror(-err));
        return err;
    }
    err = drop_user(j);
    if (err == 0) {
        *root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        err = *root < 0 ? -errno : 0;
    }
    if (err == 0)
        err = load_filter();
    if (err != 0)
        log_error("cannot drop privileges: %s", strerror(-err));
    return err;
}
