/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * p9.c - small pieces of the 9P wire format that every handler needs.
 */
#include "xen9p/p9.h"

#include <errno.h>
#include <string.h>

static const char *const type_names[256] = {
    [P9_RLERROR] = "Rlerror",       [P9_TSTATFS] = "Tstatfs",
    [P9_TLOPEN] = "Tlopen",         [P9_TLCREATE] = "Tlcreate",
    [P9_TSYMLINK] = "Tsymlink",     [P9_TMKNOD] = "Tmknod",
    [P9_TRENAME] = "Trename",       [P9_TREADLINK] = "Treadlink",
    [P9_TGETATTR] = "Tgetattr",     [P9_TSETATTR] = "Tsetattr",
    [P9_TXATTRWALK] = "Txattrwalk", [P9_TXATTRCREATE] = "Txattrcreate",
    [P9_TREADDIR] = "Treaddir",     [P9_TFSYNC] = "Tfsync",
    [P9_TLOCK] = "Tlock",           [P9_TGETLOCK] = "Tgetlock",
    [P9_TLINK] = "Tlink",           [P9_TMKDIR] = "Tmkdir",
    [P9_TRENAMEAT] = "Trenameat",   [P9_TUNLINKAT] = "Tunlinkat",
    [P9_TVERSION] = "Tversion",     [P9_TAUTH] = "Tauth",
    [P9_TATTACH] = "Tattach",       [P9_RERROR] = "Rerror",
    [P9_TFLUSH] = "Tflush",         [P9_TWALK] = "Twalk",
    [P9_TOPEN] = "Topen",           [P9_TCREATE] = "Tcreate",
    [P9_TREAD] = "Tread",           [P9_TWRITE] = "Twrite",
    [P9_TCLUNK] = "Tclunk",         [P9_TREMOVE] = "Tremove",
    [P9_TSTAT] = "Tstat",           [P9_TWSTAT] = "Twstat",
};

const char *p9_type_name(uint8_t type)
{
    return type_names[type] != NULL ? type_names[type] : "T?";
}

const char *p9_dialect_name(enum p9_dialect d)
{
    switch (d) {
    case P9_DIALECT_LEGACY:
        return "9P2000";
    case P9_DIALECT_U:
        return "9P2000.u";
    case P9_DIALECT_L:
        return "9P2000.L";
    case P9_DIALECT_NONE:
        break;
    }
    return "unknown";
}

void builder_qid(struct builder *b, const struct p9_qid *q)
{
    builder_u8(b, q->type);
    builder_u32(b, q->version);
    builder_u64(b, q->path);
}

int p9_name(struct wire_str s, char out[P9_NAME_MAX + 1])
{
    if (s.len == 0)
        return -ENOENT;
    if (s.len > P9_NAME_MAX)
        return -ENAMETOOLONG;
    if (memchr(s.s, '/', s.len) != NULL || memchr(s.s, '\0', s.len) != NULL)
        return -EINVAL;
    memcpy(out, s.s, s.len);
    out[s.len] = '\0';
    if (strcmp(out, ".") == 0 || strcmp(out, "..") == 0)
        return -EINVAL;
    return 0;
}
