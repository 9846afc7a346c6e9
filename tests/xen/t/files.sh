# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 240
# Real work of one guest, verified from the host: tar in and out, dd, find, a directory of 20,000 files, a sparse file
# over 4 GiB, eight processes at once, root's chown and unreadable modes.
xen9pd_start
E=/srv/xen9p/files
mkdir -p $E /srv/xen9p/seed/d/e
. /lab/t/files.guest.sh
for i in {1..30}; do head -c $((i * 997)) /dev/urandom >/srv/xen9p/seed/d/e/$i; done
chmod 755 /srv/xen9p/seed; chmod 700 /srv/xen9p/seed/d/e/1; ln -s e/1 /srv/xen9p/seed/d/link
tar -C /srv/xen9p/seed -cf $E/seed.tar .
mkdir $E/many
# one process makes them all
(cd $E/many && for i in {1..20000}; do : >f$i; done)
mkdir $E/modes
echo secret >$E/modes/0400 && chmod 0400 $E/modes/0400
echo secret >$E/modes/0000 && chmod 0000 $E/modes/0000

guest_create g1 pv "$(p9 share $E)"
guest_up g1
guest_run g1 30 "$(mount_cmd share /mnt/share)"
assert_eq "tar x: the tree is the same" "$(guest_run g1 90 tar_round)" "$(sums /srv/xen9p/seed)"
assert_eq "and on the host" "$(sums $E/tar)" "$(sums /srv/xen9p/seed)"
mkdir /srv/xen9p/untar
tar -C /srv/xen9p/untar -xf $E/out.tar
assert_eq "tar c: the archive is good" "$(sums /srv/xen9p/untar)" "$(sums /srv/xen9p/seed)"
assert_eq "dd: what the guest reads is on the host" "$(guest_run g1 60 dd_round)" "$(md5sum <$E/dd)"
assert_eq "find counts what is there" "$(guest_run g1 60 'find /mnt/share/tar | wc -l')" "$(find $E/tar | wc -l)"
start=$EPOCHSECONDS
assert_eq "20,000 names, each once" "$(guest_run g1 120 "cd /mnt/share/many && printf '%s\\n' * | sort -u | wc -l")" 20000
say "20,000 names listed in $((EPOCHSECONDS - start)) s"
assert_eq "a sparse file over 4 GiB" "$(guest_run g1 60 sparse | tr '\n' ' ')" "5000000004 end "
assert_eq "the same on the host" "$(stat -c %s $E/sparse)" 5000000004
assert "and sparse" test "$(stat -c %b $E/sparse)" -lt 100
assert_eq "eight processes at once" "$(guest_run g1 120 crowd)" 8
assert_eq "their files on the host" "$(find $E/p? -type f -size +0 | wc -l)" 48
assert "root reads 0400 and 0000 files" guest_run g1 20 'cat /mnt/share/modes/0400 /mnt/share/modes/0000'
assert "chown by root succeeds" guest_run g1 20 'chown 1234:1234 /mnt/share/dd'
assert_eq "and changes nothing on the host" "$(stat -c %u:%g $E/dd)" "$(stat -c %u:%g $E)"
assert "cp -a as root" guest_run g1 60 'cp -a /mnt/share/tar /mnt/share/tar2'
assert_eq "the copy is the same" "$(sums $E/tar2)" "$(sums $E/tar)"
guest_destroy g1
