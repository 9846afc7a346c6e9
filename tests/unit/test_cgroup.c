/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cgroup.c - cgroups on a tree of plain files: what is written where, and what is refused. The
 * kernel's own answers are seen on real Xen.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../supervisor/cgroup.c"

static char tree[] = "/tmp/test_cgroup.XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", tree, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", tree, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void assert_text(const char *name, const char *want)
{
    char got[512];
    int dir = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir >= 0 && read_text(dir, name, got, sizeof(got)) >= 0);
    close(dir);
    if (strcmp(got, want) != 0)
        fail_msg("%s holds \"%s\", not \"%s\"", name, got, want);
}

/* A delegated cgroup. Writes go over what is there: the controllers stand behind that room. */
static int setup(void **state)
{
    char pid[16];

    (void)state;
    snprintf(tree, sizeof(tree), "/tmp/test_cgroup.XXXXXX");
    if (mkdtemp(tree) == NULL)
        return -1;
    snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    put("cgroup.procs", pid);
    put("cgroup.subtree_control", "-------- cpu io memory\n");
    make(OWN);
    put(OWN "/cgroup.procs", "");
    make("worker-1-0-1");
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(tree, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_where(void **state)
{
    static const char mounts[] =
        "22 1 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
        "30 22 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "31 22 0:27 /part /elsewhere rw - cgroup2 cgroup2 rw\n"
        "32 22 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    static const char own[] = "12:memory:/x\n1:name=systemd:/y\n0::/system.slice/xen9pd.service\n";
    char path[128], small[16];
    const char *why;

    (void)state;
    assert_true(cgroup_path(own, mounts, path, sizeof(path), &why));
    assert_string_equal(path, "/sys/fs/cgroup/unified/system.slice/xen9pd.service");
    assert_false(cgroup_path(own, mounts, small, sizeof(small), &why));
    assert_false(cgroup_path("0::/\n", mounts, path, sizeof(path), &why));
    assert_non_null(strstr(why, "root cgroup"));
    assert_false(cgroup_path("1:name=systemd:/y\n", mounts, path, sizeof(path), &why));
    assert_non_null(strstr(why, "not mounted"));
    assert_false(cgroup_path(own, "", path, sizeof(path), &why));
    assert_true(cgroup_path("0::/a", mounts, path, sizeof(path), &why)); /* no newline */
}

static void test_open(void **state)
{
    struct cgroups *cs;
    const char *why;
    char path[64];

    (void)state;
    cs = cgroups_open(tree, false, &why);
    assert_non_null(cs);
    assert_true(cs->has[MEMORY] && cs->has[CPU] && cs->has[IO]);
    assert_text(OWN "/cgroup.procs", "0");
    assert_text("cgroup.subtree_control", "+iouory- cpu io memory\n");
    snprintf(path, sizeof(path), "%s/worker-1-0-1", tree);
    assert_int_not_equal(access(path, F_OK), 0); /* an earlier one's */
    cgroups_close(cs);
}

/* The mark, or being alone where there is no systemd. */
static void test_delegation(void **state)
{
    struct cgroups *cs;
    const char *why;

    (void)state;
    put("cgroup.procs", "1\n2\n");
    assert_null(cgroups_open(tree, true, &why));
    assert_non_null(strstr(why, "Delegate=yes"));
    if (setxattr(tree, "user.delegate", "1", 1, 0) != 0)
        skip(); /* a file system without such attributes */
    cs = cgroups_open(tree, true, &why);
    assert_non_null(cs);
    cgroups_close(cs);
    assert_int_equal(setxattr(tree, "user.delegate", "0", 1, 0), 0);
    assert_null(cgroups_open(tree, true, &why));
    assert_null(cgroups_open("/nonexistent", false, &why));
}

static void test_limits(void **state)
{
    const struct cgroup_limits all = {UINT64_C(256) << 20, 50, 200}, none = {0, 100, 100};
    struct cgroups *cs;
    const char *what;
    int dir;

    (void)state;
    cs = cgroups_open(tree, false, &what);
    assert_non_null(cs);
    make("w");
    put("w/memory.max", "");
    put("w/memory.oom.group", "");
    put("w/cpu.weight", "");
    put("w/io.weight", "");
    dir = openat(cs->fd, "w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(limit_all(cs, dir, &all, &what), 0);
    assert_text("w/memory.max", "268435456");
    assert_text("w/memory.oom.group", "1");
    assert_text("w/cpu.weight", "50");
    assert_text("w/io.weight", "default 200");
    assert_int_equal(limit_all(cs, dir, &none, &what), 0);
    assert_text("w/memory.max", "max435456"); /* of a plain file */
    assert_int_equal(cgroup_reweigh(cs, "w", &(struct cgroup_limits){0, 300, 100}, &what), 0);
    assert_text("w/cpu.weight", "300");
    assert_int_equal(cgroup_reweigh(cs, "x", &none, &what), -ENOENT);
    /* a controller that is not there matters only to who wants it */
    cs->has[MEMORY] = false;
    assert_int_equal(limit_all(cs, dir, &none, &what), 0);
    assert_int_equal(limit_all(cs, dir, &all, &what), -ENOTSUP);
    assert_string_equal(what, "memory.max");
    close(dir);
    cgroups_close(cs);
}

static void test_worker(void **state)
{
    const struct cgroup_limits none = {0, 100, 100}, wants = {4096, 100, 100};
    struct cgroups *cs;
    const char *what;
    char path[64];
    int dir;

    (void)state;
    cs = cgroups_open(tree, false, &what);
    assert_non_null(cs);
    dir = cgroup_make(cs, "worker-5-0-1", &none, &what);
    assert_true(dir >= 0);
    close(dir);
    assert_int_equal(cgroup_make(cs, "worker-5-0-1", &none, &what), -EEXIST);
    assert_false(cgroup_was_full(cs, "worker-5-0-1"));
    put("worker-5-0-1/memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n");
    assert_false(cgroup_was_full(cs, "worker-5-0-1"));
    put("worker-5-0-1/memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\n");
    assert_true(cgroup_was_full(cs, "worker-5-0-1"));
    cgroup_remove(cs, "worker-5-0-1"); /* busy, as far as this tree can be: nothing happens */
    snprintf(path, sizeof(path), "%s/worker-5-0-1/memory.events", tree);
    assert_int_equal(unlink(path), 0);
    cgroup_remove(cs, "worker-5-0-1");
    /* what cannot be limited is not left behind */
    assert_int_equal(cgroup_make(cs, "worker-5-0-2", &wants, &what), -ENOENT);
    assert_string_equal(what, "memory.max");
    snprintf(path, sizeof(path), "%s/worker-5-0-2", tree);
    assert_int_not_equal(access(path, F_OK), 0);
    cgroups_close(cs);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_where),  TEST(test_open),   TEST(test_delegation),
        TEST(test_limits), TEST(test_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
