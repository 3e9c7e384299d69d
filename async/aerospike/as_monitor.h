/**
 * Wait for a listener: begin, start the command, wait; the listener notifies.
 *
 * The library has no threads, so as_monitor_wait() runs the event loop of the calling thread, turn
 * by turn, until as_monitor_notify() has been called. That is for programs that do one thing after
 * the other; a server runs its loop itself and has no use for it.
 */
#pragma once

#include <pthread.h>

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_monitor_s {
    /** Private. */
    bool complete;
} as_monitor;

/** Prepares a monitor. */
static inline void as_monitor_init(as_monitor* monitor)
{
    monitor->complete = false;
}

/** Frees nothing: there is nothing. */
static inline void as_monitor_destroy(as_monitor* monitor)
{
    monitor->complete = false;
}

/** From now on as_monitor_wait() waits. */
static inline void as_monitor_begin(as_monitor* monitor)
{
    monitor->complete = false;
}

/** Ends the wait. */
static inline void as_monitor_notify(as_monitor* monitor)
{
    monitor->complete = true;
}

/**
 * Runs this thread's event loop until the monitor is notified, or as_event_close_loops() has ended
 * the loop. Returns at once, with a line in the log, inside a callback of the loop and where no
 * loop is registered that the library can run.
 */
AS_EXTERN void as_monitor_wait(as_monitor* monitor);

#ifdef __cplusplus
}
#endif
