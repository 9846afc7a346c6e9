/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_rename.c - messages that move or take away a name: Trename, Trenameat, Tunlinkat, Tremove.
 *
 * Trenameat and Tunlinkat name an entry of a directory. Trename and Tremove name a fid: its entry
 * is looked for with parent_locate(). Names pass p9_name(); the root has none that could be given.
 */
#include "xen9p/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen9p/name.h"
#include "xen9p/operations.h"
#include "xen9p/parent.h"
#include "xen9p/session.h"

/* What stands in the way is replaced, which is a way of deleting it. */
int name_rename(struct request *r, int from, const char *name, int to, const char *newname,
                bool exclusive)
{
    bool replace = !exclusive && (r->session->operations & OPERATION_DELETE) != 0;
    unsigned int flags = replace ? 0 : RENAME_NOREPLACE;

    return quota_rename(r->session, from, name, to, newname, flags);
}

int name_move(struct request *r, struct fid *f, const struct fid *to, const char *newname)
{
    char name[P9_NAME_MAX + 1];
    int err, parent = parent_locate(r->session, f, name);

    if (parent < 0)
        return parent;
    err = name_rename(r, parent, name, to->path_fd, newname, false);
    if (err == 0)
        parent_moved(r->session, f, to, newname);
    close(parent);
    return err;
}

/* Two fids at once: both or none. */
static int get_two(struct request *r, uint32_t a, uint32_t b, struct fid **fa, struct fid **fb)
{
    *fa = request_fid(r, a);
    *fb = request_fid(r, b);
    if (*fa != NULL && *fb != NULL)
        return 0;
    fid_put(*fa);
    fid_put(*fb);
    return -EBADF;
}

/* Trename fid[4] dfid[4] name[s] -> Rrename. EBUSY: the root. ENOENT: has no name any more. */
int op_rename(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    uint32_t dnum = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *f, *dir;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    err = p9_name(wire, name);
    if (err == 0)
        err = get_two(r, num, dnum, &f, &dir);
    if (err != 0)
        return err;
    err = S_ISDIR(dir->type) ? name_move(r, f, dir, name) : -ENOTDIR;
    fid_put(f);
    fid_put(dir);
    return err;
}

/* Trenameat olddirfid[4] oldname[s] newdirfid[4] newname[s] -> Rrenameat. */
int op_renameat(struct request *r)
{
    uint32_t from = cursor_u32(&r->in);
    struct wire_str from_wire = cursor_str(&r->in);
    uint32_t to = cursor_u32(&r->in);
    struct wire_str to_wire = cursor_str(&r->in);
    char from_name[P9_NAME_MAX + 1], to_name[P9_NAME_MAX + 1];
    struct fid *from_dir, *to_dir;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    err = p9_name(from_wire, from_name);
    if (err == 0)
        err = p9_name(to_wire, to_name);
    if (err == 0)
        err = get_two(r, from, to, &from_dir, &to_dir);
    if (err != 0)
        return err;
    if (S_ISDIR(from_dir->type) && S_ISDIR(to_dir->type))
        err = name_rename(r, from_dir->path_fd, from_name, to_dir->path_fd, to_name, false);
    else
        err = -ENOTDIR;
    fid_put(from_dir);
    fid_put(to_dir);
    return err;
}

/* Tunlinkat dirfid[4] name[s] flags[4] -> Runlinkat. */
int op_unlinkat(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct wire_str wire = cursor_str(&r->in);
    uint32_t flags = cursor_u32(&r->in);
    char name[P9_NAME_MAX + 1];
    struct fid *dir;
    int err;

    if (!cursor_done(&r->in) || (flags & ~P9_AT_REMOVEDIR) != 0)
        return -EINVAL;
    err = p9_name(wire, name);
    if (err != 0)
        return err;
    dir = request_fid(r, num);
    if (dir == NULL)
        return -EBADF;
    if (!S_ISDIR(dir->type))
        err = -ENOTDIR;
    else
        err = quota_unlink(r->session, dir->path_fd, name, flags != 0 ? AT_REMOVEDIR : 0);
    fid_put(dir);
    return err;
}

int name_remove(struct request *r, struct fid *f)
{
    char name[P9_NAME_MAX + 1];
    int err, parent = parent_locate(r->session, f, name);

    if (parent < 0)
        return parent;
    err = quota_unlink(r->session, parent, name, S_ISDIR(f->type) ? AT_REMOVEDIR : 0);
    close(parent);
    return err;
}

/*
 * Tremove fid[4] -> Rremove. The fid is gone whether the file could be removed or not, remove(5);
 * that is why the policy is judged here and not in the dispatcher's table.
 */
int op_remove(struct request *r)
{
    uint32_t num = cursor_u32(&r->in);
    struct fid *f;
    int err;

    if (!cursor_done(&r->in))
        return -EINVAL;
    f = request_take_fid(r, num);
    if (f == NULL)
        return -EBADF;
    err = f->xattr == NULL ? session_refuses(r->session, OPERATION_DELETE) : -EBADF;
    if (err == 0)
        err = name_remove(r, f);
    fid_put(f);
    return err;
}
