/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workloads.c - operations as 9P messages, and the same without a server.
 */
#include "workloads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../host/p9c.h"
#include "trace.h"

#define FILE_SIZE (64u << 20)
#define BLOCK 4096u
#define LARGE (512u * 1024 - 64) /* what fits a message of 512 KiB */
#define SMALL_FILES 1000u
#define BIG_DIR 10000u
#define FID_FILE 10u /* the large file, opened read-write */
#define FID_DIR 11u  /* directory of small files */
#define FID_BIG 12u  /* directory of many entries, opened */
#define FID_SYNC 13u /* a file that is written to disk all the time */

static struct {
    int root, file, dir, big;
    const struct rig *rig;
} raw;

static uint64_t random_block(uint64_t op)
{
    op *= 0x9e3779b97f4a7c15ull;
    return (op >> 32) % (FILE_SIZE / BLOCK) * BLOCK;
}

static uint64_t sequential(uint64_t op, uint32_t size)
{
    return op % (FILE_SIZE / size) * size;
}

uint32_t workloads_large(const struct link *k)
{
    return k->msize - 64 < LARGE ? k->msize - 64 : LARGE;
}

/* --- as messages ------------------------------------------------------------------------------ */

static uint32_t pack_read(struct load_slot *s, uint8_t *buf, size_t cap, uint64_t at, uint32_t n)
{
    return s->step > 0 ? 0
                       : p9_pack(buf, cap, P9_TREAD, (uint16_t)s->index, "dqd", FID_FILE, at, n);
}

uint32_t workloads_read(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    (void)payload;
    return pack_read(s, buf, cap, random_block(s->op), BLOCK);
}

static uint32_t msg_read_large(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t size = workloads_large(s->link);

    (void)payload;
    return pack_read(s, buf, cap, sequential(s->op, size), size);
}

/* Twrite: the header says how long the message is with the payload that follows it. */
static uint32_t pack_write(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t fid,
                           uint64_t offset, uint32_t count, uint32_t *payload)
{
    uint32_t len, size;

    if (s->step > 0)
        return 0;
    len = p9_pack(buf, cap, P9_TWRITE, (uint16_t)s->index, "dqd", fid, offset, count);
    size = len + count;
    memcpy(buf, &size, sizeof(size));
    *payload = count;
    return len;
}

static uint32_t msg_write(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    return pack_write(s, buf, cap, FID_FILE, random_block(s->op), BLOCK, payload);
}

static uint32_t msg_write_large(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t size = workloads_large(s->link);

    return pack_write(s, buf, cap, FID_FILE, sequential(s->op, size), size, payload);
}

uint32_t workloads_sync(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    if (s->step < 1)
        return pack_write(s, buf, cap, FID_SYNC, s->op % 16 * BLOCK, BLOCK, payload);
    return s->step == 1 ? p9_pack(buf, cap, P9_TFSYNC, (uint16_t)s->index, "dd", FID_SYNC, 0u) : 0;
}

static void small_name(uint64_t op, char name[16])
{
    snprintf(name, 16, "f%03u", (unsigned)(op % SMALL_FILES));
}

static void entry_name(uint64_t i, char name[16])
{
    snprintf(name, 16, "entry-%05u", (unsigned)(i % BIG_DIR));
}

static uint32_t msg_stat(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t fid = LOAD_FID + s->index;
    uint16_t tag = (uint16_t)s->index;
    char name[16];

    (void)payload;
    small_name(s->op, name);
    switch (s->step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, tag, "ddws", FID_DIR, fid, 1, name);
    case 1:
        return p9_pack(buf, cap, P9_TGETATTR, tag, "dq", fid, P9_GETATTR_BASIC);
    case 2:
        return p9_pack(buf, cap, P9_TCLUNK, tag, "d", fid);
    default:
        return 0;
    }
}

static uint32_t msg_open_read(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t fid = LOAD_FID + s->index;
    uint16_t tag = (uint16_t)s->index;
    char name[16];

    (void)payload;
    small_name(s->op, name);
    switch (s->step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, tag, "ddws", FID_DIR, fid, 1, name);
    case 1:
        return p9_pack(buf, cap, P9_TLOPEN, tag, "dd", fid, P9_L_RDONLY);
    case 2:
        return p9_pack(buf, cap, P9_TREAD, tag, "dqd", fid, 0ull, BLOCK);
    case 3:
        return p9_pack(buf, cap, P9_TCLUNK, tag, "d", fid);
    default:
        return 0;
    }
}

static const char hundred[101] = "0123456789012345678901234567890123456789012345678901234567890123"
                                 "456789012345678901234567890123456789";

