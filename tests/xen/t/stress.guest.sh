# SPDX-License-Identifier: GPL-2.0-or-later
# stress_round SECONDS DIR STRESSOR...: four at a time, "NAME passed|failed|skipped|hung after SECONDS" of each; stress-ng's
# own words where one did not pass. `small`: options for all.
stress_round() {
    local seconds=$1 dir=$2 group='' n=0 s
    shift 2
    for s in "$@" ''; do
        group="$group $s" n=$((n + 1))
        if [ $n = 4 ] || [ -z "$s" ]; then
            stress_group $group
            group='' n=0
        fi
    done | tee /srv/results
}
stress_group() {
    local out=/tmp/stress-ng.out options='' s status=0 result start
    start=$(date +%s)
    for s in "$@"; do options="$options --$s 1"; done
    [ -n "$options" ] || return 0
    timeout -s KILL $((seconds + 900)) stress-ng $options -t "$seconds" $small --temp-path "$dir" >$out 2>&1 || status=$?
    for s in "$@"; do
        result=$(sed -n "s/.*\\] \\(passed\\|failed\\|skipped\\): .* $s (1).*/\\1/p" $out | tail -n 1)
        [ $status != 137 ] || result=hung
        echo "$s ${result:-failed} after $(($(date +%s) - start))"
    done
    [ $status = 0 ] || sed 's/^/# /' $out
}
