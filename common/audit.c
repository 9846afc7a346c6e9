/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.c - audit records: encoding (a worker's side) and strict decoding (xen9p-audit's).
 *
 * The decoder trusts nothing: what it reads may come from a worker that its guest has taken over.
 */
#include "xen9p/audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void audit_begin(struct builder *b, void *buf)
{
    builder_init(b, buf, AUDIT_BATCH_MAX);
    builder_u16(b, AUDIT_VERSION);
    builder_u16(b, 0);
    builder_u32(b, 0);
    builder_u64(b, 0);
}

uint16_t audit_count(const struct builder *b)
{
    return (uint16_t)(b->start[2] | b->start[3] << 8);
}

static uint16_t cut(uint16_t len)
{
    return len > AUDIT_STRING_MAX ? AUDIT_STRING_MAX : len;
}

bool audit_put(struct builder *b, const struct audit_record *r)
{
    const uint16_t path_len = cut(r->path.len), to_len = cut(r->to.len);
    uint16_t count = audit_count(b), flags = r->flags;

    if (builder_room(b) < AUDIT_RECORD_SIZE + 4u + path_len + to_len || count == UINT16_MAX)
        return false;
    flags |= path_len < r->path.len ? AUDIT_FLAG_PATH_CUT : 0;
    flags |= to_len < r->to.len ? AUDIT_FLAG_TO_CUT : 0;
    builder_u8(b, r->op);
    builder_u8(b, r->cls);
    builder_u16(b, flags);
    builder_u32(b, r->error);
    builder_u32(b, r->reason);
    builder_u32(b, r->uid);
    builder_u32(b, r->mode);
    builder_u64(b, r->value);
    builder_u64(b, r->read);
    builder_u64(b, r->written);
    builder_str(b, r->path.s, path_len);
    builder_str(b, r->to.s, to_len);
    count++;
    b->start[2] = (uint8_t)count;
    b->start[3] = (uint8_t)(count >> 8);
    return true;
}

void audit_finish(struct builder *b, uint64_t first, uint32_t lost)
{
    struct builder h;

    builder_init(&h, b->start + 4, AUDIT_HEADER_SIZE - 4);
    builder_u32(&h, lost);
    builder_u64(&h, first);
}

int audit_open(struct cursor *c, const void *msg, size_t len, struct audit_batch *batch)
{
    cursor_init(c, msg, len);
    if (len > AUDIT_BATCH_MAX || cursor_u16(c) != AUDIT_VERSION)
        return -EPROTO;
    batch->count = cursor_u16(c);
    batch->lost = cursor_u32(c);
    batch->first = cursor_u64(c);
    if (c->bad || (batch->count == 0 && batch->lost == 0) || batch->first == 0 ||
        batch->first > UINT64_MAX - batch->count)
        return -EPROTO;
    return 0;
}

int audit_next(struct cursor *c, struct audit_record *r)
{
    r->op = cursor_u8(c);
    r->cls = cursor_u8(c);
    r->flags = cursor_u16(c);
    r->error = cursor_u32(c);
    r->reason = cursor_u32(c);
    r->uid = cursor_u32(c);
    r->mode = cursor_u32(c);
    r->value = cursor_u64(c);
    r->read = cursor_u64(c);
    r->written = cursor_u64(c);
    r->path = cursor_str(c);
    r->to = cursor_str(c);
    if (c->bad || r->op == AUDIT_OP_NONE || r->op > AUDIT_OP_WORKER_LAST ||
        r->cls >= AUDIT_CLASSES || (r->flags & ~AUDIT_FLAGS) != 0 || r->error > 4095 ||
        r->reason >= AUDIT_REASONS || r->path.len > AUDIT_STRING_MAX ||
        r->to.len > AUDIT_STRING_MAX)
        return -EPROTO;
    return 0;
}

int audit_check(const void *msg, size_t len, struct audit_batch *batch)
{
    struct cursor c;
    int err = audit_open(&c, msg, len, batch);

    for (uint32_t i = 0; err == 0 && i < batch->count; i++) {
        struct audit_record r;

        err = audit_next(&c, &r);
    }
    return err != 0 || !cursor_done(&c) ? -EPROTO : 0;
}

