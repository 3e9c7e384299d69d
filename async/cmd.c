/*
 * Commands: memory, start and end, and what happens after a failed attempt. See cmd.h for the
 * phases, cmd_try.c for attempts and their time, cmd_route.c for the choice of a node, cmd_reply.c
 * for what comes back.
 *
 * Happy path
 *   - tnd_cmd_start: accepted; tnd_cmd_attempt routes by the map and takes a link, all in the
 *     caller's turn; SENT if the link was connected, else OPENING and SENT from on_link_open.
 *   - on_link_reply: the reply is checked and copied, the link goes back to the pool, tnd_cmd_end
 *     calls the listener.
 *
 * Possible failures of an attempt, each of which ends in tnd_cmd_fail_attempt, where it is decided
 * whether there is another one (protocol/records.md 7.3, and the project's choice for 9, 11, 14,
 * 18)
 *   - no namespace, no node for the partition, no free connection
 *   - connecting, writing or reading failed, or took too long
 *   - the server refuses, or its reply makes no sense
 *   - the command's deadline has passed: never another one
 *
 * Whatever happens inside tnd_cmd_start, the listener is called from the loop:
 * tnd_cmd_end_with_error defers it to a task then.
 */
#include "async/cmd_int.h"

#include "core/mem.h"
#include <assert.h>
#include <stdio.h>

/* Commands kept for use again, and the largest buffer kept with one. */
#define CMD_SPARE_MAX 256u
#define CMD_SPARE_BYTES (16u * 1024)

/* ---- lists ---- */

static void list_append(tnd_cmd_list* list, tnd_cmd* cmd)
{
    cmd->next = NULL;
    cmd->prev = list->last;
    if (list->last) {
        list->last->next = cmd;
    } else {
        list->first = cmd;
    }
    list->last = cmd;
    list->count++;
}

static void list_remove(tnd_cmd_list* list, tnd_cmd* cmd)
{
    if (cmd->prev) {
        cmd->prev->next = cmd->next;
    } else {
        list->first = cmd->next;
    }
    if (cmd->next) {
        cmd->next->prev = cmd->prev;
    } else {
        list->last = cmd->prev;
    }
    cmd->next = NULL;
    cmd->prev = NULL;
    list->count--;
}

static tnd_cmd_list* cmd_list(tnd_cmd* cmd)
{
    switch (cmd->phase) {
    case TND_CMD_QUEUED:
        return &cmd->engine->queued;
    case TND_CMD_MAP:
        return &cmd->engine->waiting;
    case TND_CMD_NEW:
    case TND_CMD_OPENING:
    case TND_CMD_SENT:
    case TND_CMD_PAUSED:
    case TND_CMD_FAILED:
    case TND_CMD_ENDED:
        break;
    }
    return &cmd->engine->running;
}

/* ---- memory ---- */

tnd_cmd* tnd_cmd_new(tnd_engine* engine, as_event_loop* entry)
{
    tnd_cmd* cmd = engine->spare;
    if (cmd) {
        engine->spare = cmd->next;
        engine->spare_count--;
        tnd_buf_reset(&cmd->buf);
    } else {
        cmd = tnd_calloc(1, sizeof(*cmd));
        if (!cmd) {
            return NULL;
        }
        cmd->engine = engine;
        tnd_buf_init(&cmd->buf, TND_WIRE_FRAME_BYTES + (size_t)TND_WIRE_BODY_BYTES_MAX);
        tnd_task_init(&cmd->task, engine->loop, tnd_cmd_on_task, cmd);
        as_error_init(&cmd->err);
    }
    cmd->entry = entry;
    cmd->timeout.list = 0;
    cmd->delayed.is_queued = false;
    cmd->delayed.is_let_in = false;
    memset(&cmd->result, 0, offsetof(tnd_cmd, phase) - offsetof(tnd_cmd, result));
    memset(&cmd->phase, 0, offsetof(tnd_cmd, next) - offsetof(tnd_cmd, phase));
    return cmd;
}

void tnd_cmd_discard(tnd_cmd* cmd)
{
    tnd_engine* engine = cmd->engine;
    if (engine->is_freed || engine->spare_count >= CMD_SPARE_MAX) {
        tnd_buf_done(&cmd->buf);
        tnd_free(cmd);
        return;
    }
    if (cmd->buf.capacity > CMD_SPARE_BYTES) {
        tnd_buf_done(&cmd->buf);
    }
    cmd->next = engine->spare;
    engine->spare = cmd;
    engine->spare_count++;
}

