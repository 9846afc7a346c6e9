/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.c - what trees of files look like: all of one, and what must never be in one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../host/tap.h"
#include "scene.h"

/* FNV-1a. */
static void mix(uint64_t *sum, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++)
        *sum = (*sum ^ p[i]) * UINT64_C(0x100000001b3);
}

static void mix_contents(uint64_t *sum, int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    char buf[4096];
    ssize_t n;

    if (fd < 0)
        FAIL("%s: %m", name);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        mix(sum, buf, (size_t)n);
    close(fd);
}

static void mix_entry(uint64_t *sum, int dir, const char *name);

/* In order of names: the same tree gives the same sum. */
static void mix_directory(uint64_t *sum, int dir, const char *name)
{
    struct dirent **list;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int n;

    MUST(fd);
    n = scandirat(fd, ".", &list, NULL, alphasort);
    MUST(n);
    for (int i = 0; i < n; i++) {
        if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0)
            mix_entry(sum, fd, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    close(fd);
}

static void mix_entry(uint64_t *sum, int dir, const char *name)
{
    struct stat st;

    MUST(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW));
    const uint64_t facts[] = {st.st_ino,
                              st.st_mode,
                              st.st_uid,
                              st.st_gid,
                              st.st_nlink,
                              st.st_rdev,
                              (uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec,
                              (uint64_t)st.st_ctim.tv_sec,
                              (uint64_t)st.st_ctim.tv_nsec,
                              (uint64_t)st.st_size};

    mix(sum, name, strlen(name) + 1);
    mix(sum, facts, sizeof(facts));
    if (S_ISDIR(st.st_mode))
        mix_directory(sum, dir, name);
    else if (S_ISREG(st.st_mode))
        mix_contents(sum, dir, name);
}

uint64_t fingerprint(const char *path)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    mix_entry(&sum, AT_FDCWD, path);
    return sum;
}

/* The scene's own traps are as the scene has made them, or have lost what makes them one. */
static bool is_trap(const char *name, const struct stat *st)
{
    if (strncmp(name, "node-", 5) == 0)
        return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
    /* five bytes of the host's: anything else in there must have cost the bit */
    return (strcmp(name, "suid") == 0 || strcmp(name, "capable") == 0) && st->st_size == 5;
}

static const char *judge_entry(int dir, const char *name, const struct stat *st)
{
    char path[64], value[64];
    static char what[160];
    const char *wrong = NULL;
    int fd;

    if (S_ISLNK(st->st_mode) || is_trap(name, st))
        return NULL;
    if ((st->st_mode & (S_ISUID | S_ISGID)) != 0)
        wrong = "has setuid or setgid";
    else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        wrong = "is a device";
    else if (st->st_uid != 0 || st->st_gid != 0)
        wrong = "belongs to somebody else";
    fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (getxattr(path, "security.capability", value, sizeof(value)) >= 0)
        wrong = "has capabilities";
    close(fd);
    if (wrong == NULL)
        return NULL;
    (void)snprintf(what, sizeof(what), "in the export, %.80s %s (mode %o)", name, wrong,
                   st->st_mode);
    return what;
}

static const char *hurtful_below(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *wrong = NULL;
    struct dirent *e;
    struct stat st;
    DIR *d;

    MUST(fd);
    d = fdopendir(fd);
    CHECK(d != NULL);
    while (wrong == NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        MUST(fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW));
        wrong = judge_entry(fd, e->d_name, &st);
        if (wrong == NULL && S_ISDIR(st.st_mode))
            wrong = hurtful_below(fd, e->d_name);
    }
    closedir(d);
    return wrong;
}

const char *find_hurtful(const char *path)
{
    return hurtful_below(AT_FDCWD, path);
}
