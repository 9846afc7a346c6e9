/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fe - the commands of the test frontend. DEV is the device id, PATH the export.
 *
 *   fe read DEV PATH FILE           add, connect, print FILE (on the last ring), unplug
 *   fe rounds DEV PATH FILE N       that N times, silently: 0 when every round was as it should be
 *   fe reset DEV PATH FILE N        one device, N rounds of 5, 6, 1 -> connect again (Linux after kexec)
 *   fe ping DEV PATH FILE SECONDS   connect, read FILE again and again; "pings N max MS"
 *   fe hold DEV PATH SECONDS        connect, attach, print "connected", stay
 *   fe bad DEV PATH KIND SECONDS    add, present something illegal, print "state S error TEXT" once the backend has
 *                                   left InitWait or SECONDS are over. KIND: num-rings=V no-refs bad-grants bad-intf
 *                                   order=N one-channel huge flood flap none
 *   fe minios DEV PATH 1            as Mini-OS: 9P2000.u, one ring, and a live update that keeps it
 *   fe unikraft DEV PATH RINGS      as Unikraft: 9P2000.u, msize of a whole ring, RINGS of them
 *   fe bench DEV PATH SECONDS       rates of requests in 9P2000.u, each kind for so long
 *   fe fids DEV PATH NUM...         with so many live fids each: "NUM US", what walk, stat and clunk take
 *   fe many DEV PATH N              N devices from DEV on, of one small ring each: "connected N SECONDS"; stays
 *                                   until SIGTERM
 *   fe await DEV PATH STATE SECONDS add, wait for a backend state: "state S error TEXT", 0 when it came
 * Exit status: 0 as wanted, 1 not, 2 the frontend itself could not work.
 */
#include "fe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct fe fe;
static volatile sig_atomic_t
    stop; /* SIGTERM ends a ping early, with its result, and many devices */

static void on_term(int sig)
{
    (void)sig;
    stop = 1;
}

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    if (rc < 0)
        printf("%s: no answer\n", what);
    else
        printf("%s: %s\n", what, strerror(rc));
    exit(1);
}

static void must_state(int state, double seconds)
{
    char *error;

    if (be_wait(&fe, state, seconds))
        return;
    error = be_read(&fe, "error");
    printf("backend state %d instead of %d, error %s\n", be_state(&fe), state, error ? error : "-");
    exit(1);
}

static void connect_up(void)
{
    must_state(2, 15);
    fe_share(&fe);
    fe_publish(&fe);
    must_state(4, 15);
    must(p9_version(&fe, 0), "Tversion");
    must(p9_attach(&fe, 0, 0), "Tattach");
}

static uint32_t read_file(const char *name, char *to, uint32_t size)
{
    unsigned ring = fe.rings - 1;
    uint32_t got = 0;

    must(p9_walk(&fe, ring, 0, 1, name), "Twalk");
    must(p9_open(&fe, ring, 1, 0), "Tlopen");
    must(p9_read(&fe, ring, 1, 0, size, to, &got), "Tread");
    must(p9_clunk(&fe, ring, 1), "Tclunk");
    return got;
}

static void unplug(void)
{
    toolstack_unplug(&fe);
    must_state(6, 15);
    fe_unshare(&fe);
    toolstack_remove(&fe);
}

static int cmd_read(const char *path, const char *file, int rounds, bool show)
{
    char buf[4096];

    for (int i = 0; i < rounds; i++) {
        uint32_t n;

        toolstack_add(&fe, path);
        connect_up();
        n = read_file(file, buf, sizeof(buf));
        if (show)
            fwrite(buf, 1, n, stdout);
        unplug();
    }
    return 0;
}

static int cmd_reset(const char *path, const char *file, int rounds)
{
    char buf[4096];

    toolstack_add(&fe, path);
    for (int i = 0; i < rounds; i++) {
        connect_up();
        read_file(file, buf, sizeof(buf));
        fe_write(&fe, "state", "5");
        must_state(5, 5);
        fe_unshare(&fe);
        fe_write(&fe, "state", "6");
        must_state(6, 5);
        fe_write(&fe, "state", "1");
        must_state(2, 5);
    }
    unplug();
    return 0;
}

static int cmd_ping(const char *path, const char *file, double seconds)
{
    double end, worst = 0;
    char buf[4096];
    int n = 0;

    toolstack_add(&fe, path);
    connect_up();
    printf("connected\n");
    for (end = now() + seconds; now() < end && !stop; n++) {
        double start = now();

        if (read_file(file, buf, sizeof(buf)) == 0)
            must(-1, "an empty file");
        if (now() - start > worst)
            worst = now() - start;
        usleep(20000);
    }
    printf("pings %d max %d\n", n, (int)(worst * 1000));
    unplug();
    return 0;
}

static void verdict(void)
{
    char *error = be_read(&fe, "error");

    printf("state %d error %s\n", be_state(&fe), error ? error : "-");
}

/* Nodes written a thousand times a second, and states that flap, for a while. */
static void flood(bool states, double seconds)
{
    static const char *const flap[] = {"3", "5", "6", "1"};
    double end = now() + seconds;
    char value[16];

    for (unsigned i = 0; now() < end; i++) {
        snprintf(value, sizeof(value), "%u", i);
        fe_write(&fe, states ? "state" : "num-rings", states ? flap[i % 4] : value);
        if (!states && i % 8 == 0)
            fe_write(&fe, "state", "3");
        usleep(500);
    }
}

