/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - xen9p-audit: writes what guests did into files that no worker can touch.
 *
 * Started as root by a service manager or by xen9pd; gives that up before it reads the first
 * record. Outlives the supervisor: a new one finds it at its socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "xen9p/log.h"
#include "xen9p/service.h"
#include "xen9p/version.h"

struct options {
    const char *socket;
    struct jail jail;
    bool verbose;
};

static void usage(FILE *out)
{
    fprintf(out, "usage: xen9p-audit [-v] [-d DIRECTORY] [-s SOCKET]\n"
                 "Writes the audit logs of xen9pd's guests, in the foreground.\n"
                 "  -d, --directory  where they are kept (" AUDIT_LOG_DIR ")\n"
                 "  -s, --socket     where xen9pd finds it (" AUDIT_SOCKET ")\n"
                 "  -v, --verbose    more about itself\n"
                 "      --version    print the version\n"
                 "      --help       print this\n");
}

/* Exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"directory", required_argument, NULL, 'd'},
        {"socket", required_argument, NULL, 's'},
        {"verbose", no_argument, NULL, 'v'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "d:s:vh", longs, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->jail.dir = optarg;
            break;
        case 's':
            o->socket = optarg;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'h':
            usage(stdout);
            return EXIT_SUCCESS;
        case 'V':
            printf("xen9p-audit %s\n", XEN9P_VERSION);
            return EXIT_SUCCESS;
        default:
            usage(stderr);
            return EXIT_FAILURE;
        }
    }
    if (optind == argc && o->jail.dir[0] == '/' && o->socket[0] == '/')
        return -1;
    usage(stderr);
    return EXIT_FAILURE;
}

static uint32_t audit_uid(void)
{
    const struct passwd *pw = getpwnam(AUDIT_RUN_USER);

    return pw != NULL && pw->pw_uid != 0 ? pw->pw_uid : AUDIT_RUN_UID;
}

static void read_boot_id(struct audit *a)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, a->boot, sizeof(a->boot) - 1) : 0;

    if (fd >= 0)
        close(fd);
    a->boot[n > 0 ? n : 0] = '\0';
    a->boot[strcspn(a->boot, "\n")] = '\0';
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Two descriptors a guest and one a worker. */
static void raise_nofile(void)
{
    struct rlimit rl;

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return;
    rl.rlim_cur = rl.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &rl);
}

/* Directories of the socket: 0755, as one that systemd makes in /run would be. */
static void make_socket_directory(const char *path)
{
    char dir[128];
    const char *slash = strrchr(path, '/');

    if (slash == path || (size_t)(slash - path) >= sizeof(dir))
        return;
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
    (void)mkdir(dir, 0755);
}

/* -1 to go on, or the exit status. */
static int open_parts(struct audit *a, const struct options *o)
{
    int err;

    read_boot_id(a);
    raise_nofile();
    a->signal.fd = open_signals();
    a->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (a->signal.fd < 0 || a->epoll < 0) {
        log_error("cannot start: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    make_socket_directory(o->socket);
    err = server_listen(a, o->socket);
    if (err == -EEXIST) {
        log_notice("another xen9p-audit serves at %s already; nothing to do", o->socket);
        return EXIT_SUCCESS;
    }
    if (err != 0) {
        log_error("%s: %s", o->socket, strerror(-err));
        return EXIT_FAILURE;
    }
    return -1;
}

int main(int argc, char **argv)
{
    static struct audit a = {
        .listen = {WATCH_LISTEN, -1, false},
        .supervisor = {WATCH_SUPERVISOR, -1, false},
        .signal = {WATCH_SIGNAL, -1, false},
    };
    struct options o = {.socket = AUDIT_SOCKET, .jail = {.dir = AUDIT_LOG_DIR}};
    int status = parse_options(argc, argv, &o);

    if (status >= 0)
        return status;
    log_init("xen9p-audit", o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE);
    umask(027);
    o.jail.uid = audit_uid();
    status = open_parts(&a, &o);
    if (status >= 0)
        return status;
    service_notify("READY=1"); /* who connects from now on waits until we are in the jail */
    if (jail_enter(&o.jail, &a.root) != 0)
        return EXIT_FAILURE;
    log_notice("writes to %s as uid %u", o.jail.dir, o.jail.uid);
    status = server_run(&a);
    log_notice("ends with status %d", status);
    return status;
}
