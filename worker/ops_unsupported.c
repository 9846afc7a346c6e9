/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_unsupported.c - messages of the dialect that are not served, refused with the error that
 * clients know how to live with.
 */
#include "xen9p/ops.h"

#include <errno.h>

int op_unsupported(struct request *r)
{
    (void)r;
    return -ENOLCK; /* what NFS says without a lock server: programs know it as "no locks here" */
}
