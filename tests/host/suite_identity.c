/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_identity.c - owners and modes: what a guest's come to on disk, looked at from the host.
 */
#include <dirent.h>
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
#include "xen9p/operations.h"
#include "xen9p/xattr.h"

#define OWNER 4321u /* of the export, where it is not root's */

static char *on_host(const struct rig *g, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", g->root, name);
    return path;
}

static struct stat on_disk(struct rig *g, const char *name)
{
    struct stat st;

    if (fstatat(g->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        FAIL("%s: %m", name);
    return st;
}

static void check_disk(struct rig *g, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    struct stat st = on_disk(g, name);

    tap_note("%s", name);
    CHECK_EQ(st.st_uid, uid);
    CHECK_EQ(st.st_gid, gid);
    if (st.st_mode != mode)
        FAIL("%s has mode 0%o on disk, expected 0%o", name, st.st_mode, mode);
}

static void check_shown(struct p9c *c, const char *name, uint32_t uid, uint32_t gid, uint32_t mode)
{
    struct p9_attr a;

    CHECK_OK(p9c_walk(c, 0, 90, name));
    CHECK_OK(p9c_getattr(c, 90, P9_GETATTR_BASIC, &a));
    CHECK_OK(p9c_clunk(c, 90));
    tap_note("%s as shown", name);
    CHECK_EQ(a.uid, uid);
    CHECK_EQ(a.gid, gid);
    if (a.mode != mode)
        FAIL("%s is shown with mode 0%o, expected 0%o", name, a.mode, mode);
}

/* Creating messages below directory `dir` (a fid), with a gid. */
static int make_file(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid)
{
    int err = p9c_walk(c, dir, 91, "");

    if (err == 0)
        err = p9c_rpc(c, P9_TLCREATE, "dsddd", 91u, name, P9_L_RDWR | P9_L_EXCL, mode, gid);
    (void)p9c_clunk(c, 91);
    return err;
}

static int make_dir(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid)
{
    return p9c_rpc(c, P9_TMKDIR, "dsdd", dir, name, mode, gid);
}

static int make_node(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid)
{
    return p9c_rpc(c, P9_TMKNOD, "dsdddd", dir, name, mode, 1u, 3u, gid);
}

static int set_mode(struct p9c *c, uint32_t from, const char *name, uint32_t mode)
{
    struct p9_attr a = {.mode = mode};
    int err = p9c_walk(c, from, 92, name);

    if (err == 0)
        err = p9c_setattr(c, 92, P9_SETATTR_MODE, &a);
    (void)p9c_clunk(c, 92);
    return err;
}

static int set_owner(struct p9c *c, uint32_t from, const char *name, uint32_t valid, uint32_t uid,
                     uint32_t gid)
{
    struct p9_attr a = {.uid = uid, .gid = gid};
    int err = p9c_walk(c, from, 92, name);

    if (err == 0)
        err = p9c_setattr(c, 92, valid, &a);
    (void)p9c_clunk(c, 92);
    return err;
}

#define BOTH (P9_SETATTR_UID | P9_SETATTR_GID)

/* --- squash ------------------------------------------------------------------------------------ */

static void squash_tree(uid_t owner)
{
    struct rig_config cfg = {.export_owner = owner, .shown_uid = 1000, .shown_gid = 100};
    struct rig *g = rig_new(&cfg);
    struct p9c c;

    p9c_mount(&c, g);
    CHECK_OK(p9c_attach(&c, 10, P9_NOFID, "", 1000));
    CHECK_OK(make_file(&c, 0, "by-root", 06755, 0));
    CHECK_OK(make_file(&c, 10, "by-user", 04711, 1000));
    CHECK_OK(make_dir(&c, 10, "dir", 03777, 1000));
    CHECK_OK(make_node(&c, 10, "fifo", S_IFIFO | 0620, 1000));
    CHECK_ERR(make_node(&c, 0, "null", S_IFCHR | 0666, 0), EPERM);
    CHECK_OK(set_mode(&c, 0, "by-user", 06777));
    CHECK_OK(set_owner(&c, 0, "by-user", BOTH, 33, 33));
    check_disk(g, "by-root", owner, owner, S_IFREG | 0755);
    check_disk(g, "by-user", owner, owner, S_IFREG | 0777);
    check_disk(g, "dir", owner, owner, S_IFDIR | 01777);
    check_disk(g, "fifo", owner, owner, S_IFIFO | 0620);
    check_shown(&c, "by-user", 1000, 100, S_IFREG | 0777);
    check_shown(&c, "dir", 1000, 100, S_IFDIR | 01777);
    rig_end(g);
}

static void squash_has_one_owner(void)
{
    squash_tree(0);
}

static void squash_of_an_owner(void)
{
    squash_tree(OWNER);
}

static void masks(void)
{
    struct rig_config cfg = {.policy = {.file_mode_drop = 0133, .directory_mode_drop = 0027}};
    struct rig *g = rig_new(&cfg);
    struct p9c c;

    p9c_mount(&c, g);
    CHECK_OK(make_file(&c, 0, "created", 0777, 0));
    CHECK_OK(make_node(&c, 0, "node", S_IFREG | 0777, 0));
    CHECK_OK(make_node(&c, 0, "fifo", S_IFIFO | 0777, 0));
    CHECK_OK(make_dir(&c, 0, "dir", 01777, 0));
    check_disk(g, "created", 0, 0, S_IFREG | 0644);
    check_disk(g, "node", 0, 0, S_IFREG | 0644);
    check_disk(g, "fifo", 0, 0, S_IFIFO | 0644);
    check_disk(g, "dir", 0, 0, S_IFDIR | 01750);
    MUST(fchmodat(g->root_fd, "created", 0600, 0));
    MUST(fchmodat(g->root_fd, "dir", 0700, 0));
    CHECK_OK(set_mode(&c, 0, "created", 07777));
    CHECK_OK(set_mode(&c, 0, "dir", 07777));
    check_disk(g, "created", 0, 0, S_IFREG | 01644);
    check_disk(g, "dir", 0, 0, S_IFDIR | 01750);
    check_shown(&c, "created", 0, 0, S_IFREG | 01644);
    rig_end(g);
}

/* A new owner is refused, whatever else the message asks for; the present one is not new. */
static void chown_refused(void)
{
    struct rig_config cfg = {.export_owner = OWNER,
                             .shown_uid = 1000,
                             .shown_gid = 100,
                             .policy = {.flags = CTL_FLAG_REFUSE_CHOWN}};
    struct rig *g = rig_new(&cfg);
    struct p9_attr a = {.mode = 0600, .uid = 33};
    struct p9c c;

    p9c_mount(&c, g);
    CHECK_OK(make_file(&c, 0, "f", 0644, 0));
    CHECK_ERR(set_owner(&c, 0, "f", P9_SETATTR_UID, 33, 0), EPERM);
    CHECK_ERR(set_owner(&c, 0, "f", P9_SETATTR_GID, 0, 33), EPERM);
    CHECK_ERR(set_owner(&c, 0, "f", BOTH, 1000, 101), EPERM);
    CHECK_OK(set_owner(&c, 0, "f", BOTH, 1000, 100));
    CHECK_OK(set_owner(&c, 0, "f", P9_SETATTR_GID, 7, 100));
    CHECK_OK(p9c_walk(&c, 0, 5, "f"));
    CHECK_ERR(p9c_setattr(&c, 5, P9_SETATTR_MODE | P9_SETATTR_UID, &a), EPERM);
    check_disk(g, "f", OWNER, OWNER, S_IFREG | 0644);
    CHECK_OK(p9c_setattr(&c, 5, P9_SETATTR_MODE, &a));
    check_disk(g, "f", OWNER, OWNER, S_IFREG | 0600);
    rig_end(g);
}

/* --- mapped ------------------------------------------------------------------------------------ */

#define FIRST 300000u
#define COUNT 65536u
/* Attached fids of the guest's root and of two users. */
#define ROOT 0u
#define ALICE 10u
#define BOB 11u

/* A line of the worker's status, and of its maps. */
static void check_proc(const struct rig *g, const char *file, const char *want)
{
    char path[64], *line = NULL;
    size_t cap = 0;
    bool found = false;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", g->pid, file);
    f = fopen(path, "re");
    CHECK(f != NULL);
    while (!found && getline(&line, &cap, f) > 0)
        found = strncmp(line, want, strlen(want)) == 0;
    if (!found)
        FAIL("%s does not say %s", path, want);
    free(line);
    fclose(f);
}

static struct rig *mapped(struct p9c *c)
{
    struct rig_config cfg = {
        .export_owner = FIRST,
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = FIRST, .id_count = COUNT}};
    struct rig *g = rig_new(&cfg);

    p9c_mount(c, g);
    CHECK_OK(p9c_attach(c, ALICE, P9_NOFID, "", 1000));
    CHECK_OK(p9c_attach(c, BOB, P9_NOFID, "", 1001));
    return g;
}

static int open_as(struct p9c *c, uint32_t who, const char *name, uint32_t flags)
{
    int err = p9c_walk(c, who, 95, name);

    if (err == 0)
        err = p9c_lopen(c, 95, flags);
    (void)p9c_clunk(c, 95);
    return err;
}

static int make_in(struct p9c *c, uint32_t who, const char *dir, const char *name, uint32_t mode,
                   uint32_t gid)
{
    int err = p9c_walk(c, who, 96, dir);

    if (err == 0)
        err = make_file(c, 96, name, mode, gid);
    (void)p9c_clunk(c, 96);
    return err;
}

/* What root and two users make in a guest, seen in the guest and on the host: `first` is 0 there. */
static void many_owners(struct rig *g, struct p9c *c, uint32_t first)
{
    const uint32_t alice = first + 1000, bob = first + 1001;

    CHECK_OK(make_dir(c, ROOT, "home", 0755, 0));
    CHECK_OK(set_owner(c, ROOT, "home", BOTH, 1000, 100));
    CHECK_OK(make_dir(c, ROOT, "tmp", 01777, 0));
    CHECK_OK(make_in(c, ROOT, "", "roots", 0600, 0));
    check_disk(g, "home", alice, first + 100, S_IFDIR | 0755);
    check_disk(g, "tmp", first, first, S_IFDIR | 01777);
    check_disk(g, "roots", first, first, S_IFREG | 0600);

    /* a user's own, in the group that the message names */
    CHECK_OK(make_in(c, ALICE, "home", "hers", 0640, 50));
    CHECK_ERR(make_in(c, BOB, "home", "his", 0640, 1001), EACCES);
    CHECK_OK(make_in(c, BOB, "tmp", "his", 0600, 1001));
    CHECK_OK(p9c_walk(c, BOB, 12, "tmp"));
    CHECK_OK(make_dir(c, 12, "dir", 0775, 1001));
    CHECK_OK(set_mode(c, BOB, "tmp/dir", 02775));
    CHECK_OK(make_node(c, 12, "fifo", S_IFIFO | 0600, 1001));
    CHECK_OK(p9c_rpc(c, P9_TSYMLINK, "dssd", 12u, "link", "target", 1001u));
    CHECK_ERR(make_node(c, 12, "null", S_IFCHR | 0666, 1001), EPERM);
    CHECK_ERR(make_node(c, ROOT, "null", S_IFBLK | 0666, 0), EPERM);
    check_disk(g, "home/hers", alice, first + 50, S_IFREG | 0640);
    check_disk(g, "tmp/his", bob, bob, S_IFREG | 0600);
    check_disk(g, "tmp/dir", bob, bob, S_IFDIR | 02775);
    check_disk(g, "tmp/fifo", bob, bob, S_IFIFO | 0600);
    check_disk(g, "tmp/link", bob, bob, S_IFLNK | 0777);
    check_shown(c, "home/hers", 1000, 50, S_IFREG | 0640);
    check_shown(c, "tmp/dir", 1001, 1001, S_IFDIR | 02775);

    /* what is one's own */
    CHECK_ERR(open_as(c, ALICE, "roots", P9_L_RDONLY), EACCES);
    CHECK_ERR(open_as(c, ALICE, "tmp/his", P9_L_RDONLY), EACCES);
    CHECK_OK(open_as(c, ROOT, "tmp/his", P9_L_RDWR));
    CHECK_ERR(set_mode(c, ALICE, "tmp/his", 0666), EPERM);
    CHECK_ERR(set_owner(c, ALICE, "tmp/his", P9_SETATTR_UID, 1000, 0), EPERM);
    CHECK_ERR(set_owner(c, BOB, "tmp/his", P9_SETATTR_UID, 1000, 0), EPERM);
    CHECK_OK(set_owner(c, BOB, "tmp/his", P9_SETATTR_GID, 0, 100));
    check_disk(g, "tmp/his", bob, first + 100, S_IFREG | 0600);
    CHECK_OK(p9c_walk(c, ALICE, 13, "tmp"));
    CHECK_ERR(p9c_unlinkat(c, 13, "his", 0), EPERM); /* sticky */
    CHECK_OK(p9c_unlinkat(c, 12, "his", 0));

    /* groups are known to the guest's kernel */
    CHECK_OK(make_in(c, ROOT, "", "staff", 0640, 50));
    check_disk(g, "staff", first, first + 50, S_IFREG | 0640);
    CHECK_OK(open_as(c, ALICE, "staff", P9_L_RDONLY));
    CHECK_ERR(open_as(c, ALICE, "staff", P9_L_RDWR), EACCES);
}

/*
 * What is kept from a group is not kept from others, and who is in it the guest's kernel has judged. An access
 * control list says more than the mode does.
 */
static void mapped_keeps_a_group_out(void)
{
    struct p9c c;
    struct rig *g = mapped(&c);
    /* user::rw-, alice ---, group::---, mask::---, other::r-- */
    const uint32_t alice = FIRST + 1000;
    const uint16_t acl[] = {2,
                            0,
                            1,
                            6,
                            0xffff,
                            0xffff,
                            2,
                            0,
                            (uint16_t)alice,
                            (uint16_t)(alice >> 16),
                            4,
                            0,
                            0xffff,
                            0xffff,
                            16,
                            0,
                            0xffff,
                            0xffff,
                            32,
                            4,
                            0xffff,
                            0xffff};
    char path[160];

    CHECK_OK(make_dir(&c, ROOT, "through", 0701, 50));
    CHECK_OK(make_in(&c, ROOT, "through", "read", 0604, 50));
    CHECK_OK(make_in(&c, ROOT, "through", "write", 0602, 50));
    CHECK_OK(make_in(&c, ROOT, "through", "listed", 0604, 50));
    CHECK_OK(set_mode(&c, ROOT, "through/write", 0602));
    CHECK_OK(open_as(&c, ALICE, "through/read", P9_L_RDONLY));
    CHECK_ERR(open_as(&c, ALICE, "through/read", P9_L_RDWR), EACCES);
    CHECK_OK(open_as(&c, ALICE, "through/write", P9_L_WRONLY));
    CHECK_ERR(open_as(&c, ALICE, "through/write", P9_L_RDONLY), EACCES);
    CHECK_ERR(open_as(&c, ALICE, "through", P9_L_RDONLY), EACCES);
    CHECK_OK(set_owner(&c, ROOT, "through/read", P9_SETATTR_UID, 1000, 0));
    CHECK_OK(set_mode(&c, ROOT, "through/read", 0004)); /* an owner is none of the others */
    CHECK_ERR(open_as(&c, ALICE, "through/read", P9_L_RDONLY), EACCES);
    CHECK_OK(open_as(&c, BOB, "through/read", P9_L_RDONLY));
    /* between the two it was root for one call only, and names are not made so */
    CHECK_OK(make_dir(&c, ROOT, "into", 0703, 50));
    CHECK_OK(set_mode(&c, ROOT, "into", 0703));
    CHECK_ERR(make_in(&c, ALICE, "into", "new", 0644, 0), EACCES);
    CHECK_ERR(make_in(&c, ALICE, "through", "new", 0644, 0), EACCES);

    snprintf(path, sizeof(path), "%s/through/listed", g->root);
    MUST(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0));
    CHECK_ERR(open_as(&c, ALICE, "through/listed", P9_L_RDONLY), EACCES);
    rig_end(g);
}

