/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_clients.c - what the clients of the Xen world send, message by message, and the rules of a session in every
 * dialect: Mini-OS, Unikraft, Linux with version=9p2000.u; dialects that change; tags and rings out of order.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"
#include "xen9p/limits.h"
#include "xen9p/operations.h"

/* --- Mini-OS: one ring of order 4, msize half of it, tag 0 for Tversion, one request at a time ---- */

static void minios_version(struct u9 *u, struct rig *g)
{
    uint32_t msize = g->ring[0].size / 2;

    memset(u, 0, sizeof(*u));
    u->rig = g;
    u->dialect = P9_DIALECT_U;
    u->msize = msize;
    u9_want(u, u9_ask_tag(u, 0, P9_TVERSION, "ds", msize, "9P2000.u"), P9_TVERSION, "ds", msize,
            "9P2000.u");
}

static void minios_attach(struct u9 *u)
{
    struct cursor c =
        u9_take(u, u9_ask(u, P9_TATTACH, "ddssd", 0u, 0u, "root", "root", 0u), P9_TATTACH);

    CHECK_EQ(cursor_left(&c), P9_QID_SIZE);
}

/* An empty walk from the root, then one name at a time on the new fid. Returns how many steps were left. */
static int minios_walk(struct u9 *u, uint32_t fid, const char *path)
{
    char copy[256], *save = NULL;
    int left = 0;

    u9_want(u, u9_ask(u, P9_TWALK, "ddw", 0u, fid, 0), P9_TWALK, "w", 0);
    strcpy(copy, path);
    for (char *s = strtok_r(copy, "/", &save); s != NULL; s = strtok_r(NULL, "/", &save)) {
        uint16_t tag = u9_ask(u, P9_TWALK, "ddws", fid, fid, 1, s);

        if (left > 0 || !u9_host_has(u->rig, s)) {
            u9_refused(u, tag, ENOENT);
            left++;
        } else {
            struct cursor c = u9_take(u, tag, P9_TWALK);

            CHECK_EQ(cursor_u16(&c), 1);
            CHECK_EQ(cursor_left(&c), P9_QID_SIZE);
        }
    }
    return left;
}

static void minios_use(struct u9 *u, struct rig *g, const char *name)
{
    struct u9_stat want;
    char *big = malloc(u->msize);
    uint32_t count = u->msize - 11;

    CHECK(big != NULL);
    /* open(O_CREAT): the walk fails at the last name, and the fid stands at the directory */
    CHECK_EQ(minios_walk(u, 1, name), 1);
    {
        struct cursor c =
            u9_take(u, u9_ask(u, P9_TCREATE, "dsdbs", 1u, name, 0600u, P9_OWRITE, ""), P9_TCREATE);

        CHECK_EQ(cursor_left(&c), P9_QID_SIZE + 4);
    }
    memset(big, 'm', u->msize);
    u9_want(u, u9_ask(u, P9_TWRITE, "dqdB", 1u, 0ull, u->msize - 23, (size_t)(u->msize - 23), big),
            P9_TWRITE, "d", u->msize - 23);
    u9_want(u, u9_ask(u, P9_TWRITE, "dqdB", 1u, (uint64_t)(u->msize - 23), 100u, (size_t)100, big),
            P9_TWRITE, "d", 100u);
    u9_clunk(u, 1);
    /* reading it back, as much as a reply of msize holds */
    CHECK_EQ(minios_walk(u, 1, name), 0);
    u9_open(u, 1, P9_OREAD);
    u9_want(u, u9_ask(u, P9_TREAD, "dqd", 1u, 0ull, count), P9_TREAD, "dB", count, (size_t)count,
            big);
    CHECK_EQ(u->reply->len, u->msize);
    u9_want(u, u9_ask(u, P9_TREAD, "dqd", 1u, (uint64_t)count, count), P9_TREAD, "dB",
            u->msize + 77 - count, (size_t)(u->msize + 77 - count), big);
    want = u9_stat_of(u, name);
    u9_want(u, u9_ask(u, P9_TSTAT, "d", 1u), P9_TSTAT, "T", &want);
    CHECK_EQ(want.length, u->msize + 77);
    u9_clunk(u, 1);
    CHECK_EQ(u9_host_stat(g, name).st_mode & 07777, 0600);
    free(big);
}

