/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * p9c.h - a small 9P2000.L client over a rig.
 *
 * Calls return 0 or the errno of an Rlerror. A reply of the wrong type, with a wrong size or with
 * an impossible errno fails the case. `fmt` letters: b u8, w u16, d u32, q u64, s string (char *),
 * S string (size_t length, pointer), B bytes (size_t length, pointer).
 */
#ifndef XEN9P_TESTS_P9C_H
#define XEN9P_TESTS_P9C_H

#include <stdarg.h>

#include "harness.h"

struct p9c {
    struct rig *rig;
    int ring; /* -1: tag % rings, as Linux does */
    uint32_t msize;
    bool negotiated; /* errors are Rlerror */
    uint16_t next_tag;
    struct reply *reply; /* of the last call */
    struct cursor body;  /* over its body */
    struct p9_qid qid;   /* last one that a call returned */
    uint32_t nwqid;      /* of the last walk */
    struct p9_qid wqid[P9_MAXWELEM];
};

/* Client without a session; with one (Tversion 9P2000.L, msize the largest allowed, attach fid 0). */
void p9c_init(struct p9c *c, struct rig *g);
void p9c_mount(struct p9c *c, struct rig *g);

/* Packs a message into `buf` of `cap` bytes; returns its length. */
uint32_t p9_pack(uint8_t *buf, size_t cap, uint8_t type, uint16_t tag, const char *fmt, ...);
uint32_t p9_vpack(uint8_t *buf, size_t cap, uint8_t type, uint16_t tag, const char *fmt,
                  va_list ap);

uint32_t p9c_ring(const struct p9c *c, uint16_t tag);
uint16_t p9c_tag(struct p9c *c);
/* Sends a request, returns its tag. */
uint16_t p9c_send(struct p9c *c, uint8_t type, const char *fmt, ...);
void p9c_send_raw(struct p9c *c, const void *msg, uint32_t len);
/* Waits for the reply to a request of this type: errno or 0. */
int p9c_finish(struct p9c *c, uint16_t tag, uint8_t type);
/* Both. */
int p9c_rpc(struct p9c *c, uint8_t type, const char *fmt, ...);
/* The body of the last reply must have been read to its end. */
void p9c_done(struct p9c *c);

struct p9_attr {
    uint64_t valid;
    struct p9_qid qid;
    uint32_t mode, uid, gid;
    uint64_t nlink, rdev, size, blksize, blocks;
    uint64_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, btime, btime_ns;
    uint64_t gen, data_version;
};
struct p9_statfs {
    uint32_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree, fsid;
    uint32_t namelen;
};
struct p9_dirent {
    struct p9_qid qid;
    uint64_t offset;
    uint8_t type;
    char name[P9_NAME_MAX + 1];
};

/* Returns 0 and the dialect's name in `got` (room for 16), or an errno. */
int p9c_version(struct p9c *c, uint32_t msize, const char *version, char *got);
int p9c_attach(struct p9c *c, uint32_t fid, uint32_t afid, const char *aname, uint32_t n_uname);
int p9c_walkv(struct p9c *c, uint32_t fid, uint32_t newfid, uint32_t n, const char *const *names);
/* Walks a path ("a/b/c", "" clones); ENOENT when it ends early. */
int p9c_walk(struct p9c *c, uint32_t fid, uint32_t newfid, const char *path);
int p9c_clunk(struct p9c *c, uint32_t fid);
int p9c_remove(struct p9c *c, uint32_t fid);
int p9c_lopen(struct p9c *c, uint32_t fid, uint32_t flags);
int p9c_lcreate(struct p9c *c, uint32_t fid, const char *name, uint32_t flags, uint32_t mode);
int p9c_read(struct p9c *c, uint32_t fid, uint64_t offset, void *buf, uint32_t count,
             uint32_t *got);
int p9c_write(struct p9c *c, uint32_t fid, uint64_t offset, const void *buf, uint32_t count,
              uint32_t *written);
/* In pieces of what msize allows; fails the case on a short write. */
int p9c_write_all(struct p9c *c, uint32_t fid, uint64_t offset, const void *buf, size_t len);
int p9c_read_all(struct p9c *c, uint32_t fid, uint64_t offset, void *buf, size_t len, size_t *got);
int p9c_fsync(struct p9c *c, uint32_t fid, uint32_t datasync);
int p9c_getattr(struct p9c *c, uint32_t fid, uint64_t mask, struct p9_attr *a);
int p9c_setattr(struct p9c *c, uint32_t fid, uint32_t valid, const struct p9_attr *a);
int p9c_statfs(struct p9c *c, uint32_t fid, struct p9_statfs *s);
/* The entries stand in c->body; p9c_dirent() takes one, false at the end. */
int p9c_readdir(struct p9c *c, uint32_t fid, uint64_t offset, uint32_t count);
bool p9c_dirent(struct p9c *c, struct p9_dirent *d);
int p9c_mkdir(struct p9c *c, uint32_t dfid, const char *name, uint32_t mode);
int p9c_mknod(struct p9c *c, uint32_t dfid, const char *name, uint32_t mode, uint32_t major,
              uint32_t minor);
int p9c_symlink(struct p9c *c, uint32_t dfid, const char *name, const char *target);
int p9c_readlink(struct p9c *c, uint32_t fid, char *target, size_t cap);
int p9c_link(struct p9c *c, uint32_t dfid, uint32_t fid, const char *name);
int p9c_rename(struct p9c *c, uint32_t fid, uint32_t dfid, const char *name);
int p9c_renameat(struct p9c *c, uint32_t odir, const char *oname, uint32_t ndir, const char *nname);
int p9c_unlinkat(struct p9c *c, uint32_t dfid, const char *name, uint32_t flags);
int p9c_flush(struct p9c *c, uint16_t oldtag);
struct p9_lock {
    uint8_t type, status;
    uint32_t flags;
    uint64_t start, len;
    uint32_t proc_id;
    const char *client;
    char got_client[64]; /* Rgetlock's */
};
/* The reply's status in l->status; the reply's fields instead of those asked for. */
int p9c_lock(struct p9c *c, uint32_t fid, struct p9_lock *l);
int p9c_getlock(struct p9c *c, uint32_t fid, struct p9_lock *l);
int p9c_xattrwalk(struct p9c *c, uint32_t fid, uint32_t newfid, const char *name, uint64_t *size);
int p9c_xattrcreate(struct p9c *c, uint32_t fid, const char *name, uint64_t size, uint32_t flags);

#endif
