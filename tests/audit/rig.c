/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig.c - a running xen9p-audit and what stands in its files.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* BUILD/tests/audit/audit and BUILD/xen9p-audit. */
void arig_program(const char *name, char *path, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", path, cap - 32);

    MUST(n);
    path[n] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(path, '/') = '\0';
    strcat(path, "/");
    strcat(path, name);
}

void arig_spawn(struct arig *r)
{
    char path[4096];

    arig_program("xen9p-audit", path, sizeof(path));
    r->pid = fork();
    MUST(r->pid);
    if (r->pid == 0) {
        execl(path, "xen9p-audit", "-d", r->logs, "-s", r->socket, (char *)NULL);
        _exit(127);
    }
}

void arig_connect(struct arig *r)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    long long deadline = tap_now() + 10000;

    if (r->sock >= 0)
        close(r->sock);
    snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", r->socket);
    for (;;) {
        r->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        MUST(r->sock);
        if (connect(r->sock, (struct sockaddr *)&un, sizeof(un)) == 0)
            return;
        close(r->sock);
        if (tap_now() > deadline)
            FAIL("xen9p-audit does not listen at %s: %m", r->socket);
        tap_sleep(10);
    }
}

void arig_restart(struct arig *r)
{
    arig_spawn(r);
    arig_connect(r);
}

void arig_start(struct arig *r, const char *logs)
{
    memset(r, 0, sizeof(*r));
    snprintf(r->logs, sizeof(r->logs), "%s%s", logs != NULL ? logs : tap_dir(),
             logs != NULL ? "" : "/logs");
    snprintf(r->socket, sizeof(r->socket), "%s/run/audit.sock", tap_dir());
    r->sock = -1;
    r->next_id = 1000;
    arig_restart(r);
}

