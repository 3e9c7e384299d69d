/*
 * One client on one loop: its membership in the host's map, its connections, its running commands.
 * A client has one engine on the loop that it was connected on, and one on a private loop for
 * synchronous calls once there are any.
 *
 *     OPEN -> CLOSING (no new commands, those that run may end) -> freed
 *
 * What the worker reports is worked off in a task of its own, so that listeners, which may end
 * anything, never run inside the worker's callbacks.
 */
#pragma once

#include "async/event.h"
#include "async/node.h"
#include "async/replica.h"
#include "async/timeouts.h"
#include "async/worker.h"

#include "core/recycle.h"
#include <aerospike/as_config.h>

/* Commands that may wait for the first map. */
#define TND_ENGINE_WAITING_MAX 65536u
/* Time that a closing client gives its commands. */
#define TND_ENGINE_GRACE_MS 2000u

typedef struct tnd_engine tnd_engine;
typedef struct tnd_cmd tnd_cmd;

typedef struct tnd_engine_handler {
    /* Once, from a task: a map is there (err NULL), or every seed was tried in vain. In the second
     * case the engine goes on trying. */
    void (*on_ready)(void* udata, as_error* err);

    /* The directory may have changed: tell the program of one difference. True if there was one:
     * called again then. May be NULL. */
    bool (*on_nodes)(void* udata, const tnd_map* map);

    /* After tnd_engine_close: the last command has ended. The engine may be freed. */
    void (*on_drained)(void* udata);

    /* The set of event loops ends: the engine must be freed now. */
    void (*on_loop_close)(void* udata);
} tnd_engine_handler;

typedef struct tnd_engine_config {
    tnd_events* events;
    const as_config* config; /* borrowed, checked */
    const tnd_engine_handler* handler;
    void* udata;
    const tnd_shm_sys* sys; /* NULL = the real one */
    uint32_t pid, uid;
    uint32_t links_min, links_max; /* per node */
    bool is_sync;                  /* for synchronous calls */
} tnd_engine_config;

typedef struct tnd_cmd_list {
    tnd_cmd* first;
    tnd_cmd* last;
    uint32_t count;
} tnd_cmd_list;

struct tnd_engine {
    tnd_events_user user;
    tnd_events* events;
    tnd_loop* loop;
    const as_config* config;
    const tnd_engine_handler* handler;
    void* udata;
    tnd_worker* worker;
    tnd_stats* stats; /* the worker's; NULL once that has stopped */
    tnd_pool pool;
    bool counts_timeouts;  /* a server's answer "timeout" is an error of the node (only there) */
    tnd_timeouts timeouts; /* of commands */
    tnd_recycle recycle;   /* memory of records that listeners are lent */
    tnd_replica_turns turns;
    const int* racks; /* preferred ones, in order; the configuration's */
    uint32_t racks_count;
    uint32_t commands_count; /* accepted, and their listener hasn't returned: the loop goes on */
    tnd_cmd_list running; /* accepted, and waiting neither for their turn nor for the first map */
    tnd_cmd_list queued;  /* for their turn on their event loop's entry */
    tnd_cmd_list waiting; /* for the first map */
    tnd_cmd* spare;       /* recycled commands with their buffers */
    uint32_t spare_count;
    tnd_task news; /* what the worker reported is to be worked off */
    bool has_ready_news;
    bool has_map_news;
    bool is_closing;  /* no new commands */
    bool is_aborting; /* all commands are being ended */
    bool is_freed;    /* memory goes when the last callback of it has returned */
    unsigned pins;    /* callbacks of it on the stack */
    as_error failed;  /* why no seed answered; code AEROSPIKE_OK: not known to have failed */
    tnd_timer grace;
    bool is_paused;     /* the worker is no candidate: the loop stood still */
    uint64_t paused_ms; /* since when */
    tnd_timer hold;     /* the loop turns, but the worker stays paused until this is over */
};

/* NULL with `err` set if the map can't be opened or memory lacks. */
tnd_engine* tnd_engine_new(const tnd_engine_config* config, as_error* err);

/* Has it a map to route by? */
bool tnd_engine_is_ready(tnd_engine* engine);

/* A command met a failure at this node, or a map that looks stale (index 0). */
void tnd_engine_ask(tnd_engine* engine, uint32_t node_index);

/* Around everything that may call a listener. */
as_event_loop* tnd_engine_enter(tnd_engine* engine, as_event_loop* entry);
void tnd_engine_leave(tnd_engine* engine, as_event_loop* previous);

/* Called when a command has ended. */
void tnd_engine_note_end(tnd_engine* engine);

static inline bool tnd_engine_is_drained(const tnd_engine* engine)
{
    return engine->running.count == 0 && engine->waiting.count == 0 && engine->queued.count == 0;
}

/* No new commands; the role of tender is given up. Running commands get TND_ENGINE_GRACE_MS. True
 * if there are none; else on_drained follows. */
bool tnd_engine_close(tnd_engine* engine);

/* No new commands, and ends all there are with this error: their listeners are called inside. Never
 * on_drained. */
void tnd_engine_abort(tnd_engine* engine, as_status status, const char* text);

/* Closes everything; commands that are left end as by tnd_engine_abort. No callback afterwards. */
void tnd_engine_free(tnd_engine* engine);

/* In a forked child: forgets the engine without touching what it shares with the parent. */
void tnd_engine_abandon(tnd_engine* engine);
