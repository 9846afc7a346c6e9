/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_ustat.c - Tstat and Twstat of 9P2000.u and 9P2000: every field, and that a Twstat changes all or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"
#include "xen9p/operations.h"

#define U P9_DIALECT_U
#define LEGACY P9_DIALECT_LEGACY

static struct rig *mounted(struct u9 *u, enum p9_dialect d, struct rig_config *cfg)
{
    static char dir[2][128];
    struct rig *g;

    snprintf(dir[d == U], sizeof(dir[0]), "%s/%s", tap_dir(), p9_dialect_name(d));
    MUST(mkdir(dir[d == U], 0755));
    cfg->export = dir[d == U];
    g = rig_new(cfg);
    u9_mount(u, g, d);
    return g;
}

static void in_both(void (*run)(struct rig *g, struct u9 *u))
{
    for (enum p9_dialect d = LEGACY; d <= U; d++) {
        struct rig_config cfg = {0};
        struct u9 u;
        struct rig *g = mounted(&u, d, &cfg);

        run(g, &u);
        rig_end(g);
    }
}

static void stat_in(struct rig *g, struct u9 *u)
{
    static const struct {
        const char *path, *ext;
    } t[] = {
        {"", ""},
        {"f", ""},
        {"d", ""},
        {"d/inner", ""},
        {"h1", "HARDLINKCOUNT 2"},
        {"l", "to/where"},
        {"p", ""},
        {"s", ""},
        {"c", "c 1 3"},
        {"b", "b 259 1048575"},
        {"name with \xff\n and (deleted)", ""},
        {"x (deleted)", ""},
    };
    const struct timespec when[2] = {{100000000, 5}, {1234567890, 999999999}};

    u9_host_file(g, "f", "0123456789", 0640);
    MUST(utimensat(g->root_fd, "f", when, 0));
    MUST(mkdirat(g->root_fd, "d", 01777));
    MUST(fchmodat(g->root_fd, "d", 01777, 0));
    u9_host_file(g, "d/inner", "", 0);
    u9_host_file(g, "h1", "h", 0644);
    MUST(linkat(g->root_fd, "h1", g->root_fd, "h2", 0));
    MUST(symlinkat("to/where", g->root_fd, "l"));
    MUST(mknodat(g->root_fd, "p", S_IFIFO | 0600, 0));
    MUST(mknodat(g->root_fd, "s", S_IFSOCK | 0600, 0));
    MUST(mknodat(g->root_fd, "c", S_IFCHR | 0600, makedev(1, 3)));
    MUST(mknodat(g->root_fd, "b", S_IFBLK | 0600, makedev(259, 1048575)));
    u9_host_file(g, t[10].path, "", 0644);
    u9_host_file(g, t[11].path, "", 0644);
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct u9_stat want = u9_stat_of(u, t[i].path);

        want.ext = t[i].ext;
        tap_note("%s", t[i].path);
        u9_walk(u, 0, 1, t[i].path);
        u9_want(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
        u9_clunk(u, 1);
    }
    u9_refused(u, u9_ask(u, P9_TSTAT, "d", 99u), EBADF);
    u9_refused(u, u9_ask(u, P9_TSTAT, "dd", 0u, 0u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TSTAT, ""), EINVAL);
}

static void stat_fields(void)
{
    in_both(stat_in);
}

