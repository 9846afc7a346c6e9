/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_session.c - Tversion, Tattach, Tauth, Twalk, Tclunk, Tflush, and messages that are not
 * served: what they answer, and what they leave behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"

static void version_bounds(void)
{
    static const struct {
        uint32_t asked, order, max_msize;
    } t[] = {
        {UINT32_MAX, 1, 0},     {UINT32_MAX, 2, 0},     {UINT32_MAX, 5, 0},     {UINT32_MAX, 9, 0},
        {4096, 5, 0},           {4097, 5, 0},           {8192, 2, 0},           {512 * 1024, 9, 0},
        {UINT32_MAX, 9, 65536}, {0x80000000u, 3, 4096}, {512 * 1024 - 1, 9, 0},
    };
    char got[16];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct rig_config cfg = {.order = t[i].order, .max_msize = t[i].max_msize};
        struct rig *g;
        struct p9c c;
        uint32_t want, half = ringidx_size(t[i].order) / 2;

        cfg.export = tap_dir();
        g = rig_new(&cfg);
        want = t[i].asked < half ? t[i].asked : half;
        if (want > g->cfg.max_msize)
            want = g->cfg.max_msize;
        p9c_init(&c, g);
        if (want < P9_MIN_MSIZE) {
            /* One direction of order 1 is a page: no msize that Linux accepts fits half of it. */
            int err = p9c_version(&c, t[i].asked, "9P2000.L", got);

            CHECK(err != 0 || strcmp(got, "unknown") == 0 || c.msize == want);
        } else {
            CHECK_OK(p9c_version(&c, t[i].asked, "9P2000.L", got));
            CHECK(strcmp(got, "9P2000.L") == 0);
            CHECK_EQ(c.msize, want);
            CHECK_OK(p9c_attach(&c, 1, P9_NOFID, "", 0));
            rig_events(g);
            CHECK_EQ(g->sessions, 1);
            CHECK_EQ(g->last_session.a, P9_DIALECT_L);
            CHECK_EQ(g->last_session.b, want);
        }
        rig_end(g);
    }
}

static void version_msize_0_6_4095(void)
{
    static const uint32_t sizes[] = {0, 6, 7, 24, 4095};
    struct rig *g = rig_new(NULL);
    struct p9c c;
    char got[16];

    p9c_init(&c, g);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int err = p9c_version(&c, sizes[i], "9P2000.L", got);

        CHECK(err != 0 || strcmp(got, "unknown") == 0);
        CHECK(p9c_attach(&c, 0, P9_NOFID, "", 0) != 0);
    }
    CHECK_OK(p9c_version(&c, 4096, "9P2000.L", got));
    CHECK_EQ(c.msize, 4096);
    CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
    rig_end(g);
}

static void version_unknown_dialect(void)
{
    static const char *const names[] = {"9P2000.X", "",   "9p2000.L", "9P2000.Lx",
                                        "9P2000.",  "9P", "unknown",  "9P2000.L\n"};
    struct rig *g = rig_new(NULL);
    struct p9c c;
    char got[16], *big = malloc(4000);

    p9c_init(&c, g);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_OK(p9c_version(&c, 8192, names[i], got));
        CHECK(strcmp(got, "unknown") == 0);
        CHECK(p9c_attach(&c, 0, P9_NOFID, "", 0) != 0);
    }
    memset(big, '9', 3999);
    big[3999] = '\0';
    CHECK_OK(p9c_version(&c, 8192, big, got));
    CHECK(strcmp(got, "unknown") == 0);
    CHECK_OK(p9c_rpc(&c, P9_TVERSION, "dS", 8192u, (size_t)9, "9P2000.L\0"));
    CHECK_OK(p9c_version(&c, 8192, "9P2000.L", got));
    CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
    /* A failed negotiation ends the session that was there. */
    CHECK_OK(p9c_version(&c, 8192, "bogus", got));
    CHECK(p9c_walk(&c, 0, 1, "") != 0);
    rig_end(g);
}

static void version_on_second_ring_drops_fids(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c a, b;
    struct p9_attr st;
    char got[16];

    p9c_mount(&a, g);
    a.ring = 0;
    CHECK_OK(p9c_walk(&a, 0, 5, ""));
    p9c_init(&b, g);
    b.ring = 1;
    b.next_tag = 100;
    CHECK_OK(p9c_version(&b, 8192, "9P2000.L", got));
    CHECK_ERR(p9c_getattr(&a, 0, P9_GETATTR_BASIC, &st), EBADF);
    CHECK_ERR(p9c_getattr(&b, 5, P9_GETATTR_BASIC, &st), EBADF);
    CHECK_OK(p9c_attach(&b, 5, P9_NOFID, "", 0));
    CHECK_OK(p9c_getattr(&a, 5, P9_GETATTR_BASIC, &st));
    rig_events(g);
    CHECK_EQ(g->sessions, 2);
    rig_end(g);
}