void tnd_cmd_free_spare(tnd_engine* engine)
{
    while (engine->spare) {
        tnd_cmd* cmd = engine->spare;
        engine->spare = cmd->next;
        tnd_buf_done(&cmd->buf);
        tnd_free(cmd);
    }
    engine->spare_count = 0;
}

/* ---- counters ---- */

static void cmd_count_running(tnd_engine* engine)
{
    tnd_stats_set(engine->stats, TND_GAUGE(commands_running), engine->running.count);
}

static void cmd_count_present(tnd_engine* engine)
{
    cmd_count_running(engine);
    tnd_stats_set(engine->stats, TND_GAUGE(commands_waiting), engine->waiting.count);
    tnd_stats_set(engine->stats, TND_GAUGE(delay_queue), engine->queued.count);
}

static void cmd_count_end(const tnd_cmd* cmd, const as_error* err)
{
    tnd_stats_command(cmd->engine->stats, cmd->kind, err ? err->code : AEROSPIKE_OK,
                      err && err->in_doubt, tnd_cmd_now_us(cmd) - cmd->start_us);
}

/* ---- the loop goes on while there are commands ---- */

static void cmd_hold_loop(tnd_cmd* cmd)
{
    cmd->entry->pending++;
    if (cmd->engine->commands_count++ == 0) {
        cmd->engine->loop->ops->ref(cmd->engine->loop);
    }
}

static void cmd_let_loop_go(tnd_engine* engine, as_event_loop* entry)
{
    entry->pending--;
    if (--engine->commands_count == 0) {
        engine->loop->ops->unref(engine->loop);
    }
}

/* ---- the end ---- */

static __thread const tnd_cmd* cmd_ending;

const tnd_cmd* tnd_cmd_ending(void)
{
    return cmd_ending;
}

void tnd_cmd_tell_pipe(tnd_cmd* cmd)
{
    as_pipe_listener pipe = cmd->pipe;
    if (cmd->is_pipe_due && pipe) {
        cmd->is_pipe_due = false;
        cmd->pipe = NULL;
        pipe(cmd->udata, cmd->entry);
    }
}

static void cmd_tell(tnd_cmd* cmd, as_error* err, void* result)
{
    switch (cmd->result) {
    case TND_CMD_RECORD:
    case TND_CMD_HEADER:
        cmd->listener.record(err, result, cmd->udata, cmd->entry);
        break;
    case TND_CMD_LENT:
        cmd->listener.lent(err, result, cmd->udata, cmd->entry);
        break;
    case TND_CMD_STATUS:
        cmd->listener.write(err, cmd->udata, cmd->entry);
        break;
    case TND_CMD_VALUE:
        cmd->listener.value(err, result, cmd->udata, cmd->entry);
        break;
    case TND_CMD_MANY:
    case TND_CMD_TEXT:
        cmd->many->on_end(cmd, err);
        break;
    }
}

/* The one road to the listener. Detached from everything first: the listener may do anything. */
void tnd_cmd_end(tnd_cmd* cmd, as_error* err, void* result)
{
    assert(cmd->phase != TND_CMD_ENDED && !cmd->link);
    tnd_engine* engine = cmd->engine;
    as_event_loop* entry = cmd->entry;
    tnd_cmd_list* list = cmd_list(cmd);
    list_remove(list, cmd);
    tnd_delay_cancel(&cmd->delayed);
    cmd->phase = TND_CMD_ENDED;
    cmd_count_end(cmd, err);
    if (list == &engine->running) {
        cmd_count_running(engine);
    } else {
        cmd_count_present(engine);
    }
    tnd_cmd_disarm(cmd);
    tnd_task_cancel(&cmd->task);
    /* Nearly always a callback of this entry is on the stack, which holds the engine. */
    bool is_entered = engine->pins > 0 && as_event_loop_current == entry;
    as_event_loop* previous = is_entered ? NULL : tnd_engine_enter(engine, entry);
    const tnd_cmd* outer = cmd_ending; /* whose listener ends this one, by closing */
    cmd_ending = cmd;
    tnd_cmd_tell_pipe(cmd);
    cmd_tell(cmd, err, result);
    cmd_ending = outer;
    cmd_let_loop_go(engine, entry);
    tnd_delay_leave(&cmd->delayed);
    tnd_cmd_discard(cmd);
    tnd_engine_note_end(engine);
    if (!is_entered) {
        tnd_engine_leave(engine, previous);
    }
}

