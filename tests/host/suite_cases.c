/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_cases.c - every case that has broken other servers, and where it is tested; those that had no
 * place elsewhere are here.
 *
 * Decoder
 *   size 0 to 6                         hostile.size_0_to_6
 *   larger than msize, than the ring    malformed.larger_than_msize_but_not_than_the_ring,
 *                                       hostile.size_over_the_ring
 *   size and content disagree           malformed.truncated_at_every_byte, malformed.noise,
 *                                       files.write_count_and_content_disagree
 *   trailing bytes                      malformed.trailing_bytes
 *   string past the end                 malformed.strings_past_the_end
 *   nwname 17, 65535                    session.walk_nwname_17_65535
 *   Twstat with a wrong n               ustat.wstat_malformed
 *   NUL, "/", "", ".", "..", 256 bytes  malformed.names_that_are_none, ucreate.rules,
 *                                       ustat.wstat_refusals; symlink targets: names.symlink_rules
 *   R-types, unknown types              session.unknown_and_reply_types, u.other_messages
 *   counts 0 and ~0, offsets near 2^63  files.read_counts_and_offsets, names.readdir_rules,
 *                                       u.directory_offsets, cases.counts_and_offsets_of_writes
 * Session
 *   first message not Tversion          session.first_message_not_version, clients.before_version
 *   msize 0, 6, 4095, 4 GiB             session.version_msize_0_6_4095, session.version_bounds,
 *                                       clients.msize_bounds
 *   Tversion in the middle of I/O       hostile.version_in_the_middle_of_io,
 *                                       clients.version_in_the_middle, rings.version_beside_a_full_ring,
 *                                       parallel.version_does_not_wait
 *   Tversion on the second ring         session.version_on_second_ring_drops_fids
 *   dialect switched                    clients.dialects_change
 *   attach on a used fid, afid garbage  session.attach_on_used_fid_and_nofid, session.attach_afid
 * Tags and fids
 *   duplicate tag in flight             hostile.duplicate_tags_in_flight, hostile.one_tag_on_both_rings,
 *                                       parallel.duplicate_tag_of_a_blocked_request
 *   NOTAG                               hostile.notag_as_a_tag
 *   flush of itself, of a flush, storms session.flush_of_nothing, hostile.flush_chain,
 *                                       hostile.flush_storm, hostile.flush_storm_over_the_bound
 *   flush on the other ring             parallel.flush_waits_for_the_reply, clients.flushes
 *   fid exhaustion                      session.fid_exhaustion
 *   NOFID, clunked and unknown fids     cases.fids_that_are_none, session.walk_fids
 *   newfid in use                       session.walk_fids, xattr.fids_of_attributes
 *   operations on attribute fids        xattr.fids_of_attributes
 *   operations on open fids, double     cases.open_fids, cases.open_fids_of_u
 *   open, create on a file or open fid
 * Paths
 *   ".." of a directory moved away      escape.dotdot_out_of_a_directory_moved_away,
 *                                       deep.moved_out_by_the_host
 *   host swaps directory and symlink    escape.host_swaps_directory_and_symlink
 *   absolute symlinks                   escape.symlinks_are_never_followed
 *   link of a fid of another attach     names.link_rules
 *   directory into its child            names.rename_directory_into_its_child
 *   rename, unlink, remove of the root  names.rename_unlink_remove_of_the_root
 * Types
 *   open of FIFO, socket, device, link  escape.special_files_are_never_opened, files.open_modes
 *   mknod of devices                    names.mknod_rules, ucreate.extensions
 *   TRUNC on a read-only export         files.read_only_export, u.read_only
 * Xattr
 *   size 2^64-1                         xattr.size_bounds
 *   write past the end, early clunk     xattr.size_and_content_disagree
 *   security.*, trusted.*, user.virtfs. xattr.namespaces_that_are_not_the_guests
 * Readdir
 *   any cookie                          names.readdir_20000_any_cookie,
 *                                       names.readdir_any_cookie_of_ones_own
 *   count below one entry               names.readdir_rules
 *   1 M entries, read while they        cases.large_directory_that_changes, and in check-long
 *   change; deleted meanwhile           cases.a_million_entries; names.readdir_directory_changed_meanwhile
 * Quota
 *   truncate to 2^62, sparse            quota.space_exact, quota.space_sparse
 *   link and unlink churn               counts.churn, quota.links_and_orphans
 *   open-unlinked space                 quota.links_and_orphans, counts.orphan_of_the_dead
 * Ring
 *   out_prod too far, backwards         hostile.out_prod_too_far, hostile.out_prod_backwards
 *   changed during the copy             hostile.requests_changed_during_the_copy
 *   ring_order changed after the map    hostile.ring_order_changed_after_the_map
 *   order 0, 10, large; wrong grants    tests/xen/t/hostile.sh; of a worker: lockdown config.bad_fields
 *   in_cons never moving                rings.back_pressure, ending.drain_with_a_full_in_ring
 *   one free byte for ever              hostile.one_free_byte_forever
 *   a header only                       hostile.a_header_only, hostile.partial_header
 *   event storms                        hostile.event_storm
 *   states that flap                    tests/xen/t/hostile.sh, unit test_device
 *
 * What must keep working on an open or walked fid, after unlink, rename, rename of a parent and rename
 * over it, for files, directories and symlinks: kept.*; further semantics.unlinked_open_file,
 * semantics.renamed_open_file, semantics.renamed_over_file, semantics.renamed_parent,
 * semantics.removed_directory, xattr.unlinked_and_renamed_files_keep_them, deep.by_fid,
 * cases.symlinks_without_their_name, cases.directories_without_their_name. suid and sgid fall:
 * cases.suid_falls_on_a_write.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"
