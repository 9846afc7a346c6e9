/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_device.c - the life of a device, event by event, and what must hold in every order of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>

#include <xen/io/xenbus.h>

#include "xen9p/device.h"
#include "xen9p/succession.h"

/* A story: events, and what each has to cause. */
struct scene {
    enum device_event event;
    enum device_action action;
    enum device_state next;
};

static void play(enum device_state from, const struct scene *s, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        struct device_step step = device_step(from, s[i].event);

        if (step.action != s[i].action || step.next != s[i].next)
            print_error("scene %zu: from \"%s\"\n", i, device_state_name(from));
        assert_int_equal(step.action, s[i].action);
        assert_int_equal(step.next, s[i].next);
        from = step.next;
    }
}
#define PLAY(from, ...)                                         \
    do {                                                        \
        static const struct scene scenes[] = {__VA_ARGS__};     \
        play(from, scenes, sizeof(scenes) / sizeof(scenes[0])); \
    } while (0)
#define E(event, action, next)                         \
    {                                                  \
        DEVICE_##event, DEVICE_##action, DEVICE_##next \
    }

static void test_connect(void **state)
{
    (void)state;
    PLAY(DEVICE_NEW, E(FOUND, PUBLISH, WAIT), E(FE_INITIALISING, NOTHING, WAIT),
         E(FE_INITIALISED, START, STARTING), E(READY, CONNECT, CONNECTED),
         E(FE_CONNECTED, NOTHING, CONNECTED));
    PLAY(DEVICE_NEW, E(REFUSE, SAY_CLOSED, REFUSED), E(FE_INITIALISED, NOTHING, REFUSED),
         E(FE_INITIALISING, NOTHING, REFUSED), E(TAKEN_AWAY, SAY_CLOSED, OFFLINE),
         E(VANISHED, FORGET, GONE));
}

/* A connection that fails: Closed; the same `Initialised` is not tried again by itself. */
static void test_failed(void **state)
{
    (void)state;
    PLAY(DEVICE_WAIT, E(FE_INITIALISED, START, STARTING), E(FAILED, SAY_CLOSED, CLOSED),
         E(FE_CLOSING, NOTHING, CLOSED), E(FE_CLOSED, NOTHING, CLOSED),
         E(FE_INITIALISING, PUBLISH, WAIT), E(FE_INITIALISED, START, STARTING));
}

static void test_close_by_guest(void **state)
{
    (void)state;
    PLAY(DEVICE_CONNECTED, E(FE_CLOSING, STOP, END_CLOSING), E(ENDED, SAY_CLOSING, CLOSING),
         E(FE_CLOSED, SAY_CLOSED, CLOSED));
    /* Linux unloads its module: 6 without 5 */
    PLAY(DEVICE_CONNECTED, E(FE_CLOSED, STOP, END_CLOSED), E(ENDED, SAY_CLOSED, CLOSED));
    /* and an old one loads it again: 3 at once */
    PLAY(DEVICE_CLOSED, E(FE_INITIALISED, START, STARTING), E(READY, CONNECT, CONNECTED));
    PLAY(DEVICE_WAIT, E(FE_CLOSING, SAY_CLOSING, CLOSING), E(FE_CLOSED, SAY_CLOSED, CLOSED));
}

/* kexec: 5, 6, 1, and back to InitWait, written once. */
static void test_reset(void **state)
{
    (void)state;
    PLAY(DEVICE_CONNECTED, E(FE_CLOSING, STOP, END_CLOSING), E(ENDED, SAY_CLOSING, CLOSING),
         E(FE_CLOSED, SAY_CLOSED, CLOSED), E(FE_INITIALISING, PUBLISH, WAIT),
         E(FE_INITIALISING, NOTHING, WAIT), E(FE_INITIALISED, START, STARTING));
    /* without closing at all */
    PLAY(DEVICE_CONNECTED, E(FE_INITIALISING, STOP, END_WAIT), E(ENDED, PUBLISH, WAIT));
    PLAY(DEVICE_CLOSING, E(FE_INITIALISING, PUBLISH, WAIT));
    PLAY(DEVICE_STARTING, E(FE_INITIALISING, STOP, END_WAIT), E(READY, NOTHING, END_WAIT),
         E(ENDED, PUBLISH, WAIT));
}