static void minios(void)
{
    struct rig_config cfg = {.order = 4, .num_rings = 1};
    struct rig *g = rig_new(&cfg);
    struct u9 u;
    struct p9_attr a;
    struct p9c c;

    minios_version(&u, g);
    minios_attach(&u);
    minios_use(&u, g, "log");
    /* fids of before a live update, one of them open; then no Tattach, and on from fid 0 */
    CHECK_EQ(minios_walk(&u, 2, "log"), 0);
    u9_open(&u, 2, P9_OREAD);
    minios_version(&u, g);
    u9_refused(&u, u9_ask(&u, P9_TREAD, "dqd", 2u, 0ull, 10u), EBADF);
    minios_use(&u, g, "state");
    minios_version(&u, g); /* once more */
    CHECK_EQ(minios_walk(&u, 1, "state"), 0);
    /* who attaches all the same is let; then the number is in use as ever */
    minios_version(&u, g);
    minios_attach(&u);
    u9_refused(&u, u9_ask(&u, P9_TATTACH, "ddssd", 0u, 0u, "root", "root", 0u), EBADF);
    /* only an attached one: not after a walk in place, not when clunked, not in another dialect */
    MUST(mkdirat(g->root_fd, "d", 0755));
    u9_walk(&u, 0, 0, "d");
    minios_version(&u, g);
    u9_refused(&u, u9_ask(&u, P9_TWALK, "ddw", 0u, 1u, 0), EBADF);
    minios_attach(&u);
    u9_clunk(&u, 0);
    minios_version(&u, g);
    u9_refused(&u, u9_ask(&u, P9_TSTAT, "d", 0u), EBADF);
    minios_attach(&u);
    u9_open(&u, 0, P9_OREAD);
    minios_version(&u, g); /* an open root is there again, not open */
    u9_refused(&u, u9_ask(&u, P9_TREAD, "dqd", 0u, 0ull, 1000u), EBADF);
    u9_walk(&u, 0, 1, "");
    u9_version(&u, g, P9_DIALECT_LEGACY, UINT32_MAX);
    u9_refused(&u, u9_ask(&u, P9_TSTAT, "d", 0u), EBADF);
    u9_attach(&u, 0);
    minios_version(&u, g); /* that was 9P2000's */
    u9_refused(&u, u9_ask(&u, P9_TSTAT, "d", 0u), EBADF);
    minios_attach(&u);
    p9c_mount(&c, g); /* a Linux guest would attach fid 0 itself */
    CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &a));
    rig_end(g);
}

/* A worker dies: its successor knows no fids, but the root again after Tversion. */
static void minios_succession(void)
{
    struct rig_config cfg = {.order = 4, .num_rings = 1};
    struct rig *g = rig_new(&cfg);
    struct u9 u;

    minios_version(&u, g);
    minios_attach(&u);
    minios_use(&u, g, "log");
    rig_kill(g);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    u9_refused(&u, u9_ask(&u, P9_TWALK, "ddw", 0u, 1u, 0), EIO);
    u9_refused(&u, u9_ask(&u, P9_TSTAT, "d", 0u), EIO);
    minios_version(&u, g);
    minios_use(&u, g, "state");
    rig_end(g);
}

/* --- Unikraft: msize is a whole ring, tag % rings, one to four of them ----------------------------- */

