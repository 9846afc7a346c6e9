/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_audit.c - what a worker records, and that nobody sees a reply before its record is sent.
 * This process is at the other end of the worker's socket; xen9p-audit behind it: tests/audit.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "suites.h"
#include "u9.h"
#include "xen9p/audit.h"
#include "xen9p/lock.h"
#include "xen9p/operations.h"

#define ALL AUDIT_ALL_CLASSES
#define BIT(cls) (1u << AUDIT_##cls)

struct line {
    struct audit_record r;
    char path[AUDIT_STRING_MAX + 1], to[AUDIT_STRING_MAX + 1];
};

struct sink {
    struct rig *g;
    struct p9c c;
    int fd;
    uint64_t next, lost;
    struct line *line;
    size_t num, seen;
};

static void keep(struct sink *s, const struct audit_record *r)
{
    struct line *l;

    s->line = realloc(s->line, (s->num + 1) * sizeof(*s->line));
    CHECK(s->line != NULL);
    l = &s->line[s->num++];
    l->r = *r;
    memcpy(l->path, r->path.s, r->path.len);
    l->path[r->path.len] = '\0';
    memcpy(l->to, r->to.s, r->to.len);
    l->to[r->to.len] = '\0';
}

/* Takes what is there. Numbers have no gap. Returns whether there was anything. */
static bool drain(struct sink *s)
{
    static uint8_t buf[AUDIT_BATCH_MAX + 1];
    bool any = false;
    ssize_t n;

    while ((n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
        struct audit_batch batch;
        struct audit_record r;
        struct cursor c;

        any = true;
        CHECK_EQ(audit_check(buf, (size_t)n, &batch), 0);
        CHECK_EQ(batch.first, s->next + batch.lost);
        s->next = batch.first + batch.count;
        s->lost += batch.lost;
        CHECK_EQ(audit_open(&c, buf, (size_t)n, &batch), 0);
        for (uint32_t i = 0; i < batch.count; i++) {
            CHECK_EQ(audit_next(&c, &r), 0);
            keep(s, &r);
        }
    }
    return any;
}

static void start(struct sink *s, uint32_t classes, struct rig_config *cfg)
{
    int sv[2];

    memset(s, 0, sizeof(*s));
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
    s->fd = sv[0];
    s->next = 1;
    cfg->audit_fd = sv[1];
    cfg->policy.limits.audit = classes;
    s->g = rig_new(cfg);
    close(sv[1]);
    p9c_mount(&s->c, s->g);
    drain(s);
    s->seen = s->num;
}

/* The next record is this one. */
static void expect(struct sink *s, enum audit_op op, enum audit_class cls, int error,
                   const char *path, const char *to)
{
    const struct line *l;

    drain(s);
    if (s->seen == s->num)
        FAIL("no record; expected %s %s", audit_op_name(op), path);
    l = &s->line[s->seen++];
    if (l->r.op != op || l->r.cls != cls || l->r.error != (uint32_t)error ||
        strcmp(l->path, path) != 0 || strcmp(l->to, to) != 0)
        FAIL("record %s/%s %s -> %s error %u; expected %s/%s %s -> %s error %d",
             audit_op_name(l->r.op), audit_class_name(l->r.cls), l->path, l->to, l->r.error,
             audit_op_name(op), audit_class_name(cls), path, to, error);
}

static void expect_none(struct sink *s)
{
    drain(s);
    if (s->seen != s->num)
        FAIL("record of %s that nobody expected", audit_op_name(s->line[s->seen].r.op));
}

static const struct line *last(const struct sink *s)
{
    return &s->line[s->seen - 1];
}

/* --- what is recorded -------------------------------------------------------------------------- */

static void session(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    struct sink s;

    start(&s, ALL, &cfg);
    s.seen = 0;
    expect(&s, AUDIT_OP_VERSION, AUDIT_SESSION, 0, "", "");
    CHECK_EQ(last(&s)->r.value, s.c.msize);
    expect(&s, AUDIT_OP_ATTACH, AUDIT_SESSION, 0, "/", "");
    CHECK_ERR(p9c_attach(&s.c, 9, P9_NOFID, "elsewhere", 77), ENOENT);
    expect(&s, AUDIT_OP_ATTACH, AUDIT_SESSION, ENOENT, "elsewhere", "");
    CHECK_EQ(last(&s)->r.uid, 77);
    CHECK_OK(p9c_attach(&s.c, 10, P9_NOFID, "", 1000));
    expect(&s, AUDIT_OP_ATTACH, AUDIT_SESSION, 0, "/", "");
    CHECK_OK(p9c_mkdir(&s.c, 10, "d", 0755)); /* who attached is who did it */
    expect(&s, AUDIT_OP_MKDIR, AUDIT_MUTATE, 0, "/d", "");
    CHECK_EQ(last(&s)->r.uid, 1000);
    CHECK_EQ(last(&s)->r.mode, 0755);
    rig_end(s.g);
    expect_none(&s);
}

static void changes(void)
{
    const struct p9_attr attr = {.mode = 0600, .size = 3};
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    char text[64];
    uint32_t n;
    struct sink s;

    start(&s, BIT(MUTATE) | BIT(READ), &cfg);
    CHECK_OK(p9c_mkdir(&s.c, 0, "a", 0755));
    expect(&s, AUDIT_OP_MKDIR, AUDIT_MUTATE, 0, "/a", "");
    CHECK_ERR(p9c_mkdir(&s.c, 0, "a", 0755), EEXIST);
    expect(&s, AUDIT_OP_MKDIR, AUDIT_MUTATE, EEXIST, "/a", "");
    CHECK_OK(p9c_walk(&s.c, 0, 1, "a"));
    CHECK_OK(p9c_walk(&s.c, 1, 2, ""));
    expect_none(&s);
    CHECK_OK(p9c_lcreate(&s.c, 2, "f", P9_L_RDWR, 0644));
    expect(&s, AUDIT_OP_CREATE, AUDIT_MUTATE, 0, "/a/f", "");
    CHECK_OK(p9c_write(&s.c, 2, 0, "hello", 5, &n));
    CHECK_OK(p9c_write(&s.c, 2, 5, "world", 5, &n));
    CHECK_OK(p9c_read(&s.c, 2, 0, text, 8, &n));
    expect_none(&s);
    CHECK_OK(p9c_clunk(&s.c, 2));
    expect(&s, AUDIT_OP_CLOSE, AUDIT_MUTATE, 0, "/a/f", "");
    CHECK_EQ(last(&s)->r.written, 10);
    CHECK_EQ(last(&s)->r.read, 8);
    CHECK_OK(p9c_mknod(&s.c, 1, "pipe", S_IFIFO | 0600, 0, 0));
    expect(&s, AUDIT_OP_MKNOD, AUDIT_MUTATE, 0, "/a/pipe", "");
    CHECK_OK(p9c_symlink(&s.c, 1, "l", "../where"));
    expect(&s, AUDIT_OP_SYMLINK, AUDIT_MUTATE, 0, "/a/l", "../where");
    CHECK_OK(p9c_walk(&s.c, 1, 3, "l"));
    CHECK_OK(p9c_readlink(&s.c, 3, text, sizeof(text)));
    expect(&s, AUDIT_OP_READLINK, AUDIT_READ, 0, "/a/l", "");
    CHECK_OK(p9c_walk(&s.c, 1, 4, "f"));
    CHECK_OK(p9c_link(&s.c, 0, 4, "g"));
    expect(&s, AUDIT_OP_LINK, AUDIT_MUTATE, 0, "/a/f", "/g");
    CHECK_OK(p9c_renameat(&s.c, 1, "f", 0, "h"));
    expect(&s, AUDIT_OP_RENAME, AUDIT_MUTATE, 0, "/a/f", "/h");
    CHECK_OK(p9c_setattr(&s.c, 4, P9_SETATTR_MODE, &attr));
    expect(&s, AUDIT_OP_SETATTR, AUDIT_MUTATE, 0, "/h", "");
    CHECK_EQ(last(&s)->r.value, P9_SETATTR_MODE);
    CHECK_EQ(last(&s)->r.mode, 0600);
    CHECK_OK(p9c_rename(&s.c, 4, 1, "again"));
    expect(&s, AUDIT_OP_RENAME, AUDIT_MUTATE, 0, "/h", "/a/again");
    CHECK_OK(p9c_renameat(&s.c, 0, "a", 0, "b")); /* everything below is elsewhere now */
    expect(&s, AUDIT_OP_RENAME, AUDIT_MUTATE, 0, "/a", "/b");
    CHECK_OK(p9c_walk(&s.c, 4, 5, ""));
    CHECK_OK(p9c_lopen(&s.c, 5, P9_L_RDONLY));
    expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/b/again", "");
    CHECK_OK(p9c_unlinkat(&s.c, 1, "again", 0));
    expect(&s, AUDIT_OP_UNLINK, AUDIT_MUTATE, 0, "/b/again", "");
    CHECK_OK(p9c_remove(&s.c, 3));
    expect(&s, AUDIT_OP_REMOVE, AUDIT_MUTATE, 0, "/b/l", "");
    CHECK_OK(p9c_clunk(&s.c, 5));
    expect(&s, AUDIT_OP_CLOSE, AUDIT_READ, 0, "/b/again", "");
    CHECK_EQ(last(&s)->r.flags, AUDIT_FLAG_DELETED);
    rig_end(s.g);
    expect_none(&s);
}

/*
 * What is opened in one batch with a move is where it was before that, or after it; what the host has moved shows at
 * the next request. Moves are of a class that is not recorded: nothing else is looked up in between.
 */
static void moved_within_a_batch(void)
{
    struct rig_config cfg = {.num_rings = 1, .threads = 1};
    const uint8_t type[] = {P9_TLOPEN, P9_TRENAMEAT, P9_TLOPEN, P9_TLOPEN, P9_TUNLINKAT, P9_TLOPEN};
    uint16_t tag[6];
    struct sink s;

    start(&s, BIT(READ), &cfg);
    CHECK_OK(p9c_mkdir(&s.c, 0, "a", 0755));
    for (uint32_t fid = 1; fid <= 3; fid++)
        CHECK_OK(p9c_walk(&s.c, 0, fid, "a"));
    CHECK_OK(p9c_mkdir(&s.c, 1, "sub", 0755));
    for (uint32_t fid = 4; fid <= 5; fid++)
        CHECK_OK(p9c_walk(&s.c, 1, fid, "sub"));
    if (backend_is_jailed)
        MUST(kill(s.g->pid, SIGSTOP)); /* so that they lie there together */
    tag[0] = p9c_send(&s.c, type[0], "dd", 1u, P9_L_DIRECTORY);
    tag[1] = p9c_send(&s.c, type[1], "dsds", 0u, "a", 0u, "b");
    tag[2] = p9c_send(&s.c, type[2], "dd", 2u, P9_L_DIRECTORY);
    tag[3] = p9c_send(&s.c, type[3], "dd", 4u, P9_L_DIRECTORY);
    tag[4] = p9c_send(&s.c, type[4], "dsd", 1u, "sub", (uint32_t)AT_REMOVEDIR);
    tag[5] = p9c_send(&s.c, type[5], "dd", 5u, P9_L_DIRECTORY);
    if (backend_is_jailed)
        MUST(kill(s.g->pid, SIGCONT));
    for (int i = 0; i < 5; i++)
        CHECK_OK(p9c_finish(&s.c, tag[i], type[i]));
    /* a directory that is gone: as the file system has it */
    (void)p9c_finish(&s.c, tag[5], type[5]);
    expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/a", "");
    expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/b", "");
    expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/b/sub", "");
    CHECK_EQ(last(&s)->r.flags, 0);
    drain(&s);
    CHECK_EQ(strcmp(s.line[s.seen].path, "/b/sub"), 0);
    CHECK_EQ(s.line[s.seen++].r.flags, AUDIT_FLAG_DELETED);
    CHECK_OK(p9c_walk(&s.c, 2, 6, ""));
    CHECK_OK(p9c_lopen(&s.c, 6, P9_L_DIRECTORY));
    expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/b", "");
    MUST(renameat(s.g->root_fd, "b", s.g->root_fd, "c")); /* the host, between two requests */
    CHECK_OK(p9c_lopen(&s.c, 3, P9_L_DIRECTORY));
    expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/c", "");
    rig_end(s.g);
}

/* Names are bytes; " (deleted)" may be one, too. */
static void names(void)
{
    static const char *const odd[] = {"a\nb",        "quote\"back\\slash", "\033[2J",    "\xff\xfe",
                                      "x (deleted)", "\xe2\x80\xae",       "{\"seq\":1}"};
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    char path[300];
    struct sink s;

    start(&s, ALL, &cfg);
    for (uint32_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        CHECK_OK(p9c_walk(&s.c, 0, 10 + i, ""));
        CHECK_OK(p9c_lcreate(&s.c, 10 + i, odd[i], P9_L_WRONLY, 0644));
        snprintf(path, sizeof(path), "/%s", odd[i]);
        expect(&s, AUDIT_OP_CREATE, AUDIT_MUTATE, 0, path, "");
        CHECK_OK(p9c_clunk(&s.c, 10 + i));
        expect(&s, AUDIT_OP_CLOSE, AUDIT_MUTATE, 0, path, "");
        CHECK_EQ(last(&s)->r.flags, 0);
    }
    rig_end(s.g);
}

/* Deeper than a record, or the kernel, can say. */
static void deep(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    char name[256];
    struct sink s;

    start(&s, BIT(MUTATE), &cfg);
    memset(name, 'n', 255);
    name[255] = '\0';
    CHECK_OK(p9c_walk(&s.c, 0, 1, ""));
    for (uint32_t i = 1; i <= 17; i++) {
        CHECK_OK(p9c_mkdir(&s.c, i, name, 0755));
        CHECK_OK(p9c_walk(&s.c, i, i + 1, name));
    }
    drain(&s);
    CHECK_EQ(s.num, 17);
    CHECK_EQ(s.line[14].r.path.len, 15 * 256);
    CHECK_EQ(s.line[15].r.flags, 0);
    CHECK_EQ(s.line[15].r.path.len, AUDIT_STRING_MAX);
    CHECK_EQ(s.line[16].r.flags, AUDIT_FLAG_PATH_CUT);
    CHECK_EQ(s.line[16].path[0], '?');
    for (uint32_t i = 17; i >= 1; i--)
        CHECK_OK(p9c_unlinkat(&s.c, i, name, P9_AT_REMOVEDIR));
    rig_end(s.g);
}

static void denials(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS | CTL_FLAG_READ_ONLY};
    struct sink s;

    start(&s, BIT(DENY), &cfg);
    CHECK_ERR(p9c_mkdir(&s.c, 0, "d", 0755), EROFS);
    expect(&s, AUDIT_OP_MKDIR, AUDIT_DENY, EROFS, "/d", "");
    CHECK_EQ(last(&s)->r.reason, AUDIT_WHY_READ_ONLY);
    CHECK_ERR(p9c_walk(&s.c, 0, 1, "none"), ENOENT); /* not refused, just not there */
    expect_none(&s);
    rig_end(s.g);
}

