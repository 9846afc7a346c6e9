/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_tap.c - what the test harness needs of tap.h, for a program that is no test.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../host/tap.h"

const char *tap_dir(void)
{
    const char *dir = getenv("XEN9P_BENCH_DIR");

    return dir != NULL ? dir : ".";
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "bench: %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

void tap_equal(const char *file, int line, const char *what, long long got, long long want)
{
    if (got != want)
        tap_fail(file, line, "%s is %lld, not %lld", what, got, want);
}

void tap_errno(const char *file, int line, const char *what, int got, int want)
{
    if (got != want)
        tap_fail(file, line, "%s: %s", what, strerror(got));
}

void tap_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

long long tap_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void tap_sleep(long long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&ts, NULL);
}
