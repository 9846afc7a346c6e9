/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_kept.c - a fid goes on meaning its file, whatever becomes of the name that it was walked to: files,
 * directories and symlinks, walked and open, after each way of losing or changing a name. Another file that has the
 * name then is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"
#include "xen9p/lock.h"

/* Fids of every row: the root, directories "p" and "q", and those of "p/x". */
#define ROOT 0u
#define P 1u
#define Q 2u
#define WALKED 10u
#define OPENED 11u /* read and write; a directory to read */
#define READER 12u
#define SCRATCH 50u
#define OTHER_USER 7u /* who is given the file */
#define OTHER_GROUP 8u

struct row {
    struct rig *g;
    struct p9c c;
    mode_t type;
    uint32_t identity;
    bool attributes; /* the file system has them */
    const struct event *event;
};

struct event {
    const char *name;
    void (*happen)(struct row *w);
    const char *now; /* where it is then; NULL: nowhere */
    bool parent;     /* it is "p" that moved */
};

static void unlinked(struct row *w)
{
    CHECK_OK(p9c_unlinkat(&w->c, P, "x", S_ISDIR(w->type) ? P9_AT_REMOVEDIR : 0));
}

static void renamed(struct row *w)
{
    CHECK_OK(p9c_renameat(&w->c, P, "x", Q, "y"));
}

static void renamed_by_fid(struct row *w)
{
    CHECK_OK(p9c_rename(&w->c, OPENED, Q, "y"));
}

static void renamed_over(struct row *w)
{
    CHECK_OK(p9c_renameat(&w->c, Q, "other", P, "x"));
}

static void parent_renamed(struct row *w)
{
    CHECK_OK(p9c_renameat(&w->c, ROOT, "p", ROOT, "z"));
}

static void parent_moved(struct row *w)
{
    CHECK_OK(p9c_rename(&w->c, P, Q, "z"));
}

static void host_unlinked(struct row *w)
{
    bool directory = S_ISDIR(w->type);

    MUST(unlinkat(w->g->root_fd, "p/x", directory ? AT_REMOVEDIR : 0));
}

static void host_renamed(struct row *w)
{
    MUST(renameat(w->g->root_fd, "p/x", w->g->root_fd, "q/y"));
}

static void host_renamed_over(struct row *w)
{
    MUST(renameat(w->g->root_fd, "q/other", w->g->root_fd, "p/x"));
}

static void host_moved_parent(struct row *w)
{
    MUST(renameat(w->g->root_fd, "p", w->g->root_fd, "q/z"));
}

static const struct event events[] = {
    {"unlinked", unlinked, NULL, false},
    {"renamed", renamed, "q/y", false},
    {"renamed by its fid", renamed_by_fid, "q/y", false},
    {"renamed over", renamed_over, NULL, false},
    {"parent renamed", parent_renamed, "z/x", true},
    {"parent moved", parent_moved, "q/z/x", true},
    {"unlinked by the host", host_unlinked, NULL, false},
    {"renamed by the host", host_renamed, "q/y", false},
    {"renamed over by the host", host_renamed_over, NULL, false},
    {"parent moved by the host", host_moved_parent, "q/z/x", true},
};

/* By the guest, so that the identity is satisfied. */
static void make(struct row *w, uint32_t dir, const char *name, const char *text)
{
    uint32_t n;

    if (S_ISDIR(w->type)) {
        CHECK_OK(p9c_mkdir(&w->c, dir, name, 0755));
    } else if (S_ISLNK(w->type)) {
        CHECK_OK(p9c_symlink(&w->c, dir, name, text));
    } else {
        CHECK_OK(p9c_walk(&w->c, dir, SCRATCH, ""));
        CHECK_OK(p9c_lcreate(&w->c, SCRATCH, name, P9_L_RDWR | P9_L_CREAT, 0644));
        CHECK_OK(p9c_write(&w->c, SCRATCH, 0, text, (uint32_t)strlen(text), &n));
        CHECK_OK(p9c_clunk(&w->c, SCRATCH));
    }
}

static void set_attribute(struct row *w, uint32_t fid, const char *value)
{
    uint32_t len = (uint32_t)strlen(value), n;

    CHECK_OK(p9c_walk(&w->c, fid, SCRATCH, ""));
    CHECK_OK(p9c_xattrcreate(&w->c, SCRATCH, "user.kept", len, 0));
    CHECK_OK(p9c_write(&w->c, SCRATCH, 0, value, len, &n));
    CHECK_OK(p9c_clunk(&w->c, SCRATCH));
}

