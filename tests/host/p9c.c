/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * p9c.c - a small 9P2000.L client over a rig.
 */
#include "p9c.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

uint32_t p9_vpack(uint8_t *buf, size_t cap, uint8_t type, uint16_t tag, const char *fmt, va_list ap)
{
    struct builder b;
    uint32_t len;

    builder_init(&b, buf, cap);
    builder_u32(&b, 0);
    builder_u8(&b, type);
    builder_u16(&b, tag);
    for (; *fmt != '\0'; fmt++) {
        const char *s;
        size_t n;

        switch (*fmt) {
        case 'b':
            builder_u8(&b, (uint8_t)va_arg(ap, int));
            break;
        case 'w':
            builder_u16(&b, (uint16_t)va_arg(ap, int));
            break;
        case 'd':
            builder_u32(&b, va_arg(ap, uint32_t));
            break;
        case 'q':
            builder_u64(&b, va_arg(ap, uint64_t));
            break;
        case 's':
            s = va_arg(ap, const char *);
            builder_str(&b, s, strlen(s));
            break;
        case 'S':
            n = va_arg(ap, size_t);
            builder_str(&b, va_arg(ap, const char *), n);
            break;
        case 'B':
            n = va_arg(ap, size_t);
            builder_bytes(&b, va_arg(ap, const void *), n);
            break;
        default:
            FAIL("format letter '%c'", *fmt);
        }
    }
    CHECK(!b.bad);
    len = (uint32_t)builder_len(&b);
    builder_init(&b, buf, 4);
    builder_u32(&b, len);
    return len;
}

uint32_t p9_pack(uint8_t *buf, size_t cap, uint8_t type, uint16_t tag, const char *fmt, ...)
{
    va_list ap;
    uint32_t len;

    va_start(ap, fmt);
    len = p9_vpack(buf, cap, type, tag, fmt, ap);
    va_end(ap);
    return len;
}

void p9c_init(struct p9c *c, struct rig *g)
{
    memset(c, 0, sizeof(*c));
    c->rig = g;
    c->ring = -1;
    c->msize = 8192;
}

void p9c_mount(struct p9c *c, struct rig *g)
{
    char got[16];

    p9c_init(c, g);
    CHECK_OK(p9c_version(c, UINT32_MAX, "9P2000.L", got));
    CHECK(strcmp(got, "9P2000.L") == 0);
    CHECK_OK(p9c_attach(c, 0, P9_NOFID, "", 0));
    rig_events(g); /* the worker drops what nobody takes */
}

uint32_t p9c_ring(const struct p9c *c, uint16_t tag)
{
    return c->ring >= 0 ? (uint32_t)c->ring : tag % c->rig->cfg.num_rings;
}

uint16_t p9c_tag(struct p9c *c)
{
    do
        c->next_tag = c->next_tag >= 0xfff0 ? 0 : (uint16_t)(c->next_tag + 1);
    while (c->rig->ring[p9c_ring(c, c->next_tag)].in_flight[c->next_tag] != 0);
    return c->next_tag;
}

void p9c_send_raw(struct p9c *c, const void *msg, uint32_t len)
{
    const uint8_t *p = msg;

    rig_put(c->rig, p9c_ring(c, (uint16_t)(p[5] | p[6] << 8)), msg, len);
}

static uint16_t send_va(struct p9c *c, uint8_t type, const char *fmt, va_list ap)
{
    size_t cap = c->msize + 65536;
    uint8_t *buf = malloc(cap);
    uint16_t tag = type == P9_TVERSION ? P9_NOTAG : p9c_tag(c);
    uint32_t len;

    CHECK(buf != NULL);
    len = p9_vpack(buf, cap, type, tag, fmt, ap);
    rig_put(c->rig, p9c_ring(c, tag), buf, len);
    free(buf);
    return tag;
}

uint16_t p9c_send(struct p9c *c, uint8_t type, const char *fmt, ...)
{
    va_list ap;
    uint16_t tag;

    va_start(ap, fmt);
    tag = send_va(c, type, fmt, ap);
    va_end(ap);
    return tag;
}

