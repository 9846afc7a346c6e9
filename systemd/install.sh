#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The recipe of "make install", which sets the variables. Everything goes where Debian would put
# it; the name that libxl looks for only when LIBXL_BIN says where, and never over another file.
set -eu

: "${BUILD:?run this through make install}"
root=${DESTDIR:-}

put() { # MODE SOURCE DIRECTORY
    install -D -m "$1" "$2" "$root$3/${2##*/}"
}

put_all() { # MODE DIRECTORY FILE...
    mode=$1 dir=$2
    shift 2
    for f in "$@"; do
        [ ! -e "$f" ] || put "$mode" "$f" "$dir"
    done
}

# libxl looks for its daemon by name in its own folder. A file there that is not our link belongs
# to somebody else, usually to a package, which would overwrite it with its next upgrade.
link_for_libxl() {
    name=${LIBXL_BIN%/}/xen-9pfsd
    target=$SBINDIR/xen9pd
    case $name in
    /*) ;;
    *)
        echo "install: LIBXL_BIN must be an absolute folder, as on the running system" >&2
        return 1
        ;;
    esac
    diverted=
    owner=
    if [ -z "$root" ] && command -v dpkg-divert >/dev/null; then
        diverted=$(dpkg-divert --list "$name")
        owner=$(dpkg-query -S "$name" 2>/dev/null | grep -v '^diversion' | cut -d: -f1 || true)
    fi
    if [ -L "$root$name" ]; then
        case $(readlink "$root$name") in
        */xen9pd)
            ln -sfn "$target" "$root$name"
            return 0
            ;;
        esac
    fi
    if [ -e "$root$name" ] || [ -L "$root$name" ] || { [ -n "$owner" ] && [ -z "$diverted" ]; }; then
        {
            echo "install: $root$name exists or belongs to a package${owner:+ ($owner)}; left as it is."
            echo "Move it aside so that upgrades of that package leave our link alone, then try again:"
            echo "    dpkg-divert --local --rename --divert $name.distrib --add $name"
            echo "(undo: remove the link, dpkg-divert --rename --remove $name)"
            echo "Or leave it: while xen9pd runs as a service, libxl starts no daemon."
        } >&2
        return 1
    fi
    mkdir -p "$root${LIBXL_BIN%/}"
    ln -s "$target" "$root$name"
}

# First, so that a refusal installs nothing.
if [ -n "${LIBXL_BIN:-}" ]; then
    link_for_libxl
fi

put 755 "$BUILD/xen9pd" "$SBINDIR"
put 755 "$BUILD/xen9p-worker" "$LIBEXECDIR"
put 755 "$BUILD/xen9p-audit" "$LIBEXECDIR"
put_all 755 "$SBINDIR" "$BUILD/xen9pctl"

for page in supervisor/*.[1-8] supervisor/audit/*.[1-8] worker/*.[1-8] policy/*.[1-8]; do
    put_all 644 "$MANDIR/man${page##*.}" "$page"
done

sed "s,@SBINDIR@,$SBINDIR,g" systemd/xen9pd.service >"$BUILD/xen9pd.service"
put 644 "$BUILD/xen9pd.service" "$UNITDIR"
sed "s,@LIBEXECDIR@,$LIBEXECDIR,g" systemd/xen9p-audit.service >"$BUILD/xen9p-audit.service"
put 644 "$BUILD/xen9p-audit.service" "$UNITDIR"
# systemd reads *.conf alone
install -D -m 644 systemd/xen9p.tmpfiles "$root$TMPFILESDIR/xen9p.conf"
install -D -m 644 systemd/xen9p.sysusers "$root$SYSUSERSDIR/xen9p.conf"
put 644 systemd/xen9p.logrotate "$DOCDIR"
put_all 644 "$DOCDIR/policies" policy/*.conf
put_all 644 "$DOCDIR" README.md LICENSE
