/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_idpool.c - ranges of ids: no two domains ever have one in common, whatever happens to the
 * file that remembers them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen9p/idpool.h"
#include "xen9p/limits.h"

static char folder[64], path[128], why[512];
static const struct id_range none = {0, 0}, pool = {0x50000000, 4 * LIMIT_IDS};
static struct id_range reserved; /* by the policy */

static bool taken(void *arg, struct id_range r)
{
    (void)arg;
    return r.first == reserved.first && reserved.count != 0;
}

static int take(struct idpool *p, const char *key, struct id_range fixed, struct id_range *out)
{
    why[0] = '\0';
    return idpool_take(p, key, fixed, pool, taken, NULL, out, why, sizeof(why));
}

static int set_up(void **state)
{
    (void)state;
    reserved = none;
    snprintf(folder, sizeof(folder), "/tmp/xen9p-unit.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/state/id-ranges", folder);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? 0 : -1;
}

static void write_state(const char *text)
{
    char dir[96];
    FILE *f;

    snprintf(dir, sizeof(dir), "%s/state", folder);
    (void)mkdir(dir, 0700);
    f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void given_and_remembered(void **state)
{
    struct idpool *p = idpool_new(path);
    struct id_range a, b, c, again;
    struct stat st;

    (void)state;
    assert_int_equal(take(p, "name:a", none, &a), 0);
    assert_int_equal(take(p, "name:b", none, &b), 0);
    assert_int_equal(a.first, pool.first);
    assert_int_equal(a.count, LIMIT_IDS);
    assert_int_equal(b.first, pool.first + LIMIT_IDS);
    assert_int_equal(take(p, "name:a", none, &again), 0);
    assert_int_equal(again.first, a.first);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    idpool_free(p);
    /* another xen9pd */
    p = idpool_new(path);
    assert_int_equal(take(p, "name:c", none, &c), 0);
    assert_int_equal(c.first, pool.first + 2 * LIMIT_IDS);
    assert_int_equal(take(p, "name:b", none, &again), 0);
    assert_int_equal(again.first, b.first);
    assert_int_equal(take(p, "name:d", none, &again), 0);
    assert_int_equal(take(p, "name:e", none, &again), -ENOSPC);
    assert_non_null(strstr(why, "identity-pool"));
    idpool_free(p);
}

static void fixed_ranges(void **state)
{
    const struct id_range mine = {pool.first + 100, 1000}, moved = {0x60000000, 1000};
    struct idpool *p = idpool_new(path);
    struct id_range out;

    (void)state;
    assert_int_equal(take(p, "name:a", mine, &out), 0);
    assert_int_equal(out.first, mine.first);
    assert_int_equal(out.count, 1000);
    /* the pool goes around it, and around what the policy has for somebody not seen yet */
    reserved = (struct id_range){pool.first + LIMIT_IDS, LIMIT_IDS};
    assert_int_equal(take(p, "name:b", none, &out), 0);
    assert_int_equal(out.first, pool.first + 2 * LIMIT_IDS);
    /* nobody else's, not even a part */
    assert_int_equal(take(p, "name:c", (struct id_range){mine.first + 999, 1}, &out), -EEXIST);
    assert_non_null(strstr(why, "name:a"));
    assert_int_equal(take(p, "name:c", (struct id_range){mine.first + 1000, 1}, &out), 0);
    /* a new one leaves the old one reserved: its files are somewhere */
    assert_int_equal(take(p, "name:a", moved, &out), 0);
    assert_int_equal(take(p, "name:a", none, &out), 0);
    assert_int_equal(out.first, moved.first);
    assert_int_equal(take(p, "name:d", mine, &out), -EEXIST);
    assert_int_equal(take(p, "name:a", mine, &out), 0);
    idpool_free(p);
}

/* What is not understood could be a range: nothing is given out. */
static void broken_file(void **state)
{
    static const char *const broken[] = {
        "x\n",
        "1 2\n",
        "1 2 \n",
        "1 0 name:a\n",
        "1 2 name:a",
        "-1 2 name\n",
        "4294967296 1 n\n",
        "# fine\n1  2 n\n",
        "0x10 1 name:a\n",
        "\n",
    };
    struct id_range out;

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct idpool *p = idpool_new(path);

        write_state(broken[i]);
        assert_int_equal(take(p, "name:a", none, &out), -EBADMSG);
        assert_non_null(strstr(why, "id-ranges:"));
        write_state("# mended\n1342177280 65536 name:other\n");
        assert_int_equal(take(p, "name:a", none, &out), 0);
        assert_int_equal(out.first, pool.first + LIMIT_IDS);
        idpool_free(p);
    }
}

/* A range that cannot be remembered is not given; a half-written file is not the file. */
static void disk_trouble(void **state)
{
    struct idpool *p = idpool_new(path);
    struct id_range out;
    char fresh[160];

    (void)state;
    write_state("");
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    assert_int_equal(mkdir(fresh, 0700), 0); /* in the way of the new file */
    assert_int_equal(take(p, "name:a", none, &out), -EISDIR);
    assert_non_null(strstr(why, "cannot be written"));
    assert_int_equal(rmdir(fresh), 0);
    assert_int_equal(take(p, "name:b", none, &out), 0);
    assert_int_equal(out.first, pool.first);
    idpool_free(p);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    p = idpool_new(path);
    assert_int_equal(take(p, "name:a", none, &out), -ELOOP);
    idpool_free(p);
}

static void keys(void **state)
{
    char key[IDPOOL_KEY_MAX], name[1024];

    (void)state;
    idpool_key("name", "acme-web.1", key);
    assert_string_equal(key, "name:acme-web.1");
    idpool_key("name", "a b\n%\xff", key);
    assert_string_equal(key, "name:a%20b%0a%25%ff");
    memset(name, '\n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    idpool_key("path", name, key);
    assert_true(strlen(key) < IDPOOL_KEY_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(given_and_remembered), TEST(fixed_ranges), TEST(broken_file),
        TEST(disk_trouble),         TEST(keys),
    };

    return cmocka_run_group_tests_name("idpool", tests, NULL, NULL);
}
