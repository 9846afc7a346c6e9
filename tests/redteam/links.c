/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * links.c - symbolic links, hard links and renames that lead outside, planted or made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

/* Those that the scene has planted: to a file, to a directory, absolute, relative, to /proc. */
static long follow_planted(struct hostile *h)
{
    static const char *const paths[] = {"to-secret",
                                        "to-secret-relative",
                                        "to-outside/secret",
                                        "to-outside/",
                                        "to-passwd",
                                        "to-proc-root/etc",
                                        "to-proc-fd/3",
                                        "to-root/etc/passwd",
                                        "to-dotdot/outside",
                                        "to-null",
                                        NULL};

    return steal_any(h, WFD_ROOT, paths, O_RDONLY | O_CLOEXEC);
}

static long follow_planted_by_path(struct hostile *h)
{
    static const char *const paths[] = {"to-secret", "to-outside", "to-passwd", "to-outside/secret",
                                        NULL};

    return steal_any(h, WFD_ROOT, paths, O_PATH | O_CLOEXEC);
}

/* The name that leads to a link, opened by number: the last component is followed there. */
static long reopen_link(struct hostile *h)
{
    long fd = steal(h, WFD_ROOT, "to-secret", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char name[24];

    if (fd < 0)
        return fd;
    (void)snprintf(name, sizeof(name), "%ld", fd);
    fd = steal(h, WFD_PROC, name, O_RDONLY | O_CLOEXEC);
    (void)strncat(name, "/", sizeof(name) - strlen(name) - 1);
    return fd >= 0 ? fd : steal(h, WFD_PROC, name, O_RDONLY | O_CLOEXEC);
}

static long follow_made(struct hostile *h)
{
    static const char *const targets[] = {"%o/secret",      "../outside/secret",
                                          "/etc/passwd",    "/proc/self/root/etc/passwd",
                                          "/proc/self/mem", NULL};
    char buf[512], name[24];
    long res = -ENOENT;

    for (int i = 0; targets[i] != NULL && res < 0; i++) {
        (void)snprintf(name, sizeof(name), "made%d", i);
        res = attack(SYS_symlinkat, AT(resolve(h, targets[i], buf, sizeof(buf))), WFD_ROOT,
                     AT(name), 0, 0, 0);
        if (res < 0)
            return 0; /* it is meant to be possible */
        res = steal(h, WFD_ROOT, name, O_RDONLY | O_CLOEXEC);
    }
    return res;
}

/* The host swaps a directory and a link to the outside, over and over. */
static long race_swapped(struct hostile *h)
{
    long got = 0, res = -ELOOP;

    atomic_store(&h->brief->hostile_step, 1);
    for (int i = 0; i < 20000; i++) {
        long fd = attack(SYS_openat, WFD_ROOT, AT("swapped/secret"), O_RDONLY | O_CLOEXEC, 0, 0, 0);

        if (fd < 0)
            continue;
        got++;
        if (attack(SYS_pread64, (uintptr_t)fd, AT(h->brief->loot), 64, 0, 0, 0) != 0)
            res = 1; /* in the real directory it is empty */
        (void)attack(SYS_close, (uintptr_t)fd, 0, 0, 0, 0, 0);
    }
    (void)snprintf(h->brief->what, sizeof(h->brief->what), "%ld of 20000 opened", got);
    return got == 0 ? 0 : res; /* the race must have taken place */
}

/* From the descriptor tree: the one directory from which linkat() may start. */
static long hard_link_outside(struct hostile *h)
{
    static const char *const paths[] = {"15/../outside/secret",
                                        "15/to-secret",
                                        "../../etc/passwd",
                                        "../root/etc/passwd",
                                        "%o/secret",
                                        "/etc/passwd",
                                        "3",
                                        "7",
                                        NULL};
    char buf[512];
    long res = -ENOENT;

    for (const char *const *p = paths; *p != NULL && res < 0; p++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        res = attack(SYS_linkat, WFD_PROC, AT(resolve(h, *p, buf, sizeof(buf))), WFD_ROOT,
                     AT("stolen"), AT_SYMLINK_FOLLOW, 0);
    }
    return res;
}

static long rename_across(struct hostile *h)
{
    static const char *const pairs[][2] = {
        {"file", "../outside/gift"},     {"file", "%o/gift"},     {"../outside/secret", "stolen"},
        {"%o/secret", "stolen"},         {"%n/secret", "stolen"}, {"file", "to-outside/gift"},
        {"to-outside/secret", "stolen"}, {".", "self"},           {"dir", "dir/inner/dir"}};
    char from[512], to[512];
    long res = -ENOENT;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && res < 0; i++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", pairs[i][0]);
        res = attack(SYS_renameat2, WFD_ROOT, AT(resolve(h, pairs[i][0], from, sizeof(from))),
                     WFD_ROOT, AT(resolve(h, pairs[i][1], to, sizeof(to))), 0, 0);
    }
    return res;
}

