/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cursor.c - bounds-checked reading and writing of little-endian byte strings.
 *
 * Trusts nothing about the bytes; trusts the caller that they are private.
 */
#include "xen9p/cursor.h"

void cursor_init(struct cursor *c, const void *buf, size_t len)
{
    c->p = buf;
    c->end = c->p + len;
    c->bad = false;
}

bool cursor_done(const struct cursor *c)
{
    return !c->bad && c->p == c->end;
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

void builder_str(struct builder *b, const char *s, size_t len)
{
    if (len > UINT16_MAX || builder_room(b) < len + 2) {
        b->bad = true;
        return;
    }
    builder_u16(b, (uint16_t)len);
    builder_bytes(b, s, len);
}
