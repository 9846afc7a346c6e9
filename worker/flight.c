/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flight.c - requests in flight, their journal slots, and the Tflush that wait for them.
 *
 * Everything here is under pump.lock. The numbers are small (requests in flight are bounded by
 * threads times rings, slots by the journal), so that lists and bitmaps are searched linearly.
 */
#include "xen9p/flight.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "flight_internal.h"
#include "xen9p/reply.h"
#include "xen9p/ring.h"
#include "xen9p/session.h"
#include "xen9p/worker.h"

static uint32_t find_bit(const uint64_t *map, bool value)
{
    for (uint32_t i = 0; i < JOURNAL_SLOTS; i += 64) {
        uint64_t word = value ? map[i / 64] : ~map[i / 64];

        if (word != 0) {
            i += (uint32_t)__builtin_ctzll(word);
            return i < JOURNAL_SLOTS ? i : FLIGHT_NO_SLOT;
        }
    }
    return FLIGHT_NO_SLOT;
}

static void set_bit(uint64_t *map, uint32_t bit, bool value)
{
    if (value)
        map[bit / 64] |= 1ull << (bit % 64);
    else
        map[bit / 64] &= ~(1ull << (bit % 64));
}

static bool test_bit(const uint64_t *map, uint32_t bit)
{
    return (map[bit / 64] >> (bit % 64) & 1) != 0;
}

int flight_init(struct flight *f, uint32_t num_requests)
{
    memset(f, 0, sizeof(*f));
    f->num_requests = num_requests;
    /* mmap, and no list of all: the pages of a request that is never used are never touched */
    f->pool = mmap(NULL, num_requests * sizeof(*f->pool), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->pool == MAP_FAILED) {
        f->pool = NULL;
        return -ENOMEM;
    }
    return 0;
}

void flight_fini(struct flight *f)
{
    if (f->pool != NULL)
        munmap(f->pool, f->num_requests * sizeof(*f->pool));
    f->pool = NULL;
}

static bool tag_in_use(const struct flight *f, uint16_t tag, uint32_t generation)
{
    for (const struct request *r = f->first; r != NULL; r = r->next_in_flight)
        if (r->tag == tag && r->generation == generation &&
            !atomic_load_explicit(&r->answered, memory_order_acquire))
            return true;
    for (uint32_t i = 0; f->num_flushes > 0 && i < JOURNAL_SLOTS; i++)
        if (f->flush[i].waiting && f->flush[i].tag == tag && f->flush[i].generation == generation)
            return true;
    return flight_lock_has_tag(f, tag, generation, true);
}

bool flight_is_flushed(const struct flight *f, uint16_t tag, uint32_t generation)
{
    for (uint32_t i = 0; f->num_flushes > 0 && i < JOURNAL_SLOTS; i++)
        if (f->flush[i].waiting && f->flush[i].oldtag == tag &&
            f->flush[i].generation == generation)
            return true;
    return false;
}

void flight_free_slot(struct pump *p, uint32_t slot)
{
    atomic_store_explicit(&p->worker->journal->slot[slot].state, JOURNAL_FREE,
                          memory_order_release);
    set_bit(p->flight.used_slots, slot, false);
}

static void fill_slot(struct pump *p, uint32_t slot, struct ring *ring, const struct ring_head *h)
{
    struct journal_slot *s = &p->worker->journal->slot[slot];

    s->tag = h->tag;
    s->ring = (uint8_t)ring->id;
    s->type = h->type;
    s->out_end = h->at + h->size;
    atomic_store_explicit(&s->state, JOURNAL_TAKEN, memory_order_release);
    set_bit(p->flight.used_slots, slot, true);
}

/* Rests in front of those that were never used: few pages serve. NULL: all are in flight. */
static struct request *unused_request(struct flight *f)
{
    if (f->unused == NULL && f->num_touched < f->num_requests)
        f->unused = &f->pool[f->num_touched++]; /* its `next` is NULL as the kernel gave it */
    return f->unused;
}

struct request *flight_begin(struct pump *p, struct ring *ring, const struct ring_head *h)
{
    struct flight *f = &p->flight;
    struct session *s = &p->worker->session;
    struct request *r;
    uint32_t slot;