int p9c_finish(struct p9c *c, uint16_t tag, uint8_t type)
{
    free(c->reply);
    c->reply = rig_wait(c->rig, p9c_ring(c, tag), tag);
    cursor_init(&c->body, c->reply->bytes + P9_HDR_SIZE, c->reply->len - P9_HDR_SIZE);
    if (c->reply->len >= c->msize && type != P9_TVERSION)
        FAIL("%s: reply of %u bytes with msize %u", p9_type_name(type), c->reply->len, c->msize);
    if (c->reply->type == P9_RLERROR) {
        uint32_t error = cursor_u32(&c->body);

        if (!cursor_done(&c->body))
            FAIL("%s: Rlerror of %u bytes", p9_type_name(type), c->reply->len);
        if (error == 0 || error > 4095 || error == 524)
            FAIL("%s: Rlerror with errno %u", p9_type_name(type), error);
        return (int)error;
    }
    if (c->reply->type == P9_RERROR && !c->negotiated) { /* no dialect yet: the oldest form */
        struct wire_str text = cursor_str(&c->body);

        CHECK(text.len > 0 && text.len <= 126 && cursor_done(&c->body));
        return EPROTO;
    }
    if (c->reply->type != type + 1)
        FAIL("%s: reply of type %u", p9_type_name(type), c->reply->type);
    return 0;
}

int p9c_rpc(struct p9c *c, uint8_t type, const char *fmt, ...)
{
    va_list ap;
    uint16_t tag;

    va_start(ap, fmt);
    tag = send_va(c, type, fmt, ap);
    va_end(ap);
    return p9c_finish(c, tag, type);
}

void p9c_done(struct p9c *c)
{
    if (!cursor_done(&c->body))
        FAIL("reply of type %u and %u bytes: %s", c->reply->type, c->reply->len,
             c->body.bad ? "too short" : "too long");
}

static struct p9_qid take_qid(struct cursor *b)
{
    struct p9_qid q;

    q.type = cursor_u8(b);
    q.version = cursor_u32(b);
    q.path = cursor_u64(b);
    return q;
}

static void take_str(struct cursor *b, char *to, size_t cap)
{
    struct wire_str s = cursor_str(b);

    CHECK(s.len < cap);
    memcpy(to, s.s, s.len);
    to[s.len] = '\0';
}

/* A reply without a body, and one with a qid. */
static int plain(struct p9c *c, int err)
{
    if (err == 0)
        p9c_done(c);
    return err;
}

static int with_qid(struct p9c *c, int err)
{
    if (err == 0) {
        c->qid = take_qid(&c->body);
        p9c_done(c);
    }
    return err;
}

static int with_qid_iounit(struct p9c *c, int err)
{
    if (err == 0) {
        c->qid = take_qid(&c->body);
        CHECK(cursor_u32(&c->body) <= c->msize - 24); /* iounit: 0, or what fits */
        p9c_done(c);
    }
    return err;
}

int p9c_version(struct p9c *c, uint32_t msize, const char *version, char *got)
{
    int err = p9c_rpc(c, P9_TVERSION, "ds", msize, version);
    uint32_t agreed;

    if (err != 0)
        return err;
    agreed = cursor_u32(&c->body);
    take_str(&c->body, got, 16);
    p9c_done(c);
    CHECK(agreed <= msize);
    if (strcmp(got, "unknown") != 0) {
        CHECK(agreed <= c->rig->ring[0].size / 2);
        c->msize = agreed;
    }
    c->negotiated = strcmp(got, "unknown") != 0;
    return 0;
}

int p9c_attach(struct p9c *c, uint32_t fid, uint32_t afid, const char *aname, uint32_t n_uname)
{
    return with_qid(c, p9c_rpc(c, P9_TATTACH, "ddssd", fid, afid, "", aname, n_uname));
}

int p9c_walkv(struct p9c *c, uint32_t fid, uint32_t newfid, uint32_t n, const char *const *names)
{
    uint8_t body[P9_MAXWELEM * (P9_NAME_MAX + 2)];
    struct builder b;
    int err;

    builder_init(&b, body, sizeof(body));
    for (uint32_t i = 0; i < n; i++)
        builder_str(&b, names[i], strlen(names[i]));
    CHECK(!b.bad);
    err = p9c_rpc(c, P9_TWALK, "ddwB", fid, newfid, (int)n, builder_len(&b), body);
    if (err != 0)
        return err;
    c->nwqid = cursor_u16(&c->body);
    CHECK(c->nwqid <= n);
    for (uint32_t i = 0; i < c->nwqid; i++)
        c->wqid[i] = take_qid(&c->body);
    if (c->nwqid > 0)
        c->qid = c->wqid[c->nwqid - 1];
    p9c_done(c);
    return 0;
}

int p9c_walk(struct p9c *c, uint32_t fid, uint32_t newfid, const char *path)
{
    const char *names[P9_MAXWELEM];
    char copy[P9_MAXWELEM * (P9_NAME_MAX + 1) + 1], *save;
    uint32_t n = 0;
    int err;

    CHECK(strlen(path) < sizeof(copy));
    strcpy(copy, path);
    for (char *s = strtok_r(copy, "/", &save); s != NULL; s = strtok_r(NULL, "/", &save)) {
        CHECK(n < P9_MAXWELEM);
        names[n++] = s;
    }
    err = p9c_walkv(c, fid, newfid, n, names);
    return err == 0 && c->nwqid < n ? ENOENT : err;
}

