/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_control.c - the control protocol's table: exact sizes, exact numbers of descriptors, the
 * right side, the right phase, no more often than allowed; and no descriptor left open by a refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulated.h"
#include "xen9p/control.h"

struct pair {
    int supervisor, worker;
    int null; /* a descriptor to send */
};

static int setup(void **state)
{
    static struct pair p;
    int sv[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
        return -1;
    p = (struct pair){sv[0], sv[1], open("/dev/null", O_RDWR | O_CLOEXEC)};
    *state = &p;
    return p.null < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;

    if (p->supervisor >= 0)
        close(p->supervisor);
    if (p->worker >= 0)
        close(p->worker);
    close(p->null);
    return 0;
}

static int open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* Sends bytes as they are, with `num_fds` descriptors: what a worker that was taken over can do. */
static void send_raw(int sock, const void *data, size_t len, int fd, size_t num_fds)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(16 * sizeof(int))];
    } room;
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

    memset(&room, 0, sizeof(room));
    if (num_fds > 0) {
        struct cmsghdr *c;

        mh.msg_control = room.buf;
        mh.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
        for (size_t i = 0; i < num_fds; i++)
            memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
    }
    assert_int_equal(sendmsg(sock, &mh, MSG_NOSIGNAL), (ssize_t)len);
}

static struct ctl_config config(void)
{
    return (struct ctl_config){.hdr = {CTL_VERSION, CTL_CONFIG},
                               .flags = CTL_FLAG_READ_ONLY,
                               .num_rings = 2,
                               .limits.max_space = 1ull << 40,
                               .ring = {{.intf_offset = 4096, .port = 7}, {.order = 9}}};
}

static void test_config_arrives_whole(void **state)
{
    struct pair *p = *state;
    const int fds[CTL_MAX_FDS] = {p->null, p->null, p->null, p->null, p->null,
                                  p->null, p->null, p->null, p->null};
    struct ctl_config sent = config();
    union ctl_message m = {.config = sent};
    struct ctl_received r;

    for (size_t n = 5; n <= CTL_MAX_FDS; n++) {
        assert_int_equal(ctl_send(p->supervisor, &m, fds, n), 0);
        assert_int_equal(ctl_recv(p->worker, CTL_SIDE_WORKER, &r, MSG_DONTWAIT), 1);
        assert_int_equal(r.num_fds, n);
        assert_memory_equal(&r.msg.config, &sent, sizeof(sent));
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(fcntl(r.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            assert_int_equal(close(r.fds[i]), 0);
        }
    }
}

static void test_send_keeps_to_the_table(void **state)
{
    struct pair *p = *state;
    const int fds[CTL_MAX_FDS + 1] = {p->null, p->null, p->null, p->null, p->null,
                                      p->null, p->null, p->null, p->null, p->null};
    union ctl_message m;

    m = (union ctl_message){.config = config()};
    assert_int_equal(ctl_send(p->supervisor, &m, fds, 3), -EINVAL);
    assert_int_equal(ctl_send(p->supervisor, &m, fds, CTL_MAX_FDS + 1), -EINVAL);
    m = (union ctl_message){.hdr = {0, CTL_STOP}};
    assert_int_equal(ctl_send(p->supervisor, &m, fds, 1), -EINVAL);
    m = (union ctl_message){.hdr = {0, 4}};
    assert_int_equal(ctl_send(p->supervisor, &m, NULL, 0), -EINVAL);
    m = (union ctl_message){.hdr = {0, 0xffff}};
    assert_int_equal(ctl_send(p->supervisor, &m, NULL, 0), -EINVAL);
}

static void test_full_socket_does_not_block(void **state)
{
    struct pair *p = *state;
    union ctl_message m = {.event = {.hdr = {0, CTL_EVENT}, .code = CTL_EVENT_ATTACH}};
    int err = 0;

    for (int i = 0; i < 100000 && err == 0; i++)
        err = ctl_send(p->worker, &m, NULL, 0);
    assert_int_equal(err, -EAGAIN);
}

static void test_gone_peer(void **state)
{
    struct pair *p = *state;
    union ctl_message m = {.hdr = {0, CTL_STOP}};
    struct ctl_received r;

    assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), -EAGAIN);
    close(p->worker);
    p->worker = -1;
    assert_int_equal(ctl_send(p->supervisor, &m, NULL, 0), -EPIPE);
    assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), 0);
}

static void test_peer_gone_with_our_message_unread(void **state)
{
    struct pair *p = *state;
    union ctl_message m = {.hdr = {0, CTL_STOP}};
    struct ctl_received r;

    assert_int_equal(ctl_send(p->supervisor, &m, NULL, 0), 0);
    close(p->worker);
    p->worker = -1;
    assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), 0);
}

