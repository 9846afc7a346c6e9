#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every C file is as clang-format would write it. Remedy: make format.
set -u
cd "$(dirname "$0")/../.." || exit 2

sources=$(make -s print-sources) || exit 1
[ -n "$sources" ] || { echo "not ok no C file found"; exit 1; }
failed=0
for f in $sources; do
    if ! clang-format --dry-run -Werror "$f" >/dev/null 2>&1; then
        echo "not ok format of $f"
        clang-format "$f" | diff -u "$f" - | head -n 20 | sed 's/^/# /'
        failed=1
    fi
done
[ $failed != 0 ] || echo "ok format of $(echo "$sources" | wc -w) files"
exit $failed
