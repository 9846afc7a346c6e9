/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_xattr.c - Txattrwalk and Txattrcreate: what `getfattr` and `setfattr` of a guest see, and
 * what the host has afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "suites.h"
#include "xen9p/limits.h"
#include "xen9p/xattr.h"

static const char *host_path(const struct rig *g, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", g->root, name);
    return path;
}

/* A file system whose attributes may have 64 KiB each. */
static const char *mount_image(void)
{
    static char mnt[96];
    char cmd[512];

    snprintf(mnt, sizeof(mnt), "%s/mnt", tap_dir());
    snprintf(
        cmd, sizeof(cmd),
        "truncate -s 16M %s/image && mkfs.ext4 -q -F -b 4096 -O ea_inode %s/image && mkdir %s && "
        "mount -o loop %s/image %s",
        tap_dir(), tap_dir(), mnt, tap_dir(), mnt);
    if (system(cmd) != 0)
        FAIL("cannot mount an image: %s", cmd);
    return mnt;
}

/* A mounted rig with a file `f`, which is fid 1; on an image where /tmp knows no attributes. */
static struct rig *xattr_rig(struct p9c *c, struct rig_config cfg)
{
    struct rig *g;
    int fd;

    if (cfg.export == NULL && setxattr(tap_dir(), "user.probe", "x", 1, 0) != 0)
        cfg.export = mount_image();
    g = rig_prepare(&cfg);
    fd = openat(g->root_fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    MUST(fd);
    MUST(fchown(fd, cfg.export_owner, cfg.export_owner));
    close(fd);
    rig_start(g, 0);
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, "f"));
    return g;
}

/* As Linux does it: a clone of the fid, Txattrcreate, writes, Tclunk. */
static int set(struct p9c *c, uint32_t fid, const char *name, const void *value, uint32_t size,
               uint32_t flags)
{
    int err;

    CHECK_OK(p9c_walk(c, fid, 900, ""));
    err = p9c_xattrcreate(c, 900, name, size, flags);
    if (err != 0) {
        CHECK_OK(p9c_clunk(c, 900));
        return err;
    }
    if (size > 0)
        CHECK_OK(p9c_write_all(c, 900, 0, value, size));
    return p9c_clunk(c, 900);
}

/* errno, or 0 with the value in `buf` and its size in *got. */
static int get(struct p9c *c, uint32_t fid, const char *name, void *buf, uint32_t cap,
               uint32_t *got)
{
    uint64_t size;
    size_t n;
    int err = p9c_xattrwalk(c, fid, 901, name, &size);

    if (err != 0) {
        CHECK_ERR(p9c_clunk(c, 901), EBADF); /* no fid was made */
        return err;
    }
    CHECK(size <= cap);
    CHECK_OK(p9c_read_all(c, 901, 0, buf, cap, &n));
    CHECK_EQ(n, size);
    CHECK_OK(p9c_clunk(c, 901));
    *got = (uint32_t)size;
    return 0;
}

static void expect(struct p9c *c, uint32_t fid, const char *name, const char *value)
{
    char buf[256];
    uint32_t n;

    CHECK_OK(get(c, fid, name, buf, sizeof(buf), &n));
    CHECK_EQ(n, strlen(value));
    CHECK(memcmp(buf, value, n) == 0);
}

