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

/* The map's active nodes. NULL without memory. */
as_nodes* tnd_nodes_new(tnd_map* map);
