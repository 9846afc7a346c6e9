/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_delete.c - finds the oldest files of an export and deletes them.
 *
 * The tree is a guest's: a candidate is looked up again, step by step without following links, and
 * must be the very file that was found.
 */
#include "xen9p/quota_delete.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/operations.h"
#include "xen9p/quota.h"
#include "xen9p/session.h"
#include "xen9p/tree.h"

#define AT_ONCE 64u    /* candidates of one look at the tree */
#define MOST_LOOKS 256 /* 16384 files for one request */

struct candidate {
    struct stat st;
    char *path; /* of its directory, then '\0', then its name */
};

/* The oldest files so far: a heap with the youngest of them on top. */
struct choice {
    struct quota *q;
    enum quota_kind kind;
    struct candidate file[AT_ONCE];
    size_t num;
    uint64_t all; /* what all that may go amounts to */
};

static bool older(const struct stat *a, const struct stat *b)
{
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
        return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
    return a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

static void sift_down(struct choice *c, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        struct candidate swap;

        if (child >= c->num)
            return;
        if (child + 1 < c->num && older(&c->file[child].st, &c->file[child + 1].st))
            child++;
        if (!older(&c->file[i].st, &c->file[child].st))
            return;
        swap = c->file[i];
        c->file[i] = c->file[child];
        c->file[child] = swap;
        i = child;
    }
}

static void sift_up(struct choice *c, size_t i)
{
    while (i > 0 && older(&c->file[(i - 1) / 2].st, &c->file[i].st)) {
        struct candidate swap = c->file[i];

        c->file[i] = c->file[(i - 1) / 2];
        c->file[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
}

/*
 * The heap in order, oldest first. Not qsort(3), which asks the kernel how much memory there is before it takes some,
 * and a worker's filter kills for that.
 */
static void sort(struct choice *c)
{
    const size_t all = c->num;

    while (c->num > 1) {
        struct candidate youngest = c->file[0];

        c->file[0] = c->file[--c->num];
        c->file[c->num] = youngest;
        sift_down(c, 0);
    }
    c->num = all;
}

static char *join(const struct tree *t, const char *name)
{
    char path[PATH_MAX];
    size_t len, name_len = strlen(name) + 1;
    char *out;

    if (!tree_path(t, path, sizeof(path)))
        return NULL;
    len = strlen(path) + 1;
    out = malloc(len + name_len);
    if (out != NULL) {
        memcpy(out, path, len);
        memcpy(out + len, name, name_len);
    }
    return out;
}

static uint64_t worth(enum quota_kind kind, const struct stat *st)
{
    return kind == QUOTA_SPACE ? quota_round((uint64_t)st->st_size) : 1;
}

/* Whether deleting a file would make room: an inode is in use as long as any fid refers to it. */
static bool may_go(const struct choice *c, const struct stat *st)
{
    struct fid_table *fids = c->q->session->fids;
    uint64_t key = fid_key_of(st);

    if (!S_ISREG(st->st_mode) || st->st_nlink != 1 || worth(c->kind, st) == 0)
        return false;
    return c->kind == QUOTA_SPACE ? !fid_table_has_open(fids, key) : !fid_table_has(fids, key);
}

static int choose(void *arg, struct tree *t, int dir, const char *name, const struct stat *st)
{
    struct choice *c = arg;
    char *path;

    (void)dir;
    if (!may_go(c, st))
        return 0;
    c->all += worth(c->kind, st);
    if (c->num == AT_ONCE && !older(st, &c->file[0].st))
        return 0;
    path = join(t, name);
    if (path == NULL) /* too deep for a path, or no memory: this one stays */
        return 0;
    if (c->num == AT_ONCE) {
        free(c->file[0].path);
        c->file[0] = (struct candidate){*st, path};
        sift_down(c, 0);
    } else {
        c->file[c->num] = (struct candidate){*st, path};
        sift_up(c, c->num++);
    }
    return 0;
}

static bool delete_one(struct quota *q, const struct candidate *f)
{
    int dir = tree_open(WFD_ROOT, f->path), err;

    if (dir < 0)
        return false;
    err = quota_delete_file(q, dir, f->path + strlen(f->path) + 1, &f->st);
    close(dir);
    return err == 0;
}

static bool has_room(const struct quota *q, enum quota_kind kind, uint64_t n, uint64_t limit)
{
    uint64_t used = atomic_load(&q->counts->used[kind]);

    return used <= limit && limit - used >= n;
}

/* One look at the tree: deletes what is needed of what it found. False: nothing was, or it is no use. */
static bool look(struct choice *c, uint64_t n, uint64_t limit)
{
    uint64_t used = atomic_load(&c->q->counts->used[c->kind]);
    bool progress = false;

    c->num = 0;
    c->all = 0;
    /* what was found before a walk lost its way can go as well */
    (void)tree_walk(WFD_ROOT, &c->q->scan.stop, choose, c);
    sort(c);
    /* used - all + n <= limit, or it would all be for nothing */
    for (size_t i = 0; i < c->num; i++) {
        if ((c->all >= used || used - c->all <= limit - n) && !has_room(c->q, c->kind, n, limit))
            progress |= delete_one(c->q, &c->file[i]);
        free(c->file[i].path);
    }
    return progress;
}

bool quota_delete_oldest(struct quota *q, enum quota_kind kind, uint64_t n, uint64_t limit)
{
    const struct session *s = q->session;
    struct choice *c;
    bool room;

    if (!q->auto_delete || limit == 0 || n > limit || s->read_only ||
        (s->operations & OPERATION_DELETE) == 0)
        return false;
    c = malloc(sizeof(*c));
    if (c == NULL)
        return false;
    c->q = q;
    c->kind = kind;
    pthread_mutex_lock(&q->deleting);
    room = has_room(q, kind, n, limit);
    for (int i = 0; i < MOST_LOOKS && !room && look(c, n, limit); i++)
        room = has_room(q, kind, n, limit);
    pthread_mutex_unlock(&q->deleting);
    free(c);
    return room;
}
