/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_virtfs.c - what a guest's files are, in attributes beside them as QEMU keeps them (user.virtfs.*): everything with
 * identity xattr, devices alone where they are noted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "owners.h"
#include "suites.h"
#include "u9.h"
#include "xen9p/operations.h"

/* --- xattr ------------------------------------------------------------------------------------- */

static void check_attr(const struct rig *g, const char *name, const char *attr, const void *want,
                       size_t size)
{
    char full[64], got[16];

    snprintf(full, sizeof(full), "user.virtfs.%s", attr);
    tap_note("%s of %s", full, name);
    CHECK_EQ(getxattr(on_host(g, name), full, got, sizeof(got)), (ssize_t)size);
    CHECK(memcmp(got, want, size) == 0);
}

/* The bytes that QEMU writes, and a file on disk that tells nobody anything. */
static void check_virtfs(struct rig *g, const char *name, uint32_t uid, uint32_t gid, uint32_t mode)
{
    const uint8_t u[] = {(uint8_t)uid, (uint8_t)(uid >> 8), (uint8_t)(uid >> 16), 0};
    const uint8_t n[] = {(uint8_t)gid, (uint8_t)(gid >> 8), (uint8_t)(gid >> 16), 0};
    const uint8_t m[] = {(uint8_t)mode, (uint8_t)(mode >> 8), (uint8_t)(mode >> 16), 0};

    check_attr(g, name, "uid", u, 4);
    check_attr(g, name, "gid", n, 4);
    check_attr(g, name, "mode", m, 4);
    check_disk(g, name, 0, 0, S_ISDIR(mode) ? S_IFDIR | 0700 : S_IFREG | 0600);
}

static struct rig *with_attributes(struct p9c *c)
{
    struct rig_config cfg = {.policy = {.identity = CTL_IDENTITY_XATTR}};
    struct rig *g = rig_new(&cfg);

    p9c_mount(c, g);
    CHECK_OK(p9c_attach(c, ALICE, P9_NOFID, "", 1000));
    CHECK_OK(p9c_attach(c, BOB, P9_NOFID, "", 70000));
    return g;
}

