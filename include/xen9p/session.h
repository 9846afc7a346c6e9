/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - the 9P session of a device: dialect, msize, fids, and the table that says which
 * message is handled by whom. All rings of a device share one session.
 */
#ifndef XEN9P_SESSION_H
#define XEN9P_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "xen9p/control.h"
#include "xen9p/fid.h"
#include "xen9p/p9.h"
#include "xen9p/quota.h"
#include "xen9p/request.h"
#include "xen9p/throttle.h"

struct worker;

/* Other devices than the export root's (st_dev), in the order met: their index tells qids apart. */
#define SESSION_MAX_DEVS 64u

/* struct ctl_limits as it is in force; each field is read on its own. */
struct session_limits {
    _Atomic uint64_t max_space, max_files;
    _Atomic uint64_t read_iops, write_iops;
    _Atomic uint64_t read_bandwidth, write_bandwidth;
    _Atomic uint32_t audit;
};

struct session {
    struct worker *worker;
    struct fid_table *fids;
    struct lock_table *locks;
    _Atomic uint32_t dialect; /* enum p9_dialect */
    _Atomic uint32_t msize;   /* before Tversion: the largest that a Tversion may use */
    _Atomic uint32_t generation;
    atomic_bool orphaned; /* a successor that has not seen Tversion: everything else is EIO */

    struct session_limits limits;
    struct quota quota;
    struct throttle throttle;

    /* Fixed once serving. */
    uint32_t max_msize;
    uint32_t shown_uid, shown_gid; /* owner that the guest sees for files of `owner` */
    uint32_t owner_uid, owner_gid; /* owner of the export, as this process sees it */
    uint32_t file_mode_drop, directory_mode_drop; /* permission bits that files never get */
    enum ctl_identity identity;
    bool refuse_chown;  /* identity squash: EPERM, not ignored */
    bool notes_devices; /* many owners: device nodes are empty files with attributes */
    bool read_only;
    uint32_t operations; /* groups of operations.h that are allowed */
    struct stat root;    /* of WFD_ROOT */
    bool submounts;      /* there may be other file systems below the root */
    bool remote;         /* the export's file system may wait for a server on any call */

    _Atomic uint32_t xattr_held; /* bytes of attributes that fids hold */
    _Atomic uint32_t deep_fids;  /* parents that fids remember (parent.h) */

    pthread_mutex_t version_lock; /* one Tversion at a time */
    pthread_mutex_t dev_lock;
    dev_t dev[SESSION_MAX_DEVS];
    _Atomic uint32_t num_devs;
};

/* How a message type is handled. */
struct session_op {
    request_handler handler; /* NULL: not in this dialect */
    uint8_t flags;           /* SESSION_OP_* */
};
#define SESSION_OP_WRITE 1u /* changes the file system: EROFS on a read-only export */
#define SESSION_OP_BLOCK 2u /* is likely to wait for a disk, now and then */
#define SESSION_OP_SYNC 4u  /* does so */
#define SESSION_OP_QUICK 8u /* does not, or says so itself */

/* 9P2000 and 9P2000.u, by message type; ops_u.c. */
extern const struct session_op session_ops_u[256];

/* `fids` made, root looked at (WFD_ROOT must be open). Negative errno on failure. */
int session_init(struct session *s, struct worker *w);
void session_fini(struct session *s);
/* The policy's, at the start and whenever it was loaded again. Thread-safe. */
void session_set_limits(struct session *s, const struct ctl_limits *limits);

/*
 * Handles one request: looks it up in the dialect's table and calls its handler. Afterwards r->out holds the body of a
 * reply of type *reply_type, or r->published is set. Never fails: an error has become an error reply.
 */
void session_dispatch(struct request *r, uint8_t *reply_type);

/*
 * Body of an error reply in the dialect's form (Rlerror: ecode[4]; Rerror: ename s [errno4]).
 * Returns the reply type.
 */
uint8_t session_error(struct request *r, int error);

/*
 * Whether the policy has something against an operation that needs all of these groups (operations.h): 0, -EROFS,
 * or the group's errno. For handlers; session_dispatch() has judged the type of the message.
 */
int session_refuses(const struct session *s, uint32_t needed);

/* qid of a file from its stat; version is never 0 for a regular file. */
struct p9_qid session_qid(struct session *s, const struct stat *st);
/* qid.path of (dev, ino), and qid.type from the S_IFMT bits. */
uint64_t session_qid_path(struct session *s, dev_t dev, ino_t ino);
uint8_t session_qid_type(mode_t mode);
/* Ids that the guest sees. */
uint32_t session_shown_uid(const struct session *s, uid_t uid);
uint32_t session_shown_gid(const struct session *s, gid_t gid);

#endif
