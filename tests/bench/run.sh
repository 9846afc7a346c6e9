#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: the benchmark on a directory of its own, on the file system of the build folder.
# Arguments: see bench.c.
set -eu
: "${BUILD:=build}"

# diod, without installing it: its package starts a server that listens to everybody.
find_diod() {
    for d in /usr/sbin/diod "$PWD/$BUILD/diod/usr/sbin/diod"; do
        if "$d" --help >/dev/null 2>&1 || [ $? = 1 ]; then
            [ -x "$d" ] && echo "$d" && return
        fi
    done
}
if [ -z "$(find_diod)" ]; then
    (cd "$BUILD" && apt-get download -q diod && dpkg -x diod_*.deb diod) >/dev/null 2>&1 || :
fi
XEN9P_BENCH_DIOD=$(find_diod)
export XEN9P_BENCH_DIOD

dir=$(mktemp -d "$PWD/$BUILD/bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
echo "$(uname -sr), $(nproc) processors ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)), $(df --output=fstype "$dir" | tail -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
XEN9P_BENCH_DIR=$dir "$BUILD/tests/bench/bench" "$@" "$BUILD/bench.json" "$BUILD/bench.svg"
echo
echo "in numbers: $BUILD/bench.json, as a picture: $BUILD/bench.svg"
