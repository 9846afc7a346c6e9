/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - what an administrator allows each domain: files in, effective values out.
 *
 * The files are DIR/xen9p.conf and DIR/policy.d/ *.conf, in the order of their names, in
 * libConfuse's syntax. They hold at most one `defaults` section, and `template "NAME"` and
 * `domain "NAME"` sections. Precedence: built-in < defaults < the template that a domain names <
 * domain. A policy is a ceiling: it narrows what the toolstack gives and never widens it.
 *
 * One table (policy_keys) says for each key what it takes, what it is without a file, and whether
 * this version enforces it: a known key that is not enforced is refused, so that no file promises
 * what does not hold.
 *
 * Not for several threads: libConfuse has global state.
 */
#ifndef XEN9P_POLICY_H
#define XEN9P_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "xen9p/operations.h"

#define POLICY_DIR "/etc/xen9p"

enum policy_key {
    POLICY_PATH_ALLOW,
    POLICY_ACCESS,
    POLICY_OPERATIONS,
    POLICY_SUBMOUNTS,
    POLICY_IDENTITY,
    POLICY_IDENTITY_RANGE,
    POLICY_IDENTITY_POOL,
    POLICY_PRESENTED_OWNER,
    POLICY_FILE_MODE_MASK,
    POLICY_DIRECTORY_MODE_MASK,
    POLICY_CHOWN,
    POLICY_DEVICE_NODES,
    POLICY_MAX_SPACE,
    POLICY_MAX_FILES,
    POLICY_MAX_OPEN_FILES,
    POLICY_TOOLSTACK_LIMITS,
    POLICY_MAX_FIDS,
    POLICY_MAX_LOCKS,
    POLICY_MAX_XATTR,
    POLICY_LOCK_WAIT,
    POLICY_MAX_MSIZE,
    POLICY_MAX_RINGS,
    POLICY_MAX_RING_ORDER,
    POLICY_THREADS,
    POLICY_POLL_US,
    POLICY_MEMORY_MAX,
    POLICY_CPU_WEIGHT,
    POLICY_IO_WEIGHT,
    POLICY_CGROUP,
    POLICY_READ_IOPS,
    POLICY_WRITE_IOPS,
    POLICY_READ_BANDWIDTH,
    POLICY_WRITE_BANDWIDTH,
    POLICY_AUDIT,
    POLICY_AUDIT_FULL,
    POLICY_LOG_MAX,
    POLICY_LOG_KEEP,
    POLICY_LOG_LEVEL,
    POLICY_ON_VIOLATION,
    POLICY_RESTART_LIMIT,
    POLICY_RESTART_WINDOW,
    POLICY_RESTART_DELAY,
    POLICY_RESTART_DELAY_MAX,
    /* of the host, not of a domain: only in `defaults` */
    POLICY_HOST_GRANTS,
    POLICY_HOST_FIDS,
    POLICY_HOST_THREADS,
    POLICY_HOST_LOG,
    POLICY_HOST_STARTS,
    POLICY_KEYS,
};
#define POLICY_DOMAIN_KEYS POLICY_HOST_GRANTS /* those before it */

/* Numbers of the choices, in the order in which the table names them. */
enum policy_access { POLICY_READ_ONLY, POLICY_READ_WRITE };
enum policy_submounts { POLICY_SUBMOUNTS_HIDE, POLICY_SUBMOUNTS_SHOW };
enum policy_toolstack { POLICY_FOLLOW, POLICY_IGNORE };
enum policy_violation { POLICY_RESTART, POLICY_QUARANTINE };
enum policy_cgroup { POLICY_CGROUP_OPTIONAL, POLICY_CGROUP_REQUIRED };
enum policy_chown { POLICY_CHOWN_IGNORE, POLICY_CHOWN_REFUSE };
enum policy_device_nodes { POLICY_DEVICE_NODES_NOTE, POLICY_DEVICE_NODES_REFUSE };
enum policy_audit_full { POLICY_AUDIT_BLOCK, POLICY_AUDIT_DROP };

