# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 60
# A frontend that sends what Mini-OS sends, on real grants: 9P2000.u over one ring of order 4, afid 0, tag 0, walks in place, reads of
# msize - 11, and a live update that keeps the ring: Tversion again, no Tattach, on from fid 0.
xen9pd_start
E=/srv/xen9p/minios
mkdir -p $E/dir
assert_eq "its messages are answered as it expects" "$(/lab/bin/fe minios 1 $E 1 | tr '\n' ' ')" "used live update fine "
assert_eq "its files are on the host" "$(cd $E/dir && stat -c '%n %s %a' before after | tr '\n' ' ')" \
    "before 16461 600 after 16461 600 "
assert "no worker is left" wait_until 10 eval '[ "$(worker_count)" = 0 ]'
