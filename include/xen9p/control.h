/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the protocol between supervisor and worker: AF_UNIX SOCK_SEQPACKET, one fixed-size
 * little-endian struct without padding per message, version and type first.
 *
 * One table (control.c) says for each type: who sends it, its exact size, how many descriptors
 * come with it, in which phases it is permitted and how often. Anything else is an error of that
 * worker and ends it. No message carries a string.
 */
#ifndef XEN9P_CONTROL_H
#define XEN9P_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_VERSION 1u
#define CTL_MAX_RINGS 4u
#define CTL_MAX_FDS 9u /* most descriptors that any message carries: CTL_CONFIG's, below */

enum ctl_type {
    /* supervisor -> worker */
    CTL_CONFIG = 1, /* struct ctl_config + descriptors in the order of enum ctl_config_fd */
    CTL_STOP = 2,   /* struct ctl_header: finish what is in flight, then exit 0 */
    CTL_LIMITS = 3, /* struct ctl_new_limits: the policy was loaded again */
    /* worker (or the child that becomes it) -> supervisor */
    CTL_FAILED = 16, /* struct ctl_failed: a step of launch or lockdown failed; exit follows */
    CTL_READY = 17,  /* struct ctl_ready: locked down and proven, serving from now on */
    CTL_EVENT = 18,  /* struct ctl_event: something in the life of the session */
};

/* Phases of a worker as the supervisor sees it; bits, for the table. */
enum ctl_phase {
    CTL_PHASE_STARTING = 1, /* exec'd or about to be, not READY */
    CTL_PHASE_SERVING = 2,  /* READY */
    CTL_PHASE_STOPPING = 4, /* CTL_STOP sent */
};

struct ctl_header {
    uint16_t version;
    uint16_t type;
};

enum ctl_ring_kind { CTL_RING_GNTDEV = 1, CTL_RING_MEMFD = 2 };
enum ctl_notify_kind { CTL_NOTIFY_EVTCHN = 1, CTL_NOTIFY_EVENTFD = 2 };

/*
 * Order of the descriptors of CTL_CONFIG. For CTL_NOTIFY_EVTCHN each ring has one of its own: the first
 * ring's at NOTIFY, the others' from NEXT on. For CTL_NOTIFY_EVENTFD there is one at NOTIFY, and CALL. With CTL_FLAG_AUDIT
 * one more comes behind all others: an end of a SOCK_SEQPACKET pair, for records (audit.h).
 */
enum ctl_config_fd {
    CTL_CONFIG_FD_RINGMEM = 0,
    CTL_CONFIG_FD_NOTIFY = 1,
    CTL_CONFIG_FD_FILTER = 2,
    CTL_CONFIG_FD_JOURNAL = 3,
    CTL_CONFIG_FD_QUOTA = 4,
    CTL_CONFIG_FD_NEXT = 5,
    CTL_CONFIG_FD_CALL = CTL_CONFIG_FD_NEXT,
    CTL_CONFIG_FD_AUDIT_MOST = CTL_CONFIG_FD_NEXT + CTL_MAX_RINGS - 1, /* with the most rings */
};
_Static_assert(CTL_CONFIG_FD_AUDIT_MOST + 1 == CTL_MAX_FDS, "all of them, and the audit's");

struct ctl_ring {
    uint64_t intf_offset; /* mmap offset of the interface page in RINGMEM, bytes */
    uint64_t data_offset; /* mmap offset of the 1 << order data pages, bytes */
    uint32_t order;       /* validated by the supervisor from its own copy, 1..9 */
    uint32_t port;        /* local event channel port; 0 for eventfd */
};

#define CTL_FLAG_READ_ONLY 1u
#define CTL_FLAG_SUCCESSOR 2u      /* the journal describes a predecessor's state */
#define CTL_FLAG_REFUSE_CHOWN 8u   /* a new owner is EPERM instead of ignored (squash) */
#define CTL_FLAG_AUTO_DELETE 64u   /* the oldest files make room for new ones */
#define CTL_FLAG_SUBMOUNTS 128u    /* file systems mounted below the export are part of it */
#define CTL_FLAG_DEVICE_NODES 256u /* device nodes are kept as notes (mapped, host) */
#define CTL_FLAG_AUDIT_BLOCKS 16u  /* audit-full is block: no reply before its record is sent */
#define CTL_FLAG_AUDIT 32u         /* there is a socket for audit records */
#define CTL_FLAG_ADOPT 4u /* no journal of the predecessor: take the indexes of the rings */

