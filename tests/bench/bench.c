/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.c - the shipped, fully locked-down worker against the raw system calls it makes.
 *
 * For each workload, in turn and several times over: the worker behind a ring in a memfd, driven
 * by load.c, and a plain loop of the same system calls on the same files with the same sizes. Only ratios
 * within one run mean anything: the machine is shared.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../host/p9c.h"
#include "load.h"

#define ROUNDS 5
#define FILE_SIZE (64u << 20)
#define BLOCK 4096u
#define LARGE (512u * 1024 - 64) /* what fits a message of 512 KiB */
#define SMALL_FILES 1000u
#define BIG_DIR 10000u
#define FID_FILE 10u /* the large file, opened read-write */
#define FID_DIR 11u  /* directory of small files */
#define FID_BIG 12u  /* directory of many entries, opened */

static uint64_t random_block(uint64_t op)
{
    op *= 0x9e3779b97f4a7c15ull;
    return (op >> 32) % (FILE_SIZE / BLOCK) * BLOCK;
}

static uint64_t sequential(uint64_t op)
{
    return op % (FILE_SIZE / LARGE) * LARGE;
}

static uint32_t msg_read(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    (void)payload;
    return s->step > 0 ? 0
                       : p9_pack(buf, cap, P9_TREAD, (uint16_t)s->index, "dqd", FID_FILE,
                                 random_block(s->op), BLOCK);
}

static uint32_t msg_read_large(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    (void)payload;
    return s->step > 0 ? 0
                       : p9_pack(buf, cap, P9_TREAD, (uint16_t)s->index, "dqd", FID_FILE,
                                 sequential(s->op), LARGE);
}

/* Twrite: the header says how long the message is with the payload that follows it. */
static uint32_t pack_write(struct load_slot *s, uint8_t *buf, size_t cap, uint64_t offset,
                           uint32_t count, uint32_t *payload)
{
    uint32_t len, size;

    if (s->step > 0)
        return 0;
    len = p9_pack(buf, cap, P9_TWRITE, (uint16_t)s->index, "dqd", FID_FILE, offset, count);
    size = len + count;
    memcpy(buf, &size, sizeof(size));
    *payload = count;
    return len;
}

static uint32_t msg_write(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    return pack_write(s, buf, cap, random_block(s->op), BLOCK, payload);
}

static uint32_t msg_write_large(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    return pack_write(s, buf, cap, sequential(s->op), LARGE, payload);
}

static void small_name(uint64_t op, char name[16])
{
    snprintf(name, 16, "f%03u", (unsigned)(op % SMALL_FILES));
}

static uint32_t msg_stat(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t fid = LOAD_FID + s->index;
    uint16_t tag = (uint16_t)s->index;
    char name[16];

    (void)payload;
    small_name(s->op, name);
    switch (s->step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, tag, "ddws", FID_DIR, fid, 1, name);
    case 1:
        return p9_pack(buf, cap, P9_TGETATTR, tag, "dq", fid, P9_GETATTR_BASIC);
    case 2:
        return p9_pack(buf, cap, P9_TCLUNK, tag, "d", fid);
    default:
        return 0;
    }
}

static uint32_t msg_open_read(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t fid = LOAD_FID + s->index;
    uint16_t tag = (uint16_t)s->index;
    char name[16];

    (void)payload;
    small_name(s->op, name);
    switch (s->step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, tag, "ddws", FID_DIR, fid, 1, name);
    case 1:
        return p9_pack(buf, cap, P9_TLOPEN, tag, "dd", fid, P9_L_RDONLY);
    case 2:
        return p9_pack(buf, cap, P9_TREAD, tag, "dqd", fid, 0ull, BLOCK);
    case 3:
        return p9_pack(buf, cap, P9_TCLUNK, tag, "d", fid);
    default:
        return 0;
    }
}

static uint32_t msg_create(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t fid = LOAD_FID + s->index;
    uint16_t tag = (uint16_t)s->index;
    char name[24];

    (void)payload;
    snprintf(name, sizeof(name), "new%llu", (unsigned long long)s->op);
    switch (s->step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, tag, "ddw", FID_DIR, fid, 0);
    case 1:
        return p9_pack(buf, cap, P9_TLCREATE, tag, "dsddd", fid, name, P9_L_RDWR, 0644, 0);
    case 2:
        return p9_pack(buf, cap, P9_TWRITE, tag, "dqdB", fid, 0ull, 100, (size_t)100,
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "012345678901234567890123456789");
    case 3:
        return p9_pack(buf, cap, P9_TCLUNK, tag, "d", fid);
    case 4:
        return p9_pack(buf, cap, P9_TUNLINKAT, tag, "dsd", FID_DIR, name, 0);
    default:
        return 0;
    }
}

