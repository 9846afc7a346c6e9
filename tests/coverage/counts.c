/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counts.c - how the counts of a jailed worker get out of its jail. In coverage builds only.
 *
 * A locked-down worker can open no file, so that gcov's way of writing at exit is closed to it,
 * and no filter is opened for it. Instead the pages of the program's zeroed data, where gcov
 * counts, become a shared mapping of a file of COUNTS_DIR before main() begins. What is counted
 * reaches that file without any system call, however the worker ends. Started again with
 * COUNTS_ENV in its environment, the program adds the counts of all files there to the usual .gcda
 * files and ends. Both runs need the same addresses: setarch -R.
 *
 * A worker that is killed before its counts are shared, or that a test refuses the calls of
 * share(), goes on uncounted.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNTS_ENV "XEN9P_COUNTS"
#define PAGE 4096ul

extern char edata[], end[]; /* the linker's: where zeroed data begins and ends */
void __gcov_dump(void);

static void fail(const char *what)
{
    perror(what);
    _exit(1);
}

/*
 * What each worker counted. gcov's own state comes with a file's pages, as if this process were
 * that worker: the list of what is counted, and that nothing of it was written yet.
 */
static void merge(char *first, size_t len)
{
    DIR *dir = opendir(COUNTS_DIR);
    const struct dirent *e;

    if (dir == NULL)
        fail(COUNTS_DIR);
    while ((e = readdir(dir)) != NULL) {
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) != 0)
            fail(e->d_name);
        if (S_ISREG(st.st_mode) && (size_t)st.st_size == len) {
            if (mmap(first, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) != first)
                fail(e->d_name);
            __gcov_dump();
        }
        close(fd);
    }
    _exit(0);
}

static void share(char *first, size_t len)
{
    char path[] = COUNTS_DIR "/XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, first, len) == (ssize_t)len)
        (void)mmap(first, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    close(fd);
}

/* This object is linked last and its constructor runs behind gcov's own. */
__attribute__((constructor)) static void counts_begin(void)
{
    char *first = (char *)((unsigned long)edata & ~(PAGE - 1));
    size_t len = ((unsigned long)end - (unsigned long)first + PAGE - 1) & ~(PAGE - 1);

    if (getenv(COUNTS_ENV) != NULL)
        merge(first, len);
    else
        share(first, len);
}
