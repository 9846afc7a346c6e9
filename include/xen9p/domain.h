/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.h - who a domain is, from xenstore: what a policy's sections are matched against.
 *
 * The nodes are the toolstack's, and a guest cannot write them. In a driver domain they cannot be
 * read: then name and UUID are unknown, which is no error.
 */
#ifndef XEN9P_DOMAIN_H
#define XEN9P_DOMAIN_H

#include <stdint.h>

#include "xen9p/nodes.h"

#define DOMAIN_NAME_MAX 256 /* with its NUL */
#define DOMAIN_UUID_MAX 40

struct domain_id {
    char name[DOMAIN_NAME_MAX]; /* "" when it is not known */
    char uuid[DOMAIN_UUID_MAX]; /* as it stands in xenstore; "" when it is not known */
};

/*
 * Reads `name` and `vm` of /local/domain/`domid` (the getter gets absolute paths). 0; -EINVAL with
 * `fault` filled in for a name that is too long or holds NUL; another negative errno when the getter
 * failed for reasons of its own, with `fault` saying where: whoever the domain is then, it must
 * not be taken for an unknown one.
 */
int domain_identify(nodes_getter get, void *arg, uint32_t domid, struct domain_id *out,
                    struct nodes_fault *fault);

#endif
