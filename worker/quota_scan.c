/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quota_scan.c - what is really there, counted in the background.
 *
 * Everything it looks at belongs to a guest (tree.h). What it found is weighed against what has
 * happened meanwhile (quota_counts.h).
 */
#include "xen9p/quota_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/fid.h"
#include "xen9p/limits.h"
#include "xen9p/quota.h"
#include "xen9p/tree.h"

/* --- one scan ---------------------------------------------------------------------------------- */

struct seen {
    uint64_t used[QUOTA_KINDS];
    uint64_t *link; /* keys of files with several names; a hash, 0 is free */
    size_t links, room;
};

static size_t place_of(const struct seen *s, uint64_t key)
{
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15ull >> 20) & (s->room - 1);

    while (s->link[i] != 0 && s->link[i] != key)
        i = (i + 1) & (s->room - 1);
    return i;
}

static bool grow(struct seen *s)
{
    struct seen more = {.links = s->links, .room = s->room == 0 ? 1024 : s->room * 2};

    if (more.room > LIMIT_SCAN_LINKS)
        return false;
    more.link = calloc(more.room, sizeof(*more.link));
    if (more.link == NULL)
        return false;
    for (size_t i = 0; i < s->room; i++)
        if (s->link[i] != 0)
            more.link[place_of(&more, s->link[i])] = s->link[i];
    free(s->link);
    s->link = more.link;
    s->room = more.room;
    return true;
}

/*
 * True when a file was met before under another name. More of them than can be remembered: the rest count
 * once for each name, which is too much and never too little.
 */
static bool met_before(struct seen *s, const struct stat *st)
{
    uint64_t key = fid_key_of(st);
    size_t i;

    if (s->links == 0 && st->st_nlink <= 1)
        return false;
    if (s->links * 2 >= s->room && !grow(s) && s->links + 1 >= s->room)
        return false;
    i = place_of(s, key);
    if (s->link[i] == key)
        return true;
    if (st->st_nlink > 1) {
        s->link[i] = key;
        s->links++;
    }
    return false;
}

static int count(void *arg, struct tree *t, int dir, const char *name, const struct stat *st)
{
    struct seen *s = arg;

    (void)t;
    (void)dir;
    (void)name;
    if (!S_ISDIR(st->st_mode) && met_before(s, st))
        return 0;
    s->used[QUOTA_FILES]++;
    if (S_ISREG(st->st_mode))
        s->used[QUOTA_SPACE] += quota_round((uint64_t)st->st_size);
    return 0;
}

int quota_scan_run(struct quota *q)
{
    struct seen seen = {{0}, NULL, 0, 0};
    uint32_t moves = atomic_load(&q->tree_moves);
    struct quota_mark mark;
    uint64_t margin = 0;
    int err;

    quota_mark(q->counts, &q->pending, &mark);
    err = tree_walk(WFD_ROOT, &q->scan.stop, count, &seen);
    free(seen.link);
    if (err == 0 && atomic_load(&q->tree_moves) != moves)
        err = -EAGAIN; /* a directory was moved: seen twice, or not at all */
    if (err != 0)
        return err;
    for (int i = 0; i < QUOTA_KINDS; i++)
        margin |= quota_settle(q->counts, (enum quota_kind)i, &mark, &q->pending, seen.used[i],
                               &q->orphaned[i]);
    atomic_fetch_add(&q->counts->scans, 1);
    return margin != 0;
}

/* --- when ------------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t at_least(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When the next scan is due. Lock held. */
static uint64_t due_ms(const struct quota_scan *s)
{
    if (s->last_ms == 0)
        return 0;
    if (s->asked)
        return s->last_ms + at_least(LIMIT_SCAN_GAP_MS, LIMIT_SCAN_SHARE * s->duration_ms);
    return s->last_ms + at_least(s->inexact ? LIMIT_SCAN_RETRY_MS : LIMIT_SCAN_PERIOD_MS,
                                 LIMIT_SCAN_SHARE * s->duration_ms);
}

static void wait_until(struct quota_scan *s, uint64_t ms)
{
    const struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    (void)pthread_cond_timedwait(&s->changed, &s->lock, &t);
}

/* Sleeps until a scan is due; false when the thread is to end. */
static bool wait_due(struct quota *q)
{
    struct quota_scan *s = &q->scan;
    bool go = false;

    pthread_mutex_lock(&s->lock);
    while (!go && !atomic_load(&s->stop)) {
        uint64_t due = due_ms(s);

        if (!s->open ||
            (!atomic_load(&q->counting[QUOTA_SPACE]) && !atomic_load(&q->counting[QUOTA_FILES])))
            pthread_cond_wait(&s->changed, &s->lock);
        else if (now_ms() < due)
            wait_until(s, due);
        else
            go = true;
    }
    s->asked = false;
    pthread_mutex_unlock(&s->lock);
    return go;
}

static void *scan_thread(void *arg)
{
    struct quota *q = arg;
    struct quota_scan *s = &q->scan;

    /* For this thread alone; somebody else's wish for speed comes first. */
    (void)setpriority(PRIO_PROCESS, 0, 19);
    (void)syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7); /* this thread: best effort, lowest */
    pthread_mutex_lock(&s->lock);
    s->arrived = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    while (wait_due(q)) {
        uint64_t begin = now_ms();
        int res = quota_scan_run(q);

        pthread_mutex_lock(&s->lock);
        s->inexact = res != 0;
        s->last_ms = now_ms();
        s->duration_ms = s->last_ms - begin;
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

void quota_scan_init(struct quota *q)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&q->scan.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->scan.changed, &attr);
    pthread_condattr_destroy(&attr);
}

int quota_scan_start(struct quota *q)
{
    struct quota_scan *s = &q->scan;
    pthread_attr_t attr;
    int err;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, LIMIT_THREAD_STACK);
    err = pthread_create(&s->thread, &attr, scan_thread, q);
    pthread_attr_destroy(&attr);
    if (err != 0)
        return -err;
    s->started = true;
    /* libc's part of a thread's start makes system calls that the filter to come does not allow */
    pthread_mutex_lock(&s->lock);
    while (!s->arrived)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void change(struct quota_scan *s, bool *what)
{
    pthread_mutex_lock(&s->lock);
    *what = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void quota_scan_open(struct quota *q)
{
    change(&q->scan, &q->scan.open);
}

void quota_scan_ask(struct quota *q)
{
    change(&q->scan, &q->scan.asked);
}

void quota_scan_end(struct quota *q)
{
    bool unused;

    if (!q->scan.started)
        return;
    atomic_store(&q->scan.stop, true);
    change(&q->scan, &unused);
    pthread_join(q->scan.thread, NULL);
    q->scan.started = false;
}