/* What a worker goes by that a new policy may change while it serves. 0: no limit. */
struct ctl_limits {
    uint64_t max_space;                       /* bytes */
    uint64_t max_files;                       /* files and directories */
    uint64_t read_iops, write_iops;           /* requests per second */
    uint64_t read_bandwidth, write_bandwidth; /* bytes per second */
    uint32_t audit;                           /* 1 << enum audit_class: what is recorded */
    uint32_t reserved;                        /* 0 */
};

/* Whose the files on disk are; the numbers are those of the policy's choices. */
enum ctl_identity {
    CTL_IDENTITY_SQUASH = 0,
    CTL_IDENTITY_MAPPED = 1,
    CTL_IDENTITY_XATTR = 2,
    CTL_IDENTITY_HOST = 3,
};

/* Zero in a field that is a policy's means that policy's default. */
struct ctl_config {
    struct ctl_header hdr;
    uint32_t flags;
    uint32_t ring_kind;
    uint32_t notify_kind;
    uint32_t num_rings; /* 1..CTL_MAX_RINGS */
    uint32_t threads;   /* threads that execute requests */
    uint32_t max_fids;
    uint32_t max_open_files; /* 0: only max_fids bounds them */
    uint32_t max_msize;      /* bytes */
    uint32_t shown_uid;      /* owner that the guest sees (identity squash) */
    uint32_t shown_gid;
    uint32_t forbidden;           /* groups of operations.h that the policy does not allow */
    uint32_t identity;            /* enum ctl_identity */
    uint32_t file_mode_drop;      /* permission bits that files do not get */
    uint32_t directory_mode_drop; /* the same for directories */
    uint32_t max_locks;           /* byte-range locks held at a time; 0: LIMIT_MAX_LOCKS */
    uint32_t max_xattr;           /* bytes of one attribute; 0: LIMIT_MAX_XATTR */
    uint32_t lock_wait_ms;        /* how long a waiting Tlock is parked here */
    uint32_t poll_us;             /* how long a thread looks for more before it sleeps */
    uint32_t id_first; /* identity mapped: the guest's ids 0.. are these on the host; else 0 */
    uint32_t id_count;
    struct ctl_limits limits;
    struct ctl_ring ring[CTL_MAX_RINGS];
};

struct ctl_new_limits {
    struct ctl_header hdr;
    uint32_t reserved; /* 0 */
    struct ctl_limits limits;
};

/*
 * Steps of launch (the supervisor's child, before exec) and lockdown (the worker), in the order
 * in which they are done. control.c has the name of each for the log.
 */
enum ctl_step {
    CTL_STEP_NONE = 0,
    /* launch */
    CTL_STEP_PATH,       /* create missing directories */
    CTL_STEP_TREE,       /* open_tree of the export */
    CTL_STEP_OWNER,      /* who owns the export's root */
    CTL_STEP_USERNS,     /* user namespace for that owner */
    CTL_STEP_MOUNT_ATTR, /* nosuid, nodev, noexec, nosymfollow, private, idmapped */
    CTL_STEP_ROOT_OWNED, /* export owned by root on a file system without idmapped mounts */
    CTL_STEP_ID_RANGE,   /* identity mapped: the export's owner is not of the domain's range */
    CTL_STEP_NO_IDMAP,   /* identity mapped on a file system without idmapped mounts */
    CTL_STEP_NAMESPACES,
    CTL_STEP_DESCRIPTORS, /* the fixed table, nothing else */
    CTL_STEP_EXEC,
    /* lockdown */
    CTL_STEP_CONFIG, /* CTL_CONFIG received and checked */
    CTL_STEP_CHECK_FDS,
    CTL_STEP_MAP_RINGS,
    CTL_STEP_MAP_JOURNAL,
    CTL_STEP_MAP_QUOTA,
    CTL_STEP_PIVOT_ROOT,
    CTL_STEP_LIMITS,
    CTL_STEP_JOIN_USERNS,
    CTL_STEP_IDS_AND_CAPS,
    CTL_STEP_NO_NEW_PRIVS,
    CTL_STEP_LANDLOCK,
    CTL_STEP_THREADS,
    CTL_STEP_SECCOMP,
    CTL_STEP_PROVE,
    CTL_STEP_COUNT,
};

