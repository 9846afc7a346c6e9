/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_policy.c - "xen9pctl policy check|print|seccomp|diff".
 */
#include "ctl_policy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xen9p/filter_cache.h"
#include "xen9p/policy.h"

const char ctl_policy_help[] =
    "  policy check [FILE...]     read the policy, or these files, and tell all errors\n"
    "  policy print [DOMAIN]      what holds for a domain, and the line that says so\n"
    "  policy seccomp [DOMAIN]    the system call filter of its worker\n"
    "  policy diff OLD NEW        what differs between two policies (files or directories)\n"
    "      --uuid UUID            of the domain\n"
    "      --path PATH            of the export; alone, as a driver domain sees it\n"
    "      --config PATH          file or directory instead of /etc/xen9p\n";

static int usage(void)
{
    (void)fprintf(stderr, "usage: xen9pctl policy ...\n%s", ctl_policy_help);
    return 2;
}

static void tell(const struct policy_report *r)
{
    char line[1536];

    for (size_t i = 0; i < r->num; i++) {
        policy_report_format(&r->message[i], line, sizeof(line));
        (void)fprintf(stderr, "%s\n", line);
    }
    if (r->dropped != 0)
        (void)fprintf(stderr, "and %zu more\n", r->dropped);
}

static int finish_output(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return 0;
    perror("xen9pctl: output");
    return 1;
}

/* The installed policy is judged as xen9pd would, a draft by what it says. NULL after telling. */
static struct policy_set *load(const char *const *files, size_t num, struct policy_report *report)
{
    struct policy_set *set;

    if (num == 0)
        set = policy_load(POLICY_DIR, 0, report);
    else
        set = policy_load_files(files, num, report);
    tell(report);
    return set;
}

static int check(int argc, char **argv)
{
    struct policy_report report = {0};
    struct policy_set *set;

    for (int i = 0; i < argc; i++)
        if (argv[i][0] == '-')
            return usage();
    set = load((const char *const *)argv, (size_t)argc, &report);
    if (set == NULL) {
        (void)fprintf(stderr, "%zu error%s\n", report.errors, report.errors == 1 ? "" : "s");
    } else {
        size_t files = policy_set_files(set);

        printf("%zu file%s, no errors%s\n", files, files == 1 ? "" : "s",
               files == 0 ? ": the built-in policy holds" : "");
        policy_print_sum(set, stdout);
    }
    policy_report_clear(&report);
    policy_set_unref(set);
    return set != NULL ? finish_output() : 1;
}

struct query {
    struct policy_subject who;
    const char *config;
};

/* Options and the domain's name. False when they make no sense. */
static bool parse_query(int argc, char **argv, struct query *q)
{
    for (int i = 0; i < argc; i++) {
        const char **value = strcmp(argv[i], "--uuid") == 0     ? &q->who.uuid
                             : strcmp(argv[i], "--path") == 0   ? &q->who.path
                             : strcmp(argv[i], "--config") == 0 ? &q->config
                                                                : NULL;

        if (value == NULL && argv[i][0] != '-' && q->who.name == NULL)
            q->who.name = argv[i];
        else if (value != NULL && *value == NULL && i + 1 < argc)
            *value = argv[++i];
        else
            return false;
    }
    return q->who.name != NULL || q->who.uuid != NULL || q->who.path != NULL;
}

static int print_policy(const struct policy *p)
{
    policy_print(p, stdout);
    return finish_output();
}

static int print_filter(const struct policy *p)
{
    struct filter_spec spec = {.notify = CTL_NOTIFY_EVTCHN};
    struct filter_cache cache = {.num = 0};
    const struct compiled_filter *filter;
    int err;

    spec.read_only = policy_number(p, POLICY_ACCESS) == POLICY_READ_ONLY;
    spec.forbidden = OPERATIONS_ALL & ~(uint32_t)policy_number(p, POLICY_OPERATIONS);
    spec.identity = (enum ctl_identity)policy_number(p, POLICY_IDENTITY);
    spec.device_nodes = policy_number(p, POLICY_DEVICE_NODES) == POLICY_DEVICE_NODES_NOTE;
    filter = filter_cache_get(&cache, &spec, &err);
    printf("# %s\n# %s\n", policy_origin(p), filter != NULL ? filter->hash : strerror(-err));
    filter_cache_clear(&cache);
    if (finish_output() != 0)
        return 1;
    err = filter_print(&spec, STDOUT_FILENO);
    if (err != 0)
        (void)fprintf(stderr, "xen9pctl: filter: %s\n", strerror(-err));
    return err == 0 ? 0 : 1;
}

/* Resolves the domain of the command line and shows it. */
static int show(int argc, char **argv, int (*how)(const struct policy *p))
{
    struct query q = {.config = NULL};
    struct policy_report report = {0};
    struct policy_set *set;
    struct policy *p = NULL;
    char why[512] = "out of memory";
    int status = 1;

    if (!parse_query(argc, argv, &q))
        return usage();
    set = load(&q.config, q.config != NULL ? 1 : 0, &report);
    policy_report_clear(&report);
    if (set == NULL)
        return 1;
    if (policy_resolve(set, &q.who, &p, why, sizeof(why)) == 0)
        status = how(p);
    else
        (void)fprintf(stderr, "xen9pctl: refused: %s\n", why);
    policy_free(p);
    policy_set_unref(set);
    return status;
}

static int diff(int argc, char **argv)
{
    struct policy_report report = {0};
    struct policy_set *from, *to;
    int status = 2;

    if (argc != 2 || argv[0][0] == '-' || argv[1][0] == '-')
        return usage();
    from = load((const char *const *)&argv[0], 1, &report);
    policy_report_clear(&report);
    to = load((const char *const *)&argv[1], 1, &report);
    policy_report_clear(&report);
    if (from != NULL && to != NULL)
        status = policy_diff_sets(from, to, stdout) != 0 ? 1 : 0;
    policy_set_unref(from);
    policy_set_unref(to);
    return finish_output() == 0 ? status : 2;
}

int ctl_policy(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "check") == 0)
        return check(argc - 1, argv + 1);
    if (argc > 0 && strcmp(argv[0], "print") == 0)
        return show(argc - 1, argv + 1, print_policy);
    if (argc > 0 && strcmp(argv[0], "seccomp") == 0)
        return show(argc - 1, argv + 1, print_filter);
    if (argc > 0 && strcmp(argv[0], "diff") == 0)
        return diff(argc - 1, argv + 1);
    return usage();
}
