/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest.c - from batches to lines: numbering, limits, and what to do when a log cannot be written.
 * What the lines are: lines.c.
 *
 * What a worker sends is checked by audit_check() and may still be a lie about what its guest did.
 * It cannot be a lie about who, when or another guest: none of that is taken from it.
 *
 * A batch is looked at (MSG_PEEK), written, and only then taken from its socket: when this process
 * is killed in between, its successor finds both, and the numbers of the records tell it what is
 * in the log already.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lines.h"
#include "xen9p/log.h"

/* --- trouble ---------------------------------------------------------------------------------- */

static void tell_sources(struct audit *a, const struct guest *g, enum audit_state state, int err)
{
    for (const struct source *s = g->sources; s != NULL; s = s->next)
        server_say(a, s->id, state, err);
}

static void pause_until(struct audit *a, struct guest *g, uint64_t ms)
{
    g->wait_ms = ms;
    for (struct source *s = g->sources; s != NULL; s = s->next)
        server_watch(a, &s->watch, false);
}

static void go_on(struct audit *a, struct guest *g)
{
    g->wait_ms = 0;
    for (struct source *s = g->sources; s != NULL; s = s->next)
        server_watch(a, &s->watch, true);
}

/* The log cannot be written. */
static void failed(struct audit *a, struct guest *g, int err)
{
    const bool drop = g->full == AUDIT_FULL_DROP;

    lines_discard(a, g);
    if (!g->broken) {
        log_error("%s/%s: %s; %s. Make room, or lower log-max and log-keep", g->directory,
                  AUDIT_LOG_NAME, strerror(-err),
                  drop ? "its records are dropped and counted" : "its guest waits");
        tell_sources(a, g, drop ? AUDIT_STATE_DROPPING : AUDIT_STATE_BLOCKED, -err);
    }
    g->broken = true;
    if (!drop)
        pause_until(a, g, now_ms() + AUDIT_RETRY_MS);
}

static void worked(struct audit *a, struct guest *g)
{
    if (!g->broken)
        return;
    g->broken = false;
    log_notice("%s/%s can be written again", g->directory, AUDIT_LOG_NAME);
    tell_sources(a, g, AUDIT_STATE_RUNNING, 0);
}

/* --- batches ---------------------------------------------------------------------------------- */

/*
 * Once records are suppressed they are until there are tokens for a while: what is missing is said
 * in front of the next record, which must not make two lines of each.
 */
static bool is_spent(const struct bucket *b, bool suppressing)
{
    return suppressing ? !bucket_has(b, b->rate / 10) : bucket_empty(b);
}

/* True when the record may be written. In a guest that blocks each is, and it waits afterwards. */
static bool pay(struct guest *g, const struct audit_record *r, struct tally *t)
{
    const bool denial = r->cls == AUDIT_DENY || r->cls == AUDIT_VIOLATION;

    if (g->full == AUDIT_FULL_DROP && (is_spent(&g->all, t->by_rate != 0) ||
                                       (denial && is_spent(&g->denials, t->by_rate != 0)))) {
        t->by_rate++;
        return false;
    }
    bucket_take(&g->all);
    if (denial)
        bucket_take(&g->denials);
    return true;
}

static int write_record(struct audit *a, struct source *s, const struct audit_record *r,
                        struct tally *t)
{
    struct origin o = {.who = &s->who, .worker = s->id};
    int err = lines_missing(a, s->guest, &o, t);

    if (err != 0)
        return err;
    o.n = t->done + 1;
    return lines_record(a, s->guest, &o, r);
}

/* One more record of a batch. What came before may be written meanwhile, and stands in `s` then. */
static int take_record(struct audit *a, struct source *s, const struct audit_record *r,
                       struct tally *now)
{
    const uint64_t file = s->guest->log.seq;
    const struct tally before = *now;
    int err = pay(s->guest, r, now) ? write_record(a, s, r, now) : 0;

    if (s->guest->log.seq != file) /* into the file that was full */
        s->tally = before;
    if (err == 0)
        now->done++;
    return err;
}

/* What a batch says beside its records: numbers that its worker dropped, or an earlier one of us. */
static void take_gaps(const struct audit_batch *batch, struct tally *now)
{
    uint64_t gap = batch->first > now->done + 1 ? batch->first - 1 - now->done : 0;
    uint64_t lost = gap < batch->lost ? gap : batch->lost;

    now->lost += lost;
    now->by_restart += gap - lost;
    now->done += gap;
}

/*
 * All records of a batch that are not in the log yet. The source's tally moves over what was
 * written, also when the rest could not be.
 */
static int write_batch(struct audit *a, struct source *s, const struct audit_batch *batch,
                       size_t len)
{
    struct tally now = s->tally;
    struct audit_batch again;
    struct cursor c;
    int err = audit_open(&c, a->batch, len, &again);

    take_gaps(batch, &now);
    for (uint64_t i = 0; err == 0 && i < batch->count; i++) {
        struct audit_record r;

        (void)audit_next(&c, &r);
        if (batch->first + i > now.done)
            err = take_record(a, s, &r, &now);
    }
    if (err == 0)
        err = lines_flush(a, s->guest);
    if (err == 0)
        s->tally = now;
    return err;
}

