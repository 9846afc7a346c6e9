/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines.c - what stands in the log of a guest: its lines, and when one file of them ends.
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "xen9p/p9.h"

/* --- parts of a line ---------------------------------------------------------------------------- */

static uint64_t realtime_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin_line(struct audit *a, struct guest *g, const struct origin *o)
{
    struct text *t = &a->text;

    g->lines++;
    text_open(t);
    /* these three first and in this order: logfile.c finds them again */
    text_number(t, "seq", g->log.seq + g->lines);
    text_number(t, "worker", o->worker);
    text_number(t, "n", o->n);
    text_time(t, "time", realtime_ns());
    text_word(t, "boot", a->boot);
    text_word(t, "domain", g->domain);
    if (o->who == NULL)
        return;
    text_word(t, "uuid", o->who->uuid);
    text_number(t, "domid", o->who->domid);
    text_number(t, "device", o->who->devid);
    if (o->who->pid != 0)
        text_number(t, "pid", o->who->pid);
    if (o->who->policy[0] != '\0')
        text_word(t, "policy", o->who->policy);
}

static void put_result(struct text *t, uint32_t error)
{
    const char *name = error != 0 ? strerrorname_np((int)error) : NULL;

    text_word(t, "result", error == 0 ? "ok" : "error");
    if (error == 0)
        return;
    text_number(t, "errno", error);
    text_word(t, "error", name != NULL ? name : "?");
}

static void put_path(struct text *t, const char *key, const char *cut_key, struct wire_str s,
                     bool cut)
{
    if (s.len == 0)
        return;
    text_string(t, key, s.s, s.len);
    if (cut)
        text_true(t, cut_key);
}

