/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor.c - bare round trips.
 */
#include "floor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "load.h"

#define TRIPS 20000u

struct echo {
    _Alignas(64) atomic_uint request;
    _Alignas(64) atomic_uint reply;
    uint8_t out[64], in[64]; /* what one message moves */
    int ping, pong;
    uint32_t trips;
    bool sleeping;
};

static void send_event(int fd)
{
    const uint64_t one = 1;

    MUST(write(fd, &one, sizeof(one)));
}

static void wait_event(int fd)
{
    uint64_t count;

    MUST(read(fd, &count, sizeof(count)));
}

static void *answer(void *arg)
{
    struct echo *e = arg;

    load_pin(true);
    for (uint32_t i = 1; i <= e->trips; i++) {
        if (e->sleeping) {
            wait_event(e->ping);
            send_event(e->pong);
            continue;
        }
        while (atomic_load_explicit(&e->request, memory_order_acquire) != i)
            ;
        memcpy(e->in, e->out, sizeof(e->in));
        atomic_store_explicit(&e->reply, i, memory_order_release);
    }
    return NULL;
}

static struct sample run(bool sleeping, uint32_t trips)
{
    static struct echo e;
    pthread_t thread;
    double start, sent;

    e = (struct echo){.trips = trips, .sleeping = sleeping};
    MUST(e.ping = eventfd(0, EFD_CLOEXEC));
    MUST(e.pong = eventfd(0, EFD_CLOEXEC));
    CHECK_EQ(pthread_create(&thread, NULL, answer, &e), 0);
    start = load_now();
    for (uint32_t i = 1; i <= trips; i++) {
        sent = load_now();
        if (sleeping) {
            send_event(e.ping);
            wait_event(e.pong);
        } else {
            e.out[i % 64] = (uint8_t)i;
            atomic_store_explicit(&e.request, i, memory_order_release);
            while (atomic_load_explicit(&e.reply, memory_order_acquire) != i)
                ;
        }
        load_trip(i - 1, sent);
    }
    start = load_now() - start;
    pthread_join(thread, NULL);
    close(e.ping);
    close(e.pong);
    return (struct sample){.rate = trips / start, .micros = load_median_trip(trips)};
}

void floor_report(struct report *r, uint32_t rounds, double scale)
{
    struct sample ring[32], event[32];
    uint32_t trips = (uint32_t)(TRIPS * scale);

    for (uint32_t i = 0; i < rounds; i++) {
        ring[i] = run(false, trips);
        event[i] = run(true, trips);
    }
    report_head(r, "round trips without a server", "eventfds");
    (void)report_row(r, "bare ring, looked at all the time", "op/s", ring, event, 0, rounds);
}
