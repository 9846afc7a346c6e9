/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.c - the shipped, fully locked-down worker against the raw system calls it makes, and
 * against another server of the same protocol.
 *
 * For each workload, in turn and several times over: the worker behind rings in a memfd, diod behind
 * a unix socket (where it is installed), and a plain loop of the same system calls on the same files with
 * the same sizes. Only ratios within one run mean anything: the machine is shared. Two workloads are what a guest has
 * asked for once, message by message (trace.h); all others are made up.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../audit/rig.h"
#include "backend.h"
#include "beside.h"
#include "floor.h"
#include "report.h"
#include "trace.h"
#include "workloads.h"
#include "xen9p/limits.h"

#define MAX_ROUNDS 15
#define SPIN_SECONDS 50e-6

/* What a policy records that does not say otherwise. */
#define AUDIT_DEFAULT (1u << AUDIT_SESSION | 1u << AUDIT_DENY | 1u << AUDIT_VIOLATION)

/* Workers that differ in one thing from the first. A smoke run has those of the upper part. */
static const struct variant {
    const char *title; /* of its table */
    double target;     /* least ratio: to the first, or of the first to a bare one; 0: none */
    uint32_t rings, threads;
    uint32_t audit; /* classes that are recorded, by a real xen9p-audit */
    bool no_polling;
    bool bare;       /* the same engine without its jail; it is what the first is compared with */
    bool everywhere; /* in all workloads, not only in those that vary */
} variants[] = {
    {"xen9p and the raw system calls", 0, 2, 4, 0, false, false, true},
    {"poll-us 0, against the same with polling", 0, 2, 4, 0, true, false, false},
    {"audit: default classes, against none", 0.95, 2, 4, AUDIT_DEFAULT, false, false, true},
    {"audit: all classes, against none", 0.7, 2, 4, AUDIT_ALL_CLASSES, false, false, true},
    {"with its sandbox, against the engine without one", 0.95, 2, 4, 0, false, true, true},

    {"1 ring, 4 threads, against 2 rings, 4 threads", 0, 1, 4, 0, false, false, false},
    {"2 rings, 2 threads, against 2 rings, 4 threads", 0, 2, 2, 0, false, false, false},
    {"2 rings, 1 thread, against 2 rings, 4 threads", 0, 2, 1, 0, false, false, false},
    {"1 ring, 1 thread, against 2 rings, 4 threads", 0, 1, 1, 0, false, false, false},
};
#define NUM_VARIANTS (sizeof(variants) / sizeof(variants[0]))
#define NUM_SMOKE 5
#define ONE_RING 5 /* which of them */
#define MAX_WORKLOADS 32

/* What is wanted of every workload: one or the other. */
#define TIMES_DIOD 2.0
#define OF_RAW 0.8

static struct arig arig;
static struct source sources[NUM_VARIANTS];
static struct link links[NUM_VARIANTS];
static size_t num_variants = NUM_VARIANTS;
static struct link diod;
static const char *only = ""; /* workloads with this in their names */
static bool have_diod;
static bool smoke; /* few operations, for a test */

/* Of each variant, of diod, of the raw calls. */
static struct {
    struct sample variant[NUM_VARIANTS][MAX_ROUNDS], diod[MAX_ROUNDS], raw[MAX_ROUNDS];
} samples[MAX_WORKLOADS];

static void start_worker(size_t i, const char *export)
{
    const struct variant *v = &variants[i];
    struct rig_config cfg = {.order = 9,
                             .num_rings = v->rings,
                             .threads = v->threads,
                             .no_polling = v->no_polling,
                             .max_fids = 4096,
                             .export = export};
    struct rig *g;

    if (v->audit != 0) {
        source_open(&arig, &sources[i], "bench", AUDIT_FULL_DROP);
        cfg.audit_fd = sources[i].worker;
        cfg.policy.limits.audit = v->audit;
    }
    backend_bare(v->bare);
    g = rig_new(&cfg);
    links[i] = (struct link){.rig = g,
                             .server = g->pid,
                             .aname = "",
                             .msize = LIMIT_MAX_MSIZE,
                             .spin_seconds = SPIN_SECONDS};
}

static void start_workers(void)
{
    for (size_t i = 0; i < num_variants; i++)
        start_worker(i, i > 0 ? links[0].rig->root : NULL);
}

