/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_shown.c - xen9p-audit: what "xen9pctl log" makes of its files.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"

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
    {"shown", shown, 0, 0},
    {"followed", followed, 0, 0},
};
TAP_SUITE(shown, cases);
