#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every shell script of the tree, found by its first line, satisfies shellcheck. Not asked: SC2034 and
# SC2154 (scripts that are sourced share variables), SC2046 (words split on purpose) and SC2115 (set -eu
# stands in each, and what it warns of comes from mktemp).
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
count=0
for f in $(git ls-files 2>/dev/null || find . -type f -not -path './build/*'); do
    [ -f "$f" ] || continue
    case $(head -c 64 "$f" 2>/dev/null | tr -d '\0' | head -n 1) in
    '#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'*) ;;
    *) continue ;;
    esac
    count=$((count + 1))
    if ! out=$(shellcheck --severity=warning --external-sources --exclude=SC2034,SC2154,SC2046,SC2115 "$f" 2>&1); then
        echo "not ok shellcheck $f"
        echo "$out" | head -n 40 | sed 's/^/# /'
        failed=1
    fi
done
if [ $count = 0 ]; then
    echo "not ok no script found"
    exit 1
fi
[ $failed != 0 ] || echo "ok shellcheck of $count scripts"
exit $failed
