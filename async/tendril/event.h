/**
 * Event loops beyond the official interface: run one until something has happened, and register a
 * loop of another kind than libev's.
 */
#pragma once

#include <aerospike/as_event.h>
#include <aerospike/as_std.h>
#include <tendril/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Runs the libev loop under `event_loop` (NULL: this thread's) turn by turn until `done` answers
 * true, which is asked before each turn, or as_event_close_loops() has ended the loop. False, and
 * nothing runs, inside a callback of that loop, while the program runs it itself, and for loops
 * that aren't libev's.
 */
AS_EXTERN bool as_event_run(as_event_loop* event_loop, bool (*done)(void* udata), void* udata);

/**
 * Registers a loop that drives itself through the table of <tendril/loop.h>: nginx's, a
 * simulator's, any program's. Like as_event_set_external_loop() with room for one: `loop` is
 * borrowed until as_event_destroy_loops(). The entry itself doesn't keep it running, its commands
 * do (tnd_loop_ops.ref). NULL, with a line in the log, if the table's version
 * isn't TND_LOOP_VERSION or this thread has entries on another loop.
 */
AS_EXTERN as_event_loop* tnd_event_set_loop(tnd_loop* loop);

/**
 * Sets the limits of an entry that was registered without any, at any time: what runs goes on.
 * AEROSPIKE_ERR_CLIENT, and nothing changes, for limits that as_create_event_loops() refuses.
 */
AS_EXTERN as_status as_event_set_policy(as_error* err, const as_policy_event* policy,
                                        as_event_loop* event_loop);

#ifdef __cplusplus
}
#endif
