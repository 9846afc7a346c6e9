/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trail_note.h - between trail.c and trail_note.c: records of open files, and where a file is.
 */
#ifndef XEN9P_WORKER_TRAIL_NOTE_H
#define XEN9P_WORKER_TRAIL_NOTE_H

#include "xen9p/fid.h"
#include "xen9p/trail.h"

struct trail_path {
    char s[TRAIL_PATH_MAX];
};

/* Class of the records of its opening and closing. */
enum audit_class trail_class_of_fid(const struct fid *f);
/* The record of its closing; its path stands in `room`. */
void trail_record_of_fid(const struct trail *t, const struct fid *f, struct trail_path *room,
                         struct audit_record *rec);
/* Length of what stands before each path: 0 in a jail, whose root is the export. */
size_t trail_root_len(void);

#endif
