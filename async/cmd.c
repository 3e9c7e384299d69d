/*
 * Commands. See cmd.h for the phases.
 *
 * Happy path
 *   - tnd_cmd_start: accepted; cmd_attempt routes by the map and takes a link, all in the caller's
 *     turn; SENT if the link was connected, else OPENING and SENT from on_open.
 *   - on_link_reply: the reply is checked and copied, the link goes back to the pool, cmd_end calls
 *     the listener.
 *
 * Possible failures of an attempt, each of which ends in cmd_fail_attempt, where it is decided
 * whether there is another one (protocol/records.md 7.3, and design.md 5 for 9, 11, 14, 18)
 *   - no namespace, no node for the partition, no free connection
 *   - connecting, writing or reading failed, or took too long
 *   - the server refuses, or its reply makes no sense
 *   - the command's deadline has passed: never another one
 *
 * Whatever happens inside tnd_cmd_start, the listener is called from the loop: cmd_end_with_error
 * defers it to a task then.
 */
#include "async/cmd.h"

#include "core/mem.h"
#include "core/wire.h"
#include <aerospike/as_log_macros.h>
#include <assert.h>
#include <stdio.h>

/* Commands kept for use again, and the largest buffer kept with one. */
#define CMD_SPARE_MAX 256u
#define CMD_SPARE_BYTES (16u * 1024)
/* Limit of connecting where the policy has none at all (official documentation). */
#define CMD_CONNECT_MS_DEFAULT 2000u
/* What a server is told by a command without a limit: its own default would be one second. */
#define CMD_SERVER_MS_MAX (24u * 3600 * 1000)

/* Why an attempt failed: what a retry does about it. */
typedef enum cmd_cause {
    CMD_CAUSE_FINAL,      /* there is no retry */
    CMD_CAUSE_CONNECTION, /* another replica may do better */
    CMD_CAUSE_TIMEOUT,    /* only a read moves on */
    CMD_CAUSE_NO_NODE,    /* the map may know more next time */
} cmd_cause;

static void cmd_attempt(tnd_cmd* cmd);

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
    return cmd->phase == TND_CMD_MAP ? &cmd->engine->waiting : &cmd->engine->running;
}

/* ---- memory ---- */

static void on_cmd_timer(tnd_timer* timer);
static void on_cmd_task(tnd_task* task);

