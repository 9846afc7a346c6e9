/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exhaustion.c - taking what others need: descriptors, processor time, room; and not ending.
 *
 * Beside each of these a neighbour's worker serves, and must go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attempt.h"
#include "xen9p/control.h"
#include "xen9p/descriptors.h"

static long all_descriptors(struct hostile *h)
{
    long res, n = 0;

    while ((res = steal(h, WFD_ROOT, "file", O_PATH | O_CLOEXEC)) >= 0 && n < 100000)
        n++;
    (void)snprintf(h->brief->what, sizeof(h->brief->what), "%ld opened", n);
    return res;
}

/* Room for data: address space that is not touched is enough to see where it ends. */
static long all_memory(struct hostile *h)
{
    long res = 0, mib = 0;

    for (; mib < 65536 && (res >= 0 || res < -4095); mib += 16)
        res = attack(SYS_mmap, 0, 16 << 20, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uintptr_t)-1, 0);
    (void)snprintf(h->brief->what, sizeof(h->brief->what), "%ld MiB", mib);
    return res;
}

/* The same by reserving without rights, which counts nowhere, and taking the rights later. */
static long all_memory_later(struct hostile *h)
{
    long at, res = 0;

    at = attack(SYS_mmap, 0, 1ull << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                (uintptr_t)-1, 0);
    if (at < 0 && at >= -4095)
        return at;
    for (uintptr_t mib = 0; mib < 65536 && res >= 0; mib += 16) {
        res = attack(SYS_mprotect, (uintptr_t)at + (mib << 20), 16 << 20, PROT_READ | PROT_WRITE, 0,
                     0, 0);
        (void)snprintf(h->brief->what, sizeof(h->brief->what), "%d MiB", (int)mib);
    }
    return res;
}

static long heap(struct hostile *h)
{
    long end = attack(SYS_brk, 0, 0, 0, 0, 0, 0), got;

    (void)h;
    got = attack(SYS_brk, (uintptr_t)end + (4ull << 30), 0, 0, 0, 0, 0);
    return got == end ? -ENOMEM : got;
}

static long block_signals(void)
{
    static const uint64_t all = ~UINT64_C(0);

    return attack(SYS_rt_sigprocmask, SIG_SETMASK, AT(&all), 0, 8, 0, 0);
}

/* CTL_STOP is not heard, and no signal either. */
static long ignore_stop(struct hostile *h)
{
    (void)block_signals();
    atomic_store(&h->brief->hostile_step, 1);
    for (;;)
        pause_ms(1000);
    return 0;
}

static long spin(struct hostile *h)
{
    (void)block_signals();
    atomic_store(&h->brief->hostile_step, 1);
    for (;;)
        __asm__ volatile("" : : : "memory");
    return 0;
}

/* Nothing is written: neither in the export nor where the host keeps cores. */
static long dump_core(struct hostile *h)
{
    volatile int *volatile nowhere = NULL;

    (void)h;
    *nowhere = 1;
    return 0;
}

static long recurse(volatile size_t depth)
{
    volatile char frame[65536];

    frame[0] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + frame[0];
}

static long stack_overflow(struct hostile *h)
{
    return recurse(h->ring_len << 20);
}

/* The largest file, of holes: EFBIG or one that takes no room. */
static long sparse_giant(struct hostile *h)
{
    long fd = attack(SYS_openat, WFD_ROOT, AT("giant"), O_RDWR | O_CREAT | O_CLOEXEC, 0600, 0, 0);

    (void)h;
    if (fd < 0)
        return fd;
    (void)attack(SYS_ftruncate, (uintptr_t)fd, ~0ull >> 1, 0, 0, 0, 0);
    return attack(SYS_ftruncate, (uintptr_t)fd, 1ull << 40, 0, 0, 0, 0);
}

#define RUN(name, outcome) RUN_UNDER(BUILT_IN, name, outcome)

static const struct attempt table[] = {
    RUN(all_descriptors, REFUSED),  RUN(all_memory, REFUSED),
    RUN(all_memory_later, REFUSED), RUN(heap, REFUSED),
    RUN(ignore_stop, LATE),         RUN(spin, LATE),
    RUN(dump_core, CRASHED),        RUN(stack_overflow, CRASHED),
    RUN(sparse_giant, VAIN),
};
SUBJECT(exhaustion, table);
