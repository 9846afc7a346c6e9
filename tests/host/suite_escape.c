/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_escape.c - nothing outside of the export is reached, whatever the tree holds and the host
 * does to it meanwhile; special files are never opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "suites.h"

#define SECRET "not for guests"

static void make_secret(struct rig *g)
{
    char path[160];
    int fd;

    snprintf(path, sizeof(path), "%s/secret", g->outside);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    MUST(fd);
    CHECK_EQ(write(fd, SECRET, strlen(SECRET)), (ssize_t)strlen(SECRET));
    close(fd);
}

static void secret_is_intact(struct rig *g)
{
    char path[160], buf[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "%s/secret", g->outside);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd);
    n = read(fd, buf, sizeof(buf));
    CHECK_EQ(n, (ssize_t)strlen(SECRET));
    CHECK(memcmp(buf, SECRET, (size_t)n) == 0);
    close(fd);
}

static void symlinks_are_never_followed(void)
{
    struct rig *g = rig_new(NULL);
    char path[160];
    struct p9c c;
    const char *const links[] = {"abs", "rel", "dirlink", "self", "rootlink"};

    make_secret(g);
    snprintf(path, sizeof(path), "%s/secret", g->outside);
    MUST(symlinkat(path, g->root_fd, "abs"));
    MUST(symlinkat("../outside/secret", g->root_fd, "rel"));
    MUST(symlinkat(g->outside, g->root_fd, "dirlink"));
    MUST(symlinkat("self", g->root_fd, "self"));
    MUST(symlinkat("/", g->root_fd, "rootlink"));
    p9c_mount(&c, g);
    for (uint32_t i = 0; i < 5; i++) {
        const char *const through[] = {links[i], "secret"};
        struct p9_attr set = {.size = 0, .mode = 0777};

        CHECK_OK(p9c_walk(&c, 0, 1, links[i]));
        CHECK_EQ(c.qid.type, P9_QTSYMLINK);
        CHECK(p9c_lopen(&c, 1, P9_L_RDONLY) != 0);
        CHECK(p9c_lopen(&c, 1, P9_L_RDWR) != 0);
        CHECK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set) != 0);
        CHECK(p9c_lcreate(&c, 1, "x", P9_L_RDWR | P9_L_CREAT, 0666) != 0);
        CHECK(p9c_mkdir(&c, 1, "x", 0777) != 0);
        CHECK(p9c_unlinkat(&c, 1, "secret", 0) != 0);
        CHECK(p9c_renameat(&c, 1, "secret", 0, "mine") != 0);
        CHECK(p9c_walkv(&c, 0, 2, 2, through) != 0 || c.nwqid < 2);
        CHECK(p9c_walk(&c, 1, 2, "secret") != 0);
        CHECK(p9c_walk(&c, 1, 2, "..") != 0);
        CHECK_OK(p9c_clunk(&c, 1));
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        CHECK(p9c_lcreate(&c, 1, links[i], P9_L_RDWR | P9_L_CREAT | P9_L_TRUNC, 0666) != 0);
        CHECK_OK(p9c_clunk(&c, 1));
    }
    secret_is_intact(g);
    rig_end(g);
}

/* The host moves a directory out of the export; ".." from it must not become a way out. */
static void dotdot_out_of_a_directory_moved_away(void)
{
    struct rig *g = rig_new(NULL);
    char path[200];
    struct p9c c;
    struct p9_attr a;

    make_secret(g);
    MUST(mkdirat(g->root_fd, "a", 0755));
    MUST(mkdirat(g->root_fd, "a/b", 0755));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "a"));
    CHECK_OK(p9c_walk(&c, 0, 2, "a/b"));
    snprintf(path, sizeof(path), "%s/moved", g->outside);
    MUST(renameat(g->root_fd, "a", AT_FDCWD, path));
    CHECK(p9c_walk(&c, 1, 3, "../secret") != 0);
    CHECK(p9c_walk(&c, 2, 3, "../../secret") != 0);
    CHECK(p9c_walk(&c, 2, 3, "../../../outside/secret") != 0);
    if (p9c_walk(&c, 1, 3, "..") == 0) { /* the root, or nothing */
        CHECK(p9c_walk(&c, 3, 4, "secret") != 0);
        CHECK(p9c_walk(&c, 3, 4, "outside") != 0);
        CHECK(p9c_rename(&c, 1, 3, "stolen") != 0);
    }
    (void)p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a);
    secret_is_intact(g);
    rig_end(g);
}

