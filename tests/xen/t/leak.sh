# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 240
# 50 rounds of a user-space frontend, 10 of them re-connecting on one device, and 5 real domains leave nothing: no
# descriptor, process, mount or memory of the supervisor.
xen9pd_start
mkdir -p /srv/xen9p/exp
echo hello >/srv/xen9p/exp/hello

count() { echo $#; }
state_of() {
    local rss key rest
    while read -r key rest; do [ "$key" != VmRSS: ] || rss=${rest% kB}; done <"/proc/$XEN9PD/status"
    mapfile -t mounts </proc/self/mountinfo
    echo "$(count /proc/"$XEN9PD"/fd/*) $(count /proc/"$XEN9PD"/task/*) $(workers | wc -w) ${#mounts[@]} $(pgrep -cP "$XEN9PD" || :) $rss"
}
settle() { wait_until 15 eval '[ "$(worker_count)" = 0 ]' || fail "workers are left: $(workers)"; sleep 1; }

assert "warm-up" /lab/bin/fe rounds 1 /srv/xen9p/exp hello 5
settle
read -r fds threads procs mounts children rss < <(state_of)
start=$EPOCHSECONDS
assert "40 rounds from plug to unplug" /lab/bin/fe rounds 2 /srv/xen9p/exp hello 40
assert "10 rounds of closing and connecting again" /lab/bin/fe reset 3 /srv/xen9p/exp hello 10
say "50 rounds took $((EPOCHSECONDS - start)) s"
settle
for i in 1 2 3 4 5; do
    guest_create g$i pv "$(p9 share /srv/xen9p/exp)"
    guest_up g$i
    assert "domain $i reads" guest_run g$i 30 "$(mount_cmd share /mnt/share) && cat /mnt/share/hello"
    guest_destroy g$i
    assert "domain $i is gone" wait_until 10 no_domains
done
settle
read -r fds2 threads2 procs2 mounts2 children2 rss2 < <(state_of)
assert_eq "descriptors of the supervisor" "$fds2" "$fds"
assert_eq "threads of the supervisor" "$threads2" "$threads"
assert_eq "workers" "$procs2" "$procs"
assert_eq "children of the supervisor" "$children2" "$children"
assert_eq "mounts" "$mounts2" "$mounts"
assert "memory of the supervisor ($rss -> $rss2 KiB)" test $((rss2 - rss)) -lt 400
assert "no backend node is left" eval '[ -z "$(xenstore-list /local/domain/0/backend/xen_9pfs 2>/dev/null | grep -v "^0$")" ]'
