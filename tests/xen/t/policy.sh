# SPDX-License-Identifier: GPL-2.0-or-later
# class: check
# time: 120
# Three guests under three policies at once: read-only; limits, a quota and a cgroup; operations cut and root of its own
# files. Each meets its limit; a reload narrows one while it works, a broken one changes nothing.
cg=/sys/fs/cgroup/lab
policy() { mkdir -p /etc/xen9p/policy.d && cat >/etc/xen9p/policy.d/lab.conf; }
# Alone in a cgroup that is delegated, as a service manager would start it.
start() {
    mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
    echo '+cpu +io +memory' >/sys/fs/cgroup/cgroup.subtree_control
    mkdir -p $cg
    XEN_9PFSD_VERBOSE=1 setsid bash -c "echo \$\$ >$cg/cgroup.procs && exec /usr/sbin/xen9pd" \
        </dev/null >>"$TESTDIR/xen9pd.log" 2>&1 &
    XEN9PD=$!
    wait_until 20 daemon_running || fail "xen9pd did not start: $(tail -n 3 "$TESTDIR/xen9pd.log")"
}
needs_product
trap 'rm -rf /etc/xen9p' EXIT

echo 'domain "lim" { threads = 99 }' | policy
/usr/sbin/xen9pd >"$TESTDIR/broken" 2>&1 && fail "xen9pd starts with a broken policy"
assert "a broken policy: no start, file and line" grep -q 'lab.conf:1: error: threads must be 1 to 16' "$TESTDIR/broken"

policy <<END
defaults { path-allow = {"/srv/xen9p"} }
domain "ro" { access = read-only }
domain "lim" {
    max-fids = 64
    max-msize = 64K
    max-ring-order = 6
    max-space = 40M
    memory-max = 64M
    cpu-weight = 80
    cgroup = required
}
domain "cut" {
    operations = {"-mknod", "-link", "-rename"}
    identity = mapped
    identity-range = "300000000:65536"
}
domain "Domain-0" { path-allow = {"/srv/xen9p/only"} }
END
assert "xen9pctl says the policy is good" xen9pctl policy check
start
mkdir -p /srv/xen9p/{ro,lim,cut,other}
echo hello | tee /srv/xen9p/{ro,lim,cut}/file >/dev/null
chown -R 300000000:300000000 /srv/xen9p/cut
for i in $(seq 75); do echo "$i" >/srv/xen9p/lim/f"$i"; done
toolstack_add 7 /srv/xen9p/other
for g in ro lim cut; do
    guest_create $g pv "$(p9 share /srv/xen9p/$g)"
done
assert "a path that its policy does not allow is refused" wait_until 10 be_is 0 6 7
assert "and the error node says why" grep -q 'policy: export path "/srv/xen9p/other" is not below' \
    <(xenstore-read "$(be 0 7)/error")
for g in ro lim cut; do
    guest_up $g
    guest_run $g 30 "$(mount_cmd share /mnt/share) && cat /mnt/share/file" | grep -qx hello || fail "$g does not read"
done

# --- read-only
out=$(guest_run ro 20 'cd /mnt/share; for c in "touch new" "rm file" "mkdir d" "mv file g" "chmod 600 file"; do $c; done; ls' 2>&1)
assert_eq "ro: five changes are refused ($out)" "$(grep -ci 'read-only file system' <<<"$out")" 5
assert_eq "ro: nothing has changed" "$(cd /srv/xen9p/ro && ls -A && cat file)" "file"$'\n'"hello"
w=$(worker_of /srv/xen9p/ro) || fail "no worker of ro"
assert "ro: the mount is read-only" grep -qE ' /srv/xen9p/ro / ro,' "/proc/$w/mountinfo"

# --- operations
out=$(guest_run cut 20 'cd /mnt/share; mkfifo p; ln file l; mv file m; ln -s file s; echo more >>file; chown 1000:100 file; stat -c %u:%g file' 2>&1)
assert_eq "cut: three groups are refused ($out)" "$(grep -ciE 'not permitted|denied' <<<"$out")" 3
assert "cut: its root gives files to its users" grep -qx 1000:100 <<<"$out"
assert_eq "cut: on the host they are of its range" "$(stat -c %u:%g /srv/xen9p/cut/file /srv/xen9p/cut/s | tr '\n' ' ')" \
    "300001000:300000100 300000000:300000000 "