static uint32_t msg_create(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t fid = LOAD_FID + s->index;
    uint16_t tag = (uint16_t)s->index;
    char name[32];

    (void)payload;
    snprintf(name, sizeof(name), "new%llu", (unsigned long long)s->op);
    switch (s->step) {
    case 0:
        return p9_pack(buf, cap, P9_TWALK, tag, "ddw", FID_DIR, fid, 0);
    case 1:
        return p9_pack(buf, cap, P9_TLCREATE, tag, "dsddd", fid, name, P9_L_RDWR, 0644, 0);
    case 2:
        return p9_pack(buf, cap, P9_TWRITE, tag, "dqdB", fid, 0ull, 100, (size_t)100, hundred);
    case 3: /* diod knows no Tunlinkat: it gets one message less */
        return p9_pack(buf, cap, s->link->rig != NULL ? P9_TCLUNK : P9_TREMOVE, tag, "d", fid);
    case 4:
        if (s->link->rig == NULL)
            return 0;
        return p9_pack(buf, cap, P9_TUNLINKAT, tag, "dsd", FID_DIR, name, 0);
    default:
        return 0;
    }
}

/* One operation is the whole directory; the cookie of one reply is what the next asks for. */
static uint32_t msg_readdir(struct load_slot *s, uint8_t *buf, size_t cap, uint32_t *payload)
{
    uint32_t most = s->link->msize - 64;

    (void)payload;
    return p9_pack(buf, cap, P9_TREADDIR, (uint16_t)s->index, "dqd", FID_BIG, s->cookie,
                   most < 128 * 1024 ? most : 128 * 1024);
}

static void reply_readdir(struct load_slot *s, uint8_t type, const uint8_t *body, uint32_t len)
{
    struct cursor c;
    uint32_t bytes;

    (void)type;
    cursor_init(&c, body, len);
    bytes = cursor_u32(&c);
    if (bytes == 0)
        s->done = true;
    while (cursor_left(&c) > 0 && !c.bad) {
        (void)cursor_bytes(&c, 13);
        s->cookie = cursor_u64(&c);
        (void)cursor_u8(&c);
        (void)cursor_str(&c);
    }
    CHECK(!c.bad);
}

/* --- the same without a server ------------------------------------------------------------------ */

/*
 * To or from where the payload of message `op` lies in its ring: messages follow each other, each with a header before
 * its payload, so that hardly one begins where a page or a cache line does, and one that wraps has two parts.
 */
static void move(uint64_t op, bool in, uint32_t size, uint64_t offset)
{
    const uint32_t num = raw.rig->cfg.num_rings;
    const struct fe_ring *r = &raw.rig->ring[op % num];
    const uint32_t head = in ? P9_IOHDR_SIZE : P9_TWRITE_HDR_SIZE;
    uint8_t *base = in ? r->in : r->out;
    uint32_t at = (uint32_t)(op / num * (head + size) + head) & (r->size - 1);
    uint32_t first = size < r->size - at ? size : r->size - at;
    const struct iovec iov[] = {{base + at, first}, {base, size - first}};
    int parts = first < size ? 2 : 1;
    ssize_t n = in ? preadv(raw.file, iov, parts, (off_t)offset)
                   : pwritev(raw.file, iov, parts, (off_t)offset);

    if (n != (ssize_t)size)
        FAIL("%s: %m", in ? "preadv" : "pwritev");
}

static void raw_read(uint64_t op)
{
    move(op, true, BLOCK, random_block(op));
}

static void raw_read_large(uint64_t op)
{
    move(op, true, LARGE, sequential(op, LARGE));
}

static void raw_write(uint64_t op)
{
    move(op, false, BLOCK, random_block(op));
}

static void raw_write_large(uint64_t op)
{
    move(op, false, LARGE, sequential(op, LARGE));
}

