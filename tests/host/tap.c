/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap.c - runs test cases and prints TAP.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS 8

struct job {
    pid_t pid;
    const struct tap_suite *suite;
    const struct tap_case *c;
    int output;
    long long started, deadline;
    bool timed_out;
    char dir[64];
};

static struct runner {
    struct job job[MAX_JOBS];
    unsigned max_jobs, running;
    unsigned number, failed, skipped;
    bool verbose, jailed, fast, emulated;
    char **names;
    int num_names;
    const char *dir;                     /* of the running case; only in its process */
    const struct tap_case *running_case; /* the same */
} run;

long long tap_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

void tap_sleep(long long ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

const char *tap_dir(void)
{
    return run.dir;
}

const struct tap_case *tap_running(void)
{
    return run.running_case;
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
    const char *base = strrchr(file, '/');
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", base != NULL ? base + 1 : file, line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    fflush(stderr);
    va_end(ap);
    _exit(1);
}

void tap_equal(const char *file, int line, const char *what, long long got, long long want)
{
    if (got != want)
        tap_fail(file, line, "%s is %lld (0x%llx), expected %lld (0x%llx)", what, got, got, want,
                 want);
}

void tap_errno(const char *file, int line, const char *what, int got, int want)
{
    const char *g = strerrorname_np(got), *w = strerrorname_np(want);

    if (got != want)
        tap_fail(file, line, "%s gave %s (%d), expected %s", what, g != NULL ? g : "?", got,
                 w != NULL ? w : "?");
}

void tap_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

/* Goes by directory, not by path, which may be longer than PATH_MAX. */
static void remove_tree(char *top)
{
    char *const tops[] = {top, NULL};
    FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_XDEV, NULL);
    FTSENT *e;

    while (tree != NULL && (e = fts_read(tree)) != NULL)
        if (e->fts_info != FTS_D && remove(e->fts_accpath) != 0 && errno != ENOENT)
            fprintf(stderr, "# cannot remove %.200s: %m\n", e->fts_path);
    if (tree != NULL)
        fts_close(tree);
}

/* A case that died may have left its image frozen: its worker would never end. */
static void clean_up(struct job *j)
{
    char mnt[80];
    int fd;

    snprintf(mnt, sizeof(mnt), "%s/mnt", j->dir);
    fd = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)ioctl(fd, FITHAW, 0);
        close(fd);
        while (umount2(mnt, MNT_DETACH) == 0)
            ;
    }
    remove_tree(j->dir);
}

