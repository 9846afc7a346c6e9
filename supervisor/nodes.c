/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nodes.c - strict reading of a device's xenstore nodes. Pure.
 *
 * Trusts nothing: the frontend's nodes are written by the guest.
 */
#include "xen9p/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xenbus.h>

#define MIB (1024u * 1024u)
#define MAX_MIB (UINT64_C(1) << 40) /* 2^60 bytes: no file system is larger */
#define MAX_PORT 131071u            /* EVTCHN_FIFO_NR_CHANNELS - 1 */
#define DECIMAL_MAX 20u
#define NUMBER_ROOM 64u /* bytes of a number's node that are looked at */

void nodes_quote(char *out, size_t cap, const char *value, size_t len)
{
    size_t n = 0;

    out[n++] = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)value[i];

        if (n + 4 + 5 > cap) { /* room for one escape, the rest mark, the quote and the NUL */
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\')
            out[n++] = (char)ch;
        else
            n += (size_t)snprintf(out + n, 5, "\\x%02x", ch);
    }
    out[n++] = '"';
    out[n] = '\0';
}

int nodes_decimal(const char *s, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (len == 0 || len > DECIMAL_MAX || (len > 1 && s[0] == '0'))
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit;

        if (s[i] < '0' || s[i] > '9')
            return -EINVAL;
        digit = (uint64_t)(s[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        v = v * 10 + digit;
    }
    if (v > max)
        return -ERANGE;
    *out = v;
    return 0;
}

/* A getter with its fault: what every reader below works with. */
struct reader {
    nodes_getter get;
    void *arg;
    struct nodes_fault *fault;
};

static int fault_at(struct nodes_fault *f, const char *node, const char *value, const char *why)
{
    (void)snprintf(f->node, sizeof(f->node), "%s", node);
    (void)snprintf(f->value, sizeof(f->value), "%s", value);
    f->why = why;
    return -EINVAL;
}

static int fault_value(struct nodes_fault *f, const char *node, const char *value, size_t len,
                       const char *why)
{
    char quoted[sizeof(f->value)];

    nodes_quote(quoted, sizeof(quoted), value, len);
    return fault_at(f, node, quoted, why);
}

/* Bytes of a node. -EINVAL with a fault when it is missing or longer than `cap`. */
static int get_bytes(const struct reader *r, const char *node, char *buf, size_t cap,
                     const char *why)
{
    int n = r->get(r->arg, node, buf, cap);

    if (n == -ENOENT)
        return fault_at(r->fault, node, "(missing)", why);
    if (n == -E2BIG)
        return fault_at(r->fault, node, "(too long)", why);
    return n;
}

/* Judges the bytes (or the error `n` of the getter) of a node that holds a number in min..max. */
static int judge_number(const struct reader *r, const char *node, const char *buf, int n,
                        uint64_t min, uint64_t max, uint64_t *out, const char *why)
{
    if (n == -ENOENT)
        return fault_at(r->fault, node, "(missing)", why);
    if (n == -E2BIG)
        return fault_at(r->fault, node, "(too long)", why);
    if (n < 0)
        return n;
    if (nodes_decimal(buf, (size_t)n, max, out) != 0 || *out < min)
        return fault_value(r->fault, node, buf, (size_t)n, why);
    return 0;
}

static int get_number(const struct reader *r, const char *node, uint64_t min, uint64_t max,
                      uint64_t *out, const char *why)
{
    char buf[NUMBER_ROOM];

    return judge_number(r, node, buf, r->get(r->arg, node, buf, sizeof(buf)), min, max, out, why);
}

/* The same for a node that may be absent, which means 0. */
static int get_optional(const struct reader *r, const char *node, uint64_t max, uint64_t *out,
                        const char *why)
{
    char buf[NUMBER_ROOM];
    int n = r->get(r->arg, node, buf, sizeof(buf));

    *out = 0;
    return n == -ENOENT ? 0 : judge_number(r, node, buf, n, 0, max, out, why);
}

/* An exported path means the same to everybody who reads it: absolute, no empty or dot parts. */
static const char *path_fault(const char *path, size_t len)
{
    if (len == 0 || path[0] != '/')
        return "must be an absolute path";
    if (memchr(path, '\0', len) != NULL)
        return "must not contain NUL";
    if (len == 1)
        return "the root directory of the host is not exported";
    if (path[len - 1] == '/')
        return "must not end in a slash";
    for (const char *p = path, *end = path + len; p < end;) {
        const char *next = memchr(p + 1, '/', (size_t)(end - p - 1));
        size_t part = (size_t)((next != NULL ? next : end) - p - 1);

        if (part == 0)
            return "must not contain //";
        if ((part == 1 && p[1] == '.') || (part == 2 && p[1] == '.' && p[2] == '.'))
            return "must not contain . or ..";
        p = next != NULL ? next : end;
    }
    return NULL;
}

static int read_path(const struct reader *r, struct backend_nodes *out)
{
    const char *why;
    int n = get_bytes(r, "path", out->path, sizeof(out->path) - 1,
                      "must be the absolute path of the exported directory");

    if (n < 0)
        return n;
    out->path[n] = '\0';
    why = path_fault(out->path, (size_t)n);
    return why == NULL ? 0 : fault_value(r->fault, "path", out->path, (size_t)n, why);
}

static int read_security_model(const struct reader *r)
{
    static const char why[] = "only security_model=none is served; set it in the domain's p9= line";
    char buf[64];
    int n = get_bytes(r, "security_model", buf, sizeof(buf), why);

    if (n < 0)
        return n;
    if (n != 4 || memcmp(buf, "none", 4) != 0)
        return fault_value(r->fault, "security_model", buf, (size_t)n, why);
    return 0;
}

/* The frontend's directory must be that domain's own: it is watched and read. */
static int read_frontend_path(const struct reader *r, uint32_t domid, uint32_t devid,
                              struct backend_nodes *out)
{
    static const char why[] = "must be the device's directory of this domain";
    char want[64];
    uint64_t id;
    int n, err = get_number(r, "frontend-id", domid, domid, &id, "must be the domain's id");

    if (err != 0)
        return err;
    n = get_bytes(r, "frontend", out->frontend, sizeof(out->frontend) - 1, why);
    if (n < 0)
        return n;
    out->frontend[n] = '\0';
    (void)snprintf(want, sizeof(want), "/local/domain/%u/device/9pfs/%u", domid, devid);
    if (strlen(out->frontend) != (size_t)n || strcmp(out->frontend, want) != 0)
        return fault_value(r->fault, "frontend", out->frontend, (size_t)n, why);
    return 0;
}

static int read_limits(const struct reader *r, struct backend_nodes *out)
{
    static const char why[] = "must be a decimal number (0: no limit)";
    uint64_t space = 0, files = 0, open_files = 0, delete_oldest = 0;
    int err = get_optional(r, "max-space", MAX_MIB, &space, "must be a number of MiB");

    if (err == 0)
        err = get_optional(r, "max-files", UINT32_MAX, &files, why);
    if (err == 0)
        err = get_optional(r, "max-open-files", UINT32_MAX, &open_files, why);
    if (err == 0)
        err = get_optional(r, "auto-delete", 1, &delete_oldest, "must be 0 or 1");
    out->max_space = space * MIB;
    out->max_files = files;
    out->max_open_files = (uint32_t)open_files;
    out->auto_delete = delete_oldest != 0;
    return err;
}

int nodes_backend(nodes_getter get, void *arg, uint32_t domid, uint32_t devid,
                  struct backend_nodes *out, struct nodes_fault *fault)
{
    const struct reader r = {get, arg, fault};
    int err;

    memset(out, 0, sizeof(*out));
    err = read_frontend_path(&r, domid, devid, out);
    if (err == 0)
        err = read_security_model(&r);
    if (err == 0)
        err = read_path(&r, out);
    if (err == 0)
        err = read_limits(&r, out);
    return err;
}

static int read_ring(const struct reader *r, unsigned i, struct frontend_nodes *out)
{
    char ref_node[24], port_node[24];
    uint64_t ref, port;
    int err;

    (void)snprintf(ref_node, sizeof(ref_node), "ring-ref%u", i);
    (void)snprintf(port_node, sizeof(port_node), "event-channel-%u", i);
    err = get_number(r, ref_node, 1, UINT32_MAX, &ref, "must be a grant reference");
    if (err == 0)
        err = get_number(r, port_node, 1, MAX_PORT, &port, "must be an event channel");
    if (err != 0)
        return err;
    for (unsigned j = 0; j < i; j++) {
        char text[24];
        const char *node = out->ring[j].ref == ref ? ref_node : port_node;
        uint64_t v = out->ring[j].ref == ref ? ref : port;

        if (out->ring[j].ref != ref && out->ring[j].port != port)
            continue;
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
        return fault_value(r->fault, node, text, strlen(text), "is used for two rings");
    }
    out->ring[i] = (struct frontend_ring){(uint32_t)ref, (uint32_t)port};
    return 0;
}

int nodes_frontend(nodes_getter get, void *arg, struct frontend_nodes *out,
                   struct nodes_fault *fault)
{
    const struct reader r = {get, arg, fault};
    uint64_t version, rings;
    int err;

    memset(out, 0, sizeof(*out));
    err = get_number(&r, "version", 1, 1, &version, "only version 1 is offered");
    if (err == 0)
        err = get_number(&r, "num-rings", 1, LIMIT_MAX_RINGS, &rings, "must be 1 to max-rings (4)");
    for (unsigned i = 0; err == 0 && i < (unsigned)rings; i++)
        err = read_ring(&r, i, out);
    if (err == 0)
        out->num_rings = (uint32_t)rings;
    return err;
}

int nodes_state(nodes_getter get, void *arg, unsigned *out, struct nodes_fault *fault)
{
    const struct reader r = {get, arg, fault};
    char buf[NUMBER_ROOM];
    int n = get(arg, "state", buf, sizeof(buf));
    uint64_t v;
    int err;

    if (n == -ENOENT)
        return n;
    err = judge_number(&r, "state", buf, n, 0, XenbusStateReconfigured, &v, "must be 0 to 8");
    if (err == 0)
        *out = (unsigned)v;
    return err;
}
