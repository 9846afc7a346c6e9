/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * errno-model.h - for clang-tidy alone: whoever reads errno does so after a failure, so it is
 * positive. Without it the analyzer follows "return -errno" as if it were success, and it knows
 * too little about unary minus to be told so in a less concrete way.
 */
#include <errno.h>

static inline int *failed_errno(void)
{
    int *at = __errno_location();

    *at = EIO;
    return at;
}

#undef errno
#define errno (*failed_errno())