int p9c_clunk(struct p9c *c, uint32_t fid)
{
    return plain(c, p9c_rpc(c, P9_TCLUNK, "d", fid));
}

int p9c_remove(struct p9c *c, uint32_t fid)
{
    return plain(c, p9c_rpc(c, P9_TREMOVE, "d", fid));
}

int p9c_lopen(struct p9c *c, uint32_t fid, uint32_t flags)
{
    return with_qid_iounit(c, p9c_rpc(c, P9_TLOPEN, "dd", fid, flags));
}

int p9c_lcreate(struct p9c *c, uint32_t fid, const char *name, uint32_t flags, uint32_t mode)
{
    return with_qid_iounit(c, p9c_rpc(c, P9_TLCREATE, "dsddd", fid, name, flags, mode, 0u));
}

int p9c_read(struct p9c *c, uint32_t fid, uint64_t offset, void *buf, uint32_t count, uint32_t *got)
{
    int err = p9c_rpc(c, P9_TREAD, "dqd", fid, offset, count);
    uint32_t n;

    if (err != 0)
        return err;
    n = cursor_u32(&c->body);
    CHECK(n <= count);
    CHECK_EQ(c->reply->len, P9_IOHDR_SIZE + n);
    memcpy(buf, cursor_bytes(&c->body, n), n);
    *got = n;
    return 0;
}

int p9c_write(struct p9c *c, uint32_t fid, uint64_t offset, const void *buf, uint32_t count,
              uint32_t *written)
{
    int err = p9c_rpc(c, P9_TWRITE, "dqdB", fid, offset, count, (size_t)count, buf);

    if (err != 0)
        return err;
    *written = cursor_u32(&c->body);
    p9c_done(c);
    CHECK(*written <= count);
    return 0;
}

int p9c_write_all(struct p9c *c, uint32_t fid, uint64_t offset, const void *buf, size_t len)
{
    const uint8_t *p = buf;

    while (len > 0) {
        uint32_t most = c->msize - P9_TWRITE_HDR_SIZE - 1;
        uint32_t n = len < most ? (uint32_t)len : most, written;
        int err = p9c_write(c, fid, offset, p, n, &written);

        if (err != 0)
            return err;
        CHECK_EQ(written, n);
        p += n;
        offset += n;
        len -= n;
    }
    return 0;
}

int p9c_read_all(struct p9c *c, uint32_t fid, uint64_t offset, void *buf, size_t len, size_t *got)
{
    uint8_t *p = buf;

    *got = 0;
    while (*got < len) {
        uint32_t most = c->msize - P9_IOHDR_SIZE - 1, n;
        uint32_t ask = len - *got < most ? (uint32_t)(len - *got) : most;
        int err = p9c_read(c, fid, offset + *got, p + *got, ask, &n);

        if (err != 0)
            return err;
        if (n == 0)
            break;
        *got += n;
    }
    return 0;
}

int p9c_fsync(struct p9c *c, uint32_t fid, uint32_t datasync)
{
    return plain(c, p9c_rpc(c, P9_TFSYNC, "dd", fid, datasync));
}

int p9c_getattr(struct p9c *c, uint32_t fid, uint64_t mask, struct p9_attr *a)
{
    int err = p9c_rpc(c, P9_TGETATTR, "dq", fid, mask);
    struct cursor *b = &c->body;

    if (err != 0)
        return err;
    a->valid = cursor_u64(b);
    a->qid = take_qid(b);
    a->mode = cursor_u32(b);
    a->uid = cursor_u32(b);
    a->gid = cursor_u32(b);
    for (uint64_t *p = &a->nlink; p <= &a->data_version; p++)
        *p = cursor_u64(b);
    p9c_done(c);
    CHECK_EQ(a->valid & P9_GETATTR_BASIC, P9_GETATTR_BASIC);
    return 0;
}

int p9c_setattr(struct p9c *c, uint32_t fid, uint32_t valid, const struct p9_attr *a)
{
    return plain(c, p9c_rpc(c, P9_TSETATTR,
                            "ddddd"
                            "qqqqq",
                            fid, valid, a->mode, a->uid, a->gid, a->size, a->atime, a->atime_ns,
                            a->mtime, a->mtime_ns));
}

int p9c_statfs(struct p9c *c, uint32_t fid, struct p9_statfs *s)
{
    int err = p9c_rpc(c, P9_TSTATFS, "d", fid);
    struct cursor *b = &c->body;

    if (err != 0)
        return err;
    s->type = cursor_u32(b);
    s->bsize = cursor_u32(b);
    for (uint64_t *p = &s->blocks; p <= &s->fsid; p++)
        *p = cursor_u64(b);
    s->namelen = cursor_u32(b);
    p9c_done(c);
    return 0;
}

