/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_log.c - reads the kernel's log for kills by seccomp.
 *
 * A record of /dev/kmsg is "PRIORITY,SEQUENCE,TIME,FLAGS[,...];TEXT": a process that writes there
 * cannot give the priority a facility of 0, which is the kernel's.
 */
#include "xen9p/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#define RECORD_MAX 8192
/* More than a kernel's buffer holds by default. */
#define RECORDS_AT_ONCE 8192

void kernel_log_open(struct kernel_log *l)
{
    memset(l, 0, sizeof(*l));
    l->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (l->fd >= 0)
        (void)lseek(l->fd, 0, SEEK_END);
}

void kernel_log_close(struct kernel_log *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* The number behind `key` in `s`, or false. */
static bool number_behind(const char *s, const char *key, int base, unsigned long *value)
{
    const char *at = strstr(s, key);
    char *end;

    if (at == NULL)
        return false;
    errno = 0;
    *value = strtoul(at + strlen(key), &end, base);
    return end != at + strlen(key) && errno == 0;
}

/*
 * "audit: type=1326 audit(TIME): auid= uid= gid= ses= [subj=] pid=P comm="..." exe="..." sig=31
 * arch=A syscall=N ...": the kernel writes a comm or exe with a blank or a quote in hexadecimal,
 * so that no part of the line can be taken for another.
 */
static void take_record(struct kernel_log *l, const char *record)
{
    const char *text = strchr(record, ';');
    unsigned long pid, sig, arch, call;
    char *end;

    if (text == NULL || strtoul(record, &end, 10) >> 3 != 0 || end == record ||
        strncmp(text + 1, "audit: type=1326 ", 17) != 0)
        return;
    if (!number_behind(text, " pid=", 10, &pid) || !number_behind(text, " sig=", 10, &sig) ||
        !number_behind(text, " arch=", 16, &arch) || !number_behind(text, " syscall=", 10, &call) ||
        sig != SIGSYS)
        return;
    l->kill[l->next++ % KERNEL_LOG_KEPT] =
        (struct kernel_kill){(pid_t)pid, (uint32_t)arch, (int)call};
}

static void read_new(struct kernel_log *l)
{
    char record[RECORD_MAX];

    for (int i = 0; i < RECORDS_AT_ONCE; i++) {
        ssize_t n = read(l->fd, record, sizeof(record) - 1);

        if (n < 0 && errno != EPIPE && errno != EINTR) /* EPIPE: some were overwritten */
            return;
        if (n == 0)
            return;
        if (n > 0) {
            record[n] = '\0';
            take_record(l, record);
        }
    }
}

static void name_call(const struct kernel_kill *k, char *name, size_t cap)
{
    char *known = seccomp_syscall_resolve_num_arch(k->arch, k->call);

    (void)snprintf(name, cap, "%.40s (%d)", known != NULL ? known : "?", k->call);
    free(known);
}

bool kernel_log_find(struct kernel_log *l, pid_t pid, char *name, size_t cap)
{
    if (l->fd < 0)
        return false;
    read_new(l);
    for (uint32_t i = 0; i < KERNEL_LOG_KEPT; i++) {
        struct kernel_kill *k = &l->kill[(l->next + KERNEL_LOG_KEPT - 1 - i) % KERNEL_LOG_KEPT];

        if (k->pid != pid || pid == 0)
            continue;
        name_call(k, name, cap);
        k->pid = 0;
        return true;
    }
    return false;
}
