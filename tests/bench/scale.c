/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scale.c - many devices, each with its own locked-down worker: what an idle one costs.
 *
 * Memory of a worker's own (USS, from smaps_rollup), the fall of MemAvailable, processor time of the idle workers,
 * and the work of starting one more. Rings are memory files, whose pages are a guest's; the
 * supervisor, which needs xenstore and grants, is not in this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../host/p9c.h"
#include "load.h"
#include "xen9p/limits.h"

#define MOST 1000u
#define IDLE_MS 5000
#define FIDS 10000u
/* What is wanted; twice of it fails. MemAvailable is everybody's and judges nothing. */
#define USS_KIB 400u
#define FIDS_KIB 4096u

static struct rig *rigs[MOST];
static uint32_t num_rigs;

/* Sum of the lines that begin with one of two words, KiB. */
static uint64_t sum_kib(const char *path, const char *a, const char *b)
{
    FILE *f = fopen(path, "re");
    char line[128], *end;
    uint64_t sum = 0;

    if (f == NULL)
        FAIL("%s: %m", path);
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, a, strlen(a)) == 0 || strncmp(line, b, strlen(b)) == 0)
            sum += strtoull(strchr(line, ':') + 1, &end, 10);
    fclose(f);
    return sum;
}

static uint64_t uss_kib(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    return sum_kib(path, "Private_Clean:", "Private_Dirty:");
}

static uint64_t available_kib(void)
{
    return sum_kib("/proc/meminfo", "MemAvailable:", "MemAvailable:");
}

/* Processor time of all workers, milliseconds. */
static long long cpu_ms(void)
{
    long long sum = 0;

    for (uint32_t i = 0; i < num_rigs; i++)
        sum += rig_cpu_ms(rigs[i]);
    return sum;
}

/* A worker with a session, as one whose guest has mounted and then does nothing. */
static void start_one(void)
{
    struct rig_config cfg = {.order = 9, .max_fids = LIMIT_MAX_FIDS, .export = tap_dir()};
    struct link k = {.aname = "", .msize = LIMIT_MAX_MSIZE};

    rigs[num_rigs] = rig_new(&cfg);
    k.rig = rigs[num_rigs++];
    load_mount(&k);
}

/* False: far too much. */
static bool report_devices(FILE *json, uint32_t devices, uint64_t before, double seconds)
{
    long long cpu = cpu_ms();
    uint64_t uss = 0, fall;

    tap_sleep(IDLE_MS);
    cpu = cpu_ms() - cpu;
    for (uint32_t i = 0; i < devices; i++)
        uss += uss_kib(rigs[i]->pid);
    fall = before - available_kib();
    printf("%8u %14.0f %18.0f %16.1f %18.2f\n", devices, (double)uss / devices,
           (double)(int64_t)fall / devices, 1e3 * seconds, (double)cpu / (IDLE_MS / 1e3));
    fprintf(json,
            "%s  {\"devices\": %u, \"uss_kib\": %.1f, \"available_kib\": %.1f, "
            "\"start_ms\": %.2f, \"idle_cpu_ms_per_s\": %.3f}",
            devices > 1 ? ",\n" : "", devices, (double)uss / devices,
            (double)(int64_t)fall / devices, 1e3 * seconds, (double)cpu / (IDLE_MS / 1e3));
    return uss <= (uint64_t)devices * 2 * USS_KIB;
}

static uint32_t msg_walk(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    (void)payload;
    return s->step > 0 ? 0
                       : p9_pack(buf, cap, P9_TWALK, (uint16_t)s->index, "ddw", 0u,
                                 LOAD_FID + (uint32_t)s->op, 0);
}

static bool report_fids(FILE *json)
{
    struct link k = {.rig = rigs[0], .aname = "", .msize = LIMIT_MAX_MSIZE};
    uint32_t most =
        rigs[0]->ready.max_fids - 1; /* RLIMIT_NOFILE may allow less than was asked for */
    const struct load walks = {16, most < FIDS ? most : FIDS, msg_walk, NULL, false, false};
    uint64_t uss = uss_kib(rigs[0]->pid);

    (void)load_run(&k, &walks);
    uss = uss_kib(rigs[0]->pid) - uss;
    printf("%llu fids of one device: %llu KiB of the worker's own memory\n",
           (unsigned long long)walks.ops, (unsigned long long)uss);
    fprintf(json, ",\n  {\"fids\": %llu, \"uss_kib\": %llu}\n]\n", (unsigned long long)walks.ops,
            (unsigned long long)uss);
    return uss <= 2 * FIDS_KIB;
}

static uint32_t most_of(const char *arg)
{
    unsigned long n = strtoul(arg, NULL, 10);

    return n >= 1 && n <= MOST ? (uint32_t)n : 0;
}

int main(int argc, char **argv)
{
    uint32_t most = argc == 3 ? most_of(argv[2]) : 0;
    struct rlimit files;
    uint64_t before = available_kib();
    bool good = true;
    FILE *json;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (most == 0) {
        fprintf(stderr, "usage: scale OUTPUT.json DEVICES (1..%u; make bench-scale)\n", MOST);
        return 2;
    }
    MUST(getrlimit(RLIMIT_NOFILE, &files));
    files.rlim_cur = files.rlim_max; /* workers inherit it: what is too little bounds their fids */
    MUST(setrlimit(RLIMIT_NOFILE, &files));
    json = fopen(argv[1], "w");
    if (json == NULL)
        FAIL("%s: %m", argv[1]);
    printf("%8s %14s %18s %16s %18s\n", "devices", "USS, KiB each", "MemAvailable, each",
           "start, ms each", "idle CPU, ms/s all");
    fprintf(json, "[\n");
    for (uint32_t devices = 1; devices <= most; devices *= 10) {
        uint32_t first = num_rigs;
        double start = load_now();

        while (num_rigs < devices)
            start_one();
        good &= report_devices(json, devices, before, (load_now() - start) / (devices - first));
    }
    good &= report_fids(json);
    fclose(json);
    for (uint32_t i = 0; i < num_rigs; i++)
        rig_end(rigs[i]);
    return good ? 0 : 1;
}
