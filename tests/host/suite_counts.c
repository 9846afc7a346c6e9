/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_counts.c - what a quota has counted: over restarts, beside the host's own changes, and after scans.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quota_steps.h"
#include "suites.h"

/* The count is the export's, not the worker's. */
static void restart_keeps(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 10);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, limits_data, MIB));
    rig_kill(g);
    limits_is(g, MIB, 1);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    p9c_mount(&c, g);
    CHECK_OK(limits_create(&c, 2, "g"));
    CHECK_ERR(limits_write(&c, 2, 0, 1, &n), ENOSPC);
    limits_becomes(g, MIB, 2);
    rig_end(g);
}

/* An open file without a name dies with its worker; the successor's scan finds out. */
static void orphan_of_the_dead(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 10);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(limits_write(&c, 1, 0, 100 * KIB, &n));
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0));
    rig_kill(g);
    limits_is(g, 100 * KIB, 1);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    limits_becomes(g, 0, 0);
    rig_end(g);
}

/* What is there when a worker starts, in all shapes. */
static void first_scan(void)
{
    struct rig_config cfg = {.policy.limits = {.max_space = 100 * MIB, .max_files = 10000}};
    struct rig *g = rig_prepare(&cfg);
    char path[64] = "";
    int dir = g->root_fd, fd;

    for (int i = 0; i < 100; i++) { /* deeper than descriptors are kept for */
        MUST(mkdirat(dir, "d", 0755));
        dir = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MUST(dir);
        snprintf(path, sizeof(path), "f%d", i);
        fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        MUST(fd);
        MUST(ftruncate(fd, 1 + i));
        close(fd);
        MUST(mkdirat(dir, "beside", 0));
    }
    MUST(linkat(dir, path, g->root_fd, "link1", 0));
    MUST(linkat(dir, path, g->root_fd, "link2", 0));
    for (int i = 0; i < 3000; i++) { /* many files of two names each */
        char one[16], two[16];

        snprintf(one, sizeof(one), "one%d", i);
        snprintf(two, sizeof(two), "two%d", i);
        MUST(mknodat(g->root_fd, one, S_IFREG | 0644, 0));
        MUST(linkat(g->root_fd, one, g->root_fd, two, 0));
    }
    MUST(symlinkat("/", g->root_fd, "outside"));
    MUST(mkfifoat(g->root_fd, "fifo", 0644));
    rig_start(g, 0);
    limits_becomes(g, 100 * 4 * KIB, 100 * 3 + 2 + 3000);
    rig_end(g);
}

/* The host makes room; the guest that needs it has it soon. */
static void host_side(void)
{
    struct p9c c;
    struct rig *g = limits_rig(&c, MIB, 3);
    uint32_t n;

    limits_scanned(g, 1);
    CHECK_OK(limits_create(&c, 1, "f"));
    CHECK_OK(p9c_write_all(&c, 1, 0, limits_data, MIB));
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(limits_create(&c, 2, "g"));
    MUST(unlinkat(g->root_fd, "f", 0));
    CHECK_ERR(limits_write(&c, 2, 0, 1, &n), ENOSPC); /* and has it looked at */
    limits_becomes(g, 0, 1);
    CHECK_OK(limits_write(&c, 2, 0, 1, &n));
    rig_end(g);
}

/* Two devices with the same directory share one count. */
static void two_workers(void)
{
    struct p9c a, b;
    struct rig *g = limits_rig(&a, MIB, 10), *h;
    struct rig_config cfg = {
        .policy.limits = {.max_space = MIB, .max_files = 10}, .export = g->root, .quota_of = g};
    uint32_t n;

    limits_scanned(g, 1);
    h = rig_new(&cfg);
    p9c_mount(&b, h);
    limits_scanned(g, 2);
    CHECK_OK(limits_create(&a, 1, "a"));
    CHECK_OK(limits_create(&b, 1, "b"));
    CHECK_OK(limits_write(&a, 1, 0, 500 * KIB, &n));
    CHECK_OK(limits_write(&b, 1, 0, 500 * KIB, &n));
    limits_is(g, 1000 * KIB, 2);
    CHECK_OK(limits_write(&b, 1, 500 * KIB, 100 * KIB, &n));
    CHECK_EQ(n, 24 * KIB);
    CHECK_ERR(limits_write(&a, 1, 500 * KIB, 1, &n), ENOSPC);
    CHECK_OK(p9c_clunk(&b, 1));
    CHECK_OK(p9c_unlinkat(&a, 0, "b", 0));
    CHECK_OK(limits_write(&a, 1, 500 * KIB, 400 * KIB, &n));
    CHECK_EQ(n, 400 * KIB);
    rig_end(h);
    rig_end(g);
}

