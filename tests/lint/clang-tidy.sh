#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clang-tidy with .clang-tidy over the product, or over the FILEs named.
set -u
cd "$(dirname "$0")/../.." || exit 2

flags=(-std=gnu11 -include tests/lint/errno-model.h -Iinclude -D_GNU_SOURCE -Wno-unknown-warning-option
    -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
    '-DXEN9P_WORKER_PATH="/usr/libexec/xen9p/xen9p-worker"' '-DXEN9P_AUDIT_PATH="/usr/libexec/xen9p/xen9p-audit"')
export FLAGS="${flags[*]@Q}"
files=("$@")
[ $# -gt 0 ] || files=(common/*.c supervisor/*.c worker/*.c)
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT

tidy() {
    eval "clang-tidy --quiet --warnings-as-errors='*' \"\$1\" -- $FLAGS" \
        >"$2/${1//\//_}" 2>"$2/${1//\//_}.err" && rm "$2/${1//\//_}" "$2/${1//\//_}.err"
}
export -f tidy
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -I{} bash -c "tidy {} $out"

failed=0
for f in "${files[@]}"; do
    log=$out/${f//\//_}
    [ -e "$log" ] || continue
    echo "not ok clang-tidy $f"
    { grep -v '^$' "$log"; grep -E 'error|rror while' "$log.err"; } | sed 's/^/# /' | head -n 60
    failed=1
done
[ $failed != 0 ] || echo "ok clang-tidy of ${#files[@]} files"
exit $failed
