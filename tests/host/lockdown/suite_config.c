/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_config.c - a worker that is not given exactly what it expects names the step and ends.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "xen9p/audit.h"
#include "xen9p/descriptors.h"
#include "xen9p/filter.h"
#include "xen9p/journal.h"
#include "xen9p/limits.h"
#include "xen9p/operations.h"
#include "xen9p/ringidx.h"

static void expect(struct box *b, enum ctl_step step, int error)
{
    box_launch(b);
    box_configure(b);
    box_expect_failed(b, step, error);
    box_free(b);
}

/* One field at a time: name, then the change. */
#define WRONG(change)                        \
    do {                                     \
        struct box b;                        \
                                             \
        tap_note("%s", #change);             \
        box_prepare(&b, 1234);               \
        b.config.change;                     \
        expect(&b, CTL_STEP_CONFIG, EINVAL); \
    } while (0)

static void bad_fields(void)
{
    WRONG(flags = 512);
    WRONG(ring_kind = 0);
    WRONG(ring_kind = 3);
    WRONG(notify_kind = 0);
    WRONG(notify_kind = 3);
    WRONG(notify_kind = CTL_NOTIFY_EVTCHN); /* the rings have no port */
    WRONG(num_rings = 0);
    WRONG(num_rings = CTL_MAX_RINGS + 1);
    WRONG(num_rings = 1); /* the second is filled in */
    WRONG(threads = 0);
    WRONG(threads = LIMIT_THREADS_MAX + 1);
    WRONG(max_fids = 0);
    WRONG(max_msize = 1000);
    WRONG(max_msize = LIMIT_MAX_MSIZE + 1);
    WRONG(forbidden = OPERATIONS_ALL + 1);
    WRONG(identity = CTL_IDENTITY_HOST + 1);
    WRONG(identity = CTL_IDENTITY_MAPPED); /* without a range */
    WRONG(id_first = 1);
    WRONG(id_count = 1);
    WRONG(file_mode_drop = 04000);
    WRONG(directory_mode_drop = 02000);
    WRONG(max_locks = LIMIT_MAX_LOCKS_MAX + 1);
    WRONG(max_xattr = LIMIT_MAX_XATTR + 1);
    WRONG(lock_wait_ms = LIMIT_LOCK_WAIT_MAX_MS + 1);
    WRONG(poll_us = LIMIT_POLL_MAX_US + 1);
    WRONG(limits.audit = AUDIT_ALL_CLASSES + 1);
    WRONG(limits.reserved = 1);
    WRONG(flags |= CTL_FLAG_AUDIT); /* without its descriptor */
    WRONG(ring[0].order = 0);
    WRONG(ring[0].order = 10);
    WRONG(ring[1].intf_offset++);
    WRONG(ring[1].data_offset += 2048);
    WRONG(ring[1].port = 1); /* an eventfd has no port */
    WRONG(ring[CTL_MAX_RINGS - 1].order = 1);
}

static void bad_messages(void)
{
    union ctl_message stop = {.hdr = {.type = CTL_STOP}};
    struct box b;
    int status;

    box_prepare(&b, 1234);
    b.num_fds = CTL_CONFIG_FD_CALL;
    expect(&b, CTL_STEP_CONFIG, EINVAL);

    /* one for an audit that nobody has announced; one that is announced and is no socket */
    box_prepare(&b, 1234);
    b.fds[b.num_fds++] = eventfd(0, EFD_CLOEXEC);
    expect(&b, CTL_STEP_CONFIG, EINVAL);
    box_prepare(&b, 1234);
    b.fds[b.num_fds++] = eventfd(0, EFD_CLOEXEC);
    b.config.flags |= CTL_FLAG_AUDIT;
    expect(&b, CTL_STEP_CHECK_FDS, EBADF);

    box_prepare(&b, 1234);
    box_launch(&b);
    CHECK_EQ(ctl_send(b.res.control_fd, &stop, NULL, 0), 0);
    box_expect_failed(&b, CTL_STEP_CONFIG, EPROTO);
    box_free(&b);

    box_prepare(&b, 1234);
    box_launch(&b);
    CHECK_EQ(send(b.res.control_fd, "short", 5, MSG_NOSIGNAL), 5);
    box_expect_failed(&b, CTL_STEP_CONFIG, EPROTO);
    box_free(&b);

    box_prepare(&b, 1234);
    box_launch(&b);
    MUST(shutdown(b.res.control_fd, SHUT_WR));
    box_expect_failed(&b, CTL_STEP_CONFIG, EPIPE);
    box_free(&b);

    box_prepare(&b, 1234);
    box_launch(&b);
    status = box_wait(&b, 200); /* without a configuration it waits */
    CHECK_EQ(status, -1);
    box_kill(&b);
}

/* A child that fails before it reads its configuration: its reason arrives all the same. */
static void last_words(void)
{
    union ctl_message stop = {.hdr = {.type = CTL_STOP}};
    union ctl_message failed = {.failed = {.hdr.type = CTL_FAILED, .step = CTL_STEP_PATH}};
    struct ctl_received r;
    int sock[2];

    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock));
    CHECK_EQ(ctl_send(sock[0], &stop, NULL, 0), 0);
    CHECK_EQ(ctl_send(sock[1], &failed, NULL, 0), 0);
    close(sock[1]);
    CHECK_EQ(ctl_recv(sock[0], CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), 1);
    CHECK_EQ(r.msg.failed.step, CTL_STEP_PATH);
    CHECK_EQ(ctl_recv(sock[0], CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), 0);
}