static void unikraft(void)
{
    for (uint32_t rings = 1; rings <= LIMIT_MAX_RINGS; rings++) {
        char dir[128], name[32];
        struct rig_config cfg = {.order = 5, .num_rings = rings, .export = dir};
        uint32_t whole = 1u << (5 + 12), half = 1u << (5 + 10);
        uint16_t tags[16];
        struct rig *g;
        struct u9 u;

        snprintf(dir, sizeof(dir), "%s/%u", tap_dir(), rings);
        MUST(mkdir(dir, 0755));
        g = rig_new(&cfg);
        u9_version(&u, g, P9_DIALECT_U, whole);
        CHECK_EQ(u.msize, half); /* half of one direction */
        {
            struct cursor c = u9_take(
                &u, u9_ask(&u, P9_TATTACH, "ddssd", 1u, P9_NOFID, "", "", P9_NONUNAME), P9_TATTACH);
            CHECK_EQ(cursor_left(&c), P9_QID_SIZE);
        }
        for (uint32_t i = 0; i < 16; i++) {
            snprintf(name, sizeof(name), "file-%u", i);
            u9_want(&u, u9_ask(&u, P9_TWALK, "ddw", 1u, 100 + i, 0), P9_TWALK, "w", 0);
            (void)u9_take(&u, u9_ask_create(&u, 100 + i, name, 0644, P9_ORDWR, ""), P9_TCREATE);
            u9_write(&u, 100 + i, 0, name);
        }
        /* many at once, over all rings; answers taken in the other order */
        for (uint32_t i = 0; i < 16; i++)
            tags[i] = u9_ask(&u, P9_TREAD, "dqd", 100 + i, 0ull, 100u);
        for (uint32_t i = 16; i-- > 0;) {
            snprintf(name, sizeof(name), "file-%u", i);
            u9_want(&u, tags[i], P9_TREAD, "dB", (uint32_t)strlen(name), strlen(name), name);
        }
        rig_end(g);
    }
}

/* --- Linux, version=9p2000.u: how it makes, lists, renames and removes --------------------------------- */

static void linux_u(void)
{
    struct rig *g = rig_new(NULL);
    struct u9_stat s = u9_blank;
    struct u9 u;

    u9_mount(&u, g, P9_DIALECT_U);
    u9_walk(&u, 0, 1, "");
    (void)u9_take(&u, u9_ask_create(&u, 1, "dir", P9_DMDIR | 0755, P9_OREAD, NULL), P9_TCREATE);
    u9_clunk(&u, 1);
    u9_walk(&u, 0, 1, "dir");
    u9_walk(&u, 1, 2, "");
    (void)u9_take(&u, u9_ask_create(&u, 2, "f", 0644, P9_ORDWR, NULL), P9_TCREATE);
    u9_walk(&u, 1, 3, "f");
    u9_write(&u, 2, 0, "text");
    u9_want(&u, u9_ask_wstat(&u, 2, &u9_blank), P9_TWSTAT, ""); /* fsync */
    /* symlink, then a walk to it, for a fid that is not open */
    u9_walk(&u, 1, 4, "");
    (void)u9_take(&u, u9_ask_create(&u, 4, "s", P9_DMSYMLINK | 0777, P9_OREAD, "f"), P9_TCREATE);
    u9_clunk(&u, 4);
    s = u9_stat_of(&u, "dir/s");
    s.ext = "f";
    u9_walk(&u, 1, 4, "s");
    u9_want(&u, u9_ask(&u, P9_TSTAT, "d", 4u), P9_TSTAT, "T", &s);
    /* link: the fid of the file, in decimal */
    u9_walk(&u, 1, 5, "");
    (void)u9_take(&u, u9_ask_create(&u, 5, "h", P9_DMLINK, P9_OREAD, "3\n"), P9_TCREATE);
    u9_clunk(&u, 5);
    CHECK_EQ(u9_host_stat(g, "dir/f").st_nlink, 2);
    s = u9_blank;
    s.muid = "root";
    s.name = "g";
    u9_want(&u, u9_ask_wstat(&u, 3, &s), P9_TWSTAT, "");
    CHECK(u9_host_has(g, "dir/g") && !u9_host_has(g, "dir/f"));
    u9_want(&u, u9_ask(&u, P9_TREMOVE, "d", 4u), P9_TREMOVE, "");
    u9_read(&u, 2, 0, 100, "text");
    rig_end(g);
}

/* --- sessions ------------------------------------------------------------------------------------------ */

