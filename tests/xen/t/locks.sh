# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 150
# Locks of two guests and of the host on one file keep each other out, wait for each other, and go with their owner.
xen9pd_start
mkdir -p /srv/xen9p/share
f=/srv/xen9p/share/file m=/mnt/share/file
: >$f
for g in a b; do guest_create $g pv "$(p9 share /srv/xen9p/share)"; done
for g in a b; do
    guest_up $g
    assert "$g mounts" guest_run $g 30 "$(mount_cmd share /mnt/share)"
done
holds() { guest_run "$1" 20 "cat /tmp/$2.out" | grep -qx held; }

guest_spawn a first "lock $m try w 0 10 /tmp/free"
assert "a holds bytes 0 to 9" wait_until 10 holds a first
out=$(guest_run b 20 "lock $m try w 5 10") && fail "b was given what a holds"
assert "b is refused ($out)" grep -q 'temporarily unavailable' <<<"$out"
assert "not of the bytes behind" guest_run b 20 "lock $m try w 10 10"
assert_eq "b is told who is in the way" "$(guest_run b 20 "lock $m get r 0 1")" write
assert "the host is refused" not /lab/bin/lock $f try r 0 1
assert_eq "and told" "$(/lab/bin/lock $f get r 9 1)" write

guest_spawn b second "lock $m wait w 0 0 /tmp/free"
nap 2
assert "b waits" not guest_done b second
guest_run a 20 'touch /tmp/free'
assert "a lets go" guest_join a first 20
assert "b has it at once" wait_until 10 holds b second
/lab/bin/lock $f wait w 0 0 &
host=$!
guest_run b 20 'touch /tmp/free'
assert "b lets go" guest_join b second 20
wait $host || fail "the host did not get the lock that b let go (status $?)"

for g in a b; do guest_spawn $g count "lock $m count 100"; done
assert "the host counts along" timeout 60 /lab/bin/lock $f count 100
for g in a b; do assert "$g has counted" guest_join $g count 60; done
assert_eq "three that count miss nothing" "$(cat $f)" 300

guest_spawn a third "lock $m try w 0 0 /tmp/never"
assert "a holds all of it" wait_until 10 holds a third
assert "b is refused" not guest_run b 20 "lock $m try w 0 0"
guest_destroy a
free() { guest_run b 20 "lock $m try w 0 0"; }
assert "what a dead guest held is free" wait_until 20 free

guest_spawn b fourth "lock $m flock /tmp/end"
assert "b has it by flock(2)" wait_until 10 holds b fourth
assert "which refuses another" not guest_run b 20 "lock $m flock /"
assert "the host, too" not /lab/bin/lock $f try w 0 0
guest_run b 20 'touch /tmp/end'
assert "b lets go" guest_join b fourth 20
assert "and may have it again" guest_run b 20 "lock $m flock /"
guest_destroy b
