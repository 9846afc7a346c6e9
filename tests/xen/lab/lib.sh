# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the dom0 part of a test may use (bash; errexit is on, a failing command fails the test).
#
# Guests: guest_create NAME pv|pvh P9... ; guest_up NAME ; guest_run NAME SECS 'shell' (prints its output, has its
# status) ; guest_spawn NAME ID 'shell' + guest_join NAME ID SECS ; guest_destroy NAME. The functions of
# t/$TEST.guest.sh are there in the guest. P9 is one string per device, see p9().
# Product: xen9pd_start, xen9pd_stop, or nothing: libxl starts it. be_state, worker_of, ...
# Checks: assert WORDS COMMAND..., fail WORDS, wait_until SECS COMMAND...

export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
# The demo runs these functions in a real dom0, too, where these are elsewhere.
LAB=${LAB:-/lab}
RUN=${RUN:-/run/lab}
GUEST_KERNEL=${GUEST_KERNEL:-/boot/vmlinux}
GUEST_BASE=${GUEST_BASE:-/boot/guest.cpio}
LIBXL_BIN=$(echo /usr/lib/xen-[0-9]*/bin)

report() { echo "$*" >/dev/ttyS1; }
# A fork costs 50 ms on the emulated machine, so what is called in loops below is made of builtins.
note() {
    local up
    read -r up _ </proc/uptime
    echo "# $up $*"
}
exec {NAP}<> <(:)
nap() { read -rt "$1" -u "$NAP" || true; }
# What the test does now, for the host to see should dom0 hang.
step() { report "step $TEST $*"; note "$*"; }
# A line shown with the test's result.
say() { report "say $TEST $*"; note "$*"; }

fail() {
    [ -e "$TESTDIR/reason" ] || echo "$*" >"$TESTDIR/reason"
    note "FAIL: $*"
    exit 1
}

