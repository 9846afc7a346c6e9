/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs.c - a running xen9p-audit, and the judge of its files.
 */
#include "logs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../host/tap.h"
#include "scene.h"

static const char *const domains[] = {"hostile", "neighbour"};

void logs_start(struct logs *l, struct loop *loop)
{
    const char *path = scene_program("/xen9p-audit");

    (void)snprintf(l->dir, sizeof(l->dir), "%s/logs", tap_dir());
    (void)snprintf(l->socket, sizeof(l->socket), "%s/run/audit.sock", tap_dir());
    l->pid = fork();
    MUST(l->pid);
    if (l->pid == 0) {
        (void)execl(path, "xen9p-audit", "-d", l->dir, "-s", l->socket, (char *)NULL);
        _exit(127);
    }
    l->link = audit_link_new(loop, l->socket, -1);
    CHECK(l->link != NULL);
    audit_link_start(l->link);
}

bool logs_ready(const struct logs *l)
{
    return audit_link_up(l->link);
}

int logs_source(struct logs *l, const char *domain, void (*violated)(void *owner), void *owner)
{
    struct audit_identity who = {.domid = 7,
                                 .devid = 1,
                                 .pid = 1,
                                 .full = AUDIT_FULL_DROP,
                                 .log_max = 1 << 28,
                                 .log_keep = 2};
    struct audit_source *s;
    int fd;

    (void)snprintf(who.domain, sizeof(who.domain), "%s", domain);
    CHECK_OK(-audit_source_open(l->link, violated, owner, &s, &fd));
    audit_source_set(s, &who, true);
    return fd;
}

/* A line's own beginning and its domain, as xen9p-audit writes them. */
static bool is_line(const char *line, const char *domain, unsigned long long seq)
{
    char begin[64], who[64];
    size_t len = strlen(line);

    (void)snprintf(begin, sizeof(begin), "{\"seq\":%llu,\"worker\":", seq);
    (void)snprintf(who, sizeof(who), "\",\"domain\":\"%s\",", domain);
    return strncmp(line, begin, strlen(begin)) == 0 && len > 2 &&
           strcmp(line + len - 2, "}\n") == 0 && strstr(line, who) != NULL;
}

static const char *judge_file(const struct logs *l, const char *domain, bool malformed)
{
    char path[256], *line = NULL, last[256] = "";
    const char *wrong = NULL;
    unsigned long long seq = 0;
    size_t cap = 0;
    struct stat st;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s/audit.log", l->dir, domain);
    f = fopen(path, "re");
    if (f == NULL)
        return strcmp(domain, "neighbour") == 0 ? NULL : "there is no log of the attacker";
    if (fstat(fileno(f), &st) != 0 || (st.st_mode & 07777) != 0640)
        wrong = "the log has another mode";
    while (wrong == NULL && getline(&line, &cap, f) > 0) {
        if (!is_line(line, domain, ++seq))
            wrong = "a line of the log is forged or broken";
        (void)snprintf(last, sizeof(last), "%s",
                       strstr(line, "\"op\":") != NULL ? strstr(line, "\"op\":") : "");
    }
    if (wrong == NULL && malformed && strncmp(last, "\"op\":\"malformed\"", 16) != 0)
        wrong = "the log does not say that a malformed record came";
    free(line);
    fclose(f);
    return wrong;
}

const char *logs_judge(struct logs *l, bool malformed)
{
    const char *wrong = NULL;
    int status;

    CHECK_EQ(kill(l->pid, SIGTERM), 0);
    CHECK_EQ(waitpid(l->pid, &status, 0), l->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return "xen9p-audit has ended badly";
    for (size_t i = 0; i < 2 && wrong == NULL; i++)
        wrong = judge_file(l, domains[i], malformed && i == 0);
    return wrong;
}
