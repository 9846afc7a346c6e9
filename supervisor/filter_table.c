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
 *   chown family                                               identity "squash": nothing to change
 *   prctl, seccomp, rt_sigaction, setrlimit, clone3, rseq      all done before the filter is loaded
 */
#include "filter_table.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "xen9p/descriptors.h"

#define ALLOW(name, group)        \
    {                             \
        SCMP_SYS(name), group, 0, \
        {                         \
            {                     \
                0                 \
            }                     \
        }                         \
    }
#define PIN1(name, group, a)      \
    {                             \
        SCMP_SYS(name), group, 1, \
        {                         \
            a                     \
        }                         \
    }
#define PIN2(name, group, a, b)   \
    {                             \
        SCMP_SYS(name), group, 2, \
        {                         \
            a, b                  \
        }                         \
    }
#define PIN3(name, group, a, b, c) \
    {                              \
        SCMP_SYS(name), group, 3,  \
        {                          \
            a, b, c                \
        }                          \
    }

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

/* ioctl that notifies an event channel's port, <xen/sys/evtchn.h>. */
#define EVTCHN_NOTIFY 0x44504

/* Permission bits and sticky. Setuid or setgid on a file of root's would be root's on the host. */
#define PERMISSIONS 01777
/*
 * How files are opened for reading. Without O_DIRECT, which would hand ring memory to a device,
 * and without O_TMPFILE.
 */
#define OPEN_READ \
    (O_PATH | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_NOATIME | LARGEFILE)
#define OPEN_WRITE (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC)
#define LARGEFILE 0100000 /* the kernel's O_LARGEFILE, which libc may set */

const struct filter_rule filter_table[] = {
    /* --- waiting, and being told --- */
    PIN1(epoll_wait, FILTER_ALL, IS(0, WFD_EPOLL)),
    PIN1(epoll_pwait, FILTER_ALL, IS(0, WFD_EPOLL)),
    PIN1(read, FILTER_ALL, IS(0, WFD_NOTIFY)), /* pending ports, or the eventfd's counter */
    PIN1(read, FILTER_ALL, IS(0, WFD_KICK)),
    PIN1(write, FILTER_ALL, IS(0, WFD_KICK)), /* one more thread */

    /* --- telling the guest --- */
    PIN1(write, FILTER_EVTCHN, IS(0, WFD_NOTIFY)), /* unmask */
    /* Binding another port or lifting the restriction to this guest are ioctls, too. */
    PIN2(ioctl, FILTER_EVTCHN, IS(0, WFD_NOTIFY), IS(1, EVTCHN_NOTIFY)),
    PIN1(write, FILTER_EVENTFD, IS(0, WFD_CALL)),

    /* --- supervisor --- */
    PIN1(sendmsg, FILTER_ALL, IS(0, WFD_CONTROL)),
    PIN1(recvmsg, FILTER_ALL, IS(0, WFD_CONTROL)),

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

    /* --- looking --- */
    PIN2(openat, FILTER_READ_ONLY, FD(0), ONLY(2, OPEN_READ)),
    PIN1(close, FILTER_ALL, FID_FD(0)),
    ALLOW(fstat, FILTER_ALL),
    PIN1(newfstatat, FILTER_ALL, FD(0)),
    PIN1(statx, FILTER_ALL, FD(0)),
    ALLOW(fstatfs, FILTER_ALL),
    PIN1(readlinkat, FILTER_ALL, FD(0)),
    PIN1(getdents64, FILTER_ALL, FID_FD(0)),
    PIN1(lseek, FILTER_ALL, FID_FD(0)),
    PIN1(pread64, FILTER_ALL, FID_FD(0)),
    PIN1(preadv2, FILTER_ALL, FID_FD(0)),
    PIN1(fsync, FILTER_ALL, FID_FD(0)),
    PIN1(fdatasync, FILTER_ALL, FID_FD(0)),

    /* --- changing --- */
    PIN3(openat, FILTER_READ_WRITE, FD(0), ONLY(2, OPEN_READ | OPEN_WRITE), ONLY(3, PERMISSIONS)),
    PIN1(pwritev2, FILTER_READ_WRITE, FID_FD(0)),
    PIN1(ftruncate, FILTER_READ_WRITE, FID_FD(0)),
    PIN2(fchmodat, FILTER_READ_WRITE, IS(0, WFD_PROC), ONLY(2, PERMISSIONS)),
    PIN2(utimensat, FILTER_READ_WRITE, FD(0), IS(3, AT_EMPTY_PATH)),
    PIN2(mkdirat, FILTER_READ_WRITE, FD(0), ONLY(2, PERMISSIONS)),
    PIN2(mknodat, FILTER_READ_WRITE, FD(0), EXACTLY(2, PERMISSIONS, S_IFIFO)),
    PIN2(mknodat, FILTER_READ_WRITE, FD(0), EXACTLY(2, PERMISSIONS, S_IFSOCK)),
    PIN1(symlinkat, FILTER_READ_WRITE, FD(1)),
    PIN3(linkat, FILTER_READ_WRITE, IS(0, WFD_PROC), FD(2), IS(4, AT_SYMLINK_FOLLOW)),
    PIN2(renameat, FILTER_READ_WRITE, FD(0), FD(2)), /* libc's renameat2() without flags */
    PIN3(renameat2, FILTER_READ_WRITE, FD(0), FD(2), IS(4, 0)),
    PIN2(unlinkat, FILTER_READ_WRITE, FD(0), ONLY(2, AT_REMOVEDIR)),
};

const size_t filter_table_len = sizeof(filter_table) / sizeof(filter_table[0]);
