/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idpool.c - ranges of host ids that were given to domains, and the file that remembers them.
 *
 * The file is root's; it is read strictly all the same: a line that is not understood could be a
 * range that must not be given out again. Keys come from the toolstack and the policy, escaped.
 */
#include "xen9p/idpool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen9p/limits.h"

#define PATH_ROOM 256

static const char header[] =
    "# xen9p: ranges of host ids that were given to domains (identity mapped), one a line:\n"
    "# FIRST COUNT DOMAIN. A line may go when no file with an id of its range is left on any disk.\n";

struct entry {
    struct id_range range;
    char *key;
};

struct idpool {
    char path[PATH_ROOM];
    bool loaded;
    struct entry *entry; /* in the order in which they were given out */
    size_t num;
};

struct idpool *idpool_new(const char *path)
{
    struct idpool *p = calloc(1, sizeof(*p));

    if (p != NULL)
        (void)snprintf(p->path, sizeof(p->path), "%s", path);
    return p;
}

static void forget(struct idpool *p)
{
    for (size_t i = 0; i < p->num; i++)
        free(p->entry[i].key);
    free(p->entry);
    p->entry = NULL;
    p->num = 0;
    p->loaded = false;
}

void idpool_free(struct idpool *p)
{
    if (p == NULL)
        return;
    forget(p);
    free(p);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("._-/+", c) != NULL;
}

void idpool_key(const char *kind, const char *what, char out[IDPOOL_KEY_MAX])
{
    size_t n = (size_t)snprintf(out, IDPOOL_KEY_MAX, "%s:", kind);

    for (; *what != '\0' && n + sizeof("%00") < IDPOOL_KEY_MAX; what++) {
        if (is_plain(*what))
            out[n++] = *what;
        else
            n += (size_t)snprintf(out + n, IDPOOL_KEY_MAX - n, "%%%02x", (unsigned char)*what);
    }
    out[n] = '\0';
}

static bool overlap(struct id_range a, struct id_range b)
{
    return (uint64_t)a.first < (uint64_t)b.first + b.count &&
           (uint64_t)b.first < (uint64_t)a.first + a.count;
}

static int add(struct idpool *p, struct id_range range, const char *key)
{
    struct entry *more;

    if (p->num >= LIMIT_ID_RANGES)
        return -ENOSPC;
    more = reallocarray(p->entry, p->num + 1, sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    p->entry = more;
    more[p->num] = (struct entry){range, strdup(key)};
    return more[p->num].key != NULL ? (p->num++, 0) : -ENOMEM;
}

/* --- the file ---------------------------------------------------------------------------------- */

/* A decimal number that ends with a space; NULL for anything else. */
static const char *take_number(const char *s, uint32_t *out)
{
    uint64_t v = 0;

    if (*s < '0' || *s > '9')
        return NULL;
    for (; *s >= '0' && *s <= '9'; s++) {
        v = v * 10 + (uint64_t)(*s - '0');
        if (v > UINT32_MAX)
            return NULL;
    }
    *out = (uint32_t)v;
    return *s == ' ' ? s + 1 : NULL;
}

static int take_line(struct idpool *p, char *line)
{
    struct id_range range;
    const char *s = take_number(line, &range.first);
    char *lf = strchr(line, '\n');

    if (s != NULL)
        s = take_number(s, &range.count);
    if (s == NULL || lf == NULL || range.count == 0 || *s == '\n')
        return -EBADMSG; /* without its end of line it was cut */
    *lf = '\0';
    return add(p, range, s);
}

static int read_lines(struct idpool *p, FILE *f, unsigned *line)
{
    char *text = NULL;
    size_t room = 0;
    int err = 0;

    while (err == 0 && getline(&text, &room, f) > 0) {
        ++*line;
        if (*text != '#')
            err = take_line(p, text);
    }
    if (err == 0 && ferror(f))
        err = -EIO;
    free(text);
    return err;
}

static int load(struct idpool *p, char *why, size_t cap)
{
    int fd = open(p->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), err = 0;
    unsigned line = 0;
    FILE *f;

    if (fd < 0 && errno == ENOENT) {
        p->loaded = true; /* nobody has got any */
        return 0;
    }
    f = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (f == NULL) {
        err = -errno;
        if (fd >= 0)
            close(fd);
    } else {
        err = read_lines(p, f, &line);
        (void)fclose(f);
    }
    p->loaded = err == 0;
    if (err == 0)
        return 0;
    forget(p);
    if (err == -EBADMSG)
        (void)snprintf(why, cap,
                       "%s:%u is not \"FIRST COUNT DOMAIN\"; restore it: the owners of files "
                       "depend on it",
                       p->path, line);
    else
        (void)snprintf(why, cap, "%s cannot be read: %s", p->path, strerror(-err));
    return err;
}

static int write_file(const struct idpool *p, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), err = 0;
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (f == NULL) {
        err = -errno;
        if (fd >= 0)
            close(fd);
        return err;
    }
    (void)fputs(header, f);
    for (size_t i = 0; i < p->num; i++)
        (void)fprintf(f, "%" PRIu32 " %" PRIu32 " %s\n", p->entry[i].range.first,
                      p->entry[i].range.count, p->entry[i].key);
    if (fflush(f) != 0 || ferror(f) || fsync(fd) != 0)
        err = errno != 0 ? -errno : -EIO;
    if (fclose(f) != 0 && err == 0)
        err = -errno;
    return err;
}

