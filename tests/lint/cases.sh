#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The list of hostile cases at the head of tests/host/suite_cases.c names tests: they must exist.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
names=$(sed -n '/^#include/q; p' tests/host/suite_cases.c |
    grep -oE '(^|[ (])[a-z]+\.([a-z0-9_]+|\*)' | tr -d ' (' |
    grep -vE '\.sh$|^(security|trusted|user)\.' | sort -u) # scripts, names of attributes
[ -n "$names" ] || exit 2
for name in $names; do
    suite=${name%%.*} case=${name#*.}
    # the suites of the host tests, and of the lockdown tests
    file=$(grep -lE "TAP_SUITE\\($suite,|suite_$suite = " tests/host/*.c tests/host/*/*.c)
    if [ -z "$file" ] || { [ "$case" != '*' ] && ! grep -q "\"$case\"" "$file"; }; then
        echo "not ok tests/host/suite_cases.c names $name, which is no test"
        status=1
    fi
done
[ $status -ne 0 ] || echo "ok the tests that suite_cases.c names exist"
exit $status
