/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_filter.c - every system call number against the compiled filters.
 *
 * The programs are interpreted here, not loaded: the kernel's own verdict is seen in the host
 * tests. What is allowed stands once more below, written down independently of the filter's
 * table: who changes one has to change the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf.h"
#include "emulated.h"
#include "xen9p/descriptors.h"
#include "xen9p/filter.h"
#include "xen9p/largefile.h"
#include "xen9p/operations.h"

#include "../../supervisor/filter_table.h"

#define LAST_NR 1200 /* far behind the last system call there is */
#define X32_BIT 0x40000000
#ifdef __x86_64__
#define FOREIGN_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#define FOREIGN_AUDIT_ARCH AUDIT_ARCH_X86_64
#endif

static const struct filter_spec specs[] = {
    {CTL_NOTIFY_EVTCHN, false, 0, CTL_IDENTITY_SQUASH, false},
    {CTL_NOTIFY_EVTCHN, true, 0, CTL_IDENTITY_SQUASH, false},
    {CTL_NOTIFY_EVENTFD, false, 0, CTL_IDENTITY_SQUASH, false},
    {CTL_NOTIFY_EVENTFD, true, 0, CTL_IDENTITY_SQUASH, false},
    {CTL_NOTIFY_EVTCHN, false, 0, CTL_IDENTITY_MAPPED, false},
    {CTL_NOTIFY_EVTCHN, true, 0, CTL_IDENTITY_MAPPED, false},
    {CTL_NOTIFY_EVTCHN, false, 0, CTL_IDENTITY_HOST, false},
    {CTL_NOTIFY_EVTCHN, true, 0, CTL_IDENTITY_HOST, false},
    {CTL_NOTIFY_EVTCHN, false, 0, CTL_IDENTITY_XATTR, false},
    {CTL_NOTIFY_EVTCHN, true, 0, CTL_IDENTITY_XATTR, false},
    {CTL_NOTIFY_EVTCHN, false, 0, CTL_IDENTITY_MAPPED, true},
};
#define NUM_SPECS (sizeof(specs) / sizeof(specs[0]))
/* Sets of them. */
#define EVTCHN 0x7f3u
#define EVENTFD 0x0cu
#define RW 0x555u
#define RO 0x2aau
#define EACH 0x7ffu
#define OWNERS 0x4f0u /* identities that keep many owners */
#define OWNERS_RW (OWNERS & RW)
#define ATTRIBUTES 0x300u        /* identity xattr */
#define MODES (RW & ~ATTRIBUTES) /* may give others than the owner something */
static struct program programs[NUM_SPECS];

/* --- the golden list --- */

static const struct golden {
    const char *name;
    unsigned int always, pinned; /* sets of specs */
} golden[] = {
    {"brk", EACH, 0},
    {"clock_gettime", EACH, 0},
    {"close", 0, EACH},
    {"epoll_ctl", 0, EACH},
    {"epoll_pwait", 0, EACH},
    {"epoll_wait", 0, EACH},
    {"exit", EACH, 0},
    {"exit_group", EACH, 0},
    {"fchmodat", 0, RW},
    {"fchownat", 0, OWNERS_RW},
    {"fcntl", 0, EACH},
    {"fdatasync", 0, EACH},
    {"flock", 0, EACH},
    {"fstat", EACH, 0},
    {"fstatfs", EACH, 0},
    {"fsync", 0, EACH},
    {"ftruncate", 0, RW},
    {"futex", 0, EACH},
    {"getdents64", 0, EACH},
    {"getrandom", EACH, 0},
    {"getxattr", 0, EACH},
    {"ioctl", 0, EVTCHN},
    {"linkat", 0, RW},
    {"listxattr", 0, EACH},
    {"lseek", 0, EACH},
    {"madvise", 0, EACH},
    {"mkdirat", 0, RW},
    {"mknodat", 0, RW},
    {"mmap", 0, EACH},
    {"mprotect", 0, EACH},
    {"munmap", EACH, 0},
    {"newfstatat", 0, EACH},
    {"openat", 0, EACH},
    {"pread64", 0, EACH},
    {"preadv2", 0, EACH},
    {"pwritev2", 0, RW},
    {"read", 0, EACH},
    {"readlinkat", 0, EACH},
    {"recvmsg", 0, EACH},
    {"removexattr", RW, 0},
    {"renameat", 0, RW},
    {"renameat2", 0, RW},
    {"restart_syscall", EACH, 0},
    {"rt_sigprocmask", EACH, 0},
    {"rt_sigreturn", EACH, 0},
    {"sendmsg", 0, EACH},
    {"sendto", 0, EACH},
    {"setfsgid", OWNERS, 0},
    {"setfsuid", OWNERS, 0},
    {"setxattr", 0, RW},
    {"statx", 0, EACH},
    {"symlinkat", 0, RW},
    {"timerfd_settime", 0, EACH},
    {"unlinkat", 0, RW},
    {"utimensat", 0, RW},
    {"write", 0, EACH},
};
#define NUM_GOLDEN (sizeof(golden) / sizeof(golden[0]))

