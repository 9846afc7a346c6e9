/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qid.c - what a guest is told about the identity of a file: qid and owner.
 *
 * qid.path, 64 bits for (device, inode number):
 *   0 | ino                     the device of the export's root
 *   1 | index (0..62) | ino     another device (btrfs subvolume, layer of an overlay), ino < 2^57
 *   1 | 63 | hash (57 bits)     what has no place in the other two: devices beyond the 63rd, and
 *                               too large numbers (some file systems use a hash)
 * The three never meet; only two files of the third kind can, and with a million of them the odds
 * are one in 2^18. Nothing is stored per file, so that a guest cannot fill a table.
 */
#include "xen9p/identity.h"
#include "xen9p/session.h"

#define FOREIGN (1ull << 63)
#define INDEX_SHIFT 57
#define INDEX_HASHED 63u
#define LOW_MASK ((1ull << INDEX_SHIFT) - 1)

_Static_assert(SESSION_MAX_DEVS >= INDEX_HASHED, "an index for each device");

/* Finalizer of splitmix64: a bijection whose every bit depends on all. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    x ^= x >> 31;
    return x;
}

static uint32_t find_dev(const struct session *s, dev_t dev, uint32_t num)
{
    uint32_t i = 0;

    while (i < num && s->dev[i] != dev)
        i++;
    return i;
}

/* Index of a device, a new one if need be; INDEX_HASHED when there are too many. */
static uint32_t dev_index(struct session *s, dev_t dev)
{
    uint32_t num = atomic_load(&s->num_devs);
    uint32_t i = find_dev(s, dev, num);

    if (i < num || num >= INDEX_HASHED)
        return i < num ? i : INDEX_HASHED;
    pthread_mutex_lock(&s->dev_lock);
    num = atomic_load(&s->num_devs);
    i = find_dev(s, dev, num);
    if (i == num && num < INDEX_HASHED) {
        s->dev[num] = dev; /* seen by others once num_devs says so */
        atomic_store(&s->num_devs, num + 1);
    }
    pthread_mutex_unlock(&s->dev_lock);
    return i;
}

uint64_t session_qid_path(struct session *s, dev_t dev, ino_t ino)
{
    uint64_t n = ino;

    if (dev == s->root.st_dev && (n & FOREIGN) == 0)
        return n;
    if (dev != s->root.st_dev && n <= LOW_MASK) {
        uint32_t i = dev_index(s, dev);

        if (i < INDEX_HASHED)
            return FOREIGN | (uint64_t)i << INDEX_SHIFT | n;
    }
    return FOREIGN | (uint64_t)INDEX_HASHED << INDEX_SHIFT | (mix(n ^ mix(dev)) & LOW_MASK);
}

uint8_t session_qid_type(mode_t mode)
{
    if (S_ISDIR(mode))
        return P9_QTDIR;
    return S_ISLNK(mode) ? P9_QTSYMLINK : P9_QTFILE;
}

/* A client may take an equal version for an equal content, and 0 for "do not cache". */
static uint32_t version(const struct stat *st)
{
    uint64_t h = mix((uint64_t)st->st_size);

    h = mix(h ^ (uint64_t)st->st_mtim.tv_sec) + (uint64_t)st->st_mtim.tv_nsec;
    h = mix(h ^ (uint64_t)st->st_ctim.tv_sec) + (uint64_t)st->st_ctim.tv_nsec;
    h = mix(h);
    return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

struct p9_qid session_qid(struct session *s, const struct stat *st)
{
    struct p9_qid q;

    q.type = session_qid_type(st->st_mode);
    if (atomic_load_explicit(&s->dialect, memory_order_relaxed) == P9_DIALECT_LEGACY)
        q.type &= P9_QTDIR; /* 9P2000 knows no symbolic links */
    q.version = version(st);
    q.path = session_qid_path(s, st->st_dev, st->st_ino);
    return q;
}

/* Files that someone else put into the export belong to nobody, as an unmapped id does in Linux. */
#define NOBODY 65534u

uint32_t session_shown_uid(const struct session *s, uid_t uid)
{
    if (identity_keeps_owners(s))
        return uid;
    return uid == s->owner_uid ? s->shown_uid : NOBODY;
}

uint32_t session_shown_gid(const struct session *s, gid_t gid)
{
    if (identity_keeps_owners(s))
        return gid;
    return gid == s->owner_gid ? s->shown_gid : NOBODY;
}