/*
 * setuid exists, and falls when somebody writes. Root's own writing keeps it where root is the
 * host's: the kernel asks for CAP_FSETID over the machine.
 */
static void setuid_falls(struct rig *g, struct p9c *c, uint32_t first)
{
    const uint32_t alice = first + 1000;
    uint32_t n;

    CHECK_OK(make_in(c, ALICE, "tmp", "tool", 0755, 1000));
    CHECK_OK(set_mode(c, ALICE, "tmp/tool", 06777));
    check_disk(g, "tmp/tool", alice, alice, S_IFREG | 06777);
    check_shown(c, "tmp/tool", 1000, 1000, S_IFREG | 06777);
    CHECK_OK(p9c_walk(c, ROOT, 20, "tmp/tool"));
    CHECK_OK(p9c_lopen(c, 20, P9_L_RDWR));
    CHECK_OK(p9c_write(c, 20, 0, "x", 1, &n));
    check_disk(g, "tmp/tool", alice, alice, S_IFREG | (first == 0 ? 06777 : 0777));
    CHECK_OK(set_mode(c, ALICE, "tmp/tool", 06777));
    CHECK_OK(p9c_walk(c, BOB, 21, "tmp/tool"));
    CHECK_OK(p9c_lopen(c, 21, P9_L_RDWR));
    CHECK_OK(p9c_write(c, 21, 0, "y", 1, &n));
    check_disk(g, "tmp/tool", alice, alice, S_IFREG | 0777);
    /* Linux takes it away itself before bob writes, in bob's name: that and nothing more */
    CHECK_OK(set_mode(c, ALICE, "tmp/tool", 06777));
    CHECK_ERR(set_mode(c, BOB, "tmp/tool", 06777), EPERM);
    CHECK_ERR(set_mode(c, BOB, "tmp/tool", 0755), EPERM);
    CHECK_OK(set_mode(c, BOB, "tmp/tool", 02777));
    check_disk(g, "tmp/tool", alice, alice, S_IFREG | 02777);
    CHECK_ERR(set_mode(c, BOB, "tmp/tool", 04777), EPERM);
    CHECK_OK(set_mode(c, BOB, "tmp/tool", 0777));
    check_disk(g, "tmp/tool", alice, alice, S_IFREG | 0777);
    CHECK_OK(set_mode(c, ALICE, "tmp/tool", 06755));
    CHECK_ERR(set_mode(c, BOB, "tmp/tool", 0755), EPERM); /* who may not write */
    CHECK_OK(set_mode(c, ROOT, "tmp/tool", 04755));
    CHECK_OK(set_owner(c, ROOT, "tmp/tool", BOTH, 0, 0));
    check_disk(g, "tmp/tool", first, first, S_IFREG | 0755);
}

