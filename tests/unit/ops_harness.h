/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ops_harness.h - calls the handlers of file operations directly, on a scratch directory.
 *
 * No ring, no threads, no lockdown: a request is built field by field, its handler called, and the
 * body of the reply read back. WFD_ROOT is the scratch directory `export` below the working
 * directory of the test, WFD_PROC is /proc/self/fd. The test looks at the same files as the host.
 */
#ifndef OPS_HARNESS_H
#define OPS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/ops.h"
#include "xen9p/worker.h"

#define ROOT_FID 1u /* attached by setup */
#define MSIZE 65536u

static struct worker worker;
static struct request req;
static struct cursor reply; /* body of the last reply */
static char scratch[64];
static int descriptors; /* open before the test */

static struct session *the_session(void)
{
    return &worker.session;
}

/* Puts the fields of `fmt` (1 2 4 8 bytes; s: C string; S: pointer and length) into `b`. */
static void put_fields(struct builder *b, const char *fmt, va_list ap)
{
    for (; *fmt != '\0'; fmt++) {
        const char *s;

        switch (*fmt) {
        case '1':
            builder_u8(b, (uint8_t)va_arg(ap, int));
            break;
        case '2':
            builder_u16(b, (uint16_t)va_arg(ap, int));
            break;
        case '4':
            builder_u32(b, va_arg(ap, uint32_t));
            break;
        case '8':
            builder_u64(b, va_arg(ap, uint64_t));
            break;
        case 's':
            s = va_arg(ap, const char *);
            builder_str(b, s, strlen(s));
            break;
        case 'S':
            s = va_arg(ap, const char *);
            builder_str(b, s, va_arg(ap, size_t));
            break;
        default:
            fail();
        }
    }
    assert_false(b->bad);
}

/* Calls the handler for the `len` bytes in req.body. Returns what it does; the reply in `reply`. */
static int run(request_handler handler, size_t len)
{
    int err;

    req.session = the_session();
    req.generation = atomic_load(&the_session()->generation);
    cursor_init(&req.in, req.body, len);
    builder_init(&req.out, req.small + P9_HDR_SIZE, sizeof(req.small) - P9_HDR_SIZE);
    err = handler(&req);
    assert_true(err <= 0 && err > -4096 && err != -524);
    assert_false(err == 0 && req.out.bad);
    cursor_init(&reply, req.out.start, err == 0 ? builder_len(&req.out) : 0);
    return err;
}

static inline int call(request_handler handler, const char *fmt, ...)
{
    struct builder b;
    va_list ap;

    builder_init(&b, req.body, sizeof(req.body));
    va_start(ap, fmt);
    put_fields(&b, fmt, ap);
    va_end(ap);
    return run(handler, builder_len(&b));
}

/* As call(), but the message is one byte short, then one too long: both must be EINVAL. */
static inline void assert_exact(request_handler handler, const char *fmt, ...)
{
    struct builder b;
    va_list ap;
    size_t len;

    builder_init(&b, req.body, sizeof(req.body));
    va_start(ap, fmt);
    put_fields(&b, fmt, ap);
    va_end(ap);
    len = builder_len(&b);
    assert_int_equal(run(handler, len - 1), -EINVAL);
    assert_int_equal(run(handler, 0), -EINVAL);
    req.body[len] = 0;
    assert_int_equal(run(handler, len + 1), -EINVAL);
}

static inline struct p9_qid get_qid(void)
{
    struct p9_qid q;

    q.type = cursor_u8(&reply);
    q.version = cursor_u32(&reply);
    q.path = cursor_u64(&reply);
    assert_false(reply.bad);
    return q;
}

/* Nothing of the last reply is left. */
static inline void assert_end(void)
{
    assert_true(cursor_done(&reply));
}

static inline int walk1(uint32_t fid, uint32_t newfid, const char *name)
{
    return call(op_walk, "442s", fid, newfid, 1, name);
}

static inline int duplicate(uint32_t fid, uint32_t newfid)
{
    return call(op_walk, "442", fid, newfid, 0);
}

static inline int clunk(uint32_t fid)
{
    return call(op_clunk, "4", fid);
}

static inline int lopen(uint32_t fid, uint32_t flags)
{
    return call(op_lopen, "44", fid, flags);
}

static inline int lcreate(uint32_t fid, const char *name, uint32_t flags, uint32_t mode)
{
    return call(op_lcreate, "4s444", fid, name, flags, mode, 0u);
}

static inline struct fid *peek(uint32_t num)
{
    struct fid *f = fid_get(the_session()->fids, num, atomic_load(&the_session()->generation));

    fid_put(f); /* the table keeps it */
    return f;
}

static inline int io_fd(uint32_t num)
{
    return atomic_load(&peek(num)->io_fd);
}

/* --- the host's side ------------------------------------------------------------------------ */
static char *host(const char *name)
{
    static char path[2][8192];
    static int which;

    which = !which;
    snprintf(path[which], sizeof(path[which]), "%s/export/%s", scratch, name);
    return path[which];
}

static inline void host_file(const char *name, const char *content)
{
    int fd = open(host(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static inline void host_dir(const char *name)
{
    assert_int_equal(mkdir(host(name), 0755), 0);
}

static inline struct stat host_stat(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(host(name), &st), 0);
    return st;
}

/* What the guest must see as qid.path of `name`: the inode number, but not on overlays. */
static inline uint64_t host_path(const char *name)
{
    struct stat st = host_stat(name);

    return session_qid_path(the_session(), st.st_dev, st.st_ino);
}

static inline int host_missing(const char *name)
{
    struct stat st;

    return lstat(host(name), &st) != 0 && errno == ENOENT;
}

/* --- set-up: once per test ------------------------------------------------------------------ */
static void fixed_descriptor(int number, const char *path, int flags)
{
    int fd = open(path, flags | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    if (fd != number) {
        assert_int_equal(dup2(fd, number), number);
        close(fd);
    }
}

static inline void attach(uint32_t num, uint32_t uid)
{
    struct fid *f = fid_new(num, openat(WFD_ROOT, ".", O_PATH | O_CLOEXEC), S_IFDIR, uid);

    assert_non_null(f);
    assert_int_equal(fid_insert(the_session()->fids, f, atomic_load(&the_session()->generation)),
                     0);
    fid_put(f);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 3; fd < 400; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(scratch, sizeof(scratch), "%s/xen9p-unit.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(scratch));
    assert_int_equal(mkdir(host(""), 0755), 0);
    fixed_descriptor(WFD_PROC, "/proc/self/fd", O_RDONLY);
    fixed_descriptor(WFD_ROOT, host(""), O_PATH);
    descriptors = open_descriptors();
    memset(&worker, 0, sizeof(worker));
    worker.config.max_msize = MSIZE;
    worker.max_fids = 100;
    umask(0);
    assert_int_equal(session_init(&worker.session, &worker), 0);
    atomic_store(&worker.session.dialect, P9_DIALECT_L);
    attach(ROOT_FID, 0);
    return 0;
}

/* Also looks for descriptors that a handler has left behind. */
static int tear_down(void **state)
{
    char command[128];

    (void)state;
    session_fini(&worker.session);
    assert_int_equal(open_descriptors(), descriptors);
    snprintf(command, sizeof(command), "rm -rf %s", scratch);
    return system(command) == 0 ? 0 : -1;
}

#define OPS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
