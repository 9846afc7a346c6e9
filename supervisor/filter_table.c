/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_table.c - the system calls that a worker may make after its lockdown, and why.
 *
 * Written for the day on which a guest has taken its worker over. Descriptors below
 * WFD_FIRST_FREE are pinned by number; the pins mean something because nothing can replace such a
 * descriptor: there is no dup, and close() takes none of them. Arguments are compared with all 64
 * bits. Not here, on purpose:
 *
 *   execve, clone, fork, ptrace, process_vm_*, kill, pidfd_*   no process but this one
 *   unshare, setns, chroot, mount*, open_tree, bpf, keyctl     no way to new rights: dropping capabilities
 *                                                              alone would leave user namespaces
 *   socket, connect, bind, accept                              no way to talk to anybody else
 *   io_uring_*, userfaultfd, vmsplice, splice, sendfile        no calls on our behalf, and only copying calls
 *                                                              may touch ring memory
 *   dup*, F_DUPFD, memfd_create, open_by_handle_at, openat2    the pins below would be worth nothing
 *   chown family, setfsuid, setfsgid                           identities with one owner: nothing to change
 *   setuid, setresuid, capset and the like                     identities with many owners act as one by setfsuid
 *   prctl, seccomp, rt_sigaction, setrlimit, clone3, rseq      all done before the filter is loaded
 */
#include "filter_table.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>

#include "xen9p/descriptors.h"
#include "xen9p/largefile.h"
#include "xen9p/limits.h"
#include "xen9p/operations.h"

/* clang-format off */
#define NEED(all, any, without) {(all), (any), (without)}
#define ALWAYS NEED(0, 0, 0)
#define ALL_OF(operations) NEED(operations, 0, 0)
#define ANY_OF(operations) NEED(0, operations, 0)
#define BUT_NOT(operations, without) NEED(operations, 0, without)

/* Calls of every worker of a group. */
#define ALLOW(name, group) {SCMP_SYS(name), group, 0, ALWAYS, 0, {{0}}}
#define PIN1(name, group, a) {SCMP_SYS(name), group, 0, ALWAYS, 1, {a}}
#define PIN2(name, group, a, b) {SCMP_SYS(name), group, 0, ALWAYS, 2, {a, b}}
#define PIN3(name, group, a, b, c) {SCMP_SYS(name), group, 0, ALWAYS, 3, {a, b, c}}
/* Calls that operations need. */
#define FOR1(name, need, a) {SCMP_SYS(name), FILTER_ALL, 0, need, 1, {a}}
#define FOR2(name, need, a, b) {SCMP_SYS(name), FILTER_ALL, 0, need, 2, {a, b}}
#define FOR3(name, need, a, b, c) {SCMP_SYS(name), FILTER_ALL, 0, need, 3, {a, b, c}}
/* The same where the export is not read-only, for operations that are allowed there, too. */
#define WHEN_WRITABLE0(name, need) {SCMP_SYS(name), FILTER_WRITABLE, 0, need, 0, {{0}}}
#define WHEN_WRITABLE2(name, need, a, b) {SCMP_SYS(name), FILTER_WRITABLE, 0, need, 2, {a, b}}
/* Calls that operations need with some identities. */
#define FOR1_AS(name, who, need, a) {SCMP_SYS(name), FILTER_ALL, who, need, 1, {a}}
#define ALLOW_AS(name, who) {SCMP_SYS(name), FILTER_ALL, who, ALWAYS, 0, {{0}}}
#define FOR2_AS(name, who, need, a, b) {SCMP_SYS(name), FILTER_ALL, who, need, 2, {a, b}}
#define FOR3_AS(name, who, need, a, b, c) {SCMP_SYS(name), FILTER_ALL, who, need, 3, {a, b, c}}
/* clang-format on */

#define CMP(arg, op, ...)    \
    {                        \
        arg, op, __VA_ARGS__ \
    }
#define IS(arg, value) CMP(arg, SCMP_CMP_EQ, (value), 0)
/* No bits but these. */
#define ONLY(arg, bits) CMP(arg, SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(bits), 0)
/* No bits but `bits`, of which `value` as it is. */
#define EXACTLY(arg, bits, value) CMP(arg, SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(bits), (value))
/* A descriptor, not AT_FDCWD: the working directory is the descriptor tree. */
#define FD(arg) CMP(arg, SCMP_CMP_LE, INT_MAX, 0)
/* A descriptor that is none of the fixed ones. */
#define FID_FD(arg) CMP(arg, SCMP_CMP_GE, WFD_FIRST_FREE, 0)
#define AT_MOST(arg, value) CMP(arg, SCMP_CMP_LE, (value), 0)

