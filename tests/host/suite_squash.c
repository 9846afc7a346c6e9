/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_squash.c - one owner for all files: what is kept of a guest's modes and owners, on disk and in replies.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "owners.h"
#include "suites.h"

#define OWNER 4321u /* of the export, where it is not root's */

static void tree(uid_t owner)
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

static void has_one_owner(void)
{
    tree(0);
}

static void of_an_owner(void)
{
    tree(OWNER);
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

static const struct tap_case cases[] = {
    {"has_one_owner", has_one_owner, 0, 0},
    {"of_an_owner", of_an_owner, TAP_JAILED, 0},
    {"masks", masks, 0, 0},
    {"chown_refused", chown_refused, TAP_JAILED, 0},
};
TAP_SUITE(squash, cases);
