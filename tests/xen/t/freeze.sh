# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# A file system frozen under a request: requests of the same rings to other files go on, and the frozen ones finish.
mkdir -p /srv/frozen
truncate -s 64M /srv/frozen.img
mkfs.ext4 -q -F -O ^has_journal /srv/frozen.img
mount -o loop /srv/frozen.img /srv/frozen
trap 'fsfreeze -u /srv/frozen 2>/dev/null || :' EXIT
# the creating request has a directory of its own: the guest's kernel keeps others out of it meanwhile
mkdir /srv/frozen/d
for i in 1 2 3 4 5 6; do echo "content $i" >/srv/frozen/$i; done
xen9pd_start
guest_create g1 pv "$(p9 share /srv/frozen)"
guest_up g1
guest_run g1 30 "$(mount_cmd share /mnt/share)"
fsfreeze -f /srv/frozen
guest_spawn g1 w1 'echo new >/mnt/share/d/w1 && cat /mnt/share/d/w1'
guest_spawn g1 w2 'echo more >>/mnt/share/1 && cat /mnt/share/1'
sleep 3
assert "writers wait" eval '! guest_done g1 w1 && ! guest_done g1 w2'
# sixteen requests more than once round both rings
for i in 2 3 4 5 6; do
    assert_eq "file $i is served meanwhile" "$(guest_run g1 20 "cat /mnt/share/$i")" "content $i"
done
assert "so are listings and attributes" guest_run g1 20 'ls -l /mnt/share && stat /mnt/share/3'
assert "writers still wait" eval '! guest_done g1 w1 && ! guest_done g1 w2'
fsfreeze -u /srv/frozen
assert_eq "the first writer ends once thawed" "$(guest_join g1 w1 30)" new
assert_eq "and the second" "$(guest_join g1 w2 30)" "content 1
more"
guest_destroy g1
assert "no worker is left" wait_until 10 eval '[ "$(worker_count)" = 0 ]'
umount /srv/frozen
