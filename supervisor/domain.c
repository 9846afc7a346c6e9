/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.c - name and UUID of a domain. Pure.
 */
#include "xen9p/domain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VM_PREFIX "/vm/"
#define UUID_LEN 36

static int fail(struct nodes_fault *fault, int err, const char *node, const char *value,
                const char *why)
{
    (void)snprintf(fault->node, sizeof(fault->node), "%s", node);
    (void)snprintf(fault->value, sizeof(fault->value), "%s", value);
    fault->why = why;
    return err;
}

/* A node's text, "" when it is not there or not for us. */
static int read_text(nodes_getter get, void *arg, uint32_t domid, const char *node, char *out,
                     size_t cap, struct nodes_fault *fault)
{
    char path[64];
    int n;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
    n = get(arg, path, out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
    if (n == -ENOENT || n == -EACCES)
        return 0;
    if (n == -E2BIG)
        return fail(fault, -EINVAL, node, "(too long)", "of the domain; give it a shorter one");
    if (n < 0)
        return fail(fault, n, node, "", "of the domain cannot be read");
    if (strlen(out) != (size_t)n)
        return fail(fault, -EINVAL, node, "(holds NUL)", "of the domain; give it another one");
    return 0;
}

int domain_identify(nodes_getter get, void *arg, uint32_t domid, struct domain_id *out,
                    struct nodes_fault *fault)
{
    char vm[64];
    int err;

    memset(out, 0, sizeof(*out));
    err = read_text(get, arg, domid, "name", out->name, sizeof(out->name), fault);
    if (err == 0)
        err = read_text(get, arg, domid, "vm", vm, sizeof(vm), fault);
    /* a toolstack that puts something else there has no UUID for us */
    if (err == 0 && strncmp(vm, VM_PREFIX, strlen(VM_PREFIX)) == 0 &&
        strlen(vm) == strlen(VM_PREFIX) + UUID_LEN)
        (void)snprintf(out->uuid, sizeof(out->uuid), "%.36s", vm + strlen(VM_PREFIX));
    return err;
}
