/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * redteam.c - launches hostile-worker once for each attempt and policy, and counts.
 *
 * Held is an attempt that ended as its table says and after which everything is as it was: files
 * outside, the neighbour and its worker, mounts, shared memory, and nothing in the export that would
 * hurt the host.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "run.h"

/* Across the processes of the cases. */
static struct tally {
    _Atomic unsigned tried, held, known;
} * tally;

static void try_it(uint32_t number, bool read_only)
{
    static struct run r;
    const char *wrong;

    r.number = number;
    r.read_only = read_only;
    atomic_fetch_add(&tally->tried, 1);
    run_it(&r);
    wrong = run_verdict(&r);
    if (r.attempt->outcome == KNOWN) {
        if (wrong == NULL)
            FAIL("it is held now: let the table and xen9p-worker(8) say so");
        atomic_fetch_add(&tally->known, 1);
    } else if (wrong != NULL) {
        FAIL("NOT HELD: %s", wrong);
    } else {
        atomic_fetch_add(&tally->held, 1);
    }
}

#define MAX_ATTEMPTS 600

/* One suite for each policy; the cases and the number of each one's attempt. */
static struct policy {
    struct tap_suite suite;
    struct tap_case cases[MAX_ATTEMPTS];
    uint32_t number[MAX_ATTEMPTS];
} built_in = {.suite.name = "built_in"}, read_only = {.suite.name = "read_only"};

static void run_built_in(void)
{
    try_it(built_in.number[tap_running() - built_in.cases], false);
}

static void run_read_only(void)
{
    try_it(read_only.number[tap_running() - read_only.cases], true);
}

static void collect(struct policy *p, unsigned policy, void (*run)(void))
{
    const struct attempt *a;

    for (uint32_t i = 0; (a = attempt_get(i)) != NULL; i++) {
        size_t n = p->suite.num_cases;

        if ((a->policies & policy) == 0)
            continue;
        CHECK(n < MAX_ATTEMPTS);
        p->number[n] = i;
        p->cases[n] = (struct tap_case){a->name, run, TAP_JAILED, 0};
        p->suite.num_cases++;
    }
    p->suite.cases = p->cases;
}

int main(int argc, char **argv)
{
    const struct tap_suite *const suites[] = {&built_in.suite, &read_only.suite, selftest_suite(),
                                              NULL};
    int res;

    tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        return 2;
    collect(&built_in, BUILT_IN, run_built_in);
    collect(&read_only, READ_ONLY, run_read_only);
    res = tap_main(argc, argv, suites, true);
    if (tally->known != 0)
        printf("# %u not held, as xen9p-worker(8) says\n", tally->known);
    if (tally->tried != 0)
        printf("# %u tried, %u held\n", tally->tried, tally->held);
    return res;
}
