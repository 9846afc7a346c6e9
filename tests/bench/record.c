/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.c - writes down what a guest asks for, as a trace that the benchmark replays.
 *
 * usage: XEN9P_BENCH_DIR=SCRATCH record PORT EXPORT >TRACE
 *
 * EXPORT is served by the shipped, locked-down worker. Its client is whoever connects to the TCP port first: a guest of
 * any kind on this machine, by
 *     mount -t 9p -o trans=tcp,port=PORT,version=9p2000.L,msize=524288 ADDRESS /mnt
 * whose messages are put on the rings as they are. After the unmount the trace is written. See trace_kinds.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/harness.h"
#include "backend.h"
#include "trace_kinds.h"
#include "xen9p/limits.h"

#define MAX_FIDS 65536u
#define MAX_PATHS 65536u

static struct rig *rig;
static uint8_t *requests[65536]; /* not answered, by tag */
static char *paths[MAX_FIDS];    /* of fids, relative to the export */
static char *known[MAX_PATHS];   /* what the guest has come across; `made` by itself */
static bool made[MAX_PATHS];
static uint32_t num_known;
static FILE *lines; /* the requests; what was there before is printed at once */

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* --- what was there before -------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static void know(const char *path, bool by_guest)
{
    CHECK(num_known < MAX_PATHS);
    made[num_known] = by_guest;
    known[num_known++] = strdup(path);
}

static void print_found(const char *path)
{
    char target[4096] = "";
    struct stat st;

    MUST(fstatat(rig->root_fd, path, &st, AT_SYMLINK_NOFOLLOW));
    if (S_ISDIR(st.st_mode)) {
        printf("+dir %s 0%o\n", path, st.st_mode & 07777);
    } else if (S_ISREG(st.st_mode)) {
        printf("+file %s 0%o %lld\n", path, st.st_mode & 07777, (long long)st.st_size);
    } else {
        CHECK(S_ISLNK(st.st_mode));
        MUST(readlinkat(rig->root_fd, path, target, sizeof(target) - 1));
        printf("+symlink %s %s\n", path, target);
    }
}

/* The guest has come across a path for the first time, before it could change what is there. */
static void found(const char *path)
{
    char dir[4096];

    for (uint32_t i = 0; i < num_known; i++)
        if (strcmp(known[i], path) == 0 || (made[i] && is_below(path, known[i])))
            return;
    if (path[0] == '\0')
        return;
    snprintf(dir, sizeof(dir), "%s", path);
    *(strrchr(dir, '/') != NULL ? strrchr(dir, '/') : dir) = '\0';
    found(dir);
    print_found(path);
    know(path, false);
}

/* --- fids ------------------------------------------------------------------------------------- */

static const char *path_of(uint32_t fid)
{
    if (fid >= MAX_FIDS || paths[fid] == NULL)
        FAIL("fid %u is not known", fid);
    return paths[fid];
}

static void name_fid(uint32_t fid, const char *path)
{
    char *copy = strdup(path);

    CHECK(fid < MAX_FIDS);
    free(paths[fid]);
    paths[fid] = copy;
}

static void join(char out[4096], const char *dir, struct wire_str name)
{
    int n = snprintf(out, 4096, "%s%s%.*s", dir, dir[0] != '\0' ? "/" : "", (int)name.len, name.s);

    CHECK(n < 4096);
}

static void renamed(const char *from, const char *to)
{
    char path[8192];

    for (uint32_t i = 0; i < MAX_FIDS; i++)
        if (paths[i] != NULL && is_below(paths[i], from)) {
            snprintf(path, sizeof(path), "%s%s", to, paths[i] + strlen(from));
            name_fid(i, path);
        }
    know(to, true);
}

