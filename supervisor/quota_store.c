/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_store.c - counts of exports, in memory and on disk.
 *
 * Trusts the files (root's own directory) for no more than being numbers, and the shared memory,
 * which workers write, for the same.
 */
#include "xen9p/quota_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xen9p/limits.h"
#include "xen9p/log.h"
#include "xen9p/loop.h"
#include "xen9p/quota_counts.h"

#define HEADER "xen9p-quota 1\n"
#define RECORD_MAX (sizeof(HEADER) + 2 * 21 + LIMIT_EXPORT_PATH + 2)

/* One exported directory that was ever counted. */
struct export
{
    struct export *next;
    char *path;
    char name[24]; /* of its file */
    uint64_t saved[QUOTA_KINDS];
    int fd;                      /* memfd; -1 while nobody uses it */
    struct quota_counts *counts; /* NULL as well */
    uint32_t uses;
    /* Under quota_store.lock: what the writer is to save. */
    uint64_t wanted[QUOTA_KINDS];
    bool pending;
};

struct quota_use {
    struct quota_store *store;
    struct quota_use *next;
    struct export *export;
    uint32_t domid;
    bool counted, writes;
};

struct quota_store {
    struct loop *loop;
    struct loop_timer timer;
    struct export *exports;
    uint32_t num_exports;
    struct quota_use *uses;
    int dir; /* -1: not kept */

    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* work for the writer, or none is left */
    uint32_t num_pending;
};

/* --- the writer's thread ----------------------------------------------------------------------- */

static int write_whole(int fd, const char *text, size_t len)
{
    ssize_t n = write(fd, text, len);

    if (n == (ssize_t)len && fsync(fd) == 0)
        return 0;
    return n < 0 || n == (ssize_t)len ? -errno : -ENOSPC;
}

static int save(int dir, const struct export *e, const uint64_t counts[QUOTA_KINDS])
{
    char text[RECORD_MAX], temporary[sizeof(e->name) + 4];
    int len = snprintf(text, sizeof(text), "%s%" PRIu64 " %" PRIu64 "\n%s\n", HEADER,
                       counts[QUOTA_SPACE], counts[QUOTA_FILES], e->path);
    int fd, err;

    (void)snprintf(temporary, sizeof(temporary), "%s.new", e->name);
    fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    err = write_whole(fd, text, (size_t)len);
    close(fd);
    if (err == 0 && renameat(dir, temporary, dir, e->name) != 0)
        err = -errno;
    if (err != 0)
        (void)unlinkat(dir, temporary, 0);
    return err;
}

/* The next record to write. Lock held. */
static struct export *next_pending(struct quota_store *qs)
{
    struct export *e = qs->exports;

    while (e != NULL && !e->pending)
        e = e->next;
    return e;
}

static void *writer(void *arg)
{
    struct quota_store *qs = arg;
    int last = 0;

    pthread_mutex_lock(&qs->lock);
    for (;;) {
        struct export *e = next_pending(qs);
        uint64_t counts[QUOTA_KINDS];
        int err;

        if (e == NULL) {
            pthread_cond_wait(&qs->changed, &qs->lock);
            continue;
        }
        memcpy(counts, e->wanted, sizeof(counts));
        e->pending = false;
        pthread_mutex_unlock(&qs->lock);
        err = save(qs->dir, e, counts); /* exports are never freed, path and name never change */
        if (err != 0 && err != last)
            log_warning("%s/%s cannot be written: %s; counts of exports are not kept, workers find "
                        "them again by a scan",
                        XEN9P_QUOTA_DIR, e->name, strerror(-err));
        last = err;
        pthread_mutex_lock(&qs->lock);
        qs->num_pending--;
        pthread_cond_broadcast(&qs->changed);
    }
    return NULL;
}

/* Leaves what has changed to the writer. */
static void submit(struct quota_store *qs, struct export *e)
{
    uint64_t now[QUOTA_KINDS];

    for (int i = 0; i < QUOTA_KINDS; i++)
        now[i] = atomic_load(&e->counts->used[i]);
    if (memcmp(now, e->saved, sizeof(now)) == 0)
        return;
    memcpy(e->saved, now, sizeof(now));
    if (qs->dir < 0)
        return;
    pthread_mutex_lock(&qs->lock);
    memcpy(e->wanted, now, sizeof(now));
    if (!e->pending)
        qs->num_pending++;
    e->pending = true;
    pthread_cond_broadcast(&qs->changed);
    pthread_mutex_unlock(&qs->lock);
}

static void submit_all(struct quota_store *qs)
{
    for (struct export *e = qs->exports; e != NULL; e = e->next)
        if (e->counts != NULL)
            submit(qs, e);
}

static void save_due(struct loop_timer *t)
{
    struct quota_store *qs = t->owner;

    submit_all(qs);
    if (qs->uses != NULL)
        loop_timer_set(qs->loop, t, LIMIT_QUOTA_SAVE_MS);
}

void quota_store_flush(struct quota_store *qs, uint32_t ms)
{
    struct timespec until;

    submit_all(qs);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(ms / 1000);
    pthread_mutex_lock(&qs->lock);
    while (qs->num_pending > 0)
        if (pthread_cond_timedwait(&qs->changed, &qs->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&qs->lock);
}

/* --- the list of exports ----------------------------------------------------------------------- */

/* FNV-1a, 64 bits: a name for a file; the file says which path it is for. */
static uint64_t hash(const char *path)
{
    uint64_t h = 0xcbf29ce484222325ull;

    for (; *path != '\0'; path++)
        h = (h ^ (unsigned char)*path) * 0x100000001b3ull;
    return h;
}

static struct export *find(struct quota_store *qs, const char *path)
{
    struct export *e = qs->exports;

    while (e != NULL && strcmp(e->path, path) != 0)
        e = e->next;
    return e;
}

static struct export *add(struct quota_store *qs, const char *path)
{
    struct export *e = qs->num_exports < LIMIT_QUOTA_EXPORTS ? calloc(1, sizeof(*e)) : NULL;

    if (e == NULL)
        return NULL;
    e->path = strdup(path);
    if (e->path == NULL) {
        free(e);
        return NULL;
    }
    e->fd = -1;
    (void)snprintf(e->name, sizeof(e->name), "%016" PRIx64, hash(path));
    pthread_mutex_lock(&qs->lock); /* the writer goes through the list */
    e->next = qs->exports;
    qs->exports = e;
    pthread_mutex_unlock(&qs->lock);
    qs->num_exports++;
    return e;
}

/* One file: header, "SPACE FILES", path. False: it is none of ours. */
static bool parse(struct quota_store *qs, char *text)
{
    uint64_t counts[QUOTA_KINDS];
    struct export *e;
    int at = 0;
    char *lf;

    if (strncmp(text, HEADER, sizeof(HEADER) - 1) != 0)
        return false;
    text += sizeof(HEADER) - 1;
    if (sscanf(text, "%20" SCNu64 " %20" SCNu64 "%n", &counts[QUOTA_SPACE], &counts[QUOTA_FILES],
               &at) != 2 ||
        text[at] != '\n' || text[at + 1] != '/')
        return false;
    text += at + 1;
    lf = strrchr(text, '\n'); /* a path may contain others */
    if (lf == NULL || lf[1] != '\0')
        return false;
    *lf = '\0';
    e = find(qs, text) == NULL ? add(qs, text) : NULL;
    if (e != NULL)
        memcpy(e->saved, counts, sizeof(counts));
    return true;
}

static void load(struct quota_store *qs, const char *name)
{
    char text[RECORD_MAX];
    int fd = openat(qs->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    if (n <= 0 || (size_t)n != strlen(text) || !parse(qs, text))
        log_warning("%s/%s makes no sense; that export is counted anew", XEN9P_QUOTA_DIR, name);
}

static void load_all(struct quota_store *qs)
{
    DIR *d = fdopendir(fcntl(qs->dir, F_DUPFD_CLOEXEC, 0));
    const struct dirent *e;

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL)
        if (strspn(e->d_name, "0123456789abcdef") == 16 && e->d_name[16] == '\0')
            load(qs, e->d_name);
    closedir(d);
}

/* With its parent. */
static int open_dir(const char *dir)
{
    char parent[256];
    char *slash;

    (void)snprintf(parent, sizeof(parent), "%s", dir);
    slash = strrchr(parent, '/');
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        (void)mkdir(parent, 0700);
    }
    (void)mkdir(dir, 0700);
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct quota_store *quota_store_new(struct loop *loop, const char *dir)
{
    struct quota_store *qs = calloc(1, sizeof(*qs));

    if (qs == NULL)
        return NULL;
    qs->loop = loop;
    qs->timer = (struct loop_timer){.fire = save_due, .owner = qs};
    pthread_mutex_init(&qs->lock, NULL);
    pthread_cond_init(&qs->changed, NULL);
    qs->dir = open_dir(dir);
    if (qs->dir < 0)
        log_warning("%s: %s; what guests have in use is not remembered", dir, strerror(errno));
    else
        load_all(qs);
    if (pthread_create(&qs->writer, NULL, writer, qs) == 0)
        return qs;
    if (qs->dir >= 0)
        close(qs->dir);
    free(qs);
    return NULL;
}

/* --- use --------------------------------------------------------------------------------------- */

/* The same directory, or one below the other. */
static bool overlap(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] != '\0' && a[n] == b[n])
        n++;
    return (a[n] == '\0' && (b[n] == '\0' || b[n] == '/')) || (b[n] == '\0' && a[n] == '/');
}

