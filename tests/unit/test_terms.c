/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_terms.c - from policy text to the numbers of supervisor and worker, against a table; the
 * hash of a policy; who a domain is; the cache of filters.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_harness.h"

#include "emulated.h"
#include "xen9p/domain.h"
#include "xen9p/filter_cache.h"
#include "xen9p/terms.h"

#include "../../supervisor/policy_internal.h"

static const struct backend_nodes no_limits = {.path = "/srv/x"};

/* --- terms ------------------------------------------------------------------------------------- */

/*
 * Values are set by key, not by text: what a file may say in this version is another matter, and
 * each key has to arrive where its enforcement will look for it.
 */
static const struct arrival {
    enum policy_key key;
    uint64_t value;
    size_t offset; /* in struct terms */
    size_t size;
    uint64_t want;
} arrivals[] = {
#define FIELD(f) offsetof(struct terms, f), sizeof(((struct terms *)NULL)->f)
    {POLICY_ACCESS, POLICY_READ_ONLY, FIELD(read_only), 1},
    {POLICY_ACCESS, POLICY_READ_ONLY, FIELD(worker.flags), CTL_FLAG_READ_ONLY},
    {POLICY_CHOWN, POLICY_CHOWN_REFUSE, FIELD(worker.flags), CTL_FLAG_REFUSE_CHOWN},
    {POLICY_DEVICE_NODES, POLICY_DEVICE_NODES_NOTE, FIELD(worker.flags), CTL_FLAG_DEVICE_NODES},
    {POLICY_AUDIT_FULL, POLICY_AUDIT_BLOCK, FIELD(worker.flags), CTL_FLAG_AUDIT_BLOCKS},
    {POLICY_AUDIT, 5, FIELD(worker.limits.audit), 5},
    {POLICY_OPERATIONS, OPERATIONS_ALL & ~(uint64_t)OPERATION_MKNOD, FIELD(worker.forbidden),
     OPERATION_MKNOD},
    {POLICY_IDENTITY, 3, FIELD(worker.identity), CTL_IDENTITY_HOST},
    {POLICY_PRESENTED_OWNER, UINT64_C(1000) << 32 | 100, FIELD(worker.shown_uid), 1000},
    {POLICY_PRESENTED_OWNER, UINT64_C(1000) << 32 | 100, FIELD(worker.shown_gid), 100},
    {POLICY_FILE_MODE_MASK, 0640, FIELD(worker.file_mode_drop), 0137},
    {POLICY_DIRECTORY_MODE_MASK, 0750, FIELD(worker.directory_mode_drop), 027},
    {POLICY_MAX_SPACE, 4096, FIELD(worker.limits.max_space), 4096},
    {POLICY_MAX_FILES, 17, FIELD(worker.limits.max_files), 17},
    {POLICY_MAX_OPEN_FILES, 18, FIELD(worker.max_open_files), 18},
    {POLICY_MAX_FIDS, 100, FIELD(worker.max_fids), 100},
    {POLICY_MAX_LOCKS, 19, FIELD(worker.max_locks), 19},
    {POLICY_MAX_XATTR, 20, FIELD(worker.max_xattr), 20},
    {POLICY_LOCK_WAIT, 21, FIELD(worker.lock_wait_ms), 21},
    {POLICY_MAX_MSIZE, 8192, FIELD(worker.max_msize), 8192},
    {POLICY_MAX_RINGS, 1, FIELD(max_rings), 1},
    {POLICY_MAX_RING_ORDER, 4, FIELD(max_ring_order), 4},
    {POLICY_THREADS, 7, FIELD(worker.threads), 7},
    {POLICY_POLL_US, 22, FIELD(worker.poll_us), 22},
    {POLICY_READ_IOPS, 23, FIELD(worker.limits.read_iops), 23},
    {POLICY_WRITE_IOPS, 24, FIELD(worker.limits.write_iops), 24},
    {POLICY_READ_BANDWIDTH, 25, FIELD(worker.limits.read_bandwidth), 25},
    {POLICY_WRITE_BANDWIDTH, 26, FIELD(worker.limits.write_bandwidth), 26},
    {POLICY_MEMORY_MAX, 29, FIELD(cgroup.memory_max), 29},
    {POLICY_CPU_WEIGHT, 30, FIELD(cgroup.cpu_weight), 30},
    {POLICY_IO_WEIGHT, 31, FIELD(cgroup.io_weight), 31},
    {POLICY_CGROUP, POLICY_CGROUP_REQUIRED, FIELD(cgroup_required), 1},
    {POLICY_AUDIT, 0, FIELD(log_bytes), 0},
    {POLICY_LOG_MAX, 1024, FIELD(log_bytes), 4096},
    {POLICY_LOG_KEEP, 1, FIELD(log_bytes), UINT64_C(64) << 20},
    {POLICY_LOG_LEVEL, LOG_LEVEL_DEBUG, FIELD(log_level), LOG_LEVEL_DEBUG},
    {POLICY_ON_VIOLATION, POLICY_QUARANTINE, FIELD(quarantine), 1},
    {POLICY_RESTART_LIMIT, 3, FIELD(restart.limit), 3},
    {POLICY_RESTART_WINDOW, 60, FIELD(restart.window_ms), 60000},
    {POLICY_RESTART_DELAY, 27, FIELD(restart.delay_ms), 27},
    {POLICY_RESTART_DELAY_MAX, 28, FIELD(restart.delay_max_ms), 28},
#undef FIELD
};

