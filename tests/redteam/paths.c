/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paths.c - reading what lies outside of the export.
 *
 * The scene (scene.h) has a secret beside the export, one in the neighbour's export, one on a
 * file system that is mounted below the export; all of them may be read by everybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

#define PLAIN (O_RDONLY | O_CLOEXEC)

static long dotdot_of_root(struct hostile *h)
{
    static const char *const paths[] = {
        "../outside/secret",        "../../../../../../../../etc/passwd",
        "dir/../../outside/secret", "dir/inner/../../../outside/secret",
        "./.././outside/./secret",  "..//..//outside//secret",
        "/../outside/secret",       NULL};

    return steal_any(h, WFD_ROOT, paths, PLAIN);
}

static long absolute_path(struct hostile *h)
{
    static const char *const paths[] = {"%o/secret",   "%n/secret",    "/etc/passwd",
                                        "/etc/shadow", "//etc/passwd", "/root/.ssh/id_rsa",
                                        "/boot",       "/var/log",     NULL};

    return steal_any(h, WFD_ROOT, paths, PLAIN);
}

static long device_paths(struct hostile *h)
{
    static const char *const paths[] = {"/dev/mem",          "/dev/kmsg",       "/dev/vda",
                                        "/dev/xen/gntdev",   "/dev/xen/evtchn", "/dev/xen/xenbus",
                                        "/dev/xen/privcmd",  "/dev/null",       "/dev/ptmx",
                                        "/proc/xen/privcmd", "/dev/random",     NULL};

    return steal_any(h, WFD_ROOT, paths, PLAIN);
}

static long xenstore_paths(struct hostile *h)
{
    static const char *const paths[] = {"/run/xenstored/socket", "/var/run/xenstored/socket",
                                        "/run/xen9p/control", "/proc/xen/xenbus", NULL};

    return steal_any(h, WFD_ROOT, paths, O_PATH | O_CLOEXEC);
}

/* From the list of descriptors one could once climb into the whole of /proc, and from there on. */
static long proc_up(struct hostile *h)
{
    static const char *const paths[] = {"../mem",
                                        "../maps",
                                        "../environ",
                                        "../root/etc/passwd",
                                        "../cwd",
                                        "../task/1/mem",
                                        "../fdinfo/3",
                                        "../../1/mem",
                                        "../../self/mem",
                                        "../../kallsyms",
                                        "../../kcore",
                                        "../../sysrq-trigger",
                                        "../../sys/kernel/core_pattern",
                                        "../../sys/kernel/hostname",
                                        "../uid_map",
                                        "../attr/current",
                                        "./../mem",
                                        NULL};

    return steal_any(h, WFD_PROC, paths, PLAIN);
}

static long proc_up_for_writing(struct hostile *h)
{
    static const char *const paths[] = {"../mem", "../../sys/kernel/core_pattern",
                                        "../../sysrq-trigger", "../oom_score_adj", NULL};

    return steal_any(h, WFD_PROC, paths, O_RDWR | O_CLOEXEC);
}

static long proc_by_name(struct hostile *h)
{
    static const char *const paths[] = {"/proc/self/root/etc/passwd",
                                        "/proc/1/root/etc/passwd",
                                        "/proc/self/mem",
                                        "/proc/self/fd/3",
                                        "/proc/kallsyms",
                                        "/proc/kcore",
                                        "/sys/kernel/notes",
                                        "proc/self/environ",
                                        "/dev/fd/3",
                                        NULL};

    return steal_any(h, WFD_ROOT, paths, PLAIN);
}

/*
 * Each fixed descriptor opened once more with other rights. All but the two directories, which are
 * meant to be opened.
 */
static long reopen_fixed(struct hostile *h, int flags)
{
    long res = -ENOENT;

    for (int fd = 0; fd < WFD_FIRST_FREE && res < 0; fd++) {
        char name[24];

        if (fd == WFD_PROC || fd == WFD_ROOT)
            continue;
        (void)snprintf(name, sizeof(name), "%d", fd);
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "descriptor %d", fd);
        res = steal(h, WFD_PROC, name, flags);
    }
    return res;
}

static long reopen_for_reading(struct hostile *h)
{
    return reopen_fixed(h, PLAIN);
}

static long reopen_for_writing(struct hostile *h)
{
    return reopen_fixed(h, O_RDWR | O_CLOEXEC);
}

