# SPDX-License-Identifier: GPL-2.0-or-later
S=/mnt/share
sums() { (cd "$1" && find . | sort && find . -type f | sort | xargs md5sum) | md5sum; }

tar_round() {
    mkdir $S/tar && tar -C $S/tar -xf $S/seed.tar && tar -C $S/tar -cf $S/out.tar . && sums $S/tar
}
dd_round() {
    dd if=/dev/urandom of=/tmp/r bs=64k count=64 2>/dev/null
    dd if=/tmp/r of=$S/dd bs=256k conv=fsync 2>/dev/null && dd if=/tmp/r of=$S/dd bs=7001 seek=600 conv=notrunc 2>/dev/null
    md5sum <$S/dd
}
sparse() {
    echo end | dd of=$S/sparse bs=1 seek=5000000000 conv=notrunc 2>/dev/null &&
        stat -c '%s' $S/sparse && dd if=$S/sparse bs=1 skip=5000000000 2>/dev/null
}
# eight processes at once, each with its own files, each checking what it reads back
crowd() {
    for p in 1 2 3 4 5 6 7 8; do
        (
            mkdir $S/p$p || exit 1
            for i in 1 2 3 4 5 6; do
                head -c $((p * 20000 + i)) /dev/urandom >/tmp/p$p
                cp /tmp/p$p $S/p$p/$i && cmp /tmp/p$p $S/p$p/$i || exit 1
                mv $S/p$p/$i $S/p$p/moved$i || exit 1
            done
            [ "$(ls $S/p$p | wc -l)" = 6 ] || exit 1
            echo fine >/tmp/fine$p
        ) &
    done
    wait
    cat /tmp/fine* | grep -c fine
}