tnd_cmd* tnd_cmd_new(tnd_engine* engine, as_event_loop* entry)
{
    tnd_cmd* cmd = engine->spare;
    tnd_buf buf;
    if (cmd) {
        engine->spare = cmd->next;
        engine->spare_count--;
        buf = cmd->buf;
        tnd_buf_reset(&buf);
    } else {
        cmd = tnd_malloc(sizeof(*cmd));
        if (!cmd) {
            return NULL;
        }
        tnd_buf_init(&buf, TND_WIRE_FRAME_BYTES + (size_t)TND_WIRE_BODY_BYTES_MAX);
    }
    memset(cmd, 0, offsetof(tnd_cmd, err));
    as_error_init(&cmd->err);
    cmd->engine = engine;
    cmd->entry = entry;
    cmd->buf = buf;
    tnd_timer_init(&cmd->timer, engine->loop, on_cmd_timer, cmd);
    tnd_task_init(&cmd->task, engine->loop, on_cmd_task, cmd);
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

/* ---- the end ---- */

/* The one road to the listener. Detached from everything first: the listener may do anything. */
static void cmd_end(tnd_cmd* cmd, as_error* err, as_record* record)
{
    assert(cmd->phase != TND_CMD_ENDED && !cmd->link);
    tnd_engine* engine = cmd->engine;
    as_event_loop* entry = cmd->entry;
    list_remove(cmd_list(cmd), cmd);
    cmd->phase = TND_CMD_ENDED;
    tnd_timer_stop(&cmd->timer);
    tnd_task_cancel(&cmd->task);
    as_event_loop* previous = tnd_engine_enter(engine, entry);
    if (cmd->result == TND_CMD_STATUS) {
        cmd->listener.write(err, cmd->udata, entry);
    } else {
        cmd->listener.record(err, record, cmd->udata, entry);
    }
    entry->pending--;
    tnd_cmd_discard(cmd);
    tnd_engine_note_end(engine);
    tnd_engine_leave(engine, previous);
}

/* A fully sent attempt with an unknown fate, before or now (protocol/records.md 6.5). */
static bool cmd_is_in_doubt(const tnd_cmd* cmd, bool was_sent)
{
    bool is_unknown = cmd->err.code == AEROSPIKE_ERR_TIMEOUT || cmd->err.code <= 0;
    return !cmd->replica.is_read && (cmd->unknown_count > 0 || (was_sent && is_unknown));
}

static void cmd_end_with_error(tnd_cmd* cmd, bool was_sent)
{
    cmd->err.in_doubt = cmd_is_in_doubt(cmd, was_sent);
    if (cmd->attempt > 1) {
        char text[48];
        snprintf(text, sizeof(text), ", attempt %u of %" PRIu64, cmd->attempt,
                 (uint64_t)cmd->max_retries + 1);
        as_error_append(&cmd->err, text);
    }
    if (cmd->is_inside) {
        cmd->phase = TND_CMD_FAILED;
        tnd_timer_stop(&cmd->timer);
        tnd_task_soon(&cmd->task);
    } else {
        cmd_end(cmd, &cmd->err, NULL);
    }
}

/* ---- time ---- */

static uint64_t cmd_now_us(const tnd_cmd* cmd)
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
    case TND_CMD_MAP:
    case TND_CMD_PAUSED:
    case TND_CMD_FAILED:
    case TND_CMD_ENDED:
        return due_us;
    }
    uint64_t idle_us = cmd->active_us + (uint64_t)cmd->socket_ms * 1000;
    return cmd->socket_ms > 0 && (due_us == 0 || idle_us < due_us) ? idle_us : due_us;
}

/* One timer for whatever limit is next. */
static void cmd_arm(tnd_cmd* cmd)
{
    uint64_t due_us = cmd_due_us(cmd);
    if (due_us == 0) {
        tnd_timer_stop(&cmd->timer);
        return;
    }
    uint64_t now_us = cmd_now_us(cmd);
    tnd_timer_start_us(&cmd->timer, due_us > now_us ? due_us - now_us : 0);
}

/* ---- failed attempts ---- */

/* Another attempt, in the loop's next turn or after the pause. The pause is left out when the first
   retry goes to another replica (protocol/records.md 7.1). */
static void cmd_pause(tnd_cmd* cmd, uint32_t sleep_ms)
{
    cmd->phase = TND_CMD_PAUSED;
    if (sleep_ms > 0) {
        tnd_timer_start_ms(&cmd->timer, sleep_ms);
    } else {
        tnd_timer_stop(&cmd->timer);
        tnd_task_soon(&cmd->task);
    }
}

/* cmd->err says what happened, the link is gone. `was_sent`: the request was out completely, and no
   answer says that it wasn't applied. */
static void cmd_fail_attempt(tnd_cmd* cmd, cmd_cause cause, bool was_sent)
{
    assert(!cmd->link);
    if (cause == CMD_CAUSE_FINAL || cmd->attempt > cmd->max_retries) {
        cmd_end_with_error(cmd, was_sent);
        return;
    }
    bool has_moved =
        cause != CMD_CAUSE_NO_NODE &&
        tnd_replica_move(&cmd->replica, cause == CMD_CAUSE_CONNECTION ? TND_REPLICA_CONNECTION
                                                                      : TND_REPLICA_TIMEOUT);
    uint32_t sleep_ms = cmd->attempt == 1 && has_moved ? 0 : cmd->sleep_ms;
    uint64_t start_us = cmd_now_us(cmd) + (uint64_t)sleep_ms * 1000;
    if (cmd->deadline_us > 0 && start_us >= cmd->deadline_us) {
        cmd_end_with_error(cmd, was_sent);
        return;
    }
    cmd->unknown_count += was_sent ? 1 : 0;
    cmd_pause(cmd, sleep_ms);
}