static void take_message(const struct source *s)
{
    char byte;

    (void)recv(s->watch.fd, &byte, sizeof(byte), MSG_DONTWAIT);
}

/* The worker cannot be trusted any more. The supervisor ends it; its guest's log stays whole. */
static void violation(struct audit *a, struct source *s)
{
    const struct origin o = {.who = &s->who, .worker = s->id};

    log_error("%s: worker %u sent a malformed audit record", s->guest->directory, s->who.pid);
    server_say(a, s->id, AUDIT_STATE_VIOLATION, EPROTO);
    if (lines_malformed(a, s->guest, &o) != 0) {
        lines_discard(a, s->guest);
        s->guest->missing.by_disk++;
    } else if (lines_flush(a, s->guest) != 0) {
        s->guest->missing.by_disk++;
    }
    server_drop(a, s);
}

/*
 * Numbers go up by one, those that the worker has dropped included. A batch whose first ones are in the log already can only be one that was
 * written, wholly or in part, and not taken: by an earlier xen9p-audit, or with the disk full. A
 * source that is heard for the first time may have been heard by an earlier one, which wrote its
 * last lines (they are found), or dropped them, and has not said so (they are missing).
 */
static bool numbers_fit(const struct guest *g, struct source *s, const struct audit_batch *batch)
{
    if (s->fresh) {
        if (logfile_find(&g->log, s->id, &s->tally.done) < 0)
            s->tally.done = batch->first - 1; /* its last line is somewhere further up */
        s->fresh = false;
        s->again = true;
        return true;
    }
    return batch->first == s->tally.done + 1 + batch->lost ||
           (s->again && batch->first <= s->tally.done + 1 + batch->lost);
}

static void wait_for_tokens(struct audit *a, struct guest *g)
{
    uint64_t ms = bucket_wait(&g->all), denials = bucket_wait(&g->denials);

    ms = denials > ms ? denials : ms;
    if (g->full == AUDIT_FULL_BLOCK && ms > 0 && g->wait_ms == 0)
        pause_until(a, g, now_ms() + ms);
}

static void take_batch(struct audit *a, struct source *s, const struct audit_batch *batch,
                       size_t len)
{
    struct guest *g = s->guest;
    int err;

    bucket_fill(&g->all, now_ms());
    bucket_fill(&g->denials, g->all.at_ms);
    err = write_batch(a, s, batch, len);
    if (err == 0)
        worked(a, g);
    else
        failed(a, g, err);
    if (err != 0 && g->full == AUDIT_FULL_BLOCK) {
        s->again = true; /* it stays where it is; a part of it may be written */
        return;
    }
    if (err != 0) {
        struct tally *t = &s->tally;

        take_gaps(batch, t);
        t->by_disk += batch->first + batch->count - 1 - t->done;
        t->done = batch->first + batch->count - 1;
    }
    s->again = false;
    take_message(s);
    wait_for_tokens(a, g);
}

void guest_turn(struct audit *a, struct source *s)
{
    struct audit_batch batch;
    ssize_t n;

    if (s->guest->wait_ms != 0)
        return;
    n = recv(s->watch.fd, a->batch, sizeof(a->batch), MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        struct pollfd p = {s->watch.fd, 0, 0};

        (void)poll(&p, 1, 0);
        if (n == 0 && (p.revents & POLLHUP) == 0) /* not the end: an empty message */
            violation(a, s);
        else
            server_drop(a, s);
        return;
    }
    if ((size_t)n > sizeof(a->batch) || audit_check(a->batch, (size_t)n, &batch) != 0 ||
        !numbers_fit(s->guest, s, &batch)) {
        violation(a, s);
        return;
    }
    take_batch(a, s, &batch, (size_t)n);
}

/* --- the supervisor's records ----------------------------------------------------------------- */

static bool is_end(uint32_t op)
{
    return op == AUDIT_OP_DISCONNECT || op == AUDIT_OP_CRASH || op == AUDIT_OP_QUARANTINE;
}

/* What a worker still has in its socket comes before the record about its end. */
static bool must_wait(const struct guest *g, const struct audit_ctl_event *e)
{
    if (!is_end(e->op))
        return false;
    for (const struct source *s = g->sources; s != NULL; s = s->next) {
        struct pollfd p = {s->watch.fd, POLLIN, 0};

        if (s->id == e->hdr.id)
            return poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0;
    }
    return false;
}

static int write_event(struct audit *a, struct guest *g, const struct audit_ctl_event *e)
{
    int err = lines_event(a, g, e);

    if (err == 0)
        err = lines_flush(a, g);
    if (err != 0)
        failed(a, g, err);
    else
        worked(a, g);
    return err;
}