#include "xen9p/lock.h"

static void touch(int dir, const char *path)
{
    int fd = openat(dir, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    MUST(fd);
    close(fd);
}

static void counts_and_offsets_of_writes(void)
{
    static const uint64_t offsets[] = {INT64_MAX, 1ull << 63, UINT64_MAX - 1, UINT64_MAX};
    struct rig *g = rig_new(NULL);
    struct p9_attr a = {0};
    struct p9c c;
    uint32_t n;

    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, ""));
    CHECK_OK(p9c_lcreate(&c, 1, "f", P9_L_RDWR | P9_L_CREAT, 0644));
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        int err = p9c_write(&c, 1, offsets[i], "xy", 2, &n);

        CHECK(err == EINVAL || err == EFBIG);
        a.size = offsets[i];
        err = p9c_setattr(&c, 1, P9_SETATTR_SIZE, &a);
        CHECK(err == EINVAL || err == EFBIG);
    }
    CHECK(p9c_rpc(&c, P9_TWRITE, "dqdB", 1u, (uint64_t)0, UINT32_MAX, (size_t)4, "data") != 0);
    CHECK_OK(p9c_write(&c, 1, 0, "", 0, &n));
    CHECK_EQ(n, 0);
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.size, 0);
    rig_end(g);
}

/* Every message with a fid, over one that is NOFID, clunked or never was. */
static void fids_that_are_none(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_statfs fs;
    struct p9_attr a = {0};
    struct p9_lock l = {.type = P9_LOCK_RDLCK, .client = "x"};
    struct p9c c;
    uint64_t size;
    char buf[64];
    uint32_t n;
    const uint32_t none[] = {P9_NOFID, 7, 99};

    touch(g->root_fd, "f");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 7, "f"));
    CHECK_OK(p9c_lopen(&c, 7, P9_L_RDWR));
    CHECK_OK(p9c_clunk(&c, 7));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        uint32_t f = none[i];

        CHECK_ERR(p9c_walk(&c, f, 50, ""), EBADF);
        CHECK_ERR(p9c_lopen(&c, f, P9_L_RDONLY), EBADF);
        CHECK_ERR(p9c_lcreate(&c, f, "n", P9_L_RDWR, 0644), EBADF);
        CHECK_ERR(p9c_read(&c, f, 0, buf, 8, &n), EBADF);
        CHECK_ERR(p9c_write(&c, f, 0, "x", 1, &n), EBADF);
        CHECK_ERR(p9c_fsync(&c, f, 0), EBADF);
        CHECK_ERR(p9c_getattr(&c, f, P9_GETATTR_BASIC, &a), EBADF);
        CHECK_ERR(p9c_setattr(&c, f, P9_SETATTR_SIZE, &a), EBADF);
        CHECK_ERR(p9c_statfs(&c, f, &fs), EBADF);
        CHECK_ERR(p9c_readdir(&c, f, 0, 1000), EBADF);
        CHECK_ERR(p9c_mkdir(&c, f, "n", 0755), EBADF);
        CHECK_ERR(p9c_mknod(&c, f, "n", S_IFIFO | 0644, 0, 0), EBADF);
        CHECK_ERR(p9c_symlink(&c, f, "n", "t"), EBADF);
        CHECK_ERR(p9c_readlink(&c, f, buf, sizeof(buf)), EBADF);
        CHECK_ERR(p9c_link(&c, f, 1, "n"), EBADF);
        CHECK_ERR(p9c_link(&c, 0, f, "n"), EBADF);
        CHECK_ERR(p9c_rename(&c, f, 0, "n"), EBADF);
        CHECK_ERR(p9c_rename(&c, 1, f, "n"), EBADF);
        CHECK_ERR(p9c_renameat(&c, f, "f", 0, "n"), EBADF);
        CHECK_ERR(p9c_renameat(&c, 0, "f", f, "n"), EBADF);
        CHECK_ERR(p9c_unlinkat(&c, f, "f", 0), EBADF);
        CHECK_ERR(p9c_xattrwalk(&c, f, 50, "user.a", &size), EBADF);
        CHECK_ERR(p9c_xattrcreate(&c, f, "user.a", 1, 0), EBADF);
        CHECK_ERR(p9c_lock(&c, f, &l), EBADF);
        CHECK_ERR(p9c_getlock(&c, f, &l), EBADF);
        CHECK_ERR(p9c_remove(&c, f), EBADF);
        CHECK_ERR(p9c_clunk(&c, f), EBADF);
    }
    CHECK_ERR(p9c_clunk(&c, 50), EBADF);
    CHECK_EQ(faccessat(g->root_fd, "n", F_OK, 0), -1);
    CHECK_EQ(faccessat(g->root_fd, "f", F_OK, 0), 0);
    rig_end(g);
}

