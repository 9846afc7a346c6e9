# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# Two guests make the same tree as root and as two users, with access=user and access=client: with identity mapped
# it is theirs, and on the host all of it belongs to the domain's range; squashed it is one owner's.
needs_product
first=2017067008
mkdir -p /etc/xen9p/policy.d /srv/xen9p/gmap /srv/xen9p/gsq
cat >/etc/xen9p/policy.d/identity.conf <<POLICY
domain "gmap" { identity = mapped }
domain "gsq" { file-mode-mask = "0755" presented-owner = "0:0" }
POLICY
chown $first:$first /srv/xen9p/gmap
chown 4321:4321 /srv/xen9p/gsq
chmod 755 /srv/xen9p/gmap /srv/xen9p/gsq
xen9pd_start
guest_create gmap pv "$(p9 share /srv/xen9p/gmap)"
guest_create gsq pv "$(p9 share /srv/xen9p/gsq)"
on_host() { (cd "$1" && find . | sort | xargs stat -c '%n %u:%g %a'); }
# The tree with owners as root, alice and bob; $1 is added to each id.
tree() {
    local a=$(($1 + 1000)) b=$(($1 + 1001)) s=$(($1 + 50)) r=$1
    printf '%s\n' ". $r:$r 755" "./home $a:$a 755" "./home/a $a:$s 644" "./home/link $a:$a 777" \
        "./roots $r:$r 600" "./tmp $r:$r 1777" "./tmp/b $b:$b 600" "./tmp/fifo $b:$b 600" "./tmp/tool $a:$a 4755"
}
# All of it is root's in the guest, so that its kernel lets users write in tmp only.
squashed() { tree 0 | grep -v '^./home/' | sed "s/ [0-9]*:[0-9]* / $1:$1 /; s/ 4755/ 755/"; }
guest_up gmap
for access in user client; do
    assert "mapped: root and two users make a tree, access=$access" \
        guest_run gmap 40 "$(mount_cmd share /mnt/share access=$access) && make_tree $access"
    assert_eq "mapped: theirs in the guest ($access)" "$(guest_run gmap 20 "look $access")" "$(tree 0)"
    assert_eq "mapped: the domain's own on the host ($access)" "$(on_host /srv/xen9p/gmap/$access)" "$(tree $first)"
    assert "mapped: no device node, others kept out, unmounts ($access)" guest_run gmap 30 \
        "! mknod /mnt/share/null c 1 3 && ! as alice 'cat $access/tmp/b' && ! as alice 'rm -f $access/tmp/b' && cd / && umount /mnt/share"
done
assert "the range is remembered" grep -qx "$first 65536 name:gmap" /var/lib/xen9p/id-ranges
w=$(worker_of /srv/xen9p/gmap)
assert_eq "the worker is root of this range alone" "$(tr -s ' ' <"/proc/$w/uid_map")" " 0 $first 65536"
assert_eq "its capabilities count there" "$(sed -n 's/^CapPrm:\t//p' "/proc/$w/status")" 00000000000000db
guest_up gsq
assert "squash: root and two users make a tree" \
    guest_run gsq 40 "$(mount_cmd share /mnt/share) && make_tree t; chmod 4755 /mnt/share/t/tmp/tool"
assert_eq "squash: one owner in the guest, no setuid" "$(guest_run gsq 20 'look t')" "$(squashed 0)"
assert_eq "squash: one owner on the host" "$(on_host /srv/xen9p/gsq/t)" "$(squashed 4321)"
guest_destroy gmap
guest_destroy gsq
rm -f /etc/xen9p/policy.d/identity.conf
