/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share.c - grants and event channels of the test frontend. */
#include "fe.h"

#include <string.h>

#define PAGE 4096u

static void share_ring(struct fe *fe, struct fe_ring *r)
{
    uint32_t pages = 1u << fe->order;
    uint32_t *refs;
    int port;

    r->intf = xengntshr_share_pages(fe->shr, 0, 1, &r->intf_ref, 1);
    if (!r->intf)
        die("cannot grant an interface page");
    memset(r->intf, 0, PAGE);
    refs = (uint32_t *)(void *)(r->intf + 132);
    r->data = xengntshr_share_pages(fe->shr, 0, (int)pages, refs, 1);
    if (!r->data)
        die("cannot grant %u data pages (gntalloc's limit?)", pages);
    *(uint32_t *)(void *)(r->intf + 128) =
        fe->intf_order >= 0 ? (uint32_t)fe->intf_order : fe->order;
    for (uint32_t i = 0; fe->bad_grants && i < pages; i++)
        refs[i] = 0x00ffff00u + i;
    port = xenevtchn_bind_unbound_port(fe->ev, 0);
    if (port < 0)
        die("cannot bind an unbound port");
    r->port = (evtchn_port_t)port;
}

void fe_share(struct fe *fe)
{
    if (!fe->shr)
        fe->shr = xengntshr_open(NULL, 0);
    if (!fe->ev)
        fe->ev = xenevtchn_open(NULL, 0);
    if (!fe->shr || !fe->ev)
        die("no gntalloc or evtchn device");
    for (unsigned i = 0; i < fe->rings; i++)
        share_ring(fe, &fe->ring[i]);
}

void fe_unshare(struct fe *fe)
{
    for (unsigned i = 0; i < fe->rings; i++) {
        struct fe_ring *r = &fe->ring[i];

        if (!r->intf)
            continue;
        xenevtchn_unbind(fe->ev, r->port);
        xengntshr_unshare(fe->shr, r->data, 1u << fe->order);
        xengntshr_unshare(fe->shr, r->intf, 1);
        memset(r, 0, sizeof(*r));
    }
}