static unsigned int expected(int nr, size_t spec)
{
    for (size_t i = 0; i < NUM_GOLDEN; i++) {
        if (seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, golden[i].name) != nr)
            continue;
        if ((golden[i].always & 1u << spec) != 0)
            return CAN_ALLOW;
        if ((golden[i].pinned & 1u << spec) != 0)
            return CAN_ALLOW | CAN_KILL;
    }
    return CAN_KILL;
}

static void every_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_GOLDEN; i++) /* a name that means nothing would prove nothing */
        assert_true(seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, golden[i].name) >= 0);
    for (size_t s = 0; s < NUM_SPECS; s++) {
        for (int nr = -1; nr <= LAST_NR; nr++) {
            unsigned int got = answers(&programs[s], NATIVE_AUDIT_ARCH, nr);

            if (got != expected(nr, s)) {
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

                fail_msg("filter %zu, system call %d (%s): answers %u, expected %u", s, nr,
                         name != NULL ? name : "?", got, expected(nr, s));
            }
        }
    }
}

/* 32-bit entry points and x32 have other numbers for other things: all of them kill. */
static void other_architectures(void **state)
{
    static const uint32_t arch[] = {AUDIT_ARCH_I386, FOREIGN_AUDIT_ARCH, AUDIT_ARCH_ARM, 0};

    (void)state;
    for (size_t s = 0; s < NUM_SPECS; s++) {
        for (int nr = 0; nr <= LAST_NR; nr++) {
            for (size_t i = 0; i < sizeof(arch) / sizeof(arch[0]); i++)
                assert_int_equal(answers(&programs[s], arch[i], nr), CAN_KILL);
            assert_int_equal(answers(&programs[s], NATIVE_AUDIT_ARCH, nr | X32_BIT), CAN_KILL);
        }
    }
}

/* --- arguments --- */

#define FID ((uint64_t)WFD_FIRST_FREE)
#define AUDIT_SEND (MSG_DONTWAIT | MSG_NOSIGNAL)
#define CWD ((uint64_t)(int64_t)AT_FDCWD)
#define HIGH (UINT64_C(1) << 32)
#define SUID UINT64_C(04755)

