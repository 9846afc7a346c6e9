/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * owners.c - who owns what, in a guest and on the host's disk.
 */
#include "owners.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

char *on_host(const struct rig *g, const char *name)
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

void check_disk(struct rig *g, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    struct stat st = on_disk(g, name);

    tap_note("%s", name);
    CHECK_EQ(st.st_uid, uid);
    CHECK_EQ(st.st_gid, gid);
    if (st.st_mode != mode)
        FAIL("%s has mode 0%o on disk, expected 0%o", name, st.st_mode, mode);
}

void check_shown(struct p9c *c, const char *name, uint32_t uid, uint32_t gid, uint32_t mode)
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

int make_file(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid)
{
    int err = p9c_walk(c, dir, 91, "");

    if (err == 0)
        err = p9c_rpc(c, P9_TLCREATE, "dsddd", 91u, name, P9_L_RDWR | P9_L_EXCL, mode, gid);
    (void)p9c_clunk(c, 91);
    return err;
}

int make_dir(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid)
{
    return p9c_rpc(c, P9_TMKDIR, "dsdd", dir, name, mode, gid);
}

int make_node(struct p9c *c, uint32_t dir, const char *name, uint32_t mode, uint32_t gid)
{
    return p9c_rpc(c, P9_TMKNOD, "dsdddd", dir, name, mode, 1u, 3u, gid);
}

int set_mode(struct p9c *c, uint32_t from, const char *name, uint32_t mode)
{
    struct p9_attr a = {.mode = mode};
    int err = p9c_walk(c, from, 92, name);

    if (err == 0)
        err = p9c_setattr(c, 92, P9_SETATTR_MODE, &a);
    (void)p9c_clunk(c, 92);
    return err;
}

int set_owner(struct p9c *c, uint32_t from, const char *name, uint32_t valid, uint32_t uid,
              uint32_t gid)
{
    struct p9_attr a = {.uid = uid, .gid = gid};
    int err = p9c_walk(c, from, 92, name);

    if (err == 0)
        err = p9c_setattr(c, 92, valid, &a);
    (void)p9c_clunk(c, 92);
    return err;
}

int open_as(struct p9c *c, uint32_t who, const char *name, uint32_t flags)
{
    int err = p9c_walk(c, who, 95, name);

    if (err == 0)
        err = p9c_lopen(c, 95, flags);
    (void)p9c_clunk(c, 95);
    return err;
}

int make_in(struct p9c *c, uint32_t who, const char *dir, const char *name, uint32_t mode,
            uint32_t gid)
{
    int err = p9c_walk(c, who, 96, dir);

    if (err == 0)
        err = make_file(c, 96, name, mode, gid);
    (void)p9c_clunk(c, 96);
    return err;
}
