/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_u.c - Tattach, Twalk, Topen, Tcreate, Tread, Twrite, Tclunk, Tremove and directories in 9P2000.u and, where they
 * are the same, 9P2000: the bytes of every reply.
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

#define U P9_DIALECT_U

static void attach_in(struct rig *g, struct u9 *u)
{
    const bool is_u = u->dialect == U;
    struct p9_qid root = u9_qid(u, "");
    static const struct {
        uint32_t fid, afid;
        const char *uname, *aname;
        int error;
    } t[] = {
        {1, P9_NOFID, "root", "", 0},
        {2, 0, "root", "root", 0}, /* Mini-OS */
        {3, P9_NOFID, "", "/", 0},
        {4, P9_NOFID, "1000", "", 0},
        {5, P9_NOFID, "nobody", "", 0},
        {1, P9_NOFID, "root", "", EBADF},
        {P9_NOFID, P9_NOFID, "", "", EBADF},
        {6, 3, "root", "", EINVAL},
        {6, P9_NOFID, "root", "etc", ENOENT},
        {6, P9_NOFID, "root", "/etc", ENOENT},
        {6, P9_NOFID, "root", "..", ENOENT},
    };
    static const uint32_t uids[] = {0, 0, P9_NONUNAME, 1000, 65534};

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint16_t tag =
            is_u ? u9_ask(u, P9_TATTACH, "ddssd", t[i].fid, t[i].afid, t[i].uname, t[i].aname,
                          P9_NONUNAME)
                 : u9_ask(u, P9_TATTACH, "ddss", t[i].fid, t[i].afid, t[i].uname, t[i].aname);

        if (t[i].error != 0) {
            u9_refused(u, tag, t[i].error);
            continue;
        }
        u9_want(u, tag, P9_TATTACH, "Q", &root);
        rig_events(g);
        CHECK_EQ(g->last_attach.a, t[i].fid);
        CHECK_EQ(g->last_attach.b, uids[i]);
    }
    if (is_u) { /* a number counts more than a name */
        u9_want(u, u9_ask(u, P9_TATTACH, "ddssd", 7u, NO32, "root", "", 33u), P9_TATTACH, "Q",
                &root);
        rig_events(g);
        CHECK_EQ(g->last_attach.b, 33);
        u9_refused(u, u9_ask(u, P9_TATTACH, "ddss", 8u, NO32, "root", ""), EINVAL);
        u9_refused(u, u9_ask(u, P9_TAUTH, "dssd", 8u, "root", "", 0u), ENOENT);
    } else {
        u9_refused(u, u9_ask(u, P9_TATTACH, "ddssd", 8u, NO32, "root", "", 0u), EINVAL);
        u9_refused(u, u9_ask(u, P9_TAUTH, "dss", 8u, "root", ""), ENOENT);
    }
    u9_refused(u, u9_ask(u, P9_TCLUNK, "d", 8u), EBADF);
}

static void attach(void)
{
    u9_in_both(attach_in);
}

