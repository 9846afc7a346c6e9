/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - every limit with its name and default, in one place. What a policy will be able to
 * set is marked (policy); the others are bounds of the implementation.
 */
#ifndef XEN9P_LIMITS_H
#define XEN9P_LIMITS_H

/* Device. */
#define LIMIT_MAX_RINGS 4u       /* rings of one device that we offer */
#define LIMIT_RING_PAGE_ORDER 9u /* max-ring-page-order that we offer (policy) */

/* Worker. */
#define LIMIT_THREADS 4u /* threads that execute requests (policy) */
#define LIMIT_THREADS_MAX 16u
#define LIMIT_THREAD_STACK (256u * 1024)
#define LIMIT_MAX_FIDS 16384u         /* (policy) */
#define LIMIT_MAX_MSIZE (512u * 1024) /* (policy) */
/*
 * Memory of a worker's own, bytes (RLIMIT_DATA; rings are not in it): several times what its buffers can
 * come to, and far from what would hurt the host.
 */
#define LIMIT_DATA (256ull * 1024 * 1024)
#define LIMIT_DATA_PER_FID 4096u
#define LIMIT_REQUEST 8192u   /* largest request other than Twrite, bytes */
#define LIMIT_REPLY 8192u     /* largest reply other than Rread and Rreaddir, bytes */
#define LIMIT_MAX_LOCKS 1024u /* byte-range locks (policy) */
#define LIMIT_MAX_LOCKS_MAX 65536u
#define LIMIT_DEEP_FIDS 512u   /* parents that fids below 3072 bytes of names remember (parent.h) */
#define LIMIT_DEEP_STEPS 8192u /* of ".." from such a directory to the root */
#define LIMIT_LOCK_CLIENT 255u /* longest client_id of a lock, bytes */
#define LIMIT_LOCK_RETRY_MS 5  /* a parked Tlock is tried again after that, doubled each time */
#define LIMIT_LOCK_RETRY_MAX_MS 250
#define LIMIT_PARKED_LOCKS 56u /* Tlock that wait; what comes then is told to come again */
#define LIMIT_MAX_XATTR 65536u /* bytes of one extended attribute (policy) */
#define LIMIT_XATTR_HELD (4u * 1024 * 1024) /* bytes of attributes that fids hold, all together */
#define LIMIT_LOCK_WAIT_MAX_MS 600000u
#define LIMIT_POLL_US 50u /* how long a thread looks for more (policy) */
#define LIMIT_POLL_MAX_US 1000u
#define LIMIT_PARKED_FLUSHES 128u /* Tflush waiting for the request they flush */

/* Ceilings of requests and bytes per second. */
#define LIMIT_BURST_MS 100u /* after a rest: as much at once as in this time */
#define LIMIT_THROTTLED 32u /* requests that wait; then no more are taken */

/* Quota: what a worker does about its counts, and the supervisor to keep them. */
#define LIMIT_SCAN_PERIOD_MS 600000u /* between two looks at the whole export */
#define LIMIT_SCAN_RETRY_MS 30000u   /* after one that was not exact */
#define LIMIT_SCAN_GAP_MS 1000u      /* after any, also when it is asked for */
#define LIMIT_SCAN_SHARE 20u         /* or this many times as long as it took */
#define LIMIT_SCAN_LINKS (1u << 18)  /* room for files with several names that it remembers */
#define LIMIT_QUOTA_SAVE_MS 10000    /* how often counts that changed are written */
#define LIMIT_QUOTA_FLUSH_MS 2000    /* at the end: wait that long for the disk */
#define LIMIT_QUOTA_EXPORTS 65536u   /* directories whose counts are remembered */

