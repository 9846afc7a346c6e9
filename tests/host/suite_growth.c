/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_growth.c - an operation costs the same with few and many fids, in small and large directories, near
 * the root and far from it: processor time of the worker, the median of several rounds in turn. To see the
 * numbers: build/tests/host/host-jailed -v growth
 *
 * What has to read a directory is not of them, nor is what goes by the path of a fid (Tremove, Trename, ".."),
 * which takes one step for each directory above.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "suites.h"

#define SIZES 3u
#define ROUNDS 7u
#define TRIES 4u
#define TURNS 8u  /* of each operation in a round */
#define BATCH 32u /* requests at a time */
#define LIMIT_PERCENT 200
#define SEEN \
    10u /* so many fids are looked at, whatever their number: what a cold cache costs is no growth */

/* One export with its worker; what grows has been made in it. Fid 1: where to work. */
struct place {
    struct rig *g;
    struct p9c c;
    uint32_t size;
    uint32_t fids; /* 1000 and up */
};

struct load {
    const char *name;
    void (*turn)(struct place *p, uint32_t turn);
};

/* BATCH requests that are in flight together, all with the same answer. */
static void finish(struct p9c *c, const uint16_t tag[BATCH], uint8_t type)
{
    for (uint32_t i = 0; i < BATCH; i++)
        CHECK_OK(p9c_finish(c, tag[i], type));
}

static void walk_all(struct place *p, const char *name)
{
    uint16_t tag[BATCH];

    for (uint32_t i = 0; i < BATCH; i++)
        tag[i] = name != NULL ? p9c_send(&p->c, P9_TWALK, "ddws", 1u, 100 + i, 1, name)
                              : p9c_send(&p->c, P9_TWALK, "ddw", 1u, 100 + i, 0);
    finish(&p->c, tag, P9_TWALK);
}

static void clunk_all(struct place *p)
{
    uint16_t tag[BATCH];

    for (uint32_t i = 0; i < BATCH; i++)
        tag[i] = p9c_send(&p->c, P9_TCLUNK, "d", 100 + i);
    finish(&p->c, tag, P9_TCLUNK);
}

static void stat_turn(struct place *p, uint32_t turn)
{
    uint16_t tag[BATCH];

    for (uint32_t i = 0; i < BATCH; i++)
        tag[i] = p9c_send(&p->c, P9_TGETATTR, "dq",
                          p->fids > 0 ? 1000 + (turn * BATCH + i) % SEEN * (p->fids / SEEN) : 1u,
                          (uint64_t)P9_GETATTR_BASIC);
    finish(&p->c, tag, P9_TGETATTR);
}

static void walk_turn(struct place *p, uint32_t turn)
{
    (void)turn;
    walk_all(p, "there");
    clunk_all(p);
}

static void open_turn(struct place *p, uint32_t turn)
{
    uint16_t tag[BATCH];

    (void)turn;
    walk_all(p, "there");
    for (uint32_t i = 0; i < BATCH; i++)
        tag[i] = p9c_send(&p->c, P9_TLOPEN, "dd", 100 + i, P9_L_RDONLY);
    finish(&p->c, tag, P9_TLOPEN);
    for (uint32_t i = 0; i < BATCH; i++)
        tag[i] = p9c_send(&p->c, P9_TREAD, "dqd", 100 + i, (uint64_t)0, 1u);
    finish(&p->c, tag, P9_TREAD);
    clunk_all(p);
}

static void create_turn(struct place *p, uint32_t turn)
{
    char name[32], moved[32];
    uint16_t tag[BATCH];

    walk_all(p, NULL);
    for (uint32_t i = 0; i < BATCH; i++) {
        snprintf(name, sizeof(name), "new-%u-%u", turn, i);
        tag[i] =
            p9c_send(&p->c, P9_TLCREATE, "dsddd", 100 + i, name, P9_L_RDWR | P9_L_CREAT, 0644u, 0u);
    }
    finish(&p->c, tag, P9_TLCREATE);
    clunk_all(p);
    for (uint32_t i = 0; i < BATCH; i++) {
        snprintf(name, sizeof(name), "new-%u-%u", turn, i);
        snprintf(moved, sizeof(moved), "moved-%u", i);
        tag[i] = p9c_send(&p->c, P9_TRENAMEAT, "dsds", 1u, name, 1u, moved);
    }
    finish(&p->c, tag, P9_TRENAMEAT);
    for (uint32_t i = 0; i < BATCH; i++) {
        snprintf(moved, sizeof(moved), "moved-%u", i);
        tag[i] = p9c_send(&p->c, P9_TUNLINKAT, "dsd", 1u, moved, 0u);
    }
    finish(&p->c, tag, P9_TUNLINKAT);
}

static const struct load loads[] = {
    {"getattr", stat_turn},
    {"walk, clunk", walk_turn},
    {"open, read, clunk", open_turn},
    {"create, rename, unlink", create_turn},
};

static long long cpu_us(const struct rig *g)
{
    clockid_t clock;
    struct timespec t;

    CHECK_EQ(clock_getcpuclockid(g->pid, &clock), 0);
    CHECK_EQ(clock_gettime(clock, &t), 0);
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;

    return x < y ? -1 : x > y;
}

