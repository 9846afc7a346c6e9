/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_jail.c - xen9p-audit: what it can reach, and what cannot reach it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "suites.h"

static void slurp(pid_t pid, const char *name, char *buf, size_t cap)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    f = fopen(path, "r");
    CHECK(f != NULL);
    buf[fread(buf, 1, cap - 1, f)] = '\0';
    fclose(f);
}

static void jail(void)
{
    char buf[8192], path[64], link[256], other[256];
    struct source s;
    struct arig r;
    struct stat st;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 1, 1);
    source_drained(&s);
    slurp(r.pid, "status", buf, sizeof(buf));
    CHECK(strstr(buf, "Uid:\t2017001471\t2017001471\t2017001471\t2017001471\n") != NULL);
    CHECK(strstr(buf, "CapEff:\t0000000000000000") != NULL);
    CHECK(strstr(buf, "CapPrm:\t0000000000000000") != NULL);
    CHECK(strstr(buf, "CapBnd:\t0000000000000000") != NULL);
    CHECK(strstr(buf, "NoNewPrivs:\t1") != NULL);
    CHECK(strstr(buf, "Seccomp:\t2") != NULL);
    CHECK(strstr(buf, "Groups:\t \n") != NULL || strstr(buf, "Groups:\t\n") != NULL);
    slurp(r.pid, "mounts", buf, sizeof(buf));
    CHECK(strchr(buf, '\n') != NULL && strchr(buf, '\n')[1] == '\0'); /* one mount */
    CHECK(strstr(buf, "nosuid") != NULL && strstr(buf, "nodev") != NULL &&
          strstr(buf, "noexec") != NULL);
    snprintf(path, sizeof(path), "/proc/%d/root/guest/audit.log", (int)r.pid);
    CHECK_EQ(stat(path, &st), 0);
    snprintf(path, sizeof(path), "/proc/%d/root/etc", (int)r.pid);
    CHECK(stat(path, &st) != 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const ns[] = {"net", "ipc", "uts", "mnt"};
        ssize_t a, b;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)r.pid, ns[i]);
        a = readlink(path, link, sizeof(link));
        snprintf(path, sizeof(path), "/proc/self/ns/%s", ns[i]);
        b = readlink(path, other, sizeof(other));
        CHECK(a > 0 && (a != b || memcmp(link, other, (size_t)a) != 0));
    }
    snprintf(link, sizeof(link), "%s/guest", r.logs);
    CHECK_EQ(stat(link, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0750);
    CHECK_EQ(stat(r.socket, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    arig_stop(&r);
}

/* A directory that others can write, or that is somebody else's, is refused. */
static void bad_directory(void)
{
    struct arig r;
    int status;

    memset(&r, 0, sizeof(r));
    snprintf(r.logs, sizeof(r.logs), "%s/logs", tap_dir());
    snprintf(r.socket, sizeof(r.socket), "%s/run/audit.sock", tap_dir());
    CHECK_EQ(mkdir(r.logs, 0755), 0);
    CHECK_EQ(chown(r.logs, 12345, 12345), 0);
    arig_spawn(&r);
    CHECK_EQ(waitpid(r.pid, &status, 0), r.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK_EQ(chown(r.logs, AUDIT_TEST_UID, AUDIT_TEST_UID), 0);
    CHECK_EQ(chmod(r.logs, 0777), 0);
    arig_spawn(&r);
    CHECK_EQ(waitpid(r.pid, &status, 0), r.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* A link where a guest's directory or file should be is not followed. */
static void links(void)
{
    char path[256], target[256];
    struct source a, b;
    struct stat st;
    struct arig r;

    arig_start(&r, NULL);
    snprintf(target, sizeof(target), "%s/elsewhere", tap_dir());
    CHECK_EQ(mkdir(target, 0777), 0);
    CHECK_EQ(chmod(target, 0777), 0);
    snprintf(path, sizeof(path), "%s/linked", r.logs);
    CHECK_EQ(symlink(target, path), 0);
    source_open(&r, &a, "linked", AUDIT_FULL_BLOCK);
    CHECK(arig_state(&r, AUDIT_STATE_BLOCKED, 5000));
    CHECK_EQ(r.state.hdr.id, a.id);
    snprintf(path, sizeof(path), "%s/file", r.logs);
    CHECK_EQ(mkdir(path, 0755), 0);
    CHECK_EQ(chown(path, AUDIT_TEST_UID, AUDIT_TEST_UID), 0);
    snprintf(path, sizeof(path), "%s/file/audit.log", r.logs);
    snprintf(target, sizeof(target), "%s/elsewhere/audit.log", tap_dir());
    CHECK_EQ(symlink(target, path), 0);
    source_open(&r, &b, "file", AUDIT_FULL_BLOCK);
    CHECK(arig_state(&r, AUDIT_STATE_BLOCKED, 5000));
    CHECK_EQ(r.state.hdr.id, b.id);
    CHECK(stat(target, &st) != 0);
    arig_stop(&r);
}

/* A domain's name is one path component, whatever it is. */
static void directories(void)
{
    static const char *const names[][2] = {
        {"../../etc", "%2E.%2F..%2Fetc"},
        {".", "%2E"},
        {"", "unnamed"},
        {"a/b", "a%2Fb"},
        {"x\ny", "x%0Ay"},
        {"%2E", "%252E"},
        {"acme-web_1.test", "acme-web_1.test"},
    };
    struct arig r;

    arig_start(&r, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct source s;
        struct log l;

        source_open(&r, &s, names[i][0], AUDIT_FULL_BLOCK);
        source_send_all(&s, 3, 3);
        source_drained(&s);
        log_read(&r, names[i][1], true, &l);
        log_expect(&l, s.id, 3);
        source_end(&s);
    }
    arig_stop(&r);
}

/* Descriptors that a worker smuggles are nobody's. */
static void smuggled(void)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } room = {0};
    uint8_t buf[AUDIT_BATCH_MAX];
    const struct audit_record rec = {.op = AUDIT_OP_OPEN, .cls = AUDIT_READ};
    struct builder b;
    struct iovec iov = {buf, 0};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    int before = 0, after = 0, null = open("/dev/null", O_RDWR);
    struct source s;
    struct arig r;
    char path[64], link[8];
    struct log l;

    arig_start(&r, NULL);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 1, 1);
    source_drained(&s);
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)r.pid, fd);
        before += readlink(path, link, sizeof(link)) > 0;
    }
    audit_begin(&b, buf);
    CHECK(audit_put(&b, &rec));
    audit_finish(&b, 2, 0);
    iov.iov_len = builder_len(&b);
    mh.msg_control = room.buf;
    mh.msg_controllen = sizeof(room.buf);
    struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &null, sizeof(int));
    CHECK(sendmsg(s.worker, &mh, 0) > 0);
    source_drained(&s);
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)r.pid, fd);
        after += readlink(path, link, sizeof(link)) > 0;
    }
    CHECK_EQ(after, before);
    arig_stop(&r);
    log_read(&r, "guest", true, &l);
    log_expect(&l, s.id, 2);
}

/* Only one of them at a time; the second one leaves the first alone. */
static void second_instance(void)
{
    struct arig r, second;
    struct source s;
    int status;

    arig_start(&r, NULL);
    second = r;
    arig_spawn(&second);
    CHECK_EQ(waitpid(second.pid, &status, 0), second.pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    source_open(&r, &s, "guest", AUDIT_FULL_BLOCK);
    source_send_all(&s, 10, 1);
    source_drained(&s);
    arig_stop(&r);
}

static const struct tap_case cases[] = {
    {"jail", jail, 0, 0},         {"bad-directory", bad_directory, 0, 0},
    {"links", links, 0, 0},       {"directories", directories, 0, 0},
    {"smuggled", smuggled, 0, 0}, {"second-instance", second_instance, 0, 0},
};
TAP_SUITE(jail, cases);