/* Before Tversion there is no dialect: errors are 9P2000's, text alone. */
static void before_version(void)
{
    static const uint8_t types[] = {P9_TATTACH, P9_TWALK, P9_TSTAT, P9_TLOPEN, P9_TCLUNK, 0, 255};
    struct rig *g = rig_new(NULL);
    struct u9 u = {.rig = g, .dialect = P9_DIALECT_LEGACY, .ring = -1, .msize = 8192};

    for (size_t i = 0; i < sizeof(types); i++)
        u9_refused(&u, u9_ask(&u, types[i], "d", 0u), EINVAL);
    u9_want(&u, u9_ask_tag(&u, 3, P9_TVERSION, "ds", 8192u, "9P2000.e"), P9_TVERSION, "ds", 8192u,
            "unknown");
    u9_refused(&u, u9_ask(&u, P9_TATTACH, "ddss", 0u, NO32, "", ""), EINVAL);
    u9_mount(&u, g, P9_DIALECT_LEGACY);
    rig_end(g);
}

static void msize_bounds(void)
{
    static const uint32_t bad[] = {0, 6, 7, 24, 4095};

    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        char dir[128];
        struct rig_config cfg = {.order = 3, .export = dir};
        uint32_t half = 1u << (3 + 10);
        struct rig *g;
        struct u9 u;

        snprintf(dir, sizeof(dir), "%s/%u", tap_dir(), d);
        MUST(mkdir(dir, 0755));
        g = rig_new(&cfg);
        u9_version(&u, g, d, 4096);
        u9_version(&u, g, d, half - 1);
        u9_version(&u, g, d, half);
        u9_version(&u, g, d, half + 1);
        u9_version(&u, g, d, UINT32_MAX);
        CHECK_EQ(u.msize, half);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            u9_refused(&u, u9_ask_tag(&u, P9_NOTAG, P9_TVERSION, "ds", bad[i], p9_dialect_name(d)),
                       EINVAL);
        /* requests above msize: refused, the session goes on */
        u9_version(&u, g, d, 4096);
        u9_attach(&u, 0);
        u9_host_file(g, "f", "x", 0644);
        u9_walk(&u, 0, 1, "f");
        u9_open(&u, 1, P9_ORDWR);
        {
            static const char zeros[4096];

            u9_want(&u, u9_ask(&u, P9_TWRITE, "dqdB", 1u, 0ull, 4073u, (size_t)4073, zeros),
                    P9_TWRITE, "d", 4073u);
            u9_refused(&u, u9_ask(&u, P9_TWRITE, "dqdB", 1u, 0ull, 4074u, (size_t)4074, zeros),
                       EMSGSIZE);
        }
        rig_end(g);
    }
}

/* Every dialect after every other, on either ring; fids are gone each time. */
static void dialects_change(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_attr a;
    struct p9c c;
    struct u9 u;
    char got[16];

    u9_host_file(g, "f", "data", 0644);
    for (int from = 1; from <= 3; from++) {
        for (int to = 1; to <= 3; to++) {
            if (from == 3) {
                p9c_mount(&c, g);
                CHECK_OK(p9c_walk(&c, 0, 5, "f"));
                c.ring = to % 2;
            } else {
                u9_mount(&u, g, (enum p9_dialect)from);
                u9_walk(&u, 0, 5, "f");
                u9_open(&u, 5, P9_OREAD);
            }
            if (to == 3) {
                p9c_init(&c, g);
                c.ring = from % 2;
                CHECK_OK(p9c_version(&c, 8192, "9P2000.L", got));
                CHECK(strcmp(got, "9P2000.L") == 0);
                CHECK_ERR(p9c_getattr(&c, 5, P9_GETATTR_BASIC, &a), EBADF);
                CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
                CHECK_OK(p9c_walk(&c, 0, 5, "f"));
                CHECK_OK(p9c_lopen(&c, 5, P9_L_RDONLY));
                CHECK_ERR(p9c_rpc(&c, P9_TSTAT, "d", 5u), EOPNOTSUPP); /* not its messages */
                CHECK_ERR(p9c_rpc(&c, P9_TOPEN, "db", 5u, 0), EOPNOTSUPP);
                CHECK_ERR(p9c_rpc(&c, P9_TCREATE, "dsdb", 0u, "n", 0644u, 0), EOPNOTSUPP);
                CHECK_ERR(p9c_rpc(&c, P9_TWSTAT, "dww", 5u, 2, 0), EOPNOTSUPP);
            } else {
                u9_mount(&u, g, (enum p9_dialect)to);
                u9_refused(&u, u9_ask(&u, P9_TSTAT, "d", 5u), EBADF);
                u9_walk(&u, 0, 5, "f");
                u9_open(&u, 5, P9_OREAD);
                u9_read(&u, 5, 0, 10, "data");
                u9_refused(&u, u9_ask(&u, P9_TLOPEN, "dd", 0u, 0u), EOPNOTSUPP);
                u9_refused(&u, u9_ask(&u, P9_TGETATTR, "dq", 0u, 0ull), EOPNOTSUPP);
            }
        }
    }
    rig_end(g);
}