struct swapper {
    struct rig *g;
    atomic_bool stop;
};

/* "d" is now a directory, now a symlink to the outside. */
static void *swap(void *arg)
{
    struct swapper *s = arg;

    while (!atomic_load(&s->stop)) {
        renameat2(s->g->root_fd, "d", s->g->root_fd, "l", RENAME_EXCHANGE);
        sched_yield();
    }
    return NULL;
}

static void host_swaps_directory_and_symlink(void)
{
    struct rig *g = rig_new(NULL);
    struct swapper s = {.g = g};
    long long until;
    pthread_t thread;
    struct p9c c;
    char buf[64], path[160];
    uint32_t n, inside = 0, refused = 0;
    int fd;

    make_secret(g);
    MUST(mkdirat(g->root_fd, "d", 0755));
    fd = openat(g->root_fd, "d/secret", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    MUST(fd);
    CHECK_EQ(write(fd, "fine", 4), 4);
    close(fd);
    MUST(symlinkat("../outside", g->root_fd, "l"));
    p9c_mount(&c, g);
    CHECK_EQ(pthread_create(&thread, NULL, swap, &s), 0);
    for (until = tap_now() + 1500; tap_now() < until;) {
        if (p9c_walk(&c, 0, 1, "d/secret") == 0) {
            inside++;
            CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
            CHECK_OK(p9c_read(&c, 1, 0, buf, sizeof(buf), &n));
            CHECK_EQ(n, 4);
            CHECK_OK(p9c_clunk(&c, 1));
        } else {
            refused++;
        }
        if (p9c_walk(&c, 0, 2, "d") == 0) {
            if (p9c_lcreate(&c, 2, "made", P9_L_RDWR | P9_L_CREAT, 0644) == 0)
                inside++;
            CHECK_OK(p9c_clunk(&c, 2));
        }
        (void)p9c_unlinkat(&c, 0, "l/secret", 0);
    }
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    CHECK(inside > 0 && refused > 0); /* else nothing was tried */
    snprintf(path, sizeof(path), "%s/made", g->outside);
    CHECK(access(path, F_OK) != 0);
    secret_is_intact(g);
    rig_end(g);
}

/* FIFOs, sockets, devices: never opened, so that nothing hangs and nothing is reached. */
static void special_files_are_never_opened(void)
{
    static const char *const names[] = {"fifo", "sock", "null", "loop"};
    static const uint32_t flags[] = {P9_L_RDONLY, P9_L_WRONLY, P9_L_RDWR,
                                     P9_L_RDWR | P9_L_NONBLOCK | P9_L_TRUNC};
    struct rig *g = rig_new(NULL);
    struct p9_attr set = {.size = 0, .mode = 0600}, a;
    struct p9c c;

    MUST(mkfifoat(g->root_fd, "fifo", 0666));
    MUST(mknodat(g->root_fd, "sock", S_IFSOCK | 0666, 0));
    MUST(mknodat(g->root_fd, "null", S_IFCHR | 0666, makedev(1, 3)));
    MUST(mknodat(g->root_fd, "loop", S_IFBLK | 0666, makedev(7, 0)));
    p9c_mount(&c, g);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_OK(p9c_walk(&c, 0, 1, names[i]));
        for (uint32_t k = 0; k < 4; k++)
            CHECK(p9c_lopen(&c, 1, flags[k]) != 0);
        CHECK(p9c_setattr(&c, 1, P9_SETATTR_SIZE, &set) != 0);
        CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_MODE, &set));
        CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
        CHECK_EQ(a.mode & 0777, 0600);
        CHECK_OK(p9c_clunk(&c, 1));
        CHECK_OK(p9c_walk(&c, 0, 1, ""));
        for (uint32_t k = 0; k < 4; k++)
            CHECK(p9c_lcreate(&c, 1, names[i], flags[k] | P9_L_CREAT, 0644) != 0);
        CHECK_OK(p9c_clunk(&c, 1));
        /* Landlock takes moving a device for making one; that is the host's to do. */
        if (p9c_renameat(&c, 0, names[i], 0, "x") == 0)
            CHECK_OK(p9c_unlinkat(&c, 0, "x", 0));
        else if (i >= 2)
            CHECK_OK(p9c_unlinkat(&c, 0, names[i], 0));
        else
            FAIL("%s cannot be renamed", names[i]);
    }
    rig_end(g);
}

