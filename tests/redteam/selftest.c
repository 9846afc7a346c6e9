/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * selftest.c - the judge is not blind: with damage done on purpose, and with a filter that allows
 * everything, it says so.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../host/tap.h"
#include "run.h"

static struct run r;

static uint32_t number_of(const char *name)
{
    const struct attempt *a;

    for (uint32_t i = 0; (a = attempt_get(i)) != NULL; i++)
        if (strcmp(a->name, name) == 0)
            return i;
    FAIL("no attempt %s", name);
}

static const char *in(const char *dir, const char *name)
{
    static char path[300];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void setuid_file(void)
{
    MUST(chmod(in(r.scene.export, "file"), 04755));
}

static void device(void)
{
    MUST(mknod(in(r.scene.export, "dir/x"), S_IFCHR | 0600, 0x101));
}

static void capable_file(void)
{
    static const unsigned char cap[20] = {1, 0, 0, 2, 0x80};

    MUST(setxattr(in(r.scene.export, "file"), "security.capability", cap, sizeof(cap), 0));
}

static void other_code(void)
{
    int fd = open(in(r.scene.export, "suid"), O_WRONLY | O_APPEND | O_CLOEXEC);

    CHECK_EQ(write(fd, "x", 1), 1);
    MUST(fchmod(fd, 04755));
    close(fd);
}

static void outside_touched(void)
{
    MUST(utimensat(AT_FDCWD, in(r.scene.outside, "program"), NULL, 0));
}

static void neighbour_changed(void)
{
    MUST(unlink(in(r.scene.neighbourhood, "secret")));
}

static void secret_known(void)
{
    strcpy(r.scene.brief->loot + 100, r.scene.secret);
}

static void ring_grown(void)
{
    MUST(ftruncate(r.scene.ring_fd, 1 << 20));
}

static void mount_gone(void)
{
    MUST(umount2(in(r.scene.export, "mnt"), MNT_DETACH));
}

/* Everything is allowed in there: some of the attempts have an effect then, all end otherwise. */
static const struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};

static int open_filter(void)
{
    int fd = memfd_create("filter", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    MUST(fd);
    CHECK_EQ(write(fd, allow, sizeof(allow)), sizeof(allow));
    MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL));
    return fd;
}

static const struct check {
    const char *name;
    const char *attempt;
    void (*harm)(void); /* NULL: the attempt itself does it, without a filter */
    const char *verdict;
} checks[] = {
    {"setuid_file", "scribble_journal", setuid_file, "setuid"},
    {"device", "scribble_journal", device, "device"},
    {"capable_file", "scribble_journal", capable_file, "capabilities"},
    {"other_code", "scribble_journal", other_code, "setuid"},
    {"outside_touched", "scribble_journal", outside_touched, "outside have changed"},
    {"neighbour_changed", "scribble_journal", neighbour_changed, "neighbour's files"},
    {"secret_known", "scribble_journal", secret_known, "read the secret"},
    {"ring_grown", "scribble_journal", ring_grown, "rings have another size"},
    {"mount_gone", "scribble_journal", mount_gone, "other mounts"},
    {"no_filter_setuid", "chmod_setuid", NULL, "setuid"},
    {"no_filter_create", "create_setuid", NULL, "setuid"},
    {"no_filter_socket", "socket_unix", NULL, "another way"},
    {"no_filter_kill", "kill_supervisor", NULL, "another way"},
};
#define NUM_CHECKS (sizeof(checks) / sizeof(checks[0]))

static struct tap_case cases[NUM_CHECKS];

static void run_check(void)
{
    const struct check *c = &checks[tap_running() - cases];
    const char *wrong;

    r.number = number_of(c->attempt);
    if (c->harm == NULL)
        r.filter_fd = open_filter();
    run_it(&r);
    if (c->harm != NULL) {
        CHECK(run_verdict(&r) == NULL);
        c->harm();
    }
    wrong = run_verdict(&r);
    if (wrong == NULL || strstr(wrong, c->verdict) == NULL)
        FAIL("%s, expected: %s", wrong != NULL ? wrong : "held", c->verdict);
}

const struct tap_suite *selftest_suite(void)
{
    static const struct tap_suite suite = {"judge", cases, NUM_CHECKS};

    for (size_t i = 0; i < NUM_CHECKS; i++)
        cases[i] = (struct tap_case){checks[i].name, run_check, TAP_JAILED, 0};
    return &suite;
}
