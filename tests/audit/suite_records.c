/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_records.c - xen9p-audit: nothing is lost, and every line says what was sent.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"

static void complete(void)
{
    struct source s[2];
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s[0], "guest", AUDIT_FULL_BLOCK);
    source_open(&r, &s[1], "guest", AUDIT_FULL_BLOCK); /* its second device: the same file */
    for (unsigned i = 0; i < 50; i++) {
        source_send_all(&s[0], 1000, 1 + i);
        source_send_all(&s[1], 1000, 50 - i);
    }
    source_drained(&s[0]);
    source_drained(&s[1]);
    arig_event(&r, &s[0], AUDIT_OP_DISCONNECT, "stopped");
    source_end(&s[0]);
    source_end(&s[1]);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    CHECK_EQ(l.records, 100000);
    CHECK_EQ(l.suppressed, 0);
    log_expect(&l, s[0].id, 50000);
    log_expect(&l, s[1].id, 50000);
}

/* What the line says is what was sent, and who it was is what the supervisor said. */
static void fields(void)
{
    const struct audit_record rec = {.op = AUDIT_OP_RENAME,
                                     .cls = AUDIT_DENY,
                                     .flags = AUDIT_FLAG_TO_CUT | AUDIT_FLAG_DELETED,
                                     .error = EROFS,
                                     .reason = AUDIT_WHY_READ_ONLY,
                                     .uid = 1000,
                                     .mode = 0755,
                                     .value = 77,
                                     .path = {"/a\n\"b\\", 6},
                                     .to = {"/c\xff", 3}};
    struct source s;
    struct arig r;
    struct log l;
    json_t *line;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    CHECK_EQ(source_send(&s, 1, &rec), 0);
    arig_event(&r, &s, AUDIT_OP_CRASH, "killed by signal 11");
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    CHECK_EQ(json_array_size(l.lines), 3);
    line = json_array_get(l.lines, 0);
    CHECK(strcmp(line_text(line, "op"), "log") == 0);
    CHECK(strcmp(line_text(line, "reason"), "started") == 0);
    line = json_array_get(l.lines, 1);
    CHECK_EQ(line_number(line, "n"), 1);
    CHECK_EQ(line_number(line, "worker"), s.id);
    CHECK(strcmp(line_text(line, "domain"), "guest") == 0);
    CHECK(strcmp(line_text(line, "uuid"), s.who.uuid) == 0);
    CHECK(strcmp(line_text(line, "policy"), s.who.policy) == 0);
    CHECK_EQ(line_number(line, "domid"), 7);
    CHECK_EQ(line_number(line, "device"), 1);
    CHECK_EQ(line_number(line, "pid"), 4242);
    CHECK(strcmp(line_text(line, "class"), "deny") == 0);
    CHECK(strcmp(line_text(line, "op"), "rename") == 0);
    CHECK(strcmp(line_text(line, "path"), "/a\\x0a\"b\\\\") == 0);
    CHECK(strcmp(line_text(line, "to"), "/c\\xff") == 0);
    CHECK(json_object_get(line, "path_cut") == NULL);
    CHECK(json_is_true(json_object_get(line, "to_cut")));
    CHECK(json_is_true(json_object_get(line, "deleted")));
    CHECK(strcmp(line_text(line, "result"), "error") == 0);
    CHECK_EQ(line_number(line, "errno"), EROFS);
    CHECK(strcmp(line_text(line, "error"), "EROFS") == 0);
    CHECK(strcmp(line_text(line, "reason"), "read-only") == 0);
    CHECK_EQ(line_number(line, "uid"), 1000);
    CHECK_EQ(line_number(line, "mode"), 0755);
    CHECK_EQ(line_number(line, "value"), 77);
    line = json_array_get(l.lines, 2);
    CHECK(strcmp(line_text(line, "op"), "crash") == 0);
    CHECK(strcmp(line_text(line, "export"), "/srv/export") == 0);
    CHECK(strcmp(line_text(line, "detail"), "killed by signal 11") == 0);
}

/* Killed at any moment and started again: nothing is missing, nothing is there twice. */
static void killed(void)
{
    struct source s;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    for (unsigned i = 0; i < 60; i++) {
        pid_t sender = fork();

        MUST(sender);
        if (sender == 0) {
            source_send_all(&s, 1000, 1 + i % 40);
            _exit(0);
        }
        s.sent += 1000;
        usleep(i * 397 % 9000);
        arig_kill(&r, SIGKILL);
        arig_restart(&r);
        source_register(&r, &s);
        int status;
        CHECK_EQ(waitpid(sender, &status, 0), sender);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, 60000);
}

/* A new supervisor: the old one's workers are heard to their end. */
static void supervisor_restart(void)
{
    struct source old, new;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &old, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&old, 5000, 20);
    close(old.audit); /* with the supervisor goes its duplicate */
    old.audit = -1;
    arig_connect(&r);
    source_open(&r, &new, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&old, 5000, 20);
    source_send_all(&new, 5000, 20);
    close(old.worker);
    source_drained(&new);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, old.id, 10000);
    log_expect(&l, new.id, 5000);
}

/* The record of an end stands behind all that the worker had sent. */
static void end_comes_last(void)
{
    struct source s;
    struct arig r;
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_drained(&s);
    CHECK_EQ(kill(r.pid, SIGSTOP), 0);
    for (unsigned i = 0; i < 40; i++)
        CHECK_EQ(source_send(&s, 20, NULL), 0);
    arig_event(&r, &s, AUDIT_OP_DISCONNECT, "stopped");
    source_end(&s);
    CHECK_EQ(kill(r.pid, SIGCONT), 0);
    tap_sleep(300);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, 800);
    CHECK(strcmp(line_text(json_array_get(l.lines, json_array_size(l.lines) - 1), "op"),
                 "disconnect") == 0);
}

static const struct tap_case cases[] = {
    {"complete", complete, 0, 0},
    {"fields", fields, 0, 0},
    {"killed", killed, 0, 0},
    {"supervisor-restart", supervisor_restart, 0, 0},
    {"end-comes-last", end_comes_last, 0, 0},
};
TAP_SUITE(records, cases);
