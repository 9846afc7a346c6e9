# SPDX-License-Identifier: GPL-2.0-or-later
S=/mnt/share
sums() { (cd "$1" && find . | sort && find . -type f | sort | xargs md5sum) | md5sum; }
# eight processes at once for $1 rounds: each copies the tree, checks it, moves and removes it
crowd() {
    want=$(sums $S/tree)
    for p in 1 2 3 4 5 6 7 8; do
        (
            for i in $(seq "$1"); do
                cp -a $S/tree $S/p$p && [ "$(sums $S/p$p)" = "$want" ] && mv $S/p$p $S/moved$p && rm -r $S/moved$p || exit 1
            done
            echo fine >/tmp/fine$p
        ) &
    done
    wait
    cat /tmp/fine* | grep -c fine
}
large() {
    dd if=/dev/urandom of=/tmp/chunk bs=1M count=16 2>/dev/null || return 1
    for i in $(seq 16); do dd if=/tmp/chunk of=$S/large bs=512k seek=$((i * 32)) conv=notrunc 2>/dev/null || return 1; done
    md5sum <$S/large
}
