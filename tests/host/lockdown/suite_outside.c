/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_outside.c - a running worker as the host's /proc shows it, thread by thread.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"
#include "xen9p/descriptors.h"
#include "xen9p/filter.h"
#include "xen9p/limits.h"

static char text[65536];

/* /proc/PID/`name` as a string. */
static const char *proc(const struct box *b, const char *name)
{
    char path[400];
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", b->res.pid, name);
    f = fopen(path, "re");
    if (f == NULL)
        FAIL("%s: %m", path);
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

static const char *link_of(int pid, const char *name)
{
    static char target[256];
    char path[160];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        FAIL("%s: %m", path);
    target[n] = '\0';
    return target;
}

static void expect_line(const char *where, const char *line)
{
    char want[160];

    snprintf(want, sizeof(want), "\n%s\n", line);
    if (strstr(text, want) == NULL)
        FAIL("%s: no line \"%s\" in:\n%s", where, line, text);
}

static void judge_thread(const struct box *b, const char *tid)
{
    char name[300], ids[80];

    snprintf(name, sizeof(name), "task/%s/status", tid);
    (void)proc(b, name);
    snprintf(ids, sizeof(ids), "Uid:\t%d\t%d\t%d\t%d", BOX_UID, BOX_UID, BOX_UID, BOX_UID);
    expect_line(tid, ids);
    memcpy(ids, "Gid", 3);
    expect_line(tid, ids);
    expect_line(tid, "Groups:\t ");
    expect_line(tid, "CapInh:\t0000000000000000");
    expect_line(tid, "CapPrm:\t0000000000000002"); /* DAC_OVERRIDE, in its own user namespace */
    expect_line(tid, "CapEff:\t0000000000000002");
    expect_line(tid, "CapBnd:\t0000000000000000");
    expect_line(tid, "CapAmb:\t0000000000000000");
    expect_line(tid, "NoNewPrivs:\t1");
    expect_line(tid, "Seccomp:\t2");
    expect_line(tid, "Seccomp_filters:\t1");
    expect_line(tid, "SigBlk:\t0000000000004000"); /* SIGTERM */
    expect_line(tid, "SigIgn:\t0000000001001000"); /* SIGPIPE, SIGXFSZ */
}

static void judge_threads(const struct box *b)
{
    char path[64];
    struct dirent *e;
    unsigned seen = 0;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/task", b->res.pid);
    d = opendir(path);
    CHECK(d != NULL);
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        judge_thread(b, e->d_name);
        seen++;
    }
    closedir(d);
    CHECK_EQ(seen, b->config.threads + 2); /* main, and the quota's scan */
}

static void judge_namespaces(const struct box *b, unsigned owner)
{
    static const char *const kinds[] = {"mnt", "pid", "net", "ipc", "uts", "user"};
    char map[64], name[16], ours[64];
    unsigned v[3];

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        snprintf(name, sizeof(name), "ns/%s", kinds[i]);
        snprintf(ours, sizeof(ours), "%s", link_of(getpid(), name));
        if (strcmp(ours, link_of(b->res.pid, name)) == 0)
            FAIL("shares the %s namespace of its supervisor", kinds[i]);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(map, sizeof(map), "%s", proc(b, i == 0 ? "uid_map" : "gid_map"));
        CHECK_EQ(sscanf(map, "%u %u %u", &v[0], &v[1], &v[2]), 3);
        CHECK(strchr(map, '\n') == map + strlen(map) - 1);
        CHECK_EQ(v[0], owner);
        CHECK_EQ(v[1], BOX_UID);
        CHECK_EQ(v[2], 1);
    }
    CHECK(strstr(proc(b, "status"), "NSpid:\t") != NULL);
    CHECK(strstr(text, "\t1\n") != NULL); /* pid 1 in there */
}