static void forbidden(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS,
                             .forbidden = OPERATION_DELETE | OPERATION_READ | OPERATION_STATFS |
                                          OPERATION_SETATTR};
    struct p9_attr a = {.mode = 0700};
    struct p9_statfs fs;
    struct sink s;

    start(&s, BIT(DENY) | BIT(MUTATE), &cfg);
    CHECK_OK(p9c_mkdir(&s.c, 0, "d", 0755));
    expect(&s, AUDIT_OP_MKDIR, AUDIT_MUTATE, 0, "/d", "");
    CHECK_ERR(p9c_unlinkat(&s.c, 0, "d", P9_AT_REMOVEDIR), EACCES);
    expect(&s, AUDIT_OP_UNLINK, AUDIT_DENY, EACCES, "/d", "");
    CHECK_EQ(last(&s)->r.reason, AUDIT_WHY_OPERATION);
    CHECK_OK(p9c_walk(&s.c, 0, 1, "d"));
    CHECK_ERR(p9c_lopen(&s.c, 1, P9_L_RDONLY), EACCES);
    expect(&s, AUDIT_OP_OPEN, AUDIT_DENY, EACCES, "/d", "");
    CHECK_EQ(last(&s)->r.reason, AUDIT_WHY_OPERATION);
    CHECK_ERR(p9c_mknod(&s.c, 1, "disk", S_IFBLK | 0600, 8, 0), EPERM);
    expect(&s, AUDIT_OP_MKNOD, AUDIT_DENY, EPERM, "/d/disk", "");
    CHECK_EQ(last(&s)->r.reason, AUDIT_WHY_NONE);
    CHECK_ERR(p9c_setattr(&s.c, 1, P9_SETATTR_MODE, &a), EPERM);
    expect(&s, AUDIT_OP_SETATTR, AUDIT_DENY, EPERM, "/d", "");
    CHECK_EQ(last(&s)->r.reason, AUDIT_WHY_OPERATION);
    CHECK_ERR(p9c_statfs(&s.c, 0, &fs), ENOSYS); /* programs ask that all the time */
    CHECK_ERR(p9c_remove(&s.c, 1), EACCES);
    expect(&s, AUDIT_OP_REMOVE, AUDIT_DENY, EACCES, "/d", "");
    rig_end(s.g);
    expect_none(&s);
}