static void test_unplug_and_destroy(void **state)
{
    (void)state;
    PLAY(DEVICE_CONNECTED, E(TAKEN_AWAY, STOP, END_OFFLINE), E(ENDED, SAY_CLOSED, OFFLINE),
         E(TAKEN_AWAY, SAY_CLOSED, OFFLINE), E(FE_INITIALISING, NOTHING, OFFLINE),
         E(VANISHED, FORGET, GONE));
    PLAY(DEVICE_STARTING, E(TAKEN_AWAY, STOP, END_OFFLINE), E(VANISHED, NOTHING, END_GONE),
         E(TAKEN_AWAY, NOTHING, END_GONE), E(ENDED, FORGET, GONE));
    PLAY(DEVICE_BACKOFF, E(TAKEN_AWAY, SAY_CLOSED, OFFLINE));
    PLAY(DEVICE_ORPHANED, E(TAKEN_AWAY, SAY_CLOSED, OFFLINE));
    PLAY(DEVICE_CONNECTED, E(FE_GONE, STOP, END_CLOSED), E(TAKEN_AWAY, NOTHING, END_OFFLINE),
         E(ENDED, SAY_CLOSED, OFFLINE));
}

static void test_vanishing(void **state)
{
    (void)state;
    PLAY(DEVICE_CONNECTED, E(VANISHED, STOP, END_GONE), E(ENDED, FORGET, GONE));
    PLAY(DEVICE_CONNECTED, E(FE_GONE, STOP, END_CLOSED), E(ENDED, SAY_CLOSED, CLOSED),
         E(FE_INITIALISING, PUBLISH, WAIT));
    PLAY(DEVICE_BACKOFF, E(VANISHED, FORGET, GONE));
    for (int s = 0; s < DEVICE_GONE; s++) {
        struct device_step step = device_step((enum device_state)s, DEVICE_VANISHED);

        assert_true(step.next == DEVICE_GONE || step.next == DEVICE_END_GONE);
    }
}

static void test_succession(void **state)
{
    (void)state;
    PLAY(DEVICE_CONNECTED, E(DIED, SCHEDULE, BACKOFF), E(FE_CONNECTED, NOTHING, BACKOFF),
         E(RETRY, RESUME, RESUMING), E(READY, RESUMED, CONNECTED));
    PLAY(DEVICE_RESUMING, E(DIED, SCHEDULE, BACKOFF), E(RETRY, RESUME, RESUMING),
         E(DIED_OFTEN, SAY_CLOSED, REFUSED), E(FE_INITIALISING, NOTHING, REFUSED));
    PLAY(DEVICE_CONNECTED, E(ASKS_CLOSE, STOP, END_CLOSED), E(ENDED, SAY_CLOSED, CLOSED));
    PLAY(DEVICE_BACKOFF, E(FE_CLOSING, SAY_CLOSING, CLOSING), E(RETRY, NOTHING, CLOSING));
}

