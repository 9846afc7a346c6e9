/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * descriptors.c - what could be made of the descriptors that a worker keeps: the event channel
 * device above all, which can bind to every domain's ports.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <xen/xen.h> /* domid_t for the two below */

#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

static char arg[256];

/* A grown or shrunken journal, through the memory that is left of it. */
static long scribble_journal(struct hostile *h)
{
    uint8_t *bytes = (uint8_t *)h->journal;

    for (size_t i = 0; i < sizeof(*h->journal); i++)
        bytes[i] = 0xff;
    return 0;
}

static long journal_behind_end(struct hostile *h)
{
    volatile uint8_t *bytes = (volatile uint8_t *)h->journal;

    /* a page that the supervisor has not, then the rest of the address space */
    for (size_t i = 0;; i += 4096)
        bytes[i] = 0;
    return 0;
}

static long drop_ring_pages(struct hostile *h)
{
    return attack(SYS_madvise, AT(h->ring), h->ring_len, MADV_DONTNEED, 0, 0, 0);
}

static long unmap_ring(struct hostile *h)
{
    return attack(SYS_munmap, AT(h->ring + 4096), h->ring_len - 4096, 0, 0, 0, 0);
}

#define CALL(name, nr, ...) CALL_UNDER(BUILT_IN, name, nr, __VA_ARGS__)
#define RUN(name, outcome) RUN_UNDER(BUILT_IN, name, outcome)
#define IOCTL(name, fd, request) CALL("ioctl_" name, SYS_ioctl, fd, request, AT(arg))

