/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_times.c - how a client learns that a file has changed: times of files and directories, and the version in a
 * qid, which is made of them.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"

enum stamp { A_TIME = 1, M_TIME = 2, C_TIME = 4 };

/* One thing done to "f" (fid 1, open) or by its names, with what it moves; "o" is another file. */
struct deed {
    const char *what;
    void (*run)(struct p9c *c);
    int moves;     /* of "f" */
    int directory; /* of the directory that it is in */
};

static void do_nothing(struct p9c *c)
{
    struct p9_attr a;

    CHECK_OK(p9c_walk(c, 0, 9, "f"));
    CHECK_OK(p9c_getattr(c, 9, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_fsync(c, 1, 0));
    CHECK_OK(p9c_clunk(c, 9));
}

static void do_read(struct p9c *c)
{
    char buf[4];
    uint32_t n;

    CHECK_OK(p9c_read(c, 1, 0, buf, sizeof(buf), &n));
    CHECK(n > 0);
}

static void do_read_noatime(struct p9c *c)
{
    char buf[4];
    uint32_t n;

    CHECK_OK(p9c_walk(c, 0, 9, "f"));
    CHECK_OK(p9c_lopen(c, 9, P9_L_RDONLY | P9_L_NOATIME));
    CHECK_OK(p9c_read(c, 9, 0, buf, sizeof(buf), &n));
    CHECK_OK(p9c_clunk(c, 9));
}

static void do_write(struct p9c *c)
{
    uint32_t n;

    CHECK_OK(p9c_write(c, 1, 0, "x", 1, &n));
}

static void do_write_nothing(struct p9c *c)
{
    uint32_t n;

    CHECK_OK(p9c_write(c, 1, 0, "", 0, &n));
}

static void do_truncate(struct p9c *c)
{
    struct p9_attr a = {.size = 3};

    CHECK_OK(p9c_setattr(c, 1, P9_SETATTR_SIZE, &a));
}

static void do_open_truncated(struct p9c *c)
{
    CHECK_OK(p9c_walk(c, 0, 9, "f"));
    CHECK_OK(p9c_lopen(c, 9, P9_L_WRONLY | P9_L_TRUNC));
    CHECK_OK(p9c_clunk(c, 9));
}

static void do_chmod(struct p9c *c)
{
    struct p9_attr a = {.mode = 0600};

    CHECK_OK(p9c_setattr(c, 1, P9_SETATTR_MODE, &a));
}

static void do_chown(struct p9c *c)
{
    struct p9_attr a = {.uid = 0, .gid = 0};

    CHECK_OK(p9c_setattr(c, 1, P9_SETATTR_UID | P9_SETATTR_GID, &a));
}

static void do_utime(struct p9c *c)
{
    struct p9_attr a = {.mtime = 1000000000};

    CHECK_OK(p9c_setattr(c, 1, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, &a));
}

static void do_touch(struct p9c *c)
{
    struct p9_attr a = {0};

    CHECK_OK(p9c_setattr(c, 1, P9_SETATTR_ATIME | P9_SETATTR_MTIME, &a));
}

static void do_link(struct p9c *c)
{
    CHECK_OK(p9c_link(c, 0, 1, "g"));
}

static void do_unlink_one_of_two(struct p9c *c)
{
    CHECK_OK(p9c_unlinkat(c, 0, "g", 0));
}

static void do_rename(struct p9c *c)
{
    CHECK_OK(p9c_renameat(c, 0, "f", 0, "f2"));
}

static void do_rename_back_by_fid(struct p9c *c)
{
    CHECK_OK(p9c_rename(c, 1, 0, "f"));
}

static void do_rename_over_another(struct p9c *c)
{
    CHECK_OK(p9c_renameat(c, 0, "f", 0, "o"));
}

static void do_create_beside(struct p9c *c)
{
    CHECK_OK(p9c_mkdir(c, 0, "d", 0755));
}

static void do_remove_beside(struct p9c *c)
{
    CHECK_OK(p9c_unlinkat(c, 0, "d", P9_AT_REMOVEDIR));
}

static void do_unlink(struct p9c *c)
{
    CHECK_OK(p9c_unlinkat(c, 0, "o", 0));
}

static const struct deed deeds[] = {
    {"looking at it", do_nothing, 0, 0},
    {"reading without atime", do_read_noatime, 0, 0},
    {"reading", do_read, A_TIME, 0},
    {"writing", do_write, M_TIME | C_TIME, 0},
    {"writing nothing", do_write_nothing, 0, 0},
    {"truncating", do_truncate, M_TIME | C_TIME, 0},
    {"truncating to the same length", do_truncate, M_TIME | C_TIME, 0},
    {"open with TRUNC", do_open_truncated, M_TIME | C_TIME, 0},
    {"chmod", do_chmod, C_TIME, 0},
    {"chown", do_chown, C_TIME, 0},
    {"utime", do_utime, M_TIME | C_TIME, 0},
    {"touch", do_touch, A_TIME | M_TIME | C_TIME, 0},
    {"link", do_link, C_TIME, M_TIME | C_TIME},
    {"unlink of one of two names", do_unlink_one_of_two, C_TIME, M_TIME | C_TIME},
    {"rename", do_rename, C_TIME, M_TIME | C_TIME},
    {"rename by fid", do_rename_back_by_fid, C_TIME, M_TIME | C_TIME},
    {"rename over another", do_rename_over_another, C_TIME, M_TIME | C_TIME},
    {"mkdir beside it", do_create_beside, 0, M_TIME | C_TIME},
    {"rmdir beside it", do_remove_beside, 0, M_TIME | C_TIME},
    {"unlink of the last name", do_unlink, C_TIME, M_TIME | C_TIME},
};

static int moved(const struct p9_attr *a, const struct p9_attr *b)
{
    return (a->atime != b->atime || a->atime_ns != b->atime_ns ? A_TIME : 0) |
           (a->mtime != b->mtime || a->mtime_ns != b->mtime_ns ? M_TIME : 0) |
           (a->ctime != b->ctime || a->ctime_ns != b->ctime_ns ? C_TIME : 0);
}

/*
 * What moves which time, as on a local file system: the table has the rules of POSIX and Linux, and the times that a
 * file system moves are its own. A file system mounted with noatime does not move that one.
 */
static void times_move_as_they_should(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_attr old = {.atime = 1, .mtime = 2}, f, d, f2, d2;
    struct p9c c;
    int checked = A_TIME | M_TIME | C_TIME;
    struct stat st;

    u9_host_file(g, "f", "0123456789", 0644);
    u9_host_file(g, "o", "another", 0644);
    {
        const struct timespec ancient[2] = {{1, 0}, {2, 0}};
        char buf[1];
        int fd = openat(g->root_fd, "o", O_RDONLY | O_CLOEXEC);

        MUST(fd);
        MUST(futimens(fd, ancient));
        CHECK_EQ(read(fd, buf, 1), 1);
        MUST(fstat(fd, &st));
        close(fd);
        if (st.st_atim.tv_sec == 1)
            checked = M_TIME | C_TIME;
    }
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        int want = deeds[i].moves & checked;

        tap_note("%s", deeds[i].what);
        CHECK_OK(p9c_setattr(&c, 1,
                             P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME |
                                 P9_SETATTR_MTIME_SET,
                             &old)); /* old enough for relatime */
        tap_sleep(15);               /* a tick of the file system's clock */
        CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &f));
        CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &d));
        deeds[i].run(&c);
        CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &f2));
        CHECK_OK(p9c_getattr(&c, 0, P9_GETATTR_BASIC, &d2));
        CHECK_EQ(moved(&f, &f2) & checked, want);
        CHECK_EQ(moved(&d, &d2) & (M_TIME | C_TIME), deeds[i].directory);
    }
    rig_end(g);
}

