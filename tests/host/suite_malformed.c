/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_malformed.c - messages whose parts and sizes do not agree, and names that are none: an
 * error reply, nothing done, and the session goes on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"

/* A tree, fids 0 (root), 1 (file f, open), 2 (directory d, open), 3 (f), 4 (d), 5 (link l). */
static void arrange(struct rig *g, struct p9c *c)
{
    int fd = openat(g->root_fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, "contents", 8), 8);
    close(fd);
    MUST(mkdirat(g->root_fd, "d", 0755));
    MUST(symlinkat("f", g->root_fd, "l"));
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, "f"));
    CHECK_OK(p9c_walk(c, 0, 2, "d"));
    CHECK_OK(p9c_walk(c, 0, 3, "f"));
    CHECK_OK(p9c_walk(c, 0, 4, "d"));
    CHECK_OK(p9c_walk(c, 0, 5, "l"));
    CHECK_OK(p9c_lopen(c, 1, P9_L_RDWR));
    CHECK_OK(p9c_lopen(c, 2, P9_L_RDONLY));
}

/* What must not have changed. */
static void untouched(struct rig *g, struct p9c *c)
{
    struct p9_attr a;
    struct stat st;
    int entries = 0;
    DIR *d = fdopendir(openat(g->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    CHECK(d != NULL);
    while (readdir(d) != NULL)
        entries++;
    closedir(d);
    CHECK_EQ(entries, 5);
    MUST(fstatat(g->root_fd, "f", &st, 0));
    CHECK_EQ(st.st_size, 8);
    CHECK_EQ(st.st_mode & 07777, 0644);
    CHECK_EQ(st.st_nlink, 1);
    MUST(fstatat(g->root_fd, "d", &st, 0));
    CHECK_EQ(st.st_nlink, 2);
    for (uint32_t fid = 0; fid <= 5; fid++)
        CHECK_OK(p9c_getattr(c, fid, P9_GETATTR_BASIC, &a));
    for (uint32_t fid = 90; fid < 92; fid++)
        CHECK_ERR(p9c_getattr(c, fid, P9_GETATTR_BASIC, &a), EBADF);
}

/* One whole, good message of each type; number `i`, 0 at the end. */
static uint32_t good_message(uint32_t i, uint8_t *buf, size_t cap)
{
    const uint16_t t = 77;
    const uint64_t z = 0;

    switch (i) {
    case 0:
        return p9_pack(buf, cap, P9_TSTATFS, t, "d", 0u);
    case 1:
        return p9_pack(buf, cap, P9_TLOPEN, t, "dd", 3u, P9_L_RDONLY);
    case 2:
        return p9_pack(buf, cap, P9_TLCREATE, t, "dsddd", 4u, "n", P9_L_RDWR, 0644u, 0u);
    case 3:
        return p9_pack(buf, cap, P9_TSYMLINK, t, "dssd", 0u, "n", "target", 0u);
    case 4:
        return p9_pack(buf, cap, P9_TMKNOD, t, "dsdddd", 0u, "n", S_IFIFO | 0644u, 0u, 0u, 0u);
    case 5:
        return p9_pack(buf, cap, P9_TRENAME, t, "dds", 3u, 0u, "n");
    case 6:
        return p9_pack(buf, cap, P9_TREADLINK, t, "d", 5u);
    case 7:
        return p9_pack(buf, cap, P9_TGETATTR, t, "dq", 3u, P9_GETATTR_BASIC);
    case 8:
        return p9_pack(buf, cap, P9_TSETATTR, t, "dddddqqqqq", 3u, P9_SETATTR_MODE, 0u, 0u, 0u, z,
                       z, z, z, z);
    case 9:
        return p9_pack(buf, cap, P9_TXATTRWALK, t, "dds", 3u, 90u, "user.x");
    case 10:
        return p9_pack(buf, cap, P9_TXATTRCREATE, t, "dsqd", 3u, "user.x", z, 0u);
    case 11:
        return p9_pack(buf, cap, P9_TREADDIR, t, "dqd", 2u, z, 1000u);
    case 12:
        return p9_pack(buf, cap, P9_TFSYNC, t, "dd", 1u, 0u);
    case 13:
        return p9_pack(buf, cap, P9_TLOCK, t, "dbdqqds", 1u, 1, 0u, z, z, 1u, "client");
    case 14:
        return p9_pack(buf, cap, P9_TGETLOCK, t, "dbqqds", 1u, 1, z, z, 1u, "client");
    case 15:
        return p9_pack(buf, cap, P9_TLINK, t, "dds", 0u, 3u, "n");
    case 16:
        return p9_pack(buf, cap, P9_TMKDIR, t, "dsdd", 0u, "n", 0755u, 0u);
    case 17:
        return p9_pack(buf, cap, P9_TRENAMEAT, t, "dsds", 0u, "f", 4u, "n");
    case 18:
        return p9_pack(buf, cap, P9_TUNLINKAT, t, "dsd", 0u, "f", 0u);
    case 19:
        return p9_pack(buf, cap, P9_TVERSION, t, "ds", 8192u, "9P2000.L");
    case 20:
        return p9_pack(buf, cap, P9_TAUTH, t, "dssd", 90u, "root", "", 0u);
    case 21:
        return p9_pack(buf, cap, P9_TATTACH, t, "ddssd", 90u, P9_NOFID, "root", "", 0u);
    case 22:
        return p9_pack(buf, cap, P9_TFLUSH, t, "w", 500);
    case 23:
        return p9_pack(buf, cap, P9_TWALK, t, "ddwss", 0u, 90u, 2, "d", "..");
    case 24:
        return p9_pack(buf, cap, P9_TREAD, t, "dqd", 1u, z, 100u);
    case 25:
        return p9_pack(buf, cap, P9_TWRITE, t, "dqdB", 1u, z, 4u, (size_t)4, "evil");
    case 26:
        return p9_pack(buf, cap, P9_TCLUNK, t, "d", 3u);
    case 27:
        return p9_pack(buf, cap, P9_TREMOVE, t, "d", 4u);
    default:
        return 0;
    }
}

static int send_changed(struct p9c *c, uint8_t *msg, uint32_t len)
{
    for (int i = 0; i < 4; i++)
        msg[i] = (uint8_t)(len >> (8 * i));
    p9c_send_raw(c, msg, len);
    return p9c_finish(c, 77, msg[4]);
}

static void truncated_at_every_byte(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint8_t msg[512];
    uint32_t len;

    arrange(g, &c);
    for (uint32_t i = 0; (len = good_message(i, msg, sizeof(msg))) != 0; i++)
        for (uint32_t cut = P9_HDR_SIZE; cut < len; cut++) {
            good_message(i, msg, sizeof(msg));
            if (send_changed(&c, msg, cut) == 0)
                FAIL("%s of %u bytes cut at %u was accepted", p9_type_name(msg[4]), len, cut);
        }
    untouched(g, &c);
    rig_end(g);
}

static void trailing_bytes(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint8_t msg[1024] = {0};
    uint32_t len;

    arrange(g, &c);
    for (uint32_t i = 0; (len = good_message(i, msg, sizeof(msg))) != 0; i++)
        for (uint32_t more = 1; more < 70; more += more < 5 ? 1 : 13) {
            memset(msg, 0, sizeof(msg));
            len = good_message(i, msg, sizeof(msg));
            if (send_changed(&c, msg, len + more) == 0)
                FAIL("%s with %u bytes more was accepted", p9_type_name(msg[4]), more);
        }
    untouched(g, &c);
    rig_end(g);
}

/* Each 16-bit place of each message set to values that reach past its end. */
static void strings_past_the_end(void)
{
    static const uint16_t lengths[] = {0x7fff, 0x8000, 0xffff};
    struct rig *g = rig_new(NULL);
    struct p9c c;
    uint8_t msg[512];
    uint32_t len;

    arrange(g, &c);
    g->lenient = true; /* a Tversion in between may be a good one */
    for (uint32_t i = 0; (len = good_message(i, msg, sizeof(msg))) != 0; i++) {
        if (msg[4] == P9_TVERSION || msg[4] == P9_TREAD || msg[4] == P9_TCLUNK)
            continue;
        for (uint32_t at = P9_HDR_SIZE; at + 2 <= len; at++)
            for (uint32_t k = 0; k < 3; k++) {
                good_message(i, msg, sizeof(msg));
                msg[at] = (uint8_t)lengths[k];
                msg[at + 1] = (uint8_t)(lengths[k] >> 8);
                (void)send_changed(&c, msg, len); /* any answer */
            }
    }
    p9c_mount(&c, g);
    rig_end(g);
}

static const struct {
    const char *name;
    size_t len;
    const char *s;
} bad_names[] = {
    {"empty", 0, ""},      {"dot", 1, "."},           {"slash", 1, "/"},      {"path", 3, "d/x"},
    {"root", 2, "/f"},     {"up", 4, "../f"},         {"nul", 3, "f\0x"},     {"only nul", 1, "\0"},
    {"end nul", 2, "f\0"}, {"dotdot nul", 3, "..\0"}, {"slash end", 2, "f/"}, {"dotdot", 2, ".."},
    {"256", 256, NULL},    {"4000", 4000, NULL},
};
#define NUM_BAD_NAMES (sizeof(bad_names) / sizeof(bad_names[0]))

static int with_name(struct p9c *c, int which, size_t len, const char *s)
{
    switch (which) {
    case 0:
        return p9c_rpc(c, P9_TLCREATE, "dSddd", 4u, len, s, P9_L_RDWR, 0644u, 0u);
    case 1:
        return p9c_rpc(c, P9_TSYMLINK, "dSsd", 0u, len, s, "target", 0u);
    case 2:
        return p9c_rpc(c, P9_TMKNOD, "dSdddd", 0u, len, s, S_IFIFO | 0644u, 0u, 0u, 0u);
    case 3:
        return p9c_rpc(c, P9_TRENAME, "ddS", 3u, 0u, len, s);
    case 4:
        return p9c_rpc(c, P9_TLINK, "ddS", 0u, 3u, len, s);
    case 5:
        return p9c_rpc(c, P9_TMKDIR, "dSdd", 0u, len, s, 0755u, 0u);
    case 6:
        return p9c_rpc(c, P9_TRENAMEAT, "dSds", 0u, len, s, 4u, "n");
    case 7:
        return p9c_rpc(c, P9_TRENAMEAT, "dsdS", 0u, "f", 4u, len, s);
    case 8:
        return p9c_rpc(c, P9_TUNLINKAT, "dSd", 0u, len, s, 0u);
    case 9:
        return p9c_rpc(c, P9_TUNLINKAT, "dSd", 4u, len, s, P9_AT_REMOVEDIR);
    case 10:
        return p9c_rpc(c, P9_TWALK, "ddwS", 4u, 90u, 1, len, s);
    default:
        return -1;
    }
}

static void names_that_are_none(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 6});
    char big[4000];
    struct p9c c;

    memset(big, 'n', sizeof(big));
    arrange(g, &c);
    for (int which = 0; which <= 10; which++)
        for (size_t i = 0; i < NUM_BAD_NAMES; i++) {
            const char *s = bad_names[i].s != NULL ? bad_names[i].s : big;
            int err = with_name(&c, which, bad_names[i].len, s);

            if (which == 10 && strcmp(bad_names[i].name, "dotdot") == 0) {
                CHECK_OK(err); /* the one name that Twalk knows */
                CHECK_OK(p9c_clunk(&c, 90));
                continue;
            }
            if (err == 0)
                FAIL("%s accepted the name \"%s\"", p9_type_name(c.reply->type - 1),
                     bad_names[i].name);
            if (bad_names[i].s == NULL && err != ENAMETOOLONG)
                FAIL("%s: errno %d for a long name", p9_type_name(c.reply->type - 1), err);
        }
    untouched(g, &c);
    rig_end(g);
}

