/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * redteam.c - launches hostile-worker once for each attempt, as the supervisor launches a worker
 * and with the supervisor's own code for children, and judges what came of it.
 *
 * Held is an attempt that ended as its table says and after which everything is as it was: files
 * outside, the neighbour and its worker, mounts, shared memory, nothing in the export that would hurt the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/tap.h"
#include "scene.h"
#include "xen9p/filter.h"
#include "xen9p/journal.h"
#include "xen9p/limits.h"

#define TICK_MS 2
#define PATIENCE_MS 20000

/* Across the processes of the cases. */
static struct tally {
    _Atomic unsigned tried, held, known;
} * tally;

struct run {
    struct scene scene;
    const struct attempt *attempt;
    uint32_t number; /* of it */
    struct loop *loop;
    struct children *children;
    struct loop_timer tick;
    bool read_only;
    uint64_t deadline;
    struct worker_of {
        struct run *run;
        struct child *child;
        struct ctl_config config;
        bool ready, ended, violation;
        char why[160];
    } hostile, neighbour;
};

static void on_ready(void *owner, const struct ctl_ready *ready)
{
    struct worker_of *w = owner;

    (void)ready;
    w->ready = true;
}

static void on_event(void *owner, const struct ctl_event *event)
{
    (void)owner;
    (void)event;
}

static void on_ended(void *owner, const struct child *c, bool given_up, const char *why)
{
    struct worker_of *w = owner;

    CHECK(!given_up);
    w->ended = true;
    w->violation = child_violation(c);
    (void)snprintf(w->why, sizeof(w->why), "%s", why);
    loop_stop(w->run->loop, 0);
}

static const struct child_owner calls = {
    .ready = on_ready, .event = on_event, .asks_close = on_event, .ended = on_ended};

/* BUILD/tests/redteam/redteam: `name` of the same build. */
static int open_program(const char *name)
{
    char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
    int fd;

    MUST(n);
    path[n] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(path, '/') = '\0';
    strcat(path, name);
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        FAIL("%s: %m", path);
    return fd;
}

static void start(struct run *r, struct worker_of *w, const char *path, const char *program,
                  int rings, int journal)
{
    const struct filter_spec filter = {.notify = CTL_NOTIFY_EVTCHN, .read_only = r->read_only};
    struct child_spec spec = {.path = path,
                              .worker_fd = open_program(program),
                              .read_only = r->read_only,
                              .config = &w->config,
                              .fds = {rings, open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC),
                                      filter_compile(&filter), journal}};

    w->run = r;
    w->config.notify_kind = CTL_NOTIFY_EVTCHN;
    w->config.flags = r->read_only ? CTL_FLAG_READ_ONLY : 0;
    w->config.threads = LIMIT_THREADS;
    w->config.max_fids = 1024;
    w->config.max_msize = LIMIT_MAX_MSIZE;
    CHECK_OK(-child_start(r->children, &spec, &calls, w, &w->child));
    for (size_t i = 1; i < 3; i++)
        close(spec.fds[i]);
    close(spec.worker_fd);
}

static void brief(struct run *r)
{
    struct briefing *b = r->scene.brief;

    b->attempt = r->number;
    b->supervisor = getpid();
    b->neighbour = r->neighbour.child != NULL ? child_pid(r->neighbour.child) : getpid();
    (void)snprintf(b->outside, sizeof(b->outside), "%s", r->scene.outside);
    (void)snprintf(b->neighbourhood, sizeof(b->neighbourhood), "%s", r->scene.neighbourhood);
}

/* The neighbour first, then the attacker. A call that the filter kills for touches nobody. */
static void on_tick(struct loop_timer *t)
{
    struct run *r = t->owner;

    if (loop_now() > r->deadline)
        FAIL("it goes on after %d s (%s)", PATIENCE_MS / 1000, r->scene.brief->what);
    if ((r->neighbour.ready || r->neighbour.child == NULL) && r->hostile.child == NULL) {
        scene_record(&r->scene);
        brief(r);
        start(r, &r->hostile, r->scene.export, "/tests/redteam/hostile-worker", r->scene.ring_fd,
              r->scene.journal_fd);
    }
    if (r->hostile.ready && !r->hostile.ended)
        host_takes_part(&r->scene, r->attempt, r->hostile.child);
    loop_timer_set(r->loop, t, TICK_MS);
}

