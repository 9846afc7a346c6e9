/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lockdown_test.c - launch and lockdown of the shipped worker, as the supervisor does it.
 */
#include "../tap.h"

extern const struct tap_suite suite_launch, suite_config, suite_steps, suite_outside;

int main(int argc, char **argv)
{
    static const struct tap_suite *const suites[] = {&suite_launch, &suite_config, &suite_steps,
                                                     &suite_outside, NULL};

    return tap_main(argc, argv, suites, true);
}
