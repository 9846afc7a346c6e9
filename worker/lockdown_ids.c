/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_ids.c - resource limits, user namespace, ids, groups, capabilities.
 *
 * From here on "uid" is one of the worker's own user namespace. With identities of one owner it
 * knows a single one, that of the export's owner, and on the host that is an id of this worker; with
 * identity mapped it knows the domain's range. Only identity host stays in the host's namespace.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockdown_steps.h"
#include "xen9p/descriptors.h"
#include "xen9p/limits.h"
#include "xen9p/parent.h"
#include "xen9p/tree.h"

/* Descriptors that a thread has in its hands beside those of fids, at most. */
#define FDS_PER_THREAD 4u
/* And a thread that walks the whole export: that of the scan, and one for auto-delete. */
#define FDS_OF_WALKS (2 * TREE_FDS)
/* With less than this nobody can mount. */
#define LEAST_FIDS 16u

static int limit(int resource, rlim_t value)
{
    const struct rlimit r = {value, value};

    return setrlimit(resource, &r) == 0 ? 0 : -errno;
}

/*
 * A fid holds one descriptor, and one more while its file is open. So does each process of the guest that holds
 * locks on a file; with few fids there are few files.
 */
static rlim_t fds_for(const struct ctl_config *c, rlim_t fids)
{
    rlim_t open = c->max_open_files != 0 && c->max_open_files < fids ? c->max_open_files : fids;

    rlim_t locks = c->max_locks != 0 ? c->max_locks : LIMIT_MAX_LOCKS;

    return WFD_FIRST_FREE + FDS_PER_THREAD * (c->threads + 1) + FDS_OF_WALKS +
           parent_most((uint32_t)fids) + fids + open + (locks < fids ? locks : fids);
}

/* Raises the limit to what max_fids needs; where we may not, fewer fids are in force. */
static int limit_fds(struct lockdown *l)
{
    const struct ctl_config *c = &l->w->config;
    rlim_t fids = c->max_fids;
    struct rlimit now;

    if (limit(RLIMIT_NOFILE, fds_for(c, fids)) != 0) {
        rlim_t low = 0;

        if (getrlimit(RLIMIT_NOFILE, &now) != 0)
            return -errno;
        /* the most fids whose descriptors fit: fds_for() only grows */
        while (low < fids) {
            rlim_t middle = low + (fids - low + 1) / 2;

            if (fds_for(c, middle) <= now.rlim_max)
                low = middle;
            else
                fids = middle - 1;
        }
        l->value = (uint32_t)now.rlim_max;
        if (fids < LEAST_FIDS)
            return -EMFILE;
        if (limit(RLIMIT_NOFILE, fds_for(c, fids)) != 0)
            return -errno;
    }
    l->w->max_fids = (uint32_t)fids;
    return 0;
}

int lockdown_limits(struct lockdown *l)
{
    int err = limit(RLIMIT_CORE, 0);

    if (err == 0)
        err = limit(RLIMIT_MEMLOCK, 0);
    if (err == 0) /* counted in the worker's user namespace, where there is nobody else */
        err = limit(RLIMIT_NPROC, lockdown_threads(l));
    if (err == 0)
        err = limit(RLIMIT_DATA, LIMIT_DATA + (rlim_t)l->w->config.max_fids * LIMIT_DATA_PER_FID);
    return err != 0 ? err : limit_fds(l);
}

int lockdown_join_userns(struct lockdown *l)
{
    if (l->w->config.identity != CTL_IDENTITY_HOST && setns(WFD_USERNS, CLONE_NEWUSER) != 0)
        return -errno;
    return lockdown_plug(WFD_USERNS);
}

/*
 * What is kept, by identity.
 *
 * One owner: CAP_DAC_OVERRIDE, which a guest's root expects: it opens the owner's 0400 and 0000
 * files. It is good for inodes of the one user of this namespace only. Not kept, of those one might
 * think of: FSETID (setuid and setgid bits must fall when a file is written), FOWNER (the owner needs none), CHOWN (there is
 * nobody to give files to), MKNOD.
 *
 * Many owners: what root does to files (CHOWN, DAC_OVERRIDE, FOWNER, FSETID) and what acting as
 * another user takes (SETUID, SETGID). While a thread acts as a user the first four are not in
 * force. With identity mapped all of them count for the domain's range of ids alone; with identity
 * host they are the host's, for what can be reached from this root. Never MKNOD.
 */
static const unsigned one_owner[] = {CAP_DAC_OVERRIDE};
static const unsigned many_owners[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,
                                       CAP_FSETID, CAP_SETUID,       CAP_SETGID};

static bool has_many_owners(const struct ctl_config *c)
{
    return c->identity == CTL_IDENTITY_MAPPED || c->identity == CTL_IDENTITY_HOST;
}

static uint64_t mask_of(const unsigned *cap, size_t num)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < num; i++)
        mask |= UINT64_C(1) << cap[i];
    return mask;
}

uint64_t lockdown_caps(const struct ctl_config *c)
{
    return has_many_owners(c) ? mask_of(many_owners, sizeof(many_owners) / sizeof(many_owners[0]))
                              : mask_of(one_owner, sizeof(one_owner) / sizeof(one_owner[0]));
}

uint32_t lockdown_groups(const struct ctl_config *c)
{
    if (c->identity == CTL_IDENTITY_MAPPED)
        return c->id_count;
    return c->identity == CTL_IDENTITY_HOST ? LOCKDOWN_GROUPS : 0;
}

/* The guest's kernel knows who is in which group: identity.c. */
static int set_groups(const struct ctl_config *c)
{
    uint32_t num = lockdown_groups(c);
    gid_t *groups = num > 0 ? malloc(num * sizeof(*groups)) : NULL;
    int err = 0;

    if (num > 0 && groups == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < num; i++)
        groups[i] = i;
    if (setgroups(num, groups) != 0)
        err = -errno;
    free(groups);
    return err;
}

static int keep_caps(uint64_t caps)
{
    capng_clear(CAPNG_SELECT_ALL);
    for (unsigned cap = 0; caps != 0; cap++, caps >>= 1)
        if ((caps & 1) != 0 && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap) != 0)
            return -EINVAL;
    return 0;
}

int lockdown_ids_and_caps(struct lockdown *l)
{
    const struct ctl_config *c = &l->w->config;
    struct stat root;
    int res;

    if (fstatat(WFD_ROOT, "", &root, AT_EMPTY_PATH) != 0)
        return -errno;
    l->uid = has_many_owners(c) ? 0 : root.st_uid; /* the guest's root, or the owner */
    l->gid = has_many_owners(c) ? 0 : root.st_gid;
    res = set_groups(c);
    if (res == 0)
        res = keep_caps(lockdown_caps(c));
    if (res != 0)
        return res;
    res = capng_change_id((int)l->uid, (int)l->gid, CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
    if (res != 0) {
        l->value = (uint32_t)-res; /* which of its own steps failed, see capng_change_id(3) */
        return -EPERM;
    }
    /* After the change of ids, which sets it again: no core, no ptrace by the same user. */
    return prctl(PR_SET_DUMPABLE, 0) == 0 ? 0 : -errno;
}

int lockdown_no_new_privs(struct lockdown *l)
{
    (void)l;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}
