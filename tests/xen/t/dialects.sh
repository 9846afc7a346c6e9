# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 150
# A Linux guest mounts each dialect of 9P, one after the other on the same rings, and does simple work in it.
xen9pd_start
E=/srv/xen9p/dialects
mkdir -p $E/in/a
head -c 300000 /dev/urandom >$E/in/a/data
for i in {1..300}; do : >$E/in/f$i; done
guest_create g1 pv "$(p9 share $E)"
guest_up g1
for v in 9p2000.u 9p2000; do
    assert "mounts $v" guest_run g1 30 "mkdir -p /mnt/s && mount -t 9p -o trans=xen,version=$v,msize=65536,access=any,uname=root share /mnt/s"
    assert_eq "$v: 300 names and a directory" "$(guest_run g1 40 'ls /mnt/s/in | wc -l')" 301
    assert_eq "$v: reads what is there" "$(guest_run g1 30 'md5sum </mnt/s/in/a/data')" "$(md5sum <$E/in/a/data)"
    assert "$v: makes, copies, appends, renames, removes" guest_run g1 40 "work $v"
    assert_eq "$v: the copy on the host" "$(md5sum <$E/$v/moved)" "$(md5sum <$E/in/a/data)"
    assert_eq "$v: what was appended" "$(cat $E/$v/log | tr '\n' ' ')" "one two three "
    assert_eq "$v: modes and times" "$(stat -c '%a %Y' $E/$v/log)" "640 1000000000"
    assert_eq "$v: removed" "$(ls $E/$v | tr '\n' ' ')" "dir log moved "
    assert "$v: errors are the errors they are" guest_run g1 30 "errors $v"
    if [ $v = 9p2000.u ]; then
        assert "$v: links, FIFOs, replacing" guest_run g1 30 "more $v"
        assert_eq "$v: two names on the host" "$(stat -c %h $E/$v/log)" 2
        assert_eq "$v: a symlink on the host" "$(readlink $E/$v/soft)" "log"
        assert "$v: a FIFO on the host" test -p $E/$v/fifo
    fi
    assert "unmounts $v" guest_run g1 30 'umount /mnt/s'
done
assert "and 9p2000.L again" guest_run g1 30 "$(mount_cmd share /mnt/l) && cmp /mnt/l/9p2000.u/moved /mnt/l/9p2000/moved"
guest_destroy g1
