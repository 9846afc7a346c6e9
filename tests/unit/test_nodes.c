/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_nodes.c - strict reading of a device's nodes: what a toolstack writes, what a guest may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen9p/nodes.h"
#include "xen9p/xenbus.h"

#define MAX_NODES 16

struct node {
    const char *name;
    const char *value;
    size_t len;
};

/* A directory of xenstore. `broken` is what every read of a missing node gives instead of ENOENT. */
struct dir {
    struct node node[MAX_NODES];
    size_t num;
    int broken;
};

static int get(void *arg, const char *name, char *buf, size_t cap)
{
    const struct dir *d = arg;

    for (size_t i = 0; i < d->num; i++) {
        if (strcmp(d->node[i].name, name) != 0)
            continue;
        if (d->node[i].len > cap)
            return -E2BIG;
        memcpy(buf, d->node[i].value, d->node[i].len);
        return (int)d->node[i].len;
    }
    return d->broken != 0 ? d->broken : -ENOENT;
}

static void set_bytes(struct dir *d, const char *name, const char *value, size_t len)
{
    size_t i = 0;

    while (i < d->num && strcmp(d->node[i].name, name) != 0)
        i++;
    assert_true(i < MAX_NODES);
    d->node[i] = (struct node){name, value, len};
    if (i == d->num)
        d->num++;
}

static void set(struct dir *d, const char *name, const char *value)
{
    set_bytes(d, name, value, strlen(value));
}

static void drop(struct dir *d, const char *name)
{
    for (size_t i = 0; i < d->num; i++) {
        if (strcmp(d->node[i].name, name) == 0)
            d->node[i].name = "(gone)";
    }
}

/* As libxl 4.20 writes it. */
static struct dir good_backend(void)
{
    struct dir d = {.num = 0};

    set(&d, "frontend", "/local/domain/5/device/9pfs/2");
    set(&d, "frontend-id", "5");
    set(&d, "security_model", "none");
    set(&d, "path", "/srv/xen9p/acme");
    set(&d, "max-space", "0");
    set(&d, "max-files", "0");
    set(&d, "max-open-files", "0");
    set(&d, "auto-delete", "0");
    return d;
}

static struct dir good_frontend(void)
{
    struct dir d = {.num = 0};

    set(&d, "version", "1");
    set(&d, "num-rings", "2");
    set(&d, "ring-ref0", "8");
    set(&d, "event-channel-0", "21");
    set(&d, "ring-ref1", "521");
    set(&d, "event-channel-1", "22");
    return d;
}

static void test_decimal(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        int err;
        uint64_t value;
    } cases[] = {
        {"0", 9, 0, 0},
        {"1", 9, 0, 1},
        {"9", 9, 0, 9},
        {"10", 9, -ERANGE, 0},
        {"4294967296", UINT32_MAX, -ERANGE, 0},
        {"4294967295", UINT32_MAX, 0, UINT32_MAX},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"18446744073709551625", UINT64_MAX, -ERANGE, 0},
        {"99999999999999999999", UINT64_MAX, -ERANGE, 0},
        {"184467440737095516150", UINT64_MAX, -EINVAL, 0}, /* 21 digits */
        {"", 9, -EINVAL, 0},
        {"00", 9, -EINVAL, 0},
        {"01", 9, -EINVAL, 0},
        {"+1", 9, -EINVAL, 0},
        {"-1", 9, -EINVAL, 0},
        {" 1", 9, -EINVAL, 0},
        {"1 ", 9, -EINVAL, 0},
        {"1\n", 9, -EINVAL, 0},
        {"0x1", 9, -EINVAL, 0},
        {"1a", 99, -EINVAL, 0},
        {"/", 99, -EINVAL, 0}, /* the characters around the digits */
        {":", 99, -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t v = 77;

        assert_int_equal(nodes_decimal(cases[i].text, strlen(cases[i].text), cases[i].max, &v),
                         cases[i].err);
        assert_int_equal(v, cases[i].err == 0 ? cases[i].value : 77);
    }
    /* a NUL is no end of the value */
    uint64_t v;
    assert_int_equal(nodes_decimal("1\0002", 3, 99, &v), -EINVAL);
}

static void test_backend_good(void **state)
{
    struct dir d = good_backend();
    struct backend_nodes n;
    struct nodes_fault f;

    (void)state;
    assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), 0);
    assert_string_equal(n.path, "/srv/xen9p/acme");
    assert_string_equal(n.frontend, "/local/domain/5/device/9pfs/2");
    assert_int_equal(n.max_space, 0);
    assert_false(n.auto_delete);

    set(&d, "max-space", "20480"); /* MiB */
    set(&d, "max-files", "1000");
    set(&d, "max-open-files", "64");
    set(&d, "auto-delete", "1");
    assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), 0);
    assert_int_equal(n.max_space, UINT64_C(20480) << 20);
    assert_int_equal(n.max_files, 1000);
    assert_int_equal(n.max_open_files, 64);
    assert_true(n.auto_delete);

    /* the limits may be missing */
    drop(&d, "max-space");
    drop(&d, "max-files");
    drop(&d, "max-open-files");
    drop(&d, "auto-delete");
    assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), 0);
    assert_int_equal(n.max_space + n.max_files + n.max_open_files + n.auto_delete, 0);
}

