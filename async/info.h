/*
 * One info request to one node, as a command of an engine; and the nodes that programs hold.
 */
#pragma once

#include "async/cmd.h"

#include <aerospike/aerospike_info.h>

typedef void (*tnd_info_fn)(as_error* err, char* response, void* udata, as_event_loop* event_loop);

/* Starts. AEROSPIKE_OK: `fn` follows once, from the loop. `name`: the node's. `request` is copied.
 */
as_status tnd_info_start(tnd_engine* engine, as_event_loop* entry, const as_policy_info* policy,
                         const char* name, const char* request, tnd_info_fn fn, void* udata,
                         as_error* err);

/* The same after a pause, which doesn't count as its time. */
as_status tnd_info_start_later(tnd_engine* engine, as_event_loop* entry,
                               const as_policy_info* policy, const char* name, const char* request,
                               uint32_t pause_ms, tnd_info_fn fn, void* udata, as_error* err);

/* aerospike_info_foreach_async, after a pause. */
as_status tnd_info_each(aerospike* as, as_error* err, const as_policy_info* policy, const char* req,
                        uint32_t pause_ms, as_async_info_foreach_listener listener, void* udata,
                        as_event_loop* event_loop);

/* The map's active nodes. NULL without memory. */
as_nodes* tnd_nodes_new(tnd_map* map);
