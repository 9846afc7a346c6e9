/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - xen9pd: start, signals, end.
 *
 * Started by a service manager, by hand, or by libxl, which execs it as "xen-9pfsd" with argv[0] only, waits for
 * libxl/xen-9pfs/state and expects it to stay in the foreground. A second instance exits 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenstore.h>

#include "xen9p/admit.h"
#include "xen9p/audit_link.h"
#include "xen9p/claim.h"
#include "xen9p/devices.h"
#include "xen9p/idpool.h"
#include "xen9p/log.h"
#include "xen9p/privileges.h"
#include "xen9p/quota_store.h"
#include "xen9p/service.h"
#include "xen9p/supervisor.h"
#include "xen9p/version.h"
#include "xen9p/xenbus.h"

#define WORKER_NAME "xen9p-worker"
#define AUDIT_NAME "xen9p-audit"

struct options {
    bool verbose;
};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: xen9pd [-v]\n"
            "Serves host directories to Xen guests (backend kind xen_9pfs), in the foreground.\n"
            "  -v, --verbose  log every change of state\n"
            "      --version  print the version\n"
            "      --help     print this\n");
}

/* Exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int c;

    o->verbose = getenv("XEN_9PFSD_VERBOSE") != NULL;
    while ((c = getopt_long(argc, argv, "hv", longs, NULL)) != -1) {
        switch (c) {
        case 'v':
            o->verbose = true;
            break;
        case 'h':
            usage(stdout);
            return EXIT_SUCCESS;
        case 'V':
            printf("xen9pd %s\n", XEN9P_VERSION);
            return EXIT_SUCCESS;
        default:
            usage(stderr);
            return EXIT_FAILURE;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return EXIT_FAILURE;
    }
    return -1;
}

/* --- stopping ---------------------------------------------------------------------------------- */

/*
 * Lets all workers drain. The states in xenstore stay as they are: a Linux guest does not survive
 * a backend that closes, and the next xen9pd adopts the devices.
 */
static void begin_stop(struct supervisor *sv, int status)
{
    if (sv->stopping)
        return;
    sv->stopping = true;
    sv->exit_status = status;
    service_notify("STOPPING=1");
    for (struct device *d = sv->devices; d != NULL; d = d->next) {
        if (d->child != NULL)
            child_stop(d->child);
    }
}

static void store_lost(struct supervisor *sv)
{
    log_error("xenstored is gone; draining workers and exiting, to be started again with it");
    begin_stop(sv, EXIT_FAILURE);
}

static void after_event(void *arg)
{
    struct supervisor *sv = arg;

    if (!sv->stopping)
        devices_tidy(sv);
    else if (!children_alive(sv->children))
        loop_stop(sv->loop, sv->exit_status);
}

/* --- signals ----------------------------------------------------------------------------------- */

static void reload(struct supervisor *sv)
{
    if (sv->stopping)
        return;
    service_notify_reloading();
    log_notice("SIGHUP: reading the policy again");
    admit_reload(sv);
    service_notify("READY=1");
}