static void expect_attribute(struct row *w, uint32_t fid, const char *value)
{
    char buf[64];
    uint64_t size;
    uint32_t n;

    CHECK_OK(p9c_xattrwalk(&w->c, fid, SCRATCH, "user.kept", &size));
    CHECK_OK(p9c_read(&w->c, SCRATCH, 0, buf, sizeof(buf), &n));
    CHECK(n == strlen(value) && memcmp(buf, value, n) == 0);
    CHECK_OK(p9c_clunk(&w->c, SCRATCH));
    CHECK_OK(p9c_xattrwalk(&w->c, fid, SCRATCH, "", &size)); /* the list */
    CHECK_EQ(size, sizeof("user.kept"));
    CHECK_OK(p9c_clunk(&w->c, SCRATCH));
}

static bool owners_are_kept(const struct row *w)
{
    return w->identity != CTL_IDENTITY_SQUASH;
}

/* What every kind of file has. `turn` makes each use differ from the one before. */
static void use_attributes(struct row *w, uint32_t fid, uint32_t turn)
{
    struct p9_attr set = {.mode = 0640 + turn,
                          .uid = OTHER_USER + turn,
                          .gid = OTHER_GROUP + turn,
                          .atime = 1000000000 + turn,
                          .mtime = 1100000000 + turn};
    struct p9_attr a, clone;
    struct p9_statfs fs;

    if (!S_ISLNK(w->type))
        CHECK_OK(p9c_setattr(&w->c, fid, P9_SETATTR_MODE, &set));
    CHECK_OK(p9c_setattr(&w->c, fid, P9_SETATTR_UID | P9_SETATTR_GID, &set));
    CHECK_OK(p9c_setattr(
        &w->c, fid,
        P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, &set));
    if (!S_ISLNK(w->type) && w->attributes) {
        set_attribute(w, fid, turn % 2 == 0 ? "even" : "not even");
        expect_attribute(w, fid, turn % 2 == 0 ? "even" : "not even");
    }
    CHECK_OK(p9c_statfs(&w->c, fid, &fs));
    CHECK_OK(p9c_getattr(&w->c, fid, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.mode & S_IFMT, w->type);
    if (!S_ISLNK(w->type))
        CHECK_EQ(a.mode & 07777, set.mode);
    CHECK_EQ(a.mtime, set.mtime);
    CHECK_EQ(a.atime, set.atime);
    CHECK_EQ(a.uid, owners_are_kept(w) ? set.uid : 0);
    CHECK_EQ(a.gid, owners_are_kept(w) ? set.gid : 0);
    if (w->event->now == NULL)
        CHECK_EQ(a.nlink, 0);
    else
        CHECK(a.nlink > 0);
    CHECK_OK(p9c_walk(&w->c, fid, SCRATCH, ""));
    CHECK_OK(p9c_getattr(&w->c, SCRATCH, P9_GETATTR_BASIC, &clone));
    CHECK_OK(p9c_clunk(&w->c, SCRATCH));
    CHECK_EQ(clone.qid.path, a.qid.path);
    CHECK_EQ(clone.qid.version, a.qid.version);
}

static void expect_text(struct row *w, uint32_t fid, const char *text)
{
    char buf[64];
    uint32_t n;

    CHECK_OK(p9c_read(&w->c, fid, 0, buf, sizeof(buf), &n));
    CHECK(n == strlen(text) && memcmp(buf, text, n) == 0);
}

static void use_file(struct row *w)
{
    struct p9_attr set = {.size = 6};
    struct p9_lock l = {.type = P9_LOCK_WRLCK, .client = "kept"};
    uint32_t n;

    expect_text(w, READER, "mine");
    CHECK_OK(p9c_write(&w->c, OPENED, 0, "written", 7, &n));
    expect_text(w, READER, "written");
    for (uint32_t fid = WALKED; fid <= READER; fid++) { /* truncated through each of them */
        CHECK_OK(p9c_setattr(&w->c, fid, P9_SETATTR_SIZE, &set));
        CHECK_OK(p9c_fsync(&w->c, fid, fid % 2));
        set.size--;
    }
    expect_text(w, OPENED, "writ");
    CHECK_OK(p9c_lock(&w->c, OPENED, &l));
    CHECK_EQ(l.status, P9_LOCK_SUCCESS);
    CHECK_OK(p9c_walk(&w->c, WALKED, 20, ""));
    CHECK_OK(p9c_lopen(&w->c, 20, P9_L_RDWR | P9_L_TRUNC)); /* opened only now */
    CHECK_OK(p9c_write(&w->c, 20, 0, "late", 4, &n));
    expect_text(w, READER, "late");
    CHECK_ERR(p9c_write(&w->c, READER, 0, "x", 1, &n), EBADF);
}

static void use_directory(struct row *w)
{
    struct p9_attr a, up;
    struct p9_dirent d;
    bool inner = false;

    CHECK_OK(p9c_fsync(&w->c, OPENED, 0));
    if (w->event->now == NULL) {
        CHECK_ERR(p9c_mkdir(&w->c, WALKED, "inner", 0755), ENOENT);
        CHECK_ERR(p9c_symlink(&w->c, WALKED, "inner", "x"), ENOENT);
        CHECK_OK(p9c_walk(&w->c, WALKED, 20, ""));
        CHECK_ERR(p9c_lcreate(&w->c, 20, "inner", P9_L_RDWR | P9_L_CREAT, 0644), ENOENT);
        CHECK_ERR(p9c_walk(&w->c, WALKED, 21, "inner"), ENOENT);
        CHECK_ERR(p9c_walk(&w->c, WALKED, 21, ".."), ENOENT);
        CHECK_ERR(p9c_unlinkat(&w->c, WALKED, "inner", 0), ENOENT);
    } else {
        CHECK_OK(p9c_mkdir(&w->c, WALKED, "inner", 0755));
        CHECK_OK(p9c_walk(&w->c, OPENED, 21, "inner"));
        CHECK_OK(p9c_walk(&w->c, 21, 21, ".."));
        CHECK_OK(p9c_getattr(&w->c, 21, P9_GETATTR_BASIC, &up));
        CHECK_OK(p9c_getattr(&w->c, WALKED, P9_GETATTR_BASIC, &a));
        CHECK_EQ(up.qid.path, a.qid.path);
        CHECK_OK(p9c_walk(&w->c, WALKED, 22, ".."));
        CHECK_OK(p9c_getattr(&w->c, 22, P9_GETATTR_BASIC, &up));
        CHECK_OK(p9c_getattr(&w->c, w->event->parent ? P : Q, P9_GETATTR_BASIC, &a));
        CHECK_EQ(up.qid.path, a.qid.path);
    }
    if (w->event->now == NULL) { /* nothing is in it, or what readdir(2) says */
        if (p9c_readdir(&w->c, OPENED, 0, 4000) == 0)
            while (p9c_dirent(&w->c, &d))
                CHECK(d.name[0] == '.');
        return;
    }
    CHECK_OK(p9c_readdir(&w->c, OPENED, 0, 4000));
    while (p9c_dirent(&w->c, &d))
        inner = inner || strcmp(d.name, "inner") == 0;
    CHECK(inner);
    CHECK_OK(p9c_unlinkat(&w->c, WALKED, "inner", P9_AT_REMOVEDIR));
}

static void use_symlink(struct row *w)
{
    char target[64];

    CHECK_OK(p9c_readlink(&w->c, WALKED, target, sizeof(target)));
    CHECK(strcmp(target, "mine") == 0);
}

static bool has(const struct row *w, const char *path)
{
    return faccessat(w->g->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Messages that go by the name of a fid: it has one, or they fail and touch nothing. */
static void use_name(struct row *w)
{
    const bool named = w->event->now != NULL;

    if (named)
        CHECK(has(w, w->event->now));
    CHECK_ERR(p9c_link(&w->c, ROOT, WALKED, "l"), S_ISDIR(w->type) ? EPERM : named ? 0 : ENOENT);
    CHECK_EQ(has(w, "l"), named && !S_ISDIR(w->type));
    CHECK_ERR(p9c_rename(&w->c, WALKED, ROOT, "moved"), named ? 0 : ENOENT);
    CHECK_EQ(has(w, "moved"), named);
    CHECK_ERR(p9c_rename(&w->c, OPENED, Q, "again"), named ? 0 : ENOENT);
    CHECK_EQ(has(w, "q/again"), named);
    CHECK_ERR(p9c_remove(&w->c, WALKED), named ? 0 : ENOENT);
    CHECK(!has(w, "q/again") && !has(w, "moved"));
}

static void check_same(const struct stat *a, const struct stat *b)
{
    CHECK_EQ(b->st_ino, a->st_ino);
    CHECK_EQ(b->st_mode, a->st_mode);
    CHECK_EQ(b->st_uid, a->st_uid);
    CHECK_EQ(b->st_gid, a->st_gid);
    CHECK_EQ(b->st_size, a->st_size);
    CHECK_EQ(b->st_nlink, a->st_nlink);
    CHECK_EQ(b->st_ctim.tv_sec, a->st_ctim.tv_sec);
    CHECK_EQ(b->st_ctim.tv_nsec, a->st_ctim.tv_nsec);
}

static struct stat decoy(const struct row *w)
{
    struct stat st;

    MUST(fstatat(w->g->root_fd, "p/x", &st, AT_SYMLINK_NOFOLLOW));
    return st;
}

/* One kind of file, one event, in a tree of its own on a mounted rig. */
static void run_row(struct row *w)
{
    struct stat before, after;

    tap_note("type 0%o, %s, identity %u", w->type, w->event->name, w->identity);
    p9c_mount(&w->c, w->g);
    CHECK_OK(p9c_mkdir(&w->c, ROOT, "p", 0755));
    CHECK_OK(p9c_mkdir(&w->c, ROOT, "q", 0755));
    CHECK_OK(p9c_walk(&w->c, ROOT, P, "p"));
    CHECK_OK(p9c_walk(&w->c, ROOT, Q, "q"));
    make(w, P, "x", "mine");
    make(w, Q, "other", "another");
    for (uint32_t fid = WALKED; fid <= READER; fid++)
        CHECK_OK(p9c_walk(&w->c, P, fid, "x"));
    if (!S_ISLNK(w->type)) {
        CHECK_OK(p9c_lopen(&w->c, OPENED, S_ISDIR(w->type) ? P9_L_RDONLY : P9_L_RDWR));
        CHECK_OK(p9c_lopen(&w->c, READER, P9_L_RDONLY));
    }
    w->event->happen(w);
    if (w->event->parent) {
        CHECK_OK(p9c_mkdir(&w->c, ROOT, "p", 0755));
        CHECK_OK(p9c_walk(&w->c, ROOT, 30, "p"));
        make(w, 30, "x", "a decoy");
    } else if (!has(w, "p/x")) {
        make(w, P, "x", "a decoy");
    }
    before = decoy(w);
    for (uint32_t fid = WALKED; fid <= READER; fid++)
        use_attributes(w, fid, fid);
    if (S_ISREG(w->type))
        use_file(w);
    else if (S_ISDIR(w->type))
        use_directory(w);
    else
        use_symlink(w);
    use_name(w);
    after = decoy(w);
    check_same(&before, &after);
}

static void run_rows(mode_t type, const struct rig_config *like)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        char dir[128];
        struct rig_config cfg = *like;
        struct row w = {.type = type, .identity = like->policy.identity, .event = &events[i]};

        snprintf(dir, sizeof(dir), "%s/%o-%u-%zu", tap_dir(), type, w.identity, i);
        MUST(mkdir(dir, 0755));
        MUST(chown(dir, cfg.export_owner, cfg.export_owner));
        cfg.export = dir;
        w.attributes = setxattr(dir, "user.probe", "x", 1, 0) == 0;
        w.g = rig_new(&cfg);
        run_row(&w);
        rig_end(w.g);
    }
}

/* squash, and xattr, where owners and types are attributes of the file. */
static void both_identities(mode_t type)
{
    struct rig_config cfg = {.policy.identity = CTL_IDENTITY_SQUASH};

    run_rows(type, &cfg);
    if (setxattr(tap_dir(), "user.probe", "x", 1, 0) != 0)
        return; /* which it cannot have here */
    cfg.policy.identity = CTL_IDENTITY_XATTR;
    run_rows(type, &cfg);
}

static void files(void)
{
    both_identities(S_IFREG);
}

static void directories(void)
{
    both_identities(S_IFDIR);
}

static void symlinks(void)
{
    both_identities(S_IFLNK);
}

/* The kernel's own owners. */
static void owned_by_many(void)
{
    static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK};
    const struct rig_config cfg = {
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = 500000, .id_count = 65536},
        .export_owner = 500000};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        run_rows(types[i], &cfg);
}

