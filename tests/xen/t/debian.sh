# SPDX-License-Identifier: GPL-2.0-or-later
# class: long
# time: 900
# needs: debian
# A Debian boots with its root directory on 9p, installs a package, and does what programs of its kind do: git, sqlite with
# writers that lock each other out, fio with verification. The host looks at what they left.
xen9pd_start
debian /srv/debian
trap 'umount -l /srv/debian' EXIT
GUEST_MEMORY=384 GUEST_EXTRA=root9p=root,cache=mmap guest_create deb pv "$(p9 root /srv/debian)"
guest_up deb 120
assert "its root is a 9p mount" guest_run deb 30 'grep -q "^root / 9p " /proc/mounts && grep trixie /etc/os-release'
assert "it installs a package" guest_run deb 90 package_round
assert "the host sees it installed" grep -q '^Package: hello' /srv/debian/var/lib/dpkg/status
assert "and the program" test -x /srv/debian/usr/bin/hello
head=$(guest_run deb 300 git_round | tail -n 1) || fail "git failed in the guest"
assert_eq "git: a repository made, cloned and checked" "$(chroot /srv/debian git -C /srv/git/b rev-parse HEAD)" "$head"
assert "and checked by the host" chroot /srv/debian git -c safe.directory='*' -C /srv/git/a fsck --full --strict
assert_eq "sqlite: four writers, nothing lost" "$(guest_run deb 300 sqlite_round | tr '\n' ' ')" "4 ok 60|60 "
assert_eq "the host's sqlite agrees" "$(chroot /srv/debian sqlite3 /srv/test.db 'pragma integrity_check')" ok
assert "fio reads what it wrote" guest_run deb 90 fio_round
guest_destroy deb
