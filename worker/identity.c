/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - what a guest's owners and modes come to on disk.
 *
 * Trusts the policy's numbers. With identity squash all files are the export's owner's: a new owner
 * has no place to be kept.
 */
#include "xen9p/identity.h"

#include <errno.h>
#include <sys/stat.h>

#include "xen9p/fid.h"
#include "xen9p/path.h"
#include "xen9p/session.h"

/* setuid and setgid would be those of the export's owner on the host; the filter has none either. */
#define SQUASHED_MODE 01777u

mode_t identity_mode(const struct session *s, mode_t type, uint32_t mode)
{
    uint32_t drop = S_ISDIR(type) ? s->directory_mode_drop : s->file_mode_drop;

    return mode & SQUASHED_MODE & ~drop;
}

int identity_chown(const struct session *s, const struct fid *f, uint32_t valid, uint32_t uid,
                   uint32_t gid)
{
    struct stat st;
    int err;

    if ((valid & (P9_SETATTR_UID | P9_SETATTR_GID)) == 0 || !s->refuse_chown)
        return 0;
    err = path_stat(f->path_fd, &st);
    if (err != 0)
        return err;
    /* The owner that it has is not a new one. */
    if (((valid & P9_SETATTR_UID) != 0 && uid != session_shown_uid(s, st.st_uid)) ||
        ((valid & P9_SETATTR_GID) != 0 && gid != session_shown_gid(s, st.st_gid)))
        return -EPERM;
    return 0;
}
