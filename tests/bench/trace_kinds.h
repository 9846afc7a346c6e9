/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace_kinds.h - the requests of a recorded trace, as record.c writes them down and trace.c reads them.
 *
 * A trace is text. Lines that begin with # say how it was made. Then comes what has to be there before it begins,
 *     +dir PATH MODE, +file PATH MODE SIZE, +symlink PATH TARGET
 * and then each request of the guest, in the order of the replies: its name and its arguments, "! ERRNO" when the reply
 * was an error (of a walk also: it ended early), "= BYTES" after a read. What was written is not in it.
 */
#ifndef XEN9P_BENCH_TRACE_KINDS_H
#define XEN9P_BENCH_TRACE_KINDS_H

#include "xen9p/p9.h"

struct trace_kind {
    const char *name;
    uint8_t type;
    /*
     * Arguments as they lie in the message. f fid; b, d, q numbers of 1, 4, 8 bytes; m d in octal; s string without white
     * space; w names of a walk; a which attributes, left out for those that Linux mostly asks for; c where a listing goes on: 0 at its beginning, 1 after the last reply, as each server
     * has cookies of its own. What a message has after these is left out.
     */
    const char *args;
};

#define TRACE_ATTRS (P9_GETATTR_BASIC | 0x1000) /* and the generation */

static const struct trace_kind trace_kinds[] = {
    {"attach", P9_TATTACH, "f"},
    {"walk", P9_TWALK, "ffw"},
    {"clunk", P9_TCLUNK, "f"},
    {"getattr", P9_TGETATTR, "fa"},
    {"setattr", P9_TSETATTR, "fdmddqqqqq"},
    {"statfs", P9_TSTATFS, "f"},
    {"open", P9_TLOPEN, "fm"},
    {"create", P9_TLCREATE, "fsmmd"},
    {"read", P9_TREAD, "fqd"},
    {"write", P9_TWRITE, "fqd"},
    {"fsync", P9_TFSYNC, "fd"},
    {"readdir", P9_TREADDIR, "fcd"},
    {"readlink", P9_TREADLINK, "f"},
    {"mkdir", P9_TMKDIR, "fsmd"},
    {"symlink", P9_TSYMLINK, "fssd"},
    {"link", P9_TLINK, "ffs"},
    {"renameat", P9_TRENAMEAT, "fsfs"},
    {"unlinkat", P9_TUNLINKAT, "fsd"},
    {"lock", P9_TLOCK, "fbdqqds"},
    {"getlock", P9_TGETLOCK, "fbqqds"},
    {"xattrwalk", P9_TXATTRWALK, "ffs"},
};
#define NUM_TRACE_KINDS (sizeof(trace_kinds) / sizeof(trace_kinds[0]))

#endif
