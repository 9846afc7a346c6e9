/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_landlock.c - a second fence around the export, where the kernel has Landlock.
 *
 * Everything that this kernel's Landlock can refuse is refused, except what the file operations
 * need below the root. A directory that the host moves out of the export while it is open here: kernels
 * differ in whether what is below it can still be opened. That nothing beside it can be reached does
 * not hang on Landlock, a mount's ".." ends there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockdown_steps.h"
#include "xen9p/descriptors.h"
#include "xen9p/operations.h"

/*
 * The interface as it stands, ABI by ABI, for building with older headers. An older kernel takes
 * the struct if what it does not know is zero.
 */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; /* ABI 4 */
    uint64_t scoped;             /* ABI 6 */
};
#define ACCESS_FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define ACCESS_FS_REFER (UINT64_C(1) << 13)     /* ABI 2 */
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define ACCESS_NET_ALL UINT64_C(3)              /* bind and connect */
#define SCOPE_ALL UINT64_C(3)                   /* abstract sockets, signals */

#define REMOVE (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define MAKE_FILES (LANDLOCK_ACCESS_FS_MAKE_REG | MAKE_SPECIAL | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define MAKE_SPECIAL (LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK)

/*
 * What a group of operations needs below the root. Never: execute, device nodes, ioctl of devices.
 * To Landlock a rename takes a name away and makes one, a link makes one.
 */
static const struct {
    uint32_t operation;
    uint64_t access;
} needs[] = {
    {OPERATION_READ, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR},
    {OPERATION_WRITE, LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE},
    {OPERATION_CREATE, LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR},
    {OPERATION_DELETE, REMOVE},
    {OPERATION_RENAME, REMOVE | MAKE_FILES | LANDLOCK_ACCESS_FS_MAKE_DIR | ACCESS_FS_REFER},
    {OPERATION_LINK, MAKE_FILES | ACCESS_FS_REFER},
    {OPERATION_SYMLINK, LANDLOCK_ACCESS_FS_MAKE_SYM},
    {OPERATION_MKNOD, MAKE_SPECIAL},
};

static struct ruleset handled_by(long abi)
{
    struct ruleset r = {.handled_access_fs = ACCESS_FS_ABI_1};

    if (abi >= 2)
        r.handled_access_fs |= ACCESS_FS_REFER;
    if (abi >= 3)
        r.handled_access_fs |= ACCESS_FS_TRUNCATE;
    if (abi >= 4)
        r.handled_access_net = ACCESS_NET_ALL;
    if (abi >= 5)
        r.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
    if (abi >= 6)
        r.scoped = SCOPE_ALL;
    return r;
}

static int allow(int rules, int below, uint64_t access)
{
    struct landlock_path_beneath_attr attr = {.allowed_access = access, .parent_fd = below};

    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) == 0
               ? 0
               : -errno;
}

static uint64_t below_root(const struct ctl_config *c)
{
    uint32_t operations = OPERATIONS_ALL & ~c->forbidden;
    bool many_owners = c->identity == CTL_IDENTITY_MAPPED || c->identity == CTL_IDENTITY_HOST;
    uint32_t as_files = 0; /* what is a regular file on disk besides regular files */
    uint64_t access = 0;

    if ((c->flags & CTL_FLAG_READ_ONLY) != 0)
        operations &= OPERATIONS_READ_ONLY;
    if (c->identity == CTL_IDENTITY_XATTR)
        as_files = OPERATION_SYMLINK | OPERATION_MKNOD;
    else if (many_owners && (c->flags & CTL_FLAG_DEVICE_NODES) != 0)
        as_files = OPERATION_MKNOD;
    if ((operations & as_files) != 0)
        access |= LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE;
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if ((operations & needs[i].operation) != 0)
            access |= needs[i].access;
    if (c->limits.max_space != 0 || c->limits.max_files != 0)
        access |= LANDLOCK_ACCESS_FS_READ_DIR; /* what is there has to be counted */
    return access;
}

static int add_rules(const struct lockdown *l, int rules, uint64_t handled)
{
    uint64_t access = handled & below_root(&l->w->config);
    int err = access != 0 ? allow(rules, WFD_ROOT, access) : 0; /* a rule of nothing is refused */

    if (err == 0) /* the list of open descriptors, and what the proof reads */
        err = allow(rules, WFD_PROC, LANDLOCK_ACCESS_FS_READ_DIR);
    return err != 0 ? err : allow(rules, WFD_TASKS, LANDLOCK_ACCESS_FS_READ_FILE);
}

int lockdown_landlock(struct lockdown *l)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset r = handled_by(abi);
    int err, rules;

    if (abi < 0) /* not built in, or switched off at boot: the other fences stand */
        return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
    l->value = (uint32_t)abi;
    if (abi < 2)
        return -EOPNOTSUPP; /* no REFER: files could not be moved between directories */
    rules = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
    if (rules < 0)
        return -errno;
    err = add_rules(l, rules, r.handled_access_fs);
    if (err == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        err = -errno;
    close(rules);
    l->landlock = err == 0;
    return err;
}
