/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_map.c - the memory that a worker shares: the rings with its guest, the journal with
 * the supervisor. Mapped, not looked at; the descriptors behind it go away at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "lockdown_steps.h"
#include "xen9p/descriptors.h"
#include "xen9p/ring.h"

/* A guest's page that is paged out on the host: gntdev says EAGAIN until it is back. */
#define RETRIES 200
#define RETRY_NS 5000000

static void *map(uint64_t offset, size_t len)
{
    const struct timespec pause = {0, RETRY_NS};

    for (int i = 0;; i++) {
        void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, WFD_RINGMEM, (off_t)offset);

        if (p != MAP_FAILED)
            return p;
        if (errno != EAGAIN || i == RETRIES)
            return NULL;
        (void)nanosleep(&pause, NULL);
    }
}

/* Memory that a frontend without Xen has made: it must not shrink under us, or we get SIGBUS. */
static int check_memfd(const struct ctl_config *c)
{
    int seals = fcntl(WFD_RINGMEM, F_GET_SEALS);
    struct stat st;

    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(WFD_RINGMEM, &st) != 0)
        return -EPROTO;
    for (uint32_t i = 0; i < c->num_rings; i++) {
        const struct ctl_ring *r = &c->ring[i];
        uint64_t size = (uint64_t)st.st_size, data = (uint64_t)RING_PAGE_SIZE << r->order;

        if (size < RING_PAGE_SIZE || r->intf_offset > size - RING_PAGE_SIZE || size < data ||
            r->data_offset > size - data)
            return -EPROTO;
    }
    return 0;
}

int lockdown_map_rings(struct lockdown *l)
{
    const struct ctl_config *c = &l->w->config;
    int err = c->ring_kind == CTL_RING_MEMFD ? check_memfd(c) : 0;

    for (uint32_t i = 0; i < c->num_rings && err == 0; i++) {
        l->value = i;
        l->intf[i] = map(c->ring[i].intf_offset, RING_PAGE_SIZE);
        if (l->intf[i] != NULL)
            l->data[i] = map(c->ring[i].data_offset, (size_t)RING_PAGE_SIZE << c->ring[i].order);
        if (l->data[i] == NULL)
            err = -errno;
    }
    /* Whoever holds gntdev can map what any guest has granted to this domain. */
    return err != 0 ? err : lockdown_plug(WFD_RINGMEM);
}

int lockdown_map_journal(struct lockdown *l)
{
    struct worker *w = l->w;

    w->journal = journal_map(WFD_JOURNAL);
    if (w->journal == NULL)
        return -errno;
    for (uint32_t i = 0; i < w->config.num_rings; i++)
        ring_init(&w->ring[i], i, &w->config.ring[i], l->intf[i], l->data[i], &w->journal->ring[i]);
    return lockdown_plug(WFD_JOURNAL);
}

int lockdown_map_quota(struct lockdown *l)
{
    l->w->quota_counts = quota_counts_map(WFD_QUOTA);
    return l->w->quota_counts != NULL ? lockdown_plug(WFD_QUOTA) : -errno;
}
