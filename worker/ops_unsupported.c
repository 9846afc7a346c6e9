/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_unsupported.c - messages of the dialect that are not served, refused with the error that
 * clients know how to live with.
 */
#include "xen9p/ops.h"

#include <errno.h>

int op_unsupported(struct request *r)
{
    switch (r->type) {
    case P9_TLOCK:
    case P9_TGETLOCK:
        /* What NFS says without a lock server: programs know it as "no locks here". */
        return -ENOLCK;
    default:
        /* Attributes: anything but this or ENODATA becomes an I/O error in Linux. */
        return -EOPNOTSUPP;
    }
}