static void put_record(struct text *t, const struct audit_record *r)
{
    text_word(t, "class", audit_class_name(r->cls));
    text_word(t, "op", audit_op_name(r->op));
    put_path(t, "path", "path_cut", r->path, (r->flags & AUDIT_FLAG_PATH_CUT) != 0);
    put_path(t, "to", "to_cut", r->to, (r->flags & AUDIT_FLAG_TO_CUT) != 0);
    if ((r->flags & AUDIT_FLAG_DELETED) != 0)
        text_true(t, "deleted");
    put_result(t, r->error);
    text_word(t, "reason", audit_reason_name(r->reason));
    if (r->uid != P9_NONUNAME)
        text_number(t, "uid", r->uid);
    if (r->mode != 0)
        text_number(t, "mode", r->mode);
    if (r->value != 0)
        text_number(t, "value", r->value);
    if (r->op == AUDIT_OP_CLOSE) {
        text_number(t, "read", r->read);
        text_number(t, "written", r->written);
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static void own_line(struct audit *a, struct guest *g, const struct origin *about, enum audit_op op,
                     enum audit_class cls, enum audit_reason why, uint64_t count)
{
    const struct origin self = {0};
    struct text *t = &a->text;

    begin_line(a, g, about != NULL ? about : &self);
    text_word(t, "class", audit_class_name(cls));
    text_word(t, "op", audit_op_name(op));
    text_word(t, "reason", audit_reason_name(why));
    if (count != 0)
        text_number(t, "count", count);
    text_close(t);
}

void lines_discard(struct audit *a, struct guest *g)
{
    text_clear(&a->text);
    g->lines = 0;
}

int lines_flush(struct audit *a, struct guest *g)
{
    int err = 0;

    if (a->text.failed)
        err = -ENOMEM;
    else if (a->text.len > 0)
        err = logfile_append(&g->log, a->text.s, a->text.len);
    if (err == 0)
        g->log.seq += g->lines;
    lines_discard(a, g);
    return err;
}

int lines_room(struct audit *a, struct guest *g, size_t len)
{
    int err = logfile_ready(&g->log);

    if (err == 0 && logfile_is_full(&g->log, a->text.len + len)) {
        err = lines_flush(a, g);
        if (err == 0)
            err = logfile_rotate(&g->log);
        g->opened = AUDIT_WHY_ROTATED;
    }
    if (err == 0 && g->log.size == 0 && a->text.len == 0)
        own_line(a, g, NULL, AUDIT_OP_LOG, AUDIT_SESSION, g->opened, 0);
    return err;
}

/* --- whole lines ------------------------------------------------------------------------------- */

int lines_record(struct audit *a, struct guest *g, const struct origin *o,
                 const struct audit_record *r)
{
    /* a byte of a name becomes five at most */
    int err = lines_room(a, g, 1024 + 5u * ((size_t)r->path.len + r->to.len));

    if (err != 0)
        return err;
    begin_line(a, g, o);
    put_record(&a->text, r);
    text_close(&a->text);
    return 0;
}

int lines_malformed(struct audit *a, struct guest *g, const struct origin *o)
{
    int err = lines_room(a, g, 1024);

    if (err != 0)
        return err;
    begin_line(a, g, o);
    text_word(&a->text, "class", audit_class_name(AUDIT_VIOLATION));
    text_word(&a->text, "op", audit_op_name(AUDIT_OP_MALFORMED));
    text_close(&a->text);
    return 0;
}

int lines_event(struct audit *a, struct guest *g, const struct audit_ctl_event *e)
{
    const struct origin o = {.who = &e->who, .worker = e->hdr.id};
    struct text *t = &a->text;
    int err = lines_room(a, g, 1024 + 5 * (sizeof(e->path) + sizeof(e->detail)));

    if (err != 0)
        return err;
    begin_line(a, g, &o);
    text_word(t, "class", audit_class_name(e->cls));
    text_word(t, "op", audit_op_name(e->op));
    if (e->path[0] != '\0')
        text_word(t, "export", e->path);
    put_result(t, e->error);
    if (e->value != 0)
        text_number(t, "value", e->value);
    if (e->op == AUDIT_OP_DISCONNECT || e->op == AUDIT_OP_CRASH) {
        text_number(t, "read", e->read);
        text_number(t, "written", e->written);
    }
    if (e->detail[0] != '\0')
        text_word(t, "detail", e->detail);
    text_close(t);
    return 0;
}

/* --- what is missing --------------------------------------------------------------------------- */

static uint64_t missing_of(const struct tally *t)
{
    return t->lost + t->by_restart + t->by_disk + t->by_rate;
}

int lines_missing(struct audit *a, struct guest *g, struct origin *o, struct tally *t)
{
    const struct {
        uint64_t *count;
        enum audit_op op;
        enum audit_reason why;
    } all[] = {
        {&t->by_restart, AUDIT_OP_SUPPRESSED, AUDIT_WHY_STARTED},
        {&t->lost, AUDIT_OP_LOST, AUDIT_WHY_NONE},
        {&t->by_disk, AUDIT_OP_SUPPRESSED, AUDIT_WHY_DISK},
        {&t->by_rate, AUDIT_OP_SUPPRESSED, AUDIT_WHY_RATE},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        uint64_t count = *all[i].count;
        int err;

        if (count == 0)
            continue;
        err = lines_room(a, g, 1024);
        if (err != 0)
            return err;
        *all[i].count = 0;
        o->n = o->worker != 0 ? t->done - missing_of(t) : 0;
        own_line(a, g, o, all[i].op, AUDIT_SESSION, all[i].why, count);
    }
    return 0;
}

static bool is_missing(const struct tally *t)
{
    return missing_of(t) != 0;
}

static int say_tally(struct audit *a, struct guest *g, struct origin *o, struct tally *t)
{
    struct tally said = *t;
    int err;

    if (!is_missing(t))
        return 0;
    err = lines_missing(a, g, o, &said);
    if (err == 0)
        err = lines_flush(a, g);
    if (err == 0)
        *t = said;
    return err;
}

int lines_say(struct audit *a, struct guest *g)
{
    struct origin self = {0};
    int err = say_tally(a, g, &self, &g->missing);

    for (struct source *s = g->sources; s != NULL && err == 0; s = s->next) {
        struct origin o = {.who = &s->who, .worker = s->id};

        err = say_tally(a, g, &o, &s->tally);
    }
    if (err == 0)
        g->said_ms = now_ms();
    return err;
}

bool lines_unsaid(const struct guest *g)
{
    bool any = is_missing(&g->missing);

    for (const struct source *s = g->sources; s != NULL; s = s->next)
        any = any || is_missing(&s->tally);
    return any;
}
