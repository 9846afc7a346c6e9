#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Manual pages: mandoc has no complaint, and each installed program has one.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
for page in supervisor/xen9pd.8 worker/xen9p-worker.8 $(find supervisor worker policy -name '*.[1-8]' 2>/dev/null |
    grep -v -e xen9pd.8 -e xen9p-worker.8); do
    # Which other manuals are installed here says nothing about ours.
    out=$(mandoc -Tlint -W style "$page" 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db')
    if [ -f "$page" ] && [ -z "$out" ]; then
        echo "ok mandoc $page"
    else
        echo "not ok mandoc $page"
        echo "$out" | sed 's/^/# /'
        failed=1
    fi
done
exit $failed