static void walk_in(struct rig *g, struct u9 *u)
{
    struct p9_qid root, a, b, f, l;

    MUST(mkdirat(g->root_fd, "a", 0755));
    MUST(mkdirat(g->root_fd, "a/b", 0755));
    u9_host_file(g, "a/b/f", "x", 0644);
    MUST(symlinkat("a", g->root_fd, "l"));
    root = u9_qid(u, "");
    a = u9_qid(u, "a");
    b = u9_qid(u, "a/b");
    f = u9_qid(u, "a/b/f");
    l = u9_qid(u, "l");
    u9_want(u, u9_ask(u, P9_TWALK, "ddw", 0u, 1u, 0), P9_TWALK, "w", 0);
    u9_want(u, u9_ask(u, P9_TWALK, "ddwsss", 0u, 2u, 3, "a", "b", "f"), P9_TWALK, "wQQQ", 3, &a, &b,
            &f);
    u9_want(u, u9_ask(u, P9_TWALK, "ddws", 0u, 3u, 1, "l"), P9_TWALK, "wQ", 1, &l);
    /* in place, one name at a time; ".." and the root */
    u9_want(u, u9_ask(u, P9_TWALK, "ddws", 1u, 1u, 1, "a"), P9_TWALK, "wQ", 1, &a);
    u9_want(u, u9_ask(u, P9_TWALK, "ddws", 1u, 1u, 1, "b"), P9_TWALK, "wQ", 1, &b);
    u9_want(u, u9_ask(u, P9_TWALK, "ddwsss", 1u, 1u, 3, "..", "..", ".."), P9_TWALK, "wQQQ", 3, &a,
            &root, &root);
    /* the first fails: an error; another: as far as it went, and no fid */
    u9_refused(u, u9_ask(u, P9_TWALK, "ddws", 0u, 4u, 1, "no"), ENOENT);
    u9_want(u, u9_ask(u, P9_TWALK, "ddwss", 0u, 4u, 2, "a", "no"), P9_TWALK, "wQ", 1, &a);
    u9_refused(u, u9_ask(u, P9_TCLUNK, "d", 4u), EBADF);
    u9_refused(u, u9_ask(u, P9_TWALK, "ddws", 2u, 4u, 1, "x"), ENOTDIR);
    u9_refused(u, u9_ask(u, P9_TWALK, "ddws", 3u, 4u, 1, "b"), ENOTDIR); /* never followed */
    u9_refused(u, u9_ask(u, P9_TWALK, "ddw", 0u, 2u, 0), EBADF);         /* in use */
    u9_refused(u, u9_ask(u, P9_TWALK, "ddw", 0u, P9_NOFID, 0), EBADF);
    u9_refused(u, u9_ask(u, P9_TWALK, "ddw", 77u, 4u, 0), EBADF);
    u9_refused(u, u9_ask(u, P9_TWALK, "ddw", 0u, 4u, 17), EINVAL);
    u9_refused(u, u9_ask(u, P9_TWALK, "ddws", 0u, 4u, 1, "a/b"), EINVAL);
    u9_refused(u, u9_ask(u, P9_TWALK, "ddwS", 0u, 4u, 1, (size_t)3, "a\0b"), EINVAL);
    /* from an open fid */
    u9_walk(u, 0, 5, "a");
    u9_open(u, 5, P9_OREAD);
    u9_walk(u, 5, 6, "b");
}

static void walk(void)
{
    u9_in_both(walk_in);
}

static void open_in(struct rig *g, struct u9 *u)
{
    static const struct {
        const char *name;
        uint32_t mode;
        int error;
    } t[] = {
        {"f", P9_OREAD, 0},
        {"f", P9_OWRITE, 0},
        {"f", P9_ORDWR, 0},
        {"f", P9_OEXEC, EACCES},
        {"x", P9_OEXEC, 0},
        {"f", P9_OWRITE | P9_OAPPEND, 0},
        {"f", P9_ORDWR | P9_OAPPEND, 0},
        {"f", P9_OREAD | 0x04, EINVAL},
        {"f", P9_OREAD | 0x08, EINVAL},
        {"f", P9_OREAD | 0x20, EINVAL},
        {"d", P9_OREAD, 0},
        {"d", P9_OEXEC, 0},
        {"d", P9_OWRITE, EISDIR},
        {"d", P9_ORDWR, EISDIR},
        {"d", P9_OREAD | P9_OTRUNC, EISDIR},
        {"d", P9_OREAD | P9_ORCLOSE, EISDIR},
        {"l", P9_OREAD, ELOOP},
        {"p", P9_OREAD, ENXIO},
        {"s", P9_OREAD, ENXIO},
        {"c", P9_OREAD, EACCES},
    };

    u9_host_file(g, "f", "0123456789", 0644);
    u9_host_file(g, "x", "#!", 0755);
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(symlinkat("f", g->root_fd, "l"));
    MUST(mknodat(g->root_fd, "p", S_IFIFO | 0644, 0));
    MUST(mknodat(g->root_fd, "s", S_IFSOCK | 0644, 0));
    MUST(mknodat(g->root_fd, "c", S_IFCHR | 0644, makedev(1, 3)));
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint16_t tag;

        u9_walk(u, 0, 10, t[i].name);
        tag = u9_ask(u, P9_TOPEN, "db", 10u, (int)t[i].mode);
        tap_note("%s mode 0x%02x", t[i].name, t[i].mode);
        if (t[i].error != 0) {
            u9_refused(u, tag, t[i].error);
        } else {
            struct p9_qid q;

            u9_want(u, tag, P9_TOPEN, "Qd", (q = u9_qid(u, t[i].name), &q), 0u);
            u9_refused(u, u9_ask(u, P9_TOPEN, "db", 10u, 0), EINVAL); /* once */
        }
        u9_clunk(u, 10);
    }
    u9_refused(u, u9_ask(u, P9_TOPEN, "db", 99u, 0), EBADF);
    u9_refused(u, u9_ask(u, P9_TOPEN, "d", 0u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TOPEN, "dbb", 0u, 0, 0), EINVAL);
    u9_host_says(g, "f", "0123456789");
}

