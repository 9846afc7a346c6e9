/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.h - the life of a device as a table: own state x event -> action, next state.
 *
 * Pure: no xenstore, no process, no time. devices.c feeds events and carries out actions.
 * The xenstore states are those of xen/io/xenbus.h.
 *
 * Rules that the table keeps:
 * - InitWait is written once per handshake, and again only after the frontend went back to
 *   Initialising.
 * - A state is written only when no worker holds the rings any more (the DEVICE_END_* states wait for
 *   that; events of the frontend are held back meanwhile, so a flapping guest costs one worker).
 * - A worker's death never shows in xenstore (succession), unless there were too many.
 */
#ifndef XEN9P_DEVICE_H
#define XEN9P_DEVICE_H

#include <stdbool.h>

enum device_state {
    DEVICE_NEW,      /* found, nothing published */
    DEVICE_WAIT,     /* InitWait: the frontend's turn */
    DEVICE_STARTING, /* rings validated, worker not READY yet */
    DEVICE_CONNECTED,
    DEVICE_ORPHANED, /* Connected in xenstore, but by a supervisor that is gone */
    DEVICE_BACKOFF,  /* Connected; the worker died, its successor waits for its time */
    DEVICE_RESUMING, /* Connected; successor started, not READY yet */
    DEVICE_CLOSING,  /* Closing written, the frontend has to close */
    DEVICE_CLOSED,   /* Closed written; the frontend may begin again */
    DEVICE_REFUSED,  /* Closed for good: bad toolstack nodes, or quarantine */
    DEVICE_OFFLINE,  /* Closed, the toolstack is taking the device away */
    /* The worker was asked to end; when it has: */
    DEVICE_END_CLOSING,
    DEVICE_END_CLOSED,
    DEVICE_END_WAIT,
    DEVICE_END_OFFLINE,
    DEVICE_END_GONE,
    DEVICE_GONE, /* backend nodes are gone, nothing runs: to be forgotten */
    DEVICE_STATES,
};

enum device_event {
    DEVICE_FOUND,  /* toolstack nodes are good */
    DEVICE_REFUSE, /* toolstack nodes are bad */
    /* the frontend's state node */
    DEVICE_FE_INITIALISING,
    DEVICE_FE_INITIALISED,
    DEVICE_FE_CONNECTED,
    DEVICE_FE_CLOSING,
    DEVICE_FE_CLOSED,
    DEVICE_FE_OTHER, /* a state that means nothing to us */
    DEVICE_FE_GONE,
    DEVICE_FE_BAD, /* not a state at all */
    /* the toolstack */
    DEVICE_TAKEN_AWAY, /* online 0, or backend state Closing not written by us */
    DEVICE_VANISHED,   /* backend nodes gone, or made anew */
    /* the worker, and what is needed to start one */
    DEVICE_READY,
    DEVICE_FAILED,     /* could not be started; no worker is left */
    DEVICE_ASKS_CLOSE, /* the worker cannot go on with this guest */
    DEVICE_DIED,       /* ended without being asked */
    DEVICE_DIED_OFTEN, /* the same, once too often */
    DEVICE_ENDED,      /* ended as asked, or was given up */
    DEVICE_RETRY,      /* back-off is over */
    DEVICE_EVENTS,
};

enum device_action {
    DEVICE_NOTHING,
    DEVICE_PUBLISH,     /* release the rings; versions, max-rings, ..., state InitWait */
    DEVICE_START,       /* read and check the frontend's nodes, map, bind, start a worker */
    DEVICE_CONNECT,     /* state Connected */
    DEVICE_STOP,        /* ask the worker to end: gives DEVICE_ENDED */
    DEVICE_SAY_CLOSING, /* release the rings; state Closing */
    DEVICE_SAY_CLOSED,  /* release the rings; state Closed (and `error`) */
    DEVICE_SCHEDULE,    /* set the time for DEVICE_RETRY */
    DEVICE_RESUME,      /* start a successor, or adopt */
    DEVICE_RESUMED,     /* nothing to write: xenstore said Connected all the time */
    DEVICE_FORGET,      /* release the rings; drop the device */
};

struct device_step {
    enum device_action action;
    enum device_state next;
};

/* What to do; { DEVICE_NOTHING, state } for an event that means nothing in this state. */
struct device_step device_step(enum device_state state, enum device_event event);

/* State in which a device starts whose backend `state` node says `xenbus_state`. */
enum device_state device_first_state(unsigned xenbus_state);

/* Event of a frontend's `state` of this value. */
enum device_event device_frontend_event(unsigned xenbus_state);

/* True while a worker is ending: events of the frontend are to be held back. */
bool device_is_ending(enum device_state state);

const char *device_state_name(enum device_state state);

#endif
