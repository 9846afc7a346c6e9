#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make install: what goes where, and what it refuses.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BUILD:=build}"
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0

report() { # STATUS NAME
    if [ "$1" = 0 ]; then
        echo "ok $2"
    else
        echo "not ok $2"
        sed 's/^/# /' "$tmp/log"
        failed=1
    fi
}

into() { # FOLDER MAKE-ARGUMENT...
    local d=$1
    shift
    make --no-print-directory -s install SAN= COV= BUILD="$BUILD" DESTDIR="$d" "$@" >"$tmp/log" 2>&1
}

libxl=/usr/lib/xen-4.20/bin
into "$tmp/a" PREFIX=/usr
report $? "installs"
(cd "$tmp/a" 2>/dev/null && find . -type f | sort) >"$tmp/files"
for f in usr/sbin/xen9pd usr/libexec/xen9p/xen9p-worker usr/share/man/man8/xen9pd.8 \
    usr/share/man/man8/xen9p-worker.8 usr/lib/systemd/system/xen9pd.service \
    usr/libexec/xen9p/xen9p-audit usr/share/man/man8/xen9p-audit.8 \
    usr/lib/systemd/system/xen9p-audit.service usr/lib/tmpfiles.d/xen9p.conf \
    usr/lib/sysusers.d/xen9p.conf usr/share/doc/xen9p/xen9p.logrotate; do
    grep -qx "./$f" "$tmp/files"
    report $? "installs /$f"
done
! grep -E 'hostile|redteam|/tests?/' "$tmp/files" &&
    ! grep -rlaF hostile_worker "$tmp/a"
report $? "installs nothing that is for tests only"
! find "$tmp/a" -name xen-9pfsd | grep -q .
report $? "leaves libxl's name alone unless asked"
! grep -q '@SBINDIR@' "$tmp/a/usr/lib/systemd/system/xen9pd.service" &&
    grep -qx 'ExecStart=/usr/sbin/xen9pd' "$tmp/a/usr/lib/systemd/system/xen9pd.service"
report $? "the unit starts what was installed"
grep -qx 'ExecStart=/usr/libexec/xen9p/xen9p-audit' \
    "$tmp/a/usr/lib/systemd/system/xen9p-audit.service"
report $? "the audit's unit starts what was installed"
! find "$tmp/a" -perm /022 -type f | grep -q .
report $? "nothing can be written by others"
grep -qaF /usr/libexec/xen9p/xen9p-worker "$tmp/a/usr/sbin/xen9pd" &&
    ! grep -qaF "$tmp" "$tmp/a/usr/sbin/xen9pd"
report $? "xen9pd knows where its worker is at run time"

into "$tmp/b" PREFIX=/usr LIBXL_BIN=$libxl
[ "$(readlink "$tmp/b$libxl/xen-9pfsd")" = /usr/sbin/xen9pd ]
report $? "LIBXL_BIN makes a link that is right at run time"
into "$tmp/b" PREFIX=/usr LIBXL_BIN=$libxl
report $? "installs over itself"

mkdir -p "$tmp/c$libxl"
echo theirs >"$tmp/c$libxl/xen-9pfsd"
! into "$tmp/c" PREFIX=/usr LIBXL_BIN=$libxl
report $? "refuses to replace somebody else's file"
grep -q 'dpkg-divert --local --rename' "$tmp/log"
report $? "names the remedy"
[ "$(cat "$tmp/c$libxl/xen-9pfsd")" = theirs ] && [ ! -e "$tmp/c/usr/sbin/xen9pd" ]
report $? "a refusal changes nothing"

ln -sf /opt/other/daemon "$tmp/c$libxl/xen-9pfsd"
! into "$tmp/c" PREFIX=/usr LIBXL_BIN=$libxl
report $? "refuses to replace somebody else's link"

for san in asan tsan; do
    ! make --no-print-directory -s install SAN=$san DESTDIR="$tmp/d" >"$tmp/log" 2>&1 &&
        grep -q 'never installed' "$tmp/log" && [ ! -e "$tmp/d" ]
    report $? "SAN=$san is never installed"
done
exit $failed