/* --- 9P2000.u and 9P2000 ------------------------------------------------------------------------------- */

static void wstat_each(struct u9 *u, uint32_t fid, bool directory)
{
    struct u9_stat s = u9_blank;

    s.mode = (directory ? P9_DMDIR : 0u) | 0710u;
    u9_want(u, u9_ask_wstat(u, fid, &s), P9_TWSTAT, "");
    s = u9_blank;
    s.mtime = 1234567890;
    s.atime = 1000000000;
    u9_want(u, u9_ask_wstat(u, fid, &s), P9_TWSTAT, "");
    u9_want(u, u9_ask_wstat(u, fid, &u9_blank), P9_TWSTAT, ""); /* fsync */
}

/* mode, mtime and length, wherever the file is. */
static void check_stat(struct u9 *u, uint32_t fid, uint32_t mode, uint64_t length)
{
    struct cursor c = u9_take(u, u9_ask(u, P9_TSTAT, "d", fid), P9_TSTAT);

    (void)cursor_bytes(&c, 2 + 2 + 2 + 4 + P9_QID_SIZE);
    CHECK_EQ(cursor_u32(&c), mode);
    CHECK_EQ(cursor_u32(&c), 1000000000);
    CHECK_EQ(cursor_u32(&c), 1234567890);
    CHECK_EQ(cursor_u64(&c), length);
}