static uint64_t field(const struct terms *t, const struct arrival *a)
{
    uint64_t v = 0;

    memcpy(&v, (const char *)t + a->offset, a->size); /* little-endian */
    return v;
}

/* Keys that end elsewhere than in the terms. */
static bool elsewhere(enum policy_key key)
{
    static const enum policy_key keys[] = {
        POLICY_PATH_ALLOW,       /* admission */
        POLICY_SUBMOUNTS,        /* one choice only */
        POLICY_IDENTITY_RANGE,   /* the launch */
        POLICY_IDENTITY_POOL,    /* the same */
        POLICY_TOOLSTACK_LIMITS, /* policy_ceiling() */
        POLICY_HOST_GRANTS,      POLICY_HOST_FIDS,
        POLICY_HOST_THREADS,     POLICY_HOST_LOG, /* budgets */
        POLICY_HOST_STARTS,
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i] == key)
            return true;
    return false;
}

static void test_arrivals(void **state)
{
    struct policy_set *set = good("");
    uint64_t seen = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(arrivals) / sizeof(arrivals[0]); i++) {
        const struct arrival *a = &arrivals[i];
        struct policy *p = served(set, NULL, "a", "/srv/x");
        struct terms before, after;

        terms_of(p, &no_limits, &before);
        p->number[a->key] = a->value;
        terms_of(p, &no_limits, &after);
        if (field(&after, a) != a->want || field(&before, a) == a->want)
            fail_msg("%s: %llu where %llu is wanted (without it %llu)", policy_keys[a->key].name,
                     (unsigned long long)field(&after, a), (unsigned long long)a->want,
                     (unsigned long long)field(&before, a));
        seen |= UINT64_C(1) << a->key;
        policy_free(p);
    }
    for (int i = 0; i < POLICY_KEYS; i++)
        if ((seen >> i & 1) == 0 && !elsewhere((enum policy_key)i))
            fail_msg("%s arrives nowhere", policy_keys[i].name);
    policy_set_unref(set);
}

/* What was built in before there were policies, in full. */
static void test_built_in(void **state)
{
    struct policy_set *set = good("");
    struct policy *p = served(set, NULL, NULL, "/srv/x");
    struct terms t;

    (void)state;
    terms_of(p, &no_limits, &t);
    assert_false(t.read_only);
    assert_false(t.quarantine);
    assert_int_equal(t.max_rings, LIMIT_MAX_RINGS);
    assert_int_equal(t.max_ring_order, LIMIT_RING_PAGE_ORDER);
    assert_int_equal(t.log_level, LOG_LEVEL_NOTICE);
    assert_int_equal(t.restart.limit, LIMIT_DEATHS);
    assert_int_equal(t.restart.window_ms, LIMIT_DEATHS_MS);
    assert_int_equal(t.worker.flags, 0);
    assert_int_equal(t.worker.forbidden, 0);
    assert_int_equal(t.worker.threads, LIMIT_THREADS);
    assert_int_equal(t.worker.max_fids, LIMIT_MAX_FIDS);
    assert_int_equal(t.worker.max_msize, LIMIT_MAX_MSIZE);
    assert_int_equal(t.worker.max_locks, LIMIT_MAX_LOCKS);
    assert_int_equal(t.worker.max_xattr, LIMIT_MAX_XATTR);
    assert_int_equal(t.worker.file_mode_drop, 0);
    assert_int_equal(t.worker.num_rings, 0);
    policy_free(p);
    policy_set_unref(set);
}