static void set_get_replace_remove(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char buf[64];
    uint32_t n;

    CHECK_ERR(get(&c, 1, "user.a", buf, sizeof(buf), &n), ENODATA);
    CHECK_OK(set(&c, 1, "user.a", "one", 3, 0));
    expect(&c, 1, "user.a", "one");
    CHECK_EQ(getxattr(host_path(g, "f"), "user.a", buf, sizeof(buf)), 3);
    CHECK_ERR(set(&c, 1, "user.a", "two", 3, P9_XATTR_CREATE), EEXIST);
    CHECK_OK(set(&c, 1, "user.a", "twotwo", 6, P9_XATTR_REPLACE));
    expect(&c, 1, "user.a", "twotwo");
    CHECK_ERR(set(&c, 1, "user.b", "x", 1, P9_XATTR_REPLACE), ENODATA);
    CHECK_OK(set(&c, 1, "user.b", "x", 1, P9_XATTR_CREATE));
    /* Nothing: with flags 0 it is a value, with REPLACE the end of the attribute. */
    CHECK_OK(set(&c, 1, "user.a", "", 0, 0));
    expect(&c, 1, "user.a", "");
    CHECK_EQ(getxattr(host_path(g, "f"), "user.a", buf, sizeof(buf)), 0);
    CHECK_OK(set(&c, 1, "user.a", "", 0, P9_XATTR_REPLACE));
    CHECK_ERR(get(&c, 1, "user.a", buf, sizeof(buf), &n), ENODATA);
    CHECK_ERR(set(&c, 1, "user.a", "", 0, P9_XATTR_REPLACE), ENODATA);
    expect(&c, 1, "user.b", "x");
    rig_end(g);
}

static void list_shows_what_the_guest_may_see(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char list[256];
    uint32_t n;

    CHECK_OK(get(&c, 1, "", list, sizeof(list), &n));
    CHECK_EQ(n, 0);
    MUST(setxattr(host_path(g, "f"), "user.b", "1", 1, 0));
    MUST(setxattr(host_path(g, "f"), "user.virtfs.uid", "\0\0\0\0", 4, 0));
    MUST(setxattr(host_path(g, "f"), "user.virtfsx", "2", 1, 0));
    MUST(setxattr(host_path(g, "f"), "trusted.t", "3", 1, 0));
    MUST(setxattr(host_path(g, "f"), "security.s", "4", 1, 0));
    CHECK_OK(get(&c, 1, "", list, sizeof(list), &n));
    CHECK_EQ(n, sizeof("user.b") + sizeof("user.virtfsx"));
    CHECK(memmem(list, n, "user.b", sizeof("user.b")) != NULL);
    CHECK(memmem(list, n, "user.virtfsx", sizeof("user.virtfsx")) != NULL);
    rig_end(g);
}

/* security.*, trusted.*, user.virtfs.*, ACLs of a guest that has one user only, and none of them. */
static void namespaces_that_are_not_the_guests(void)
{
    static const struct {
        const char *name;
        int get, set;
    } t[] = {
        {"security.capability", EOPNOTSUPP, EOPNOTSUPP},
        {"security.selinux", EOPNOTSUPP, EOPNOTSUPP},
        {"trusted.overlay.opaque", ENODATA, EPERM},
        {"user.virtfs.uid", ENODATA, EPERM},
        {"user.virtfs.mode", ENODATA, EPERM},
        {"system.posix_acl_access", EOPNOTSUPP, EOPNOTSUPP},
        {"system.posix_acl_default", EOPNOTSUPP, EOPNOTSUPP},
        {"system.nfs4_acl", EOPNOTSUPP, EOPNOTSUPP},
        {"btrfs.compression", EOPNOTSUPP, EOPNOTSUPP},
        {"nodot", EOPNOTSUPP, EOPNOTSUPP},
    };
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char buf[64], *big = malloc(300);
    uint32_t n;

    MUST(setxattr(host_path(g, "f"), "trusted.overlay.opaque", "y", 1, 0));
    MUST(setxattr(host_path(g, "f"), "user.virtfs.uid", "\0\0\0\0", 4, 0));
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        CHECK_ERR(get(&c, 1, t[i].name, buf, sizeof(buf), &n), t[i].get);
        CHECK_ERR(set(&c, 1, t[i].name, "x", 1, 0), t[i].set);
        CHECK_ERR(set(&c, 1, t[i].name, "", 0, P9_XATTR_REPLACE), t[i].set);
    }
    CHECK_EQ(getxattr(host_path(g, "f"), "user.virtfs.uid", buf, sizeof(buf)), 4);
    /* Names that are none. */
    memset(big, 'x', 299);
    memcpy(big, "user.", 5);
    big[256] = '\0';
    CHECK_ERR(get(&c, 1, big, buf, sizeof(buf), &n), ERANGE);
    CHECK_ERR(set(&c, 1, big, "x", 1, 0), ERANGE);
    CHECK_ERR(set(&c, 1, "", "x", 1, 0), ERANGE);
    CHECK_ERR(p9c_rpc(&c, P9_TXATTRWALK, "ddS", 1u, 5u, (size_t)8, "user.a\0b"), EINVAL);
    CHECK_ERR(p9c_rpc(&c, P9_TXATTRCREATE, "dSqd", 1u, (size_t)8, "user.a\0b", (uint64_t)1, 0u),
              EINVAL);
    big[255] = '\0';
    CHECK_OK(set(&c, 1, big, "x", 1, 0));
    free(big);
    rig_end(g);
}