/* And when somebody truncates: by Tsetattr, by opening. Root does as root does. */
static void setuid_falls_on_truncation(struct rig *g, struct p9c *c, uint32_t first)
{
    const uint32_t alice = first + 1000;
    struct p9_attr a = {.size = 0};

    CHECK_OK(make_in(c, ALICE, "tmp", "cut", 0777, 1000));
    CHECK_OK(p9c_walk(c, BOB, 23, "tmp/cut"));
    CHECK_OK(set_mode(c, ALICE, "tmp/cut", 06777));
    CHECK_OK(p9c_setattr(c, 23, P9_SETATTR_SIZE, &a));
    check_disk(g, "tmp/cut", alice, alice, S_IFREG | 0777);
    CHECK_OK(set_mode(c, ALICE, "tmp/cut", 06777));
    CHECK_OK(p9c_lopen(c, 23, P9_L_WRONLY | P9_L_TRUNC));
    check_disk(g, "tmp/cut", alice, alice, S_IFREG | 0777);
    CHECK_OK(set_mode(c, ALICE, "tmp/cut", 06777));
    CHECK_OK(p9c_setattr(c, 23, P9_SETATTR_SIZE, &a)); /* by the open file */
    check_disk(g, "tmp/cut", alice, alice, S_IFREG | 0777);
    CHECK_OK(p9c_clunk(c, 23));
}

