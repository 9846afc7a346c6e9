/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX record locks for shell scripts, in guests and in dom0.
 *
 *   lock FILE try|wait r|w START LENGTH [RELEASE]
 *       takes the lock, with RELEASE says "held" and keeps it until that file exists
 *   lock FILE get r|w START LENGTH
 *       prints the lock that would be in the way: "read", "write" or "free"
 *   lock FILE count N
 *       N times: the number in FILE read, and written one higher, under a lock of the whole file
 *   lock FILE flock RELEASE
 *       as "try" for all of it, but with flock(2)
 *
 * Exit status 0, 1 when the lock is refused, 2 for anything else.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static struct flock range(char **argv)
{
    return (struct flock){.l_type = argv[0][0] == 'r' ? F_RDLCK : F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = atoll(argv[1]),
                          .l_len = atoll(argv[2])};
}

static void count(int fd, int num)
{
    for (int i = 0; i < num; i++) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        char text[32] = "";

        if (fcntl(fd, F_SETLKW, &l) != 0)
            err(2, "lock");
        if (pread(fd, text, sizeof(text) - 1, 0) < 0)
            err(2, "read");
        snprintf(text, sizeof(text), "%d\n", atoi(text) + 1);
        if (pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
            err(2, "write");
        l.l_type = F_UNLCK;
        if (fcntl(fd, F_SETLK, &l) != 0)
            err(2, "unlock");
    }
}

/* Exit status of one that keeps the lock it has until `release` is there, or that was refused. */
static int hold(int refused, const char *release)
{
    if (refused) {
        printf("%s\n", strerror(errno));
        return errno == EAGAIN || errno == EACCES ? 1 : 2;
    }
    if (release != NULL) {
        puts("held");
        fflush(stdout);
        while (access(release, F_OK) != 0)
            usleep(100000);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct flock l;
    int fd;

    if (argc != 4 && argc != 6 && argc != 7)
        errx(2, "see the head of lock.c");
    fd = open(argv[1], O_RDWR | O_CREAT, 0666);
    if (fd < 0)
        err(2, "%s", argv[1]);
    if (argc == 4 && strcmp(argv[2], "flock") == 0)
        return hold(flock(fd, LOCK_EX | LOCK_NB), argv[3]);
    if (argc == 4) {
        count(fd, atoi(argv[3]));
        return 0;
    }
    l = range(argv + 3);
    if (strcmp(argv[2], "get") == 0) {
        if (fcntl(fd, F_GETLK, &l) != 0)
            err(2, "F_GETLK");
        puts(l.l_type == F_UNLCK ? "free" : l.l_type == F_RDLCK ? "read" : "write");
        return 0;
    }
    return hold(fcntl(fd, strcmp(argv[2], "wait") == 0 ? F_SETLKW : F_SETLK, &l),
                argc == 7 ? argv[6] : NULL);
}
