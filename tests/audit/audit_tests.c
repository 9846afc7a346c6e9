/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_tests.c - xen9p-audit in its jail: nothing is lost, nobody waits for another, every line
 * parses.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

/* --- the jail --------------------------------------------------------------------------------- */

static void slurp(pid_t pid, const char *name, char *buf, size_t cap)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    f = fopen(path, "r");
    CHECK(f != NULL);
    buf[fread(buf, 1, cap - 1, f)] = '\0';
    fclose(f);
}

static void jail(void)
{
    char buf[8192], path[64], link[256], other[256];
    struct source s;
    struct arig r;
    struct stat st;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 1, 1);
    source_drained(&s);
    slurp(r.pid, "status", buf, sizeof(buf));
    CHECK(strstr(buf, "Uid:\t2017001471\t2017001471\t2017001471\t2017001471\n") != NULL);
    CHECK(strstr(buf, "CapEff:\t0000000000000000") != NULL);
    CHECK(strstr(buf, "CapPrm:\t0000000000000000") != NULL);
    CHECK(strstr(buf, "CapBnd:\t0000000000000000") != NULL);
    CHECK(strstr(buf, "NoNewPrivs:\t1") != NULL);
    CHECK(strstr(buf, "Seccomp:\t2") != NULL);
    CHECK(strstr(buf, "Groups:\t \n") != NULL || strstr(buf, "Groups:\t\n") != NULL);
    slurp(r.pid, "mounts", buf, sizeof(buf));
    CHECK(strchr(buf, '\n') != NULL && strchr(buf, '\n')[1] == '\0'); /* one mount */
    CHECK(strstr(buf, "nosuid") != NULL && strstr(buf, "nodev") != NULL &&
          strstr(buf, "noexec") != NULL);
    snprintf(path, sizeof(path), "/proc/%d/root/guest/audit.log", (int)r.pid);
    CHECK_EQ(stat(path, &st), 0);
    snprintf(path, sizeof(path), "/proc/%d/root/etc", (int)r.pid);
    CHECK(stat(path, &st) != 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const ns[] = {"net", "ipc", "uts", "mnt"};
        ssize_t a, b;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)r.pid, ns[i]);
        a = readlink(path, link, sizeof(link));
        snprintf(path, sizeof(path), "/proc/self/ns/%s", ns[i]);
        b = readlink(path, other, sizeof(other));
        CHECK(a > 0 && (a != b || memcmp(link, other, (size_t)a) != 0));
    }
    snprintf(link, sizeof(link), "%s/guest", r.logs);
    CHECK_EQ(stat(link, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0750);
    CHECK_EQ(stat(r.socket, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    arig_stop(&r);
}

/* A directory that others can write, or that is somebody else's, is refused. */
static void bad_directory(void)
{
    struct arig r;
    int status;

    memset(&r, 0, sizeof(r));
    snprintf(r.logs, sizeof(r.logs), "%s/logs", tap_dir());
    snprintf(r.socket, sizeof(r.socket), "%s/run/audit.sock", tap_dir());
    CHECK_EQ(mkdir(r.logs, 0755), 0);
    CHECK_EQ(chown(r.logs, 12345, 12345), 0);
    arig_spawn(&r);
    CHECK_EQ(waitpid(r.pid, &status, 0), r.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK_EQ(chown(r.logs, AUDIT_TEST_UID, AUDIT_TEST_UID), 0);
    CHECK_EQ(chmod(r.logs, 0777), 0);
    arig_spawn(&r);
    CHECK_EQ(waitpid(r.pid, &status, 0), r.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* A link where a guest's directory or file should be is not followed. */
static void links(void)
{
    char path[256], target[256];
    struct source a, b;
    struct stat st;
    struct arig r;

    arig_start(&r, NULL);
    snprintf(target, sizeof(target), "%s/elsewhere", tap_dir());
    CHECK_EQ(mkdir(target, 0777), 0);
    CHECK_EQ(chmod(target, 0777), 0);
    snprintf(path, sizeof(path), "%s/linked", r.logs);
    CHECK_EQ(symlink(target, path), 0);
    source_open(&r, &a, "linked", AUDIT_FULL_BLOCK);
    CHECK(arig_state(&r, AUDIT_STATE_BLOCKED, 5000));
    CHECK_EQ(r.state.hdr.id, a.id);
    snprintf(path, sizeof(path), "%s/file", r.logs);
    CHECK_EQ(mkdir(path, 0755), 0);
    CHECK_EQ(chown(path, AUDIT_TEST_UID, AUDIT_TEST_UID), 0);
    snprintf(path, sizeof(path), "%s/file/audit.log", r.logs);
    snprintf(target, sizeof(target), "%s/elsewhere/audit.log", tap_dir());
    CHECK_EQ(symlink(target, path), 0);
    source_open(&r, &b, "file", AUDIT_FULL_BLOCK);
    CHECK(arig_state(&r, AUDIT_STATE_BLOCKED, 5000));
    CHECK_EQ(r.state.hdr.id, b.id);
    CHECK(stat(target, &st) != 0);
    arig_stop(&r);
}

/* A domain's name is one path component, whatever it is. */
static void directories(void)
{
    static const char *const names[][2] = {
        {"../../etc", "%2E.%2F..%2Fetc"},
        {".", "%2E"},
        {"", "unnamed"},
        {"a/b", "a%2Fb"},
        {"x\ny", "x%0Ay"},
        {"%2E", "%252E"},
        {"acme-web_1.test", "acme-web_1.test"},
    };
    struct arig r;

    arig_start(&r, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct source s;
        struct log l;

        source_open(&r, &s, names[i][0], AUDIT_FULL_BLOCK);
        source_send_all(&s, 3, 3);
        source_drained(&s);
        log_read(&r, names[i][1], true, &l);
        log_expect(&l, s.id, 3);
        source_end(&s);
    }
    arig_stop(&r);
}

/* --- completeness ----------------------------------------------------------------------------- */

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
        arig_spawn(&r);
        arig_connect(&r);
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

/* --- rotation --------------------------------------------------------------------------------- */

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
    arig_spawn(&r);
    arig_connect(&r);
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

/* --- a full disk ------------------------------------------------------------------------------ */

/* A small file system for the logs, at BASE/mnt. */
static void small_disk(char *mnt, size_t cap)
{
    snprintf(mnt, cap, "%s/mnt", tap_dir());
    CHECK_EQ(mkdir(mnt, 0755), 0);
    CHECK_EQ(mount("tmpfs", mnt, "tmpfs", 0, "size=1m,mode=750"), 0);
    CHECK_EQ(chown(mnt, AUDIT_TEST_UID, AUDIT_TEST_UID), 0);
}

static void grow_disk(const char *mnt)
{
    CHECK_EQ(mount("tmpfs", mnt, "tmpfs", MS_REMOUNT, "size=200m"), 0);
}

static void full_block(void)
{
    unsigned done = 0;
    struct source s;
    struct arig r;
    char mnt[128];
    struct log l;

    small_disk(mnt, sizeof(mnt));
    arig_start(&r, mnt);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    while (source_send(&s, 20, NULL) == 0 || !arig_state(&r, AUDIT_STATE_BLOCKED, 0))
        CHECK(++done < 1000000);
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
    CHECK(umount2(mnt, MNT_DETACH) == 0);
}

static void full_drop(void)
{
    struct source s;
    struct arig r;
    char mnt[128];
    struct log l;

    small_disk(mnt, sizeof(mnt));
    arig_start(&r, mnt);
    source_open(&r, &s, "guest", AUDIT_FULL_DROP);
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
    CHECK(umount2(mnt, MNT_DETACH) == 0);
}

/* Killed while the disk is full. */
static void full_killed(void)
{
    struct source s;
    struct arig r;
    char mnt[128];
    struct log l;

    small_disk(mnt, sizeof(mnt));
    arig_start(&r, mnt);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    while (source_send(&s, 20, NULL) == 0 || !arig_state(&r, AUDIT_STATE_BLOCKED, 0))
        ;
    arig_kill(&r, SIGKILL);
    arig_spawn(&r);
    arig_connect(&r);
    source_register(&r, &s);
    CHECK(arig_state(&r, AUDIT_STATE_BLOCKED, 5000));
    grow_disk(mnt);
    CHECK(arig_state(&r, AUDIT_STATE_RUNNING, 5000));
    source_drained(&s);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, s.sent);
    CHECK(umount2(mnt, MNT_DETACH) == 0);
}

/* --- others ----------------------------------------------------------------------------------- */

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

/* Descriptors that a worker smuggles are nobody's. */
static void smuggled(void)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } room = {0};
    uint8_t buf[AUDIT_BATCH_MAX];
    const struct audit_record rec = {.op = AUDIT_OP_OPEN, .cls = AUDIT_READ};
    struct builder b;
    struct iovec iov = {buf, 0};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    int before = 0, after = 0, null = open("/dev/null", O_RDWR);
    struct source s;
    struct arig r;
    char path[64], link[8];
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 1, 1);
    source_drained(&s);
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)r.pid, fd);
        before += readlink(path, link, sizeof(link)) > 0;
    }
    audit_begin(&b, buf);
    CHECK(audit_put(&b, &rec));
    audit_finish(&b, 2, 0);
    iov.iov_len = builder_len(&b);
    mh.msg_control = room.buf;
    mh.msg_controllen = sizeof(room.buf);
    struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &null, sizeof(int));
    CHECK(sendmsg(s.worker, &mh, 0) > 0);
    source_drained(&s);
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)r.pid, fd);
        after += readlink(path, link, sizeof(link)) > 0;
    }
    CHECK_EQ(after, before);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, 2);
}

