/*
 * One worker's membership in the host's map, on one loop: attach, elect, tend or follow, hand over.
 *
 * A worker opens the map (segment or private memory), joins it, and then either owns it and runs
 * the tender, or follows: connected to the owner's wake-up socket, whose end of file is the news of
 * its death, and with a timer as the last resort. It never tells the client how the role changes
 * hands; the client sees a map that is ready and stays current.
 *
 * Wake-up sockets are hints: bounded reads, credentials checked, the segment is the truth.
 */
#pragma once

#include "async/resolver.h"
#include "async/tender.h"
#include "shm/member.h"
#include "shm/stats.h"

#include <aerospike/as_config.h>
#include <tendril/loop.h>

typedef struct tnd_worker tnd_worker;

typedef struct tnd_worker_handler {
    /* Once: a checked map is published (err NULL), or every seed was tried and none answered (err
     * set). In the second case the worker goes on trying, and on_ready isn't called again. From the
     * loop. */
    void (*on_ready)(void* udata, as_error* err);

    /* The directory changed (nodes came, left or moved) or the worker moved to another segment:
     * local node objects should be checked against tnd_worker_map. From the loop; not called for
     * changes that a command noticed itself by tnd_map_refresh. */
    void (*on_map)(void* udata);
} tnd_worker_handler;

typedef struct tnd_worker_config {
    const as_config* config; /* borrowed for the worker's life; checked already */
    const tnd_worker_handler* handler;
    void* udata;
    const tnd_shm_sys* sys; /* NULL = the real one */
    uint32_t pid, uid;      /* for people, and to check wake-up peers */
} tnd_worker_config;

/* Attach and start. Nothing waits: on_ready comes from the loop. NULL with `err` set when the map
 * can't be opened (see tnd_map_open) or memory lacks. */
tnd_worker* tnd_worker_start(tnd_loop* loop, const tnd_worker_config* config, as_error* err);

/* The map to route by. Never NULL; changes only between two turns of the loop, with on_map. */
tnd_map* tnd_worker_map(tnd_worker* worker);

/* Our slot in that map, TND_MEMBER_NONE: none. */
uint32_t tnd_worker_slot(const tnd_worker* worker);

/* Where this worker counts. Never NULL, stays the same until tnd_worker_stop, whatever segment the
 * figures are in. */
tnd_stats* tnd_worker_stats(tnd_worker* worker);

/* The host's counters, of the segment that it is a member of. False without memory. */
bool tnd_worker_read_host(tnd_worker* worker, tnd_host_counters* ret_host);

/* True once there is a map that is looked after, or was when we came: within the takeover threshold
 * by an owner that had checked it against the cluster. Stays true. */
bool tnd_worker_is_ready(tnd_worker* worker);

/* A command met a failure at this node, or a map that looks stale (index 0): have it looked at now.
 * Coalesced; cheap to call often. */
void tnd_worker_ask(tnd_worker* worker, uint32_t node_index);

/* The loop is about to stop turning (a private loop between two calls): give the role up and stop
 * being a candidate; the loop turns again. */
void tnd_worker_pause(tnd_worker* worker);
void tnd_worker_resume(tnd_worker* worker);

/* Own only as a last resort from now on (a worker that is draining). */
void tnd_worker_drain(tnd_worker* worker);

/* Give the role up, close the sockets, leave the segment (the last one removes it), free the
 * worker. No callback afterwards. At once, without waiting for anybody. */
void tnd_worker_stop(tnd_worker* worker);