/* A fully sent attempt with an unknown fate, before or now (protocol/records.md 6.5). */
static bool cmd_is_in_doubt(const tnd_cmd* cmd, bool was_sent)
{
    bool is_unknown = cmd->err.code == AEROSPIKE_ERR_TIMEOUT || cmd->err.code <= 0;
    return !cmd->replica.is_read && (cmd->unknown_count > 0 || (was_sent && is_unknown));
}

void tnd_cmd_end_with_error(tnd_cmd* cmd, bool was_sent)
{
    cmd->err.in_doubt = cmd_is_in_doubt(cmd, was_sent);
    if (cmd->attempt > 1) {
        char text[48];
        snprintf(text, sizeof(text), ", attempt %u of %" PRIu64, cmd->attempt,
                 (uint64_t)cmd->max_retries + 1);
        as_error_append(&cmd->err, text);
    }
    if (cmd->is_inside) {
        assert(cmd_list(cmd) == &cmd->engine->running);
        cmd->phase = TND_CMD_FAILED;
        tnd_cmd_disarm(cmd);
        tnd_task_soon(&cmd->task);
    } else {
        tnd_cmd_end(cmd, &cmd->err, NULL);
    }
}

/* ---- failed attempts ---- */

/* Another attempt, in the loop's next turn or after the pause. The pause is left out when the first
   retry goes to another replica (protocol/records.md 7.1). */
static void cmd_pause(tnd_cmd* cmd, uint32_t sleep_ms)
{
    cmd->phase = TND_CMD_PAUSED;
    if (sleep_ms > 0) {
        tnd_task_cancel(
            &cmd->task); /* a pipe listener's turn: the next attempt asks for it again */
        uint64_t now_us = tnd_cmd_now_us(cmd);
        tnd_timeouts_start(&cmd->engine->timeouts, &cmd->timeout,
                           now_us + (uint64_t)sleep_ms * 1000, now_us);
    } else {
        tnd_cmd_disarm(cmd);
        tnd_task_soon(&cmd->task);
    }
}

/* cmd->err says what happened, the link is gone. `was_sent`: the request was out completely, and no
   answer says that it wasn't applied. */
void tnd_cmd_fail_attempt(tnd_cmd* cmd, tnd_cmd_cause cause, bool was_sent)
{
    assert(!cmd->link);
    if (was_sent && cmd->many) {
        cmd->many->on_unknown(cmd);
    }
    if (cause == TND_CMD_CAUSE_FINAL || cmd->attempt > cmd->max_retries) {
        tnd_cmd_end_with_error(cmd, was_sent);
        return;
    }
    bool has_moved =
        cause != TND_CMD_CAUSE_NO_NODE &&
        tnd_replica_move(&cmd->replica, cause == TND_CMD_CAUSE_CONNECTION ? TND_REPLICA_CONNECTION
                                                                          : TND_REPLICA_TIMEOUT);
    uint32_t sleep_ms = cmd->attempt == 1 && has_moved ? 0 : cmd->sleep_ms;
    uint64_t start_us = tnd_cmd_now_us(cmd) + (uint64_t)sleep_ms * 1000;
    if (cmd->deadline_us > 0 && start_us >= cmd->deadline_us) {
        tnd_cmd_end_with_error(cmd, was_sent);
        return;
    }
    cmd->unknown_count += was_sent ? 1 : 0;
    tnd_stats_add(cmd->engine->stats, TND_COUNTER(retries), 1);
    cmd_pause(cmd, sleep_ms);
}
/* ---- the start ---- */

static void cmd_set_policy(tnd_cmd* cmd, const as_policy_base* base)
{
    cmd->connect_ms = base->connect_timeout;
    cmd->total_ms = base->total_timeout;
    cmd->socket_ms = base->socket_timeout;
    if (cmd->total_ms > 0 && (cmd->socket_ms == 0 || cmd->socket_ms > cmd->total_ms)) {
        cmd->socket_ms = cmd->total_ms;
    }
    cmd->delay_ms = base->timeout_delay;
    cmd->max_retries = base->max_retries;
    cmd->sleep_ms = base->sleep_between_retries;
}

static as_status cmd_check_waiting(const tnd_engine* engine, as_error* err)
{
    if (engine->waiting.count < TND_ENGINE_WAITING_MAX) {
        return AEROSPIKE_OK;
    }
    return as_error_setallv(err, AEROSPIKE_ERR_ASYNC_QUEUE_FULL, __func__, __FILE__, __LINE__,
                            "%u commands wait for the cluster's first partition map already",
                            TND_ENGINE_WAITING_MAX);
}

