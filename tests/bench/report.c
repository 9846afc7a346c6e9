/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - table, JSON, SVG.
 */
#include "report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROUNDS 32
#define BAR 300.0 /* pixels for a ratio of 1 */
#define LINE 18

struct report {
    FILE *json, *svg;
    const char *other;
    char title[96];
    bool first;
    int y;
};

static FILE *make(const char *path)
{
    FILE *f = fopen(path, "w");

    if (f == NULL) {
        fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return f;
}

struct report *report_open(const char *json, const char *svg)
{
    struct report *r = calloc(1, sizeof(*r));

    if (r == NULL)
        exit(1);
    r->json = make(json);
    r->svg = make(svg);
    r->first = true;
    r->y = LINE;
    fprintf(r->json, "[\n");
    /* Long enough for all tables; what is below the last one is white. */
    fprintf(r->svg, "<svg xmlns='http://www.w3.org/2000/svg' width='1000' height='2600' "
                    "font-family='sans-serif' font-size='13'>\n"
                    "<rect width='1000' height='2600' fill='white'/>\n");
    return r;
}

void report_head(struct report *r, const char *title, const char *other)
{
    snprintf(r->title, sizeof(r->title), "%s", title);
    r->other = other;
    printf("\n%s\n%-33s %11s %11s %-5s %7s %-12s %10s %s\n", title, "", "xen9p", other, "", "ratio",
           "  spread", "per CPU", "  trip, what is wanted");
    r->y += LINE;
    fprintf(r->svg, "<text x='10' y='%d' font-weight='bold'>%s (bar: ratio to %s)</text>\n", r->y,
            title, other);
    r->y += LINE;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Sorts; the median. */
static double middle(double *v, uint32_t n)
{
    qsort(v, n, sizeof(v[0]), by_value);
    return v[n / 2];
}

/* Medians of what was measured. */
static struct sample median(const struct sample *s, uint32_t n)
{
    double v[3][MAX_ROUNDS];

    for (uint32_t i = 0; i < n; i++) {
        v[0][i] = s[i].rate;
        v[1][i] = s[i].cpu;
        v[2][i] = s[i].micros;
    }
    return (struct sample){middle(v[0], n), middle(v[1], n), middle(v[2], n)};
}

static void draw(struct report *r, const char *name, const double *ratio, uint32_t n)
{
    double mid = ratio[n / 2], width = BAR * (mid < 2 ? mid : 2);

    fprintf(r->svg,
            "<text x='10' y='%d'>%s</text>\n"
            "<rect x='250' y='%d' width='%.1f' height='12' fill='%s'/>\n"
            "<text x='%.1f' y='%d'>%.2f (%.2f to %.2f)</text>\n",
            r->y, name, r->y - 11, width, mid < 2 ? "#4a7fb5" : "#2d5f8b", 256 + width, r->y, mid,
            ratio[0], ratio[n - 1]);
    r->y += LINE;
}

static void print_json(struct report *r, const char *name, const char *unit, struct sample ours,
                       struct sample other, const double *ratio, double cpu, double target,
                       uint32_t rounds)
{
    fprintf(r->json,
            "%s  {\"table\": \"%s\", \"name\": \"%s\", \"unit\": \"%s\", \"xen9p\": %.2f, "
            "\"other\": \"%s\", \"value\": %.2f, \"ratio\": %.4f, \"ratio_min\": %.4f, "
            "\"ratio_max\": %.4f, \"ratio_per_cpu\": %.4f, \"xen9p_us\": %.2f, "
            "\"other_us\": %.2f, \"target\": %.2f, \"rounds\": %u}",
            r->first ? "" : ",\n", r->title, name, unit, ours.rate, r->other, other.rate,
            ratio[rounds / 2], ratio[0], ratio[rounds - 1], cpu, ours.micros, other.micros, target,
            rounds);
    r->first = false;
}

double report_row(struct report *r, const char *name, const char *unit, const struct sample *ours,
                  const struct sample *other, double target, uint32_t rounds)
{
    struct sample a = median(ours, rounds), b = median(other, rounds);
    double ratio[MAX_ROUNDS], per_cpu[MAX_ROUNDS], cpu = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        ratio[i] = ours[i].rate / other[i].rate;
        per_cpu[i] = other[i].cpu > 0 ? ours[i].cpu / other[i].cpu : 0;
    }
    (void)middle(ratio, rounds);
    cpu = middle(per_cpu, rounds);
    printf("%-33s %11.1f %11.1f %-5s %5.0f %% %4.0f..%4.0f %%", name, a.rate, b.rate, unit,
           100 * ratio[rounds / 2], 100 * ratio[0], 100 * ratio[rounds - 1]);
    if (cpu > 0)
        printf("  %6.0f %%", 100 * cpu);
    if (a.micros > 0 && b.micros > 0)
        printf("  %.1f and %.1f us", a.micros, b.micros);
    if (target > 0)
        printf("  (wanted: %.0f %%)", 100 * target);
    putchar('\n');
    print_json(r, name, unit, a, b, ratio, cpu, target, rounds);
    draw(r, name, ratio, rounds);
    return cpu > 0 ? per_cpu[rounds - 1] : ratio[rounds - 1];
}

void report_close(struct report *r)
{
    fprintf(r->json, "\n]\n");
    fprintf(r->svg, "</svg>\n");
    fclose(r->json);
    fclose(r->svg);
    free(r);
}
