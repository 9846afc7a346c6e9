/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * u9.c - a client of 9P2000 and 9P2000.u that compares replies byte by byte.
 *
 * Knows the wire format from the manual pages of 9P2000, not from the worker.
 */
#include "u9.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST \
    (1u << 20) /* bytes of a message: not from the heap, which takes its time under a sanitizer */

const struct u9_stat u9_blank = {
    .type = 0xffff,
    .dev = NO32,
    .qid = {0xff, NO32, NO64},
    .mode = NO32,
    .atime = NO32,
    .mtime = NO32,
    .length = NO64,
    .n_uid = NO32,
    .n_gid = NO32,
    .n_muid = NO32,
};

/* What clients compare: Linux turns these texts back into numbers. */
static const struct {
    int error;
    const char *text;
} texts[] = {
    {EPERM, "Operation not permitted"}, {ENOENT, "No such file or directory"},
    {EIO, "Input/output error"},        {ENXIO, "No such device or address"},
    {EBADF, "Bad file descriptor"},     {EACCES, "Permission denied"},
    {EBUSY, "Device or resource busy"}, {EEXIST, "File exists"},
    {ENOTDIR, "Not a directory"},       {EISDIR, "Is a directory"},
    {EINVAL, "Invalid argument"},       {ENFILE, "Too many open files in system"},
    {EROFS, "Read-only file system"},   {ENAMETOOLONG, "File name too long"},
    {ENOTEMPTY, "Directory not empty"}, {ELOOP, "Too many levels of symbolic links"},
    {EMSGSIZE, "Message too long"},     {EOPNOTSUPP, "Operation not supported"},
};

static const char *text_of(int error)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].error == error)
            return texts[i].text;
    FAIL("no text for errno %d", error);
}

