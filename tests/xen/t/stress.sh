# SPDX-License-Identifier: GPL-2.0-or-later
# class: long
# time: 1700
# needs: debian
# stress-ng's file system stressors in a guest, on a 9p root, four at a time: none fails that passes on the ext4 below it,
# which the same kernel serves to dom0. STRESS_SECONDS each.
seconds=${STRESS_SECONDS:-60}
# under emulation, what a stressor makes before it begins has to be small
small="--copy-file-bytes 128M --fallocate-bytes 4M --fiemap-bytes 4M --hdd-bytes 4M --iomix-bytes 4M --sync-file-bytes 4M
    --chdir-dirs 64 --dentries 64 --dir-dirs 64 --dirdeep-inodes 256 --readahead-bytes 4M --seek-size 4M"
xen9pd_start
debian /srv/debian
mkdir /srv/debian/srv/local /srv/debian/srv/share
mount -t proc proc /srv/debian/proc
mount --bind /sys /srv/debian/sys
trap 'umount /srv/debian/sys /srv/debian/proc; umount -l /srv/debian' EXIT
names=$(chroot /srv/debian stress-ng --seq 1 --class filesystem -t 1 $small --temp-path /srv/local 2>&1 |
    sed -n 's/.*\] passed: [0-9]*: //p' | sed 's/ ([0-9]*)//g') || :
[ -n "$names" ] || fail "stress-ng does not run on the local file system"
GUEST_MEMORY=512 GUEST_EXTRA=root9p=root,cache=${STRESS_CACHE:-none} guest_create deb pv "$(p9 root /srv/debian)"
guest_up deb 120
guest_spawn deb stress "small='${small//$'\n'/}'; stress_round $seconds /srv/share $names"
guest_join deb stress 1500 >"$TESTDIR/stress" || fail "stress-ng did not come to its end"
failed=$(awk '$2 == "failed" || $2 == "hung"' "$TESTDIR/stress" | tr '\n' ' ')
passed=$(grep -c ' passed$' "$TESTDIR/stress")
say "$passed stressors of $seconds s passed on 9p, $(wc -w <<<"$names") on ext4"
assert_eq "none fails that passes on ext4" "$failed" ""
assert "most of them pass" test "$passed" -gt 40
guest_destroy deb
