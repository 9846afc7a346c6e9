/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.c - replays recorded traces.
 */
#include "trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../host/p9c.h"
#include "trace_kinds.h"

#define TOP "trace"     /* the directory that stands for the export of the record */
#define TRACE_FID 3000u /* fids of the record, after all others */
#define FID_TMP 2999u   /* of messages that the record has not */
#define MAX_FIDS 1000u
#define MAX_LINES 20000u
#define MAX_TEXT 4096u
#define MAX_TRACES 4u
#define BUF_SIZE (512u * 1024)

struct line {
    uint32_t number; /* in the file */
    uint8_t type;    /* 0: something that has to be there before */
    uint32_t err;    /* of the reply in the record */
    uint32_t got;    /* bytes read */
    uint64_t n[10];  /* its numbers, fids as in the record */
    char *s[P9_MAXWELEM];
    uint32_t num_names;
    uint8_t *msg;
    uint32_t len;
};

static struct trace {
    const char *path;
    struct line line[MAX_LINES];
    uint32_t first, num; /* those from `first` on are requests */
} * traces[MAX_TRACES], *now;

static uint64_t cookie[MAX_FIDS]; /* where the listing of a fid goes on */

static struct {
    int root, path[MAX_FIDS], io[MAX_FIDS];
    uint8_t buf[BUF_SIZE];
} raw;

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A line in words: what was answered (from the mark on) apart from what was asked. */
struct words {
    const char *w[32];
    uint32_t num, at;
};

static const char *word(struct words *w)
{
    CHECK(w->at < w->num);
    return w->w[w->at++];
}

static uint64_t number(struct words *w)
{
    return strtoull(word(w), NULL, 0);
}

static const char *name(struct words *w, struct line *l)
{
    char *s = strdup(word(w));

    CHECK(s != NULL && l->num_names < P9_MAXWELEM);
    return l->s[l->num_names++] = s;
}

static void split(struct words *w, struct line *l, char *text)
{
    for (char *s = strtok(text, " \n"); s != NULL; s = strtok(NULL, " \n")) {
        if (s[0] == '!' || s[0] == '=') {
            const char *n = strtok(NULL, " \n");

            CHECK(n != NULL && strtok(NULL, " \n") == NULL);
            *(s[0] == '!' ? &l->err : &l->got) = (uint32_t)strtoul(n, NULL, 10);
            return;
        }
        CHECK(w->num < sizeof(w->w) / sizeof(w->w[0]));
        w->w[w->num++] = s;
    }
}

static void read_names(struct words *w, struct line *l, struct builder *b)
{
    builder_u16(b, (uint16_t)(w->num - w->at));
    while (w->at < w->num) {
        const char *s = name(w, l);

        builder_str(b, s, strlen(s));
    }
}

static uint64_t read_number(struct words *w, char what, struct builder *b)
{
    uint64_t n = what == 'a' && w->at == w->num ? TRACE_ATTRS : number(w);

    CHECK(what != 'f' || n < MAX_FIDS);
    if (what == 'b')
        builder_u8(b, (uint8_t)n);
    else if (what == 'a' || what == 'c' || what == 'q')
        builder_u64(b, n);
    else
        builder_u32(b, (uint32_t)n + (what == 'f' ? TRACE_FID : 0));
    return n;
}

/* The arguments, and the message that they make. */
static void read_request(struct words *w, struct line *l, const char *args)
{
    uint8_t body[MAX_TEXT];
    struct builder b;
    uint32_t n = 0;

    builder_init(&b, body, sizeof(body));
    for (; *args != '\0'; args++) {
        if (*args == 'w') {
            read_names(w, l, &b);
        } else if (*args == 's') {
            const char *s = name(w, l);

            builder_str(&b, s, strlen(s));
        } else {
            l->n[n++] = read_number(w, *args, &b);
        }
    }
    CHECK(!b.bad);
    l->msg = malloc(P9_HDR_SIZE + builder_len(&b));
    CHECK(l->msg != NULL);
    l->len = p9_pack(l->msg, P9_HDR_SIZE + builder_len(&b), l->type, 0, "B", builder_len(&b), body);
}