/* "BB9... 10.1.2.3:3000", of a link that may be closed already. */
static void link_text(const tnd_link* link, char* ret_text, size_t size)
{
    snprintf(ret_text, size, "%s %s", link->node->name, link->conn.address);
}

static void cmd_set_timeout_error(tnd_cmd* cmd, uint64_t ms, const char* phase, const char* where)
{
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
    link_text(link, where, sizeof(where));
    bool is_final = cmd->connect_ms == 0 && cmd_is_past_deadline(cmd, now_us);
    uint64_t ms = is_final ? cmd->total_ms : (now_us - cmd->active_us) / 1000;
    cmd_set_timeout_error(cmd, ms, "connecting to", where);
    cmd->link = NULL;
    tnd_link_close(link);
    tnd_worker_ask(cmd->engine->worker, cmd->node_index);
    cmd_fail_attempt(cmd, is_final ? CMD_CAUSE_FINAL : CMD_CAUSE_CONNECTION, false);
}

static bool cmd_is_out(const tnd_cmd* cmd)
{
    return cmd->link->conn.sent_bytes >= cmd->sent_mark;
}

static void cmd_on_sent_timeout(tnd_cmd* cmd, uint64_t now_us)
{
    tnd_link* link = cmd->link;
    bool is_final = cmd_is_past_deadline(cmd, now_us);
    if (!is_final && link->conn.received_bytes != cmd->received_mark) {
        /* Bytes came meanwhile: the socket isn't idle. */
        cmd->received_mark = link->conn.received_bytes;
        cmd->active_us = now_us;
        cmd_arm(cmd);
        return;
    }
    char where[TND_NODE_NAME_SIZE + TND_CONN_ADDRESS_SIZE];
    link_text(link, where, sizeof(where));
    bool was_sent = cmd_is_out(cmd);
    cmd_set_timeout_error(cmd, is_final ? cmd->total_ms : cmd->socket_ms,
                          was_sent ? "waiting for the reply of" : "writing to", where);
    cmd->link = NULL;
    tnd_link_abandon(link, cmd->delay_ms);
    tnd_worker_ask(cmd->engine->worker, cmd->node_index);
    cmd_fail_attempt(cmd, is_final ? CMD_CAUSE_FINAL : CMD_CAUSE_TIMEOUT, was_sent);
}

static void on_cmd_timer(tnd_timer* timer)
{
    tnd_cmd* cmd = timer->udata;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    uint64_t now_us = cmd_now_us(cmd);
    switch (cmd->phase) {
    case TND_CMD_MAP:
        cmd_set_timeout_error(cmd, cmd->total_ms, "waiting for the cluster's first partition map:",
                              engine->failed.code ? engine->failed.message
                                                  : "no seed has answered yet");
        cmd_end_with_error(cmd, false);
        break;
    case TND_CMD_PAUSED:
        cmd_attempt(cmd);
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
        assert(!"a timer in a phase that has none");
    }
    tnd_engine_leave(engine, previous);
}

static void on_cmd_task(tnd_task* task)
{
    tnd_cmd* cmd = task->udata;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    if (cmd->phase == TND_CMD_FAILED) {
        cmd_end(cmd, &cmd->err, NULL);
    } else {
        assert(cmd->phase == TND_CMD_PAUSED);
        cmd_attempt(cmd);
    }
    tnd_engine_leave(engine, previous);
}

/* ---- routing ---- */

static as_status route_no_namespace(const tnd_map* map, const char* ns, as_error* err)
{
    if (map->dir.namespaces_needed > map->namespaces_capacity) {
        return as_error_setallv(err, AEROSPIKE_ERR_NAMESPACE_NOT_FOUND, __func__, __FILE__,
                                __LINE__,
                                "Namespace %s isn't in the shared memory: the cluster has %u "
                                "namespaces, shm_max_namespaces is %u and must be at least that",
                                ns, map->dir.namespaces_needed, map->namespaces_capacity);
    }
    return as_error_setallv(err, AEROSPIKE_ERR_NAMESPACE_NOT_FOUND, __func__, __FILE__, __LINE__,
                            "Invalid namespace: %s", ns);
}