/* The messages of the older dialects; who attaches without a number is nobody's user. */
static void older_dialects(void)
{
    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_U; d++) {
        char dir[128];
        struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS, .export = dir};
        struct u9_stat w = u9_blank;
        struct sink s;
        struct u9 u;

        snprintf(dir, sizeof(dir), "%s/%u", tap_dir(), d);
        MUST(mkdir(dir, 0755));
        start(&s, BIT(SESSION) | BIT(READ) | BIT(MUTATE), &cfg);
        u9_mount(&u, s.g, d);
        expect(&s, AUDIT_OP_VERSION, AUDIT_SESSION, 0, "", "");
        expect(&s, AUDIT_OP_ATTACH, AUDIT_SESSION, 0, "/", "");
        CHECK_EQ(last(&s)->r.uid, d == P9_DIALECT_U ? 0 : P9_NONUNAME);
        u9_walk(&u, 0, 1, "");
        u9_want_qid(&u, u9_ask_create(&u, 1, "f", 0640, P9_ORDWR, ""), P9_TCREATE, "f");
        expect(&s, AUDIT_OP_CREATE, AUDIT_MUTATE, 0, "/f", "");
        CHECK_EQ(last(&s)->r.mode, 0640);
        CHECK_EQ(last(&s)->r.value, P9_ORDWR);
        u9_walk(&u, 0, 2, "f");
        u9_open(&u, 2, P9_OREAD);
        expect(&s, AUDIT_OP_OPEN, AUDIT_READ, 0, "/f", "");
        w.mode = 0600;
        u9_want(&u, u9_ask_wstat(&u, 2, &w), P9_TWSTAT, "");
        expect(&s, AUDIT_OP_SETATTR, AUDIT_MUTATE, 0, "/f", "");
        u9_want(&u, u9_ask(&u, P9_TREMOVE, "d", 2u), P9_TREMOVE, "");
        expect(&s, AUDIT_OP_CLOSE, AUDIT_READ, 0, "/f", ""); /* the end of what was open */
        expect(&s, AUDIT_OP_REMOVE, AUDIT_MUTATE, 0, "/f", "");
        rig_end(s.g);
        close(s.fd);
    }
}