static void open_modes(void)
{
    u9_in_both(open_in);
}

static void read_write_in(struct rig *g, struct u9 *u)
{
    u9_host_file(g, "f", "0123456789", 0644);
    u9_walk(u, 0, 1, "f");
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, 4u), EBADF); /* not open */
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 1u, 0ull, 1u, (size_t)1, "x"), EBADF);
    u9_open(u, 1, P9_OREAD);
    u9_read(u, 1, 0, 4, "0123");
    u9_read(u, 1, 8, 100, "89");
    u9_read(u, 1, 10, 100, "");
    u9_read(u, 1, 1ull << 40, 1, "");
    u9_read(u, 1, 0, 0, "");
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, 1ull << 63, 1u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TREAD, "dq", 1u, 0ull), EINVAL);
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 1u, 0ull, 1u, (size_t)1, "x"), EBADF);
    u9_walk(u, 0, 2, "f");
    u9_open(u, 2, P9_OWRITE);
    u9_write(u, 2, 4, "abc");
    u9_write(u, 2, 0, "");
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 2u, 0ull, 1u), EBADF);
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 2u, 0ull, 2u, (size_t)1, "x"), EINVAL);
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 2u, 0ull, 1u, (size_t)2, "xy"), EINVAL);
    u9_host_says(g, "f", "0123abc789");
    u9_walk(u, 0, 3, "f");
    u9_open(u, 3, P9_ORDWR | P9_OTRUNC);
    u9_host_says(g, "f", "");
    u9_write(u, 3, 0, "new");
    u9_read(u, 3, 0, 10, "new");
    /* two that append: nobody overwrites the other, whatever the offset */
    u9_walk(u, 0, 4, "f");
    u9_open(u, 4, P9_OWRITE | P9_OAPPEND);
    u9_walk(u, 0, 5, "f");
    u9_open(u, 5, P9_OWRITE | P9_OAPPEND);
    u9_write(u, 4, 0, "+1");
    u9_write(u, 5, 0, "+2");
    u9_write(u, 4, 3, "+3");
    u9_host_says(g, "f", "new+1+2+3");
    /* after the name is gone */
    MUST(unlinkat(g->root_fd, "f", 0));
    u9_write(u, 3, 0, "N");
    u9_read(u, 3, 0, 100, "New+1+2+3");
}

static void read_write(void)
{
    u9_in_both(read_write_in);
}