static long change_outside(struct hostile *h)
{
    static const char *const paths[] = {"../outside/", "%o/", "to-outside/", "../", "/../"};
    char dir[512], path[600];
    long res = -ENOENT;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && res < 0; i++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", paths[i]);
        (void)snprintf(path, sizeof(path), "%ssecret", resolve(h, paths[i], dir, sizeof(dir)));
        res = attack(SYS_unlinkat, WFD_ROOT, AT(path), 0, 0, 0, 0);
        if (res < 0)
            res = attack(SYS_openat, WFD_ROOT, AT(path), O_RDWR | O_CREAT, 0600, 0, 0);
        if (res >= 0 && i >= 3) { /* ".." of the root is the root: inside */
            res = -ENOENT;
            continue;
        }
        if (res < 0)
            res = attack(SYS_mkdirat, WFD_ROOT, AT(path), 0700, 0, 0, 0);
        if (res < 0)
            res = attack(SYS_symlinkat, AT("x"), WFD_ROOT, AT(path), 0, 0, 0);
        if (res < 0)
            res = attack(SYS_utimensat, WFD_ROOT, AT(path), 0, AT_EMPTY_PATH, 0, 0);
    }
    return res;
}

static long chmod_outside(struct hostile *h)
{
    static const char *const paths[] = {"15/../outside/secret",
                                        "15/to-secret",
                                        "../mem",
                                        "../root/etc/passwd",
                                        "%o/secret",
                                        "0",
                                        "1",
                                        "3",
                                        "7",
                                        NULL};
    char buf[512];
    long res = -ENOENT;

    for (const char *const *p = paths; *p != NULL && res < 0; p++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        res = attack(SYS_fchmodat, WFD_PROC, AT(resolve(h, *p, buf, sizeof(buf))), 0777, 0, 0, 0);
    }
    return res;
}

#define CALL(name, nr, ...) CALL_UNDER(BOTH, name, nr, __VA_ARGS__)
#define RUN(name, outcome) RUN_UNDER(BOTH, name, outcome)

static const struct attempt table[] = {
    RUN(follow_planted, REFUSED),
    RUN(follow_planted_by_path, REFUSED),
    RUN(reopen_link, REFUSED),
    WRITES(follow_made, REFUSED),
    RUN(race_swapped, REFUSED),
    WRITES(hard_link_outside, REFUSED),
    WRITES(rename_across, REFUSED),
    WRITES(change_outside, REFUSED),
    WRITES(chmod_outside, REFUSED),
    CALL("link_from_cwd", SYS_linkat, (uintptr_t)AT_FDCWD, AT("3"), WFD_ROOT, AT("x"),
         AT_SYMLINK_FOLLOW),
    CALL("link_from_root", SYS_linkat, WFD_ROOT, AT("file"), WFD_ROOT, AT("x"), 0),
    CALL("link_empty_path", SYS_linkat, WFD_CONTROL, AT(""), WFD_ROOT, AT("x"), AT_EMPTY_PATH),
    CALL("link", SYS_link, AT("/file"), AT("/x")),
    CALL("symlink", SYS_symlink, AT("/etc/passwd"), AT("/x")),
    CALL("rename", SYS_rename, AT("/file"), AT("/x")),
    CALL("rename_exchange", SYS_renameat2, WFD_ROOT, AT("file"), WFD_ROOT, AT("dir"), 2),
    CALL("rename_whiteout", SYS_renameat2, WFD_ROOT, AT("file"), WFD_ROOT, AT("x"), 4),
    CALL("rename_cwd", SYS_renameat, (uintptr_t)AT_FDCWD, AT("/file"), WFD_ROOT, AT("x")),
    CALL("unlink", SYS_unlink, AT("/file")),
    CALL("rmdir", SYS_rmdir, AT("/dir")),
    CALL("mkdir", SYS_mkdir, AT("/x"), 0755),
    CALL("truncate", SYS_truncate, AT("/file"), 0),
    CALL("utime", SYS_utime, AT("/file"), 0),
    CALL("utimensat_path", SYS_utimensat, WFD_ROOT, AT("file"), 0, 0),
};
SUBJECT(links, table);