/* Only one of them at a time; the second one leaves the first alone. */
static void second_instance(void)
{
    struct arig r, second;
    struct source s;
    int status;

    arig_start(&r, NULL);
    second = r;
    arig_spawn(&second);
    CHECK_EQ(waitpid(second.pid, &status, 0), second.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 10, 1);
    source_drained(&s);
    arig_stop(&r);
}

/* --- xen9pctl log ------------------------------------------------------------------------------ */

/* Its output, at most `cap` bytes; its exit status. */
static int ctl(const struct arig *r, char *out, size_t cap, const char *args)
{
    char path[4096], line[8192];
    size_t n;
    FILE *p;
    int status;

    arig_program("xen9pctl", path, sizeof(path));
    snprintf(line, sizeof(line), "%s log --directory %s %s 2>&1", path, r->logs, args);
    p = popen(line, "r");
    CHECK(p != NULL);
    n = fread(out, 1, cap - 1, p);
    out[n] = '\0';
    status = pclose(p);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static unsigned lines_of(const char *s)
{
    unsigned n = 0;

    for (; *s != '\0'; s++)
        n += *s == '\n';
    return n;
}

static void shown(void)
{
    static char out[4 << 20], file[1 << 20];
    const struct audit_record rec = {.op = AUDIT_OP_RENAME,
                                     .cls = AUDIT_DENY,
                                     .error = EROFS,
                                     .reason = AUDIT_WHY_READ_ONLY,
                                     .uid = 1000,
                                     .path = {"/a\n\033[2J", 7},
                                     .to = {"/b", 2}};
    char path[256];
    struct source s;
    struct arig r;
    FILE *f;

    arig_start(&r, NULL);
    source_open(&r, &s, "a/guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 100, 10);
    CHECK_EQ(source_send(&s, 1, &rec), 0);
    source_drained(&s);
    arig_event(&r, &s, AUDIT_OP_CRASH, "killed by signal 11");
    arig_stop(&r);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest"), 0);
    CHECK_EQ(lines_of(out), 103);
    CHECK(
        strstr(out, " deny      rename /a\\x0a\\x1b[2J -> /b: error EROFS, read-only, uid 1000") !=
        NULL);
    CHECK(strstr(out, "crash /srv/export: ok") != NULL && strchr(out, '\033') == NULL);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest --op rename,unlink"), 0);
    CHECK_EQ(lines_of(out), 1);
    CHECK_EQ(ctl(&r, out, sizeof(out), "--class session,deny a/guest"), 0);
    CHECK_EQ(lines_of(out), 3);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest --since 1h"), 0);
    CHECK_EQ(lines_of(out), 103);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest --since 2999-01"), 0);
    CHECK_EQ(lines_of(out), 0);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest --json"), 0);
    snprintf(path, sizeof(path), "%s/a%%2Fguest/audit.log", r.logs);
    f = fopen(path, "r");
    CHECK(f != NULL);
    file[fread(file, 1, sizeof(file) - 1, f)] = '\0';
    fclose(f);
    CHECK(strcmp(file, out) == 0);
    CHECK_EQ(ctl(&r, out, sizeof(out), "nobody"), 1);
    CHECK(strstr(out, "policy") != NULL);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest --op renam"), 2);
    CHECK(strstr(out, "there is no \"renam\"") != NULL);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest --since yesterday"), 2);
    CHECK_EQ(ctl(&r, out, sizeof(out), "--op create"), 2);
    CHECK_EQ(ctl(&r, out, sizeof(out), "a/guest other"), 2);
}

/* -f: each line once, in order, while files are moved on. */
static void followed(void)
{
    static char line[65536];
    char path[4096];
    uint64_t last = 0;
    struct source s;
    struct arig r;
    int pipefd[2], status;
    pid_t pid;
    FILE *f;

    arig_start(&r, NULL);
    source_open(&r, &s, "short", AUDIT_FULL_BLOCK);
    union audit_ctl_message m;
    memset(&m, 0, sizeof(m));
    m.source.hdr.type = AUDIT_CTL_LIMITS;
    m.source.hdr.id = s.id;
    s.who.log_max = 65536;
    s.who.log_keep = 50;
    m.source.who = s.who;
    CHECK_EQ(audit_ctl_send(r.sock, &m, -1), 0);
    source_send_all(&s, 10, 1);
    source_drained(&s);
    CHECK_EQ(pipe(pipefd), 0);
    pid = fork();
    MUST(pid);
    if (pid == 0) {
        dup2(pipefd[1], 1);
        close(pipefd[0]);
        close(pipefd[1]);
        arig_program("xen9pctl", path, sizeof(path));
        execl(path, "xen9pctl", "log", "-f", "--json", "--directory", r.logs, "short",
              (char *)NULL);
        _exit(127);
    }
    close(pipefd[1]);
    for (int i = 0; i < 20; i++) {
        source_send_all(&s, 100, 10);
        tap_sleep(50);
    }
    f = fdopen(pipefd[0], "r");
    CHECK(f != NULL);
    while (last < 2010 && fgets(line, sizeof(line), f) != NULL) {
        json_t *o = json_loads(line, 0, NULL);
        uint64_t n = line_number(o, "n");

        CHECK(o != NULL);
        if (n != 0)
            CHECK_EQ(n, last + 1);
        last = n != 0 ? n : last;
        json_decref(o);
    }
    CHECK_EQ(last, 2010);
    CHECK_EQ(kill(pid, SIGTERM), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    fclose(f);
    arig_stop(&r);
}

static const struct tap_case cases[] = {
    {"jail", jail, 0, 0},
    {"bad-directory", bad_directory, 0, 0},
    {"links", links, 0, 0},
    {"directories", directories, 0, 0},
    {"complete", complete, 0, 0},
    {"fields", fields, 0, 0},
    {"killed", killed, 0, 0},
    {"supervisor-restart", supervisor_restart, 0, 0},
    {"end-comes-last", end_comes_last, 0, 0},
    {"rotation", rotation, 0, 0},
    {"reopened", reopened, 0, 0},
    {"full-block", full_block, 0, 0},
    {"full-drop", full_drop, 0, 0},
    {"full-killed", full_killed, 0, 0},
    {"flood", flood, TAP_ALONE, 0},
    {"denials", denials, 0, 0},
    {"violations", violations, 0, 0},
    {"smuggled", smuggled, 0, 0},
    {"second-instance", second_instance, 0, 0},
    {"shown", shown, 0, 0},
    {"followed", followed, 0, 0},
};
TAP_SUITE(audit, cases);

int main(int argc, char **argv)
{
    static const struct tap_suite *const suites[] = {&suite_audit, NULL};

    return tap_main(argc, argv, suites, true);
}