/* user.* on what is neither file nor directory. */
static void symlinks_and_special_files(void)
{
    static const char *const names[] = {"l", "fifo", "sock"};
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char buf[64];
    uint32_t n;

    MUST(symlinkat("f", g->root_fd, "l"));
    MUST(mkfifoat(g->root_fd, "fifo", 0644));
    MUST(mknodat(g->root_fd, "sock", S_IFSOCK | 0644, 0));
    MUST(mkdirat(g->root_fd, "d", 0755));
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_OK(p9c_walk(&c, 0, 10 + i, names[i]));
        CHECK_ERR(set(&c, 10 + i, "user.a", "x", 1, 0), EPERM);
        CHECK_ERR(get(&c, 10 + i, "user.a", buf, sizeof(buf), &n), ENODATA);
        CHECK_OK(get(&c, 10 + i, "", buf, sizeof(buf), &n));
        CHECK_EQ(n, 0);
    }
    CHECK_ERR(get(&c, 1, "user.a", buf, sizeof(buf), &n), ENODATA); /* not through the link */
    CHECK_OK(p9c_walk(&c, 0, 20, "d"));
    CHECK_OK(set(&c, 20, "user.a", "dir", 3, 0));
    expect(&c, 20, "user.a", "dir");
    rig_end(g);
}

/* After unlink, and the file that has taken the name has none. */
static void unlinked_and_renamed_files_keep_them(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char buf[64];
    uint32_t n;

    CHECK_OK(p9c_renameat(&c, 0, "f", 0, "g"));
    CHECK_OK(set(&c, 1, "user.a", "renamed", 7, 0));
    CHECK_EQ(getxattr(host_path(g, "g"), "user.a", buf, sizeof(buf)), 7);
    CHECK_OK(p9c_unlinkat(&c, 0, "g", 0));
    CHECK_OK(p9c_walk(&c, 0, 2, ""));
    CHECK_OK(p9c_lcreate(&c, 2, "g", P9_L_RDWR | P9_L_CREAT, 0644));
    expect(&c, 1, "user.a", "renamed");
    CHECK_OK(set(&c, 1, "user.b", "unlinked", 8, 0));
    expect(&c, 1, "user.b", "unlinked");
    CHECK_ERR(get(&c, 2, "user.a", buf, sizeof(buf), &n), ENODATA);
    rig_end(g);
}