/* A second open, a create through what is open or a file: refused, and what is open stays so. */
static void open_fids(void)
{
    struct rig *g = rig_new(NULL);
    struct p9c c;
    char buf[8];
    uint32_t n;

    touch(g->root_fd, "f");
    MUST(mkdirat(g->root_fd, "d", 0755));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "f"));
    CHECK_OK(p9c_walk(&c, 0, 2, "d"));
    CHECK_OK(p9c_walk(&c, 0, 3, "f"));
    CHECK(p9c_read(&c, 1, 0, buf, 8, &n) != 0); /* not open */
    CHECK(p9c_write(&c, 1, 0, "x", 1, &n) != 0);
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_OK(p9c_lopen(&c, 2, P9_L_RDONLY));
    CHECK_ERR(p9c_lopen(&c, 1, P9_L_RDWR), EINVAL);
    CHECK_ERR(p9c_lopen(&c, 1, P9_L_RDWR | P9_L_TRUNC), EINVAL);
    CHECK_ERR(p9c_lopen(&c, 2, P9_L_RDONLY), EINVAL);
    CHECK(p9c_write(&c, 1, 0, "x", 1, &n) != 0); /* still open for reading alone */
    CHECK(p9c_lcreate(&c, 1, "n", P9_L_RDWR, 0644) != 0);
    CHECK(p9c_lcreate(&c, 2, "n", P9_L_RDWR, 0644) != 0);
    CHECK_ERR(p9c_lcreate(&c, 3, "n", P9_L_RDWR, 0644), ENOTDIR);
    CHECK_OK(p9c_read(&c, 1, 0, buf, 8, &n));
    CHECK_OK(p9c_readdir(&c, 2, 0, 1000));
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDWR));
    CHECK_EQ(faccessat(g->root_fd, "d/n", F_OK, 0), -1);
    rig_end(g);
}

