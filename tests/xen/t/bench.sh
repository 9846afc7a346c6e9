# SPDX-License-Identifier: GPL-2.0-or-later
# class: bench
# time: 700
# One guest program on three mounts in one boot: xen9p, xen9p without polling, QEMU's backend. Beside them a bare ring
# echo between a guest and dom0, and, through a frontend in user space, xen9p and Xen's own daemon. Rounds in turn,
# medians; only the ratios mean anything. Needs the image trixie-qemu (make bench-xen).
QEMU=/usr/libexec/xen-qemu-system-i386
[ -x $QEMU ] || fail "no $QEMU in this image: make bench-xen"
ROUNDS=5 SECONDS_EACH=${BENCH_SECONDS:-1}
mkdir -p /srv/xen9p/on /srv/xen9p/off /srv/xen9p/fe /srv/bench/qemu /etc/xen9p/policy.d
cat >/etc/xen9p/policy.d/bench.conf <<END
domain "off" {
    poll-us = 0
}
END
xen9pd_start
guest_create on pv "$(p9 share /srv/xen9p/on)"
guest_create off pv "$(p9 share /srv/xen9p/off)"

# QEMU's backend attaches to a domain that does not run yet.
guest_config qemu pv "tag=share,path=/srv/bench/qemu,security_model=none,type=qemu"
: >"$RUN/guest-qemu.log"
timeout 90 xl create -p -q "$RUN/qemu.cfg" || fail "xl create of guest qemu failed (status $?)"
d=$(guest_domid qemu)
if ! pgrep -f "xen-domid $d" >/dev/null; then
    setsid $QEMU -xen-domid "$d" -xen-attach -M xenpv -nodefaults -no-user-config -vnc none -display none \
        -monitor none -serial none </dev/null >"$TESTDIR/qemu.log" 2>&1 &
fi
qemu_state() { xenstore-read "/local/domain/0/backend/9pfs/$d/0/state" 2>/dev/null; }
qemu_waits() { [ "$(qemu_state)" = 2 ]; }
wait_until 60 qemu_waits || fail "QEMU's backend: state '$(qemu_state)'"
guest_hold qemu
xl unpause qemu

for g in on off qemu; do
    guest_up $g 90
    assert "$g mounts" guest_run $g 60 "$(mount_cmd share /mnt/share cache=none)"
    # the first time makes the files
    assert "$g has its files" guest_run $g 120 'bench9p /mnt/share 0.01'
done

# The floor: back ends that do nothing, asleep between two messages or not.
echo_run() {
    local line a b p
    guest_spawn on "echo$1" "ringecho front 0 $SECONDS_EACH $ROUNDS"
    echo_refs() { line=$(guest_run on 20 "cat /tmp/echo$1.out") && [[ $line == *"refs "* ]]; }
    wait_until 30 echo_refs "$1" || fail "the echo's guest side says: $line"
    read -r a b p <<<"$(sed -n 's/^refs \([0-9]*\) \([0-9]*\) port \([0-9]*\)/\1 \2 \3/p' <<<"$line")"
    /lab/bin/ringecho "$1" "$(guest_domid on)" "$a" "$b" "$p" >"$TESTDIR/echo-$1.log" 2>&1 &
    guest_join on "echo$1" 60 >"$TESTDIR/echo-$1" || fail "echo: $(cat "$TESTDIR/echo-$1")"
}
assert "a guest can share memory" guest_run on 20 'for m in $(cat /modules-fe/order); do insmod /modules-fe/$m 2>/dev/null; done; ls /dev/xen/gntalloc'
echo_run back
echo_run quick

for ((round = 1; round <= ROUNDS; round++)); do
    in_turn=(on off qemu on off)
    for g in "${in_turn[@]:round % 3:3}"; do
        guest_run $g 120 "bench9p /mnt/share $SECONDS_EACH" >"$TESTDIR/$g.$round" || fail "$g: $(cat "$TESTDIR/$g.$round")"
    done
