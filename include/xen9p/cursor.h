/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cursor.h - bounds-checked reading and writing of little-endian byte strings.
 *
 * Everything that parses bytes of another party (9P messages, control messages) goes through
 * these two types. A getter never runs past the end: it returns zero (or an empty string), the
 * error sticks, and the caller looks at it once, with cursor_done() or `bad`. The memory behind a
 * cursor must be private to the process: a cursor is never put over memory that a guest shares.
 */
#ifndef XEN9P_CURSOR_H
#define XEN9P_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reader over [p, end). Plain value, owns nothing. */
struct cursor {
    const uint8_t *p;
    const uint8_t *end;
    bool bad; /* a getter asked for more than there was */
};

/* A counted string of the wire (9P "s"): not NUL-terminated, may hold any byte. */
struct wire_str {
    const char *s;
    uint16_t len;
};

void cursor_init(struct cursor *c, const void *buf, size_t len);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* len[2] bytes; points into the cursor's buffer. */
struct wire_str cursor_str(struct cursor *c);
/* `len` raw bytes, or NULL (and bad) when there are fewer. */
const void *cursor_bytes(struct cursor *c, size_t len);
/* Bytes not read yet. */
size_t cursor_left(const struct cursor *c);
/* True when nothing went wrong and nothing is left: the message was exactly as long as its parts. */
bool cursor_done(const struct cursor *c);

/* Writer over [start, end). A put that does not fit writes nothing and sets `bad`. */
struct builder {
    uint8_t *start;
    uint8_t *p;
    uint8_t *end;
    bool bad;
};

void builder_init(struct builder *b, void *buf, size_t cap);
void builder_u8(struct builder *b, uint8_t v);
void builder_u16(struct builder *b, uint16_t v);
void builder_u32(struct builder *b, uint32_t v);
void builder_u64(struct builder *b, uint64_t v);
/* len[2] bytes; a string over 65535 bytes sets `bad`. */
void builder_str(struct builder *b, const char *s, size_t len);
void builder_bytes(struct builder *b, const void *data, size_t len);
size_t builder_len(const struct builder *b);
/* Room that is left, in bytes. */
size_t builder_room(const struct builder *b);

#endif
