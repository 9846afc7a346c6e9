/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_audit.c - a batch of a worker that was taken over, through everything that looks at it:
 * the decoder, and the text that the names become.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../supervisor/audit/text.c"
#include "xen9p/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
    if (!good)
        abort();
}

/* A line has one end and nothing that a terminal obeys. */
static void look_at_line(const struct text *t)
{
    check(!t->failed && t->len > 0 && t->s[t->len - 1] == '\n');
    for (size_t i = 0; i + 1 < t->len; i++)
        check((unsigned char)t->s[i] >= 0x20 && t->s[i] != 0x7f);
}

/* What was accepted is what the encoder makes of it. */
static void encode_again(const uint8_t *data, size_t size, const struct audit_batch *batch)
{
    static uint8_t buf[AUDIT_BATCH_MAX];
    struct audit_batch again;
    struct builder b;
    struct cursor c;

    audit_begin(&b, buf);
    check(audit_open(&c, data, size, &again) == 0);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct text t = {0};
        struct audit_record r;

        check(audit_next(&c, &r) == 0);
        check(audit_put(&b, &r));
        text_open(&t);
        text_string(&t, "path", r.path.s, r.path.len);
        text_string(&t, "to", r.to.s, r.to.len);
        text_close(&t);
        look_at_line(&t);
        text_free(&t);
    }
    audit_finish(&b, batch->first, batch->lost);
    check(builder_len(&b) == size && memcmp(buf, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1); /* an overrun by one is seen */
    struct audit_batch batch;

    check(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    if (audit_check(exact, size, &batch) == 0)
        encode_again(exact, size, &batch);
    free(exact);
    return 0;
}