static void put_str(struct builder *b, const char *s)
{
    builder_str(b, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

static void put_stat(struct builder *b, enum p9_dialect dialect, const struct u9_stat *s)
{
    struct builder size = *b;
    size_t start;

    builder_u16(b, 0);
    start = builder_len(b);
    builder_u16(b, s->type);
    builder_u32(b, s->dev);
    builder_qid(b, &s->qid);
    builder_u32(b, s->mode);
    builder_u32(b, s->atime);
    builder_u32(b, s->mtime);
    builder_u64(b, s->length);
    put_str(b, s->name);
    put_str(b, s->uid);
    put_str(b, s->gid);
    put_str(b, s->muid);
    if (dialect == P9_DIALECT_U) {
        put_str(b, s->ext);
        builder_u32(b, s->n_uid);
        builder_u32(b, s->n_gid);
        builder_u32(b, s->n_muid);
    }
    builder_u16(&size, (uint16_t)(builder_len(b) - start));
}

static void put_field(struct builder *b, enum p9_dialect dialect, char letter, va_list *ap)
{
    struct builder n = *b;
    size_t len;

    switch (letter) {
    case 'b':
        builder_u8(b, (uint8_t)va_arg(*ap, int));
        break;
    case 'w':
        builder_u16(b, (uint16_t)va_arg(*ap, int));
        break;
    case 'd':
        builder_u32(b, va_arg(*ap, uint32_t));
        break;
    case 'q':
        builder_u64(b, va_arg(*ap, uint64_t));
        break;
    case 's':
        put_str(b, va_arg(*ap, const char *));
        break;
    case 'S':
        len = va_arg(*ap, size_t);
        builder_str(b, va_arg(*ap, const char *), len);
        break;
    case 'B':
        len = va_arg(*ap, size_t);
        builder_bytes(b, va_arg(*ap, const void *), len);
        break;
    case 'Q':
        builder_qid(b, va_arg(*ap, const struct p9_qid *));
        break;
    case 'T':
        builder_u16(b, 0);
        len = builder_len(b);
        put_stat(b, dialect, va_arg(*ap, const struct u9_stat *));
        builder_u16(&n, (uint16_t)(builder_len(b) - len));
        break;
    case 't':
        put_stat(b, dialect, va_arg(*ap, const struct u9_stat *));
        break;
    default:
        FAIL("format letter '%c'", letter);
    }
}

/* A whole message in `buf`; returns its length. */
static uint32_t pack(uint8_t *buf, size_t cap, enum p9_dialect dialect, uint8_t type, uint16_t tag,
                     const char *fmt, va_list *ap)
{
    struct builder b, size;

    builder_init(&b, buf, cap);
    size = b;
    builder_u32(&b, 0);
    builder_u8(&b, type);
    builder_u16(&b, tag);
    for (; *fmt != '\0'; fmt++)
        put_field(&b, dialect, *fmt, ap);
    CHECK(!b.bad);
    builder_u32(&size, (uint32_t)builder_len(&b));
    return (uint32_t)builder_len(&b);
}

static uint32_t ring_of(const struct u9 *u, uint16_t tag)
{
    return u->ring >= 0 ? (uint32_t)u->ring : tag % u->rig->cfg.num_rings;
}

static uint16_t send_va(struct u9 *u, uint16_t tag, uint8_t type, const char *fmt, va_list *ap)
{
    static uint8_t buf[MOST];
    uint32_t len = pack(buf, sizeof(buf), u->dialect, type, tag, fmt, ap);

    rig_put(u->rig, ring_of(u, tag), buf, len);
    return tag;
}

uint16_t u9_ask(struct u9 *u, uint8_t type, const char *fmt, ...)
{
    uint16_t tag;
    va_list ap;

    do /* as Mini-OS: 64 tags, the lowest first */
        tag = u->next_tag++ % 64;
    while (u->rig->ring[ring_of(u, tag)].in_flight[tag] != 0);
    va_start(ap, fmt);
    send_va(u, tag, type, fmt, &ap);
    va_end(ap);
    return tag;
}

uint16_t u9_ask_tag(struct u9 *u, uint16_t tag, uint8_t type, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    send_va(u, tag, type, fmt, &ap);
    va_end(ap);
    return tag;
}

static void wait_reply(struct u9 *u, uint16_t tag)
{
    free(u->reply);
    u->reply = rig_wait(u->rig, ring_of(u, tag), tag);
}

static void show(const char *what, const uint8_t *p, uint32_t len)
{
    char line[3 * 96 + 1] = "";

    for (uint32_t i = 0; i < len && i < 96; i++)
        snprintf(line + 3 * i, 4, " %02x", p[i]);
    tap_note("%s (%u bytes):%s", what, len, line);
}

static void compare(struct u9 *u, const uint8_t *want, uint32_t len)
{
    if (u->reply->len == len && memcmp(u->reply->bytes, want, len) == 0)
        return;
    show("wanted", want, len);
    show("got", u->reply->bytes, u->reply->len);
    FAIL("%s reply to tag %u is not what it should be", p9_dialect_name(u->dialect), u->reply->tag);
}

void u9_want(struct u9 *u, uint16_t tag, uint8_t type, const char *fmt, ...)
{
    static uint8_t buf[MOST];
    uint32_t len;
    va_list ap;

    va_start(ap, fmt);
    len = pack(buf, sizeof(buf), u->dialect, (uint8_t)(type + 1), tag, fmt, &ap);
    va_end(ap);
    wait_reply(u, tag);
    compare(u, buf, len);
}

static void error_reply(struct u9 *u, uint16_t tag, uint8_t *buf, const char *fmt, ...)
{
    uint32_t len;
    va_list ap;

    va_start(ap, fmt);
    len = pack(buf, 256, u->dialect, P9_RERROR, tag, fmt, &ap);
    va_end(ap);
    wait_reply(u, tag);
    compare(u, buf, len);
}

void u9_refused(struct u9 *u, uint16_t tag, int error)
{
    uint8_t buf[256];

    if (u->dialect == P9_DIALECT_U)
        error_reply(u, tag, buf, "sd", text_of(error), (uint32_t)error);
    else
        error_reply(u, tag, buf, "s", text_of(error));
}

struct cursor u9_take(struct u9 *u, uint16_t tag, uint8_t type)
{
    struct cursor c;

    wait_reply(u, tag);
    if (u->reply->type != type + 1) {
        show("got", u->reply->bytes, u->reply->len);
        FAIL("%s: reply of type %u", p9_type_name(type), u->reply->type);
    }
    CHECK(u->reply->len <= u->msize);
    cursor_init(&c, u->reply->bytes + P9_HDR_SIZE, u->reply->len - P9_HDR_SIZE);
    return c;
}

void u9_version(struct u9 *u, struct rig *g, enum p9_dialect dialect, uint32_t msize)
{
    uint32_t half = g->ring[0].size / 2;
    uint16_t tag;

    memset(u, 0, sizeof(*u));
    u->rig = g;
    u->ring = -1;
    u->dialect = dialect;
    u->msize = msize < half ? msize : half;
    if (u->msize > g->cfg.max_msize)
        u->msize = g->cfg.max_msize;
    tag = u9_ask_tag(u, P9_NOTAG, P9_TVERSION, "ds", msize, p9_dialect_name(dialect));
    u9_want(u, tag, P9_TVERSION, "ds", u->msize, p9_dialect_name(dialect));
}

void u9_attach(struct u9 *u, uint32_t fid)
{
    struct cursor c;

    if (u->dialect == P9_DIALECT_U)
        c = u9_take(u, u9_ask(u, P9_TATTACH, "ddssd", fid, P9_NOFID, "root", "", 0u), P9_TATTACH);
    else
        c = u9_take(u, u9_ask(u, P9_TATTACH, "ddss", fid, P9_NOFID, "root", ""), P9_TATTACH);
    CHECK_EQ(cursor_left(&c), P9_QID_SIZE);
    CHECK_EQ(cursor_u8(&c), P9_QTDIR);
}

void u9_mount(struct u9 *u, struct rig *g, enum p9_dialect dialect)
{
    u9_version(u, g, dialect, UINT32_MAX);
    u9_attach(u, 0);
    rig_events(g);
}

void u9_walk(struct u9 *u, uint32_t fid, uint32_t newfid, const char *path)
{
    uint8_t body[P9_MAXWELEM * (P9_NAME_MAX + 2)];
    char copy[1024], *save = NULL;
    struct builder b;
    struct cursor c;
    int n = 0;

    CHECK(strlen(path) < sizeof(copy));
    strcpy(copy, path);
    builder_init(&b, body, sizeof(body));
    for (char *s = strtok_r(copy, "/", &save); s != NULL; s = strtok_r(NULL, "/", &save), n++)
        builder_str(&b, s, strlen(s));
    c = u9_take(u, u9_ask(u, P9_TWALK, "ddwB", fid, newfid, n, builder_len(&b), body), P9_TWALK);
    CHECK_EQ(cursor_u16(&c), n);
    CHECK_EQ(cursor_left(&c), (size_t)n * P9_QID_SIZE);
}

void u9_clunk(struct u9 *u, uint32_t fid)
{
    u9_want(u, u9_ask(u, P9_TCLUNK, "d", fid), P9_TCLUNK, "");
}

void u9_open(struct u9 *u, uint32_t fid, uint32_t mode)
{
    struct cursor c = u9_take(u, u9_ask(u, P9_TOPEN, "db", fid, (int)mode), P9_TOPEN);

    CHECK_EQ(cursor_left(&c), P9_QID_SIZE + 4);
}

void u9_write(struct u9 *u, uint32_t fid, uint64_t offset, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    u9_want(u, u9_ask(u, P9_TWRITE, "dqdB", fid, offset, n, (size_t)n, text), P9_TWRITE, "d", n);
}

void u9_read(struct u9 *u, uint32_t fid, uint64_t offset, uint32_t count, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    u9_want(u, u9_ask(u, P9_TREAD, "dqd", fid, offset, count), P9_TREAD, "dB", n, (size_t)n, text);
}

uint16_t u9_ask_create(struct u9 *u, uint32_t fid, const char *name, uint32_t perm, uint32_t mode,
                       const char *ext)
{
    if (u->dialect == P9_DIALECT_U)
        return u9_ask(u, P9_TCREATE, "dsdbs", fid, name, perm, (int)mode, ext);
    return u9_ask(u, P9_TCREATE, "dsdb", fid, name, perm, (int)mode);
}

uint16_t u9_ask_wstat(struct u9 *u, uint32_t fid, const struct u9_stat *s)
{
    return u9_ask(u, P9_TWSTAT, "dT", fid, s);
}

struct stat u9_host_stat(struct rig *g, const char *name)
{
    struct stat st;

    MUST(fstatat(g->root_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
    return st;
}

bool u9_host_has(struct rig *g, const char *name)
{
    struct stat st;

    return fstatat(g->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void u9_host_file(struct rig *g, const char *name, const char *text, mode_t mode)
{
    int fd = openat(g->root_fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    MUST(fd);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    MUST(fchmod(fd, mode));
    close(fd);
}

void u9_host_says(struct rig *g, const char *name, const char *text)
{
    char buf[256];
    int fd = openat(g->root_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    MUST(fd);
    n = read(fd, buf, sizeof(buf) - 1);
    MUST(n);
    buf[n] = '\0';
    close(fd);
    if (strcmp(buf, text) != 0)
        FAIL("%s says \"%s\", not \"%s\"", name, buf, text);
}

struct p9_qid u9_qid(struct u9 *u, const char *path)
{
    struct stat st = u9_host_stat(u->rig, path), root = u9_host_stat(u->rig, "");
    uint8_t type = S_ISDIR(st.st_mode) ? 0x80 : 0;
    struct p9_qid q;
    struct cursor c;

    if (S_ISLNK(st.st_mode) && u->dialect == P9_DIALECT_U)
        type = 0x02;
    u9_walk(u, 0, 4000, path);
    c = u9_take(u, u9_ask(u, P9_TSTAT, "d", 4000u), P9_TSTAT);
    (void)cursor_bytes(&c, 2 + 2 + 2 + 4);
    q.type = cursor_u8(&c);
    q.version = cursor_u32(&c);
    q.path = cursor_u64(&c);
    CHECK(!c.bad);
    CHECK_EQ(q.type, type);
    if (st.st_dev == root.st_dev)
        CHECK_EQ(q.path, st.st_ino);
    CHECK(q.version != 0 || !S_ISREG(st.st_mode));
    u9_clunk(u, 4000);
    return q;
}

struct u9_stat u9_stat_of(struct u9 *u, const char *path)
{
    struct u9_stat s = {.qid = u9_qid(u, path)};
    struct stat st = u9_host_stat(u->rig, path);
    const char *slash = strrchr(path, '/');
    static const struct {
        mode_t type;
        uint32_t dm;
    } dm[] = {{S_IFLNK, 0x02000000},
              {S_IFIFO, 0x00200000},
              {S_IFSOCK, 0x00100000},
              {S_IFCHR, 0x00800000},
              {S_IFBLK, 0x00800000}};

    s.mode = st.st_mode & 0777;
    if (S_ISDIR(st.st_mode))
        s.mode |= 0x80000000;
    for (size_t i = 0; u->dialect == P9_DIALECT_U && i < sizeof(dm) / sizeof(dm[0]); i++)
        if ((st.st_mode & S_IFMT) == dm[i].type)
            s.mode |= dm[i].dm;
    if (u->dialect == P9_DIALECT_U && (st.st_mode & S_ISVTX) != 0)
        s.mode |= 0x00010000;
    s.atime = (uint32_t)st.st_atim.tv_sec;
    s.mtime = (uint32_t)st.st_mtim.tv_sec;
    s.length = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size;
    s.name = path[0] == '\0' ? "/" : slash != NULL ? slash + 1 : path;
    s.uid = s.gid = "root";
    s.n_muid = NO32;
    return s;
}

void u9_in_both(void (*run)(struct rig *g, struct u9 *u))
{
    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        char dir[128];
        struct rig_config cfg = {.export = dir};
        struct rig *g;
        struct u9 u;

        snprintf(dir, sizeof(dir), "%s/%s", tap_dir(), p9_dialect_name(d));
        MUST(mkdir(dir, 0777));
        MUST(chmod(dir, 0777));
        g = rig_new(&cfg);
        u9_mount(&u, g, d);
        run(g, &u);
        rig_end(g);
    }
}

void u9_want_qid(struct u9 *u, uint16_t tag, uint8_t type, const char *path)
{
    struct cursor c = u9_take(u, tag, type);
    struct p9_qid q;
    uint8_t got[P9_QID_SIZE + 4], want[P9_QID_SIZE + 4] = {0};
    struct builder b;

    CHECK_EQ(cursor_left(&c), sizeof(got));
    memcpy(got, cursor_bytes(&c, sizeof(got)), sizeof(got));
    q = u9_qid(u, path);
    builder_init(&b, want, sizeof(want));
    builder_qid(&b, &q);
    CHECK(memcmp(got, want, sizeof(got)) == 0); /* iounit 0 */
}