static void first_message_not_version(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr st;

    p9c_init(&c, g);
    CHECK(p9c_attach(&c, 0, P9_NOFID, "", 0) != 0);
    CHECK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &st) != 0);
    CHECK(p9c_walk(&c, 0, 1, "") != 0);
    CHECK(p9c_clunk(&c, 0) != 0);
    p9c_mount(&c, g);
    rig_end(g);
}

static void version_again_and_again(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    for (int i = 0; i < 200; i++) {
        p9c_mount(&c, g);
        for (uint32_t f = 1; f < 20; f++)
            CHECK_OK(p9c_walk(&c, 0, f, ""));
    }
    rig_events(g);
    rig_events(g);
    CHECK_EQ(g->sessions, 200);
    rig_end(g);
}

static void attach_afid(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct stat st;

    p9c_mount(&c, g);
    CHECK_EQ(c.qid.type, P9_QTDIR);
    CHECK_OK(p9c_attach(&c, 7, 0, "", P9_NONUNAME)); /* Mini-OS */
    CHECK_OK(p9c_attach(&c, 8, P9_NOFID, "/", 1000));
    CHECK(p9c_attach(&c, 10, P9_NOFID, "/some/where", 1000) != 0);
    CHECK(p9c_attach(&c, 10, P9_NOFID, "../outside", 1000) != 0);
    CHECK(p9c_attach(&c, 10, 7, "", 1000) != 0); /* no such authentication */
    CHECK_ERR(p9c_clunk(&c, 10), EBADF);
    CHECK_OK(p9c_walk(&c, 8, 9, ".."));
    MUST(fstat(g->root_fd, &st));
    CHECK_OK(p9c_clunk(&c, 7));
    CHECK_OK(p9c_clunk(&c, 8));
    CHECK_OK(p9c_clunk(&c, 9));
    rig_events(g);
    CHECK_EQ(g->attaches, 3);
    CHECK_EQ(g->last_attach.a, 8);
    CHECK_EQ(g->last_attach.b, 1000);
    rig_end(g);
}

static void attach_on_used_fid_and_nofid(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr st;

    p9c_mount(&c, g);
    CHECK(p9c_attach(&c, 0, P9_NOFID, "", 0) != 0);
    CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &st)); /* the old one is untouched */
    CHECK(p9c_attach(&c, P9_NOFID, P9_NOFID, "", 0) != 0);
    rig_end(g);
}

static void auth_is_refused(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    CHECK(p9c_rpc(&c, P9_TAUTH, "dssd", 3u, "root", "", 0u) != 0);
    CHECK_ERR(p9c_clunk(&c, 3), EBADF);
    rig_end(g);
}

/* a/b/f and a link in the export, a secret beside it. */
static void make_tree(struct rig *g)
{
    char path[160];
    int fd;

    MUST(mkdirat(g->root_fd, "a", 0755));
    MUST(mkdirat(g->root_fd, "a/b", 0755));
    fd = openat(g->root_fd, "a/b/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    MUST(fd);
    CHECK_EQ(write(fd, "hello", 5), 5);
    close(fd);
    MUST(symlinkat("a/b", g->root_fd, "link"));
    snprintf(path, sizeof(path), "%s/secret", g->outside);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    MUST(fd);
    close(fd);
    MUST(symlinkat(path, g->root_fd, "abs"));
    MUST(symlinkat("../outside", g->root_fd, "rel"));
}

static void walk_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr root, st;
    char deep[] = "a/b/f";

    make_tree(g);
    p9c_mount(&c, g);
    CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &root));
    CHECK_OK(p9c_walk(&c, 0, 1, deep));
    CHECK_EQ(c.nwqid, 3);
    CHECK_EQ(c.wqid[0].type, P9_QTDIR);
    CHECK_EQ(c.wqid[2].type, P9_QTFILE);
    CHECK(c.wqid[2].version != 0);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &st));
    CHECK_EQ(st.qid.path, c.qid.path);
    CHECK_EQ(st.qid.version, c.qid.version);
    CHECK_EQ(st.size, 5);
    /* In place. */
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_EQ(c.nwqid, 0);
    CHECK_OK(p9c_walk(&c, 2, 2, "a"));
    CHECK_OK(p9c_walk(&c, 2, 2, "b"));
    CHECK_OK(p9c_walk(&c, 2, 2, "f"));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &st));
    CHECK_EQ(st.size, 5);
    /* A fid walked onto itself without names stays. */
    CHECK_OK(p9c_walk(&c, 2, 2, ""));
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &st));
    /* Clone of a file. */
    CHECK_OK(p9c_walk(&c, 2, 3, ""));
    CHECK_OK(p9c_clunk(&c, 2));
    CHECK_OK(p9c_getattr(&c, 3, P9_GETATTR_BASIC, &st));
    /* ".." at the root is the root, elsewhere the parent. */
    CHECK_OK(p9c_walk(&c, 0, 4, "../../.."));
    CHECK_EQ(c.nwqid, 3);
    CHECK_EQ(c.qid.path, root.qid.path);
    CHECK_OK(p9c_walk(&c, 4, 5, "a/b/../.."));
    CHECK_EQ(c.qid.path, root.qid.path);
    rig_end(g);
}

