/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_locks.c - Tlock and Tgetlock: against processes of the host, other guests and within one; how locks end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "locking.h"
#include "suites.h"

static void owners_and_ranges(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    struct p9_lock other = {.type = WR, .len = 10, .proc_id = 100, .client = "another"};

    CHECK_EQ(lock(&c, 1, WR, 0, 10, 100), GRANTED);
    CHECK_EQ(lock(&c, 2, WR, 0, 10, 100), GRANTED); /* the same process, another fid */
    CHECK_EQ(lock(&c, 2, RD, 5, 1, 100), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 5, 1, 100), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 9, 1, 200), BLOCKED);
    CHECK_EQ(lock(&c, 1, RD, 0, 1, 200), BLOCKED);
    CHECK_EQ(lock(&c, 1, WR, 10, 5, 200), GRANTED); /* beside it */
    CHECK_OK(p9c_lock(&c, 1, &other));
    CHECK_EQ(other.status, BLOCKED);               /* the same number in another client */
    CHECK_EQ(lock(&c, 1, UN, 3, 2, 100), GRANTED); /* a hole */
    CHECK_EQ(lock(&c, 1, WR, 3, 2, 200), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 2, 1, 200), BLOCKED);
    CHECK_EQ(lock(&c, 1, WR, 5, 1, 200), BLOCKED);
    CHECK_EQ(lock(&c, 1, RD, 0, 3, 100), GRANTED); /* less than before */
    CHECK_EQ(lock(&c, 1, RD, 0, 3, 200), GRANTED); /* readers share */
    CHECK_EQ(lock(&c, 1, WR, 0, 1, 100), BLOCKED);
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 200), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 100), GRANTED);
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 300), GRANTED); /* of nobody: nothing to do */
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 100), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 200), GRANTED);
    rig_end(g);
}

/* A length of 0 is to the end, however far; what is no range is EINVAL. */
static void range_bounds(void)
{
    const uint64_t last = INT64_MAX;
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    struct p9_lock l = {.type = 3, .client = "guest"};

    CHECK_EQ(lock(&c, 1, WR, 1000, 0, 1), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, last, 1, 2), BLOCKED);
    CHECK_EQ(lock(&c, 1, WR, 1ull << 62, 5, 2), BLOCKED);
    CHECK_EQ(lock(&c, 1, WR, 0, 1000, 2), GRANTED);
    CHECK_EQ(lock(&c, 1, UN, last, 0, 1), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, last, 1, 2), GRANTED);
    CHECK_ERR(p9c_lock(&c, 1, &l), EINVAL);
    l.type = WR;
    l.start = 1ull << 63;
    CHECK_ERR(p9c_lock(&c, 1, &l), EINVAL);
    l.start = 2;
    l.len = last;
    CHECK_ERR(p9c_lock(&c, 1, &l), EINVAL);
    l.len = UINT64_MAX;
    CHECK_ERR(p9c_lock(&c, 1, &l), EINVAL);
    l.len = 1;
    l.flags = 4;
    CHECK_ERR(p9c_lock(&c, 1, &l), EINVAL);
    CHECK_ERR(p9c_getlock(&c, 77, &l), EBADF);
    l.type = 9;
    CHECK_ERR(p9c_getlock(&c, 1, &l), EINVAL);
    rig_end(g);
}

static void fids_that_cannot_be_locked(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    struct p9_lock l = {.type = WR, .client = "guest"};
    char *name = calloc(1, 400);

    CHECK_OK(p9c_walk(&c, 0, 10, "f"));
    CHECK_ERR(p9c_lock(&c, 10, &l), EBADF); /* not open */
    CHECK_ERR(p9c_getlock(&c, 10, &l), EBADF);
    CHECK_OK(p9c_clunk(&c, 10));
    CHECK_ERR(p9c_lock(&c, 10, &l), EBADF);
    CHECK_ERR(p9c_lock(&c, P9_NOFID, &l), EBADF);
    memset(name, 'n', 399);
    l.client = name;
    CHECK_ERR(p9c_lock(&c, 1, &l), EINVAL);
    name[255] = '\0';
    CHECK_OK(p9c_lock(&c, 1, &l));
    CHECK_EQ(l.status, GRANTED);
    free(name);
    rig_end(g);
}

