# SPDX-License-Identifier: GPL-2.0-or-later
# class: bench
# time: 1500
# The supervisor with many devices (DEVICES, 1,000 without), each with its worker, on real xenstore, grants and event channels: its
# memory, what it does when nothing happens, and the work of connecting one more, beside what the same machine needs to
# start a process.
N=${DEVICES:-1000}
mkdir -p /etc/xen9p
trap 'rm -rf /etc/xen9p' EXIT
cat >/etc/xen9p/xen9p.conf <<END
defaults {
    max-rings = 1
    max-ring-order = 1
    max-fids = 256
    threads = 1
}
END
xen9pd_start
E=/srv/xen9p/scale
mkdir -p $E
ran() { awk '{ print int($1 / 1000) }' "/proc/$XEN9PD/schedstat"; } # microseconds
pss() { awk '/^Private/ { sum += $2 } END { print sum }' "/proc/$XEN9PD/smaps_rollup"; } # KiB
spawn_us() { # what a process costs here: the yardstick of an emulated machine
    local i start=${EPOCHREALTIME/./}
    for ((i = 0; i < 50; i++)); do /bin/true; done
    echo $(((${EPOCHREALTIME/./} - start) / 50))
}
say "one process: $(spawn_us) us, the supervisor without devices: $(pss) KiB"
before=$(ran)
/lab/bin/fe many 100 $E "$N" >"$TESTDIR/many" 2>&1 &
many=$!
wait_until 1000 eval 'grep -q . "$TESTDIR/many" || ! kill -0 $many 2>/dev/null'
assert "all of them connect: $(cat "$TESTDIR/many")" grep -q "^connected $N " "$TESTDIR/many"
say "$(cat "$TESTDIR/many") s, $((($(ran) - before) / N)) us of the supervisor's for each"
sleep 3
before=$(ran)
sleep 10
idle=$((($(ran) - before) / 100))
say "idle: $idle us of each 100 ms; its own memory: $(pss) KiB; $(worker_count) workers"
before=$(ran)
/lab/bin/fe many 50 $E 1 >"$TESTDIR/one" 2>&1 &
one=$!
wait_until 60 eval 'grep -q . "$TESTDIR/one"'
grep -q '^connected 1 ' "$TESTDIR/one" || fail "one more: $(cat "$TESTDIR/one")"
more=$(($(ran) - before))
say "one more: $more us of the supervisor's; one process: $(spawn_us) us"
assert "less than 1 % of a processor while nothing happens" test "$idle" -lt 1000
assert "less than 64 MiB of its own" test "$(pss)" -lt 65536
kill -TERM $many $one
wait $many $one || true
# all in one: the lab would take them away one by one
xenstore-rm /local/domain/0/backend/xen_9pfs/0
assert "all workers end" wait_until 300 eval '[ "$(worker_count)" = 0 ]'
