/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * marks.c - files that would hurt the host when somebody runs or opens them there: setuid, setgid,
 * capabilities, device nodes, other owners. The export belongs to root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

/* Mode with bits above the sixteen that a mode has: truncated somewhere it would be another one. */
#define HIGH(mode) ((1ull << 32) | (mode))

#define DEVICE(major, minor) ((major) << 8 | (minor))

static char number[24];

/* The name of the export's file in the descriptor tree, for fchmodat(). */
static long numbered(const char *path, int flags)
{
    long fd =
        attack(SYS_openat, WFD_ROOT, AT(path), (uintptr_t)flags | O_CLOEXEC | O_NOFOLLOW, 0, 0, 0);

    if (fd >= 0)
        (void)snprintf(number, sizeof(number), "%ld", fd);
    return fd;
}

static long chmod_file(uintptr_t mode)
{
    long fd = numbered("file", O_PATH);

    return fd < 0 ? 0 : attack(SYS_fchmodat, WFD_PROC, AT(number), mode, 0, 0, 0);
}

static long chmod_setuid(struct hostile *h)
{
    (void)h;
    return chmod_file(04755);
}

static long chmod_setgid(struct hostile *h)
{
    (void)h;
    return chmod_file(02755);
}

static long chmod_high_bits(struct hostile *h)
{
    (void)h;
    return chmod_file(HIGH(04755));
}

static long chmod_file_type(struct hostile *h)
{
    (void)h;
    return chmod_file(S_IFCHR | 0666);
}

/* The host has left a setuid program of root's in the export: other code, same bit? */
static long write_into_setuid(struct hostile *h)
{
    struct iovec iov = {number, 2};
    long fd = numbered("suid", O_RDWR);

    (void)h;
    if (fd < 0)
        return fd;
    if (attack(SYS_pwritev2, (uintptr_t)fd, AT(&iov), 1, 0, 0, 0) < 0)
        return -EPERM;
    return attack(SYS_ftruncate, (uintptr_t)fd, 2, 0, 0, 0, 0);
}

static long truncate_setuid(struct hostile *h)
{
    long fd = numbered("suid", O_RDWR | O_TRUNC);

    (void)h;
    return fd;
}

/* A program that has file capabilities. */
static long write_into_capable(struct hostile *h)
{
    struct iovec iov = {number, 2};
    long fd = numbered("capable", O_RDWR);

    (void)h;
    return fd < 0 ? fd : attack(SYS_pwritev2, (uintptr_t)fd, AT(&iov), 1, 0, 0, 0);
}

static long xattr_capability(struct hostile *h)
{
    /* version 2, effective, everything permitted */
    static const unsigned char everything[20] = {1,    0,    0,    2,    0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    (void)h;
    return attack(SYS_setxattr, AT("/file"), AT("security.capability"), AT(everything),
                  sizeof(everything), 0, 0);
}

static long xattr_trusted(struct hostile *h)
{
    (void)h;
    return attack(SYS_setxattr, AT("/dir"), AT("trusted.overlay.opaque"), AT("y"), 1, 0, 0);
}

static long xattr_outside(struct hostile *h)
{
    static const char *const paths[] = {"../outside/secret",
                                        "%o/secret",
                                        "/../outside/secret",
                                        "../mem",
                                        "/to-secret",
                                        "15/to-secret",
                                        "15/../outside/secret",
                                        "0",
                                        "3",
                                        NULL};
    char buf[512];
    long res = -ENOENT;

    for (const char *const *p = paths; *p != NULL && res < 0; p++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        res = attack(SYS_setxattr, AT(resolve(h, *p, buf, sizeof(buf))), AT("user.x"), AT("y"), 1,
                     0, 0);
    }
    return res;
}

static long xattr_labels(struct hostile *h)
{
    static const char *const names[] = {"security.ima", "security.evm", "security.SMACK64EXEC",
                                        "trusted.x", NULL};
    long res = -EPERM;

    for (const char *const *n = names; *n != NULL && res < 0; n++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *n);
        res = attack(SYS_setxattr, AT("/file"), AT(*n), AT("x"), 1, 0, 0);
    }
    return res;
}

/*
 * A kernel that has SELinux and no policy for it leaves its label to the owner of the file: then this
 * succeeds, and means something on the day on which a policy is loaded.
 */
static long xattr_selinux(struct hostile *h)
{
    (void)h;
    return attack(SYS_setxattr, AT("/file"), AT("security.selinux"), AT("x"), 1, 0, 0);
}

/* An ACL that lets one more user of the host in: ids that are none in here. */
static long xattr_acl(struct hostile *h)
{
    static const uint16_t acl[] = {2,  0,                  /* version */
                                   1,  7, 0xffff, 0xffff,  /* owner */
                                   2,  7, 1000,   0,       /* user 1000 */
                                   4,  5, 0xffff, 0xffff,  /* group */
                                   16, 7, 0xffff, 0xffff,  /* mask */
                                   32, 5, 0xffff, 0xffff}; /* others */

    (void)h;
    return attack(SYS_setxattr, AT("/file"), AT("system.posix_acl_access"), AT(acl), sizeof(acl), 0,
                  0);
}

