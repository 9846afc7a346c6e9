# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 90
# A running worker seen from outside: every thread's rights, its mounts and descriptors; and what the host mounts
# below the export later does not appear in it.
xen9pd_start
mkdir -p /srv/xen9p/exp/inner /srv/xen9p/other
echo hello >/srv/xen9p/exp/hello
/lab/bin/fe hold 1 /srv/xen9p/exp 70 >"$TESTDIR/hold" 2>&1 &
wait_until 30 grep -q connected "$TESTDIR/hold" || fail "no connection: $(cat "$TESTDIR/hold")"
w=$(worker_of /srv/xen9p/exp) || fail "no worker serves the export"
cat /proc/"$w"/{status,mountinfo,uid_map,gid_map,limits}
ls -l /proc/"$w"/fd

# field KEY FILE: the words after KEY in a status file
field() {
    local key rest
    while read -r key rest; do [ "$key" != "$1:" ] || { echo "${rest//$'\t'/ }"; return; }; done <"$2"
    return 1
}
threads=0
for t in /proc/"$w"/task/*; do
    threads=$((threads + 1))
    n=thread${t##*/}
    for id in $(field Uid "$t/status") $(field Gid "$t/status"); do
        [ "$id" != 0 ] || fail "$n has id 0 on the host"
    done
    assert_eq "$n: no groups" "$(field Groups "$t/status")" ""
    assert_eq "$n: NoNewPrivs" "$(field NoNewPrivs "$t/status")" 1
    assert_eq "$n: Seccomp filter" "$(field Seccomp "$t/status")" 2
    [ "$(readlink "$t/ns/user")" != "$(readlink /proc/1/ns/user)" ] || fail "$n is in the host's user namespace"
    # in its own namespace: at most CAP_DAC_OVERRIDE, over the one id mapped there
    for set in CapInh CapPrm CapEff CapAmb; do
        [ $((0x$(field $set "$t/status") & ~0x2)) = 0 ] || fail "$n: $set is $(field $set "$t/status")"
    done
    for ns in mnt pid net ipc uts; do
        [ "$(readlink "$t/ns/$ns")" != "$(readlink /proc/1/ns/$ns)" ] || fail "$n shares the host's $ns namespace"
    done
done
assert "the threads were looked at" test $threads -ge 1
read -r _ outside count <"/proc/$w/uid_map"
assert_eq "one id is mapped" "$count" 1
assert "and it is not the host's root" test "$outside" != 0

while read -r _ _ _ root _ rest; do
    case "$root ${rest##* - }" in
        "/srv/xen9p/exp "*) ;;
        /*/fd' proc '*) ;;
        *) fail "a mount of the worker is not the export: $root (${rest##* - })" ;;
    esac
done <"/proc/$w/mountinfo"
for fd in /proc/"$w"/fd/*; do
    case $(readlink "$fd") in
        *gntdev* | *gntalloc* | *privcmd* | *xenbus* | *xenstore* | /dev/pts* | /results* | /run/* | /lab/* | pipe:*)
            fail "descriptor ${fd##*/} is $(readlink "$fd")" ;;
    esac
done
assert "the worker's root is the export" test -e "/proc/$w/root/hello"
mount -t tmpfs later /srv/xen9p/exp/inner
echo secret >/srv/xen9p/exp/inner/secret
inside=0 && [ ! -e "/proc/$w/root/inner/secret" ] || inside=1
umount /srv/xen9p/exp/inner
assert_eq "a later mount below the export is not visible to the worker" $inside 0
assert "no environment" test ! -s "/proc/$w/environ"
assert "SIGTERM ends xen9pd and its workers" xen9pd_stop
assert "no worker outlives it" wait_until 10 no_product
