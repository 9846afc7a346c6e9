/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * p9.h - constants and small types of the 9P protocol: 9P2000, 9P2000.u, 9P2000.L.
 *
 * A message is size[4] type[1] tag[2] body, little-endian, size counting itself.
 */
#ifndef XEN9P_P9_H
#define XEN9P_P9_H

#include <stddef.h>
#include <stdint.h>

#include "xen9p/cursor.h"

#define P9_HDR_SIZE 7u
#define P9_NOTAG 0xffffu
#define P9_NOFID 0xffffffffu
#define P9_NONUNAME 0xffffffffu
#define P9_ENAME_MAX 126u                      /* longest text of an Rerror that Linux reads */
#define P9_ERROR_SIZE (2u + P9_ENAME_MAX + 4u) /* body of the longest Rerror */
#define P9_MAXWELEM 16u
#define P9_QID_SIZE 13u
#define P9_MIN_MSIZE 4096u /* smallest msize we negotiate (Linux refuses less) */
/* Rread and Rreaddir: header and count[4] in front of the data. */
#define P9_IOHDR_SIZE 11u
/* Twrite: header, fid[4], offset[8], count[4] in front of the data. */
#define P9_TWRITE_HDR_SIZE 23u

enum p9_type {
    P9_RLERROR = 7,
    P9_TSTATFS = 8,
    P9_TLOPEN = 12,
    P9_TLCREATE = 14,
    P9_TSYMLINK = 16,
    P9_TMKNOD = 18,
    P9_TRENAME = 20,
    P9_TREADLINK = 22,
    P9_TGETATTR = 24,
    P9_TSETATTR = 26,
    P9_TXATTRWALK = 30,
    P9_TXATTRCREATE = 32,
    P9_TREADDIR = 40,
    P9_TFSYNC = 50,
    P9_TLOCK = 52,
    P9_TGETLOCK = 54,
    P9_TLINK = 70,
    P9_TMKDIR = 72,
    P9_TRENAMEAT = 74,
    P9_TUNLINKAT = 76,
    P9_TVERSION = 100,
    P9_TAUTH = 102,
    P9_TATTACH = 104,
    P9_RERROR = 107,
    P9_TFLUSH = 108,
    P9_TWALK = 110,
    P9_TOPEN = 112,
    P9_TCREATE = 114,
    P9_TREAD = 116,
    P9_TWRITE = 118,
    P9_TCLUNK = 120,
    P9_TREMOVE = 122,
    P9_TSTAT = 124,
    P9_TWSTAT = 126,
}; /* the reply to type T is T + 1 */

enum p9_dialect {
    P9_DIALECT_NONE = 0, /* before the first Tversion */
    P9_DIALECT_LEGACY = 1,
    P9_DIALECT_U = 2,
    P9_DIALECT_L = 3,
};

/* qid.type */
#define P9_QTDIR 0x80u
#define P9_QTSYMLINK 0x02u
#define P9_QTFILE 0x00u

struct p9_qid {
    uint8_t type;
    uint32_t version;
    uint64_t path;
};

/* Open flags of Tlopen/Tlcreate: Linux x86 octal on every architecture. */
#define P9_L_ACCMODE 03u
#define P9_L_RDONLY 00u
#define P9_L_WRONLY 01u
#define P9_L_RDWR 02u
#define P9_L_CREAT 0100u
#define P9_L_EXCL 0200u
#define P9_L_NOCTTY 0400u
#define P9_L_TRUNC 01000u
#define P9_L_APPEND 02000u
#define P9_L_NONBLOCK 04000u
#define P9_L_DSYNC 010000u
#define P9_L_DIRECT 040000u
#define P9_L_LARGEFILE 0100000u
#define P9_L_DIRECTORY 0200000u
#define P9_L_NOFOLLOW 0400000u
#define P9_L_NOATIME 01000000u
#define P9_L_SYNC 04000000u

/* Mode of Topen and Tcreate, 9P2000 and 9P2000.u: open(5). */
#define P9_OREAD 0x00u
#define P9_OWRITE 0x01u
#define P9_ORDWR 0x02u
#define P9_OEXEC 0x03u
#define P9_OACCMODE 0x03u
#define P9_OTRUNC 0x10u
#define P9_ORCLOSE 0x40u
#define P9_OAPPEND 0x80u

/* mode of a stat and perm of Tcreate, beside the permission bits: stat(5), and what 9P2000.u adds. */
#define P9_DMDIR 0x80000000u
#define P9_DMAPPEND 0x40000000u
#define P9_DMEXCL 0x20000000u
#define P9_DMTMP 0x04000000u
#define P9_DMSYMLINK 0x02000000u
#define P9_DMLINK 0x01000000u
#define P9_DMDEVICE 0x00800000u
#define P9_DMNAMEDPIPE 0x00200000u
#define P9_DMSOCKET 0x00100000u
#define P9_DMSETUID 0x00080000u
#define P9_DMSETGID 0x00040000u
#define P9_DMSETVTX 0x00010000u

#define P9_AT_REMOVEDIR 0x200u /* Tunlinkat flags */

/* Tgetattr request mask / Rgetattr valid */
#define P9_GETATTR_BASIC 0x7ffull
#define P9_GETATTR_BTIME 0x800ull

/* Tsetattr valid */
#define P9_SETATTR_MODE 0x001u
#define P9_SETATTR_UID 0x002u
#define P9_SETATTR_GID 0x004u
#define P9_SETATTR_SIZE 0x008u
#define P9_SETATTR_ATIME 0x010u
#define P9_SETATTR_MTIME 0x020u
#define P9_SETATTR_CTIME 0x040u
#define P9_SETATTR_ATIME_SET 0x080u
#define P9_SETATTR_MTIME_SET 0x100u

/* Name of a message type ("Twalk"), "T?" for one that is none. Never NULL. */
const char *p9_type_name(uint8_t type);
/* Protocol version string of a dialect ("9P2000.L"). Never NULL. */
const char *p9_dialect_name(enum p9_dialect d);

void builder_qid(struct builder *b, const struct p9_qid *q);

/*
 * Copies the wire string `s` to `out` as a file name that may be handed to an *at() system call:
 * 1..255 bytes, no '/', no NUL, not "." and not "..".
 * -ENOENT empty, -ENAMETOOLONG over 255 bytes, -EINVAL any of the others.
 */
#define P9_NAME_MAX 255u
int p9_name(struct wire_str s, char out[P9_NAME_MAX + 1]);

#endif
