/*
 * The delay queue of an event loop's entry (as_policy_event): so many commands run at once, so many
 * more wait for their turn in order, the rest are refused. Without a limit everybody runs.
 *
 *     tnd_delay_enter -> let in ------------------> tnd_delay_leave
 *                     -> queued -> on_turn, let in ->
 *                     -> refused
 *
 * One that waits keeps its own deadline and leaves by tnd_delay_cancel.
 */
#pragma once

#include <aerospike/as_event.h>

typedef struct tnd_delayed tnd_delayed;

struct tnd_delayed {
    tnd_delayed* next; /* while it waits */
    tnd_delayed* prev;
    as_event_loop* entry;
    bool is_queued;
    bool is_let_in;
    void (*on_turn)(tnd_delayed* delayed); /* let in now. No listener is called inside. */
};

typedef enum tnd_delay {
    TND_DELAY_NONE, /* let in */
    TND_DELAY_QUEUED,
    TND_DELAY_FULL, /* max_commands_in_queue wait already */
} tnd_delay;

/* Zeroed before, but for on_turn. */
tnd_delay tnd_delay_enter(tnd_delayed* delayed, as_event_loop* entry);

/* Doesn't wait any more; nothing if it doesn't. */
void tnd_delay_cancel(tnd_delayed* delayed);

/* Its work is done, its listener included: the next one's on_turn is called inside. Nothing if it
 * wasn't let in. */
void tnd_delay_leave(tnd_delayed* delayed);
