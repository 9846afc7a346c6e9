/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_store.h - the counts of all exports: made, shared by the devices that serve one, kept below
 * /var/lib/xen9p/quota when nobody does.
 *
 * The files are read once, at the start. They are written by a thread of their own: a disk that
 * hangs holds up nobody. What is lost is put right by the workers' scans.
 */
#ifndef XEN9P_QUOTA_STORE_H
#define XEN9P_QUOTA_STORE_H

#include <stdbool.h>
#include <stdint.h>

#define XEN9P_QUOTA_DIR "/var/lib/xen9p/quota"

struct loop;
struct quota_store;
struct quota_use;

/*
 * `dir` is made if it is missing; where that fails (said in the log) counts are not kept. NULL when out of
 * memory or threads.
 */
struct quota_store *quota_store_new(struct loop *loop, const char *dir);
/* Saves what has changed, waiting for the disk for at most `ms`. */
void quota_store_flush(struct quota_store *qs, uint32_t ms);

/* Who wants the counts of an export. */
struct quota_claim {
    const char *path; /* as nodes.c takes it: absolute, canonical */
    uint32_t domid;
    bool counted; /* it has a limit */
    bool writes;  /* it may change what counts */
};
/*
 * 0 with *out; one that is there already (the policy may have changed) goes by the claim from now on. -EBUSY: another device that writes has an overlapping export, one of the two is counted, and they
 * are not the same directory for the same domain; *other is that export's path then, valid until the
 * next call. -ENOSPC: too many exports.
 */
int quota_store_use(struct quota_store *qs, const struct quota_claim *claim, struct quota_use **out,
                    const char **other);
/* NULL is fine. */
void quota_store_unuse(struct quota_use *use);
/* The memfd for the worker; not the caller's. */
int quota_use_fd(const struct quota_use *use);
/* For status: bytes and files in use, as the workers say. */
void quota_use_counts(const struct quota_use *use, uint64_t *space, uint64_t *files);

#endif
