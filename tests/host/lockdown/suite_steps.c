/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_steps.c - each step of launch and lockdown fails once, and each is skipped once without
 * anybody saying so.
 *
 * A seccomp filter of the test's own, which the worker inherits, makes one system call fail, or
 * answer success without doing anything. The first must name its step; the second must be found
 * when the lockdown is proven: what is asserted at the end is the result, not that the calls were made.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"

#define ANY \
    {       \
        0   \
    }
#define ARG(n, value)            \
    {                            \
        n, SCMP_CMP_EQ, value, 0 \
    }
#define BITS(n, bits)                     \
    {                                     \
        n, SCMP_CMP_MASKED_EQ, bits, bits \
    }

struct fault {
    int nr;
    struct scmp_arg_cmp arg;
    bool pinned;
    enum ctl_step step;
    int error; /* that the worker reports */
};
#define FAULT(name, step, error)                \
    {                                           \
        SCMP_SYS(name), ANY, false, step, error \
    }
#define FAULT_IF(name, arg, step, error)       \
    {                                          \
        SCMP_SYS(name), arg, true, step, error \
    }

/* In a process of its own: a filter stays. `answer` is what the call returns, as an errno. */
static void with_fault(const struct fault *f, int answer, void (*test)(const struct fault *f))
{
    int status;
    pid_t pid = fork();

    MUST(pid);
    if (pid == 0) {
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

        CHECK(ctx != NULL);
        CHECK_OK(-seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0));
        CHECK_OK(-seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO((uint32_t)answer), f->nr,
                                         f->pinned ? 1 : 0, &f->arg));
        CHECK_OK(-seccomp_load(ctx));
        seccomp_release(ctx);
        test(f);
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, f->nr);

        FAIL("with %s answering %d: status 0x%x", name != NULL ? name : "?", answer,
             (unsigned)status);
    }
}

static void expect_step(const struct fault *f)
{
    char missing[200];
    struct box b;

    box_prepare(&b, 1234);
    snprintf(missing, sizeof(missing), "%s/missing", tap_dir());
    if (f->step == CTL_STEP_PATH)
        b.spec.path = missing;
    box_launch(&b);
    box_configure(&b);
    box_expect_failed(&b, f->step, f->error);
}

static void failing(void)
{
    static const struct fault faults[] = {
        FAULT(mkdirat, CTL_STEP_PATH, ENOTTY),
        FAULT(open_tree, CTL_STEP_TREE, ENOTTY),
        FAULT(pipe2, CTL_STEP_USERNS, ENOTTY),
        FAULT(mount_setattr, CTL_STEP_MOUNT_ATTR, ENOTTY),
        FAULT(unshare, CTL_STEP_NAMESPACES, ENOTTY),
        FAULT(mount, CTL_STEP_NAMESPACES, ENOTTY),
        FAULT(close_range, CTL_STEP_DESCRIPTORS, ENOTTY),
        FAULT(execveat, CTL_STEP_EXEC, ENOTTY),
        FAULT(getsockopt, CTL_STEP_CHECK_FDS, EBADF),
        FAULT_IF(mmap, BITS(3, MAP_SHARED), CTL_STEP_MAP_RINGS, ENOTTY),
        FAULT(move_mount, CTL_STEP_PIVOT_ROOT, ENOTTY),
        FAULT(pivot_root, CTL_STEP_PIVOT_ROOT, ENOTTY),
        FAULT(umount2, CTL_STEP_PIVOT_ROOT, ENOTTY),
        FAULT(prlimit64, CTL_STEP_LIMITS, ENOTTY),
        FAULT(setns, CTL_STEP_JOIN_USERNS, ENOTTY),
        FAULT(setgroups, CTL_STEP_IDS_AND_CAPS, ENOTTY),
        FAULT(setresuid, CTL_STEP_IDS_AND_CAPS, EPERM),
        FAULT(setresgid, CTL_STEP_IDS_AND_CAPS, EPERM),
        FAULT(capset, CTL_STEP_IDS_AND_CAPS, EPERM),
        FAULT_IF(prctl, ARG(0, PR_SET_DUMPABLE), CTL_STEP_IDS_AND_CAPS, ENOTTY),
        FAULT_IF(prctl, ARG(0, PR_SET_NO_NEW_PRIVS), CTL_STEP_NO_NEW_PRIVS, ENOTTY),
        FAULT(landlock_create_ruleset, CTL_STEP_LANDLOCK, ENOTTY),
        FAULT(landlock_add_rule, CTL_STEP_LANDLOCK, ENOTTY),
        FAULT(landlock_restrict_self, CTL_STEP_LANDLOCK, ENOTTY),
        FAULT(epoll_create1, CTL_STEP_THREADS, ENOTTY),
        FAULT_IF(mmap, BITS(3, MAP_STACK), CTL_STEP_THREADS, ENOTTY),
        FAULT(seccomp, CTL_STEP_SECCOMP, ENOTTY),
        FAULT(fchdir, CTL_STEP_PIVOT_ROOT, ENOTTY),
        FAULT(statx, CTL_STEP_PROVE, ENOTTY),
    };

    bool landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (landlock || faults[i].step != CTL_STEP_LANDLOCK) /* steps.no_landlock is for those */
            with_fault(&faults[i], ENOTTY, expect_step);
}