/* Where a user may not go, with the name that it asked for; and what it may not change. */
static void users_that_may_not(void)
{
    struct rig_config cfg = {
        .flags = CTL_FLAG_AUDIT_BLOCKS,
        .export_owner = 700000,
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = 700000, .id_count = 65536}};
    struct p9_attr a = {.mode = 0777, .size = 0};
    const char *names[P9_MAXWELEM];
    char name[256];
    struct sink s;

    start(&s, BIT(DENY), &cfg);
    CHECK_OK(p9c_mkdir(&s.c, 0, "d", 0700));
    CHECK_OK(p9c_attach(&s.c, 10, P9_NOFID, "", 1000));
    CHECK_OK(p9c_walk(&s.c, 10, 11, "d"));
    CHECK_ERR(p9c_walk(&s.c, 11, 12, "inner"), EACCES);
    expect(&s, AUDIT_OP_WALK, AUDIT_DENY, EACCES, "/d/inner", "");
    CHECK_EQ(last(&s)->r.uid, 1000);
    CHECK_ERR(p9c_setattr(&s.c, 11, P9_SETATTR_MODE, &a), EPERM);
    expect(&s, AUDIT_OP_SETATTR, AUDIT_DENY, EPERM, "/d", "");
    CHECK_EQ(last(&s)->r.mode, 0777);
    CHECK_ERR(p9c_setattr(&s.c, 11, P9_SETATTR_UID, &a), EPERM);
    expect(&s, AUDIT_OP_SETATTR, AUDIT_DENY, EPERM, "/d", "");
    CHECK_EQ(last(&s)->r.mode, 0); /* none was asked for */
    /* more names than a record has room for: as many of them as it has */
    memset(name, 'n', 255);
    name[255] = '\0';
    for (uint32_t i = 0; i < P9_MAXWELEM; i++)
        names[i] = name;
    CHECK_OK(p9c_mkdir(&s.c, 0, name, 0755));
    CHECK_OK(p9c_walk(&s.c, 0, 20, name));
    CHECK_OK(p9c_mkdir(&s.c, 20, name, 0700));
    CHECK_OK(p9c_walkv(&s.c, 10, 21, 2, names));
    CHECK_ERR(p9c_walkv(&s.c, 21, 22, P9_MAXWELEM, names), EACCES);
    drain(&s);
    CHECK_EQ(s.num, ++s.seen);
    CHECK_EQ(last(&s)->r.op, AUDIT_OP_WALK);
    CHECK((last(&s)->r.flags & AUDIT_FLAG_PATH_CUT) != 0);
    CHECK_EQ(last(&s)->r.path.len, AUDIT_STRING_MAX);
    rig_end(s.g);
}

