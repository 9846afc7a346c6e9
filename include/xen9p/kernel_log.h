/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_log.h - for which system call a worker was killed by its filter.
 *
 * Only the kernel knows, and it says so in its log alone ("audit: type=1326 ... sig=31 ..."), a
 * moment after the process has ended. What stands there is taken from records of the kernel's own,
 * which no process can write; of what such a line says about the process nothing is a guest's.
 */
#ifndef XEN9P_KERNEL_LOG_H
#define XEN9P_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KERNEL_LOG_KEPT 32u /* kills that nobody has asked about yet */

struct kernel_log {
    int fd; /* of /dev/kmsg, not blocking; -1: not to be had */
    struct kernel_kill {
        pid_t pid;
        uint32_t arch; /* AUDIT_ARCH_* */
        int call;
    } kill[KERNEL_LOG_KEPT];
    uint32_t next; /* in `kill` */
};

/*
 * Opens it behind all that it holds. It needs CAP_SYSLOG on most hosts and a unit that does not
 * keep it away: without it, nothing is ever found.
 */
void kernel_log_open(struct kernel_log *l);
void kernel_log_close(struct kernel_log *l);

/*
 * Reads what is new and looks for `pid`, which has ended; each kill is found once. True with the
 * call's name (or its number) in `name`. Never waits.
 */
bool kernel_log_find(struct kernel_log *l, pid_t pid, char *name, size_t cap);

#endif
