# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# A domain destroyed in the middle of I/O: its worker, grants, ports and nodes go, and others are served.
xen9pd_start
mkdir -p /srv/xen9p/doomed /srv/xen9p/good
echo hello >/srv/xen9p/good/hello
/lab/bin/fe ping 1 /srv/xen9p/good hello 110 >"$TESTDIR/ping" 2>&1 &
ping=$!
guest_create g1 pv "$(p9 share /srv/xen9p/doomed)"
guest_up g1
d=$(guest_domid g1)
guest_run g1 30 "$(mount_cmd share /mnt/share)"
guest_spawn g1 io 'i=0; while :; do i=$((i + 1)); dd if=/dev/zero of=/mnt/share/$((i % 5)) bs=256k count=40; done'
assert "I/O is under way" wait_until 30 test -e /srv/xen9p/doomed/2
w=$(worker_of /srv/xen9p/doomed) || fail "no worker serves the domain"
start=$EPOCHSECONDS
guest_destroy g1
assert "xl destroy did not run into its limit" test $((EPOCHSECONDS - start)) -lt 9
assert "the worker is gone" wait_until 6 not test -e "/proc/$w"
assert "the domain does not linger: its grants are released" wait_until 6 no_domains
assert "its backend nodes are gone" not xs_exists "/local/domain/0/backend/xen_9pfs/$d"
sleep 1
assert "and are not made again" not xs_exists "/local/domain/0/backend/xen_9pfs/$d"
kill -TERM $ping
wait $ping || fail "the other device suffered: $(tail -n 1 "$TESTDIR/ping")"
read -r _ pings _ worst < <(grep ^pings "$TESTDIR/ping")
say "the other device answered $pings times meanwhile, at worst after $worst ms"
assert "the other device was served ($pings times, at worst after $worst ms)" test "$pings" -gt 50 -a "$worst" -lt 5000