static void mapped_tree(void)
{
    struct p9c c;
    struct rig *g = mapped(&c);

    check_proc(g, "uid_map", "         0     300000      65536");
    check_proc(g, "status", "Uid:\t300000\t300000\t300000\t300000");
    check_proc(g, "status", "CapPrm:\t00000000000000db");
    check_proc(g, "status", "CapBnd:\t0000000000000000");
    many_owners(g, &c, FIRST);
    setuid_falls(g, &c, FIRST);
    setuid_falls_on_truncation(g, &c, FIRST);
    rig_end(g);
}

/* Ids that a guest does not have, and files of others on the host. */
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

static void set_noted(struct rig *g, const char *name, uint32_t mode)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", g->root, name);
    MUST(setxattr(path, "user.virtfs.mode", &mode, sizeof(mode), 0));
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
    set_noted(g, "forged", S_IFLNK | 0777);
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
    set_noted(g, "file", S_IFCHR);
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

static void mapped_has_no_other(void)
{
    struct p9c c;
    struct rig *g = mapped(&c);
    int fd;

    CHECK_ERR(p9c_attach(&c, 30, P9_NOFID, "", COUNT), EACCES);
    CHECK_OK(p9c_attach(&c, 30, P9_NOFID, "", COUNT - 1));
    CHECK_OK(p9c_attach(&c, 31, P9_NOFID, "", P9_NONUNAME)); /* the mount itself: root */
    CHECK_OK(make_in(&c, 31, "", "mounts", 0600, 0));
    check_disk(g, "mounts", FIRST, FIRST, S_IFREG | 0600);
    CHECK_OK(make_in(&c, ROOT, "", "f", 0644, 0));
    CHECK_ERR(set_owner(&c, ROOT, "f", P9_SETATTR_UID, COUNT, 0), EINVAL);
    CHECK_ERR(set_owner(&c, ROOT, "f", P9_SETATTR_UID, FIRST, 0), EINVAL);
    CHECK_ERR(set_owner(&c, ROOT, "f", P9_SETATTR_GID, 0, UINT32_MAX), EINVAL);
    CHECK_ERR(make_in(&c, ROOT, "", "g", 0644, COUNT), EINVAL);
    CHECK_OK(set_owner(&c, ROOT, "f", BOTH, COUNT - 1, COUNT - 1));
    check_disk(g, "f", FIRST + COUNT - 1, FIRST + COUNT - 1, S_IFREG | 0644);
    fd = openat(g->root_fd, "roots-of-the-host", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    MUST(fd);
    MUST(fchmod(fd, 0666));
    close(fd);
    check_shown(&c, "roots-of-the-host", 65534, 65534, S_IFREG | 0666);
    CHECK_OK(open_as(&c, ROOT, "roots-of-the-host", P9_L_RDONLY));
    CHECK_ERR(open_as(&c, ROOT, "roots-of-the-host", P9_L_RDWR), EACCES);
    CHECK_ERR(set_mode(&c, ROOT, "roots-of-the-host", 0777), EOVERFLOW);
    CHECK_ERR(set_owner(&c, ROOT, "roots-of-the-host", BOTH, 0, 0), EPERM);
    MUST(fchmodat(g->root_fd, "roots-of-the-host", 0600, 0));
    CHECK_ERR(open_as(&c, ROOT, "roots-of-the-host", P9_L_RDONLY), EACCES);
    rig_end(g);
}

static int set_value(struct p9c *c, uint32_t who, const char *path, const char *name,
                     const char *value)
{
    uint32_t n;

    CHECK_OK(p9c_walk(c, who, 97, path));
    CHECK_OK(p9c_xattrcreate(c, 97, name, strlen(value), value[0] == '\0' ? P9_XATTR_REPLACE : 0));
    if (value[0] != '\0')
        CHECK_OK(p9c_write(c, 97, 0, value, (uint32_t)strlen(value), &n));
    return p9c_clunk(c, 97);
}

/* An attribute is stored by Tclunk, in the name of whose fid it is; so it is read and listed. */
static void attributes_are_their_owners(void)
{
    struct p9c c;
    struct rig *g = mapped(&c);
    uint64_t size;

    CHECK_OK(make_dir(&c, ROOT, "tmp", 01777, 0));
    CHECK_OK(make_in(&c, ROOT, "", "roots", 0644, 0));
    CHECK_OK(make_in(&c, ALICE, "tmp", "hers", 0600, 1000));
    CHECK_OK(set_value(&c, ROOT, "roots", "user.a", "one"));
    CHECK_OK(set_value(&c, ALICE, "tmp/hers", "user.a", "one"));
    CHECK_ERR(set_value(&c, BOB, "roots", "user.a", "two"), EACCES);
    CHECK_ERR(set_value(&c, BOB, "roots", "user.b", "two"), EACCES);
    CHECK_ERR(set_value(&c, BOB, "roots", "user.a", ""), EACCES);
    CHECK_ERR(set_value(&c, BOB, "tmp/hers", "user.a", "two"), EACCES);
    CHECK_EQ(getxattr(on_host(g, "roots"), "user.a", NULL, 0), 3);
    CHECK(getxattr(on_host(g, "roots"), "user.b", NULL, 0) < 0);
    CHECK_OK(p9c_walk(&c, BOB, 98, "roots"));
    CHECK_OK(p9c_xattrwalk(&c, 98, 99, "user.a", &size)); /* it may be read */
    CHECK_OK(p9c_walk(&c, BOB, 100, "tmp/hers"));
    CHECK_ERR(p9c_xattrwalk(&c, 100, 101, "user.a", &size), EACCES);
    CHECK_OK(set_value(&c, ROOT, "tmp/hers", "user.a", ""));
    rig_end(g);
}

/* ORCLOSE removes in the name of who opened it, at Tclunk and when Tversion ends the fid. */
static void orclose_is_its_openers(void)
{
    struct rig_config cfg = {
        .export_owner = FIRST,
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = FIRST, .id_count = COUNT}};
    struct rig *g = rig_new(&cfg);
    struct p9c c;
    struct u9 u;

    p9c_mount(&c, g);
    CHECK_OK(p9c_attach(&c, ALICE, P9_NOFID, "", 1000));
    CHECK_OK(make_dir(&c, ROOT, "tmp", 01777, 0));
    CHECK_OK(make_in(&c, ROOT, "", "roots", 0644, 0));
    CHECK_OK(make_in(&c, ROOT, "tmp", "roots", 0644, 0));
    CHECK_OK(make_in(&c, ALICE, "tmp", "hers", 0644, 1000));
    u9_mount(&u, g, P9_DIALECT_U);
    (void)u9_take(&u, u9_ask(&u, P9_TATTACH, "ddssd", ALICE, P9_NOFID, "", "", 1000), P9_TATTACH);
    u9_walk(&u, ALICE, 20, "roots");
    u9_open(&u, 20, P9_OREAD | P9_ORCLOSE);
    u9_refused(&u, u9_ask(&u, P9_TCLUNK, "d", 20u), EACCES);
    u9_walk(&u, ALICE, 20, "roots");
    u9_open(&u, 20, P9_OREAD | P9_ORCLOSE);
    u9_walk(&u, ALICE, 21, "tmp/roots");
    u9_open(&u, 21, P9_OREAD | P9_ORCLOSE);
    u9_walk(&u, ALICE, 22, "tmp/hers");
    u9_open(&u, 22, P9_OREAD | P9_ORCLOSE);
    u9_version(&u, g, P9_DIALECT_U, UINT32_MAX);
    CHECK(u9_host_has(g, "roots") && u9_host_has(g, "tmp/roots"));
    CHECK(!u9_host_has(g, "tmp/hers"));
    rig_end(g);
}

