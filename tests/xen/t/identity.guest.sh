# SPDX-License-Identifier: GPL-2.0-or-later
users() {
    mkdir -p /etc
    printf '%s\n' root::0:0::/:/bin/sh alice::1000:1000::/:/bin/sh bob::1001:1001::/:/bin/sh >/etc/passwd
    printf '%s\n' root::0: alice::1000: bob::1001: staff::50:alice >/etc/group
}
as() { su -s /bin/sh -c "cd /mnt/share && $2" "$1"; }
# What root and two users leave behind, below directory $1.
make_tree() {
    users
    cd /mnt/share || return 1
    mkdir "$1" "$1/home" "$1/tmp" && chmod 1777 "$1/tmp" && chown alice:alice "$1/home"
    echo root >"$1/roots" && chmod 600 "$1/roots"
    as alice "umask 022; echo a >$1/home/a; ln -s a $1/home/link; chgrp staff $1/home/a"
    as alice "echo x >$1/tmp/tool; chmod 4755 $1/tmp/tool"
    as bob "umask 077; echo b >$1/tmp/b; mkfifo $1/tmp/fifo"
}
# Owner, group and mode of each file, as seen here.
look() { (cd "/mnt/share/$1" && find . | sort | xargs stat -c '%n %u:%g %a'); }