/* Announced, written, and how the two can disagree: early clunk, write past the end, holes. */
static void size_and_content_disagree(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char buf[64];
    uint32_t n;

    CHECK_OK(p9c_walk(&c, 1, 5, ""));
    CHECK_OK(p9c_xattrcreate(&c, 5, "user.a", 8, 0));
    CHECK_OK(p9c_write(&c, 5, 0, "1234567", 7, &n));
    CHECK_ERR(p9c_clunk(&c, 5), EINVAL);
    CHECK_ERR(p9c_clunk(&c, 5), EBADF); /* gone all the same */
    CHECK_ERR(get(&c, 1, "user.a", buf, sizeof(buf), &n), ENODATA);
    CHECK_OK(p9c_walk(&c, 1, 5, ""));
    CHECK_OK(p9c_xattrcreate(&c, 5, "user.a", 8, 0));
    CHECK_ERR(p9c_write(&c, 5, 0, "123456789", 9, &n), EINVAL);
    CHECK_ERR(p9c_write(&c, 5, 1, "2", 1, &n), EINVAL); /* a hole */
    CHECK_ERR(p9c_write(&c, 5, 1ull << 32, "2", 1, &n), EINVAL);
    CHECK_ERR(p9c_write(&c, 5, INT64_MAX, "2", 1, &n), EINVAL);
    CHECK_OK(p9c_write(&c, 5, 0, "1234", 4, &n));
    CHECK_OK(p9c_write(&c, 5, 2, "cdef", 4, &n));
    CHECK_OK(p9c_write(&c, 5, 6, "gh", 2, &n));
    CHECK_ERR(p9c_write(&c, 5, 8, "i", 1, &n), EINVAL);
    CHECK_ERR(p9c_read(&c, 5, 0, buf, 8, &n), EBADF);
    CHECK_OK(p9c_clunk(&c, 5));
    expect(&c, 1, "user.a", "12cdefgh");
    /* Never written at all; Tversion; both leave no trace. */
    CHECK_OK(p9c_walk(&c, 1, 5, ""));
    CHECK_OK(p9c_xattrcreate(&c, 5, "user.b", 1, 0));
    CHECK_ERR(p9c_clunk(&c, 5), EINVAL);
    CHECK_OK(p9c_walk(&c, 1, 5, ""));
    CHECK_OK(p9c_xattrcreate(&c, 5, "user.b", 0, 0));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_ERR(get(&c, 1, "user.b", buf, sizeof(buf), &n), ENODATA);
    CHECK_ERR(set(&c, 1, "user.b", "x", 1, 4), EINVAL); /* flags that are none */
    CHECK_ERR(set(&c, 1, "user.b", "x", 1, UINT32_MAX), EINVAL);
    rig_end(g);
}

/* What is wrong is said by Tclunk, whatever it is, and the fid is gone; the file may have lost its name before. */
static void errors_at_clunk(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    static const struct {
        const char *name;
        uint32_t size, written, flags;
        int error;
    } t[] = {
        {"user.there", 1, 1, P9_XATTR_CREATE, EEXIST},
        {"user.there", 0, 0, P9_XATTR_CREATE, EEXIST},
        {"user.not", 1, 1, P9_XATTR_REPLACE, ENODATA},
        {"user.not", 0, 0, P9_XATTR_REPLACE, ENODATA}, /* removal of nothing */
        {"user.not", 2, 1, 0, EINVAL},
        {"user.not", 2, 0, 0, EINVAL},
        {"user.not", 0, 0, P9_XATTR_CREATE, 0}, /* an empty value */
        {"user.there", 3, 3, P9_XATTR_REPLACE, 0},
    };
    char buf[64];
    uint32_t n;

    for (int unlinked = 0; unlinked < 2; unlinked++) {
        MUST(setxattr(host_path(g, "f"), "user.there", "x", 1, 0));
        for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
            tap_note("%zu %s", i, t[i].name);
            CHECK_OK(p9c_walk(&c, 1, 5, ""));
            CHECK_OK(p9c_xattrcreate(&c, 5, t[i].name, t[i].size, t[i].flags));
            if (t[i].written > 0)
                CHECK_OK(p9c_write(&c, 5, 0, "abc", t[i].written, &n));
            if (unlinked && i == 0)
                CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
            CHECK_ERR(p9c_clunk(&c, 5), t[i].error);
            CHECK_ERR(p9c_clunk(&c, 5), EBADF);
        }
        CHECK_OK(get(&c, 1, "user.not", buf, sizeof(buf), &n));
        CHECK_EQ(n, 0);
        expect(&c, 1, "user.there", "abc");
        CHECK_OK(set(&c, 1, "user.not", "", 0, P9_XATTR_REPLACE));
    }
    rig_end(g);
}

