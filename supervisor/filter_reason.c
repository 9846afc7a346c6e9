/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_reason.c - why each system call of filter_table.c is there, in one line: for "xen9pctl
 * policy seccomp" and for the golden files of the tests. Which arguments it may have, and which
 * operations bring it in, stands in the table.
 */
#include "filter_table.h"

#include <asm/fcntl.h> /* instead of <fcntl.h>: for the kernel's O_LARGEFILE */

#include "xen9p/largefile.h"

_Static_assert(KERNEL_O_LARGEFILE == O_LARGEFILE, "largefile.h does not know this machine");

static const struct {
    int nr;
    const char *why;
} reasons[] = {
    {SCMP_SYS(brk), "memory of malloc"},
    {SCMP_SYS(clock_gettime), "time, where the vDSO cannot tell it"},
    {SCMP_SYS(close), "files that the guest is done with; never a fixed descriptor"},
    {SCMP_SYS(epoll_ctl), "asks to be told when the audit socket has room again"},
    {SCMP_SYS(epoll_pwait), "waiting for the guest and the supervisor"},
    {SCMP_SYS(epoll_wait), "waiting for the guest and the supervisor"},
    {SCMP_SYS(exit), "a thread ends"},
    {SCMP_SYS(exit_group), "the worker ends"},
    {SCMP_SYS(fchmodat),
     "permission bits of a file that is held; setuid with mapped and host only"},
    {SCMP_SYS(fchownat), "owner of a file that is held; identities mapped and host"},
    {SCMP_SYS(fcntl),
     "locks of open files, set and asked for without waiting; nothing else of fcntl"},
    {SCMP_SYS(fdatasync), "Tfsync"},
    {SCMP_SYS(flock), "locks of whole files that cannot be written, never waiting"},
    {SCMP_SYS(fstat), "attributes of a file that is held"},
    {SCMP_SYS(fstatfs), "Tstatfs, and the kind of file system of a file"},
    {SCMP_SYS(fsync), "Tfsync"},
    {SCMP_SYS(ftruncate), "size of a file that is open for writing"},
    {SCMP_SYS(futex), "threads wait for each other; no priority inheritance, no requeue"},
    {SCMP_SYS(getdents64), "names in a directory"},
    {SCMP_SYS(getrandom), "malloc seeds itself with it"},
    {SCMP_SYS(getxattr), "one extended attribute of a file that is held"},
    {SCMP_SYS(ioctl), "tells the guest that there are replies; no other port, no other ioctl"},
    {SCMP_SYS(linkat), "hard link to a file that is held"},
    {SCMP_SYS(listxattr), "names of a file's extended attributes"},
    {SCMP_SYS(lseek), "place in a directory"},
    {SCMP_SYS(madvise), "gives back the stack of a thread that ends"},
    {SCMP_SYS(mkdirat), "new directories"},
    {SCMP_SYS(mknodat), "new FIFOs and sockets; never a device"},
    {SCMP_SYS(mmap), "memory of malloc and of stacks; never a file, never executable"},
    {SCMP_SYS(mprotect), "memory of malloc grows; never executable"},
    {SCMP_SYS(munmap), "memory is given back"},
    {SCMP_SYS(newfstatat), "attributes of a file by its directory and name"},
    {SCMP_SYS(openat), "files below a directory that is held; never by a path of the host"},
    {SCMP_SYS(pread64), "the worker reads about itself what proves its lockdown"},
    {SCMP_SYS(preadv2), "contents of files"},
    {SCMP_SYS(pwritev2), "contents of files"},
    {SCMP_SYS(read), "which ports are pending; one more thread is wanted"},
    {SCMP_SYS(readlinkat), "what a symbolic link says; where a file that is held lies"},
    {SCMP_SYS(recvmsg), "the supervisor's messages"},
    {SCMP_SYS(removexattr), "removes an extended attribute"},
    {SCMP_SYS(renameat), "renaming and moving, as libc makes renameat2 without flags"},
    {SCMP_SYS(renameat2), "renaming and moving; no exchange, no whiteout"},
    {SCMP_SYS(restart_syscall), "the kernel's own, after SIGSTOP and SIGCONT"},
    {SCMP_SYS(rt_sigprocmask), "libc, when a thread ends"},
    {SCMP_SYS(rt_sigreturn), "a signal handler ends"},
    {SCMP_SYS(sendmsg), "messages to the supervisor; no descriptor is taken from it"},
    {SCMP_SYS(sendto), "audit records; no descriptor can go along"},
    {SCMP_SYS(setfsgid), "the group that a new file gets; identities mapped and host"},
    {SCMP_SYS(setfsuid), "a request acts as the guest's user; identities mapped and host"},
    {SCMP_SYS(setxattr), "writes an extended attribute of bounded size"},
    {SCMP_SYS(statx), "attributes that fstat does not have"},
    {SCMP_SYS(symlinkat), "new symbolic links, which nobody here follows"},
    {SCMP_SYS(timerfd_settime), "when what waits here is due: a lock, a request over a ceiling"},
    {SCMP_SYS(unlinkat), "removing files and directories"},
    {SCMP_SYS(utimensat), "times of a file that is held"},
    {SCMP_SYS(write), "unmasks the guest's ports; one more thread is wanted"},
};

const char *filter_reason(int nr)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (nr >= 0 && reasons[i].nr == nr)
            return reasons[i].why;
    return NULL;
}
