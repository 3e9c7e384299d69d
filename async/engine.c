/*
 * Start, news and end of an engine. Commands themselves are cmd.c's business.
 *
 * Happy path: tnd_engine_new, the worker's on_ready, on_news starts the commands that wait;
 * tnd_engine_close, the last command, on_drained, tnd_engine_free.
 * Failure modes: no seed answers: on_ready with an error, commands without a deadline end, the
 * others wait on. Commands that outlast the grace period, or the loop, are aborted.
 */
#include "async/engine.h"

#include "async/cmd.h"
#include "core/config.h"
#include "core/mem.h"
#include <aerospike/as_log_macros.h>
#include <assert.h>

static const char closed_text[] = "Cluster has been closed";

/* ---- the frame around callbacks ---- */

as_event_loop* tnd_engine_enter(tnd_engine* engine, as_event_loop* entry)
{
    engine->pins++;
    return tnd_events_enter(engine->events, entry);
}

void tnd_engine_leave(tnd_engine* engine, as_event_loop* previous)
{
    tnd_events* events = engine->events;
    assert(engine->pins > 0);
    if (--engine->pins == 0 && engine->is_freed) {
        tnd_free(engine);
    }
    tnd_events_leave(events, previous);
}

/* ---- the worker's news ---- */

static void on_worker_ready(void* udata, as_error* err)
{
    tnd_engine* engine = udata;
    if (err) {
        as_error_copy(&engine->failed, err);
    }
    engine->has_ready_news = true;
    tnd_task_soon(&engine->news);
}

static void on_worker_map(void* udata)
{
    tnd_engine* engine = udata;
    tnd_pool_set_map(&engine->pool, tnd_worker_map(engine->worker),
                     tnd_worker_slot(engine->worker));
    engine->has_map_news = true;
    tnd_task_soon(&engine->news);
}

static const tnd_worker_handler engine_worker_handler = {
    .on_ready = on_worker_ready,
    .on_map = on_worker_map,
};

bool tnd_engine_is_ready(tnd_engine* engine)
{
    return tnd_worker_is_ready(engine->worker);
}

/* Commands may end here, and with them the engine: look at is_freed between steps. */
static void engine_work_off_news(tnd_engine* engine)
{
    if (tnd_engine_is_ready(engine)) {
        engine->failed.code = AEROSPIKE_OK;
    }
    bool is_new_map = engine->has_map_news;
    if (is_new_map) {
        engine->has_map_news = false;
        tnd_map* map = tnd_worker_map(engine->worker);
        tnd_map_refresh(map);
        tnd_pool_check(&engine->pool, map);
        if (tnd_engine_is_ready(engine) && !engine->is_closing) {
            tnd_pool_warm(&engine->pool);
        }
    }
    if (is_new_map && engine->handler->on_nodes) {
        while (!engine->is_freed && !engine->is_closing &&
               engine->handler->on_nodes(engine->udata, tnd_worker_map(engine->worker))) {}
    }
    if (engine->has_ready_news && !engine->is_freed) {
        engine->has_ready_news = false;
        bool has_failed = engine->failed.code != AEROSPIKE_OK;
        as_error err;
        as_error_copy(&err, &engine->failed);
        engine->handler->on_ready(engine->udata, has_failed ? &err : NULL);
    }
    if (!engine->is_freed && tnd_engine_is_ready(engine)) {
        tnd_cmd_start_waiting(engine);
    } else if (!engine->is_freed && engine->failed.code != AEROSPIKE_OK) {
        tnd_cmd_fail_waiting(engine);
    }
}

static void on_news(tnd_task* task)
{
    tnd_engine* engine = task->udata;
    as_event_loop* previous = tnd_engine_enter(engine, NULL);
    engine_work_off_news(engine);
    tnd_engine_leave(engine, previous);
}

/* ---- the event loop's news ---- */

static tnd_engine* engine_of(tnd_events_user* user)
{
    return (tnd_engine*)(void*)((char*)user - offsetof(tnd_engine, user));
}

