#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may know whom. Supervisor and worker use common/ and never each other; common/ knows neither
# Xen's toolstack nor the file system; the worker knows no Xen library at all. Judged by the objects:
# a symbol that one folder leaves undefined must not be defined by the other.
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

defined() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }
wanted() { nm -g --undefined-only "$@" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u; }

for pair in supervisor:worker worker:supervisor common:supervisor common:worker; do
    from=${pair%:*} to=${pair#*:}
    compgen -G "$BUILD/$from/*.o" >/dev/null || { report 1 "$BUILD/$from has objects"; continue; }
    both=$(comm -12 <(wanted "$BUILD/$from"/*.o) <(defined "$BUILD/$to"/*.o) | grep -vx main)
    # What the folder (or common/) defines itself is no arrow.
    own=$(defined "$BUILD/$from"/*.o "$BUILD/common"/*.o)
    bad=$(comm -23 <(echo "$both") <(echo "$own") | xargs)
    [ -z "$bad" ]
    report $? "$from needs nothing of $to${bad:+: $bad}"
done

bad=$(wanted "$BUILD"/common/*.o "$BUILD"/worker/*.o | grep -E '^(xs_|xengnttab_|xenevtchn_|seccomp_)' | xargs)
[ -z "$bad" ]
report $? "neither common nor worker calls a Xen library or libseccomp${bad:+: $bad}"

bad=$(grep -nE '#include "(\.\./)?(supervisor|worker)/' -r common supervisor worker include | grep -v '^tests' | xargs)
[ -z "$bad" ]
report $? "no include across folders${bad:+: $bad}"

# Everything says what it is under.
bad=
for f in $(git ls-files -- '*.c' '*.h' '*.sh' '*.mk' Makefile 2>/dev/null); do
    [ ! -f "$f" ] || head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || bad="$bad $f"
done
[ -z "$bad" ]
report $? "every source begins with its licence${bad:+:$bad}"
exit $failed
