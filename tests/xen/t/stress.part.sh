# SPDX-License-Identifier: GPL-2.0-or-later
# stress_part PART PARTS: stress-ng's file system stressors in a guest, on a 9p root, four at a time, a minute each
# (STRESS_SECONDS): none fails that passes on the ext4 below it, which the same kernel serves to dom0. Every PARTS-th of
# them, or (PART is slow) those that take longer.
stress_part() {
    # under emulation, what a stressor makes before it begins has to be small
    local small="--copy-file-bytes 128M --fallocate-bytes 4M --fiemap-bytes 4M --hdd-bytes 4M --iomix-bytes 4M
        --sync-file-bytes 4M --chdir-dirs 64 --dentries 64 --dir-dirs 64 --dirdeep-inodes 256 --readahead-bytes 4M
        --seek-size 4M"
    # It writes where a file cannot grow any more and wants EFBIG. The server's answer is that, but Linux 6.12 gives programs
    # EIO for whatever fails a write, unless it is ENOSPC; with Linux 6.1 `dd seek=16T` says "File too large".
    local client='fsize'
    local slow='link symlink' # 8,192 of them before they look at the clock, of 20 messages each
    local all names failed passed d=/srv/debian
    xen9pd_start
    debian $d
    mkdir $d/srv/local $d/srv/share
    cp /lab/t/stress.guest.sh $d/srv/stress
    mount -t proc proc $d/proc
    mount --bind /sys $d/sys
    # what the guest has finished is here, too, and says where it hangs
    trap 'cat /srv/debian/srv/results || true; umount /srv/debian/sys /srv/debian/proc; umount -l /srv/debian' EXIT
    all=$(chroot $d stress-ng --class 'filesystem?' | sed 's/.*: //' | tr ' ' '\n' | grep . | grep -vxE "${slow// /|}|$client" |
        awk -v part="$1" -v parts="$2" 'NR % parts == part % parts')
    [ "$1" != slow ] || all=$(tr ' ' '\n' <<<"$slow")
    names=$(chroot $d stress-ng --seq 1 --with "$(tr '\n' ',' <<<"$all" | sed 's/,$//')" -t 1 ${small//$'\n'/ } --temp-path /srv/local 2>&1 |
        sed -n 's/.*\] passed: [0-9]*: //p' | sed 's/ ([0-9]*)//g') || :
    [ -n "$names" ] || fail "stress-ng does not run on the local file system"
    GUEST_MEMORY=512 GUEST_EXTRA=root9p=root,cache=${STRESS_CACHE:-none} guest_create deb pv "$(p9 root $d)"
    guest_up deb 120
    guest_spawn deb stress ". /srv/stress; small='${small//$'\n'/}'; stress_round ${STRESS_SECONDS:-60} /srv/share $names"
    guest_join deb stress 1450 >"$TESTDIR/stress"
    failed=$(awk '$2 == "failed" || $2 == "hung"' "$TESTDIR/stress" | tr '\n' ' ')
    passed=$(grep -c ' passed ' "$TESTDIR/stress")
    say "$passed stressors of ${STRESS_SECONDS:-60} s passed on 9p, $(wc -w <<<"$names") of $(wc -w <<<"$all") on ext4"
    assert_eq "none fails that passes on ext4" "$failed" ""
    assert "most of them pass" test "$passed" -gt $(($(wc -w <<<"$names") * 3 / 4))
    guest_destroy deb
}
