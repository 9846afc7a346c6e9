/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.c - lies over the live socket to xen9p-audit: whatever is no batch of the worker's own ends
 * it; whatever is one may say anything about this guest, and nothing about who, when or another.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "xen9p/audit.h"
#include "xen9p/descriptors.h"

#define FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define FIRST 8u /* where the number of the first record stands in a batch */
#define COUNT 2u
#define RECORD AUDIT_HEADER_SIZE

static uint8_t batch[2 * AUDIT_BATCH_MAX];

static long post(size_t len)
{
    return attack(SYS_sendto, WFD_AUDIT, AT(batch), len, FLAGS, 0, 0);
}

static long post_and_wait(size_t len)
{
    return await_end(post(len));
}

/* A batch as the worker would send it; its length. */
static size_t good(uint64_t first, uint32_t lost, const char *path)
{
    const struct audit_record rec = {.op = AUDIT_OP_CREATE,
                                     .cls = AUDIT_MUTATE,
                                     .path = {path, (uint16_t)strlen(path)},
                                     .to = {"b", 1}};
    struct builder b;

    audit_begin(&b, batch);
    (void)audit_put(&b, &rec);
    audit_finish(&b, first, lost);
    return builder_len(&b);
}

/* The same with one byte as it may not be. */
static long spoilt(size_t at, uint8_t value)
{
    size_t len = good(1, 0, "/a");

    batch[at] = value;
    return post_and_wait(len);
}

static long audit_empty(struct hostile *h)
{
    (void)h;
    return post_and_wait(0);
}

static long audit_one_byte(struct hostile *h)
{
    (void)h;
    return post_and_wait(1);
}

static long audit_truncated(struct hostile *h)
{
    (void)h;
    return post_and_wait(good(1, 0, "/a") - 1);
}

static long audit_header_alone(struct hostile *h)
{
    (void)h;
    (void)good(1, 0, "/a");
    return post_and_wait(AUDIT_HEADER_SIZE);
}

static long audit_trailing_byte(struct hostile *h)
{
    (void)h;
    return post_and_wait(good(1, 0, "/a") + 1);
}

static long audit_oversized(struct hostile *h)
{
    (void)h;
    (void)good(1, 0, "/a");
    return post_and_wait(AUDIT_BATCH_MAX + 1);
}

static long audit_version(struct hostile *h)
{
    (void)h;
    return spoilt(0, AUDIT_VERSION + 1);
}

static long audit_no_records(struct hostile *h)
{
    (void)h;
    (void)good(1, 0, "/a");
    batch[COUNT] = 0;
    return post_and_wait(AUDIT_HEADER_SIZE);
}

static long audit_too_many_records(struct hostile *h)
{
    (void)h;
    return spoilt(COUNT, 200);
}

static long audit_string_beyond_the_end(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD + AUDIT_RECORD_SIZE, 0xff);
}

static long audit_endless_string(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD + AUDIT_RECORD_SIZE + 1, 0xff);
}

/* Records that are the supervisor's, or xen9p-audit's own. */
static long audit_forged_connect(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD, AUDIT_OP_CONNECT);
}

static long audit_forged_end(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD, AUDIT_OP_DISCONNECT);
}

static long audit_forged_suppression(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD, AUDIT_OP_SUPPRESSED);
}

static long audit_unknown_operation(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD, 0xff);
}

static long audit_unknown_class(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD + 1, 0xff);
}

static long audit_unknown_flags(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD + 3, 0x80);
}

static long audit_unknown_reason(struct hostile *h)
{
    (void)h;
    return spoilt(RECORD + 8, 0xff);
}

/* Good ones, with numbers that were used, that are left out, that go back. */
static long numbers(uint64_t one, uint64_t two)
{
    if (post(good(one, 0, "/a")) < 0)
        return -1;
    return post_and_wait(good(two, 0, "/a"));
}

static long audit_replayed(struct hostile *h)
{
    (void)h;
    return numbers(1, 1);
}

