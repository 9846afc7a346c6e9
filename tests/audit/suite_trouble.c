/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_trouble.c - xen9p-audit: guests that flood it, and workers that send it anything but records.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"

/* One guest floods; the other's records are there at once, and what was suppressed is counted. */
static void flood(void)
{
    struct source loud, quiet;
    struct arig r;
    struct log l;
    pid_t flooder;
    int status;

    arig_start(&r, NULL);
    source_open(&r, &loud, "loud", AUDIT_FULL_DROP);
    source_open(&r, &quiet, "quiet", AUDIT_FULL_BLOCK);
    flooder = fork();
    MUST(flooder);
    if (flooder == 0) {
        source_send_all(&loud, 400000, 200);
        _exit(0);
    }
    tap_sleep(100);
    for (int i = 0; i < 20; i++) {
        long long start = tap_now();

        source_send_all(&quiet, 5, 5);
        source_drained(&quiet);
        if (tap_now() - start > 1000)
            FAIL("the quiet guest waited for %lld ms", tap_now() - start);
        tap_sleep(20);
    }
    CHECK_EQ(waitpid(flooder, &status, 0), flooder);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    source_drained(&loud);
    arig_stop(&r);
    log_read(&r, "quiet", true, &l);
    log_expect(&l, quiet.id, 100);
    CHECK_EQ(l.suppressed, 0);
    log_read(&r, "loud", true, &l);
    CHECK(l.suppressed > 0);
    CHECK_EQ(l.records + l.suppressed, 400000);
}

/* A guest that is refused all the time is slowed down, and loses no record. */
static void denials(void)
{
    const struct audit_record rec = {
        .op = AUDIT_OP_OPEN, .cls = AUDIT_DENY, .error = EACCES, .path = {"/secret", 7}};
    long long start = tap_now();
    struct source s;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    while (s.sent < 8000) { /* 4000 at once, then 1000 a second */
        if (source_send(&s, 20, &rec) != 0)
            tap_sleep(5);
    }
    source_drained(&s);
    CHECK(tap_now() - start > 2500);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, 8000);
    CHECK_EQ(l.suppressed, 0);
}

/* Anything but a batch ends the source, is told and written down, and hurts nobody else. */
static void violations(void)
{
    static uint8_t big[AUDIT_BATCH_MAX + 1] = {AUDIT_VERSION, 0, 1};
    struct source other;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &other, "other", AUDIT_FULL_BLOCK);
    for (int i = 0; i < 6; i++) {
        struct source s;

        source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
        source_send_all(&s, 10, 5);
        source_drained(&s);
        switch (i) {
        case 0:
            CHECK_EQ(send(s.worker, "x", 1, 0), 1);
            break;
        case 1:
            CHECK_EQ(send(s.worker, "", 0, 0), 0);
            break;
        case 2:
            CHECK_EQ(send(s.worker, big, sizeof(big), 0), (ssize_t)sizeof(big));
            break;
        case 3: /* numbers that it has used */
            s.sent = 5;
            CHECK_EQ(source_send(&s, 1, NULL), 0);
            break;
        case 4: /* numbers that it has left out */
            s.sent = 11;
            CHECK_EQ(source_send(&s, 1, NULL), 0);
            break;
        default:
            CHECK_EQ(send(s.worker, big, 16, 0), 16);
            break;
        }
        if (!arig_state(&r, AUDIT_STATE_VIOLATION, 5000))
            FAIL("violation %d went unnoticed", i);
        CHECK_EQ(r.state.hdr.id, s.id);
        source_end(&s);
        source_send_all(&other, 10, 5);
        source_drained(&other);
    }
    arig_stop(&r);
    log_read(&r, "other", true, &l);
    log_expect(&l, other.id, 60);
    log_read(&r, "guest", true, &l);
    CHECK_EQ(l.records, 60);
    CHECK(strcmp(line_text(json_array_get(l.lines, json_array_size(l.lines) - 1), "op"),
                 "malformed") == 0);
}

static const struct tap_case cases[] = {
    {"flood", flood, TAP_ALONE, 0},
    {"denials", denials, 0, 0},
    {"violations", violations, 0, 0},
};
TAP_SUITE(trouble, cases);