static const struct attempt table[] = {
    IOCTL("evtchn_bind_virq", WFD_NOTIFY, IOCTL_EVTCHN_BIND_VIRQ),
    IOCTL("evtchn_bind_interdomain", WFD_NOTIFY, IOCTL_EVTCHN_BIND_INTERDOMAIN),
    IOCTL("evtchn_bind_interdomain_second_ring", WFD_NOTIFY + 1, IOCTL_EVTCHN_BIND_INTERDOMAIN),
    IOCTL("evtchn_bind_unbound_port", WFD_NOTIFY, IOCTL_EVTCHN_BIND_UNBOUND_PORT),
    IOCTL("evtchn_unbind", WFD_NOTIFY, IOCTL_EVTCHN_UNBIND),
    IOCTL("evtchn_reset", WFD_NOTIFY, IOCTL_EVTCHN_RESET),
    IOCTL("evtchn_restrict_domid", WFD_NOTIFY, IOCTL_EVTCHN_RESTRICT_DOMID),
    IOCTL("evtchn_bind_static", WFD_NOTIFY, _IOC(_IOC_NONE, 'E', 7, 4)),
    IOCTL("notify_high_bits", WFD_NOTIFY, (1ull << 32) | IOCTL_EVTCHN_NOTIFY),
    IOCTL("notify_other_descriptor", WFD_ROOT, IOCTL_EVTCHN_NOTIFY),
    IOCTL("descriptor_high_bits", (1ull << 32) | WFD_NOTIFY, IOCTL_EVTCHN_NOTIFY),
    IOCTL("gntdev_map", WFD_RINGMEM, IOCTL_GNTDEV_MAP_GRANT_REF),
    IOCTL("gntdev_map_on_notify", WFD_NOTIFY, IOCTL_GNTDEV_MAP_GRANT_REF),
    IOCTL("gntdev_unmap", WFD_RINGMEM, IOCTL_GNTDEV_UNMAP_GRANT_REF),
    IOCTL("gntdev_copy", WFD_RINGMEM, IOCTL_GNTDEV_GRANT_COPY),
    IOCTL("gntdev_dmabuf", WFD_RINGMEM, _IOC(_IOC_NONE, 'G', 9, 16)),
    IOCTL("tiocsti", 0, 0x5412),
    IOCTL("fionread", WFD_CONTROL, 0x541b),
    IOCTL("siocgifconf", WFD_CONTROL, 0x8912),
    IOCTL("setflags", WFD_FIRST_FREE, FS_IOC_SETFLAGS),
    IOCTL("ficlone", WFD_FIRST_FREE, FICLONE),
    IOCTL("fifreeze", WFD_ROOT, FIFREEZE),
    IOCTL("ns_get_parent", WFD_USERNS, 0xb702),
    CALL("dup", SYS_dup, WFD_CONTROL),
    CALL("dup2", SYS_dup2, WFD_ROOT, WFD_PROC),
    CALL("dup3", SYS_dup3, WFD_ROOT, WFD_PROC, O_CLOEXEC),
    CALL("fcntl_dupfd", SYS_fcntl, WFD_ROOT, F_DUPFD, 0),
    CALL("fcntl_setfl", SYS_fcntl, WFD_NOTIFY, F_SETFL, 0),
    CALL("fcntl_setown", SYS_fcntl, WFD_CONTROL, F_SETOWN, 1),
    CALL("fcntl_setsig", SYS_fcntl, WFD_CONTROL, F_SETSIG, 9),
    CALL("fcntl_setlease", SYS_fcntl, WFD_FIRST_FREE, F_SETLEASE, F_WRLCK),
    CALL("fcntl_notify", SYS_fcntl, WFD_ROOT, F_NOTIFY, 0x3f),
    CALL("fcntl_add_seals", SYS_fcntl, WFD_JOURNAL, F_ADD_SEALS, F_SEAL_WRITE),
    CALL("fcntl_setpipe_size", SYS_fcntl, WFD_FIRST_FREE, F_SETPIPE_SZ, 1 << 20),
    CALL("close_null", SYS_close, 0),
    CALL("close_control", SYS_close, WFD_CONTROL),
    CALL("close_notify", SYS_close, WFD_NOTIFY),
    CALL("close_proc", SYS_close, WFD_PROC),
    CALL("close_root", SYS_close, WFD_ROOT),
    CALL("close_audit", SYS_close, WFD_AUDIT),
    CALL("close_last_fixed", SYS_close, WFD_FIRST_FREE - 1),
    CALL("close_range", SYS_close_range, 0, ~0u, 0),
    CALL("read_control", SYS_read, WFD_CONTROL, AT(arg), 16),
    CALL("write_control", SYS_write, WFD_CONTROL, AT(arg), 16),
    CALL("write_call", SYS_write, WFD_CALL, AT(arg), 8),
    CALL("write_audit", SYS_write, WFD_AUDIT, AT(arg), 16),
    CALL("sendmsg_audit", SYS_sendmsg, WFD_AUDIT, AT(arg), 0),
    CALL("recvmsg_audit", SYS_recvmsg, WFD_AUDIT, AT(arg), 0),
    CALL("sendto_audit_waiting", SYS_sendto, WFD_AUDIT, AT(arg), 16, 0, 0, 0),
    CALL("sendto_audit_address", SYS_sendto, WFD_AUDIT, AT(arg), 16, 0x4040, AT(arg), 110),
    CALL("shutdown_audit", SYS_shutdown, WFD_AUDIT, 2),
    CALL("setsockopt_audit", SYS_setsockopt, WFD_AUDIT, 1, 7, AT(arg), 4),
    CALL("writev", SYS_writev, WFD_CONTROL, AT(arg), 1),
    CALL("readv", SYS_readv, WFD_CONTROL, AT(arg), 1),
    CALL("pread_fixed", SYS_pread64, WFD_RINGMEM, AT(arg), 16, 0),
    CALL("pwrite", SYS_pwrite64, WFD_FIRST_FREE, AT(arg), 16, 0),
    CALL("pwritev2_fixed", SYS_pwritev2, WFD_JOURNAL, AT(arg), 1, 0, 0, 0),
    CALL("lseek_fixed", SYS_lseek, WFD_ROOT, 0, 0),
    CALL("getdents_fixed", SYS_getdents64, WFD_PROC, AT(arg), sizeof(arg)),
    CALL("ftruncate_ring", SYS_ftruncate, WFD_RINGMEM, 0),
    CALL("ftruncate_journal", SYS_ftruncate, WFD_JOURNAL, 1 << 20),
    CALL("fallocate", SYS_fallocate, WFD_RINGMEM, 3, 0, 4096),
    CALL("fsync_fixed", SYS_fsync, WFD_ROOT),
    CALL("flock_fixed", SYS_flock, WFD_ROOT, LOCK_EX),
    CALL("splice", SYS_splice, WFD_FIRST_FREE, 0, WFD_CONTROL, 0, 4096, 0),
    CALL("vmsplice", SYS_vmsplice, WFD_FIRST_FREE, AT(arg), 1, 0),
    CALL("tee", SYS_tee, WFD_FIRST_FREE, WFD_CONTROL, 16, 0),
    CALL("sendfile", SYS_sendfile, WFD_CONTROL, WFD_FIRST_FREE, 0, 16),
    CALL("copy_file_range", SYS_copy_file_range, WFD_FIRST_FREE, 0, WFD_FIRST_FREE + 1, 0, 16, 0),
    CALL("readahead", SYS_readahead, WFD_FIRST_FREE, 0, 4096),
    CALL("sync", SYS_sync, 0),
    CALL("syncfs", SYS_syncfs, WFD_ROOT),
    CALL("epoll_create1", SYS_epoll_create1, 0),
    CALL("epoll_ctl", SYS_epoll_ctl, WFD_EPOLL, EPOLL_CTL_DEL, WFD_CONTROL, AT(arg)),
    CALL("epoll_wait_other", SYS_epoll_wait, WFD_FIRST_FREE, AT(arg), 1, 0),
    CALL("eventfd2", SYS_eventfd2, 0, 0),
    CALL("poll", SYS_poll, AT(arg), 1, 0),
    CALL("pipe2", SYS_pipe2, AT(arg), 0),
    RUN(scribble_journal, VAIN),
    RUN(journal_behind_end, CRASHED),
    RUN(drop_ring_pages, VAIN),
    RUN(unmap_ring, VAIN),
};
SUBJECT(descriptors, table);