/* count = msize - 11 is Mini-OS's: the reply is exactly msize bytes. */
static void reply_of_exactly_msize_in(struct rig *g, struct u9 *u)
{
    char *big = malloc(200000);
    uint32_t most = u->msize - 11;
    int fd = openat(g->root_fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    CHECK(big != NULL);
    MUST(fd);
    for (size_t i = 0; i < 200000; i++)
        big[i] = (char)('a' + i % 26);
    CHECK_EQ(write(fd, big, 200000), 200000);
    close(fd);
    u9_walk(u, 0, 1, "f");
    u9_open(u, 1, P9_OREAD);
    u9_want(u, u9_ask(u, P9_TREAD, "dqd", 1u, 3ull, most), P9_TREAD, "dB", most, (size_t)most,
            big + 3);
    CHECK_EQ(u->reply->len, u->msize);
    /* more than fits is cut */
    u9_want(u, u9_ask(u, P9_TREAD, "dqd", 1u, 3ull, UINT32_MAX), P9_TREAD, "dB", most, (size_t)most,
            big + 3);
    free(big);
}

static void reply_of_exactly_msize(void)
{
    u9_in_both(reply_of_exactly_msize_in);
}

static void orclose_in(struct rig *g, struct u9 *u)
{
    u9_host_file(g, "f", "x", 0644);
    u9_host_file(g, "g", "x", 0644);
    u9_host_file(g, "h", "x", 0644);
    u9_walk(u, 0, 1, "f");
    u9_open(u, 1, P9_OREAD | P9_ORCLOSE);
    u9_walk(u, 1, 2, ""); /* a clone has nothing of it */
    u9_clunk(u, 2);
    CHECK(u9_host_has(g, "f"));
    u9_read(u, 1, 0, 1, "x");
    u9_clunk(u, 1);
    CHECK(!u9_host_has(g, "f"));
    /* created so */
    u9_walk(u, 0, 3, "");
    u9_want_qid(u, u9_ask_create(u, 3, "tmp", 0600, P9_ORDWR | P9_ORCLOSE, ""), P9_TCREATE, "tmp");
    u9_write(u, 3, 0, "scratch");
    CHECK(u9_host_has(g, "tmp"));
    u9_clunk(u, 3);
    CHECK(!u9_host_has(g, "tmp"));
    /* wherever it is by then; gone already is no error; Tremove is the same as ever */
    u9_walk(u, 0, 4, "g");
    u9_open(u, 4, P9_OREAD | P9_ORCLOSE);
    MUST(mkdirat(g->root_fd, "sub", 0755));
    MUST(renameat(g->root_fd, "g", g->root_fd, "sub/moved"));
    u9_clunk(u, 4);
    CHECK(!u9_host_has(g, "sub/moved"));
    u9_walk(u, 0, 5, "h");
    u9_open(u, 5, P9_OREAD | P9_ORCLOSE);
    u9_walk(u, 0, 6, "h");
    u9_want(u, u9_ask(u, P9_TREMOVE, "d", 6u), P9_TREMOVE, "");
    u9_clunk(u, 5);
    /* Tversion ends fids as Tclunk does */
    u9_host_file(g, "i", "x", 0644);
    u9_walk(u, 0, 7, "i");
    u9_open(u, 7, P9_OREAD | P9_ORCLOSE);
    u9_version(u, g, u->dialect, UINT32_MAX);
    CHECK(!u9_host_has(g, "i"));
}

static void orclose(void)
{
    u9_in_both(orclose_in);
}

static void clunk_remove_in(struct rig *g, struct u9 *u)
{
    u9_host_file(g, "f", "x", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(mkdirat(g->root_fd, "d/e", 0755));
    u9_walk(u, 0, 1, "f");
    u9_walk(u, 0, 2, "d");
    u9_walk(u, 0, 3, "d/e");
    u9_walk(u, 0, 4, "");
    u9_want(u, u9_ask(u, P9_TREMOVE, "d", 1u), P9_TREMOVE, "");
    CHECK(!u9_host_has(g, "f"));
    u9_refused(u, u9_ask(u, P9_TREMOVE, "d", 2u), ENOTEMPTY);
    u9_refused(u, u9_ask(u, P9_TCLUNK, "d", 2u), EBADF); /* it is gone all the same */
    u9_want(u, u9_ask(u, P9_TREMOVE, "d", 3u), P9_TREMOVE, "");
    CHECK(!u9_host_has(g, "d/e"));
    u9_refused(u, u9_ask(u, P9_TREMOVE, "d", 4u), EBUSY); /* the root */
    u9_refused(u, u9_ask(u, P9_TCLUNK, "d", 4u), EBADF);
    u9_refused(u, u9_ask(u, P9_TREMOVE, "d", 77u), EBADF);
    u9_refused(u, u9_ask(u, P9_TREMOVE, "dd", 0u, 0u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TCLUNK, ""), EINVAL);
    u9_want(u, u9_ask(u, P9_TFLUSH, "w", 999), P9_TFLUSH, "");
    u9_refused(u, u9_ask(u, P9_TFLUSH, "d", 999u), EINVAL);
    u9_clunk(u, 0);
}

static void clunk_remove(void)
{
    u9_in_both(clunk_remove_in);
}

/* Takes one stat of a directory's contents; returns its name. */
static const char *next_stat(struct u9 *u, struct cursor *c)
{
    static char name[256];
    uint16_t size = cursor_u16(c);
    const uint8_t *p = cursor_bytes(c, size);
    struct u9_stat want;
    struct stat st;
    uint8_t buf[8192];
    struct cursor s;
    struct wire_str n;

    CHECK(p != NULL && size > 41);
    cursor_init(&s, p + 39, size - 39u);
    n = cursor_str(&s);
    CHECK(n.len > 0 && n.len < sizeof(name));
    memcpy(name, n.s, n.len);
    name[n.len] = '\0';
    CHECK(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    if (fstatat(u->rig->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        struct reply *keep = u->reply; /* `c` is over it */
        struct u9 other = *u;

        other.reply = NULL;
        want = u9_stat_of(&other, name);
        want.ext = S_ISLNK(st.st_mode) ? "target" : "";
        u9_want(&other, u9_ask(&other, P9_TWALK, "ddws", 0u, 4001u, 1, name), P9_TWALK, "wQ", 1,
                &want.qid);
        u9_want(&other, u9_ask(&other, P9_TSTAT, "d", 4001u), P9_TSTAT, "T", &want);
        CHECK_EQ(other.reply->len, P9_HDR_SIZE + 2 + 2 + size);
        memcpy(buf, other.reply->bytes + P9_HDR_SIZE + 4, size);
        CHECK(memcmp(buf, p, size) == 0); /* the same as Tstat says */
        u9_clunk(&other, 4001);
        u->next_tag = other.next_tag;
        free(other.reply);
        CHECK(keep == u->reply);
    }
    return name;
}

static void directories_in(struct rig *g, struct u9 *u)
{
    static const uint32_t counts[] = {8000, 500, 120, UINT32_MAX};
    struct cursor c;
    char name[32];
    uint32_t n;

    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "file-%d", i);
        u9_host_file(g, name, name, 0644);
    }
    MUST(mkdirat(g->root_fd, "dir", 0755));
    MUST(symlinkat("target", g->root_fd, "link"));
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint64_t offset = 0;
        int seen = 0;

        u9_walk(u, 0, 1, "");
        u9_open(u, 1, P9_OREAD);
        do {
            c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, offset, counts[i]), P9_TREAD);
            n = cursor_u32(&c);
            CHECK(n <= counts[i]);
            CHECK_EQ(cursor_left(&c), n);
            offset += n;
            for (; cursor_left(&c) > 0; seen++)
                (void)next_stat(u, &c);
        } while (n > 0);
        CHECK_EQ(seen, 42);
        u9_read(u, 1, offset, counts[i], ""); /* the end stays the end */
        u9_clunk(u, 1);
    }
}

