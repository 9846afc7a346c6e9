/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terms.c - from a policy's values to the numbers that supervisor and worker go by.
 *
 * The one place where a policy's key meets a field of the worker's configuration. Trusts both
 * arguments: the values were checked against the table of keys when the files were loaded.
 */
#include "xen9p/terms.h"

#include <string.h>

static uint32_t number(const struct policy *p, enum policy_key key)
{
    return (uint32_t)policy_number(p, key);
}

/* Permission bits that a mask takes away. */
static uint32_t dropped(const struct policy *p, enum policy_key key)
{
    return 0777 & ~number(p, key);
}

static uint32_t flags_of(const struct policy *p)
{
    uint32_t flags = 0;

    if (policy_number(p, POLICY_ACCESS) == POLICY_READ_ONLY)
        flags |= CTL_FLAG_READ_ONLY;
    if (policy_number(p, POLICY_CHOWN) == POLICY_CHOWN_REFUSE)
        flags |= CTL_FLAG_REFUSE_CHOWN;
    if (policy_number(p, POLICY_DEVICE_NODES) == POLICY_DEVICE_NODES_NOTE)
        flags |= CTL_FLAG_DEVICE_NODES;
    if (policy_number(p, POLICY_AUDIT) != 0 &&
        policy_number(p, POLICY_AUDIT_FULL) == POLICY_AUDIT_BLOCK)
        flags |= CTL_FLAG_AUDIT_BLOCKS;
    if (policy_number(p, POLICY_SUBMOUNTS) == POLICY_SUBMOUNTS_SHOW)
        flags |= CTL_FLAG_SUBMOUNTS;
    return flags;
}

static void limits_of(const struct policy *p, const struct backend_nodes *n, struct ctl_limits *l)
{
    l->max_space = policy_ceiling(p, POLICY_MAX_SPACE, n->max_space);
    l->max_files = policy_ceiling(p, POLICY_MAX_FILES, n->max_files);
    l->read_iops = policy_number(p, POLICY_READ_IOPS);
    l->write_iops = policy_number(p, POLICY_WRITE_IOPS);
    l->read_bandwidth = policy_number(p, POLICY_READ_BANDWIDTH);
    l->write_bandwidth = policy_number(p, POLICY_WRITE_BANDWIDTH);
    l->audit = number(p, POLICY_AUDIT);
}

static void configure(const struct policy *p, const struct backend_nodes *n, struct ctl_config *c)
{
    uint64_t owner = policy_number(p, POLICY_PRESENTED_OWNER);

    c->flags = flags_of(p) | (n->auto_delete ? CTL_FLAG_AUTO_DELETE : 0);
    c->threads = number(p, POLICY_THREADS);
    c->max_fids = number(p, POLICY_MAX_FIDS);
    c->max_open_files = (uint32_t)policy_ceiling(p, POLICY_MAX_OPEN_FILES, n->max_open_files);
    c->max_msize = number(p, POLICY_MAX_MSIZE);
    c->shown_uid = (uint32_t)(owner >> 32);
    c->shown_gid = (uint32_t)owner;
    c->forbidden = OPERATIONS_ALL & ~number(p, POLICY_OPERATIONS);
    c->identity = number(p, POLICY_IDENTITY);
    c->file_mode_drop = dropped(p, POLICY_FILE_MODE_MASK);
    c->directory_mode_drop = dropped(p, POLICY_DIRECTORY_MODE_MASK);
    c->max_locks = number(p, POLICY_MAX_LOCKS);
    c->max_xattr = number(p, POLICY_MAX_XATTR);
    c->lock_wait_ms = number(p, POLICY_LOCK_WAIT);
    c->poll_us = number(p, POLICY_POLL_US);
    limits_of(p, n, &c->limits);
}

void terms_of(const struct policy *p, const struct backend_nodes *nodes, struct terms *out)
{
    memset(out, 0, sizeof(*out));
    out->read_only = policy_number(p, POLICY_ACCESS) == POLICY_READ_ONLY;
    out->quarantine = policy_number(p, POLICY_ON_VIOLATION) == POLICY_QUARANTINE;
    out->max_rings = number(p, POLICY_MAX_RINGS);
    out->max_ring_order = number(p, POLICY_MAX_RING_ORDER);
    if (policy_number(p, POLICY_AUDIT) != 0)
        out->log_bytes = policy_number(p, POLICY_LOG_MAX) * policy_number(p, POLICY_LOG_KEEP);
    out->cgroup.memory_max = policy_number(p, POLICY_MEMORY_MAX);
    out->cgroup.cpu_weight = number(p, POLICY_CPU_WEIGHT);
    out->cgroup.io_weight = number(p, POLICY_IO_WEIGHT);
    out->cgroup_required = policy_number(p, POLICY_CGROUP) == POLICY_CGROUP_REQUIRED;
    out->log_level = (enum log_level)policy_number(p, POLICY_LOG_LEVEL);
    out->restart.limit = number(p, POLICY_RESTART_LIMIT);
    out->restart.window_ms = number(p, POLICY_RESTART_WINDOW) * 1000;
    out->restart.delay_ms = number(p, POLICY_RESTART_DELAY);
    out->restart.delay_max_ms = number(p, POLICY_RESTART_DELAY_MAX);
    configure(p, nodes, &out->worker);
}
