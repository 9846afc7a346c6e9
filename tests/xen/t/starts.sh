# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# Many devices at once: all connect, and no more workers start at the same time than the policy says.
N=24
mkdir -p /etc/xen9p
trap 'rm -rf /etc/xen9p' EXIT
printf 'defaults {\n    host-starts = 2\n    max-rings = 1\n    max-ring-order = 1\n}\n' >/etc/xen9p/xen9p.conf
xen9pd_start
E=/srv/xen9p/starts
mkdir -p $E
/lab/bin/fe many 100 $E $N >"$TESTDIR/many" 2>&1 &
many=$!
wait_until 90 eval 'grep -q . "$TESTDIR/many" || ! kill -0 $many 2>/dev/null'
assert "all of them connect: $(cat "$TESTDIR/many")" grep -q "^connected $N " "$TESTDIR/many"
log=$TESTDIR/xen9pd.log
assert_eq "workers that started at the same time" "$(awk '/: worker [0-9]+ starts$/ && ++n > most { most = n } /: worker [0-9]+ serves / { n-- } END { print most }' "$log")" 2
assert "others waited for their turn" grep -q 'waits for its turn' "$log"
assert_eq "in their order" "$(sed -n 's/.*device \([0-9]*\): worker .* starts$/\1/p' "$log" | tail -n +3 | head -n $((N - 2)))" \
    "$(sed -n 's/.*device \([0-9]*\): waits for its turn.*/\1/p' "$log")"
kill -TERM $many
wait $many || true
