/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_files.c - xen9p-audit: moving on to new files, and a disk without room for them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"

static void rotation(void)
{
    union audit_ctl_message m;
    char path[256];
    struct source t;
    struct stat st;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    /* with other limits at first: they change while it works */
    source_open(&r, &t, "rotated", AUDIT_FULL_BLOCK);
    memset(&m, 0, sizeof(m));
    m.source.hdr.type = AUDIT_CTL_LIMITS;
    m.source.hdr.id = t.id;
    t.who.log_max = 65536;
    t.who.log_keep = 4;
    m.source.who = t.who;
    CHECK_EQ(audit_ctl_send(r.sock, &m, -1), 0);
    source_send_all(&t, 5000, 25);
    source_drained(&t);
    arig_kill(&r, SIGKILL); /* and right behind a rotation, too */
    arig_restart(&r);
    source_register(&r, &t);
    source_send_all(&t, 5000, 25);
    source_drained(&t);
    arig_stop(&r);
    log_read(&r, "rotated", false, &l);
    CHECK_EQ(l.files, 4);
    CHECK_EQ(line_number(json_array_get(l.lines, json_array_size(l.lines) - 1), "n"), 10000);
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            snprintf(path, sizeof(path), "%s/rotated/audit.log", r.logs);
        else
            snprintf(path, sizeof(path), "%s/rotated/audit.log.%d", r.logs, i);
        CHECK_EQ(stat(path, &st), 0);
        CHECK(st.st_size <= 65536);
    }
}

/* As logrotate does it: the file is renamed, then SIGHUP. */
static void reopened(void)
{
    char from[256], to[256];
    struct source s;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 1, 1);
    source_drained(&s);
    for (unsigned i = 0; i < 10; i++) {
        source_send_all(&s, 1000, 10);
        for (unsigned k = i; k > 0; k--) {
            snprintf(from, sizeof(from), "%s/guest/audit.log.%u", r.logs, k);
            snprintf(to, sizeof(to), "%s/guest/audit.log.%u", r.logs, k + 1);
            CHECK_EQ(rename(from, to), 0);
        }
        snprintf(from, sizeof(from), "%s/guest/audit.log", r.logs);
        snprintf(to, sizeof(to), "%s/guest/audit.log.1", r.logs);
        CHECK_EQ(rename(from, to), 0);
        source_send_all(&s, 100, 10);
        CHECK_EQ(kill(r.pid, SIGHUP), 0);
        for (int k = 0; k < 500 && access(from, F_OK) != 0; k++)
            tap_sleep(10);
        CHECK_EQ(access(from, F_OK), 0);
    }
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, 11001);
    CHECK_EQ(l.files, 11);
}

/* A disk that is full soon, and a guest whose records go there. */
static void start_small(struct arig *r, char mnt[128], struct source *s, enum audit_full full)
{
    small_disk("mnt", mnt, 128);
    arig_start(r, mnt);
    source_open(r, s, "guest", full);
}

/* Until the guest waits. */
static void fill(struct arig *r, struct source *s)
{
    unsigned done = 0;

    while (source_send(s, 20, NULL) == 0 || !arig_state(r, AUDIT_STATE_BLOCKED, 0))
        CHECK(++done < 1000000);
}

static void full_block(void)
{
    unsigned done = 0;
    struct source s;
    struct arig r;
    char mnt[128];
    struct log l;

    start_small(&r, mnt, &s, AUDIT_FULL_BLOCK);
    fill(&r, &s);
    CHECK_EQ(r.state.error, ENOSPC);
    CHECK_EQ(r.state.hdr.id, s.id);
    while (source_send(&s, 20, NULL) == 0) /* what was on its way when the disk was full */
        CHECK(++done < 1000000);
    tap_sleep(1500);
    CHECK_EQ(source_send(&s, 20, NULL), -EAGAIN); /* the guest stands still, and stays so */
    arig_event(&r, &s, AUDIT_OP_DISCONNECT, "later");
    grow_disk(mnt);
    CHECK(arig_state(&r, AUDIT_STATE_RUNNING, 5000));
    source_send_all(&s, 5000, 20);
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, s.sent);
    CHECK_EQ(l.suppressed, 0);
}

static void full_drop(void)
{
    struct source s;
    struct arig r;
    char mnt[128];
    struct log l;

    start_small(&r, mnt, &s, AUDIT_FULL_DROP);
    source_send_all(&s, 20000, 20); /* never stands still */
    CHECK(arig_state(&r, AUDIT_STATE_DROPPING, 5000));
    source_drained(&s);
    grow_disk(mnt);
    source_send_all(&s, 100, 20);
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    CHECK(l.suppressed > 0);
    CHECK_EQ(l.records + l.suppressed, 20100);
    CHECK_EQ(line_number(json_array_get(l.lines, json_array_size(l.lines) - 1), "n"), 20100);
}

/* Killed while the disk is full. */
static void full_killed(void)
{
    struct source s;
    struct arig r;
    char mnt[128];
    struct log l;

    start_small(&r, mnt, &s, AUDIT_FULL_BLOCK);
    fill(&r, &s);
    arig_kill(&r, SIGKILL);
    arig_restart(&r);
    source_register(&r, &s);
    CHECK(arig_state(&r, AUDIT_STATE_BLOCKED, 5000));
    grow_disk(mnt);
    CHECK(arig_state(&r, AUDIT_STATE_RUNNING, 5000));
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, s.sent);
}

static const struct tap_case cases[] = {
    {"rotation", rotation, 0, 0},       {"reopened", reopened, 0, 0},
    {"full-block", full_block, 0, 0},   {"full-drop", full_drop, 0, 0},
    {"full-killed", full_killed, 0, 0},
};
TAP_SUITE(files, cases);