/* The smaller one holds; 0 is no limit on either side. */
static void test_toolstack(void **state)
{
    static const struct {
        uint64_t policy, node, want;
    } cases[] = {{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {5, 7, 5}, {7, 5, 5}};
    struct policy_set *set = good("");
    struct policy *p = served(set, NULL, "a", "/srv/x");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct backend_nodes n = {.max_space = cases[i].node,
                                        .max_files = cases[i].node,
                                        .max_open_files = (uint32_t)cases[i].node};
        struct terms t;

        p->number[POLICY_MAX_SPACE] = p->number[POLICY_MAX_FILES] =
            p->number[POLICY_MAX_OPEN_FILES] = cases[i].policy;
        terms_of(p, &n, &t);
        assert_int_equal(t.worker.limits.max_space, cases[i].want);
        assert_int_equal(t.worker.limits.max_files, cases[i].want);
        assert_int_equal(t.worker.max_open_files, cases[i].want);
        p->number[POLICY_TOOLSTACK_LIMITS] = POLICY_IGNORE;
        terms_of(p, &n, &t);
        assert_int_equal(t.worker.limits.max_space, cases[i].policy);
        p->number[POLICY_TOOLSTACK_LIMITS] = POLICY_FOLLOW;
    }
    policy_free(p);
    policy_set_unref(set);
}

/* --- hash and what a running worker follows ------------------------------------------------------ */

static void hash_text(const char *text, char out[POLICY_HASH_SIZE])
{
    struct policy_set *set = good(text);
    struct policy *p = served(set, NULL, "a", "/srv/x");

    policy_hash(p, out);
    policy_free(p);
    policy_set_unref(set);
}

static void test_hash(void **state)
{
    char a[POLICY_HASH_SIZE], b[POLICY_HASH_SIZE];

    (void)state;
    hash_text("", a);
    assert_int_equal(strlen(a), POLICY_HASH_SIZE - 1);
    assert_memory_equal(a, "sha256:", 7);
    /* the values count, not where they stand */
    hash_text("domain \"a\" { threads = 4 max-msize = 524288 }", b);
    assert_string_equal(a, b);
    hash_text("defaults { host-fids = 5000 }", b); /* no domain's */
    assert_string_equal(a, b);
    hash_text("domain \"a\" { threads = 5 }", b);
    assert_string_not_equal(a, b);
    hash_text("domain \"a\" { path-allow = \"/srv\" }", b);
    assert_string_not_equal(a, b);
    hash_text("domain \"a\" { path-allow = {\"/srv\", \"/y\"} }", a);
    assert_string_not_equal(a, b);
}

static void test_follow(void **state)
{
    struct policy_set *old = good("domain \"a\" { threads = 2 restart-limit = 1 }");
    struct policy_set *new = good("domain \"a\" { threads = 3 restart-limit = 4 }");
    struct policy *p = served(old, NULL, "a", "/srv/x"), *q = served(new, NULL, "a", "/srv/x");
    struct policy *copy = policy_copy(p), *again;
    size_t reconnect;

    (void)state;
    assert_int_equal(policy_diff(p, copy, NULL, &reconnect), 0);
    assert_int_equal(policy_diff(p, q, NULL, &reconnect), 2);
    assert_int_equal(reconnect, 1);
    policy_follow(copy, q);
    assert_int_equal(policy_number(copy, POLICY_THREADS), 2);
    assert_int_equal(policy_number(copy, POLICY_RESTART_LIMIT), 4);
    assert_int_equal(policy_diff(copy, q, NULL, &reconnect), 1);
    assert_int_equal(reconnect, 1);
    policy_follow(copy, q);
    again = policy_copy(copy);
    /* the sets must live as long as a policy that points into them */
    policy_free(p);
    policy_free(q);
    policy_set_unref(old);
    policy_set_unref(new);
    policy_free(copy);
    policy_print(again, stdout);
    policy_free(again);
}

static void note_unmatched(void *arg, const char *text)
{
    strcat(arg, strstr(text, "domain \""));
}

static void test_remember(void **state)
{
    struct policy_set *old = good("domain \"a\" {} domain \"b\" {} domain \"c\" {}");
    struct policy_set *new = good("domain \"a\" {} domain \"b\" { uuid = \"" UUID_A "\" }"
                                  "domain \"d\" {}");
    char told[2048] = "";

    (void)state;
    policy_free(served(old, NULL, "a", "/srv/x"));
    policy_free(served(old, NULL, "b", "/srv/x"));
    policy_remember(new, old);
    policy_unmatched(new, note_unmatched, told);
    assert_null(strstr(told, "domain \"a\""));
    assert_non_null(strstr(told, "domain \"b\"")); /* asks for something else now */
    assert_non_null(strstr(told, "domain \"d\""));
    policy_set_unref(old);
    policy_set_unref(new);
}

