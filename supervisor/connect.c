/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect.c - grants and event channels of a device.
 *
 * Reads guest memory, here and nowhere else in the supervisor: `ring_order` and `ref[]` of the
 * interface page, each byte once, into private memory. Everything is judged from that copy.
 */
#include "xen9p/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/xen.h>

#include <xen/io/9pfs.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include <xen/gntdev.h>

#include "xen9p/ringidx.h"

#define GNTDEV "/dev/xen/gntdev"

struct connection_ring {
    uint32_t intf_ref;
    uint32_t order;
    uint32_t port; /* local */
    xenevtchn_handle *evtchn;
    uint32_t ref[RING_MAX_REFS];
};

struct connection {
    uint32_t domid;
    uint32_t num_rings;
    struct connection_ring ring[CTL_MAX_RINGS];
};

static int fault_is(struct nodes_fault *f, int err, const char *node, unsigned ring,
                    const char *value, const char *why)
{
    (void)snprintf(f->node, sizeof(f->node), "%s%u", node, ring);
    (void)snprintf(f->value, sizeof(f->value), "%s", value);
    f->why = why;
    return err;
}

/* One read of guest memory: the compiler may neither repeat nor split it. */
static uint32_t read_once(const uint32_t *p)
{
    return *(const volatile uint32_t *)p;
}

static int check_order(const struct connection_ring *r, unsigned i, uint32_t max_order,
                       struct nodes_fault *fault)
{
    char text[32];

    if (r->order >= RING_MIN_ORDER && r->order <= RING_MAX_ORDER && r->order <= max_order)
        return 0;
    (void)snprintf(text, sizeof(text), "ring_order %u", r->order);
    return fault_is(fault, -EINVAL, "ring-ref", i, text, "must be 1 to max-ring-page-order");
}

/* Copies what the interface page says about the ring. The page is not looked at again. */
static int read_interface(xengnttab_handle *gnt, uint32_t domid, uint32_t max_order, unsigned i,
                          struct connection_ring *r, struct nodes_fault *fault)
{
    char text[40];
    const struct xen_9pfs_data_intf *intf =
        xengnttab_map_grant_ref(gnt, domid, r->intf_ref, PROT_READ);
    int err;

    if (intf == NULL) {
        (void)snprintf(text, sizeof(text), "%u (%s)", r->intf_ref, strerror(errno));
        return fault_is(fault, -EINVAL, "ring-ref", i, text, "cannot be mapped");
    }
    r->order = read_once(&intf->ring_order);
    err = check_order(r, i, max_order, fault);
    if (err == 0) {
        for (uint32_t n = 0; n < 1u << r->order; n++)
            r->ref[n] = read_once(&intf->ref[n]);
    }
    (void)xengnttab_unmap(gnt, (void *)(uintptr_t)intf, 1);
    return err;
}