static void walk_short_and_failing(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr st;
    const char *const names[] = {"a", "b", "nope", "x"};

    make_tree(g);
    p9c_mount(&c, g);
    /* First name fails: an error. A later one: a short Rwalk, newfid not made, fid unchanged. */
    CHECK_ERR(p9c_walkv(&c, 0, 1, 1, names + 2), ENOENT);
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    CHECK_OK(p9c_walkv(&c, 0, 1, 4, names));
    CHECK_EQ(c.nwqid, 2);
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_OK(p9c_walkv(&c, 2, 2, 4, names));
    CHECK_EQ(c.nwqid, 2);
    CHECK_OK(p9c_walk(&c, 2, 3, "a")); /* 2 is still the root */
    /* Through a file, through a symlink: not a directory. */
    CHECK_ERR(p9c_walk(&c, 0, 4, "a/b/f/x"), ENOENT); /* short */
    CHECK_EQ(c.nwqid, 3);
    CHECK_OK(p9c_walk(&c, 0, 4, "a/b/f"));
    CHECK_ERR(p9c_walkv(&c, 4, 5, 1, names), ENOTDIR);
    CHECK_OK(p9c_walk(&c, 0, 6, "link"));
    CHECK_EQ(c.qid.type, P9_QTSYMLINK);
    CHECK(p9c_walkv(&c, 6, 7, 1, names) != 0);
    CHECK_OK(p9c_getattr(&c, 6, P9_GETATTR_BASIC, &st));
    CHECK(S_ISLNK(st.mode));
    rig_end(g);
}

static void walk_fids(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr st;

    make_tree(g);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "a"));
    CHECK(p9c_walk(&c, 0, 1, "a/b") != 0); /* newfid in use */
    CHECK_OK(p9c_walk(&c, 1, 9, "b"));     /* and 1 is still a */
    CHECK(p9c_walk(&c, 0, P9_NOFID, "a") != 0);
    CHECK_ERR(p9c_walk(&c, 77, 78, "a"), EBADF);
    CHECK_ERR(p9c_walk(&c, P9_NOFID, 78, "a"), EBADF);
    /* From an open directory. */
    CHECK_OK(p9c_walk(&c, 0, 2, "a"));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDONLY | P9_L_DIRECTORY));
    CHECK_OK(p9c_walk(&c, 2, 3, "b/f"));
    CHECK_OK(p9c_walk(&c, 2, 4, ""));
    CHECK_OK(p9c_lopen(&c, 4, P9_L_RDONLY)); /* the clone is not open */
    CHECK_OK(p9c_getattr(&c, 3, P9_GETATTR_BASIC, &st));
    rig_end(g);
}

static void walk_nwname_17_65535(void)
{
    struct rig *g = rig_new(NULL);
    uint8_t body[256];
    struct builder b;
    struct p9c c;

    make_tree(g);
    p9c_mount(&c, g);
    builder_init(&b, body, sizeof(body));
    for (int i = 0; i < 17; i++)
        builder_str(&b, "a", 1);
    CHECK_ERR(p9c_rpc(&c, P9_TWALK, "ddwB", 0u, 1u, 17, builder_len(&b), body), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TWALK, "ddwB", 0u, 1u, 65535, builder_len(&b), body), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TWALK, "ddw", 0u, 1u, 65535), EINVAL);
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    CHECK_OK(p9c_walk(&c, 0, 1, "a/../a/../a/../a/../a/../a/../a/../a/.."));
    CHECK_EQ(c.nwqid, 16);
    rig_end(g);
}