static void test_backend_bad(void **state)
{
    static char huge[LIMIT_STORE_VALUE];
    static const struct {
        const char *node;
        const char *value; /* NULL: missing */
    } cases[] = {
        {"frontend", NULL},
        {"frontend", "/local/domain/6/device/9pfs/2"},
        {"frontend", "/local/domain/5/device/9pfs/3"},
        {"frontend", "/local/domain/5/device/9pfs/2/"},
        {"frontend", "/local/domain/0/device/9pfs/2"},
        {"frontend-id", NULL},
        {"frontend-id", "6"},
        {"frontend-id", "05"},
        {"security_model", NULL},
        {"security_model", "mapped-xattr"},
        {"security_model", "None"},
        {"security_model", "none "},
        {"security_model", ""},
        {"path", NULL},
        {"path", ""},
        {"path", "srv/x"},
        {"path", "/"},
        {"path", "/srv/x/"},
        {"path", "/srv//x"},
        {"path", "//srv"},
        {"path", "/srv/./x"},
        {"path", "/srv/../etc"},
        {"path", "/.."},
        {"path", "/srv/."},
        {"path", huge},
        {"max-space", "-1"},
        {"max-space", "1099511627777"}, /* 2^60 bytes and more */
        {"max-space", huge},
        {"max-files", "4294967296"},
        {"max-open-files", "x"},
        {"auto-delete", "2"},
        {"auto-delete", "yes"},
    };

    (void)state;
    memset(huge, 'x', sizeof(huge) - 1);
    huge[0] = '/';
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dir d = good_backend();
        struct backend_nodes n;
        struct nodes_fault f = {.why = NULL};

        if (cases[i].value != NULL)
            set(&d, cases[i].node, cases[i].value);
        else
            drop(&d, cases[i].node);
        assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), -EINVAL);
        assert_string_equal(f.node, cases[i].node);
        assert_non_null(f.why);
        assert_true(f.value[0] != '\0');
    }
    /* names that only look like dots are good */
    struct dir d = good_backend();
    struct backend_nodes n;
    struct nodes_fault f;
    set(&d, "path", "/srv/.x/...");
    assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), 0);
    set_bytes(&d, "path", "/srv/a\0b", 8);
    assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), -EINVAL);
    set_bytes(&d, "path", "/srv", 4);
    set_bytes(&d, "frontend", "/local/domain/5/device/9pfs/2\0", 30);
    assert_int_equal(nodes_backend(get, &d, 5, 2, &n, &f), -EINVAL);
}

static void test_frontend_good(void **state)
{
    struct dir d = good_frontend();
    struct frontend_nodes n;
    struct nodes_fault f;

    (void)state;
    assert_int_equal(nodes_frontend(get, &d, &n, &f), 0);
    assert_int_equal(n.num_rings, 2);
    assert_int_equal(n.ring[0].ref, 8);
    assert_int_equal(n.ring[0].port, 21);
    assert_int_equal(n.ring[1].ref, 521);
    assert_int_equal(n.ring[1].port, 22);

    set(&d, "num-rings", "1"); /* Mini-OS; what else stands there is not looked at */
    set(&d, "ring-ref1", "junk");
    assert_int_equal(nodes_frontend(get, &d, &n, &f), 0);
    assert_int_equal(n.num_rings, 1);
    assert_int_equal(n.ring[1].ref, 0);
}

static void test_frontend_bad(void **state)
{
    static char huge[LIMIT_STORE_VALUE];
    static const struct {
        const char *node;
        const char *value;
    } cases[] = {
        {"version", NULL},
        {"version", "2"},
        {"version", "1,2"},
        {"num-rings", NULL},
        {"num-rings", "0"},
        {"num-rings", "5"},
        {"num-rings", "4294967296"},
        {"num-rings", "4294967298"},
        {"num-rings", "abc"},
        {"num-rings", huge},
        {"num-rings", "18446744073709551618"},
        {"ring-ref0", NULL},
        {"ring-ref0", "0"},
        {"ring-ref0", "-8"},
        {"ring-ref0", "4294967296"},
        {"ring-ref1", NULL},
        {"ring-ref1", "8"}, /* ring 0's */
        {"event-channel-0", NULL},
        {"event-channel-0", "0"},
        {"event-channel-1", "21"}, /* ring 0's */
        {"event-channel-1", "131072"},
        {"event-channel-1", huge},
    };

    (void)state;
    memset(huge, '1', sizeof(huge) - 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dir d = good_frontend();
        struct frontend_nodes n;
        struct nodes_fault f = {.why = NULL};

        if (cases[i].value != NULL)
            set(&d, cases[i].node, cases[i].value);
        else
            drop(&d, cases[i].node);
        assert_int_equal(nodes_frontend(get, &d, &n, &f), -EINVAL);
        assert_string_equal(f.node, cases[i].node);
        assert_int_equal(n.num_rings, 0);
    }
}

