/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c - the table behind device.h. Pure.
 */
#include "xen9p/device.h"

#include <xen/io/xenbus.h>

/* No action is 0 and DEVICE_NEW is 0: an entry that is not given has `given` false. */
struct entry {
    bool given;
    enum device_action action;
    enum device_state next;
};

#define DO(action, next)                     \
    {                                        \
        true, DEVICE_##action, DEVICE_##next \
    }

/* A frontend that closes, starts over or disappears while a worker runs: the worker ends first. */
#define FRONTEND_LEAVES_WORKER                                                                  \
    [DEVICE_FE_INITIALISING] = DO(STOP, END_WAIT), [DEVICE_FE_CLOSING] = DO(STOP, END_CLOSING), \
    [DEVICE_FE_CLOSED] = DO(STOP, END_CLOSED), [DEVICE_FE_GONE] = DO(STOP, END_CLOSED),         \
    [DEVICE_FE_BAD] = DO(STOP, END_CLOSED), [DEVICE_TAKEN_AWAY] = DO(STOP, END_OFFLINE),        \
    [DEVICE_VANISHED] = DO(STOP, END_GONE)

/* The same while none runs. */
#define FRONTEND_LEAVES                                                                          \
    [DEVICE_FE_CLOSING] = DO(SAY_CLOSING, CLOSING), [DEVICE_FE_CLOSED] = DO(SAY_CLOSED, CLOSED), \
    [DEVICE_FE_GONE] = DO(SAY_CLOSED, CLOSED), [DEVICE_FE_BAD] = DO(SAY_CLOSED, CLOSED)

#define TOOLSTACK_REMOVES \
    [DEVICE_TAKEN_AWAY] = DO(SAY_CLOSED, OFFLINE), [DEVICE_VANISHED] = DO(FORGET, GONE)

/* A removal overtakes whatever the end was wanted for. */
#define TOOLSTACK_OVERTAKES \
    [DEVICE_TAKEN_AWAY] = DO(NOTHING, END_OFFLINE), [DEVICE_VANISHED] = DO(NOTHING, END_GONE)

static const struct entry table[DEVICE_STATES][DEVICE_EVENTS] =
    {
        [DEVICE_NEW] =
            {
                [DEVICE_FOUND] = DO(PUBLISH, WAIT),
                [DEVICE_REFUSE] = DO(SAY_CLOSED, REFUSED),
                TOOLSTACK_REMOVES,
            },
        [DEVICE_WAIT] =
            {
                [DEVICE_REFUSE] = DO(SAY_CLOSED, REFUSED),
                [DEVICE_FE_INITIALISED] = DO(START, STARTING),
                FRONTEND_LEAVES,
                TOOLSTACK_REMOVES,
            },
        [DEVICE_STARTING] =
            {
                [DEVICE_READY] = DO(CONNECT, CONNECTED),
                [DEVICE_FAILED] = DO(SAY_CLOSED, CLOSED),
                FRONTEND_LEAVES_WORKER,
            },
        [DEVICE_CONNECTED] =
            {
                [DEVICE_ASKS_CLOSE] = DO(STOP, END_CLOSED),
                [DEVICE_DIED] = DO(SCHEDULE, BACKOFF),
                [DEVICE_DIED_OFTEN] = DO(SAY_CLOSED, REFUSED),
                FRONTEND_LEAVES_WORKER,
            },
        [DEVICE_ORPHANED] =
            {
                [DEVICE_REFUSE] = DO(SAY_CLOSED, REFUSED),
                /* the predecessor may have died before the frontend saw Connected */
                [DEVICE_FE_INITIALISED] = DO(SCHEDULE, BACKOFF),
                [DEVICE_FE_CONNECTED] = DO(SCHEDULE, BACKOFF),
                [DEVICE_FE_INITIALISING] = DO(PUBLISH, WAIT),
                FRONTEND_LEAVES,
                TOOLSTACK_REMOVES,
            },
        [DEVICE_BACKOFF] =
            {
                [DEVICE_RETRY] = DO(RESUME, RESUMING),
                [DEVICE_FE_INITIALISING] = DO(PUBLISH, WAIT),
                FRONTEND_LEAVES,
                TOOLSTACK_REMOVES,
            },
        [DEVICE_RESUMING] =
            {
                [DEVICE_READY] = DO(RESUMED, CONNECTED),
                [DEVICE_FAILED] = DO(SAY_CLOSED, CLOSED),
                [DEVICE_DIED] = DO(SCHEDULE, BACKOFF),
                [DEVICE_DIED_OFTEN] = DO(SAY_CLOSED, REFUSED),
                FRONTEND_LEAVES_WORKER,
            },
        [DEVICE_CLOSING] =
            {
                [DEVICE_REFUSE] = DO(SAY_CLOSED, REFUSED),
                [DEVICE_FE_INITIALISING] = DO(PUBLISH, WAIT),
                [DEVICE_FE_CLOSED] = DO(SAY_CLOSED, CLOSED),
                [DEVICE_FE_GONE] = DO(SAY_CLOSED, CLOSED),
                [DEVICE_FE_BAD] = DO(SAY_CLOSED, CLOSED),
                TOOLSTACK_REMOVES,
            },
        [DEVICE_CLOSED] =
            {
                [DEVICE_REFUSE] = DO(SAY_CLOSED, REFUSED),
                [DEVICE_FE_INITIALISING] = DO(PUBLISH, WAIT),
                /* Linux before 6.3 goes from Closed to Initialised when its module is loaded again:
             * what we published is still there, and InitWait is not waited for. */
                [DEVICE_FE_INITIALISED] = DO(START, STARTING),
                TOOLSTACK_REMOVES,
            },
        [DEVICE_REFUSED] = {TOOLSTACK_REMOVES},
        /* the toolstack may write Closing again, and waits for Closed again */
        [DEVICE_OFFLINE] = {TOOLSTACK_REMOVES},
        [DEVICE_END_CLOSING] = {[DEVICE_ENDED] = DO(SAY_CLOSING, CLOSING), TOOLSTACK_OVERTAKES},
        [DEVICE_END_CLOSED] = {[DEVICE_ENDED] = DO(SAY_CLOSED, CLOSED), TOOLSTACK_OVERTAKES},
        [DEVICE_END_WAIT] = {[DEVICE_ENDED] = DO(PUBLISH, WAIT), TOOLSTACK_OVERTAKES},
        [DEVICE_END_OFFLINE] = {[DEVICE_ENDED] = DO(SAY_CLOSED, OFFLINE), TOOLSTACK_OVERTAKES},
        [DEVICE_END_GONE] = {[DEVICE_ENDED] = DO(FORGET, GONE)},
};