static void read_found(struct words *w, struct line *l, const char *what)
{
    (void)name(w, l);
    if (strcmp(what, "+symlink") == 0) {
        (void)name(w, l);
        return;
    }
    l->n[0] = number(w);
    if (strcmp(what, "+file") == 0) {
        l->n[0] |= S_IFREG;
        l->n[1] = number(w);
    } else {
        CHECK(strcmp(what, "+dir") == 0);
        l->n[0] |= S_IFDIR;
    }
}

static void read_line(struct trace *t, char *text)
{
    struct line *l = &t->line[t->num++];
    struct words w = {.num = 0};
    const char *what;
    size_t i = 0;

    split(&w, l, text);
    what = word(&w);
    if (what[0] == '+') {
        CHECK_EQ(++t->first, t->num); /* all of them come before the first request */
        read_found(&w, l, what);
    } else {
        while (i < NUM_TRACE_KINDS && strcmp(trace_kinds[i].name, what) != 0)
            i++;
        if (i == NUM_TRACE_KINDS)
            FAIL("%s:%u: %s is not in trace_kinds.h", t->path, l->number, what);
        l->type = trace_kinds[i].type;
        read_request(&w, l, trace_kinds[i].args);
    }
    CHECK_EQ(w.at, w.num);
}

static struct trace *read_trace(const char *path)
{
    struct trace *t = calloc(1, sizeof(*t));
    FILE *f = fopen(path, "re");
    char text[MAX_TEXT];

    if (f == NULL || t == NULL)
        FAIL("%s: %m; run it in the top folder", path);
    t->path = path;
    for (uint32_t i = 1; fgets(text, sizeof(text), f) != NULL; i++) {
        CHECK(t->num < MAX_LINES);
        t->line[t->num].number = i;
        if (text[0] != '#')
            read_line(t, text);
    }
    fclose(f);
    return t;
}

/* --- what is there before --------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void make_file(const struct line *l, int dir)
{
    int fd = openat(dir, l->s[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)l->n[0]);

    MUST(fd);
    for (uint64_t at = 0; at < l->n[1]; at += BUF_SIZE)
        MUST(pwrite(fd, raw.buf, l->n[1] - at < BUF_SIZE ? l->n[1] - at : BUF_SIZE, (off_t)at));
    close(fd);
}

static void make_found(const struct line *l, int dir)
{
    if (l->s[1] != NULL)
        MUST(symlinkat(l->s[1], dir, l->s[0]));
    else if (S_ISDIR(l->n[0]))
        MUST(mkdirat(dir, l->s[0], (mode_t)l->n[0]));
    else
        make_file(l, dir);
}

uint64_t trace_begin(const struct rig *rig, const char *path)
{
    char top[256];
    uint32_t i = 0;
    int dir;

    while (i < MAX_TRACES - 1 && traces[i] != NULL && strcmp(traces[i]->path, path) != 0)
        i++;
    if (traces[i] == NULL)
        traces[i] = read_trace(path);
    now = traces[i];
    raw.root = rig->root_fd;
    snprintf(top, sizeof(top), "%s/" TOP, rig->root);
    if (nftw(top, remove_one, 20, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        FAIL("%s: %m", top);
    MUST(mkdir(top, 0755));
    MUST(dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (i = 0; i < now->first; i++)
        make_found(&now->line[i], dir);
    MUST(fsync(dir)); /* else the first fsync of the trace would pay for it */
    close(dir);
    return now->num - now->first;
}

/* --- as messages ------------------------------------------------------------------------------ */

static const struct line *line_of(uint64_t op)
{
    return &now->line[now->first + op];
}

/* What one read or write may be on this link; more is asked for in pieces, as Linux does. */
static uint32_t piece_max(const struct link *k)
{
    return k->msize - 24;
}

static uint32_t piece_of(const struct link *k, uint32_t step, uint64_t count)
{
    uint64_t at = (uint64_t)step * piece_max(k), left = count > at ? count - at : 0;

    return left < piece_max(k) ? (uint32_t)left : piece_max(k);
}