static void test_state(void **state)
{
    struct dir d = {.num = 0};
    struct nodes_fault f;
    unsigned v = 77;

    (void)state;
    assert_int_equal(nodes_state(get, &d, &v, &f), -ENOENT);
    set(&d, "state", "3");
    assert_int_equal(nodes_state(get, &d, &v, &f), 0);
    assert_int_equal(v, 3);
    set(&d, "state", "8");
    assert_int_equal(nodes_state(get, &d, &v, &f), 0);
    set(&d, "state", "9");
    assert_int_equal(nodes_state(get, &d, &v, &f), -EINVAL);
    set(&d, "state", "");
    assert_int_equal(nodes_state(get, &d, &v, &f), -EINVAL);
    set_bytes(&d, "state", "4\0", 2);
    assert_int_equal(nodes_state(get, &d, &v, &f), -EINVAL);
    assert_string_equal(f.value, "\"4\\x00\"");
}

/* Trouble of xenstored is not the guest's fault: it comes through as it is. */
static void test_getter_trouble(void **state)
{
    struct dir d = {.broken = -EIO};
    struct backend_nodes b;
    struct frontend_nodes n;
    struct nodes_fault f;
    unsigned v;

    (void)state;
    assert_int_equal(nodes_backend(get, &d, 5, 2, &b, &f), -EIO);
    assert_int_equal(nodes_frontend(get, &d, &n, &f), -EIO);
    assert_int_equal(nodes_state(get, &d, &v, &f), -EIO);
}

static void test_quote(void **state)
{
    char out[72], tiny[12], value[300];

    (void)state;
    nodes_quote(out, sizeof(out), "a\"b\\\n\x1b[2J", 9);
    assert_string_equal(out, "\"a\\x22b\\x5c\\x0a\\x1b[2J\"");
    nodes_quote(out, sizeof(out), "", 0);
    assert_string_equal(out, "\"\"");
    for (size_t len = 0; len <= sizeof(value); len++) {
        memset(value, '\n', sizeof(value));
        nodes_quote(out, sizeof(out), value, len);
        assert_true(strlen(out) < sizeof(out));
        assert_int_equal(out[strlen(out) - 1], '"');
        nodes_quote(tiny, sizeof(tiny), value, len);
        assert_true(strlen(tiny) < sizeof(tiny));
    }
}

static void test_device_of_path(void **state)
{
    static const struct {
        const char *path;
        bool is;
        uint32_t domid, devid;
    } cases[] = {
        {"backend/xen_9pfs", false, 0, 0},
        {"backend/xen_9pfs/5", false, 0, 0},
        {"backend/xen_9pfs/5/", false, 0, 0},
        {"backend/xen_9pfs/5/0", true, 5, 0},
        {"backend/xen_9pfs/5/0/state", true, 5, 0},
        {"/local/domain/0/backend/xen_9pfs/5/12/x/y", true, 5, 12},
        {"backend/xen_9pfs/32751/4294967295", true, 0x7fef, 4294967295u},
        {"backend/xen_9pfs/32752/0", false, 0, 0},
        {"backend/xen_9pfs/5/4294967296", false, 0, 0},
        {"backend/xen_9pfs/x/0", false, 0, 0},
        {"backend/xen_9pfs/5/x", false, 0, 0},
        {"backend/xen_9pfs/05/0", false, 0, 0},
        {"backend", false, 0, 0},
        {"", false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t domid = 0, devid = 0;

        assert_int_equal(xenbus_device_of_path(cases[i].path, &domid, &devid), cases[i].is);
        assert_int_equal(domid, cases[i].domid);
        assert_int_equal(devid, cases[i].devid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal),        cmocka_unit_test(test_backend_good),
        cmocka_unit_test(test_backend_bad),    cmocka_unit_test(test_frontend_good),
        cmocka_unit_test(test_frontend_bad),   cmocka_unit_test(test_state),
        cmocka_unit_test(test_getter_trouble), cmocka_unit_test(test_quote),
        cmocka_unit_test(test_device_of_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