static void signal_ready(struct loop_source *s, uint32_t events)
{
    struct supervisor *sv = s->owner;
    struct signalfd_siginfo info;

    (void)events;
    if (read(s->fd, &info, sizeof(info)) != sizeof(info))
        return;
    switch (info.ssi_signo) {
    case SIGHUP:
        reload(sv);
        break;
    case SIGUSR1:
        devices_dump(sv);
        admit_unmatched(sv);
        break;
    default:
        log_notice("%s: draining workers; connected devices stay connected for the next xen9pd",
                   info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
        begin_stop(sv, EXIT_SUCCESS);
        break;
    }
}

/* Blocked from the start, in the threads of libxenstore as well; delivered by the loop. */
static int signals_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- starting ---------------------------------------------------------------------------------- */

/* A program beside our own executable (a build tree), else the installed one. */
static int open_beside(const char *name, struct stat *self)
{
    char path[PATH_MAX + sizeof(WORKER_NAME)];
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    if (n <= 0 || stat("/proc/self/exe", self) != 0)
        return -1;
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL)
        return -1;
    (void)snprintf(slash + 1, sizeof(WORKER_NAME), "%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Once, by descriptor: an upgrade on disk does not mix two versions of the control protocol. */
static int open_program(const char *name, const char *installed)
{
    struct stat self = {0}, st;
    int fd = open_beside(name, &self);

    if (fd < 0)
        fd = open(installed, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        log_error("%s: %s; is xen9p installed completely?", installed, strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
        (st.st_uid == 0 || st.st_uid == self.st_uid))
        return fd;
    log_error("%s must be a file that only its owner, root, can write", name);
    close(fd);
    return -1;
}

/* After the claim: another instance has cgroups of its own here. */
static void open_cgroups(struct supervisor *sv)
{
    sv->cgroups = cgroups_open_own(&sv->no_cgroups);
    if (sv->cgroups == NULL)
        log_notice("no cgroups for workers: %s; memory-max, cpu-weight and io-weight have no "
                   "effect, and cgroup = required refuses",
                   sv->no_cgroups);
}

/*
 * Under a service manager xen9p-audit is a service of its own. Otherwise we start it when nobody
 * answers, and make its directory while we have the right to give it away.
 */
static int open_audit(void)
{
    const struct passwd *pw = getpwnam(AUDIT_RUN_USER);
    const uid_t uid = pw != NULL && pw->pw_uid != 0 ? pw->pw_uid : AUDIT_RUN_UID;

    if (getenv("NOTIFY_SOCKET") != NULL)
        return -1;
    if (mkdir(AUDIT_LOG_DIR, 0750) == 0 && chown(AUDIT_LOG_DIR, uid, uid) != 0)
        log_warning("chown " AUDIT_LOG_DIR ": %s", strerror(errno));
    return open_program(AUDIT_NAME, XEN9P_AUDIT_PATH);
}

/* -1 to go on, or the exit status. */
static int take_claim(struct supervisor *sv)
{
    pid_t other = 0;
    int err = claim_take(sv->xs, &other);

    switch (err) {
    case 0:
        sv->claimed = true;
        return -1;
    case -EACCES:
        log_notice("no claim on libxl/xen-9pfs: not ours to write, as in a driver domain");
        return -1;
    case -EEXIST:
        log_notice("another daemon serves already (pid %d); nothing to do", (int)other);
        return EXIT_SUCCESS;
    default:
        log_error("libxl/xen-9pfs/state cannot be claimed: %s", strerror(-err));
        return EXIT_FAILURE;
    }
}

static bool open_parts(struct supervisor *sv, struct loop_source *signals)
{
    sv->worker_fd = open_program(WORKER_NAME, XEN9P_WORKER_PATH);
    if (sv->worker_fd < 0)
        return false;
    sv->loop = loop_new();
    sv->audit = sv->loop != NULL ? audit_link_new(sv->loop, AUDIT_SOCKET, open_audit()) : NULL;
    sv->children = sv->loop != NULL ? children_new(sv->loop) : NULL;
    sv->ids = idpool_new(IDPOOL_FILE);
    if (sv->audit == NULL || sv->children == NULL || sv->ids == NULL ||
        loop_add(sv->loop, signals) != 0) {
        log_error("cannot start: %s", strerror(errno));
        return false;
    }
    sv->xs = xs_open(XS_UNWATCH_FILTER);
    if (sv->xs == NULL) {
        log_error("xenstore: %s; is this a Xen domain with xenstored running?", strerror(errno));
        return false;
    }
    return true;
}

static int serve(struct supervisor *sv)
{
    int status = take_claim(sv), err;

    if (status >= 0)
        return status;
    open_cgroups(sv);
    err = children_start(sv->children);
    if (err != 0) {
        log_error("the launcher of workers cannot be started: %s", strerror(-err));
        return EXIT_FAILURE;
    }
    audit_link_start(sv->audit);
    loop_after(sv->loop, after_event, sv);
    err = xenbus_start(sv, store_lost);
    if (err != 0) {
        log_error("backend/xen_9pfs cannot be watched: %s", strerror(-err));
        return EXIT_FAILURE;
    }
    log_notice("xen9pd %s serves backend/xen_9pfs", XEN9P_VERSION);
    service_notify("READY=1");
    status = loop_run(sv->loop);
    if (status < 0)
        log_error("event loop: %s", strerror(-status));
    if (sv->claimed && status == EXIT_SUCCESS)
        claim_release(sv->xs);
    return status < 0 ? EXIT_FAILURE : status;
}

int main(int argc, char **argv)
{
    struct supervisor sv = {.worker_fd = -1, .policy_dir = POLICY_DIR};
    struct loop_source signals = {.ready = signal_ready, .owner = &sv};
    struct options o;
    int status = parse_options(argc, argv, &o);

    if (status >= 0)
        return status;
    log_init("xen9pd", o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE);
    /* libxl hands down whatever stderr its own caller had, a terminal or nothing at all */
    if (strcmp(basename(argv[0]), "xen-9pfsd") == 0)
        (void)log_to_syslog();
    umask(027); /* missing directories of an export are nobody else's */
    signals.fd = signals_open();
    if (signals.fd < 0) {
        log_error("signals: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    privileges_raise_nofile();
    if (!admit_load(&sv))
        return EXIT_FAILURE;
    if (!open_parts(&sv, &signals) || privileges_reduce(policy_asks_host(sv.policies)) != 0)
        return EXIT_FAILURE;
    sv.keeps_host_identity = privileges_host_identity();
    sv.quotas = quota_store_new(sv.loop, XEN9P_QUOTA_DIR);
    if (sv.quotas == NULL) {
        log_error("cannot start: %s", strerror(ENOMEM));
        return EXIT_FAILURE;
    }
    status = serve(&sv);
    quota_store_flush(sv.quotas, LIMIT_QUOTA_FLUSH_MS);
    xs_close(sv.xs);
    filter_cache_clear(&sv.filters);
    idpool_free(sv.ids);
    cgroups_close(sv.cgroups);
    log_notice("ends with status %d", status);
    return status;
}
