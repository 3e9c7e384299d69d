/*
 * Attempts: a link for the command, the request out, and the time that each phase may take.
 */
#include "async/cmd_int.h"

#include "core/compress.h"

#include <assert.h>
#include <stdio.h>

/* Limit of connecting where the policy has none at all (official documentation). */
#define CMD_CONNECT_MS_DEFAULT 2000u
/* What a server is told by a command without a limit: its own default would be one second. */
#define CMD_SERVER_MS_MAX (24u * 3600 * 1000)

/* ---- time ---- */

uint64_t tnd_cmd_now_us(const tnd_cmd* cmd)
{
    return tnd_loop_now_us(cmd->engine->loop);
}

uint32_t tnd_cmd_server_timeout(uint32_t socket_ms, uint32_t total_ms)
{
    if (socket_ms > 0 && (total_ms == 0 || socket_ms < total_ms)) {
        return socket_ms;
    }
    return total_ms > 0 ? total_ms : CMD_SERVER_MS_MAX;
}

/* When the present phase ends by itself, 0 = never. */
static uint64_t cmd_due_us(const tnd_cmd* cmd)
{
    uint64_t due_us = cmd->deadline_us;
    switch (cmd->phase) {
    case TND_CMD_OPENING:
        if (cmd->connect_ms > 0) {
            return cmd->active_us + (uint64_t)cmd->connect_ms * 1000; /* apart from the others */
        }
        if (due_us == 0 && cmd->socket_ms == 0) {
            return cmd->active_us + (uint64_t)CMD_CONNECT_MS_DEFAULT * 1000;
        }
        break;
    case TND_CMD_SENT:
        break;
    case TND_CMD_NEW:
    case TND_CMD_QUEUED:
    case TND_CMD_MAP:
    case TND_CMD_PAUSED:
    case TND_CMD_FAILED:
    case TND_CMD_ENDED:
        return due_us;
    }
    uint64_t idle_us = cmd->active_us + (uint64_t)cmd->socket_ms * 1000;
    return cmd->socket_ms > 0 && (due_us == 0 || idle_us < due_us) ? idle_us : due_us;
}

static void cmd_arm_at(tnd_cmd* cmd, uint64_t now_us)
{
    uint64_t due_us = cmd_due_us(cmd);
    if (due_us == 0) {
        tnd_cmd_disarm(cmd);
    } else {
        tnd_timeouts_start(&cmd->engine->timeouts, &cmd->timeout, due_us, now_us);
    }
}

/* One timeout for whatever limit is next. */
void tnd_cmd_arm(tnd_cmd* cmd)
{
    cmd_arm_at(cmd, tnd_cmd_now_us(cmd));
}

void tnd_cmd_disarm(tnd_cmd* cmd)
{
    tnd_timeouts_stop(&cmd->engine->timeouts, &cmd->timeout);
}

/* ---- timeouts ---- */

/* "BB9... 10.1.2.3:3000", of a link that may be closed already. */
void tnd_cmd_link_text(const tnd_link* link, char* ret_text, size_t size)
{
    snprintf(ret_text, size, "%s %s", link->node->name, link->conn.address);
}

static void cmd_set_timeout_error(tnd_cmd* cmd, tnd_timeout_phase kind, uint64_t ms,
                                  const char* phase, const char* where)
{
    tnd_stats_timeout(cmd->engine->stats, kind, cmd->node_index);
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_TIMEOUT, __func__, __FILE__, __LINE__,
                     "Timeout after %" PRIu64 " ms %s %s", ms, phase, where);
}

static bool cmd_is_past_deadline(const tnd_cmd* cmd, uint64_t now_us)
{
    return cmd->deadline_us > 0 && now_us >= cmd->deadline_us;
}

static void cmd_on_opening_timeout(tnd_cmd* cmd, uint64_t now_us)
{
    tnd_link* link = cmd->link;
    char where[TND_NODE_NAME_SIZE + TND_CONN_ADDRESS_SIZE];
    tnd_cmd_link_text(link, where, sizeof(where));
    bool is_final = cmd->connect_ms == 0 && cmd_is_past_deadline(cmd, now_us);
    uint64_t ms = is_final ? cmd->total_ms : (now_us - cmd->active_us) / 1000;
    cmd_set_timeout_error(cmd, TND_TIMEOUT_CONNECT, ms, "connecting to", where);
    cmd->link = NULL;
    tnd_link_abandon(link, cmd->seat, 0);
    tnd_engine_ask(cmd->engine, cmd->node_index);
    tnd_cmd_fail_attempt(cmd, is_final ? TND_CMD_CAUSE_FINAL : TND_CMD_CAUSE_CONNECTION, false);
}

