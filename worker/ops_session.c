/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_session.c - Tversion, Tauth, Tattach, Tflush.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/identity.h"
#include "xen9p/name.h"
#include "xen9p/ops.h"
#include "xen9p/path.h"
#include "xen9p/ustat.h"
#include "xen9p/worker.h"

static bool str_is(struct wire_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

/* A fid of the root as Tattach makes one. Its stat in *st. The reference is the caller's. */
static int new_root(uint32_t num, uint32_t uid, struct stat *st, struct fid **out)
{
    int err, fd = openat(WFD_ROOT, ".", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    err = path_stat(fd, st);
    if (err != 0) {
        close(fd);
        return err;
    }
    *out = fid_new(num, fd, st->st_mode, uid);
    if (*out == NULL)
        return -ENOMEM;
    (*out)->attached = true;
    return 0;
}

/*
 * Mini-OS goes on using its root, fid 0, when it sends Tversion after its live update: a Tversion from 9P2000.u to
 * 9P2000.u ends every fid but an attached 0. A successor knows no fids, and takes it for attached: root of the guest.
 */
static bool keeps_root(struct session *s, enum p9_dialect dialect, uint32_t *uid)
{
    struct fid *f;
    bool keeps;

    *uid = 0;
    if (dialect != P9_DIALECT_U || atomic_load(&s->dialect) != P9_DIALECT_U)
        return false;
    if (atomic_load(&s->orphaned))
        return true;
    f = fid_get(s->fids, 0, atomic_load(&s->generation));
    keeps = f != NULL && f->attached;
    if (keeps)
        *uid = f->uid;
    fid_put(f);
    return keeps;
}

/* Puts a new fid 0 there, not open. For want of memory there is none: the guest sees errors. */
static void put_root_back(struct request *r, uint32_t uid)
{
    struct fid *f = NULL;
    struct stat st;

    if (new_root(0, uid, &st, &f) != 0)
        return;
    f->kept = true;
    (void)fid_insert(r->session->fids, f, r->generation);
    fid_put(f);
}

/* Ends all fids as Tclunk would. */
static void clunk_all(struct request *r)
{
    struct fid *f = fid_table_take(r->session->fids, r->generation);

    while (f != NULL) {
        struct fid *next = f->next;

        if (atomic_load(&f->remove)) {
            unsigned int entered = identity_enter_as(r->session, f->uid);

            (void)name_remove(r, f);
            identity_leave(entered);
        }
        fid_put(f);
        f = next;
    }
}

/* A throttled request, or NULL, that nobody wants any more. */
static void give_up(struct session *s, struct request *r)
{
    if (r == NULL)
        return;
    r->error = -EINTR;
    pump_execute(&s->worker->pump, r);
}

/*
 * A new session: fids are gone, requests in flight are forgotten, and those queued on other rings, which the guest sent
 * before it knew. Afterwards no reply of the old session can appear any more: whoever was publishing one held a
 * producer lock.
 */
static void start_session(struct request *r, enum p9_dialect dialect, uint32_t msize)
{
    struct session *s = r->session;
    struct worker *w = s->worker;
    uint32_t root_uid;
    bool keeps = keeps_root(s, dialect, &root_uid);

    for (uint32_t i = 0; i < w->config.num_rings; i++)
        if (i != r->ring->id)
            ring_forget(&w->ring[i]);
    pthread_mutex_lock(&w->pump.lock); /* what is decided under it is decided for one session */
    r->generation = atomic_load(&s->generation) + 1;
    atomic_store(&s->generation, r->generation);
    pthread_mutex_unlock(&w->pump.lock);
    clunk_all(r);
    if (keeps)
        put_root_back(r, root_uid);
    for (uint32_t i = 0; i < w->config.num_rings; i++) {
        pthread_mutex_lock(&w->ring[i].tx_lock);
        pthread_mutex_unlock(&w->ring[i].tx_lock);
    }
    atomic_store(&s->dialect, dialect);
    atomic_store(&s->msize, msize);
    atomic_store(&s->orphaned, false);
    atomic_store(&w->journal->dialect, dialect);
    atomic_store(&w->journal->msize, msize);
    flight_forget_locks(&w->pump);
    for (struct request *old; (old = throttle_cancel_any(&s->throttle)) != NULL;)
        give_up(s, old);
    flight_taken(&w->pump); /* lets parked Tflush of the old session go */
    if (dialect != P9_DIALECT_NONE)
        pump_event(&w->pump, CTL_EVENT_SESSION, dialect, msize, 0);
}

/*
 * Tversion msize[4] version[s] -> Rversion msize[4] version[s], version(5). Any time, on any ring. -EINVAL for an
 * msize that is too small to work with.
 */
int op_version(struct request *r)
{
    struct session *s = r->session;
    uint32_t msize = cursor_u32(&r->in);
    struct wire_str version = cursor_str(&r->in);
    enum p9_dialect dialect = P9_DIALECT_NONE;
    uint32_t least = s->max_msize < P9_MIN_MSIZE ? s->max_msize : P9_MIN_MSIZE;

    if (!cursor_done(&r->in) || msize < least)
        return -EINVAL;
    if (msize > s->max_msize)
        msize = s->max_msize;
    for (enum p9_dialect d = P9_DIALECT_LEGACY; d <= P9_DIALECT_L; d++)
        if (str_is(version, p9_dialect_name(d)))
            dialect = d;
    pthread_mutex_lock(&s->version_lock);
    start_session(r, dialect, msize);
    pthread_mutex_unlock(&s->version_lock);
    builder_u32(&r->out, msize);
    builder_str(&r->out, p9_dialect_name(dialect), strlen(p9_dialect_name(dialect)));
    return 0;
}

/* Tauth: nobody authenticates here, the domain is who it is. ENOENT is what clients expect. */
int op_auth(struct request *r)
{
    (void)r;
    return -ENOENT;
}

/* Whose attach it is: n_uname, or what uname says where there is no number. */
static uint32_t attached_uid(struct wire_str uname, uint32_t n_uname)
{
    uint32_t uid;

    return n_uname == P9_NONUNAME && ustat_id(uname, &uid) ? uid : n_uname;
}

/* Into the table; in the place of a fid that Tversion has kept, for a client that attaches all the same. */
static int insert_root(struct request *r, struct fid *f)
{
    struct fid_table *t = r->session->fids;
    struct fid *old;
    int err = fid_insert(t, f, r->generation);

    if (err != -EBADF)
        return err;
    old = fid_get(t, f->num, r->generation);
    if (old != NULL && old->kept)
        err = fid_replace(t, old, f, r->generation);
    fid_put(old);
    return err;
}

/*
 * Tattach fid[4] afid[4] uname[s] aname[s] (not 9P2000: n_uname[4]) -> Rattach qid[13]. There is one tree: aname is
 * empty, "/", or "root" (Mini-OS). afid is NOFID, or 0 from clients that do not know better (Mini-OS).
 */
int op_attach(struct request *r)
{
    struct session *s = r->session;
    uint32_t dialect = atomic_load(&s->dialect);
    uint32_t num = cursor_u32(&r->in);
    uint32_t afid = cursor_u32(&r->in);
    struct wire_str uname = cursor_str(&r->in);
    struct wire_str aname = cursor_str(&r->in);
    uint32_t uid = dialect != P9_DIALECT_LEGACY ? cursor_u32(&r->in) : P9_NONUNAME;
    struct p9_qid qid;
    struct stat st;
    struct fid *f = NULL;
    int err;

    if (!cursor_done(&r->in) || (afid != P9_NOFID && afid != 0))
        return -EINVAL;
    if (aname.len != 0 && !str_is(aname, "/") &&
        (dialect == P9_DIALECT_L || !str_is(aname, "root")))
        return -ENOENT;
    if (dialect != P9_DIALECT_L)
        uid = attached_uid(uname, uid);
    err = identity_user(s, uid, &uid);
    if (err == 0)
        err = new_root(num, uid, &st, &f);
    if (err == 0)
        err = insert_root(r, f);
    fid_put(f);
    if (err != 0)
        return err;
    qid = session_qid(s, &st);
    builder_qid(&r->out, &qid);
    pump_event(&s->worker->pump, CTL_EVENT_ATTACH, num, uid, 0);
    return 0;
}

/* Tflush oldtag[2] -> Rflush, flush(5). */
int op_flush(struct request *r)
{
    uint16_t oldtag = cursor_u16(&r->in);

    if (!cursor_done(&r->in))
        return -EINVAL;
    give_up(r->session, throttle_cancel(&r->session->throttle, oldtag, r->generation));
    (void)flight_flush(&r->session->worker->pump, r, oldtag); /* parked or not: no error */
    return 0;
}
