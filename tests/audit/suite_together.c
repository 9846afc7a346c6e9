/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_together.c - the shipped worker in its jail and xen9p-audit in its own: what a guest did
 * stands in the log, whatever happens on the way. This process is the guest and the supervisor.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/harness.h"
#include "../host/p9c.h"
#include "rig.h"
#include "suites.h"

#define EXPORT_OWNER 200100
#define SECONDS 120 /* seconds on an idle machine; this one may not be */
#define WINDOW 64   /* requests on their way at once */

/* A guest, its worker, and the worker's source at xen9p-audit. */
struct guest {
    struct source s;
    struct rig *g;
    struct p9c c;
    uint32_t from, to; /* numbers of the directories that it makes and removes */
    _Atomic uint32_t done;
    long long slowest_ms;
    pthread_t thread;
};

/* Guests, and the xen9p-audit of all of them. */
struct stage {
    struct arig r;
    char disk[128]; /* of the logs, where it is a small one */
    struct guest *guests[2];
    size_t num;
};

/* The exports are in memory: it is not a disk that is tested here. */
static void stage_start(struct stage *t, bool small)
{
    char path[96];

    memset(t, 0, sizeof(*t));
    snprintf(path, sizeof(path), "%s/mnt", tap_dir());
    MUST(mkdir(path, 0755));
    MUST(mount("tmpfs", path, "tmpfs", 0, "mode=755"));
    if (small)
        small_disk("mnt/logs", t->disk, sizeof(t->disk));
    arig_start(&t->r, small ? t->disk : NULL);
}

static void guest_start(struct stage *t, struct guest *a, const char *domain, enum audit_full full)
{
    char export[96];
    struct rig_config cfg = {.flags = full == AUDIT_FULL_BLOCK ? CTL_FLAG_AUDIT_BLOCKS : 0,
                             .policy.limits.audit = AUDIT_ALL_CLASSES};

    memset(a, 0, sizeof(*a));
    t->guests[t->num] = a;
    source_open(&t->r, &a->s, domain, full);
    snprintf(export, sizeof(export), "%s/mnt/export%zu", tap_dir(), t->num++);
    MUST(mkdir(export, 0755));
    /* where tmpfs cannot be mapped, a worker runs as the owner, and not for root */
    MUST(chown(export, EXPORT_OWNER, EXPORT_OWNER));
    cfg.export = export;
    cfg.audit_fd = a->s.worker;
    a->g = rig_new(&cfg);
    close(a->s.worker); /* the worker has it */
    a->s.worker = -1;
    p9c_mount(&a->c, a->g);
}

/* Version and attach; the worker tells nothing else that was not asked for. */
#define FIRST_RECORDS 2u

/* Makes (or removes) directories `from` to below `to`, many at once. */
static void make_or_remove(struct guest *a, uint8_t type, uint32_t from, uint32_t to)
{
    uint16_t tag[WINDOW];
    char name[32];

    for (uint32_t i = from; i < to; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        tag[i - from] = type == P9_TMKDIR
                            ? p9c_send(&a->c, type, "dsdd", 0u, name, 0755u, 0u)
                            : p9c_send(&a->c, type, "dsd", 0u, name, (uint32_t)P9_AT_REMOVEDIR);
    }
    for (uint32_t i = from; i < to; i++) {
        CHECK_OK(p9c_finish(&a->c, tag[i - from], type));
        atomic_fetch_add(&a->done, 1);
    }
}

/* Two operations a directory. */
static void *work(void *arg)
{
    struct guest *a = arg;

    for (uint32_t i = a->from; i < a->to; i += WINDOW) {
        uint32_t end = a->to - i < WINDOW ? a->to : i + WINDOW;

        make_or_remove(a, P9_TMKDIR, i, end);
        make_or_remove(a, P9_TUNLINKAT, i, end);
    }
    return NULL;
}

static void begin(struct guest *a, uint32_t directories)
{
    a->from = a->to;
    a->to += directories;
    CHECK_EQ(pthread_create(&a->thread, NULL, work, a), 0);
}

static void join(struct guest *a)
{
    CHECK_EQ(pthread_join(a->thread, NULL), 0);
}

/* Waits until `n` operations are done. */
static void reach(const struct guest *a, uint32_t n)
{
    while (atomic_load(&a->done) < n)
        tap_sleep(2);
}

static void restart(struct stage *t)
{
    arig_restart(&t->r);
    for (size_t i = 0; i < t->num; i++)
        source_register(&t->r, &t->guests[i]->s);
}

/* The workers end, then xen9p-audit; everything is in the file. */
static void finish(struct stage *t)
{
    for (size_t i = 0; i < t->num; i++)
        rig_end(t->guests[i]->g);
    arig_stop(&t->r);
}