static void write_events(struct audit *a, struct guest *g)
{
    while (g->events != NULL && !must_wait(g, &g->events->msg)) {
        struct event *e = g->events;

        if (write_event(a, g, &e->msg) != 0) {
            if (g->full == AUDIT_FULL_BLOCK)
                return;
            g->missing.by_disk++;
        }
        g->events = e->next;
        if (g->events == NULL)
            g->events_end = &g->events;
        g->num_events--;
        free(e);
    }
}

void guest_event(struct audit *a, struct guest *g, const struct audit_ctl_event *e)
{
    struct event *copy = g->num_events < AUDIT_MAX_EVENTS ? malloc(sizeof(*copy)) : NULL;

    if (copy == NULL) {
        g->missing.by_disk++;
        return;
    }
    copy->msg = *e;
    copy->next = NULL;
    *g->events_end = copy;
    g->events_end = &copy->next;
    g->num_events++;
    if (g->wait_ms == 0)
        write_events(a, g);
}

/* --- life ------------------------------------------------------------------------------------- */

static struct guest *find(struct audit *a, const char *domain)
{
    for (struct guest *g = a->guests; g != NULL; g = g->next) {
        if (strcmp(g->domain, domain) == 0)
            return g;
    }
    return NULL;
}

static void set_limits(struct guest *g, const struct audit_identity *who)
{
    g->log.max = who->log_max;
    g->log.keep = who->log_keep;
    g->full = who->full;
}

int guest_get(struct audit *a, const struct audit_identity *who, struct guest **out)
{
    struct guest *g = find(a, who->domain);
    int err;

    if (g != NULL) {
        set_limits(g, who);
        *out = g;
        return 0;
    }
    g = calloc(1, sizeof(*g));
    if (g == NULL)
        return -ENOMEM;
    memcpy(g->domain, who->domain, sizeof(g->domain)); /* checked for its NUL */
    audit_directory(g->directory, g->domain);
    set_limits(g, who);
    err = logfile_open(&g->log, a->root, g->directory);
    if (err != 0) {
        free(g);
        return err;
    }
    bucket_init(&g->all, AUDIT_RATE, AUDIT_BURST, now_ms());
    bucket_init(&g->denials, AUDIT_DENY_RATE, AUDIT_DENY_BURST, now_ms());
    g->opened = AUDIT_WHY_STARTED;
    g->events_end = &g->events;
    g->next = a->guests;
    a->guests = g;
    *out = g;
    return 0;
}

void guest_forget(struct source *s)
{
    struct tally *t = &s->guest->missing;

    t->lost += s->tally.lost;
    t->by_restart += s->tally.by_restart;
    t->by_disk += s->tally.by_disk;
    t->by_rate += s->tally.by_rate;
}

void guest_tidy(struct audit *a)
{
    for (struct guest **at = &a->guests; *at != NULL;) {
        struct guest *g = *at;

        if (g->sources != NULL || g->events != NULL || lines_unsaid(g) ||
            bucket_wait(&g->all) + bucket_wait(&g->denials) > 0) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        logfile_close(&g->log);
        free(g);
    }
}

uint64_t guest_due(struct audit *a, struct guest *g)
{
    uint64_t now = now_ms(), next = UINT64_MAX;

    bucket_fill(&g->all, now);
    bucket_fill(&g->denials, now);
    if (g->wait_ms != 0 && now >= g->wait_ms)
        go_on(a, g);
    if (g->wait_ms == 0)
        write_events(a, g);
    if (g->wait_ms == 0 && lines_unsaid(g) && now >= g->said_ms + AUDIT_SAY_MS) {
        int err = lines_say(a, g);

        g->said_ms = now;
        if (err != 0)
            failed(a, g, err);
        else
            worked(a, g);
    }
    if (g->wait_ms != 0)
        next = g->wait_ms;
    else if (lines_unsaid(g))
        next = g->said_ms + AUDIT_SAY_MS;
    return next;
}

void guest_reopen(struct audit *a)
{
    for (struct guest *g = a->guests; g != NULL; g = g->next) {
        logfile_reopen(&g->log);
        g->opened = AUDIT_WHY_REOPENED;
        if (lines_room(a, g, 0) != 0 || lines_flush(a, g) != 0)
            lines_discard(a, g); /* tried again with the next line */
    }
}

void guest_drain(struct audit *a)
{
    for (struct guest *g = a->guests; g != NULL; g = g->next) {
        struct source *s = g->sources;

        if (!g->broken) /* it only waits for tokens, and there is no time left for that */
            g->wait_ms = 0;
        while (s != NULL) {
            struct source *next = s->next;
            struct pollfd p = {s->watch.fd, POLLIN, 0};
            uint32_t left = a->num_sources;

            while (g->wait_ms == 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0) {
                guest_turn(a, s);
                g->wait_ms = g->broken ? g->wait_ms : 0;
                if (a->num_sources != left) /* it is gone */
                    break;
            }
            s = next;
        }
        if (g->wait_ms == 0)
            write_events(a, g);
        if (lines_unsaid(g) && lines_say(a, g) != 0)
            lines_discard(a, g);
    }
}