static void cmd_on_sent_timeout(tnd_cmd* cmd, uint64_t now_us)
{
    tnd_link* link = cmd->link;
    bool is_final = cmd_is_past_deadline(cmd, now_us);
    if (!is_final && link->conn.received_bytes != cmd->received_mark) {
        /* Bytes came meanwhile: the socket isn't idle. */
        cmd->received_mark = link->conn.received_bytes;
        cmd->active_us = now_us;
        tnd_cmd_arm(cmd);
        return;
    }
    char where[TND_NODE_NAME_SIZE + TND_CONN_ADDRESS_SIZE];
    tnd_cmd_link_text(link, where, sizeof(where));
    bool was_sent = tnd_cmd_is_out(cmd);
    cmd_set_timeout_error(cmd, was_sent ? TND_TIMEOUT_REPLY : TND_TIMEOUT_WRITE,
                          is_final ? cmd->total_ms : cmd->socket_ms,
                          was_sent ? "waiting for the reply of" : "writing to", where);
    cmd->link = NULL;
    tnd_link_abandon(link, cmd->seat, cmd->delay_ms);
    tnd_engine_ask(cmd->engine, cmd->node_index);
    tnd_cmd_fail_attempt(cmd, is_final ? TND_CMD_CAUSE_FINAL : TND_CMD_CAUSE_TIMEOUT, was_sent);
}

static void cmd_on_timeout(tnd_cmd* cmd, uint64_t now_us)
{
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    switch (cmd->phase) {
    case TND_CMD_QUEUED:
        cmd_set_timeout_error(cmd, TND_TIMEOUT_QUEUE, cmd->total_ms, "waiting in",
                              "the event loop's delay queue");
        tnd_cmd_end_with_error(cmd, false);
        break;
    case TND_CMD_MAP:
        cmd_set_timeout_error(
            cmd, TND_TIMEOUT_MAP, cmd->total_ms, "waiting for the cluster's first partition map:",
            engine->failed.code ? engine->failed.message : "no seed has answered yet");
        tnd_cmd_end_with_error(cmd, false);
        break;
    case TND_CMD_PAUSED:
        tnd_cmd_attempt(cmd);
        break;
    case TND_CMD_OPENING:
        cmd_on_opening_timeout(cmd, now_us);
        break;
    case TND_CMD_SENT:
        cmd_on_sent_timeout(cmd, now_us);
        break;
    case TND_CMD_NEW:
    case TND_CMD_FAILED:
    case TND_CMD_ENDED:
        assert(!"a timeout in a phase that has none");
    }
    tnd_engine_leave(engine, previous);
}

void tnd_cmd_on_timeouts(tnd_timer* timer)
{
    tnd_engine* engine = timer->udata;
    as_event_loop* previous = tnd_engine_enter(engine, NULL);
    uint64_t now_us = tnd_loop_now_us(engine->loop);
    while (!engine->is_freed) {
        tnd_timeout* timeout = tnd_timeouts_take(&engine->timeouts, now_us);
        if (!timeout) {
            tnd_timeouts_arm(&engine->timeouts, now_us);
            break;
        }
        cmd_on_timeout((tnd_cmd*)(void*)((char*)timeout - offsetof(tnd_cmd, timeout)), now_us);
    }
    tnd_engine_leave(engine, previous);
}

void tnd_cmd_on_task(tnd_task* task)
{
    tnd_cmd* cmd = task->udata;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    switch (cmd->phase) {
    case TND_CMD_FAILED:
        tnd_cmd_end(cmd, &cmd->err, NULL);
        break;
    case TND_CMD_PAUSED:
        tnd_cmd_attempt(cmd);
        break;
    case TND_CMD_SENT:
    case TND_CMD_OPENING:
        tnd_cmd_tell_pipe(cmd); /* whatever it does: the command isn't touched any more */
        break;
    case TND_CMD_NEW:
    case TND_CMD_QUEUED:
    case TND_CMD_MAP:
    case TND_CMD_ENDED:
        assert(!"a task in a phase that has none");
    }
    tnd_engine_leave(engine, previous);
}

/* ---- attempts ---- */

/* Compressed anew for each attempt, for the server's timeout is inside. The link copies what it
   can't write at once. */
static bool cmd_send_compressed(tnd_cmd* cmd)
{
    if (cmd->compress_above == 0 || cmd->buf.size <= cmd->compress_above) {
        return false;
    }
    tnd_buf packed;
    tnd_buf_init(&packed, cmd->buf.limit);
    bool is_smaller = tnd_compress(cmd->buf.data, cmd->buf.size, &packed);
    if (is_smaller) {
        tnd_link_send(cmd->link, cmd->seat, packed.data, packed.size, false);
    }
    tnd_buf_done(&packed);
    return is_smaller;
}

