/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench9p.c - what a guest gets out of a mounted file system.
 *
 * bench9p DIR SECONDS - each load runs for so many seconds in DIR; prints "NAME RATE UNIT" lines. The mount is one without a
 * cache, so that each call is a message or several.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE (8u << 20)
#define LARGE (512u * 1024)
#define BLOCK 4096u
#define ENTRIES 200u

static char buf[LARGE];
static int file;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int ok, const char *what)
{
    if (!ok) {
        printf("bench9p: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void name_of(unsigned i, char name[16])
{
    snprintf(name, 16, "e%05u", i % ENTRIES);
}

static double seq_write(unsigned i)
{
    must(pwrite(file, buf, LARGE, (off_t)(i * LARGE % FILE_SIZE)) == (ssize_t)LARGE, "write");
    return LARGE / 1e6;
}

static double seq_read(unsigned i)
{
    must(pread(file, buf, LARGE, (off_t)(i * LARGE % FILE_SIZE)) == (ssize_t)LARGE, "read");
    return LARGE / 1e6;
}

static double random_read(unsigned i)
{
    off_t at = (off_t)(i * 2654435761u % (FILE_SIZE / BLOCK) * BLOCK);

    must(pread(file, buf, BLOCK, at) == (ssize_t)BLOCK, "read");
    return 1;
}

static double random_write(unsigned i)
{
    off_t at = (off_t)(i * 2654435761u % (FILE_SIZE / BLOCK) * BLOCK);

    must(pwrite(file, buf, BLOCK, at) == (ssize_t)BLOCK, "write");
    return 1;
}

static double stat_one(unsigned i)
{
    struct stat st;
    char name[16];

    name_of(i, name);
    must(stat(name, &st) == 0, "stat");
    return 1;
}

static double open_read(unsigned i)
{
    char name[16];
    int fd;

    name_of(i, name);
    fd = open(name, O_RDONLY);
    must(fd >= 0 && read(fd, buf, BLOCK) >= 0, "open and read");
    close(fd);
    return 1;
}

static double create_unlink(unsigned i)
{
    char name[16];
    int fd;

    snprintf(name, sizeof(name), "new%u", i);
    fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
    must(fd >= 0 && write(fd, buf, 100) == 100, "create and write");
    close(fd);
    must(unlink(name) == 0, "unlink");
    return 1;
}

static double read_dir(unsigned i)
{
    DIR *d = opendir(".");
    double entries = 0;

    (void)i;
    must(d != NULL, "opendir");
    while (readdir(d) != NULL)
        entries++;
    closedir(d);
    return entries;
}

static const struct {
    const char *name, *unit;
    double (*once)(unsigned i);
} loads[] = {
    {"write-512K", "MB/s", seq_write},
    {"read-512K", "MB/s", seq_read},
    {"read-4K", "op/s", random_read},
    {"write-4K", "op/s", random_write},
    {"stat", "op/s", stat_one},
    {"open+read+close", "op/s", open_read},
    {"create+write+unlink", "op/s", create_unlink},
    {"readdir", "ent/s", read_dir},
};

static void prepare(void)
{
    char name[16];
    int fd;

    file = open("file", O_RDWR | O_CREAT, 0644);
    must(file >= 0, "open");
    for (unsigned i = 0; i < FILE_SIZE / LARGE; i++)
        (void)seq_write(i);
    for (unsigned i = 0; i < ENTRIES; i++) {
        name_of(i, name);
        fd = open(name, O_RDWR | O_CREAT, 0644);
        must(fd >= 0 && write(fd, buf, 500) == 500, "create");
        close(fd);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc == 3 ? atof(argv[2]) : 0;

    must(seconds > 0, "usage: bench9p DIR SECONDS");
    must(chdir(argv[1]) == 0, argv[1]);
    if (access("file", F_OK) != 0)
        prepare();
    else
        must((file = open("file", O_RDWR)) >= 0, "open");
    for (size_t k = 0; k < sizeof(loads) / sizeof(loads[0]); k++) {
        double start = now(), done = 0, t;
        unsigned i = 0;

        do {
            done += loads[k].once(i++);
            t = now() - start;
        } while (t < seconds);
        printf("%s %.1f %s\n", loads[k].name, done / t, loads[k].unit);
    }
    return 0;
}
