/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_log.c - "xen9pctl log": reads what xen9p-audit has written, JSON Lines, oldest first.
 *
 * Names stand in the log with every byte escaped that a terminal might obey, and are shown so.
 * A line that is none is shown for what it is: nobody but xen9p-audit and root can have written it.
 */
#include "ctl_log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xen9p/audit.h"
#include "xen9p/audit_control.h"

const char ctl_log_help[] =
    "  log DOMAIN                 what a domain's workers did, oldest first\n"
    "      -f, --follow           and go on with what comes\n"
    "      --op OP[,OP...]        these operations only (create, unlink, open, ...)\n"
    "      --class CLASS[,...]    these classes only (session, mutate, read, deny, violation)\n"
    "      --since WHEN           2026-11-24T08:30 (UTC; any beginning of a time), or 90s, 15m,\n"
    "                             2h, 7d before now\n"
    "      --json                 the lines as they are\n"
    "      --directory DIR        instead of " AUDIT_LOG_DIR "\n";

#define FOLLOW_NS 200000000L
/* More files than log-keep allows. */
#define MOST_FILES 100000u

struct query {
    const char *domain, *dir, *ops, *classes;
    char since[40]; /* compared as text: times are written in one form */
    bool follow, json;
};

struct log_file {
    FILE *f;
};

struct reader {
    const struct query *q;
    int dir;       /* the domain's */
    uint64_t seen; /* number of the last line that was looked at */
    char *line;
    size_t cap;
    struct log_file *files; /* opened and not read yet, newest first */
    size_t num;
};

static int usage(void)
{
    (void)fprintf(stderr, "usage: xen9pctl log ...\n%s", ctl_log_help);
    return 2;
}

/* "15m" before now, or the beginning of a time as it is. */
static bool parse_since(const char *s, char *out, size_t cap)
{
    static const char units[] = "smhd";
    static const time_t seconds[] = {1, 60, 3600, 86400};
    size_t digits = strspn(s, "0123456789");
    const char *unit;
    struct tm tm;
    time_t t;

    if (digits > 0 && digits < 10 && s[digits] != '\0' && s[digits + 1] == '\0' &&
        (unit = strchr(units, s[digits])) != NULL) {
        t = time(NULL) - (time_t)strtoul(s, NULL, 10) * seconds[unit - units];
        return gmtime_r(&t, &tm) != NULL && strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm) > 0;
    }
    /* digits and what separates them, each where it belongs */
    for (size_t i = 0; s[i] != '\0'; i++) {
        static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddd";

        if (i >= strlen(form) ||
            (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i] && s[i] != ' '))
            return false;
        out[i] = form[i] == 'd' ? s[i] : form[i];
        out[i + 1] = '\0';
    }
    return strlen(s) >= 4;
}

/* Each word of the list names one of `num`; so that a typing error is not an empty log. */
static bool is_list_of(const char *list, const char *(*name)(uint32_t), uint32_t num)
{
    while (true) {
        size_t len = strcspn(list, ",");
        bool found = false;

        for (uint32_t i = 0; i < num && !found; i++)
            found = len > 0 && strlen(name(i)) == len && strncmp(name(i), list, len) == 0;
        if (!found) {
            (void)fprintf(stderr, "xen9pctl: there is no \"%.*s\"\n", (int)len, list);
            return false;
        }
        if (list[len] == '\0')
            return true;
        list += len + 1;
    }
}

