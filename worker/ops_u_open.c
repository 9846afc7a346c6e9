/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_u_open.c - Topen and Tcreate of 9P2000 and 9P2000.u.
 *
 * Both are translated to what 9P2000.L has: open.h and name.h do the work, and judge flags, file types and the policy.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/name.h"
#include "xen9p/open.h"
#include "xen9p/operations.h"
#include "xen9p/parent.h"
#include "xen9p/path.h"
#include "xen9p/session.h"

static bool is_u(const struct request *r)
{
    return atomic_load(&r->session->dialect) == P9_DIALECT_U;
}

/*
 * Flags of a mode[1]. OEXEC reads; OAPPEND appends as far as open.h goes: with OWRITE whatever offset a Twrite has,
 * with ORDWR the client's offsets count.
 */
static int translate(uint32_t mode, uint32_t *p9)
{
    static const uint32_t access[] = {P9_L_RDONLY, P9_L_WRONLY, P9_L_RDWR, P9_L_RDONLY};

    if ((mode & ~(P9_OACCMODE | P9_OTRUNC | P9_ORCLOSE | P9_OAPPEND)) != 0)
        return -EINVAL;
    *p9 = access[mode & P9_OACCMODE];
    if ((mode & P9_OTRUNC) != 0)
        *p9 |= P9_L_TRUNC;
    if ((mode & P9_OAPPEND) != 0)
        *p9 |= P9_L_APPEND;
    return 0;
}

/* What the mode asks for beyond translate(): ORCLOSE is a way of deleting, and not for directories, open(5). */
static int judge_open(const struct request *r, const struct fid *f, uint32_t mode)
{
    struct stat st;
    int err = 0;

    if ((mode & P9_ORCLOSE) != 0)
        err = S_ISDIR(f->type) ? -EISDIR : session_refuses(r->session, OPERATION_DELETE);
    if (err == 0 && (mode & P9_OACCMODE) == P9_OEXEC && S_ISREG(f->type)) {
        err = path_stat(f->path_fd, &st);
        if (err == 0 && (st.st_mode & 0111) == 0)
            err = -EACCES;
    }
    return err;
}

/* Topen fid[4] mode[1] -> Ropen qid[13] iounit[4]. */
int op_open(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint32_t mode = cursor_u8(&r->in), p9;
    struct fid *f;
    int err;

    if (!cursor_done(&r->in) || translate(mode, &p9) != 0)
        return -EINVAL;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = judge_open(r, f, mode);
    if (err == 0)
        err = open_fid(r, f, p9);
    if (err == 0 && (mode & P9_ORCLOSE) != 0)
        atomic_store(&f->remove, true);
    if (err == 0)
        err = open_reply(r, f->path_fd);
    fid_put(f);
    return err;
}

struct create {
    struct fid *dir;
    char name[P9_NAME_MAX + 1];
    uint32_t perm, mode;
    struct wire_str ext;
};

/*
 * Permissions of what is made. 9P2000 takes away what the directory does not have, create(5); a client of 9P2000.u has a
 * umask and has applied it.
 */
static int permissions(const struct request *r, const struct create *c, uint32_t most,
                       uint32_t *mode)
{
    struct stat st;
    int err;

    *mode = c->perm & 0777u;
    if (is_u(r)) {
        *mode |= (c->perm & P9_DMSETUID) != 0 ? S_ISUID : 0u;
        *mode |= (c->perm & P9_DMSETGID) != 0 ? S_ISGID : 0u;
        *mode |= (c->perm & P9_DMSETVTX) != 0 ? S_ISVTX : 0u;
        return 0;
    }
    err = path_stat(c->dir->path_fd, &st);
    if (err == 0)
        *mode &= ~most | (st.st_mode & most);
    return err;
}

/* Puts what was made, and stands in the directory now, in the place of the directory's fid. */
static int become(struct request *r, const struct create *c, bool opened)
{
    struct stat st;
    struct fid *f;
    int err, fd = path_step(c->dir->path_fd, c->name, &st);

    if (fd < 0)
        return fd;
    f = fid_new(c->dir->num, fd, st.st_mode, c->dir->uid);
    if (f == NULL)
        return -ENOMEM;
    parent_found(r->session, f, c->dir, (uint32_t)strlen(c->name) + 1, c->dir->path_fd, c->name);
    err = opened ? open_fid(r, f, P9_L_RDONLY | P9_L_DIRECTORY) : 0;
    if (err == 0)
        err = open_reply(r, f->path_fd);
    if (err == 0)
        err = fid_replace(r->session->fids, c->dir, f, r->generation);
    fid_put(f);
    return err;
}

/* A new name, never what is there. OTRUNC has nothing to do; ORCLOSE is known once the fid is the file. */
static int create_file(struct request *r, const struct create *c)
{
    uint32_t p9 = 0, mode = 0;
    struct fid *f;
    int err = translate(c->mode & ~P9_OTRUNC, &p9);

    if (err == 0 && (c->mode & P9_ORCLOSE) != 0)
        err = session_refuses(r->session, OPERATION_DELETE);
    if (err == 0)
        err = permissions(r, c, 0666, &mode);
    if (err == 0)
        err = open_create(r, c->dir, c->name, p9 | P9_L_EXCL, mode);
    if (err != 0 || (c->mode & P9_ORCLOSE) == 0)
        return err;
    f = fid_get(r->session->fids, c->dir->num, r->generation);
    if (f != NULL)
        atomic_store(&f->remove, true);
    fid_put(f);
    return 0;
}