static void judge_mounts(const struct box *b)
{
    const char *info = proc(b, "mountinfo");
    char root[300], point[64], options[256], dash[8];

    if (strchr(info, '\n') != info + strlen(info) - 1)
        FAIL("more than one mount:\n%s", info);
    CHECK_EQ(sscanf(info, "%*s %*s %*s %299s %63s %255s %7s", root, point, options, dash), 4);
    CHECK(strcmp(point, "/") == 0);
    CHECK(strcmp(dash, "-") == 0); /* no "shared:", no "master:" */
    CHECK(strncmp(options, b->spec.read_only ? "ro," : "rw,", 3) == 0);
    CHECK(strstr(options, "nosuid") && strstr(options, "nodev") && strstr(options, "noexec") &&
          strstr(options, "nosymfollow") && strstr(options, "idmapped"));
    CHECK(strcmp(link_of(b->res.pid, "root"), "/") == 0);
}

/* Number by number; nothing behind the fixed ones. */
static void judge_descriptors(const struct box *b)
{
    static const char *const what[WFD_FIRST_FREE] = {
        [WFD_CONTROL] = "socket:[",
        [WFD_NOTIFY] = "anon_inode:[eventfd]",
        [WFD_CALL] = "anon_inode:[eventfd]",
        [WFD_EPOLL] = "anon_inode:[eventpoll]",
        [WFD_KICK] = "anon_inode:[eventfd]",
        [WFD_SIGNAL] = "anon_inode:[signalfd]",
        [WFD_TIMER] = "anon_inode:[timerfd]",
        [WFD_THROTTLE] = "anon_inode:[timerfd]",
        [WFD_PROC] = "/",
        [WFD_ROOT] = "/",
    };
    char name[32], path[64];
    struct stat st, null;

    MUST(stat("/dev/null", &null));
    for (int fd = 0; fd < WFD_FIRST_FREE; fd++) {
        snprintf(name, sizeof(name), "fd/%d", fd);
        snprintf(path, sizeof(path), "/proc/%d/%s", b->res.pid, name);
        if (what[fd] == NULL) {
            MUST(stat(path, &st));
            CHECK(S_ISCHR(st.st_mode));
            CHECK_EQ(st.st_rdev, null.st_rdev);
        } else if (strncmp(link_of(b->res.pid, name), what[fd], strlen(what[fd])) != 0) {
            FAIL("descriptor %d is %s, expected %s", fd, link_of(b->res.pid, name), what[fd]);
        }
    }
    for (int fd = WFD_FIRST_FREE; fd < 1024; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", b->res.pid, fd);
        if (access(path, F_OK) == 0)
            FAIL("descriptor %d is open", fd);
    }
    /* the root is the export, with whatever is in there */
    snprintf(path, sizeof(path), "/proc/%d/fd/%d/", b->res.pid, WFD_ROOT);
    MUST(stat(path, &st));
    MUST(stat(b->export, &null));
    CHECK_EQ(st.st_ino, null.st_ino);
}

static void judge_rest(const struct box *b)
{
    char pid[64];
    struct stat st;
    unsigned long v[2];
    const char *p;
    const struct {
        const char *name;
        unsigned long value;
    } limits[] = {{"Max core file size", 0},
                  {"Max locked memory", 0},
                  {"Max data size", LIMIT_DATA + LIMIT_DATA_PER_FID * b->config.max_fids},
                  {"Max processes", b->config.threads + 2},
                  {"Max open files", WFD_FIRST_FREE + 4 * (b->config.threads + 1) + 52 +
                                         3 * b->config.max_fids + b->config.max_fids / 4}};

    (void)proc(b, "limits");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        p = strstr(text, limits[i].name);
        CHECK(p != NULL);
        if (sscanf(p + strlen(limits[i].name), "%lu %lu", &v[0], &v[1]) != 2 ||
            v[0] != limits[i].value || v[1] != limits[i].value)
            FAIL("%.80s, expected %lu", p, limits[i].value);
    }
    CHECK_EQ(strlen(proc(b, "environ")), 0);
    CHECK(strcmp(proc(b, "cmdline"), "xen9p-worker") == 0);
    /* memory that can be written is never executable; no mapping of a device */
    (void)proc(b, "maps");
    CHECK(strstr(text, " rwx") == NULL);
    CHECK(strstr(text, "/dev/") == NULL);
    /* not dumpable: its directory belongs to root, so that not even its own uid can trace it */
    snprintf(pid, sizeof(pid), "/proc/%d/fd", b->res.pid);
    MUST(stat(pid, &st));
    CHECK_EQ(st.st_uid, 0);
}