/* Supervisor: what xenstore may ask of it. */
#define LIMIT_STORE_VALUE 4096  /* longest value of a node that is looked at, bytes */
#define LIMIT_STORE_RETRIES 16  /* a transaction that keeps colliding */
#define LIMIT_STORE_ASK_MS 5000 /* how often xenstored is asked whether it is there */
#define LIMIT_STORE_PATH 512    /* longest xenstore path that we make, bytes */
#define LIMIT_EXPORT_PATH 1024  /* longest `path` of a device, bytes */
#define LIMIT_DEVICES 1024      /* devices known at a time */
#define LIMIT_FILTERS 64        /* compiled filters that are kept */
#define LIMIT_WATCH_EVENTS 40   /* state changes of one frontend within LIMIT_WATCH_MS: */
#define LIMIT_WATCH_MS 2000     /* above that it is polled instead of watched */
#define LIMIT_POLL_MS 500       /* how often then */
#define LIMIT_POLL_MAX_MS 4000  /* a frontend whose connections keep failing: at most this */
#define LIMIT_CALM_POLLS 20     /* polls without a change before it is watched again */

/*
 * Worker uids (and gids): one for each worker that lives, from a range that no distribution hands out: above systemd's
 * container range (up to 1879048191), below 2^31 because some file systems stop there.
 */
#define LIMIT_WORKER_UID_BASE 0x78390000u
#define LIMIT_WORKER_UIDS 65536u

/*
 * Host ids of identity mapped: a range for each domain, from a pool behind the workers' uids and below systemd's range
 * of foreign ids (2147352576). A guest has ids 0 to 65535, which is what user namespaces have.
 */
#define LIMIT_IDS 65536u
#define LIMIT_ID_RANGES 16384u /* given out by one host */
#define LIMIT_ID_POOL_FIRST 0x783a0000u
#define LIMIT_ID_POOL_COUNT (1988u * LIMIT_IDS)

/* Descriptors: the supervisor's own are few, but its workers inherit the limit (max-fids). */
#define LIMIT_NOFILE 524288u

/* Succession. */
#define LIMIT_DEATHS 5         /* deaths of a device's workers within LIMIT_DEATHS_MS: */
#define LIMIT_DEATHS_MS 600000 /* more than that, and the device is closed (quarantine) */
#define LIMIT_BACKOFF_MS 250   /* before the second successor, doubled for each further one */
#define LIMIT_BACKOFF_MAX_MS 8000
#define LIMIT_STABLE_MS 60000 /* served that long: earlier failed connections are forgiven */
#define LIMIT_ORPHAN_MS 200   /* look again whether a dead supervisor's workers are gone */

/* Host budgets: what all devices together may use are keys of the policy (host-grants, ...). */
#define LIMIT_HOST_PART 8u     /* a device gets at most this part of what is left */
#define LIMIT_LEAST_FIDS 64u   /* of a device; it is refused where there are fewer */
#define LIMIT_WAITING_RINGS 2u /* a device whose guest has not connected counts with so many */

/* Audit: what waits for xen9p-audit in xen9pd. */
#define LIMIT_AUDIT_SOCKET \
    (1024 * 1024)               /* bytes of one worker's socket; the kernel may give less */
#define LIMIT_AUDIT_EVENTS 256u /* events of devices */
#define LIMIT_AUDIT_ENDED 256u  /* workers that have ended */

/* Time, in milliseconds. */
#define LIMIT_START_MS \
    15000 /* from fork to READY; libxl waits for InitWait only, which comes before */
#define LIMIT_TURN_MS 5000         /* a start that takes longer makes nobody wait (host-starts) */
#define LIMIT_AUDIT_CONNECT_MS 250 /* between tries to reach xen9p-audit */
#define LIMIT_AUDIT_SWEEP_MS 500   /* between looks whether an ended worker's records are taken */
#define LIMIT_AUDIT_DRAIN_MS 1000  /* of LIMIT_DRAIN_MS, for records that nobody takes */
#define LIMIT_AUDIT_RETRY_MS 50    /* how often that is tried then */
#define LIMIT_LOOKS 10 /* into the kernel log, for the system call that a worker was killed for */
#define LIMIT_LOOK_MS 10
#define LIMIT_DRAIN_MS 3000    /* from CTL_STOP to SIGKILL (policy) */
#define LIMIT_TELL_MS 500      /* between tries to tell a worker its new limits */
#define LIMIT_LAUNCHER_MS 5000 /* for one clone; then the launcher is replaced */
#define LIMIT_KILL_MS 1000     /* from SIGKILL until nobody waits for that process any more */

#endif