int p9c_readdir(struct p9c *c, uint32_t fid, uint64_t offset, uint32_t count)
{
    int err = p9c_rpc(c, P9_TREADDIR, "dqd", fid, offset, count);
    uint32_t n;

    if (err != 0)
        return err;
    n = cursor_u32(&c->body);
    CHECK(n <= count);
    CHECK_EQ(cursor_left(&c->body), n);
    return 0;
}

bool p9c_dirent(struct p9c *c, struct p9_dirent *d)
{
    if (cursor_left(&c->body) == 0)
        return false;
    d->qid = take_qid(&c->body);
    d->offset = cursor_u64(&c->body);
    d->type = cursor_u8(&c->body);
    take_str(&c->body, d->name, sizeof(d->name));
    CHECK(!c->body.bad); /* entries are never split */
    return true;
}

int p9c_mkdir(struct p9c *c, uint32_t dfid, const char *name, uint32_t mode)
{
    return with_qid(c, p9c_rpc(c, P9_TMKDIR, "dsdd", dfid, name, mode, 0u));
}

int p9c_mknod(struct p9c *c, uint32_t dfid, const char *name, uint32_t mode, uint32_t major,
              uint32_t minor)
{
    return with_qid(c, p9c_rpc(c, P9_TMKNOD, "dsdddd", dfid, name, mode, major, minor, 0u));
}

int p9c_symlink(struct p9c *c, uint32_t dfid, const char *name, const char *target)
{
    return with_qid(c, p9c_rpc(c, P9_TSYMLINK, "dssd", dfid, name, target, 0u));
}

int p9c_readlink(struct p9c *c, uint32_t fid, char *target, size_t cap)
{
    int err = p9c_rpc(c, P9_TREADLINK, "d", fid);

    if (err == 0) {
        take_str(&c->body, target, cap);
        p9c_done(c);
    }
    return err;
}

int p9c_link(struct p9c *c, uint32_t dfid, uint32_t fid, const char *name)
{
    return plain(c, p9c_rpc(c, P9_TLINK, "dds", dfid, fid, name));
}

int p9c_rename(struct p9c *c, uint32_t fid, uint32_t dfid, const char *name)
{
    return plain(c, p9c_rpc(c, P9_TRENAME, "dds", fid, dfid, name));
}

int p9c_renameat(struct p9c *c, uint32_t odir, const char *oname, uint32_t ndir, const char *nname)
{
    return plain(c, p9c_rpc(c, P9_TRENAMEAT, "dsds", odir, oname, ndir, nname));
}

int p9c_unlinkat(struct p9c *c, uint32_t dfid, const char *name, uint32_t flags)
{
    return plain(c, p9c_rpc(c, P9_TUNLINKAT, "dsd", dfid, name, flags));
}

int p9c_flush(struct p9c *c, uint16_t oldtag)
{
    return plain(c, p9c_rpc(c, P9_TFLUSH, "w", (int)oldtag));
}

int p9c_xattrwalk(struct p9c *c, uint32_t fid, uint32_t newfid, const char *name, uint64_t *size)
{
    int err = p9c_rpc(c, P9_TXATTRWALK, "dds", fid, newfid, name);

    if (err == 0) {
        *size = cursor_u64(&c->body);
        p9c_done(c);
    }
    return err;
}

int p9c_xattrcreate(struct p9c *c, uint32_t fid, const char *name, uint64_t size, uint32_t flags)
{
    return plain(c, p9c_rpc(c, P9_TXATTRCREATE, "dsqd", fid, name, size, flags));
}

int p9c_lock(struct p9c *c, uint32_t fid, struct p9_lock *l)
{
    int err = p9c_rpc(c, P9_TLOCK, "dbdqqds", fid, l->type, l->flags, l->start, l->len, l->proc_id,
                      l->client);

    if (err == 0) {
        l->status = cursor_u8(&c->body);
        p9c_done(c);
    }
    return err;
}

int p9c_getlock(struct p9c *c, uint32_t fid, struct p9_lock *l)
{
    int err =
        p9c_rpc(c, P9_TGETLOCK, "dbqqds", fid, l->type, l->start, l->len, l->proc_id, l->client);

    if (err == 0) {
        l->type = cursor_u8(&c->body);
        l->start = cursor_u64(&c->body);
        l->len = cursor_u64(&c->body);
        l->proc_id = cursor_u32(&c->body);
        take_str(&c->body, l->got_client, sizeof(l->got_client));
        p9c_done(c);
    }
    return err;
}
