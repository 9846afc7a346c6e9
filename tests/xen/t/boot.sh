# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 90
# The lab itself: dom0's tools work, a PV and a PVH guest start, run a script, and go.
assert "xl info tells the Xen version" grep -q '^xen_version *: 4\.' <(xl info)
guest_create pv1 pv
guest_create pvh1 pvh
for g in pv1 pvh1; do
    guest_up $g
    assert_eq "$g runs a command" "$(guest_run $g 20 'echo $((6 * 7))')" 42
    assert_eq "$g has the test's functions" "$(guest_run $g 20 greet)" "hello from a guest"
    assert "$g has the 9p transport" guest_run $g 20 'grep -q 9pnet_xen /proc/modules && grep -q 9p /proc/filesystems'
    guest_run $g 20 'exit 7' && fail "status lost" || assert_eq "$g's status comes back" $? 7
    guest_spawn $g job 'sleep 1; echo done; exit 3'
    guest_join $g job 20 >"$TESTDIR/job" || assert_eq "$g's job status comes back" $? 3
    assert_eq "$g's job output comes back" "$(cat "$TESTDIR/job")" done
    guest_destroy $g
done
assert "no domain lingers" wait_until 10 no_domains
