/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_policy.c - operations that a policy forbids: each one is refused with its errno, and all
 * others work. The jailed worker has the filter and the Landlock rules that go with it, so that whatever they take away too
 * much of ends it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "suites.h"
#include "xen9p/lock.h"
#include "xen9p/operations.h"

struct battery {
    struct p9c c;
    struct rig *g;
    uint32_t allowed;
    bool read_only;
    uint32_t fid; /* a fresh one */
};

static void host_file(struct rig *g, const char *name)
{
    int fd = openat(g->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, "data", 4), 4);
    MUST(fchown(fd, g->cfg.export_owner, g->cfg.export_owner));
    close(fd);
}

/* What an operation that needs these groups has to return. */
static int due(const struct battery *b, uint32_t needed)
{
    if (b->read_only && (needed & ~OPERATIONS_READ_ONLY) != 0)
        return EROFS;
    return -operation_refusal(b->allowed, needed);
}
#define TRY(needed, call) CHECK_EQ(call, due(b, needed))

static uint32_t walk(struct battery *b, const char *name)
{
    CHECK_OK(p9c_walk(&b->c, 0, ++b->fid, name));
    return b->fid;
}

/* Numbers of the policy that a client sees. */
static void try_limits(struct battery *b)
{
    const struct rig_config *cfg = &b->g->cfg;
    struct p9_attr a;
    uint32_t n = 0;

    CHECK_OK(p9c_getattr(&b->c, 0, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.uid, cfg->shown_uid);
    CHECK_EQ(a.gid, cfg->shown_gid);
    CHECK(cfg->max_msize == 0 || b->c.msize <= cfg->max_msize);
    if (cfg->max_fids == 0 || cfg->max_fids > 512)
        return;
    /* fid 0 is the root; the descriptors that are left come to fewer files than fids at most */
    while (n < cfg->max_fids && p9c_walk(&b->c, 0, 1000 + n, "f") == 0)
        n++;
    CHECK_EQ(n, cfg->max_fids - 1);
    CHECK_ERR(p9c_walk(&b->c, 0, 1000 + n, "f"), ENFILE);
    while (n > 0)
        CHECK_OK(p9c_clunk(&b->c, 1000 + --n));
}

static void try_open(struct battery *b)
{
    const uint32_t rw = OPERATION_READ | OPERATION_WRITE;

    TRY(OPERATION_READ, p9c_lopen(&b->c, walk(b, "f"), P9_L_RDONLY));
    TRY(OPERATION_READ, p9c_lopen(&b->c, walk(b, "d"), P9_L_RDONLY | P9_L_DIRECTORY));
    TRY(OPERATION_WRITE, p9c_lopen(&b->c, walk(b, "f"), P9_L_WRONLY | P9_L_APPEND));
    TRY(rw, p9c_lopen(&b->c, walk(b, "f"), P9_L_RDWR));
    TRY(rw, p9c_lopen(&b->c, walk(b, "f"), P9_L_RDONLY | P9_L_TRUNC));
}

static void try_contents(struct battery *b)
{
    char buf[16];
    uint32_t n, f = walk(b, "f");

    if (p9c_lopen(&b->c, f, P9_L_WRONLY) == 0) {
        TRY(OPERATION_WRITE, p9c_write(&b->c, f, 0, "new", 3, &n));
        CHECK_OK(p9c_fsync(&b->c, f, 0));
        if ((b->allowed & OPERATION_READ) == 0)
            TRY(OPERATION_READ, p9c_read(&b->c, f, 0, buf, 1, &n));
    }
    f = walk(b, "f");
    if (p9c_lopen(&b->c, f, P9_L_RDONLY) == 0) {
        TRY(OPERATION_READ, p9c_read(&b->c, f, 0, buf, 1, &n));
        CHECK_OK(p9c_fsync(&b->c, f, 1));
        if ((b->allowed & OPERATION_WRITE) == 0 || b->read_only)
            TRY(OPERATION_WRITE, p9c_write(&b->c, f, 0, "x", 1, &n));
    }
    f = walk(b, "d");
    if (p9c_lopen(&b->c, f, P9_L_RDONLY) == 0)
        TRY(OPERATION_READ, p9c_readdir(&b->c, f, 0, 4000));
    TRY(OPERATION_READ, p9c_readlink(&b->c, walk(b, "l"), buf, sizeof(buf)));
}

static void try_create(struct battery *b)
{
    const uint32_t create = OPERATION_CREATE;

    TRY(create | OPERATION_READ | OPERATION_WRITE,
        p9c_lcreate(&b->c, walk(b, ""), "n1", P9_L_RDWR | P9_L_CREAT, 0644));
    TRY(create | OPERATION_READ,
        p9c_lcreate(&b->c, walk(b, ""), "n2", P9_L_RDONLY | P9_L_CREAT, 0644));
    TRY(create | OPERATION_WRITE,
        p9c_lcreate(&b->c, walk(b, ""), "n3", P9_L_WRONLY | P9_L_CREAT, 0644));
    TRY(create, p9c_mkdir(&b->c, 0, "n4", 0755));
    TRY(OPERATION_SYMLINK, p9c_symlink(&b->c, 0, "n5", "f"));
    TRY(OPERATION_MKNOD, p9c_mknod(&b->c, 0, "n6", S_IFIFO | 0644, 0, 0));
    TRY(OPERATION_MKNOD, p9c_mknod(&b->c, 0, "n7", S_IFSOCK | 0644, 0, 0));
    TRY(OPERATION_LINK, p9c_link(&b->c, 0, walk(b, "f"), "n8"));
}

static void try_attributes(struct battery *b)
{
    struct p9_attr set = {.mode = 0640, .size = 2, .atime = 1, .mtime = 1, .uid = 5}, a;
    const uint32_t both = OPERATION_WRITE | OPERATION_SETATTR;
    /* times of now go with either */
    uint32_t now = (b->allowed & OPERATION_WRITE) != 0 ? OPERATION_WRITE : OPERATION_SETATTR;
    struct p9_statfs s;
    uint32_t f = walk(b, "f");

    CHECK_OK(p9c_getattr(&b->c, f, P9_GETATTR_BASIC, &a));
    TRY(OPERATION_SETATTR, p9c_setattr(&b->c, f, P9_SETATTR_MODE, &set));
    TRY(OPERATION_SETATTR, p9c_setattr(&b->c, f, P9_SETATTR_UID | P9_SETATTR_CTIME, &set));
    TRY(OPERATION_SETATTR, p9c_setattr(&b->c, f, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, &set));
    TRY(OPERATION_WRITE, p9c_setattr(&b->c, f, P9_SETATTR_SIZE | P9_SETATTR_MTIME, &set));
    TRY(both, p9c_setattr(&b->c, f, P9_SETATTR_SIZE | P9_SETATTR_MODE, &set));
    TRY(now, p9c_setattr(&b->c, f, P9_SETATTR_ATIME | P9_SETATTR_MTIME, &set));
    TRY(now, p9c_setattr(&b->c, f, P9_SETATTR_CTIME, &set));
    TRY(OPERATION_STATFS, p9c_statfs(&b->c, f, &s));
}

static void try_xattr(struct battery *b)
{
    uint32_t f = walk(b, "f"), n;
    uint64_t size;
    char buf[16];

    CHECK_EQ(p9c_xattrcreate(&b->c, f, "user.a", 3, 0),
             b->read_only ? EROFS : due(b, OPERATION_XATTR));
    if (!b->read_only && due(b, OPERATION_XATTR) == 0) { /* whatever else is forbidden */
        CHECK_OK(p9c_write(&b->c, f, 0, "abc", 3, &n));
        CHECK_OK(p9c_clunk(&b->c, f));
        f = walk(b, "f");
        CHECK_OK(p9c_xattrwalk(&b->c, f, 50, "user.a", &size));
        CHECK_EQ(size, 3);
        CHECK_OK(p9c_read(&b->c, 50, 0, buf, 16, &n));
        CHECK_EQ(n, 3);
    }
    TRY(OPERATION_XATTR, p9c_xattrwalk(&b->c, walk(b, "f"), 51, "", &size));
}

static void try_lock(struct battery *b)
{
    struct p9_lock l = {.type = P9_LOCK_RDLCK, .client = "c"};
    uint32_t f = walk(b, "f");
    int err = p9c_lopen(&b->c, f, P9_L_RDONLY);

    if (err != 0)
        err = p9c_lopen(&b->c, f, P9_L_WRONLY);
    if (err != 0) /* what cannot be opened cannot be locked */
        return;
    TRY(OPERATION_LOCK, p9c_lock(&b->c, f, &l));
    TRY(OPERATION_LOCK, p9c_getlock(&b->c, f, &l));
}

static void try_names(struct battery *b)
{
    uint32_t f = walk(b, "r1");
    struct p9_attr a;
    struct stat st;

    TRY(OPERATION_RENAME, p9c_rename(&b->c, f, 0, "r1b"));
    TRY(OPERATION_RENAME, p9c_renameat(&b->c, 0, "r2", walk(b, "d"), "r2b"));
    if (due(b, OPERATION_RENAME) == 0) { /* onto something: a way of deleting it */
        bool may = (b->allowed & OPERATION_DELETE) != 0;

        CHECK_EQ(p9c_renameat(&b->c, 0, "r3", 0, "r4"), may ? 0 : EEXIST);
        CHECK_EQ(fstatat(b->g->root_fd, "r3", &st, 0) != 0, may);
    }
    TRY(OPERATION_DELETE, p9c_unlinkat(&b->c, 0, "u1", 0));
    TRY(OPERATION_DELETE, p9c_unlinkat(&b->c, 0, "e", P9_AT_REMOVEDIR));
    f = walk(b, "u2");
    TRY(OPERATION_DELETE, p9c_remove(&b->c, f));
    CHECK_ERR(p9c_getattr(&b->c, f, P9_GETATTR_BASIC, &a), EBADF); /* Tremove always clunks */
    CHECK_EQ(fstatat(b->g->root_fd, "u2", &st, 0) == 0, due(b, OPERATION_DELETE) != 0);
}

/* The whole battery under a configuration. */
/* The export and what is in it, to the guest's root. */
static void give_away(const char *dir, struct rig_config *cfg)
{
    char command[256];

    cfg->policy.id_first = 300000;
    cfg->policy.id_count = 65536;
    snprintf(command, sizeof(command), "chown -hR 300000:300000 '%s'", dir);
    CHECK_EQ(system(command), 0);
}

static void run_with(struct rig_config *cfg, const char *name)
{
    static const char *const files[] = {"f", "r1", "r2", "r3", "r4", "u1", "u2"};
    char dir[192];
    struct battery b = {.allowed = OPERATIONS_ALL & ~cfg->forbidden,
                        .read_only = (cfg->flags & CTL_FLAG_READ_ONLY) != 0,
                        .fid = 100};

    snprintf(dir, sizeof(dir), "%s/%s", tap_dir(), name);
    cfg->export = dir;
    MUST(mkdir(dir, 0755));
    b.g = rig_prepare(cfg);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        host_file(b.g, files[i]);
    MUST(mkdirat(b.g->root_fd, "d", 0755));
    MUST(mkdirat(b.g->root_fd, "e", 0755));
    MUST(symlinkat("f", b.g->root_fd, "l"));
    if (cfg->policy.identity == CTL_IDENTITY_MAPPED)
        give_away(dir, &b.g->cfg);
    rig_start(b.g, 0);
    p9c_mount(&b.c, b.g);
    try_limits(&b);
    try_open(&b);
    try_contents(&b);
    try_create(&b);
    try_attributes(&b);
    try_xattr(&b);
    try_lock(&b);
    try_names(&b);
    rig_end(b.g);
}

static void run(uint32_t forbidden, uint32_t flags)
{
    struct rig_config cfg = {.forbidden = forbidden, .flags = flags};
    char name[32];

    snprintf(name, sizeof(name), "%x-%x", forbidden, flags);
    run_with(&cfg, name);
}

static int is_policy(const struct dirent *e)
{
    size_t len = strlen(e->d_name);

    return len > 5 && strcmp(e->d_name + len - 5, ".conf") == 0;
}

/* What is shipped, as xen9pd would hand it to the worker. */
static void shipped(void)
{
    struct dirent **names = NULL;
    int n = scandir("policy", &names, is_policy, alphasort);

    CHECK(n >= 5);
    for (int i = 0; i < n; i++) {
        struct rig_config cfg = {.order = 9};
        struct ctl_config *c = &cfg.policy;

        names[i]->d_name[strlen(names[i]->d_name) - 5] = '\0';
        tap_note("policy/%s.conf", names[i]->d_name);
        CHECK(backend_policy(names[i]->d_name, c));
        cfg.threads = c->threads;
        cfg.flags = c->flags;
        cfg.forbidden = c->forbidden;
        cfg.max_fids = c->max_fids;
        cfg.max_open_files = c->max_open_files;
        cfg.max_msize = c->max_msize;
        cfg.shown_uid = c->shown_uid;
        cfg.shown_gid = c->shown_gid;
        run_with(&cfg, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static void everything_allowed(void)
{
    run(0, 0);
}

static void each_forbidden_alone(void)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        run(operation_table[i].bit, 0);
}

static void each_allowed_alone(void)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        run(OPERATIONS_ALL & ~operation_table[i].bit, 0);
}

static void nothing_allowed(void)
{
    run(OPERATIONS_ALL, 0);
}

static void read_only_and_forbidden(void)
{
    run(0, CTL_FLAG_READ_ONLY);
    run(OPERATION_READ, CTL_FLAG_READ_ONLY);
    run(OPERATION_STATFS | OPERATION_XATTR | OPERATION_LOCK | OPERATION_WRITE, CTL_FLAG_READ_ONLY);
}

/* Pairs that share system calls or Landlock rights. */
static void pairs(void)
{
    run(OPERATION_WRITE | OPERATION_CREATE, 0);
    run(OPERATION_WRITE | OPERATION_SETATTR, 0);
    run(OPERATION_RENAME | OPERATION_DELETE, 0);
    run(OPERATION_READ | OPERATION_WRITE, 0);
    run(OPERATIONS_ALL & ~(uint32_t)(OPERATION_WRITE | OPERATION_CREATE), 0);
    run(OPERATIONS_ALL & ~(uint32_t)(OPERATION_RENAME | OPERATION_DELETE), 0);
}

static const struct tap_case cases[] = {
    {"everything_allowed", everything_allowed, 0, 0},
    {"each_forbidden_alone", each_forbidden_alone, 0, 0},
    {"each_allowed_alone", each_allowed_alone, 0, 0},
    {"nothing_allowed", nothing_allowed, 0, 0},
    {"read_only_and_forbidden", read_only_and_forbidden, 0, 0},
    {"pairs", pairs, 0, 0},
    {"shipped", shipped, TAP_JAILED, 0},
};
TAP_SUITE(policy, cases);