static const struct call {
    const char *name;
    unsigned int allowed; /* by these specs, killed by the others */
    uint64_t arg[6];
} calls[] = {
    /* descriptors that mean something keep it */
    {"read", EACH, {WFD_NOTIFY}},
    {"read", EVTCHN, {WFD_NOTIFY + 1}}, /* of the other rings */
    {"read", EVTCHN, {WFD_NOTIFY_LAST}},
    {"read", 0, {WFD_NOTIFY_LAST + 1}},
    {"read", 0, {WFD_NOTIFY - 1}},
    {"read", 0, {WFD_NOTIFY | HIGH}},
    {"read", EACH, {WFD_KICK}},
    {"read", 0, {WFD_CONTROL}},
    {"read", 0, {FID}},
    {"write", EACH, {WFD_KICK}},
    {"write", EVTCHN, {WFD_NOTIFY}},
    {"write", EVTCHN, {WFD_NOTIFY_LAST}},
    {"write", 0, {WFD_NOTIFY_LAST + 1}},
    {"write", EVENTFD, {WFD_CALL}},
    {"write", 0, {2}},
    {"write", 0, {FID}},
    {"write", 0, {WFD_KICK | HIGH}},
    {"ioctl", EVTCHN, {WFD_NOTIFY, 0x44504}},
    {"ioctl", EVTCHN, {WFD_NOTIFY_LAST, 0x44504}},
    {"ioctl", 0, {WFD_NOTIFY_LAST + 1, 0x44504}},
    {"ioctl", 0, {WFD_NOTIFY_LAST, 0x84501}},
    {"ioctl", 0, {WFD_NOTIFY, 0x84501}}, /* bind another port */
    {"ioctl", 0, {WFD_NOTIFY, 0x44504 | HIGH}},
    {"ioctl", 0, {FID, 0x44504}},
    {"sendmsg", EACH, {WFD_CONTROL}},
    {"sendmsg", 0, {FID}},
    {"sendmsg", 0, {WFD_AUDIT}}, /* it could pass descriptors */
    {"sendto", EACH, {WFD_AUDIT, 1, 1, AUDIT_SEND, 0, 0}},
    {"sendto", 0, {WFD_CONTROL, 1, 1, AUDIT_SEND, 0, 0}},
    {"sendto", 0, {FID, 1, 1, AUDIT_SEND, 0, 0}},
    {"sendto", 0, {WFD_AUDIT, 1, 1, AUDIT_SEND, 1, 0}}, /* to somebody else */
    {"sendto", 0, {WFD_AUDIT, 1, 1, MSG_OOB, 0, 0}},
    {"recvmsg", EACH, {WFD_CONTROL}},
    {"recvmsg", 0, {WFD_AUDIT}},
    {"recvmsg", 0, {WFD_NOTIFY}},
    {"epoll_wait", EACH, {WFD_EPOLL}},
    {"epoll_wait", 0, {FID}},
    {"epoll_pwait", EACH, {WFD_EPOLL}},
    {"epoll_pwait", 0, {FID}},
    {"epoll_ctl", EVENTFD, {WFD_EPOLL, EPOLL_CTL_MOD, WFD_NOTIFY}},
    {"epoll_ctl", 0, {WFD_EPOLL, EPOLL_CTL_ADD, WFD_NOTIFY}},
    {"epoll_ctl", 0, {WFD_EPOLL, EPOLL_CTL_DEL, WFD_NOTIFY}},
    {"epoll_ctl", 0, {WFD_EPOLL, EPOLL_CTL_MOD, WFD_CONTROL}},
    {"epoll_ctl", 0, {FID, EPOLL_CTL_MOD, WFD_NOTIFY}},
    {"epoll_ctl", EACH, {WFD_EPOLL, EPOLL_CTL_MOD, WFD_AUDIT}},
    {"epoll_ctl", 0, {WFD_EPOLL, EPOLL_CTL_ADD, WFD_AUDIT}},
    {"epoll_ctl", 0, {FID, EPOLL_CTL_MOD, WFD_AUDIT}},
    {"timerfd_settime", EACH, {WFD_THROTTLE, TFD_TIMER_ABSTIME}},
    {"timerfd_settime", 0, {WFD_THROTTLE, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET}},
    {"timerfd_settime", 0, {FID, TFD_TIMER_ABSTIME}},
    {"close", EACH, {FID}},
    {"close", 0, {WFD_FIRST_FREE - 1}},
    {"close", 0, {WFD_CONTROL}},
    {"close", 0, {0}},
    {"pread64", EACH, {FID}},
    {"pread64", 0, {WFD_ROOT}},
    {"pwritev2", RW, {FID}},
    {"pwritev2", 0, {2}},
    {"ftruncate", RW, {FID}},
    {"ftruncate", 0, {WFD_JOURNAL}},
    /* opening */
    {"openat", EACH, {FID, 1, O_PATH | O_NOFOLLOW | O_CLOEXEC}},
    {"openat", EACH, {WFD_PROC, 1, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY}},
    {"openat", EACH, {INT_MAX, 1, O_RDONLY}},
    {"openat", EACH, {FID, 1, O_RDONLY | KERNEL_O_LARGEFILE}},
    {"openat", 0, {CWD, 1, O_RDONLY}},
    {"openat", 0, {CWD & UINT32_MAX, 1, O_RDONLY}},
    {"openat", RW, {FID, 1, O_RDWR | O_CLOEXEC}},
    {"openat", RW, {FID, 1, O_WRONLY | O_TRUNC | O_APPEND}},
    {"openat", MODES, {FID, 1, O_RDWR | O_CREAT | O_EXCL, 01777}},
    {"openat", OWNERS_RW, {FID, 1, O_RDWR | O_CREAT, SUID}},
    {"openat", OWNERS_RW, {FID, 1, O_RDWR | O_CREAT, 02755}},
    {"openat", 0, {FID, 1, O_RDWR | O_CREAT, 010755}},
    {"openat", 0, {FID, 1, O_RDONLY | O_DIRECT}},
    {"openat", 0, {FID, 1, O_RDWR | O_TMPFILE}},
    {"openat", 0, {FID, 1, O_RDONLY | O_ASYNC}},
    {"openat", 0, {FID, 1, O_RDONLY | HIGH}},
    /* looking */
    {"newfstatat", EACH, {FID}},
    {"newfstatat", 0, {CWD}},
    {"statx", 0, {CWD}},
    {"readlinkat", 0, {CWD}},
    /* setuid and setgid */
    {"fchmodat", MODES, {WFD_PROC, 1, 0755}},
    {"fchmodat", RW, {WFD_PROC, 1, 0700}},
    {"mkdirat", RW, {FID, 1, 0700}},
    {"openat", RW, {FID, 1, O_WRONLY | O_CREAT | O_EXCL, 0600}},
    {"fchmodat", OWNERS_RW, {WFD_PROC, 1, SUID}},
    {"fchmodat", OWNERS_RW, {WFD_PROC, 1, 02000}},
    {"fchmodat", 0, {WFD_PROC, 1, 010000}},
    {"fchmodat", 0, {FID, 1, SUID}},
    {"fchownat", OWNERS_RW, {FID, 1, 33, 33, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW}},
    {"fchownat", 0, {FID, 1, 33, 33, AT_EMPTY_PATH}}, /* would follow a link */
    {"fchownat", 0, {FID, 1, 33, 33, 0}},
    {"fchownat", 0, {CWD, 1, 33, 33, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW}},
    {"fchmodat", 0, {FID, 1, 0755}},
    {"fchmodat", 0, {CWD, 1, 0755}},
    {"mkdirat", MODES, {FID, 1, 01777}},
    {"mkdirat", OWNERS_RW, {FID, 1, 02755}},
    {"mknodat", MODES, {FID, 1, S_IFIFO | 0644}},
    {"mknodat", MODES, {FID, 1, S_IFSOCK | 0644}},
    {"mknodat", 0, {FID, 1, S_IFCHR | 0644}},
    {"mknodat", 0, {FID, 1, S_IFBLK | 0644}},
    {"mknodat", OWNERS_RW, {FID, 1, S_IFIFO | SUID}},
    {"mknodat", 0, {FID, 1, 0644}},
    /* names */
    {"symlinkat", RW, {1, FID, 1}},
    {"symlinkat", 0, {1, CWD, 1}},
    {"linkat", RW, {WFD_PROC, 1, FID, 1, AT_SYMLINK_FOLLOW}},
    {"linkat", 0, {WFD_PROC, 1, FID, 1, AT_EMPTY_PATH}},
    {"linkat", 0, {FID, 1, FID, 1, AT_SYMLINK_FOLLOW}},
    {"linkat", 0, {WFD_PROC, 1, CWD, 1, AT_SYMLINK_FOLLOW}},
    {"renameat", RW, {FID, 1, FID, 1}},
    {"renameat", 0, {CWD, 1, FID, 1}},
    {"renameat2", RW, {FID, 1, FID, 1, 0}},
    {"renameat2", 0, {FID, 1, CWD, 1, 0}},
    {"renameat2", RW, {FID, 1, FID, 1, 1}},
    {"renameat2", 0, {FID, 1, FID, 1, 4}}, /* whiteout: a device node */
    {"unlinkat", RW, {FID, 1, AT_REMOVEDIR}},
    {"unlinkat", 0, {CWD, 1, 0}},
    {"utimensat", RW, {FID, 1, 1, AT_EMPTY_PATH}},
    {"utimensat", 0, {FID, 1, 1, 0}}, /* would follow a link */
    {"utimensat", 0, {CWD, 1, 1, AT_EMPTY_PATH}},
    /* attributes: no larger than any may be, no flags that the kernel may come to know */
    {"getxattr", EACH, {1, 1, 1, 65536}},
    {"getxattr", 0, {1, 1, 1, 65537}},
    {"listxattr", EACH, {1, 1, 0}},
    {"listxattr", 0, {1, 1, HIGH}},
    {"setxattr", RW, {1, 1, 1, 65536, 3}},
    {"setxattr", 0, {1, 1, 1, 65537, 0}},
    {"setxattr", 0, {1, 1, 1, 1, 4}},
    /* locks */
    {"fcntl", EACH, {FID, F_OFD_SETLK}},
    {"fcntl", EACH, {FID, F_OFD_GETLK}},
    {"fcntl", 0, {FID, F_OFD_SETLKW}}, /* would wait */
    {"fcntl", 0, {FID, F_SETLK}},
    {"fcntl", 0, {FID, F_DUPFD}},
    {"fcntl", 0, {FID, F_SETFL}},
    {"fcntl", 0, {WFD_CONTROL, F_OFD_SETLK}},
    {"flock", EACH, {FID, LOCK_EX | LOCK_NB}},
    {"flock", EACH, {FID, LOCK_UN}},
    {"flock", 0, {FID, LOCK_EX}},
    {"flock", 0, {WFD_ROOT, LOCK_SH | LOCK_NB}},
    {"timerfd_settime", EACH, {WFD_TIMER, 0}},
    {"timerfd_settime", 0, {FID, 0}},
    /* memory */
    {"mmap", EACH, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS}},
    {"mmap", 0, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}},
    {"mmap", 0, {0, 4096, PROT_READ, MAP_SHARED, FID}},
    {"mmap", 0, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED}},
    {"mprotect", EACH, {0, 4096, PROT_READ}},
    {"mprotect", 0, {0, 4096, PROT_READ | PROT_EXEC}},
    {"madvise", EACH, {0, 4096, MADV_DONTNEED}},
    {"madvise", 0, {0, 4096, MADV_HWPOISON}},
    /* threads */
    {"futex", EACH, {0, FUTEX_WAIT_PRIVATE}},
    {"futex", EACH, {0, FUTEX_WAKE_PRIVATE}},
    {"futex", EACH, {0, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME}},
    {"futex", 0, {0, FUTEX_LOCK_PI_PRIVATE}},
    {"futex", 0, {0, FUTEX_CMP_REQUEUE_PI_PRIVATE}},
};