/* More than the file system has room for: that, too, is Tclunk's to say. */
static void no_room_at_clunk(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){.export = mount_image()});
    char *value = calloc(1, XATTR_SIZE_MAX), name[32];
    int err = 0;

    for (int i = 0; i < 400 && err == 0; i++) { /* 16 MiB */
        snprintf(name, sizeof(name), "user.%d", i);
        err = set(&c, 1, name, value, XATTR_SIZE_MAX, 0);
    }
    CHECK_ERR(err, ENOSPC);
    free(value);
    rig_end(g);
}

#define ACL_FIRST 600000u

/*
 * Where the guest has users of its own: what setfacl writes is what the kernel enforces on the host, with the ids of the
 * domain's range. Where modes are masked (file-mode), an ACL would be a way around.
 */
static void acls_where_the_policy_has_users(void)
{
    static const uint8_t acl[] = {2,    0, 0, 0,                          /* version */
                                  1,    0, 6, 0, 0xff, 0xff, 0xff, 0xff,  /* the owner */
                                  2,    0, 6, 0, 0xe8, 0x03, 0,    0,     /* user 1000 */
                                  4,    0, 4, 0, 0xff, 0xff, 0xff, 0xff,  /* the group */
                                  0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,  /* the mask */
                                  0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}; /* others */
    struct rig_config cfg = {
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = ACL_FIRST, .id_count = 65536},
        .export_owner = ACL_FIRST};
    struct p9c c;
    struct rig *g = xattr_rig(&c, cfg);
    uint8_t got[128];
    uint32_t n;

    CHECK_OK(p9c_mkdir(&c, 0, "d", 0755));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_OK(p9c_attach(&c, 60, P9_NOFID, "", 1000));
    CHECK_OK(p9c_attach(&c, 61, P9_NOFID, "", 1001));
    CHECK_ERR(get(&c, 1, "system.posix_acl_access", got, sizeof(got), &n), ENODATA);
    CHECK_ERR(get(&c, 2, "system.posix_acl_default", got, sizeof(got), &n), ENODATA);
    CHECK_OK(set(&c, 1, "system.posix_acl_access", acl, sizeof(acl), 0));
    CHECK_OK(get(&c, 1, "system.posix_acl_access", got, sizeof(got), &n));
    CHECK(n == sizeof(acl) && memcmp(got, acl, n) == 0);
    CHECK_OK(get(&c, 1, "", got, sizeof(got), &n));
    CHECK(memmem(got, n, "system.posix_acl_access", 24) != NULL);
    CHECK_EQ(getxattr(host_path(g, "f"), "system.posix_acl_access", got, sizeof(got)), sizeof(acl));
    CHECK_EQ(got[16] | got[17] << 8 | got[18] << 16, ACL_FIRST + 1000); /* on the host */
    CHECK_OK(p9c_walk(&c, 60, 62, "f"));
    CHECK_OK(p9c_lopen(&c, 62, P9_L_RDWR));
    CHECK_OK(p9c_walk(&c, 61, 63, "f"));
    CHECK_ERR(p9c_lopen(&c, 63, P9_L_RDWR), EACCES); /* a thread is in all groups: r of the group */
    CHECK_ERR(set(&c, 63, "system.posix_acl_access", acl, sizeof(acl), 0), EPERM); /* not its own */
    CHECK_OK(set(&c, 2, "system.posix_acl_default", acl, sizeof(acl), 0));
    CHECK_OK(p9c_walk(&c, 2, 4, "")); /* what is made in there inherits it */
    CHECK_OK(p9c_lcreate(&c, 4, "inner", P9_L_RDWR | P9_L_CREAT, 0666));
    CHECK_OK(get(&c, 4, "system.posix_acl_access", got, sizeof(got), &n));
    CHECK_EQ(n, sizeof(acl));
    CHECK_OK(set(&c, 1, "system.posix_acl_access", "", 0, P9_XATTR_REPLACE));
    CHECK_ERR(get(&c, 1, "system.posix_acl_access", got, sizeof(got), &n), ENODATA);
    rig_end(g);
    cfg.export = g->root;
    cfg.policy.file_mode_drop = 0002;
    g = rig_new(&cfg);
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_ERR(get(&c, 1, "system.posix_acl_access", got, sizeof(got), &n), EOPNOTSUPP);
    CHECK_ERR(set(&c, 1, "system.posix_acl_access", acl, sizeof(acl), 0), EOPNOTSUPP);
    rig_end(g);
}