/* No deadline, and no seed that answered: it might wait for ever. */
static void cmd_fail_unreachable(tnd_cmd* cmd)
{
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_CLUSTER, __func__, __FILE__, __LINE__,
                     "No node of the cluster could be reached: %s", cmd->engine->failed.message);
    tnd_cmd_end_with_error(cmd, false);
}

static void cmd_leave_waiting(tnd_cmd* cmd)
{
    list_remove(&cmd->engine->waiting, cmd);
    cmd->phase = TND_CMD_PAUSED;
    list_append(&cmd->engine->running, cmd);
    cmd_count_present(cmd->engine);
}

static void cmd_wait_for_map(tnd_cmd* cmd)
{
    cmd->phase = TND_CMD_MAP;
    list_append(&cmd->engine->waiting, cmd);
    cmd_count_present(cmd->engine);
    if (cmd->total_ms == 0 && cmd->engine->failed.code != AEROSPIKE_OK) {
        cmd_leave_waiting(cmd);
        cmd_fail_unreachable(cmd);
    } else {
        tnd_cmd_arm(cmd);
    }
}

/* ---- its turn ---- */

static void cmd_first_attempt(tnd_cmd* cmd)
{
    if (cmd->first_pause_ms > 0) {
        cmd_pause(cmd, cmd->first_pause_ms);
    } else {
        tnd_cmd_attempt(cmd);
    }
}

/* Let in: the first attempt, or the wait for a map. */
static void cmd_begin(tnd_cmd* cmd)
{
    tnd_engine* engine = cmd->engine;
    if (cmd->route_ns || tnd_engine_is_ready(engine)) {
        cmd->phase = TND_CMD_NEW;
        list_append(&engine->running, cmd);
        cmd_count_running(engine);
        cmd_first_attempt(cmd);
    } else {
        cmd_wait_for_map(cmd);
    }
}

/* Somebody else's listener has returned: what fails here is told in a task. */
static void on_cmd_turn(tnd_delayed* delayed)
{
    tnd_cmd* cmd = (tnd_cmd*)(void*)((char*)delayed - offsetof(tnd_cmd, delayed));
    list_remove(&cmd->engine->queued, cmd);
    cmd_count_present(cmd->engine);
    cmd->route_ns = NULL;
    tnd_cmd_disarm(cmd);
    cmd->is_late = true;
    cmd->is_inside = true;
    cmd_begin(cmd);
    cmd->is_inside = false;
}

static void cmd_refuse_turn(tnd_cmd* cmd)
{
    list_append(&cmd->engine->running, cmd);
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_ASYNC_QUEUE_FULL, __func__, __FILE__, __LINE__,
                     "Async delay queue full: %u", cmd->entry->max_commands_in_queue);
    tnd_cmd_end_with_error(cmd, false);
}

static void cmd_take_turn(tnd_cmd* cmd)
{
    cmd->delayed.on_turn = on_cmd_turn;
    switch (tnd_delay_enter(&cmd->delayed, cmd->entry)) {
    case TND_DELAY_NONE:
        cmd_begin(cmd);
        return;
    case TND_DELAY_QUEUED:
        cmd->phase = TND_CMD_QUEUED;
        list_append(&cmd->engine->queued, cmd);
        tnd_stats_add(cmd->engine->stats, TND_COUNTER(delayed), 1);
        cmd_count_present(cmd->engine);
        tnd_cmd_arm(cmd);
        return;
    case TND_DELAY_FULL:
        cmd_refuse_turn(cmd);
        return;
    }
}

static void cmd_accept(tnd_cmd* cmd)
{
    cmd->start_us = tnd_cmd_now_us(cmd);
    if (cmd->total_ms > 0) {
        cmd->deadline_us = cmd->start_us + (uint64_t)cmd->total_ms * 1000;
    }
    cmd_hold_loop(cmd);
    cmd->is_inside = true;
    cmd_take_turn(cmd);
    cmd->is_inside = false;
}