/* --- qid.version --- */

static uint32_t version_of(struct p9c *c, uint32_t fid)
{
    struct p9_attr a;

    CHECK_OK(p9c_getattr(c, fid, P9_GETATTR_BASIC, &a));
    CHECK(a.qid.version != 0);
    return a.qid.version;
}

/* The same in every reply that has one, in each session, for each guest and after a restart, until the file changes. */
static void one_version_until_it_changes(void)
{
    struct rig *g = rig_new(NULL), *other;
    struct p9c c, b;
    struct u9 u;
    uint32_t version, n;

    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "empty", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_EQ(c.qid.version, version_of(&c, 1));
    CHECK(c.qid.version != 0); /* an empty file, too */
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_OK(p9c_lcreate(&c, 2, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    CHECK_OK(p9c_write(&c, 2, 0, "x", 1, &n));
    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    version = version_of(&c, 2);
    CHECK_OK(p9c_walk(&c, 0, 3, "d/../f"));
    CHECK_EQ(c.qid.version, version);
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDWR));
    CHECK_EQ(c.qid.version, version);
    CHECK_OK(p9c_fsync(&c, 3, 0));
    CHECK_OK(p9c_walk(&c, 0, 4, ""));
    CHECK_OK(p9c_lcreate(&c, 4, "f", P9_L_RDWR | P9_L_CREAT, 0644)); /* which is there */
    CHECK_EQ(c.qid.version, version);
    CHECK_OK(p9c_clunk(&c, 4));
    CHECK_EQ(version_of(&c, 2), version);
    other = rig_new(&(struct rig_config){.export = g->root});
    p9c_mount(&b, other);
    CHECK_OK(p9c_walk(&b, 0, 1, "f"));
    CHECK_EQ(b.qid.version, version);
    CHECK_EQ(version_of(&b, 1), version);
    u9_mount(&u, g, P9_DIALECT_U);
    CHECK_EQ(u9_qid(&u, "f").version, version);
    rig_kill(g);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_EQ(c.qid.version, version);
    tap_sleep(15);
    CHECK_OK(p9c_lopen(&b, 1, P9_L_WRONLY)); /* by another guest, of the same length */
    CHECK_OK(p9c_write(&b, 1, 0, "y", 1, &n));
    CHECK(version_of(&c, 1) != version);
    version = version_of(&c, 1);
    tap_sleep(15);
    u9_host_file(g, "f", "z", 0644); /* and by the host */
    CHECK(version_of(&c, 1) != version);
    CHECK_EQ(version_of(&b, 1), version_of(&c, 1));
    rig_end(other);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"times_move_as_they_should", times_move_as_they_should, 0, 0},
    {"one_version_until_it_changes", one_version_until_it_changes, 0, 0},
};
TAP_SUITE(times, cases);
