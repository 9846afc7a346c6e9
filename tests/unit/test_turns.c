/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_turns.c - who may start a worker: few at a time, first come first served, and nobody waits for a start that hangs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "xen9p/devices.h"
#include "xen9p/supervisor.h"
#include "xen9p/turns.h"

#define NUM 6

static struct supervisor sv;
static struct device dev[NUM];
static char order[NUM + 1]; /* digits of the devices that began, in their order */

void devices_say(const struct device *d, enum log_level level, const char *fmt, ...)
{
    (void)d;
    (void)level;
    (void)fmt;
}

static void try(struct device *d);

static void again(struct loop_timer *t)
{
    try(t->owner);
}

static void try(struct device *d)
{
    if (turns_wait(d, again))
        return;
    turns_begin(d);
    order[strlen(order)] = (char)('0' + (d - dev));
}

/* Has timers fire that are due; of devices that wait, the one first whose turn is. */
static void run(void)
{
    for (struct device *next = &dev[0]; next != NULL;) {
        next = NULL;
        for (size_t i = 0; i < NUM; i++)
            if (dev[i].retry.armed && dev[i].retry.deadline_ms <= loop_now() &&
                (next == NULL || dev[i].turn < next->turn))
                next = &dev[i];
        if (next != NULL) {
            loop_timer_cancel(sv.loop, &next->retry);
            next->retry.fire(&next->retry);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    memset(dev, 0, sizeof(dev));
    memset(order, 0, sizeof(order));
    sv = (struct supervisor){.loop = loop_new(), .devices = dev, .host_starts = 2};
    for (size_t i = 0; i < NUM; i++) {
        dev[i].sv = &sv;
        dev[i].next = i + 1 < NUM ? &dev[i + 1] : NULL;
    }
    return sv.loop == NULL;
}

static int teardown(void **state)
{
    (void)state;
    loop_free(sv.loop);
    return 0;
}

static void test_order(void **state)
{
    (void)state;
    for (size_t i = NUM; i-- > 0;)
        try(&dev[i]);
    assert_string_equal(order, "54");
    turns_end(&dev[4]); /* ready */
    run();
    assert_string_equal(order, "543");
    turns_end(&dev[5]);
    turns_end(&dev[3]); /* both before any of those that wait has come */
    run();
    assert_string_equal(order, "54321");
    try(&dev[5]); /* again: behind who waits */
    turns_end(&dev[2]);
    run();
    assert_string_equal(order, "543210");
}

static void test_leaving(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM; i++)
        try(&dev[i]);
    turns_end(&dev[2]); /* waits no more */
    loop_timer_cancel(sv.loop, &dev[2].retry);
    turns_end(&dev[0]);
    run();
    assert_string_equal(order, "013");
    /* may start, and does not come to it: the next one does not wait for that */
    loop_timer_cancel(sv.loop, &dev[4].retry);
    turns_end(&dev[1]);
    assert_false(turns_wait(&dev[4], again));
    turns_end(&dev[4]);
    run();
    assert_string_equal(order, "0135");
}

static void test_hanging(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        try(&dev[i]);
    assert_string_equal(order, "01");
    dev[0].starting_ms -= LIMIT_TURN_MS;
    try(&dev[3]); /* not before who waits longer */
    assert_string_equal(order, "01");
    try(&dev[2]);
    assert_string_equal(order, "012");
    turns_end(&dev[0]); /* given up at last: its place was taken already */
    run();
    assert_string_equal(order, "012");
}

static void test_more_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM; i++)
        try(&dev[i]);
    sv.host_starts = 4; /* a reload */
    turns_end(&dev[0]);
    run();
    assert_string_equal(order, "01234");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leaving, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hanging, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_at_once, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