static uint32_t pack_piece(const struct line *l, const struct load_slot *s, uint8_t *buf,
                           size_t cap, uint32_t *payload)
{
    uint32_t count = piece_of(s->link, s->step, l->n[2]), len, size;
    uint64_t at = l->n[1] + (uint64_t)s->step * piece_max(s->link);

    if (s->step > 0 && count == 0)
        return 0;
    len = p9_pack(buf, cap, l->type, 0, "dqd", TRACE_FID + (uint32_t)l->n[0], at, count);
    if (l->type == P9_TWRITE) {
        size = len + count;
        memcpy(buf, &size, sizeof(size));
        *payload = count;
    }
    return len;
}

static uint32_t pack_readdir(const struct line *l, const struct load_slot *s, uint8_t *buf,
                             size_t cap)
{
    return p9_pack(buf, cap, P9_TREADDIR, 0, "dqd", TRACE_FID + (uint32_t)l->n[0],
                   l->n[1] == 0 ? 0 : cookie[l->n[0]], piece_of(s->link, 0, l->n[2]));
}

/* diod knows neither Tunlinkat nor Trenameat. What Linux does then. */
static uint32_t pack_old(const struct line *l, uint32_t step, uint8_t *buf, size_t cap)
{
    switch (step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, 0, "ddws", TRACE_FID + (uint32_t)l->n[0], FID_TMP, 1,
                       l->s[0]);
    case 1:
        if (l->type == P9_TUNLINKAT)
            return p9_pack(buf, cap, P9_TREMOVE, 0, "d", FID_TMP);
        return p9_pack(buf, cap, P9_TRENAME, 0, "dds", FID_TMP, TRACE_FID + (uint32_t)l->n[1],
                       l->s[1]);
    case 2:
        return l->type == P9_TUNLINKAT ? 0 : p9_pack(buf, cap, P9_TCLUNK, 0, "d", FID_TMP);
    default:
        return 0;
    }
}

uint32_t trace_message(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    const struct line *l = line_of(s->op);

    if (l->type == P9_TREAD || l->type == P9_TWRITE)
        return pack_piece(l, s, buf, cap, payload);
    if (s->link->rig == NULL && (l->type == P9_TUNLINKAT || l->type == P9_TRENAMEAT))
        return pack_old(l, s->step, buf, cap);
    if (s->step > 0)
        return 0;
    if (l->type == P9_TATTACH)
        return p9_pack(buf, cap, P9_TWALK, 0, "ddws", 0u, TRACE_FID + (uint32_t)l->n[0], 1, TOP);
    if (l->type == P9_TREADDIR)
        return pack_readdir(l, s, buf, cap);
    CHECK(l->len <= cap);
    memcpy(buf, l->msg, l->len);
    return l->len;
}

static void differs(const struct line *l, const char *what, uint32_t is, uint32_t was)
{
    FAIL("%s:%u: %s %u, recorded was %u", now->path, l->number, what, is, was);
}

static void remember_cookie(const struct line *l, const uint8_t *body, uint32_t len)
{
    struct cursor c;

    cursor_init(&c, body, len);
    (void)cursor_u32(&c);
    while (cursor_left(&c) > 0 && !c.bad) {
        (void)cursor_bytes(&c, P9_QID_SIZE);
        cookie[l->n[0]] = cursor_u64(&c);
        (void)cursor_u8(&c);
        (void)cursor_str(&c);
    }
    CHECK(!c.bad);
}

static void check_error(const struct line *l, const struct load_slot *s, uint32_t err)
{
    if (l->err == 0 || (s->link->rig != NULL && l->err != err)) /* diod has some of its own */
        differs(l, "errno", err, l->err);
}