static void engine_resume(tnd_engine* engine)
{
    tnd_timer_stop(&engine->hold);
    if (engine->is_paused) {
        engine->is_paused = false;
        tnd_worker_resume(engine->worker);
    }
}

static void on_hold_over(tnd_timer* timer)
{
    tnd_engine* engine = timer->udata;
    as_event_loop* previous = tnd_engine_enter(engine, NULL);
    engine_resume(engine);
    tnd_engine_leave(engine, previous);
}

/* A loop that turns for one short call after the other would take the role and give it back each
   time. So a map that was looked after lately is left alone for an interval, unless a command meets
   trouble. */
static void engine_start_turning(tnd_engine* engine)
{
    uint64_t now_ms = tnd_loop_now_ms(engine->loop);
    uint64_t due_ms = engine->paused_ms + engine->config->tender_interval;
    if (!tnd_engine_is_ready(engine) || due_ms <= now_ms) {
        engine_resume(engine);
    } else {
        tnd_timer_start_ms(&engine->hold, due_ms - now_ms);
    }
}

/* A private map has nobody else to look after it, and nobody to hand it to. */
static void on_turning(tnd_events_user* user, bool is_turning)
{
    tnd_engine* engine = engine_of(user);
    if (engine->is_closing || !engine->config->use_shm) {
        return;
    }
    if (is_turning) {
        engine_start_turning(engine);
        return;
    }
    tnd_timer_stop(&engine->hold);
    if (!engine->is_paused) {
        engine->is_paused = true;
        engine->paused_ms = tnd_loop_now_ms(engine->loop);
        tnd_worker_pause(engine->worker);
    }
}

void tnd_engine_ask(tnd_engine* engine, uint32_t node_index)
{
    if (engine->hold.is_armed) {
        engine_resume(engine);
    }
    tnd_worker_ask(engine->worker, node_index);
}

static void on_events_close(tnd_events_user* user)
{
    tnd_engine* engine = engine_of(user);
    engine->handler->on_loop_close(engine->udata);
}

/* ---- the end ---- */

void tnd_engine_note_end(tnd_engine* engine)
{
    if (engine->is_closing && !engine->is_aborting && !engine->is_freed &&
        tnd_engine_is_drained(engine)) {
        tnd_timer_stop(&engine->grace);
        engine->handler->on_drained(engine->udata);
    }
}

static void on_grace_over(tnd_timer* timer)
{
    tnd_engine* engine = timer->udata;
    as_event_loop* previous = tnd_engine_enter(engine, NULL);
    as_log_warn("closing: %u commands haven't ended within %u ms and are given up",
                engine->running.count + engine->waiting.count + engine->queued.count,
                TND_ENGINE_GRACE_MS);
    tnd_engine_abort(engine, AEROSPIKE_ERR_CLIENT, closed_text);
    tnd_engine_note_end(engine);
    tnd_engine_leave(engine, previous);
}

bool tnd_engine_close(tnd_engine* engine)
{
    if (!engine->is_closing) {
        engine->is_closing = true;
        tnd_timer_stop(&engine->hold);
        tnd_worker_pause(engine->worker);
        tnd_pool_drain(&engine->pool);
        if (!tnd_engine_is_drained(engine)) {
            tnd_timer_start_ms(&engine->grace, TND_ENGINE_GRACE_MS);
        }
    }
    return tnd_engine_is_drained(engine);
}

void tnd_engine_abort(tnd_engine* engine, as_status status, const char* text)
{
    engine->pins++;
    engine->is_closing = true;
    engine->is_aborting = true; /* the caller knows when it is drained: no on_drained */
    tnd_cmd_abort_all(engine, status, text);
    engine->is_aborting = false;
    engine->pins--;
}