#define NAME_OF(table, i) ((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : "?")

const char *audit_op_name(uint32_t op)
{
    static const char *const names[AUDIT_OPS] = {
        [AUDIT_OP_NONE] = "?",
        [AUDIT_OP_VERSION] = "version",
        [AUDIT_OP_ATTACH] = "attach",
        [AUDIT_OP_WALK] = "walk",
        [AUDIT_OP_OPEN] = "open",
        [AUDIT_OP_CREATE] = "create",
        [AUDIT_OP_CLOSE] = "close",
        [AUDIT_OP_READ] = "read",
        [AUDIT_OP_WRITE] = "write",
        [AUDIT_OP_READDIR] = "readdir",
        [AUDIT_OP_MKDIR] = "mkdir",
        [AUDIT_OP_MKNOD] = "mknod",
        [AUDIT_OP_SYMLINK] = "symlink",
        [AUDIT_OP_LINK] = "link",
        [AUDIT_OP_RENAME] = "rename",
        [AUDIT_OP_UNLINK] = "unlink",
        [AUDIT_OP_REMOVE] = "remove",
        [AUDIT_OP_GETATTR] = "getattr",
        [AUDIT_OP_SETATTR] = "setattr",
        [AUDIT_OP_READLINK] = "readlink",
        [AUDIT_OP_XATTR] = "xattr",
        [AUDIT_OP_LOCK] = "lock",
        [AUDIT_OP_FSYNC] = "fsync",
        [AUDIT_OP_STATFS] = "statfs",
        [AUDIT_OP_PROTOCOL] = "protocol",
        [AUDIT_OP_OTHER] = "other",
        [AUDIT_OP_CONNECT] = "connect",
        [AUDIT_OP_LOCKDOWN] = "lockdown",
        [AUDIT_OP_DISCONNECT] = "disconnect",
        [AUDIT_OP_CRASH] = "crash",
        [AUDIT_OP_QUARANTINE] = "quarantine",
        [AUDIT_OP_REFUSE] = "refuse",
        [AUDIT_OP_LOG] = "log",
        [AUDIT_OP_SUPPRESSED] = "suppressed",
        [AUDIT_OP_LOST] = "lost",
        [AUDIT_OP_MALFORMED] = "malformed",
    };

    return NAME_OF(names, op);
}

const char *audit_class_name(uint32_t cls)
{
    static const char *const names[AUDIT_CLASSES] = {
        [AUDIT_SESSION] = "session", [AUDIT_MUTATE] = "mutate",       [AUDIT_READ] = "read",
        [AUDIT_DENY] = "deny",       [AUDIT_VIOLATION] = "violation",
    };

    return NAME_OF(names, cls);
}

const char *audit_reason_name(uint32_t reason)
{
    static const char *const names[AUDIT_REASONS] = {
        [AUDIT_WHY_NONE] = NULL,
        [AUDIT_WHY_READ_ONLY] = "read-only",
        [AUDIT_WHY_OPERATION] = "operation",
        [AUDIT_WHY_LIMIT] = "limit",
        [AUDIT_WHY_RATE] = "rate",
        [AUDIT_WHY_DISK] = "disk",
        [AUDIT_WHY_ROTATED] = "rotated",
        [AUDIT_WHY_REOPENED] = "reopened",
        [AUDIT_WHY_STARTED] = "started",
    };

    return NAME_OF(names, reason);
}

void audit_directory(char out[AUDIT_DIRECTORY_MAX], const char *domain)
{
    static const char as_is[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.@";
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    size_t n = 0;
    bool whole = true;

    for (const char *p = domain; *p != '\0'; p++) {
        const bool plain = strchr(as_is, *p) != NULL && !(p == domain && *p == '.');

        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
        whole = whole && n < 200;
        if (!whole)
            continue;
        if (plain)
            out[n++] = *p;
        else
            n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)*p);
    }
    out[n] = '\0';
    if (n == 0)
        (void)snprintf(out, AUDIT_DIRECTORY_MAX, "unnamed");
    else if (!whole)
        (void)snprintf(out + n, AUDIT_DIRECTORY_MAX - n, "%%%016llx", (unsigned long long)hash);
}