/* Each descriptor is something else. */
static void bad_descriptors(void)
{
    for (size_t i = 0; i < CTL_CONFIG_FD_CALL + 1; i++) {
        for (int kind = 0; kind < 3; kind++) {
            struct box b;
            int pipe_fd[2];

            box_prepare(&b, 1234);
            close(b.fds[i]);
            if (kind == 0) {
                b.fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
            } else if (kind == 1) {
                MUST(pipe2(pipe_fd, O_CLOEXEC));
                close(pipe_fd[1]);
                b.fds[i] = pipe_fd[0];
            } else {
                b.fds[i] = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
            }
            tap_note("descriptor %zu, kind %d", i, kind);
            expect(&b, CTL_STEP_CHECK_FDS, EBADF);
        }
    }
}

static int memfd(const void *bytes, size_t len, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    MUST(fd);
    CHECK_EQ(write(fd, bytes, len), (ssize_t)len);
    MUST(fcntl(fd, F_ADD_SEALS, seals));
    return fd;
}

static void bad_memory(void)
{
    static const char zero[RING_PAGE_SIZE * 4];
    struct box b;

    tap_note("rings: too short");
    box_prepare(&b, 1234);
    close(b.fds[CTL_CONFIG_FD_RINGMEM]);
    b.fds[CTL_CONFIG_FD_RINGMEM] = memfd(zero, sizeof(zero), F_SEAL_SHRINK);
    expect(&b, CTL_STEP_MAP_RINGS, EPROTO);

    tap_note("rings: can shrink");
    box_prepare(&b, 1234);
    close(b.fds[CTL_CONFIG_FD_RINGMEM]);
    b.fds[CTL_CONFIG_FD_RINGMEM] = memfd(zero, sizeof(zero), F_SEAL_GROW);
    expect(&b, CTL_STEP_MAP_RINGS, EPROTO);

    tap_note("rings: behind the end");
    box_prepare(&b, 1234);
    b.config.ring[1].data_offset = UINT64_MAX - RING_PAGE_SIZE + 1;
    expect(&b, CTL_STEP_MAP_RINGS, EPROTO);

    tap_note("journal: no journal");
    box_prepare(&b, 1234);
    close(b.fds[CTL_CONFIG_FD_JOURNAL]);
    b.fds[CTL_CONFIG_FD_JOURNAL] =
        memfd(zero, RING_PAGE_SIZE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    expect(&b, CTL_STEP_MAP_JOURNAL, EPROTO);

    tap_note("journal: can shrink");
    box_prepare(&b, 1234);
    close(b.fds[CTL_CONFIG_FD_JOURNAL]);
    b.fds[CTL_CONFIG_FD_JOURNAL] = memfd(zero, RING_PAGE_SIZE, F_SEAL_GROW);
    expect(&b, CTL_STEP_MAP_JOURNAL, EPROTO);

    tap_note("counts: no counts");
    box_prepare(&b, 1234);
    close(b.fds[CTL_CONFIG_FD_QUOTA]);
    b.fds[CTL_CONFIG_FD_QUOTA] =
        memfd(zero, RING_PAGE_SIZE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    expect(&b, CTL_STEP_MAP_QUOTA, EPROTO);
}

#define SEALED (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static void give_filter(struct box *b, const void *program, size_t len, int seals)
{
    box_prepare(b, 1234);
    close(b->fds[CTL_CONFIG_FD_FILTER]);
    b->fds[CTL_CONFIG_FD_FILTER] = memfd(program, len, seals);
}

static void bad_filters(void)
{
    static const struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    static const struct sock_filter kill_all[] = {
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS}};
    static const struct sock_filter broken[] = {{0xffff, 0, 0, 0}};
    struct box b;
    int status;

    tap_note("can be written");
    give_filter(&b, allow, sizeof(allow), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    expect(&b, CTL_STEP_SECCOMP, EPROTO);

    tap_note("odd size");
    give_filter(&b, allow, sizeof(allow) - 1, SEALED);
    expect(&b, CTL_STEP_SECCOMP, EPROTO);

    tap_note("empty");
    give_filter(&b, allow, 0, SEALED);
    expect(&b, CTL_STEP_SECCOMP, EPROTO);

    tap_note("no program");
    give_filter(&b, broken, sizeof(broken), SEALED);
    expect(&b, CTL_STEP_SECCOMP, EINVAL);

    tap_note("kills everything: it is loaded, and means the whole process");
    give_filter(&b, kill_all, sizeof(kill_all), SEALED);
    box_launch(&b);
    box_configure(&b);
    status = box_wait(&b, BOX_WAIT_MS);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), 31); /* SIGSYS */
}