static void clunk_rules(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    struct p9_attr st;

    make_tree(g);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "a/b/f"));
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    CHECK_ERR(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &st), EBADF);
    CHECK_ERR(p9c_clunk(&c, P9_NOFID), EBADF);
    /* The number is free again. */
    CHECK_OK(p9c_walk(&c, 0, 1, "a"));
    /* Tremove ends the fid whether it removes or not. */
    CHECK_ERR(p9c_remove(&c, 1), ENOTEMPTY);
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    CHECK_OK(p9c_walk(&c, 0, 1, "a/b/f"));
    CHECK_OK(p9c_remove(&c, 1));
    CHECK_ERR(p9c_clunk(&c, 1), EBADF);
    CHECK_ERR(p9c_walk(&c, 0, 1, "a/b/f"), ENOENT);
    rig_end(g);
}

static void fid_exhaustion(void)
{
    struct rig *g = rig_new(&(struct rig_config){.max_fids = 64});
    struct p9c c;
    uint32_t n = 1;
    int err;

    p9c_mount(&c, g);
    while ((err = p9c_walk(&c, 0, n, "")) == 0 && n < 1000)
        n++;
    CHECK(err == ENFILE || err == EMFILE || err == ENOMEM);
    CHECK_EQ(n, 64);
    CHECK(p9c_attach(&c, 999, P9_NOFID, "", 0) != 0);
    CHECK_OK(p9c_clunk(&c, 10));
    CHECK_OK(p9c_walk(&c, 0, 4000000000u, ""));
    CHECK(p9c_walk(&c, 0, 999, "") != 0);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    rig_end(g);
}

static void unknown_and_reply_types(void)
{
    static const uint8_t served[] = {8,   12,  14,  16,  18,  20,  22,  24, 26, 30,
                                     32,  40,  50,  52,  54,  70,  72,  74, 76, 100,
                                     102, 104, 108, 110, 116, 118, 120, 122};
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (int type = 0; type < 256; type++) {
        if (memchr(served, type, sizeof(served)) != NULL)
            continue;
        CHECK(p9c_rpc(&c, (uint8_t)type, "") != 0);
        CHECK(p9c_rpc(&c, (uint8_t)type, "ddqqqq", 0u, 0u, 0ul, 0ul, 0ul, 0ul) != 0);
    }
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    rig_end(g);
}

static void flush_of_nothing(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint8_t buf[64];
    uint32_t len;

    p9c_mount(&c, g);
    CHECK_OK(p9c_flush(&c, 12345)); /* never seen */
    CHECK_OK(p9c_flush(&c, P9_NOTAG));
    for (int ring = 0; ring < 2; ring++) {
        c.ring = ring;
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK_OK(p9c_flush(&c, c.next_tag)); /* answered long ago */
        CHECK_OK(p9c_clunk(&c, 1));
        /* Of itself. */
        len = p9_pack(buf, sizeof(buf), P9_TFLUSH, 500, "w", 500);
        rig_put(g, (uint32_t)ring, buf, len);
        CHECK_OK(p9c_finish(&c, 500, P9_TFLUSH));
    }
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"version_bounds", version_bounds, 0, 0},
    {"version_msize_0_6_4095", version_msize_0_6_4095, 0, 0},
    {"version_unknown_dialect", version_unknown_dialect, 0, 0},
    {"version_on_second_ring_drops_fids", version_on_second_ring_drops_fids, 0, 0},
    {"first_message_not_version", first_message_not_version, 0, 0},
    {"version_again_and_again", version_again_and_again, 0, 0},
    {"attach_afid", attach_afid, 0, 0},
    {"attach_on_used_fid_and_nofid", attach_on_used_fid_and_nofid, 0, 0},
    {"auth_is_refused", auth_is_refused, 0, 0},
    {"walk_rules", walk_rules, 0, 0},
    {"walk_short_and_failing", walk_short_and_failing, 0, 0},
    {"walk_fids", walk_fids, 0, 0},
    {"walk_nwname_17_65535", walk_nwname_17_65535, 0, 0},
    {"clunk_rules", clunk_rules, 0, 0},
    {"fid_exhaustion", fid_exhaustion, 0, 0},
    {"unknown_and_reply_types", unknown_and_reply_types, 0, 0},
    {"flush_of_nothing", flush_of_nothing, 0, 0},
};
TAP_SUITE(session, cases);