static void off(void)
{
    struct ctl_limits on = {.audit = BIT(MUTATE)};
    union ctl_message m = {.limits = {.hdr = {.type = CTL_LIMITS}, .limits = on}};
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    struct sink s;

    start(&s, 0, &cfg);
    CHECK_OK(p9c_mkdir(&s.c, 0, "d", 0755));
    expect_none(&s);
    CHECK_EQ(ctl_send(s.g->control_fd, &m, NULL, 0), 0); /* and on, while it serves */
    tap_sleep(200);
    CHECK_OK(p9c_mkdir(&s.c, 0, "e", 0755));
    expect(&s, AUDIT_OP_MKDIR, AUDIT_MUTATE, 0, "/e", "");
    rig_end(s.g);
}

/* Tversion and the end of the worker close what is open; each is counted once. */
static void closed_by_end(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    char name[16];
    uint32_t n;
    struct sink s;

    start(&s, BIT(MUTATE), &cfg);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= 100; i++) {
            snprintf(name, sizeof(name), "f%d-%u", round, i);
            CHECK_OK(p9c_walk(&s.c, 0, i, ""));
            CHECK_OK(p9c_lcreate(&s.c, i, name, P9_L_WRONLY, 0644));
            CHECK_OK(p9c_write(&s.c, i, 0, name, i % 8 + 1, &n));
            drain(&s);
        }
        if (round == 0) {
            p9c_mount(&s.c, s.g);
            drain(&s); /* all are there when Rversion is */
            CHECK_EQ(s.num, 200);
        }
    }
    rig_end(s.g);
    drain(&s);
    CHECK_EQ(s.num, 400);
    uint64_t written = 0;
    for (size_t i = 0; i < s.num; i++)
        written += s.line[i].r.op == AUDIT_OP_CLOSE ? s.line[i].r.written : 0;
    CHECK_EQ(written, s.g->stopped.c);
}

