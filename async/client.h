/*
 * What aerospike.cluster points to: one client, connecting, open or closing.
 *
 * It outlives the aerospike struct while it closes, and has a copy of the configuration for that.
 * Its main engine runs on the registered event loop; the one for synchronous calls on a private
 * loop, which turns only inside those calls.
 */
#pragma once

#include "async/engine.h"
#include "async/roster.h"
#include <aerospike/aerospike.h>

typedef enum tnd_client_state {
    TND_CLIENT_CONNECTING,
    TND_CLIENT_OPEN,
    TND_CLIENT_CLOSING, /* detached from its aerospike; commands may still end */
} tnd_client_state;

/* Somebody who waits for the end of connecting or closing. */
typedef struct tnd_client_notice tnd_client_notice;
struct tnd_client_notice {
    tnd_client_notice* next;
    as_async_write_listener listener;
    void* udata;
    as_event_loop* entry;
};

/* What a simulation supplies; all zero is the real world. */
typedef struct tnd_client_world {
    const tnd_shm_sys* sys;
    uint32_t pid, uid;
} tnd_client_world;

typedef struct as_cluster_s as_cluster;

struct as_cluster_s {
    aerospike* as; /* NULL once closing */
    tnd_client_state state;
    uint32_t fork_generation;
    as_config config; /* a copy of its own */
    tnd_client_world world;
    tnd_engine* main;        /* NULL: no event loop */
    tnd_engine* sync;        /* NULL: no synchronous call yet */
    tnd_events* sync_events; /* with `sync` */
    bool is_sync_ready;      /* its seeds have been tried */
    as_error sync_err;       /* why they failed, or AEROSPIKE_OK */
    tnd_roster roster;       /* nodes that the event callback was told of */
    tnd_client_notice* connecting;
    tnd_client_notice* closing;
    tnd_task task;        /* notices that are due */
    tnd_events_user user; /* while the task stands for the end of closing */
    bool* is_done;        /* set when it is freed */
    unsigned pins;        /* functions of ours on the stack that call listeners */
    bool is_freed;        /* memory goes with the last of them */
};

/* aerospike_connect_async in another world. */
as_status tnd_client_connect(aerospike* as, as_error* err, const tnd_client_world* world,
                             as_async_write_listener listener, void* udata,
                             as_event_loop* event_loop);

/* The engine for an asynchronous command and the entry that it counts for; NULL with `err` set: not
 * connected, closed, across a fork, no event loop or another one. */
tnd_engine* tnd_client_engine(aerospike* as, as_event_loop* event_loop, as_event_loop** ret_entry,
                              as_error* err);

/* The engine for a synchronous command, made and connected if need be; NULL with `err` set, also
 * where this thread must not block now. */
tnd_engine* tnd_client_sync_engine(aerospike* as, as_error* err);

/* Runs that engine's loop until `*is_done`. */
void tnd_client_sync_run(aerospike* as, const bool* is_done);
