/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_glob.c - names with * and ?. Pure. Nothing else is special, so that it can be decided
 * whether two of them have a name in common.
 */
#include <string.h>

#include "policy_internal.h"

bool policy_is_glob(const char *pattern)
{
    return strpbrk(pattern, "*?") != NULL;
}

bool policy_glob_match(const char *pattern, const char *name)
{
    const char *star = NULL, *again = NULL;

    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            again = name;
        } else if (*pattern == *name || (*pattern == '?')) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/*
 * reach[j]: what is left of `a` and b[j..] have a name in common. From the end of `a` to its start,
 * one row for each character.
 */
bool policy_globs_overlap(const char *a, const char *b)
{
    bool reach[POLICY_MAX_TITLE + 2];
    size_t len_a = strlen(a), len_b = strlen(b);

    if (len_a > POLICY_MAX_TITLE || len_b > POLICY_MAX_TITLE)
        return true; /* refused elsewhere */
    reach[len_b] = true;
    for (size_t j = len_b; j-- > 0;)
        reach[j] = reach[j + 1] && b[j] == '*';
    for (size_t i = len_a; i-- > 0;) {
        bool corner = reach[len_b]; /* [i + 1][j + 1] */

        reach[len_b] = reach[len_b] && a[i] == '*';
        for (size_t j = len_b; j-- > 0;) {
            bool below = reach[j]; /* [i + 1][j] */

            if (a[i] == '*' || b[j] == '*')
                reach[j] = below || reach[j + 1]; /* the star stands for nothing, or for one more */
            else
                reach[j] = corner && (a[i] == b[j] || a[i] == '?' || b[j] == '?');
            corner = below;
        }
    }
    return reach[0];
}
