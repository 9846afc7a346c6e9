/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_tests.c - xen9p-audit in its jail: nothing is lost, nobody waits for another, every line
 * parses.
 */
#include "suites.h"

int main(int argc, char **argv)
{
    static const struct tap_suite *const suites[] = {
        &suite_jail,  &suite_records,  &suite_files, &suite_trouble,
        &suite_shown, &suite_together, NULL,
    };

    return tap_main(argc, argv, suites, true);
}
