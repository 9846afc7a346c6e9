/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.c - making and mapping the page that a successor reads.
 */
#include "xen9p/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_FILE_SIZE 4096
#define JOURNAL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int journal_create(void)
{
    const uint32_t header[2] = {JOURNAL_MAGIC, sizeof(struct journal)};
    int fd = memfd_create("xen9p-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err;

    if (fd < 0)
        return -errno;
    if (ftruncate(fd, JOURNAL_FILE_SIZE) == 0 &&
        pwrite(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
        fcntl(fd, F_ADD_SEALS, JOURNAL_SEALS) == 0)
        return fd;
    err = errno != 0 ? -errno : -EIO;
    close(fd);
    return err;
}

struct journal *journal_map(int fd)
{
    struct stat st;
    struct journal *j;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & JOURNAL_SEALS) != JOURNAL_SEALS || fstat(fd, &st) != 0 ||
        st.st_size != JOURNAL_FILE_SIZE) {
        errno = EPROTO;
        return NULL;
    }
    j = mmap(NULL, JOURNAL_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (j == MAP_FAILED)
        return NULL;
    if (j->magic != JOURNAL_MAGIC || j->size != sizeof(struct journal)) {
        munmap(j, JOURNAL_FILE_SIZE);
        errno = EPROTO;
        return NULL;
    }
    return j;
}
