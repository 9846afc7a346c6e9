/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_launch.c - from fork to exec: paths, owners, file systems, ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "box.h"

/* Mounts of this case go away with it. */
static void own_mounts(void)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static void fails(const char *path, enum ctl_step step, int error)
{
    struct box b;

    box_prepare(&b, 0);
    b.spec.path = path;
    tap_note("path %s", path);
    box_launch(&b);
    box_expect_failed(&b, step, error);
    box_free(&b);
}

static void bad_paths(void)
{
    char path[300];
    const char *d = tap_dir();
    const char *const wrong[] = {"",      "relative", "/",        "/tmp/",
                                 "//tmp", "/tmp//x",  "/tmp/./x", "/tmp/../tmp/x"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        fails(wrong[i], CTL_STEP_PATH, EINVAL);
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[299] = '\0';
    fails(path, CTL_STEP_PATH, EINVAL); /* longer than a name can be */

    snprintf(path, sizeof(path), "%s/file", d);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    fails(path, CTL_STEP_PATH, ENOTDIR);
    snprintf(path, sizeof(path), "%s/file/below", d);
    fails(path, CTL_STEP_PATH, ENOTDIR);

    snprintf(path, sizeof(path), "%s/real", d);
    MUST(mkdir(path, 0755));
    snprintf(path, sizeof(path), "%s/link", d);
    MUST(symlink("real", path));
    fails(path, CTL_STEP_PATH, ELOOP);
    snprintf(path, sizeof(path), "%s/link/below", d);
    fails(path, CTL_STEP_PATH, ELOOP);
    snprintf(path, sizeof(path), "%s/real/below", d);
    CHECK(access(path, F_OK) != 0);

    fails("/proc/missing/directory", CTL_STEP_PATH, ENOENT); /* none can be made there */
}

static void missing_directories(void)
{
    struct stat st;
    struct box b;
    char path[200];

    box_prepare(&b, 0);
    snprintf(path, sizeof(path), "%s/a/b.c/d", tap_dir());
    b.spec.path = path;
    umask(0);
    box_start(&b);
    for (int i = 0; i < 3; i++) {
        MUST(stat(path, &st));
        CHECK_EQ(st.st_mode, S_IFDIR | 0755);
        CHECK_EQ(st.st_uid, 0);
        *strrchr(path, '/') = '\0';
    }
    box_kill(&b);
}

static void bad_specs(void)
{
    struct launch_result res;
    struct box b;

    box_prepare(&b, 0);
    b.spec.worker_uid = 0;
    CHECK_ERR(-launch_worker(&b.launcher, &b.spec, &res), EINVAL);
    b.spec.worker_uid = (uid_t)-1;
    CHECK_ERR(-launch_worker(&b.launcher, &b.spec, &res), EINVAL);
    b.spec.worker_uid = BOX_UID;
    b.spec.worker_fd = open("/etc/passwd", O_PATH | O_CLOEXEC);
    box_launch(&b);
    box_expect_failed(&b, CTL_STEP_EXEC, EACCES);
}

/* What the one line of its uid_map says. */
static void expect_map(const struct box *b, unsigned inner, unsigned outer)
{
    unsigned v[3];
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/uid_map", b->res.pid);
    f = fopen(path, "re");
    CHECK(f != NULL);
    CHECK_EQ(fscanf(f, "%u %u %u", &v[0], &v[1], &v[2]), 3);
    fclose(f);
    CHECK_EQ(v[0], inner);
    CHECK_EQ(v[1], outer);
    CHECK_EQ(v[2], 1);
}

/* A file system without id maps: the owner's own id, but never root's. */
static void not_idmappable(void)
{
    static const struct {
        uid_t uid;
        gid_t gid;
        bool refused;
    } owners[] = {{0, 0, true}, {1234, 0, true}, {0, 1234, true}, {1234, 1234, false}};
    char dir[100], path[200];
    struct box b;

    own_mounts();
    snprintf(dir, sizeof(dir), "%s/mnt", tap_dir());
    MUST(mkdir(dir, 0755));
    MUST(mount("none", dir, "ramfs", 0, NULL));
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        box_prepare(&b, 0);
        snprintf(path, sizeof(path), "%s/%zu", dir, i);
        MUST(mkdir(path, 0700));
        MUST(chown(path, owners[i].uid, owners[i].gid));
        b.spec.path = path;
        tap_note("owner %u:%u", owners[i].uid, owners[i].gid);
        box_launch(&b);
        box_configure(&b);
        if (owners[i].refused) {
            box_expect_failed(&b, CTL_STEP_ROOT_OWNED, EINVAL);
        } else {
            box_expect_ready(&b);
            CHECK_EQ(b.ready.owner_uid, owners[i].uid);
            expect_map(&b, owners[i].uid, owners[i].uid);
            box_kill(&b);
        }
        box_free(&b);
    }
}

