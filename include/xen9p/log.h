/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - log lines of the privileged programs, to stderr with a level prefix that journald
 * understands ("<4>..."), or plain when stderr is a terminal. One line per call; bytes that are
 * not printable ASCII are escaped, so that no string from xenstore can forge a line.
 * The worker does not log: it sends numbers over the control socket.
 */
#ifndef XEN9P_LOG_H
#define XEN9P_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };

void log_init(const char *program, enum log_level highest);
/*
 * From now on to /dev/log (facility daemon) instead of stderr, without ever waiting for it: a line
 * is lost when its reader does not keep up. 0, or a negative errno and stderr as before.
 */
int log_to_syslog(void);
/* What log_init() was given. */
enum log_level log_highest(void);
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same whatever log_init() was given: for those who judge the level themselves. */
void log_always(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_msg(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_msg(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
