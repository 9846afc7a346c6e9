#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make bench-scale, the supervisor's part: xen9pd as installed, with a real xenstored, connects N devices, each with its
# worker in its jail; then one more, ten times. There is no Xen under them: noxen.c says what stands in for it. Everything
# happens on an overlay of this machine's root in namespaces of its own, and is gone afterwards.
#   connect.sh N    fails where something is worse than twice its target; 77: there is no xenstored
set -eu
: "${BUILD:=build}"
N=$1

# xenstored, without installing it: it belongs to a package that starts services.
find_xenstored() {
    local x
    for x in /usr/lib/xen-*/bin/xenstored "$BUILD/tests/bench/xenstored"; do
        [ ! -x "$x" ] || { echo "$x" && return; }
    done
}

# The new root is $1, of memory but for what it shows of the old one.
make_root() {
    mount -t tmpfs none "$1"
    mkdir "$1/upper" "$1/work" "$1/root"
    mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" none "$1/root"
    cd "$1/root"
    mount -t proc none proc
    mount -t tmpfs none run
    mount -t tmpfs none tmp
    mount -t tmpfs -o mode=755 none dev
    mkdir -p dev/xen/pts dev/shm tmp/build tmp/export etc/xen9p run/xenstored var/lib/xenstored
    local node
    for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 xen/gntdev:1:5 xen/evtchn:5:2; do
        IFS=: read -r node major minor <<<"$node"
        mknod -m 666 "dev/$node" c "$major" "$minor"
    done
    mount -t devpts -o newinstance,max=16384 none dev/xen/pts # where /dev/xen/evtchn looks
    mount --bind "$TOP" tmp/build
    chown 1000:1000 tmp/export
    make -s -C "$TOP" install "DESTDIR=$1/root" >/dev/null
    rm -f etc/xen9p/*.conf
    # so that the budgets of the host last for all of them
    echo 'defaults { max-rings = 1 max-ring-order = 1 max-fids = 256 threads = 1 }' >etc/xen9p/xen9p.conf
    mkdir tmp/old
    pivot_root . tmp/old
    cd /tmp/build
    umount -l /tmp/old
}

ran() { # all threads, microseconds
    cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { print int(sum / 1000) }'
}
own() { awk '/^Private/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"; } # KiB
workers_are() { [ "$(pgrep -c -x xen9p-worker || true)" = "$1" ]; }
per() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
exec {NAP}<> <(:)
await() { # SECONDS COMMAND...; a fork each time would be part of what is measured
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "connect.sh: in vain: $*" >&2 && tail -n 5 /tmp/*.log >&2 && exit 1; }
        read -rt 0.05 -u "$NAP" || true
    done
}
# devices FIRST NUM: waits until they are connected, and says how long it took.
connect() {
    "$BUILD/tests/bench/devices" "$1" "$2" /tmp/export >"/tmp/devices.$1" &
    await 300 test -s "/tmp/devices.$1"
    cut -d ' ' -f 3 "/tmp/devices.$1"
}
worse=0
judge() { # WHAT VALUE TARGET UNIT
    local verdict=met
    [ "$(awk "BEGIN { print $2 <= $3 }")" = 1 ] || verdict='not met'
    [ "$(awk "BEGIN { print $2 <= 2 * $3 }")" = 1 ] || worse=1
    printf '%-44s %10s %s (target %s, %s)\n' "$1" "$2" "$4" "$3" "$verdict"
}

measure() {
    local preload=$PWD/$BUILD/tests/bench/noxen.so sv seconds before each idle more
    LD_PRELOAD=$preload "$XENSTORED" --no-fork -E 200000 -W 100000 -t 100 2>/tmp/xenstored.log &
    await 10 test -S /run/xenstored/socket
    LD_PRELOAD=$preload xen9pd 2>/tmp/xen9pd.log &
    sv=$!
    await 10 grep -q 'serves backend' /tmp/xen9pd.log
    sleep 1
    before=$(ran $sv)
    seconds=$(connect 0 "$N")
    each=$(per $(($(ran $sv) - before)) "$((N * 1000))")
    workers_are "$N" || { echo "connect.sh: $N connected, but not as many workers" >&2 && exit 1; }
    sleep 3
    before=$(ran $sv)
    sleep 10
    idle=$(per $(($(ran $sv) - before)) 100000)
    before=$(ran $sv)
    for ((i = 0; i < 10; i++)); do connect $((N + i)) 1 >/dev/null; done
    more=$(per $(($(ran $sv) - before)) 10000)
    judge "$N devices connected" "$seconds" "$(per $((N > 50 ? N : 50)) 50)" s
    printf '%-44s %10s ms\n' "  work of the supervisor for each" "$each"
    judge "one more, work of the supervisor" "$more" 10 ms
    judge "idle, of one processor" "$idle" 1 %
    judge "its own memory" "$(own $sv)" 65536 KiB
    printf '{"devices": %s, "seconds": %s, "each_ms": %s, "one_more_ms": %s, "idle_percent": %s, "own_kib": %s}\n' \
        "$N" "$seconds" "$each" "$more" "$idle" "$(own $sv)" >"$BUILD/bench-connect.json"
    pkill -x devices
    await 60 workers_are 0
    return $worse
}

case ${2:-} in
'')
    if [ -z "$(find_xenstored)" ]; then
        xen=$(dpkg-query -W -f '${Version}' libxen-dev | cut -d . -f 1,2)
        (
            cd "$BUILD/tests/bench" && apt-get download -q "xen-utils-$xen" &&
                dpkg --fsys-tarfile xen-utils-*.deb | tar -x --transform 's,.*/,,' "./usr/lib/xen-$xen/bin/xenstored"
        ) >/dev/null 2>&1 || :
    fi
    XENSTORED=$(find_xenstored)
    [ -n "$XENSTORED" ] || { echo "SKIPPED: connect.sh: no xenstored here, and xen-utils cannot be fetched" >&2 && exit 77; }
    dir=$(mktemp -d)
    trap 'rmdir "$dir"' EXIT
    export XENSTORED TOP="$PWD" BUILD
    unshare --mount --pid --ipc --fork --kill-child "$0" "$N" "$dir"
    ;;
*)
    make_root "$2"
    measure
    ;;
esac
