/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen9pctl.c - the administrator's tool: which command is it?
 */
#include <stdio.h>
#include <string.h>

#include "ctl_log.h"
#include "ctl_policy.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"policy", ctl_policy, ctl_policy_help},
    {"log", ctl_log, ctl_log_help},
};

static void help(FILE *out)
{
    (void)fputs("usage: xen9pctl COMMAND ...\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        (void)fputs(commands[i].help, out);
    (void)fputs("See xen9pctl(8) and xen9p.conf(5).\n", out);
}

int main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help(stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    if (argc > 1)
        (void)fprintf(stderr, "xen9pctl: there is no command \"%s\"\n", argv[1]);
    help(stderr);
    return 2;
}
