#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# gcc and clang have nothing to say, with every warning an error; neither has the linker.
set -u
cd "$(dirname "$0")/../.." || exit 2

out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
failed=0
for cc in gcc clang; do
    if make --no-print-directory -s -k -j"$(nproc)" CC=$cc WERROR=1 SAN= COV= \
        BUILD="build/lint-$cc" test-programs >"$out" 2>&1 && [ ! -s "$out" ]; then
        echo "ok $cc -Werror"
    else
        echo "not ok $cc -Werror"
        sed 's/^/# /' "$out"
        failed=1
    fi
done
exit $failed
