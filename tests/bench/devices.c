/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devices.c - the toolstack's and the frontends' part of connecting devices: their nodes in xenstore, and nothing behind
 * them.
 *
 *   devices FIRST NUM PATH   "connected NUM SECONDS"; stays until SIGTERM, and takes them away again
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../xen/fe/fe.h"

static void must_state(struct fe *fe, int state)
{
    if (!be_wait(fe, state, 120))
        die("device %u: backend state %d instead of %d", fe->dev, be_state(fe), state);
}

/* All at once: each step of all of them before the next. */
static void connect_all(struct fe *all, unsigned num, unsigned first, const char *path)
{
    struct xs_handle *xs = xs_open(0);

    for (unsigned i = 0; i < num; i++) {
        fe_init(&all[i], xs, first + i);
        all[i].rings = 1;
        all[i].ring[0].intf_ref = all[i].ring[0].port = first + i + 1;
        toolstack_add(&all[i], path);
    }
    for (unsigned i = 0; i < num; i++) {
        must_state(&all[i], 2);
        fe_publish(&all[i]);
    }
    for (unsigned i = 0; i < num; i++)
        must_state(&all[i], 4);
}

int main(int argc, char **argv)
{
    unsigned num = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    struct fe *all = calloc(num, sizeof(*all));
    double start = now();
    sigset_t term;
    int sig;

    if (num == 0 || all == NULL)
        die("usage: devices FIRST NUM PATH");
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    connect_all(all, num, (unsigned)atoi(argv[1]), argv[3]);
    printf("connected %u %.2f\n", num, now() - start);
    fflush(stdout);
    sigwait(&term, &sig);
    for (unsigned i = 0; i < num; i++)
        toolstack_remove(&all[i]);
    free(all);
    return 0;
}
