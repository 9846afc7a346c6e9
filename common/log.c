/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - one escaped line per call, on stderr or to the system's log.
 *
 * Trusts nothing about the arguments' bytes: xenstore strings end up here.
 */
#include "xen9p/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024
#define FACILITY_DAEMON (3 << 3) /* RFC 3164, 4.1.1 */

static struct {
    const char *program;
    enum log_level highest;
    bool plain;    /* stderr is a terminal: no "<N>" prefix */
    bool syslog;   /* instead of stderr, */
    int syslog_fd; /* -1: to be opened */
} log_state = {"xen9p", LOG_LEVEL_NOTICE, false, false, -1};

void log_init(const char *program, enum log_level highest)
{
    log_state.program = program;
    log_state.highest = highest;
    log_state.plain = isatty(STDERR_FILENO) == 1;
}

static int syslog_open(void)
{
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int err;

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        err = errno;
        close(fd);
        errno = err;
        fd = -1;
    }
    return fd;
}

int log_to_syslog(void)
{
    log_state.syslog_fd = syslog_open();
    log_state.syslog = log_state.syslog_fd >= 0;
    return log_state.syslog ? 0 : -errno;
}

/* syslog priorities, as journald reads them from the start of a line */
static int priority(enum log_level level)
{
    static const int of[] = {
        [LOG_LEVEL_ERROR] = 3,
        [LOG_LEVEL_WARNING] = 4,
        [LOG_LEVEL_NOTICE] = 5,
        [LOG_LEVEL_DEBUG] = 7,
    };

    return of[level];
}

/* Escapes everything but printable ASCII as \xNN; a backslash is doubled. */
static size_t escape(char *dst, size_t cap, const char *src)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    for (; *src != '\0' && n + 4 < cap; src++) {
        unsigned char ch = (unsigned char)*src;

        if (ch == '\\') {
            dst[n++] = '\\';
            dst[n++] = '\\';
        } else if (ch >= 0x20 && ch < 0x7f) {
            dst[n++] = (char)ch;
        } else {
            dst[n++] = '\\';
            dst[n++] = 'x';
            dst[n++] = hex[ch >> 4];
            dst[n++] = hex[ch & 15];
        }
    }
    return n;
}

enum log_level log_highest(void)
{
    return log_state.highest;
}

/* A full socket loses the line: whoever logs does not wait. One that is gone is opened again. */
static void send_line(const char *line, size_t len)
{
    if (log_state.syslog_fd >= 0 &&
        (send(log_state.syslog_fd, line, len, MSG_NOSIGNAL) >= 0 || errno == EAGAIN))
        return;
    if (log_state.syslog_fd >= 0)
        close(log_state.syslog_fd);
    log_state.syslog_fd = syslog_open();
    if (log_state.syslog_fd >= 0)
        (void)send(log_state.syslog_fd, line, len, MSG_NOSIGNAL);
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level, const char *fmt,
                                                             va_list ap)
{
    char text[LOG_LINE_MAX];
    char line[64 + 4 * LOG_LINE_MAX];
    int n;
    size_t len;
    ssize_t ignored;

    (void)vsnprintf(text, sizeof(text), fmt, ap);
    if (log_state.syslog)
        n = snprintf(line, 64, "<%d>%s[%d]: ", FACILITY_DAEMON | priority(level), log_state.program,
                     (int)getpid());
    else if (log_state.plain)
        n = snprintf(line, 64, "%s: ", log_state.program);
    else
        n = snprintf(line, 64, "<%d>%s: ", priority(level), log_state.program);
    len = n < 0 ? 0 : (size_t)(n < 64 ? n : 63);
    len += escape(line + len, sizeof(line) - len - 1, text);
    if (log_state.syslog) {
        send_line(line, len);
        return;
    }
    line[len++] = '\n';
    /* one write: lines of several processes do not mix; a full or closed stderr is not our end */
    ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level > log_state.highest)
        return;
    va_start(ap, fmt);
    write_line(level, fmt, ap);
    va_end(ap);
}

void log_always(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    write_line(level, fmt, ap);
    va_end(ap);
}
