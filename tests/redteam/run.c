/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.c - one attempt from the scene to the verdict.
 */
#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen9p/filter.h"
#include "xen9p/journal.h"
#include "xen9p/limits.h"
#include "xen9p/quota_counts.h"

#define TICK_MS 2
#define PATIENCE_MS 45000

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

    w->ended = true;
    w->lingers = given_up;
    w->violation = child_violation(c);
    if (given_up && w->violation)
        why = "broke the control protocol and was killed, slowly";
    (void)snprintf(w->why, sizeof(w->why), "%s", why);
    if (!given_up)
        loop_stop(w->run->loop, 0);
}

static const struct child_owner calls = {
    .ready = on_ready, .event = on_event, .asks_close = on_event, .ended = on_ended};

static int open_program(const char *name)
{
    const char *path = scene_program(name);
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        FAIL("%s: %m", path);
    return fd;
}

static void violated(void *owner)
{
    const struct worker_of *w = owner;

    if (!w->ended)
        child_violated(w->child, "sent a malformed audit record");
}

static bool has_audit(const struct run *r)
{
    return (r->attempt->policies & WITH_AUDIT) != 0;
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
                                      filter_compile(&filter), journal,
                                      quota_counts_create((const uint64_t[QUOTA_KINDS]){0}),
                                      open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC)}};
    int compiled = spec.fds[CTL_CONFIG_FD_FILTER];

    if (w == &r->hostile && r->filter_fd != 0)
        spec.fds[CTL_CONFIG_FD_FILTER] = r->filter_fd;
    w->run = r;
    w->config.notify_kind = CTL_NOTIFY_EVTCHN;
    w->config.flags = r->read_only ? CTL_FLAG_READ_ONLY : 0;
    w->config.threads = LIMIT_THREADS;
    w->config.max_fids = 1024;
    w->config.max_msize = LIMIT_MAX_MSIZE;
    if (has_audit(r)) {
        w->config.flags |= CTL_FLAG_AUDIT;
        spec.audit_fd =
            logs_source(&r->logs, w == &r->hostile ? "hostile" : "neighbour", violated, w);
    }
    CHECK_OK(-child_start(r->children, &spec, &calls, w, &w->child));
    close(spec.fds[CTL_CONFIG_FD_NOTIFY]);
    close(spec.fds[CTL_CONFIG_FD_NEXT]);
    close(spec.fds[CTL_CONFIG_FD_QUOTA]);
    close(compiled);
    if (has_audit(r))
        close(spec.audit_fd);
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
    /* on a busy machine a process needs a while to die; one that never does is found above */
    if (r->hostile.lingers && children_count(r->children) == (r->neighbour.child != NULL ? 1 : 0))
        loop_stop(r->loop, 0);
    if (has_audit(r) && !logs_ready(&r->logs)) {
        loop_timer_set(r->loop, t, TICK_MS);
        return;
    }
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

void run_it(struct run *r)
{
    struct scene *s = &r->scene;
    uint8_t *ring;

    r->attempt = attempt_get(r->number);
    CHECK(r->attempt != NULL);
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
    if (has_audit(r))
        logs_start(&r->logs, r->loop);
    loop_timer_set(r->loop, &r->tick, TICK_MS);
    if (r->attempt->outcome != KILLED)
        start(r, &r->neighbour, s->neighbourhood, "/xen9p-worker",
              scene_rings(&r->neighbour.config), journal_create());
    CHECK_OK(loop_run(r->loop));
    if (!r->hostile.ready)
        FAIL("it did not come as far: %s%s", r->hostile.why, r->neighbour.why);
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

const char *run_verdict(struct run *r)
{
    const struct briefing *b = r->scene.brief;
    bool frozen = r->read_only && !host_moves_files(r->attempt);
    unsigned came = outcome(r), want = r->attempt->outcome;
    const char *damage = scene_damage(&r->scene, frozen);

    if (has_audit(r) && damage == NULL)
        damage = logs_judge(&r->logs, want == ENDED);
    tap_note("%s; worker: %s; result %lld (%s); %s", outcome_name(came), r->hostile.why,
             (long long)b->result, b->result < 0 ? strerrorname_np((int)-b->result) : "-", b->what);
    if (r->neighbour.ended)
        return "the neighbour's worker has ended";
    if (damage != NULL || want == KNOWN)
        return damage;
    if (want == VAIN) /* refused is as good */
        want |= REFUSED;
    return (came & want) != 0 ? NULL : "it has ended in another way than the table says";
}
