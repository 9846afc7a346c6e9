# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# stat, chmod, truncate, utimes, rename over and unlink of open files and the rest of tests/xen/guest/posix.c: as on a
# local file system, where the same program runs first.
xen9pd_start
mkdir -p /srv/xen9p/posix
for type in pv pvh; do
    guest_create $type $type "$(p9 share /srv/xen9p/posix)"
done
for type in pv pvh; do
    guest_up $type
    guest_run $type 30 "mkdir /tmp/local && $(mount_cmd share /mnt/share)"
    assert "$type: a local file system passes" guest_run $type 30 'posix /tmp/local'
    out=$(guest_run $type 90 'posix /mnt/share') || fail "$type: $(grep -m 3 FAILED <<<"$out" | tr '\n' ';')"
    assert "$type: so does the mounted one" grep -q '^posix: [0-9][0-9]* checks, 0 failed' <<<"$out"
    assert_eq "$type: nothing is left on the host" "$(ls -A /srv/xen9p/posix)" ""
    guest_destroy $type
done