enum policy_type {
    POLICY_TYPE_NUMBER,     /* decimal */
    POLICY_TYPE_SIZE,       /* bytes; K, M, G, T are powers of 1024 */
    POLICY_TYPE_MODE,       /* octal */
    POLICY_TYPE_CHOICE,     /* one of `choices`; its number */
    POLICY_TYPE_SET,        /* list of `choices`; a bit for each */
    POLICY_TYPE_PAIR,       /* "A:B", two numbers; A << 32 | B */
    POLICY_TYPE_PATHS,      /* list of absolute paths; see policy_path_allow() */
    POLICY_TYPE_OPERATIONS, /* list of +NAME and -NAME; bits of operations.h */
};

#define POLICY_ENFORCED UINT32_MAX
#define POLICY_NOT_ENFORCED 0u
#define POLICY_MAX_CHOICES 8

struct policy_key_info {
    const char *name;
    enum policy_type type;
    const char *unit;   /* for people */
    uint64_t min, max;  /* numbers, sizes, modes, both of a pair */
    const char *preset; /* without any file, as it would stand in one; of a list, its items
                            separated by spaces */
    uint32_t enforced;  /* POLICY_ENFORCED, POLICY_NOT_ENFORCED, or a bit for each choice */
    bool live;          /* a reload changes it for running workers; else a reconnect does */
    const char *help;   /* one line */
    const char *choices[POLICY_MAX_CHOICES];
};

extern const struct policy_key_info policy_keys[POLICY_KEYS];

/* --- what loading has to say ------------------------------------------------------------------ */

struct policy_message {
    char *file;    /* may be NULL */
    unsigned line; /* 0: the file as a whole */
    bool warning;
    char *text; /* printable; says the remedy */
};

struct policy_report {
    struct policy_message *message;
    size_t num, cap;
    size_t errors;  /* all of them */
    size_t dropped; /* messages above POLICY_MAX_MESSAGES */
};
#define POLICY_MAX_MESSAGES 500

/* A report starts zeroed. Frees what it holds and zeroes it. */
void policy_report_clear(struct policy_report *r);
/* "FILE:LINE: error: TEXT" for people and editors. */
void policy_report_format(const struct policy_message *m, char *out, size_t cap);

/* --- loading ---------------------------------------------------------------------------------- */

struct policy_set;

/*
 * Loads DIR. Files that are not there are no error (an empty set is the built-in default); a file
 * or directory that is a symbolic link, not `owner`'s, or writable by others is. All files are
 * read and all errors told. NULL when there was one.
 */
struct policy_set *policy_load(const char *dir, uid_t owner, struct policy_report *report);

/*
 * The same for files (or directories, taken as policy_load() does) named one by one; ownership and mode are
 * worth a warning only: a draft.
 */
struct policy_set *policy_load_files(const char *const *files, size_t num,
                                     struct policy_report *report);

/* One text, for tests. `name` stands for the file. */
struct policy_set *policy_load_text(const char *name, const char *text, size_t len,
                                    struct policy_report *report);

struct policy_set *policy_set_ref(struct policy_set *set);
/* NULL is allowed. */
void policy_set_unref(struct policy_set *set);

/* Number of domain sections. */
size_t policy_set_domains(const struct policy_set *set);
/* Number of files that were read. */
size_t policy_set_files(const struct policy_set *set);

/*
 * Calls `tell` with a line of text for each domain section that policy_resolve() has never chosen.
 */
void policy_unmatched(const struct policy_set *set, void (*tell)(void *arg, const char *text),
                      void *arg);

/*
 * Sections of `set` that are in `earlier` too, and were chosen there, count as chosen: a domain that is off
 * now has still been seen.
 */
void policy_remember(struct policy_set *set, const struct policy_set *earlier);

/* --- resolving -------------------------------------------------------------------------------- */

