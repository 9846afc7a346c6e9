/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_identity.c - what a policy says of host ids: ranges of domains, and identity host.
 */
#include <string.h>

#include "policy_internal.h"
#include "xen9p/control.h"
#include "xen9p/limits.h"

/* Below are the host's own users and groups. */
#define FIRST_FREE_ID 65536u

static struct policy_range range_of(uint64_t pair)
{
    return (struct policy_range){(uint32_t)(pair >> 32), (uint32_t)pair};
}

static bool meets(struct policy_range a, struct policy_range b)
{
    return (uint64_t)a.first < (uint64_t)b.first + b.count &&
           (uint64_t)b.first < (uint64_t)a.first + a.count;
}

/* What is wrong with a range of `least` to `most` ids, or NULL. */
static const char *judge(struct policy_range r, uint32_t least, uint32_t most)
{
    const struct policy_range workers = {LIMIT_WORKER_UID_BASE, LIMIT_WORKER_UIDS};

    if (r.count < least || r.count > most)
        return least == most || most == LIMIT_IDS ? "must have 1 to 65536 ids"
                                                  : "must have 65536 ids or more";
    if (r.first < FIRST_FREE_ID)
        return "must begin at 65536 or above: below are the host's own users";
    if (r.count > UINT32_MAX - r.first)
        return "must end below 4294967295";
    if (most == LIMIT_IDS && meets(r, workers))
        return "meets the ids of workers, 2017001472 to 2017067007";
    return NULL;
}

/* The range that a section gives, or an empty one. */
static struct policy_range given(const struct policy_section *s)
{
    const struct policy_value *v = &s->value[POLICY_IDENTITY_RANGE];

    return range_of(v->given && !v->broken ? v->number : 0);
}

static void check_range(const struct policy_section *s, struct policy_report *report)
{
    const struct policy_value *v = &s->value[POLICY_IDENTITY_RANGE];
    const char *wrong = NULL;

    if (v->number == 0)
        return;
    if (s->kind != POLICY_DOMAIN || s->title_is_glob)
        wrong = "belongs to one domain: give it in a domain section with one name or UUID";
    else
        wrong = judge(given(s), 1, LIMIT_IDS);
    if (wrong != NULL)
        policy_error(report, v->at.file, v->at.line, "identity-range %s", wrong);
}

static void check_pool(const struct policy_section *s, struct policy_report *report)
{
    const struct policy_value *v = &s->value[POLICY_IDENTITY_POOL];
    const char *wrong = judge(range_of(v->number), LIMIT_IDS, UINT32_MAX);

    if (wrong != NULL)
        policy_error(report, v->at.file, v->at.line, "identity-pool %s", wrong);
}

static void check_others(const struct policy_set *set, size_t i, struct policy_report *report)
{
    const struct policy_section *s = set->section[i];

    for (size_t j = 0; j < i; j++) {
        const struct policy_section *t = set->section[j];

        if (given(s).count != 0 && given(t).count != 0 && meets(given(s), given(t)))
            policy_error(report, s->value[POLICY_IDENTITY_RANGE].at.file,
                         s->value[POLICY_IDENTITY_RANGE].at.line,
                         "identity-range meets that of domain \"%s\" at %s:%u; choose another",
                         t->title != NULL ? t->title : "", t->at.file, t->at.line);
    }
}

static bool asks_host(const struct policy_section *s)
{
    const struct policy_value *v = &s->value[POLICY_IDENTITY];

    return v->given && !v->broken && v->number == CTL_IDENTITY_HOST;
}

static bool has(const struct policy_section *s, enum policy_key key)
{
    return s->value[key].given && !s->value[key].broken;
}

void policy_check_identity(const struct policy_set *set, struct policy_report *report)
{
    for (size_t i = 0; i < set->num_sections; i++) {
        const struct policy_section *s = set->section[i];

        if (has(s, POLICY_IDENTITY_RANGE)) {
            check_range(s, report);
            check_others(set, i, report);
        }
        if (has(s, POLICY_IDENTITY_POOL))
            check_pool(s, report);
        if (asks_host(s))
            policy_warning(
                report, s->value[POLICY_IDENTITY].at.file, s->value[POLICY_IDENTITY].at.line,
                "identity host: root of the guest is root on the host's files in the "
                "export, setuid programs included; let no one else reach that directory");
    }
}

bool policy_asks_host(const struct policy_set *set)
{
    for (size_t i = 0; i < set->num_sections; i++)
        if (asks_host(set->section[i]))
            return true;
    return false;
}

bool policy_range_given(const struct policy_set *set, struct policy_range range)
{
    for (size_t i = 0; i < set->num_sections; i++)
        if (given(set->section[i]).count != 0 && meets(given(set->section[i]), range))
            return true;
    return false;
}

struct policy_range policy_range_of(const struct policy *p, enum policy_key key)
{
    return range_of(policy_number(p, key));
}

bool policy_chosen_by_uuid(const struct policy *p)
{
    return p->domain != NULL && (p->domain->title_is_uuid || p->domain->uuid.text != NULL);
}
