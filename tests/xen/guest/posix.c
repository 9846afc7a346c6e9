/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * posix DIR - what a program expects of a local file system, one check per line of output on failure; prints
 * "posix: N checks" and exits 0 when all hold. Runs on any file system: on a local one it must pass, too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int checks, failures;

static void check_at(int line, bool ok, const char *what)
{
    checks++;
    if (ok)
        return;
    failures++;
    printf("FAILED line %d: %s (errno %d %s)\n", line, what, errno, strerror(errno));
}
#define CHECK(x) check_at(__LINE__, (x), #x)
#define FAILS(x, e) check_at(__LINE__, (x) == -1 && errno == (e), #x " fails with " #e)

static int make(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static bool holds(int fd, const char *text)
{
    char buf[256];
    ssize_t n = pread(fd, buf, sizeof(buf), 0);

    return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static void attributes(void)
{
    struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
    struct stat st;
    int fd = make("attr", "hello");

    CHECK(fstat(fd, &st) == 0 && st.st_size == 5 && S_ISREG(st.st_mode) && st.st_nlink == 1);
    CHECK(chmod("attr", 0640) == 0 && stat("attr", &st) == 0 && (st.st_mode & 07777) == 0640);
    CHECK(fchmod(fd, 0600) == 0 && stat("attr", &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(truncate("attr", 2) == 0 && stat("attr", &st) == 0 && st.st_size == 2);
    CHECK(ftruncate(fd, 100000) == 0 && fstat(fd, &st) == 0 && st.st_size == 100000);
    CHECK(utimensat(AT_FDCWD, "attr", times, 0) == 0 && stat("attr", &st) == 0);
    /* whole seconds: the client of Linux cuts the rest off */
    CHECK(st.st_mtim.tv_sec == 1234567890 && st.st_atim.tv_sec == 1000000000);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(AT_FDCWD, "attr", times, 0) == 0 && stat("attr", &st) == 0);
    CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec != 1234567890);
    CHECK(chown("attr", 12, 34) == 0);
    CHECK(access("attr", R_OK | W_OK) == 0);
    close(fd);
    CHECK(unlink("attr") == 0);
    FAILS(stat("attr", &st), ENOENT);
}

static void open_and_rename(void)
{
    int a = make("a", "first"), b = make("b", "second"), c;

    CHECK(rename("a", "b") == 0);
    CHECK(holds(b, "second"));
    CHECK(holds(a, "first"));
    FAILS(open("a", O_RDONLY), ENOENT);
    c = open("b", O_RDONLY);
    CHECK(c >= 0 && holds(c, "first"));
    CHECK(pwrite(a, "FIRST", 5, 0) == 5 && holds(a, "FIRST"));
    close(a);
    close(b);
    close(c);
    CHECK(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0);
    a = make("d/sub/f", "deep");
    CHECK(rename("d", "moved") == 0);
    CHECK(holds(a, "deep") && pwrite(a, "DEEP", 4, 0) == 4);
    close(a);
    c = open("moved/sub/f", O_RDONLY);
    CHECK(c >= 0 && holds(c, "DEEP"));
    close(c);
    FAILS(rmdir("moved"), ENOTEMPTY);
    CHECK(unlink("moved/sub/f") == 0 && rmdir("moved/sub") == 0 && rmdir("moved") == 0 &&
          unlink("b") == 0);
}

static void unlinked(void)
{
    struct stat st;
    int fd = make("gone", "still here");

    CHECK(unlink("gone") == 0);
    FAILS(stat("gone", &st), ENOENT);
    CHECK(holds(fd, "still here"));
    CHECK(pwrite(fd, "S", 1, 0) == 1 && holds(fd, "Still here"));
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 10);
    CHECK(ftruncate(fd, 5) == 0 && holds(fd, "Still"));
    CHECK(fchmod(fd, 0600) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(fsync(fd) == 0);
    CHECK(close(fd) == 0);
}

static void names(void)
{
    char target[64], longest[256], toolong[257];
    struct stat a, b;
    ssize_t n;
    int fd = make("one", "x");

    close(fd);
    CHECK(link("one", "two") == 0 && stat("one", &a) == 0 && stat("two", &b) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_nlink == 2);
    FAILS(link("one", "two"), EEXIST);
    CHECK(unlink("two") == 0 && stat("one", &a) == 0 && a.st_nlink == 1);
    CHECK(symlink("some/where", "sym") == 0);
    n = readlink("sym", target, sizeof(target));
    CHECK(n == 10 && memcmp(target, "some/where", 10) == 0);
    CHECK(lstat("sym", &a) == 0 && S_ISLNK(a.st_mode));
    CHECK(symlink("one", "good") == 0 && stat("good", &a) == 0 && S_ISREG(a.st_mode));
    CHECK(mkfifo("fifo", 0644) == 0 && lstat("fifo", &a) == 0 && S_ISFIFO(a.st_mode));
    FAILS(open("one", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    FAILS(mkdir("one", 0755), EEXIST);
    FAILS(rmdir("one"), ENOTDIR);
    FAILS(open("one/below", O_RDONLY), ENOTDIR);
    memset(longest, 'n', 255);
    longest[255] = 0;
    memset(toolong, 'n', 256);
    toolong[256] = 0;
    fd = open(longest, O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0 && close(fd) == 0 && unlink(longest) == 0);
    FAILS(open(toolong, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
    fd = open("odd \n\\ \xff name", O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0 && close(fd) == 0 && unlink("odd \n\\ \xff name") == 0);
    CHECK(unlink("one") == 0 && unlink("sym") == 0 && unlink("good") == 0 && unlink("fifo") == 0);
}

static void directories(void)
{
    char name[32];
    struct dirent *e;
    int seen = 0, again = 0, i;
    DIR *d;

    CHECK(mkdir("dir", 0755) == 0);
    for (i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "dir/%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
    d = opendir("dir");
    CHECK(d != NULL);
    if (!d)
        return;
    while ((e = readdir(d)) != NULL)
        seen++;
    rewinddir(d);
    while ((e = readdir(d)) != NULL)
        again++;
    CHECK(seen == 302 && again == 302);
    closedir(d);
    for (i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "dir/%d", i);
        unlink(name);
    }
    CHECK(rmdir("dir") == 0);
}

static void data(void)
{
    static char block[200000], back[200000];
    struct statvfs vfs;
    int fd = make("data", ""), i, bad = 0;
    struct stat st;

    for (i = 0; i < 200000; i++)
        block[i] = (char)(i * 7 + i / 251);
    CHECK(pwrite(fd, block, sizeof(block), 12345) == (ssize_t)sizeof(block));
    CHECK(pread(fd, back, sizeof(back), 12345) == (ssize_t)sizeof(back) &&
          memcmp(block, back, sizeof(back)) == 0);
    CHECK(pread(fd, back, 12345, 0) == 12345);
    for (i = 0; i < 12345; i++)
        bad += back[i] != 0;
    CHECK(bad == 0);
    CHECK(pread(fd, back, 10, 12345 + 200000) == 0);
    close(fd);
    fd = open("data", O_WRONLY | O_APPEND);
    CHECK(write(fd, "tail", 4) == 4 && fstat(fd, &st) == 0 && st.st_size == 12345 + 200000 + 4);
    CHECK(fdatasync(fd) == 0);
    close(fd);
    fd = open("data", O_RDWR | O_TRUNC);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 0);
    close(fd);
    CHECK(statvfs("data", &vfs) == 0 && vfs.f_blocks > 0 && vfs.f_namemax >= 255);
    CHECK(unlink("data") == 0);
}

int main(int argc, char **argv)
{
    umask(022);
    if (argc != 2 || chdir(argv[1]) != 0) {
        perror("posix DIR");
        return 2;
    }
    attributes();
    open_and_rename();
    unlinked();
    names();
    directories();
    data();
    printf("posix: %d checks, %d failed\n", checks, failures);
    return failures ? 1 : 0;
}