static unsigned number_of(const json_t *line)
{
    unsigned n;
    char end;

    if (sscanf(line_text(line, "path"), "/d%u%c", &n, &end) != 1)
        FAIL("a path of nobody's: %s", line_text(line, "path"));
    return n;
}

/* Each directory was made once and removed once, in this order, as far as the log says anything. */
static void expect_each(const struct log *l, const struct guest *a, bool all)
{
    uint8_t *state = calloc(a->to, 1);
    json_t *line;
    size_t i;

    CHECK(state != NULL);
    json_array_foreach(l->lines, i, line)
    {
        const char *op = line_text(line, "op");
        bool made = strcmp(op, "mkdir") == 0, gone = strcmp(op, "unlink") == 0;

        if (line_number(line, "worker") != a->s.id || (!made && !gone))
            continue;
        CHECK(strcmp(line_text(line, "result"), "ok") == 0);
        CHECK(number_of(line) < a->to);
        if (state[number_of(line)] != (made ? 0 : all ? 1 : state[number_of(line)]))
            FAIL("%s of d%u out of turn", op, number_of(line));
        state[number_of(line)] = made ? 1 : 2;
    }
    for (uint32_t n = 0; all && n < a->to; n++)
        if (state[n] != 2)
            FAIL("of d%u the log says nothing, or half", n);
    free(state);
}

/* --- nothing is missing ------------------------------------------------------------------------ */

static void complete(void)
{
    struct guest a;
    struct stage t;
    struct log l;

    stage_start(&t, false);
    guest_start(&t, &a, "guest", AUDIT_FULL_BLOCK);
    begin(&a, 50000);
    join(&a);
    finish(&t);
    CHECK_EQ(atomic_load(&a.done), 100000);
    log_read(&t.r, "guest", true, &l);
    CHECK_EQ(l.records, 100000 + FIRST_RECORDS);
    CHECK_EQ(l.suppressed, 0);
    log_expect(&l, a.s.id, 100000 + FIRST_RECORDS);
    expect_each(&l, &a, true);
}

/* xen9p-audit is killed again and again under two devices of a domain that blocks. */
static void killed_block(void)
{
    struct guest a, b;
    struct stage t;
    struct log l;

    stage_start(&t, false);
    guest_start(&t, &a, "guest", AUDIT_FULL_BLOCK);
    guest_start(&t, &b, "guest", AUDIT_FULL_BLOCK);
    begin(&a, 10000);
    begin(&b, 10000);
    for (unsigned i = 0; i < 25; i++) {
        tap_sleep(i * 7 % 40);
        arig_kill(&t.r, SIGKILL);
        tap_sleep(i % 3 * 30);
        restart(&t);
    }
    join(&a);
    join(&b);
    CHECK(!arig_state(&t.r, AUDIT_STATE_VIOLATION, 0));
    finish(&t);
    log_read(&t.r, "guest", true, &l);
    log_expect(&l, a.s.id, 20000 + FIRST_RECORDS);
    log_expect(&l, b.s.id, 20000 + FIRST_RECORDS);
    expect_each(&l, &a, true);
    expect_each(&l, &b, true);
    CHECK_EQ(l.suppressed, 0);
}

/* The same under one that drops: the guest never waits, and the log says how much is missing. */
static void killed_drop(void)
{
    struct guest a;
    struct stage t;
    struct log l;

    stage_start(&t, false);
    guest_start(&t, &a, "guest", AUDIT_FULL_DROP);
    begin(&a, 20000);
    for (unsigned i = 0; i < 15; i++) {
        reach(&a, i * 2400 + i * 31);
        arig_kill(&t.r, SIGKILL);
        if (i % 4 == 0) /* long enough for the socket to be full */
            reach(&a, i * 2400 + i * 31 + 2000);
        restart(&t);
    }
    join(&a);
    CHECK(!arig_state(&t.r, AUDIT_STATE_VIOLATION, 0));
    finish(&t);
    log_read(&t.r, "guest", true, &l);
    CHECK(l.suppressed > 0);
    CHECK_EQ(l.records + l.suppressed, 40000 + FIRST_RECORDS);
    expect_each(&l, &a, false);
}

/* --- no room ----------------------------------------------------------------------------------- */

