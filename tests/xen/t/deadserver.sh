# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 90
# An export on a file server that never answers: that device fails within its deadline; others are served meanwhile.
xen9pd_start
mkdir -p /srv/xen9p/good /srv/dead
echo hello >/srv/xen9p/good/hello
/lab/bin/deadfuse /srv/dead 80 >"$TESTDIR/fuse" 2>&1 &
fuse=$!
wait_until 10 grep -q mounted "$TESTDIR/fuse" || fail "no dead mount: $(cat "$TESTDIR/fuse")"
/lab/bin/fe ping 1 /srv/xen9p/good hello 70 >"$TESTDIR/ping" 2>&1 &
ping=$!
wait_until 30 grep -q connected "$TESTDIR/ping" || fail "the good device does not connect: $(cat "$TESTDIR/ping")"
start=$EPOCHSECONDS
got=$(/lab/bin/fe bad 5 /srv/dead none 30) || fail "the frontend failed: $got"
took=$((EPOCHSECONDS - start))
case $got in
    'state '[56]' error -') fail "closed without a reason" ;;
    'state '[56]' error '*) assert "closed after $took s: $got" true ;;
    *) fail "the device on the dead server: $got after $took s" ;;
esac
assert "within its deadline" test $took -lt 20
assert_eq "a new device connects meanwhile" "$(/lab/bin/fe read 6 /srv/xen9p/good hello)" hello
kill -TERM $ping
wait $ping || fail "the good device suffered: $(tail -n 1 "$TESTDIR/ping")"
read -r _ pings _ worst < <(grep ^pings "$TESTDIR/ping")
say "the good device answered $pings times meanwhile, at worst after $worst ms"
assert "the good device never waited for long ($worst ms)" test "$worst" -lt 5000
kill -KILL $fuse
assert "once the server is gone nothing is stuck" wait_until 15 eval '[ "$(worker_count)" = 0 ]'
umount -l /srv/dead
