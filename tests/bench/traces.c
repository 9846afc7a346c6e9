/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traces.c - what record.c writes down is what trace.c reads, and replays to the same end: as messages to a worker, and
 * as system calls. Every kind of request that a trace can have is in it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../host/backend.h"
#include "../host/p9c.h"
#include "trace.h"
#include "trace_kinds.h"
#include "xen9p/limits.h"

/* Of session(), whose lines have the same order. */
static const char expected[] = "# SPDX-License-Identifier: GPL-2.0-or-later\n"
                               "# Recorded by tests/bench/record.c from\n"
                               "+dir dir 0755\n"
                               "+file dir/file 0640 5\n"
                               "+symlink link dir/file\n"
                               "attach 0\n"
                               "statfs 0\n"
                               "walk 0 1 dir file\n"
                               "getattr 1\n"
                               "getattr 1 2047\n"
                               "open 1 0\n"
                               "read 1 0 100 = 5\n"
                               "xattrwalk 1 2 user.none ! 61\n"
                               "clunk 1\n"
                               "walk 0 1 link\n"
                               "readlink 1\n"
                               "clunk 1\n"
                               "walk 0 1 absent ! 2\n"
                               "walk 0 1 dir absent ! 2\n"
                               "mkdir 0 new 0750 0\n"
                               "mkdir 0 new 0750 0 ! 17\n"
                               "walk 0 1 new\n"
                               "create 1 f 0102 0644 0\n"
                               "write 1 0 7\n"
                               "fsync 1 0\n"
                               "lock 1 1 0 0 0 9 me\n"
                               "getlock 1 1 0 0 9 me\n"
                               "setattr 1 8 0 0 0 3 0 0 0 0\n"
                               "link 0 1 hard\n"
                               "symlink 0 soft new/f 0\n"
                               "renameat 0 new 0 moved\n"
                               "clunk 1\n"
                               "walk 0 1 moved f\n"
                               "clunk 1\n"
                               "walk 0 1 moved\n"
                               "open 1 0200000\n"
                               "readdir 1 0 4096\n"
                               "readdir 1 1 4096\n"
                               "clunk 1\n"
                               "unlinkat 0 hard 0\n"
                               "unlinkat 0 dir 0 ! 21\n"
                               "clunk 0\n";

/* What is there afterwards. */
static const char *const left[] = {"dir", "dir/file", "link", "soft", "moved", "moved/f"};

/* A request, whose reply record.c looks at. */
static void ask(struct link *k, uint8_t type, const char *fmt, ...)
{
    uint8_t msg[256];
    uint32_t len;
    va_list ap;

    va_start(ap, fmt);
    len = p9_vpack(msg, sizeof(msg), type, 0, fmt, ap);
    va_end(ap);
    (void)load_call(k, msg, len);
}

static void session(struct link *k)
{
    load_mount(k);
    ask(k, P9_TSTATFS, "d", 0u);
    ask(k, P9_TWALK, "ddwss", 0u, 1u, 2, "dir", "file");
    ask(k, P9_TGETATTR, "dq", 1u, (uint64_t)TRACE_ATTRS);
    ask(k, P9_TGETATTR, "dq", 1u, (uint64_t)P9_GETATTR_BASIC);
    ask(k, P9_TLOPEN, "dd", 1u, P9_L_RDONLY);
    ask(k, P9_TREAD, "dqd", 1u, UINT64_C(0), 100u);
    ask(k, P9_TXATTRWALK, "dds", 1u, 2u, "user.none");
    ask(k, P9_TCLUNK, "d", 1u);
    ask(k, P9_TWALK, "ddws", 0u, 1u, 1, "link");
    ask(k, P9_TREADLINK, "d", 1u);
    ask(k, P9_TCLUNK, "d", 1u);
    ask(k, P9_TWALK, "ddws", 0u, 1u, 1, "absent");
    ask(k, P9_TWALK, "ddwss", 0u, 1u, 2, "dir", "absent");
    ask(k, P9_TMKDIR, "dsdd", 0u, "new", 0750u, 0u);
    ask(k, P9_TMKDIR, "dsdd", 0u, "new", 0750u, 0u);
    ask(k, P9_TWALK, "ddws", 0u, 1u, 1, "new");
    ask(k, P9_TLCREATE, "dsddd", 1u, "f", P9_L_RDWR | P9_L_CREAT, 0644u, 0u);
    ask(k, P9_TWRITE, "dqdB", 1u, UINT64_C(0), 7u, (size_t)7, "written");
    ask(k, P9_TFSYNC, "dd", 1u, 0u);
    ask(k, P9_TLOCK, "dbdqqds", 1u, 1, 0u, UINT64_C(0), UINT64_C(0), 9u, "me");
    ask(k, P9_TGETLOCK, "dbqqds", 1u, 1, UINT64_C(0), UINT64_C(0), 9u, "me");
    ask(k, P9_TSETATTR,
        "ddddd"
        "qqqqq",
        1u, P9_SETATTR_SIZE, 0u, 0u, 0u, UINT64_C(3), UINT64_C(0), UINT64_C(0), UINT64_C(0),
        UINT64_C(0));
    ask(k, P9_TLINK, "dds", 0u, 1u, "hard");
    ask(k, P9_TSYMLINK, "dssd", 0u, "soft", "new/f", 0u);
    ask(k, P9_TRENAMEAT, "dsds", 0u, "new", 0u, "moved");
    ask(k, P9_TCLUNK, "d", 1u);
    ask(k, P9_TWALK, "ddwss", 0u, 1u, 2, "moved", "f");
    ask(k, P9_TCLUNK, "d", 1u);
    ask(k, P9_TWALK, "ddws", 0u, 1u, 1, "moved");
    ask(k, P9_TLOPEN, "dd", 1u, P9_L_DIRECTORY);
    ask(k, P9_TREADDIR, "dqd", 1u, UINT64_C(0), 4096u);
    ask(k, P9_TREADDIR, "dqd", 1u, UINT64_C(1), 4096u);
    ask(k, P9_TCLUNK, "d", 1u);
    ask(k, P9_TUNLINKAT, "dsd", 0u, "hard", 0u);
    ask(k, P9_TUNLINKAT, "dsd", 0u, "dir", 0u);
    ask(k, P9_TCLUNK, "d", 0u);
}

