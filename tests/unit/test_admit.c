/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_admit.c - policies for devices, at the start and at a reload, with a directory of files and
 * devices that are nothing but their structs: xenstore, table and worker are stand-ins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_harness.h"
#include "xen9p/act.h"
#include "xen9p/devices.h"
#include "xen9p/store.h"
#include "xen9p/supervisor.h"

#include "../../supervisor/admit.c"

static char dir[] = "/tmp/test_admit.XXXXXX";
static char said[1 << 14];         /* about devices */
static enum device_event last_fed; /* DEVICE_EVENTS: none */
static unsigned told;              /* limits to workers */
static const char *const *names;   /* of domains 1, 2, ... */

/* --- stand-ins ----------------------------------------------------------------------------------- */

int store_read(struct xs_handle *xs, const char *path, char *buf, size_t cap)
{
    unsigned domid;
    char node[16];

    (void)xs;
    assert_int_equal(sscanf(path, "/local/domain/%u/%15s", &domid, node), 2);
    if (strcmp(node, "name") != 0 || names == NULL)
        return -ENOENT;
    assert_true(strlen(names[domid - 1]) <= cap);
    memcpy(buf, names[domid - 1], strlen(names[domid - 1]));
    return (int)strlen(names[domid - 1]);
}

void devices_say(const struct device *d, enum log_level level, const char *fmt, ...)
{
    size_t len = strlen(said);
    va_list ap;

    (void)level;
    len += (size_t)snprintf(said + len, sizeof(said) - len, "%u: ", d->domid);
    va_start(ap, fmt);
    len += (size_t)vsnprintf(said + len, sizeof(said) - len, fmt, ap);
    va_end(ap);
    assert_true(len + 2 < sizeof(said));
    strcat(said, "\n");
}

void devices_feed(struct device *d, enum device_event event)
{
    (void)d;
    last_fed = event;
}

void act_limits(struct device *d)
{
    (void)d;
    told++;
}

static unsigned reweighed;

void act_reweigh(struct device *d)
{
    (void)d;
    reweighed++;
}

/* --- files --------------------------------------------------------------------------------------- */

static void policy(const char *text)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/xen9p.conf", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0644), 0);
    said[0] = '\0';
    told = 0;
    last_fed = DEVICE_EVENTS;
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/xen9p.conf", dir);
    return unlink(path) == 0 ? rmdir(dir) : -1;
}

/* --- devices ------------------------------------------------------------------------------------- */

static struct supervisor sv = {.policy_dir = dir, .no_cgroups = "not here"};

static struct device *device(uint32_t domid, const char *path, enum device_state state)
{
    struct device *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    d->sv = &sv;
    d->domid = domid;
    d->state = state;
    snprintf(d->nodes.path, sizeof(d->nodes.path), "%s", path);
    d->next = sv.devices;
    sv.devices = d;
    return d;
}

/* As if a worker had been started. */
static void worker(struct device *d)
{
    static char stands_for_one;

    d->in_force = policy_copy(d->policy);
    assert_non_null(d->in_force);
    d->child = (struct child *)(void *)&stands_for_one;
}

static int end(void **state)
{
    (void)state;
    while (sv.devices != NULL) {
        struct device *d = sv.devices;

        sv.devices = d->next;
        admit_forget(d);
        free(d);
    }
    policy_set_unref(sv.policies);
    sv.policies = NULL;
    names = NULL;
    return 0;
}