as_status tnd_cmd_start(tnd_cmd* cmd, const as_key* key, const as_policy_base* base, as_error* err)
{
    assert(key->digest.init);
    tnd_engine* engine = cmd->engine;
    tnd_slice ns = tnd_wire_request_namespace(&cmd->buf);
    assert(ns.size < sizeof(cmd->ns));
    memset(cmd->ns, 0, sizeof(cmd->ns));
    tnd_copy_bytes(cmd->ns, ns.data, ns.size);
    cmd->partition =
        (key->digest.value[0] | (uint32_t)key->digest.value[1] << 8) & (TND_PARTITIONS - 1);
    cmd_set_policy(cmd, base);
    bool is_ready = tnd_engine_is_ready(engine);
    as_status status =
        is_ready ? tnd_cmd_check_namespace(cmd, err) : cmd_check_waiting(engine, err);
    if (status != AEROSPIKE_OK) {
        tnd_stats_add(engine->stats, TND_COUNTER(refused), 1);
        tnd_cmd_discard(cmd);
        return status;
    }
    cmd_accept(cmd);
    return AEROSPIKE_OK;
}

as_status tnd_cmd_start_many(tnd_cmd* cmd, const as_policy_base* base, as_error* err)
{
    cmd_set_policy(cmd, base);
    if (!tnd_engine_is_ready(cmd->engine) && cmd_check_waiting(cmd->engine, err) != AEROSPIKE_OK) {
        tnd_stats_add(cmd->engine->stats, TND_COUNTER(refused), 1);
        tnd_cmd_discard(cmd);
        return err->code;
    }
    cmd_accept(cmd);
    return AEROSPIKE_OK;
}

void tnd_cmd_start_part(tnd_cmd* cmd, const tnd_cmd* parent)
{
    cmd->connect_ms = parent->connect_ms;
    cmd->socket_ms = parent->socket_ms;
    cmd->total_ms = parent->total_ms;
    cmd->delay_ms = parent->delay_ms;
    cmd->max_retries = parent->max_retries;
    cmd->sleep_ms = parent->sleep_ms;
    cmd->start_us = parent->start_us;
    cmd->deadline_us = parent->deadline_us;
    cmd->attempt = parent->attempt - 1;
    cmd_hold_loop(cmd);
    list_append(&cmd->engine->running, cmd);
    cmd_count_present(cmd->engine);
    cmd_pause(cmd, 0);
}

void tnd_cmd_hand_turn(tnd_cmd* from, tnd_cmd* to)
{
    if (from->delayed.is_let_in && !to->delayed.is_let_in) {
        to->delayed = (tnd_delayed){.entry = from->delayed.entry, .is_let_in = true};
        from->delayed.is_let_in = false;
    }
}

/* ---- the engine's business ---- */

void tnd_cmd_start_waiting(tnd_engine* engine)
{
    while (engine->waiting.first && !engine->is_freed) {
        tnd_cmd* cmd = engine->waiting.first;
        cmd_leave_waiting(cmd);
        cmd->is_late = true;
        tnd_cmd_attempt(cmd);
    }
}

void tnd_cmd_fail_waiting(tnd_engine* engine)
{
    /* Listeners may start commands that wait: those have their turn when they are started. */
    uint32_t count = engine->waiting.count;
    while (count > 0 && engine->waiting.first && !engine->is_freed) {
        tnd_cmd* cmd = engine->waiting.first;
        cmd_leave_waiting(cmd);
        if (cmd->total_ms == 0) {
            cmd_fail_unreachable(cmd);
        } else {
            list_remove(&engine->running, cmd);
            cmd->phase = TND_CMD_MAP;
            list_append(&engine->waiting, cmd);
        }
        count--;
    }
}

static void cmd_abort(tnd_cmd* cmd, as_status status, const char* text)
{
    if (cmd->phase == TND_CMD_FAILED) {
        tnd_cmd_end(cmd, &cmd->err, NULL);
        return;
    }
    bool was_sent = false;
    tnd_link* link = cmd->link;
    if (link) {
        was_sent = cmd->phase == TND_CMD_SENT && tnd_cmd_is_out(cmd);
        cmd->link = NULL;
        tnd_link_abandon(link, cmd->seat, 0);
    }
    if (was_sent && cmd->many) {
        cmd->many->on_unknown(cmd);
    }
    cmd->is_inside = false;
    as_error_setall(&cmd->err, status, text, __func__, __FILE__, __LINE__);
    tnd_cmd_end_with_error(cmd, was_sent);
}

void tnd_cmd_abort_all(tnd_engine* engine, as_status status, const char* text)
{
    while (engine->queued.first) { /* first: the end of another would let them in */
        cmd_abort(engine->queued.first, status, text);
    }
    while (engine->running.first) {
        cmd_abort(engine->running.first, status, text);
    }
    while (engine->waiting.first) {
        cmd_abort(engine->waiting.first, status, text);
    }
}
