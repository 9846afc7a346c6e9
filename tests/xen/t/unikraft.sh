# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 60
# A frontend that sends what Unikraft sends: 9P2000.u over one to four rings, the ring by tag, msize of a whole ring.
xen9pd_start
E=/srv/xen9p/unikraft
for n in 1 2 3 4; do
    mkdir -p $E$n
    assert_eq "$n rings: files and a directory" "$(/lab/bin/fe unikraft $n $E$n $n)" "$n rings, 20 entries"
    assert_eq "$n rings: the files on the host" "$(cat $E$n/unikraft-$n-19)" "unikraft-$n-19"
done
assert "no worker is left" wait_until 10 eval '[ "$(worker_count)" = 0 ]'