/* --- who ----------------------------------------------------------------------------------------- */

struct nodes {
    const char *name, *vm; /* NULL: not there */
    int error;             /* for all of them */
};

static int get(void *arg, const char *path, char *buf, size_t cap)
{
    const struct nodes *n = arg;
    const char *value = NULL;

    if (n->error != 0)
        return n->error;
    if (strcmp(path, "/local/domain/5/name") == 0)
        value = n->name;
    else if (strcmp(path, "/local/domain/5/vm") == 0)
        value = n->vm;
    else
        fail_msg("%s was asked for", path);
    if (value == NULL)
        return -ENOENT;
    if (strlen(value) > cap)
        return -E2BIG;
    memcpy(buf, value, strlen(value));
    return (int)strlen(value);
}

static void test_identify(void **state)
{
    struct nodes_fault fault;
    struct domain_id id;
    char name[300];

    (void)state;
    assert_int_equal(domain_identify(get, &(struct nodes){"web", "/vm/" UUID_A, 0}, 5, &id, &fault),
                     0);
    assert_string_equal(id.name, "web");
    assert_string_equal(id.uuid, UUID_A);
    /* a driver domain sees nothing */
    assert_int_equal(domain_identify(get, &(struct nodes){.error = -EACCES}, 5, &id, &fault), 0);
    assert_string_equal(id.name, "");
    assert_string_equal(id.uuid, "");
    /* xenstored is in trouble: whoever it is, nobody unknown */
    assert_int_equal(domain_identify(get, &(struct nodes){.error = -EIO}, 5, &id, &fault), -EIO);
    assert_int_equal(domain_identify(get, &(struct nodes){"web", "/vm/1234", 0}, 5, &id, &fault),
                     0);
    assert_string_equal(id.uuid, "");
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(domain_identify(get, &(struct nodes){name, NULL, 0}, 5, &id, &fault), -EINVAL);
    assert_string_equal(fault.node, "name");
    name[DOMAIN_NAME_MAX - 1] = '\0';
    assert_int_equal(domain_identify(get, &(struct nodes){name, NULL, 0}, 5, &id, &fault), 0);
    assert_string_equal(id.name, name);
}

/* --- filters ------------------------------------------------------------------------------------- */

static void test_filter_cache(void **state)
{
    struct filter_cache c = {.num = 0};
    struct filter_spec spec = {.notify = CTL_NOTIFY_EVTCHN};
    const struct compiled_filter *f;
    char first[FILTER_HASH_SIZE];
    int err = 0, fd;

    (void)state;
    f = filter_cache_get(&c, &spec, &err);
    assert_non_null(f);
    fd = f->fd;
    memcpy(first, f->hash, sizeof(first));
    assert_memory_equal(first, "sha256:", 7);
    assert_int_equal(filter_cache_get(&c, &spec, &err)->fd, fd);
    /* a read-only worker's is the same, whatever else it may not */
    spec.read_only = true;
    f = filter_cache_get(&c, &spec, &err);
    assert_string_not_equal(f->hash, first);
    fd = f->fd;
    spec.forbidden = OPERATION_WRITE | OPERATION_MKNOD;
    assert_int_equal(filter_cache_get(&c, &spec, &err)->fd, fd);
    assert_int_equal(c.num, 2);
    /* more than there is room for: the hash is the program's, so it comes back the same */
    spec.read_only = false;
    for (uint32_t i = 1; i <= LIMIT_FILTERS; i++) {
        spec.forbidden = i;
        assert_non_null(filter_cache_get(&c, &spec, &err));
        assert_true(c.num <= LIMIT_FILTERS);
    }
    spec.forbidden = 0;
    assert_string_equal(filter_cache_get(&c, &spec, &err)->hash, first);
    spec.notify = (enum ctl_notify_kind)7;
    assert_null(filter_cache_get(&c, &spec, &err));
    assert_int_equal(err, -EINVAL);
    filter_cache_clear(&c);
    assert_int_equal(c.num, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrivals),  cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_toolstack), cmocka_unit_test(test_hash),
        cmocka_unit_test(test_follow),    cmocka_unit_test(test_remember),
        cmocka_unit_test(test_identify),  cmocka_unit_test(test_filter_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
