# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# One daemon serves, whoever starts it; another steps back. A successor of one that was killed or stopped takes over its
# claim and adopts its connected devices: the guest gets errors, unmounts and mounts again.
xen9pd_start
mkdir -p /srv/xen9p/exp
echo hello >/srv/xen9p/exp/hello
guest_create g1 pvh "$(p9 share /srv/xen9p/exp)"
assert "a second daemon steps back with status 0" timeout 10 /usr/sbin/xen9pd >"$TESTDIR/second" 2>&1
assert "and says why" grep -q "another daemon serves already (pid $XEN9PD)" "$TESTDIR/second"
kill -HUP "$XEN9PD"
kill -USR1 "$XEN9PD"
assert "SIGUSR1: status of each device in the log" wait_until 5 xen9pd_says 'status: 1 devices'
guest_up g1
d=$(guest_domid g1)
for how in KILL TERM; do
    guest_run g1 30 "$(mount_cmd share /mnt/share) && cat /mnt/share/hello"
    w=$(worker_of /srv/xen9p/exp) || fail "no worker serves the guest"
    old=$XEN9PD
    kill -$how "$old"
    assert "SIG$how: the daemon ends" wait_until 10 not kill -0 "$old" 2>/dev/null
    assert "SIG$how: its worker ends, too" wait_until 10 not test -e "/proc/$w"
    assert_eq "SIG$how: the device stays connected" "$(be_state "$d")" 4
    [ $how = KILL ] || assert "SIG$how: the claim is given back" not xs_exists libxl/xen-9pfs/state
    xen9pd_start
    assert "SIG$how: the next daemon adopts the device" wait_until 20 worker_of /srv/xen9p/exp
    out=$(guest_run g1 30 'cat /mnt/share/hello' 2>&1) && fail "SIG$how: an old fid still works: $out"
    assert "SIG$how: the guest gets an error, no hang ($out)" grep -qiE 'error|stale' <<<"$out"
    assert_eq "SIG$how: it mounts again and reads" \
        "$(guest_run g1 30 "umount /mnt/share && $(mount_cmd share /mnt/share) && cat /mnt/share/hello && umount /mnt/share")" hello
    assert_eq "SIG$how: still connected" "$(be_state "$d")" 4
done
guest_destroy g1
