/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_replies.c - the reply to every message of 9P2000.L, byte by byte; those of the other dialects are compared so
 * wherever u9.h is used. What a refusal looks like p9c_finish() checks each time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/lock.h"

static void compare(const uint8_t *got, uint32_t got_len, const uint8_t *want, uint32_t want_len)
{
    for (uint32_t i = 0; i < got_len && i < want_len; i++)
        if (got[i] != want[i])
            FAIL("byte %u is 0x%02x, expected 0x%02x", i, got[i], want[i]);
    CHECK_EQ(got_len, want_len);
}

/* The reply to `tag` must be R`type` with this body, and nothing else. */
static void want(struct p9c *c, uint16_t tag, uint8_t type, const char *fmt, ...)
{
    uint8_t bytes[1024];
    uint32_t len;
    va_list ap;

    va_start(ap, fmt);
    len = p9_vpack(bytes, sizeof(bytes), (uint8_t)(type + 1), tag, fmt, ap);
    va_end(ap);
    tap_note("%s", p9_type_name(type));
    CHECK_OK(p9c_finish(c, tag, type));
    compare(c->reply->bytes, c->reply->len, bytes, len);
}

static struct stat host(const struct rig *g, const char *name)
{
    struct stat st;

    MUST(fstatat(g->root_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
    return st;
}

/* type[1] version[4] path[8] of a file: the version is the worker's, and the same in all replies. */
#define QID(type, name) (type), version_of(c, (name)), (uint64_t)host(c->rig, (name)).st_ino

static uint32_t version_of(struct p9c *c, const char *name)
{
    struct p9_attr a;

    CHECK_OK(p9c_walk(c, 0, 900, name));
    CHECK_OK(p9c_getattr(c, 900, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_clunk(c, 900));
    return a.qid.version;
}

/* The reply says what was made: its qid, and iounit 0 where there is one. */
static void want_made(struct p9c *c, uint16_t tag, uint8_t type, uint8_t qid_type, const char *name)
{
    const bool opens = type == P9_TLCREATE;
    uint8_t got[64], bytes[64];
    uint32_t len, got_len;

    tap_note("%s", p9_type_name(type));
    CHECK_OK(p9c_finish(c, tag, type));
    got_len = c->reply->len;
    CHECK(got_len <= sizeof(got));
    memcpy(got, c->reply->bytes, got_len);
    len = p9_pack(bytes, sizeof(bytes), (uint8_t)(type + 1), tag, opens ? "bdqd" : "bdq",
                  QID(qid_type, name), 0u);
    compare(got, got_len, bytes, len);
}

static void host_file(struct rig *g, const char *name, const char *text)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);

    MUST(fd);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void sessions_and_fids(struct p9c *c)
{
    struct rig *g = c->rig;
    uint16_t tag;

    c->msize = 65536;
    tag = p9c_send(c, P9_TVERSION, "ds", 8192u, "9P2000.L");
    want(c, tag, P9_TVERSION, "ds", 8192u, "9P2000.L");
    tag = p9c_send(c, P9_TVERSION, "ds", UINT32_MAX, "9P2000.L");
    want(c, tag, P9_TVERSION, "ds", g->ring[0].size / 2, "9P2000.L");
    c->negotiated = true;
    c->msize = g->ring[0].size / 2;
    tag = p9c_send(c, P9_TATTACH, "ddssd", 0u, P9_NOFID, "root", "", 0u);
    CHECK_OK(p9c_finish(c, tag, P9_TATTACH));
    tag = p9c_send(c, P9_TATTACH, "ddssd", 1u, P9_NOFID, "root", "/", 1000u);
    want(c, tag, P9_TATTACH, "bdq", QID(P9_QTDIR, ""));
    tag = p9c_send(c, P9_TWALK, "ddw", 0u, 2u, 0);
    want(c, tag, P9_TWALK, "w", 0);
    tag = p9c_send(c, P9_TWALK, "ddwssss", 0u, 3u, 4, "d", "..", "d", "inner");
    want(c, tag, P9_TWALK, "wbdqbdqbdqbdq", 4, QID(P9_QTDIR, "d"), QID(P9_QTDIR, ""),
         QID(P9_QTDIR, "d"), QID(P9_QTFILE, "d/inner"));
    tag = p9c_send(c, P9_TWALK, "ddwss", 0u, 4u, 2, "l", "x"); /* short */
    want(c, tag, P9_TWALK, "wbdq", 1, QID(P9_QTSYMLINK, "l"));
    tag = p9c_send(c, P9_TCLUNK, "d", 3u);
    want(c, tag, P9_TCLUNK, "");
    tag = p9c_send(c, P9_TFLUSH, "w", 4711);
    want(c, tag, P9_TFLUSH, "");
}

static void contents(struct p9c *c)
{
    uint16_t tag;

    CHECK_OK(p9c_walk(c, 0, 10, "f"));
    tag = p9c_send(c, P9_TLOPEN, "dd", 10u, P9_L_RDWR);
    want(c, tag, P9_TLOPEN, "bdqd", QID(P9_QTFILE, "f"), 0u);
    tag = p9c_send(c, P9_TREAD, "dqd", 10u, (uint64_t)1, 3u);
    want(c, tag, P9_TREAD, "dB", 3u, (size_t)3, "ext");
    tag = p9c_send(c, P9_TREAD, "dqd", 10u, (uint64_t)2, 100u);
    want(c, tag, P9_TREAD, "dB", 2u, (size_t)2, "xt");
    tag = p9c_send(c, P9_TREAD, "dqd", 10u, (uint64_t)4, 100u);
    want(c, tag, P9_TREAD, "d", 0u);
    tag = p9c_send(c, P9_TWRITE, "dqdB", 10u, (uint64_t)4, 2u, (size_t)2, "ed");
    want(c, tag, P9_TWRITE, "d", 2u);
    tag = p9c_send(c, P9_TFSYNC, "dd", 10u, 0u);
    want(c, tag, P9_TFSYNC, "");
    CHECK_OK(p9c_walk(c, 0, 11, ""));
    tag = p9c_send(c, P9_TLCREATE, "dsddd", 11u, "new", P9_L_RDWR | P9_L_CREAT, 0644u, 0u);
    want_made(c, tag, P9_TLCREATE, P9_QTFILE, "new");
    tag = p9c_send(c, P9_TLOCK, "dbdqqds", 10u, (int)P9_LOCK_WRLCK, 0u, (uint64_t)5, (uint64_t)6,
                   7u, "client");
    want(c, tag, P9_TLOCK, "b", (int)P9_LOCK_SUCCESS);
    tag = p9c_send(c, P9_TLOCK, "dbdqqds", 10u, (int)P9_LOCK_RDLCK, 0u, (uint64_t)0, (uint64_t)0,
                   8u, "client");
    want(c, tag, P9_TLOCK, "b", (int)P9_LOCK_BLOCKED);
    tag = p9c_send(c, P9_TGETLOCK, "dbqqds", 10u, (int)P9_LOCK_RDLCK, (uint64_t)0, (uint64_t)0, 8u,
                   "another");
    want(c, tag, P9_TGETLOCK, "bqqds", (int)P9_LOCK_WRLCK, (uint64_t)5, (uint64_t)6, 7u, "client");
    tag = p9c_send(c, P9_TGETLOCK, "dbqqds", 10u, (int)P9_LOCK_RDLCK, (uint64_t)50, (uint64_t)9, 8u,
                   "another");
    want(c, tag, P9_TGETLOCK, "bqqds", (int)P9_LOCK_UNLCK, (uint64_t)50, (uint64_t)9, 8u,
         "another");
}

static void want_attr(struct p9c *c, uint32_t fid, const char *name)
{
    struct stat st = host(c->rig, name);
    const uint8_t type = S_ISDIR(st.st_mode)   ? P9_QTDIR
                         : S_ISLNK(st.st_mode) ? P9_QTSYMLINK
                                               : P9_QTFILE;
    const uint64_t rdev = major(st.st_rdev) << 8 | minor(st.st_rdev); /* both small */
    uint32_t version = version_of(c, name);
    uint16_t tag = p9c_send(c, P9_TGETATTR, "dq", fid, P9_GETATTR_BASIC);
    struct p9_attr a;

    CHECK_OK(p9c_getattr(c, fid, 0, &a)); /* for the size of a block */
    CHECK(a.blksize >= 512 && a.blksize <= 65536 && (a.blksize & (a.blksize - 1)) == 0);
    want(c, tag, P9_TGETATTR, "qbdqdddqqqqqqqqqqqqqqq", P9_GETATTR_BASIC, (int)type, version,
         (uint64_t)st.st_ino, (uint32_t)st.st_mode, 0u, 0u, (uint64_t)st.st_nlink, rdev,
         (uint64_t)st.st_size, a.blksize, (uint64_t)st.st_blocks, (uint64_t)st.st_atim.tv_sec,
         (uint64_t)st.st_atim.tv_nsec, (uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec,
         (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec, (uint64_t)0, (uint64_t)0,
         (uint64_t)0, (uint64_t)0);
}

static void attributes(struct p9c *c)
{
    static const char *const names[] = {"f", "d", "l", "p", "c"};
    struct statfs fs;
    uint16_t tag;

    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_OK(p9c_walk(c, 0, 20 + i, names[i]));
        want_attr(c, 20 + i, names[i]);
    }
    tag = p9c_send(c, P9_TSETATTR, "dddddqqqqq", 20u, P9_SETATTR_MODE, 0604u, 0u, 0u, (uint64_t)0,
                   (uint64_t)0, (uint64_t)0, (uint64_t)0, (uint64_t)0);
    want(c, tag, P9_TSETATTR, "");
    want_attr(c, 20, "f");
    MUST(statfs(c->rig->root, &fs));
    CHECK_OK(p9c_rpc(c, P9_TSTATFS, "d", 0u));
    CHECK_EQ(cursor_u32(&c->body), 0x01021997); /* V9FS_MAGIC */
    CHECK_EQ(cursor_u32(&c->body), fs.f_bsize);
    CHECK_EQ(cursor_u64(&c->body), fs.f_blocks);
    CHECK(cursor_u64(&c->body) <= fs.f_blocks); /* others use the disk meanwhile */
    CHECK(cursor_u64(&c->body) <= fs.f_blocks);
    CHECK_EQ(cursor_u64(&c->body), fs.f_files);
    CHECK(cursor_u64(&c->body) <= fs.f_files);
    CHECK_EQ(cursor_u64(&c->body),
             (uint64_t)(uint32_t)fs.f_fsid.__val[0] | (uint64_t)(uint32_t)fs.f_fsid.__val[1] << 32);
    CHECK_EQ(cursor_u32(&c->body), fs.f_namelen);
    p9c_done(c);
    if (setxattr(c->rig->root, "user.probe", "x", 1, 0) != 0)
        return; /* no attributes here */
    tag = p9c_send(c, P9_TXATTRCREATE, "dsqd", 20u, "user.a", (uint64_t)5, 0u);
    want(c, tag, P9_TXATTRCREATE, "");
    tag = p9c_send(c, P9_TWRITE, "dqdB", 20u, (uint64_t)0, 5u, (size_t)5, "value");
    want(c, tag, P9_TWRITE, "d", 5u);
    tag = p9c_send(c, P9_TCLUNK, "d", 20u);
    want(c, tag, P9_TCLUNK, "");
    tag = p9c_send(c, P9_TXATTRWALK, "dds", 10u, 30u, "user.a");
    want(c, tag, P9_TXATTRWALK, "q", (uint64_t)5);
    tag = p9c_send(c, P9_TREAD, "dqd", 30u, (uint64_t)0, 100u);
    want(c, tag, P9_TREAD, "dB", 5u, (size_t)5, "value");
    tag = p9c_send(c, P9_TXATTRWALK, "dds", 10u, 31u, "");
    want(c, tag, P9_TXATTRWALK, "q", (uint64_t)sizeof("user.a"));
    tag = p9c_send(c, P9_TREAD, "dqd", 31u, (uint64_t)0, 100u);
    want(c, tag, P9_TREAD, "dB", 7u, (size_t)7, "user.a");
}

static void names(struct p9c *c)
{
    uint16_t tag;

    tag = p9c_send(c, P9_TMKDIR, "dsdd", 0u, "made", 0750u, 0u);
    want_made(c, tag, P9_TMKDIR, P9_QTDIR, "made");
    tag = p9c_send(c, P9_TMKNOD, "dsdddd", 0u, "fifo", S_IFIFO | 0600u, 0u, 0u, 0u);
    want_made(c, tag, P9_TMKNOD, P9_QTFILE, "fifo");
    tag = p9c_send(c, P9_TSYMLINK, "dssd", 0u, "link", "to/where", 0u);
    want_made(c, tag, P9_TSYMLINK, P9_QTSYMLINK, "link");
    CHECK_OK(p9c_walk(c, 0, 40, "link"));
    tag = p9c_send(c, P9_TREADLINK, "d", 40u);
    want(c, tag, P9_TREADLINK, "s", "to/where");
    tag = p9c_send(c, P9_TLINK, "dds", 0u, 10u, "hard");
    want(c, tag, P9_TLINK, "");
    tag = p9c_send(c, P9_TRENAME, "dds", 40u, 0u, "link2");
    want(c, tag, P9_TRENAME, "");
    tag = p9c_send(c, P9_TRENAMEAT, "dsds", 0u, "fifo", 0u, "fifo2");
    want(c, tag, P9_TRENAMEAT, "");
    tag = p9c_send(c, P9_TUNLINKAT, "dsd", 0u, "fifo2", 0u);
    want(c, tag, P9_TUNLINKAT, "");
    tag = p9c_send(c, P9_TREMOVE, "d", 40u);
    want(c, tag, P9_TREMOVE, "");
}

/* Each entry is qid[13] offset[8] type[1] name[s]; the order and the offsets are the file system's. */
static void entries(struct p9c *c)
{
    uint8_t msg[600];
    uint32_t len, at = P9_HDR_SIZE + 4;
    struct p9_dirent d;
    int seen = 0;

    CHECK_OK(p9c_walk(c, 0, 50, "d"));
    CHECK_OK(p9c_lopen(c, 50, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(c, 50, 0, 1000));
    for (; p9c_dirent(c, &d); seen++, at += len) {
        char path[300];
        struct stat st;
        bool directory = d.name[0] == '.';

        snprintf(path, sizeof(path), "d/%s", d.name);
        st = host(c->rig, path);
        /* the version of an entry is not told: it would take a look at every file */
        len = p9_pack(msg, sizeof(msg), 0, 0, "bdqqbs", directory ? P9_QTDIR : P9_QTFILE, 0u,
                      (uint64_t)st.st_ino, d.offset, directory ? DT_DIR : DT_REG, d.name) -
              P9_HDR_SIZE;
        CHECK(at + len <= c->reply->len);
        CHECK(memcmp(c->reply->bytes + at, msg + P9_HDR_SIZE, len) == 0);
    }
    CHECK_EQ(seen, 3);
    CHECK_EQ(at, c->reply->len);
}

static void every_reply(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    host_file(g, "f", "text");
    MUST(mkdirat(g->root_fd, "d", 0755));
    host_file(g, "d/inner", "");
    MUST(symlinkat("target", g->root_fd, "l"));
    MUST(mkfifoat(g->root_fd, "p", 0644));
    MUST(mknodat(g->root_fd, "c", S_IFCHR | 0600, makedev(1, 3)));
    p9c_init(&c, g);
    sessions_and_fids(&c);
    contents(&c);
    attributes(&c);
    names(&c);
    entries(&c);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"every_reply", every_reply, 0, 0},
};
TAP_SUITE(replies, cases);
