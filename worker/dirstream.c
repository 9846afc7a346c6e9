/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dirstream.c - entries of a directory as 9P2000.L wants them, and as the older dialects do.
 *
 * Trusts the kernel's getdents64. The offset comes from the guest: lseek judges it, and a cookie
 * that was never given out lists some part of the same directory, nothing else.
 */
#include "xen9p/dirstream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "xen9p/identity.h"
#include "xen9p/p9.h"
#include "xen9p/path.h"
#include "xen9p/session.h"
#include "xen9p/ustat.h"

/* qid, offset, type, length of the name */
#define ENTRY_HEAD (P9_QID_SIZE + 8u + 1u + 2u)
/* On the stack (LIMIT_THREAD_STACK is a multiple). */
#define DENTS_SIZE (32u * 1024)
/* The largest entry of getdents64: 19 bytes, name of 255, NUL, rounded up to 8. */
#define DENT_MAX 280u

/* How far d_ino can be believed to be the st_ino of the entry. */
enum ino_trust {
    INO_TRUE,
    INO_NOT_OF_DIRS, /* btrfs: the root of a subvolume has another device and number */
    INO_NEVER, /* overlayfs: depends on the layer that the entry comes from; an entry that something
                        is mounted on: says what is below */
};

struct dirstream {
    struct session *session;
    int fd;
    bool fresh;     /* never read */
    uint64_t pos;   /* cookie at which the descriptor stands */
    uint64_t bytes; /* of stats read since offset 0 */
    dev_t dev;
    bool is_root; /* ".." is the root itself */
    enum ino_trust trust;
};

struct dirstream *dirstream_new(struct session *s, int fd)
{
    struct dirstream *d = calloc(1, sizeof(*d));
    struct statfs fs;
    struct stat st;

    if (d == NULL)
        return NULL;
    d->session = s;
    d->fd = fd;
    d->fresh = true;
    d->dev = s->root.st_dev;
    if (fstatat(fd, "", &st, AT_EMPTY_PATH) == 0) {
        d->dev = st.st_dev;
        d->is_root = st.st_dev == s->root.st_dev && st.st_ino == s->root.st_ino;
    }
    if (fstatfs(fd, &fs) == 0) {
        if (fs.f_type == BTRFS_SUPER_MAGIC)
            d->trust = INO_NOT_OF_DIRS;
        else if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
            d->trust = INO_NEVER;
    }
    if (s->submounts)
        d->trust = INO_NEVER;
    return d;
}

void dirstream_free(struct dirstream *d)
{
    free(d);
}

static int seek_to(struct dirstream *d, uint64_t offset)
{
    if (d->fresh && offset == 0) {
        d->fresh = false;
        return 0;
    }
    /* Offset 0 rewinds even when we stand there: rewinddir() shows what is new. */
    if (!d->fresh && offset == d->pos && offset != 0)
        return 0;
    if (offset > INT64_MAX)
        return -EINVAL;
    if (lseek(d->fd, (off_t)offset, SEEK_SET) < 0)
        return -errno;
    d->fresh = false;
    d->pos = offset;
    return 0;
}

/* True when the kernel's entry says all that a qid needs. */
static bool says_enough(const struct dirstream *d, const struct dirent64 *e)
{
    switch (e->d_type) {
    case DT_UNKNOWN:
        return false;
    case DT_DIR:
        return d->trust == INO_TRUE;
    default:
        return d->trust != INO_NEVER;
    }
}

