/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * version.h - the version that --version prints.
 */
#ifndef XEN9P_VERSION_H
#define XEN9P_VERSION_H

#define XEN9P_VERSION "0.1"

#endif