static as_status route_no_node(const tnd_map* map, const tnd_cmd* cmd, uint64_t word, as_error* err)
{
    if ((tnd_word_flags(word) & TND_PART_OVERFLOW) && map->dir.nodes_needed > map->nodes_capacity) {
        return as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                                "The node of partition %u of %s isn't in the shared memory: the "
                                "cluster has %u nodes, shm_max_nodes is %u and must be at least "
                                "that",
                                cmd->partition, cmd->ns, map->dir.nodes_needed,
                                map->nodes_capacity);
    }
    return as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                            "No node for partition %u of %s", cmd->partition, cmd->ns);
}

/* The namespace's record and the partition's word, of one and the same directory as far as that can
   be had: the word is loaded first, then it is asked whether the copy is current. */
static const tnd_ns_rec* route_look_up(tnd_map* map, const char* ns, uint32_t partition,
                                       uint64_t* ret_word)
{
    for (int tries = 0;; tries++) {
        const tnd_ns_rec* rec = tnd_map_namespace(map, ns);
        *ret_word = rec ? tnd_map_word(map, rec->table, partition) : 0;
        if (tnd_map_is_current(map) || tries == 2) {
            return rec; /* or the directory changes faster than it can be copied */
        }
        tnd_map_refresh(map);
    }
}

typedef struct route_context {
    tnd_pool* pool;
    tnd_map* map;
    tnd_node* node;
} route_context;

static bool route_is_active(void* udata, uint32_t node_index)
{
    route_context* context = udata;
    context->node = tnd_pool_node(context->pool, context->map, node_index);
    return context->node != NULL;
}

static tnd_node* cmd_route(tnd_cmd* cmd, as_error* err)
{
    route_context context = {.pool = &cmd->engine->pool,
                             .map = tnd_worker_map(cmd->engine->worker)};
    uint64_t word;
    const tnd_ns_rec* ns = route_look_up(context.map, cmd->ns, cmd->partition, &word);
    if (!ns) {
        route_no_namespace(context.map, cmd->ns, err);
        return NULL;
    }
    cmd->is_sc = ns->flags & TND_NS_SC;
    tnd_replica_set_namespace(&cmd->replica, ns->replicas, cmd->is_sc, cmd->read_mode_sc,
                              &cmd->engine->turns, cmd->attempt == 1);
    cmd->node_index = tnd_replica_choose(&cmd->replica, word, route_is_active, &context);
    if (cmd->node_index == 0) {
        route_no_node(context.map, cmd, word, err);
        return NULL;
    }
    return context.node;
}

/* ---- attempts ---- */

static void cmd_send(tnd_cmd* cmd)
{
    tnd_link* link = cmd->link;
    cmd->phase = TND_CMD_SENT;
    cmd->active_us = cmd_now_us(cmd);
    cmd->received_mark = link->conn.received_bytes;
    cmd->sent_mark = tnd_link_send(link, cmd->buf.data, cmd->buf.size);
    cmd_arm(cmd);
}

/* What remains of the limits, for the server's and our own sake. */
static void cmd_prepare_retry(tnd_cmd* cmd, uint64_t now_us)
{
    uint32_t left_ms = 0;
    if (cmd->deadline_us > 0) {
        left_ms = cmd->deadline_us > now_us ? (uint32_t)((cmd->deadline_us - now_us) / 1000) : 0;
        left_ms = left_ms > 0 ? left_ms : 1;
    }
    tnd_wire_set_timeout(&cmd->buf, tnd_cmd_server_timeout(cmd->socket_ms, left_ms));
}

