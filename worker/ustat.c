/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ustat.c - the stat of 9P2000 and 9P2000.u.
 */
#include "xen9p/ustat.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "xen9p/identity.h"
#include "xen9p/operations.h"

#define NOBODY 65534u

/* The bits of a file's mode beyond its permissions, and those of them that 9P2000 has, too. */
static const struct {
    mode_t mask, value;
    uint32_t dm;
    bool legacy;
} mode_bits[] = {
    {S_IFMT, S_IFDIR, P9_DMDIR, true},        {S_IFMT, S_IFLNK, P9_DMSYMLINK, false},
    {S_IFMT, S_IFCHR, P9_DMDEVICE, false},    {S_IFMT, S_IFBLK, P9_DMDEVICE, false},
    {S_IFMT, S_IFIFO, P9_DMNAMEDPIPE, false}, {S_IFMT, S_IFSOCK, P9_DMSOCKET, false},
    {S_ISUID, S_ISUID, P9_DMSETUID, false},   {S_ISGID, S_ISGID, P9_DMSETGID, false},
    {S_ISVTX, S_ISVTX, P9_DMSETVTX, false},
};

static bool is_u(const struct session *s)
{
    return atomic_load_explicit(&s->dialect, memory_order_relaxed) == P9_DIALECT_U;
}

uint32_t ustat_mode(const struct session *s, mode_t mode)
{
    uint32_t dm = mode & 0777u;

    for (size_t i = 0; i < sizeof(mode_bits) / sizeof(mode_bits[0]); i++)
        if ((mode & mode_bits[i].mask) == mode_bits[i].value && (mode_bits[i].legacy || is_u(s)))
            dm |= mode_bits[i].dm;
    return dm;
}

static void put_text(struct builder *b, const char *s)
{
    builder_str(b, s, strlen(s));
}

static void put_id(struct builder *b, uint32_t id)
{
    char text[12];

    snprintf(text, sizeof(text), "%u", id);
    put_text(b, id == 0 ? "root" : id == NOBODY ? "nobody" : text);
}

bool ustat_id(struct wire_str name, uint32_t *id)
{
    uint64_t n = 0;

    if (name.len == 4 && memcmp(name.s, "root", 4) == 0) {
        *id = 0;
        return true;
    }
    if (name.len == 6 && memcmp(name.s, "nobody", 6) == 0) {
        *id = NOBODY;
        return true;
    }
    if (name.len == 0 || name.len > 10)
        return false;
    for (uint16_t i = 0; i < name.len; i++) {
        if (name.s[i] < '0' || name.s[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(name.s[i] - '0');
    }
    *id = (uint32_t)n;
    return n < P9_NONUNAME;
}

/* Seconds in 32 bits; all ones is no time but "leave it alone". */
static uint32_t seconds(time_t t)
{
    if (t < 0)
        return 0;
    return t < UINT32_MAX ? (uint32_t)t : UINT32_MAX - 1;
}

/* Target of a symlink: contents, which are for those who may read. */
static int put_target(const struct session *s, int fd, struct builder *b)
{
    char text[PATH_MAX];
    ssize_t n = 0;

    if ((s->operations & OPERATION_READ) != 0)
        n = identity_readlink(s, fd, text, sizeof(text));
    if (n < 0)
        return (int)n;
    builder_str(b, text, (size_t)n);
    return 0;
}

static int put_ext(const struct session *s, int fd, const struct stat *st, struct builder *b)
{
    char text[48] = "";

    if (S_ISLNK(st->st_mode))
        return put_target(s, fd, b);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        snprintf(text, sizeof(text), "%c %u %u", S_ISCHR(st->st_mode) ? 'c' : 'b',
                 major(st->st_rdev), minor(st->st_rdev));
    else if (!S_ISDIR(st->st_mode) && st->st_nlink != 1)
        snprintf(text, sizeof(text), "HARDLINKCOUNT %lu", (unsigned long)st->st_nlink);
    put_text(b, text);
    return 0;
}

/* All behind the size. */
static int put_fields(struct session *s, int fd, const struct stat *st, const char *name,
                      struct builder *b)
{
    struct p9_qid qid = session_qid(s, st);
    int err;

    builder_u16(b, 0);
    builder_u32(b, 0);
    builder_qid(b, &qid);
    builder_u32(b, ustat_mode(s, st->st_mode));
    builder_u32(b, seconds(st->st_atim.tv_sec));
    builder_u32(b, seconds(st->st_mtim.tv_sec));
    builder_u64(b, S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size);
    put_text(b, name);
    put_id(b, st->st_uid);
    put_id(b, st->st_gid);
    put_text(b, "");
    if (!is_u(s))
        return 0;
    err = put_ext(s, fd, st, b);
    builder_u32(b, st->st_uid);
    builder_u32(b, st->st_gid);
    builder_u32(b, P9_NONUNAME);
    return err;
}

int ustat_put(struct session *s, int fd, const struct stat *st, const char *name,
              struct builder *out)
{
    const struct builder before = *out;
    struct builder size = *out;
    struct stat shown = *st;
    int err;

    identity_stat(s, fd, &shown);
    builder_u16(out, 0);
    err = put_fields(s, fd, &shown, name, out);
    if (err == 0 && out->bad)
        err = -ENOBUFS;
    if (err != 0)
        *out = before;
    else
        builder_u16(&size, (uint16_t)(builder_len(out) - builder_len(&before) - 2));
    return err;
}

bool ustat_get(struct cursor *c, bool with_ids, struct ustat *u)
{
    uint16_t size = cursor_u16(c);

    if (c->bad || size != cursor_left(c))
        return false;
    u->type = cursor_u16(c);
    u->dev = cursor_u32(c);
    u->qid.type = cursor_u8(c);
    u->qid.version = cursor_u32(c);
    u->qid.path = cursor_u64(c);
    u->mode = cursor_u32(c);
    u->atime = cursor_u32(c);
    u->mtime = cursor_u32(c);
    u->length = cursor_u64(c);
    u->name = cursor_str(c);
    u->uid = cursor_str(c);
    u->gid = cursor_str(c);
    u->muid = cursor_str(c);
    u->ext = (struct wire_str){"", 0};
    u->n_uid = u->n_gid = u->n_muid = P9_NONUNAME;
    if (with_ids) {
        u->ext = cursor_str(c);
        u->n_uid = cursor_u32(c);
        u->n_gid = cursor_u32(c);
        u->n_muid = cursor_u32(c);
    }
    return cursor_done(c);
}