/* What a guest makes is on disk as QEMU would have it. */
static void xattr_written(void)
{
    static const uint8_t rdev[8] = {3, 1};
    struct p9_attr a;
    char text[64];
    struct p9c c;
    struct rig *g = with_attributes(&c);
    ssize_t n;
    uint32_t written;
    int fd;

    CHECK_OK(make_in(&c, ROOT, "", "roots", 04755, 0));
    CHECK_OK(make_dir(&c, ALICE, "dir", 0750, 100));
    CHECK_OK(make_node(&c, BOB, "null", S_IFCHR | 0666, 5));
    CHECK_OK(make_node(&c, ROOT, "fifo", S_IFIFO | 0622, 0));
    CHECK_OK(make_node(&c, ROOT, "socket", S_IFSOCK | 0700, 0));
    CHECK_OK(make_node(&c, ROOT, "node", S_IFREG | 0444, 0));
    CHECK_OK(p9c_rpc(&c, P9_TSYMLINK, "dssd", ALICE, "link", "where/to", 7u));
    CHECK_EQ(cursor_u8(&c.body), P9_QTSYMLINK);
    check_virtfs(g, "roots", 0, 0, S_IFREG | 04755);
    check_virtfs(g, "dir", 1000, 100, S_IFDIR | 0750);
    check_virtfs(g, "null", 70000, 5, S_IFCHR | 0666);
    check_attr(g, "null", "rdev", rdev, sizeof(rdev));
    check_virtfs(g, "fifo", 0, 0, S_IFIFO | 0622);
    check_virtfs(g, "socket", 0, 0, S_IFSOCK | 0700);
    check_virtfs(g, "node", 0, 0, S_IFREG | 0444);
    check_virtfs(g, "link", 1000, 7, S_IFLNK | 0777);
    fd = openat(g->root_fd, "link", O_RDONLY | O_CLOEXEC);
    MUST(fd);
    n = read(fd, text, sizeof(text));
    CHECK(n == 8 && memcmp(text, "where/to", 8) == 0);
    close(fd);

    /* seen again */
    check_shown(&c, "roots", 0, 0, S_IFREG | 04755);
    check_shown(&c, "null", 70000, 5, S_IFCHR | 0666);
    check_shown(&c, "link", 1000, 7, S_IFLNK | 0777);
    CHECK_OK(p9c_walk(&c, 0, 40, "link"));
    CHECK_OK(p9c_readlink(&c, 40, text, sizeof(text)));
    CHECK(strcmp(text, "where/to") == 0);
    CHECK_OK(p9c_walk(&c, 0, 41, "null"));
    CHECK_OK(p9c_getattr(&c, 41, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.rdev, 0x103);
    /* nothing that stands for something else is ever opened */
    CHECK_ERR(p9c_lopen(&c, 41, P9_L_RDWR), EACCES);
    CHECK_ERR(p9c_lopen(&c, 40, P9_L_RDONLY), ELOOP);
    CHECK_ERR(open_as(&c, ROOT, "fifo", P9_L_RDWR), ENXIO);
    CHECK_OK(p9c_walk(&c, 0, 42, ""));
    CHECK_ERR(p9c_lcreate(&c, 42, "null", P9_L_RDWR, 0644), EACCES);

    /* changed */
    CHECK_OK(set_mode(&c, ROOT, "null", 0600));
    CHECK_OK(set_owner(&c, ROOT, "null", BOTH, 8, 9));
    CHECK_OK(set_owner(&c, ROOT, "link", P9_SETATTR_GID, 0, 11));
    CHECK_ERR(set_owner(&c, ROOT, "link", P9_SETATTR_GID, 0, UINT32_MAX), EINVAL);
    check_virtfs(g, "null", 8, 9, S_IFCHR | 0600);
    check_virtfs(g, "link", 1000, 11, S_IFLNK | 0777);

    /* setuid falls when a user writes, not when root does */
    CHECK_OK(p9c_walk(&c, ROOT, 43, "roots"));
    CHECK_OK(p9c_lopen(&c, 43, P9_L_RDWR));
    CHECK_OK(p9c_write(&c, 43, 0, "x", 1, &written));
    check_virtfs(g, "roots", 0, 0, S_IFREG | 04755);
    CHECK_OK(p9c_walk(&c, ALICE, 44, "roots"));
    CHECK_OK(p9c_lopen(&c, 44, P9_L_RDWR));
    CHECK_OK(p9c_write(&c, 44, 0, "y", 1, &written));
    check_virtfs(g, "roots", 0, 0, S_IFREG | 0755);
    rig_end(g);
}

/* The same rules where setuid is an attribute: on truncation by a user, and with a new owner. */
static void xattr_setuid_falls(void)
{
    struct p9_attr a = {.size = 0};
    struct p9c c;
    struct rig *g = with_attributes(&c);
    uint32_t n;

    CHECK_OK(make_in(&c, ALICE, "", "f", 0755, 1000));
    CHECK_OK(p9c_walk(&c, BOB, 70, "f"));
    CHECK_OK(p9c_walk(&c, ROOT, 71, "f"));
    CHECK_OK(set_mode(&c, ALICE, "f", 06755));
    CHECK_OK(p9c_setattr(&c, 71, P9_SETATTR_SIZE, &a));
    check_virtfs(g, "f", 1000, 1000, S_IFREG | 06755); /* root's */
    CHECK_OK(p9c_setattr(&c, 70, P9_SETATTR_SIZE, &a));
    check_virtfs(g, "f", 1000, 1000, S_IFREG | 0755);
    CHECK_OK(set_mode(&c, ALICE, "f", 06755));
    CHECK_OK(p9c_lopen(&c, 70, P9_L_RDWR | P9_L_TRUNC));
    check_virtfs(g, "f", 1000, 1000, S_IFREG | 0755);
    CHECK_OK(set_mode(&c, ALICE, "f", 06745)); /* setgid without x for the group: not a program's */
    CHECK_OK(p9c_write(&c, 70, 0, "x", 1, &n));
    check_virtfs(g, "f", 1000, 1000, S_IFREG | 02745);
    CHECK_OK(set_mode(&c, ALICE, "f", 06755));
    CHECK_OK(set_owner(&c, ROOT, "f", P9_SETATTR_GID, 0, 5));
    check_virtfs(g, "f", 1000, 5, S_IFREG | 0755);
    /* with a mode in the same message it is that mode; directories keep theirs */
    a = (struct p9_attr){.uid = 70000, .mode = 04755};
    CHECK_OK(p9c_setattr(&c, 71, P9_SETATTR_UID | P9_SETATTR_MODE, &a));
    check_virtfs(g, "f", 70000, 5, S_IFREG | 04755);
    CHECK_OK(make_dir(&c, ROOT, "d", 0755, 0));
    CHECK_OK(set_mode(&c, ROOT, "d", 02755));
    CHECK_OK(set_owner(&c, ROOT, "d", BOTH, 1000, 100));
    check_virtfs(g, "d", 1000, 100, S_IFDIR | 02755);
    rig_end(g);
}

static void put_attr(const struct rig *g, const char *name, const char *attr, uint64_t value,
                     size_t size)
{
    char full[64];

    snprintf(full, sizeof(full), "user.virtfs.%s", attr);
    MUST(setxattr(on_host(g, name), full, &value, size, 0)); /* this machine is little-endian */
}

/* A tree that QEMU has exported, and attributes that nobody could have meant. */
static void xattr_read(void)
{
    struct p9_dirent e;
    struct p9_attr a;
    char text[64];
    struct p9c c;
    struct rig *g = with_attributes(&c);
    int fd, seen = 0;

    for (const char *const *name = (const char *const[]){"file", "disk", "odd", "sym", NULL};
         *name != NULL; name++) {
        fd = openat(g->root_fd, *name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
        MUST(fd);
        MUST(write(fd, "there", 5));
        close(fd);
    }
    MUST(mkdirat(g->root_fd, "d", 0700));
    MUST(symlinkat("real", g->root_fd, "real-link"));
    put_attr(g, "file", "uid", 1234, 4);
    put_attr(g, "file", "gid", 5678, 4);
    put_attr(g, "file", "mode", S_IFBLK | 0640, 4);
    put_attr(g, "file", "rdev", 0x0812, 8);
    put_attr(g, "d", "mode", S_IFREG | 0711, 4); /* a directory it remains */
    put_attr(g, "odd", "mode", UINT32_MAX, 4);
    put_attr(g, "odd", "uid", 1, 2); /* too short */
    put_attr(g, "sym", "mode", S_IFLNK | 0777, 4);
    check_shown(&c, "file", 1234, 5678, S_IFBLK | 0640);
    check_shown(&c, "disk", 0, 0, S_IFREG | 0640);
    check_shown(&c, "d", 0, 0, S_IFDIR | 0711);
    check_shown(&c, "odd", 0, 0, S_IFREG | 0640);
    check_shown(&c, "real-link", 0, 0, S_IFLNK | 0777);
    CHECK_OK(p9c_walk(&c, 0, 50, "file"));
    CHECK_OK(p9c_getattr(&c, 50, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.rdev, 0x0812);
    CHECK_OK(p9c_walk(&c, 0, 51, "sym"));
    CHECK_OK(p9c_readlink(&c, 51, text, sizeof(text)));
    CHECK(strcmp(text, "there") == 0);
    CHECK_OK(p9c_walk(&c, 0, 52, "real-link"));
    CHECK_OK(p9c_readlink(&c, 52, text, sizeof(text)));
    CHECK(strcmp(text, "real") == 0);
    CHECK_OK(p9c_walk(&c, 0, 53, ""));
    CHECK_OK(p9c_lopen(&c, 53, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(&c, 53, 0, 4096));
    while (p9c_dirent(&c, &e)) {
        bool directory = strcmp(e.name, "d") == 0 || e.name[0] == '.';

        CHECK_EQ(e.type, directory ? DT_DIR : strcmp(e.name, "real-link") == 0 ? DT_LNK : 0);
        seen++;
    }
    CHECK_EQ(seen, 8);
    /* and hidden, as an attribute */
    CHECK_ERR(p9c_rpc(&c, P9_TXATTRWALK, "dds", 50u, 60u, "user.virtfs.uid"), ENODATA);
    rig_end(g);
}

/* Tstat of 9P2000.u, without the times. */
static void check_ustat(struct u9 *u, uint32_t fid, uint32_t mode, uint32_t uid, uint32_t gid,
                        const char *ext)
{
    struct cursor c = u9_take(u, u9_ask(u, P9_TSTAT, "d", fid), P9_TSTAT);
    struct wire_str s;

    (void)cursor_bytes(&c, 2 + 2 + 2 + 4);
    CHECK_EQ(cursor_u8(&c), (mode & P9_DMSYMLINK) != 0 ? P9_QTSYMLINK : (mode & P9_DMDIR) >> 24);
    (void)cursor_bytes(&c, 4 + 8);
    CHECK_EQ(cursor_u32(&c), mode);
    (void)cursor_bytes(&c, 4 + 4 + 8);
    for (int i = 0; i < 4; i++) /* name, uid, gid, muid */
        (void)cursor_str(&c);
    s = cursor_str(&c);
    CHECK(s.len == strlen(ext) && memcmp(s.s, ext, s.len) == 0);
    CHECK_EQ(cursor_u32(&c), uid);
    CHECK_EQ(cursor_u32(&c), gid);
    CHECK_EQ(cursor_u32(&c), NO32);
    CHECK(!c.bad);
}

/* The older dialects see and change the same attributes. */
static void xattr_in_u(void)
{
    struct rig_config cfg = {.policy = {.identity = CTL_IDENTITY_XATTR}};
    struct rig *g = rig_new(&cfg);
    struct u9_stat w = u9_blank;
    struct u9 u;

    u9_version(&u, g, P9_DIALECT_U, NO32);
    (void)u9_take(&u, u9_ask(&u, P9_TATTACH, "ddssd", ROOT, P9_NOFID, "", "", 0), P9_TATTACH);
    (void)u9_take(&u, u9_ask(&u, P9_TATTACH, "ddssd", ALICE, P9_NOFID, "", "", 1000), P9_TATTACH);
    u9_walk(&u, ALICE, 50, "");
    (void)u9_take(&u, u9_ask_create(&u, 50, "f", 0640, 2, ""), P9_TCREATE);
    u9_walk(&u, ALICE, 51, "");
    (void)u9_take(&u, u9_ask_create(&u, 51, "d", P9_DMDIR | 0711, 0, ""), P9_TCREATE);
    u9_walk(&u, ALICE, 52, "");
    (void)u9_take(&u, u9_ask_create(&u, 52, "l", P9_DMSYMLINK | 0777, 0, "where/to"), P9_TCREATE);
    u9_walk(&u, ROOT, 53, "");
    (void)u9_take(&u, u9_ask_create(&u, 53, "p", P9_DMNAMEDPIPE | 0622, 0, ""), P9_TCREATE);
    check_virtfs(g, "f", 1000, 0, S_IFREG | 0640);
    check_virtfs(g, "d", 1000, 0, S_IFDIR | 0711);
    check_virtfs(g, "p", 0, 0, S_IFIFO | 0622);
    u9_walk(&u, ROOT, 60, "f");
    u9_walk(&u, ROOT, 61, "d");
    u9_walk(&u, ROOT, 62, "l");
    u9_walk(&u, ROOT, 63, "p");
    check_ustat(&u, 60, 0640, 1000, 0, "");
    check_ustat(&u, 61, P9_DMDIR | 0711, 1000, 0, "");
    check_ustat(&u, 62, P9_DMSYMLINK | 0777, 1000, 0, "where/to");
    check_ustat(&u, 63, P9_DMNAMEDPIPE | 0622, 0, 0, "");
    w.mode = P9_DMSETUID | 0755;
    w.n_uid = 70000;
    w.n_gid = 7;
    u9_want(&u, u9_ask_wstat(&u, 60, &w), P9_TWSTAT, "");
    check_ustat(&u, 60, P9_DMSETUID | 0755, 70000, 7, "");
    check_disk(g, "f", 0, 0, S_IFREG | 0600);
    w = u9_blank;
    w.n_uid = 70000; /* as it is */
    u9_want(&u, u9_ask_wstat(&u, 60, &w), P9_TWSTAT, "");
    check_ustat(&u, 60, P9_DMSETUID | 0755, 70000, 7, "");
    rig_end(g);
}

/* --- device nodes that are noted --------------------------------------------------------------- */

/* A device of a name in a directory listing; -1 without it. */
static int listed_type(struct p9c *c, const char *name)
{
    struct p9_dirent e;
    int type = -1;

    CHECK_OK(p9c_walk(c, ROOT, 94, ""));
    CHECK_OK(p9c_lopen(c, 94, P9_L_RDONLY));
    CHECK_OK(p9c_readdir(c, 94, 0, 8000));
    while (p9c_dirent(c, &e))
        if (strcmp(e.name, name) == 0)
            type = e.type;
    CHECK_OK(p9c_clunk(c, 94));
    return type;
}

static uint64_t shown_rdev(struct p9c *c, const char *name)
{
    struct p9_attr a;

    CHECK_OK(p9c_walk(c, ROOT, 93, name));
    CHECK_OK(p9c_getattr(c, 93, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_clunk(c, 93));
    return a.rdev;
}

static void make_empty(struct rig *g, const char *name)
{
    int fd = openat(g->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd);
    MUST(fchown(fd, FIRST, FIRST));
    close(fd);
}

/*
 * device-nodes = note: what is a device to the guest is an empty file on the host, whose own owner and
 * permissions are the device's. The group xattr is not needed, write and create are not either.
 */
static void noted_devices(uint32_t forbidden)
{
    struct rig_config cfg = {
        .export_owner = FIRST,
        .flags = CTL_FLAG_DEVICE_NODES,
        .forbidden = forbidden,
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = FIRST, .id_count = COUNT}};
    struct rig *g = rig_new(&cfg);
    char text[16];
    struct p9c c;

    make_empty(g, "file");
    make_empty(g, "forged");
    put_attr(g, "forged", "mode", S_IFLNK | 0777, 4);
    p9c_mount(&c, g);
    CHECK_OK(p9c_attach(&c, ALICE, P9_NOFID, "", 1000));
    CHECK_OK(make_node(&c, ROOT, "null", S_IFCHR | 0004, 5));
    CHECK_OK(make_node(&c, ROOT, "disk", S_IFBLK | 0660, 6));
    check_disk(g, "null", FIRST, FIRST + 5, S_IFREG | 0004);
    check_shown(&c, "null", 0, 5, S_IFCHR | 0004);
    check_shown(&c, "disk", 0, 6, S_IFBLK | 0660);
    CHECK_EQ(shown_rdev(&c, "null"), 0x103);
    CHECK_EQ(shown_rdev(&c, "disk"), 0x103);
    CHECK_EQ(listed_type(&c, "null"), DT_UNKNOWN);

    /* changed as any file; what it is stays */
    CHECK_OK(set_mode(&c, ROOT, "null", 04666));
    CHECK_OK(set_owner(&c, ROOT, "null", BOTH, 1000, 1001));
    CHECK_OK(p9c_walk(&c, ALICE, 20, "null"));
    CHECK_OK(p9c_rpc(&c, P9_TRENAMEAT, "dsds", 0u, "disk", 0u, "moved"));
    CHECK_OK(p9c_rpc(&c, P9_TLINK, "dds", 0u, 20u, "again"));
    check_disk(g, "null", FIRST + 1000, FIRST + 1001, S_IFREG | 0666);
    check_shown(&c, "again", 1000, 1001, S_IFCHR | 0666);
    check_shown(&c, "moved", 0, 6, S_IFBLK | 0660);

    /* nothing gets into it, and its notes are nobody's to see or write */
    CHECK_ERR(p9c_lopen(&c, 20, P9_L_RDONLY), EACCES);
    CHECK_ERR(p9c_setattr(&c, 20, P9_SETATTR_SIZE, &(struct p9_attr){.size = 1}),
              (forbidden & OPERATION_WRITE) != 0 ? EACCES : EINVAL);
    if ((forbidden & OPERATION_CREATE) == 0) {
        CHECK_OK(p9c_walk(&c, 0, 21, ""));
        CHECK_ERR(p9c_lcreate(&c, 21, "null", P9_L_RDWR, 0644), EACCES);
    }
    if ((forbidden & OPERATION_XATTR) == 0) {
        CHECK_OK(p9c_walk(&c, 0, 22, "file"));
        CHECK_ERR(p9c_rpc(&c, P9_TXATTRCREATE, "dsqd", 22u, "user.virtfs.mode", UINT64_C(4), 0u),
                  EPERM);
    }

    /* only devices are believed, and only of the host's making or ours */
    check_shown(&c, "file", 0, 0, S_IFREG | 0644);
    check_shown(&c, "forged", 0, 0, S_IFREG | 0644);
    CHECK_OK(p9c_walk(&c, 0, 23, "forged"));
    CHECK_ERR(p9c_readlink(&c, 23, text, sizeof(text)), EINVAL);
    put_attr(g, "file", "mode", S_IFCHR, 4);
    check_shown(&c, "file", 0, 0, S_IFCHR | 0644);
    CHECK_EQ(shown_rdev(&c, "file"), 0);
    rig_end(g);
}

static void mapped_notes_devices(void)
{
    noted_devices(0);
}

static void mapped_notes_nothing_else(void)
{
    noted_devices(OPERATION_XATTR | OPERATION_CREATE | OPERATION_WRITE);
}

static const struct tap_case cases[] = {
    {"xattr_written", xattr_written, 0, 0},
    {"xattr_setuid_falls", xattr_setuid_falls, 0, 0},
    {"xattr_read", xattr_read, 0, 0},
    {"xattr_in_u", xattr_in_u, 0, 0},
    {"mapped_notes_devices", mapped_notes_devices, TAP_JAILED, 0},
    {"mapped_notes_nothing_else", mapped_notes_nothing_else, TAP_JAILED, 0},
};
TAP_SUITE(virtfs, cases);
