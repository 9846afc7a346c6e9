/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.c - the supervisor's capabilities and limits.
 */
#include "xen9p/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cap-ng.h>

#include "xen9p/limits.h"
#include "xen9p/log.h"

/*
 * What stays. Left out on purpose: CAP_SETPCAP (the bounding set is final), CAP_SYS_CHROOT
 * (pivot_root, not chroot), CAP_KILL (whoever made a user namespace may end what runs in it), CAP_SYS_PTRACE (nobody's memory or executable is looked at), CAP_MKNOD,
 * CAP_DAC_READ_SEARCH (no file of an export is opened here), CAP_NET_*, CAP_SYS_MODULE, CAP_AUDIT_*.
 */
static const struct kept {
    unsigned cap;
    bool optional;
    bool host_identity; /* only if a policy asks for identity host */
    const char *reason;
} kept[] = {
    {CAP_SYS_ADMIN, false, false, "namespaces and mounts of the workers"},
    {CAP_SETUID, false, false, "the workers' uid_map"},
    {CAP_SETGID, false, false, "the workers' gid_map"},
    {CAP_DAC_OVERRIDE, false, false, "making missing directories of an export"},
    {CAP_SYS_RESOURCE, true, false, "more open files than the hard limit"},
    {CAP_CHOWN, true, true, "identity host: giving files to the guest's users"},
    {CAP_FOWNER, true, true, "identity host: the guest's root changes modes of all files"},
    {CAP_FSETID, true, true, "identity host: the guest's root writes without losing setuid bits"},
};

#define NUM_KEPT (sizeof(kept) / sizeof(kept[0]))

/* Says what is missing and fills in what is there. */
static void look_at_present(bool have[NUM_KEPT], bool host_identity)
{
    for (size_t i = 0; i < NUM_KEPT; i++) {
        const char *name = capng_capability_to_name(kept[i].cap);

        have[i] = false;
        if (kept[i].host_identity && !host_identity)
            continue;
        have[i] = capng_have_capability(CAPNG_PERMITTED, kept[i].cap) != 0;
        if (have[i])
            continue;
        if (kept[i].optional)
            log_debug("no capability %s, wanted for: %s", name, kept[i].reason);
        else
            log_warning(
                "the capability %s is missing and no worker will start; it is needed for: %s", name,
                kept[i].reason);
    }
}

int privileges_reduce(bool host_identity)
{
    bool have[NUM_KEPT];
    int err;

    if (capng_get_caps_process() != 0)
        return -EIO;
    look_at_present(have, host_identity);
    capng_clear(CAPNG_SELECT_ALL);
    for (size_t i = 0; i < NUM_KEPT; i++) {
        if (have[i])
            capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
                         kept[i].cap);
    }
    err = capng_apply(CAPNG_SELECT_ALL);
    if (err != 0)
        log_error("capabilities cannot be reduced (libcap-ng says %d)", err);
    return err == 0 ? 0 : -EPERM;
}

bool privileges_host_identity(void)
{
    for (size_t i = 0; i < NUM_KEPT; i++)
        if (kept[i].host_identity && capng_have_capability(CAPNG_PERMITTED, kept[i].cap) == 0)
            return false;
    return true;
}

void privileges_raise_nofile(void)
{
    struct rlimit rl, want = {LIMIT_NOFILE, LIMIT_NOFILE};

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur >= LIMIT_NOFILE)
        return;
    if (rl.rlim_max > want.rlim_max)
        want.rlim_max = rl.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &want) == 0)
        return;
    want.rlim_cur = want.rlim_max = rl.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &want) == 0)
        log_debug("open files: limited to %llu; workers lower max-fids accordingly",
                  (unsigned long long)want.rlim_cur);
}