static bool parse(int argc, char **argv, struct query *q)
{
    static const struct option longs[] = {
        {"follow", no_argument, NULL, 'f'},
        {"op", required_argument, NULL, 'o'},
        {"class", required_argument, NULL, 'c'},
        {"since", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"directory", required_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    char **args = calloc((size_t)argc + 2, sizeof(*args));
    bool good = args != NULL;
    int c;

    if (args == NULL)
        return false;
    args[0] = (char *)"xen9pctl log"; /* getopt wants a name in front */
    memcpy(args + 1, argv, (size_t)argc * sizeof(*args));
    optind = 0;
    while (good && (c = getopt_long(argc + 1, args, "f", longs, NULL)) != -1) {
        switch (c) {
        case 'f':
            q->follow = true;
            break;
        case 'o':
            q->ops = optarg;
            good = is_list_of(optarg, audit_op_name, AUDIT_OPS);
            break;
        case 'c':
            q->classes = optarg;
            good = is_list_of(optarg, audit_class_name, AUDIT_CLASSES);
            break;
        case 's':
            good = parse_since(optarg, q->since, sizeof(q->since));
            break;
        case 'j':
            q->json = true;
            break;
        case 'd':
            q->dir = optarg;
            break;
        default:
            good = false;
            break;
        }
    }
    good = good && optind == argc; /* of argc + 1 */
    if (good)
        q->domain = args[optind];
    free(args);
    return good;
}

/* --- one line --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *line, const char *key)
{
    const char *s = json_string_value(json_object_get(line, key));

    return s != NULL ? s : "";
}

static bool in_list(const char *list, const char *word)
{
    const size_t len = strlen(word);

    for (const char *p = list; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, word, len) == 0 && (p[len] == ',' || p[len] == '\0'))
            return true;
    }
    return false;
}

static bool wanted(const struct query *q, const json_t *line)
{
    return (q->ops == NULL || in_list(q->ops, text_of(line, "op"))) &&
           (q->classes == NULL || in_list(q->classes, text_of(line, "class"))) &&
           strcmp(text_of(line, "time"), q->since) >= 0;
}

/* A log that somebody else has written may hold what ours never does. */
static void put_text(const char *s)
{
    for (; *s != '\0'; s++)
        (void)putchar((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

static void put_member(const json_t *line, const char *key, const char *before)
{
    const json_t *v = json_object_get(line, key);

    if (v == NULL)
        return;
    (void)fputs(before, stdout);
    if (json_is_string(v))
        put_text(json_string_value(v));
    else if (json_is_integer(v))
        (void)printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
}

static void show(const json_t *line)
{
    put_text(text_of(line, "time"));
    (void)printf(" %-9.9s ", text_of(line, "class"));
    put_text(text_of(line, "op"));
    put_member(line, "path", " ");
    if (json_is_true(json_object_get(line, "path_cut")))
        (void)fputs("[...]", stdout);
    put_member(line, "to", " -> ");
    if (json_is_true(json_object_get(line, "to_cut")))
        (void)fputs("[...]", stdout);
    if (json_is_true(json_object_get(line, "deleted")))
        (void)fputs(" (deleted)", stdout);
    put_member(line, "export", " ");
    put_member(line, "result", ": ");
    put_member(line, "error", " ");
    put_member(line, "reason", ", ");
    put_member(line, "count", ", records: ");
    if (json_object_get(line, "mode") != NULL)
        (void)printf(", mode %llo",
                     (unsigned long long)json_integer_value(json_object_get(line, "mode")));
    put_member(line, "read", ", read ");
    put_member(line, "written", ", written ");
    put_member(line, "uid", ", uid ");
    put_member(line, "device", ", device ");
    put_member(line, "detail", ": ");
    (void)putchar('\n');
}

static void take_line(struct reader *r, const char *text, size_t len)
{
    json_t *line = json_loadb(text, len, 0, NULL);
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(line, "seq"));

    if (!json_is_object(line)) {
        (void)fprintf(stderr, "xen9pctl: a line that is none of xen9p-audit's, %zu bytes\n", len);
    } else if (seq > r->seen) { /* else it was shown before its file was moved on */
        r->seen = seq;
        if (wanted(r->q, line)) {
            if (r->q->json)
                (void)fwrite(text, 1, len, stdout);
            else
                show(line);
        }
    }
    json_decref(line);
}

/* --- files ------------------------------------------------------------------------------------ */

static FILE *open_file(const struct reader *r, uint32_t i)
{
    char name[32];
    FILE *f;
    int fd;

    (void)snprintf(name, sizeof(name), i > 0 ? AUDIT_LOG_NAME ".%u" : AUDIT_LOG_NAME, i);
    fd = openat(r->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    f = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (fd >= 0 && f == NULL)
        close(fd);
    return f;
}

/* Whole lines up to the end; half a line is left for the next time. */
static void take_lines(struct reader *r, FILE *f)
{
    ssize_t n;

    clearerr(f);
    while ((n = getline(&r->line, &r->cap, f)) > 0) {
        if (r->line[n - 1] != '\n') {
            (void)fseeko(f, -(off_t)n, SEEK_CUR);
            break;
        }
        take_line(r, r->line, (size_t)n);
    }
}

static bool same_file(FILE *a, FILE *b)
{
    struct stat x, y;

    return fstat(fileno(a), &x) == 0 && fstat(fileno(b), &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/*
 * Opens all files from the present one to older ones, until there are no more or `until`, which
 * was read before, is among them. xen9p-audit may be moving them on meanwhile: a file goes to the
 * next number, which is looked at later, so none is missed, one may be met twice, and one number
 * at a time may be without a file. -ENOMEM, or 0; the rest is told by r->num.
 */
static int open_files(struct reader *r, FILE *until)
{
    uint32_t missing = 0;

    for (uint32_t i = 0; i < MOST_FILES && missing < 2; i++) {
        FILE *f = open_file(r, i);
        struct log_file *files;

        missing = f != NULL ? 0 : missing + 1;
        if (f == NULL)
            continue;
        files = realloc(r->files, (r->num + 1) * sizeof(*files));
        if (files == NULL) {
            (void)fclose(f);
            return -ENOMEM;
        }
        r->files = files;
        r->files[r->num++].f = f;
        if (until != NULL && same_file(f, until))
            break;
    }
    return 0;
}

/*
 * Reads all files, oldest first, from `until` on when it is not NULL. Returns the newest in its
 * place, which is closed then; `until` itself when there is none.
 */
static FILE *take_files(struct reader *r, FILE *until)
{
    FILE *newest = NULL;

    if (open_files(r, until) != 0)
        (void)fprintf(stderr, "xen9pctl: no memory for all files of the log\n");
    if (r->num == 0)
        return until;
    if (until != NULL)
        (void)fclose(until);
    while (r->num > 0) {
        if (newest != NULL)
            (void)fclose(newest);
        newest = r->files[--r->num].f;
        take_lines(r, newest);
    }
    return newest;
}

/* True while the present file is the one that we read. */
static bool is_present(const struct reader *r, FILE *f)
{
    struct stat ours, present;

    return fstat(fileno(f), &ours) == 0 &&
           fstatat(r->dir, AUDIT_LOG_NAME, &present, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == present.st_dev && ours.st_ino == present.st_ino;
}

static void follow(struct reader *r, FILE *f)
{
    const struct timespec pause = {0, FOLLOW_NS};

    while (f != NULL && fflush(stdout) == 0) {
        (void)nanosleep(&pause, NULL);
        take_lines(r, f);
        if (!is_present(r, f))
            f = take_files(r, f);
    }
    if (f != NULL)
        (void)fclose(f);
}

static int open_directory(const struct query *q)
{
    char name[AUDIT_DIRECTORY_MAX];
    int dir = open(q->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

    audit_directory(name, q->domain);
    fd = dir >= 0 ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        (void)fprintf(stderr, "xen9pctl: %s/%s: %s%s\n", q->dir, name, strerror(errno),
                      errno == ENOENT ? "; does this domain's policy name audit classes?" : "");
    if (dir >= 0)
        close(dir);
    return fd;
}

/* One descriptor for each file that log-keep allows. */
static void raise_nofile(void)
{
    struct rlimit rl;

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return;
    rl.rlim_cur = rl.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &rl);
}

int ctl_log(int argc, char **argv)
{
    struct query q = {.dir = AUDIT_LOG_DIR};
    struct reader r = {.q = &q};
    bool any;
    FILE *f;

    if (!parse(argc, argv, &q))
        return usage();
    r.dir = open_directory(&q);
    if (r.dir < 0)
        return 1;
    raise_nofile();
    f = take_files(&r, NULL);
    any = f != NULL;
    if (!any)
        (void)fprintf(stderr, "xen9pctl: no file " AUDIT_LOG_NAME " for %s\n", q.domain);
    if (any && q.follow)
        follow(&r, f);
    else if (f != NULL)
        (void)fclose(f);
    free(r.files);
    free(r.line);
    close(r.dir);
    return any && fflush(stdout) == 0 ? 0 : 1;
}