void tnd_engine_free(tnd_engine* engine)
{
    if (engine->is_freed) {
        return;
    }
    engine->pins++;
    engine->is_freed = true;
    tnd_engine_abort(engine, AEROSPIKE_ERR_CLIENT, closed_text);
    tnd_events_part(&engine->user);
    tnd_timer_stop(&engine->grace);
    tnd_timer_stop(&engine->hold);
    tnd_task_cancel(&engine->news);
    tnd_pool_close(&engine->pool);
    tnd_timeouts_close(&engine->timeouts);
    tnd_cmd_free_spare(engine);
    tnd_recycle_done(&engine->recycle);
    if (engine->worker) {
        engine->stats = engine->pool.stats = NULL;
        tnd_worker_stop(engine->worker);
        engine->worker = NULL;
    }
    if (--engine->pins == 0) {
        tnd_free(engine);
    }
}

/* Reachable for ever, so that no tool takes it for lost. */
static tnd_engine* engines_abandoned;

void tnd_engine_abandon(tnd_engine* engine)
{
    engine->udata = engines_abandoned;
    engines_abandoned = engine;
}

/* ---- the start ---- */

static void engine_set_racks(tnd_engine* engine)
{
    const as_config* config = engine->config;
    if (!config->rack_aware) {
        return;
    }
    if (config->rack_ids && config->rack_ids->size > 0) {
        engine->racks = as_vector_get(config->rack_ids, 0);
        engine->racks_count = config->rack_ids->size;
    } else {
        engine->racks = &config->rack_id;
        engine->racks_count = 1;
    }
}

static tnd_pool_limits engine_pool_limits(const tnd_engine_config* config)
{
    const as_config* c = config->config;
    uint32_t depth = c->tls.enable ? 1 : TND_CONFIG_SHARE_DEPTH;
    return (tnd_pool_limits){
        .links_min = config->links_min,
        .links_max = config->links_max,
        .share_links = c->async_share_conns,
        .depth = c->async_share_depth > 0 ? c->async_share_depth : depth,
        .share_bytes = c->async_share_bytes,
        .drain_ms = c->async_drain_ms,
        .idle_max_ms = (uint64_t)c->max_socket_idle * 1000,
        .errors_max = c->max_error_rate,
        .errors_window_ms = (uint64_t)c->error_rate_window * c->tender_interval,
        .errors_are_shared = c->shm_error_rate,
        .host_links_max = c->shm_max_conns_per_node,
        .turn_us = c->shm_connect_rate > 0 ? 1000000 / c->shm_connect_rate : 0,
        .connect_ms = c->conn_timeout_ms,
    };
}

tnd_engine* tnd_engine_new(const tnd_engine_config* config, as_error* err)
{
    tnd_engine* engine = tnd_calloc(1, sizeof(*engine));
    if (!engine) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
        return NULL;
    }
    engine->events = config->events;
    engine->loop = config->events->loop;
    engine->config = config->config;
    engine->handler = config->handler;
    engine->udata = config->udata;
    engine->counts_timeouts = config->is_sync;
    engine_set_racks(engine);
    engine->user.on_turning = on_turning;
    engine->user.on_close = on_events_close;
    tnd_task_init(&engine->news, engine->loop, on_news, engine);
    tnd_timer_init(&engine->grace, engine->loop, on_grace_over, engine);
    tnd_timer_init(&engine->hold, engine->loop, on_hold_over, engine);
    engine->is_paused = config->config->use_shm && !config->events->is_turning;
    tnd_pool_limits limits = engine_pool_limits(config);
    tnd_pool_init(&engine->pool, engine->loop, &tnd_cmd_link_handler, &limits);
    tnd_timeouts_init(&engine->timeouts, engine->loop, tnd_cmd_on_timeouts, engine);
    tnd_worker_config worker_config = {
        .config = config->config,
        .handler = &engine_worker_handler,
        .udata = engine,
        .sys = config->sys,
        .pid = config->pid,
        .uid = config->uid,
    };
    engine->worker = tnd_worker_start(engine->loop, &worker_config, err);
    if (!engine->worker) {
        tnd_pool_close(&engine->pool);
        tnd_free(engine);
        return NULL;
    }
    tnd_pool_set_map(&engine->pool, tnd_worker_map(engine->worker),
                     tnd_worker_slot(engine->worker));
    engine->stats = engine->pool.stats = tnd_worker_stats(engine->worker);
    tnd_events_join(engine->events, &engine->user);
    return engine;
}