static void directories(void)
{
    u9_in_both(directories_in);
}

static void directory_offsets_in(struct rig *g, struct u9 *u)
{
    struct cursor c;
    uint32_t n, first;
    char name[32];

    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "file-%d", i);
        u9_host_file(g, name, "", 0644);
    }
    u9_walk(u, 0, 1, "");
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, 4000u), EBADF);
    u9_open(u, 1, P9_OREAD);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, 1ull, 4000u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)INT64_MAX, 4000u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, 1ull << 63, 4000u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, UINT64_MAX, UINT32_MAX), EINVAL);
    c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, 300u), P9_TREAD);
    first = cursor_u32(&c);
    CHECK(first > 100 && first <= 300);
    /* neither in between nor beyond; what is wrong changes nothing */
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first - 1, 300u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first + 1, 300u), EINVAL);
    /* never split: no room for one is an error, and where it stands stays */
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first, 40u), EINVAL);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first, 0u), EINVAL);
    c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first, 300u), P9_TREAD);
    n = cursor_u32(&c);
    CHECK(n > 0);
    u9_refused(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first, 300u), EINVAL); /* not twice */
    /* from the beginning, with what is new */
    u9_host_file(g, "late", "", 0644);
    c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, 8000u), P9_TREAD);
    n = 0;
    for (cursor_u32(&c); cursor_left(&c) > 0; n++)
        (void)next_stat(u, &c);
    CHECK_EQ(n, 11);
    /* entries that go while they are read */
    c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, 300u), P9_TREAD);
    first = cursor_u32(&c);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "file-%d", i);
        MUST(unlinkat(g->root_fd, name, 0));
    }
    c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)first, 8000u), P9_TREAD);
    CHECK(cursor_u32(&c) <= 100); /* "late" at most */
    /* Twrite of a directory cannot be */
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 1u, 0ull, 1u, (size_t)1, "x"), EBADF);
}