/* A load at each size in turn, several times over; the median of each size to `cost`. */
static void measure(struct place place[SIZES], const struct load *l, long long cost[SIZES])
{
    long long all[SIZES][ROUNDS];

    for (uint32_t round = 0; round < ROUNDS; round++)
        for (uint32_t s = 0; s < SIZES; s++) {
            long long before = cpu_us(place[s].g);

            for (uint32_t i = 0; i < TURNS; i++)
                l->turn(&place[s], round * TURNS + i);
            all[s][round] = cpu_us(place[s].g) - before;
        }
    for (uint32_t s = 0; s < SIZES; s++) {
        qsort(all[s], ROUNDS, sizeof(all[s][0]), by_value);
        cost[s] = all[s][ROUNDS / 2];
    }
}

/*
 * The largest must not cost LIMIT_PERCENT of the smallest. What grows does so each time; what other work on the machine
 * does to one measurement, it does not to all of them.
 */
static void compare(struct place place[SIZES], const char *what)
{
    for (size_t k = 0; k < sizeof(loads) / sizeof(loads[0]); k++) {
        bool good = false;

        for (uint32_t try = 0; try < TRIES && !good; try++) {
            long long cost[SIZES];

            measure(place, &loads[k], cost);
            for (uint32_t s = 0; s < SIZES; s++)
                printf("# %s %u: %s %.2f us\n", what, place[s].size, loads[k].name,
                       (double)cost[s] / (TURNS * BATCH));
            good = cost[SIZES - 1] * 100 < cost[0] * LIMIT_PERCENT;
        }
        (void)fflush(stdout);
        if (!good)
            FAIL("%s costs more than %d %% with %s %u of what it does with %u", loads[k].name,
                 LIMIT_PERCENT, what, place[SIZES - 1].size, place[0].size);
    }
    for (uint32_t s = 0; s < SIZES; s++)
        rig_end(place[s].g);
}

static void touch(const struct rig *g, const char *path)
{
    int fd = openat(g->root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    CHECK_EQ(write(fd, "x", 1), 1);
    close(fd);
}

/* A rig whose export has the directory "N" and in it the file "there". */
static void new_place(struct place *p, uint32_t size)
{
    char path[160];
    struct rig_config cfg = {.max_fids = 15100,
                             .no_polling = true,
                             .max_open_files = 64,
                             .policy.max_locks = 64,
                             .export = path};

    p->size = size;
    snprintf(path, sizeof(path), "%s/export-%u", tap_dir(), size);
    MUST(mkdir(path, 0755));
    p->g = rig_prepare(&cfg);
    snprintf(path, sizeof(path), "%u", size);
    MUST(mkdirat(p->g->root_fd, path, 0755));
    snprintf(path, sizeof(path), "%u/there", size);
    touch(p->g, path);
}

static void serve(struct place *p)
{
    char path[64];

    rig_start(p->g, 0);
    p9c_mount(&p->c, p->g);
    snprintf(path, sizeof(path), "%u", p->size);
    CHECK_OK(p9c_walk(&p->c, 0, 1, path));
}

static void fids(void)
{
    static const uint32_t sizes[SIZES] = {10, 1000, 15000};
    struct place place[SIZES] = {0};

    for (uint32_t s = 0; s < SIZES; s++) {
        new_place(&place[s], sizes[s]);
        serve(&place[s]);
        for (uint32_t i = 0; i < sizes[s]; i++)
            CHECK_OK(p9c_walk(&place[s].c, 1, 1000 + i, "there"));
        place[s].fids = sizes[s];
    }
    compare(place, "fids");
}

static void directory_entries(void)
{
    static const uint32_t sizes[SIZES] = {10, 1000, 20000};
    struct place place[SIZES] = {0};

    for (uint32_t s = 0; s < SIZES; s++) {
        new_place(&place[s], sizes[s]);
        for (uint32_t i = 0; i < sizes[s]; i++) {
            char path[64];

            snprintf(path, sizeof(path), "%u/file-%u", sizes[s], i);
            touch(place[s].g, path);
        }
        serve(&place[s]);
    }
    compare(place, "files in a directory");
}

static void depth(void)
{
    static const uint32_t sizes[SIZES] = {1, 10, 100};
    struct place place[SIZES] = {0};

    for (uint32_t s = 0; s < SIZES; s++) {
        new_place(&place[s], sizes[s]);
        serve(&place[s]);
        for (uint32_t i = 1; i < sizes[s]; i++) {
            CHECK_OK(p9c_mkdir(&place[s].c, 1, "d", 0755));
            CHECK_OK(p9c_walk(&place[s].c, 1, 1, "d"));
        }
        CHECK_OK(p9c_walk(&place[s].c, 1, 2, ""));
        if (sizes[s] > 1)
            CHECK_OK(p9c_lcreate(&place[s].c, 2, "there", P9_L_RDWR | P9_L_CREAT, 0644));
        CHECK_OK(p9c_clunk(&place[s].c, 2));
    }
    compare(place, "directories deep");
}

static const struct tap_case cases[] = {
    {"fids", fids, TAP_ALONE | TAP_SLOW, 0},
    {"directory_entries", directory_entries, TAP_ALONE | TAP_SLOW, 0},
    {"depth", depth, TAP_ALONE | TAP_SLOW, 0},
};
TAP_SUITE(growth, cases);