/* A new supervisor finds what an old one has left. */
static void test_adoption(void **state)
{
    (void)state;
    assert_int_equal(device_first_state(XenbusStateUnknown), DEVICE_NEW);
    assert_int_equal(device_first_state(XenbusStateInitialising), DEVICE_NEW);
    assert_int_equal(device_first_state(XenbusStateInitWait), DEVICE_WAIT);
    assert_int_equal(device_first_state(XenbusStateConnected), DEVICE_ORPHANED);
    assert_int_equal(device_first_state(XenbusStateClosing), DEVICE_CLOSING);
    assert_int_equal(device_first_state(XenbusStateClosed), DEVICE_CLOSED);
    PLAY(DEVICE_ORPHANED, E(FOUND, NOTHING, ORPHANED), E(FE_CONNECTED, SCHEDULE, BACKOFF),
         E(RETRY, RESUME, RESUMING), E(READY, RESUMED, CONNECTED));
    PLAY(DEVICE_ORPHANED, E(FE_INITIALISED, SCHEDULE, BACKOFF));
    PLAY(DEVICE_ORPHANED, E(FE_CLOSING, SAY_CLOSING, CLOSING));
    PLAY(DEVICE_RESUMING, E(FAILED, SAY_CLOSED, CLOSED));
    /* in InitWait nothing is written again: InitWait comes once per handshake */
    PLAY(DEVICE_WAIT, E(FOUND, NOTHING, WAIT), E(FE_INITIALISED, START, STARTING));
}

static void test_frontend_event(void **state)
{
    (void)state;
    assert_int_equal(device_frontend_event(0), DEVICE_FE_OTHER);
    assert_int_equal(device_frontend_event(1), DEVICE_FE_INITIALISING);
    assert_int_equal(device_frontend_event(2), DEVICE_FE_OTHER);
    assert_int_equal(device_frontend_event(3), DEVICE_FE_INITIALISED);
    assert_int_equal(device_frontend_event(4), DEVICE_FE_CONNECTED);
    assert_int_equal(device_frontend_event(5), DEVICE_FE_CLOSING);
    assert_int_equal(device_frontend_event(6), DEVICE_FE_CLOSED);
    assert_int_equal(device_frontend_event(7), DEVICE_FE_OTHER);
    assert_int_equal(device_frontend_event(8), DEVICE_FE_OTHER);
    assert_int_equal(device_frontend_event(9), DEVICE_FE_BAD);
}

static bool is_frontend_event(int e)
{
    return e >= DEVICE_FE_INITIALISING && e <= DEVICE_FE_BAD;
}

/* States in which a worker may run. */
static bool has_worker(enum device_state s)
{
    return s == DEVICE_STARTING || s == DEVICE_CONNECTED || s == DEVICE_RESUMING ||
           device_is_ending(s);
}

static bool releases(enum device_action a)
{
    return a == DEVICE_PUBLISH || a == DEVICE_SAY_CLOSING || a == DEVICE_SAY_CLOSED ||
           a == DEVICE_FORGET;
}

/* What must hold for every state and event. */
static void test_invariants(void **state)
{
    (void)state;
    for (int s = 0; s < DEVICE_STATES; s++) {
        for (int e = 0; e < DEVICE_EVENTS; e++) {
            struct device_step step = device_step((enum device_state)s, (enum device_event)e);
            bool worker_gone = e == DEVICE_ENDED || e == DEVICE_FAILED || e == DEVICE_DIED ||
                               e == DEVICE_DIED_OFTEN;

            /* no ring is released and no state written under a running worker */
            if (has_worker((enum device_state)s) && !worker_gone)
                assert_false(releases(step.action));
            /* a worker is only started where none runs */
            if (step.action == DEVICE_START || step.action == DEVICE_RESUME)
                assert_false(has_worker((enum device_state)s));
            /* a running worker is not forgotten */
            if (has_worker((enum device_state)s) && !worker_gone)
                assert_true(has_worker(step.next));
            /* a guest cannot move a device whose worker is ending, nor one that is refused or
             * being removed */
            if (is_frontend_event(e) &&
                (device_is_ending((enum device_state)s) || s == DEVICE_REFUSED ||
                 s == DEVICE_OFFLINE || s == DEVICE_GONE)) {
                assert_int_equal(step.action, DEVICE_NOTHING);
                assert_int_equal(step.next, s);
            }
            /* InitWait is not followed by InitWait unless something else was in between */
            if (s == DEVICE_WAIT)
                assert_int_not_equal(step.action, DEVICE_PUBLISH);
            /* nothing leaves the end */
            if (s == DEVICE_GONE)
                assert_int_equal(step.next, DEVICE_GONE);
            /* no event changes the state silently but for a removal overtaking an end */
            if (step.action == DEVICE_NOTHING && step.next != (enum device_state)s)
                assert_true(device_is_ending((enum device_state)s) && device_is_ending(step.next));
        }
    }
}

