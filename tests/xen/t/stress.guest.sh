# SPDX-License-Identifier: GPL-2.0-or-later
# stress_round SECONDS DIR STRESSOR...: one after the other, "NAME STATUS" of each; stress-ng's own words about one that failed.
stress_round() {
    local seconds=$1 dir=$2 s status
    shift 2
    for s in "$@"; do
        status=0
        timeout -s KILL $((seconds + 90)) stress-ng "--$s" 1 -t "$seconds" ${small} --temp-path "$dir" >/tmp/stress-one.out 2>&1 || status=$?
        echo "$s $status"
        [ $status = 0 ] || sed 's/^/# /' /tmp/stress-one.out
    done
}