/* Bytes by chance behind good headers: an answer to each, and the worker lives. */
static void noise(void)
{
    struct rig *g = rig_new(NULL);
    uint8_t msg[300];
    uint32_t x = 1;
    struct p9c c;

    arrange(g, &c);
    g->lenient = true;
    for (int n = 0; n < 5000; n++) {
        uint32_t len = P9_HDR_SIZE + (x >> 8) % 60, seed;

        if ((seed = good_message(n % 32, msg, sizeof(msg))) == 0)
            seed = P9_HDR_SIZE;
        for (uint32_t i = 4; i < len; i++) {
            x = x * 1664525u + 1013904223u;
            if (i == 4 && seed > P9_HDR_SIZE && (x >> 20) % 4 != 0)
                continue; /* mostly a type that exists */
            if (i >= seed || (x >> 24) % 3 == 0)
                msg[i] = (uint8_t)(x >> 16);
        }
        msg[0] = (uint8_t)len;
        msg[1] = msg[2] = msg[3] = 0;
        msg[5] = 77;
        msg[6] = 0;
        if (msg[4] == P9_TVERSION)
            msg[4] = P9_TWALK;
        p9c_send_raw(&c, msg, len);
        free(rig_wait(g, p9c_ring(&c, 77), 77));
    }
    p9c_mount(&c, g);
    rig_end(g);
}