/* Identity mapped: an export of somebody else, and a file system that cannot keep others out. */
static void mapped_refused(void)
{
    static const struct {
        uid_t uid;
        gid_t gid;
    } owners[] = {{0, 0}, {299999, 300000}, {300000, 299999}, {300000, 365536}};
    char dir[100], path[200];
    struct box b;

    own_mounts();
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        box_prepare(&b, 0);
        MUST(chown(b.export, owners[i].uid, owners[i].gid));
        b.spec.identity = CTL_IDENTITY_MAPPED;
        b.spec.id_first = 300000;
        b.spec.id_count = 65536;
        tap_note("owner %u:%u", owners[i].uid, owners[i].gid);
        box_launch(&b);
        box_expect_failed(&b, CTL_STEP_ID_RANGE, EPERM);
        box_free(&b);
    }
    snprintf(dir, sizeof(dir), "%s/mnt", tap_dir());
    MUST(mkdir(dir, 0755));
    MUST(mount("none", dir, "ramfs", 0, NULL));
    snprintf(path, sizeof(path), "%s/export", dir);
    MUST(mkdir(path, 0700));
    MUST(chown(path, 300000, 300000));
    box_prepare(&b, 0);
    b.spec.path = path;
    b.spec.identity = CTL_IDENTITY_MAPPED;
    b.spec.id_first = 300000;
    b.spec.id_count = 65536;
    box_launch(&b);
    box_expect_failed(&b, CTL_STEP_NO_IDMAP, EINVAL);
    box_free(&b);
}

/*
 * A FUSE server that does not even say hello. Launch comes back at once, says nothing, and the
 * child can be ended.
 */
static void dead_server(void)
{
    char dir[100], below[120], options[100];
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    struct ctl_received r;
    long long start;
    struct box b;

    if (fuse < 0)
        FAIL("/dev/fuse: %m (modprobe fuse)");
    own_mounts();
    snprintf(dir, sizeof(dir), "%s/mnt", tap_dir());
    snprintf(below, sizeof(below), "%s/below", dir);
    MUST(mkdir(dir, 0755));
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    MUST(mount("dead", dir, "fuse", 0, options));
    for (int i = 0; i < 2; i++) {
        box_prepare(&b, 0);
        b.spec.path = i == 0 ? dir : below;
        start = tap_now();
        box_launch(&b);
        box_configure(&b);
        CHECK(tap_now() - start < 1000);
        CHECK(!box_message(&b, &r, 300));
        start = tap_now();
        box_kill(&b);
        CHECK(tap_now() - start < 2000);
        box_free(&b);
    }
}

static int count_entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    CHECK(d != NULL);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* Descriptors of a process. */
static int holds(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    return count_entries(path) - 2;
}

static int count_lines(const char *path)
{
    FILE *f = fopen(path, "re");
    int n = 0, ch;

    CHECK(f != NULL);
    while ((ch = fgetc(f)) != EOF)
        n += ch == '\n';
    fclose(f);
    return n;
}

/* No child of ours to be waited for but the launcher, and no process of the worker's uid. */
static void expect_no_process(void)
{
    struct dirent *e;
    char path[300];
    DIR *d;

    CHECK_EQ(waitpid(-1, NULL, WNOHANG), 0);
    d = opendir("/proc");
    CHECK(d != NULL);
    while ((e = readdir(d)) != NULL) {
        char line[256] = "";
        FILE *f;

        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s/status", e->d_name);
        f = fopen(path, "re");
        while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
            unsigned uid;

            if (sscanf(line, "Uid:\t%u", &uid) == 1 && uid == BOX_UID + 1)
                FAIL("process %s is left", e->d_name);
        }
        if (f != NULL)
            fclose(f);
    }
    closedir(d);
}

