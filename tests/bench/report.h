/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what a benchmark has measured: a table for people, JSON for machines, a picture of the ratios.
 */
#ifndef XEN9P_BENCH_REPORT_H
#define XEN9P_BENCH_REPORT_H

#include <stdint.h>

struct report;

/* One measurement. */
struct sample {
    double rate;   /* units per second of the clock on the wall */
    double cpu;    /* units per second of processor time that the server took; 0: not measured */
    double micros; /* what an operation takes, see the table; 0: not measured */
};

/* Ends the program when a file cannot be written. */
struct report *report_open(const char *json, const char *svg);
/* A new table; `other` names what is compared with. */
void report_head(struct report *r, const char *title, const char *other);
/*
 * One row: medians over the rounds, and median, least and greatest of the ratio within a round. The ratio of the units
 * per second of processor time is what other load on the machine disturbs least. Returns that of the
 * best round (of the ratio itself where processor time was not measured). `target`: least ratio that is wanted, 0: none.
 */
double report_row(struct report *r, const char *name, const char *unit, const struct sample *ours,
                  const struct sample *other, double target, uint32_t rounds);
void report_close(struct report *r);

#endif
