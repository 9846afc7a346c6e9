/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devices.c - the toolstack's and the frontends' part of connecting devices: their nodes in xenstore, and nothing behind
 * them.
 *
 *   devices FIRST NUM PATH   "connected NUM SECONDS"; stays until SIGTERM, and takes them away again
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#define BACK "/local/domain/0/backend/xen_9pfs/0"
#define FRONT "/local/domain/0/device/9pfs"
#define WAIT_S 120

static struct xs_handle *xs;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, unsigned dev)
{
    fprintf(stderr, "devices: device %u: %s\n", dev, what);
    exit(1);
}

static void put(xs_transaction_t t, const char *dir, unsigned dev, const char *node,
                const char *value)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%u/%s", dir, dev, node);
    if (!xs_write(xs, t, path, value, (unsigned)strlen(value)))
        die("xenstore cannot be written", dev);
}

static void add(unsigned dev, const char *export)
{
    static const char *const zero[] = {"max-space", "max-files", "max-open-files", "auto-delete",
                                       "frontend-id"};
    char front[64], back[64];
    xs_transaction_t t;

    snprintf(front, sizeof(front), FRONT "/%u", dev);
    snprintf(back, sizeof(back), BACK "/%u", dev);
    do {
        t = xs_transaction_start(xs);
        put(t, BACK, dev, "frontend", front);
        put(t, BACK, dev, "online", "1");
        put(t, BACK, dev, "path", export);
        put(t, BACK, dev, "security_model", "none");
        for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
            put(t, BACK, dev, zero[i], "0");
        put(t, BACK, dev, "state", "1");
        put(t, FRONT, dev, "backend", back);
        put(t, FRONT, dev, "backend-id", "0");
        put(t, FRONT, dev, "tag", "share");
        put(t, FRONT, dev, "state", "1");
    } while (!xs_transaction_end(xs, t, false));
}

static void await(unsigned dev, char state)
{
    double until = now() + WAIT_S;
    char path[96];

    snprintf(path, sizeof(path), BACK "/%u/state", dev);
    for (bool there = false; !there;) {
        unsigned len;
        char *s = xs_read(xs, XBT_NULL, path, &len);

        there = s != NULL && s[0] == state;
        free(s);
        if (!there && now() > until)
            die("the backend did not follow", dev);
        if (!there)
            usleep(20000);
    }
}

static void publish(unsigned dev)
{
    xs_transaction_t t;
    char value[16];

    do {
        t = xs_transaction_start(xs);
        put(t, FRONT, dev, "version", "1");
        put(t, FRONT, dev, "num-rings", "1");
        snprintf(value, sizeof(value), "%u", dev + 1);
        put(t, FRONT, dev, "ring-ref0", value);
        put(t, FRONT, dev, "event-channel-0", value);
        put(t, FRONT, dev, "state", "3");
    } while (!xs_transaction_end(xs, t, false));
}

int main(int argc, char **argv)
{
    unsigned first = argc == 4 ? (unsigned)atoi(argv[1]) : 0;
    unsigned num = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    double start = now();
    sigset_t term;
    int sig;

    if (num == 0) {
        fprintf(stderr, "usage: devices FIRST NUM PATH\n");
        return 2;
    }
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    xs = xs_open(0);
    if (xs == NULL)
        die("no xenstore", first);
    for (unsigned i = 0; i < num; i++)
        add(first + i, argv[3]);
    for (unsigned i = 0; i < num; i++) {
        await(first + i, '2');
        publish(first + i);
    }
    for (unsigned i = 0; i < num; i++)
        await(first + i, '4');
    printf("connected %u %.2f\n", num, now() - start);
    fflush(stdout);
    sigwait(&term, &sig);
    for (unsigned i = 0; i < num; i++) {
        char path[96];

        snprintf(path, sizeof(path), BACK "/%u", first + i);
        (void)xs_rm(xs, XBT_NULL, path);
    }
    return 0;
}
