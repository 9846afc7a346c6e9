/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_quota_store.c - counts of exports: who may share them, and that they are kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen9p/log.h"
#include "xen9p/loop.h"
#include "xen9p/quota_counts.h"
#include "xen9p/quota_store.h"

static char scratch[64], dir[80];
static struct loop *loop;

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    log_init("test", LOG_LEVEL_ERROR);
    snprintf(scratch, sizeof(scratch), "%s/xen9p-unit.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(scratch));
    snprintf(dir, sizeof(dir), "%s/state/quota", scratch);
    loop = loop_new();
    return loop != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    loop_free(loop);
    snprintf(command, sizeof(command), "rm -rf %s", scratch);
    return system(command) == 0 ? 0 : -1;
}

static struct quota_use *use(struct quota_store *qs, const char *path, uint32_t domid, bool counted,
                             bool writes, int want)
{
    const struct quota_claim claim = {path, domid, counted, writes};
    struct quota_use *u = NULL;
    const char *other = NULL;

    assert_int_equal(quota_store_use(qs, &claim, &u, &other), want);
    assert_true((want == 0) == (u != NULL));
    assert_true((want == -EBUSY) == (other != NULL));
    return u;
}

static void test_overlaps(void **state)
{
    struct quota_store *qs = quota_store_new(loop, dir);
    struct quota_use *a, *b, *c;
    const char *other;

    (void)state;
    a = use(qs, "/srv/a", 1, true, true, 0);
    b = use(qs, "/srv/a", 1, true, true, 0); /* a second device of the same domain */
    assert_int_equal(quota_use_fd(a), quota_use_fd(b));
    use(qs, "/srv/a", 2, false, true, -EBUSY);
    use(qs, "/srv/a/b", 2, true, true, -EBUSY);
    use(qs, "/srv/a/b", 1, false, true, -EBUSY); /* what it writes is in a's count, but not by a */
    use(qs, "/srv", 2, false, true, -EBUSY);
    quota_store_unuse(use(qs, "/srv", 2, true, false, 0)); /* only looks */
    quota_store_unuse(use(qs, "/srv/ab", 2, true, true, 0));
    quota_store_unuse(use(qs, "/srv/b", 2, true, true, 0));
    quota_store_unuse(a);
    use(qs, "/srv/a", 2, true, true, -EBUSY);
    quota_store_unuse(b);
    c = use(qs, "/srv/a", 2, false, true, 0);
    a = use(qs, "/srv/a/b", 3, false, true, 0); /* nobody counts: nobody is disturbed */
    /* a policy that is loaded again makes it count */
    assert_int_equal(
        quota_store_use(qs, &(struct quota_claim){"/srv/a", 2, true, true}, &c, &other), -EBUSY);
    assert_string_equal(other, "/srv/a/b");
    quota_store_unuse(a);
    assert_int_equal(
        quota_store_use(qs, &(struct quota_claim){"/srv/a", 2, true, true}, &c, &other), 0);
    use(qs, "/srv/a/b", 3, false, true, -EBUSY);
    quota_store_unuse(c);
}

static void set(struct quota_use *u, uint64_t space, uint64_t files)
{
    struct quota_counts *c = quota_counts_map(quota_use_fd(u));

    assert_non_null(c);
    atomic_store(&c->used[QUOTA_SPACE], space);
    atomic_store(&c->used[QUOTA_FILES], files);
    quota_counts_unmap(c);
}

static void assert_counts(struct quota_use *u, uint64_t space, uint64_t files)
{
    uint64_t s, f;

    quota_use_counts(u, &s, &f);
    assert_int_equal(s, space);
    assert_int_equal(f, files);
}

static void test_kept(void **state)
{
    struct quota_store *qs = quota_store_new(loop, dir);
    struct quota_use *a = use(qs, "/srv/a", 1, true, true, 0), *b;
    struct stat st;

    (void)state;
    b = use(qs, "/srv/with\nline", 2, true, true, 0);
    set(a, 4096, 7);
    set(b, UINT64_MAX, UINT64_MAX);
    quota_store_unuse(a);
    assert_counts(a = use(qs, "/srv/a", 5, true, true, 0), 4096, 7); /* in memory */
    quota_store_flush(qs, 5000);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    qs = quota_store_new(loop, dir); /* as another xen9pd */
    assert_counts(use(qs, "/srv/a", 1, true, true, 0), 4096, 7);
    assert_counts(use(qs, "/srv/with\nline", 1, true, true, 0), UINT64_MAX, UINT64_MAX);
    assert_counts(use(qs, "/srv/new", 1, true, true, 0), 0, 0);
    quota_store_unuse(a);
    quota_store_unuse(b);
}

/* What a crash or somebody's editor leaves: counted anew, and nothing worse. */
static void test_broken_files(void **state)
{
    static const char *const texts[] = {
        "",
        "xen9p-quota 1\n",
        "xen9p-quota 2\n1 1\n/srv/a\n",
        "xen9p-quota 1\n1\n/srv/a\n",
        "xen9p-quota 1\n1 x\n/srv/a\n",
        "xen9p-quota 1\n1 1\nsrv/a\n",
        "xen9p-quota 1\n1 1\n/srv/a",
        "xen9p-quota 1\n1 1 1\n/srv/a\n",
    };
    struct quota_store *qs = quota_store_new(loop, dir);

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%016zx", dir, i);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(texts[i], f);
        fclose(f);
    }
    assert_non_null(freopen("/dev/null", "w", stderr)); /* it complains about each */
    qs = quota_store_new(loop, dir);
    assert_counts(use(qs, "/srv/a", 1, true, true, 0), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_overlaps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_files, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