static void open_fids_of_u(void)
{
    struct rig *g = rig_new(NULL);
    struct u9 u;

    u9_host_file(g, "f", "text", 0644);
    u9_mount(&u, g, P9_DIALECT_U);
    u9_walk(&u, 0, 1, "f");
    u9_open(&u, 1, P9_OREAD);
    u9_refused(&u, u9_ask(&u, P9_TOPEN, "db", 1, P9_ORDWR), EINVAL);
    u9_refused(&u, u9_ask(&u, P9_TOPEN, "db", 1, P9_OREAD | P9_ORCLOSE), EINVAL);
    u9_clunk(&u, 1);
    u9_host_says(g, "f", "text"); /* the refused open has not made it one to be removed */
    rig_end(g);
}

struct changer {
    int dir;
    atomic_bool stop;
    uint32_t rounds;
};

/* Makes, renames and removes files beside those that stay. */
static void *change(void *arg)
{
    struct changer *ch = arg;

    while (!atomic_load(&ch->stop)) {
        char name[32], other[32];

        for (int i = 0; i < 200; i++) {
            snprintf(name, sizeof(name), "x-%d", i);
            touch(ch->dir, name);
        }
        for (int i = 0; i < 200; i++) {
            snprintf(name, sizeof(name), "x-%d", i);
            snprintf(other, sizeof(other), "y-%d-of-another-length", i);
            renameat(ch->dir, name, ch->dir, other);
            unlinkat(ch->dir, other, 0);
        }
        ch->rounds++;
    }
    return NULL;
}

#define STAYS 4000u

/* Each file that stays is told exactly once, however much happens beside it. */
static void large_directory_that_changes(void)
{
    struct rig *g = rig_new(NULL);
    uint8_t *seen = calloc(1, STAYS);
    struct changer ch = {0};
    struct p9_dirent e;
    pthread_t thread;
    struct p9c c;

    MUST(mkdirat(g->root_fd, "d", 0755));
    ch.dir = openat(g->root_fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
    MUST(ch.dir);
    for (uint32_t i = 0; i < STAYS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "f-%u", i);
        touch(ch.dir, name);
    }
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_EQ(pthread_create(&thread, NULL, change, &ch), 0);
    for (int pass = 0; pass < 2; pass++) {
        uint32_t found = 0;
        uint64_t at = 0;
        bool more = true;

        memset(seen, 0, STAYS);
        while (more) {
            more = false;
            CHECK_OK(p9c_readdir(&c, 1, at, 2000));
            while (p9c_dirent(&c, &e)) {
                unsigned i;

                more = true;
                at = e.offset;
                if (sscanf(e.name, "f-%u", &i) != 1)
                    continue;
                CHECK(i < STAYS && !seen[i]);
                seen[i] = 1;
                found++;
            }
        }
        CHECK_EQ(found, STAYS);
    }
    atomic_store(&ch.stop, true);
    pthread_join(thread, NULL);
    CHECK(ch.rounds > 0);
    free(seen);
    close(ch.dir);
    rig_end(g);
}

#define MILLION 1000000u
#define REPLAYED 2000u

/* A cookie, and the first entry behind it that stays. */
struct replay {
    uint64_t cookie;
    uint32_t next;
};

static bool stays(const char *name, uint32_t *number)
{
    unsigned i;

    if (sscanf(name, "f-%u", &i) != 1)
        return false;
    CHECK(i < MILLION);
    *number = i;
    return true;
}

/* Every entry that stays, once; a cookie now and then to `to`. */
static void read_million(struct p9c *c, uint8_t *seen, struct replay to[REPLAYED])
{
    uint32_t found = 0, kept = 0, number;
    uint64_t at = 0, pending = 0;
    struct p9_dirent e;
    bool more = true;

    memset(seen, 0, MILLION);
    while (more) {
        more = false;
        CHECK_OK(p9c_readdir(c, 1, at, c->msize));
        while (p9c_dirent(c, &e)) {
            more = true;
            at = e.offset;
            if (!stays(e.name, &number))
                continue;
            CHECK(!seen[number]);
            seen[number] = 1;
            if (pending != 0 && kept < REPLAYED)
                to[kept++] = (struct replay){pending, number};
            pending = ++found % (MILLION / REPLAYED) == 1 ? e.offset : 0;
        }
    }
    CHECK_EQ(found, MILLION);
    CHECK(kept >= REPLAYED - 1);
}