    pthread_mutex_lock(&p->lock);
    r = unused_request(f);
    slot = find_bit(f->used_slots, false);
    /* Under the lock: pump_wait() may have seen that nothing is in flight, and the process ends. */
    if (r == NULL || slot == FLIGHT_NO_SLOT || atomic_load(&p->draining)) {
        pthread_mutex_unlock(&p->lock);
        return NULL;
    }
    f->unused = r->next;
    r->session = s;
    r->ring = ring;
    r->size = h->size;
    r->type = h->type;
    r->tag = h->tag;
    r->generation = atomic_load(&s->generation);
    r->slot = slot;
    r->span = RING_NO_SPAN;
    r->error = 0;
    atomic_store_explicit(&r->answered, false, memory_order_relaxed);
    r->published = false;
    r->parked = false;
    r->data_segs = 0;
    r->data_len = 0;
    /* Tversion may come at any time with any tag: it ends what is in flight, and what is queued on other rings. */
    if (h->type != P9_TVERSION && h->forgotten) {
        r->generation--;
        r->error = -EINTR;
    } else if (h->type != P9_TVERSION && tag_in_use(f, h->tag, r->generation)) {
        r->error = -EINVAL;
    }
    fill_slot(p, slot, ring, h);
    r->next_in_flight = f->first;
    f->first = r;
    pthread_mutex_unlock(&p->lock);
    return r;
}

/*
 * Without the lock: who sees the tag used again has seen the reply, which is published after this.
 */
void flight_answer(struct request *r)
{
    atomic_store_explicit(&r->answered, true, memory_order_release);
}

void flight_unlink(struct flight *f, struct request *r)
{
    struct request **at = &f->first;

    while (*at != r)
        at = &(*at)->next_in_flight;
    *at = r->next_in_flight;
}

/* What Tflush number `number` of `oldtag` has to wait for: the request, or an older Tflush. */
static bool tag_pending(const struct flight *f, uint16_t oldtag, uint32_t generation,
                        uint64_t number, const struct request *self)
{
    for (const struct request *r = f->first; r != NULL; r = r->next_in_flight)
        if (r != self && r->tag == oldtag && r->generation == generation)
            return true;
    for (uint32_t i = 0; f->num_flushes > 0 && i < JOURNAL_SLOTS; i++)
        if (f->flush[i].waiting && f->flush[i].number < number && f->flush[i].tag == oldtag &&
            f->flush[i].generation == generation)
            return true;
    return flight_lock_has_tag(f, oldtag, generation, false);
}

/* True when every ring has been taken up to where it stood when the Tflush came. */
static bool rings_passed(struct pump *p, const uint32_t taken[CTL_MAX_RINGS])
{
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++) {
        uint32_t now = __atomic_load_n(&p->worker->ring[i].out_taken, __ATOMIC_ACQUIRE);

        if ((int32_t)(now - taken[i]) < 0)
            return false;
    }
    return true;
}

static void mark_answer(struct pump *p, uint32_t slot)
{
    struct ring *ring = &p->worker->ring[p->worker->journal->slot[slot].ring];

    set_bit(p->flight.answer_slots, slot, true);
    atomic_fetch_add(&ring->answers, 1);
}

/* Not before what it tells the end of is recorded: a file that a waiting lock was the last to use. */
void flight_mark_answer(struct pump *p, uint32_t slot)
{
    p->flight.answer_generation[slot] = atomic_load(&p->worker->session.generation);
    if (trail_hold_answer(p, slot))
        p->flight.held_answers++;
    else
        mark_answer(p, slot);
}

void flight_unhold_answer(struct pump *p, uint32_t slot)
{
    pthread_mutex_lock(&p->lock);
    p->flight.held_answers--;
    mark_answer(p, slot);
    pthread_mutex_unlock(&p->lock);
    reply_answers(p);
}

void flight_release_flushes(struct pump *p)
{
    struct flight *f = &p->flight;
    uint32_t generation = atomic_load(&p->worker->session.generation);
    bool again = f->num_flushes > 0;

    while (again) { /* the end of one may be what another waits for */
        again = false;
        for (uint32_t i = 0; i < JOURNAL_SLOTS; i++) {
            struct flight_flush *w = &f->flush[i];

            if (!w->waiting)
                continue;
            if (w->generation != generation) {
                w->waiting = false; /* Tversion has ended it: no reply */
                flight_free_slot(p, i);
            } else if (rings_passed(p, w->taken) &&
                       !tag_pending(f, w->oldtag, w->generation, w->number, NULL)) {
                w->waiting = false;
                flight_mark_answer(p, i);
            } else {
                continue;
            }
            atomic_fetch_sub(&f->num_flushes, 1);
            again = true;
        }
    }
}

/* pump_wait() sleeps until then; as long as nobody wants an end it is left alone. Lock held. */
void flight_tell_if_drained(struct pump *p)
{
    if (atomic_load(&p->draining) && flight_none(p))
        pthread_cond_broadcast(&p->changed);
}

