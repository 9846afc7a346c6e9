/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * operations.c - the table behind operations.h. Pure data and look-ups.
 */
#include "xen9p/operations.h"

#include <errno.h>
#include <string.h>

#include "xen9p/p9.h"

/* The errors are those that programs know: permission for names and contents, "this file system
 * has none" for the rest; on ENOSYS a Linux client makes up its own statfs. */
const struct operation_info operation_table[OPERATIONS] = {
    {"read",
     OPERATION_READ,
     EACCES,
     {P9_TREAD, P9_TREADDIR, P9_TREADLINK},
     {"preadv2"},
     "contents of files, directories and symbolic links, opening them for reading"},
    {"write",
     OPERATION_WRITE,
     EACCES,
     {P9_TWRITE},
     {"pwritev2", "ftruncate"},
     "contents and size of files, opening them for writing"},
    {"create",
     OPERATION_CREATE,
     EACCES,
     {P9_TLCREATE, P9_TMKDIR},
     {"mkdirat"},
     "new files and directories"},
    {"delete",
     OPERATION_DELETE,
     EACCES,
     {P9_TUNLINKAT},
     {"unlinkat"},
     "removing files and directories; a rename onto an existing name needs it, too"},
    {"rename",
     OPERATION_RENAME,
     EACCES,
     {P9_TRENAME, P9_TRENAMEAT},
     {"renameat", "renameat2"},
     "renaming and moving"},
    {"link", OPERATION_LINK, EPERM, {P9_TLINK}, {"linkat"}, "hard links"},
    {"symlink", OPERATION_SYMLINK, EPERM, {P9_TSYMLINK}, {"symlinkat"}, "new symbolic links"},
    {"mknod", OPERATION_MKNOD, EPERM, {P9_TMKNOD}, {"mknodat"}, "new FIFOs and sockets"},
    {"setattr",
     OPERATION_SETATTR,
     EPERM,
     {0},
     {"fchmodat"},
     "mode, owner and times of one's choice; with write alone, times of now remain"},
    {"xattr",
     OPERATION_XATTR,
     EOPNOTSUPP,
     {P9_TXATTRWALK, P9_TXATTRCREATE},
     {"getxattr", "listxattr", "setxattr", "removexattr"},
     "extended attributes and ACLs"},
    {"lock",
     OPERATION_LOCK,
     ENOLCK,
     {P9_TLOCK, P9_TGETLOCK},
     {"fcntl", "flock"},
     "locks of byte ranges"},
    {"statfs",
     OPERATION_STATFS,
     ENOSYS,
     {P9_TSTATFS},
     {NULL},
     "size and free space of the file system"},
};

uint32_t operation_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        if (strlen(operation_table[i].name) == len &&
            memcmp(operation_table[i].name, name, len) == 0)
            return operation_table[i].bit;
    return 0;
}

int operation_admits(uint32_t allowed, uint8_t type)
{
    if (allowed == OPERATIONS_ALL)
        return 0;
    for (size_t i = 0; i < OPERATIONS; i++) {
        const struct operation_info *o = &operation_table[i];

        if ((allowed & o->bit) == 0 && memchr(o->message, type, sizeof(o->message)) != NULL)
            return -o->error;
    }
    return 0;
}

int operation_refusal(uint32_t allowed, uint32_t needed)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        if ((needed & ~allowed & operation_table[i].bit) != 0)
            return -operation_table[i].error;
    return 0;
}
