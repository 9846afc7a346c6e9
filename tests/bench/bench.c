/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.c - the shipped, fully locked-down worker against the raw system calls it makes, and
 * against another server of the same protocol.
 *
 * For each workload, in turn and several times over: the worker behind rings in a memfd, diod behind
 * a unix socket (where it is installed), and a plain loop of the same system calls on the same files with
 * the same sizes. Only ratios within one run mean anything: the machine is shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "report.h"
#include "workloads.h"
#include "xen9p/limits.h"

#define MAX_ROUNDS 15
#define SPIN_SECONDS 50e-6

/* Workers that differ in one thing from the first. */
static const struct variant {
    const char *name;
    uint32_t rings, threads;
    bool no_polling;
} variants[] = {
    {"2 rings, 4 threads, polling", 2, 4, false}, {"2 rings, 4 threads, poll-us 0", 2, 4, true},
    {"1 ring, 4 threads, polling", 1, 4, false},  {"2 rings, 2 threads, polling", 2, 2, false},
    {"1 ring, 1 thread, polling", 1, 1, false},
};
#define NUM_VARIANTS (sizeof(variants) / sizeof(variants[0]))
#define MAX_WORKLOADS 32

static struct link links[NUM_VARIANTS];
static size_t num_variants = NUM_VARIANTS;
static struct link diod;
static const char *only = ""; /* workloads with this in their names */
static bool have_diod;

/* Of each variant, of diod, of the raw calls. */
static struct {
    struct sample variant[NUM_VARIANTS][MAX_ROUNDS], diod[MAX_ROUNDS], raw[MAX_ROUNDS];
} samples[MAX_WORKLOADS];

static void start_workers(void)
{
    const char *export = NULL;

    for (size_t i = 0; i < num_variants; i++) {
        struct rig_config cfg = {.order = 9,
                                 .num_rings = variants[i].rings,
                                 .threads = variants[i].threads,
                                 .no_polling = variants[i].no_polling,
                                 .max_fids = 4096,
                                 .export = export};
        struct rig *g = rig_new(&cfg);

        links[i] = (struct link){.rig = g,
                                 .server = g->pid,
                                 .aname = "",
                                 .msize = LIMIT_MAX_MSIZE,
                                 .spin_seconds = SPIN_SECONDS};
        export = links[0].rig->root;
    }
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

static struct sample run_link(const struct workload *w, struct link *k, double scale)
{
    struct load l = w->load;
    double seconds, cpu = cpu_time(k->server);

    l.ops = (uint64_t)((double)l.ops * scale) + 1;
    seconds = load_run(k, &l);
    return sample(w, k, l.ops, seconds, cpu_time(k->server) - cpu);
}

static struct sample run_raw(const struct workload *w, double scale)
{
    uint64_t ops = (uint64_t)((double)w->load.ops * scale) + 1;
    double start = load_now(), cpu = cpu_time(0), begun;

    for (uint64_t i = 0; i < ops; i++) {
        begun = w->load.depth == 1 ? load_now() : 0;
        w->raw(i);
        if (w->load.depth == 1)
            load_trip(i, begun);
    }
    return sample(w, &links[0], ops, load_now() - start, cpu_time(0) - cpu);
}

static bool is_wanted(size_t i, bool vary)
{
    return strstr(workloads[i].name, only) != NULL && (!vary || workloads[i].vary);
}

static void run_round(uint32_t round, double scale)
{
    for (size_t i = 0; i < num_workloads; i++) {
        const struct workload *w = &workloads[i];

        if (!is_wanted(i, false))
            continue;
        for (size_t v = 0; v < (w->vary ? num_variants : 1); v++)
            samples[i].variant[v][round] = run_link(w, &links[v], scale);
        samples[i].raw[round] = run_raw(w, scale);
        if (have_diod)
            samples[i].diod[round] = run_link(w, &diod, scale);
    }
}

/* Of main(): everything that was measured goes to the reports. */
static bool report(struct report *r, uint32_t rounds, double least)
{
    bool good = true;

    report_head(r, "xen9p and the raw system calls", "raw calls");
    for (size_t i = 0; i < num_workloads; i++) {
        const struct workload *w = &workloads[i];
        double ratio;

        if (!is_wanted(i, false))
            continue;
        ratio = report_row(r, w->name, w->unit, samples[i].variant[0], samples[i].raw, rounds);
        if (w->target > 0 && ratio < w->target * least) {
            printf("  below %.0f %% of the raw calls\n", 100 * w->target * least);
            good = false;
        }
    }
    if (have_diod)
        report_head(r, "xen9p and diod over a unix socket", "diod");
    for (size_t i = 0; have_diod && i < num_workloads; i++)
        if (is_wanted(i, false))
            (void)report_row(r, workloads[i].name, workloads[i].unit, samples[i].variant[0],
                             samples[i].diod, rounds);
    for (size_t v = 1; v < num_variants; v++) {
        char title[80];

        snprintf(title, sizeof(title), "%s, against %s", variants[v].name, variants[0].name);
        report_head(r, title, "first");
        for (size_t i = 0; i < num_workloads; i++)
            if (is_wanted(i, true))
                (void)report_row(r, workloads[i].name, workloads[i].unit, samples[i].variant[v],
                                 samples[i].variant[0], rounds);
    }
    return good;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [--smoke] [--only TEXT] OUTPUT.json OUTPUT.svg (make bench)\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint32_t rounds = 5;
    double scale = 1;
    bool smoke = false, good;
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
        num_variants = 2;
    }
    r = report_open(argv[0], argv[1]);
    load_pin(false);
    floor_report(r, rounds, scale);
    load_pin(true);
    start_workers();
    start_diod(links[0].rig->root);
    load_pin(false);
    workloads_prepare(links[0].rig->root_fd, &links[0].rig->ring[0]);
    for (size_t v = 0; v < num_variants; v++)
        workloads_mount(&links[v]);
    if (have_diod)
        workloads_mount(&diod);
    for (uint32_t round = 0; round < rounds; round++)
        run_round(round, scale);
    good = report(r, rounds, smoke ? 0.5 : 0);
    report_close(r);
    for (size_t v = 0; v < num_variants; v++)
        rig_end(links[v].rig);
    return good ? 0 : 1;
}
