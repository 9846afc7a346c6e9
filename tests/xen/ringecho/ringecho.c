/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ringecho.c - what a message and its answer cost between two domains when there is nothing to do: a shared
 * page with two counters, a page of answer, an event each way.
 *
 *   ringecho front DOMID SECONDS ROUNDS     in a guest: "refs A B port P", then "echo RATE op/s" for each round
 *   ringecho back DOMID A B P               in dom0: answers until the other end says that it is done
 *   ringecho quick ...                      the back end looks without sleeping, as a worker that polls
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define PAGE 4096u
#define DONE UINT32_MAX
#define WAIT_MS 20000

struct shared {
    _Atomic uint32_t request, reply;
    uint8_t message[64];
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_event(xenevtchn_handle *ev)
{
    struct pollfd p = {xenevtchn_fd(ev), POLLIN, 0};
    int port;

    if (poll(&p, 1, WAIT_MS) != 1)
        die("no event");
    port = xenevtchn_pending(ev);
    if (port >= 0)
        xenevtchn_unmask(ev, (evtchn_port_t)port);
}

static void front(uint32_t domid, double seconds, int rounds)
{
    static uint8_t got[PAGE];
    xengntshr_handle *shr = xengntshr_open(NULL, 0);
    xenevtchn_handle *ev = xenevtchn_open(NULL, 0);
    uint32_t ref[2], i = 0;
    struct shared *s;
    uint8_t *mem;
    int port;

    if (shr == NULL || ev == NULL)
        die("gntalloc and evtchn");
    mem = xengntshr_share_pages(shr, domid, 2, ref, 1);
    port = xenevtchn_bind_unbound_port(ev, domid);
    if (mem == NULL || port < 0)
        die("sharing");
    memset(mem, 0, 2 * PAGE);
    s = (void *)mem;
    printf("refs %u %u port %d\n", ref[0], ref[1], port);
    fflush(stdout);
    while (atomic_load(&s->reply) == 0) /* the other end is there */
        usleep(100000);
    for (; rounds > 0; rounds--) {
        double start = now(), t;
        uint32_t first = i;

        do {
            memset(s->message, (int)i, sizeof(s->message));
            atomic_store(&s->request, ++i);
            xenevtchn_notify(ev, (evtchn_port_t)port);
            while (atomic_load(&s->reply) != i)
                wait_event(ev);
            memcpy(got, mem + PAGE, PAGE);
            t = now() - start;
        } while (t < seconds);
        printf("echo %.1f op/s\n", (i - first) / t);
        fflush(stdout);
    }
    atomic_store(&s->request, DONE);
    xenevtchn_notify(ev, (evtchn_port_t)port);
}

static void back(uint32_t domid, uint32_t *refs, evtchn_port_t remote, bool quick)
{
    static uint8_t answer[PAGE];
    xengnttab_handle *gnt = xengnttab_open(NULL, 0);
    xenevtchn_handle *ev = xenevtchn_open(NULL, 0);
    uint32_t seen = 0, request;
    struct shared *s;
    uint8_t *mem;
    int port;

    if (gnt == NULL || ev == NULL)
        die("gntdev and evtchn");
    mem = xengnttab_map_domain_grant_refs(gnt, 2, domid, refs, PROT_READ | PROT_WRITE);
    port = xenevtchn_bind_interdomain(ev, domid, remote);
    if (mem == NULL || port < 0)
        die("mapping");
    s = (void *)mem;
    atomic_store(&s->reply, DONE);
    while ((request = atomic_load(&s->request)) != DONE) {
        if (request == seen) {
            if (!quick || seen == 0)
                wait_event(ev);
            continue;
        }
        memcpy(answer, s->message, sizeof(s->message));
        memcpy(mem + PAGE, answer, PAGE);
        seen = request;
        atomic_store(&s->reply, request);
        xenevtchn_notify(ev, (evtchn_port_t)port);
    }
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "front") == 0) {
        front((uint32_t)atoi(argv[2]), atof(argv[3]), atoi(argv[4]));
    } else if (argc == 6 && (strcmp(argv[1], "back") == 0 || strcmp(argv[1], "quick") == 0)) {
        uint32_t refs[2] = {(uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4])};

        back((uint32_t)atoi(argv[2]), refs, (evtchn_port_t)atoi(argv[5]), argv[1][0] == 'q');
    } else {
        fprintf(stderr, "usage: ringecho front DOMID SECONDS ROUNDS | back|quick DOMID A B PORT\n");
        return 2;
    }
    return 0;
}
