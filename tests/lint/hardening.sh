#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the loader will see of the programs: position independent, RELRO, bound at start, no
# executable stack; and what they are linked with, since every library is code inside the jail or
# above it.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BUILD:=build}"
failed=0

report() { # STATUS NAME
    if [ "$1" = 0 ]; then
        echo "ok $2"
    else
        echo "not ok $2"
        failed=1
    fi
}

libraries() {
    readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p' | sort | tr '\n' ' '
}

for name in xen9pd xen9p-worker xen9p-audit; do
    program=$BUILD/$name
    if [ ! -x "$program" ]; then
        report 1 "$program is built"
        continue
    fi
    readelf -hW "$program" | grep -q 'Type:.*DYN'
    report $? "$name is position independent"
    readelf -lW "$program" | grep -q GNU_RELRO
    report $? "$name has RELRO"
    readelf -dW "$program" | grep -q 'FLAGS.*NOW'
    report $? "$name binds everything at start"
    ! readelf -lW "$program" | grep 'GNU_STACK' | grep -q 'RWE'
    report $? "$name has no executable stack"
    readelf -sW --dyn-syms "$program" | grep -q '__stack_chk_fail'
    report $? "$name has stack protectors"
    readelf -sW --dyn-syms "$program" | grep -q '_chk@'
    report $? "$name is fortified"
    ! readelf -dW "$program" | grep -Eq 'RPATH|RUNPATH'
    report $? "$name has no library path of its own"
done
if [ -x "$BUILD/xen9p-worker" ]; then
    has=$(libraries "$BUILD/xen9p-worker")
    [ "$has" = "libc libcap-ng " ]
    report $? "xen9p-worker is linked with libc and libcap-ng alone (it has: $has)"
fi
exit $failed