static void show_output(int fd)
{
    FILE *f = fdopen(dup(fd), "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    if (f == NULL)
        return;
    rewind(f);
    while ((n = getline(&line, &cap, f)) > 0)
        printf("# %s%s", line, line[n - 1] == '\n' ? "" : "\n");
    free(line);
    fclose(f);
}

/* An emulator takes several times as long as the processor. */
static unsigned limit_of(const struct tap_case *c)
{
    return (c->seconds != 0 ? c->seconds : TAP_SECONDS) * (run.emulated ? 4 : 1);
}

static void start(struct job *j, const struct tap_suite *s, const struct tap_case *c)
{
    const char *tmp = getenv("TMPDIR");

    memset(j, 0, sizeof(*j));
    j->suite = s;
    j->c = c;
    snprintf(j->dir, sizeof(j->dir), "%.40s/xen9p-test.XXXXXX", tmp != NULL ? tmp : "/tmp");
    j->output = memfd_create("output", MFD_CLOEXEC);
    if (mkdtemp(j->dir) == NULL || chmod(j->dir, 0755) != 0 || j->output < 0) {
        printf("Bail out! cannot make %s: %s\n", j->dir, strerror(errno));
        exit(1);
    }
    j->started = tap_now();
    j->deadline = j->started + limit_of(c) * 1000ll;
    fflush(stdout);
    j->pid = fork();
    if (j->pid < 0) {
        printf("Bail out! fork: %s\n", strerror(errno));
        exit(1);
    }
    if (j->pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(j->output, 1);
        dup2(j->output, 2);
        setvbuf(stdout, NULL, _IOLBF, 0);
        run.dir = j->dir;
        run.running_case = c;
        umask(022);
        c->run();
        fflush(NULL);
        _exit(0); /* a case need not tidy up: it is the worker's memory that is checked for leaks */
    }
    run.running++;
}

static void finish(struct job *j, int status)
{
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !j->timed_out;

    printf("%sok %u - %s.%s (%lld ms)\n", good ? "" : "not ", ++run.number, j->suite->name,
           j->c->name, tap_now() - j->started);
    if (!good) {
        run.failed++;
        if (j->timed_out)
            printf("# did not end within %u s\n", limit_of(j->c));
        else if (WIFSIGNALED(status))
            printf("# ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    if (!good || run.verbose)
        show_output(j->output);
    fflush(stdout);
    clean_up(j);
    close(j->output);
    j->pid = 0;
    run.running--;
}

/* Waits until one of the running cases has ended. */
static void reap(void)
{
    for (;;) {
        for (struct job *j = run.job; j < run.job + MAX_JOBS; j++) {
            int status;

            if (j->pid == 0)
                continue;
            if (waitpid(j->pid, &status, WNOHANG) == j->pid) {
                finish(j, status);
                return;
            }
            if (tap_now() > j->deadline && !j->timed_out) {
                j->timed_out = true;
                kill(-j->pid, SIGKILL);
            }
        }
        tap_sleep(5);
    }
}

static bool selected(const struct tap_suite *s, const struct tap_case *c)
{
    char full[160];

    bool by_name = (c->flags & TAP_LONG) != 0;

    snprintf(full, sizeof(full), "%s.%s", s->name, c->name);
    for (int i = 0; i < run.num_names; i++)
        if (strcmp(run.names[i], full) == 0 || (!by_name && strcmp(run.names[i], s->name) == 0))
            return true;
    return run.num_names == 0 && !by_name;
}

static bool have_loop(void)
{
    int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static const char *why_not(const struct tap_case *c)
{
    if ((c->flags & TAP_JAILED) && !run.jailed)
        return "tests the jail, which this build is without";
    if ((c->flags & TAP_LOOP) && !have_loop())
        return "this machine has no loop devices";
    if ((c->flags & TAP_SLOW) && run.fast)
        return "too slow under a sanitizer or an emulator";
    if ((c->flags & TAP_FREEZE) && run.emulated)
        return "the emulator does not know FIFREEZE";
    return NULL;
}

static void run_case(const struct tap_suite *s, const struct tap_case *c)
{
    const char *skip = why_not(c);
    bool alone = (c->flags & TAP_ALONE) != 0;

    if (skip != NULL) {
        printf("ok %u - %s.%s # SKIP %s\n", ++run.number, s->name, c->name, skip);
        run.skipped++;
        return;
    }
    while (run.running >= (alone ? 1 : run.max_jobs))
        reap();
    for (struct job *j = run.job; j < run.job + MAX_JOBS; j++)
        if (j->pid == 0) {
            start(j, s, c);
            break;
        }
    while (alone && run.running > 0)
        reap();
}

static unsigned options(int argc, char **argv)
{
    int opt, list = 0;

    run.fast = run.emulated;
    run.max_jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    if (run.max_jobs > MAX_JOBS)
        run.max_jobs = MAX_JOBS;
#ifdef XEN9P_SANITIZER_BUILD
    run.fast = true;
#endif
    while ((opt = getopt(argc, argv, "lj:v")) != -1) {
        switch (opt) {
        case 'l':
            list = 1;
            break;
        case 'j':
            run.max_jobs = (unsigned)atoi(optarg);
            if (run.max_jobs < 1 || run.max_jobs > MAX_JOBS)
                run.max_jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
            if (run.max_jobs > MAX_JOBS)
                run.max_jobs = MAX_JOBS;
#ifdef XEN9P_SANITIZER_BUILD
            run.fast = true;
#endif
            break;
        case 'v':
            run.verbose = true;
            break;
        default:
            fprintf(stderr, "usage: %s [-l] [-v] [-j N] [suite[.case]...]\n", argv[0]);
            exit(2);
        }
    }
    run.names = argv + optind;
    run.num_names = argc - optind;
    return (unsigned)list;
}

static unsigned count(const struct tap_suite *const *suites, bool list)
{
    unsigned n = 0;

    for (; *suites != NULL; suites++)
        for (size_t i = 0; i < (*suites)->num_cases; i++)
            if (selected(*suites, &(*suites)->cases[i])) {
                n++;
                if (list)
                    printf("%s.%s\n", (*suites)->name, (*suites)->cases[i].name);
            }
    return n;
}

/* Mounts of cases are nobody else's, and vanish with us. */
static void own_mounts(void)
{
    struct rlimit nofile;

    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("Bail out! these tests start jailed workers: run them as root (%s)\n",
               strerror(errno));
        exit(1);
    }
    if (getrlimit(RLIMIT_NOFILE, &nofile) == 0) {
        nofile.rlim_cur = nofile.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &nofile);
    }
}

int tap_main(int argc, char **argv, const struct tap_suite *const *suites, bool jailed)
{
    bool list;
    unsigned n;

    run.jailed = jailed;
    run.emulated = getenv("TEST_EMULATOR") != NULL;
    list = options(argc, argv) != 0;
    n = count(suites, list);
    if (list)
        return 0;
    if (n == 0) {
        fprintf(stderr, "no such case\n");
        return 2;
    }
    own_mounts();
    signal(SIGPIPE, SIG_IGN);
    printf("TAP version 13\n1..%u\n", n);
    for (; *suites != NULL; suites++)
        for (size_t i = 0; i < (*suites)->num_cases; i++)
            if (selected(*suites, &(*suites)->cases[i]))
                run_case(*suites, &(*suites)->cases[i]);
    while (run.running > 0)
        reap();
    printf("# %u cases, %u failed, %u skipped\n", n, run.failed, run.skipped);
    return run.failed != 0;
}
