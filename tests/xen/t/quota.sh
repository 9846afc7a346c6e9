# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 150
# max-space, max-files and max-open-files of a domain's configuration, met from inside the guest: filled to the limit and
# not beyond, freed and used again, shown by df and the status, remembered when everything has ended. A project quota of
# the file system holds as well, and is what df shows.
E=/srv/xen9p/quota
mkdir -p $E
rm -rf /var/lib/xen9p/quota
xen9pd_start
guest_create g1 pv "$(p9 share $E max-space=8 max-files=20 max-open-files=6)"
guest_up g1
guest_run g1 30 "$(mount_cmd share /mnt/share)"
full() { guest_run g1 20 "($1) 2>&1 | grep -q 'No space left'"; }
df_k() { guest_run g1 20 "df -k /mnt/share | awk 'END { print \$2, \$3, \$4 }'"; }

assert_eq "df shows max-space" "$(df_k)" "8192 0 8192"
assert "a file of 8 MiB" guest_run g1 30 'dd if=/dev/zero of=/mnt/share/f bs=64k count=128'
assert_eq "all of it is on the host" "$(stat -c %s $E/f)" 8388608
assert "one byte more is too much" full 'echo >>/mnt/share/f'
assert_eq "df shows that it is full" "$(df_k)" "8192 8192 0"
assert "freed space is used again" \
    guest_run g1 30 'truncate -s 4194304 /mnt/share/f && dd if=/dev/zero of=/mnt/share/g bs=64k count=64'
assert "to the same limit" full 'echo >>/mnt/share/g'
assert_eq "directories up to max-files" \
    "$(guest_run g1 30 'for i in $(seq 30); do mkdir /mnt/share/d$i; done 2>/dev/null; ls /mnt/share | wc -l')" 20
assert "one more is too much" full 'mkdir /mnt/share/more'
assert "one less makes room" guest_run g1 20 'rmdir /mnt/share/d1 && mkdir /mnt/share/more'
assert "max-open-files at once" guest_run g1 20 'cd /mnt/share; (exec 3<f 4<f 5<f 6<f 7<g 8<g)'
assert "one more is too much" \
    guest_run g1 20 "cd /mnt/share; (exec 3<f 4<f 5<f 6<f 7<g 8<g 9<g) 2>&1 | grep -qi 'too many open'"
kill -USR1 "$XEN9PD"
assert "the status has the numbers" wait_until 5 xen9pd_says 'g1.*quota: 8388608 of 8388608 bytes, 20 of 20 files'
guest_destroy g1

P=/srv/project
mkdir -p $P
truncate -s 64M $P.img
mkfs.ext4 -q -F -O quota,project -E quotatype=prjquota $P.img
mount -o loop,prjquota $P.img $P
trap 'umount -l $P' EXIT
mkdir $P/export
/lab/bin/projquota $P/export "$(awk '$2 == "/srv/project" { print $1 }' /proc/mounts)" 7 4194304
guest_create g2 pv "$(p9 share $P/export)"
guest_up g2
guest_run g2 30 "$(mount_cmd share /mnt/share)"
assert_eq "df shows the project's quota" "$(guest_run g2 20 "df -k /mnt/share | awk 'END { print \$2 }'")" 4096
out=$(guest_run g2 60 'dd if=/dev/zero of=/mnt/share/f bs=4k count=1100' 2>&1) && fail "more than 4 MiB fit into 4"
# Linux 6.12 turns what a write fails with into EIO unless it is ENOSPC
assert "more than the project's quota is too much ($out)" grep -qiE 'quota exceeded|input/output error' <<<"$out"
out=$(guest_run g2 30 'cd /mnt/share; for i in 1 2 3 4 5 6; do mkdir d$i; done' 2>&1) && fail "six more directories fit"
assert "EDQUOT is what the guest gets ($out)" grep -qi 'quota exceeded' <<<"$out"
assert "and not there" test "$(du -sk $P/export | cut -f1)" -le 4096
guest_destroy g2
xen9pd_stop
assert_eq "the counts are kept" "$(cat /var/lib/xen9p/quota/*)" "xen9p-quota 1
8388608 20
$E"
