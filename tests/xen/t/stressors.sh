# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 240
# File system stressors of stress-ng in a guest for a second or two, all beside each other, on a tree that is served to it. Those that
# the same kernel's ext4 fails in dom0 are not held against us. A minute of each: stress1.sh and so on.
E=/srv/xen9p/stressors
list="access chdir chmod dentry dir dup fcntl filename flock fstat getdent hdd locka lockf lockofd open rename touch unlink utime xattr"
options=$(for s in $list; do echo "--$s 1"; done | tr '\n' ' ')
small="-t 2 --hdd-bytes 1M --chdir-dirs 64 --dentries 64 --dir-dirs 64 --temp-path /work"
xen9pd_start
# a root of its own, so that a guest without Debian can run it
mkdir -p $E/usr/bin $E/work $E/proc $E/dev $E/tmp
cp "$(command -v stress-ng)" $E/usr/bin
while read -r lib; do
    mkdir -p "$E/$(dirname "$lib")"
    cp -L "$lib" "$E/$lib"
done < <(ldd "$(command -v stress-ng)" | grep -o '/[^ ]*')
cp -a $E /srv/local
mount -t proc proc /srv/local/proc
trap 'umount /srv/local/proc' EXIT
of() { sed -n "s/.*\\] $1: [0-9]*: //p" | sed 's/ ([0-9]*)//g'; }
local=$(chroot /srv/local stress-ng $options $small 2>&1 | of failed) || :
guest_create g pv "$(p9 share $E)"
guest_up g
m=/mnt/share
assert "mounts" guest_run g 30 "$(mount_cmd share $m) && mount -t proc proc $m/proc && mount -t devtmpfs dev $m/dev"
out=$(guest_run g 150 "chroot $m /usr/bin/stress-ng $options $small 2>&1") || :
failed=
for s in $(of failed <<<"$out"); do
    case " $local " in *" $s "*) ;; *) failed="$failed $s" ;; esac
done
echo "$out"
assert_eq "none fails that ext4 passes" "$failed" ""
passed=$(of passed <<<"$out" | wc -w)
assert "they pass ($passed of $(wc -w <<<"$list"))" test "$passed" -ge 18
guest_destroy g
