/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * u9.h - a client of 9P2000 and 9P2000.u that compares replies byte by byte.
 *
 * A request is sent with u9_ask(); what must come back is said with u9_want() or u9_refused(), whole, so that a
 * wrong size, a field too many or a wrong text fails the case. `fmt` letters are those of p9c.h and
 *   Q qid (struct p9_qid *), T n[2] and stat (struct u9_stat *), t stat alone.
 */
#ifndef XEN9P_TESTS_U9_H
#define XEN9P_TESTS_U9_H

#include "harness.h"
#include "p9c.h"

struct u9 {
    struct rig *rig;
    enum p9_dialect dialect;
    int ring; /* -1: tag % rings */
    uint32_t msize;
    uint16_t next_tag;
    struct reply *reply; /* of the last u9_want() or u9_take() */
};

struct u9_stat {
    uint16_t type;
    uint32_t dev;
    struct p9_qid qid;
    uint32_t mode, atime, mtime;
    uint64_t length;
    const char *name, *uid, *gid, *muid, *ext; /* NULL: "" */
    uint32_t n_uid, n_gid, n_muid;
};
/* Nothing touched. */
extern const struct u9_stat u9_blank;

#define NO32 0xffffffffu
#define NO64 0xffffffffffffffffull

/* Tversion with the dialect's name and msize ~0, Tattach of fid 0 as root. */
void u9_mount(struct u9 *u, struct rig *g, enum p9_dialect dialect);
/* Only the first. */
void u9_version(struct u9 *u, struct rig *g, enum p9_dialect dialect, uint32_t msize);
void u9_attach(struct u9 *u, uint32_t fid);

/* Sends; returns the tag. */
uint16_t u9_ask(struct u9 *u, uint8_t type, const char *fmt, ...);
uint16_t u9_ask_tag(struct u9 *u, uint16_t tag, uint8_t type, const char *fmt, ...);
/* Waits for the reply to `tag`: it must be R`type`, with exactly this body. */
void u9_want(struct u9 *u, uint16_t tag, uint8_t type, const char *fmt, ...);
/* It must be an Rerror of this errno, in the dialect's form. */
void u9_refused(struct u9 *u, uint16_t tag, int error);
/* It must be R`type`; its body. */
struct cursor u9_take(struct u9 *u, uint16_t tag, uint8_t type);
/* It must be R`type` with the qid of `path`, and iounit 0. */
void u9_want_qid(struct u9 *u, uint16_t tag, uint8_t type, const char *path);

/* The same case once in each dialect, on exports of their own. */
void u9_in_both(void (*run)(struct rig *g, struct u9 *u));

/* Calls whose answer is known. */
void u9_walk(struct u9 *u, uint32_t fid, uint32_t newfid, const char *path);
void u9_clunk(struct u9 *u, uint32_t fid);
void u9_open(struct u9 *u, uint32_t fid, uint32_t mode);
void u9_write(struct u9 *u, uint32_t fid, uint64_t offset, const char *text);
/* Reads `count` bytes, which must be `text`. */
void u9_read(struct u9 *u, uint32_t fid, uint64_t offset, uint32_t count, const char *text);
/* fid, name, perm, mode, and ext if the dialect has it. */
uint16_t u9_ask_create(struct u9 *u, uint32_t fid, const char *name, uint32_t perm, uint32_t mode,
                       const char *ext);
uint16_t u9_ask_wstat(struct u9 *u, uint32_t fid, const struct u9_stat *s);

/* qid of a file of the export, as the worker says: its type and path are checked against the host's stat. */
struct p9_qid u9_qid(struct u9 *u, const char *path);
/* What the stat of a file must be, but for ext. `name` is the last part of `path`. */
struct u9_stat u9_stat_of(struct u9 *u, const char *path);

/* The host's side. */
void u9_host_file(struct rig *g, const char *name, const char *text, mode_t mode);
struct stat u9_host_stat(struct rig *g, const char *name);
bool u9_host_has(struct rig *g, const char *name);
void u9_host_says(struct rig *g, const char *name, const char *text);

#endif
