#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run-tests itself: that every way to fail is counted, and that there is one closing line.
set -u
cd "$(dirname "$0")/../.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0

expect() { # NAME "CLOSING LINE" STATUS ARGUMENT...
    local name=$1 closing=$2 status=$3 out got
    shift 3
    out=$(tests/run-tests "$@" 2>&1)
    got=$?
    if [ "$(tail -n 1 <<<"$out")" = "$closing" ] && [ $got = "$status" ] &&
        [ "$(grep -cE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' <<<"$out")" = 1 ]; then
        echo "ok $name"
    else
        echo "not ok $name (status $got, wanted $status and '$closing')"
        sed 's/^/# /' <<<"$out"
        failed=1
    fi
}

script() { # NAME LINE...
    local f=$tmp/$1
    shift
    { echo '#!/bin/sh'; printf '%s\n' "$@"; } >"$f"
    chmod +x "$f"
    echo "$f"
}

silent=$(script silent 'exit 0')
bad=$(script bad 'exit 3')
crash=$(script crash 'echo ok one' 'kill -SEGV $$')
tap=$(script tap 'echo ok 1 - a' 'echo not ok 2 - b' 'echo "ok 3 - c # skip no disk"' 'exit 1')
short=$(script short 'echo 1..3' 'echo ok 1 - a')
exit77=$(script exit77 'exit 77')
slow=$(script slow 'echo ok 1 - a' 'sleep 30')
own=$(script own 'echo ok a' 'echo 5 passed, 0 failed, 1 skipped')
liar=$(script liar 'echo 5 passed, 0 failed, 0 skipped' 'exit 1')
absent=$tmp/absent
plain=$(script plain 'exit 0')
chmod -x "$plain"
nothing=$(script nothing 'echo 0 passed, 0 failed, 0 skipped')

expect "a silent success is one test" "1 passed, 0 failed, 0 skipped" 0 "$silent"
expect "an exit status is a failure" "1 passed, 1 failed, 0 skipped" 1 "$silent" "$bad"
expect "a crash after an ok is a failure" "1 passed, 1 failed, 0 skipped" 1 "$crash"
expect "TAP lines are counted" "1 passed, 1 failed, 1 skipped" 1 "$tap"
expect "a broken plan is a failure" "1 passed, 2 failed, 0 skipped" 1 "$short"
expect "status 77 is a skip, and skips alone are no success" "0 passed, 0 failed, 1 skipped" 1 "$exit77"
expect "a test that hangs is ended and has failed" "1 passed, 1 failed, 0 skipped" 1 --limit 1 "$slow"
expect "a closing line is taken over" "5 passed, 0 failed, 1 skipped" 0 "$own"
expect "also when it runs live" "6 passed, 0 failed, 1 skipped" 0 "$silent" --live "$own"
expect "a live failure is one" "0 passed, 1 failed, 0 skipped" 1 --live "$bad"
expect "a closing line does not hide an exit status" "5 passed, 1 failed, 0 skipped" 1 "$liar"
expect "a test that is not there has failed" "0 passed, 1 failed, 0 skipped" 1 "$absent"
expect "a test that tested nothing has failed" "0 passed, 1 failed, 0 skipped" 1 "$nothing"
expect "no test at all is no success" "0 passed, 0 failed, 0 skipped" 1
TEST_EMULATOR="sh" expect "a program may run by means of another" "1 passed, 0 failed, 0 skipped" 0 "$plain"
expect "a command line may have arguments" "1 passed, 0 failed, 0 skipped" 0 "test 1 = 1"
exit $failed
