# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 150
# A worker that dies is succeeded on the same rings: its guest gets EIO, unmounts and mounts again; nobody else notices.
xen9pd_start
mkdir -p /srv/xen9p/victim /srv/xen9p/good
echo hello >/srv/xen9p/good/hello
echo still here >/srv/xen9p/victim/file
/lab/bin/fe ping 1 /srv/xen9p/good hello 140 >"$TESTDIR/ping" 2>&1 &
ping=$!
guest_create g1 pvh "$(p9 share /srv/xen9p/victim)"
guest_up g1
d=$(guest_domid g1)
for when in idle busy; do
    guest_run g1 30 "$(mount_cmd share /mnt/share) && exec 3</mnt/share/file && cat /mnt/share/file"
    guest_spawn g1 hold$when 'exec 4</mnt/share/file; while [ ! -e /tmp/stop ]; do sleep 1; done; cat <&4'
    if [ $when = busy ]; then
        guest_spawn g1 io 'dd if=/dev/zero of=/mnt/share/big bs=64k count=100000'
        wait_until 20 test -s /srv/xen9p/victim/big || fail "no I/O under way"
    fi
    old=$(worker_of /srv/xen9p/victim) || fail "no worker serves the guest"
    kill -KILL "$old"
    succeeded() { new=$(worker_of /srv/xen9p/victim) && [ "$new" != "$old" ]; }
    assert "$when: a successor serves within 10 s" wait_until 10 succeeded
    assert_eq "$when: still connected" "$(be_state "$d")" 4
    if [ $when = busy ]; then
        guest_join g1 io 30 >"$TESTDIR/io" && fail "dd did not notice that its worker died"
        assert "busy: dd ends with an error" grep -qiE 'error|stale' "$TESTDIR/io"
    fi
    out=$(guest_run g1 30 'cat /mnt/share/file' 2>&1) && fail "$when: an old fid still works: $out"
    assert "$when: the guest gets an error, no hang ($out)" grep -qiE 'error|stale' <<<"$out"
    guest_run g1 20 'touch /tmp/stop'
    guest_join g1 hold$when 20 >"$TESTDIR/hold" && fail "$when: an open file of the dead worker still reads"
    assert_eq "$when: it mounts again and reads" \
        "$(guest_run g1 30 "rm /tmp/stop; umount /mnt/share && $(mount_cmd share /mnt/share) && cat /mnt/share/file")" \
        "still here"
    guest_run g1 20 'umount /mnt/share'
done
assert "the log tells" xen9pd_says 'signal 9|SIGKILL|killed'
kill -TERM $ping
wait $ping || fail "the other device suffered: $(tail -n 1 "$TESTDIR/ping")"
read -r _ pings _ worst < <(grep ^pings "$TESTDIR/ping")
say "the other device answered $pings times meanwhile, at worst after $worst ms"
assert "the other device noticed nothing ($pings times, at worst after $worst ms)" test "$pings" -gt 50 -a "$worst" -lt 5000
guest_destroy g1