void arig_kill(struct arig *r, int sig)
{
    int status;

    CHECK_EQ(kill(r->pid, sig), 0);
    CHECK_EQ(waitpid(r->pid, &status, 0), r->pid);
    if (sig == SIGTERM && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        FAIL("xen9p-audit ended with status 0x%x", status);
    r->pid = 0;
}

void arig_stop(struct arig *r)
{
    int status;

    if (waitpid(r->pid, &status, WNOHANG) == r->pid)
        FAIL("xen9p-audit had ended before: status 0x%x", status);
    arig_kill(r, SIGTERM);
}

bool arig_state(struct arig *r, enum audit_state state, long long ms)
{
    long long deadline = tap_now() + ms;

    for (;;) {
        struct pollfd p = {r->sock, POLLIN, 0};
        union audit_ctl_message m;
        int n = audit_ctl_recv(r->sock, &m, NULL);

        if (n == 1) {
            CHECK_EQ(m.hdr.type, AUDIT_CTL_STATE);
            r->state = m.state;
            r->states++;
            if (m.state.state == state)
                return true;
            continue;
        }
        CHECK_EQ(n, -EAGAIN);
        if (tap_now() >= deadline)
            return false;
        (void)poll(&p, 1, 50);
    }
}

/* --- a small disk ----------------------------------------------------------------------------- */

void small_disk(const char *name, char *mnt, size_t cap)
{
    snprintf(mnt, cap, "%s/%s", tap_dir(), name);
    CHECK_EQ(mkdir(mnt, 0755), 0);
    CHECK_EQ(mount("tmpfs", mnt, "tmpfs", 0, "size=1m,mode=750"), 0);
    CHECK_EQ(chown(mnt, AUDIT_TEST_UID, AUDIT_TEST_UID), 0);
}

void grow_disk(const char *mnt)
{
    CHECK_EQ(mount("tmpfs", mnt, "tmpfs", MS_REMOUNT, "size=200m"), 0);
}

/* --- sources ---------------------------------------------------------------------------------- */

void source_open(struct arig *r, struct source *s, const char *domain, enum audit_full full)
{
    int sv[2];

    memset(s, 0, sizeof(*s));
    s->id = r->next_id++;
    s->who.domid = 7;
    s->who.devid = 1;
    s->who.pid = 4242;
    s->who.full = full;
    s->who.log_max = 1 << 30;
    s->who.log_keep = 3;
    snprintf(s->who.domain, sizeof(s->who.domain), "%s", domain);
    snprintf(s->who.uuid, sizeof(s->who.uuid), "01234567-89ab-cdef-0123-456789abcdef");
    snprintf(s->who.policy, sizeof(s->who.policy), "0011223344556677");
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
    s->worker = sv[0];
    s->audit = sv[1];
    source_register(r, s);
}

void source_register(struct arig *r, struct source *s)
{
    union audit_ctl_message m;

    memset(&m, 0, sizeof(m));
    m.source.hdr.type = AUDIT_CTL_SOURCE;
    m.source.hdr.id = s->id;
    m.source.who = s->who;
    CHECK_EQ(audit_ctl_send(r->sock, &m, s->audit), 0);
}

int source_send(struct source *s, unsigned count, const struct audit_record *like)
{
    static uint8_t buf[AUDIT_BATCH_MAX];
    struct builder b;

    audit_begin(&b, buf);
    for (unsigned i = 0; i < count; i++) {
        struct audit_record rec = {.op = AUDIT_OP_CREATE, .cls = AUDIT_MUTATE, .mode = 0644};
        char path[64];

        rec.path.len = (uint16_t)snprintf(path, sizeof(path), "/dir/file %llu\n\"\xff",
                                          (unsigned long long)(s->sent + i + 1));
        rec.path.s = path;
        CHECK(audit_put(&b, like != NULL ? like : &rec));
    }
    audit_finish(&b, s->sent + 1, 0);
    if (send(s->worker, buf, builder_len(&b), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return errno == EAGAIN ? -EAGAIN : -errno;
    s->sent += count;
    return 0;
}

void source_send_all(struct source *s, unsigned total, unsigned batch)
{
    while (total > 0) {
        unsigned n = total < batch ? total : batch;
        int err = source_send(s, n, NULL);

        if (err == -EAGAIN) {
            struct pollfd p = {s->worker, POLLOUT, 0};

            CHECK(poll(&p, 1, 30000) == 1);
            continue;
        }
        CHECK_EQ(err, 0);
        total -= n;
    }
}

void source_drained(const struct source *s)
{
    long long deadline = tap_now() + 30000;
    struct pollfd p = {s->audit, POLLIN, 0};

    while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0) {
        if (tap_now() > deadline)
            FAIL("records of source %llu are not taken", (unsigned long long)s->id);
        tap_sleep(5);
    }
}

void source_end(struct source *s)
{
    close(s->worker);
    close(s->audit);
    s->worker = s->audit = -1;
}

void arig_event(struct arig *r, const struct source *s, enum audit_op op, const char *detail)
{
    union audit_ctl_message m;

    memset(&m, 0, sizeof(m));
    m.event.hdr.type = AUDIT_CTL_EVENT;
    m.event.hdr.id = s->id;
    m.event.who = s->who;
    m.event.op = op;
    m.event.cls = AUDIT_SESSION;
    snprintf(m.event.detail, sizeof(m.event.detail), "%s", detail);
    snprintf(m.event.path, sizeof(m.event.path), "/srv/export");
    CHECK_EQ(audit_ctl_send(r->sock, &m, -1), 0);
}

/* --- what was written ------------------------------------------------------------------------- */

uint64_t line_number(const json_t *line, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(line, key));
}

const char *line_text(const json_t *line, const char *key)
{
    const char *s = json_string_value(json_object_get(line, key));

    return s != NULL ? s : "";
}

/* What a worker has sent; lines about what is missing bear its number, too. */
static bool is_record(const json_t *line)
{
    return line_number(line, "n") != 0 && line_number(line, "count") == 0;
}

static void read_file(const char *path, struct log *l)
{
    char *buf = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "r");
    struct stat st;
    ssize_t n;

    if (f == NULL)
        return;
    l->files++;
    CHECK_EQ(fstat(fileno(f), &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0640);
    CHECK_EQ(st.st_uid, AUDIT_TEST_UID);
    while ((n = getline(&buf, &cap, f)) > 0) {
        json_error_t error;
        json_t *line = json_loadb(buf, (size_t)n, JSON_REJECT_DUPLICATES, &error);

        if (line == NULL || buf[n - 1] != '\n')
            FAIL("%s: line does not parse (%s): %.*s", path, error.text, (int)n, buf);
        json_array_append_new(l->lines, line);
    }
    free(buf);
    fclose(f);
}

void log_read(const struct arig *r, const char *directory, bool whole, struct log *l)
{
    char path[512];
    uint64_t seq = 0;
    json_t *line;
    size_t i;

    memset(l, 0, sizeof(*l));
    l->lines = json_array();
    for (int file = 50; file >= 0; file--) {
        if (file > 0)
            snprintf(path, sizeof(path), "%s/%s/audit.log.%d", r->logs, directory, file);
        else
            snprintf(path, sizeof(path), "%s/%s/audit.log", r->logs, directory);
        read_file(path, l);
    }
    if (json_array_size(l->lines) == 0)
        FAIL("nothing was written for %s", directory);
    json_array_foreach(l->lines, i, line)
    {
        uint64_t number = line_number(line, "seq");

        if (i == 0 && !whole)
            seq = number - 1;
        if (number != ++seq)
            FAIL("line %zu has seq %llu, expected %llu", i, (unsigned long long)number,
                 (unsigned long long)seq);
        CHECK(strlen(line_text(line, "time")) == 27 && strlen(line_text(line, "boot")) == 36);
        l->records += is_record(line);
        l->suppressed += line_number(line, "count");
    }
}

void log_expect(const struct log *l, uint64_t id, uint64_t n)
{
    uint64_t next = 0;
    json_t *line;
    size_t i;

    json_array_foreach(l->lines, i, line)
    {
        if (line_number(line, "worker") != id || !is_record(line))
            continue;
        next++;
        if (line_number(line, "n") != next)
            FAIL("record %llu of worker %llu where %llu is expected",
                 (unsigned long long)line_number(line, "n"), (unsigned long long)id,
                 (unsigned long long)next);
    }
    CHECK_EQ(next, n);
}