/* The reading of a directory is under way when its session ends. */
static void version_in_the_middle(void)
{
    struct rig *g = rig_new(NULL);
    struct u9 u;

    for (int i = 0; i < 50; i++) {
        u9_mount(&u, g, i % 2 == 0 ? P9_DIALECT_U : P9_DIALECT_LEGACY);
        g->lenient = true; /* the guest no longer waits for these */
        u9_walk(&u, 0, 1, "");
        u9_open(&u, 1, P9_OREAD);
        for (int k = 0; k < 6; k++)
            (void)u9_ask(&u, P9_TREAD, "dqd", 1u, 0ull, 8000u);
        u9_version(&u, g, P9_DIALECT_U, UINT32_MAX);
        for (uint32_t ring = 0; ring < 2; ring++)
            for (struct reply *r; (r = rig_take(g, ring)) != NULL;)
                free(r);
        memset(g->ring[0].in_flight, 0, sizeof(g->ring[0].in_flight));
        memset(g->ring[1].in_flight, 0, sizeof(g->ring[1].in_flight));
        g->lenient = false;
    }
    u9_attach(&u, 9);
    u9_walk(&u, 9, 10, "");
    rig_end(g);
}

/* Flushes, in both dialects: unknown tags, oneself, what is done. */
static void flushes(void)
{
    struct rig *g = rig_new(NULL);
    struct u9 u;

    u9_mount(&u, g, P9_DIALECT_U);
    for (uint16_t tag = 100; tag < 164; tag++) {
        uint16_t flush;

        u9_ask_tag(&u, tag, P9_TSTAT, "d", 0u);
        flush = u9_ask_tag(&u, (uint16_t)(tag + 1000 + tag % 2), P9_TFLUSH, "w", (int)tag);
        (void)u9_take(&u, tag, P9_TSTAT); /* answered, before or without being flushed */
        u9_want(&u, flush, P9_TFLUSH, "");
    }
    u9_want(&u, u9_ask_tag(&u, 7, P9_TFLUSH, "w", 7), P9_TFLUSH, "");
    u9_want(&u, u9_ask_tag(&u, P9_NOTAG, P9_TFLUSH, "w", 0), P9_TFLUSH, "");
    rig_end(g);
}

/* --- policy: each group forbidden, every message that comes to it ---------------------------------- */

struct battery {
    struct u9 *u;
    uint32_t allowed;
    uint32_t fid;
};

static uint32_t fresh(struct battery *b, const char *path)
{
    u9_walk(b->u, 0, ++b->fid, path);
    return b->fid;
}

/* A request that needs these groups: R`type`, or the refusal. */
static bool judged(struct battery *b, uint32_t needed, uint16_t tag, uint8_t type)
{
    static const char *const eperm = "Operation not permitted", *eacces = "Permission denied";
    int error = 0;

    for (size_t i = 0; i < OPERATIONS && error == 0; i++)
        if ((needed & ~b->allowed & operation_table[i].bit) != 0)
            error = operation_table[i].error;
    if (error == 0) {
        (void)u9_take(b->u, tag, type);
        return true;
    }
    CHECK((error == EPERM ? eperm : error == EACCES ? eacces : NULL) != NULL);
    u9_refused(b->u, tag, error);
    return false;
}