/* A fid over an attribute is good for nothing else; what else it might have been is untouched. */
static void fids_of_attributes(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    struct p9_attr a;
    uint64_t size;
    uint32_t n;

    CHECK_OK(set(&c, 1, "user.a", "one", 3, 0));
    CHECK_OK(p9c_walk(&c, 1, 3, ""));
    CHECK_OK(p9c_xattrcreate(&c, 3, "user.c", 1, 0));
    CHECK_OK(p9c_xattrwalk(&c, 1, 2, "user.a", &size));
    for (uint32_t fid = 2; fid <= 3; fid++) {
        CHECK_ERR(p9c_getattr(&c, fid, P9_GETATTR_BASIC, &a), EBADF);
        CHECK_ERR(p9c_setattr(&c, fid, P9_SETATTR_MODE, &a), EBADF);
        CHECK_ERR(p9c_walk(&c, fid, 50, ""), EBADF);
        CHECK_ERR(p9c_lopen(&c, fid, P9_L_RDONLY), EBADF);
        CHECK_ERR(p9c_lcreate(&c, fid, "x", P9_L_RDWR, 0644), EBADF);
        CHECK_ERR(p9c_readdir(&c, fid, 0, 1000), EBADF);
        CHECK_ERR(p9c_fsync(&c, fid, 0), EBADF);
        CHECK_ERR(p9c_xattrcreate(&c, fid, "user.b", 1, 0), EBADF);
        CHECK_ERR(p9c_xattrwalk(&c, fid, 51, "user.a", &size), EBADF);
        CHECK_ERR(p9c_link(&c, 0, fid, "x"), EBADF);
        CHECK_ERR(p9c_rename(&c, fid, 0, "x"), EBADF);
        CHECK_ERR(p9c_mkdir(&c, fid, "x", 0755), EBADF);
    }
    CHECK_ERR(p9c_write(&c, 2, 0, "x", 1, &n), EBADF);
    CHECK_ERR(p9c_remove(&c, 2), EBADF);
    CHECK_ERR(p9c_clunk(&c, 2), EBADF); /* Tremove has ended it */
    CHECK_ERR(p9c_remove(&c, 3), EBADF);
    CHECK_EQ(faccessat(g->root_fd, "f", F_OK, 0), 0);
    CHECK_ERR(p9c_xattrwalk(&c, 1, 1, "user.a", &size), EBADF);
    CHECK_ERR(p9c_xattrwalk(&c, 1, 0, "user.a", &size), EBADF); /* in use */
    CHECK_ERR(p9c_xattrwalk(&c, 1, P9_NOFID, "user.a", &size), EBADF);
    CHECK_ERR(p9c_xattrwalk(&c, 77, 78, "user.a", &size), EBADF);
    CHECK_ERR(p9c_xattrcreate(&c, 77, "user.a", 1, 0), EBADF);
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR)); /* an open fid does not become another thing */
    CHECK_ERR(p9c_xattrcreate(&c, 1, "user.a", 1, 0), EINVAL);
    CHECK_OK(p9c_write(&c, 1, 0, "x", 1, &n));
    expect(&c, 1, "user.a", "one"); /* but has attributes */
    rig_end(g);
}