static void directory_offsets(void)
{
    u9_in_both(directory_offsets_in);
}

/* A name as long as may be, of any bytes: made, walked to, read in its directory, changed, removed. */
static void odd_names_in(struct rig *g, struct u9 *u)
{
    char name[3][256];

    memset(name, 0, sizeof(name));
    for (int b = 1, k = 0; b < 256; b++)
        if (b != '/')
            name[0][k++] = (char)b;
    memset(name[1], 0xff, 255);
    memset(name[2], 'n', 245);
    memcpy(name[2] + 245, " (deleted)", 10);
    for (int i = 0; i < 3; i++) {
        struct u9_stat s = u9_blank, want;
        struct cursor c;
        uint32_t n;

        u9_walk(u, 0, 1, "");
        u9_want_qid(u, u9_ask_create(u, 1, name[i], 0644, P9_ORDWR, ""), P9_TCREATE, name[i]);
        want = u9_stat_of(u, name[i]);
        u9_want(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
        u9_walk(u, 0, 2, "");
        u9_open(u, 2, P9_OREAD);
        c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 2u, 0ull, 4000u), P9_TREAD);
        n = cursor_u32(&c);
        CHECK_EQ(cursor_left(&c), n);
        CHECK(strcmp(next_stat(u, &c), name[i]) == 0);
        CHECK_EQ(cursor_left(&c), 0);
        s.name = "short";
        u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
        s.name = name[i];
        u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, "");
        CHECK(u9_host_has(g, name[i]));
        MUST(unlinkat(g->root_fd, name[i], 0));
        c = u9_take(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT); /* what it was called */
        (void)cursor_bytes(&c, 2 + 41);
        CHECK_EQ(cursor_u16(&c), strlen(name[i]));
        CHECK(memcmp(cursor_bytes(&c, strlen(name[i])), name[i], strlen(name[i])) == 0);
        u9_clunk(u, 1);
        u9_clunk(u, 2);
    }
}

static void odd_names(void)
{
    u9_in_both(odd_names_in);
}