static void full_block(void)
{
    struct guest a;
    uint32_t done, before = 1;
    struct stage t;
    struct log l;

    stage_start(&t, true);
    guest_start(&t, &a, "guest", AUDIT_FULL_BLOCK);
    begin(&a, 10000);
    CHECK(arig_state(&t.r, AUDIT_STATE_BLOCKED, 20000));
    CHECK_EQ(t.r.state.error, ENOSPC);
    for (int i = 0; i < 50 && (done = atomic_load(&a.done)) != before; i++) {
        before = done; /* until the worker's socket is full, too */
        tap_sleep(200);
    }
    tap_sleep(1200);
    CHECK_EQ(atomic_load(&a.done), done); /* the guest stands still */
    CHECK(done < 20000);
    grow_disk(t.disk);
    CHECK(arig_state(&t.r, AUDIT_STATE_RUNNING, 5000));
    join(&a);
    finish(&t);
    log_read(&t.r, "guest", true, &l);
    log_expect(&l, a.s.id, 20000 + FIRST_RECORDS);
    expect_each(&l, &a, true);
    CHECK_EQ(l.suppressed, 0);
}

/* Full for as long as the guest works, and killed meanwhile: it goes on, and each loss is said. */
static void full_drop(void)
{
    struct guest a;
    struct stage t;
    struct log l;

    stage_start(&t, true);
    guest_start(&t, &a, "guest", AUDIT_FULL_DROP);
    begin(&a, 10000);
    CHECK(arig_state(&t.r, AUDIT_STATE_DROPPING, 20000));
    join(&a);
    arig_kill(&t.r, SIGKILL);
    restart(&t);
    begin(&a, 100);
    join(&a);
    grow_disk(t.disk);
    begin(&a, 100);
    join(&a);
    finish(&t);
    log_read(&t.r, "guest", true, &l);
    CHECK(l.suppressed > 0);
    CHECK_EQ(l.records + l.suppressed, 20400 + FIRST_RECORDS);
    expect_each(&l, &a, false);
}

/* --- two guests -------------------------------------------------------------------------------- */

/* Refused all the time, as fast as it can: each try is a record. */
static void *flood(void *arg)
{
    struct guest *a = arg;
    uint16_t tag[WINDOW];

    while (atomic_load(&a->done) == 0) {
        for (int i = 0; i < WINDOW; i++)
            tag[i] = p9c_send(&a->c, P9_TMKNOD, "dsdddd", 0u, "disk", (uint32_t)(S_IFBLK | 0600),
                              8u, 0u, 0u);
        for (int i = 0; i < WINDOW; i++)
            CHECK_ERR(p9c_finish(&a->c, tag[i], P9_TMKNOD), EPERM);
        a->to += WINDOW;
    }
    return NULL;
}

static void flooded(enum audit_full full)
{
    struct guest quiet, loud;
    struct stage t;
    struct log l;

    stage_start(&t, false);
    guest_start(&t, &quiet, "quiet", AUDIT_FULL_BLOCK);
    guest_start(&t, &loud, "loud", full);
    CHECK_EQ(pthread_create(&loud.thread, NULL, flood, &loud), 0);
    tap_sleep(200);
    for (uint32_t i = 0; i < 1000; i++) {
        long long start = tap_now(), took;

        make_or_remove(&quiet, P9_TMKDIR, i, i + 1);
        make_or_remove(&quiet, P9_TUNLINKAT, i, i + 1);
        took = tap_now() - start;
        quiet.slowest_ms = took > quiet.slowest_ms ? took : quiet.slowest_ms;
    }
    quiet.to = 1000;
    atomic_store(&loud.done, 1);
    join(&loud);
    finish(&t);
    tap_note("slowest two operations: %lld ms; flood of %u", quiet.slowest_ms, loud.to);
    CHECK(quiet.slowest_ms < 1000);
    log_read(&t.r, "quiet", true, &l);
    log_expect(&l, quiet.s.id, 2000 + FIRST_RECORDS);
    expect_each(&l, &quiet, true);
    CHECK_EQ(l.suppressed, 0);
    log_read(&t.r, "loud", true, &l);
    CHECK_EQ(l.records + l.suppressed, loud.to + FIRST_RECORDS);
    CHECK(full == AUDIT_FULL_DROP || l.suppressed == 0);
}

static void flood_drop(void)
{
    flooded(AUDIT_FULL_DROP);
}

static void flood_block(void)
{
    flooded(AUDIT_FULL_BLOCK);
}

/* --- names ------------------------------------------------------------------------------------- */

/* Undoes the escaping that the manual describes; the JSON string is parsed already. */
static size_t unescape(const char *s, uint8_t *out)
{
    size_t len = 0;

    while (*s != '\0') {
        unsigned byte;

        if (*s != '\\') {
            out[len++] = (uint8_t)*s++;
        } else if (s[1] == '\\') {
            out[len++] = '\\';
            s += 2;
        } else {
            CHECK(sscanf(s, "\\x%2x", &byte) == 1);
            out[len++] = (uint8_t)byte;
            s += 4;
        }
    }
    return len;
}

