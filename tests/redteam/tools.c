/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tools.c - what all attempts use, and where they are listed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"

extern const struct subject subject_paths, subject_links, subject_moved, subject_processes,
    subject_kernel, subject_descriptors, subject_control, subject_marks, subject_exhaustion,
    subject_changes, subject_audit;

const struct subject *const subjects[] = {
    &subject_paths,  &subject_links,       &subject_moved,   &subject_processes,
    &subject_kernel, &subject_descriptors, &subject_control, &subject_audit,
    &subject_marks,  &subject_exhaustion,  &subject_changes, NULL,
};

const struct attempt *attempt_get(uint32_t number)
{
    for (const struct subject *const *s = subjects; *s != NULL; s++) {
        if (number < (*s)->num)
            return &(*s)->attempts[number];
        number -= (uint32_t)(*s)->num;
    }
    return NULL;
}

long attack(long nr, uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4,
            uintptr_t a5)
{
    long res = syscall(nr, a0, a1, a2, a3, a4, a5);

    return res == -1 ? -errno : res;
}

long steal(struct hostile *h, int dir, const char *path, int flags)
{
    long fd = attack(SYS_openat, (uintptr_t)dir, AT(path), (uintptr_t)flags, 0, 0, 0);

    if (fd >= 0 && (flags & O_PATH) == 0)
        (void)attack(SYS_pread64, (uintptr_t)fd, AT(h->brief->loot), sizeof(h->brief->loot), 0, 0,
                     0);
    return fd;
}

const char *resolve(struct hostile *h, const char *path, char *buf, size_t cap)
{
    const char *dir = strncmp(path, "%o", 2) == 0   ? h->brief->outside
                      : strncmp(path, "%n", 2) == 0 ? h->brief->neighbourhood
                                                    : NULL;

    if (dir == NULL)
        return path;
    (void)snprintf(buf, cap, "%s%s", dir, path + 2);
    return buf;
}

long steal_any(struct hostile *h, int dir, const char *const *paths, int flags)
{
    char buf[512];
    long res = -ENOENT;

    for (; *paths != NULL && res < 0; paths++) {
        const char *path = resolve(h, *paths, buf, sizeof(buf));

        res = steal(h, dir, path, flags);
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%.60s", path);
    }
    return res;
}

void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    uint32_t word = 0;

    (void)syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &t, NULL, 0);
}

long await_end(long sent)
{
    if (sent >= 0)
        pause_ms(8000);
    return sent;
}

void your_turn(struct hostile *h, uint32_t step)
{
    atomic_store(&h->brief->hostile_step, step);
    while (atomic_load(&h->brief->host_step) < step)
        pause_ms(1);
}
