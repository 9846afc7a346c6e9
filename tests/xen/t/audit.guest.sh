# SPDX-License-Identifier: GPL-2.0-or-later
S=/mnt/share
# Files whose names break what is careless: every control character, quotes, escapes, bytes that are no UTF-8, lines of
# a log. Each is created, and renamed to what it is called in the end.
nasty() {
    cd $S || return 1
    for o in 1 2 3 4 5 6 7 10 11 12 13 14 15 16 17 20 21 22 23 24 25 26 27 30 31 32 33 34 35 36 37 40 42 47 134 177 \
        200 277 300 355 376 377; do
        name=$(printf "a\\${o}z")
        : >"$name" || return 1
    done
    for name in '"},{"seq":1,"op":"' '\' '\\x0a' '\n' '\u0000' "$(printf '\342\202')" "$(printf '\355\240\200')" \
        "$(printf '\342\200\256')" "$(printf 'gr\303\274n')" "$(printf '\n{"seq":1}\nx')" "$(printf '\033[2Jx')" 'x (deleted)'; do
        : >plain && mv plain "$name" || return 1
    done
}
# `1` files made, written, removed.
many() { i=0; while [ $i -lt "$1" ]; do echo more >$S/many$i || return 1; i=$((i + 1)); done; rm $S/many*; }
