/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines.h - what stands in the log of a guest: its lines, and when one file of them ends.
 *
 * A line is ready once it is made, and in the file after lines_flush(). Making one may flush those before it, when
 * the file is full: g->log.seq has moved then. Functions return 0 or a negative errno: the log cannot be written.
 */
#ifndef XEN9P_SUPERVISOR_AUDIT_LINES_H
#define XEN9P_SUPERVISOR_AUDIT_LINES_H

#include "audit.h"

/* What a line says that does not come from a record. */
struct origin {
    const struct audit_identity *who; /* NULL: xen9p-audit itself */
    uint64_t worker, n;
};

/* A record of a worker; that it sent what is none; a record of the supervisor. */
int lines_record(struct audit *a, struct guest *g, const struct origin *o,
                 const struct audit_record *r);
int lines_malformed(struct audit *a, struct guest *g, const struct origin *o);
int lines_event(struct audit *a, struct guest *g, const struct audit_ctl_event *e);
/*
 * Makes lines about all that is missing, and forgets it: lines_flush() makes that true, or the caller
 * keeps the tally of before. Of a worker (`o`) each line bears the number up to which it is about,
 * so that a successor of this process can tell what was never said.
 */
int lines_missing(struct audit *a, struct guest *g, struct origin *o, struct tally *t);

/* Says, in the file, what was suppressed or lost since it was said last; whether there is anything. */
int lines_say(struct audit *a, struct guest *g);
bool lines_unsaid(const struct guest *g);

/*
 * Room for a line of at most `len` bytes: moves on to the next file when the present one is full,
 * and begins a new file with a line about itself.
 */
int lines_room(struct audit *a, struct guest *g, size_t len);
/* Writes the lines that are ready. On failure nothing of them is in the file. */
int lines_flush(struct audit *a, struct guest *g);
/* Forgets them. */
void lines_discard(struct audit *a, struct guest *g);

#endif