/* What no message takes for a name, and what Twalk alone does. */
static void names_that_are_none_in(struct rig *g, struct u9 *u)
{
    static char big[256]; /* without a NUL: 256 bytes */
    static const struct {
        size_t len;
        const char *s;
        int error;
    } t[] = {
        {0, "", ENOENT},    {1, ".", EINVAL},   {2, "..", EINVAL},   {1, "/", EINVAL},
        {3, "d/x", EINVAL}, {2, "/f", EINVAL},  {2, "f/", EINVAL},   {3, "f\0x", EINVAL},
        {1, "\0", EINVAL},  {2, "f\0", EINVAL}, {3, "..\0", EINVAL}, {256, big, ENAMETOOLONG},
    };

    memset(big, 'n', sizeof(big));
    u9_host_file(g, "f", "text", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    u9_walk(u, 0, 1, "d");
    u9_walk(u, 0, 2, "f");
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const bool up = t[i].len == 2 && memcmp(t[i].s, "..", 2) == 0;
        const char *ext = "";
        uint16_t tag;

        tap_note("name %zu", i);
        tag = u->dialect == U ? u9_ask(u, P9_TCREATE, "dSdbs", 1u, t[i].len, t[i].s, 0644u, 0, ext)
                              : u9_ask(u, P9_TCREATE, "dSdb", 1u, t[i].len, t[i].s, 0644u, 0);
        u9_refused(u, tag, t[i].error);
        tag = u9_ask(u, P9_TWALK, "ddwS", 1u, 9u, 1, t[i].len, t[i].s);
        if (!up) {
            u9_refused(u, tag, t[i].error);
        } else {
            (void)u9_take(u, tag, P9_TWALK);
            u9_clunk(u, 9);
        }
        if (t[i].len > 0) { /* "" leaves the name alone */
            uint8_t stat[1024];
            struct builder b;

            builder_init(&b, stat, sizeof(stat));
            builder_u16(&b, 0xffff);
            builder_u32(&b, NO32);
            builder_qid(&b, &u9_blank.qid);
            for (int k = 0; k < 3; k++) /* mode, atime, mtime */
                builder_u32(&b, NO32);
            builder_u64(&b, NO64);
            builder_str(&b, t[i].s, t[i].len);
            for (int k = 0; k < (u->dialect == U ? 4 : 3); k++)
                builder_str(&b, "", 0);
            for (int k = 0; k < (u->dialect == U ? 3 : 0); k++)
                builder_u32(&b, NO32);
            u9_refused(u,
                       u9_ask(u, P9_TWSTAT, "dwwB", 2u, (int)builder_len(&b) + 2,
                              (int)builder_len(&b), builder_len(&b), stat),
                       t[i].error);
        }
    }
    u9_host_says(g, "f", "text");
    u9_open(u, 1, P9_OREAD);
    u9_read(u, 1, 0, 1000, ""); /* nothing was made */
}

static void names_that_are_none(void)
{
    u9_in_both(names_that_are_none_in);
}

/* Every message with a fid, over one that is NOFID, clunked or never was. */
static void fids_that_are_none_in(struct rig *g, struct u9 *u)
{
    static const uint32_t none[] = {P9_NOFID, 7, 99};
    struct u9_stat s = u9_blank;

    u9_host_file(g, "f", "text", 0644);
    u9_walk(u, 0, 7, "f");
    u9_open(u, 7, P9_ORDWR);
    u9_clunk(u, 7);
    s.mode = 0600;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        uint32_t f = none[i];

        u9_refused(u, u9_ask(u, P9_TWALK, "ddw", f, 50u, 0), EBADF);
        u9_refused(u, u9_ask(u, P9_TWALK, "ddws", f, 50u, 1, "f"), EBADF);
        u9_refused(u, u9_ask(u, P9_TOPEN, "db", f, P9_OREAD), EBADF);
        u9_refused(u, u9_ask_create(u, f, "n", 0644, P9_OREAD, ""), EBADF);
        u9_refused(u, u9_ask_create(u, f, "n", P9_DMDIR | 0755, P9_OREAD, ""), EBADF);
        u9_refused(u, u9_ask(u, P9_TREAD, "dqd", f, 0ull, 8u), EBADF);
        u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", f, 0ull, 1u, (size_t)1, "x"), EBADF);
        u9_refused(u, u9_ask(u, P9_TSTAT, "d", f), EBADF);
        u9_refused(u, u9_ask_wstat(u, f, &s), EBADF);
        u9_refused(u, u9_ask_wstat(u, f, &u9_blank), EBADF);
        u9_refused(u, u9_ask(u, P9_TREMOVE, "d", f), EBADF);
        u9_refused(u, u9_ask(u, P9_TCLUNK, "d", f), EBADF);
    }
    CHECK(!u9_host_has(g, "n"));
    u9_host_says(g, "f", "text");
}

