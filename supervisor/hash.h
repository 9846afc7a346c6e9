/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash.h - SHA-256 as text, for policies and filters: what a log line says can be compared with
 * what xen9pctl says. libmd does the work.
 */
#ifndef XEN9P_HASH_H
#define XEN9P_HASH_H

#include <stddef.h>

#include <sha2.h>

#define HASH_TEXT_SIZE 72 /* "sha256:", 64 hexadecimal digits, NUL */

struct hash {
    SHA2_CTX ctx;
};

void hash_begin(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t len);
void hash_end(struct hash *h, char out[HASH_TEXT_SIZE]);

#endif
