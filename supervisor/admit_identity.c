/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admit_identity.c - host ids for a device's worker, when its policy has identity mapped or host.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen9p/admit.h"
#include "xen9p/devices.h"
#include "xen9p/idpool.h"
#include "xen9p/policy.h"
#include "xen9p/supervisor.h"

static int fail(struct device *d, int err, const char *why)
{
    (void)snprintf(d->error, sizeof(d->error), "identity: %.480s", why);
    devices_say(d, LOG_LEVEL_ERROR, "cannot be served: %s", why);
    return err;
}

static bool given_by_policy(void *arg, struct id_range r)
{
    const struct supervisor *sv = arg;

    return policy_range_given(sv->policies, (struct policy_range){r.first, r.count});
}

/*
 * Whose the files will be: the domain as its policy section knows it. A UUID where the section asks
 * for one, else the name, which stays when a domain is made anew and gets another UUID.
 */
static void key_of(const struct device *d, char key[IDPOOL_KEY_MAX])
{
    char name[DOMAIN_NAME_MAX];

    if (policy_chosen_by_uuid(d->policy) && d->who.uuid[0] != '\0') {
        idpool_key("uuid", d->who.uuid, key);
    } else if (d->who.name[0] != '\0') {
        policy_plain_name(d->who.name, name, sizeof(name));
        idpool_key("name", name, key);
    } else {
        idpool_key("path", d->nodes.path, key);
    }
}

static struct id_range id_range(const struct policy *p, enum policy_key key)
{
    struct policy_range r = policy_range_of(p, key);

    return (struct id_range){r.first, r.count};
}

static int take_range(struct device *d, struct ctl_config *c)
{
    char key[IDPOOL_KEY_MAX], why[512] = "";
    struct id_range range;
    int err;

    key_of(d, key);
    err = idpool_take(d->sv->ids, key, id_range(d->policy, POLICY_IDENTITY_RANGE),
                      id_range(d->policy, POLICY_IDENTITY_POOL), given_by_policy, d->sv, &range,
                      why, sizeof(why));
    if (err != 0)
        return fail(d, err, why[0] != '\0' ? why : strerror(-err));
    c->id_first = d->terms.worker.id_first = range.first;
    c->id_count = d->terms.worker.id_count = range.count;
    return 0;
}

int admit_identity(struct device *d, struct ctl_config *c)
{
    switch (c->identity) {
    case CTL_IDENTITY_MAPPED:
        return take_range(d, c);
    case CTL_IDENTITY_HOST:
        if (!d->sv->keeps_host_identity)
            return fail(d, -EPERM,
                        "identity host needs CAP_CHOWN, CAP_FOWNER and CAP_FSETID, which xen9pd "
                        "does not have: it keeps them only if a policy asks for this identity when "
                        "it starts, and its service may not be given them (xen9pd(8))");
        devices_say(d, LOG_LEVEL_WARNING,
                    "identity host: the guest's root is root over %s on this host", d->nodes.path);
        return 0;
    default:
        return 0;
    }
}
