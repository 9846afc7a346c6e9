/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.h - what a worker that its guest has taken over tries, as tables.
 *
 * The tables are linked into both programs: hostile-worker, which runs one attempt after its
 * lockdown, and redteam, which launches it once per attempt and judges from outside what came of
 * it. They talk through the first ring, the one memory that a worker shares with somebody else.
 */
#ifndef XEN9P_TESTS_REDTEAM_ATTEMPT_H
#define XEN9P_TESTS_REDTEAM_ATTEMPT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/journal.h"

/* What must come of an attempt. Whatever it is: nothing outside changed, nothing was learned. */
enum outcome {
    KILLED = 1,  /* by the filter */
    REFUSED = 2, /* an errno for each way in which it was tried */
    ENDED = 4,   /* by the supervisor, at once, for a message that no worker sends */
    CRASHED = 8, /* by a signal of its own making */
    VAIN = 16,   /* allowed, and changes nothing that matters: judged from outside alone */
    LATE = 32,   /* by the supervisor, when its time was up */
    KNOWN = 64,  /* does damage: documented in xen9p-worker(8), not counted as held */
};

/* Under which policies. */
#define BUILT_IN 1u
#define READ_ONLY 2u
#define BOTH (BUILT_IN | READ_ONLY)
/* And a xen9p-audit runs, which both workers can reach. */
#define WITH_AUDIT 4u

/* At the beginning of the first ring's data. */
struct briefing {
    /* From outside, before the start. */
    uint32_t attempt;        /* number in the tables, counted through */
    int32_t supervisor;      /* pid on the host */
    int32_t neighbour;       /* pid of another guest's worker, on the host */
    char outside[128];       /* directory beside the export: path on the host */
    char neighbourhood[128]; /* the neighbour's export */
    /* Whose turn it is, where both take part. */
    _Atomic uint32_t hostile_step, host_step;
    /* From inside. */
    _Atomic uint32_t returned; /* 1: `result` is what the attempt gave */
    int64_t result;            /* negative errno: refused; else something succeeded */
    char what[64];             /* which of several ways succeeded */
    char loot[4096];           /* what was read */
};

/* What the attacker has in hand. */
struct hostile {
    struct briefing *brief;
    struct journal *journal;
    uint8_t *ring; /* data of the first ring */
    size_t ring_len;
};

struct attempt {
    const char *name;
    unsigned outcome; /* one of them, or several where the kernel decides */
    unsigned policies;
    long (*run)(struct hostile *h); /* NULL: it is this one system call */
    long nr;
    uintptr_t arg[6];
};

/* Rows of a table: a function by its name, a system call by any, and what a read-only worker is killed for. */
/* clang-format off */
#define RUN_UNDER(policies, name, outcome) {#name, outcome, policies, name, 0, {0}}
#define CALL_UNDER(policies, name, nr, ...) {name, KILLED, policies, NULL, nr, {__VA_ARGS__}}
#define WRITES(name, outcome) \
    RUN_UNDER(BUILT_IN, name, outcome), RUN_UNDER(READ_ONLY, name, KILLED)
/* clang-format on */

struct subject {
    const struct attempt *attempts;
    size_t num;
};
#define SUBJECT(id, table) \
    const struct subject subject_##id = {table, sizeof(table) / sizeof((table)[0])}

/* All tables; NULL ends. */
extern const struct subject *const subjects[];
/* By number; NULL behind the last. */
const struct attempt *attempt_get(uint32_t number);

/* --- the attacker's tools --- */

/* A system call as it is, without libc: result or negative errno. */
long attack(long nr, uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4,
            uintptr_t a5);
/* The address of something as an argument. */
#define AT(p) ((uintptr_t)(p))
/* Opens and reads what is there into the loot: descriptor or negative errno. */
long steal(struct hostile *h, int dir, const char *path, int flags);
/*
 * The same for a list of paths up to NULL. The first that opens ends it; else the last refusal.
 * "%o" at the beginning of a path stands for the path of `outside`, "%n" for `neighbourhood`.
 */
long steal_any(struct hostile *h, int dir, const char *const *paths, int flags);
/* Expands %o and %n. */
const char *resolve(struct hostile *h, const char *path, char *buf, size_t cap);
/* Sleeps without any call that the filter does not have. */
void pause_ms(long ms);
/* What was sent may end us: waits for that, unless it was refused (negative). Returns `sent`. */
long await_end(long sent);
/* Says that a step is done and waits for the host's. */
void your_turn(struct hostile *h, uint32_t step);

#endif