static void try_opens(struct battery *b)
{
    static const struct {
        uint32_t mode, needed;
    } t[] = {
        {P9_OREAD, OPERATION_READ},
        {P9_OEXEC, OPERATION_READ},
        {P9_OWRITE, OPERATION_WRITE},
        {P9_OWRITE | P9_OAPPEND, OPERATION_WRITE},
        {P9_ORDWR, OPERATION_READ | OPERATION_WRITE},
        {P9_OREAD | P9_OTRUNC, OPERATION_READ | OPERATION_WRITE},
        {P9_OREAD | P9_ORCLOSE, OPERATION_READ | OPERATION_DELETE},
        {P9_OWRITE | P9_ORCLOSE, OPERATION_WRITE | OPERATION_DELETE},
    };
    char name[8];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint32_t f;

        snprintf(name, sizeof(name), "o%zu", i);
        u9_host_file(b->u->rig, name, "data", 0755);
        f = fresh(b, name);
        (void)judged(b, t[i].needed, u9_ask(b->u, P9_TOPEN, "db", f, (int)t[i].mode), P9_TOPEN);
        u9_clunk(b->u, f);
        CHECK_EQ(u9_host_has(b->u->rig, name),
                 (t[i].mode & P9_ORCLOSE) == 0 || (t[i].needed & ~b->allowed) != 0);
    }
    (void)judged(b, OPERATION_READ, u9_ask(b->u, P9_TOPEN, "db", fresh(b, "d"), P9_OREAD),
                 P9_TOPEN);
}

static void try_creates(struct battery *b)
{
    static const struct {
        uint32_t perm, mode;
        const char *ext;
        uint32_t needed;
    } t[] = {
        {0644, P9_OREAD, "", OPERATION_CREATE | OPERATION_READ},
        {0644, P9_OWRITE, "", OPERATION_CREATE | OPERATION_WRITE},
        {0644, P9_ORDWR, "", OPERATION_CREATE | OPERATION_READ | OPERATION_WRITE},
        {0644, P9_OWRITE | P9_ORCLOSE, "", OPERATION_CREATE | OPERATION_WRITE | OPERATION_DELETE},
        {P9_DMDIR | 0755, P9_OREAD, "", OPERATION_CREATE | OPERATION_READ},
        {P9_DMSYMLINK | 0777, P9_OREAD, "target", OPERATION_SYMLINK},
        {P9_DMLINK, P9_OREAD, "1\n", OPERATION_LINK},
        {P9_DMNAMEDPIPE | 0644, P9_OREAD, "", OPERATION_MKNOD},
        {P9_DMSOCKET | 0644, P9_OREAD, "", OPERATION_MKNOD},
    };
    char name[8];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint32_t f = fresh(b, "");
        bool made;

        snprintf(name, sizeof(name), "n%zu", i);
        made = judged(b, t[i].needed, u9_ask_create(b->u, f, name, t[i].perm, t[i].mode, t[i].ext),
                      P9_TCREATE);
        CHECK_EQ(u9_host_has(b->u->rig, name), made);
    }
}

/* A stat in which only this is touched. */
#define WITH(...)                    \
    ({                               \
        struct u9_stat s = u9_blank; \
        __VA_ARGS__;                 \
        s;                           \
    })

static void try_wstats(struct battery *b)
{
    uint32_t f;
    const struct {
        struct u9_stat s;
        uint32_t needed;
    } t[] = {
        {WITH(s.mode = 0600), OPERATION_SETATTR},
        {WITH(s.mtime = 5), OPERATION_SETATTR},
        {WITH(s.n_gid = 5), OPERATION_SETATTR},
        {WITH(s.length = 2), OPERATION_WRITE},
        {WITH(s.length = 2; s.mode = 0600), OPERATION_WRITE | OPERATION_SETATTR},
        {WITH(s.name = "w2"), OPERATION_RENAME},
        {WITH(s.name = "w3"; s.mode = 0600), OPERATION_RENAME | OPERATION_SETATTR},
        {u9_blank, 0},
    };

    u9_host_file(b->u->rig, "w", "data", 0644);
    f = fresh(b, "w");
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        (void)judged(b, t[i].needed, u9_ask_wstat(b->u, f, &t[i].s), P9_TWSTAT);
    /* onto something: a way of deleting it */
    if ((b->allowed & OPERATION_RENAME) != 0) {
        struct u9_stat s = u9_blank;
        uint16_t tag;

        u9_host_file(b->u->rig, "v1", "1", 0644);
        u9_host_file(b->u->rig, "v2", "2", 0644);
        s.name = "v2";
        tag = u9_ask_wstat(b->u, fresh(b, "v1"), &s);
        if ((b->allowed & OPERATION_DELETE) != 0)
            u9_want(b->u, tag, P9_TWSTAT, "");
        else
            u9_refused(b->u, tag, EEXIST);
    }
}