/* What log_msg() writes while `what` runs. */
static const char *log_of(void (*what)(void))
{
    static char text[1 << 14];
    FILE *f = tmpfile();
    int old = dup(STDERR_FILENO);

    assert_non_null(f);
    dup2(fileno(f), STDERR_FILENO);
    what();
    dup2(old, STDERR_FILENO);
    close(old);
    rewind(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static bool loaded;

static void do_load(void)
{
    loaded = admit_load(&sv);
}

static void do_reload(void)
{
    admit_reload(&sv);
}

static void load_policy(const char *text)
{
    policy(text);
    (void)log_of(do_load);
    assert_true(loaded);
}

static void assert_said(const char *text)
{
    if (strstr(said, text) == NULL)
        fail_msg("\"%s\" was not said, but:\n%s", text, said);
}

/* --- tests --------------------------------------------------------------------------------------- */

static void test_load(void **state)
{
    const char *log;

    (void)state;
    policy("defaults { threads = 99 }\ndomain \"a\" { access = maybe }\n");
    log = log_of(do_load);
    assert_false(loaded);
    assert_null(sv.policies);
    assert_non_null(strstr(log, "xen9p.conf:1: error: threads must be"));
    assert_non_null(strstr(log, "xen9p.conf:2: error: access"));
    assert_non_null(strstr(log, "2 errors in the policy"));
    policy("domain \"a\" { threads = 2 }\n");
    log = log_of(do_load);
    assert_true(loaded);
    assert_non_null(strstr(log, "policy: 1 file, 1 domain section"));
}

static void test_admit(void **state)
{
    static const char *const all[] = {"a", "b--incoming", "c"};
    struct device *a = device(1, "/srv/a", DEVICE_NEW), *b = device(2, "/srv/b", DEVICE_NEW);
    struct device *c = device(3, "/srv/c", DEVICE_NEW);

    (void)state;
    names = all;
    load_policy("defaults { threads = 3 }\n"
                "domain \"a\" { path-allow = \"/srv/x\" }\n"
                "domain \"b\" { access = read-only }\n");
    assert_false(admit_device(a));
    assert_null(a->policy);
    assert_non_null(strstr(a->error, "policy: export path \"/srv/a\" is not below"));
    assert_said("1: refused by policy: export path");
    assert_true(admit_device(b));
    assert_string_equal(b->who.name, "b--incoming");
    assert_true(b->terms.read_only);
    assert_int_equal(b->terms.worker.threads, 3);
    assert_true(admit_device(c));
    assert_false(c->terms.read_only);
    assert_memory_equal(policy_origin(c->policy), "defaults", 8);
}

static void test_by_path(void **state)
{
    struct device *d = device(1, "/srv/a/b", DEVICE_NEW);

    (void)state;
    load_policy("domain \"one\" { path-allow = \"/srv/a\" threads = 2 }\n"
                "domain \"two\" { path-allow = \"/srv/b\" }\n");
    assert_true(admit_device(d));
    assert_int_equal(d->terms.worker.threads, 2);
}

static void test_reload_keeps_the_old(void **state)
{
    static const char *const all[] = {"a"};
    struct device *d = device(1, "/srv/a", DEVICE_CONNECTED);
    const struct policy_set *before;
    const char *log;

    (void)state;
    names = all;
    load_policy("domain \"a\" { threads = 2 }\n");
    assert_true(admit_device(d));
    before = sv.policies;
    policy("domain \"a\" { threads = 99 }\n");
    log = log_of(do_reload);
    assert_ptr_equal(sv.policies, before);
    assert_int_equal(d->terms.worker.threads, 2);
    assert_non_null(strstr(log, "xen9p.conf:1: error: threads must be 1 to 16"));
    assert_non_null(strstr(log, "the policy stays as it was"));
    assert_string_equal(said, "");
}

static void test_reload(void **state)
{
    static const char *const all[] = {"a", "b"};
    struct device *a = device(1, "/srv/a", DEVICE_CONNECTED);
    struct device *b = device(2, "/srv/b", DEVICE_WAIT);
    char hash[POLICY_HASH_SIZE], later[POLICY_HASH_SIZE];
    const char *log;

    (void)state;
    names = all;
    load_policy("domain \"a\" { threads = 2 restart-limit = 5 }\ndomain \"b\" {}\n");
    assert_true(admit_device(a));
    assert_true(admit_device(b));
    worker(a);
    policy_hash(a->in_force, hash);
    policy("domain \"a\" { threads = 3 restart-limit = 1 }\ndomain \"b\" {}\ndomain \"z\" {}\n");
    log = log_of(do_reload);
    assert_said("1: new policy: restart-limit 5 -> 1\n");
    assert_said("1: new policy, when the guest connects again: threads 2 -> 3\n");
    assert_null(strstr(said, "2: "));
    assert_non_null(strstr(log, "domain \"z\" has fitted no device so far"));
    assert_null(strstr(log, "domain \"b\""));
    /* the worker's: live keys only; the device's next one: all of them */
    assert_int_equal(policy_number(a->in_force, POLICY_THREADS), 2);
    assert_int_equal(policy_number(a->in_force, POLICY_RESTART_LIMIT), 1);
    assert_int_equal(a->terms.worker.threads, 3);
    assert_int_equal(a->terms.restart.limit, 1);
    policy_hash(a->in_force, later);
    assert_string_not_equal(hash, later);
    assert_int_equal(told, 0); /* no limit of the worker's own has changed */
    /* once more without a change: what waits is said again, nothing else */
    said[0] = '\0';
    (void)log_of(do_reload);
    assert_string_equal(said, "1: new policy, when the guest connects again: threads 2 -> 3\n");
}

/* Whether a text may say max-space in this version or not: the toolstack's does. */
static void test_limits_are_told(void **state)
{
    static const char *const all[] = {"a"};
    struct device *d = device(1, "/srv/a", DEVICE_CONNECTED);

    (void)state;
    names = all;
    d->nodes.max_space = 1 << 20;
    load_policy("domain \"a\" {}\n");
    assert_true(admit_device(d));
    worker(d);
    assert_int_equal(d->terms.worker.limits.max_space, 1 << 20);
    policy("domain \"a\" { toolstack-limits = ignore }\n");
    (void)log_of(do_reload);
    assert_int_equal(d->terms.worker.limits.max_space, 0);
    assert_int_equal(told, 1);
}

static void test_reload_refuses(void **state)
{
    static const char *const all[] = {"a", "b", "c"};
    struct device *a = device(1, "/srv/a", DEVICE_CONNECTED);
    struct device *b = device(2, "/srv/a", DEVICE_WAIT), *c = device(3, "/srv/a", DEVICE_REFUSED);

    (void)state;
    names = all;
    load_policy("");
    assert_true(admit_device(a));
    assert_true(admit_device(b));
    worker(a);
    policy("defaults { path-allow = \"/srv/b\" }\n");
    (void)log_of(do_reload);
    assert_said("1: the new policy refuses it: export path \"/srv/a\" is not below");
    assert_said("It is served as before until the guest connects again");
    assert_non_null(a->in_force);
    assert_null(a->policy);
    assert_said("2: refused by policy: export path");
    assert_null(b->policy);
    assert_int_equal(last_fed, DEVICE_REFUSE);
    assert_said("3: stays closed");
    assert_null(c->policy);
    /* back again: the one that runs gets a policy for its next connection */
    policy("");
    (void)log_of(do_reload);
    assert_non_null(a->policy);
}

static void test_renamed(void **state)
{
    static const char *const before[] = {"x--incoming"}, *const after[] = {"y"};
    struct device *d = device(1, "/srv/a", DEVICE_CONNECTED);

    (void)state;
    names = before;
    load_policy("domain \"x\" { threads = 2 }\ndomain \"y\" { threads = 7 }\n");
    assert_true(admit_device(d));
    assert_int_equal(d->terms.worker.threads, 2);
    names = after;
    (void)log_of(do_reload);
    assert_string_equal(d->who.name, "y");
    assert_int_equal(d->terms.worker.threads, 7);
}

/* Without cgroups: said where it matters, refused where they are demanded. */
static void test_cgroups(void **state)
{
    static const char *const all[] = {"a", "b", "c"};
    struct device *a = device(1, "/srv/a", DEVICE_NEW), *b = device(2, "/srv/a", DEVICE_NEW);
    struct device *c = device(3, "/srv/a", DEVICE_NEW);

    (void)state;
    names = all;
    load_policy("domain \"a\" { cgroup = required }\ndomain \"b\" { memory-max = 64M }\n");
    assert_false(admit_device(a));
    assert_non_null(strstr(a->error, "but workers can have none: not here"));
    assert_true(admit_device(b));
    assert_said("2: its policy limits memory, processor or disk, without effect");
    assert_true(admit_device(c));
    assert_null(strstr(said, "3: "));
    sv.cgroups = (struct cgroups *)(void *)&reweighed; /* never looked into */
    assert_true(admit_device(a));
    policy("domain \"c\" { cpu-weight = 50 }\n");
    reweighed = 0;
    (void)log_of(do_reload);
    assert_int_equal(reweighed, 1);
    assert_int_equal(c->terms.cgroup.cpu_weight, 50);
    sv.cgroups = NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, NULL, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load),           TEST(test_admit),
        TEST(test_by_path),        TEST(test_reload_keeps_the_old),
        TEST(test_reload),         TEST(test_limits_are_told),
        TEST(test_reload_refuses), TEST(test_renamed),
        TEST(test_cgroups),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