static long audit_number_left_out(struct hostile *h)
{
    (void)h;
    return numbers(1, 3);
}

static long audit_number_zero(struct hostile *h)
{
    (void)h;
    return numbers(1, 0);
}

static long audit_number_at_the_end(struct hostile *h)
{
    (void)h;
    return numbers(1, UINT64_MAX);
}

/* What is a batch: the log says so of this guest, and stays a log. */
static long audit_lines_in_a_name(struct hostile *h)
{
    (void)h;
    return post(good(1, 0, "/a\n{\"seq\":2,\"worker\":1,\"n\":1,\"domain\":\"neighbour\"}\n"));
}

static long audit_path_of_another(struct hostile *h)
{
    (void)h;
    return post(good(1, 0, "/../neighbour/secret\"},\"domain\":\"neighbour\""));
}

static long audit_claims_losses(struct hostile *h)
{
    (void)h;
    return post(good(1 + (uint64_t)UINT32_MAX, UINT32_MAX, "/a"));
}

static long audit_begins_late(struct hostile *h)
{
    (void)h;
    return post(good(UINT64_MAX - 1, 0, "/a"));
}

static long audit_flood(struct hostile *h)
{
    uint64_t sent = 0;

    for (int i = 0; i < 50000; i++)
        if (post(good(sent + 1, 0, "/flood")) >= 0)
            sent++;
    (void)snprintf(h->brief->what, sizeof(h->brief->what), "%llu batches",
                   (unsigned long long)sent);
    return 0;
}

/* Other calls on the same socket. */
static long audit_smuggle(struct hostile *h)
{
    const int fd = WFD_ROOT;
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } room;
    struct iovec iov = {batch, good(1, 0, "/a")};
    struct msghdr mh = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = room.buf,
                        .msg_controllen = sizeof(room.buf)};

    (void)h;
    memset(&room, 0, sizeof(room));
    room.align.cmsg_level = SOL_SOCKET;
    room.align.cmsg_type = SCM_RIGHTS;
    room.align.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&room.align), &fd, sizeof(fd));
    return attack(SYS_sendmsg, WFD_AUDIT, AT(&mh), FLAGS, 0, 0, 0);
}

static long audit_out_of_band(struct hostile *h)
{
    (void)h;
    return attack(SYS_sendto, WFD_AUDIT, AT(batch), good(1, 0, "/a"), FLAGS | MSG_OOB, 0, 0);
}

#define RUN(name, outcome) RUN_UNDER(BUILT_IN | WITH_AUDIT, name, outcome)

static const struct attempt table[] = {
    RUN(audit_empty, ENDED),
    RUN(audit_one_byte, ENDED),
    RUN(audit_truncated, ENDED),
    RUN(audit_header_alone, ENDED),
    RUN(audit_trailing_byte, ENDED),
    RUN(audit_oversized, ENDED),
    RUN(audit_version, ENDED),
    RUN(audit_no_records, ENDED),
    RUN(audit_too_many_records, ENDED),
    RUN(audit_string_beyond_the_end, ENDED),
    RUN(audit_endless_string, ENDED),
    RUN(audit_forged_connect, ENDED),
    RUN(audit_forged_end, ENDED),
    RUN(audit_forged_suppression, ENDED),
    RUN(audit_unknown_operation, ENDED),
    RUN(audit_unknown_class, ENDED),
    RUN(audit_unknown_flags, ENDED),
    RUN(audit_unknown_reason, ENDED),
    RUN(audit_replayed, ENDED),
    RUN(audit_number_left_out, ENDED),
    RUN(audit_number_zero, ENDED),
    RUN(audit_number_at_the_end, ENDED),
    RUN(audit_lines_in_a_name, VAIN),
    RUN(audit_path_of_another, VAIN),
    RUN(audit_claims_losses, VAIN),
    RUN(audit_begins_late, VAIN),
    RUN(audit_flood, VAIN),
    RUN(audit_smuggle, KILLED),
    RUN(audit_out_of_band, KILLED),
};
SUBJECT(audit, table);
