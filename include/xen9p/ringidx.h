/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ringidx.h - arithmetic on the free-running 32-bit indexes of a Xen 9pfs ring (xen/io/9pfs.h).
 *
 * `size` is the size of one direction in bytes, a power of two. Pure functions, no memory access:
 * the caller reads an index that the guest owns exactly once and passes the copy.
 */
#ifndef XEN9P_RINGIDX_H
#define XEN9P_RINGIDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define RING_MIN_ORDER 1u
#define RING_MAX_ORDER 9u
#define RING_MAX_REFS (1u << RING_MAX_ORDER)
#define RING_PAGE_SIZE 4096u

/* Bytes of one direction of a ring of `order`: half of its 1 << order pages. */
static inline uint32_t ringidx_size(uint32_t order)
{
    return 1u << (order + 11);
}

/* True when prod and cons can belong to a ring: at most `size` bytes between them. */
static inline bool ringidx_valid(uint32_t prod, uint32_t cons, uint32_t size)
{
    return (uint32_t)(prod - cons) <= size;
}

/* Bytes queued. Meaningful only when ringidx_valid(). */
static inline uint32_t ringidx_used(uint32_t prod, uint32_t cons)
{
    return prod - cons;
}

/* Bytes free. Meaningful only when ringidx_valid(). */
static inline uint32_t ringidx_free(uint32_t prod, uint32_t cons, uint32_t size)
{
    return size - (uint32_t)(prod - cons);
}

/*
 * Describes the `len` bytes (len <= size) at index `at` of the direction that starts at `base` as
 * one or two segments; returns how many (0 for len 0).
 */
int ringidx_segments(uint8_t *base, uint32_t size, uint32_t at, uint32_t len, struct iovec seg[2]);

#endif