static void larger_than_msize_but_not_than_the_ring(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 7});
    uint8_t *msg = calloc(1, 65536), *data = calloc(1, 30000);
    struct p9c c;
    char got[16];
    uint32_t len;

    p9c_mount(&c, g);
    /* within msize, and more than any message but Twrite has to say */
    CHECK_ERR(p9c_rpc(&c, P9_TMKDIR, "dSdd", 0u, (size_t)20000, (char *)data, 0u, 0u), EMSGSIZE);
    CHECK_OK(p9c_version(&c, 4096, "9P2000.L", got));
    CHECK_OK(p9c_attach(&c, 0, P9_NOFID, "", 0));
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    len = p9_pack(msg, 65536, P9_TWRITE, 5, "dqdB", 1u, 0ul, 30000u, (size_t)30000, data);
    p9c_send_raw(&c, msg, len);
    CHECK(p9c_finish(&c, 5, P9_TWRITE) != 0);
    len = p9_pack(msg, 65536, P9_TMKDIR, 6, "dSdd", 0u, (size_t)20000, (char *)data, 0u, 0u);
    p9c_send_raw(&c, msg, len);
    CHECK(p9c_finish(&c, 6, P9_TMKDIR) != 0);
    CHECK_OK(p9c_walk(&c, 0, 2, "f"));
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"truncated_at_every_byte", truncated_at_every_byte, 0, 0},
    {"trailing_bytes", trailing_bytes, 0, 0},
    {"strings_past_the_end", strings_past_the_end, 0, 0},
    {"names_that_are_none", names_that_are_none, 0, 0},
    {"noise", noise, 0, 0},
    {"larger_than_msize_but_not_than_the_ring", larger_than_msize_but_not_than_the_ring, 0, 0},
};
TAP_SUITE(malformed, cases);
