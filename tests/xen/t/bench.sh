# SPDX-License-Identifier: GPL-2.0-or-later
# class: bench
# time: 420
# One guest program on three mounts in one boot: xen9p, xen9p without polling, QEMU's backend. Rounds in turn, medians; only
# the ratios mean anything. Needs the image trixie-qemu (make bench-xen).
QEMU=/usr/libexec/xen-qemu-system-i386
[ -x $QEMU ] || fail "no $QEMU in this image: make bench-xen"
ROUNDS=3 SECONDS_EACH=${BENCH_SECONDS:-1}
mkdir -p /srv/xen9p/on /srv/xen9p/off /srv/bench/qemu /etc/xen9p/policy.d
cat >/etc/xen9p/policy.d/bench.conf <<END
domain "off" {
    name = "off"
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
wait_until 60 eval '[ "$(qemu_state)" = 2 ]' || fail "QEMU's backend: state '$(qemu_state)'"
guest_hold qemu
xl unpause qemu

for g in on off qemu; do
    guest_up $g 90
    guest_run $g 60 "$(mount_cmd share /mnt/share cache=none)" || fail "$g cannot mount: $(guest_console $g | tail -n 3)"
done
for ((round = 0; round <= ROUNDS; round++)); do
    for g in on off qemu; do
        # the first time makes the files
        [ $round -gt 0 ] || { guest_run $g 120 'bench9p /mnt/share 0.01' >/dev/null || fail "$g: bench9p"; continue; }
        guest_run $g 120 "bench9p /mnt/share $SECONDS_EACH" >"$TESTDIR/$g.$round" || fail "$g: $(cat "$TESTDIR/$g.$round")"
    done
done

median() { sort -n | sed -n "$(((ROUNDS + 1) / 2))p"; }
rate() { awk -v n="$2" '$1 == n { print $2 }' "$TESTDIR/$1".[1-9] | median; }
say "load                    xen9p    poll-us 0    QEMU    unit    xen9p/QEMU   without polling"
while read -r name _ unit; do
    say "$(awk -v n="$name" -v u="${unit%$'\r'}" -v a="$(rate on "$name")" -v b="$(rate off "$name")" -v c="$(rate qemu "$name")" \
        'BEGIN { printf "%-20s %8.1f %12.1f %7.1f  %s %12.2f %17.2f", n, a, b, c, u, a / c, b / c }')"
done <"$TESTDIR/on.1"
for g in on off qemu; do guest_destroy $g; done
