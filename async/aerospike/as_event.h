/**
 * Event loops: where commands run and listeners are called.
 *
 * Every as_event_loop of a thread is an entry on one and the same underlying loop: the library has
 * no threads. as_event_create_loops() makes that loop, and nothing runs until somebody runs it:
 * as_monitor_wait(), as_event_run() of <tendril/event.h>, or the program itself through
 * as_event_loop.loop. as_event_set_external_loop() takes the program's own libev loop instead.
 * More than one entry affects nothing but rotation and counts.
 *
 * All of it belongs to the thread that calls it: entries are registered, commands submitted and the
 * loop run by one thread, and another thread that registers a loop of its own has entries of its
 * own. After a fork the child registers its loop anew.
 */
#pragma once

#include <pthread.h>

#include <aerospike/as_error.h>
#include <aerospike/as_queue.h>
#include <aerospike/as_status.h>
#include <aerospike/as_std.h>

#ifdef AS_USE_LIBEV
#include <ev.h>
/** Programs ask by this whether asynchronous commands exist. */
#define AS_EVENT_LIB_DEFINED 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop;
struct tnd_delayed;
struct tnd_events;

/** Limits of an event loop. */
typedef struct as_policy_event {
    /**
     * Commands that run at once on the loop, 5 at least; 0 for any number. Others wait for their
     * turn, in order, within their timeouts: AEROSPIKE_ERR_TIMEOUT when those end first.
     */
    int max_commands_in_process;
    /**
     * Commands that wait beyond those; 0 for any number. The listener of one more is called with
     * AEROSPIKE_ERR_ASYNC_QUEUE_FULL. Without max_commands_in_process nobody waits.
     */
    uint32_t max_commands_in_queue;
    /** Accepted and unused: waiting takes no memory of its own. 256. */
    uint32_t queue_initial_capacity;
} as_policy_event;

/** One entry. The library's: read `loop` and `index` if you must, write nothing. */
typedef struct as_event_loop {
    /** The underlying libev loop; NULL for a loop registered by tnd_event_set_loop(). */
    struct ev_loop* loop;
    /** The next entry in rotation. */
    struct as_event_loop* next;
    /** Position in as_event_loops. */
    uint32_t index;
    /** Commands accepted and not finished. */
    int pending;
    /** Private. */
    struct tnd_events* events;
    int max_commands_in_process;
    uint32_t max_commands_in_queue;
    int in_process;
    uint32_t delayed_count;
    struct tnd_delayed* delayed_first;
    struct tnd_delayed* delayed_last;
} as_event_loop;

/** The entries of this thread, NULL for none. Read only. */
extern AS_EXTERN __thread as_event_loop* as_event_loops;
/** The entry whose callback runs in this thread, else NULL. Read only. */
extern AS_EXTERN __thread as_event_loop* as_event_loop_current;
/** Number of entries. Read only. */
extern AS_EXTERN __thread uint32_t as_event_loop_size;
/** True: see above. */
extern AS_EXTERN bool as_event_single_thread;

/** Sets the defaults. */
static inline void as_policy_event_init(as_policy_event* policy)
{
    policy->max_commands_in_process = 0;
    policy->max_commands_in_queue = 0;
    policy->queue_initial_capacity = 256;
}

/**
 * Makes `capacity` (1 to 1024) entries on one new libev loop. Returns their array, which belongs to
 * the library until as_event_close_loops(); NULL, with a line in the log, if entries exist already
 * or the loop can't be made.
 */
AS_EXTERN as_event_loop* as_event_create_loops(uint32_t capacity);

/**
 * The same with a policy (NULL for the defaults) and an error. `event_loops` may be NULL.
 * AEROSPIKE_ERR_CLIENT for an invalid policy and for the causes above.
 */
AS_EXTERN as_status as_create_event_loops(as_error* err, as_policy_event* policy, uint32_t capacity,
                                          as_event_loop** event_loops);

/**
 * Makes room for `capacity` (1 to 1024) entries on a loop of the program's. False if entries exist
 * already.
 */
AS_EXTERN bool as_event_set_external_loop_capacity(uint32_t capacity);

/**
 * Registers an entry on `loop`, a struct ev_loop* that this thread runs. The loop is borrowed until
 * as_event_destroy_loops(); the entry keeps ev_run(loop, 0) from returning until
 * as_event_close_loops(). NULL if the capacity is used up, or if an earlier entry is on another
 * loop. libev's default loop is accepted, though it takes SIGCHLD for itself.
 */
AS_EXTERN as_event_loop* as_event_set_external_loop(void* loop);

/** The same with a policy (NULL for the defaults) and an error. `event_loop` may be NULL. */
AS_EXTERN as_status as_set_external_event_loop(as_error* err, as_policy_event* policy, void* loop,
                                               as_event_loop** event_loop);

/** The first entry on this struct ev_loop*; NULL if there is none. */
AS_EXTERN as_event_loop* as_event_loop_find(void* loop);

/** The entry at an index; NULL beyond the last. */
AS_EXTERN as_event_loop* as_event_loop_get_by_index(uint32_t index);

/** The entries in rotation; NULL if there is none. */
AS_EXTERN as_event_loop* as_event_loop_get(void);

/** Commands that run on this entry, with the one whose listener is being called. */
static inline int as_event_loop_get_process_size(as_event_loop* event_loop)
{
    return event_loop->pending - (int)event_loop->delayed_count;
}

/** Commands that wait for their turn on this entry. */
static inline uint32_t as_event_loop_get_queue_size(as_event_loop* event_loop)
{
    return event_loop->delayed_count;
}

/**
 * Ends all entries of this thread. Clients that still use them are closed at once: the listeners of
 * their pending commands are called with AEROSPIKE_ERR_CLIENT before this returns.
 *
 * Entries on our own loop: the loop is destroyed, after the outermost run when called inside a
 * callback. Entries on the program's loop: they don't hold ev_run() any more, and
 * as_event_destroy_loops() frees them once that has returned. False if there are none.
 */
AS_EXTERN bool as_event_close_loops(void);

/** Ends one entry; with the last one it does what as_event_close_loops() does. */
AS_EXTERN void as_event_close_loop(as_event_loop* event_loop);

/** Frees what as_event_close_loops() left of entries on the program's loop. */
AS_EXTERN void as_event_destroy_loops(void);

#ifdef __cplusplus
}
#endif