/* `cmd->active_us` is now. */
static void cmd_send_now(tnd_cmd* cmd)
{
    tnd_link* link = cmd->link;
    cmd->phase = TND_CMD_SENT;
    cmd->received_mark = link->conn.received_bytes;
    tnd_stats_node_move(cmd->engine->stats, cmd->node_index, TND_NODE_COUNTER(requests), 1);
    cmd->is_compressed = cmd_send_compressed(cmd);
    if (!cmd->is_compressed) {
        tnd_link_send(link, cmd->seat, cmd->buf.data, cmd->buf.size, cmd->result == TND_CMD_MANY);
    }
    if (cmd->pipe) {
        cmd->is_pipe_due = true;
        tnd_task_soon(&cmd->task);
    }
    cmd_arm_at(cmd, cmd->active_us);
}

void tnd_cmd_send(tnd_cmd* cmd)
{
    cmd->active_us = tnd_cmd_now_us(cmd);
    cmd_send_now(cmd);
}

/* What remains of the limits, for the server's and our own sake. A stream may take longer than the
   pauses within it. */
static uint32_t cmd_server_ms(const tnd_cmd* cmd, uint64_t now_us)
{
    uint32_t left_ms = 0;
    if (cmd->deadline_us > 0) {
        left_ms = cmd->deadline_us > now_us ? (uint32_t)((cmd->deadline_us - now_us) / 1000) : 0;
        left_ms = left_ms > 0 ? left_ms : 1;
    }
    return tnd_cmd_server_timeout(cmd->many ? 0 : cmd->socket_ms, left_ms);
}

static tnd_node* cmd_route(tnd_cmd* cmd)
{
    if (cmd->many) {
        return cmd->many->route(cmd, cmd_server_ms(cmd, cmd->active_us), &cmd->err);
    }
    if (cmd->attempt > 1 || cmd->is_late) {
        tnd_wire_set_timeout(&cmd->buf, cmd_server_ms(cmd, cmd->active_us));
    }
    return tnd_cmd_route(cmd, &cmd->err);
}

/* A large request keeps the server from reading those behind it; UDFs and batches take their time.
 */
static tnd_link_lane cmd_lane(const tnd_cmd* cmd)
{
    const tnd_pool_limits* limits = &cmd->engine->pool.limits;
    if (cmd->many || cmd->result == TND_CMD_VALUE ||
        cmd->buf.size > limits->share_bytes / limits->depth) {
        return TND_LANE_ALONE;
    }
    /* Whoever gives a pipe listener wants many on a connection, writes too. */
    return cmd->replica.is_read || cmd->is_piped ? TND_LANE_READ : TND_LANE_WRITE;
}

static void cmd_take_link(tnd_cmd* cmd, tnd_node* node)
{
    switch (tnd_node_acquire(node, cmd_lane(cmd), cmd, &cmd->link, &cmd->seat, &cmd->err)) {
    case TND_ACQUIRE_READY:
        cmd_send_now(cmd);
        return;
    case TND_ACQUIRE_OPENING:
        cmd->phase = TND_CMD_OPENING;
        tnd_cmd_arm(cmd);
        return;
    case TND_ACQUIRE_FULL:
        as_error_setallv(
            &cmd->err, AEROSPIKE_ERR_NO_MORE_CONNECTIONS, __func__, __FILE__, __LINE__,
            "Max connections of node %s are in use: %u, with %u commands each at most%s",
            node->name, cmd->engine->pool.limits.links_max, cmd->engine->pool.limits.depth,
            node->links_count < cmd->engine->pool.limits.links_max
                ? "; no more may be opened on this host at present"
                : "");
        tnd_cmd_fail_attempt(cmd, TND_CMD_CAUSE_TIMEOUT, false);
        return;
    case TND_ACQUIRE_FAILED:
        tnd_engine_ask(cmd->engine, cmd->node_index);
        tnd_cmd_fail_attempt(cmd, TND_CMD_CAUSE_CONNECTION, false);
        return;
    case TND_ACQUIRE_BROKEN:
        tnd_cmd_fail_attempt(cmd, TND_CMD_CAUSE_TIMEOUT, false);
        return;
    }
}

void tnd_cmd_attempt(tnd_cmd* cmd)
{
    cmd->attempt++;
    as_error_reset(&cmd->err);
    bool is_first = cmd->is_inside && cmd->attempt == 1 && !cmd->is_late;
    cmd->active_us = is_first ? cmd->start_us : tnd_cmd_now_us(cmd);
    tnd_node* node = cmd_route(cmd);
    if (node) {
        cmd_take_link(cmd, node);
        return;
    }
    if (cmd->err.code == AEROSPIKE_OK) {
        tnd_cmd_end_with_error(cmd, false); /* of many records none is left to ask for */
        return;
    }
    tnd_engine_ask(cmd->engine, 0);
    tnd_cmd_fail_attempt(cmd,
                         cmd->err.code == AEROSPIKE_ERR_INVALID_NODE ? TND_CMD_CAUSE_NO_NODE
                                                                     : TND_CMD_CAUSE_FINAL,
                         false);
}