void trace_reply(struct load_slot *s, uint8_t type, const uint8_t *body, uint32_t len)
{
    const struct line *l = line_of(s->op);
    uint32_t first = len >= 4 ? le32(body) : 0, payload;
    uint8_t buf[512];

    if (type == P9_RLERROR) {
        check_error(l, s, first);
        return;
    }
    if (type == P9_TWALK + 1 && l->type == P9_TWALK && (first & 0xffff) < l->num_names) {
        check_error(l, s, ENOENT);
        s->done = true;
        return;
    }
    if (l->err != 0 && trace_message(s, buf, sizeof(buf), &payload) == 0)
        differs(l, "errno", 0, l->err);
    if (l->type == P9_TREAD && first != piece_of(s->link, s->step - 1, l->got))
        differs(l, "read", first, l->got);
    if (l->type == P9_TWRITE && first != piece_of(s->link, s->step - 1, l->n[2]))
        differs(l, "written", first, (uint32_t)l->n[2]);
    if (l->type == P9_TLOCK && body[0] != 0)
        differs(l, "status", body[0], 0);
    if (l->type == P9_TREADDIR)
        remember_cookie(l, body, len);
}

/* --- the same without a server ---------------------------------------------------------------- */

/* The file of a fid by a name that calls can follow. */
static const char *link_to(uint64_t fid)
{
    static char name[32];

    snprintf(name, sizeof(name), "/proc/self/fd/%d", raw.path[fid]);
    return name;
}

static int raw_attach(uint64_t fid)
{
    raw.io[fid] = -1;
    return raw.path[fid] = openat(raw.root, TOP, O_PATH | O_CLOEXEC);
}

