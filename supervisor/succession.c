/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * succession.c - back-off and quarantine of dying workers. Pure.
 */
#include "xen9p/succession.h"

uint32_t succession_recent(const struct succession *s, uint64_t now_ms)
{
    uint32_t known = s->deaths < LIMIT_DEATHS ? s->deaths : LIMIT_DEATHS;
    uint32_t n = 0;

    for (uint32_t i = 0; i < known; i++)
        n += now_ms - s->death_ms[i] < LIMIT_DEATHS_MS;
    return n;
}

bool succession_died(struct succession *s, uint64_t now_ms)
{
    bool too_often = succession_recent(s, now_ms) == LIMIT_DEATHS;

    s->death_ms[s->deaths % LIMIT_DEATHS] = now_ms;
    s->deaths++;
    return too_often;
}

uint32_t succession_delay(const struct succession *s, uint64_t now_ms)
{
    uint32_t recent = succession_recent(s, now_ms);
    uint64_t delay;

    if (recent <= 1)
        return 0;
    delay = (uint64_t)LIMIT_BACKOFF_MS << (recent - 2);
    return delay < LIMIT_BACKOFF_MAX_MS ? (uint32_t)delay : LIMIT_BACKOFF_MAX_MS;
}