static void judge(struct box *b, unsigned owner)
{
    CHECK_EQ(b->ready.owner_uid, owner);
    CHECK_EQ(b->ready.max_fids, b->config.max_fids);
    CHECK_EQ(b->ready.threads, b->config.threads);
    judge_threads(b);
    judge_namespaces(b, owner);
    judge_mounts(b);
    judge_descriptors(b);
    judge_rest(b);
    box_kill(b);
}

static void owner_root(void)
{
    struct box b;

    box_prepare(&b, 0);
    box_start(&b);
    judge(&b, 0);
}

static void owner_user(void)
{
    struct box b;

    box_prepare(&b, 1234);
    box_start(&b);
    judge(&b, 1234);
}

static void read_only(void)
{
    const struct filter_spec filter = {.notify = CTL_NOTIFY_EVENTFD, .read_only = true};
    struct box b;

    box_prepare(&b, 1234);
    b.spec.read_only = true;
    b.config.flags = CTL_FLAG_READ_ONLY;
    close(b.fds[CTL_CONFIG_FD_FILTER]);
    b.fds[CTL_CONFIG_FD_FILTER] = filter_compile(&filter);
    box_start(&b);
    judge(&b, 1234);
}

/* An open, inheritable descriptor of the supervisor's must not get through. */
static void nothing_inherited(void)
{
    struct box b;

    for (int i = 0; i < 50; i++)
        MUST(open("/etc/passwd", O_RDONLY)); /* not close-on-exec */
    box_prepare(&b, 0);
    box_start(&b);
    judge_descriptors(&b);
    box_kill(&b);
}

/* What the host mounts below the export, before or later, is not in there. */
static void later_mounts(void)
{
    char before[160], later[160], path[200];
    struct box b;

    MUST(unshare(CLONE_NEWNS));
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    box_prepare(&b, 0);
    snprintf(before, sizeof(before), "%s/before", b.export);
    snprintf(later, sizeof(later), "%s/later", b.export);
    MUST(mkdir(before, 0755));
    MUST(mkdir(later, 0755));
    MUST(mount(b.export, b.export, NULL, MS_BIND, NULL));
    MUST(mount(NULL, b.export, NULL, MS_SHARED, NULL));
    MUST(mount("none", before, "tmpfs", 0, NULL));
    box_start(&b);
    MUST(mount("none", later, "tmpfs", 0, NULL));
    snprintf(path, sizeof(path), "%s/secret", before);
    MUST(mkdir(path, 0755));
    snprintf(path, sizeof(path), "%s/secret", later);
    MUST(mkdir(path, 0755));
    judge_mounts(&b);
    snprintf(path, sizeof(path), "/proc/%d/root/before/secret", b.res.pid);
    CHECK(access(path, F_OK) != 0);
    snprintf(path, sizeof(path), "/proc/%d/root/later/secret", b.res.pid);
    CHECK(access(path, F_OK) != 0);
    snprintf(path, sizeof(path), "/proc/%d/root/later", b.res.pid);
    CHECK(access(path, F_OK) == 0);
    box_kill(&b);
}

static const struct tap_case cases[] = {
    {"owner_root", owner_root, 0, 0},     {"owner_user", owner_user, 0, 0},
    {"read_only", read_only, 0, 0},       {"nothing_inherited", nothing_inherited, 0, 0},
    {"later_mounts", later_mounts, 0, 0},
};
const struct tap_suite suite_outside = {"outside", cases, sizeof(cases) / sizeof(cases[0])};