/* The same cookies later, from the last to the first: what stays still follows. */
static void replay_cookies(struct p9c *c, const struct replay r[REPLAYED])
{
    for (uint32_t i = REPLAYED - 1; i-- > 0;) {
        uint64_t at = r[i].cookie;
        bool found = false;

        while (!found) {
            struct p9_dirent e;
            uint32_t number;
            bool any = false;

            CHECK_OK(p9c_readdir(c, 1, at, 2000));
            while (!found && p9c_dirent(c, &e)) {
                any = true;
                at = e.offset;
                found = stays(e.name, &number);
                if (found)
                    CHECK_EQ(number, r[i].next);
            }
            CHECK(any);
        }
    }
}

/* Whole stats of 9P2000.u; the name is where it always is. */
static void read_million_stats(struct u9 *u, uint8_t *seen)
{
    uint32_t found = 0, number, n;
    uint64_t offset = 0;

    memset(seen, 0, MILLION);
    u9_walk(u, 0, 1, "d");
    u9_open(u, 1, P9_OREAD);
    do {
        struct cursor c = u9_take(u, u9_ask(u, P9_TREAD, "dqd", 1u, offset, UINT32_MAX), P9_TREAD);

        n = cursor_u32(&c);
        offset += n;
        while (cursor_left(&c) > 0) {
            uint16_t size = cursor_u16(&c);
            struct wire_str s;
            struct cursor st;
            char name[64];

            cursor_init(&st, cursor_bytes(&c, size), size);
            (void)cursor_bytes(&st, 39);
            s = cursor_str(&st);
            CHECK(s.len < sizeof(name));
            memcpy(name, s.s, s.len);
            name[s.len] = '\0';
            if (!stays(name, &number))
                continue;
            CHECK(!seen[number]);
            seen[number] = 1;
            found++;
        }
    } while (n > 0);
    CHECK_EQ(found, MILLION);
}

/* A million entries, and others that come and go: each that stays is told once, and cookies keep their place. */
static void a_million_entries(void)
{
    struct rig *g = rig_new(&(struct rig_config){.order = 8});
    struct replay *r = calloc(REPLAYED, sizeof(*r));
    uint8_t *seen = calloc(1, MILLION);
    struct changer ch = {0};
    pthread_t thread;
    struct p9c c;
    struct u9 u;

    MUST(mkdirat(g->root_fd, "d", 0755));
    ch.dir = openat(g->root_fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
    MUST(ch.dir);
    for (uint32_t i = 0; i < MILLION; i++) {
        char name[32];

        snprintf(name, sizeof(name), "f-%u", i);
        MUST(mknodat(ch.dir, name, S_IFIFO | 0644, 0));
    }
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "d"));
    CHECK_OK(p9c_lopen(&c, 1, P9_L_RDONLY));
    CHECK_EQ(pthread_create(&thread, NULL, change, &ch), 0);
    read_million(&c, seen, r);
    replay_cookies(&c, r);
    u9_mount(&u, g, P9_DIALECT_U);
    read_million_stats(&u, seen);
    atomic_store(&ch.stop, true);
    pthread_join(thread, NULL);
    CHECK(ch.rounds > 0);
    free(seen);
    free(r);
    close(ch.dir);
    rig_end(g);
}