static void host_processes_see_them(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    int fd = host_open(g, "f", O_RDWR);

    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 10), 0);
    CHECK_EQ(lock(&c, 1, WR, 5, 1, 1), BLOCKED);
    CHECK_EQ(lock(&c, 1, RD, 5, 1, 1), BLOCKED);
    CHECK_EQ(lock(&c, 1, WR, 10, 10, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_RDLCK, 10, 1), EAGAIN);
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    CHECK_EQ(lock(&c, 1, RD, 0, 0, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_RDLCK, 0, 0), 0);
    CHECK_EQ(host_lock(fd, F_WRLCK, 15, 1), EAGAIN);
    CHECK_EQ(lock(&c, 1, WR, 15, 1, 1), BLOCKED);
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    close(fd);
    rig_end(g);
}

static void other_guests_see_them(void)
{
    struct p9c a, b;
    struct rig *ga = lock_rig(&a, (struct rig_config){0});
    struct rig *gb = lock_rig(&b, (struct rig_config){.export = ga->root});

    CHECK_EQ(lock(&a, 1, WR, 0, 10, 7), GRANTED);
    CHECK_EQ(lock(&b, 1, WR, 0, 10, 7), BLOCKED); /* however alike they call themselves */
    CHECK_EQ(lock(&b, 1, WR, 10, 10, 7), GRANTED);
    CHECK_EQ(lock(&a, 1, RD, 19, 1, 7), BLOCKED);
    CHECK_EQ(lock(&a, 1, UN, 0, 0, 7), GRANTED);
    CHECK_EQ(lock(&b, 1, WR, 0, 10, 7), GRANTED);
    rig_kill(gb); /* a worker's locks end with it */
    CHECK_EQ(lock(&a, 1, WR, 0, 0, 7), GRANTED);
    rig_end(ga);
}

static void getlock_tells_who(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    struct p9_lock l = {.type = UN, .start = 3, .len = 4, .proc_id = 2, .client = "guest"};
    int fd = host_open(g, "f", O_RDWR);

    CHECK_OK(p9c_getlock(&c, 1, &l)); /* nobody: as it was asked, but for the type */
    CHECK(l.type == UN && l.start == 3 && l.len == 4 && l.proc_id == 2);
    CHECK(strcmp(l.got_client, "guest") == 0);
    CHECK_EQ(lock(&c, 1, RD, 5, 0, 1), GRANTED);
    l = (struct p9_lock){.type = UN, .len = 10, .proc_id = 2, .client = "guest"};
    CHECK_OK(p9c_getlock(&c, 2, &l)); /* Linux asks so: it means a write lock */
    CHECK(l.type == RD && l.start == 5 && l.len == 0 && l.proc_id == 1);
    CHECK(strcmp(l.got_client, "guest") == 0);
    l = (struct p9_lock){.type = RD, .len = 10, .proc_id = 2, .client = "guest"};
    CHECK_OK(p9c_getlock(&c, 2, &l));
    CHECK_EQ(l.type, UN);
    l = (struct p9_lock){.type = WR, .len = 10, .proc_id = 1, .client = "guest"};
    CHECK_OK(p9c_getlock(&c, 2, &l)); /* its own is not in its way */
    CHECK_EQ(l.type, UN);
    CHECK_EQ(host_lock(fd, F_RDLCK, 20, 7), 0);
    l = (struct p9_lock){.type = WR, .start = 6, .proc_id = 1, .client = "guest"};
    CHECK_OK(p9c_getlock(&c, 1, &l)); /* a process of the host */
    CHECK(l.type == RD && l.start == 20 && l.len == 7 && l.proc_id == 0);
    CHECK(strcmp(l.got_client, "") == 0);
    l = (struct p9_lock){.type = WR, .start = 20, .proc_id = 3, .client = "guest"};
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    CHECK_OK(p9c_getlock(&c, 1, &l)); /* asked by who has never had a lock */
    CHECK(l.type == RD && l.start == 20 && l.len == 7);
    close(fd);
    rig_end(g);
}

