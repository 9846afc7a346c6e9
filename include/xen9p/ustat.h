/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ustat.h - the stat of 9P2000 and 9P2000.u: what is known of a file, in one structure on the wire.
 *
 *   size[2] type[2] dev[4] qid[13] mode[4] atime[4] mtime[4] length[8] name[s] uid[s] gid[s] muid[s]
 *   9P2000.u: ext[s] n_uid[4] n_gid[4] n_muid[4]
 *
 * size does not count itself. type and dev are 0, muid is nobody in particular ("", ~0). uid and gid: "root" for 0, "nobody"
 * for 65534, any other id in decimal; there is no user database here. length is 0 for a directory.
 * ext: target of a symbolic link, "b MAJ MIN" or "c MAJ MIN" of a device, and "HARDLINKCOUNT N" for a file that
 * has more or fewer names than one (Linux reads this).
 */
#ifndef XEN9P_USTAT_H
#define XEN9P_USTAT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "xen9p/cursor.h"
#include "xen9p/session.h"

/* As it came: nothing is judged but that it is whole. */
struct ustat {
    uint16_t type;
    uint32_t dev;
    struct p9_qid qid;
    uint32_t mode, atime, mtime;
    uint64_t length;
    struct wire_str name, uid, gid, muid, ext;
    uint32_t n_uid, n_gid, n_muid; /* ~0 in 9P2000 */
};

/*
 * Appends the stat of `fd` (O_PATH), called `name`, in the dialect of the session. -ENOBUFS when it
 * does not fit: nothing is appended then. Other errors are the kernel's.
 */
int ustat_put(struct session *s, int fd, const struct stat *st, const char *name,
              struct builder *out);

/* Reads size[2] and what follows. False when it is not exactly as long as it says. */
bool ustat_get(struct cursor *c, bool with_ids, struct ustat *u);

/* mode of a stat, from st_mode. */
uint32_t ustat_mode(const struct session *s, mode_t mode);

/* Id of a user or group called so; false when there is none. */
bool ustat_id(struct wire_str name, uint32_t *id);

#endif
