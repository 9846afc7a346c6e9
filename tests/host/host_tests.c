/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_tests.c - the host tests: a worker without Xen, driven over a ring in a memfd.
 */
#include "backend.h"
#include "suites.h"

static const struct tap_suite *const suites[] = {
    &suite_session,   &suite_files,      &suite_names,    &suite_semantics,
    &suite_times,     &suite_replies,    &suite_kept,     &suite_escape,
    &suite_malformed, &suite_rings,      &suite_hostile,  &suite_parallel,
    &suite_polling,   &suite_succession, &suite_ending,   &suite_policy,
    &suite_quota,     &suite_xattr,      &suite_locks,    &suite_waiting,
    &suite_u,         &suite_ustat,      &suite_clients,  &suite_squash,
    &suite_identity,  &suite_virtfs,     &suite_audit,    &suite_mounts,
    &suite_deep,      &suite_openfiles,  &suite_ceilings, &suite_ucreate,
    &suite_cases,     &suite_growth,     &suite_counts,   NULL,
};

int main(int argc, char **argv)
{
    return tap_main(argc, argv, suites, backend_is_jailed);
}
