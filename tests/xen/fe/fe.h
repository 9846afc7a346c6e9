/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fe.h - a 9pfs frontend in user space, in dom0 towards dom0 itself, on real grants and a real event channel. It
 * plays the toolstack's part, too. It is the hostile guest of the tests: every node and every field of the
 * interface page can be given a value of its own. Functions that cannot do their job print why and exit 2.
 */
#ifndef FE_H
#define FE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#define FE_RINGS 4
#define FE_ORDER \
    5 /* default: 64 KiB in each direction, a quarter of gntalloc's default allowance for two rings */

struct fe_ring {
    uint8_t *intf; /* interface page, see ring.md of the Xen headers: xen/io/9pfs.h */
    uint8_t *data; /* 1 << order pages: in, then out */
    uint32_t intf_ref;
    evtchn_port_t port;
};

struct fe {
    struct xs_handle *xs;
    xengntshr_handle *shr;
    xenevtchn_handle *ev;
    unsigned dev, rings, order;
    char fpath[64], bpath[64];
    struct fe_ring ring[FE_RINGS];
    uint32_t msize;
    uint16_t tag;
    /* what to lie about */
    const char *num_rings; /* value of num-rings, or NULL for the truth */
    int intf_order;        /* ring_order in the interface page, or -1 */
    bool no_refs;          /* leave ring-ref<i> out */
    bool bad_grants;       /* refs that were never granted, in the interface page */
    bool bad_intf;         /* a ring-ref that was never granted */
    bool one_channel;      /* the first ring's event channel for all */
};

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
double now(void);

/* nodes.c */
void fe_init(struct fe *fe, struct xs_handle *xs, unsigned dev);
void toolstack_add(struct fe *fe, const char *path);
void toolstack_unplug(struct fe *fe); /* online 0, state 5, as libxl */
void toolstack_remove(struct fe *fe);
void fe_write(struct fe *fe, const char *node, const char *value);
char *be_read(struct fe *fe, const char *node); /* caller frees; NULL: absent */
int be_state(struct fe *fe);                    /* 0: none */
bool be_wait(struct fe *fe, int state, double seconds);
void fe_publish(struct fe *fe); /* nodes of the rings, then state 3 */

/* share.c: rings and event channels */
void fe_share(struct fe *fe);
void fe_unshare(struct fe *fe);

/* p9.c: one request at a time on one ring. 0 or the errno of Rlerror; -1 when no answer came in time. */
int p9_version(struct fe *fe, unsigned ring);
int p9_attach(struct fe *fe, unsigned ring, uint32_t fid);
int p9_walk(struct fe *fe, unsigned ring, uint32_t fid, uint32_t newfid, const char *name);
int p9_open(struct fe *fe, unsigned ring, uint32_t fid, uint32_t flags);
int p9_read(struct fe *fe, unsigned ring, uint32_t fid, uint64_t off, uint32_t count, void *to,
            uint32_t *got);
int p9_clunk(struct fe *fe, unsigned ring, uint32_t fid);
extern double p9_deadline; /* seconds to wait for a reply */
/*
 * Any message: b u8, w u16, d u32, q u64, s string, B bytes (uint32_t length, pointer). 0, -1 or the errno of Rlerror
 * or of an Rerror of 9P2000.u.
 */
int p9_ask(struct fe *fe, unsigned ring, uint8_t type, uint16_t tag, const char *fmt, ...);
/* Body of the last reply. */
const uint8_t *p9_body(uint32_t *len);

/* clients.c: message by message what other frontends than Linux send. Print what they saw; exit 1 for anything else. */
void client_minios(struct fe *fe, const char *path);
void client_unikraft(struct fe *fe, const char *path, unsigned rings);

/* bench.c: requests of 9P2000.u one after the other on PATH/file (1 MiB); "NAME RATE UNIT" for each kind. */
void client_bench(struct fe *fe, const char *path, double seconds);
/* The same file walked to as often as each of `num` says (ascending, NULL ends), and what a stat costs then: "NUM US". */
void client_fids(struct fe *fe, const char *path, char **num);

#endif
