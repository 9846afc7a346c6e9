/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients.c - what Mini-OS and Unikraft send, message by message, on real grants. Both speak 9P2000.u.
 */
#include "fe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TVERSION 100
#define TATTACH 104
#define TWALK 110
#define TOPEN 112
#define TCREATE 114
#define TREAD 116
#define TWRITE 118
#define TCLUNK 120
#define TSTAT 124
#define NOFID 0xffffffffu

static void want(int rc, int wanted, const char *what)
{
    if (rc == wanted)
        return;
    printf("%s: %s instead of %s\n", what,
           rc < 0    ? "no answer"
           : rc == 0 ? "success"
                     : strerror(rc),
           wanted == 0 ? "success" : strerror(wanted));
    exit(1);
}

/* The last reply's body: this long, and beginning so. */
static void want_body(uint32_t len, const void *start, uint32_t n, const char *what)
{
    uint32_t got;
    const uint8_t *b = p9_body(&got);

    if (got == len && memcmp(b, start, n) == 0)
        return;
    printf("%s: a body of %u bytes, not %u, or another one\n", what, got, len);
    exit(1);
}

static void want_state(struct fe *fe, int state)
{
    char *error;

    if (be_wait(fe, state, 15))
        return;
    error = be_read(fe, "error");
    printf("backend state %d instead of %d, error %s\n", be_state(fe), state, error ? error : "-");
    exit(1);
}

static void come_up(struct fe *fe, const char *path)
{
    toolstack_add(fe, path);
    want_state(fe, 2);
    fe_share(fe);
    fe_publish(fe);
    want_state(fe, 4);
}

static void go_down(struct fe *fe)
{
    toolstack_unplug(fe);
    want_state(fe, 6);
    fe_unshare(fe);
    toolstack_remove(fe);
}

/* Tversion and what it must answer: `msize` (little-endian, as this machine) and the same version. */
static void version(struct fe *fe, uint16_t tag, uint32_t asked, uint32_t msize)
{
    uint8_t body[4 + 2 + 8] = {0};

    memcpy(body, &msize, 4);
    body[4] = 8;
    memcpy(body + 6, "9P2000.u", 8);
    want(p9_ask(fe, 0, TVERSION, tag, "ds", asked, "9P2000.u"), 0, "Tversion");
    want_body(sizeof(body), body, sizeof(body), "Rversion");
    fe->msize = msize;
}

/* --- Mini-OS: tags 0..63, the lowest free one, one request at a time: always 0 --------------------------- */

static int minios_walk(struct fe *fe, uint32_t from, uint32_t fid, const char *name)
{
    if (name[0] == '\0')
        return p9_ask(fe, 0, TWALK, 0, "ddw", from, fid, 0);
    return p9_ask(fe, 0, TWALK, 0, "ddws", from, fid, 1, name);
}

/* open(name, O_CREAT | O_WRONLY), write, close; open(name, O_RDONLY), fstat, read, close. */
static void minios_file(struct fe *fe, const char *dir, const char *name)
{
    static uint8_t data[1 << 16];
    uint32_t most = fe->msize - 23, count = fe->msize - 11, n = most + 100;
    uint64_t length;
    uint32_t len;

    memset(data, 'm', sizeof(data));
    want(minios_walk(fe, 0, 1, ""), 0, "Twalk from the root");
    want(minios_walk(fe, 1, 1, dir), 0, "Twalk in place");
    want(minios_walk(fe, 1, 1, name), ENOENT, "Twalk to a new name");
    want(p9_ask(fe, 0, TCREATE, 0, "dsdbs", 1u, name, 0600u, 1, ""), 0, "Tcreate");
    want(p9_ask(fe, 0, TWRITE, 0, "dqdB", 1u, (uint64_t)0, most, most, data), 0, "Twrite");
    want_body(4, &most, 4, "Rwrite");
    want(p9_ask(fe, 0, TWRITE, 0, "dqdB", 1u, (uint64_t)most, 100u, 100u, data), 0, "Twrite");
    want(p9_ask(fe, 0, TCLUNK, 0, "d", 1u), 0, "Tclunk");
    want(minios_walk(fe, 0, 2, ""), 0, "Twalk from the root");
    want(minios_walk(fe, 2, 2, dir), 0, "Twalk in place");
    want(minios_walk(fe, 2, 2, name), 0, "Twalk in place");
    want(p9_ask(fe, 0, TOPEN, 0, "db", 2u, 0), 0, "Topen");
    want(p9_ask(fe, 0, TSTAT, 0, "d", 2u), 0, "Tstat");
    memcpy(&length, p9_body(&len) + 2 + 2 + 2 + 4 + 13 + 12, 8);
    if (length != n) {
        printf("Rstat: length %llu, not %u\n", (unsigned long long)length, n);
        exit(1);
    }
    want(p9_ask(fe, 0, TREAD, 0, "dqd", 2u, (uint64_t)0, count), 0, "Tread of msize - 11");
    want_body(4 + count, &count, 4, "Rread of exactly msize");
    n -= count;
    want(p9_ask(fe, 0, TREAD, 0, "dqd", 2u, (uint64_t)count, count), 0, "Tread of the rest");
    want_body(4 + n, &n, 4, "Rread of the rest");
    want(p9_ask(fe, 0, TCLUNK, 0, "d", 2u), 0, "Tclunk");
}

