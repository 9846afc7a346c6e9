/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * churn FILE SEED OPS [mmap]: OPS random operations on FILE (write, read, truncate down and up, fsync, close and
 * open, with "mmap" also stores and loads through a shared mapping), compared with what memory says the file
 * holds after each read and at the end. Exit status 0 when the file agrees; else the first difference is told.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SIZE = 256 * 1024, MAX_PIECE = 60000 };

static unsigned char model[MAX_SIZE], buf[MAX_SIZE];
static size_t size;
static long op;
static const char *name;

static size_t below(size_t n)
{
    return n == 0 ? 0 : (size_t)random() % n;
}

static int reopen(int fd)
{
    if (fd >= 0 && close(fd) != 0)
        err(1, "op %ld: close", op);
    fd = open(name, O_RDWR | O_CREAT, 0644);
    if (fd < 0)
        err(1, "op %ld: %s", op, name);
    return fd;
}

/* [at, at + len) of `got` is what the file should hold there. */
static void compare(const unsigned char *got, size_t at, size_t len, const char *how)
{
    for (size_t i = 0; i < len; i++)
        if (got[i] != model[at + i])
            errx(1, "op %ld, %s: byte %zu is %02x, should be %02x (file of %zu bytes)", op, how,
                 at + i, got[i], model[at + i], size);
}

static void read_back(int fd, size_t at, size_t len)
{
    size_t want = at >= size ? 0 : len < size - at ? len : size - at;
    ssize_t n = pread(fd, buf, len, (off_t)at);

    if (n != (ssize_t)want)
        errx(1, "op %ld: %zd bytes read at %zu, not %zu (file of %zu bytes)", op, n, at, want,
             size);
    compare(buf, at, want, "read");
}

/* What is to be stored next at [at, at + len). */
static void renew(size_t at, size_t len)
{
    if (at > size)
        memset(model + size, 0, at - size);
    for (size_t i = 0; i < len; i++)
        model[at + i] = (unsigned char)random();
}

static void write_some(int fd)
{
    size_t at = below(MAX_SIZE - MAX_PIECE), len = 1 + below(MAX_PIECE);

    renew(at, len);
    if (pwrite(fd, model + at, len, (off_t)at) != (ssize_t)len)
        err(1, "op %ld: write of %zu at %zu", op, len, at);
    if (size < at + len)
        size = at + len;
}

static void resize(int fd)
{
    size_t to = below(MAX_SIZE);

    if (ftruncate(fd, (off_t)to) != 0)
        err(1, "op %ld: ftruncate to %zu", op, to);
    if (to > size)
        memset(model + size, 0, to - size);
    size = to;
}

static void map_some(int fd)
{
    size_t at = below(size), len = below(size - at);
    unsigned char *map;

    if (size == 0)
        return;
    map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        err(1, "op %ld: mmap", op);
    compare(map + at, at, len, "mapping");
    at = below(size);
    len = below(size - at);
    renew(at, len);
    memcpy(map + at, model + at, len);
    if (munmap(map, size) != 0)
        err(1, "op %ld: munmap", op);
}

int main(int argc, char **argv)
{
    bool mapped = argc == 5 && strcmp(argv[4], "mmap") == 0;
    struct stat st;
    int fd = -1;

    if (argc != 4 && !mapped)
        errx(2, "see the head of churn.c");
    name = argv[1];
    srandom((unsigned)atoi(argv[2]));
    fd = reopen(fd);
    for (op = 1; op <= atol(argv[3]); op++) {
        switch (below(mapped ? 12 : 10)) {
        case 0:
            resize(fd);
            break;
        case 1:
            fd = reopen(fd);
            break;
        case 2:
            if (fsync(fd) != 0)
                err(1, "op %ld: fsync", op);
            break;
        case 3:
        case 4:
        case 5:
            write_some(fd);
            break;
        case 6:
        case 7:
        case 8:
        case 9:
            read_back(fd, below(MAX_SIZE), 1 + below(MAX_PIECE));
            break;
        default:
            map_some(fd);
        }
        if (fstat(fd, &st) != 0 || st.st_size != (off_t)size)
            errx(1, "op %ld: %lld bytes long, should be %zu", op, (long long)st.st_size, size);
    }
    fd = reopen(fd);
    read_back(fd, 0, MAX_SIZE);
    printf("churn: %ld operations, %zu bytes\n", op - 1, size);
    return 0;
}