static void try_contents(struct battery *b)
{
    struct u9_stat want = u9_stat_of(b->u, "l");
    uint32_t f = fresh(b, "l");

    /* the target of a link is contents, too */
    want.ext = (b->allowed & OPERATION_READ) != 0 ? "target" : "";
    u9_want(b->u, u9_ask(b->u, P9_TSTAT, "d", f), P9_TSTAT, "T", &want);
    f = fresh(b, "c");
    if ((b->allowed & OPERATION_READ) != 0)
        u9_open(b->u, f, P9_OREAD);
    (void)judged(b, OPERATION_READ, u9_ask(b->u, P9_TREAD, "dqd", f, 0ull, 5u), P9_TREAD);
    f = fresh(b, "c");
    if ((b->allowed & OPERATION_WRITE) != 0)
        u9_open(b->u, f, P9_OWRITE);
    (void)judged(b, OPERATION_WRITE, u9_ask(b->u, P9_TWRITE, "dqdB", f, 0ull, 1u, (size_t)1, "x"),
                 P9_TWRITE);
    f = fresh(b, "r");
    (void)judged(b, OPERATION_DELETE, u9_ask(b->u, P9_TREMOVE, "d", f), P9_TREMOVE);
    u9_refused(b->u, u9_ask(b->u, P9_TCLUNK, "d", f), EBADF);
}

static void with_policy(uint32_t forbidden)
{
    char dir[128];
    struct rig_config cfg = {.forbidden = forbidden, .export = dir};
    struct battery b = {.allowed = OPERATIONS_ALL & ~forbidden, .fid = 100};
    struct rig *g;
    struct u9 u;

    snprintf(dir, sizeof(dir), "%s/%x", tap_dir(), forbidden);
    MUST(mkdir(dir, 0755));
    g = rig_prepare(&cfg);
    u9_host_file(g, "f", "data", 0644);
    u9_host_file(g, "c", "data", 0644);
    u9_host_file(g, "r", "data", 0644);
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(symlinkat("target", g->root_fd, "l"));
    rig_start(g, 0);
    u9_mount(&u, g, P9_DIALECT_U);
    b.u = &u;
    u9_walk(&u, 0, 1, "f");
    try_opens(&b);
    try_creates(&b);
    try_wstats(&b);
    try_contents(&b);
    rig_end(g);
}

static void policies(void)
{
    with_policy(0);
    for (size_t i = 0; i < OPERATIONS; i++)
        with_policy(operation_table[i].bit);
    with_policy(OPERATIONS_ALL);
    with_policy(OPERATION_RENAME | OPERATION_DELETE);
}

static void policies_but_one(void)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        with_policy(OPERATIONS_ALL & ~operation_table[i].bit);
}

static const struct tap_case cases[] = {
    {"minios", minios, 0, 0},
    {"minios_succession", minios_succession, 0, 0},
    {"unikraft", unikraft, 0, 0},
    {"linux_u", linux_u, 0, 0},
    {"before_version", before_version, 0, 0},
    {"msize_bounds", msize_bounds, 0, 0},
    {"dialects_change", dialects_change, 0, 0},
    {"version_in_the_middle", version_in_the_middle, 0, 0},
    {"flushes", flushes, 0, 0},
    {"policies", policies, 0, 0},
    {"policies_but_one", policies_but_one, 0, 0},
};
TAP_SUITE(clients, cases);
