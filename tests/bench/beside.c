/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beside.c - one load beside another.
 */
#include "beside.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../host/p9c.h"
#include "backend.h"
#include "workloads.h"
#include "xen9p/limits.h"

#define MAX_ROUNDS 32
#define READS 20000u
#define P99 0.99

/* --- fsyncs on the same device ---------------------------------------------------------------- */

/* Slot 0 reads what is cached; slot 1 writes a block of another file and has it written to disk. */
static uint32_t msg_beside(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    if (s->index == 0)
        return workloads_read(s, buf, cap, payload);
    return workloads_sync(s, buf, cap, payload);
}

static struct sample read_beside(struct link *k, bool syncs, double scale)
{
    const struct load l = {.depth = syncs ? 2 : 1,
                           .ops = (uint64_t)(READS * scale) + 1,
                           .message = msg_beside,
                           .aside = true};
    double p99;

    (void)load_run(k, &l);
    p99 = load_trip_at(l.ops, P99);

    return (struct sample){.rate = 1e6 / p99, .micros = p99};
}

/* --- a flood on another device ---------------------------------------------------------------- */

static void flood_requests(struct link *k)
{
    const struct load l = {.depth = LOAD_MAX_DEPTH, .ops = 1u << 30, .message = workloads_read};

    (void)load_run(k, &l);
}

static void flood_events(struct link *k)
{
    for (;;)
        rig_kick(k->rig);
}

static void burn(struct link *k)
{
    (void)k;
    for (volatile uint64_t n = 0;; n++)
        ;
}

/* A child that does nothing else, where a generator runs or where a server does. */
static pid_t start(void (*what)(struct link *k), struct link *k, bool server)
{
    pid_t pid = fork();

    MUST(pid);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    load_pin(server);
    what(k);
    _exit(0);
}

static void stop(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    MUST(waitpid(pid, NULL, 0));
}

/* The same writes and fsyncs without a server, on the processors where the servers are. */
static void write_and_sync(struct link *k)
{
    static const char block[4096];
    int fd = openat(k->rig->root_fd, "sync-aside", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    MUST(fd);
    for (uint64_t i = 0;; i++) {
        MUST(pwrite(fd, block, sizeof(block), (off_t)(i % 16 * sizeof(block))));
        MUST(fsync(fd));
    }
}

static struct sample read_beside_program(struct link *k, double scale)
{
    pid_t pid = start(write_and_sync, k, true);
    struct sample s = read_beside(k, false, scale);

    stop(pid);
    return s;
}

/*
 * Alone says how long a read takes. Where the servers have one processor for all, as on a machine of two, an fsync takes
 * its time from a read's, whoever asks for it: so it is a program with fsyncs of its own that is judged by.
 */
static bool report_syncs(struct report *r, struct link *k, const char *name, uint32_t rounds,
                         double scale)
{
    struct sample alone[MAX_ROUNDS], beside[MAX_ROUNDS], program[MAX_ROUNDS];
    char title[64];
    double ratio;

    for (uint32_t i = 0; i < rounds; i++) {
        alone[i] = read_beside(k, false, scale);
        beside[i] = read_beside(k, true, scale);
        program[i] = read_beside_program(k, scale);
    }
    snprintf(title, sizeof(title), "%s, a program's", name);
    ratio = report_row(r, title, "1/s", beside, program, 0.5, rounds);
    snprintf(title, sizeof(title), "%s, alone", name);
    (void)report_row(r, title, "1/s", beside, alone, 0.5, rounds);
    return ratio >= 0.25;
}

static struct sample work(struct link *k, double scale)
{
    const struct load l = {
        .depth = 8, .ops = (uint64_t)(2 * READS * scale) + 1, .message = workloads_read};

    return (struct sample){.rate = (double)l.ops / load_run(k, &l)};
}

/*
 * What the flood takes is compared with what two programs take that just use the processors, one where the generators
 * are and one where the servers are: that much is its share.
 */
static bool report_flood(struct report *r, struct link *k, const char *name,
                         void (*flood)(struct link *k), uint32_t rounds, double scale)
{
    struct sample fair[MAX_ROUNDS], flooded[MAX_ROUNDS];
    bool good;

    for (uint32_t i = 0; i < rounds; i++) {
        struct rig_config cfg = {
            .order = 9, .max_fids = 1024, .export = k->rig->root, .threads = LIMIT_THREADS};
        struct link other = *k;
        pid_t a = start(burn, NULL, false), b = start(burn, NULL, true);

        fair[i] = work(k, scale);
        stop(a);
        stop(b);
        load_pin(true);
        backend_bare(false);
        other.rig = rig_new(&cfg);
        load_pin(false);
        workloads_mount(&other);
        a = start(flood, &other, false);
        flooded[i] = work(k, scale);
        stop(a);
        rig_kill(other.rig);
    }
    good = report_row(r, name, "op/s", flooded, fair, 0.9, rounds) >= 0.75;
    if (!good)
        printf("  a flood takes more than its share\n");
    return good;
}

bool beside_report(struct report *r, struct link *two, struct link *one, uint32_t rounds,
                   double scale)
{
    bool good;

    report_head(
        r, "p99 of reads from the page cache beside fsyncs, against beside a program's and alone",
        "other");
    good = report_syncs(r, two, "2 rings, 4 threads", rounds, scale);
    if (one != NULL)
        good &= report_syncs(r, one, "1 ring, 4 threads", rounds, scale);
    report_head(r, "reads beside a guest that floods, against beside busy programs", "fair");
    good &= report_flood(r, two, "64 reads at a time", flood_requests, rounds, scale);
    good &= report_flood(r, two, "events without a request", flood_events, rounds, scale);
    return good;
}
