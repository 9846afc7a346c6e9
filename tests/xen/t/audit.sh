# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 60
# The audit log of a guest that names files as badly as it can, while xen9p-audit is killed under it: complete, without
# gaps, every line parses, and the names come back byte by byte.
E=/srv/xen9p/audited
log=/var/log/xen9p/audited
audits() { running /usr/libexec/xen9p/xen9p-audit; }
restarted() { new=$(audits) && [ -n "$new" ] && [ "$new" != "$1" ]; }
# How many lines there are of an operation.
count() { /lab/bin/auditlog bytes path "$1" $log/audit.log | wc -l; }
needs_product
trap 'rm -rf /etc/xen9p' EXIT
mkdir -p /etc/xen9p/policy.d $E
sed 's/domain "[^"]*"/domain "audited"/; s,/srv/xen9p/[a-z]*,/srv/xen9p,' \
    /usr/share/doc/xen9p/policies/audit-everything.conf >/etc/xen9p/policy.d/lab.conf
assert "the shipped policy is good" xen9pctl policy check
rm -rf $log
xen9pd_start
assert "xen9pd has started xen9p-audit" wait_until 10 audits
guest_create audited pv "$(p9 share $E)"
guest_up audited
guest_run audited 20 "$(mount_cmd share /mnt/share)"
assert "a guest names files badly" guest_run audited 30 nasty
/lab/bin/auditlog names $E | sort >"$TESTDIR/names"
{ /lab/bin/auditlog bytes path create $log/audit.log; /lab/bin/auditlog bytes to rename $log/audit.log; } |
    grep -vx 2f706c61696e | sort >"$TESTDIR/logged"
assert "all names are in the log as they are ($(wc -l <"$TESTDIR/names"))" cmp "$TESTDIR/names" "$TESTDIR/logged"

guest_spawn audited work 'many 150'
for i in 1 2 3; do
    old=$(audits)
    kill -KILL "$old"
    assert "killed, it is there again ($i)" wait_until 10 restarted "$old"
    nap 0.7
done
assert "the guest has waited and gone on" guest_join audited work 30
guest_destroy audited
ended() { [ "$(xen9pctl log audited --op disconnect,crash | wc -l)" -ge 1 ]; }
assert "the end is in the log" wait_until 10 ended
out=$(/lab/bin/auditlog check $log/audit.log) || fail "the log: $out"
say "$out"
assert_eq "each of 150 files is in the log" "$(/lab/bin/auditlog bytes path unlink $log/audit.log | sort -u | wc -l)" 150
assert_eq "what was opened is closed" "$(count close)" $(($(count create) + $(count open)))
assert_eq "xen9pctl log reads all of it" "$(xen9pctl log audited --json 2>&1 | wc -l) lines" "${out%%,*}"
assert_eq "one worker, from its start to its end" "$(xen9pctl log audited --op connect,lockdown,disconnect,crash | wc -l)" 3
assert_eq "its file is its own" "$(stat -c '%a %u' $log/audit.log)" "640 2017001471"
assert_eq "nobody was taken for an attacker" "$(xen9pctl log audited --class violation | wc -l)" 0