static void violation(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    struct sink s;

    start(&s, BIT(VIOLATION), &cfg);
    s.g->ring[0].intf->out_prod += s.g->ring[0].size * 2;
    rig_kick(s.g);
    rig_expect_close(s.g, 0, CTL_CLOSE_BAD_INDEX);
    expect(&s, AUDIT_OP_PROTOCOL, AUDIT_VIOLATION, EPROTO, "", "");
    CHECK_EQ(last(&s)->r.value, CTL_CLOSE_BAD_INDEX);
}

/* --- when -------------------------------------------------------------------------------------- */

#ifdef XEN9P_SANITIZER_BUILD
#define ROUNDS 20 /* a minute is not enough for many more under TSan */
#else
#define ROUNDS 60
#endif

/* Many at once on two rings: no reply is there before its record. */
static void before_the_reply(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS, .threads = 4};
    uint16_t tag[32];
    char name[32], path[40];
    struct sink s;

    start(&s, BIT(MUTATE), &cfg);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 32; i++) {
            snprintf(name, sizeof(name), "d%d-%d", round, i);
            tag[i] = p9c_send(&s.c, P9_TMKDIR, "dsdd", 0u, name, 0755u, 0u);
        }
        for (int i = 0; i < 32; i++) {
            bool found = false;

            CHECK_OK(p9c_finish(&s.c, tag[i], P9_TMKDIR));
            drain(&s);
            snprintf(path, sizeof(path), "/d%d-%d", round, i);
            for (size_t k = s.num > 200 ? s.num - 200 : 0; k < s.num; k++)
                found = found || strcmp(s.line[k].path, path) == 0;
            if (!found)
                FAIL("the reply about %s was there before its record", path);
        }
    }
    CHECK_EQ(s.num, ROUNDS * 32);
    rig_end(s.g);
}

