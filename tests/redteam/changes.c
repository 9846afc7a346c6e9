/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.c - what a worker of a read-only export has no call for, though it is in place elsewhere.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

static char bytes[16] = "graffiti";
static struct iovec iov = {bytes, 8};

/* A descriptor for reading is all there is: is it one for writing, too? */
static long write_to_reader(struct hostile *h)
{
    long fd = steal(h, WFD_ROOT, "file", O_RDONLY | O_CLOEXEC);

    return fd < 0 ? 0 : attack(SYS_pwritev2, (uintptr_t)fd, AT(&iov), 1, 0, 0, 0);
}

#define CALL(name, nr, ...) CALL_UNDER(READ_ONLY, "plain_" name, nr, __VA_ARGS__)

static const struct attempt table[] = {
    RUN_UNDER(READ_ONLY, write_to_reader, KILLED),
    CALL("open_write", SYS_openat, WFD_ROOT, AT("file"), O_WRONLY),
    CALL("open_read_write", SYS_openat, WFD_ROOT, AT("file"), O_RDWR),
    CALL("open_truncate", SYS_openat, WFD_ROOT, AT("file"), O_RDONLY | O_TRUNC),
    CALL("open_append", SYS_openat, WFD_ROOT, AT("file"), O_APPEND),
    CALL("create", SYS_openat, WFD_ROOT, AT("new"), O_CREAT | O_RDONLY, 0644),
    CALL("pwritev2", SYS_pwritev2, WFD_FIRST_FREE, AT(&iov), 1, 0, 0, 0),
    CALL("ftruncate", SYS_ftruncate, WFD_FIRST_FREE, 0),
    CALL("fallocate", SYS_fallocate, WFD_FIRST_FREE, 0, 0, 4096),
    CALL("mkdir", SYS_mkdirat, WFD_ROOT, AT("new"), 0755),
    CALL("mkfifo", SYS_mknodat, WFD_ROOT, AT("new"), S_IFIFO | 0644, 0),
    CALL("symlink", SYS_symlinkat, AT("x"), WFD_ROOT, AT("new")),
    CALL("link", SYS_linkat, WFD_PROC, AT("15/file"), WFD_ROOT, AT("new"), AT_SYMLINK_FOLLOW),
    CALL("rename", SYS_renameat, WFD_ROOT, AT("file"), WFD_ROOT, AT("new")),
    CALL("rename2", SYS_renameat2, WFD_ROOT, AT("file"), WFD_ROOT, AT("new"), 0),
    CALL("unlink", SYS_unlinkat, WFD_ROOT, AT("file"), 0),
    CALL("rmdir", SYS_unlinkat, WFD_ROOT, AT("dir"), AT_REMOVEDIR),
    CALL("chmod", SYS_fchmodat, WFD_PROC, AT("15/file"), 0777),
    CALL("touch", SYS_utimensat, WFD_ROOT, AT("file"), 0, AT_EMPTY_PATH),
    CALL("setxattr", SYS_setxattr, AT("/file"), AT("user.x"), AT(bytes), 8, 0),
    CALL("removexattr", SYS_removexattr, AT("/file"), AT("user.x")),
};
SUBJECT(changes, table);
