# SPDX-License-Identifier: GPL-2.0-or-later
# class: long
# time: 1300
# The same work as in the tests of class check, for longer: a large file, eight processes on a tree of some hundred files
# for several rounds, fifteen domains one after the other and 200 rounds of a user-space frontend without a leak.
xen9pd_start
E=/srv/xen9p/soak
mkdir -p $E/tree
for d in a b c d e f; do
    mkdir -p $E/tree/$d/sub
    for i in {1..25}; do head -c $((i * 1500)) /dev/urandom >$E/tree/$d/sub/$i; done
done
echo hello >$E/hello
guest_create g1 pv "$(p9 share $E)"
guest_up g1
guest_run g1 30 "$(mount_cmd share /mnt/share)"
assert_eq "a file of 272 MiB: what the guest reads is on the host" "$(guest_run g1 300 large)" "$(md5sum <$E/large)"
assert_eq "eight processes at once, three rounds" "$(guest_run g1 600 'crowd 3')" 8
guest_destroy g1
settle() { wait_until 15 eval '[ "$(worker_count)" = 0 ]' || fail "workers are left: $(workers)"; sleep 1; }
settle
fds() { ls "/proc/$XEN9PD/fd" | wc -l; }
rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$XEN9PD/status"; }
fds=$(fds) rss=$(rss)
assert "200 rounds from plug to unplug" /lab/bin/fe rounds 2 $E hello 200
for i in {1..15}; do
    guest_create d$i pv "$(p9 share $E)"
    guest_up d$i
    guest_run d$i 30 "$(mount_cmd share /mnt/share) && cat /mnt/share/hello"
    guest_destroy d$i
done
settle
assert_eq "descriptors of the supervisor" "$(fds)" "$fds"
assert "memory of the supervisor ($rss -> $(rss) KiB)" test $(($(rss) - rss)) -lt 400
assert "no domain lingers" no_domains
