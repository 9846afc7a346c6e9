/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - what a guest's owners and modes come to on disk, and the way back.
 *
 * The policy chooses (enum ctl_identity); whoever handles a message asks here and knows none of
 * the choices.
 */
#ifndef XEN9P_IDENTITY_H
#define XEN9P_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct fid;
struct request;
struct session;

/*
 * Before and after the handler of a request: with identities of many owners, this thread acts as the user whose fid
 * the message names first (every message of a file does). Between requests it is the guest's root.
 * identity_leave() takes what identity_enter() has returned: the request may be somebody else's by then.
 */
unsigned int identity_enter(struct request *r);
/* The same as `uid`, for what is done to a fid that no message names. */
unsigned int identity_enter_as(const struct session *s, uint32_t uid);
void identity_leave(unsigned int entered);

/*
 * After an EACCES for what the bits `want` (S_IROTH, S_IWOTH, S_IXOTH) of the file `fd` give to others: whether
 * only a group is kept out of it, in which the user of `f` need not be. Then this thread is root's, for one call of
 * just that kind, until identity_as_user(). Never where there is a POSIX ACL, which knows users and
 * groups by name.
 */
bool identity_as_other(const struct session *s, const struct fid *f, int fd, mode_t want);
void identity_as_user(const struct fid *f);

/*
 * The group that a creating message asks for, until identity_leave(). -EINVAL: none that a guest
 * has.
 */
int identity_group(struct request *r, uint32_t gid);

/*
 * The user of an attach: n_uname, of which ~0 (no user) is root. -EACCES: none that a guest has.
 */
int identity_user(const struct session *s, uint32_t n_uname, uint32_t *uid);

/* Whether a file's owner is stored at all, so that changing it moves the ctime. */
bool identity_keeps_owners(const struct session *s);

/* Owner, mode and device of a file. */
struct identity_attr {
    uint32_t uid, gid;
    mode_t mode; /* with the type */
    uint64_t rdev;
    uint64_t size; /* on disk; nothing else is shown */
};

/* From what is on disk (`a`, of the file `fd`) to what the guest sees. */
void identity_shown(const struct session *s, int fd, struct identity_attr *a);
/* The same in a stat. */
void identity_stat(const struct session *s, int fd, struct stat *st);
/*
 * Target of the symlink `fd`: a link on disk, or a file that stands for one. Its length, or a negative errno.
 */
ssize_t identity_readlink(const struct session *s, int fd, char *out, size_t cap);
/* The mode alone: for what a fid is, it is asked when the file is walked to. */
mode_t identity_type(const struct session *s, int fd, const struct stat *on_disk);

/*
 * Mode that a file of `type` (S_IFMT bits) gets on disk when the guest asks for `mode`, of which
 * the type is not looked at: for creating calls and chmod.
 */
mode_t identity_mode(const struct session *s, mode_t type, uint32_t mode);

/* True when what the guest makes of this type is a regular file on disk, with a note of what it stands for. */
bool identity_notes_type(const struct session *s, mode_t type);
/* True when a regular file on disk may stand for something else. */
bool identity_files_may_stand_for_others(const struct session *s);

/*
 * After a creating call: notes down whose the file is and what the guest has asked for, where the
 * disk does not have it. `type`: S_IFMT bits.
 */
int identity_made(const struct request *r, const struct fid *dir, int fd, mode_t type,
                  uint32_t mode);
/* The same for an entry of `dir`. */
int identity_made_at(const struct request *r, const struct fid *dir, const char *name, mode_t type,
                     uint32_t mode);

/* chmod: 0 or a negative errno. */
int identity_chmod(const struct session *s, const struct fid *f, uint32_t mode);

/* After the guest has written to the file of `f` or cut it: setuid and setgid fall. */
void identity_written(const struct session *s, const struct fid *f);

/* Whether the export's file system can keep what this identity needs. 0 or a negative errno. */
int identity_supported(const struct session *s);

/*
 * A new owner (P9_SETATTR_UID, P9_SETATTR_GID in `valid` say which of the two) for the file of a
 * fid. 0 also when the policy ignores it. -EPERM: refused, and nothing was changed.
 */
int identity_chown(const struct session *s, const struct fid *f, uint32_t valid, uint32_t uid,
                   uint32_t gid);

#endif