/* Its folder, as a descriptor; made when it is missing. */
static int open_folder(const struct idpool *p)
{
    char folder[PATH_ROOM];
    char *slash;
    int fd;

    (void)snprintf(folder, sizeof(folder), "%s", p->path);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return -EINVAL;
    *slash = '\0';
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return -errno;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

/* The old file or the new one, whatever happens meanwhile. */
static int save(const struct idpool *p)
{
    char fresh[PATH_ROOM + sizeof(".new")];
    int folder = open_folder(p), err;

    if (folder < 0)
        return folder;
    (void)snprintf(fresh, sizeof(fresh), "%s.new", p->path);
    err = write_file(p, fresh);
    if (err == 0 && (rename(fresh, p->path) != 0 || fsync(folder) != 0))
        err = -errno;
    close(folder);
    return err;
}

/* --- giving out -------------------------------------------------------------------------------- */

/* The last range of `key`, or NULL. */
static const struct entry *find(const struct idpool *p, const char *key)
{
    for (size_t i = p->num; i > 0; i--)
        if (strcmp(p->entry[i - 1].key, key) == 0)
            return &p->entry[i - 1];
    return NULL;
}

/* Whose a part of `range` was; NULL: nobody's but that of `key`. */
static const struct entry *owner_of(const struct idpool *p, struct id_range range, const char *key)
{
    for (size_t i = 0; i < p->num; i++)
        if (overlap(p->entry[i].range, range) && (key == NULL || strcmp(p->entry[i].key, key) != 0))
            return &p->entry[i];
    return NULL;
}

static int find_free(const struct idpool *p, struct id_range pool, idpool_taken taken, void *arg,
                     struct id_range *out)
{
    const struct id_range workers = {LIMIT_WORKER_UID_BASE, LIMIT_WORKER_UIDS};

    for (uint64_t at = 0; at + LIMIT_IDS <= pool.count; at += LIMIT_IDS) {
        struct id_range r = {(uint32_t)(pool.first + at), LIMIT_IDS};

        if (owner_of(p, r, NULL) != NULL || overlap(r, workers) || taken(arg, r))
            continue;
        *out = r;
        return 0;
    }
    return -ENOSPC;
}

static int remember(struct idpool *p, const char *key, struct id_range range, char *why, size_t cap)
{
    int err = add(p, range, key);

    if (err == 0) {
        err = save(p);
        if (err != 0) {
            free(p->entry[--p->num].key); /* not given */
            (void)snprintf(why, cap, "%s cannot be written: %s", p->path, strerror(-err));
        }
    } else {
        (void)snprintf(why, cap, "no room for one more range of ids: %s", strerror(-err));
    }
    return err;
}

static bool same(struct id_range a, struct id_range b)
{
    return a.first == b.first && a.count == b.count;
}

int idpool_take(struct idpool *p, const char *key, struct id_range fixed, struct id_range pool,
                idpool_taken taken, void *arg, struct id_range *out, char *why, size_t cap)
{
    const struct entry *known, *other;
    int err = p->loaded ? 0 : load(p, why, cap);

    if (err != 0)
        return err;
    known = find(p, key);
    if (known != NULL && (fixed.count == 0 || same(known->range, fixed))) {
        *out = known->range;
        return 0;
    }
    if (fixed.count != 0) {
        other = owner_of(p, fixed, key);
        if (other != NULL) {
            (void)snprintf(why, cap,
                           "identity-range %" PRIu32 ":%" PRIu32 " meets %" PRIu32 ":%" PRIu32
                           ", which was given to %.200s (%s); choose another",
                           fixed.first, fixed.count, other->range.first, other->range.count,
                           other->key, p->path);
            return -EEXIST;
        }
        *out = fixed;
    } else if (find_free(p, pool, taken, arg, out) != 0) {
        (void)snprintf(why, cap,
                       "identity-pool %" PRIu32 ":%" PRIu32 " is used up; make it larger, or see "
                       "%s for ranges of domains that are gone with their files",
                       pool.first, pool.count, p->path);
        return -ENOSPC;
    }
    return remember(p, key, *out, why, cap);
}