/* Reading, where the name need not be one of the worker's. */
static long xattr_read_outside(struct hostile *h)
{
    static const char *const paths[] = {"../outside/secret",    "%o/secret", "/to-secret",
                                        "15/../outside/secret", "../mem",    NULL};
    char buf[512];
    long res = -ENOENT;

    for (const char *const *p = paths; *p != NULL && res < 0; p++) {
        const char *path = resolve(h, *p, buf, sizeof(buf));

        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        res = attack(SYS_listxattr, AT(path), AT(h->brief->loot), 1024, 0, 0, 0);
        if (res < 0)
            res = attack(SYS_getxattr, AT(path), AT("user.secret"), AT(h->brief->loot), 1024, 0, 0);
    }
    return res;
}

/* Owners: of the export's file, of one outside. */
static long chown_file(struct hostile *h)
{
    (void)h;
    return attack(SYS_fchownat, WFD_ROOT, AT("file"), 1000, 1000, AT_SYMLINK_NOFOLLOW, 0);
}

#define CALL(name, nr, ...) CALL_UNDER(BOTH, name, nr, __VA_ARGS__)
#define RUN(name, outcome) RUN_UNDER(BOTH, name, outcome)
#define NEW (O_CREAT | O_RDWR)

static const struct attempt table[] = {
    RUN(chmod_setuid, KILLED),
    RUN(chmod_setgid, KILLED),
    RUN(chmod_high_bits, KILLED),
    RUN(chmod_file_type, KILLED),
    WRITES(write_into_setuid, VAIN),
    WRITES(truncate_setuid, VAIN),
    WRITES(write_into_capable, VAIN),
    RUN(xattr_capability, KILLED | REFUSED),
    RUN(xattr_trusted, KILLED | REFUSED),
    RUN(xattr_outside, KILLED | REFUSED),
    RUN(xattr_labels, KILLED | REFUSED),
    WRITES(xattr_selinux, VAIN),
    RUN(xattr_acl, KILLED | REFUSED),
    RUN(xattr_read_outside, KILLED | REFUSED),
    RUN(chown_file, KILLED | REFUSED),
    CALL("create_setuid", SYS_openat, WFD_ROOT, AT("new"), NEW, 04755),
    CALL("create_setgid", SYS_openat, WFD_ROOT, AT("new"), NEW, 02755),
    CALL("create_setuid_high_bits", SYS_openat, WFD_ROOT, AT("new"), NEW, HIGH(04755)),
    CALL("mkdir_setgid", SYS_mkdirat, WFD_ROOT, AT("new"), 02777),
    CALL("mkdir_setuid", SYS_mkdirat, WFD_ROOT, AT("new"), 04777),
    CALL("mknod_character", SYS_mknodat, WFD_ROOT, AT("new"), S_IFCHR | 0666, DEVICE(1, 1)),
    CALL("mknod_block", SYS_mknodat, WFD_ROOT, AT("new"), S_IFBLK | 0666, DEVICE(254, 0)),
    CALL("mknod_whiteout", SYS_mknodat, WFD_ROOT, AT("new"), S_IFCHR, 0),
    CALL("mknod_setuid", SYS_mknodat, WFD_ROOT, AT("new"), S_IFREG | 04755, 0),
    CALL("mknod_fifo_setuid", SYS_mknodat, WFD_ROOT, AT("new"), S_IFIFO | 04755, 0),
    CALL("mknod_no_type", SYS_mknodat, WFD_ROOT, AT("new"), 04755, 0),
    CALL("mknod", SYS_mknod, AT("/new"), S_IFCHR | 0666, DEVICE(1, 1)),
    CALL("chmod", SYS_chmod, AT("/file"), 04755),
    CALL("fchmod", SYS_fchmod, WFD_FIRST_FREE, 04755),
    CALL("fchmodat_root", SYS_fchmodat, WFD_ROOT, AT("file"), 0755),
    CALL("fchmodat2", 452, WFD_ROOT, AT("file"), 04755, 0),
    CALL("chown", SYS_chown, AT("/file"), 0, 0),
    CALL("lchown", SYS_lchown, AT("/file"), 0, 0),
    CALL("fchown", SYS_fchown, WFD_FIRST_FREE, 0, 0),
    CALL("lsetxattr", SYS_lsetxattr, AT("/file"), AT("user.x"), AT("y"), 1, 0),
    CALL("fsetxattr", SYS_fsetxattr, WFD_FIRST_FREE, AT("user.x"), AT("y"), 1, 0),
};
SUBJECT(marks, table);