/* `flock -x` on what cannot be opened for writing: a directory, and anything of a read-only export. */
static void whole_file_locks_without_write_access(void)
{
    struct p9c a, b, c;
    struct rig *ga = lock_rig(&a, (struct rig_config){.flags = CTL_FLAG_READ_ONLY});
    struct rig *gb =
        lock_rig(&b, (struct rig_config){.flags = CTL_FLAG_READ_ONLY, .export = ga->root});
    struct rig *gc = lock_rig(&c, (struct rig_config){.export = ga->root});
    struct p9_lock part = {.type = WR, .start = 1, .proc_id = 1, .client = "guest"};
    int fd = host_open(ga, "f", O_RDWR), dir = host_open(ga, "d", O_RDONLY | O_DIRECTORY);

    for (uint32_t fid = 1; fid <= 3; fid += 2) { /* the file, the directory */
        int host = fid == 1 ? fd : dir;

        CHECK_ERR(p9c_lock(&a, fid, &part), EBADF);
        CHECK_EQ(lock(&a, fid, WR, 0, 0, 1), GRANTED);
        CHECK_EQ(lock(&a, fid, WR, 0, 0, 2), BLOCKED);
        CHECK_EQ(lock(&a, fid, RD, 5, 5, 2), BLOCKED);
        CHECK_EQ(lock(&b, fid, WR, 0, 0, 1), BLOCKED); /* another guest */
        CHECK_EQ(lock(&b, fid, RD, 0, 0, 1), BLOCKED);
        CHECK(flock(host, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK); /* and the host */
        CHECK_EQ(lock(&a, fid, RD, 0, 0, 1), GRANTED);
        CHECK_EQ(lock(&a, fid, RD, 0, 0, 2), GRANTED);
        CHECK_EQ(lock(&b, fid, RD, 7, 2, 1), GRANTED);
        CHECK_EQ(lock(&a, fid, WR, 0, 0, 1), BLOCKED);
        CHECK_EQ(lock(&a, fid, RD, 0, 0, 1), GRANTED); /* what it had is not lost */
        CHECK_EQ(lock(&b, fid, UN, 0, 0, 1), GRANTED);
        CHECK_EQ(lock(&a, fid, UN, 0, 0, 2), GRANTED);
        CHECK_EQ(lock(&a, fid, WR, 0, 0, 1), GRANTED);
        CHECK_EQ(lock(&a, fid, UN, 0, 0, 1), GRANTED);
        CHECK_EQ(flock(host, LOCK_EX | LOCK_NB), 0);
        CHECK_EQ(lock(&a, fid, RD, 0, 0, 1), BLOCKED);
        CHECK_EQ(flock(host, LOCK_UN), 0);
        CHECK_EQ(lock(&a, fid, RD, 0, 0, 1), GRANTED);
    }
    /* Who may write is kept out by who may only read, and the other way round. */
    CHECK_EQ(lock(&c, 1, WR, 0, 10, 1), BLOCKED);
    CHECK_EQ(lock(&a, 1, UN, 0, 0, 1), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 0, 10, 1), GRANTED);
    CHECK_EQ(lock(&a, 1, WR, 0, 0, 1), BLOCKED);
    CHECK_EQ(lock(&a, 1, RD, 0, 0, 1), BLOCKED);
    CHECK_EQ(lock(&a, 1, RD, 10, 0, 1), GRANTED);
    close(fd);
    close(dir);
    rig_end(ga);
    rig_end(gb);
    rig_end(gc);
}

/* With the last fid through which its owner has locked; not with another one. */
static void released_by_clunk_and_version(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    int fd = host_open(g, "f", O_RDWR);

    CHECK_EQ(lock(&c, 1, WR, 0, 10, 1), GRANTED);
    CHECK_EQ(lock(&c, 2, WR, 20, 10, 1), GRANTED);
    CHECK_EQ(lock(&c, 2, WR, 40, 10, 2), GRANTED);
    CHECK_OK(p9c_clunk(&c, 2));
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 10), EAGAIN);
    CHECK_EQ(host_lock(fd, F_WRLCK, 20, 10), EAGAIN);
    CHECK_EQ(host_lock(fd, F_WRLCK, 40, 10), 0); /* 2 had no other */
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_RDLCK, 0, 1), EAGAIN);
    p9c_mount(&c, g);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDWR));
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    CHECK_OK(p9c_unlinkat(&c, 0, "f", 0)); /* of a file without a name */
    CHECK_EQ(lock(&c, 1, RD, 0, 0, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 1), EAGAIN);
    CHECK(p9c_remove(&c, 1) != 0);
    rig_end(g);
    CHECK_EQ(host_lock(fd, F_WRLCK, 0, 0), 0);
    close(fd);
}

/* --- how locks end, and who sees it --- */

static void end_by_clunk(struct p9c *c)
{
    CHECK_OK(p9c_clunk(c, 1));
}

static void end_by_remove(struct p9c *c)
{
    CHECK(p9c_remove(c, 1) != 0 || (c->rig->cfg.flags & CTL_FLAG_READ_ONLY) == 0);
}