static void arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const struct call *c = &calls[i];
        struct seccomp_data data = {.arch = NATIVE_AUDIT_ARCH};

        assert_true(seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, c->name) >= 0);
        data.nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, c->name);
        if (data.nr < 0) /* epoll_wait, where there is epoll_pwait alone */
            continue;
        for (size_t a = 0; a < 6; a++)
            data.args[a] = c->arg[a];
        for (size_t s = 0; s < NUM_SPECS; s++) {
            bool allowed = (c->allowed & 1u << s) != 0;

            if (answer_to(&programs[s], &data) != (allowed ? CAN_ALLOW : CAN_KILL))
                fail_msg("filter %zu: %s (line %zu of the table) should be %s", s, c->name, i + 1,
                         allowed ? "allowed" : "killed");
        }
    }
}

/* --- operations --- */

static struct program compile(uint32_t forbidden)
{
    const struct filter_spec spec = {.notify = CTL_NOTIFY_EVTCHN, .forbidden = forbidden};

    return program_of(filter_compile(&spec));
}

/* The calls of a group, by the table of operations: gone without it, there with everything. */
static void forbidden_operations(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPERATIONS; i++) {
        const struct operation_info *o = &operation_table[i];
        struct program without = compile(o->bit), none = compile(OPERATIONS_ALL), all = compile(0);

        for (size_t c = 0; c < OPERATION_MAX_CALLS && o->call[c] != NULL; c++) {
            int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, o->call[c]);

            assert_true(nr >= 0);
            assert_int_equal(answers(&without, NATIVE_AUDIT_ARCH, nr), CAN_KILL);
            assert_int_equal(answers(&none, NATIVE_AUDIT_ARCH, nr), CAN_KILL);
            assert_true((answers(&all, NATIVE_AUDIT_ARCH, nr) & CAN_ALLOW) != 0);
        }
        free(without.insn);
        free(none.insn);
        free(all.insn);
    }
}

