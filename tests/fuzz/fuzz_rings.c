/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_rings.c - the whole server: ring contents and indexes are the input's.
 *
 * Input: operations of one byte (low nibble what, bit 4 ring) and their operands, see step().
 * The worker may close the device, it may not crash, hang or leak.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    engine_init();
    return 0;
}

struct input {
    struct cursor c;
    bool wild; /* the input has written indexes of the backend's: replies cannot be judged */
};

static void copy_out(struct engine_ring *r, struct input *in, uint32_t len, bool publish)
{
    uint32_t prod = r->intf->out_prod;

    for (uint32_t i = 0; i < len && cursor_left(&in->c) > 0; i++)
        r->out[(prod + i) & (r->size - 1)] = cursor_u8(&in->c);
    if (publish)
        r->intf->out_prod = prod + len;
}

/* A message with a right size in front of it. */
static void message(struct engine_ring *r, struct input *in)
{
    uint32_t prod = r->intf->out_prod, len = P9_HDR_SIZE + cursor_u8(&in->c);

    for (uint32_t i = 0; i < 4; i++)
        r->out[(prod + i) & (r->size - 1)] = (uint8_t)(len >> (8 * i));
    for (uint32_t i = 4; i < len; i++)
        r->out[(prod + i) & (r->size - 1)] = cursor_u8(&in->c);
    r->intf->out_prod = prod + len;
}

/* Tversion, Tattach; in 9P2000.u or, without n_uname, in 9P2000. */
static void older_session(struct engine_ring *r, bool u)
{
    static const uint8_t first[] = "\x15\0\0\0\x64\xff\xff\x00\x20\x00\x00\x08\x00"
                                   "9P2000.u"
                                   "\x17\0\0\0\x68\x01\x00\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0";
    static const uint8_t legacy[] = "\x13\0\0\0\x64\xff\xff\x00\x20\x00\x00\x06\x00"
                                    "9P2000"
                                    "\x13\0\0\0\x68\x01\x00\0\0\0\0\xff\xff\xff\xff\0\0\0";
    const uint8_t *from = u ? first : legacy;
    uint32_t len = u ? sizeof(first) : sizeof(legacy);

    for (uint32_t i = 0; i < len; i++)
        r->out[(r->intf->out_prod + i) & (r->size - 1)] = from[i];
    r->intf->out_prod += len;
}

static void session(struct engine_ring *r)
{
    static const uint8_t first[] = "\x15\0\0\0\x64\xff\xff\x00\x20\x00\x00\x08\x00"
                                   "9P2000.L"
                                   "\x17\0\0\0\x68\x01\x00\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0";

    for (uint32_t i = 0; i < sizeof(first); i++)
        r->out[(r->intf->out_prod + i) & (r->size - 1)] = first[i];
    r->intf->out_prod += sizeof(first);
}

static void step(struct input *in)
{
    uint8_t op = cursor_u8(&in->c);
    struct engine_ring *r = engine_ring(op >> 4 & 1);
    size_t len, at;
    uint8_t *j;

    switch (op & 15) {
    case 0:
        copy_out(r, in, cursor_u8(&in->c), true);
        break;
    case 1:
        copy_out(r, in, cursor_u16(&in->c) % r->size, false);
        break;
    case 2:
        r->intf->out_prod += cursor_u8(&in->c);
        break;
    case 3:
        r->intf->out_prod = cursor_u32(&in->c);
        break;
    case 4:
        r->intf->in_cons = cursor_u32(&in->c);
        in->wild = true;
        break;
    case 5:
        r->intf->in_cons = r->intf->in_prod - cursor_u16(&in->c) % r->size;
        in->wild = true;
        break;
    case 6:
        r->intf->in_prod = cursor_u32(&in->c);
        r->intf->out_cons = cursor_u32(&in->c);
        in->wild = true;
        break;
    case 7:
        engine_succeed();
        break;
    case 8: /* a predecessor that was taken over */
        j = engine_journal(&len);
        at = cursor_u16(&in->c) % len;
        for (uint8_t n = cursor_u8(&in->c); n > 0 && at < len && !in->c.bad; n--)
            j[at++] = cursor_u8(&in->c);
        in->wild = true;
        break;
    case 9: /* bits 5 and 6: the dialect */
        if ((op >> 5 & 3) == 0)
            session(r);
        else
            older_session(r, (op >> 5 & 3) == 1);
        break;
    case 10:
        if (!in->wild)
            engine_take_replies();
        break;
    case 11:
        engine_serve();
        break;
    default:
        message(r, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.wild = false};

    cursor_init(&in.c, data, size);
    engine_reset(0);
    while (cursor_left(&in.c) > 0 && !in.c.bad && !engine_closed())
        step(&in);
    for (int i = 0; i < 4; i++) { /* a frontend that takes what it gets: everything drains */
        engine_serve();
        for (uint32_t k = 0; k < ENGINE_RINGS; k++)
            engine_ring(k)->intf->in_cons = engine_ring(k)->intf->in_prod;
    }
    engine_stop();
    return 0;
}
