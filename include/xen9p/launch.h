/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.h - from fork to exec of a worker.
 *
 * Workers are cloned by the launcher, a small copy of the supervisor with its rights, but without what
 * it holds for devices: a clone of the supervisor itself would copy the descriptors and page
 * tables of them all. They are the supervisor's children all the same (CLONE_PARENT).
 *
 * The child (async-signal-safe calls only: the supervisor has threads) makes missing directories,
 * clones the export as a detached, private, restricted, idmapped mount, makes the user namespace,
 * unshares, arranges the fixed descriptor table and execs the worker by descriptor with an empty
 * environment. It can hang on a dead server: nobody waits for it, the caller keeps a deadline
 * and kills it. Failures come as CTL_FAILED over the control socket. A child that waits for a FUSE
 * server which has taken its request and never answers outlives SIGKILL until that connection is
 * aborted (umount -f): the caller does not wait for its end either.
 */
#ifndef XEN9P_LAUNCH_H
#define XEN9P_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xen9p/control.h"

struct launch_spec {
    /*
     * Export: absolute, not "/", no empty, "." or ".." component (EINVAL), no symbolic link on the way
     * (ELOOP: the remedy is to give the real path); what is missing is made, mode 0755.
     */
    const char *path;
    int worker_fd;    /* O_PATH or O_RDONLY|O_CLOEXEC of the worker's executable */
    uid_t worker_uid; /* private host id for this worker (user and group) */
    bool read_only;
    bool submounts; /* what is mounted below the export comes along, as it is now */
    enum ctl_identity identity;
    /*
     * Identity mapped: the guest's ids 0 to id_count - 1 are these on the host, on disk too; the
     * export belongs to one of them (CTL_STEP_ID_RANGE: the remedy is to chown it), and its file
     * system has idmapped mounts (CTL_STEP_NO_IDMAP). worker_uid is not used then.
     */
    uint32_t id_first, id_count;
    int stderr_fd; /* -1: /dev/null */
    int cgroup_fd; /* directory of the cgroup in which the child begins; 0: the caller's */
};

struct launch_result {
    pid_t pid;
    int pidfd;      /* owned by the caller */
    int control_fd; /* our end, non-blocking, close-on-exec; owned by the caller */
};

/* All zeros: not started. */
struct launcher {
    pid_t pid;
    int sock;
};

/*
 * Starts it unless it runs: with the rights, cgroup and namespaces that the caller has now, by the
 * thread whose end is to be the workers' too. It ends with its socket. 0 or a negative errno.
 */
int launcher_start(struct launcher *l);

/* Ends it; workers stay. */
void launcher_stop(struct launcher *l);

/*
 * Has the child cloned, by a launcher that is started if there is none, or if it does not answer
 * (LIMIT_LAUNCHER_MS: somebody has killed or stopped it); waits for no file system. 0 or a negative
 * errno (nothing was started): -EINVAL for a user or a worker that is none, -ENAMETOOLONG for a path of
 * PATH_MAX bytes.
 */
int launch_worker(struct launcher *l, const struct launch_spec *spec, struct launch_result *out);

#endif
