/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ringidx.c - arithmetic on the free-running indexes of a Xen 9pfs ring.
 */
#include "xen9p/ringidx.h"

int ringidx_segments(uint8_t *base, uint32_t size, uint32_t at, uint32_t len, struct iovec seg[2])
{
    uint32_t offset = at & (size - 1);
    uint32_t first = size - offset;

    if (len == 0)
        return 0;
    seg[0].iov_base = base + offset;
    if (len <= first) {
        seg[0].iov_len = len;
        return 1;
    }
    seg[0].iov_len = first;
    seg[1].iov_base = base;
    seg[1].iov_len = len - first;
    return 2;
}
