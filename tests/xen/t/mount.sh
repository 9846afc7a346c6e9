# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 200
# libxl starts xen9pd; a PV and a PVH guest mount 9p2000.L with two rings of order 9 and msize 512 KiB, copy a tree that
# the host verifies, mount again on the same rings, and reconnect after their module
# was unloaded, the device plugged in anew, and the module loaded again.
needs_product
. /lab/t/mount.guest.sh
for g in pv1 pvh1; do
    mkdir -p /srv/xen9p/$g/in/a/b /srv/xen9p/$g/in/c
    for i in {1..20}; do echo "file $i of $g" >/srv/xen9p/$g/in/a/b/$i; done
    head -c 3000000 /dev/urandom >/srv/xen9p/$g/in/c/large
    ln -s ../c/large /srv/xen9p/$g/in/a/link
done
guest_create pv1 pv "$(p9 share /srv/xen9p/pv1)"
assert "libxl started the daemon under its own name" daemon_running
assert "its log goes to the system's log" grep -q 'daemon\..*xen9pd\[[0-9]*\]: .*serves backend/xen_9pfs' /run/syslog
guest_create pvh1 pvh "$(p9 share /srv/xen9p/pvh1)"
for g in pv1 pvh1; do
    guest_up $g
    d=$(guest_domid $g)
    export_dir=/srv/xen9p/$g
    guest_run $g 60 "$(mount_cmd share /mnt/share)" || fail "$g cannot mount: $(guest_console $g | tail -n 3)"
    assert_eq "$g: backend is connected" "$(be_state "$d")" 4
    assert_eq "$g: two rings" "$(xenstore-read "$(fe "$d")/num-rings")" 2
    assert_eq "$g: order 9 on offer" "$(xenstore-read "$(be "$d")/max-ring-page-order")" 9
    assert "$g: a worker of its own serves it" worker_of $export_dir
    assert_eq "$g: sees the tree as it is" "$(guest_run $g 60 'sums /mnt/share/in')" "$(sums $export_dir/in)"
    assert_eq "$g: copied the tree, the same on the host" \
        "$(guest_run $g 60 copy_tree)" "$(sums $export_dir/copy)"
    assert_eq "$g: the copy equals its source" "$(sums $export_dir/copy)" "$(sums $export_dir/in)"
    before=$(worker_of $export_dir)
    assert "$g: unmounts and mounts again on the same rings" \
        guest_run $g 60 "umount /mnt/share && $(mount_cmd share /mnt/share) && cat /mnt/share/copy/a/b/7"
    assert_eq "$g: the same worker serves it" "$(worker_of $export_dir)" "$before"
    # Linux binds the module to the device; it goes from Connected to Closed without Closing.
    assert "$g: unloads its transport" guest_run $g 30 \
        'umount /mnt/share; echo 9pfs-0 >/sys/bus/xen/drivers/9pfs/unbind && rmmod 9pnet_xen'
    assert "$g: its worker ends" wait_until 10 not worker_of $export_dir
    assert_eq "$g: backend is closed" "$(be_state "$d")" 6
    # Since 6.12.5 the driver takes a device only from Initialising on, and an unbound one stays Closed
    # for the guest's kernel until the toolstack plugs it in anew.
    frontend_plug "$d"
    assert "$g: the device is on offer again" wait_until 10 be_is "$d" 2
    assert "$g: loads it again, mounts and reads" guest_run $g 60 \
        "insmod /modules/9pnet_xen.ko && sleep 1 && $(mount_cmd share /mnt/share) && cmp /mnt/share/in/c/large /mnt/share/copy/c/large"
    assert_eq "$g: connected again" "$(be_state "$d")" 4
done
for g in pv1 pvh1; do guest_destroy $g; done
assert "no domain lingers" wait_until 10 no_domains
assert "no worker is left" wait_until 10 eval '[ "$(worker_count)" = 0 ]'
assert "no backend node is left" not xs_exists /local/domain/0/backend/xen_9pfs
assert "the daemon still runs" daemon_running