/* The device nodes that the scene has put into the export. */
static long device_nodes(struct hostile *h)
{
    static const char *const paths[] = {"node-mem", "node-disk", "node-null", NULL};

    return steal_any(h, WFD_ROOT, paths, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* The same in two steps: a descriptor that only points, then a second opening through it. */
static long device_nodes_reopened(struct hostile *h)
{
    static const char *const nodes[] = {"node-mem", "node-disk", "node-null"};
    long res = -ENOENT;

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && res < 0; i++) {
        long fd = steal(h, WFD_ROOT, nodes[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char name[24];

        (void)snprintf(name, sizeof(name), "%ld", fd);
        res = fd < 0 ? fd : steal(h, WFD_PROC, name, PLAIN);
    }
    return res;
}

/* A file system that the host has mounted below the export. */
static long mounts_below(struct hostile *h)
{
    static const char *const paths[] = {"mnt/secret", "mnt/./secret", "dir/../mnt/secret", NULL};

    return steal_any(h, WFD_ROOT, paths, PLAIN);
}

/* Not opening, only looking. */
static long statx_outside(struct hostile *h)
{
    static const char *const paths[] = {"../outside/secret", "%o/secret",  "/etc/passwd",
                                        "/proc/self/mem",    "to-secret/", NULL};
    char buf[512];
    struct statx st;
    long res = -ENOENT;

    for (const char *const *p = paths; *p != NULL && res < 0; p++) {
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%s", *p);
        res = attack(SYS_statx, WFD_ROOT, AT(resolve(h, *p, buf, sizeof(buf))), 0, STATX_ALL,
                     AT(&st), 0);
    }
    return res;
}

/* Whatever else may be open: nothing behind the fixed numbers is. */
static long any_open_descriptor(struct hostile *h)
{
    long res = -EBADF;

    for (uintptr_t fd = WFD_FIRST_FREE; fd < 2048 && res < 0; fd++) {
        res = attack(SYS_pread64, fd, AT(h->brief->loot), sizeof(h->brief->loot), 0, 0, 0);
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "descriptor %d", (int)fd);
    }
    return res;
}

/* The descriptor tree lists this process's descriptors and nothing that is not among them. */
static long list_descriptors(struct hostile *h)
{
    long dir = steal(h, WFD_PROC, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;
    static _Alignas(8) char buf[8192];

    while (dir >= 0 &&
           (n = attack(SYS_getdents64, (uintptr_t)dir, AT(buf), sizeof(buf), 0, 0, 0)) > 0) {
        for (long at = 0; at < n; at += *(unsigned short *)(void *)(buf + at + 16)) {
            const char *name = buf + at + 19; /* struct linux_dirent64 */

            if (name[0] != '.' && strtol(name, NULL, 10) > WFD_FIRST_FREE)
                return strtol(name, NULL, 10);
        }
    }
    return -ENOENT;
}

#define CALL(name, nr, ...) CALL_UNDER(BUILT_IN, name, nr, __VA_ARGS__)
#define RUN(name, outcome) RUN_UNDER(BOTH, name, outcome)

static char buf4k[4096];

static const struct attempt table[] = {
    RUN(dotdot_of_root, REFUSED),
    RUN(absolute_path, REFUSED),
    RUN(device_paths, REFUSED),
    RUN(xenstore_paths, REFUSED),
    RUN(proc_up, REFUSED),
    RUN_UNDER(BUILT_IN, proc_up_for_writing, REFUSED),
    RUN(proc_by_name, REFUSED),
    RUN(reopen_for_reading, REFUSED),
    RUN_UNDER(BUILT_IN, reopen_for_writing, REFUSED),
    RUN(device_nodes, REFUSED),
    RUN(device_nodes_reopened, REFUSED),
    RUN(mounts_below, REFUSED),
    RUN(statx_outside, REFUSED),
    RUN(any_open_descriptor, REFUSED),
    RUN(list_descriptors, REFUSED),
    CALL("at_fdcwd", SYS_openat, (uintptr_t)AT_FDCWD, AT("../mem"), PLAIN),
    CALL("at_fdcwd_32_bits", SYS_openat, 0xffffff9c, AT("../mem"), PLAIN),
    CALL("dirfd_high_bits", SYS_openat, (1ull << 32) | WFD_ROOT, AT("/etc/passwd"), PLAIN),
    CALL("o_tmpfile", SYS_openat, WFD_ROOT, AT("."), O_TMPFILE | O_RDWR, 0600),
    CALL("o_direct", SYS_openat, WFD_ROOT, AT("file"), O_RDONLY | O_DIRECT),
    CALL("flags_high_bits", SYS_openat, WFD_ROOT, AT("file"), 1ull << 32),
    CALL("open", SYS_open, AT("../mem"), O_RDONLY),
    CALL("creat", SYS_creat, AT("/new"), 0600),
    CALL("stat", SYS_stat, AT("../mem"), AT(buf4k)),
    CALL("lstat", SYS_lstat, AT("../mem"), AT(buf4k)),
    CALL("access", SYS_access, AT("../mem"), 0),
    CALL("faccessat2", SYS_faccessat2, WFD_ROOT, AT("file"), 0, 0),
    CALL("readlink", SYS_readlink, AT("../cwd"), AT(buf4k), 4096),
    CALL("statfs", SYS_statfs, AT("/"), AT(buf4k)),
    CALL("getcwd", SYS_getcwd, AT(buf4k), 4096),
    CALL("newfstatat_cwd", SYS_newfstatat, (uintptr_t)AT_FDCWD, AT("../mem"), AT(buf4k), 0),
    CALL("statx_cwd", SYS_statx, (uintptr_t)AT_FDCWD, AT("../mem"), 0, 0xfff, AT(buf4k)),
    CALL("readlinkat_cwd", SYS_readlinkat, (uintptr_t)AT_FDCWD, AT("../cwd"), AT(buf4k), 4096),
    CALL("openat2", SYS_openat2, WFD_ROOT, AT("file"), AT(buf4k), 24),
    CALL("name_to_handle_at", SYS_name_to_handle_at, WFD_ROOT, AT("file"), AT(buf4k), AT(buf4k), 0),
    CALL("open_by_handle_at", SYS_open_by_handle_at, WFD_ROOT, AT(buf4k), 0),
    CALL("inotify_add_watch", SYS_inotify_add_watch, WFD_FIRST_FREE, AT("/"), 0xfff),
    CALL("ustat", SYS_ustat, 1, AT(buf4k)),
    CALL("sysfs", SYS_sysfs, 3),
};
SUBJECT(paths, table);