struct ctl_failed {
    struct ctl_header hdr;
    uint32_t step;  /* enum ctl_step */
    int32_t error;  /* errno, positive */
    uint32_t value; /* step-specific number for the log (thread, descriptor, uid) */
};

struct ctl_ready {
    struct ctl_header hdr;
    uint32_t threads;
    uint32_t max_fids;  /* in force, may be lower than asked for (RLIMIT_NOFILE) */
    uint32_t owner_uid; /* owner of the export, as inside the worker's user namespace */
    uint32_t flags;     /* CTL_READY_* */
};
#define CTL_READY_LANDLOCK 1u /* the kernel has Landlock and it is in force */

enum ctl_event_code {
    CTL_EVENT_SESSION = 1, /* Tversion answered: a = dialect, b = msize */
    CTL_EVENT_ATTACH = 2,  /* a = fid, b = n_uname */
    CTL_EVENT_CLOSE =
        3, /* the device cannot go on: a = enum ctl_close_reason, b = ring, c = value */
    CTL_EVENT_STOPPED = 4, /* drained; a = requests served in all, b = bytes read, c = written */
    CTL_EVENT_LOST = 5,    /* before it: a = audit records that were not sent */
};

/* Why a worker asks for its device to be closed. */
enum ctl_close_reason {
    CTL_CLOSE_BAD_INDEX = 1,   /* out_prod or in_cons outside of the ring; c = prod << 32 | cons */
    CTL_CLOSE_BAD_SIZE = 2,    /* message size < 7 or > msize or > ring; c = size */
    CTL_CLOSE_FLUSH_STORM = 3, /* more parked Tflush than the bound; c = bound */
    CTL_CLOSE_NOTIFY = 4,      /* the event channel failed; c = errno */
    CTL_CLOSE_INTERNAL = 5,    /* c = errno */
    CTL_CLOSE_COUNT,
};

struct ctl_event {
    struct ctl_header hdr;
    uint32_t code;
    uint64_t a, b, c;
};

/* Names for the log; never NULL, "?" for a number that is none. */
const char *ctl_step_name(uint32_t step);
const char *ctl_close_reason_name(uint32_t reason);
const char *ctl_type_name(uint32_t type);

union ctl_message {
    struct ctl_header hdr;
    struct ctl_config config;
    struct ctl_new_limits limits;
    struct ctl_failed failed;
    struct ctl_ready ready;
    struct ctl_event event;
};

/* A received message. The receiver owns the descriptors (close-on-exec). */
struct ctl_received {
    union ctl_message msg;
    int fds[CTL_MAX_FDS];
    size_t num_fds;
};

/* Side of the socket that we are; a message is accepted only from the other one. */
enum ctl_side { CTL_SIDE_SUPERVISOR, CTL_SIDE_WORKER };

/*
 * Sends `msg` (hdr.type set, hdr.version filled in here) with `num_fds` descriptors, in one
 * sendmsg with MSG_NOSIGNAL|MSG_DONTWAIT. 0, -EAGAIN when the socket is full, -EINVAL when type, size
 * or number of descriptors are not as in the table, or another negative errno.
 * Async-signal-safe.
 */
int ctl_send(int fd, union ctl_message *msg, const int *fds, size_t num_fds);

/*
 * Receives one message. 1: `r` filled. 0: the peer closed. -EAGAIN: nothing there (flags
 * MSG_DONTWAIT). -EPROTO: anything that the table does not permit (wrong side, version, type, size, number of
 * descriptors, truncated data or control data); all descriptors that came along are closed.
 * Phase and count are judged by ctl_permit(). The supervisor's side receives with no room for
 * descriptors.
 */
int ctl_recv(int fd, enum ctl_side side, struct ctl_received *r, int flags);

/* How many messages of each type one worker has sent; zeroed by the owner at its start. */
struct ctl_counts {
    uint32_t seen[32];
};
/*
 * True when a message of `type` is permitted in `phase` and not over its number for one worker;
 * counts it.
 */
bool ctl_permit(struct ctl_counts *counts, uint16_t type, enum ctl_phase phase);

#endif
