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

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
/* len[2] bytes; points into the cursor's buffer. */
struct wire_str cursor_str(struct cursor *c);
/* True when nothing went wrong and nothing is left: the message was exactly as long as its parts. */
bool cursor_done(const struct cursor *c);

/* Bytes not read yet. */
static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

/* `len` raw bytes, or NULL (and bad) when there are fewer. */
static inline const void *cursor_bytes(struct cursor *c, size_t len)
{
    const uint8_t *p = c->p;

    if (c->bad || len > cursor_left(c)) {
        c->bad = true;
        return NULL;
    }
    c->p += len;
    return p;
}

/*
 * Numbers of a constant size: one comparison and one load or store each, since a directory's listing is
 * thousands of them.
 */
static inline uint64_t cursor_le(struct cursor *c, size_t n)
{
    const void *p = cursor_bytes(c, n);
    uint64_t le = 0;

    if (p != NULL)
        memcpy(&le, p, n);
    return le64toh(le);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)cursor_le(c, 1);
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)cursor_le(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)cursor_le(c, 4);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    return cursor_le(c, 8);
}

/* Writer over [start, end). A put that does not fit writes nothing and sets `bad`. */
struct builder {
    uint8_t *start;
    uint8_t *p;
    uint8_t *end;
    bool bad;
};

void builder_init(struct builder *b, void *buf, size_t cap);
/* len[2] bytes; a string over 65535 bytes sets `bad`. */
void builder_str(struct builder *b, const char *s, size_t len);

static inline size_t builder_len(const struct builder *b)
{
    return (size_t)(b->p - b->start);
}

/* Room that is left, in bytes. */
static inline size_t builder_room(const struct builder *b)
{
    return (size_t)(b->end - b->p);
}

static inline void builder_bytes(struct builder *b, const void *data, size_t len)
{
    if (b->bad || len > builder_room(b)) {
        b->bad = true;
        return;
    }
    if (len > 0)
        memcpy(b->p, data, len);
    b->p += len;
}

static inline void builder_le(struct builder *b, uint64_t v, size_t n)
{
    const uint64_t le = htole64(v);

    builder_bytes(b, &le, n);
}

static inline void builder_u8(struct builder *b, uint8_t v)
{
    builder_le(b, v, 1);
}

static inline void builder_u16(struct builder *b, uint16_t v)
{
    builder_le(b, v, 2);
}

static inline void builder_u32(struct builder *b, uint32_t v)
{
    builder_le(b, v, 4);
}

static inline void builder_u64(struct builder *b, uint64_t v)
{
    builder_le(b, v, 8);
}

#endif
