/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_budget.c - what devices share, until nothing is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xen9p/budget.h"
#include "xen9p/supervisor.h"

#define MAX_DEVICES 1100

static struct budget host; /* the built-in one */
#define LIMIT_HOST_GRANTS host.grants
#define LIMIT_HOST_FIDS host.fids
#define LIMIT_HOST_THREADS host.threads
#define LIMIT_HOST_LOG host.log_bytes

static struct budget given_up; /* what workers hold that do not end */

void children_held(const struct children *cs, struct budget *out)
{
    (void)cs;
    *out = given_up;
}

/* All devices are in the list from the start: one without a share counts for nothing. */
static struct device *make(struct supervisor *sv, size_t num)
{
    struct device *d = calloc(num, sizeof(*d));

    assert_non_null(d);
    for (size_t i = 0; i < num; i++) {
        d[i].sv = sv;
        d[i].domid = (uint32_t)i;
        d[i].next = i + 1 < num ? &d[i + 1] : NULL;
    }
    sv->devices = d;
    return d;
}

static void test_orders(void **state)
{
    struct budget used = {0};
    uint32_t last = 9;
    size_t devices = 0;

    (void)state;
    assert_int_equal(budget_grants(2, 9), 1026);
    assert_int_equal(budget_order(&host, &used, 2, 9), 9);
    assert_int_equal(budget_order(&host, &used, 2, 4), 4);
    /* devices with two rings come until there is no room: each order is offered, none is skipped */
    for (uint32_t order; (order = budget_order(&host, &used, 2, 9)) != 0; devices++) {
        assert_true(order == last || order == last - 1);
        last = order;
        used.grants += budget_grants(2, order);
        assert_true(used.grants <= LIMIT_HOST_GRANTS);
    }
    assert_int_equal(last, 1);
    assert_true(devices > 255);
    assert_true(LIMIT_HOST_GRANTS - used.grants < budget_grants(2, 1));
    used.grants = LIMIT_HOST_GRANTS + 1; /* more than there is: nothing wraps */
    assert_int_equal(budget_order(&host, &used, 1, 9), 0);
}

static void test_parts(void **state)
{
    (void)state;
    assert_int_equal(budget_part(8000, 0, 1000, 64), 1000);
    assert_int_equal(budget_part(8000, 8, 1000, 64), 999);
    assert_int_equal(budget_part(8000, 7600, 1000, 64), 64);
    assert_int_equal(budget_part(8000, 7936, 1000, 64), 64);
    assert_int_equal(budget_part(8000, 7937, 1000, 64), 0);
    assert_int_equal(budget_part(8000, 9000, 1000, 64), 0);
    assert_int_equal(budget_part(8000, 0, 10, 64), 10); /* least is not more than asked for */
}

/* Devices of the default, until one is refused: nobody gets more than there is. */
static void test_fids_run_out(void **state)
{
    struct supervisor sv = {.worker_fd = -1, .host = host};
    struct device *d = make(&sv, MAX_DEVICES);
    struct budget used;
    const char *why = NULL;
    size_t n = 0;

    (void)state;
    memset(&given_up, 0, sizeof(given_up));
    for (; n < MAX_DEVICES; n++) {
        why = budget_take(&d[n], LIMIT_MAX_FIDS, LIMIT_THREADS, 0);
        budget_used(&sv, NULL, &used);
        assert_true(used.fids <= LIMIT_HOST_FIDS && used.threads <= LIMIT_HOST_THREADS);
        if (why != NULL)
            break;
        assert_true(d[n].share.fids >= LIMIT_LEAST_FIDS && d[n].share.threads >= 2);
        assert_true(n > 100 || d[n].share.fids == LIMIT_MAX_FIDS);
    }
    assert_true(n > 256 && n < MAX_DEVICES);
    assert_non_null(strstr(why, "used up"));
    assert_int_equal(d[n].share.fids, 0);
    /* one goes, and its room is somebody else's */
    memset(&d[0].share, 0, sizeof(d[0].share));
    assert_null(budget_take(&d[n], LIMIT_MAX_FIDS, LIMIT_THREADS, 0));
    free(d);
}

static void test_given_up(void **state)
{
    struct supervisor sv = {.worker_fd = -1, .host = host};
    struct device *d = make(&sv, 2);

    (void)state;
    given_up = (struct budget){.grants = LIMIT_HOST_GRANTS - 1000, .fids = LIMIT_HOST_FIDS - 100};
    d[0].share.grants = 1001;
    assert_non_null(strstr(budget_take(&d[0], 64, 1, 0), "grant mappings"));
    d[0].share.grants = 1000;
    assert_null(budget_take(&d[1], 65, 1, 0)); /* fewer, because they run low */
    assert_int_equal(d[1].share.fids, 64);
    assert_non_null(strstr(budget_take(&d[0], 64, 1, 0), "fids"));
    assert_int_equal(d[0].share.grants, 1000);
    memset(&given_up, 0, sizeof(given_up));
    free(d);
}

/* Two devices of one domain write one log. */
static void test_log(void **state)
{
    struct supervisor sv = {.worker_fd = -1, .host = host};
    struct device *d = make(&sv, 4);
    struct budget used;

    (void)state;
    d[1].domid = d[2].domid = 7;
    assert_null(budget_take(&d[1], 64, 1, LIMIT_HOST_LOG));
    assert_null(budget_take(&d[2], 64, 1, LIMIT_HOST_LOG));
    budget_used(&sv, NULL, &used);
    assert_int_equal(used.log_bytes, LIMIT_HOST_LOG);
    budget_used(&sv, &d[1], &used);
    assert_int_equal(used.log_bytes, LIMIT_HOST_LOG);
    assert_non_null(strstr(budget_take(&d[3], 64, 1, 1), "audit logs"));
    assert_null(budget_take(&d[3], 64, 1, 0));
    d[1].share.log_bytes = d[2].share.log_bytes = 0;
    assert_null(budget_take(&d[3], 64, 1, 1));
    free(d);
}

static int read_host(void **state)
{
    struct policy_report report = {0};
    struct policy_set *set = policy_load_text("t", "", 0, &report);

    (void)state;
    if (set == NULL)
        return -1;
    budget_host(set, &host);
    policy_set_unref(set);
    return host.fids == (uint64_t)256 * LIMIT_MAX_FIDS ? 0 : -1; /* 256 devices of the default */
}

/* Said in the policy: for the host, and there only. */
static void test_keys(void **state)
{
    static const char text[] = "defaults { host-grants = 1000 host-fids = 2000 host-threads = 30 "
                               "host-log = 4M }\ndomain \"a\" { threads = 2 }\n";
    static const char wrong[] = "domain \"a\" { host-fids = 5 }";
    struct policy_report report = {0};
    struct policy_set *set = policy_load_text("t", text, strlen(text), &report);
    struct budget b;

    (void)state;
    assert_non_null(set);
    budget_host(set, &b);
    assert_int_equal(b.grants, 1000);
    assert_int_equal(b.fids, 2000);
    assert_int_equal(b.threads, 30);
    assert_int_equal(b.log_bytes, 4 << 20);
    policy_set_unref(set);
    assert_null(policy_load_text("t", wrong, strlen(wrong), &report));
    assert_non_null(strstr(report.message[0].text, "stands only in defaults"));
    policy_report_clear(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_log),    cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_fids_run_out),
    };

    return cmocka_run_group_tests(tests, read_host, NULL);
}