static void symlinks_without_their_name(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_attr a, set = {.mtime = 1234567890};
    char target[64];
    struct p9c c;

    MUST(symlinkat("one", g->root_fd, "a"));
    MUST(symlinkat("two", g->root_fd, "b"));
    MUST(symlinkat("three", g->root_fd, "c"));
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "a"));
    CHECK_OK(p9c_walk(&c, 0, 2, "b"));
    CHECK_OK(p9c_walk(&c, 0, 3, "c"));
    CHECK_OK(p9c_unlinkat(&c, 0, "a", 0));
    CHECK_OK(p9c_renameat(&c, 0, "c", 0, "b")); /* over it */
    for (uint32_t fid = 1; fid <= 3; fid++) {
        static const char *const text[] = {"one", "two", "three"};

        CHECK_OK(p9c_readlink(&c, fid, target, sizeof(target)));
        CHECK(strcmp(target, text[fid - 1]) == 0);
        CHECK_OK(p9c_setattr(&c, fid, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, &set));
        CHECK_OK(p9c_getattr(&c, fid, P9_GETATTR_BASIC, &a));
        CHECK(S_ISLNK(a.mode));
        CHECK_EQ(a.nlink, fid == 3);
        CHECK_EQ(a.mtime, 1234567890);
    }
    CHECK(p9c_remove(&c, 2) != 0); /* it has no name: that of the other stays */
    CHECK_EQ(faccessat(g->root_fd, "b", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_OK(p9c_remove(&c, 3));
    CHECK_EQ(faccessat(g->root_fd, "b", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    rig_end(g);
}

static void directories_without_their_name(void)
{
    struct rig *g = rig_new(NULL);
    struct p9_attr a, set = {.mode = 0700};
    struct p9_dirent e;
    struct p9c c;
    bool found = false;

    MUST(mkdirat(g->root_fd, "old", 0755));
    MUST(mkdirat(g->root_fd, "new", 0755));
    touch(g->root_fd, "new/f");
    p9c_mount(&c, g);
    CHECK_OK(p9c_walk(&c, 0, 1, "old"));
    CHECK_OK(p9c_walk(&c, 0, 2, "new"));
    CHECK_OK(p9c_walk(&c, 0, 3, "new"));
    CHECK_OK(p9c_lopen(&c, 3, P9_L_RDONLY));
    CHECK_OK(p9c_renameat(&c, 0, "new", 0, "old")); /* over it */
    CHECK_OK(p9c_getattr(&c, 1, P9_GETATTR_BASIC, &a));
    CHECK(S_ISDIR(a.mode));
    CHECK_ERR(p9c_mkdir(&c, 1, "x", 0755), ENOENT);
    CHECK_OK(p9c_setattr(&c, 1, P9_SETATTR_MODE, &set)); /* not the one that took its name */
    CHECK_OK(p9c_getattr(&c, 2, P9_GETATTR_BASIC, &a));
    CHECK_EQ(a.mode & 0777, 0755);
    CHECK_OK(p9c_mkdir(&c, 2, "below", 0755));
    CHECK_EQ(faccessat(g->root_fd, "old/below", F_OK, 0), 0);
    CHECK_OK(p9c_readdir(&c, 3, 0, 4000));
    while (p9c_dirent(&c, &e))
        found = found || strcmp(e.name, "f") == 0;
    CHECK(found);
    CHECK_OK(p9c_walk(&c, 2, 4, "f"));
    rig_end(g);
}

/* By a user who does not own the file, and who may write it: the kernel takes the bits away. */
static void suid_falls_on_a_write(void)
{
    struct rig *g = rig_new(&(struct rig_config){
        .policy = {.identity = CTL_IDENTITY_MAPPED, .id_first = 400000, .id_count = 65536},
        .export_owner = 400000});
    struct stat st;
    struct p9c c;
    uint32_t n;
    int fd = openat(g->root_fd, "tool", O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

    MUST(fd);
    MUST(fchown(fd, 400000, 400000));
    MUST(fchmod(fd, 06777));
    close(fd);
    p9c_mount(&c, g);
    CHECK_OK(p9c_attach(&c, 60, P9_NOFID, "", 1000));
    CHECK_OK(p9c_walk(&c, 60, 61, "tool"));
    CHECK_OK(p9c_lopen(&c, 61, P9_L_WRONLY));
    CHECK_OK(p9c_write(&c, 61, 0, "y", 1, &n));
    MUST(fstatat(g->root_fd, "tool", &st, 0));
    CHECK_EQ(st.st_mode & 07777, 0777);
    rig_end(g);
}

static const struct tap_case cases[] = {
    {"counts_and_offsets_of_writes", counts_and_offsets_of_writes, 0, 0},
    {"fids_that_are_none", fids_that_are_none, 0, 0},
    {"open_fids", open_fids, 0, 0},
    {"open_fids_of_u", open_fids_of_u, 0, 0},
    {"large_directory_that_changes", large_directory_that_changes, 0, 0},
    {"a_million_entries", a_million_entries, TAP_LONG, 1200},
    {"symlinks_without_their_name", symlinks_without_their_name, 0, 0},
    {"directories_without_their_name", directories_without_their_name, 0, 0},
    {"suid_falls_on_a_write", suid_falls_on_a_write, TAP_JAILED, 0},
};
TAP_SUITE(cases, cases);
