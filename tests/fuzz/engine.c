/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.c - a worker in the fuzzer's own process; see engine.h.
 *
 * The pump is included as source: its threads are not started, what they would run is called.
 */
#include "engine.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "../../worker/pump.c"

static struct worker worker;
static struct journal journal;
static uint8_t *memory;
static struct engine_ring rings[ENGINE_RINGS];
static bool running;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Inputs create files at will, as root: on a small tmpfs in a mount namespace of our own. */
static void make_scratch(void)
{
    int root;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/mnt", "tmpfs", MS_NODEV | MS_NOEXEC | MS_NOSUID, "size=64M,nr_inodes=2000"))
        die("tmpfs of my own (fuzzers run as root)");
    root = open("/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || dup3(root, WFD_ROOT, O_CLOEXEC) < 0)
        die("/mnt");
    close(root);
}

void engine_init(void)
{
    const int fixed[] = {WFD_CONTROL, WFD_NOTIFY, WFD_CALL, WFD_KICK, WFD_PROC};
    const size_t ring_len = RING_PAGE_SIZE + ((size_t)RING_PAGE_SIZE << ENGINE_ORDER);
    int proc = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    umask(0);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (dup3(fixed[i] == WFD_PROC      ? proc
                 : fixed[i] == WFD_CONTROL ? null
                                           : event,
                 fixed[i], O_CLOEXEC) < 0)
            die("descriptors");
    make_scratch();
    for (int fd = 3; fd < WFD_FIRST_FREE; fd++)
        if (fcntl(fd, F_GETFD) < 0 && dup3(null, fd, O_CLOEXEC) < 0)
            die("descriptors");
    memory = mmap(NULL, ENGINE_RINGS * ring_len, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("rings");
    for (uint32_t i = 0; i < ENGINE_RINGS; i++) {
        rings[i].intf = (struct xen_9pfs_data_intf *)(memory + i * ring_len);
        rings[i].size = ringidx_size(ENGINE_ORDER);
        rings[i].in = memory + i * ring_len + RING_PAGE_SIZE;
        rings[i].out = rings[i].in + rings[i].size;
    }
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    if (ftw->level > 0)
        (void)remove(path);
    return 0;
}

static void make_files(void)
{
    int fd;

    nftw("/mnt", remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    (void)mkdirat(WFD_ROOT, "d", 0755);
    (void)mkdirat(WFD_ROOT, "d/e", 0700);
    (void)symlinkat("../etc", WFD_ROOT, "l");
    (void)mkfifoat(WFD_ROOT, "p", 0644);
    fd = openat(WFD_ROOT, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd >= 0) {
        (void)!write(fd, "contents", 8);
        close(fd);
    }
}

static void start_worker(uint32_t flags)
{
    struct pump *p = &worker.pump;

    memset(&worker, 0, sizeof(worker));
    worker.config.flags = flags;
    worker.config.num_rings = ENGINE_RINGS;
    worker.config.notify_kind = CTL_NOTIFY_EVENTFD;
    worker.config.threads = 1;
    worker.config.max_msize = LIMIT_MAX_MSIZE;
    worker.max_fids = 50;
    worker.journal = &journal;
    for (uint32_t i = 0; i < ENGINE_RINGS; i++)
        ring_init(&worker.ring[i], i, &(struct ctl_ring){.order = ENGINE_ORDER}, rings[i].intf,
                  rings[i].in, &journal.ring[i]);
    p->worker = &worker;
    p->num_threads = 1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (session_init(&worker.session, &worker) != 0 || flight_init(&p->flight, ENGINE_RINGS) != 0)
        die("worker");
    (void)recover_rings(&worker);
    running = true;
}

void engine_stop(void)
{
    if (!running)
        return;
    for (uint32_t i = 0; i < worker.pump.flight.num_requests; i++)
        if (worker.pump.flight.pool[i].big != NULL)
            munmap(worker.pump.flight.pool[i].big, worker.session.max_msize);
    flight_fini(&worker.pump.flight);
    session_fini(&worker.session);
    running = false;
}

void engine_reset(uint32_t flags)
{
    engine_stop();
    make_files();
    memset(&journal, 0, sizeof(journal));
    for (uint32_t i = 0; i < ENGINE_RINGS; i++)
        memset(rings[i].intf, 0, sizeof(*rings[i].intf));
    start_worker(flags);
}

void engine_succeed(void)
{
    uint32_t flags = worker.config.flags | CTL_FLAG_SUCCESSOR;

    engine_stop();
    start_worker(flags);
}

struct engine_ring *engine_ring(uint32_t ring)
{
    return &rings[ring % ENGINE_RINGS];
}

uint8_t *engine_journal(size_t *len)
{
    *len = sizeof(journal);
    return (uint8_t *)&journal;
}

void engine_serve(void)
{
    uint32_t unheard = 0;
    uint64_t count;

    atomic_store(&worker.pump.kicked, false);
    (void)!read(WFD_KICK, &count, sizeof(count));
    (void)!read(WFD_CALL, &count, sizeof(count));
    serve(&worker.pump, &unheard);
}

bool engine_closed(void)
{
    return atomic_load(&worker.pump.closing);
}

static uint8_t in_byte(const struct engine_ring *r, uint32_t at)
{
    return r->in[at & (r->size - 1)];
}

void engine_take_replies(void)
{
    for (uint32_t i = 0; i < ENGINE_RINGS; i++) {
        struct engine_ring *r = &rings[i];
        uint32_t at = r->intf->in_cons, prod = r->intf->in_prod;

        if (prod - at > r->size)
            abort();
        while (at != prod) {
            uint32_t len = 0;
            uint8_t type;

            if (prod - at < P9_HDR_SIZE)
                abort();
            for (uint32_t k = 0; k < 4; k++)
                len |= (uint32_t)in_byte(r, at + k) << (8 * k);
            type = in_byte(r, at + 4);
            if (len < P9_HDR_SIZE || len > prod - at || len > worker.session.max_msize)
                abort();
            if (type % 2 == 0) /* replies have odd types */
                abort();
            if (type == P9_RERROR && len < P9_HDR_SIZE + 2 + 1) /* an error says something */
                abort();
            at += len;
        }
        r->intf->in_cons = at;
    }
}