static void u_row(struct rig *g, struct u9 *u, const char *dir, bool gone)
{
    struct u9_stat s = u9_blank;
    char path[64];
    struct stat before, after;

    snprintf(path, sizeof(path), "%s/f", dir);
    before = u9_host_stat(g, path);
    wstat_each(u, WALKED, false);
    check_stat(u, WALKED, 0710, 4);
    u9_write(u, OPENED, 0, "written");
    u9_read(u, OPENED, 0, 100, "written");
    s.length = 3;
    u9_want(u, u9_ask_wstat(u, WALKED, &s), P9_TWSTAT, "");
    u9_read(u, OPENED, 0, 100, "wri");
    u9_walk(u, WALKED, 20, "");
    u9_open(u, 20, P9_ORDWR | P9_OTRUNC);
    u9_write(u, 20, 0, "late");
    u9_read(u, OPENED, 0, 100, "late");
    u9_clunk(u, 20);
    wstat_each(u, P, true);
    check_stat(u, P, P9_DMDIR | 0710, 0);
    s = u9_blank;
    s.name = "by-wstat";
    if (gone) {
        u9_refused(u, u9_ask_wstat(u, WALKED, &s), ENOENT);
        u9_refused(u, u9_ask(u, P9_TREMOVE, "d", WALKED), ENOENT);
    } else {
        u9_want(u, u9_ask_wstat(u, WALKED, &s), P9_TWSTAT, "");
        u9_want(u, u9_ask(u, P9_TREMOVE, "d", WALKED), P9_TREMOVE, "");
    }
    after = u9_host_stat(g, path);
    check_same(&before, &after);
}

