/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile_worker.c - xen9p-worker up to the moment at which it would serve its guest. From there
 * on it does what the guest that has taken it over wants.
 *
 * Everything before is the shipped worker: its archive, its lockdown, its threads. This program is
 * never installed.
 */
#include <errno.h>
#include <malloc.h>
#include <unistd.h>

#include "attempt.h"
#include "xen9p/descriptors.h"
#include "xen9p/lockdown.h"
#include "xen9p/quota_scan.h"
#include "xen9p/worker.h"

static int start(struct worker *w)
{
    int err = session_init(&w->session, w);

    if (err == 0)
        err = pump_start(&w->pump, w);
    return err != 0 ? err : quota_scan_start(&w->session.quota);
}

static void turn_hostile(struct worker *w)
{
    uint8_t *data = w->ring[0].in < w->ring[0].out ? w->ring[0].in : w->ring[0].out;
    struct hostile h = {(void *)data, w->journal, data, 2 * (size_t)w->ring[0].size};
    const struct attempt *a = attempt_get(h.brief->attempt);

    if (a == NULL)
        _exit(2);
    h.brief->result = a->run != NULL ? a->run(&h)
                                     : attack(a->nr, a->arg[0], a->arg[1], a->arg[2], a->arg[3],
                                              a->arg[4], a->arg[5]);
    atomic_store(&h.brief->returned, 1);
}

int main(void)
{
    static struct worker w;
    union ctl_message ready = {.ready = {.hdr.type = CTL_READY}};

    (void)mallopt(M_ARENA_MAX, 1);
    if (lockdown_configure(&w) != 0 || lockdown_run(&w, start, &ready.ready) != 0)
        _exit(1);
    ready.hdr.type = CTL_READY;
    if (ctl_send(WFD_CONTROL, &ready, NULL, 0) != 0)
        _exit(1);
    turn_hostile(&w);
    _exit(0);
}