static void expect_bytes(const json_t *line, const char *key, const char *before, const char *name,
                         size_t len)
{
    static uint8_t got[AUDIT_STRING_MAX * 5];
    size_t head = strlen(before), n = unescape(line_text(line, key), got);

    if (n != head + len || memcmp(got, before, head) != 0 || memcmp(got + head, name, len) != 0)
        FAIL("%s of %s is %s: not the bytes that the guest sent", key, line_text(line, "op"),
             line_text(line, key));
    for (const char *s = line_text(line, key); *s != '\0'; s++)
        CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
}

struct name {
    char s[256];
    size_t len;
};

/* Every byte alone and between others, what is cut in UTF-8, what looks like a line of the log. */
static size_t make_names(struct name *names)
{
    static const char *const odd[] = {
        "a\nb",
        "\"},{\"seq\":1,\"op\":\"",
        "\\",
        "\\\\x0a",
        "\\x0a",
        "\\u0000",
        "\\n",
        "\r\n{}\n",
        "\033]0;x\007",
        "\xe2\x82",
        "\xc0\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xe2\x80\xae",
        "\xef\xbb\xbf",
        "gr\xc3\xbc\xc3\x9f",
        "x (deleted)",
        " ",
        "...",
        "\xf0\x9f\x98\x80",
        "\x7f",
    };
    uint32_t seed = 1;
    size_t n = 0;

    for (unsigned byte = 1; byte < 256; byte++) {
        if (byte == '/' || byte == '.')
            continue;
        names[n++] = (struct name){{(char)byte}, 1};
        names[n++] = (struct name){{'a', (char)byte, 'z'}, 3};
    }
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        names[n].len = strlen(odd[i]);
        memcpy(names[n++].s, odd[i], strlen(odd[i]));
    }
    for (int i = 0; i < 100; i++, n++) {
        names[n].len = 255;
        for (size_t k = 0; k < 255; k++) {
            seed = seed * 1103515245u + 12345u;
            names[n].s[k] = (char)(1 + (seed >> 16) % 255);
            if (names[n].s[k] == '/')
                names[n].s[k] = '"';
        }
    }
    return n;
}

static bool exists(struct guest *a, const struct name *m)
{
    if (p9c_rpc(&a->c, P9_TWALK, "ddwS", 0u, 3u, 1, m->len, m->s) != 0)
        return false;
    CHECK_OK(p9c_clunk(&a->c, 3));
    return true;
}

static void names(void)
{
    static struct name all[1000];
    struct guest a;
    size_t num = make_names(all), at = 0;
    struct stage t;
    struct log l;

    stage_start(&t, false);
    guest_start(&t, &a, "guest", AUDIT_FULL_BLOCK);
    for (size_t i = 0; i < num; i++) {
        const struct name *m = &all[i];

        CHECK_OK(p9c_walk(&a.c, 0, 2, ""));
        CHECK_OK(p9c_rpc(&a.c, P9_TLCREATE, "dSddd", 2u, m->len, m->s, P9_L_WRONLY, 0644u, 0u));
        CHECK_OK(p9c_clunk(&a.c, 2));
        CHECK(exists(&a, m));
        CHECK_OK(p9c_rpc(&a.c, P9_TRENAMEAT, "dSds", 0u, m->len, m->s, 0u, "plain"));
        CHECK_OK(p9c_unlinkat(&a.c, 0, "plain", 0));
        CHECK_OK(p9c_rpc(&a.c, P9_TSYMLINK, "dsSd", 0u, "link", m->len, m->s, 0u));
        CHECK_OK(p9c_unlinkat(&a.c, 0, "link", 0));
    }
    finish(&t);
    log_read(&t.r, "guest", true, &l);
    log_expect(&l, a.s.id, 6 * num + FIRST_RECORDS);
    at = json_array_size(l.lines) - 6 * num;
    for (size_t i = 0; i < num; i++, at += 6) {
        static const char *const ops[] = {"create", "close",   "rename",
                                          "unlink", "symlink", "unlink"};

        for (size_t k = 0; k < 6; k++)
            CHECK(strcmp(line_text(json_array_get(l.lines, at + k), "op"), ops[k]) == 0);
        for (size_t k = 0; k < 3; k++)
            expect_bytes(json_array_get(l.lines, at + k), "path", "/", all[i].s, all[i].len);
        expect_bytes(json_array_get(l.lines, at + 4), "to", "", all[i].s, all[i].len);
    }
}

static const struct tap_case cases[] = {
    {"complete", complete, 0, SECONDS},         {"killed-block", killed_block, 0, SECONDS},
    {"killed-drop", killed_drop, 0, SECONDS},   {"full-block", full_block, 0, SECONDS},
    {"full-drop", full_drop, 0, SECONDS},       {"flood-drop", flood_drop, TAP_ALONE, 0},
    {"flood-block", flood_block, TAP_ALONE, 0}, {"names", names, 0, 0},
};
TAP_SUITE(together, cases);