struct device_step device_step(enum device_state state, enum device_event event)
{
    const struct entry *e = &table[state][event];

    if (!e->given)
        return (struct device_step){DEVICE_NOTHING, state};
    return (struct device_step){e->action, e->next};
}

enum device_state device_first_state(unsigned xenbus_state)
{
    switch (xenbus_state) {
    case XenbusStateInitWait:
        return DEVICE_WAIT;
    case XenbusStateConnected:
        return DEVICE_ORPHANED;
    case XenbusStateClosing:
        return DEVICE_CLOSING;
    case XenbusStateClosed:
        return DEVICE_CLOSED;
    default:
        return DEVICE_NEW;
    }
}

enum device_event device_frontend_event(unsigned xenbus_state)
{
    switch (xenbus_state) {
    case XenbusStateInitialising:
        return DEVICE_FE_INITIALISING;
    case XenbusStateInitialised:
        return DEVICE_FE_INITIALISED;
    case XenbusStateConnected:
        return DEVICE_FE_CONNECTED;
    case XenbusStateClosing:
        return DEVICE_FE_CLOSING;
    case XenbusStateClosed:
        return DEVICE_FE_CLOSED;
    case XenbusStateUnknown:
    case XenbusStateInitWait:
    case XenbusStateReconfiguring:
    case XenbusStateReconfigured:
        return DEVICE_FE_OTHER;
    default:
        return DEVICE_FE_BAD;
    }
}

bool device_is_ending(enum device_state state)
{
    return state >= DEVICE_END_CLOSING && state <= DEVICE_END_GONE;
}

const char *device_state_name(enum device_state state)
{
    static const char *const names[DEVICE_STATES] = {
        [DEVICE_NEW] = "new",
        [DEVICE_WAIT] = "waiting for the guest",
        [DEVICE_STARTING] = "starting",
        [DEVICE_CONNECTED] = "connected",
        [DEVICE_ORPHANED] = "orphaned",
        [DEVICE_BACKOFF] = "connected, successor due",
        [DEVICE_RESUMING] = "connected, successor starting",
        [DEVICE_CLOSING] = "closing",
        [DEVICE_CLOSED] = "closed",
        [DEVICE_REFUSED] = "refused",
        [DEVICE_OFFLINE] = "offline",
        [DEVICE_END_CLOSING] = "worker ending",
        [DEVICE_END_CLOSED] = "worker ending",
        [DEVICE_END_WAIT] = "worker ending",
        [DEVICE_END_OFFLINE] = "worker ending",
        [DEVICE_END_GONE] = "worker ending",
        [DEVICE_GONE] = "gone",
    };

    return state < DEVICE_STATES ? names[state] : "?";
}
