/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_message.c - 9P messages: decoder, dispatcher and handlers over a scratch directory.
 *
 * Input: one byte of flags (1: read-only export, 2: 9P2000.u, 4: 9P2000), then messages, each one byte ring and tag, two
 * bytes length of the body (little-endian, taken modulo 1024), one byte type, the body. The
 * session is negotiated and fid 0 attached before the first one.
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

static void put(uint32_t ring, uint8_t type, uint16_t tag, const void *body, uint32_t len)
{
    struct engine_ring *r = engine_ring(ring);
    uint8_t hdr[P9_HDR_SIZE], *out = r->out;
    uint32_t prod = r->intf->out_prod;
    struct builder b;

    builder_init(&b, hdr, sizeof(hdr));
    builder_u32(&b, P9_HDR_SIZE + len);
    builder_u8(&b, type);
    builder_u16(&b, tag);
    for (uint32_t i = 0; i < P9_HDR_SIZE + len; i++)
        out[(prod + i) & (r->size - 1)] =
            i < P9_HDR_SIZE ? hdr[i] : ((const uint8_t *)body)[i - P9_HDR_SIZE];
    r->intf->out_prod = prod + P9_HDR_SIZE + len;
    engine_serve();
    engine_take_replies();
    engine_serve();
    engine_take_replies();
    /* One message at a time, room for each reply: nothing may be left, nothing is broken. */
    if (r->intf->out_cons != r->intf->out_prod || engine_closed())
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t attach[16] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    enum p9_dialect d = P9_DIALECT_L;
    uint8_t version[32];
    struct builder b;

    if (size < 1)
        return 0;
    if ((data[0] & 6) != 0)
        d = (data[0] & 2) != 0 ? P9_DIALECT_U : P9_DIALECT_LEGACY;
    engine_reset(data[0] & 1 ? CTL_FLAG_READ_ONLY : 0);
    builder_init(&b, version, sizeof(version));
    builder_u32(&b, 8192);
    builder_str(&b, p9_dialect_name(d), strlen(p9_dialect_name(d)));
    put(0, P9_TVERSION, P9_NOTAG, version, (uint32_t)builder_len(&b));
    put(0, P9_TATTACH, 1, attach, sizeof(attach) - (d == P9_DIALECT_LEGACY ? 4 : 0));
    data++;
    size--;
    for (int n = 0; size >= 4 && n < 64; n++) {
        uint32_t len = (data[1] | (uint32_t)data[2] << 8) % 1024;

        if (len > size - 4)
            len = (uint32_t)size - 4;
        put(data[0] & 1, data[3], data[0] >> 1, data + 4, len);
        data += 4 + len;
        size -= 4 + len;
    }
    engine_stop();
    return 0;
}
