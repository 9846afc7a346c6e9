/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_session.c - Tversion, Tauth, Tattach, Tflush.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/ops.h"
#include "xen9p/worker.h"

static bool str_is(struct wire_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

/*
 * A new session: fids are gone, requests in flight are forgotten. Afterwards no reply of the old
 * session can appear any more: whoever was publishing one held a producer lock.
 */
static void start_session(struct request *r, enum p9_dialect dialect, uint32_t msize)
{
    struct session *s = r->session;
    struct worker *w = s->worker;

    r->generation = atomic_load(&s->generation) + 1;
    atomic_store(&s->generation, r->generation);
    fid_table_reset(s->fids, r->generation);
    for (uint32_t i = 0; i < w->config.num_rings; i++) {
        pthread_mutex_lock(&w->ring[i].tx_lock);
        pthread_mutex_unlock(&w->ring[i].tx_lock);
    }
    atomic_store(&s->dialect, dialect);
    atomic_store(&s->msize, msize);
    atomic_store(&s->orphaned, false);
    atomic_store(&w->journal->dialect, dialect);
    atomic_store(&w->journal->msize, msize);
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
    if (str_is(version, p9_dialect_name(P9_DIALECT_L)))
        dialect = P9_DIALECT_L;
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

/*
 * Tattach fid[4] afid[4] uname[s] aname[s] n_uname[4] -> Rattach qid[13]. There is one tree: aname is empty
 * or "/". afid is NOFID, or 0 from clients that do not know better.
 */
int op_attach(struct request *r)
{
    struct session *s = r->session;
    uint32_t num = cursor_u32(&r->in);
    uint32_t afid = cursor_u32(&r->in);
    struct p9_qid qid;
    struct wire_str aname;
    struct stat st;
    struct fid *f;
    uint32_t uid;
    int fd, err;

    (void)cursor_str(&r->in); /* uname: n_uname counts */
    aname = cursor_str(&r->in);
    uid = cursor_u32(&r->in);
    if (!cursor_done(&r->in) || (afid != P9_NOFID && afid != 0))
        return -EINVAL;
    if (aname.len != 0 && !str_is(aname, "/"))
        return -ENOENT;
    fd = openat(WFD_ROOT, ".", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0) {
        err = -errno;
        close(fd);
        return err;
    }
    f = fid_new(num, fd, st.st_mode & S_IFMT, uid);
    if (f == NULL)
        return -ENOMEM;
    err = fid_insert(s->fids, f, r->generation);
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
    (void)flight_flush(&r->session->worker->pump, r, oldtag); /* parked or not: no error */
    return 0;
}
