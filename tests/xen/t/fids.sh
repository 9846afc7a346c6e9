# SPDX-License-Identifier: GPL-2.0-or-later
# class: long
# time: 600
# What a stat costs with 10, 1,000 and 100,000 live fids, over real grants: the same.
mkdir -p /etc/xen9p
trap 'rm -rf /etc/xen9p' EXIT
cat >/etc/xen9p/xen9p.conf <<END
defaults {
    max-fids = 110000
}
END
echo 1000000 >/proc/sys/fs/file-max # what the kernel itself allows goes by memory, of which dom0 has little
xen9pd_start
E=/srv/xen9p/fids
mkdir -p $E
echo x >$E/file
out=$(/lab/bin/fe fids 1 $E 10 1000 100000) || fail "the frontend failed: $out"
mapfile -t us < <(cut -d ' ' -f 2 <<<"$out")
say "walk, stat and clunk with 10, 1,000 and 100,000 live fids: ${us[*]} us"
assert_eq "all of them were had" "$(tail -n 1 <<<"$out" | cut -d ' ' -f 1)" 100000
assert "it does not grow with them" test "${us[2]}" -lt $((us[0] * 2))
assert "no worker is left" wait_until 60 eval '[ "$(worker_count)" = 0 ]'