/* Killed at any moment between fork and READY: no process, descriptor or mount is left. */
static void killed_underway(void)
{
    const struct timespec step = {0, 250000};
    int fds, mounts, ready = 0;
    struct box b;

    own_mounts();
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1)); /* whatever it leaves behind comes to us */
    box_prepare(&b, 1234);
    b.spec.worker_uid = BOX_UID + 1;
    CHECK_ERR(-launcher_start(&b.launcher), 0);
    fds = count_entries("/proc/self/fd");
    mounts = count_lines("/proc/self/mountinfo");
    for (int i = 0; i < 200 && ready < 5; i++) {
        struct ctl_received r;

        box_launch(&b);
        box_configure(&b);
        for (int n = 0; n < i; n++)
            (void)nanosleep(&step, NULL);
        MUST(kill(b.res.pid, SIGKILL));
        /* what it said is still there to be read: how far it got */
        if (box_message(&b, &r, 0))
            ready += r.msg.hdr.type == CTL_READY;
        if (box_wait(&b, BOX_WAIT_MS) == -1)
            FAIL("round %d: SIGKILL did not end it", i);
        expect_no_process();
        CHECK_EQ(count_entries("/proc/self/fd"), fds);
        CHECK_EQ(count_lines("/proc/self/mountinfo"), mounts);
    }
    CHECK(ready > 0); /* the rounds reached from one end to the other */
    CHECK_EQ(holds(b.launcher.pid), 4);
    box_free(&b);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQ(errno, ECHILD);
}

/* It has nothing but the three descriptors of a daemon and its socket, whatever the supervisor had open. */
static void launcher_holds_little(void)
{
    struct box b;

    box_prepare(&b, 1234);
    CHECK(fcntl(0, F_DUPFD, 500) >= 500);
    CHECK_ERR(-launcher_start(&b.launcher), 0);
    for (int i = 0; i < 3; i++) {
        box_start(&b);
        CHECK_EQ(holds(b.launcher.pid), 4);
        box_kill(&b);
    }
}

/* Somebody kills it, or stops it: the workers go on, and the next one is launched by its successor. */
static void launcher_gone(int sig)
{
    struct box b, next;
    pid_t first;

    box_prepare(&b, 1234);
    box_start(&b);
    box_prepare(&next, 1234);
    first = b.launcher.pid;
    MUST(kill(first, sig));
    next.launcher = b.launcher;
    box_start(&next);
    CHECK(next.launcher.pid != first);
    CHECK_EQ(box_wait(&b, 100), -1);
    box_kill(&b);
    box_kill(&next);
    box_free(&next);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

static void launcher_killed(void)
{
    launcher_gone(SIGKILL);
}

static void launcher_stopped(void)
{
    launcher_gone(SIGSTOP);
}

/* The supervisor dies, before and after READY: neither the worker nor the launcher outlives it. */
static void supervisor_dies(void)
{
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    for (int when = 0; when < 3; when++) {
        pid_t supervisor, worker, ended;
        int status, to_us[2];
        long long deadline;

        MUST(pipe(to_us));
        supervisor = fork();
        MUST(supervisor);
        if (supervisor == 0) {
            struct box b;

            box_prepare(&b, 1234);
            box_launch(&b);
            MUST(write(to_us[1], &b.res.pid, sizeof(b.res.pid)));
            if (when > 0)
                box_configure(&b);
            if (when > 1)
                box_expect_ready(&b);
            _exit(0);
        }
        CHECK_EQ(read(to_us[0], &worker, sizeof(worker)), sizeof(worker));
        CHECK_EQ(waitpid(supervisor, &status, 0), supervisor);
        CHECK_EQ(status, 0);
        deadline = tap_now() + 5000;
        while ((ended = waitpid(-1, &status, WNOHANG)) >= 0 && tap_now() < deadline)
            if (ended == 0)
                tap_sleep(5);
        if (ended >= 0)
            FAIL("the worker or the launcher outlives its supervisor (case %d)", when);
        close(to_us[0]);
        close(to_us[1]);
    }
}

static const struct tap_case cases[] = {
    {"bad_paths", bad_paths, 0, 0},
    {"missing_directories", missing_directories, 0, 0},
    {"bad_specs", bad_specs, 0, 0},
    {"not_idmappable", not_idmappable, 0, 0},
    {"mapped_refused", mapped_refused, 0, 0},
    {"dead_server", dead_server, 0, 0},
    {"killed_underway", killed_underway, 0, 0},
    {"launcher_holds_little", launcher_holds_little, 0, 0},
    {"launcher_killed", launcher_killed, 0, 0},
    {"launcher_stopped", launcher_stopped, 0, 0},
    {"supervisor_dies", supervisor_dies, 0, 0},
};
const struct tap_suite suite_launch = {"launch", cases, sizeof(cases) / sizeof(cases[0])};