static void on_walk(struct cursor *in, uint32_t num_done)
{
    char path[4096], next[4096];
    uint32_t fid = cursor_u32(in), newfid = cursor_u32(in), num = cursor_u16(in);

    snprintf(path, sizeof(path), "%s", path_of(fid));
    for (uint32_t i = 0; i < num_done; i++) {
        join(next, path, cursor_str(in));
        memcpy(path, next, sizeof(path));
        found(path);
    }
    if (num_done == num)
        name_fid(newfid, path);
}

/* A request that had success: which fids and paths there are now. */
static void follow(uint8_t type, struct cursor in, const uint8_t *reply)
{
    char path[4096], old[4096];
    uint32_t fid;

    if (type == P9_TWALK) {
        on_walk(&in, (uint32_t)(reply[P9_HDR_SIZE] | reply[P9_HDR_SIZE + 1] << 8));
        return;
    }
    fid = cursor_u32(&in);
    switch (type) {
    case P9_TATTACH:
        name_fid(fid, "");
        break;
    case P9_TXATTRWALK:
        name_fid(cursor_u32(&in), path_of(fid));
        break;
    case P9_TLINK:
        (void)cursor_u32(&in);
        /* fall through */
    case P9_TLCREATE:
    case P9_TMKDIR:
    case P9_TSYMLINK:
        join(path, path_of(fid), cursor_str(&in));
        know(path, true);
        if (type == P9_TLCREATE)
            name_fid(fid, path);
        break;
    case P9_TRENAMEAT:
        join(old, path_of(fid), cursor_str(&in));
        fid = cursor_u32(&in);
        join(path, path_of(fid), cursor_str(&in));
        renamed(old, path);
        break;
    default:
        break;
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

static void print_string(struct wire_str s)
{
    CHECK(s.len > 0);
    for (uint16_t i = 0; i < s.len; i++)
        CHECK(s.s[i] > ' ' && s.s[i] != 127);
    fprintf(lines, " %.*s", (int)s.len, s.s);
}

static void print_argument(char what, struct cursor *in)
{
    uint64_t attrs;

    switch (what) {
    case 'b':
        fprintf(lines, " %u", cursor_u8(in));
        break;
    case 'f':
    case 'd':
        fprintf(lines, " %u", cursor_u32(in));
        break;
    case 'm':
        fprintf(lines, " %#o", cursor_u32(in));
        break;
    case 'q':
        fprintf(lines, " %llu", (unsigned long long)cursor_u64(in));
        break;
    case 'a':
        attrs = cursor_u64(in);
        if (attrs != TRACE_ATTRS)
            fprintf(lines, " %llu", (unsigned long long)attrs);
        break;
    case 'c':
        fprintf(lines, " %d", cursor_u64(in) != 0);
        break;
    case 's':
        print_string(cursor_str(in));
        break;
    default:
        for (uint16_t n = cursor_u16(in); n > 0; n--)
            print_string(cursor_str(in));
    }
}

static void print_line(const struct trace_kind *k, struct cursor in, const uint8_t *reply)
{
    fputs(k->name, lines);
    for (const char *a = k->args; *a != '\0'; a++)
        print_argument(*a, &in);
    CHECK(!in.bad);
    if (reply[4] == P9_RLERROR)
        fprintf(lines, " ! %u", le32(reply + P9_HDR_SIZE));
    else if (k->type == P9_TREAD)
        fprintf(lines, " = %u", le32(reply + P9_HDR_SIZE));
    else if (k->type == P9_TLOCK)
        CHECK(reply[P9_HDR_SIZE] == 0);
    fputc('\n', lines);
}

/* A walk of which only a part was found is an error for the client. */
static bool ended_early(const uint8_t *request, const uint8_t *reply)
{
    const uint8_t *names = request + P9_HDR_SIZE + 8;

    return request[4] == P9_TWALK && reply[4] != P9_RLERROR &&
           memcmp(reply + P9_HDR_SIZE, names, 2) != 0;
}

static void answered(const uint8_t *request, const uint8_t *reply)
{
    static const uint8_t not_found[] = {11, 0, 0, 0, P9_RLERROR, 0, 0, ENOENT, 0, 0, 0};
    struct cursor in;
    uint8_t type = request[4];
    size_t i = 0;

    if (type == P9_TVERSION || type == P9_TFLUSH)
        return;
    while (i < NUM_TRACE_KINDS && trace_kinds[i].type != type)
        i++;
    if (i == NUM_TRACE_KINDS)
        FAIL("%s is not in trace_kinds.h", p9_type_name(type));
    cursor_init(&in, request + P9_HDR_SIZE, le32(request) - P9_HDR_SIZE);
    print_line(&trace_kinds[i], in, ended_early(request, reply) ? not_found : reply);
    if (reply[4] != P9_RLERROR)
        follow(type, in, reply);
}

/* --- between the socket and the rings --------------------------------------------------------- */

static int wait_for_guest(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, guest, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    MUST(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
    MUST(bind(s, (struct sockaddr *)&a, sizeof(a)));
    MUST(listen(s, 1));
    MUST(guest = accept4(s, NULL, NULL, SOCK_CLOEXEC));
    MUST(setsockopt(guest, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
    close(s);
    return guest;
}

static void answer(int guest, struct reply *r)
{
    if (requests[r->tag] != NULL)
        answered(requests[r->tag], r->bytes);
    free(requests[r->tag]);
    requests[r->tag] = NULL;
    CHECK_EQ(send(guest, r->bytes, r->len, MSG_NOSIGNAL), r->len);
    free(r);
}

/* Takes the messages that are complete; how many bytes are left. */
static size_t forward(uint8_t *buf, size_t have)
{
    size_t at = 0;

    while (have - at >= P9_HDR_SIZE && have - at >= le32(buf + at)) {
        const uint8_t *m = buf + at;
        uint16_t tag = (uint16_t)(m[5] | m[6] << 8);

        requests[tag] = malloc(le32(m));
        CHECK(requests[tag] != NULL);
        memcpy(requests[tag], m, le32(m));
        rig_put(rig, tag % rig->cfg.num_rings, m, le32(m));
        at += le32(m);
    }
    memmove(buf, buf + at, have - at);
    return have - at;
}

static void serve(int guest)
{
    static uint8_t buf[2 * LIMIT_MAX_MSIZE];
    struct pollfd p[2] = {{guest, POLLIN, 0}, {rig->call_fd, POLLIN, 0}};
    size_t have = 0;

    for (;;) {
        MUST(poll(p, 2, -1));
        (void)rig_notified(rig, 0);
        CHECK(!rig->closed && !rig->eof);
        if (p[0].revents != 0) {
            ssize_t n = recv(guest, buf + have, sizeof(buf) - have, 0);

            if (n <= 0)
                return;
            have = forward(buf, have + (size_t)n);
        }
        for (struct reply *r; (r = rig->replies) != NULL;) {
            rig->replies = r->next;
            answer(guest, r);
        }
        for (uint32_t i = 0; i < rig->cfg.num_rings; i++)
            for (struct reply *r; (r = rig_take(rig, i)) != NULL;)
                answer(guest, r);
    }
}

int main(int argc, char **argv)
{
    struct rig_config cfg = {.order = 9, .max_fids = LIMIT_MAX_FIDS};
    char *text;
    size_t len;

    if (argc != 3) {
        fprintf(stderr, "usage: record PORT EXPORT >TRACE (see record.c)\n");
        return 2;
    }
    cfg.export = argv[2];
    backend_bare(false);
    rig = rig_new(&cfg);
    rig->lenient = true; /* after a Tflush */
    lines = open_memstream(&text, &len);
    CHECK(lines != NULL);
    printf(
        "# SPDX-License-Identifier: GPL-2.0-or-later\n# Recorded by tests/bench/record.c from\n");
    serve(wait_for_guest((uint16_t)atoi(argv[1])));
    fclose(lines);
    fputs(text, stdout);
    return 0;
}
