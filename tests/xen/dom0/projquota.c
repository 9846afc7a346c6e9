/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * projquota DIR DEVICE ID BYTES: DIR and what is made below it belong to project ID, which may use BYTES
 * of the file system on DEVICE (mounted with prjquota).
 */
#include <err.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <unistd.h>

#ifndef PRJQUOTA
#define PRJQUOTA 2
#endif

int main(int argc, char **argv)
{
    struct dqblk limit = {.dqb_valid = QIF_BLIMITS};
    struct fsxattr attr;
    int fd, id;

    if (argc != 5)
        errx(2, "see the head of projquota.c");
    id = atoi(argv[3]);
    fd = open(argv[1], O_RDONLY | O_DIRECTORY);
    if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attr) != 0)
        err(1, "%s", argv[1]);
    attr.fsx_projid = (unsigned)id;
    attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) != 0)
        err(1, "project of %s", argv[1]);
    close(fd);
    limit.dqb_bhardlimit = strtoull(argv[4], NULL, 10) / QIF_DQBLKSIZE;
    if (quotactl(QCMD(Q_SETQUOTA, PRJQUOTA), argv[2], id, (caddr_t)&limit) != 0)
        err(1, "quota on %s", argv[2]);
    return 0;
}