/* stat of an entry. ".." of the host's tree is not looked up: it could be outside. */
static int stat_entry(const struct dirstream *d, const char *name, struct stat *st)
{
    char own_name[P9_NAME_MAX + 1];
    int parent, err;

    if (strcmp(name, "..") != 0) {
        if (strcmp(name, ".") == 0)
            name = "";
        err = fstatat(d->fd, name, st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
        return err == 0 ? 0 : -errno;
    }
    parent = path_locate(d->session, d->fd, own_name);
    if (parent < 0)
        return parent;
    err = path_stat(parent, st);
    close(parent);
    return err;
}

/* qid of an entry; without a stat where the kernel's entry says enough. Sets *dtype. */
static struct p9_qid entry_qid(struct dirstream *d, const struct dirent64 *e, unsigned char *dtype)
{
    struct p9_qid q = {0};
    struct stat st;

    if (d->is_root && strcmp(e->d_name, "..") == 0) {
        st = d->session->root;
    } else if (says_enough(d, e) || stat_entry(d, e->d_name, &st) != 0) {
        st.st_dev = d->dev;
        st.st_ino = e->d_ino;
        st.st_mode = DTTOIF(e->d_type);
    }
    *dtype = e->d_type != DT_UNKNOWN ? e->d_type : (unsigned char)IFTODT(st.st_mode);
    if (*dtype == DT_REG && identity_files_may_stand_for_others(d->session))
        *dtype =
            DT_UNKNOWN; /* what it stands for says its inode: the client asks when it matters */
    q.type = session_qid_type(st.st_mode);
    q.path = session_qid_path(d->session, st.st_dev, st.st_ino);
    return q;
}

static void put_entry(struct dirstream *d, const struct dirent64 *e, struct builder *out)
{
    unsigned char dtype;
    struct p9_qid q = entry_qid(d, e, &dtype);

    builder_qid(out, &q);
    builder_u64(out, (uint64_t)e->d_off);
    builder_u8(out, dtype);
    builder_str(out, e->d_name, strlen(e->d_name));
}

/*
 * How many bytes to ask of getdents64 so that everything it returns fits into `room` bytes of
 * reply: a name of n bytes takes 24 + n there and 20 + n rounded up to 8 here, at worst 28 for 24.
 */
static size_t dents_for(size_t room)
{
    size_t n = room / 28 * 24;

    return n < DENTS_SIZE ? n : DENTS_SIZE;
}

/* Puts `len` bytes of entries. */
static void put_entries(struct dirstream *d, const char *buf, size_t len, struct builder *out)
{
    for (size_t at = 0; at < len;) {
        const struct dirent64 *e = (const void *)(buf + at);

        put_entry(d, e, out);
        d->pos = (uint64_t)e->d_off;
        at += e->d_reclen;
    }
}

/*
 * The reply has room for less than dents_for() can express, or the next entry is longer: reads
 * with room for any entry and puts the first only, if it fits. Returns 1 when it did, 0 at the end.
 */
static int put_one(struct dirstream *d, char *buf, struct builder *out)
{
    const struct dirent64 *e = (const void *)buf;
    ssize_t n = getdents64(d->fd, buf, DENT_MAX);
    bool fits;

    if (n <= 0)
        return n == 0 ? 0 : -errno;
    fits = ENTRY_HEAD + strlen(e->d_name) <= builder_room(out);
    if (fits) {
        put_entry(d, e, out);
        d->pos = (uint64_t)e->d_off;
        if (e->d_reclen == n)
            return 1;
    }
    /* More was read than sent: back to the first entry that was not. */
    if (lseek(d->fd, (off_t)d->pos, SEEK_SET) < 0)
        return -errno;
    return fits ? 1 : -EINVAL;
}

int dirstream_read(struct dirstream *d, uint64_t offset, struct builder *out)
{
    _Alignas(struct dirent64) char buf[DENTS_SIZE];
    size_t start = builder_len(out);
    int err = seek_to(d, offset);

    if (err != 0)
        return err;
    for (;;) {
        size_t want = dents_for(builder_room(out));
        ssize_t n = want > 0 ? getdents64(d->fd, buf, want) : -1;

        if (n == 0)
            return 0;
        if (n < 0 && (want == 0 || errno == EINVAL)) { /* not even one fits into `want` */
            if (builder_len(out) > start)
                return 0;
            n = put_one(d, buf, out);
            return n < 0 ? (int)n : 0;
        }
        if (n < 0)
            return builder_len(out) > start ? 0 : -errno;
        put_entries(d, buf, (size_t)n, out);
        if (out->bad)
            return -EOVERFLOW; /* an entry beyond what dents_for() reckons with */
    }
}

/* The stat of one entry. -ENOENT: it is gone. -ENOBUFS: no room. */
static int put_stat(struct dirstream *d, const char *name, struct builder *out)
{
    struct stat st;
    int err, fd = path_step(d->fd, name, &st);

    if (fd < 0)
        return fd;
    err = ustat_put(d->session, fd, &st, name, out);
    close(fd);
    return err;
}

/* Stats of the `len` bytes of entries in `buf`, up to the first that fails. */
static int put_stats(struct dirstream *d, const char *buf, size_t len, struct builder *out)
{
    for (size_t at = 0; at < len;) {
        const struct dirent64 *e = (const void *)(buf + at);
        int err = 0;

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            err = put_stat(d, e->d_name, out);
        if (err != 0 && err != -ENOENT) /* removed meanwhile: as if it had never been there */
            return err;
        d->pos = (uint64_t)e->d_off;
        at += e->d_reclen;
    }
    return 0;
}

/* A stat takes about three times what getdents64 says of an entry: no more than will be needed. */
static size_t dents_for_stats(size_t room)
{
    size_t n = room / 3;

    if (n < DENT_MAX)
        return DENT_MAX;
    return n < DENTS_SIZE ? n : DENTS_SIZE;
}

int dirstream_read_stats(struct dirstream *d, uint64_t offset, struct builder *out)
{
    _Alignas(struct dirent64) char buf[DENTS_SIZE];
    size_t start = builder_len(out);
    ssize_t n = 1;
    int err = 0;

    if (offset != 0 && offset != d->bytes)
        return -EINVAL;
    if (offset == 0)
        d->pos = 0;
    /* the last read may have asked for more entries than it had room for */
    if (lseek(d->fd, (off_t)d->pos, SEEK_SET) < 0)
        return -errno;
    while (err == 0 && n > 0) {
        n = getdents64(d->fd, buf, dents_for_stats(builder_room(out)));
        err = n < 0 ? -errno : put_stats(d, buf, (size_t)n, out);
    }
    /* What failed behind something that did not is met again by the next read. */
    if (err != 0 && builder_len(out) == start)
        return err == -ENOBUFS ? -EINVAL : err;
    d->bytes = offset + (builder_len(out) - start);
    return 0;
}