static void value_is_a_snapshot(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    char buf[64];
    uint64_t size;
    uint32_t n;

    CHECK_OK(set(&c, 1, "user.a", "first", 5, 0));
    CHECK_OK(p9c_xattrwalk(&c, 1, 2, "user.a", &size));
    CHECK_EQ(size, 5);
    CHECK_OK(set(&c, 1, "user.a", "the second", 10, 0));
    CHECK_OK(p9c_read(&c, 2, 0, buf, 3, &n));
    CHECK_EQ(n, 3);
    CHECK_OK(p9c_read(&c, 2, 3, buf + 3, 60, &n));
    CHECK_EQ(n, 2);
    CHECK(memcmp(buf, "first", 5) == 0);
    CHECK_OK(p9c_read(&c, 2, 5, buf, 60, &n));
    CHECK_EQ(n, 0);
    CHECK_OK(p9c_read(&c, 2, 1ull << 40, buf, 60, &n));
    CHECK_EQ(n, 0);
    CHECK_OK(p9c_clunk(&c, 2));
    rig_end(g);
}

/* 64 KiB, which is the most that Linux takes; one more; 2^64 - 1; and the policy's own bound. */
static void size_bounds(void)
{
    struct rig_config cfg = {.policy.max_xattr = 1000};
    char *value = malloc(XATTR_SIZE_MAX), *got = malloc(XATTR_SIZE_MAX + 1);
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){.export = mount_image()});
    uint64_t size;
    uint32_t n;

    memset(value, 'v', XATTR_SIZE_MAX);
    CHECK_OK(set(&c, 1, "user.big", value, XATTR_SIZE_MAX, 0));
    CHECK_OK(get(&c, 1, "user.big", got, XATTR_SIZE_MAX + 1, &n));
    CHECK_EQ(n, XATTR_SIZE_MAX);
    CHECK(memcmp(value, got, n) == 0);
    CHECK_ERR(p9c_xattrcreate(&c, 1, "user.x", XATTR_SIZE_MAX + 1, 0), E2BIG);
    CHECK_ERR(p9c_xattrcreate(&c, 1, "user.x", UINT64_MAX, 0), E2BIG);
    CHECK_ERR(p9c_xattrcreate(&c, 1, "user.x", 1ull << 32, 0), E2BIG);
    rig_end(g);
    cfg.export = g->root;
    g = xattr_rig(&c, cfg);
    CHECK_OK(set(&c, 1, "user.small", value, 1000, 0));
    CHECK_ERR(set(&c, 1, "user.small", value, 1001, 0), E2BIG);
    CHECK_OK(get(&c, 1, "user.small", got, XATTR_SIZE_MAX, &n));
    CHECK_EQ(n, 1000);
    CHECK_ERR(p9c_xattrwalk(&c, 1, 2, "user.big", &size), E2BIG);
    CHECK_OK(get(&c, 1, "", got, XATTR_SIZE_MAX, &n)); /* the list is no attribute */
    CHECK_EQ(n, sizeof("user.small") + sizeof("user.big"));
    free(value);
    free(got);
    rig_end(g);
}

