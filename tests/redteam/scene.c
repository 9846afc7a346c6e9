/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scene.c - making the place of an attempt, and looking at it afterwards.
 */
#include "scene.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../host/tap.h"
#include "xen9p/limits.h"
#include "xen9p/ringidx.h"

#define ORDER 3u
#define RINGS 2u
#define RING_SPAN ((1 + (1u << ORDER)) * (uint64_t)RING_PAGE_SIZE)

_Static_assert(sizeof(struct briefing) <= (1u << ORDER) * RING_PAGE_SIZE, "fits into a ring");

static void make_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    char path[300];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        FAIL("%s: %m", path);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    MUST(fchmod(fd, mode));
    close(fd);
}

static void make_dir(const char *dir, const char *name)
{
    char path[300];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    MUST(mkdir(path, 0755));
}

static void make_link(const struct scene *s, const char *name, const char *target)
{
    char path[300];

    (void)snprintf(path, sizeof(path), "%s/%s", s->export, name);
    MUST(symlink(target, path));
}

/* Links that lead outside, for a worker that follows one. */
static void plant_links(const struct scene *s)
{
    char target[200];

    (void)snprintf(target, sizeof(target), "%s/secret", s->outside);
    make_link(s, "to-secret", target);
    make_link(s, "to-outside", s->outside);
    make_link(s, "to-secret-relative", "../outside/secret");
    make_link(s, "to-dotdot", "..");
    make_link(s, "to-passwd", "/etc/passwd");
    make_link(s, "to-root", "/");
    make_link(s, "to-proc-root", "/proc/self/root");
    make_link(s, "to-proc-fd", "/proc/self/fd");
    make_link(s, "to-null", "/dev/null");
}

/* Devices and programs with rights that the host, careless, has left in the export. */
static void plant_traps(const struct scene *s)
{
    /* cap_setuid+ep, version 2 */
    static const unsigned char setuid_cap[20] = {1, 0, 0, 2, 0x80};
    const struct {
        const char *name;
        mode_t type;
        dev_t dev;
    } nodes[] = {{"node-null", S_IFCHR, makedev(1, 3)},
                 {"node-mem", S_IFCHR, makedev(1, 1)},
                 {"node-disk", S_IFBLK, makedev(254, 0)}};
    char path[300];

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", s->export, nodes[i].name);
        MUST(mknod(path, nodes[i].type | 0666, nodes[i].dev));
    }
    make_file(s->export, "suid", "#!sh\n", 04755);
    make_file(s->export, "capable", "#!sh\n", 0755);
    (void)snprintf(path, sizeof(path), "%s/capable", s->export);
    MUST(setxattr(path, "security.capability", setuid_cap, sizeof(setuid_cap), 0));
}

static void make_secret(struct scene *s)
{
    unsigned char noise[16];
    size_t n = (size_t)snprintf(s->secret, sizeof(s->secret), "SECRET-");

    CHECK_EQ(getrandom(noise, sizeof(noise), 0), sizeof(noise));
    for (size_t i = 0; i < sizeof(noise); i++)
        n += (size_t)snprintf(s->secret + n, sizeof(s->secret) - n, "%02x", noise[i]);
}

static void make_node(const char *path, unsigned major, unsigned minor)
{
    MUST(mknod(path, S_IFCHR | 0666, makedev(major, minor)));
    MUST(chmod(path, 0666));
}

/*
 * A file system of the host's below the export. In place of Xen's devices, each opening of one is a terminal of
 * its own: it can be waited for like an event channel, and ioctls that get through do something.
 */
static void make_mounts(const struct scene *s)
{
    char path[300];

    (void)snprintf(path, sizeof(path), "%s/mnt", s->export);
    MUST(mount("none", path, "tmpfs", 0, "mode=755"));
    make_file(path, "secret", s->secret, 0644);
    MUST(mount("none", "/dev", "tmpfs", 0, "mode=755"));
    MUST(mkdir("/dev/xen", 0755));
    MUST(mkdir("/dev/xen/pts", 0755));
    MUST(mount("none", "/dev/xen/pts", "devpts", 0, "newinstance,mode=600,ptmxmode=666"));
    make_node("/dev/null", 1, 3);
    make_node("/dev/zero", 1, 5);
    make_node("/dev/random", 1, 8);
    make_node("/dev/urandom", 1, 9);
    make_node("/dev/kmsg", 1,
              11); /* for the supervisor, which tells what a worker was killed for */
    make_node("/dev/xen/evtchn", 5, 2);
    make_node("/dev/xen/gntdev", 5, 2);
}