done
for g in on off qemu; do guest_destroy $g; done
# what it has mapped of its domain would keep that from going
pkill -KILL -f "xen-domid $d" || true

# Xen's own daemon and ours take turns: there can be one.
head -c 1048576 /dev/zero >/srv/xen9p/fe/file
for ((round = 1; round <= ROUNDS; round++)); do
    [ $round = 1 ] || xen9pd_start
    /lab/bin/fe bench $round /srv/xen9p/fe "$SECONDS_EACH" >"$TESTDIR/u-xen9p.$round" || fail "fe: $(cat "$TESTDIR/u-xen9p.$round")"
    xen9pd_stop
    setsid "$LIBXL_BIN/xen-9pfsd.distrib" </dev/null >>"$TESTDIR/xen-9pfsd.log" 2>&1 &
    own=$!
    wait_until 20 daemon_running || fail "xen-9pfsd does not come up: $(cat "$TESTDIR/xen-9pfsd.log")"
    if ! /lab/bin/fe bench $((round + 10)) /srv/xen9p/fe "$SECONDS_EACH" >"$TESTDIR/u-xen-9pfsd.$round"; then
        say "xen-9pfsd cannot take part: $(cat "$TESTDIR/u-xen-9pfsd.$round")"
        rm "$TESTDIR/u-xen-9pfsd.$round"
    fi
    kill -KILL $own
    xenstore-rm libxl/xen-9pfs 2>/dev/null || true
    toolstack_remove $((round + 10))
    [ -e "$TESTDIR/u-xen-9pfsd.$round" ] || break
done

median() { sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : 0 }'; }
# rate NAME FILE...: of the lines that begin with NAME.
rate() { local name=$1; shift; cat "$@" 2>/dev/null | awk -v n="$name" '$1 == n { print $2 }' | median; }
json=
# row NAME UNIT LABEL=RATE...: into the table and the JSON; the last is what others are compared with.
row() {
    local name=$1 unit=$2 text fields='' kv base=${!#}
    shift 2
    printf -v text '%-20s %-5s' "$name" "$unit"
    for kv in "$@"; do
        printf -v text '%s %12.1f' "$text" "${kv#*=}"
        fields="$fields, \"${kv%%=*}\": ${kv#*=}"
    done
    text="$text  $(awk -v a="${1#*=}" -v b="${base#*=}" 'BEGIN { if (b > 0) printf "%.2f", a / b }')"
    say "$text"
    json="$json${json:+,
}  {\"name\": \"$name\", \"unit\": \"$unit\"$fields, \"rounds\": $ROUNDS}"
}
say "load                 unit         xen9p    poll-us 0         QEMU  xen9p/QEMU"
while read -r name _ unit; do
    row "$name" "${unit%$'\r'}" "xen9p=$(rate "$name" "$TESTDIR"/on.?)" "xen9p_poll_0=$(rate "$name" "$TESTDIR"/off.?)" "qemu=$(rate "$name" "$TESTDIR"/qemu.?)"
done <"$TESTDIR/on.1"
say "the floor            unit     read-4K  echo, polls  echo, sleeps"
row "read-4K and echo" op/s "xen9p=$(rate read-4K "$TESTDIR"/on.?)" "xen9p_poll_0=$(rate read-4K "$TESTDIR"/off.?)" \
    "echo_polling=$(rate echo "$TESTDIR/echo-quick")" "echo_sleeping=$(rate echo "$TESTDIR/echo-back")"
say "9P2000.u from dom0   unit         xen9p    xen-9pfsd  ratio"
while read -r name _ unit; do
    row "$name" "$unit" "xen9p=$(rate "$name" "$TESTDIR"/u-xen9p.?)" "xen_9pfsd=$(rate "$name" "$TESTDIR"/u-xen-9pfsd.?)"
done <"$TESTDIR/u-xen9p.1"
printf '[\n%s\n]\n' "$json" >"$TESTDIR/bench.json"
assert "everything was measured" test -s "$TESTDIR/u-xen9p.$ROUNDS"
