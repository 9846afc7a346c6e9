#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make bench-scale: 1, 10, 100 ... devices up to the number given, each with its worker.
set -eu
: "${BUILD:=build}"
dir=$(mktemp -d "$PWD/$BUILD/scale.XXXXXX")
trap 'rm -rf "$dir"' EXIT
echo "$(uname -sr), $(nproc) processors, $(free -m | awk '/^Mem:/ { print $2 }') MiB"
XEN9P_BENCH_DIR=$dir "$BUILD/tests/bench/scale" "$BUILD/bench-scale.json" "$1"
