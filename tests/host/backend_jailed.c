/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend_jailed.c - the shipped worker, launched and configured as the supervisor does it.
 */
#include "backend.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/filter.h"
#include "xen9p/launch.h"
#include "xen9p/terms.h"

#include "../../supervisor/policy_internal.h"

#define WORKER_UID 200001

const bool backend_is_jailed = true;

static struct launcher launcher; /* of this case: each is a process of its own */

/* The one of the same build: BUILD/tests/host/host-jailed and BUILD/xen9p-worker. */
static int open_worker(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    int fd;

    MUST(n);
    path[n] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(path, '/');

        CHECK(slash != NULL);
        *slash = '\0';
    }
    CHECK(strlen(path) + sizeof("/xen9p-worker") <= sizeof(path));
    strcat(path, "/xen9p-worker");
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        FAIL("no worker at %s: %m", path);
    return fd;
}

void backend_start(struct rig *g, const struct ctl_config *config)
{
    const struct filter_spec filter = {.notify = CTL_NOTIFY_EVENTFD,
                                       .read_only = (config->flags & CTL_FLAG_READ_ONLY) != 0,
                                       .forbidden = config->forbidden,
                                       .identity = config->identity,
                                       .device_nodes =
                                           (config->flags & CTL_FLAG_DEVICE_NODES) != 0};
    int worker = open_worker();
    struct launch_spec spec = {.path = g->root,
                               .worker_fd = worker,
                               .worker_uid = WORKER_UID,
                               .read_only = filter.read_only,
                               .submounts = (config->flags & CTL_FLAG_SUBMOUNTS) != 0,
                               .identity = config->identity,
                               .id_first = config->id_first,
                               .id_count = config->id_count,
                               .stderr_fd = 2};
    struct launch_result res;
    union ctl_message msg;
    int filter_fd, err;

    filter_fd = filter_compile(&filter);
    if (filter_fd < 0)
        FAIL("filter_compile: %s", strerror(-filter_fd));
    err = launch_worker(&launcher, &spec, &res);
    if (err != 0)
        FAIL("launch_worker: %s", strerror(-err));
    memset(&msg, 0, sizeof(msg));
    msg.config = *config;
    msg.hdr.type = CTL_CONFIG;
    err = ctl_send(res.control_fd, &msg,
                   (const int[]){[CTL_CONFIG_FD_RINGMEM] = g->memfd,
                                 [CTL_CONFIG_FD_NOTIFY] = g->kick_fd,
                                 [CTL_CONFIG_FD_FILTER] = filter_fd,
                                 [CTL_CONFIG_FD_JOURNAL] = g->journal_fd,
                                 [CTL_CONFIG_FD_QUOTA] = g->quota_fd,
                                 [CTL_CONFIG_FD_CALL] = g->call_fd,
                                 [CTL_CONFIG_FD_CALL + 1] = g->cfg.audit_fd},
                   g->cfg.audit_fd > 0 ? 7 : 6);
    if (err != 0)
        FAIL("sending CTL_CONFIG: %s", strerror(-err));
    close(filter_fd);
    close(worker);
    g->pid = res.pid;
    g->pidfd = res.pidfd;
    g->control_fd = res.control_fd;
}

bool backend_policy(const char *name, struct ctl_config *config)
{
    static const struct backend_nodes nodes = {.path = "/srv"};
    const struct policy_section *domain = NULL;
    struct policy_report report = {0};
    char path[512];
    const char *const files[] = {path};
    struct policy_set *set;
    struct policy *p;
    struct terms t;

    snprintf(path, sizeof(path), "policy/%s.conf", name);
    set = policy_load_files(files, 1, &report);
    if (set == NULL)
        FAIL("%s has %zu errors; tests run in the top folder", path, report.errors);
    policy_report_clear(&report);
    for (size_t i = 0; i < set->num_sections && domain == NULL; i++)
        if (set->section[i]->kind == POLICY_DOMAIN)
            domain = set->section[i];
    p = policy_of_section(set, domain);
    CHECK(p != NULL);
    terms_of(p, &nodes, &t);
    *config = t.worker;
    policy_free(p);
    policy_set_unref(set);
    return true;
}