static bool names_call(size_t operation, int nr)
{
    const struct operation_info *o = &operation_table[operation];

    for (size_t c = 0; c < OPERATION_MAX_CALLS && o->call[c] != NULL; c++)
        if (seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, o->call[c]) == nr)
            return true;
    return false;
}

/*
 * The other way round: a rule that some operation brings in is for a call that the table of
 * operations names for it, but for those of which there is always some form.
 */
static void rules_are_in_the_table(void **state)
{
    size_t seen = 0;

    (void)state;
    for (size_t r = 0; r < filter_table_len; r++) {
        const struct filter_rule *rule = &filter_table[r];
        bool named = false;

        if (rule->need.all == 0)
            continue;
        if (rule->nr == SCMP_SYS(openat) || rule->nr == SCMP_SYS(readlinkat) ||
            rule->nr == SCMP_SYS(timerfd_settime))
            continue;
        for (size_t i = 0; i < OPERATIONS; i++)
            named |= (rule->need.all & operation_table[i].bit) != 0 && names_call(i, rule->nr);
        if (!named)
            fail_msg("rule %zu (system call %d) is in no operation", r, rule->nr);
        seen++;
    }
    assert_true(seen > 10);
}

static const struct forbidden_call {
    uint32_t forbidden;
    bool allowed;
    const char *name;
    uint64_t arg[6];
} forbidden_calls[] = {
    {OPERATION_WRITE, true, "openat", {FID, 1, O_RDONLY | O_CREAT | O_EXCL, 0644}},
    {OPERATION_WRITE, false, "openat", {FID, 1, O_RDWR | O_CREAT | O_EXCL, 0644}},
    {OPERATION_WRITE, false, "openat", {FID, 1, O_WRONLY}},
    {OPERATION_WRITE, false, "openat", {FID, 1, O_RDONLY | O_TRUNC}},
    {OPERATION_WRITE, false, "openat", {FID, 1, O_RDONLY | O_CREAT | O_EXCL, SUID}},
    {OPERATION_WRITE, true, "openat", {FID, 1, O_PATH | O_NOFOLLOW}},
    {OPERATION_WRITE, true, "utimensat", {FID, 1, 1, AT_EMPTY_PATH}},
    {OPERATION_SETATTR, true, "utimensat", {FID, 1, 1, AT_EMPTY_PATH}},
    {OPERATION_SETATTR | OPERATION_WRITE, false, "utimensat", {FID, 1, 1, AT_EMPTY_PATH}},
    {OPERATION_CREATE, true, "openat", {FID, 1, O_WRONLY | O_TRUNC}},
    {OPERATION_CREATE, false, "openat", {FID, 1, O_WRONLY | O_CREAT | O_EXCL, 0644}},
    {OPERATION_CREATE | OPERATION_WRITE, true, "openat", {FID, 1, O_RDONLY}},
    {OPERATION_CREATE | OPERATION_WRITE, false, "openat", {FID, 1, O_RDONLY | O_CREAT, 0644}},
    {OPERATION_CREATE | OPERATION_WRITE, false, "openat", {FID, 1, O_RDWR}},
    {OPERATION_DELETE, true, "renameat2", {FID, 1, FID, 1, 1}}, /* that one stays */
    {OPERATION_DELETE, false, "renameat2", {FID, 1, FID, 1, 0}},
    {OPERATION_DELETE, false, "renameat2", {FID, 1, CWD, 1, 1}},
    {OPERATION_DELETE, false, "renameat", {FID, 1, FID, 1}},
    {OPERATION_READ, true, "readlinkat", {WFD_PROC}},
    {OPERATION_READ, false, "readlinkat", {FID}},
    {OPERATION_READ, true, "pread64", {FID}}, /* for the proof; Landlock opens it nothing */
};

