/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * locking.c - a guest and a process of the host that lock the same files.
 */
#include "locking.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig *lock_rig(struct p9c *c, struct rig_config cfg)
{
    struct rig *g = rig_prepare(&cfg);
    int fd = openat(g->root_fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    uint32_t mode = (cfg.flags & CTL_FLAG_READ_ONLY) != 0 ? P9_L_RDONLY : P9_L_RDWR;

    MUST(fd);
    close(fd);
    if (mkdirat(g->root_fd, "d", 0755) != 0)
        CHECK_EQ(errno, EEXIST);
    rig_start(g, 0);
    p9c_mount(c, g);
    CHECK_OK(p9c_walk(c, 0, 1, "f"));
    CHECK_OK(p9c_walk(c, 0, 2, "f"));
    CHECK_OK(p9c_walk(c, 0, 3, "d"));
    CHECK_OK(p9c_lopen(c, 1, mode));
    CHECK_OK(p9c_lopen(c, 2, mode));
    CHECK_OK(p9c_lopen(c, 3, P9_L_RDONLY));
    return g;
}

int lock(struct p9c *c, uint32_t fid, uint8_t type, uint64_t start, uint64_t len, uint32_t pid)
{
    struct p9_lock l = {
        .type = type, .start = start, .len = len, .proc_id = pid, .client = "guest"};

    CHECK_OK(p9c_lock(c, fid, &l));
    return l.status;
}

int host_open(const struct rig *g, const char *name, int flags)
{
    int fd = openat(g->root_fd, name, flags | O_CLOEXEC);

    MUST(fd);
    return fd;
}

int host_lock(int fd, short type, off_t start, off_t len)
{
    struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

    return fcntl(fd, F_OFD_SETLK, &fl) == 0 ? 0 : errno;
}