/* The event channel of any ring. */
#define CHANNEL(arg) EXACTLY(arg, CTL_MAX_RINGS - 1, WFD_NOTIFY)

/* ioctl that notifies an event channel's port, <xen/sys/evtchn.h>. */
#define EVTCHN_NOTIFY 0x44504

/*
 * Permission bits and sticky. Setuid or setgid on a file of root's would be root's on the host; with
 * many owners they are those of the domain's own range, or what the administrator asked for.
 */
#define PERMISSIONS 01777
#define ALL_MODES 07777
/*
 * How files are opened for reading. Without O_DIRECT, which would hand ring memory to a device,
 * and without O_TMPFILE.
 */
#define OPEN_READ                                                                        \
    (O_PATH | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_NOATIME | \
     KERNEL_O_LARGEFILE)
#define OPEN_WRITE (OPEN_READ | O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC)
#define OPEN_NEW (O_CREAT | O_EXCL)

#define READ OPERATION_READ
#define WRITE OPERATION_WRITE
#define CREATE OPERATION_CREATE
#define DELETE OPERATION_DELETE
#define RENAME OPERATION_RENAME
#define LINK OPERATION_LINK
#define SYMLINK OPERATION_SYMLINK
#define MKNOD OPERATION_MKNOD
#define SETATTR OPERATION_SETATTR
#define XATTR OPERATION_XATTR
#define LOCK OPERATION_LOCK

/* Whatever takes a mode, for identities that may give `bits`. */
#define WITH_MODES(who, bits)                                                               \
    FOR3_AS(openat, who, BUT_NOT(CREATE, WRITE), FD(0), ONLY(2, OPEN_READ | OPEN_NEW),      \
            ONLY(3, bits)),                                                                 \
        FOR3_AS(openat, who, ALL_OF(WRITE | CREATE), FD(0), ONLY(2, OPEN_WRITE | OPEN_NEW), \
                ONLY(3, bits)),                                                             \
        FOR2_AS(fchmodat, who, ALL_OF(SETATTR), IS(0, WFD_PROC), ONLY(2, bits)),            \
        FOR2_AS(mkdirat, who, ALL_OF(CREATE), FD(0), ONLY(2, bits)),                        \
        FOR2_AS(mknodat, who, ALL_OF(MKNOD), FD(0), EXACTLY(2, bits, S_IFIFO)),             \
        FOR2_AS(mknodat, who, ALL_OF(MKNOD), FD(0), EXACTLY(2, bits, S_IFSOCK))

