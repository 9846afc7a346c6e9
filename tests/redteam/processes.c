/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - more processes, other processes, other rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

static char text[4096] = "suid";
static char *argv[] = {text, NULL};
static struct __user_cap_header_struct cap_header = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct caps[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
static struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

/* The pids are known when it runs only. */
static long kill_supervisor(struct hostile *h)
{
    return attack(SYS_kill, (uintptr_t)h->brief->supervisor, SIGTERM, 0, 0, 0, 0);
}

static long kill_neighbour(struct hostile *h)
{
    return attack(SYS_kill, (uintptr_t)h->brief->neighbour, SIGKILL, 0, 0, 0, 0);
}

static long tgkill_neighbour(struct hostile *h)
{
    pid_t pid = h->brief->neighbour;

    return attack(SYS_tgkill, (uintptr_t)pid, (uintptr_t)pid, SIGKILL, 0, 0, 0);
}

static long ptrace_neighbour(struct hostile *h)
{
    return attack(SYS_ptrace, PTRACE_SEIZE, (uintptr_t)h->brief->neighbour, 0, 0, 0, 0);
}

static long pidfd_supervisor(struct hostile *h)
{
    return attack(SYS_pidfd_open, (uintptr_t)h->brief->supervisor, 0, 0, 0, 0, 0);
}

/* The 32-bit entry: getpid has number 20 there, which is writev for the filter. */
static long int_0x80(struct hostile *h)
{
    long res = 20;

    (void)h;
    __asm__ volatile("int $0x80" : "+a"(res) : : "memory", "r8", "r9", "r10", "r11");
    return res;
}

#define CALL(name, nr, ...) CALL_UNDER(BUILT_IN, name, nr, __VA_ARGS__)
#define RUN(name, outcome) RUN_UNDER(BUILT_IN, name, outcome)
#define X32 0x40000000

static const struct attempt table[] = {
    /* programs */
    CALL("execve", SYS_execve, AT(text), AT(argv), AT(argv + 1)),
    CALL("execveat", SYS_execveat, WFD_ROOT, AT(text), AT(argv), AT(argv + 1), 0),
    CALL("fexecve", SYS_execveat, WFD_FIRST_FREE, AT(""), AT(argv), AT(argv + 1), AT_EMPTY_PATH),
    CALL("fork", SYS_fork, 0),
    CALL("vfork", SYS_vfork, 0),
    CALL("clone", SYS_clone, SIGCHLD),
    CALL("clone_thread", SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, AT(text + 2048)),
    CALL("clone_user_namespace", SYS_clone, CLONE_NEWUSER | SIGCHLD),
    CALL("clone3", SYS_clone3, AT(text + 64), 64),
    CALL("wait4", SYS_wait4, (uintptr_t)-1, 0, 0, 0),
    /* other processes */
    RUN(kill_supervisor, KILLED),
    RUN(kill_neighbour, KILLED),
    RUN(tgkill_neighbour, KILLED),
    RUN(ptrace_neighbour, KILLED),
    RUN(pidfd_supervisor, KILLED),
    CALL("kill_all", SYS_kill, (uintptr_t)-1, SIGKILL),
    CALL("kill_parent", SYS_kill, 0, SIGKILL), /* getppid() is 0 in here */
    CALL("tkill", SYS_tkill, 2, SIGTERM),
    CALL("rt_sigqueueinfo", SYS_rt_sigqueueinfo, 1, SIGTERM, AT(text)),
    CALL("rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, 1, 1, SIGTERM, AT(text)),
    CALL("pidfd_send_signal", SYS_pidfd_send_signal, WFD_CONTROL, SIGKILL, 0, 0),
    CALL("pidfd_getfd", SYS_pidfd_getfd, WFD_CONTROL, 0, 0),
    CALL("ptrace_traceme", SYS_ptrace, PTRACE_TRACEME),
    CALL("process_vm_readv", SYS_process_vm_readv, 2, AT(text), 1, AT(text), 1, 0),
    CALL("process_vm_writev", SYS_process_vm_writev, 2, AT(text), 1, AT(text), 1, 0),
    CALL("process_madvise", SYS_process_madvise, 3, AT(text), 1, 4, 0),
    CALL("process_mrelease", SYS_process_mrelease, 3, 0),
    CALL("kcmp", SYS_kcmp, 1, 2, 0, 0, 0),
    CALL("setpriority", SYS_setpriority, 0, 0, (uintptr_t)-20),
    CALL("ioprio_set", SYS_ioprio_set, 1, 0, 0),
    CALL("sched_setscheduler", SYS_sched_setscheduler, 0, SCHED_FIFO, AT(text)),
    CALL("sched_setaffinity", SYS_sched_setaffinity, 0, 8, AT(text)),
    CALL("get_robust_list", SYS_get_robust_list, 1, AT(text), AT(text)),
    CALL("move_pages", SYS_move_pages, 2, 1, AT(text), 0, AT(text), 0),
    /* namespaces and roots */
    CALL("unshare_user", SYS_unshare, CLONE_NEWUSER),
    CALL("unshare_mount", SYS_unshare, CLONE_NEWNS),
    CALL("unshare_files", SYS_unshare, CLONE_FILES),
    CALL("setns", SYS_setns, WFD_USERNS, 0),
    CALL("chroot", SYS_chroot, AT("/")),
    CALL("pivot_root", SYS_pivot_root, AT("/"), AT("/")),
    CALL("chdir", SYS_chdir, AT("/")),
    CALL("fchdir", SYS_fchdir, WFD_ROOT),
    CALL("mount", SYS_mount, AT("none"), AT("/"), AT("tmpfs"), 0, 0),
    CALL("umount2", SYS_umount2, AT("/"), 2),
    CALL("open_tree", SYS_open_tree, WFD_ROOT, AT("."), OPEN_TREE_CLONE),
    CALL("move_mount", SYS_move_mount, WFD_ROOT, AT(""), WFD_ROOT, AT("dir"), 4),
    CALL("mount_setattr", SYS_mount_setattr, WFD_ROOT, AT(""), AT_EMPTY_PATH, AT(text), 32),
    CALL("fsopen", SYS_fsopen, AT("proc"), 0),
    CALL("fsmount", SYS_fsmount, WFD_FIRST_FREE, 0, 0),
    CALL("fspick", SYS_fspick, WFD_ROOT, AT("."), 0),
    CALL("sethostname", SYS_sethostname, AT(text), 4),
    /* ids, capabilities, the jail itself */
    CALL("setuid", SYS_setuid, 0),
    CALL("setgid", SYS_setgid, 0),
    CALL("setreuid", SYS_setreuid, 0, 0),
    CALL("setresuid", SYS_setresuid, 0, 0, 0),
    CALL("setresgid", SYS_setresgid, 0, 0, 0),
    CALL("setgroups", SYS_setgroups, 1, AT(text)),
    CALL("setfsuid", SYS_setfsuid, 0),
    CALL("setfsgid", SYS_setfsgid, 0),
    CALL("setsid", SYS_setsid, 0),
    CALL("capset", SYS_capset, AT(&cap_header), AT(caps)),
    CALL("prctl_dumpable", SYS_prctl, PR_SET_DUMPABLE, 1),
    CALL("prctl_ptracer", SYS_prctl, PR_SET_PTRACER, (uintptr_t)-1),
    CALL("prctl_securebits", SYS_prctl, PR_SET_SECUREBITS, 0),
    CALL("prctl_ambient", SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1),
    CALL("prctl_seccomp", SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, AT(text)),
    CALL("prctl_name", SYS_prctl, PR_SET_NAME, AT("xen9pd")),
    CALL("seccomp_again", SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, AT(text)),
    CALL("seccomp_listener", SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
         AT(text)),
    CALL("landlock_create", SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION),
    CALL("landlock_restrict", SYS_landlock_restrict_self, WFD_FIRST_FREE, 0),
    CALL("setrlimit", SYS_setrlimit, RLIMIT_NPROC, AT(&unlimited)),
    CALL("prlimit64", SYS_prlimit64, 0, RLIMIT_NOFILE, AT(&unlimited), 0),
    CALL("umask", SYS_umask, 0),
    CALL("personality", SYS_personality, 0x0400000), /* READ_IMPLIES_EXEC */
    CALL("arch_prctl", SYS_arch_prctl, 0x1002, AT(text)),
    CALL("rt_sigaction", SYS_rt_sigaction, SIGSYS, AT(text), 0, 8),
    CALL("signalfd4", SYS_signalfd4, (uintptr_t)-1, AT(text), 8, 0),
    /* other doors to the same calls */
    RUN(int_0x80, KILLED | CRASHED), /* a kernel without 32-bit programs: SIGSEGV */
    CALL("x32_execve", X32 | 520, AT(text), AT(argv), AT(argv + 1)),
    CALL("x32_write", X32 | SYS_write, WFD_KICK, AT(text), 8),
    CALL("x32_openat", X32 | SYS_openat, WFD_ROOT, AT("."), O_PATH),
    CALL("number_negative", -1, 0),
    CALL("number_huge", 0x7fffffff, 0),
};
SUBJECT(processes, table);
