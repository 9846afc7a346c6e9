/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter_cache.c - the filters that were compiled. Trusts its caller.
 */
#include "xen9p/filter_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

/* Of all bytes of `fd`, which is sealed. */
static int hash_of(int fd, char out[FILTER_HASH_SIZE])
{
    struct stat st;
    struct hash h;
    void *program;

    _Static_assert(FILTER_HASH_SIZE == HASH_TEXT_SIZE, "one form for all hashes");
    if (fstat(fd, &st) != 0)
        return -errno;
    program = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (program == MAP_FAILED)
        return -errno;
    hash_begin(&h);
    hash_add(&h, program, (size_t)st.st_size);
    hash_end(&h, out);
    (void)munmap(program, (size_t)st.st_size);
    return 0;
}

static struct compiled_filter *compile(const struct filter_spec *spec, int *err)
{
    struct compiled_filter *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        *err = -ENOMEM;
        return NULL;
    }
    f->spec = *spec;
    f->fd = filter_compile(spec);
    *err = f->fd < 0 ? f->fd : hash_of(f->fd, f->hash);
    if (*err == 0)
        return f;
    if (f->fd >= 0)
        close(f->fd);
    free(f);
    return NULL;
}

static void drop(struct compiled_filter *f)
{
    close(f->fd);
    free(f);
}

/* Where a new one goes: behind the others, or over the one that was not needed for longest. */
static size_t make_room(struct filter_cache *c)
{
    size_t oldest = 0;

    if (c->num < LIMIT_FILTERS)
        return c->num++;
    for (size_t i = 1; i < c->num; i++)
        if (c->entry[i]->used < c->entry[oldest]->used)
            oldest = i;
    drop(c->entry[oldest]);
    return oldest;
}

const struct compiled_filter *filter_cache_get(struct filter_cache *c,
                                               const struct filter_spec *spec, int *err)
{
    struct compiled_filter *f = NULL;

    for (size_t i = 0; i < c->num && f == NULL; i++)
        if (filter_same(&c->entry[i]->spec, spec))
            f = c->entry[i];
    if (f == NULL) {
        f = compile(spec, err);
        if (f == NULL)
            return NULL;
        c->entry[make_room(c)] = f;
    }
    f->used = ++c->clock;
    return f;
}

void filter_cache_clear(struct filter_cache *c)
{
    for (size_t i = 0; i < c->num; i++)
        drop(c->entry[i]);
    c->num = 0;
}