/* A hard limit of descriptors that is too low: fewer fids, and at some point no worker. */
static void few_descriptors(void)
{
    struct rlimit hard = {200, 200};
    struct box b;

    capng_get_caps_process();
    capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
                 CAP_SYS_RESOURCE);
    CHECK_EQ(capng_apply(CAPNG_SELECT_BOTH), 0);
    MUST(setrlimit(RLIMIT_NOFILE, &hard));

    box_prepare(&b, 1234);
    b.config.max_fids = 30;
    box_start(&b);
    CHECK_EQ(b.ready.max_fids, 30);
    box_kill(&b);
    box_free(&b);

    /* 23 fixed, 4 for each of 4 threads, 52 for two walks of the tree, then three for each fid and one for four */
    box_prepare(&b, 1234);
    b.config.max_fids = 1000;
    box_start(&b);
    CHECK_EQ(b.ready.max_fids, (200 - WFD_FIRST_FREE - 16 - 52) * 4 / 13);
    box_kill(&b);
    box_free(&b);

    /* or two for each fid, with one for four, and one for each open file */
    box_prepare(&b, 1234);
    b.config.max_fids = 1000;
    b.config.max_open_files = 10;
    box_start(&b);
    CHECK_EQ(b.ready.max_fids, (200 - WFD_FIRST_FREE - 16 - 52 - 10) * 4 / 9);
    box_kill(&b);
    box_free(&b);

    hard.rlim_cur = hard.rlim_max = 100;
    MUST(setrlimit(RLIMIT_NOFILE, &hard));
    box_prepare(&b, 1234);
    expect(&b, CTL_STEP_LIMITS, EMFILE);
}

static void largest(void)
{
    const uint64_t stride = (1 + 512) * (uint64_t)RING_PAGE_SIZE;
    struct box b;

    box_prepare(&b, 1234);
    close(b.fds[CTL_CONFIG_FD_RINGMEM]);
    b.fds[CTL_CONFIG_FD_RINGMEM] = memfd("", 0, 0);
    MUST(ftruncate(b.fds[CTL_CONFIG_FD_RINGMEM], (off_t)(CTL_MAX_RINGS * stride)));
    MUST(fcntl(b.fds[CTL_CONFIG_FD_RINGMEM], F_ADD_SEALS, F_SEAL_SHRINK));
    b.config.num_rings = CTL_MAX_RINGS;
    b.config.threads = LIMIT_THREADS_MAX;
    for (uint32_t i = 0; i < CTL_MAX_RINGS; i++)
        b.config.ring[i] = (struct ctl_ring){i * stride, i * stride + RING_PAGE_SIZE, 9, 0};
    box_start(&b);
    CHECK_EQ(b.ready.threads, LIMIT_THREADS_MAX);
    box_kill(&b);
}

static const struct tap_case cases[] = {
    {"bad_fields", bad_fields, 0, 0},           {"bad_messages", bad_messages, 0, 0},
    {"last_words", last_words, 0, 0},           {"bad_descriptors", bad_descriptors, 0, 0},
    {"bad_memory", bad_memory, 0, 0},           {"bad_filters", bad_filters, 0, 0},
    {"few_descriptors", few_descriptors, 0, 0}, {"largest", largest, 0, 0},
};
const struct tap_suite suite_config = {"config", cases, sizeof(cases) / sizeof(cases[0])};