/* A symlink in 9P2000 is a file of a kind that has no name there; times beyond 32 bits; owners. */
static void stat_limits(void)
{
    struct rig_config cfg = {.shown_uid = 1000, .shown_gid = 100};
    struct u9 u;
    struct rig *g = mounted(&u, U, &cfg);
    const struct timespec far[2] = {{-5, 0}, {1ll << 33, 0}};
    struct u9_stat want;

    u9_host_file(g, "f", "", 0644);
    MUST(utimensat(g->root_fd, "f", far, 0));
    want = u9_stat_of(&u, "f");
    want.uid = "1000";
    want.gid = "100";
    want.n_uid = 1000;
    want.n_gid = 100;
    if (u9_host_stat(g, "f").st_mtim.tv_sec == far[1].tv_sec) { /* not every file system can */
        want.atime = 0;
        want.mtime = 0xfffffffe;
    }
    u9_walk(&u, 0, 1, "f");
    u9_want(&u, u9_ask(&u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
    /* Somebody else's file is nobody's */
    MUST(fchownat(g->root_fd, "f", 4242, 4243, 0));
    want.qid = u9_qid(&u, "f");
    want.uid = want.gid = "nobody";
    want.n_uid = want.n_gid = 65534;
    u9_want(&u, u9_ask(&u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
    rig_end(g);
}

/* Where the name comes from: what it is now, and what it was last. */
static void stat_names_in(struct rig *g, struct u9 *u)
{
    struct u9_stat want;

    u9_host_file(g, "f", "abc", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    u9_walk(u, 0, 1, "f");
    u9_open(u, 1, P9_ORDWR);
    MUST(renameat(g->root_fd, "f", g->root_fd, "d/g"));
    want = u9_stat_of(u, "d/g");
    u9_want(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
    MUST(renameat(g->root_fd, "d", g->root_fd, "e"));
    u9_want(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
    MUST(linkat(g->root_fd, "e/g", g->root_fd, "h", 0));
    MUST(unlinkat(g->root_fd, "e/g", 0));
    want = u9_stat_of(u, "h");
    want.name = "g"; /* the fid's own name is gone, another is not */
    u9_want(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
    MUST(unlinkat(g->root_fd, "h", 0));
    u9_want(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, 10u), P9_TREAD, "dB", 3u, (size_t)3, "abc");
    {
        struct cursor c = u9_take(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT);
        struct wire_str s;

        (void)cursor_bytes(&c, 2 + 41);
        s = cursor_str(&c);
        CHECK(s.len == 1 && s.s[0] == 'g');
        for (int i = 0; i < 3; i++)
            (void)cursor_str(&c);
        if (u->dialect == U) {
            s = cursor_str(&c);
            CHECK(s.len == 15 && memcmp(s.s, "HARDLINKCOUNT 0", 15) == 0);
            CHECK_EQ(cursor_left(&c), 12);
        } else {
            CHECK(cursor_done(&c));
        }
    }
}

static void stat_names(void)
{
    in_both(stat_names_in);
}

static void wstat_fields_in(struct rig *g, struct u9 *u)
{
    struct u9_stat s = u9_blank;
    struct stat st;

    u9_host_file(g, "f", "0123456789", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    u9_walk(u, 0, 1, "f");
    u9_walk(u, 0, 2, "d");
    s.length = 4;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    u9_host_says(g, "f", "0123");
    s.length = 6;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "f").st_size, 6);
    s = u9_blank;
    s.mode = 0600;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "f").st_mode, S_IFREG | 0600);
    s = u9_blank;
    s.mtime = 1000000000;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "f").st_mtim.tv_sec, 1000000000);
    s = u9_blank;
    s.atime = 1;
    s.mtime = 0xfffffffe;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    st = u9_host_stat(g, "f");
    CHECK_EQ(st.st_atim.tv_sec, 1);
    CHECK(st.st_mtim.tv_sec == 0xfffffffe || st.st_mtim.tv_sec < 0 || st.st_mtim.tv_sec > 0);
    /* all at once, a directory, too */
    s = u9_blank;
    s.length = 2;
    s.mode = 0666;
    s.mtime = 77;
    s.name = "renamed";
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    st = u9_host_stat(g, "renamed");
    CHECK(!u9_host_has(g, "f"));
    CHECK_EQ(st.st_size, 2);
    CHECK_EQ(st.st_mode & 07777, 0666);
    CHECK_EQ(st.st_mtim.tv_sec, 77);
    s = u9_blank;
    s.mode = P9_DMDIR | 0711;
    s.length = 0;
    s.name = "e";
    u9_want(u, u9_ask_wstat(u, 2, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "e").st_mode, S_IFDIR | 0711);
    /* as it is: nothing to change */
    s = u9_stat_of(u, "e");
    u9_want(u, u9_ask_wstat(u, 2, &s), P9_TWSTAT, "");
    s = u9_stat_of(u, "renamed");
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    /* nothing at all, on open and other fids: fsync */
    s = u9_blank;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    u9_open(u, 1, P9_ORDWR);
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    u9_open(u, 2, P9_OREAD);
    u9_want(u, u9_ask_wstat(u, 2, &s), P9_TWSTAT, "");
    /* Linux fills muid in */
    s.muid = "root";
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    /* an open file whose name is gone */
    MUST(unlinkat(g->root_fd, "renamed", 0));
    s = u9_blank;
    s.length = 100;
    s.mode = 0400;
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    s = u9_blank;
    s.name = "again";
    u9_refused(u, u9_ask_wstat(u, 1, &s), ENOENT);
}

static void wstat_fields(void)
{
    in_both(wstat_fields_in);
}

/* One row: what is touched beside a new mode of 0600 and a length of 1; nothing of it may happen. */
struct refusal {
    const char *what;
    struct u9_stat s;
    int error, legacy_error; /* 0: as in 9P2000.u */
};

static void must_be_untouched(struct rig *g)
{
    struct stat st = u9_host_stat(g, "f");

    CHECK_EQ(st.st_size, 10);
    CHECK_EQ(st.st_mode, S_IFREG | 0644);
    CHECK_EQ(st.st_mtim.tv_sec, 1234567890);
    CHECK(u9_host_has(g, "other"));
}

#define TOUCH(field, value)      \
    ({                           \
        struct u9_stat touched;  \
        touched = u9_blank;      \
        touched.mode = 0600;     \
        touched.length = 1;      \
        touched.mtime = 5;       \
        touched.field = (value); \
        touched;                 \
    })

static void wstat_refusals_in(struct rig *g, struct u9 *u)
{
    const struct timespec when[2] = {{1, 0}, {1234567890, 0}};
    const int owner = u->dialect == LEGACY ? EPERM : 0;
    char long_name[300];
    struct u9_stat s;
    struct p9_qid q, directory;

    memset(long_name, 'n', 256);
    long_name[256] = '\0';
    u9_host_file(g, "f", "0123456789", 0644);
    u9_host_file(g, "other", "", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(symlinkat("f", g->root_fd, "l"));
    MUST(utimensat(g->root_fd, "f", when, 0));
    u9_walk(u, 0, 1, "f");
    u9_walk(u, 0, 2, "d");
    u9_walk(u, 0, 3, "l");
    u9_walk(u, 0, 4, "");
    q = directory = u9_qid(u, "f");
    directory.type = 0x80;
    {
        const struct refusal t[] = {
            {"type", TOUCH(type, 1), EPERM, 0},
            {"dev", TOUCH(dev, 1), EPERM, 0},
            {"qid", TOUCH(qid.path, q.path + 1), EPERM, 0},
            {"qid.type", TOUCH(qid, directory), EPERM, 0},
            {"DIR", TOUCH(mode, P9_DMDIR | 0600u), EINVAL, 0},
            {"APPEND", TOUCH(mode, P9_DMAPPEND | 0600u), EINVAL, 0},
            {"EXCL", TOUCH(mode, P9_DMEXCL | 0600u), EINVAL, 0},
            {"SYMLINK", TOUCH(mode, P9_DMSYMLINK | 0600u), EINVAL, 0},
            {"DEVICE", TOUCH(mode, P9_DMDEVICE | 0600u), EINVAL, 0},
            {"mode", TOUCH(mode, 0x1000u | 0600u), EINVAL, 0},
            {"length", TOUCH(length, 1ull << 63), EINVAL, 0},
            {"name", TOUCH(name, "a/b"), EINVAL, 0},
            {"name", TOUCH(name, "."), EINVAL, 0},
            {"name", TOUCH(name, ".."), EINVAL, 0},
            {"name", TOUCH(name, long_name), ENAMETOOLONG, 0},
            {"name", TOUCH(name, "other"), EEXIST, 0}, /* with others, it could not be taken back */
            {"uid", TOUCH(uid, "bogus"), EINVAL, 0},
            {"gid", TOUCH(gid, "wheel"), EINVAL, 0},
            {"gid", TOUCH(gid, "4294967296"), EINVAL, 0},
        };

        for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
            tap_note("%s %zu", t[i].what, i);
            u9_refused(u, u9_ask_wstat(u, 1, &t[i].s), t[i].error);
            must_be_untouched(g);
        }
    }
    s = TOUCH(uid, "1000"); /* "illegal to attempt to change the owner", in 9P2000 */
    if (owner != 0) {
        u9_refused(u, u9_ask_wstat(u, 1, &s), owner);
        must_be_untouched(g);
    }
    if (u->dialect == U) {
        s = TOUCH(ext, "x");
        u9_refused(u, u9_ask_wstat(u, 1, &s), EPERM);
        must_be_untouched(g);
    }
    s = u9_blank; /* a directory has to say that it is one */
    s.mode = 0700;
    u9_refused(u, u9_ask_wstat(u, 2, &s), EINVAL);
    s = u9_blank;
    s.length = 1;
    u9_refused(u, u9_ask_wstat(u, 2, &s), EISDIR);
    s.length = 2; /* not that of the link's text */
    u9_refused(u, u9_ask_wstat(u, 3, &s), EINVAL);
    s = u9_blank;
    s.name = "newroot";
    u9_refused(u, u9_ask_wstat(u, 4, &s), EBUSY);
    u9_refused(u, u9_ask_wstat(u, 99, &s), EBADF);
    must_be_untouched(g);
}

static void wstat_refusals(void)
{
    in_both(wstat_refusals_in);
}

/* Sizes that do not agree with each other or with the message. */
static void wstat_malformed_in(struct rig *g, struct u9 *u)
{
    uint8_t stat[512];
    struct builder b;
    uint32_t len;
    static const struct {
        int n, size; /* what is added to the true values */
        int cut;     /* bytes of the stat that are not sent */
    } t[] = {{1, 0, 0},   {-1, 0, 0}, {0, 1, 0},   {0, -1, 0}, {1, 1, 0},
             {-1, -1, 0}, {0, 0, 1},  {-1, -1, 1}, {0, 0, -1}, {1, 1, -1}};

    u9_host_file(g, "f", "0123456789", 0644);
    u9_walk(u, 0, 1, "f");
    builder_init(&b, stat, sizeof(stat));
    builder_u16(&b, 0xffff);
    builder_u32(&b, NO32);
    builder_qid(&b, &u9_blank.qid);
    for (int i = 0; i < 2; i++)
        builder_u32(&b, NO32);
    builder_u32(&b, 5); /* mtime */
    builder_u64(&b, 1); /* length */
    for (int i = 0; i < (u->dialect == U ? 5 : 4); i++)
        builder_str(&b, "", 0);
    for (int i = 0; i < (u->dialect == U ? 3 : 0); i++)
        builder_u32(&b, NO32);
    len = (uint32_t)builder_len(&b);
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        tap_note("n %+d size %+d cut %d", t[i].n, t[i].size, t[i].cut);
        u9_refused(u,
                   u9_ask(u, P9_TWSTAT, "dwwB", 1u, (int)len + 2 + t[i].n, (int)len + t[i].size,
                          (size_t)((int)len - t[i].cut), stat),
                   EINVAL);
    }
    u9_refused(u, u9_ask(u, P9_TWSTAT, "dww", 1u, 2, 0), EINVAL);
    u9_refused(u, u9_ask(u, P9_TWSTAT, "dw", 1u, 0), EINVAL);
    u9_refused(u, u9_ask(u, P9_TWSTAT, "dwwB", 1u, 65535, 65533, (size_t)len, stat), EINVAL);
    /* the other dialect's: nine or fifteen bytes too few or too many */
    u9_refused(u,
               u9_ask(u, P9_TWSTAT, "dwwBB", 1u, (int)len + 16, (int)len + 14, (size_t)len, stat,
                      (size_t)14, "\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
               EINVAL);
    u9_refused(
        u, u9_ask(u, P9_TWSTAT, "dwwB", 1u, (int)len - 12, (int)len - 14, (size_t)len - 14, stat),
        EINVAL);
    u9_host_says(g, "f", "0123456789");
    u9_want(u, u9_ask(u, P9_TWSTAT, "dwwB", 1u, (int)len + 2, (int)len, (size_t)len, stat),
            P9_TWSTAT, "");
    u9_host_says(g, "f", "0");
}

static void wstat_malformed(void)
{
    in_both(wstat_malformed_in);
}

/* Names of the wire beyond C strings. */
static void wstat_rename_in(struct rig *g, struct u9 *u)
{
    struct u9_stat s = u9_blank;
    struct stat st;

    u9_host_file(g, "a", "A", 0644);
    u9_host_file(g, "b", "B", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    u9_host_file(g, "d/x", "X", 0644);
    u9_walk(u, 0, 1, "a");
    u9_walk(u, 0, 2, "d/x");
    st = u9_host_stat(g, "a");
    s.name = "b";
    if (u->dialect == U) { /* as rename(2) */
        u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
        u9_host_says(g, "b", "A");
        CHECK(!u9_host_has(g, "a"));
        CHECK_EQ(u9_host_stat(g, "b").st_ino, st.st_ino);
    } else { /* "an error to change the name to that of an existing file" */
        u9_refused(u, u9_ask_wstat(u, 1, &s), EEXIST);
        u9_host_says(g, "b", "B");
        u9_host_says(g, "a", "A");
    }
    /* in its own directory, which is wherever it is now */
    MUST(mkdirat(g->root_fd, "far", 0755));
    MUST(renameat(g->root_fd, "d", g->root_fd, "far/d"));
    s.name = "y";
    u9_want(u, u9_ask_wstat(u, 2, &s), P9_TWSTAT, "");
    u9_host_says(g, "far/d/y", "X");
    u9_want(u, u9_ask_wstat(u, 2, &s), P9_TWSTAT, ""); /* it has that name */
    /* a directory with somebody in it, and a full one in the way */
    u9_walk(u, 0, 3, "far");
    s.name = "near";
    u9_want(u, u9_ask_wstat(u, 3, &s), P9_TWSTAT, "");
    s.name = "z";
    u9_want(u, u9_ask_wstat(u, 2, &s), P9_TWSTAT, "");
    u9_host_says(g, "near/d/z", "X");
    MUST(mkdirat(g->root_fd, "full", 0755));
    u9_host_file(g, "full/f", "", 0644);
    s.name = "full";
    u9_refused(u, u9_ask_wstat(u, 3, &s), u->dialect == U ? ENOTEMPTY : EEXIST);
}

static void wstat_rename(void)
{
    in_both(wstat_rename_in);
}

/* Owners: squashed, so that a new one is taken and forgotten. */
static void wstat_owner_in(struct rig *g, struct u9 *u)
{
    struct u9_stat s = u9_blank;
    struct stat st;

    u9_host_file(g, "f", "", 0644);
    u9_walk(u, 0, 1, "f");
    st = u9_host_stat(g, "f");
    s.gid = "1000";
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    s.uid = "root"; /* its owner already */
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    if (u->dialect == U) {
        s = u9_blank;
        s.n_uid = 1000;
        s.n_gid = 1000;
        u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
        s = u9_blank;
        s.uid = "nobody";
        u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
    }
    CHECK_EQ(u9_host_stat(g, "f").st_uid, st.st_uid);
    CHECK_EQ(u9_host_stat(g, "f").st_gid, st.st_gid);
}

static void wstat_owner(void)
{
    in_both(wstat_owner_in);
}

/* A symlink has no mode of its own; special bits of 9P2000.u. */
static void wstat_special(void)
{
    struct rig_config cfg = {0};
    struct u9 u;
    struct rig *g = mounted(&u, U, &cfg);
    struct u9_stat s = u9_blank;

    MUST(symlinkat("f", g->root_fd, "l"));
    MUST(mknodat(g->root_fd, "p", S_IFIFO | 0600, 0));
    MUST(mkdirat(g->root_fd, "d", 0755));
    u9_walk(&u, 0, 1, "l");
    u9_walk(&u, 0, 2, "p");
    u9_walk(&u, 0, 3, "d");
    s.mode = P9_DMSYMLINK | 0777;
    u9_refused(&u, u9_ask_wstat(&u, 1, &s), EOPNOTSUPP);
    s = u9_blank;
    s.mtime = 99;
    u9_want(&u, u9_ask_wstat(&u, 1, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "l").st_mtim.tv_sec, 99);
    s.mode = P9_DMNAMEDPIPE | 0640;
    u9_want(&u, u9_ask_wstat(&u, 2, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "p").st_mode, S_IFIFO | 0640);
    s.mode = 0644; /* without saying what it is */
    u9_want(&u, u9_ask_wstat(&u, 2, &s), P9_TWSTAT, "");
    s.mode = P9_DMDIR | P9_DMSETVTX | P9_DMSETGID | P9_DMSETUID | 0777;
    u9_want(&u, u9_ask_wstat(&u, 3, &s), P9_TWSTAT, "");
    CHECK_EQ(u9_host_stat(g, "d").st_mode, S_IFDIR | 01777); /* squash: no setuid, no setgid */
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"stat_fields", stat_fields, 0, 0},       {"stat_limits", stat_limits, 0, 0},
    {"stat_names", stat_names, 0, 0},         {"wstat_fields", wstat_fields, 0, 0},
    {"wstat_refusals", wstat_refusals, 0, 0}, {"wstat_malformed", wstat_malformed, 0, 0},
    {"wstat_rename", wstat_rename, 0, 0},     {"wstat_owner", wstat_owner, 0, 0},
    {"wstat_special", wstat_special, 0, 0},
};
TAP_SUITE(ustat, cases);
