/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - xen9p-worker: serves one device to one guest.
 *
 * Started by xen9pd only, with a fixed descriptor table and an empty environment. Locks itself down before it looks at
 * the first byte of its guest.
 */
#include <malloc.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/lockdown.h"
#include "xen9p/quota_scan.h"
#include "xen9p/worker.h"

/* What runs behind the lockdown, made as its step CTL_STEP_THREADS. */
static int start(struct worker *w)
{
    int err = session_init(&w->session, w);

    if (err == 0)
        err = pump_start(&w->pump, w);
    return err != 0 ? err : quota_scan_start(&w->session.quota);
}

int main(void)
{
    static struct worker w;
    union ctl_message ready = {.ready = {.hdr.type = CTL_READY}};

    (void)mallopt(M_ARENA_MAX, 1); /* threads allocate little: one heap is enough */
    if (lockdown_configure(&w) != 0 || lockdown_run(&w, start, &ready.ready) != 0)
        _exit(1);
    ready.hdr.type = CTL_READY;
    if (ctl_send(WFD_CONTROL, &ready, NULL, 0) != 0)
        _exit(1);
    pump_open(&w.pump);
    quota_scan_open(&w.session.quota);
    _exit(pump_wait(&w.pump));
}
