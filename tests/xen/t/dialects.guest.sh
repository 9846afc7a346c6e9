# SPDX-License-Identifier: GPL-2.0-or-later
S=/mnt/s
work() {
    d=$S/$1
    mkdir $d && mkdir $d/dir $d/gone && cp $S/in/a/data $d/copy && cmp $S/in/a/data $d/copy || return 1
    mv $d/copy $d/moved && [ ! -e $d/copy ] && cmp $S/in/a/data $d/moved || return 2
    echo one >$d/log && echo two >>$d/log && echo three >>$d/log && [ "$(cat $d/log | wc -l)" = 3 ] || return 3
    chmod 640 $d/log && touch -d @1000000000 $d/log || return 4
    [ "$(stat -c '%a %Y %s' $d/log)" = "640 1000000000 14" ] || return 5
    echo x >$d/short && : >$d/short && [ ! -s $d/short ] && rm $d/short && rmdir $d/gone || return 6
}
errors() {
    d=$S/$1
    cat $d/none 2>&1 | grep -q 'No such file' || return 1
    rmdir $d/log 2>&1 | grep -q 'Not a directory' || return 2
    rmdir $d 2>&1 | grep -q 'not empty' || return 3
    mkdir $d/dir 2>&1 | grep -q 'File exists' || return 4
}
more() {
    d=$S/$1
    ln -s log $d/soft && [ "$(readlink $d/soft)" = log ] && cmp $d/soft $d/log || return 1
    ln $d/log $d/hard && [ "$(stat -c %h $d/hard)" = 2 ] || return 2
    mkfifo $d/fifo && [ -p $d/fifo ] || return 3
    echo new >$d/new && echo old >$d/old && mv -f $d/new $d/old && [ "$(cat $d/old)" = new ] && rm $d/old || return 4
}