static void arguments_of_forbidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forbidden_calls) / sizeof(forbidden_calls[0]); i++) {
        const struct forbidden_call *c = &forbidden_calls[i];
        struct seccomp_data data = {.arch = NATIVE_AUDIT_ARCH};
        struct program p = compile(c->forbidden);

        data.nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, c->name);
        for (size_t a = 0; a < 6; a++)
            data.args[a] = c->arg[a];
        if (answer_to(&p, &data) != (c->allowed ? CAN_ALLOW : CAN_KILL))
            fail_msg("%s (line %zu of the table) should be %s", c->name, i + 1,
                     c->allowed ? "allowed" : "killed");
        free(p.insn);
    }
}

static void sealed_memfd(void **state)
{
    const struct filter_spec wrong = {.notify = (enum ctl_notify_kind)7};
    int fd = filter_compile(&specs[0]);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS),
                     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    assert_int_equal(filter_compile(&wrong), -EINVAL);
}

static int compile_all(void **state)
{
    (void)state;
    for (size_t s = 0; s < NUM_SPECS; s++)
        programs[s] = program_of(filter_compile(&specs[s]));
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t s = 0; s < NUM_SPECS; s++)
        free(programs[s].insn);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number),
        cmocka_unit_test(other_architectures),
        cmocka_unit_test(arguments),
        cmocka_unit_test(forbidden_operations),
        cmocka_unit_test(rules_are_in_the_table),
        cmocka_unit_test(arguments_of_forbidden),
        cmocka_unit_test(sealed_memfd),
    };

    return cmocka_run_group_tests_name("filter", tests, compile_all, free_all);
}
