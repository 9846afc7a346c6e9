/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * noxen.c - LD_PRELOAD for xenstored and xen9pd where there is no Xen: as much of libxenctrl, libxenevtchn, libxengnttab
 * and the gntdev driver as connecting devices takes.
 *
 * Every grant is a page of zeros, but an interface page, which says order 1. An event channel never fires. /dev/xen/gntdev
 * is a node of /dev/zero and /dev/xen/evtchn one of /dev/ptmx: a worker maps the one and waits on the other, and cannot
 * tell them from the real ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <xen/xen.h>

#include <xen/io/9pfs.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include <xen/gntdev.h>

#define PAGE 4096u
#define ORDER 1u

struct xenevtchn_handle {
    int fd;
    xenevtchn_port_or_error_t ports;
};

/* What is written to a terminal's master must not come back. */
static int open_quiet(void)
{
    int fd = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct termios t;

    if (fd >= 0 && tcgetattr(fd, &t) == 0) {
        cfmakeraw(&t);
        (void)tcsetattr(fd, TCSANOW, &t);
    }
    return fd;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    struct xenevtchn_handle *h = calloc(1, sizeof(*h));

    (void)logger;
    (void)flags;
    if (h != NULL)
        h->fd = open_quiet();
    if (h != NULL && h->fd < 0) {
        free(h);
        h = NULL;
    }
    return h;
}

int xenevtchn_close(xenevtchn_handle *h)
{
    close(h->fd);
    free(h);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
    return h->fd;
}

int xenevtchn_restrict(xenevtchn_handle *h, domid_t domid)
{
    (void)h;
    (void)domid;
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t domid,
                                                     evtchn_port_t port)
{
    (void)domid;
    (void)port;
    return ++h->ports;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h, unsigned int virq)
{
    (void)virq;
    return ++h->ports;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
    (void)h;
    errno = EAGAIN;
    return -1;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
    (void)h;
    (void)port;
    return 0;
}

struct xengntdev_handle {
    int none;
};

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger;
    (void)flags;
    return calloc(1, sizeof(struct xengntdev_handle));
}

int xengnttab_close(xengnttab_handle *h)
{
    free(h);
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *h, uint32_t count)
{
    (void)h;
    (void)count;
    return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *h, uint32_t domid, uint32_t ref, int prot)
{
    struct xen_9pfs_data_intf *intf =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)h;
    (void)domid;
    (void)prot;
    if (intf == MAP_FAILED)
        return NULL;
    intf->ring_order = ORDER;
    for (uint32_t i = 0; i < 1u << ORDER; i++)
        intf->ref[i] = (ref << ORDER) + 100 + i;
    return intf;
}

int xengnttab_unmap(xengnttab_handle *h, void *start, uint32_t count)
{
    (void)h;
    return munmap(start, (size_t)count * PAGE);
}

int ioctl(int fd, unsigned long request, ...)
{
    struct ioctl_gntdev_map_grant_ref *map;
    va_list ap;
    void *arg;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (request != IOCTL_GNTDEV_MAP_GRANT_REF)
        return (int)syscall(SYS_ioctl, fd, request, arg);
    map = arg;
    map->index = 0; /* each mapping of /dev/zero is memory of its own, from 0 on */
    return 0;
}

/* Where xenstored finds its ring with domain 0's kernel, which says nothing. */
int open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;
    int fd;

    va_start(ap, flags);
    mode = va_arg(ap, mode_t);
    va_end(ap);
    if (strncmp(path, "/proc/xen/xsd_", 14) != 0)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    fd = memfd_create(path + 10, MFD_CLOEXEC);
    if (fd >= 0 && (ftruncate(fd, PAGE) != 0 || pwrite(fd, "1", 1, 0) != 1)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* <xenctrl.h> is for programs of one version of Xen. */
void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags);
int xc_interface_close(void *xch);
int xc_domain_getinfo(void *xch, uint32_t first, unsigned most, void *info);

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags)
{
    (void)logger;
    (void)dombuild_logger;
    (void)flags;
    return calloc(1, 1);
}

int xc_interface_close(void *xch)
{
    free(xch);
    return 0;
}

int xc_domain_getinfo(void *xch, uint32_t first, unsigned most, void *info)
{
    (void)xch;
    (void)first;
    (void)most;
    (void)info;
    errno = ESRCH;
    return -1;
}