/* Everything at once, from several clients; afterwards the count is what a scan would find. */
static void churn(void)
{
    enum { IN_FLIGHT = 16, ROUNDS = 40 };
    struct p9c c;
    struct rig *g = limits_rig(&c, 4 * MIB, 100);
    uint32_t scans;

    limits_scanned(g, 1);
    for (uint32_t i = 0; i < IN_FLIGHT; i++) {
        char name[16];

        snprintf(name, sizeof(name), "f%u", i / 2); /* each by two fids */
        CHECK_OK(limits_create(&c, 100 + i, name));
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint16_t tag[3 * IN_FLIGHT];
        uint8_t type[3 * IN_FLIGHT];
        uint32_t n = 0;

        for (uint32_t i = 0; i < IN_FLIGHT; i++) {
            uint64_t at = (round * 7919u + i * 104729u) % (600 * KIB);
            char name[16], other[16];

            snprintf(name, sizeof(name), "n%u", (round + i) % 5);
            snprintf(other, sizeof(other), "n%u", (round + i) % 3);
            type[n] = P9_TWRITE;
            tag[n++] =
                p9c_send(&c, P9_TWRITE, "dqdB", 100 + i, at, 20000u, (size_t)20000, limits_data);
            type[n] = i % 3 == 0 ? P9_TSETATTR : i % 3 == 1 ? P9_TLINK : P9_TUNLINKAT;
            if (type[n] == P9_TSETATTR)
                tag[n++] = p9c_send(&c, P9_TSETATTR,
                                    "ddddd"
                                    "q"
                                    "qqqq",
                                    100 + i, P9_SETATTR_SIZE, 0u, 0u, 0u, (at * 3) % (600 * KIB),
                                    0ull, 0ull, 0ull, 0ull);
            else if (type[n] == P9_TLINK)
                tag[n++] = p9c_send(&c, P9_TLINK, "dds", 0u, 100 + i, name);
            else
                tag[n++] = p9c_send(&c, P9_TUNLINKAT, "dsd", 0u, name, 0u);
            type[n] = P9_TRENAMEAT;
            tag[n++] = p9c_send(&c, P9_TRENAMEAT, "dsds", 0u, name, 0u, other);
        }
        for (uint32_t i = 0; i < n; i++)
            (void)p9c_finish(&c, tag[i], type[i]);
    }
    for (uint32_t i = 0; i < IN_FLIGHT; i++)
        CHECK_OK(p9c_clunk(&c, 100 + i));
    /* exact or too much, never too little; a scan of the quiet tree makes it exact */
    uint64_t space = atomic_load(&g->quota->used[QUOTA_SPACE]);
    uint64_t files = atomic_load(&g->quota->used[QUOTA_FILES]);
    rig_end(g);
    scans = atomic_load(&g->quota->scans);
    rig_start(g, CTL_FLAG_SUCCESSOR);
    limits_scanned(g, scans + 1);
    tap_note("counted %llu in %llu, found %llu in %llu", (unsigned long long)space,
             (unsigned long long)files, (unsigned long long)g->quota->used[QUOTA_SPACE],
             (unsigned long long)g->quota->used[QUOTA_FILES]);
    limits_is(g, space, files);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"restart_keeps", restart_keeps, 0, 0}, {"orphan_of_the_dead", orphan_of_the_dead, 0, 0},
    {"first_scan", first_scan, 0, 0},       {"host_side", host_side, 0, 0},
    {"two_workers", two_workers, 0, 0},     {"churn", churn, 0, 0},
};
TAP_SUITE(counts, cases);