static bool disturbs(const struct quota_use *u, const struct quota_claim *c)
{
    if (!u->writes || !c->writes || (!u->counted && !c->counted))
        return false;
    if (u->domid == c->domid && strcmp(u->export->path, c->path) == 0)
        return false;
    return overlap(u->export->path, c->path);
}

static int activate(struct export *e)
{
    if (e->counts != NULL)
        return 0;
    e->fd = quota_counts_create(e->saved);
    if (e->fd < 0)
        return e->fd;
    e->counts = quota_counts_map(e->fd);
    if (e->counts != NULL)
        return 0;
    close(e->fd);
    e->fd = -1;
    return -ENOMEM;
}

int quota_store_use(struct quota_store *qs, const struct quota_claim *claim, struct quota_use **out,
                    const char **other)
{
    struct quota_use *use;
    struct export *e;
    int err;

    for (const struct quota_use *u = qs->uses; u != NULL; u = u->next) {
        if (u != *out && disturbs(u, claim)) {
            *other = u->export->path;
            return -EBUSY;
        }
    }
    if (*out != NULL) {
        (*out)->counted = claim->counted;
        (*out)->writes = claim->writes;
        return 0;
    }
    e = find(qs, claim->path);
    if (e == NULL)
        e = add(qs, claim->path);
    if (e == NULL)
        return -ENOSPC;
    use = calloc(1, sizeof(*use));
    err = use != NULL ? activate(e) : -ENOMEM;
    if (err != 0) {
        free(use);
        return err;
    }
    e->uses++;
    *use = (struct quota_use){.store = qs,
                              .next = qs->uses,
                              .export = e,
                              .domid = claim->domid,
                              .counted = claim->counted,
                              .writes = claim->writes};
    qs->uses = use;
    if (!qs->timer.armed)
        loop_timer_set(qs->loop, &qs->timer, LIMIT_QUOTA_SAVE_MS);
    *out = use;
    return 0;
}

void quota_store_unuse(struct quota_use *use)
{
    struct quota_use **at;
    struct export *e;

    if (use == NULL)
        return;
    for (at = &use->store->uses; *at != use;)
        at = &(*at)->next;
    *at = use->next;
    e = use->export;
    if (--e->uses == 0) {
        submit(use->store, e);
        quota_counts_unmap(e->counts);
        close(e->fd);
        e->counts = NULL;
        e->fd = -1;
    }
    free(use);
}

int quota_use_fd(const struct quota_use *use)
{
    return use->export->fd;
}

void quota_use_counts(const struct quota_use *use, uint64_t *space, uint64_t *files)
{
    *space = atomic_load(&use->export->counts->used[QUOTA_SPACE]);
    *files = atomic_load(&use->export->counts->used[QUOTA_FILES]);
}
