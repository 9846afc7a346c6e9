/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - what a guest's owners and modes come to on disk, and the way back.
 *
 * The policy chooses (enum ctl_identity); whoever handles a message asks here and knows none of
 * the choices.
 */
#ifndef XEN9P_IDENTITY_H
#define XEN9P_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

struct fid;
struct session;

/*
 * Mode that a file of `type` (S_IFMT bits) gets on disk when the guest asks for `mode`, of which
 * the type is not looked at: for creating calls and chmod.
 */
mode_t identity_mode(const struct session *s, mode_t type, uint32_t mode);

/*
 * A new owner (P9_SETATTR_UID, P9_SETATTR_GID in `valid` say which of the two) for the file of a
 * fid. 0 also when the policy ignores it. -EPERM: refused, and nothing was changed.
 */
int identity_chown(const struct session *s, const struct fid *f, uint32_t valid, uint32_t uid,
                   uint32_t gid);

#endif
