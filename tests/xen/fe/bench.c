/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.c - one request after the other in 9P2000.u, which xen-9pfsd speaks as well.
 */
#include "fe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TATTACH 104
#define TWALK 110
#define TOPEN 112
#define TREAD 116
#define TWRITE 118
#define TCLUNK 120
#define TSTAT 124
#define FID_ROOT 0u
#define FID_FILE 1u
#define FID_NEW 2u
#define ORDWR 2
#define BLOCK 4096u
#define LARGE (28u * 1024)
#define FILE_SIZE (1u << 20)

static uint8_t data[LARGE];

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    printf("%s: %s\n", what, rc < 0 ? "no answer" : strerror(rc));
    exit(1);
}

/* All of it, or the numbers would say nothing. */
static void read_whole(struct fe *fe, uint64_t offset, uint32_t count)
{
    uint32_t len;

    must(p9_ask(fe, 0, TREAD, 0, "dqd", FID_FILE, offset, count), "Tread");
    (void)p9_body(&len);
    if (len == sizeof(count) + count)
        return;
    printf("Tread of %u bytes: a reply of %u\n", count, len);
    exit(1);
}

static void read_block(struct fe *fe, uint32_t i)
{
    read_whole(fe, (uint64_t)i * 7919 % 256 * BLOCK, BLOCK);
}

static void write_block(struct fe *fe, uint32_t i)
{
    must(p9_ask(fe, 0, TWRITE, 0, "dqdB", FID_FILE, (uint64_t)i * 7919 % 256 * BLOCK, BLOCK, BLOCK,
                data),
         "Twrite");
}

static void read_large(struct fe *fe, uint32_t i)
{
    read_whole(fe, (uint64_t)i % (FILE_SIZE / LARGE) * LARGE, LARGE);
}

static void stat_file(struct fe *fe, uint32_t i)
{
    (void)i;
    must(p9_ask(fe, 0, TWALK, 0, "ddws", FID_ROOT, FID_NEW, 1, "file"), "Twalk");
    must(p9_ask(fe, 0, TSTAT, 0, "d", FID_NEW), "Tstat");
    must(p9_ask(fe, 0, TCLUNK, 0, "d", FID_NEW), "Tclunk");
}

static const struct {
    const char *name;
    void (*once)(struct fe *fe, uint32_t i);
} loads[] = {
    {"u-read-4K", read_block},
    {"u-write-4K", write_block},
    {"u-read-28K", read_large},
    {"u-stat", stat_file},
};

static void want_state(struct fe *fe, int state)
{
    if (!be_wait(fe, state, 15)) {
        printf("backend state %d instead of %d\n", be_state(fe), state);
        exit(1);
    }
}

static void attach(struct fe *fe, const char *path)
{
    fe->rings = 1;
    toolstack_add(fe, path);
    want_state(fe, 2);
    fe_share(fe);
    fe_publish(fe);
    want_state(fe, 4);
    must(p9_ask(fe, 0, 100, 0, "ds", 1u << (fe->order + 10), "9P2000.u"), "Tversion");
    must(p9_ask(fe, 0, TATTACH, 0, "ddssd", FID_ROOT, 0u, "root", "root", 0u), "Tattach");
}

static void leave(struct fe *fe)
{
    toolstack_unplug(fe);
    (void)be_wait(fe, 6, 5); /* xen-9pfsd stays in 5 */
    fe_unshare(fe);
    toolstack_remove(fe);
}

void client_bench(struct fe *fe, const char *path, double seconds)
{
    attach(fe, path);
    must(p9_ask(fe, 0, TWALK, 0, "ddws", FID_ROOT, FID_FILE, 1, "file"), "Twalk");
    must(p9_ask(fe, 0, TOPEN, 0, "db", FID_FILE, ORDWR), "Topen");
    for (size_t k = 0; k < sizeof(loads) / sizeof(loads[0]); k++) {
        double start = now(), t;
        uint32_t i = 0;

        do {
            loads[k].once(fe, i++);
            t = now() - start;
        } while (t < seconds);
        printf("%s %.1f op/s\n", loads[k].name, i / t);
    }
    leave(fe);
}

/* What one round of a walk, a stat of some live fid and a clunk takes, microseconds: the best of a few. */
static double round_us(struct fe *fe, uint32_t live)
{
    double best = 1e9;

    for (uint32_t turn = 0; turn < 9; turn++) {
        double start = now(), took;

        for (uint32_t i = 0; i < 200; i++) {
            must(p9_ask(fe, 0, TWALK, 0, "ddws", FID_ROOT, FID_FILE, 1, "file"), "Twalk");
            must(p9_ask(fe, 0, TSTAT, 0, "d", FID_NEW + (turn * 200 + i) * 7919u % live), "Tstat");
            must(p9_ask(fe, 0, TCLUNK, 0, "d", FID_FILE), "Tclunk");
        }
        took = (now() - start) / 200;
        best = took < best ? took : best;
    }
    return best * 1e6;
}

void client_fids(struct fe *fe, const char *path, char **num)
{
    uint32_t live = 0;

    attach(fe, path);
    for (; *num != NULL; num++) {
        uint32_t want = (uint32_t)atoi(*num);

        if (want == 0)
            die("%s is no number of fids", *num);
        for (; live < want; live++)
            must(p9_ask(fe, 0, TWALK, 0, "ddws", FID_ROOT, FID_NEW + live, 1, "file"), "Twalk");
        printf("%u %.0f\n", live, round_us(fe, live));
    }
    leave(fe);
}