static int compare_refs(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Every page of every ring is another one: no reference is 0 (reserved), none comes twice. */
static int check_refs(const struct connection *c, struct nodes_fault *fault)
{
    uint32_t all[CTL_MAX_RINGS * (RING_MAX_REFS + 1)];
    char text[32];
    size_t n = 0;

    for (uint32_t i = 0; i < c->num_rings; i++) {
        const struct connection_ring *r = &c->ring[i];

        all[n++] = r->intf_ref;
        memcpy(all + n, r->ref, (sizeof(r->ref[0])) << r->order);
        n += (size_t)1 << r->order;
    }
    qsort(all, n, sizeof(all[0]), compare_refs);
    for (size_t i = 0; i < n; i++) {
        if (all[i] != 0 && (i == 0 || all[i] != all[i - 1]))
            continue;
        (void)snprintf(text, sizeof(text), "ref[] holds %u", all[i]);
        return fault_is(fault, -EINVAL, "ring-ref", 0, text,
                        "references must not be 0 and must not be used twice");
    }
    return 0;
}

static int read_interfaces(struct connection *c, uint32_t max_order, struct nodes_fault *fault)
{
    xengnttab_handle *gnt = xengnttab_open(NULL, 0);
    int err = 0;

    if (gnt == NULL) {
        err = errno != 0 ? -errno : -EIO;
        return fault_is(fault, err, "ring-ref", 0, GNTDEV,
                        "cannot be opened; is the module xen-gntdev loaded?");
    }
    for (uint32_t i = 0; err == 0 && i < c->num_rings; i++)
        err = read_interface(gnt, c->domid, max_order, i, &c->ring[i], fault);
    (void)xengnttab_close(gnt);
    return err == 0 ? check_refs(c, fault) : err;
}

static int bind_port(uint32_t domid, uint32_t remote, unsigned i, struct connection_ring *r,
                     struct nodes_fault *fault)
{
    xenevtchn_port_or_error_t port;
    char text[40];

    r->evtchn = xenevtchn_open(NULL, 0);
    if (r->evtchn == NULL)
        return fault_is(fault, errno != 0 ? -errno : -EIO, "event-channel-", i, "/dev/xen/evtchn",
                        "cannot be opened; is the module xen-evtchn loaded?");
    /*
     * From here on this descriptor, wherever it goes, knows this domain's channels only. The kernel
     * cannot restrict one to domain 0, which needs no protection from itself; the worker's filter
     * leaves it nothing but the notification in any case.
     */
    if (domid != 0 && xenevtchn_restrict(r->evtchn, (domid_t)domid) != 0)
        return fault_is(fault, errno != 0 ? -errno : -EIO, "event-channel-", i, strerror(errno),
                        "cannot be restricted to the domain");
    port = xenevtchn_bind_interdomain(r->evtchn, domid, remote);
    if (port < 0) {
        (void)snprintf(text, sizeof(text), "%u (%s)", remote, strerror(errno));
        return fault_is(fault, -EINVAL, "event-channel-", i, text, "cannot be bound");
    }
    r->port = (uint32_t)port;
    return 0;
}

int connection_open(uint32_t domid, const struct frontend_nodes *nodes, uint32_t max_order,
                    struct connection **out, struct nodes_fault *fault)
{
    struct connection *c = calloc(1, sizeof(*c));
    int err;

    if (c == NULL)
        return fault_is(fault, -ENOMEM, "num-rings", 0, "", "out of memory");
    c->domid = domid;
    c->num_rings = nodes->num_rings;
    for (uint32_t i = 0; i < c->num_rings; i++)
        c->ring[i].intf_ref = nodes->ring[i].ref;
    err = read_interfaces(c, max_order, fault);
    for (uint32_t i = 0; err == 0 && i < c->num_rings; i++)
        err = bind_port(domid, nodes->ring[i].port, i, &c->ring[i], fault);
    if (err != 0) {
        connection_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void connection_free(struct connection *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->num_rings; i++)
        if (c->ring[i].evtchn != NULL)
            (void)xenevtchn_close(c->ring[i].evtchn);
    free(c);
}

/* Records `num` references for a later mmap at *offset. */
static int map_entry(int fd, uint32_t domid, const uint32_t *refs, uint32_t num, uint64_t *offset)
{
    struct ioctl_gntdev_map_grant_ref *map;
    int err = 0;

    map = calloc(1, sizeof(*map) + num * sizeof(map->refs[0]));
    if (map == NULL)
        return -ENOMEM;
    map->count = num;
    for (uint32_t i = 0; i < num; i++)
        map->refs[i] = (struct ioctl_gntdev_grant_ref){.domid = domid, .ref = refs[i]};
    if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, map) != 0)
        err = -errno;
    *offset = map->index;
    free(map);
    return err;
}

int connection_map(const struct connection *c, struct ctl_ring ring[CTL_MAX_RINGS])
{
    int fd = open(GNTDEV, O_RDWR | O_CLOEXEC);
    int err = 0;

    if (fd < 0)
        return -errno;
    for (uint32_t i = 0; err == 0 && i < c->num_rings; i++) {
        const struct connection_ring *r = &c->ring[i];

        ring[i].order = r->order;
        ring[i].port = r->port;
        err = map_entry(fd, c->domid, &r->intf_ref, 1, &ring[i].intf_offset);
        if (err == 0)
            err = map_entry(fd, c->domid, r->ref, 1u << r->order, &ring[i].data_offset);
    }
    if (err != 0) {
        close(fd);
        return err;
    }
    return fd;
}

uint32_t connection_grants(const struct connection *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->num_rings; i++)
        n += (1u << c->ring[i].order) + 1;
    return n;
}

uint32_t connection_rings(const struct connection *c)
{
    return c->num_rings;
}

int connection_evtchn_fd(const struct connection *c, uint32_t ring)
{
    return xenevtchn_fd(c->ring[ring].evtchn);
}
