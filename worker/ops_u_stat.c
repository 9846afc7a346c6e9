/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_u_stat.c - Tstat and Twstat of 9P2000 and 9P2000.u.
 *
 * A Twstat is judged as a whole before it changes anything. A rename comes first, and is taken back when what
 * follows fails.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/attr.h"
#include "xen9p/identity.h"
#include "xen9p/name.h"
#include "xen9p/operations.h"
#include "xen9p/parent.h"
#include "xen9p/path.h"
#include "xen9p/ustat.h"

#define UNTOUCHED32 0xffffffffu
#define UNTOUCHED64 0xffffffffffffffffull

/* Tstat fid[4] -> Rstat n[2] stat[n]. */
int op_stat(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    char name[P9_NAME_MAX + 1];
    struct builder n = r->out;
    struct stat st;
    struct fid *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = path_stat(f->path_fd, &st);
    builder_u16(&r->out, 0);
    if (err == 0) {
        path_name(r->session, f->path_fd, &st, name);
        err = ustat_put(r->session, f->path_fd, &st, name, &r->out);
    }
    fid_put(f);
    builder_u16(&n, (uint16_t)(builder_len(&r->out) - 2));
    return err == -ENOBUFS ? -EMSGSIZE : err;
}

/* What a Twstat comes to. */
struct change {
    struct attr_change attr;
    bool rename;
    char name[P9_NAME_MAX + 1];
};

/* Fields that nobody can change: untouched, or what they are. muid is not kept here: any will do. */
static int judge_fixed(struct session *s, const struct ustat *u, const struct stat *st)
{
    struct p9_qid q = session_qid(s, st);
    bool same_qid = u->qid.type == q.type && u->qid.path == q.path;
    bool no_qid =
        u->qid.type == 0xff && u->qid.version == UNTOUCHED32 && u->qid.path == UNTOUCHED64;

    if ((u->type != 0xffff && u->type != 0) || (u->dev != UNTOUCHED32 && u->dev != 0))
        return -EPERM;
    if ((!same_qid && !no_qid) || u->ext.len != 0)
        return -EPERM;
    return 0;
}

/*
 * The type of a file never changes. A directory has to say what it is, stat(5); of the types that 9P2000.u adds a
 * client need not know.
 */
static int judge_mode(const struct session *s, const struct ustat *u, const struct stat *st,
                      struct attr_change *a)
{
    const uint32_t set_bits = P9_DMSETUID | P9_DMSETGID | P9_DMSETVTX;
    uint32_t type = ustat_mode(s, st->st_mode & S_IFMT);
    uint32_t known = 0777u | type | (atomic_load(&s->dialect) == P9_DIALECT_U ? set_bits : 0u);

    if (u->mode == UNTOUCHED32)
        return 0;
    if ((u->mode & ~known) != 0 || ((u->mode ^ type) & P9_DMDIR) != 0)
        return -EINVAL;
    a->valid |= P9_SETATTR_MODE;
    a->mode = u->mode & 0777u;
    if ((u->mode & P9_DMSETUID) != 0)
        a->mode |= S_ISUID;
    if ((u->mode & P9_DMSETGID) != 0)
        a->mode |= S_ISGID;
    if ((u->mode & P9_DMSETVTX) != 0)
        a->mode |= S_ISVTX;
    return 0;
}

static int judge_length(const struct ustat *u, const struct stat *st, struct attr_change *a)
{
    if (u->length == UNTOUCHED64)
        return 0;
    if (S_ISDIR(st->st_mode))
        return u->length == 0 ? 0 : -EISDIR;
    if (!S_ISREG(st->st_mode) && u->length == (uint64_t)st->st_size)
        return 0;
    if (!S_ISREG(st->st_mode) || u->length > INT64_MAX)
        return -EINVAL;
    a->valid |= P9_SETATTR_SIZE;
    a->size = u->length;
    return 0;
}

/* One owner: the number counts, else the name. `bit` is set when it differs from what is shown. */
static int judge_owner(struct wire_str name, uint32_t number, uint32_t shown, uint32_t bit,
                       struct attr_change *a, uint32_t *id)
{
    *id = number;
    if (number == P9_NONUNAME && name.len == 0)
        return 0;
    if (number == P9_NONUNAME && !ustat_id(name, id))
        return -EINVAL;
    if (*id != shown)
        a->valid |= bit;
    return 0;
}

