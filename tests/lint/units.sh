#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The systemd unit: no complaint of systemd's own check, exposure not above what was reached, and
# the settings that the design depends on.
set -u
cd "$(dirname "$0")/../.." || exit 2

unit=systemd/xen9pd.service
# Exposure as systemd 252 counts it. RestrictSUIDSGID would be 0.1 less: the workers' own filters do that, for
# all identities but the one that keeps the setuid bits of its guest.
most=3.6
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0

report() { # STATUS NAME
    if [ "$1" = 0 ]; then
        echo "ok $2"
    else
        echo "not ok $2"
        failed=1
    fi
}

# verify wants a program that exists, and the sections' spelling is all we ask it about.
sed 's,@SBINDIR@/xen9pd,/bin/true,' "$unit" >"$tmp/xen9pd.service"
# Manual pages and units of a host are not there on a build machine.
systemd-analyze verify --man=no "$tmp/xen9pd.service" >"$tmp/verify" 2>&1
grep -F 'xen9pd.service' "$tmp/verify" >"$tmp/complaints"
[ ! -s "$tmp/complaints" ]
report $? "systemd-analyze verify has no complaint about $unit"
sed 's/^/# /' "$tmp/complaints"

systemd-analyze security --offline=true --no-pager "$tmp/xen9pd.service" >"$tmp/security" 2>&1
level=$(sed -n 's/.*exposure level for xen9pd.service: \([0-9.]*\).*/\1/p' "$tmp/security")
[ -n "$level" ] && awk -v l="$level" -v m="$most" 'BEGIN { exit !(l <= m) }'
status=$?
report $status "exposure ${level:-unknown} is at most $most"
[ $status = 0 ] || sed 's/^/# /' "$tmp/security"

# The audit's: no complaint, less exposed than xen9pd, and wanted by it.
sed 's,@LIBEXECDIR@/xen9p-audit,/bin/true,' systemd/xen9p-audit.service >"$tmp/xen9p-audit.service"
systemd-analyze verify --man=no "$tmp/xen9p-audit.service" 2>&1 | grep -F xen9p-audit.service >"$tmp/complaints"
[ ! -s "$tmp/complaints" ]
report $? "systemd-analyze verify has no complaint about systemd/xen9p-audit.service"
sed 's/^/# /' "$tmp/complaints"
systemd-analyze security --offline=true --no-pager "$tmp/xen9p-audit.service" >"$tmp/security" 2>&1
level=$(sed -n 's/.*exposure level for xen9p-audit.service: \([0-9.]*\).*/\1/p' "$tmp/security")
[ -n "$level" ] && awk -v l="$level" 'BEGIN { exit !(l <= 2.9) }'
report $? "exposure of xen9p-audit ${level:-unknown} is at most 2.9"
grep -qx Wants=xen9p-audit.service "$unit" && grep -qx After=xen9p-audit.service "$unit"
report $? "$unit wants xen9p-audit, and to be started after it"

for line in Type=notify KillMode=mixed ConditionPathExists=/proc/xen NoNewPrivileges=yes Restart=on-failure; do
    grep -qx "$line" "$unit"
    report $? "$unit says $line"
done

# Settings with which a forking supervisor of namespaces, or exports anywhere, cannot work.
for key in RestrictNamespaces PrivateUsers PrivateDevices PrivateTmp ProtectHome ProtectProc; do
    ! grep -q "^$key=" "$unit"
    report $? "$unit leaves $key alone"
done
exit $failed
