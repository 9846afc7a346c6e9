/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_walk.c - Twalk and Tclunk.
 *
 * Names come from the guest. Each is one openat with O_PATH|O_NOFOLLOW from what was reached so
 * far; ".." goes through path_locate() and stops at the export's root.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <unistd.h>

#include "xen9p/identity.h"
#include "xen9p/name.h"
#include "xen9p/parent.h"
#include "xen9p/path.h"
#include "xen9p/worker.h"

struct walk {
    uint32_t num, newnum;
    uint16_t n;
    struct wire_str name[P9_MAXWELEM];
    struct p9_qid qid[P9_MAXWELEM]; /* of the steps done */
    uint32_t len;                   /* bytes of all names */
    uint64_t key;                   /* fid_key() of what was reached, with all steps done */
    int dir;                        /* where the last step was made, when that is deep; else -1 */
};

static int parse(struct request *r, struct walk *w)
{
    w->num = cursor_u32(&r->in);
    w->newnum = cursor_u32(&r->in);
    w->n = cursor_u16(&r->in);
    if (w->n > P9_MAXWELEM)
        return -EINVAL;
    w->len = 0;
    w->dir = -1;
    w->key = 0;
    for (uint16_t i = 0; i < w->n; i++) {
        w->name[i] = cursor_str(&r->in);
        w->len += w->name[i].len + 1u;
    }
    return cursor_done(&r->in) ? 0 : -EINVAL;
}

/* Parent of the directory `dir`, which is that of `f` or was reached from it. Returns its descriptor or a negative errno. */
static int step_up(struct session *s, struct fid *f, int dir, struct stat *st)
{
    char name[P9_NAME_MAX + 1];
    int err = path_stat(dir, st), fd;

    if (err != 0)
        return err;
    if (!S_ISDIR(st->st_mode))
        return -ENOTDIR;
    fd = dir == f->path_fd ? parent_locate(s, f, name) : path_locate(s, dir, name);
    if (fd == -EBUSY) /* the root is its own parent */
        fd = path_again(dir);
    if (fd < 0)
        return fd;
    err = path_stat(fd, st);
    if (err != 0) {
        close(fd);
        return err;
    }
    return fd;
}

static int step(struct session *s, struct fid *f, int dir, struct wire_str w, struct stat *st)
{
    char name[P9_NAME_MAX + 1];
    int err, fd;

    if (w.len == 2 && w.s[0] == '.' && w.s[1] == '.')
        return step_up(s, f, dir, st);
    err = p9_name(w, name);
    if (err != 0)
        return err;
    fd = path_step(dir, name, st);
    if (fd == -EACCES && identity_as_other(s, f, dir, S_IXOTH)) {
        fd = path_step(dir, name, st);
        identity_as_user(f);
    }
    if (fd >= 0)
        st->st_mode = identity_type(s, fd, st);
    return fd;
}

/*
 * Walks from `f`. Returns the number of steps done, with their qids in `w`; a negative errno when
 * the first fails. When all were done *fd is what was reached, and *type its type.
 */
static int walk(struct session *s, struct walk *w, struct fid *f, int *fd, mode_t *type)
{
    bool deep = parent_is_deep(f, w->len);
    int at = f->path_fd;
    uint16_t i;

    *fd = -1;
    for (i = 0; i < w->n; i++) {
        struct stat st = {0};
        int next = step(s, f, at, w->name[i], &st);

        if (next >= 0 && deep && i + 1 == w->n)
            w->dir = at;
        else if (at != f->path_fd)
            close(at);
        if (next < 0)
            return i == 0 ? next : i;
        at = next;
        *type = st.st_mode;
        w->qid[i] = session_qid(s, &st);
        w->key = fid_key_of(&st);
    }
    *fd = at;
    return i;
}

/* Tells the new fid where it was found. */
static void remember(struct session *s, const struct walk *w, struct fid *from, struct fid *f)
{
    char name[P9_NAME_MAX + 1];

    if (w->n == 0)
        parent_same(f, from);
    else if (w->dir < 0)
        f->depth = (uint16_t)(from->depth + w->len); /* not deep: below PARENT_DEEP */
    else if (p9_name(w->name[w->n - 1], name) == 0)
        parent_found(s, f, from, w->len, w->dir, name);
    else
        f->depth = from->depth; /* "..": up again */
}

/* Puts the fid that the walk made into the table. Takes over `fd`. */
static int enter(struct request *r, const struct walk *w, struct fid *from, int fd, mode_t type)
{
    struct fid_table *t = r->session->fids;
    struct fid *f = fid_new(w->newnum, fd, type, from->uid);
    int err;

    if (f == NULL)
        return -ENOMEM;
    atomic_init(&f->key, w->n > 0 ? w->key : atomic_load(&from->key));
    remember(r->session, w, from, f);
    if (w->newnum == w->num)
        err = fid_replace(t, from, f, r->generation);
    else
        err = fid_insert(t, f, r->generation);
    fid_put(f);
    return err;
}

/* nwname 0: a second fid for the same file. Onto itself it changes nothing. */
static int duplicate(struct request *r, const struct walk *w, struct fid *f)
{
    int fd;

    if (w->newnum == w->num)
        return 0;
    fd = path_again(f->path_fd);
    return fd < 0 ? fd : enter(r, w, f, fd, f->type);
}

static int walk_from(struct request *r, struct walk *w, struct fid *f)
{
    mode_t type = 0;
    int fd, err = 0, done;

    if (w->n == 0) {
        done = 0;
        err = duplicate(r, w, f);
    } else {
        done = walk(r->session, w, f, &fd, &type);
        if (done == w->n) /* else a short Rwalk, and no new fid */
            err = enter(r, w, f, fd, type);
        if (w->dir >= 0 && w->dir != f->path_fd)
            close(w->dir);
    }
    if (done < 0 || err != 0)
        return done < 0 ? done : err;
    builder_u16(&r->out, (uint16_t)done);
    for (int i = 0; i < done; i++)
        builder_qid(&r->out, &w->qid[i]);
    return 0;
}

int op_walk(struct request *r)
{
    struct walk w;
    struct fid *f;
    int err = parse(r, &w);

    if (err != 0)
        return err;
    if (w.newnum == P9_NOFID)
        return -EBADF;
    f = request_fid(r, w.num);
    if (f == NULL)
        return -EBADF;
    err = walk_from(r, &w, f);
    fid_put(f);
    return err;
}

/*
 * Tclunk fid[4] -> Rclunk. The fid is gone, whatever the answer. An attribute that was written is stored now; a file opened
 * with ORCLOSE is removed.
 */
int op_clunk(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct fid *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_take_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = xattr_op_clunk(r, f);
    if (err == 0 && atomic_load(&f->remove)) {
        err = name_remove(r, f);
        if (err == -ENOENT) /* somebody else was faster */
            err = 0;
    }
    fid_put(f);
    flight_retry_locks(&r->session->worker->pump); /* it may have held some */
    return err;
}