/* --- the same without a server ---------------------------------------------------------------- */

static struct rig *rig;
static int raw_file, raw_dir, raw_big;

/* Into and out of ring memory, as the worker does it. */
static void raw_read(uint64_t op)
{
    uint8_t *at = rig->ring[0].in + op % 64 * BLOCK;

    if (pread(raw_file, at, BLOCK, (off_t)random_block(op)) != BLOCK)
        FAIL("pread: %m");
}

static void raw_read_large(uint64_t op)
{
    if (pread(raw_file, rig->ring[0].in, LARGE, (off_t)sequential(op)) != LARGE)
        FAIL("pread: %m");
}

static void raw_write(uint64_t op)
{
    if (pwrite(raw_file, rig->ring[0].out + op % 64 * BLOCK, BLOCK, (off_t)random_block(op)) !=
        BLOCK)
        FAIL("pwrite: %m");
}

static void raw_write_large(uint64_t op)
{
    if (pwrite(raw_file, rig->ring[0].out, LARGE, (off_t)sequential(op)) != LARGE)
        FAIL("pwrite: %m");
}

static void raw_stat(uint64_t op)
{
    struct stat st;
    char name[16];

    small_name(op, name);
    if (fstatat(raw_dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        FAIL("fstatat: %m");
}

static void raw_open_read(uint64_t op)
{
    char name[16], buf[BLOCK];
    int fd;

    small_name(op, name);
    fd = openat(raw_dir, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0 || pread(fd, buf, sizeof(buf), 0) < 0)
        FAIL("open and read: %m");
    close(fd);
}

static void raw_create(uint64_t op)
{
    char name[32], buf[100] = {0};
    int fd;

    snprintf(name, sizeof(name), "raw%llu", (unsigned long long)op);
    fd = openat(raw_dir, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (fd < 0 || pwrite(fd, buf, sizeof(buf), 0) != (ssize_t)sizeof(buf))
        FAIL("create and write: %m");
    close(fd);
    if (unlinkat(raw_dir, name, 0) != 0)
        FAIL("unlink: %m");
}

/* --- directories: the cookie of one reply is what the next asks for -------------------------- */

static struct p9c client;

static double readdir_run(uint64_t times)
{
    double start = load_now();

    for (uint64_t i = 0; i < times; i++) {
        struct p9_dirent d = {.offset = 0};
        uint32_t entries = 0;
        bool more = true;

        while (more) {
            CHECK_OK(p9c_readdir(&client, FID_BIG, d.offset, 128 * 1024));
            more = false;
            while (p9c_dirent(&client, &d)) {
                entries++;
                more = true;
            }
        }
        CHECK_EQ(entries, BIG_DIR + 2);
    }
    return load_now() - start;
}

static double raw_readdir_run(uint64_t times)
{
    static char buf[32 * 1024];
    double start = load_now();

    for (uint64_t i = 0; i < times; i++) {
        MUST(lseek(raw_big, 0, SEEK_SET));
        while (syscall(SYS_getdents64, raw_big, buf, sizeof(buf)) > 0)
            ;
    }
    return load_now() - start;
}

/* --- the table --------------------------------------------------------------------------------- */

struct workload {
    const char *name, *unit;
    double per_op; /* units of one operation */
    struct load load;
    void (*raw)(uint64_t op);
};

static const struct workload workloads[] = {
    {"read 4 KiB, depth 1", "op/s", 1, {1, 20000, msg_read}, raw_read},
    {"read 4 KiB, depth 8", "op/s", 1, {8, 60000, msg_read}, raw_read},
    {"read 4 KiB, depth 64", "op/s", 1, {64, 100000, msg_read}, raw_read},
    {"write 4 KiB, depth 1", "op/s", 1, {1, 20000, msg_write}, raw_write},
    {"write 4 KiB, depth 64", "op/s", 1, {64, 60000, msg_write}, raw_write},
    {"read 512 KiB, depth 4", "MB/s", LARGE / 1e6, {4, 1000, msg_read_large}, raw_read_large},
    {"write 512 KiB, depth 4", "MB/s", LARGE / 1e6, {4, 1000, msg_write_large}, raw_write_large},
    {"stat, depth 1", "op/s", 1, {1, 10000, msg_stat}, raw_stat},
    {"stat, depth 64", "op/s", 1, {64, 40000, msg_stat}, raw_stat},
    {"open+read+close, depth 64", "op/s", 1, {64, 30000, msg_open_read}, raw_open_read},
    {"create+write+unlink, depth 8", "op/s", 1, {8, 4000, msg_create}, raw_create},
};
#define NUM_WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

struct result {
    double ours[ROUNDS], raw[ROUNDS], ratio[ROUNDS];
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double v[ROUNDS])
{
    qsort(v, ROUNDS, sizeof(v[0]), by_value);
    return v[ROUNDS / 2];
}

static void make_files(void)
{
    char buf[BLOCK];
    int fd;

    memset(buf, 'x', sizeof(buf));
    MUST(raw_file = openat(rig->root_fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    for (uint32_t i = 0; i < FILE_SIZE / BLOCK; i++)
        MUST(pwrite(raw_file, buf, BLOCK, (off_t)i * BLOCK));
    MUST(mkdirat(rig->root_fd, "small", 0755));
    MUST(mkdirat(rig->root_fd, "big", 0755));
    MUST(raw_dir = openat(rig->root_fd, "small", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    MUST(raw_big = openat(rig->root_fd, "big", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (uint32_t i = 0; i < SMALL_FILES; i++) {
        char name[16];

        small_name(i, name);
        MUST(fd = openat(raw_dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        MUST(pwrite(fd, buf, 1000, 0));
        close(fd);
    }
    for (uint32_t i = 0; i < BIG_DIR; i++) {
        char name[32];

        snprintf(name, sizeof(name), "entry-%05u", i);
        MUST(fd = openat(raw_big, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        close(fd);
    }
}

static void mount_all(void)
{
    p9c_mount(&client, rig);
    CHECK_OK(p9c_walk(&client, 0, FID_FILE, "file"));
    CHECK_OK(p9c_lopen(&client, FID_FILE, P9_L_RDWR));
    CHECK_OK(p9c_walk(&client, 0, FID_DIR, "small"));
    CHECK_OK(p9c_walk(&client, 0, FID_BIG, "big"));
    CHECK_OK(p9c_lopen(&client, FID_BIG, P9_L_RDONLY | P9_L_DIRECTORY));
}

static double raw_run(const struct workload *w)
{
    double start = load_now();

    for (uint64_t i = 0; i < w->load.ops; i++)
        w->raw(i);
    return load_now() - start;
}

static void print_row(FILE *json, const char *name, const char *unit, struct result *r, bool last)
{
    double ours = median(r->ours), raw = median(r->raw), ratio = median(r->ratio);

    printf("%-30s %12.0f %12.0f %-5s %6.0f %%   %.0f..%.0f %%\n", name, ours, raw, unit,
           100 * ratio, 100 * r->ratio[0], 100 * r->ratio[ROUNDS - 1]);
    fprintf(json,
            "  {\"name\": \"%s\", \"unit\": \"%s\", \"xen9p\": %.1f, \"raw\": %.1f, "
            "\"ratio\": %.4f, \"ratio_min\": %.4f, \"ratio_max\": %.4f}%s\n",
            name, unit, ours, raw, ratio, r->ratio[0], r->ratio[ROUNDS - 1], last ? "" : ",");
}

static void measure(struct result *r, int round, double units, double ours, double raw)
{
    r->ours[round] = units / ours;
    r->raw[round] = units / raw;
    r->ratio[round] = raw / ours;
}

int main(int argc, char **argv)
{
    struct rig_config cfg = {.order = 9, .num_rings = 1, .max_fids = 4096};
    static struct result results[NUM_WORKLOADS + 1];
    FILE *json;

    if (argc != 2) {
        fprintf(stderr, "usage: bench OUTPUT.json (make bench)\n");
        return 2;
    }
    json = fopen(argv[1], "w");
    if (json == NULL) {
        fprintf(stderr, "bench: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    rig = rig_new(&cfg);
    make_files();
    mount_all();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < NUM_WORKLOADS; i++) {
            const struct workload *w = &workloads[i];

            measure(&results[i], round, w->per_op * (double)w->load.ops, load_run(rig, &w->load),
                    raw_run(w));
        }
        measure(&results[NUM_WORKLOADS], round, 20.0 * BIG_DIR, readdir_run(20),
                raw_readdir_run(20));
    }
    printf("%-30s %12s %12s %-5s %8s   %s\n", "workload", "xen9p", "raw calls", "", "ratio",
           "spread of the ratio");
    fprintf(json, "[\n");
    for (size_t i = 0; i < NUM_WORKLOADS; i++)
        print_row(json, workloads[i].name, workloads[i].unit, &results[i], false);
    print_row(json, "readdir, 10,000 entries", "ent/s", &results[NUM_WORKLOADS], true);
    fprintf(json, "]\n");
    fclose(json);
    rig_end(rig);
    return 0;
}
