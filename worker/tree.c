/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree.c - a walk over a tree that somebody else changes meanwhile.
 *
 * Depth first. The innermost directories are kept open, the others are known by name, place in their
 * listing and inode, and are opened again from the root when the walk comes back to them.
 */
#include "xen9p/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "xen9p/path.h"

#define KEPT_OPEN 24u    /* TREE_FDS without the two of a step */
#define REOPENED 12u     /* of them, when the walk comes back from below */
#define LIST_BYTES 8192u /* of a directory's listing at a time */

struct level {
    char *name; /* in the level above; NULL: the root */
    dev_t dev;
    ino_t ino;
    int fd;     /* -1: not open at present */
    off_t next; /* place in the listing behind the last entry taken */
    char *list; /* what was read of it, NULL when fd is -1 */
    size_t at, len;
};

struct tree {
    int root;
    struct level *level;
    size_t depth, room;
    size_t first_open; /* levels from here on are open */
};

static void shut(struct level *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    free(l->list);
    l->list = NULL;
    l->at = l->len = 0;
}

/* Opens `name` in `dir` for listing: a directory, and the one that it was before if `l` says so. */
static int open_level(struct level *l, int dir, const char *name, bool again)
{
    struct stat st;
    int err;

    l->fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (l->fd < 0)
        return -errno;
    l->list = malloc(LIST_BYTES);
    err = l->list == NULL ? -ENOMEM : path_stat(l->fd, &st);
    if (err == 0 && again && (st.st_dev != l->dev || st.st_ino != l->ino))
        err = -ESTALE;
    if (err == 0 && again && lseek(l->fd, l->next, SEEK_SET) < 0)
        err = -errno;
    if (err != 0) {
        shut(l);
        return err;
    }
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return 0;
}

static int grow(struct tree *t)
{
    size_t room = t->room == 0 ? 32 : t->room * 2;
    struct level *more;

    if (t->depth < t->room)
        return 0;
    if (t->depth >= TREE_MAX_DEPTH)
        return -ELOOP;
    more = realloc(t->level, room * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    t->level = more;
    t->room = room;
    return 0;
}

/* Enters `name` of `dir`. */
static int push(struct tree *t, int dir, const char *name)
{
    struct level l = {.fd = -1};
    int err = grow(t);

    if (err == 0)
        err = open_level(&l, dir, name, false);
    if (err != 0)
        return err;
    l.name = strdup(name);
    if (l.name == NULL) {
        shut(&l);
        return -ENOMEM;
    }
    t->level[t->depth++] = l;
    if (t->depth - t->first_open > KEPT_OPEN)
        shut(&t->level[t->first_open++]);
    return 0;
}

static void pop(struct tree *t)
{
    struct level *l = &t->level[--t->depth];

    shut(l);
    free(l->name);
    if (t->first_open > t->depth)
        t->first_open = t->depth;
}

/* Opens the last few levels again, from the root. */
static int reopen(struct tree *t)
{
    size_t keep = t->depth > REOPENED ? t->depth - REOPENED : 0;
    int above = -1, err = 0;

    for (size_t i = 0; i < t->depth && err == 0; i++) {
        struct level *l = &t->level[i];

        err = open_level(l, i == 0 ? t->root : above, l->name, true);
        if (i > 0 && i - 1 < keep)
            shut(&t->level[i - 1]);
        above = l->fd;
    }
    t->first_open = keep;
    return err == -ENOENT || err == -ENOTDIR || err == -ELOOP ? -ESTALE : err;
}

/* The next entry of the innermost level: 1, 0 at its end, or a negative errno. */
static int next_entry(struct level *l, const struct dirent64 **out)
{
    if (l->at == l->len) {
        ssize_t n = getdents64(l->fd, l->list, LIST_BYTES);

        if (n <= 0)
            return n == 0 || errno == ENOENT ? 0 : -errno; /* ENOENT: it was removed */
        l->len = (size_t)n;
        l->at = 0;
    }
    *out = (const void *)(l->list + l->at);
    l->at += (*out)->d_reclen;
    l->next = (off_t)(*out)->d_off;
    return 1;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int look_at(int dir, const struct dirent64 *e, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    if (e->d_type == DT_DIR) {
        st->st_mode = S_IFDIR;
        return 0;
    }
    return fstatat(dir, e->d_name, st, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static int step(struct tree *t, tree_visit visit, void *arg)
{
    struct level *l = &t->level[t->depth - 1];
    const struct dirent64 *e = NULL;
    struct stat st;
    char name[256];
    int dir, err;

    err = l->fd < 0 ? reopen(t) : 0;
    if (err != 0)
        return err;
    err = next_entry(l, &e);
    if (err == 0)
        pop(t);
    if (err <= 0 || is_dots(e->d_name))
        return err < 0 ? err : 0;
    dir = l->fd;
    err = look_at(dir, e, &st);
    if (err == 0)
        err = visit(arg, t, dir, e->d_name, &st);
    if (err == 0 && S_ISDIR(st.st_mode)) {
        size_t len = strlen(e->d_name) + 1;

        if (len > sizeof(name))
            return -ENAMETOOLONG;
        memcpy(name, e->d_name, len);
        err = push(t, dir, name);
    }
    /* gone, or another thing, since it was listed */
    return err == -ENOENT || err == -ENOTDIR ? 0 : err;
}

int tree_walk(int root, const atomic_bool *stop, tree_visit visit, void *arg)
{
    struct tree t = {.root = root};
    int err = push(&t, root, ".");

    while (err == 0 && t.depth > 0)
        err = atomic_load_explicit(stop, memory_order_relaxed) ? -EINTR : step(&t, visit, arg);
    while (t.depth > 0)
        pop(&t);
    free(t.level);
    return err;
}

bool tree_path(const struct tree *t, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 1; i < t->depth; i++) {
        size_t len = strlen(t->level[i].name);

        if (n + len + 2 > cap)
            return false;
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, t->level[i].name, len);
        n += len;
    }
    out[n] = '\0';
    return n < cap;
}

int tree_open(int root, const char *path)
{
    int dir = path_again(root);

    while (dir >= 0 && *path != '\0') {
        size_t len = strcspn(path, "/");
        char name[256];
        struct stat st;
        int next;

        if (len == 0 || len >= sizeof(name)) {
            close(dir);
            return -EINVAL;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        path += len + (path[len] == '/');
        next = path_step(dir, name, &st);
        close(dir);
        dir = next;
    }
    return dir;
}