static void end_by_version(struct p9c *c)
{
    char got[16];

    CHECK_OK(p9c_version(c, 8192, "9P2000.L", got)); /* NOTAG: on the last ring */
}

static void end_by_version_of_another_dialect(struct p9c *c)
{
    char got[16];

    c->ring = 0;
    CHECK_OK(p9c_version(c, 8192, "9P2000.u", got));
}

static void end_by_stop(struct p9c *c)
{
    rig_end(c->rig);
}

static void end_by_death(struct p9c *c)
{
    rig_kill(c->rig);
}

struct ending {
    const char *what;
    void (*end)(struct p9c *c);
    bool worker; /* which ends with it */
};

static const struct ending endings[] = {
    {"Tclunk", end_by_clunk, false},
    {"Tremove", end_by_remove, false},
    {"Tversion", end_by_version, false},
    {"Tversion of another dialect", end_by_version_of_another_dialect, false},
    {"CTL_STOP", end_by_stop, true},
    {"the worker's death", end_by_death, true},
};

/* A range where the holder may write, the whole file where it may not. */
static void ends_with(const struct ending *e, uint32_t flags)
{
    char dir[128];
    struct rig_config cfg = {.export = dir, .flags = flags};
    const bool whole = (flags & CTL_FLAG_READ_ONLY) != 0;
    const uint64_t start = whole ? 0 : 10, len = whole ? 0 : 10;
    struct p9c holder, other;
    struct rig *g, *beside;
    int fd;

    tap_note("%s, flags %u", e->what, flags);
    snprintf(dir, sizeof(dir), "%s/%u-%zu", tap_dir(), flags, (size_t)(e - endings));
    MUST(mkdir(dir, 0755));
    g = lock_rig(&holder, cfg);
    beside = lock_rig(&other, cfg);
    fd = host_open(g, "f", O_RDWR);
    CHECK_EQ(lock(&holder, 1, WR, start, len, 7), GRANTED);
    CHECK_EQ(lock(&other, 1, WR, start, len, 8), BLOCKED);
    CHECK_EQ(host_lock(fd, F_WRLCK, 15, 1), EAGAIN);
    e->end(&holder);
    /* at once: it has been answered, and nothing is left to wait for */
    CHECK_EQ(host_lock(fd, F_WRLCK, 15, 1), 0);
    CHECK_EQ(host_lock(fd, F_UNLCK, 0, 0), 0);
    CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
    CHECK_EQ(flock(fd, LOCK_UN), 0);
    CHECK_EQ(lock(&other, 1, WR, start, len, 8), GRANTED);
    close(fd);
    rig_end(beside);
    if (!e->worker)
        rig_end(g);
}

static void ended_in_every_way(void)
{
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        ends_with(&endings[i], 0);
        ends_with(&endings[i], CTL_FLAG_READ_ONLY);
    }
}

/* `flock -x` on a descriptor that only reads, where the policy lets the guest write: the same lock as any other. */
static void write_locks_of_readers(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_lock l = {.type = WR, .start = 3, .len = 4, .proc_id = 2, .client = "guest"};
    struct p9c c;
    int fd = openat(g->root_fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    MUST(fd);
    p9c_mount(&c, g);
    for (uint32_t fid = 1; fid <= 2; fid++) {
        CHECK_OK(p9c_walk(&c, 0, fid, "f"));
        CHECK_OK(p9c_lopen(&c, fid, fid == 1 ? P9_L_RDONLY : P9_L_WRONLY));
    }
    CHECK_EQ(lock(&c, 1, WR, 0, 0, 1), GRANTED);
    CHECK_EQ(host_lock(fd, F_RDLCK, 5, 1), EAGAIN);
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    CHECK_EQ(lock(&c, 1, WR, 10, 5, 1), GRANTED); /* and a part */
    CHECK_EQ(host_lock(fd, F_RDLCK, 5, 1), 0);
    CHECK_EQ(host_lock(fd, F_RDLCK, 12, 1), EAGAIN);
    CHECK_EQ(lock(&c, 2, RD, 20, 5, 1), GRANTED); /* a read lock of who only writes */
    CHECK_EQ(host_lock(fd, F_RDLCK, 20, 1), 0);
    CHECK_EQ(host_lock(fd, F_WRLCK, 24, 1), EAGAIN);
    CHECK_OK(p9c_getlock(&c, 2, &l));
    CHECK(l.type == RD && l.start == 5 && l.len == 1 && l.proc_id == 0); /* the host's */
    close(fd);
    rig_end(g);
}

/* After a crash of a server a client asks with RECLAIM; nothing is kept that it could claim: a lock like any other. */
static void reclaim_is_a_lock_like_any_other(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){0});
    struct p9_lock l = {
        .type = WR, .flags = P9_LOCK_FLAG_RECLAIM, .len = 10, .proc_id = 1, .client = "guest"};

    CHECK_OK(p9c_lock(&c, 1, &l));
    CHECK_EQ(l.status, GRANTED);
    CHECK_EQ(lock(&c, 2, RD, 5, 1, 2), BLOCKED);
    l.proc_id = 2;
    CHECK_OK(p9c_lock(&c, 1, &l));
    CHECK_EQ(l.status, BLOCKED);
    rig_end(g);
}