/* Success, and nothing done: the worker must not become ready, whichever way it ends. */
static void never_ready(const struct fault *f)
{
    struct ctl_received r;
    struct box b;
    int extra = open("/etc/passwd", O_RDONLY);

    MUST(extra);
    MUST(fcntl(extra, F_DUPFD, 100)); /* not close-on-exec, and behind the fixed table */
    box_prepare(&b, 1234);
    box_launch(&b);
    box_configure(&b);
    if (!box_message(&b, &r, BOX_WAIT_MS))
        _exit(0);
    if (r.msg.hdr.type != CTL_FAILED)
        FAIL("%s", ctl_type_name(r.msg.hdr.type));
    if (f->step != CTL_STEP_NONE && r.msg.failed.step != f->step)
        FAIL("found at: %s, expected: %s", ctl_step_name(r.msg.failed.step),
             ctl_step_name(f->step));
}

static void skipped(void)
{
    static const struct fault faults[] = {
        FAULT(mount_setattr, CTL_STEP_NONE, 0),
        FAULT(close_range, CTL_STEP_CHECK_FDS, 0),
        FAULT(umount2, CTL_STEP_PROVE, 0),
        FAULT(setgroups, CTL_STEP_PROVE, 0),
        FAULT(setresuid, CTL_STEP_NONE, 0),
        FAULT(setresgid, CTL_STEP_NONE, 0),
        FAULT(capset, CTL_STEP_PROVE, 0),
        FAULT_IF(prctl, ARG(0, PR_CAPBSET_DROP), CTL_STEP_PROVE, 0),
        FAULT_IF(prctl, ARG(0, PR_SET_NO_NEW_PRIVS), CTL_STEP_NONE, 0),
        FAULT(setns, CTL_STEP_NONE, 0),
        FAULT(pivot_root, CTL_STEP_NONE, 0),
        FAULT(move_mount, CTL_STEP_NONE, 0),
        FAULT(dup3, CTL_STEP_NONE, 0),
    };
    const gid_t groups[] = {4, 27};

    MUST(setgroups(2, groups));
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        with_fault(&faults[i], 0, never_ready);
}

/* A kernel without Landlock, or with it switched off: it goes on and says so. */
static void ready_without_landlock(const struct fault *f)
{
    struct box b;

    (void)f;
    box_prepare(&b, 1234);
    box_start(&b);
    CHECK_EQ(b.ready.flags, 0);
    box_kill(&b);
}

static void no_landlock(void)
{
    static const struct fault fault = FAULT(landlock_create_ruleset, CTL_STEP_NONE, 0);

    with_fault(&fault, ENOSYS, ready_without_landlock);
    with_fault(&fault, EOPNOTSUPP, ready_without_landlock);
}

/* Launch itself cannot start anything: an error, no process, no descriptor. */
static void launch_fails(const struct fault *f)
{
    struct launch_result res;
    struct box b;
    int before, after;

    box_prepare(&b, 1234);
    before = dup(0);
    close(before);
    CHECK_ERR(-launch_worker(&b.launcher, &b.spec, &res), f->error);
    after = dup(0);
    CHECK_EQ(after, before);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

static void not_started(void)
{
    static const struct fault faults[] = {
        FAULT(socketpair, CTL_STEP_NONE, ENOTTY),
        FAULT(clone3, CTL_STEP_NONE, ENOTTY),
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        with_fault(&faults[i], ENOTTY, launch_fails);
}

static const struct tap_case cases[] = {
    {"failing", failing, 0, 0},
    {"skipped", skipped, 0, 0},
    {"no_landlock", no_landlock, 0, 0},
    {"not_started", not_started, 0, 0},
};
const struct tap_suite suite_steps = {"steps", cases, sizeof(cases) / sizeof(cases[0])};