/* Nothing of the worker's own can be named: descriptors, /proc, other mounts. */
static void odd_paths_lead_nowhere(void)
{
    static const char *const names[] = {"proc", "dev", "sys", "etc", "15", "mem", "fd", "self"};
    struct rig *g = rig_new(NULL);
    struct p9c c;

    p9c_mount(&c, g);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *const up[] = {"..", "..", "..", "..", "..", "..", names[i]};

        CHECK_ERR(p9c_walk(&c, 0, 1, names[i]), ENOENT);
        CHECK_OK(p9c_walkv(&c, 0, 1, 7, up));
        CHECK_EQ(c.nwqid, 6);
    }
    rig_end(g);
}

static void a_mount_below_the_export_is_not_there(void)
{
    struct rig *g = rig_prepare(NULL);
    struct p9c c;
    char path[128];
    int fd;

    MUST(mkdirat(g->root_fd, "before", 0755));
    MUST(mkdirat(g->root_fd, "later", 0755));
    snprintf(path, sizeof(path), "%s/before", g->root);
    MUST(mount("none", path, "tmpfs", 0, "mode=0755"));
    fd = openat(g->root_fd, "before/hidden", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    MUST(fd);
    close(fd);
    rig_start(g, 0);
    p9c_mount(&c, g);
    CHECK_ERR(p9c_walk(&c, 0, 1, "before/hidden"), ENOENT);
    snprintf(path, sizeof(path), "%s/later", g->root);
    MUST(mount("none", path, "tmpfs", 0, "mode=0755"));
    fd = openat(g->root_fd, "later/hidden", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    MUST(fd);
    close(fd);
    CHECK_ERR(p9c_walk(&c, 0, 1, "later/hidden"), ENOENT);
    CHECK_OK(p9c_walk(&c, 0, 2, "later"));
    CHECK_OK(p9c_mkdir(&c, 2, "mine", 0755));
    rig_end(g);
    MUST(umount2(path, MNT_DETACH));
    snprintf(path, sizeof(path), "%s/before", g->root);
    MUST(umount2(path, MNT_DETACH));
    CHECK_EQ(faccessat(g->root_fd, "later/mine", F_OK, 0), 0);
}

static const struct tap_case cases[] = {
    {"symlinks_are_never_followed", symlinks_are_never_followed, 0, 0},
    {"dotdot_out_of_a_directory_moved_away", dotdot_out_of_a_directory_moved_away, TAP_JAILED, 0},
    {"host_swaps_directory_and_symlink", host_swaps_directory_and_symlink, 0, 0},
    {"special_files_are_never_opened", special_files_are_never_opened, 0, 0},
    {"odd_paths_lead_nowhere", odd_paths_lead_nowhere, 0, 0},
    {"a_mount_below_the_export_is_not_there", a_mount_below_the_export_is_not_there, TAP_JAILED, 0},
};
TAP_SUITE(escape, cases);