/* What all fids hold together is bounded, and comes back. */
static void bytes_held_at_a_time(void)
{
    struct p9c c;
    struct rig *g = xattr_rig(&c, (struct rig_config){0});
    const uint32_t many = LIMIT_XATTR_HELD / LIMIT_MAX_XATTR;
    uint64_t size;
    uint32_t n = 0;

    for (int round = 0; round < 3; round++) {
        CHECK_OK(p9c_walk(&c, 1, 99, ""));
        for (n = 0; n < many; n++) {
            CHECK_OK(p9c_walk(&c, 1, 100 + n, ""));
            CHECK_OK(p9c_xattrcreate(&c, 100 + n, "user.x", LIMIT_MAX_XATTR, 0));
        }
        CHECK_ERR(p9c_xattrcreate(&c, 99, "user.x", LIMIT_MAX_XATTR, 0), ENOMEM);
        CHECK_ERR(p9c_xattrcreate(&c, 99, "user.x", 1, 0), ENOMEM);
        MUST(setxattr(host_path(g, "f"), "user.y", "y", 1, 0));
        CHECK_ERR(p9c_xattrwalk(&c, 1, 98, "user.y", &size), ENOMEM);
        if (round == 0) {
            for (n = 0; n < many; n++)
                CHECK_ERR(p9c_clunk(&c, 100 + n), EINVAL);
            CHECK_OK(p9c_clunk(&c, 99));
        } else {
            p9c_mount(&c, g);
            CHECK_OK(p9c_walk(&c, 0, 1, "f"));
        }
        expect(&c, 1, "user.y", "y");
    }
    rig_end(g);
}

static void read_only_export(void)
{
    struct rig_config cfg = {.flags = CTL_FLAG_READ_ONLY};
    struct p9c c;
    struct rig *g = xattr_rig(&c, cfg);
    char buf[64];
    uint32_t n;

    MUST(setxattr(host_path(g, "f"), "user.a", "one", 3, 0));
    expect(&c, 1, "user.a", "one");
    CHECK_OK(get(&c, 1, "", buf, sizeof(buf), &n));
    CHECK_ERR(set(&c, 1, "user.a", "two", 3, 0), EROFS);
    CHECK_ERR(set(&c, 1, "user.a", "", 0, P9_XATTR_REPLACE), EROFS);
    rig_end(g);
}

/* A file system without attributes: an empty list, as `ls -l` expects, and EOPNOTSUPP. */
static void file_system_without_attributes(void)
{
    char mnt[96], buf[64];
    struct rig_config cfg = {.export = mnt, .export_owner = 1000};
    struct p9c c;
    struct rig *g;
    uint32_t n;
    int err;

    snprintf(mnt, sizeof(mnt), "%s/mnt", tap_dir());
    MUST(mkdir(mnt, 0755));
    MUST(mount("none", mnt, "ramfs", 0, "mode=0755"));
    if (chown(mnt, 1000, 1000) != 0)
        FAIL("chown: %m");
    g = xattr_rig(&c, cfg);
    CHECK_OK(get(&c, 1, "", buf, sizeof(buf), &n));
    CHECK_EQ(n, 0);
    err = get(&c, 1, "user.a", buf, sizeof(buf), &n);
    CHECK(err == EOPNOTSUPP || err == ENODATA);
    CHECK_ERR(set(&c, 1, "user.a", "x", 1, 0), EOPNOTSUPP);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"set_get_replace_remove", set_get_replace_remove, 0, 0},
    {"list_shows_what_the_guest_may_see", list_shows_what_the_guest_may_see, 0, 0},
    {"namespaces_that_are_not_the_guests", namespaces_that_are_not_the_guests, 0, 0},
    {"symlinks_and_special_files", symlinks_and_special_files, 0, 0},
    {"unlinked_and_renamed_files_keep_them", unlinked_and_renamed_files_keep_them, 0, 0},
    {"size_and_content_disagree", size_and_content_disagree, 0, 0},
    {"errors_at_clunk", errors_at_clunk, 0, 0},
    {"no_room_at_clunk", no_room_at_clunk, TAP_LOOP, 0},
    {"acls_where_the_policy_has_users", acls_where_the_policy_has_users, TAP_JAILED, 0},
    {"fids_of_attributes", fids_of_attributes, 0, 0},
    {"value_is_a_snapshot", value_is_a_snapshot, 0, 0},
    {"size_bounds", size_bounds, TAP_LOOP, 0},
    {"bytes_held_at_a_time", bytes_held_at_a_time, 0, 0},
    {"read_only_export", read_only_export, 0, 0},
    {"file_system_without_attributes", file_system_without_attributes, 0, 0},
};
TAP_SUITE(xattr, cases);
