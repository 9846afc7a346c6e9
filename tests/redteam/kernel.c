/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.c - the kernel's large or new interfaces, memory that could be executed, and the network.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "xen9p/descriptors.h"

/* Newer than the headers of some build machines. */
#define NR_statmount 457
#define NR_listmount 458
#define NR_lsm_set_self_attr 460
#define NR_mseal 462
#define NR_setxattrat 463
#define NR_open_tree_attr 467
#define NR_file_setattr 469
#define NR_futex_requeue 456
#define NR_map_shadow_stack 453
#define NR_cachestat 451

_Alignas(4096) static char page[8192];
static char text[256] = "x";

/* Data into code: it is a page of the program that holds this very function. */
static long mprotect_code(struct hostile *h)
{
    uintptr_t at = (uintptr_t)mprotect_code & ~(uintptr_t)4095;

    (void)h;
    return attack(SYS_mprotect, at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, 0, 0, 0);
}

static long run_data(struct hostile *h)
{
    void (*code)(void);
    void *bytes = page;

    (void)h;
    page[0] = (char)0xc3; /* ret */
    *(void **)&code = bytes;
    code();
    return 0;
}

static long ring_executable(struct hostile *h)
{
    return attack(SYS_mprotect, AT(h->ring), 4096, PROT_READ | PROT_EXEC, 0, 0, 0);
}

#define CALL(name, nr, ...) CALL_UNDER(BUILT_IN, name, nr, __VA_ARGS__)
#define RUN(name, outcome) RUN_UNDER(BUILT_IN, name, outcome)
#define RW (PROT_READ | PROT_WRITE)