/* Who asks. NULL for what is not known: a driver domain may see only the path. */
struct policy_subject {
    const char *uuid;
    const char *name; /* with or without the --incoming of a migration */
    const char *path; /* of the export */
};

struct policy;

/*
 * Effective policy of `who`. 0 with *out owned by the caller; -EACCES with the reason and its
 * remedy in `why` when the policy has no place for this device; -ENOMEM.
 *
 * A section is chosen by UUID (its `uuid` key, or a title that is a UUID) or by name (its title);
 * a section that asks for both and gets only one of them refuses. Globs (* and ?) come after exact
 * names. When neither UUID nor name is known, the section with the longest matching path-allow is
 * chosen. Without a section the defaults hold. Two sections that fit equally well refuse.
 */
int policy_resolve(struct policy_set *set, const struct policy_subject *who, struct policy **out,
                   char *why, size_t cap);
void policy_free(struct policy *p);
/* NULL when out of memory. */
struct policy *policy_copy(const struct policy *p);

/*
 * Takes over from `newer` what a running worker follows (the keys that are live): `p` stays what
 * holds for that worker.
 */
void policy_follow(struct policy *p, const struct policy *newer);

/* What `set` says about the host as a whole: a POLICY_HOST_ key. */
uint64_t policy_host(const struct policy_set *set, enum policy_key key);

uint64_t policy_number(const struct policy *p, enum policy_key key);
/* Operations that are left when access is taken into account. */
uint32_t policy_operations(const struct policy *p);
/* Whether `path` is below a prefix of path-allow. */
bool policy_path_allow(const struct policy *p, const char *path);
/* For the log: the section that was chosen, with file and line, or "defaults", or "built-in". */
const char *policy_origin(const struct policy *p);

/*
 * SHA-256 of all effective values, as "sha256:" and 64 hexadecimal digits: equal for two policies
 * when every key has the same value, whatever section or file it came from.
 */
#define POLICY_HASH_SIZE 72
void policy_hash(const struct policy *p, char out[POLICY_HASH_SIZE]);

/* min(limit of the policy, node of the toolstack); 0 in a node is no wish, 0 in a policy no limit. */
uint64_t policy_ceiling(const struct policy *p, enum policy_key key, uint64_t node);

/* --- identity --------------------------------------------------------------------------------- */

struct policy_range {
    uint32_t first, count;
};

/* True when some section chooses identity host: it needs capabilities of xen9pd's own. */
bool policy_asks_host(const struct policy_set *set);
/* True when a part of `range` is some domain's identity-range. */
bool policy_range_given(const struct policy_set *set, struct policy_range range);
/* POLICY_IDENTITY_RANGE or POLICY_IDENTITY_POOL. */
struct policy_range policy_range_of(const struct policy *p, enum policy_key key);
/* `name` without the end that libxl adds while the domain is on its way in. */
void policy_plain_name(const char *name, char *out, size_t cap);
/* True when its section says which UUID the domain must have. */
bool policy_chosen_by_uuid(const struct policy *p);

/* --- showing ---------------------------------------------------------------------------------- */

/* As a section that could be loaded, each value with where it came from. */
void policy_print(const struct policy *p, FILE *out);

/* Calls `tell` with each key of a domain whose value differs, and both values as they would stand in a file. */
void policy_differences(const struct policy *from, const struct policy *to,
                        void (*tell)(void *arg, enum policy_key key, const char *a, const char *b),
                        void *arg);

/*
 * One line for each key whose value differs. Returns how many differ; *reconnect is how many of
 * those a running worker does not follow. `out` may be NULL.
 */
size_t policy_diff(const struct policy *from, const struct policy *to, FILE *out,
                   size_t *reconnect);

/*
 * The same for two sets: the defaults, and each domain section of either. Returns how many
 * values differ.
 */
size_t policy_diff_sets(struct policy_set *from, struct policy_set *to, FILE *out);

/* What all domain sections together could ask of the host, in a few lines. */
void policy_print_sum(struct policy_set *set, FILE *out);

#endif