void flight_end(struct pump *p, struct request *r)
{
    pthread_mutex_lock(&p->lock);
    if (!r->parked) {
        flight_unlink(&p->flight, r);
        flight_free_slot(p, r->slot);
        flight_release_flushes(p);
        flight_tell_if_drained(p);
    }
    r->next = p->flight.unused;
    p->flight.unused = r;
    pthread_mutex_unlock(&p->lock);
}

bool flight_none(struct pump *p)
{
    const struct flight *f = &p->flight;
    uint64_t answers = 0;

    for (size_t i = 0; i < sizeof(f->answer_slots) / sizeof(f->answer_slots[0]); i++)
        answers |= f->answer_slots[i];
    return f->first == NULL && f->held_answers == 0 && (answers == 0 || atomic_load(&p->closing)) &&
           flight_no_locks(p);
}

bool flight_flush(struct pump *p, struct request *r, uint16_t oldtag)
{
    struct flight *f = &p->flight;
    struct flight_flush *w = &f->flush[r->slot];
    struct fid *fid;
    bool at_once;

    /* its fid first: the end of that file is in the trail before any Rflush tells of it */
    pthread_mutex_lock(&p->lock);
    fid = flight_cancel_lock(p, oldtag, r->generation);
    pthread_mutex_unlock(&p->lock);
    fid_put(fid);
    pthread_mutex_lock(&p->lock);
    *w = (struct flight_flush){
        .tag = r->tag, .oldtag = oldtag, .generation = r->generation, .number = ++f->flush_number};
    for (uint32_t i = 0; i < p->worker->config.num_rings; i++)
        w->taken[i] = ring_out_prod(&p->worker->ring[i]);
    /* its own ring has been taken up to itself: what is behind it came later */
    w->taken[r->ring->id] = __atomic_load_n(&r->ring->out_taken, __ATOMIC_ACQUIRE);
    /*
     * Counted before the rings are looked at, and flight_taken() looks at the count after a ring
     * has moved: one of the two sees the other.
     */
    atomic_fetch_add(&f->num_flushes, 1);
    atomic_thread_fence(memory_order_seq_cst);
    at_once = oldtag == r->tag ||
              (rings_passed(p, w->taken) && !tag_pending(f, oldtag, w->generation, w->number, r));
    if (!at_once && atomic_load(&f->num_flushes) <= LIMIT_PARKED_FLUSHES) {
        w->waiting = true;
        flight_unlink(f, r); /* the slot stays in use */
        r->parked = true;
        /* of this one: they waited while it was executed, and are older */
        flight_release_flushes(p);
    } else {
        atomic_fetch_sub(&f->num_flushes, 1);
    }
    pthread_mutex_unlock(&p->lock);
    if (!at_once && !r->parked)
        pump_close(p, CTL_CLOSE_FLUSH_STORM, r->ring->id, LIMIT_PARKED_FLUSHES);
    return !r->parked;
}

void flight_taken(struct pump *p)
{
    atomic_thread_fence(memory_order_seq_cst); /* see flight_flush() */
    if (atomic_load_explicit(&p->flight.num_flushes, memory_order_relaxed) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    flight_release_flushes(p);
    pthread_mutex_unlock(&p->lock);
}

void flight_answer_slot(struct pump *p, uint32_t slot)
{
    pthread_mutex_lock(&p->lock);
    set_bit(p->flight.used_slots, slot, true);
    flight_mark_answer(p, slot);
    pthread_mutex_unlock(&p->lock);
}

uint32_t flight_next_answer(struct pump *p, uint32_t ring)
{
    uint32_t found = FLIGHT_NO_SLOT;

    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < JOURNAL_SLOTS && found == FLIGHT_NO_SLOT; i++)
        if (test_bit(p->flight.answer_slots, i) && p->worker->journal->slot[i].ring == ring)
            found = i;
    pthread_mutex_unlock(&p->lock);
    return found;
}

bool flight_answer_is_stale(const struct pump *p, uint32_t slot)
{
    return p->flight.answer_generation[slot] != atomic_load(&p->worker->session.generation);
}

void flight_answered_slot(struct pump *p, uint32_t slot)
{
    struct ring *ring = &p->worker->ring[p->worker->journal->slot[slot].ring];

    pthread_mutex_lock(&p->lock);
    set_bit(p->flight.answer_slots, slot, false);
    atomic_fetch_sub(&ring->answers, 1);
    flight_free_slot(p, slot);
    flight_lock_answered(p, slot);
    flight_tell_if_drained(p);
    pthread_mutex_unlock(&p->lock);
}
