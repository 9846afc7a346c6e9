/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - lines of the audit log: JSON objects, one a line.
 *
 * Names are bytes that a guest has chosen. They become JSON strings in two steps, so that every
 * line parses, no byte reaches a terminal that could move its cursor, and the bytes can be had
 * back:
 *
 *   1. A backslash becomes two. A byte that is not part of valid UTF-8, and each byte of a
 *      character that controls a terminal or the direction of text, becomes \xNN.
 *   2. What is left is a JSON string: its quotes and backslashes are escaped once more.
 *
 * A reader undoes step 2 by parsing, and step 1 by replacing "\\" and "\xNN".
 */
#ifndef XEN9P_AUDIT_TEXT_H
#define XEN9P_AUDIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing text. Zeroed at its start; text_free() at its end. */
struct text {
    char *s;
    size_t len, cap;
    bool failed; /* out of memory: the text is not whole */
};

void text_free(struct text *t);
/* Empties it and keeps its memory. */
void text_clear(struct text *t);
void text_raw(struct text *t, const char *s, size_t len);
/* Inner text of a JSON string, without its quotes. */
void text_escape(struct text *t, const char *s, size_t len);

/* An object: text_open(), members, text_close(), which ends the line. */
void text_open(struct text *t);
void text_close(struct text *t);
void text_number(struct text *t, const char *key, uint64_t value);
void text_string(struct text *t, const char *key, const char *s, size_t len);
/* NUL-terminated; nothing when it is NULL. */
void text_word(struct text *t, const char *key, const char *word);
void text_true(struct text *t, const char *key);
/* "2026-11-24T00:10:11.123456Z" of nanoseconds since 1970. */
void text_time(struct text *t, const char *key, uint64_t ns);

#endif