/* Who is in the way of a whole-file lock where nothing can be written: told as for a range. */
static void getlock_without_write_access(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){.flags = CTL_FLAG_READ_ONLY});

    for (uint32_t fid = 1; fid <= 3; fid += 2) { /* the file, the directory */
        struct p9_lock l = {.type = RD, .proc_id = 2, .client = "guest"};

        CHECK_EQ(lock(&c, fid, WR, 0, 0, 1), GRANTED);
        CHECK_OK(p9c_getlock(&c, fid, &l));
        CHECK(l.type == WR && l.start == 0 && l.len == 0 && l.proc_id == 1);
        CHECK(strcmp(l.got_client, "guest") == 0);
        l = (struct p9_lock){.type = WR, .proc_id = 1, .client = "guest"};
        CHECK_OK(p9c_getlock(&c, fid, &l)); /* its own */
        CHECK_EQ(l.type, UN);
    }
    rig_end(g);
}

static void bounded_by_max_locks(void)
{
    struct p9c c;
    struct rig *g = lock_rig(&c, (struct rig_config){.policy.max_locks = 8});
    struct p9_lock l = {.type = WR, .start = 100, .len = 1, .proc_id = 1, .client = "guest"};

    for (uint32_t i = 0; i < 8; i++) /* ranges of one owner */
        CHECK_EQ(lock(&c, 1, WR, i * 2, 1, 1), GRANTED);
    CHECK_ERR(p9c_lock(&c, 1, &l), ENOLCK);
    l.proc_id = 2;
    CHECK_ERR(p9c_lock(&c, 1, &l), ENOLCK);
    CHECK_EQ(lock(&c, 1, WR, 0, 15, 1), GRANTED); /* eight become one */
    l.type = UN;
    l.proc_id = 1;
    for (uint32_t i = 0; i < 7; i++)
        CHECK_EQ(lock(&c, 1, UN, 1 + 2 * i, 1, 1), GRANTED);
    l.start = 0;
    CHECK_OK(p9c_lock(&c, 1, &l));
    CHECK_EQ(lock(&c, 1, UN, 0, 0, 1), GRANTED);
    for (uint32_t i = 0; i < 8; i++) /* owners */
        CHECK_EQ(lock(&c, 1, RD, 0, 1, 10 + i), GRANTED);
    l = (struct p9_lock){.type = RD, .proc_id = 99, .client = "guest"};
    CHECK_ERR(p9c_lock(&c, 1, &l), ENOLCK);
    CHECK_OK(p9c_clunk(&c, 1));
    CHECK_OK(p9c_lock(&c, 2, &l));
    CHECK_EQ(l.status, GRANTED);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"owners_and_ranges", owners_and_ranges, 0, 0},
    {"range_bounds", range_bounds, 0, 0},
    {"fids_that_cannot_be_locked", fids_that_cannot_be_locked, 0, 0},
    {"host_processes_see_them", host_processes_see_them, 0, 0},
    {"other_guests_see_them", other_guests_see_them, 0, 0},
    {"getlock_tells_who", getlock_tells_who, 0, 0},
    {"whole_file_locks_without_write_access", whole_file_locks_without_write_access, 0, 0},
    {"released_by_clunk_and_version", released_by_clunk_and_version, 0, 0},
    {"ended_in_every_way", ended_in_every_way, 0, 180},
    {"write_locks_of_readers", write_locks_of_readers, 0, 0},
    {"reclaim_is_a_lock_like_any_other", reclaim_is_a_lock_like_any_other, 0, 0},
    {"getlock_without_write_access", getlock_without_write_access, 0, 0},
    {"bounded_by_max_locks", bounded_by_max_locks, 0, 0},
};
TAP_SUITE(locks, cases);
