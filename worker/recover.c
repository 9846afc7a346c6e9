/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recover.c - where a worker starts on its rings.
 *
 * Reads the interface pages (the guest's) and the journal (a predecessor's, who may have been
 * taken over): every index is checked against the ring before it is used.
 */
#include "xen9p/recover.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <xen/io/9pfs.h>

#include "xen9p/worker.h"

struct indexes {
    uint32_t in_cons, in_prod, out_cons, out_prod;
};

static struct indexes read_indexes(struct ring *r)
{
    return (struct indexes){
        .in_cons = __atomic_load_n(&r->intf->in_cons, __ATOMIC_ACQUIRE),
        .in_prod = __atomic_load_n(&r->intf->in_prod, __ATOMIC_ACQUIRE),
        .out_cons = __atomic_load_n(&r->intf->out_cons, __ATOMIC_ACQUIRE),
        .out_prod = __atomic_load_n(&r->intf->out_prod, __ATOMIC_ACQUIRE),
    };
}

/* `a` lies at or behind `b`, on a ring of `size`. */
static bool reached(uint32_t a, uint32_t b, uint32_t size)
{
    return (uint32_t)(a - b) <= size;
}

/* Where a predecessor stood: its journal, corrected by what it was doing when it died. */
static void read_journal(struct worker *w, struct ring *r, struct indexes *ix)
{
    uint32_t in_prod = atomic_load(&r->journal->in_prod);
    uint32_t taken = atomic_load(&r->journal->out_taken);

    for (uint32_t i = 0; i < JOURNAL_SLOTS; i++) {
        struct journal_slot *s = &w->journal->slot[i];
        uint32_t state = atomic_load(&s->state);

        if (state == JOURNAL_FREE || s->ring != r->id)
            continue;
        if (reached(s->out_end, taken, r->size))
            taken = s->out_end;
        /* it was publishing: the guest has seen the reply if in_prod had moved already */
        if (state == JOURNAL_PUBLISHING && s->in_end == ix->in_prod) {
            in_prod = s->in_end;
            atomic_store(&s->state, JOURNAL_FREE);
        }
    }
    ix->in_prod = in_prod;
    ix->out_cons = taken;
}

static int recover_ring(struct worker *w, struct ring *r, bool from_journal)
{
    struct indexes ix = read_indexes(r);

    if (from_journal)
        read_journal(w, r, &ix);
    if (!ringidx_valid(ix.in_prod, ix.in_cons, r->size) ||
        !ringidx_valid(ix.out_prod, ix.out_cons, r->size))
        return -ERANGE;
    r->in_prod = ix.in_prod;
    r->out_cons = ix.out_cons;
    r->out_taken = ix.out_cons;
    r->out_seen = ix.out_cons;
    r->in_seen = ix.in_cons;
    atomic_store(&r->journal->in_prod, ix.in_prod);
    atomic_store(&r->journal->out_taken, ix.out_cons);
    __atomic_store_n(&r->intf->in_prod, ix.in_prod, __ATOMIC_RELEASE);
    __atomic_store_n(&r->intf->out_cons, ix.out_cons, __ATOMIC_RELEASE);
    return 0;
}

static void answer_slots(struct worker *w)
{
    for (uint32_t i = 0; i < JOURNAL_SLOTS; i++) {
        struct journal_slot *s = &w->journal->slot[i];

        if (atomic_load(&s->state) == JOURNAL_FREE)
            continue;
        if (s->ring < w->config.num_rings)
            flight_answer_slot(&w->pump, i);
        else
            atomic_store(&s->state, JOURNAL_FREE);
    }
}

int recover_rings(struct worker *w)
{
    struct journal *j = w->journal;
    bool successor = (w->config.flags & CTL_FLAG_SUCCESSOR) != 0 && atomic_load(&j->started) != 0;
    bool adopt = (w->config.flags & CTL_FLAG_ADOPT) != 0;

    if (!successor)
        memset(j->slot, 0, sizeof(j->slot));
    for (uint32_t i = 0; i < w->config.num_rings; i++) {
        int err = recover_ring(w, &w->ring[i], successor);

        if (err != 0) {
            pump_close(&w->pump, CTL_CLOSE_BAD_INDEX, i, 0);
            return err;
        }
        atomic_store(&w->ring[i].moved, successor || adopt);
    }
    if (successor || adopt) {
        uint32_t dialect = atomic_load(&j->dialect);

        /* Without a journal the dialect is unknown; Linux is who survives here, and speaks .L */
        if (dialect == P9_DIALECT_NONE || dialect > P9_DIALECT_L)
            dialect = P9_DIALECT_L;
        atomic_store(&w->session.dialect, dialect);
        atomic_store(&w->session.orphaned, true);
        answer_slots(w);
    }
    atomic_store(&j->started, 1);
    return 0;
}