const struct filter_rule filter_table[] = {
    /* --- waiting, and being told --- */
    PIN1(epoll_wait, FILTER_ALL, IS(0, WFD_EPOLL)),
    PIN1(epoll_pwait, FILTER_ALL, IS(0, WFD_EPOLL)),
    /* an eventfd is masked and unmasked as an event channel is */
    PIN3(epoll_ctl, FILTER_EVENTFD, IS(0, WFD_EPOLL), IS(1, EPOLL_CTL_MOD), IS(2, WFD_NOTIFY)),
    PIN1(read, FILTER_EVENTFD, IS(0, WFD_NOTIFY)), /* its counter */
    PIN1(read, FILTER_EVTCHN, CHANNEL(0)),         /* pending ports */
    PIN1(read, FILTER_ALL, IS(0, WFD_KICK)),
    PIN1(write, FILTER_ALL, IS(0, WFD_KICK)), /* one more thread */

    PIN2(timerfd_settime, FILTER_ALL, IS(0, WFD_THROTTLE),
         IS(1, TFD_TIMER_ABSTIME)), /* throttling */

    /* --- telling the guest --- */
    PIN1(write, FILTER_EVTCHN, CHANNEL(0)), /* unmask */
    /* Binding another port or lifting the restriction to this guest are ioctls, too. */
    PIN2(ioctl, FILTER_EVTCHN, CHANNEL(0), IS(1, EVTCHN_NOTIFY)),
    PIN1(write, FILTER_EVENTFD, IS(0, WFD_CALL)),

    /* --- supervisor --- */
    PIN1(sendmsg, FILTER_ALL, IS(0, WFD_CONTROL)),
    PIN1(recvmsg, FILTER_ALL, IS(0, WFD_CONTROL)),

    /* --- audit: records alone, no descriptor can go with them; and to be told of room for more --- */
    FOR3(sendto, ALWAYS, IS(0, WFD_AUDIT), IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), IS(4, 0)),
    FOR3(epoll_ctl, ALWAYS, IS(0, WFD_EPOLL), IS(1, EPOLL_CTL_MOD), IS(2, WFD_AUDIT)),

    /* --- threads, time, end. No priority inheritance, no requeue: where futex had its holes --- */
    PIN1(futex, FILTER_ALL, EXACTLY(1, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, FUTEX_WAIT)),
    PIN1(futex, FILTER_ALL, EXACTLY(1, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, FUTEX_WAKE)),
    PIN1(futex, FILTER_ALL,
         EXACTLY(1, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, FUTEX_WAIT_BITSET)),
    PIN1(futex, FILTER_ALL,
         EXACTLY(1, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, FUTEX_WAKE_BITSET)),
    ALLOW(clock_gettime, FILTER_ALL),  /* where the vDSO cannot tell the time */
    ALLOW(rt_sigprocmask, FILTER_ALL), /* libc, when a thread ends */
    ALLOW(rt_sigreturn, FILTER_ALL),
    ALLOW(restart_syscall, FILTER_ALL), /* the kernel's own, after SIGSTOP and SIGCONT */
    ALLOW(exit, FILTER_ALL),
    ALLOW(exit_group, FILTER_ALL),

    /* --- memory: never executable, never a file --- */
    ALLOW(brk, FILTER_ALL),
    ALLOW(munmap, FILTER_ALL),
    PIN1(madvise, FILTER_ALL, IS(2, MADV_DONTNEED)), /* the stack of a thread that ends */
    PIN2(mmap, FILTER_ALL, ONLY(2, PROT_READ | PROT_WRITE),
         ONLY(3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)),
    PIN1(mprotect, FILTER_ALL, ONLY(2, PROT_READ | PROT_WRITE)),
    ALLOW(getrandom, FILTER_ALL), /* malloc seeds itself with it */

    /*
     * --- looking ---
     * Without OPERATION_READ too: the worker reads about itself what proves its lockdown. What it
     * may open for reading is Landlock's business then.
     */
    FOR2(openat, BUT_NOT(0, WRITE | CREATE), FD(0), ONLY(2, OPEN_READ)),
    PIN1(close, FILTER_ALL, FID_FD(0)),
    ALLOW(fstat, FILTER_ALL),
    PIN1(newfstatat, FILTER_ALL, FD(0)),
    PIN1(statx, FILTER_ALL, FD(0)),
    ALLOW(fstatfs, FILTER_ALL),
    FOR1(readlinkat, ALL_OF(READ), FD(0)),
    FOR1(readlinkat, BUT_NOT(0, READ), IS(0, WFD_PROC)), /* where a file of a rename lies */
    PIN1(getdents64, FILTER_ALL, FID_FD(0)),
    PIN1(lseek, FILTER_ALL, FID_FD(0)),
    PIN1(pread64, FILTER_ALL, FID_FD(0)),
    FOR1(preadv2, ALL_OF(READ), FID_FD(0)),
    PIN1(fsync, FILTER_ALL, FID_FD(0)),
    PIN1(fdatasync, FILTER_ALL, FID_FD(0)),

    /* --- changing --- */
    FOR2(openat, BUT_NOT(WRITE, CREATE), FD(0), ONLY(2, OPEN_WRITE)),
    FOR1(pwritev2, ALL_OF(WRITE), FID_FD(0)),
    FOR1(ftruncate, ALL_OF(WRITE), FID_FD(0)),
    FOR2(utimensat, ANY_OF(SETATTR | WRITE), FD(0), IS(3, AT_EMPTY_PATH)),
    FOR1(symlinkat, ALL_OF(SYMLINK), FD(1)),
    FOR3(linkat, ALL_OF(LINK), IS(0, WFD_PROC), FD(2), IS(4, AT_SYMLINK_FOLLOW)),
    FOR2(renameat, ALL_OF(RENAME | DELETE), FD(0), FD(2)), /* libc's renameat2() without flags */
    FOR3(renameat2, ALL_OF(RENAME | DELETE), FD(0), FD(2), IS(4, 0)),
    FOR3(renameat2, ALL_OF(RENAME), FD(0), FD(2), IS(4, RENAME_NOREPLACE)),
    FOR2(unlinkat, ALL_OF(DELETE), FD(0), ONLY(2, AT_REMOVEDIR)),

    /*
     * --- extended attributes ---
     * By path: there is no form for an O_PATH descriptor. The path begins at the descriptor tree or
     * at the export's root, and no link is followed on the way. What a name may be is the worker's
     * business: security.* and trusted.* need capabilities on the host that it does not have.
     */
    FOR1(getxattr, ALL_OF(XATTR), AT_MOST(3, LIMIT_MAX_XATTR)),
    FOR1(listxattr, ALL_OF(XATTR), AT_MOST(2, LIMIT_MAX_XATTR)),
    WHEN_WRITABLE2(setxattr, ALL_OF(XATTR), AT_MOST(3, LIMIT_MAX_XATTR),
                   ONLY(4, XATTR_CREATE | XATTR_REPLACE)),
    WHEN_WRITABLE0(removexattr, ALL_OF(XATTR)),

    /* --- locks: of the open file description, and never waiting; a timer has them tried again --- */
    FOR2(fcntl, ALL_OF(LOCK), FID_FD(0), IS(1, F_OFD_SETLK)),
    FOR2(fcntl, ALL_OF(LOCK), FID_FD(0), IS(1, F_OFD_GETLK)),
    FOR2(flock, ALL_OF(LOCK), FID_FD(0), IS(1, LOCK_SH | LOCK_NB)),
    FOR2(flock, ALL_OF(LOCK), FID_FD(0), IS(1, LOCK_EX | LOCK_NB)),
    FOR2(flock, ALL_OF(LOCK), FID_FD(0), IS(1, LOCK_UN)),
    FOR2(timerfd_settime, ALL_OF(LOCK), IS(0, WFD_TIMER), IS(1, 0)),

    /* --- modes, owners, and acting as the guest's users --- */
    WITH_MODES(1u << CTL_IDENTITY_SQUASH, PERMISSIONS),
    WITH_MODES(FILTER_ATTRIBUTES, 0700), /* the others are in attributes */
    WITH_MODES(FILTER_MANY_OWNERS, ALL_MODES),
    /* Not along a link: AT_SYMLINK_NOFOLLOW besides what makes it take the descriptor itself. */
    FOR2_AS(fchownat, FILTER_MANY_OWNERS, ANY_OF(SETATTR), FD(0),
            IS(4, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)),
    /* The user namespace knows no id but the domain's; identity host is what it says. */
    ALLOW_AS(setfsuid, FILTER_MANY_OWNERS),
    ALLOW_AS(setfsgid, FILTER_MANY_OWNERS),

    /*
     * --- identity xattr: owners and modes in attributes, one mode on disk ---
     * By path, as above. A symlink is a file with its target in it, a special file an empty one.
     */
    FOR1_AS(getxattr, FILTER_ATTRIBUTES | FILTER_DEVICE_NODES, ALWAYS, AT_MOST(3, LIMIT_MAX_XATTR)),
    FOR2_AS(setxattr, FILTER_ATTRIBUTES, ANY_OF(CREATE | SYMLINK | MKNOD | SETATTR | WRITE),
            AT_MOST(3, sizeof(uint64_t)), IS(4, 0)),
    FOR3_AS(openat, FILTER_ATTRIBUTES, ANY_OF(SYMLINK | MKNOD), FD(0),
            EXACTLY(2, OPEN_READ | O_WRONLY, OPEN_NEW), ONLY(3, 0600)),
    FOR1_AS(pwritev2, FILTER_ATTRIBUTES, ANY_OF(SYMLINK), FID_FD(0)),

    /* --- device nodes with many owners: an empty file, of which attributes tell the rest --- */
    FOR2_AS(setxattr, FILTER_DEVICE_NODES, ANY_OF(MKNOD), AT_MOST(3, sizeof(uint64_t)), IS(4, 0)),
    FOR3_AS(openat, FILTER_DEVICE_NODES, ANY_OF(MKNOD), FD(0),
            EXACTLY(2, OPEN_READ | O_WRONLY, OPEN_NEW), ONLY(3, ALL_MODES)),
};

const size_t filter_table_len = sizeof(filter_table) / sizeof(filter_table[0]);
