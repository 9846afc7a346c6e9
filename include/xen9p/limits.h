/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - every limit with its name and default, in one place. What a policy will be able to
 * set is marked (policy); the others are bounds of the implementation.
 */
#ifndef XEN9P_LIMITS_H
#define XEN9P_LIMITS_H

/* Device. */
#define LIMIT_MAX_RINGS 4u           /* rings of one device that we offer */
#define LIMIT_RING_PAGE_ORDER 9u     /* max-ring-page-order that we offer (policy) */

/* Worker. */
#define LIMIT_THREADS 4u             /* threads that execute requests (policy) */
#define LIMIT_THREADS_MAX 16u
#define LIMIT_THREAD_STACK (256u * 1024)
#define LIMIT_MAX_FIDS 16384u        /* (policy) */
#define LIMIT_MAX_MSIZE (512u * 1024) /* (policy) */
#define LIMIT_REQUEST 8192u          /* largest request other than Twrite, bytes */
#define LIMIT_REPLY 8192u            /* largest reply other than Rread and Rreaddir, bytes */
#define LIMIT_PARKED_FLUSHES 128u    /* Tflush waiting for the request they flush */

/* Time, in milliseconds. */
#define LIMIT_START_MS 8000          /* from fork to READY (libxl gives up after 10 s) */
#define LIMIT_DRAIN_MS 3000          /* from CTL_STOP to SIGKILL (policy) */

#endif
