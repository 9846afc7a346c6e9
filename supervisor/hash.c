/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash.c - SHA-256 as text.
 */
#include "hash.h"

#include <stdint.h>
#include <string.h>

void hash_begin(struct hash *h)
{
    SHA256Init(&h->ctx);
}

void hash_add(struct hash *h, const void *data, size_t len)
{
    SHA256Update(&h->ctx, data, len);
}

void hash_end(struct hash *h, char out[HASH_TEXT_SIZE])
{
    static const char prefix[] = "sha256:", hex[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_LENGTH];
    size_t n = sizeof(prefix) - 1;

    _Static_assert(HASH_TEXT_SIZE == sizeof(prefix) + 2 * sizeof(digest), "all of the digest");
    SHA256Final(digest, &h->ctx);
    memcpy(out, prefix, n);
    for (size_t i = 0; i < sizeof(digest); i++) {
        out[n++] = hex[digest[i] >> 4];
        out[n++] = hex[digest[i] & 15];
    }
    out[n] = '\0';
}