# assert WORDS COMMAND...: fails the test with WORDS unless COMMAND succeeds.
assert() {
    local what=$1
    shift
    "$@" || fail "$what ($(printf "%s " "$@" | cut -c1-200))"
    step "ok: $what"
    echo "$what" >>"$TESTDIR/asserts"
}
# assert_eq WORDS GOT WANTED
assert_eq() {
    [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
    step "ok: $1"
    echo "$1" >>"$TESTDIR/asserts"
}
not() { ! "$@"; }

# wait_until SECS COMMAND...: 0 once COMMAND succeeds, 1 when SECS have passed.
wait_until() {
    local end=$((EPOCHSECONDS + $1))
    shift
    while ! "$@"; do
        [ $EPOCHSECONDS -lt $end ] || return 1
        nap 0.2
    done
}

# --- guests -----------------------------------------------------------------------------------------------------

# p9 TAG PATH [KEY=VALUE...]: one device for guest_create.
p9() {
    local tag=$1 path=$2 IFS=,
    shift 2
    echo "tag=$tag,path=$path,security_model=none,type=xen_9pfsd${*:+,$*}"
}

# guest_config NAME TYPE P9...: writes the config and the initramfs of a guest, starts nothing.
guest_config() {
    local name=$1 type=$2 device dir=$RUN/guest-$1 list= cpus=
    shift 2
    rm -rf "$dir"
    mkdir -p "$dir/test"
    for device in "$@"; do list="$list${list:+, }\"$device\""; done
    # On QEMU's emulated SVM a guest that moves between processors comes back in a wrong state: one in three PVH
    # guests died of a triple fault while it booted (none of those that are pinned), and once dom0's memory was hurt.
    [ "$type.$LAB" != pvh./lab ] || cpus='cpus = "1"'
    [ ! -e "$LAB/t/$TEST.guest.sh" ] || cp "$LAB/t/$TEST.guest.sh" "$dir/test/guest.sh"
    (cd "$dir" && echo test/guest.sh | busybox cpio -o -H newc 2>/dev/null) >"$dir.test.cpio" || true
    cat "$GUEST_BASE" "$LAB/guest.cpio" "$dir.test.cpio" >"$RUN/$name.cpio"
    rm -rf "$dir" "$dir.test.cpio"
    cat >"$RUN/$name.cfg" <<EOF
name = "$name"
type = "$type"
kernel = "$GUEST_KERNEL"
ramdisk = "$RUN/$name.cpio"
extra = "console=hvc0 quiet loglevel=4 panic=1 mitigations=off ${GUEST_EXTRA:-}"
memory = ${GUEST_MEMORY:-192}
vcpus = ${GUEST_VCPUS:-1}
tsc_mode = "native"
$cpus
on_crash = "destroy"
on_reboot = "destroy"
p9 = [ $list ]
EOF
}

# debian DIR: the Debian of "# needs: debian" below DIR, for guests with GUEST_EXTRA=root9p=TAG.
debian() {
    mkdir -p "$1"
    mount /dev/vdd "$1" || fail "no disk with a Debian"
}

# guest_create NAME TYPE P9...: defines and starts a guest; guest_up waits for it.
guest_create() {
    guest_config "$@"
    step "create $*"
    guest_start "$1"
}
# guest_start NAME: starts a guest that is defined.
guest_start() {
    : >"$RUN/guest-$1.log"
    timeout 60 xl create -q "$RUN/$1.cfg" || fail "xl create of guest $1 failed (status $?)"
    # in the lab xenconsoled writes the log; elsewhere nobody does
    [ "${LAB_CONSOLE:-log}" = log ] || cat "$(xenstore-read "/local/domain/$(guest_domid "$1")/console/tty")" >>"$RUN/guest-$1.log" &
    guest_hold "$1"
}

declare -A guest_tty=()
# Keeps the guest's console open for writing: xenconsoled makes a new pty whenever the last writer goes.
guest_hold() {
    local path fd
    path="/local/domain/$(guest_domid "$1")/console/tty"
    wait_until 10 xs_exists "$path" || fail "guest $1 has no console"
    exec {fd}>"$(xenstore-read "$path")"
    guest_tty[$1]=$fd
}

guest_domid() { xl domid "$1" 2>/dev/null; }
guest_exists() { xl domid "$1" >/dev/null 2>&1; }
guest_console() { tr -d '\r' <"$RUN/guest-$1.log"; }
# guest_says NAME REGEX: some console line matches (^ and $ are those of a line).
guest_says() {
    local text pattern=${2/#^/$'(^|\n)'}
    pattern=${pattern/%$/$'\r*(\n|$)'}
    IFS= read -rd '' text <"$RUN/guest-$1.log" || true
    [[ $text =~ $pattern ]]
}

# guest_expect NAME SECS REGEX: waits for a console line; a guest that dies meanwhile fails the test.
guest_expect() {
    local name=$1 end=$((EPOCHSECONDS + $2)) gone=0 alive=$((EPOCHSECONDS + 5))
    until guest_says "$name" "$3"; do
        [ $gone -lt 3 ] || fail "guest $name died waiting for '$3': $(guest_last_words "$name")"
        [ $EPOCHSECONDS -lt $end ] ||
            fail "guest $name: no '$3' within $2 s; its last lines: $(guest_console "$name" | tail -n 3)"
        nap 0.1
        [ $EPOCHSECONDS -lt $alive ] || { alive=$((EPOCHSECONDS + 5)); guest_exists "$name" || guest_missed "$name"; }
    done
}
# One answer of xl is not believed: it asks xenstore, which is busy in some tests.
guest_missed() {
    gone=$((gone + 1)) alive=$EPOCHSECONDS
    note "xl does not find guest $1 ($gone of 3): $(xl list 2>&1 | tail -n +2 | tr '\n' ';')"
}
# Why it died: its console's end, and what Xen said of a domain that crashed.
guest_last_words() {
    guest_console "$1" | tail -n 3
    timeout 10 xl dmesg | grep -aE '\(XEN\).*(d[1-9]|[Dd]omain|[Cc]rash|triple|GPF|memory)' | tail -n 5
}

# guest_up NAME [SECS]: waits until the guest's agent listens. A guest whose kernel dies before it has run a single program
# is the emulated machine's doing; it is started again, twice at most, and the result says so.
guest_up() {
    local tries=0
    while ! guest_starts "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 3 ] || fail "guest $1 died while it booted, $tries times: $(guest_last_words "$1")"
        cp "$RUN/guest-$1.log" "$TESTDIR/guest-$1-died-$tries.log"
        say "guest $1 died while its kernel booted, started again: $(guest_console "$1" | grep -a panic || true)"
        guest_start "$1"
    done
    guest_expect "$1" "${2:-60}" '^@@ up'
}
# Its first program runs (true, also when it takes long), or it is gone (false).
guest_starts() {
    local end=$((EPOCHSECONDS + 60)) alive=$((EPOCHSECONDS + 5))
    until guest_says "$1" '^@@ init'; do
        [ $EPOCHSECONDS -lt $end ] || return 0
        nap 0.1
        [ $EPOCHSECONDS -ge $alive ] || continue
        alive=$((EPOCHSECONDS + 2))
        guest_exists "$1" || { nap 1; guest_exists "$1"; } || guest_says "$1" '^@@ init' || return 1
    done
}

# guest_send NAME ID MODE COMMAND: one line to the guest's agent.
guest_send() {
    local line
    line="$2 $3 $(printf %s "$4" | base64 -w0)"
    [ ${#line} -lt 4000 ] || fail "guest command of ${#line} bytes: put it into $TEST.guest.sh"
    echo "$line" >&"${guest_tty[$1]}"
}

guest_seq=0
# guest_run NAME SECS COMMAND: runs shell in the guest, prints what it printed, returns its status.
guest_run() {
    local name=$1 id status text line
    guest_seq=$((guest_seq + 1))
    id=$BASHPID.$guest_seq
    note "$name: $3" >&2
    guest_send "$name" "$id" run "$3"
    guest_expect "$name" "$2" "^@@ end $id "
    IFS= read -rd '' text <"$RUN/guest-$name.log" || true
    text=${text//$'\r'/}
    text=${text#*"@@ begin $id"$'\n'}
    status=${text#*"@@ end $id "}
    text=${text%%"@@ end $id "*}
    # the guest kernel's own lines are not the command's
    while IFS= read -r line; do
        [[ $line =~ ^\[\ *[0-9]+\.[0-9]+\]\  || $line == '@@ '* ]] || echo "$line"
    done < <(printf %s "$text") | tee -a "$TESTDIR/guest-output"
    return "${status%%$'\n'*}"
}

# guest_spawn NAME ID COMMAND: starts shell in the guest and comes back; guest_join prints its output and has its status.
guest_spawn() { note "$1: ($2) $3"; guest_send "$1" "$2" spawn "$3"; guest_expect "$1" 20 "^@@ begin $2\$"; }
guest_join() {
    guest_expect "$1" "$3" "^@@ end $2 "
    guest_run "$1" 20 "cat /tmp/$2.out"
    return "$(guest_console "$1" | sed -n "s/^@@ end $2 //p")"
}
guest_done() { guest_says "$1" "^@@ end $2 "; }

guest_destroy() {
    local fd=${guest_tty[$1]}
    exec {fd}>&-
    timeout 60 xl destroy "$1" || fail "xl destroy of guest $1 failed (status $?)"
}

# mount_cmd TAG DIR [OPTIONS]: the mount a Linux guest uses.
mount_cmd() { echo "mkdir -p $2 && mount -t 9p -o trans=xen,version=9p2000.L,msize=524288${3:+,$3} $1 $2"; }

# No domain but 0, not even one that is dying.
no_domains() { [ "$(xl list 2>/dev/null | tail -n +2 | awk '$2 != 0' | wc -l)" = 0 ]; }

# --- the product ------------------------------------------------------------------------------------------------

needs_product() {
    [ -x /usr/sbin/xen9pd ] && [ -x /usr/libexec/xen9p/xen9p-worker ] || fail "the product is not installed in dom0"
}

daemon_state() { xenstore-read libxl/xen-9pfs/state 2>/dev/null; }
daemon_running() { [ "$(daemon_state)" = running ]; }
# running FILE: pids of the processes that execute it, under whatever name.
running() {
    local p
    for p in /proc/[0-9]*; do [[ ! $p/exe -ef $1 ]] || echo "${p#/proc/}"; done
}
xen9pd_pids() { running /usr/sbin/xen9pd; }
workers() { running /usr/libexec/xen9p/xen9p-worker; }
# xen9pd_start: runs the supervisor by hand, its log in $TESTDIR/xen9pd.log, until it says it runs.
xen9pd_start() {
    needs_product
    XEN_9PFSD_VERBOSE=1 setsid /usr/sbin/xen9pd </dev/null >>"$TESTDIR/xen9pd.log" 2>&1 &
    XEN9PD=$!
    wait_until 20 daemon_running || fail "xen9pd did not write libxl/xen-9pfs/state: $(tail -n 3 "$TESTDIR/xen9pd.log")"
    kill -0 $XEN9PD || fail "xen9pd is gone: $(tail -n 3 "$TESTDIR/xen9pd.log")"
}
xen9pd_stop() {
    kill -TERM "$XEN9PD"
    wait_until 20 not kill -0 "$XEN9PD" 2>/dev/null || fail "xen9pd did not end on SIGTERM"
}
# Everything the supervisor logged, wherever it does.
xen9pd_log() { cat "$TESTDIR"/xen9pd.log /run/syslog /var/log/xen/*9p* 2>/dev/null || true; }
xen9pd_says() { xen9pd_log | grep -aqE "$1"; }

# be DOMID [DEV] / fe DOMID [DEV]: xenstore folders of a device.
be() { echo "/local/domain/0/backend/xen_9pfs/$1/${2:-0}"; }
fe() { echo "/local/domain/$1/device/9pfs/${2:-0}"; }
be_state() { xenstore-read "$(be "$@")/state" 2>/dev/null || true; }
fe_state() { xenstore-read "$(fe "$@")/state" 2>/dev/null || true; }
be_is() { [ "$(be_state "$1" "${3:-0}")" = "$2" ]; }
xs_exists() { xenstore-exists "$1" 2>/dev/null; }

# worker_of PATH: pid of the worker that serves PATH, by the one thing it cannot lie about: what it has mounted.
worker_of() {
    local p root
    for p in $(workers); do
        while read -r _ _ _ root _; do
            [ "$root" != "$1" ] || { echo "$p"; return 0; }
        done 2>/dev/null <"/proc/$p/mountinfo" || true
    done
    return 1
}
worker_count() { workers | wc -w; }

# --- user-space frontend towards dom0 itself -------------------------------------------------------------------

# toolstack_add DEV PATH [KEY=VALUE...]: what libxl would write, for a frontend in dom0 itself (domain 0).
toolstack_add() {
    local n=$1 path=$2 b f kv args=
    shift 2
    b=$(be 0 "$n") f=$(fe 0 "$n")
    for kv in "$@"; do args="$args $b/${kv%%=*} ${kv#*=}"; done
    # shellcheck disable=SC2086
    xenstore-write "$b/frontend" "$f" "$b/frontend-id" 0 "$b/online" 1 "$b/path" "$path" "$b/security_model" none \
        "$b/max-space" 0 "$b/max-files" 0 "$b/max-open-files" 0 "$b/auto-delete" 0 $args \
        "$f/backend" "$b" "$f/backend-id" 0 "$f/state" 1 "$f/tag" share "$b/state" 1
}
# frontend_plug DOMID: the frontend's directory made anew, as when a device is attached; the backend's stays.
frontend_plug() {
    local f b tag
    f=$(fe "$1") b=$(be "$1")
    tag=$(xenstore-read "$f/tag")
    xenstore-rm "$f"
    xenstore-write "$f" ''
    xenstore-chmod "$f" "n$1" r0
    xenstore-write "$f/backend" "$b" "$f/backend-id" 0 "$f/tag" "$tag" "$f/state" 1
}
# toolstack_unplug DEV: hot-unplug as libxl does it; toolstack_remove DEV: the nodes go at once.
toolstack_unplug() { xenstore-write "$(be 0 "$1")/online" 0 "$(be 0 "$1")/state" 5; }
toolstack_remove() {
    xenstore-rm "$(fe 0 "$1")" 2>/dev/null || true
    xenstore-rm "$(be 0 "$1")" 2>/dev/null || true
}

# --- after a test -----------------------------------------------------------------------------------------------

collect_logs() {
    local f t
    for f in "$RUN"/guest-*.log; do [ ! -e "$f" ] || tr -d '\r' <"$f" >"$TESTDIR/${f##*/}"; done
    cp /run/syslog "$TESTDIR/syslog" 2>/dev/null
    cp /var/log/xen/* "$TESTDIR/" 2>/dev/null
    {
        timeout 10 xl list
        timeout 10 xenstore-ls -f / 2>/dev/null | grep -a 9p
        ps axo pid,ppid,uid,stat,wchan:20,args | grep -v '\[k\|]$'
        for t in $(workers | head -n 8 | sed 's,.*,/proc/&/task/*,'); do
            echo "$t: $(cat "$t/wchan"), system call $(cat "$t/syscall"), $(grep ctxt "$t/status" | tr '\n' ' ')"
        done
    } >"$TESTDIR/state" 2>&1
    dmesg | tail -n 40 >"$TESTDIR/dmesg"
    timeout 10 xl dmesg -c >"$TESTDIR/xen-dmesg" 2>&1
    return 0
}

# Takes everything of a test down, but for what it has mounted itself; prints what would not go and fails then.
take_down() {
    local d left='' domains
    pkill -KILL -f '^/lab/bin/' 2>/dev/null
    for d in $(timeout 20 xl list 2>/dev/null | awk 'NR > 1 && $2 != 0 { print $2 }'); do
        timeout 40 xl destroy "$d" >&2
    done
    for d in $(xenstore-list /local/domain/0/backend/xen_9pfs/0 2>/dev/null); do toolstack_remove "$d"; done
    xenstore-rm /local/domain/0/device/9pfs 2>/dev/null
    wait_until 15 no_domains || left="$left domains: $(xl list | tail -n +2 | awk '$2 != 0 { print $1 "(" $5 ")" }' | tr '\n' ' ')"
    for d in $(xen9pd_pids); do kill -TERM "$d" 2>/dev/null; done
    wait_until 15 no_product || {
        left="$left processes: $(ps -o pid= -o args= -p "$(echo $(xen9pd_pids) $(workers) | tr ' ' ,)" | tr '\n' ';')"
        for d in $(xen9pd_pids) $(workers); do kill -KILL "$d" 2>/dev/null; done
    }
    pkill -KILL -x xen-9pfsd 2>/dev/null
    xenstore-rm libxl/xen-9pfs 2>/dev/null
    xenstore-rm /local/domain/0/backend/xen_9pfs 2>/dev/null
    rm -f "$RUN"/*.cfg "$RUN"/*.cpio "$RUN"/guest-*.log /var/log/xen/*
    : >/run/syslog
    rm -rf --one-file-system /srv/xen9p
    echo "$left"
    [ -z "$left" ]
}
no_product() { [ -z "$(xen9pd_pids)$(workers)" ]; }
