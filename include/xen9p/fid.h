/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fid.h - fids and the table of them.
 *
 * A fid is an O_PATH descriptor of a file, directory or symlink below the export's root, plus the
 * descriptor it was opened with. `path_fd`, `type` and `uid` never change for the life of a struct fid:
 * an in-place walk or Tlcreate puts a new struct fid at the same number (fid_replace).
 * Reference-counted: fid_get() and the table hold references; the last fid_put() closes. Thread-safe.
 *
 * The table belongs to a session. Tversion bumps the generation and drops all fids; a request
 * taken in an older generation finds nothing any more (-EBADF).
 */
#ifndef XEN9P_FID_H
#define XEN9P_FID_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "xen9p/lock.h"
#include "xen9p/trail.h"

struct session;
struct dirstream; /* dirstream.h: state of Treaddir on an open directory */
struct parent;    /* parent.h */
struct xattr;     /* xattr.h */
struct fid_table;

struct fid {
    atomic_uint refs;
    uint32_t num;
    uint32_t uid;  /* n_uname of the attach that it derives from */
    uint16_t type; /* S_IFMT bits; what an O_PATH descriptor refers to never changes its type */
    _Atomic uint16_t depth; /* bytes of names from the root when it was walked to; parent.h */
    int path_fd;      /* O_PATH|O_NOFOLLOW, owned; -1 for a fid over the snapshot of an attribute */
    atomic_int io_fd; /* -1 until opened; then fixed, owned */
    uint32_t open_flags;   /* P9_L_* of the open, valid when io_fd >= 0 */
    bool attached;         /* by Tattach: the root itself */
    bool kept;             /* put back by Tversion: Tattach may take its number */
    atomic_bool remove;    /* opened with ORCLOSE: to be removed when it is clunked */
    bool nowait_refused;   /* the file system refuses RWF_NOWAIT on io_fd */
    pthread_mutex_t lock;  /* serialises opening and the directory stream */
    struct dirstream *dir; /* NULL until the first Treaddir */
    struct xattr *xattr;   /* it stands for an attribute, owned; set before it is in a table */
    struct lock_fid locks;
    struct fid_table *table;     /* that it is or was in; NULL: never */
    _Atomic uint64_t key;        /* fid_key(); 0 until it is asked for */
    struct parent *parent;       /* where it was found, when that is deep; under `lock` */
    struct fid_table *opened_in; /* whose count of open files it is in; NULL until opened */
    struct fid *next;            /* the table's */

    _Atomic uint64_t read, written; /* bytes, since it was opened */
    struct trail_item item;         /* once its last reference is gone */
};

/* `max` fids at most. NULL when out of memory. */
struct fid_table *fid_table_new(uint32_t max);
void fid_table_free(struct fid_table *t);
/* Tversion: drops all fids; only `generation` is accepted from now on. */
void fid_table_reset(struct fid_table *t, uint32_t generation);
/* The same; what was in the table comes back as a list (fid->next), the references with it. */
struct fid *fid_table_take(struct fid_table *t, uint32_t generation);
uint32_t fid_table_count(struct fid_table *t);
/*
 * `closed` is called with each open fid of this table whose last reference is gone. True: it has
 * taken the fid over and calls fid_free().
 */
void fid_table_on_close(struct fid_table *t, bool (*closed)(void *arg, struct fid *f), void *arg);

/* Files open at a time, over all fids; 0: no limit. Before the table is used. */
void fid_table_limit_open(struct fid_table *t, uint32_t max);
/*
 * One more open file, to be asked for before it is opened: 0, or -EMFILE. Given back with
 * fid_not_opened(), or by the end of the fid that fid_opened() has given the descriptor to.
 */
int fid_opening(struct fid_table *t);
void fid_not_opened(struct fid_table *t);
void fid_opened(struct fid_table *t, struct fid *f, int io_fd, uint32_t open_flags);

/*
 * New fid with one reference, not in any table yet. Takes ownership of `path_fd` (closed on
 * failure too; -1 is none). NULL when out of memory.
 */
struct fid *fid_new(uint32_t num, int path_fd, mode_t type, uint32_t uid);

/*
 * What `f` refers to, as a number: the same for all fids of a file, and for no other file's. 0: no file.
 */
uint64_t fid_key(struct fid *f);
uint64_t fid_key_of(const struct stat *st);
/* Whether a fid in the table refers to the file with this key; whether one has it open. */
bool fid_table_has(struct fid_table *t, uint64_t key);
bool fid_table_has_open(struct fid_table *t, uint64_t key);
/* Called for each fid that was in the table when its last reference goes. Before the table is used. */
void fid_table_on_end(struct fid_table *t, void (*ends)(struct session *s, struct fid *f),
                      struct session *s);

/*
 * Reference to fid `num`, or NULL: not there, or `generation` is not the table's. fid_get() finds fids
 * of files, whose path_fd is good; fid_get_xattr() finds the others.
 */
struct fid *fid_get(struct fid_table *t, uint32_t num, uint32_t generation);
struct fid *fid_get_xattr(struct fid_table *t, uint32_t num, uint32_t generation);
void fid_put(struct fid *f);
/* One more reference; returns `f`. */
struct fid *fid_ref(struct fid *f);
/* Closes and frees a fid that nobody refers to any more. */
void fid_free(struct fid *f);

/*
 * Puts `f` into the table under f->num; the table takes a reference of its own.
 * -EBADF: number in use, NOFID, or wrong generation. -ENFILE: table full.
 */
int fid_insert(struct fid_table *t, struct fid *f, uint32_t generation);
/* Puts `f` in the place of `old` (same number). -EBADF when `old` is no longer there. */
int fid_replace(struct fid_table *t, struct fid *old, struct fid *f, uint32_t generation);
/* Takes `num` out of the table, whatever it is; the caller gets the table's reference. NULL: not there. */
struct fid *fid_remove(struct fid_table *t, uint32_t num, uint32_t generation);

/*
 * Opens the file of an O_PATH descriptor again, with open(2) flags (O_CLOEXEC, O_NONBLOCK and O_NOCTTY are
 * added). Only for regular files and directories: the caller has checked. Returns a descriptor or a negative errno.
 */
int fid_reopen(const struct fid *f, int flags);

/* Descriptor number as the relative path below WFD_PROC. */
struct fd_name {
    char s[12];
};
struct fd_name fd_name(int fd);

#endif