static int raw_walk(const struct line *l)
{
    int fd = fcntl(raw.path[l->n[0]], F_DUPFD_CLOEXEC, 0), next;
    struct statx st;

    for (uint32_t i = 0; fd >= 0 && i < l->num_names; i++) {
        next = openat(fd, l->s[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (next >= 0)
            MUST(statx(next, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st));
        close(fd);
        fd = next;
    }
    if (fd < 0)
        return fd;
    raw.io[l->n[1]] = -1;
    return raw.path[l->n[1]] = fd;
}

static int raw_clunk(uint64_t fid)
{
    if (raw.io[fid] >= 0 && raw.io[fid] != raw.path[fid])
        close(raw.io[fid]);
    raw.io[fid] = -1;
    return close(raw.path[fid]);
}

static int raw_create(const struct line *l)
{
    int flags = (int)(l->n[1] & (P9_L_ACCMODE | P9_L_TRUNC | P9_L_APPEND | P9_L_EXCL));
    int fd = openat(raw.path[l->n[0]], l->s[0], flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                    (mode_t)l->n[2]);

    if (fd < 0)
        return fd;
    close(raw.path[l->n[0]]);
    return raw.path[l->n[0]] = raw.io[l->n[0]] = fd;
}

/* The owner stays who it is, as with a worker without a policy. */
static int raw_setattr(const struct line *l)
{
    uint64_t valid = l->n[1];
    struct timespec t[2] = {{(time_t)l->n[6], (long)l->n[7]}, {(time_t)l->n[8], (long)l->n[9]}};
    int err = 0;

    if ((valid & P9_SETATTR_MODE) != 0)
        err |= chmod(link_to(l->n[0]), (mode_t)l->n[2] & 07777);
    if ((valid & P9_SETATTR_SIZE) != 0)
        err |= truncate(link_to(l->n[0]), (off_t)l->n[5]);
    if ((valid & (P9_SETATTR_ATIME | P9_SETATTR_MTIME)) == 0)
        return err;
    if ((valid & P9_SETATTR_ATIME_SET) == 0)
        t[0].tv_nsec = (valid & P9_SETATTR_ATIME) != 0 ? UTIME_NOW : UTIME_OMIT;
    if ((valid & P9_SETATTR_MTIME_SET) == 0)
        t[1].tv_nsec = (valid & P9_SETATTR_MTIME) != 0 ? UTIME_NOW : UTIME_OMIT;
    return err | utimensat(AT_FDCWD, link_to(l->n[0]), t, 0);
}

/* Tgetlock has no flags: its range comes one argument earlier. */
static int raw_lock(const struct line *l)
{
    const uint64_t *range = l->type == P9_TLOCK ? &l->n[3] : &l->n[2];
    struct flock f = {.l_type = l->n[1] == 0   ? F_RDLCK
                                : l->n[1] == 1 ? F_WRLCK
                                               : F_UNLCK,
                      .l_start = (off_t)range[0],
                      .l_len = (off_t)range[1]};

    return fcntl(raw.io[l->n[0]], l->type == P9_TLOCK ? F_OFD_SETLK : F_OFD_GETLK, &f);
}

static int raw_bytes(const struct line *l)
{
    int fd = raw.io[l->n[0]];
    bool in = l->type == P9_TREAD;
    ssize_t n = in ? pread(fd, raw.buf, l->n[2], (off_t)l->n[1])
                   : pwrite(fd, raw.buf, l->n[2], (off_t)l->n[1]);

    if (n >= 0 && (uint64_t)n != (in ? l->got : l->n[2]))
        differs(l, "bytes", (uint32_t)n, in ? l->got : (uint32_t)l->n[2]);
    return n < 0 ? -1 : 0;
}

/* On the file of a fid, or the open one. */
static int raw_on_file(const struct line *l)
{
    int path = raw.path[l->n[0]], io = raw.io[l->n[0]];
    struct statfs fs;
    struct statx st;

    switch (l->type) {
    case P9_TGETATTR:
        return statx(path, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st);
    case P9_TSETATTR:
        return raw_setattr(l);
    case P9_TSTATFS:
        return fstatfs(path, &fs);
    case P9_TLOPEN:
        return raw.io[l->n[0]] =
                   open(link_to(l->n[0]),
                        (int)(l->n[1] & (P9_L_ACCMODE | P9_L_TRUNC | P9_L_APPEND)) | O_CLOEXEC);
    case P9_TREAD:
    case P9_TWRITE:
        return raw_bytes(l);
    case P9_TFSYNC:
        return l->n[1] != 0 ? fdatasync(io) : fsync(io);
    case P9_TREADDIR:
        if (l->n[1] == 0)
            MUST(lseek(io, 0, SEEK_SET));
        return (int)getdents64(io, raw.buf, l->n[2]);
    case P9_TREADLINK:
        return (int)readlinkat(path, "", (char *)raw.buf, BUF_SIZE);
    case P9_TLOCK:
    case P9_TGETLOCK:
        return raw_lock(l);
    default:
        FAIL("%s:%u: no raw call", now->path, l->number);
    }
}

/* On names below the file of a fid. */
static int raw_on_name(const struct line *l)
{
    int dir = raw.path[l->n[0]];

    switch (l->type) {
    case P9_TATTACH:
        return raw_attach(l->n[0]);
    case P9_TWALK:
        return raw_walk(l);
    case P9_TCLUNK:
        return raw_clunk(l->n[0]);
    case P9_TLCREATE:
        return raw_create(l);
    case P9_TMKDIR:
        return mkdirat(dir, l->s[0], (mode_t)l->n[1] & 07777);
    case P9_TSYMLINK:
        return symlinkat(l->s[1], dir, l->s[0]);
    case P9_TLINK:
        return linkat(AT_FDCWD, link_to(l->n[1]), dir, l->s[0], AT_SYMLINK_FOLLOW);
    case P9_TRENAMEAT:
        return renameat(dir, l->s[0], raw.path[l->n[1]], l->s[1]);
    case P9_TUNLINKAT:
        return unlinkat(dir, l->s[0], (l->n[1] & P9_AT_REMOVEDIR) != 0 ? AT_REMOVEDIR : 0);
    case P9_TXATTRWALK: /* the fid stands for the attribute then; only its end matters here */
        if (getxattr(link_to(l->n[0]), l->s[0], raw.buf, BUF_SIZE) < 0)
            return -1;
        return raw.path[l->n[1]] = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    default:
        return raw_on_file(l);
    }
}

void trace_raw(uint64_t op)
{
    const struct line *l = line_of(op);
    int err = raw_on_name(l) < 0 ? errno : 0;

    /* which error: a user.* attribute that is refused by the worker is not there on the disk */
    if ((err != 0) != (l->err != 0))
        differs(l, "errno of the raw call", (uint32_t)err, l->err);
}
