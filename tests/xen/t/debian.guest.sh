# SPDX-License-Identifier: GPL-2.0-or-later
# A repository with history, cloned and checked; the last line is the commit that both have.
git_round() {
    export HOME=/root GIT_AUTHOR_NAME=g GIT_AUTHOR_EMAIL=g@g GIT_COMMITTER_NAME=g GIT_COMMITTER_EMAIL=g@g
    mkdir -p /srv/git && cd /srv/git && git init -q -b main a && cd a || return 1
    for c in 1 2 3; do
        for i in $(seq 20); do echo "$c $i" >file$i; done
        mkdir -p dir$c/sub && cp file* dir$c/sub && ln -s sub dir$c/link
        git add -A && git commit -q -m "commit $c" || return 1
    done
    git mv file1 renamed && git rm -q file2 && git commit -q -m moves && git gc -q || return 1
    cd .. && git clone -q a b && git -C a fsck --full --strict && git -C b fsck --full --strict || return 1
    [ "$(git -C a rev-parse HEAD)" = "$(git -C b rev-parse HEAD)" ] && [ -z "$(git -C b status --porcelain)" ] || return 1
    git -C b rev-parse HEAD
}
# Four writers with transactions of their own; the locks of the file system keep them apart.
sqlite_round() {
    db=/srv/test.db
    sqlite3 $db 'create table t (writer int, i int)' || return 1
    for w in 1 2 3 4; do
        (
            for i in $(seq 15); do
                sqlite3 -cmd '.timeout 60000' $db "begin immediate; insert into t values ($w, $i); commit;" || exit 1
            done
            echo fine >/tmp/sqlite$w
        ) &
    done
    wait
    cat /tmp/sqlite? | grep -c fine
    sqlite3 $db 'pragma integrity_check; select count(*), count(distinct writer * 100 + i) from t'
}
package_round() {
    dpkg -i /var/tmp/hello_*.deb >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; return 1; }
    dpkg --verify hello && dpkg -s hello | grep '^Status' && hello
}
fio_round() {
    mkdir -p /srv/fio
    fio --minimal --name=verify --directory=/srv/fio --size=2M --bs=4k --rw=randwrite --ioengine=psync --verify=crc32c \
        --verify_fatal=1 --numjobs=2 --fallocate=none --end_fsync=1 --thread >/tmp/fio || { cat /tmp/fio; return 1; }
}
