/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend.h - which server the benchmark's next rig gets: the shipped, locked-down worker, or the same engine in
 * a child of the benchmark that has no jail. The latter is part of this program only: nothing that is installed can run it.
 */
#ifndef XEN9P_BENCH_BACKEND_H
#define XEN9P_BENCH_BACKEND_H

#include <stdbool.h>

void backend_bare(bool bare);

#endif
