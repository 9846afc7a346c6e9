/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cursor.c - bounds-checked reading and writing of little-endian byte strings.
 *
 * Trusts nothing about the bytes; trusts the caller that they are private.
 */
#include "xen9p/cursor.h"

#include <endian.h>
#include <string.h>

void cursor_init(struct cursor *c, const void *buf, size_t len)
{
    c->p = buf;
    c->end = c->p + len;
    c->bad = false;
}

size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

bool cursor_done(const struct cursor *c)
{
    return !c->bad && c->p == c->end;
}

const void *cursor_bytes(struct cursor *c, size_t len)
{
    const uint8_t *p = c->p;

    if (c->bad || len > cursor_left(c)) {
        c->bad = true;
        return NULL;
    }
    c->p += len;
    return p;
}

static uint64_t get_le(struct cursor *c, size_t n)
{
    const uint8_t *p = cursor_bytes(c, n);
    uint64_t v = 0;

    if (p == NULL)
        return 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)get_le(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)get_le(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)get_le(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
    return get_le(c, 8);
}

struct wire_str cursor_str(struct cursor *c)
{
    struct wire_str s = {"", 0};
    uint16_t len = cursor_u16(c);
    const char *p = cursor_bytes(c, len);

    if (p != NULL) {
        s.s = p;
        s.len = len;
    }
    return s;
}

void builder_init(struct builder *b, void *buf, size_t cap)
{
    b->start = buf;
    b->p = b->start;
    b->end = b->start + cap;
    b->bad = false;
}

size_t builder_len(const struct builder *b)
{
    return (size_t)(b->p - b->start);
}

size_t builder_room(const struct builder *b)
{
    return (size_t)(b->end - b->p);
}

void builder_bytes(struct builder *b, const void *data, size_t len)
{
    if (b->bad || len > builder_room(b)) {
        b->bad = true;
        return;
    }
    if (len > 0)
        memcpy(b->p, data, len);
    b->p += len;
}

/* Inlined with a constant `n`: one comparison and one store for each number of a message. */
static inline void put_le(struct builder *b, uint64_t v, size_t n)
{
    const uint64_t le = htole64(v);

    if (b->bad || n > builder_room(b)) {
        b->bad = true;
        return;
    }
    memcpy(b->p, &le, n);
    b->p += n;
}

void builder_u8(struct builder *b, uint8_t v)
{
    put_le(b, v, 1);
}

void builder_u16(struct builder *b, uint16_t v)
{
    put_le(b, v, 2);
}

void builder_u32(struct builder *b, uint32_t v)
{
    put_le(b, v, 4);
}

void builder_u64(struct builder *b, uint64_t v)
{
    put_le(b, v, 8);
}

void builder_str(struct builder *b, const char *s, size_t len)
{
    if (len > UINT16_MAX || builder_room(b) < len + 2) {
        b->bad = true;
        return;
    }
    builder_u16(b, (uint16_t)len);
    builder_bytes(b, s, len);
}
