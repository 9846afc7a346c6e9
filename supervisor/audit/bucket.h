/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bucket.h - token buckets: how many records a guest may cause. Pure; time is the caller's.
 *
 * A bucket may be overdrawn: then it has to wait until it is filled again.
 */
#ifndef XEN9P_AUDIT_BUCKET_H
#define XEN9P_AUDIT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint32_t rate;  /* tokens a second */
    uint32_t burst; /* most that it holds */
    int64_t milli;  /* thousandths of tokens in it */
    uint64_t at_ms; /* when it was filled last */
};

static inline void bucket_init(struct bucket *b, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
    *b = (struct bucket){rate, burst, (int64_t)burst * 1000, now_ms};
}

static inline void bucket_fill(struct bucket *b, uint64_t now_ms)
{
    const uint64_t most = 3600 * 1000; /* keeps the product small */
    uint64_t passed = now_ms - b->at_ms < most ? now_ms - b->at_ms : most;

    b->at_ms = now_ms;
    b->milli += (int64_t)(passed * b->rate);
    if (b->milli > (int64_t)b->burst * 1000)
        b->milli = (int64_t)b->burst * 1000;
}

static inline void bucket_take(struct bucket *b)
{
    b->milli -= 1000;
}

static inline bool bucket_empty(const struct bucket *b)
{
    return b->milli <= 0;
}

static inline bool bucket_has(const struct bucket *b, uint32_t tokens)
{
    return b->milli >= (int64_t)tokens * 1000;
}

/* Milliseconds until there is something in it. */
static inline uint64_t bucket_wait(const struct bucket *b)
{
    return b->milli > 0 ? 0 : (uint64_t)(-b->milli) / b->rate + 1;
}

#endif
