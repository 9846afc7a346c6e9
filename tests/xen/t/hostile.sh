# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 200
# Illegal nodes and interface pages: that device closes, or waits, with a reason; another one is served all the while.
xen9pd_start
mkdir -p /srv/xen9p/good /srv/xen9p/bad
echo hello >/srv/xen9p/good/hello
echo hello >/srv/xen9p/bad/hello
/lab/bin/fe ping 1 /srv/xen9p/good hello 180 >"$TESTDIR/ping" 2>&1 &
ping=$!
wait_until 30 grep -q connected "$TESTDIR/ping" || fail "the good device does not connect: $(cat "$TESTDIR/ping")"
n=10
for kind in num-rings=0 num-rings=5 num-rings=4294967296 num-rings=abc num-rings=-1 num-rings=2x 'num-rings=' huge \
    no-refs bad-intf bad-grants order=0 order=10 order=255 order=4294967 one-channel; do
    n=$((n + 1))
    got=$(/lab/bin/fe bad $n /srv/xen9p/bad "$kind" 10) || fail "$kind: the frontend failed: $got"
    case $got in
        'state 4 '*) fail "$kind was accepted" ;;
        *' error -') fail "$kind: refused without a reason ($got)" ;;
        'state '[256]' error '*) assert "$kind: $got" true ;;
        *) fail "$kind: $got" ;;
    esac
    assert "$kind: the log names the device" xen9pd_says "(^|[^0-9])$n([^0-9]|\$)"
    toolstack_remove $n
done
assert "nobody serves the bad device" not worker_of /srv/xen9p/bad
for kind in flood flap; do
    n=$((n + 1))
    /lab/bin/fe bad $n /srv/xen9p/bad $kind 6 || fail "$kind: the frontend failed"
    assert "$kind: the supervisor lives" kill -0 "$XEN9PD"
    toolstack_remove $n
done
kill -TERM $ping
wait $ping || fail "the good device suffered: $(tail -n 1 "$TESTDIR/ping")"
read -r _ pings _ worst < <(grep ^pings "$TESTDIR/ping")
say "the good device answered $pings times meanwhile, at worst after $worst ms"
assert "the good device never waited for long ($worst ms)" test "$worst" -lt 5000
assert "it was served all the while" test "$pings" -gt 100
assert_eq "and new devices are" "$(/lab/bin/fe read 99 /srv/xen9p/bad hello)" hello
assert "no worker is left" wait_until 10 eval '[ "$(worker_count)" = 0 ]'
