/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - compiles filter_table.c for one worker. Trusts its caller.
 */
#include "xen9p/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filter_table.h"
#include "xen9p/operations.h"

#define FILTER_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static bool wanted(const struct filter_spec *spec, enum filter_group group)
{
    switch (group) {
    case FILTER_ALL:
        return true;
    case FILTER_EVTCHN:
        return spec->notify == CTL_NOTIFY_EVTCHN;
    case FILTER_EVENTFD:
        return spec->notify == CTL_NOTIFY_EVENTFD;
    case FILTER_WRITABLE:
        return !spec->read_only;
    }
    return false;
}

/* The program is a chain of comparisons: what is called for each request stands in front. */
static const int hot[] = {
    SCMP_SYS(preadv2),    SCMP_SYS(pwritev2), SCMP_SYS(read),  SCMP_SYS(epoll_wait),
    SCMP_SYS(futex),      SCMP_SYS(ioctl),    SCMP_SYS(write), SCMP_SYS(openat),
    SCMP_SYS(newfstatat), SCMP_SYS(close),    SCMP_SYS(statx),
};

static bool has_identity(const struct filter_spec *spec, uint32_t identities)
{
    uint32_t own = 1u << spec->identity;

    if (spec->device_nodes && (own & FILTER_MANY_OWNERS) != 0)
        own |= FILTER_DEVICE_NODES;
    return identities == 0 || (identities & own) != 0;
}

static bool needed(const struct filter_need *need, uint32_t operations)
{
    return (need->all & ~operations) == 0 && (need->any == 0 || (need->any & operations) != 0) &&
           (need->without & operations) == 0;
}

static uint32_t allowed(const struct filter_spec *spec)
{
    return (spec->read_only ? OPERATIONS_READ_ONLY : OPERATIONS_ALL) & ~spec->forbidden;
}

bool filter_same(const struct filter_spec *a, const struct filter_spec *b)
{
    return a->notify == b->notify && a->identity == b->identity &&
           a->device_nodes == b->device_nodes && a->read_only == b->read_only &&
           allowed(a) == allowed(b);
}

static bool in_filter(const struct filter_rule *r, const struct filter_spec *spec)
{
    return r->nr >= 0 && wanted(spec, r->group) && has_identity(spec, r->identities) &&
           needed(&r->need, allowed(spec));
}

static bool has_rule(const struct filter_spec *spec, int nr)
{
    for (size_t i = 0; i < filter_table_len; i++)
        if (filter_table[i].nr == nr && in_filter(&filter_table[i], spec))
            return true;
    return false;
}

/*
 * Only what has a rule: libseccomp 2.5 loads the number in front of the first call of its list, so
 * that with a priority without a rule the program of any machine but x86 never looks at the number.
 */
static int put_hot_first(scmp_filter_ctx ctx, const struct filter_spec *spec)
{
    const size_t num = sizeof(hot) / sizeof(hot[0]);
    int err = 0;

    for (size_t i = 0; i < num && err == 0; i++)
        if (has_rule(spec, hot[i]))
            err = seccomp_syscall_priority(ctx, hot[i], (uint8_t)(255 - i));
    return err;
}

static int add_rules(scmp_filter_ctx ctx, const struct filter_spec *spec)
{
    for (size_t i = 0; i < filter_table_len; i++) {
        const struct filter_rule *r = &filter_table[i];
        int err;

        if (!in_filter(r, spec))
            continue;
        /* "exact": a rule that libseccomp would have to bend is an error, not a surprise */
        err = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, r->nr, r->num_pins, r->pin);
        if (err != 0)
            return err;
    }
    return 0;
}

/* The filter as libseccomp has it; NULL with *err. */
static scmp_filter_ctx build(const struct filter_spec *spec, int *err)
{
    scmp_filter_ctx ctx;

    if (spec->notify != CTL_NOTIFY_EVTCHN && spec->notify != CTL_NOTIFY_EVENTFD) {
        *err = -EINVAL;
        return NULL;
    }
    ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (ctx == NULL) {
        *err = -ENOMEM;
        return NULL;
    }
    *err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (*err == 0)
        *err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    if (*err == 0)
        *err = put_hot_first(ctx, spec);
    if (*err == 0)
        *err = add_rules(ctx, spec);
    if (*err == 0)
        return ctx;
    seccomp_release(ctx);
    return NULL;
}

int filter_compile(const struct filter_spec *spec)
{
    int err, fd;
    scmp_filter_ctx ctx = build(spec, &err);

    if (ctx == NULL)
        return err;
    fd = memfd_create("xen9p-filter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        err = -errno;
        goto out;
    }
    err = seccomp_export_bpf(ctx, fd);
    if (err == 0 && fcntl(fd, F_ADD_SEALS, FILTER_SEALS) != 0)
        err = -errno;
    if (err != 0)
        close(fd);
out:
    seccomp_release(ctx);
    return err != 0 ? err : fd;
}

int filter_print(const struct filter_spec *spec, int fd)
{
    int err;
    scmp_filter_ctx ctx = build(spec, &err);

    if (ctx == NULL)
        return err;
    err = seccomp_export_pfc(ctx, fd);
    seccomp_release(ctx);
    return err;
}