assert_eq "cut: what is allowed works" "$(cd /srv/xen9p/cut && ls && tail -n 1 file)" "file"$'\n'"s"$'\n'"more"

# --- limits
d=$(guest_domid lim)
assert_eq "lim: smaller rings are offered" "$(xenstore-read "$(be "$d")/max-ring-page-order")" 6
assert "lim: messages are smaller" guest_run lim 20 "grep -q msize=65536 /proc/mounts"
out=$(guest_run lim 60 'cd /mnt/share; tail -n 0 -f f[0-9]* & t=$!; n=; until [ "$n" = "$(ls /proc/$t/fd)" ]; do n=$(ls /proc/$t/fd); sleep 2; done; kill $t; wait' 2>&1) || true
assert "lim: no more than 64 fids ($(grep -c open <<<"$out") of 75 files refused)" test "$(grep -c "can't open" <<<"$out")" -ge 11
assert_eq "lim: and all of them come back" "$(guest_run lim 30 'cat /mnt/share/f[0-9]* | wc -l')" 75
w=$(worker_of /srv/xen9p/lim) || fail "no worker of lim"
own=$cg$(sed -n 's/^0::.*lab//p' "/proc/$w/cgroup")
case ${own##*/} in worker-"$d"-0-*) ;; *) fail "lim: its worker is in $own" ;; esac
assert_eq "lim: memory-max of its cgroup" "$(cat "$own/memory.max")" $((64 << 20))
assert_eq "lim: cpu-weight of its cgroup" "$(cat "$own/cpu.weight")" 80
assert_eq "the supervisor is beside it" "$(sed -n 's/^0:://p' "/proc/$XEN9PD/cgroup")" /lab/supervisor

out=$(guest_run lim 60 'cd /mnt/share; dd if=/dev/zero of=fill bs=64k count=800' 2>&1) && fail "lim: 50 MB fit into 40"
assert "lim: the quota is met" grep -q 'No space left' <<<"$out"
assert "lim: exactly" test "$(du -cB1 --apparent-size /srv/xen9p/lim/* | tail -n 1 | cut -f1)" -le $((40 << 20))
guest_run lim 20 'rm /mnt/share/fill'

# --- reload
guest_spawn lim io 'dd if=/dev/zero of=/mnt/share/big bs=64k count=400'
sed -i 's/cpu-weight = 80/cpu-weight = 20/; s/max-fids = 64/max-fids = 64 access = read-only/' /etc/xen9p/policy.d/lab.conf
kill -HUP "$XEN9PD"
assert "reload: said for this device, live" wait_until 10 xen9pd_says 'lim.*new policy: cpu-weight 80 -> 20'
assert "reload: what has to wait is said" xen9pd_says 'lim.*when the guest connects again: access read-write -> read-only'
assert_eq "reload: the weight is lower at once" "$(cat "$own/cpu.weight")" 20
assert "reload: the guest works on" guest_join lim io 60
echo 'domain "lim" { threads = 99 }' | policy
kill -HUP "$XEN9PD"
assert "a broken reload changes nothing and says so" wait_until 10 xen9pd_says 'the policy stays as it was'
kill -KILL "$w"
succeeded() { new=$(worker_of /srv/xen9p/lim) && [ "$new" != "$w" ]; }
assert "a successor comes" wait_until 15 succeeded
out=$(guest_run lim 40 "umount /mnt/share; $(mount_cmd share /mnt/share) && touch /mnt/share/new" 2>&1) && fail "the successor takes changes"
assert "it goes by the policy that was loaded last ($out)" grep -qi 'read-only file system' <<<"$out"
assert "the old one's cgroup is gone" not test -e "$own"

kill -USR1 "$XEN9PD"
assert "status: sums of the host" wait_until 5 xen9pd_says 'host budget: [0-9]+ of 229376 grants'
assert "status: hashes" xen9pd_says 'policy domain "cut".*in force sha256:[0-9a-f]{64}, filter sha256:[0-9a-f]{64}'
for g in ro lim cut; do guest_destroy $g; done
