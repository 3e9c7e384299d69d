/**
 * What a command calls when it has ended.
 *
 * A listener is called exactly once for each call that returned AEROSPIKE_OK, always from the loop
 * and never inside that call. `err` is NULL on success and never NULL on failure; the result is
 * NULL on failure. Both belong to the library and die when the listener returns, but for what a
 * policy gives away. A listener may start commands, close loops, close and destroy clients.
 */
#pragma once

#include <aerospike/as_error.h>
#include <aerospike/as_event.h>
#include <aerospike/as_record.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The end of a command without a result: put, remove, connect, close. */
typedef void (*as_async_write_listener)(as_error* err, void* udata, as_event_loop* event_loop);

/**
 * The end of a command with a record. With the policy's async_heap_rec the record belongs to the
 * program, which calls as_record_destroy(); otherwise copy what is to be kept.
 */
typedef void (*as_async_record_listener)(as_error* err, as_record* record, void* udata,
                                         as_event_loop* event_loop);

/** The end of a command with a value. */
typedef void (*as_async_value_listener)(as_error* err, as_val* val, void* udata,
                                        as_event_loop* event_loop);

/** A pipelined command was written; the next one may be started. */
typedef void (*as_pipe_listener)(void* udata, as_event_loop* event_loop);

/** The end of an info request; `response` may be written to, and dies when the listener returns. */
typedef void (*as_async_info_listener)(as_error* err, char* response, void* udata,
                                       as_event_loop* event_loop);

#ifdef __cplusplus
}
#endif
