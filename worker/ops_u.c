/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_u.c - the messages of 9P2000 and 9P2000.u. They are the same ones; their handlers know the few fields that
 * 9P2000.u adds. Walking, reading, writing and removing is done by the handlers of 9P2000.L.
 */
#include "xen9p/ops.h"

#include "xen9p/session.h"

#define OP_WB (SESSION_OP_WRITE | SESSION_OP_BLOCK)

const struct session_op session_ops_u[256] = {
    [P9_TAUTH] = {op_auth, 0},
    [P9_TATTACH] = {op_attach, 0},
    [P9_TFLUSH] = {op_flush, SESSION_OP_QUICK},
    [P9_TWALK] = {op_walk, 0},
    [P9_TOPEN] = {op_open, SESSION_OP_BLOCK}, /* judges read-only exports itself, as Tlopen */
    [P9_TCREATE] = {op_create, OP_WB},        /* asks the policy itself: it makes many things */
    [P9_TREAD] = {op_read, SESSION_OP_QUICK},
    [P9_TWRITE] = {op_write, OP_WB},
    [P9_TCLUNK] = {op_clunk, 0},
    [P9_TREMOVE] = {op_remove, SESSION_OP_BLOCK},
    [P9_TSTAT] = {op_stat, 0},
    [P9_TWSTAT] = {op_wstat, SESSION_OP_SYNC}, /* so does this; without a change it is an fsync */
};