/* diod on one end of a socket pair. A server that is not installed is said, and left out. */
static void start_diod(const char *export)
{
    const char *program = getenv("XEN9P_BENCH_DIOD");
    int pair[2];
    char fd[16];
    pid_t pid;

    if (program == NULL || access(program, X_OK) != 0) {
        printf("\nNo diod (Debian package diod): NOT COMPARED WITH IT\n");
        return;
    }
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        MUST(fcntl(pair[1], F_SETFD, 0));
        MUST(dup2(null, 2));
        snprintf(fd, sizeof(fd), "%d", pair[1]);
        execl(program, "diod", "-f", "-n", "-N", "-c", "/dev/null", "-e", export, "-r", fd, "-w",
              fd, (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    diod = (struct link){.sock = pair[0], .server = pid, .aname = export, .msize = 65536};
    have_diod = true;
}

/* Processor time that a process has used, seconds. */
static double cpu_time(pid_t pid)
{
    struct timespec t;
    clockid_t clock;

    CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
    CHECK_EQ(clock_gettime(clock, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sample sample(const struct workload *w, const struct link *k, uint64_t ops,
                            double seconds, double cpu)
{
    double units = (double)ops * (w->per_op > 0 ? w->per_op : workloads_large(k) / 1e6);

    return (struct sample){units / seconds, units / cpu,
                           w->load.depth == 1 ? load_median_trip(ops) : 0};
}

/* Up to where the clock starts; how many operations there are. */
static uint64_t prepare(const struct workload *w, double scale)
{
    workloads_settle();
    return w->trace != NULL ? trace_begin(links[0].rig, w->trace)
                            : (uint64_t)((double)w->load.ops * scale) + 1;
}

static struct sample run_link(const struct workload *w, struct link *k, double scale)
{
    struct load l = w->load;
    double seconds, cpu;

    l.ops = prepare(w, scale);
    cpu = cpu_time(k->server);
    seconds = load_run(k, &l);
    return sample(w, k, l.ops, seconds, cpu_time(k->server) - cpu);
}

static struct sample run_raw(const struct workload *w, double scale)
{
    uint64_t ops = prepare(w, scale);
    double start, seconds, cpu, begun;

    load_pin(true); /* where the servers run: a host's processors are not alike */
    start = load_now();
    cpu = cpu_time(0);
    for (uint64_t i = 0; i < ops; i++) {
        begun = w->load.depth == 1 ? load_now() : 0;
        w->raw(i);
        if (w->load.depth == 1)
            load_trip(i, begun);
    }
    seconds = load_now() - start;
    cpu = cpu_time(0) - cpu;
    load_pin(false);
    return sample(w, &links[0], ops, seconds, cpu);
}

/* Workload `i` on variant `v`; a smoke run has not the time for a trace on more than the first. */
static bool is_wanted(size_t i, size_t v)
{
    if (strstr(workloads[i].name, only) == NULL || (smoke && workloads[i].trace != NULL && v > 0))
        return false;
    return variants[v].everywhere || workloads[i].vary;
}

/* A trace is replayed to its end or not at all: a smoke run has the time for one round. */
static bool is_repeated(size_t i, uint32_t round)
{
    if (workloads[i].trace == NULL || !smoke || round == 0)
        return false;
    samples[i].variant[0][round] = samples[i].variant[0][0];
    samples[i].raw[round] = samples[i].raw[0];
    samples[i].diod[round] = samples[i].diod[0];
    return true;
}

/* Who runs workload `i`: a variant, or one of these. */
enum { RAW = NUM_VARIANTS, DIOD, NUM_RUNNERS };

static void run_one(size_t i, size_t who, uint32_t round, double scale)
{
    const struct workload *w = &workloads[i];

    if (who == RAW)
        samples[i].raw[round] = run_raw(w, scale);
    else if (who == DIOD)
        samples[i].diod[round] = run_link(w, &diod, scale);
    else
        samples[i].variant[who][round] = run_link(w, &links[who], scale);
}

/* In another order each time: what one leaves in the caches is the next one's luck. */
static void run_round(uint32_t round, double scale)
{
    static unsigned int seed = 1;

    for (size_t i = 0; i < num_workloads; i++) {
        size_t who[NUM_RUNNERS], num = 0;

        if (!is_wanted(i, 0) || is_repeated(i, round))
            continue;
        for (size_t v = 0; v < num_variants; v++)
            if (is_wanted(i, v))
                who[num++] = v;
        who[num++] = RAW;
        if (have_diod)
            who[num++] = DIOD;
        while (num > 0) {
            size_t next = (size_t)rand_r(&seed) % num;

            run_one(i, who[next], round, scale);
            who[next] = who[--num];
        }
    }
}

/* False: below `least` of what is wanted. */
static bool judge(double ratio, double target, double least)
{
    if (target == 0 || ratio >= target * least)
        return true;
    printf("  below %.0f %%\n", 100 * target * least);
    return false;
}

static bool report_variant(struct report *r, size_t v, uint32_t rounds, double least)
{
    bool good = true;

    report_head(r, variants[v].title, variants[v].bare ? "bare" : "first");
    for (size_t i = 0; i < num_workloads; i++) {
        const struct sample *this = samples[i].variant[v], *first = samples[i].variant[0];
        const struct workload *w = &workloads[i];
        double ratio;

        if (!is_wanted(i, v))
            continue;
        ratio = report_row(r, w->name, w->unit, variants[v].bare ? first : this,
                           variants[v].bare ? this : first, variants[v].target, rounds);
        good &= judge(ratio, variants[v].target, least);
    }
    return good;
}

/* Everything that was measured goes to the reports. */
static bool report(struct report *r, uint32_t rounds, double least)
{
    double of_raw[MAX_WORKLOADS] = {0}, of_diod;
    bool good = true;

    report_head(r, variants[0].title, "raw calls");
    for (size_t i = 0; i < num_workloads; i++) {
        const struct workload *w = &workloads[i];

        if (!is_wanted(i, 0))
            continue;
        of_raw[i] = report_row(r, w->name, w->unit, samples[i].variant[0], samples[i].raw,
                               w->target, rounds);
        good &= judge(of_raw[i], w->target, least);
    }
    if (have_diod)
        report_head(r, "xen9p and diod over a unix socket (or 80 % of the raw calls)", "diod");
    for (size_t i = 0; have_diod && i < num_workloads; i++) {
        if (!is_wanted(i, 0))
            continue;
        of_diod = report_row(r, workloads[i].name, workloads[i].unit, samples[i].variant[0],
                             samples[i].diod, TIMES_DIOD, rounds);
        if (of_raw[i] < OF_RAW * least)
            good &= judge(of_diod, TIMES_DIOD, least);
    }
    for (size_t v = 1; v < num_variants; v++)
        good &= report_variant(r, v, rounds, least);
    return good;
}

/* Also where something fails: whoever reads our output waits for the end of all that have it. */
static pid_t self;

static void end_audit(void)
{
    if (getpid() == self) /* a child of ours ends with exit(), too */
        kill(arig.pid, SIGKILL);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [--smoke] [--only TEXT] OUTPUT.json OUTPUT.svg (make bench)\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint32_t rounds = 9;
    double scale = 1;
    bool good;
    struct report *r;

    for (argv++; argc > 3; argv++, argc--) {
        if (strcmp(argv[0], "--smoke") == 0) {
            smoke = true;
        } else if (strcmp(argv[0], "--only") == 0 && argc > 4) {
            only = argv[1];
            argv++, argc--;
        } else {
            return usage();
        }
    }
    if (argc != 3)
        return usage();
    if (smoke) {
        rounds = 5;
        scale = 0.06;
        num_variants = NUM_SMOKE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    r = report_open(argv[0], argv[1]);
    load_pin(false);
    floor_report(r, rounds, scale);
    load_pin(false); /* not where the workers run, so that its work is not counted as theirs */
    arig_start(&arig, NULL);
    self = getpid();
    CHECK_EQ(atexit(end_audit), 0);
    load_pin(true);
    start_workers();
    start_diod(links[0].rig->root);
    load_pin(false);
    workloads_prepare(links[0].rig);
    for (size_t v = 0; v < num_variants; v++)
        workloads_mount(&links[v]);
    if (have_diod)
        workloads_mount(&diod);
    for (uint32_t round = 0; round < rounds; round++)
        run_round(round, scale);
    good = report(r, rounds, smoke ? 0.5 : 0);
    if (only[0] == '\0')
        good &= beside_report(r, &links[0], smoke ? NULL : &links[ONE_RING], rounds, scale);
    report_close(r);
    for (size_t v = 0; v < num_variants; v++)
        rig_end(links[v].rig);
    arig_stop(&arig);
    self = 0;
    return good || !smoke ? 0 : 1;
}