/* Asks for directories until no answer comes any more. Returns how many were answered. */
static uint32_t until_it_stands_still(struct sink *s, uint16_t *waiting)
{
    char name[32];

    for (uint32_t i = 0; i < 5000; i++) {
        struct reply *r;
        uint16_t tag;

        snprintf(name, sizeof(name), "d%u", i);
        tag = p9c_send(&s->c, P9_TMKDIR, "dsdd", 0u, name, 0755u, 0u);
        r = rig_wait_ms(s->g, p9c_ring(&s->c, tag), tag, 500);
        if (r == NULL) {
            *waiting = tag;
            return i;
        }
        free(r);
    }
    FAIL("it does not stand still");
}

static void full_blocks(void)
{
    struct ctl_limits on = {.audit = BIT(MUTATE) | BIT(SESSION)};
    union ctl_message m = {.limits = {.hdr = {.type = CTL_LIMITS}, .limits = on}};
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    long long cpu;
    uint32_t done;
    uint16_t tag;
    struct sink s;

    start(&s, BIT(MUTATE), &cfg);
    done = until_it_stands_still(&s, &tag);
    cpu = rig_cpu_ms(s.g);
    CHECK_EQ(ctl_send(s.g->control_fd, &m, NULL, 0), 0); /* it listens all the same */
    tap_sleep(500);
    CHECK(rig_cpu_ms(s.g) - cpu < 100); /* and waits quietly */
    CHECK(drain(&s));
    CHECK_OK(p9c_finish(&s.c, tag, P9_TMKDIR));
    drain(&s);
    CHECK_EQ(s.num, done + 1);
    s.seen = s.num;
    CHECK_OK(p9c_attach(&s.c, 99, P9_NOFID, "", 5));
    expect(&s, AUDIT_OP_ATTACH, AUDIT_SESSION, 0, "/", "");
    rig_end(s.g);
    CHECK_EQ(s.lost, 0);
}

/* It ends when it is told to; who waits for a record that nobody takes is told that it failed. */
static void full_ends(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS};
    long long before;
    uint32_t done;
    uint16_t tag;
    struct sink s;
    int status;

    start(&s, BIT(MUTATE), &cfg);
    done = until_it_stands_still(&s, &tag);
    before = tap_now();
    CHECK_EQ(kill(s.g->pid, SIGTERM), 0);
    CHECK_ERR(p9c_finish(&s.c, tag, P9_TMKDIR), EIO);
    status = rig_wait_exit(s.g);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(tap_now() - before < 2900);
    rig_events(s.g);
    CHECK_EQ(s.g->lost, 1);
    drain(&s);
    CHECK_EQ(s.num, done);
}