static void fids_that_are_none(void)
{
    u9_in_both(fids_that_are_none_in);
}

/* Messages of 9P2000.L, R-messages and unknown types. */
static void other_messages_in(struct rig *g, struct u9 *u)
{
    (void)g;
    for (int type = 0; type < 256; type++) {
        bool known = type >= 100 && type <= 126 && type % 2 == 0 && type != 106;

        if (!known)
            u9_refused(u, u9_ask(u, (uint8_t)type, "d", 0u), EOPNOTSUPP);
    }
}

static void other_messages(void)
{
    u9_in_both(other_messages_in);
}

static void read_only_in(struct rig *g, struct u9 *u)
{
    struct u9_stat s = u9_blank;

    (void)g;
    u9_walk(u, 0, 1, "f");
    u9_refused(u, u9_ask(u, P9_TOPEN, "db", 1u, P9_OWRITE), EROFS);
    u9_refused(u, u9_ask(u, P9_TOPEN, "db", 1u, P9_OREAD | P9_OTRUNC), EROFS);
    u9_refused(u, u9_ask(u, P9_TOPEN, "db", 1u, P9_OREAD | P9_ORCLOSE), EROFS);
    u9_open(u, 1, P9_OREAD);
    u9_read(u, 1, 0, 10, "data");
    u9_want(u, u9_ask_wstat(u, 1, &s), P9_TWSTAT, ""); /* fsync */
    s.mode = 0600;
    u9_refused(u, u9_ask_wstat(u, 1, &s), EROFS);
    s = u9_blank;
    s.name = "g";
    u9_refused(u, u9_ask_wstat(u, 1, &s), EROFS);
    u9_refused(u, u9_ask_create(u, 0, "n", 0644, 0, ""), EROFS);
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 1u, 0ull, 1u, (size_t)1, "x"), EROFS);
    u9_refused(u, u9_ask(u, P9_TREMOVE, "d", 1u), EROFS);
    u9_refused(u, u9_ask(u, P9_TCLUNK, "d", 1u), EBADF);
}

static void read_only(void)
{
    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        char dir[128];
        struct rig_config cfg = {.export = dir, .flags = CTL_FLAG_READ_ONLY};
        struct rig *g;
        struct u9 u;

        snprintf(dir, sizeof(dir), "%s/%s", tap_dir(), p9_dialect_name(d));
        MUST(mkdir(dir, 0755));
        g = rig_prepare(&cfg);
        u9_host_file(g, "f", "data", 0644);
        rig_start(g, 0);
        u9_mount(&u, g, d);
        read_only_in(g, &u);
        rig_end(g);
    }
}

static const struct tap_case cases[] = {
    {"attach", attach, 0, 0},
    {"walk", walk, 0, 0},
    {"open_modes", open_modes, 0, 0},
    {"read_write", read_write, 0, 0},
    {"reply_of_exactly_msize", reply_of_exactly_msize, 0, 0},
    {"orclose", orclose, 0, 0},
    {"clunk_remove", clunk_remove, 0, 0},
    {"directories", directories, 0, 0},
    {"directory_offsets", directory_offsets, 0, 0},
    {"odd_names", odd_names, 0, 0},
    {"names_that_are_none", names_that_are_none, 0, 0},
    {"fids_that_are_none", fids_that_are_none, 0, 0},
    {"other_messages", other_messages, 0, 0},
    {"read_only", read_only, 0, 0},
};
TAP_SUITE(u, cases);
