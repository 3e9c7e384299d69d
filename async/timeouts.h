/*
 * Limits of commands: lists of one loop timer. Those of the same length share a list, which is in
 * order by itself, so that starting and stopping one costs a few stores; lengths for which no list
 * is left share one that is kept in order.
 *
 * The loop's timer may be early, never late: it isn't touched when a limit is stopped.
 */
#pragma once

#include <tendril/loop.h>

#define TND_TIMEOUTS_LISTS 8

typedef struct tnd_timeout tnd_timeout;
struct tnd_timeout {
    tnd_timeout* next;
    tnd_timeout* prev;
    uint8_t list; /* its list + 1; 0: not started */
    uint64_t due_us;
};

typedef struct tnd_timeouts_list {
    tnd_timeout* first;
    tnd_timeout* last;
    uint64_t length_us; /* of its timeouts, while it has any; the last list takes all */
} tnd_timeouts_list;

typedef struct tnd_timeouts {
    tnd_timer timer;
    uint64_t armed_us;   /* what the timer stands for; UINT64_MAX: not armed */
    unsigned last_index; /* of the list that was found last */
    tnd_timeouts_list lists[TND_TIMEOUTS_LISTS];
} tnd_timeouts;

/* `fn` is called when something is due, perhaps early: it takes what there is, then arms again. */
void tnd_timeouts_init(tnd_timeouts* timeouts, tnd_loop* loop, tnd_timer_fn fn, void* udata);

/* Due at `due_us`, which is `length_us` from now. Started already: moved. Zeroed before first use.
 */
void tnd_timeouts_start(tnd_timeouts* timeouts, tnd_timeout* timeout, uint64_t due_us,
                        uint64_t now_us);
void tnd_timeouts_stop(tnd_timeouts* timeouts, tnd_timeout* timeout);

/* One that is due, stopped; NULL if there is none. */
tnd_timeout* tnd_timeouts_take(tnd_timeouts* timeouts, uint64_t now_us);

/* For whatever is due next; to be called at the end of `fn`. */
void tnd_timeouts_arm(tnd_timeouts* timeouts, uint64_t now_us);

/* No callback any more. */
void tnd_timeouts_close(tnd_timeouts* timeouts);

static inline bool tnd_timeout_is_started(const tnd_timeout* timeout)
{
    return timeout->list != 0;
}