/* Made and opened, for reading: "it is illegal to write a directory, truncate it, or remove it on close" */
static int create_directory(struct request *r, const struct create *c)
{
    uint32_t mode = 0;
    int err = session_refuses(r->session, OPERATION_CREATE | OPERATION_READ);

    if (err == 0 && c->mode != P9_OREAD && c->mode != P9_OEXEC)
        err = -EISDIR;
    if (err == 0)
        err = permissions(r, c, 0777, &mode);
    if (err == 0)
        err = name_mkdir(r, c->dir, c->name, mode);
    return err != 0 ? err : become(r, c, true);
}

static int create_symlink(struct request *r, const struct create *c)
{
    int err = session_refuses(r->session, OPERATION_SYMLINK);

    if (err == 0)
        err = name_symlink(r, c->dir, c->name, c->ext);
    return err != 0 ? err : become(r, c, false);
}

/* ext of a hard link: a fid in decimal and a newline, as Linux sends it; the newline may be absent. */
static int linked_fid(struct wire_str ext, uint32_t *num)
{
    uint64_t n = 0;

    if (ext.len > 0 && ext.s[ext.len - 1] == '\n')
        ext.len--;
    if (ext.len == 0 || ext.len > 10)
        return -EINVAL;
    for (uint16_t i = 0; i < ext.len; i++) {
        if (ext.s[i] < '0' || ext.s[i] > '9')
            return -EINVAL;
        n = n * 10 + (uint64_t)(ext.s[i] - '0');
    }
    *num = (uint32_t)n;
    return n < P9_NOFID ? 0 : -EINVAL;
}

static int create_link(struct request *r, const struct create *c)
{
    struct fid *f = NULL;
    uint32_t num = 0;
    int err = session_refuses(r->session, OPERATION_LINK);

    if (err == 0)
        err = linked_fid(c->ext, &num);
    if (err != 0)
        return err;
    f = request_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = name_link(r, c->dir, c->name, f);
    fid_put(f);
    return err != 0 ? err : become(r, c, false);
}

static int create_node(struct request *r, const struct create *c, mode_t type)
{
    uint32_t mode = 0;
    int err = session_refuses(r->session, OPERATION_MKNOD);

    if (err == 0)
        err = permissions(r, c, 0666, &mode);
    if (err == 0)
        err = name_node(r, c->dir, c->name, type, mode);
    return err != 0 ? err : become(r, c, false);
}

/*
 * What perm asks for. Append-only files and exclusive use are promises that cannot be kept here. DMTMP ("not to be
 * backed up") is none.
 */
static int make(struct request *r, const struct create *c)
{
    const uint32_t special = P9_DMSYMLINK | P9_DMLINK | P9_DMDEVICE | P9_DMNAMEDPIPE | P9_DMSOCKET;
    const uint32_t set_bits = P9_DMSETUID | P9_DMSETGID | P9_DMSETVTX;
    uint32_t type = c->perm & (P9_DMDIR | special);

    if ((c->perm & (P9_DMAPPEND | P9_DMEXCL)) != 0)
        return -EOPNOTSUPP;
    if ((c->perm & ~(0777u | P9_DMTMP | P9_DMDIR | (is_u(r) ? special | set_bits : 0u))) != 0)
        return -EINVAL;
    switch (type) {
    case 0:
        return create_file(r, c);
    case P9_DMDIR:
        return create_directory(r, c);
    case P9_DMSYMLINK:
        return create_symlink(r, c);
    case P9_DMLINK:
        return create_link(r, c);
    case P9_DMNAMEDPIPE:
        return create_node(r, c, S_IFIFO);
    case P9_DMSOCKET:
        return create_node(r, c, S_IFSOCK);
    case P9_DMDEVICE: /* as Tmknod */
        return -EPERM;
    default:
        return -EINVAL;
    }
}

/*
 * Tcreate fid[4] name[s] perm[4] mode[1] (9P2000.u: ext[s]) -> Rcreate qid[13] iounit[4]. The fid, of a directory,
 * becomes what was made: a file or directory opened with `mode`, anything else not opened.
 */
int op_create(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    struct create c = {.ext = {"", 0}};
    uint32_t p9;
    int err;

    c.perm = cursor_u32(&r->in);
    c.mode = cursor_u8(&r->in);
    if (is_u(r))
        c.ext = cursor_str(&r->in);
    if (!cursor_done(&r->in) || translate(c.mode, &p9) != 0)
        return -EINVAL;
    err = p9_name(wire, c.name);
    if (err != 0)
        return err;
    c.dir = request_fid(r, num);
    if (c.dir == NULL)
        return -EBADF;
    if (!S_ISDIR(c.dir->type))
        err = -ENOTDIR;
    else if (atomic_load(&c.dir->io_fd) >= 0)
        err = -EINVAL; /* an open fid becomes nothing else */
    else
        err = make(r, &c);
    fid_put(c.dir);
    return err;
}
