/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadfuse DIR SECONDS - mounts a FUSE file system on DIR whose server takes its connection and then never answers:
 * what a dead network file server looks like to whoever touches it. Ends, and lets everybody go, after SECONDS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char options[128];
    int fd = open("/dev/fuse", O_RDWR);

    if (argc != 3 || fd < 0) {
        fprintf(stderr, "deadfuse: usage, or no /dev/fuse\n");
        return 2;
    }
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
    if (mount("dead", argv[1], "fuse.dead", MS_NOSUID | MS_NODEV, options) != 0) {
        perror("deadfuse: mount");
        return 2;
    }
    printf("mounted\n");
    fflush(stdout);
    sleep((unsigned)atoi(argv[2]));
    umount2(argv[1], MNT_DETACH);
    return 0;
}