static void cmd_take_link(tnd_cmd* cmd, tnd_node* node)
{
    switch (tnd_node_acquire(node, cmd, &cmd->link, &cmd->err)) {
    case TND_ACQUIRE_READY:
        cmd_send(cmd);
        return;
    case TND_ACQUIRE_OPENING:
        cmd->phase = TND_CMD_OPENING;
        cmd_arm(cmd);
        return;
    case TND_ACQUIRE_FULL:
        as_error_setallv(&cmd->err, AEROSPIKE_ERR_NO_MORE_CONNECTIONS, __func__, __FILE__, __LINE__,
                         "Max connections of node %s are in use: %u", node->name,
                         cmd->engine->pool.links_max);
        cmd_fail_attempt(cmd, CMD_CAUSE_TIMEOUT, false);
        return;
    case TND_ACQUIRE_FAILED:
        tnd_worker_ask(cmd->engine->worker, cmd->node_index);
        cmd_fail_attempt(cmd, CMD_CAUSE_CONNECTION, false);
        return;
    }
}

static void cmd_attempt(tnd_cmd* cmd)
{
    cmd->attempt++;
    as_error_reset(&cmd->err);
    cmd->active_us = cmd_now_us(cmd);
    if (cmd->attempt > 1) {
        cmd_prepare_retry(cmd, cmd->active_us);
    }
    tnd_node* node = cmd_route(cmd, &cmd->err);
    if (node) {
        cmd_take_link(cmd, node);
        return;
    }
    tnd_worker_ask(cmd->engine->worker, 0);
    cmd_fail_attempt(
        cmd, cmd->err.code == AEROSPIKE_ERR_INVALID_NODE ? CMD_CAUSE_NO_NODE : CMD_CAUSE_FINAL,
        false);
}

/* ---- what happens on a link ---- */

static void on_link_open(void* owner, tnd_link* link)
{
    tnd_cmd* cmd = owner;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    assert(cmd->link == link && cmd->phase == TND_CMD_OPENING);
    if (cmd->connect_ms > 0 && cmd->total_ms > 0) {
        cmd->deadline_us = cmd_now_us(cmd) + (uint64_t)cmd->total_ms * 1000;
    }
    cmd_send(cmd);
    tnd_engine_leave(engine, previous);
}

static void on_link_fail(void* owner, tnd_link* link, bool was_open, as_error* err)
{
    tnd_cmd* cmd = owner;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    assert(cmd->link == link);
    bool was_sent = was_open && cmd_is_out(cmd);
    as_error_copy(&cmd->err, err);
    as_error_append(&cmd->err, ", node ");
    as_error_append(&cmd->err, link->node->name);
    cmd->link = NULL;
    tnd_worker_ask(engine->worker, cmd->node_index);
    /* Bytes that are no frame of the protocol: the node won't do better next time. */
    cmd_fail_attempt(
        cmd, err->code == AEROSPIKE_ERR_CLIENT ? CMD_CAUSE_FINAL : CMD_CAUSE_CONNECTION, was_sent);
    tnd_engine_leave(engine, previous);
}

/* A reply that can't be this command's. */
static void cmd_on_bad_reply(tnd_cmd* cmd, const char* reason)
{
    tnd_link* link = cmd->link;
    char where[TND_NODE_NAME_SIZE + TND_CONN_ADDRESS_SIZE];
    link_text(link, where, sizeof(where));
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                     "Bad reply of %s: %s", where, reason);
    cmd->link = NULL;
    tnd_link_close(link);
    cmd_fail_attempt(cmd, CMD_CAUSE_FINAL, true);
}

/* Whether a refusal may be tried again: a read always; a write if this answer and the attempts
   before it make certain that it wasn't applied. */
static cmd_cause cmd_cause_of_result(const tnd_cmd* cmd, uint8_t result)
{
    bool is_read = cmd->replica.is_read;
    bool may_repeat = is_read || cmd->unknown_count == 0;
    switch (result) {
    case AEROSPIKE_ERR_TIMEOUT:
        return is_read ? CMD_CAUSE_TIMEOUT : CMD_CAUSE_FINAL;
    case AEROSPIKE_ERR_CLUSTER:
        return is_read || (may_repeat && !cmd->is_sc) ? CMD_CAUSE_CONNECTION : CMD_CAUSE_FINAL;
    case AEROSPIKE_ERR_RECORD_BUSY:
        return may_repeat ? CMD_CAUSE_TIMEOUT : CMD_CAUSE_FINAL;
    case AEROSPIKE_ERR_DEVICE_OVERLOAD:
        return may_repeat ? CMD_CAUSE_CONNECTION : CMD_CAUSE_FINAL;
    default:
        return CMD_CAUSE_FINAL;
    }
}