const char *scene_program(const char *name)
{
    static char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);

    MUST(n);
    path[n] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(path, '/') = '\0';
    return strcat(path, name);
}

int scene_rings(struct ctl_config *config)
{
    int fd = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    MUST(fd);
    MUST(ftruncate(fd, RINGS * RING_SPAN));
    MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    config->ring_kind = CTL_RING_MEMFD;
    config->num_rings = RINGS;
    for (uint32_t i = 0; i < RINGS; i++)
        config->ring[i] =
            (struct ctl_ring){i * RING_SPAN, i * RING_SPAN + RING_PAGE_SIZE, ORDER, i + 1};
    return fd;
}

void scene_make(struct scene *s)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    make_secret(s);
    (void)snprintf(s->export, sizeof(s->export), "%s/export", tap_dir());
    (void)snprintf(s->outside, sizeof(s->outside), "%s/outside", tap_dir());
    (void)snprintf(s->neighbourhood, sizeof(s->neighbourhood), "%s/neighbour", tap_dir());
    make_dir(tap_dir(), "outside");
    make_dir(tap_dir(), "neighbour");
    make_dir(tap_dir(), "export");
    make_file(s->outside, "secret", s->secret, 0644);
    make_file(s->outside, "program", "#!/bin/sh\n", 0755);
    make_file(s->neighbourhood, "secret", s->secret, 0644);
    make_file(s->export, "file", "the guest's own\n", 0644);
    make_dir(s->export, "dir");
    make_dir(s->export, "dir/inner");
    make_dir(s->export, "moving");
    make_dir(s->export, "moving/inner");
    make_dir(s->export, "swapped");
    make_file(s->export, "swapped/secret", "", 0644);
    make_dir(s->export, "mnt");
    plant_links(s);
    plant_traps(s);
    make_mounts(s);
}

static unsigned count_mounts(void)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    unsigned n = 0;
    int c;

    CHECK(f != NULL);
    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    fclose(f);
    return n;
}

void scene_record(struct scene *s)
{
    s->marks[0] = fingerprint(s->outside);
    s->marks[1] = fingerprint(s->neighbourhood);
    s->marks[2] = fingerprint(s->export);
    s->mounts = count_mounts();
}

/* The memory that both see: as large and as sealed as ever, and without the secret. */
static const char *judge_memory(const struct scene *s)
{
    struct stat st;
    const char *wrong = NULL;
    void *ring;

    MUST(fstat(s->ring_fd, &st));
    if (st.st_size != (off_t)(RINGS * RING_SPAN) || fcntl(s->ring_fd, F_GET_SEALS) != F_SEAL_SHRINK)
        return "the rings have another size or other seals";
    ring = mmap(NULL, RINGS * RING_SPAN, PROT_READ, MAP_SHARED, s->ring_fd, 0);
    CHECK(ring != MAP_FAILED);
    if (memmem(ring, RINGS * RING_SPAN, s->secret, strlen(s->secret)) != NULL)
        wrong = "it has read the secret";
    munmap(ring, RINGS * RING_SPAN);
    MUST(fstat(s->journal_fd, &st));
    if (st.st_size != RING_PAGE_SIZE)
        wrong = "the journal has another size";
    return wrong;
}

const char *scene_damage(struct scene *s, bool frozen)
{
    const char *wrong = judge_memory(s);

    if (wrong == NULL)
        wrong = find_hurtful(s->export);
    if (wrong == NULL && fingerprint(s->outside) != s->marks[0])
        wrong = "files outside have changed";
    if (wrong == NULL && fingerprint(s->neighbourhood) != s->marks[1])
        wrong = "the neighbour's files have changed";
    if (wrong == NULL && frozen && fingerprint(s->export) != s->marks[2])
        wrong = "a read-only export has changed";
    if (wrong == NULL && count_mounts() != s->mounts)
        wrong = "the host has other mounts";
    return wrong;
}