void client_minios(struct fe *fe, const char *path)
{
    uint32_t msize;

    fe->rings = 1;
    fe->order = 4;
    msize = 1u << (fe->order + 10);
    come_up(fe, path);
    version(fe, 0, msize, msize);
    want(p9_ask(fe, 0, TATTACH, 0, "ddssd", 0u, 0u, "root", "root", 0u), 0, "Tattach, afid 0");
    minios_file(fe, "dir", "before");
    printf("used\n");
    /* a live update in the middle of something: same ring, no xenstore, no Tattach */
    want(minios_walk(fe, 0, 3, ""), 0, "Twalk from the root");
    version(fe, 0, msize, msize);
    want(p9_ask(fe, 0, TSTAT, 0, "d", 3u), EBADF, "Tstat of a fid from before the live update");
    minios_file(fe, "dir", "after");
    printf("live update\n");
    want_state(fe, 4);
    go_down(fe);
    printf("fine\n");
}

/* --- Unikraft: msize is a whole ring, the ring is tag % rings ------------------------------------------- */

static int ukp(struct fe *fe, uint8_t type, uint32_t fid)
{
    uint16_t tag = ++fe->tag;

    return p9_ask(fe, tag % fe->rings, type, tag, "d", fid);
}

static void unikraft_file(struct fe *fe, uint32_t fid, const char *name)
{
    uint32_t n = (uint32_t)strlen(name);
    uint16_t tag = ++fe->tag;

    want(p9_ask(fe, tag % fe->rings, TWALK, tag, "ddw", 0u, fid, 0), 0, "Twalk");
    tag = ++fe->tag;
    want(p9_ask(fe, tag % fe->rings, TCREATE, tag, "dsdbs", fid, name, 0644u, 2, ""), 0, "Tcreate");
    tag = ++fe->tag;
    want(p9_ask(fe, tag % fe->rings, TWRITE, tag, "dqdB", fid, (uint64_t)0, n, n, name), 0,
         "Twrite");
    tag = ++fe->tag;
    want(p9_ask(fe, tag % fe->rings, TREAD, tag, "dqd", fid, (uint64_t)0, 1000u), 0, "Tread");
    want_body(4 + n, &n, 4, "Rread");
    want(ukp(fe, TSTAT, fid), 0, "Tstat");
    want(ukp(fe, TCLUNK, fid), 0, "Tclunk");
}

/* Every stat of the directory `fid`; returns how many. */
static unsigned unikraft_readdir(struct fe *fe, uint32_t fid)
{
    unsigned entries = 0;
    uint64_t offset = 0;

    for (;;) {
        uint16_t tag = ++fe->tag, size;
        uint32_t len;
        const uint8_t *b;

        want(p9_ask(fe, tag % fe->rings, TREAD, tag, "dqd", fid, offset, 512u), 0, "Tread");
        b = p9_body(&len);
        if (len == 4)
            return entries;
        offset += len - 4;
        for (b += 4, len -= 4; len > 0; entries++) {
            memcpy(&size, b, 2);
            if (len < size + 2u) {
                printf("a stat was split\n");
                exit(1);
            }
            b += size + 2u;
            len -= size + 2u;
        }
    }
}

void client_unikraft(struct fe *fe, const char *path, unsigned rings)
{
    char name[32];
    uint16_t tag;

    fe->rings = rings;
    fe->order = 4;
    come_up(fe, path);
    /* asked: the ring as a whole; answered: half of one direction */
    version(fe, 0xffff, 1u << (fe->order + 12), 1u << (fe->order + 10));
    tag = ++fe->tag;
    want(p9_ask(fe, tag % rings, TATTACH, tag, "ddssd", 0u, NOFID, "", "", NOFID), 0, "Tattach");
    for (uint32_t i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "unikraft-%u-%u", rings, i);
        unikraft_file(fe, 10 + i, name);
    }
    tag = ++fe->tag;
    want(p9_ask(fe, tag % rings, TWALK, tag, "ddw", 0u, 5u, 0), 0, "Twalk");
    tag = ++fe->tag;
    want(p9_ask(fe, tag % rings, TOPEN, tag, "db", 5u, 0), 0, "Topen");
    printf("%u rings, %u entries\n", rings, unikraft_readdir(fe, 5));
    go_down(fe);
}