/* After these the server's side of the connection can't be trusted to be in step. */
static bool result_ends_link(uint8_t result)
{
    return result == AEROSPIKE_NOT_AUTHENTICATED || result == AEROSPIKE_ERR_SCAN_ABORTED ||
           result == AEROSPIKE_ERR_QUERY_ABORTED;
}

static void cmd_on_refusal(tnd_cmd* cmd, uint8_t result)
{
    tnd_link* link = cmd->link;
    as_error_setallv(&cmd->err, (as_status)result, __func__, __FILE__, __LINE__, "%s %s",
                     link->conn.address, as_error_string((as_status)result));
    cmd->link = NULL;
    if (result_ends_link(result)) {
        tnd_link_close(link);
    } else {
        tnd_link_release(link);
    }
    if (result == AEROSPIKE_ERR_CLUSTER) {
        tnd_worker_ask(cmd->engine->worker, cmd->node_index);
    }
    cmd_cause cause = cmd_cause_of_result(cmd, result);
    bool is_unknown = cause == CMD_CAUSE_FINAL || result == AEROSPIKE_ERR_TIMEOUT;
    cmd_fail_attempt(cmd, cause, is_unknown);
}

/* Copies the answer, gives the link back, so that a command of the listener finds it there, ends.
 */
static void cmd_on_record(tnd_cmd* cmd, const tnd_wire_reply* reply)
{
    as_record storage;
    as_record* record = cmd->is_heap_record ? as_record_new(0) : as_record_init(&storage, 0);
    if (!record) {
        cmd_on_bad_reply(cmd, "out of memory");
        return;
    }
    as_error err;
    tnd_loop* loop = cmd->engine->loop;
    if (tnd_wire_record(reply, loop->ops->unix_now(loop), record, as_error_init(&err)) !=
        AEROSPIKE_OK) {
        as_record_destroy(record);
        cmd_on_bad_reply(cmd, err.message);
        return;
    }
    tnd_link* link = cmd->link;
    cmd->link = NULL;
    tnd_link_release(link);
    bool is_ours = !cmd->is_heap_record;
    cmd_end(cmd, NULL, record);
    if (is_ours) {
        as_record_destroy(record);
    }
}

static void cmd_on_reply(tnd_cmd* cmd, uint8_t type, const uint8_t* body, size_t size)
{
    tnd_wire_reply reply;
    const char* reason;
    if (type != TND_WIRE_MESSAGE) {
        cmd_on_bad_reply(cmd, "not a record message");
    } else if (!tnd_wire_reply_open(&reply, body, size, &reason)) {
        cmd_on_bad_reply(cmd, reason);
    } else if (!cmd_is_out(cmd)) {
        cmd_on_bad_reply(cmd, "it came before the request was out");
    } else if (reply.result != AEROSPIKE_OK) {
        cmd_on_refusal(cmd, reply.result);
    } else if (cmd->result != TND_CMD_RECORD && reply.ops_count > 0) {
        cmd_on_bad_reply(cmd, "bins that weren't asked for");
    } else if (cmd->result != TND_CMD_STATUS) {
        cmd_on_record(cmd, &reply);
    } else {
        tnd_link* link = cmd->link;
        cmd->link = NULL;
        tnd_link_release(link);
        cmd_end(cmd, NULL, NULL);
    }
}

static void on_link_reply(void* owner, tnd_link* link, uint8_t type, const uint8_t* body,
                          size_t size)
{
    tnd_cmd* cmd = owner;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    assert(cmd->link == link && cmd->phase == TND_CMD_SENT);
    (void)link;
    cmd_on_reply(cmd, type, body, size);
    tnd_engine_leave(engine, previous);
}