static int make_export(const char *path)
{
    int dir, fd;

    MUST(mkdir(path, 0755));
    MUST(dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    MUST(mkdirat(dir, "dir", 0755));
    MUST(fd = openat(dir, "dir/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
    CHECK_EQ(write(fd, "there", 5), 5);
    close(fd);
    MUST(symlinkat("dir/file", dir, "link"));
    return dir;
}

/* record of the same build, with a port that nobody else has; its standard output is the trace. */
static pid_t start_record(struct sockaddr_in *at, const char *export, const char *trace)
{
    char path[512], port[8];
    socklen_t len = sizeof(*at);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), out;
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);
    pid_t pid;

    MUST(n);
    path[n] = '\0';
    strcpy(strrchr(path, '/'), "/record");
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    MUST(bind(s, (struct sockaddr *)at, sizeof(*at)));
    MUST(getsockname(s, (struct sockaddr *)at, &len));
    close(s);
    snprintf(port, sizeof(port), "%u", ntohs(at->sin_port));
    MUST(out = open(trace, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    MUST(pid = fork());
    if (pid == 0) {
        MUST(prctl(PR_SET_PDEATHSIG, SIGKILL)); /* else it would wait for a guest for ever */
        MUST(dup2(out, STDOUT_FILENO));
        execl(path, "record", port, export, (char *)NULL);
        _exit(127);
    }
    close(out);
    return pid;
}

static int connect_to(const struct sockaddr_in *at, pid_t server)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long long deadline = tap_now() + RIG_WAIT_MS;

    MUST(s);
    while (connect(s, (const struct sockaddr *)at, sizeof(*at)) != 0) {
        CHECK(tap_now() < deadline && waitpid(server, NULL, WNOHANG) == 0);
        tap_sleep(5);
    }
    return s;
}

static void record(const char *export, const char *trace)
{
    struct sockaddr_in at;
    struct link k = {.aname = "", .msize = LIMIT_MAX_MSIZE};
    pid_t pid = start_record(&at, export, trace);
    int status;

    k.sock = connect_to(&at, pid);
    session(&k);
    close(k.sock);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

static void check_text(const char *trace)
{
    static char got[2 * sizeof(expected)];
    FILE *f = fopen(trace, "re");

    CHECK(f != NULL);
    got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
    fclose(f);
    if (strcmp(got, expected) != 0)
        FAIL("the trace is\n%s", got);
    for (size_t i = 0; i < NUM_TRACE_KINDS; i++) {
        char word[32];

        snprintf(word, sizeof(word), "\n%s ", trace_kinds[i].name);
        if (strstr(got, word) == NULL)
            FAIL("no %s in it", trace_kinds[i].name);
    }
}

static void check_tree(int recorded, const char *root)
{
    int dir = openat(AT_FDCWD, root, O_PATH | O_CLOEXEC);
    struct stat a, b;

    MUST(dir);
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        tap_note("%s", left[i]);
        MUST(fstatat(recorded, left[i], &a, AT_SYMLINK_NOFOLLOW));
        MUST(fstatat(dir, left[i], &b, AT_SYMLINK_NOFOLLOW));
        CHECK_EQ(b.st_mode, a.st_mode);
        CHECK_EQ(b.st_nlink, a.st_nlink);
        CHECK(S_ISDIR(a.st_mode) || b.st_size == a.st_size);
    }
    CHECK(fstatat(dir, "hard", &b, 0) != 0 && fstatat(dir, "new", &b, 0) != 0);
    close(dir);
}

static void recorded_is_replayed(void)
{
    struct load l = {1, 0, trace_message, trace_reply, false, true};
    struct link k = {.aname = "", .msize = LIMIT_MAX_MSIZE};
    char export[128], trace[128], root[128];
    int recorded;

    snprintf(export, sizeof(export), "%s/recorded", tap_dir());
    snprintf(trace, sizeof(trace), "%s/trace.txt", tap_dir());
    recorded = make_export(export);
    MUST(setenv("XEN9P_BENCH_DIR", tap_dir(), 1));
    record(export, trace);
    check_text(trace);

    k.rig = rig_new(NULL);
    k.server = k.rig->pid;
    snprintf(root, sizeof(root), "%s/trace", k.rig->root);
    load_mount(&k);
    l.ops = trace_begin(k.rig, trace);
    (void)load_run(&k, &l);
    check_tree(recorded, root);
    l.ops = trace_begin(k.rig, trace);
    for (uint64_t i = 0; i < l.ops; i++)
        trace_raw(i);
    check_tree(recorded, root);
    close(recorded);
    rig_end(k.rig);
}

static const struct tap_case cases[] = {
    {"recorded_is_replayed", recorded_is_replayed, TAP_JAILED, 0},
};
static TAP_SUITE(traces, cases);

int main(int argc, char **argv)
{
    const struct tap_suite *const suites[] = {&suite_traces, NULL};

    return tap_main(argc, argv, suites, backend_is_jailed);
}
