/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parent.c - where the file of a fid is.
 *
 * Trusts the kernel, and no memory of its own: the host may have moved everything meanwhile, out of
 * the export, too. What is remembered is a directory that the guest walked through and could have kept
 * a fid of, so that nothing is reached by it that a fid would not reach.
 */
#include "xen9p/parent.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/fid.h"
#include "xen9p/limits.h"
#include "xen9p/path.h"
#include "xen9p/session.h"
#include "xen9p/worker.h"

struct parent {
    atomic_uint refs;        /* fids that share it */
    _Atomic uint32_t *count; /* the session's; longer lived than any fid */
    int dir;                 /* O_PATH, owned */
    char name[P9_NAME_MAX + 1];
};

uint32_t parent_most(uint32_t fids)
{
    return fids / 4 < LIMIT_DEEP_FIDS ? fids / 4 : LIMIT_DEEP_FIDS;
}

bool parent_is_deep(const struct fid *from, uint32_t more)
{
    return from->depth + more > PARENT_DEEP;
}

/* NULL: that is not remembered. */
static struct parent *new_parent(struct session *s, int dir, const char *name)
{
    struct parent *p = NULL;

    if (atomic_fetch_add(&s->deep_fids, 1) < parent_most(s->worker->max_fids))
        p = calloc(1, sizeof(*p));
    if (p != NULL && (p->dir = path_again(dir)) < 0) {
        free(p);
        p = NULL;
    }
    if (p == NULL) {
        atomic_fetch_sub(&s->deep_fids, 1);
        return NULL;
    }
    p->count = &s->deep_fids;
    atomic_init(&p->refs, 1);
    strncpy(p->name, name, sizeof(p->name) - 1);
    return p;
}

static void put(struct parent *p)
{
    if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    atomic_fetch_sub(p->count, 1);
    close(p->dir);
    free(p);
}

/* The one that `f` has, with a reference. */
static struct parent *get(struct fid *f)
{
    struct parent *p;

    pthread_mutex_lock(&f->lock);
    p = f->parent;
    if (p != NULL)
        atomic_fetch_add(&p->refs, 1);
    pthread_mutex_unlock(&f->lock);
    return p;
}

void parent_found(struct session *s, struct fid *f, const struct fid *from, uint32_t more, int dir,
                  const char *name)
{
    if (parent_is_deep(from, more)) {
        f->depth = PARENT_DEEP + 1; /* no more is asked of it, and it cannot overflow */
        f->parent = new_parent(s, dir, name);
    } else {
        f->depth = (uint16_t)(from->depth + more);
    }
}

void parent_same(struct fid *f, struct fid *from)
{
    f->depth = from->depth;
    f->parent = get(from);
}

/* What `f` remembers from now on: `p`, taken over, or nothing. */
static void remember(struct fid *f, struct parent *p)
{
    struct parent *old;

    pthread_mutex_lock(&f->lock);
    old = f->parent;
    f->parent = p;
    pthread_mutex_unlock(&f->lock);
    put(old);
}

void parent_renamed(struct session *s, struct fid *f, int dir, const char *name)
{
    struct parent *old = get(f), *p;

    if (old == NULL)
        return; /* not deep: a name that is longer by less than what is left to PATH_MAX */
    put(old);   /* f's own reference is left */
    p = new_parent(s, dir, name);
    if (p != NULL)
        remember(f, p);
}

void parent_moved(struct session *s, struct fid *f, const struct fid *to, const char *name)
{
    uint32_t more = (uint32_t)strlen(name) + 1;
    bool deep = parent_is_deep(to, more);

    remember(f, NULL); /* first, so that there is room for the new one */
    f->depth = (uint16_t)(deep ? PARENT_DEEP + 1 : to->depth + more);
    if (deep)
        remember(f, new_parent(s, to->path_fd, name));
}

void parent_drop(struct fid *f)
{
    put(f->parent);
}

int parent_locate(const struct session *s, struct fid *f, char name[P9_NAME_MAX + 1])
{
    int dir = path_locate(s, f->path_fd, name);
    struct parent *p;

    if (dir != -ENAMETOOLONG)
        return dir;
    p = get(f);
    if (p == NULL)
        return -ENAMETOOLONG;
    if (path_is_inside(s, p->dir) == 0 && path_is_entry(f->path_fd, p->dir, p->name) == 0) {
        dir = path_again(p->dir);
        memcpy(name, p->name, sizeof(p->name));
    }
    put(p);
    return dir;
}