static void older_dialects_in(struct rig *g, struct u9 *u)
{
    static const struct {
        const char *what, *from, *to; /* moved by the host; to NULL: unlinked */
        bool gone;
    } t[] = {
        {"unlinked", "f", NULL, true},
        {"renamed", "f", "elsewhere", false},
        {"renamed over", "other", "f", true},
        {"parent renamed", "", "-moved", false},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char dir[16], from[64], to[64];

        tap_note("%s", t[i].what);
        snprintf(dir, sizeof(dir), "d%zu", i);
        MUST(mkdirat(g->root_fd, dir, 0755));
        snprintf(from, sizeof(from), "%s/f", dir);
        u9_host_file(g, from, "mine", 0644);
        snprintf(from, sizeof(from), "%s/other", dir);
        u9_host_file(g, from, "another", 0644);
        u9_walk(u, 0, P, dir);
        u9_walk(u, P, WALKED, "f");
        u9_walk(u, P, OPENED, "f");
        u9_open(u, OPENED, P9_ORDWR);
        snprintf(from, sizeof(from), "%s%s%s", dir, t[i].from[0] != '\0' ? "/" : "", t[i].from);
        if (t[i].to == NULL) {
            MUST(unlinkat(g->root_fd, from, 0));
        } else {
            snprintf(to, sizeof(to), "%s%s%s", dir, t[i].from[0] != '\0' ? "/" : "", t[i].to);
            MUST(renameat(g->root_fd, from, g->root_fd, to));
        }
        if (!u9_host_has(g, dir))
            MUST(mkdirat(g->root_fd, dir, 0755));
        snprintf(to, sizeof(to), "%s/f", dir);
        if (!u9_host_has(g, to))
            u9_host_file(g, to, "a decoy", 0644);
        u_row(g, u, dir, t[i].gone);
        u9_clunk(u, OPENED);
        u9_clunk(u, P);
    }
}

static void older_dialects(void)
{
    u9_in_both(older_dialects_in);
}

static const struct tap_case cases[] = {
    {"files", files, 0, 180},
    {"directories", directories, 0, 180},
    {"symlinks", symlinks, 0, 180},
    {"owned_by_many", owned_by_many, TAP_JAILED, 180},
    {"older_dialects", older_dialects, 0, 0},
};
TAP_SUITE(kept, cases);