/* --- host -------------------------------------------------------------------------------------- */

static void host_tree(void)
{
    struct rig_config cfg = {.policy = {.identity = CTL_IDENTITY_HOST}};
    struct rig *g = rig_new(&cfg);
    struct p9c c;

    p9c_mount(&c, g);
    CHECK_OK(p9c_attach(&c, ALICE, P9_NOFID, "", 1000));
    CHECK_OK(p9c_attach(&c, BOB, P9_NOFID, "", 1001));
    check_proc(g, "uid_map", "         0          0 4294967295");
    check_proc(g, "status", "Uid:\t0\t0\t0\t0");
    check_proc(g, "status", "CapPrm:\t00000000000000db");
    check_proc(g, "status", "CapBnd:\t0000000000000000");
    many_owners(g, &c, 0);
    setuid_falls(g, &c, 0);
    setuid_falls_on_truncation(g, &c, 0);
    CHECK_OK(set_owner(&c, ROOT, "roots", BOTH, 70000, 70000));
    check_disk(g, "roots", 70000, 70000, S_IFREG | 0600);
    rig_end(g);
}

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

static const struct tap_case cases[] = {
    {"squash_has_one_owner", squash_has_one_owner, 0, 0},
    {"squash_of_an_owner", squash_of_an_owner, TAP_JAILED, 0},
    {"masks", masks, 0, 0},
    {"chown_refused", chown_refused, TAP_JAILED, 0},
    {"mapped_tree", mapped_tree, TAP_JAILED, 0},
    {"mapped_notes_devices", mapped_notes_devices, TAP_JAILED, 0},
    {"mapped_notes_nothing_else", mapped_notes_nothing_else, TAP_JAILED, 0},
    {"mapped_keeps_a_group_out", mapped_keeps_a_group_out, TAP_JAILED, 0},
    {"mapped_has_no_other", mapped_has_no_other, TAP_JAILED, 0},
    {"attributes_are_their_owners", attributes_are_their_owners, TAP_JAILED, 0},
    {"orclose_is_its_openers", orclose_is_its_openers, TAP_JAILED, 0},
    {"host_tree", host_tree, TAP_JAILED, 0},
    {"xattr_written", xattr_written, 0, 0},
    {"xattr_setuid_falls", xattr_setuid_falls, 0, 0},
    {"xattr_read", xattr_read, 0, 0},
    {"xattr_in_u", xattr_in_u, 0, 0},
};
TAP_SUITE(identity, cases);