/*
 * A lock that waits is the last user of a file that the guest has closed. Neither its answer nor
 * that of the Tflush which ends it tells of the close before the record of that is sent.
 */
static void full_waiting_lock(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_AUDIT_BLOCKS, .policy.lock_wait_ms = 60000};
    const struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const struct flock none = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    uint16_t granted, mkdir_tag;
    uint32_t done;
    struct sink s;
    int fd;

    start(&s, BIT(MUTATE), &cfg);
    CHECK_OK(p9c_walk(&s.c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&s.c, 1, "f", P9_L_RDWR, 0644));
    fd = openat(s.g->root_fd, "f", O_RDWR | O_CLOEXEC);
    MUST(fd);
    MUST(fcntl(fd, F_OFD_SETLK, &mine));
    granted = p9c_send(&s.c, P9_TLOCK, "dbdqqds", 1u, P9_LOCK_WRLCK, P9_LOCK_FLAG_BLOCK,
                       (uint64_t)0, (uint64_t)0, 7u, "guest");
    CHECK(rig_wait_ms(s.g, p9c_ring(&s.c, granted), granted, RIG_QUIET_MS) == NULL);
    CHECK_OK(p9c_clunk(&s.c, 1));
    done = until_it_stands_still(&s, &mkdir_tag);
    MUST(fcntl(fd, F_OFD_SETLK, &none));
    CHECK(rig_wait_ms(s.g, p9c_ring(&s.c, granted), granted, 1000) == NULL);
    drain(&s);
    CHECK_OK(p9c_finish(&s.c, granted, P9_TLOCK));
    CHECK_EQ(cursor_u8(&s.c.body), P9_LOCK_SUCCESS);
    CHECK_OK(p9c_finish(&s.c, mkdir_tag, P9_TMKDIR));
    drain(&s);
    CHECK_EQ(s.num, 1 + done + 1 + 1); /* create, directories, the last of them, close */
    CHECK_EQ(s.line[s.num - 1].r.op, AUDIT_OP_CLOSE);
    CHECK(strcmp(s.line[s.num - 1].path, "/f") == 0);
    rig_end(s.g);
    CHECK_EQ(s.lost, 0);
}

static void full_drops(void)
{
    struct rig_config cfg = {0};
    char name[32];
    struct sink s;

    start(&s, BIT(MUTATE), &cfg);
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        CHECK_OK(p9c_mkdir(&s.c, 0, name, 0755));
        if (i == 2000)
            drain(&s);
    }
    drain(&s);
    CHECK_OK(p9c_mkdir(&s.c, 0, "last", 0755));
    rig_end(s.g);
    drain(&s);
    CHECK(s.lost > 0);
    CHECK_EQ(s.num + s.lost, 3001);
    CHECK(strcmp(s.line[s.num - 1].path, "/last") == 0);
}

static const struct tap_case cases[] = {
    {"session", session, 0, 0},
    {"changes", changes, 0, 0},
    {"moved_within_a_batch", moved_within_a_batch, 0, 0},
    {"names", names, 0, 0},
    {"deep", deep, 0, 0},
    {"denials", denials, 0, 0},
    {"forbidden", forbidden, 0, 0},
    {"older_dialects", older_dialects, 0, 0},
    {"users_that_may_not", users_that_may_not, TAP_JAILED, 0},
    {"off", off, 0, 0},
    {"closed-by-end", closed_by_end, 0, 0},
    {"violation", violation, 0, 0},
    {"before-the-reply", before_the_reply, 0, 0},
    {"full-blocks", full_blocks, 0, 0},
    {"full-ends", full_ends, 0, 0},
    {"full-waiting-lock", full_waiting_lock, 0, 0},
    {"full-drops", full_drops, 0, 0},
};
TAP_SUITE(audit, cases);
