/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * succession.c - back-off and quarantine of dying workers. Pure.
 */
#include "xen9p/succession.h"

uint32_t succession_recent(const struct succession *s, const struct succession_rules *rules,
                           uint64_t now_ms)
{
    uint32_t known = s->deaths < LIMIT_DEATHS ? s->deaths : LIMIT_DEATHS;
    uint32_t n = 0;

    for (uint32_t i = 0; i < known; i++)
        n += now_ms - s->death_ms[i] < rules->window_ms;
    return n;
}

bool succession_died(struct succession *s, const struct succession_rules *rules, uint64_t now_ms)
{
    bool too_often = succession_recent(s, rules, now_ms) >= rules->limit;

    s->death_ms[s->deaths % LIMIT_DEATHS] = now_ms;
    s->deaths++;
    return too_often;
}

uint32_t succession_delay(const struct succession *s, const struct succession_rules *rules,
                          uint64_t now_ms)
{
    uint32_t recent = succession_recent(s, rules, now_ms);
    uint64_t delay;

    if (recent <= 1)
        return 0;
    delay = (uint64_t)rules->delay_ms << (recent - 2);
    return delay < rules->delay_max_ms ? (uint32_t)delay : rules->delay_max_ms;
}