static void prepare(struct run *r)
{
    struct scene *s = &r->scene;
    uint8_t *ring;

    scene_make(s);
    r->loop = loop_new();
    CHECK(r->loop != NULL);
    r->children = children_new(r->loop);
    r->deadline = loop_now() + PATIENCE_MS;
    r->tick = (struct loop_timer){.fire = on_tick, .owner = r};
    s->journal_fd = journal_create();
    s->ring_fd = scene_rings(&r->hostile.config);
    ring = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->ring_fd,
                (off_t)r->hostile.config.ring[0].data_offset);
    CHECK(ring != MAP_FAILED);
    s->brief = (void *)ring;
    loop_timer_set(r->loop, &r->tick, TICK_MS);
    if (r->attempt->outcome != KILLED)
        start(r, &r->neighbour, s->neighbourhood, "/xen9p-worker",
              scene_rings(&r->neighbour.config), journal_create());
}

static const char *outcome_name(unsigned outcome)
{
    switch (outcome) {
    case KILLED:
        return "killed by the filter";
    case REFUSED:
        return "refused";
    case ENDED:
        return "ended by the supervisor";
    case CRASHED:
        return "crashed";
    case LATE:
        return "killed when its time was up";
    case VAIN:
        return "done";
    default:
        return "?";
    }
}

/* What came of it, from how the process ended. */
static unsigned outcome(const struct run *r)
{
    const struct worker_of *w = &r->hostile;
    const struct briefing *b = r->scene.brief;

    if (strstr(w->why, "seccomp filter") != NULL)
        return w->violation ? KILLED : 0;
    if (strstr(w->why, "broke the control protocol") != NULL)
        return w->violation ? ENDED : 0;
    if (strstr(w->why, "did not end in time") != NULL)
        return LATE;
    if (strstr(w->why, "signal 11") != NULL)
        return CRASHED;
    if (strstr(w->why, "exited with status 0") == NULL || atomic_load(&b->returned) != 1)
        return 0;
    return b->result < 0 ? REFUSED : VAIN;
}

/* True: held. */
static bool judge(struct run *r)
{
    const struct briefing *b = r->scene.brief;
    bool frozen = r->read_only && !host_moves_files(r->attempt);
    unsigned came = outcome(r), want = r->attempt->outcome;
    const char *damage = scene_damage(&r->scene, frozen);

    tap_note("%s; worker: %s; result %lld (%s); %s", outcome_name(came), r->hostile.why,
             (long long)b->result, b->result < 0 ? strerrorname_np((int)-b->result) : "-", b->what);
    if (r->neighbour.ended)
        FAIL("NOT HELD: the neighbour's worker has ended: %s", r->neighbour.why);
    if (want == KNOWN) {
        if (damage == NULL)
            FAIL("it is held now: let the table and xen9p-worker(8) say so");
        tap_note("NOT HELD, which is known: %s", damage);
        return false;
    }
    if (damage != NULL)
        FAIL("NOT HELD: %s", damage);
    if (want == VAIN) /* refused is as good */
        want |= REFUSED;
    if ((came & want) == 0)
        FAIL("NOT HELD: %s", came == VAIN ? b->what : outcome_name(came));
    return true;
}

static void try_it(uint32_t number, bool read_only)
{
    static struct run r;

    atomic_fetch_add(&tally->tried, 1);
    r.attempt = attempt_get(number);
    r.number = number;
    r.read_only = read_only;
    prepare(&r);
    CHECK_OK(loop_run(r.loop));
    if (!r.hostile.ready)
        FAIL("it did not come as far: %s%s", r.hostile.why, r.neighbour.why);
    if (judge(&r))
        atomic_fetch_add(&tally->held, 1);
    else
        atomic_fetch_add(&tally->known, 1);
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
    const struct tap_suite *const suites[] = {&built_in.suite, &read_only.suite, NULL};
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