/* Every message of the table, too short and too long by one byte and by a lot. */
static void test_exact_sizes(void **state)
{
    struct pair *p = *state;
    const struct {
        uint16_t type;
        size_t size;
        enum ctl_side to;
        size_t fds;
    } messages[] = {
        {CTL_CONFIG, sizeof(struct ctl_config), CTL_SIDE_WORKER, 5},
        {CTL_STOP, sizeof(struct ctl_header), CTL_SIDE_WORKER, 0},
        {CTL_FAILED, sizeof(struct ctl_failed), CTL_SIDE_SUPERVISOR, 0},
        {CTL_READY, sizeof(struct ctl_ready), CTL_SIDE_SUPERVISOR, 0},
        {CTL_EVENT, sizeof(struct ctl_event), CTL_SIDE_SUPERVISOR, 0},
    };
    int before = open_fds();

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        int to = messages[i].to == CTL_SIDE_WORKER ? p->worker : p->supervisor;
        int from = messages[i].to == CTL_SIDE_WORKER ? p->supervisor : p->worker;
        uint8_t bytes[4096] = {0};
        const struct ctl_header hdr = {CTL_VERSION, messages[i].type};
        const size_t lens[] = {1,
                               2,
                               3,
                               messages[i].size - 1,
                               messages[i].size,
                               messages[i].size + 1,
                               sizeof(union ctl_message) + 1,
                               sizeof(bytes)};

        memcpy(bytes, &hdr, sizeof(hdr));
        for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
            struct ctl_received r;
            int want = lens[k] == messages[i].size ? 1 : -EPROTO;

            send_raw(from, bytes, lens[k], p->null, messages[i].fds);
            assert_int_equal(ctl_recv(to, messages[i].to, &r, MSG_DONTWAIT), want);
            for (size_t n = 0; n < r.num_fds; n++)
                close(r.fds[n]);
            if (want < 0)
                assert_int_equal(r.num_fds, 0);
        }
    }
    assert_int_equal(open_fds(), before);
}

static void test_wrong_side(void **state)
{
    struct pair *p = *state;
    struct ctl_config c = config();
    const struct ctl_header stop = {CTL_VERSION, CTL_STOP};
    const struct ctl_ready ready = {.hdr = {CTL_VERSION, CTL_READY}};
    struct ctl_received r;
    int before = open_fds();

    send_raw(p->worker, &c, sizeof(c), p->null, 5);
    assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), -EPROTO);
    send_raw(p->worker, &stop, sizeof(stop), -1, 0);
    assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), -EPROTO);
    send_raw(p->supervisor, &ready, sizeof(ready), -1, 0);
    assert_int_equal(ctl_recv(p->worker, CTL_SIDE_WORKER, &r, MSG_DONTWAIT), -EPROTO);
    assert_int_equal(open_fds(), before);
}

static void test_wrong_version_and_type(void **state)
{
    struct pair *p = *state;
    struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT}};
    struct ctl_received r;

    for (uint32_t v = 0; v <= 0xffff; v += v < 8 ? 1 : 4093) {
        e.hdr.version = (uint16_t)v;
        send_raw(p->worker, &e, sizeof(e), -1, 0);
        assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT),
                         v == CTL_VERSION ? 1 : -EPROTO);
    }
    e.hdr.version = CTL_VERSION;
    for (uint32_t t = 0; t <= 0xffff; t += t < 64 ? 1 : 4093) {
        e.hdr.type = (uint16_t)t;
        send_raw(p->worker, &e, sizeof(e), -1, 0);
        assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT),
                         t == CTL_EVENT ? 1 : -EPROTO);
    }
}

/* A worker must not be able to leave descriptors with the supervisor, however it wraps them. */
static void test_supervisor_takes_no_descriptors(void **state)
{
    struct pair *p = *state;
    const struct ctl_event e = {.hdr = {CTL_VERSION, CTL_EVENT}};
    struct ctl_received r;
    int before = open_fds();

    for (size_t n = 1; n <= 16; n++) {
        send_raw(p->worker, &e, sizeof(e), p->null, n);
        assert_int_equal(ctl_recv(p->supervisor, CTL_SIDE_SUPERVISOR, &r, MSG_DONTWAIT), -EPROTO);
        assert_int_equal(r.num_fds, 0);
    }
    assert_int_equal(open_fds(), before);
}

