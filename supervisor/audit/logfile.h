/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logfile.h - the files of one guest: DIR/audit.log, and DIR/audit.log.1 (newest) and so on.
 *
 * Only whole lines are ever there: what cannot be written whole is taken back. Every line begins
 * with its number, the worker and that worker's own number of it, so that a successor of this
 * process knows where to go on.
 */
#ifndef XEN9P_AUDIT_LOGFILE_H
#define XEN9P_AUDIT_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen9p/audit.h"

/*
 * The longest line there can be, and the end of a file that is looked at when it is taken up
 * again.
 */
#define LOGFILE_LINE_MAX 65536
/*
 * What was written last and not taken from its socket stands in so many bytes: a batch, each byte
 * of which becomes at most 22, and the lines of a worker or two behind it.
 */
#define LOGFILE_LOOK (2u * 1024 * 1024)

struct logfile {
    int dir;       /* -1 when closed */
    int fd;        /* -1 until it could be opened */
    uint64_t size; /* of the present file */
    uint64_t max;  /* bytes of one file */
    uint32_t keep; /* files, the present one included */
    uint64_t seq;  /* number of the last line */
};

/*
 * Takes up the files in the directory `name` below `root`, which are made when they are missing.
 * `max` and `keep` are the caller's to fill in. Never follows a link. 0 or a negative errno.
 */
int logfile_open(struct logfile *l, int root, const char *name);
void logfile_close(struct logfile *l);

/* Opens the present file when it is not; 0 or a negative errno. */
int logfile_ready(struct logfile *l);
/*
 * Looks for the last line of a worker at the end of the files. 1: *n is its number; 0: there is
 * none in all of them, *n is 0; -1: not in the last LOGFILE_LOOK bytes, or they cannot be read.
 */
int logfile_find(const struct logfile *l, uint64_t worker, uint64_t *n);
/* True when `len` more bytes belong into a new file. */
bool logfile_is_full(const struct logfile *l, size_t len);
/* Appends whole lines, all or none. 0 or a negative errno. Counts nothing but the size. */
int logfile_append(struct logfile *l, const char *lines, size_t len);
/* Moves the files on, the oldest one goes away; the present one is empty or closed then. */
int logfile_rotate(struct logfile *l);
/* Lets go of the present file: somebody else may have moved it. */
void logfile_reopen(struct logfile *l);

#endif
