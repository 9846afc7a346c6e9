/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * service.h - telling the service manager how we are (sd_notify's protocol, without libsystemd).
 */
#ifndef XEN9P_SERVICE_H
#define XEN9P_SERVICE_H

/*
 * Sends `state` ("READY=1") to $NOTIFY_SOCKET, a path or an abstract name. Does nothing without
 * that variable; a failure is nobody's business but a debug line's.
 */
void service_notify(const char *state);

/* RELOADING=1 with its time stamp (Type=notify-reload), to be followed by READY=1. */
void service_notify_reloading(void);

#endif