static void raw_stat(uint64_t op)
{
    struct stat st;
    char name[16];

    small_name(op, name);
    if (fstatat(raw.dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        FAIL("fstatat: %m");
}

static void raw_open_read(uint64_t op)
{
    char name[16], buf[BLOCK];
    int fd;

    small_name(op, name);
    fd = openat(raw.dir, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0 || pread(fd, buf, sizeof(buf), 0) < 0)
        FAIL("open and read: %m");
    close(fd);
}

static void raw_create(uint64_t op)
{
    char name[32];
    int fd;

    snprintf(name, sizeof(name), "raw%llu", (unsigned long long)op);
    fd = openat(raw.dir, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (fd < 0 || pwrite(fd, hundred, 100, 0) != 100)
        FAIL("create and write: %m");
    close(fd);
    if (unlinkat(raw.dir, name, 0) != 0)
        FAIL("unlink: %m");
}

static void raw_readdir(uint64_t op)
{
    static char buf[32 * 1024];

    (void)op;
    MUST(lseek(raw.big, 0, SEEK_SET));
    while (syscall(SYS_getdents64, raw.big, buf, sizeof(buf)) > 0)
        ;
}

/* clang-format off */
const struct workload workloads[] = {
    {"read 4 KiB, depth 1", "op/s", 1, true, 0, {1, 20000, workloads_read, NULL, false, false}, raw_read, NULL},
    {"read 4 KiB, depth 8", "op/s", 1, false, 0, {8, 40000, workloads_read, NULL, false, false}, raw_read, NULL},
    {"read 4 KiB, depth 64", "op/s", 1, true, 0.6, {64, 60000, workloads_read, NULL, false, false}, raw_read, NULL},
    {"write 4 KiB, depth 1", "op/s", 1, true, 0, {1, 20000, msg_write, NULL, false, false}, raw_write, NULL},
    {"write 4 KiB, depth 8", "op/s", 1, false, 0, {8, 40000, msg_write, NULL, false, false}, raw_write, NULL},
    {"write 4 KiB, depth 64", "op/s", 1, false, 0, {64, 60000, msg_write, NULL, false, false}, raw_write, NULL},
    {"read 512 KiB, depth 4", "MB/s", 0, true, 0.85, {4, 1000, msg_read_large, NULL, false, false}, raw_read_large, NULL},
    {"write 512 KiB, depth 4", "MB/s", 0, true, 0.85, {4, 1000, msg_write_large, NULL, false, false}, raw_write_large, NULL},
    {"stat, depth 1", "op/s", 1, false, 0, {1, 10000, msg_stat, NULL, false, false}, raw_stat, NULL},
    {"stat, depth 64", "op/s", 1, true, 0.2, {64, 30000, msg_stat, NULL, false, false}, raw_stat, NULL},
    {"open+read+close, depth 64", "op/s", 1, false, 0, {64, 20000, msg_open_read, NULL, false, false}, raw_open_read, NULL},
    {"create+write+unlink, depth 8", "op/s", 1, false, 0, {8, 4000, msg_create, NULL, false, false}, raw_create, NULL},
    {"readdir, 10,000 entries", "ent/s", BIG_DIR, false, 0.5, {1, 30, msg_readdir, reply_readdir, false, false}, raw_readdir, NULL},
    {"trace: git checkout", "op/s", 1, false, 0, {1, 0, trace_message, trace_reply, false, true}, trace_raw, "tests/bench/trace-git.txt"},
    {"trace: dpkg -i", "op/s", 1, false, 0, {1, 0, trace_message, trace_reply, false, true}, trace_raw, "tests/bench/trace-dpkg.txt"},
};
/* clang-format on */
const size_t num_workloads = sizeof(workloads) / sizeof(workloads[0]);

static void make_entries(int dir, uint32_t num, void (*name_of)(uint64_t i, char name[16]),
                         size_t len)
{
    char name[16], buf[BLOCK] = {0};
    int fd;

    for (uint32_t i = 0; i < num; i++) {
        name_of(i, name);
        MUST(fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        MUST(pwrite(fd, buf, len, 0));
        close(fd);
    }
}

void workloads_prepare(const struct rig *rig)
{
    int root = rig->root_fd;
    char buf[BLOCK];

    raw.root = root;
    raw.rig = rig;
    memset(buf, 'x', sizeof(buf));
    MUST(raw.file = openat(root, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    for (uint32_t i = 0; i < FILE_SIZE / BLOCK; i++)
        MUST(pwrite(raw.file, buf, BLOCK, (off_t)i * BLOCK));
    close(openat(root, "sync", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    MUST(mkdirat(root, "small", 0755));
    MUST(mkdirat(root, "big", 0755));
    MUST(raw.dir = openat(root, "small", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    MUST(raw.big = openat(root, "big", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    make_entries(raw.dir, SMALL_FILES, small_name, 1000);
    make_entries(raw.big, BIG_DIR, entry_name, 0);
}

void workloads_settle(void)
{
    MUST(fsync(raw.file));
}

static void walk(struct link *k, uint32_t fid, const char *name)
{
    uint8_t msg[64];

    CHECK_EQ(load_call(k, msg, p9_pack(msg, sizeof(msg), P9_TWALK, 0, "ddws", 0u, fid, 1, name)),
             P9_TWALK + 1);
}

static void open_fid(struct link *k, uint32_t fid, uint32_t flags)
{
    uint8_t msg[64];

    CHECK_EQ(load_call(k, msg, p9_pack(msg, sizeof(msg), P9_TLOPEN, 0, "dd", fid, flags)),
             P9_TLOPEN + 1);
}

void workloads_mount(struct link *k)
{
    load_mount(k);
    walk(k, FID_FILE, "file");
    open_fid(k, FID_FILE, P9_L_RDWR);
    walk(k, FID_SYNC, "sync");
    open_fid(k, FID_SYNC, P9_L_RDWR);
    walk(k, FID_DIR, "small");
    walk(k, FID_BIG, "big");
    open_fid(k, FID_BIG, P9_L_RDONLY | P9_L_DIRECTORY);
}
