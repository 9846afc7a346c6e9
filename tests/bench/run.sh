#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: the benchmark on a directory of its own, on the file system of the build folder.
set -eu
: "${BUILD:=build}"
dir=$(mktemp -d "$PWD/$BUILD/bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
echo "$(uname -sr), $(nproc) processors ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)), $(df --output=fstype "$dir" | tail -n 1)"
XEN9P_BENCH_DIR=$dir XEN9P_WORKER=$PWD/$BUILD/xen9p-worker "$BUILD/tests/bench/bench" "$BUILD/bench.json"
echo "in numbers: $BUILD/bench.json"