static const struct attempt table[] = {
    /* memory */
    RUN(mprotect_code, KILLED),
    RUN(run_data, CRASHED),
    RUN(ring_executable, KILLED),
    CALL("mmap_exec", SYS_mmap, 0, 4096, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
    CALL("mmap_exec_high_bits", SYS_mmap, 0, 4096, (1ull << 32) | RW, MAP_PRIVATE | MAP_ANONYMOUS,
         -1, 0),
    CALL("mmap_file", SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, WFD_FIRST_FREE, 0),
    CALL("mmap_shared", SYS_mmap, 0, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
    CALL("mmap_fixed", SYS_mmap, AT(page), 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
         0),
    CALL("mmap_locked", SYS_mmap, 0, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
    CALL("mmap_huge", SYS_mmap, 0, 1 << 21, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0),
    CALL("mprotect_exec", SYS_mprotect, AT(page), 4096, PROT_READ | PROT_EXEC),
    CALL("pkey_mprotect", SYS_pkey_mprotect, AT(page), 4096, PROT_READ | PROT_EXEC, -1),
    CALL("pkey_alloc", SYS_pkey_alloc, 0, 0),
    CALL("memfd_create", SYS_memfd_create, AT(text), 0),
    CALL("memfd_secret", SYS_memfd_secret, 0),
    CALL("mremap", SYS_mremap, AT(page), 4096, 8192, MREMAP_MAYMOVE),
    CALL("remap_file_pages", SYS_remap_file_pages, AT(page), 4096, 0, 0, 0),
    CALL("mlock", SYS_mlock, AT(page), 4096),
    CALL("mlockall", SYS_mlockall, 3),
    CALL("madvise_remove", SYS_madvise, AT(page), 4096, MADV_REMOVE),
    CALL("madvise_hwpoison", SYS_madvise, AT(page), 4096, MADV_HWPOISON),
    CALL("madvise_mergeable", SYS_madvise, AT(page), 4096, MADV_MERGEABLE),
    CALL("mbind", SYS_mbind, AT(page), 4096, 2, AT(text), 1, 0),
    CALL("map_shadow_stack", NR_map_shadow_stack, 0, 4096, 0),
    CALL("mseal", NR_mseal, AT(page), 4096, 0),
    CALL("userfaultfd", SYS_userfaultfd, 0),
    CALL("shmget", SYS_shmget, 1, 4096, 01600),
    CALL("shmat", SYS_shmat, 0, 0, 0),
    CALL("msgget", SYS_msgget, 1, 01600),
    CALL("semget", SYS_semget, 1, 1, 01600),
    CALL("mq_open", SYS_mq_open, AT(text), O_CREAT | O_RDWR, 0600, 0),
    /* machines in the kernel */
    CALL("bpf", SYS_bpf, BPF_MAP_CREATE, AT(text), 64),
    CALL("io_uring_setup", SYS_io_uring_setup, 8, AT(text)),
    CALL("io_uring_enter", SYS_io_uring_enter, WFD_FIRST_FREE, 1, 0, 0, 0, 0),
    CALL("io_uring_register", SYS_io_uring_register, WFD_FIRST_FREE, 0, 0, 0),
    CALL("io_setup", SYS_io_setup, 1, AT(text)),
    CALL("perf_event_open", SYS_perf_event_open, AT(text), 0, -1, -1, 0),
    CALL("keyctl", SYS_keyctl, 0, 0),
    CALL("add_key", SYS_add_key, AT("user"), AT(text), AT(text), 1, -1),
    CALL("request_key", SYS_request_key, AT("user"), AT(text), 0, -1),
    CALL("modify_ldt", SYS_modify_ldt, 1, AT(text), 16),
    CALL("iopl", SYS_iopl, 3),
    CALL("ioperm", SYS_ioperm, 0, 1, 1),
    CALL("init_module", SYS_init_module, AT(text), 1, AT(text)),
    CALL("finit_module", SYS_finit_module, WFD_FIRST_FREE, AT(text), 0),
    CALL("kexec_load", SYS_kexec_load, 0, 0, 0, 0),
    CALL("reboot", SYS_reboot, 0xfee1dead, 672274793, 0x01234567),
    CALL("syslog", SYS_syslog, 3, AT(text), 100),
    CALL("swapon", SYS_swapon, AT("file"), 0),
    CALL("acct", SYS_acct, AT("file")),
    CALL("quotactl", SYS_quotactl, 0, 0, 0, 0),
    CALL("settimeofday", SYS_settimeofday, AT(text), 0),
    CALL("clock_settime", SYS_clock_settime, 0, AT(text)),
    CALL("vhangup", SYS_vhangup, 0),
    CALL("statmount", NR_statmount, AT(text), AT(text), 64, 0),
    CALL("listmount", NR_listmount, AT(text), AT(text), 8, 0),
    CALL("lsm_set_self_attr", NR_lsm_set_self_attr, 100, AT(text), 32, 0),
    CALL("open_tree_attr", NR_open_tree_attr, WFD_ROOT, AT("."), 1, AT(text), 32),
    CALL("setxattrat", NR_setxattrat, WFD_ROOT, AT("file"), 0, AT("user.x"), AT(text), 16),
    CALL("file_setattr", NR_file_setattr, WFD_ROOT, AT("file"), AT(text), 24, 0),
    CALL("cachestat", NR_cachestat, WFD_FIRST_FREE, AT(text), AT(text), 0),
    CALL("futex_lock_pi", SYS_futex, AT(page), FUTEX_LOCK_PI, 0, 0, 0, 0),
    CALL("futex_requeue", SYS_futex, AT(page), FUTEX_REQUEUE, 1, 1, AT(page + 4), 0),
    CALL("futex_wait_requeue_pi", SYS_futex, AT(page), FUTEX_WAIT_REQUEUE_PI, 0, 0, AT(page + 4)),
    CALL("futex2_requeue", NR_futex_requeue, AT(text), 0, 1, 1),
    CALL("fanotify_init", SYS_fanotify_init, 0, 0),
    CALL("inotify_init1", SYS_inotify_init1, 0),
    CALL("timerfd_create", SYS_timerfd_create, 1, 0),
    CALL("timer_create", SYS_timer_create, 1, 0, AT(text)),
    CALL("lookup_dcookie", SYS_lookup_dcookie, 0, AT(text), 8),
    /* the network */
    CALL("socket_unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0),
    CALL("socket_inet", SYS_socket, AF_INET, SOCK_STREAM, 0),
    CALL("socket_raw", SYS_socket, AF_INET, SOCK_RAW, 1),
    CALL("socket_packet", SYS_socket, AF_PACKET, SOCK_RAW, 0),
    CALL("socket_netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0),
    CALL("socket_vsock", SYS_socket, AF_VSOCK, SOCK_STREAM, 0),
    CALL("socket_alg", SYS_socket, AF_ALG, SOCK_SEQPACKET, 0),
    CALL("socketpair", SYS_socketpair, AF_UNIX, SOCK_SEQPACKET, 0, AT(text)),
    CALL("connect", SYS_connect, WFD_CONTROL, AT(text), 16),
    CALL("bind", SYS_bind, WFD_CONTROL, AT(text), 2),
    CALL("listen", SYS_listen, WFD_CONTROL, 5),
    CALL("accept", SYS_accept, WFD_CONTROL, 0, 0),
    CALL("shutdown", SYS_shutdown, WFD_CONTROL, 2),
    CALL("setsockopt_passcred", SYS_setsockopt, WFD_CONTROL, SOL_SOCKET, SO_PASSCRED, AT(text), 4),
    CALL("getsockopt_peercred", SYS_getsockopt, WFD_CONTROL, SOL_SOCKET, SO_PEERCRED, AT(text),
         AT(text + 64)),
    CALL("sendto", SYS_sendto, WFD_CONTROL, AT(text), 1, 0, 0, 0),
    CALL("recvfrom", SYS_recvfrom, WFD_CONTROL, AT(text), 1, 0, 0, 0),
    CALL("sendmmsg", SYS_sendmmsg, WFD_CONTROL, AT(text), 1, 0),
};
SUBJECT(kernel, table);