static int cmd_bad(const char *path, char *kind, double seconds)
{
    static char huge[2049];
    double end;

    memset(huge, '9', sizeof(huge) - 1);
    if (!strncmp(kind, "num-rings=", 10))
        fe.num_rings = kind + 10;
    else if (!strncmp(kind, "order=", 6))
        fe.intf_order = atoi(kind + 6);
    else if (!strcmp(kind, "no-refs"))
        fe.no_refs = true;
    else if (!strcmp(kind, "bad-grants"))
        fe.bad_grants = true;
    else if (!strcmp(kind, "bad-intf"))
        fe.bad_intf = true;
    else if (!strcmp(kind, "one-channel"))
        fe.one_channel = true;
    else if (!strcmp(kind, "huge"))
        fe.num_rings = huge;
    else if (strcmp(kind, "flood") != 0 && strcmp(kind, "flap") != 0 && strcmp(kind, "none") != 0)
        die("no such kind: %s", kind);

    toolstack_add(&fe, path);
    for (end = now() + 15; now() < end && be_state(&fe) < 2;)
        usleep(20000);
    if (be_state(&fe) != 2) {
        verdict();
        return 0;
    }
    fe_share(&fe);
    if (!strcmp(kind, "flood") || !strcmp(kind, "flap")) {
        flood(!strcmp(kind, "flap"), seconds);
    } else {
        fe_publish(&fe);
        for (end = now() + seconds; now() < end && be_state(&fe) == 2;)
            usleep(20000);
        usleep(300000);
    }
    verdict();
    return 0;
}

/* All at once: each step of all of them before the next. */
static void connect_all(struct fe *all, unsigned n, unsigned dev, const char *path)
{
    for (unsigned i = 0; i < n; i++) {
        fe_init(&all[i], fe.xs, dev + i);
        all[i].rings = 1;
        all[i].order = 1;
        toolstack_add(&all[i], path);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!be_wait(&all[i], 2, 120))
            die("device %u: backend state %d instead of 2", dev + i, be_state(&all[i]));
        fe_share(&all[i]);
        fe_publish(&all[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!be_wait(&all[i], 4, 300))
            die("device %u: backend state %d instead of 4", dev + i, be_state(&all[i]));
    }
    for (unsigned i = 0; i < n; i++) {
        must(p9_version(&all[i], 0), "Tversion");
        must(p9_attach(&all[i], 0, 0), "Tattach");
    }
}

static int cmd_many(unsigned dev, const char *path, unsigned n)
{
    const struct rlimit files = {n * 8 + 64, n * 8 + 64};
    struct fe *all = calloc(n, sizeof(*all));
    double start = now();

    p9_deadline = 120;
    if (!all || setrlimit(RLIMIT_NOFILE, &files) != 0)
        die("no memory or descriptors for %u devices", n);
    connect_all(all, n, dev, path);
    printf("connected %u %.1f\n", n, now() - start);
    while (!stop)
        sleep(1);
    return 0;
}

int main(int argc, char **argv)
{
    const char *cmd = argc > 3 ? argv[1] : "";

    if (argc < 5)
        die("usage: fe read|rounds|reset|ping|hold|bad|minios|unikraft|bench|fids|many|await DEV PATH ARG [N]");
    fe_init(&fe, xs_open(0), (unsigned)atoi(argv[2]));
    signal(SIGTERM, strcmp(cmd, "ping") == 0 || strcmp(cmd, "many") == 0 ? on_term : SIG_DFL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(cmd, "read"))
        return cmd_read(argv[3], argv[4], 1, true);
    if (!strcmp(cmd, "rounds") && argc > 5)
        return cmd_read(argv[3], argv[4], atoi(argv[5]), false);
    if (!strcmp(cmd, "reset") && argc > 5)
        return cmd_reset(argv[3], argv[4], atoi(argv[5]));
    if (!strcmp(cmd, "ping") && argc > 5)
        return cmd_ping(argv[3], argv[4], atof(argv[5]));
    if (!strcmp(cmd, "bad") && argc > 5)
        return cmd_bad(argv[3], argv[4], atof(argv[5]));
    if (!strcmp(cmd, "hold")) {
        toolstack_add(&fe, argv[3]);
        connect_up();
        printf("connected\n");
        sleep((unsigned)atoi(argv[4]));
        unplug();
        return 0;
    }
    if (!strcmp(cmd, "minios")) {
        client_minios(&fe, argv[3]);
        return 0;
    }
    if (!strcmp(cmd, "unikraft")) {
        client_unikraft(&fe, argv[3], (unsigned)atoi(argv[4]));
        return 0;
    }
    if (!strcmp(cmd, "bench")) {
        client_bench(&fe, argv[3], atof(argv[4]));
        return 0;
    }
    if (!strcmp(cmd, "fids")) {
        client_fids(&fe, argv[3], argv + 4);
        return 0;
    }
    if (!strcmp(cmd, "many"))
        return cmd_many((unsigned)atoi(argv[2]), argv[3], (unsigned)atoi(argv[4]));
    if (!strcmp(cmd, "await") && argc > 5) {
        bool came;

        toolstack_add(&fe, argv[3]);
        came = be_wait(&fe, atoi(argv[4]), atof(argv[5]));
        verdict();
        return came ? 0 : 1;
    }
    die("no such command: %s", cmd);
}
