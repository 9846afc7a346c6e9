/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_identity.c - many owners: what a guest's users and their modes come to on disk, looked at from the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "owners.h"
#include "suites.h"
#include "u9.h"
#include "xen9p/xattr.h"

/* --- mapped ------------------------------------------------------------------------------------ */

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

static const struct tap_case cases[] = {
    {"mapped_tree", mapped_tree, TAP_JAILED, 0},
    {"mapped_keeps_a_group_out", mapped_keeps_a_group_out, TAP_JAILED, 0},
    {"mapped_has_no_other", mapped_has_no_other, TAP_JAILED, 0},
    {"attributes_are_their_owners", attributes_are_their_owners, TAP_JAILED, 0},
    {"orclose_is_its_openers", orclose_is_its_openers, TAP_JAILED, 0},
    {"host_tree", host_tree, TAP_JAILED, 0},
};
TAP_SUITE(identity, cases);
