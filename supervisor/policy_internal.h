/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_internal.h - what the policy_*.c files share: sections and their values.
 */
#ifndef XEN9P_POLICY_INTERNAL_H
#define XEN9P_POLICY_INTERNAL_H

#include <stdarg.h>

#include "xen9p/policy.h"

#define POLICY_MAX_FILE (1024u * 1024) /* bytes of one file */
#define POLICY_MAX_TITLE 128u
#define POLICY_MAX_SECTIONS 16384u
#define POLICY_MAX_ITEMS 64u /* of one list */
#define POLICY_UUID_LEN 36u
#define POLICY_INCOMING "--incoming" /* what libxl adds to the name of a domain on its way in */

enum policy_kind { POLICY_DEFAULTS, POLICY_TEMPLATE, POLICY_DOMAIN };

/* A place in a file. `file` belongs to the set. */
struct policy_place {
    const char *file;
    unsigned line;
};

struct policy_value {
    bool given;
    bool broken;        /* an error was told about it */
    uint64_t number;    /* as policy_type says; of operations see policy_apply_operations() */
    uint32_t keep, add; /* operations: inherited ones that stay, those that come */
    char **item;        /* paths */
    size_t num_items;
    struct policy_place at;
};

struct policy_text {
    char *text; /* NULL: not given */
    struct policy_place at;
};

struct policy_section {
    enum policy_kind kind;
    size_t index; /* in the order of reading */
    char *title;  /* NULL for defaults */
    struct policy_place at;
    struct policy_text uuid;          /* lower case; domain only */
    struct policy_text template_name; /* domain only */
    const struct policy_section *template;
    bool title_is_uuid, title_is_glob;
    bool matched; /* policy_resolve() has chosen it */
    struct policy_value value[POLICY_KEYS];
};

struct policy_set {
    unsigned refs;
    char **file;
    size_t num_files;
    struct policy_section **section;
    size_t num_sections;
    struct policy_section *defaults; /* one of them, or NULL */
    struct policy_value preset[POLICY_KEYS];
};

struct policy {
    struct policy_set *set;
    struct policy_set *live_set;         /* of the values that policy_follow() brought, or NULL */
    const struct policy_section *domain; /* NULL: none was chosen */
    uint64_t number[POLICY_KEYS];
    const struct policy_value *from[POLICY_KEYS]; /* the last layer that gave it */
    char origin[256];
};

/* --- policy_report.c --- */
void policy_error(struct policy_report *r, const char *file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void policy_warning(struct policy_report *r, const char *file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* --- policy_set.c --- */
struct policy_set *policy_set_new(void);
/* A copy that the set owns. NULL when out of memory. */
const char *policy_set_file(struct policy_set *set, const char *name);
/* A section at the end of the set, of which it owns the title's copy. NULL when out of memory. */
struct policy_section *policy_set_section(struct policy_set *set, enum policy_kind kind,
                                          const char *title, struct policy_place at);
/* Both NULL, or both the same. */
bool policy_same_text(const char *a, const char *b);
const char *policy_kind_name(enum policy_kind kind);

/* --- policy_value.c --- */
/*
 * Takes `text` as (the next item of) the value of `key`. NULL, or what is wrong with it, in a
 * static buffer or in `why`.
 */
const char *policy_value_take(enum policy_key key, struct policy_value *v, const char *text,
                              char *why, size_t cap);
void policy_value_clear(struct policy_value *v);
/* As it would stand in a file, lists with their braces. */
void policy_value_print(enum policy_key key, uint64_t number, const struct policy_value *v,
                        FILE *out);
bool policy_is_list(enum policy_type type);
/* The key with this name, or POLICY_KEYS. */
enum policy_key policy_key_by_name(const char *name);
/* Strict UUID; `out` gets it in lower case with its NUL. */
bool policy_uuid(const char *text, char out[POLICY_UUID_LEN + 1]);
/* True when `path` is `prefix` or below it. */
bool policy_path_below(const char *path, const char *prefix);

/* --- policy_resolve.c --- */
const struct policy_value *policy_value_of(const struct policy *p, enum policy_key key);
/* Effective values of `domain` (NULL: the defaults). NULL when out of memory. */
struct policy *policy_of_section(struct policy_set *set, const struct policy_section *domain);

/* --- policy_glob.c --- */
bool policy_is_glob(const char *pattern);
bool policy_glob_match(const char *pattern, const char *name);
/* True when some name matches both. */
bool policy_globs_overlap(const char *a, const char *b);

/* --- policy_scan.c --- */
struct policy_scan {
    unsigned *section_line; /* of the opening brace of each section, in order */
    size_t num, cap;
};
/*
 * Judges the bytes of a file before libConfuse sees them, and blanks its comments. False when
 * there were errors: libConfuse must not see it.
 */
bool policy_scan(const char *file, char *text, size_t len, struct policy_scan *scan,
                 struct policy_report *report);
void policy_scan_clear(struct policy_scan *scan);

/* --- policy_parse.c --- */
/* Adds the sections of one file's text to the set. `text` is changed. */
void policy_parse(struct policy_set *set, const char *file, char *text, size_t len,
                  struct policy_report *report);

/* --- policy_file.c --- */
/* Where files are found and read. */
void policy_read_dir(struct policy_set *set, const char *dir, uid_t owner, bool strict,
                     struct policy_report *report);
void policy_read_file(struct policy_set *set, const char *path, struct policy_report *report);

/* --- policy_check.c --- */
/* What only the whole set can tell: duplicates, templates, globs. */
void policy_check(struct policy_set *set, struct policy_report *report);

/* --- policy_identity.c --- */
void policy_check_identity(const struct policy_set *set, struct policy_report *report);

#endif
