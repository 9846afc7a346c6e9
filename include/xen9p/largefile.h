/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * largefile.h - the kernel's O_LARGEFILE, for filters: some libcs set it in every open.
 *
 * glibc's own is 0 on 64-bit machines, and <asm/fcntl.h>, which has the kernel's, cannot be
 * included beside <fcntl.h>. filter_reason.c compares the two.
 */
#ifndef XEN9P_LARGEFILE_H
#define XEN9P_LARGEFILE_H

#ifdef __aarch64__
#define KERNEL_O_LARGEFILE 0400000
#else
#define KERNEL_O_LARGEFILE 0100000
#endif

#endif