const tnd_link_handler tnd_cmd_link_handler = {
    .on_open = on_link_open,
    .on_reply = on_link_reply,
    .on_fail = on_link_fail,
};

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

static as_status cmd_check_namespace(const tnd_cmd* cmd, as_error* err)
{
    tnd_map* map = tnd_worker_map(cmd->engine->worker);
    uint64_t word;
    return route_look_up(map, cmd->ns, cmd->partition, &word)
               ? AEROSPIKE_OK
               : route_no_namespace(map, cmd->ns, err);
}

/* No deadline, and no seed that answered: it might wait for ever. */
static void cmd_fail_unreachable(tnd_cmd* cmd)
{
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_CLUSTER, __func__, __FILE__, __LINE__,
                     "No node of the cluster could be reached: %s", cmd->engine->failed.message);
    cmd_end_with_error(cmd, false);
}

static void cmd_wait_for_map(tnd_cmd* cmd)
{
    cmd->phase = TND_CMD_MAP;
    list_append(&cmd->engine->waiting, cmd);
    cmd_arm(cmd);
    if (cmd->total_ms == 0 && cmd->engine->failed.code != AEROSPIKE_OK) {
        list_remove(&cmd->engine->waiting, cmd);
        cmd->phase = TND_CMD_PAUSED;
        list_append(&cmd->engine->running, cmd);
        cmd_fail_unreachable(cmd);
    }
}

as_status tnd_cmd_start(tnd_cmd* cmd, const as_key* key, const as_policy_base* base, as_error* err)
{
    assert(key->digest.init);
    tnd_engine* engine = cmd->engine;
    memcpy(cmd->ns, key->ns, sizeof(cmd->ns));
    cmd->partition =
        (key->digest.value[0] | (uint32_t)key->digest.value[1] << 8) & (TND_PARTITIONS - 1);
    cmd_set_policy(cmd, base);
    bool is_ready = tnd_engine_is_ready(engine);
    as_status status = is_ready ? cmd_check_namespace(cmd, err) : cmd_check_waiting(engine, err);
    if (status != AEROSPIKE_OK) {
        tnd_cmd_discard(cmd);
        return status;
    }
    if (cmd->total_ms > 0) {
        cmd->deadline_us = cmd_now_us(cmd) + (uint64_t)cmd->total_ms * 1000;
    }
    cmd->entry->pending++;
    cmd->is_inside = true;
    if (is_ready) {
        list_append(&engine->running, cmd);
        cmd_attempt(cmd);
    } else {
        cmd_wait_for_map(cmd);
    }
    cmd->is_inside = false;
    return AEROSPIKE_OK;
}

/* ---- the engine's business ---- */

static void cmd_leave_waiting(tnd_cmd* cmd)
{
    list_remove(&cmd->engine->waiting, cmd);
    cmd->phase = TND_CMD_PAUSED;
    list_append(&cmd->engine->running, cmd);
}

void tnd_cmd_start_waiting(tnd_engine* engine)
{
    while (engine->waiting.first && !engine->is_freed) {
        tnd_cmd* cmd = engine->waiting.first;
        cmd_leave_waiting(cmd);
        cmd_attempt(cmd);
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
        cmd_end(cmd, &cmd->err, NULL);
        return;
    }
    bool was_sent = false;
    tnd_link* link = cmd->link;
    if (link) {
        was_sent = cmd->phase == TND_CMD_SENT && cmd_is_out(cmd);
        cmd->link = NULL;
        tnd_link_close(link);
    }
    cmd->is_inside = false;
    as_error_setall(&cmd->err, status, text, __func__, __FILE__, __LINE__);
    cmd_end_with_error(cmd, was_sent);
}

void tnd_cmd_abort_all(tnd_engine* engine, as_status status, const char* text)
{
    while (engine->running.first) {
        cmd_abort(engine->running.first, status, text);
    }
    while (engine->waiting.first) {
        cmd_abort(engine->waiting.first, status, text);
    }
}