static void test_wrong_number_of_descriptors(void **state)
{
    struct pair *p = *state;
    struct ctl_config c = config();
    struct ctl_received r;
    int before = open_fds();

    for (size_t n = 0; n <= 16; n++) {
        if (n >= 5 && n <= CTL_MAX_FDS)
            continue;
        send_raw(p->supervisor, &c, sizeof(c), p->null, n);
        assert_int_equal(ctl_recv(p->worker, CTL_SIDE_WORKER, &r, MSG_DONTWAIT), -EPROTO);
        assert_int_equal(r.num_fds, 0);
    }
    if (emulated())
        SKIP_BECAUSE("descriptors left open: the emulator's recvmsg keeps those without room");
    assert_int_equal(open_fds(), before);
}

static void test_permit_phases(void **state)
{
    const struct {
        uint16_t type;
        enum ctl_phase phase;
        bool good;
    } table[] = {
        {CTL_READY, CTL_PHASE_STARTING, true},   {CTL_READY, CTL_PHASE_SERVING, false},
        {CTL_FAILED, CTL_PHASE_STARTING, true},  {CTL_FAILED, CTL_PHASE_SERVING, false},
        {CTL_EVENT, CTL_PHASE_STARTING, false},  {CTL_EVENT, CTL_PHASE_SERVING, true},
        {CTL_EVENT, CTL_PHASE_STOPPING, true},   {CTL_CONFIG, CTL_PHASE_STARTING, true},
        {CTL_CONFIG, CTL_PHASE_SERVING, false},  {CTL_STOP, CTL_PHASE_STARTING, true},
        {CTL_STOP, CTL_PHASE_SERVING, true},     {0, CTL_PHASE_SERVING, false},
        {4, CTL_PHASE_SERVING, false},           {31, CTL_PHASE_SERVING, false},
        {CTL_LIMITS, CTL_PHASE_STARTING, false}, {CTL_LIMITS, CTL_PHASE_SERVING, true},
        {32, CTL_PHASE_SERVING, false},          {0xffff, CTL_PHASE_SERVING, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ctl_counts counts = {{0}};

        assert_int_equal(ctl_permit(&counts, table[i].type, table[i].phase), table[i].good);
    }
}

static void test_permit_counts(void **state)
{
    const uint16_t once[] = {CTL_CONFIG, CTL_READY, CTL_FAILED, CTL_STOP};
    struct ctl_counts counts = {{0}};

    (void)state;
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        assert_true(ctl_permit(&counts, once[i], CTL_PHASE_STARTING));
        assert_false(ctl_permit(&counts, once[i], CTL_PHASE_STARTING));
        /* and the count does not wrap into permission */
        counts.seen[once[i]] = UINT32_MAX;
        assert_false(ctl_permit(&counts, once[i], CTL_PHASE_STARTING));
    }
    /* a guest may mount and unmount for as long as it likes */
    counts.seen[CTL_EVENT] = UINT32_MAX - 1;
    assert_true(ctl_permit(&counts, CTL_EVENT, CTL_PHASE_SERVING));
    assert_true(ctl_permit(&counts, CTL_EVENT, CTL_PHASE_SERVING));
}

static void test_names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CTL_STEP_COUNT; i++) {
        assert_non_null(ctl_step_name(i));
        assert_true(strcmp(ctl_step_name(i), "?") != 0);
        for (uint32_t k = 0; k < i; k++)
            assert_true(strcmp(ctl_step_name(i), ctl_step_name(k)) != 0);
    }
    for (uint32_t i = 1; i < CTL_CLOSE_COUNT; i++)
        assert_true(strcmp(ctl_close_reason_name(i), "?") != 0);
    assert_string_equal(ctl_step_name(CTL_STEP_COUNT), "?");
    assert_string_equal(ctl_step_name(UINT32_MAX), "?");
    assert_string_equal(ctl_close_reason_name(0), "?");
    assert_string_equal(ctl_close_reason_name(CTL_CLOSE_COUNT), "?");
    assert_string_equal(ctl_close_reason_name(UINT32_MAX), "?");
    assert_string_equal(ctl_type_name(CTL_READY), "READY");
    assert_string_equal(ctl_type_name(0), "?");
    assert_string_equal(ctl_type_name(UINT32_MAX), "?");
}

#define ON_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PAIR(test_config_arrives_whole),
        ON_PAIR(test_send_keeps_to_the_table),
        ON_PAIR(test_full_socket_does_not_block),
        ON_PAIR(test_gone_peer),
        ON_PAIR(test_peer_gone_with_our_message_unread),
        ON_PAIR(test_exact_sizes),
        ON_PAIR(test_wrong_side),
        ON_PAIR(test_wrong_version_and_type),
        ON_PAIR(test_supervisor_takes_no_descriptors),
        ON_PAIR(test_wrong_number_of_descriptors),
        cmocka_unit_test(test_permit_phases),
        cmocka_unit_test(test_permit_counts),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