/* Whatever a guest writes while its device is served, at most one worker ends for it at a time. */
static void test_flapping(void **state)
{
    enum device_state s = DEVICE_CONNECTED;
    unsigned stops = 0, seed = 1;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        struct device_step step;

        seed = seed * 1103515245 + 12345;
        step = device_step(s, (enum device_event)(DEVICE_FE_INITIALISING + seed / 65536 % 8));
        stops += step.action == DEVICE_STOP;
        s = step.next;
    }
    assert_int_equal(stops, 1);
    assert_true(device_is_ending(s));
}

static void test_deaths(void **state)
{
    const struct succession_rules rules = {LIMIT_DEATHS, LIMIT_DEATHS_MS, LIMIT_BACKOFF_MS,
                                           LIMIT_BACKOFF_MAX_MS};
    struct succession s = {.deaths = 0};
    uint64_t now = 1000;
    uint32_t last = 0;

    (void)state;
    for (int i = 0; i < LIMIT_DEATHS; i++) {
        assert_false(succession_died(&s, &rules, now));
        assert_int_equal(succession_recent(&s, &rules, now), i + 1);
        assert_true(i == 0 ? succession_delay(&s, &rules, now) == 0
                           : succession_delay(&s, &rules, now) > last);
        assert_true(succession_delay(&s, &rules, now) <= LIMIT_BACKOFF_MAX_MS);
        last = succession_delay(&s, &rules, now);
        now += 1000;
    }
    assert_true(succession_died(&s, &rules, now));
    /* the window moves on */
    now += LIMIT_DEATHS_MS;
    assert_int_equal(succession_recent(&s, &rules, now), 0);
    assert_int_equal(succession_delay(&s, &rules, now), 0);
    assert_false(succession_died(&s, &rules, now));
    /* one death per fifth of the window is borne for ever */
    for (int i = 0; i < 100; i++) {
        now += LIMIT_DEATHS_MS / LIMIT_DEATHS;
        assert_false(succession_died(&s, &rules, now));
    }
    /* a little faster is not */
    bool quarantined = false;
    for (int i = 0; i < 100 && !quarantined; i++) {
        now += LIMIT_DEATHS_MS / LIMIT_DEATHS - 1000;
        quarantined = succession_died(&s, &rules, now);
    }
    assert_true(quarantined);
}

/* A policy's numbers instead of the built-in ones. */
static void test_deaths_by_policy(void **state)
{
    struct succession_rules rules = {2, 10000, 7, 20};
    struct succession s = {.deaths = 0};

    (void)state;
    assert_false(succession_died(&s, &rules, 1000));
    assert_false(succession_died(&s, &rules, 2000));
    assert_int_equal(succession_delay(&s, &rules, 2000), 7);
    assert_true(succession_died(&s, &rules, 3000));
    assert_int_equal(succession_delay(&s, &rules, 3000), 14);
    rules.delay_max_ms = 10; /* changed by a reload */
    assert_int_equal(succession_delay(&s, &rules, 3000), 10);
    assert_false(succession_died(&s, &rules, 12500)); /* only the last one counts still */
    rules.limit = 0;                                  /* none is forgiven */
    s = (struct succession){.deaths = 0};
    assert_true(succession_died(&s, &rules, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_close_by_guest),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_unplug_and_destroy),
        cmocka_unit_test(test_vanishing),
        cmocka_unit_test(test_succession),
        cmocka_unit_test(test_adoption),
        cmocka_unit_test(test_frontend_event),
        cmocka_unit_test(test_invariants),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_deaths_by_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
