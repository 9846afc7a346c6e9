# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 150
# The cache modes of the Linux client: random work on a file agrees with memory in each, and with the host afterwards; with
# cache=none what the host changes is seen at once, with the others by the next mount.
xen9pd_start
E=/srv/xen9p/cache m=/mnt/share
mkdir -p $E
guest_create g pv "$(p9 share $E)"
guest_up g
for mode in none mmap loose; do
    assert "mounts cache=$mode" guest_run g 30 "$(mount_cmd share $m cache=$mode)"
    maps=mmap
    [ $mode != none ] || maps=
    out=$(guest_run g 60 "churn $m/$mode 7 400 $maps && md5sum <$m/$mode") || fail "$mode: $out"
    assert "$mode: random work agrees with memory" grep -q '^churn: 400 operations' <<<"$out"
    echo one >$E/text
    assert_eq "$mode: reads" "$(guest_run g 20 "cat $m/text")" one
    echo "two, longer" >$E/text
    [ $mode != none ] || assert_eq "what the host changes is seen at once" "$(guest_run g 20 "cat $m/text; stat -c %s $m/text" | tr '\n' ' ')" \
        "two, longer 12 "
    assert "unmounts" guest_run g 30 "umount $m"
    assert_eq "$mode: the host has the same bytes" "$(md5sum <$E/$mode)" "$(tail -n 1 <<<"$out")"
    assert_eq "$mode: the next mount sees what the host changed" \
        "$(guest_run g 30 "$(mount_cmd share $m cache=$mode) && cat $m/text && umount $m")" "two, longer"
done
guest_destroy g