static int judge_owners(const struct session *s, const struct ustat *u, const struct stat *st,
                        struct attr_change *a)
{
    int err = judge_owner(u->uid, u->n_uid, st->st_uid, P9_SETATTR_UID, a, &a->uid);

    if (err == 0)
        err = judge_owner(u->gid, u->n_gid, st->st_gid, P9_SETATTR_GID, a, &a->gid);
    /* "it is illegal to attempt to change the owner of a file", stat(5) */
    if (err == 0 && (a->valid & P9_SETATTR_UID) != 0 &&
        atomic_load(&s->dialect) == P9_DIALECT_LEGACY)
        err = -EPERM;
    return err;
}

static void take_times(const struct ustat *u, struct attr_change *a)
{
    if (u->atime != UNTOUCHED32) {
        a->valid |= P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET;
        a->atime_sec = u->atime;
    }
    if (u->mtime != UNTOUCHED32) {
        a->valid |= P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET;
        a->mtime_sec = u->mtime;
    }
}

/* Everything that can be said without changing anything. */
static int judge(struct request *r, const struct ustat *u, const struct stat *st, struct change *c)
{
    struct session *s = r->session;
    int err = judge_fixed(s, u, st);

    if (err == 0)
        err = judge_mode(s, u, st, &c->attr);
    if (err == 0)
        err = judge_length(u, st, &c->attr);
    if (err == 0)
        err = judge_owners(s, u, st, &c->attr);
    take_times(u, &c->attr);
    c->rename = u->name.len != 0;
    if (err == 0 && c->rename)
        err = p9_name(u->name, c->name);
    if (err == 0 && c->rename)
        err = session_refuses(s, OPERATION_RENAME);
    if (err == 0 && c->attr.valid != 0)
        err = attr_refuses(s, c->attr.valid);
    return err;
}

/*
 * In its directory. 9P2000 has no way to replace another file ("it is an error to change the name to that of an
 * existing file", stat(5)). In 9P2000.u it is how Linux renames, and replaces as rename(2) does; not together with other changes,
 * because that could not be taken back.
 */
static int rename_and_change(struct request *r, struct fid *f, const struct change *c)
{
    const struct session *s = r->session;
    bool exclusive = atomic_load(&s->dialect) != P9_DIALECT_U || c->attr.valid != 0;
    char old[P9_NAME_MAX + 1];
    int err, dir = parent_locate(s, f, old);

    if (dir < 0)
        return dir;
    if (strcmp(old, c->name) == 0) {
        err = c->attr.valid != 0 ? attr_change(r, f, &c->attr) : 0;
    } else {
        err = name_rename(r, dir, old, dir, c->name, exclusive);
        if (err == 0)
            parent_renamed(r->session, f, dir, c->name);
        if (err == 0 && c->attr.valid != 0) {
            err = attr_change(r, f, &c->attr);
            if (err != 0 && name_rename(r, dir, c->name, dir, old, true) == 0)
                parent_renamed(r->session, f, dir, old);
        }
    }
    close(dir);
    return err;
}

/* Nothing to change: "a request to the server to guarantee that the contents are on stable storage" */
static int sync_file(const struct fid *f)
{
    int fd = atomic_load(&f->io_fd);

    return fd < 0 || fsync(fd) == 0 ? 0 : -errno;
}

static int change(struct request *r, struct fid *f, const struct ustat *u)
{
    struct change c = {.rename = false};
    struct stat st;
    int err = path_stat(f->path_fd, &st);

    if (err == 0) {
        identity_stat(r->session, f->path_fd, &st);
        err = judge(r, u, &st, &c);
    }
    if (err != 0)
        return err;
    if (c.rename)
        return rename_and_change(r, f, &c);
    if (c.attr.valid != 0)
        return attr_change(r, f, &c.attr);
    return sync_file(f);
}

/* Twstat fid[4] n[2] stat[n] -> Rwstat. Integers of all ones and empty strings leave a field alone. */
int op_wstat(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint16_t n = cursor_u16(&r->in);
    struct ustat u;
    struct fid *f;
    int err;

    if (r->in.bad || n != cursor_left(&r->in) ||
        !ustat_get(&r->in, atomic_load(&r->session->dialect) == P9_DIALECT_U, &u))
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = change(r, f, &u);
    fid_put(f);
    return err;
}
