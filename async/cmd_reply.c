/*
 * What happens on a link: it opened, failed, or brought a reply. A reply is whole when it comes
 * here; it carries no name of its request, so what can be checked is its form and that it has
 * nothing that this command didn't ask for.
 */
#include "async/cmd_int.h"

#include "core/compress.h"
#include "core/wire_batch.h"

#include <assert.h>
#include <stdio.h>

static void on_link_open(void* owner, tnd_link* link)
{
    tnd_cmd* cmd = owner;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    assert(cmd->link == link && cmd->phase == TND_CMD_OPENING);
    (void)link; /* without assertions */
    if (cmd->connect_ms > 0 && cmd->total_ms > 0) {
        cmd->deadline_us = tnd_cmd_now_us(cmd) + (uint64_t)cmd->total_ms * 1000;
    }
    tnd_cmd_send(cmd);
    tnd_engine_leave(engine, previous);
}

static void on_link_fail(void* owner, tnd_link* link, bool was_open, bool was_sent, as_error* err)
{
    tnd_cmd* cmd = owner;
    tnd_engine* engine = cmd->engine;
    as_event_loop* previous = tnd_engine_enter(engine, cmd->entry);
    assert(cmd->link == link);
    (void)was_open;
    as_error_copy(&cmd->err, err);
    as_error_append(&cmd->err, ", node ");
    as_error_append(&cmd->err, link->node->name);
    cmd->link = NULL;
    tnd_engine_ask(engine, cmd->node_index);
    tnd_stats_node_move(engine->stats, cmd->node_index, TND_NODE_COUNTER(errors), 1);
    /* Bytes that are no frame of the protocol: the node won't do better next time. */
    tnd_cmd_fail_attempt(
        cmd, err->code == AEROSPIKE_ERR_CLIENT ? TND_CMD_CAUSE_FINAL : TND_CMD_CAUSE_CONNECTION,
        was_sent);
    tnd_engine_leave(engine, previous);
}

/* A reply that can't be this command's. */
static void cmd_on_bad_reply(tnd_cmd* cmd, const char* reason)
{
    tnd_link* link = cmd->link;
    char where[TND_NODE_NAME_SIZE + TND_CONN_ADDRESS_SIZE];
    tnd_cmd_link_text(link, where, sizeof(where));
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                     "Bad reply of %s: %s", where, reason);
    cmd->link = NULL;
    tnd_link_break(link, cmd->seat, &cmd->err);
    tnd_cmd_fail_attempt(cmd, TND_CMD_CAUSE_FINAL, true);
}

/* Whether a refusal may be tried again: a read always; a write if this answer and the attempts
   before it make certain that it wasn't applied. */
static tnd_cmd_cause cmd_cause_of_result(const tnd_cmd* cmd, uint8_t result)
{
    bool is_read = cmd->replica.is_read;
    bool may_repeat = is_read || (cmd->unknown_count == 0 && !cmd->ends_early);
    switch (result) {
    case AEROSPIKE_ERR_TIMEOUT:
        return is_read ? TND_CMD_CAUSE_TIMEOUT : TND_CMD_CAUSE_FINAL;
    case AEROSPIKE_ERR_CLUSTER:
        return is_read || (may_repeat && !cmd->is_sc) ? TND_CMD_CAUSE_CONNECTION
                                                      : TND_CMD_CAUSE_FINAL;
    case AEROSPIKE_ERR_RECORD_BUSY:
        return may_repeat ? TND_CMD_CAUSE_TIMEOUT : TND_CMD_CAUSE_FINAL;
    case AEROSPIKE_ERR_DEVICE_OVERLOAD:
        return may_repeat ? TND_CMD_CAUSE_CONNECTION : TND_CMD_CAUSE_FINAL;
    default:
        return TND_CMD_CAUSE_FINAL;
    }
}

/* After these the server's side of the connection can't be trusted to be in step. */
static bool result_ends_link(uint8_t result)
{
    return result == AEROSPIKE_NOT_AUTHENTICATED || result == AEROSPIKE_ERR_SCAN_ABORTED ||
           result == AEROSPIKE_ERR_QUERY_ABORTED;
}

/* For its circuit breaker (protocol/cluster.md 4.10). */
static bool result_is_error_of_node(const tnd_engine* engine, uint8_t result)
{
    return result == AEROSPIKE_ERR_CLUSTER || result == AEROSPIKE_ERR_DEVICE_OVERLOAD ||
           (result == AEROSPIKE_ERR_TIMEOUT && engine->counts_timeouts);
}

/* The server's text, where it gives one. */
static void cmd_add_failure(tnd_cmd* cmd, const tnd_wire_reply* reply)
{
    tnd_slice text;
    if (reply && reply->result == AEROSPIKE_ERR_UDF && tnd_wire_failure(reply, &text)) {
        char failure[512];
        snprintf(failure, sizeof(failure), ": %.*s",
                 text.size < sizeof(failure) ? (int)text.size : (int)sizeof(failure), text.data);
        as_error_append(&cmd->err, failure);
    }
}

static void cmd_on_refusal(tnd_cmd* cmd, uint8_t result, const tnd_wire_reply* reply)
{
    tnd_link* link = cmd->link;
    as_error_setallv(&cmd->err, (as_status)result, __func__, __FILE__, __LINE__, "%s %s",
                     link->conn.address, as_error_string((as_status)result));
    cmd_add_failure(cmd, reply);
    cmd->link = NULL;
    if (result == AEROSPIKE_ERR_TIMEOUT) {
        tnd_stats_timeout(cmd->engine->stats, TND_TIMEOUT_SERVER, cmd->node_index);
    } else if (result == AEROSPIKE_ERR_RECORD_BUSY) {
        tnd_stats_node_move(cmd->engine->stats, cmd->node_index, TND_NODE_COUNTER(key_busy), 1);
    } else if (result != AEROSPIKE_ERR_RECORD_NOT_FOUND && result != AEROSPIKE_FILTERED_OUT) {
        tnd_stats_node_move(cmd->engine->stats, cmd->node_index, TND_NODE_COUNTER(errors), 1);
    }
    if (result_ends_link(result)) {
        tnd_link_break(link, cmd->seat, &cmd->err);
    } else {
        if (result_is_error_of_node(cmd->engine, result)) {
            tnd_node_note_error(link->node);
        }
        tnd_link_release(link);
    }
    if (result == AEROSPIKE_ERR_CLUSTER) {
        tnd_engine_ask(cmd->engine, cmd->node_index);
    }
    tnd_cmd_cause cause = cmd_cause_of_result(cmd, result);
    bool is_unknown =
        cause == TND_CMD_CAUSE_FINAL || result == AEROSPIKE_ERR_TIMEOUT || cmd->ends_early;
    tnd_cmd_fail_attempt(cmd, cause, is_unknown);
}

/* Copies the answer, gives the link back, so that a command of the listener finds it there, ends.
 */
static void cmd_on_record(tnd_cmd* cmd, tnd_wire_reply* reply)
{
    as_record storage;
    reply->keeps_packed = cmd->keeps_packed;
    as_record* record = cmd->is_heap_record ? as_record_new(0) : as_record_init(&storage, 0);
    if (!record) {
        cmd_on_bad_reply(cmd, "out of memory");
        return;
    }
    as_error err;
    tnd_engine* engine = cmd->engine;
    tnd_recycle* recycle = cmd->is_heap_record ? NULL : &engine->recycle;
    uint64_t unix_now_sec = reply->void_time != 0 ? engine->loop->ops->unix_now(engine->loop) : 0;
    if (tnd_wire_record(reply, unix_now_sec, record, recycle, as_error_init(&err)) !=
        AEROSPIKE_OK) {
        as_record_destroy(record);
        cmd_on_bad_reply(cmd, err.message);
        return;
    }
    tnd_link* link = cmd->link;
    cmd->link = NULL;
    tnd_link_release(link);
    tnd_cmd_end(cmd, NULL, record);
    if (recycle) {
        /* The caller holds the engine, though the listener may have ended it. */
        tnd_wire_record_done(record, engine->is_freed ? NULL : recycle);
    }
}

/* The bytes stay where they are until the listener has returned, whatever becomes of the link. */
static void cmd_on_lent(tnd_cmd* cmd, const tnd_wire_reply* reply)
{
    tnd_loop* loop = cmd->engine->loop;
    tnd_lent_record record = {.reply = *reply, .unix_now_sec = loop->ops->unix_now(loop)};
    tnd_link* link = cmd->link;
    cmd->link = NULL;
    tnd_link_release(link);
    tnd_cmd_end(cmd, NULL, &record);
}

/* ---- UDFs ---- */

static void cmd_on_value(tnd_cmd* cmd, const tnd_wire_reply* reply)
{
    as_val* val;
    as_error err;
    if (tnd_wire_udf_value(reply, &val, as_error_init(&err)) != AEROSPIKE_OK) {
        cmd_on_bad_reply(cmd, err.message);
        return;
    }
    tnd_link* link = cmd->link;
    cmd->link = NULL;
    tnd_link_release(link);
    tnd_cmd_end(cmd, NULL, val);
    as_val_destroy(val);
}

/* ---- many records ---- */

static void cmd_on_stream_end(tnd_cmd* cmd, uint8_t result)
{
    const char* reason = result == AEROSPIKE_OK ? cmd->many->on_last(cmd) : NULL;
    if (result != AEROSPIKE_OK) {
        cmd_on_refusal(cmd, result, NULL);
        return;
    }
    if (reason) {
        cmd_on_bad_reply(cmd, reason);
        return;
    }
    tnd_link* link = cmd->link;
    cmd->link = NULL;
    tnd_link_release(link);
    if (cmd->many->has_more(cmd)) {
        cmd->attempt = 0;
        cmd->unknown_count = 0;
        tnd_cmd_attempt(cmd);
    } else {
        tnd_cmd_end(cmd, NULL, NULL);
    }
}

/* A server that doesn't inflate hasn't seen a batch: it answers as to a single command, and has
   done nothing (protocol/records.md 1.2). */
static bool reply_is_about_frame(const tnd_cmd* cmd, const tnd_wire_reply* reply)
{
    return cmd->is_compressed && reply->result == AEROSPIKE_ERR_ENTERPRISE_ONLY &&
           reply->info3 == 0 && reply->batch_index == 0 && reply->ops_count == 0;
}

static void cmd_on_frame_refused(tnd_cmd* cmd)
{
    tnd_link* link = cmd->link;
    as_error_setallv(&cmd->err, AEROSPIKE_ERR_ENTERPRISE_ONLY, __func__, __FILE__, __LINE__,
                     "%s %s: a compressed batch", link->conn.address,
                     as_error_string(AEROSPIKE_ERR_ENTERPRISE_ONLY));
    cmd->link = NULL;
    tnd_stats_node_move(cmd->engine->stats, cmd->node_index, TND_NODE_COUNTER(errors), 1);
    tnd_link_release(link);
    tnd_cmd_fail_attempt(cmd, TND_CMD_CAUSE_FINAL, false);
}

/* One frame of the stream. The end stands in a frame of its own. */
static void cmd_on_stream(tnd_cmd* cmd, const uint8_t* body, size_t size)
{
    tnd_cursor cursor;
    tnd_wire_reply reply;
    const char* reason;
    tnd_cursor_init(&cursor, body, size);
    bool is_first = true;
    while (tnd_wire_batch_next(&cursor, &reply, &reason)) {
        if (tnd_wire_reply_is_last(&reply)) {
            if (is_first && tnd_cursor_at_end(&cursor)) {
                cmd_on_stream_end(cmd, reply.result);
            } else {
                cmd_on_bad_reply(cmd, "an end in the midst of a stream");
            }
            return;
        }
        if (is_first && tnd_cursor_at_end(&cursor) && reply_is_about_frame(cmd, &reply)) {
            cmd_on_frame_refused(cmd);
            return;
        }
        is_first = false;
        reason = cmd->many->on_row(cmd, &reply);
        if (reason) {
            break;
        }
    }
    if (!reason && is_first) {
        reason = "a frame without a row";
    }
    if (reason) {
        cmd_on_bad_reply(cmd, reason);
    }
}

static void cmd_on_result(tnd_cmd* cmd, tnd_wire_reply* reply)
{
    bool may_have_bins = cmd->result == TND_CMD_RECORD || cmd->result == TND_CMD_LENT ||
                         cmd->result == TND_CMD_VALUE;
    if (reply->batch_index != 0 || reply->info3 != 0) {
        cmd_on_bad_reply(cmd, "a part of a batch or query");
    } else if (reply->result != AEROSPIKE_OK) {
        cmd_on_refusal(cmd, reply->result, reply);
    } else if (!may_have_bins && reply->ops_count > 0) {
        cmd_on_bad_reply(cmd, "bins that weren't asked for");
    } else if (!tnd_wire_reply_answers(reply, &cmd->buf)) {
        cmd_on_bad_reply(cmd, "bins that weren't asked for by these names");
    } else if (cmd->result == TND_CMD_VALUE) {
        cmd_on_value(cmd, reply);
    } else if (cmd->result == TND_CMD_LENT) {
        cmd_on_lent(cmd, reply);
    } else if (cmd->result != TND_CMD_STATUS) {
        cmd_on_record(cmd, reply);
    } else {
        tnd_link* link = cmd->link;
        cmd->link = NULL;
        tnd_link_release(link);
        tnd_cmd_end(cmd, NULL, NULL);
    }
}

/* ---- info ---- */

static void cmd_on_text(tnd_cmd* cmd, uint8_t type, const uint8_t* body, size_t size)
{
    const char* reason =
        type == TND_WIRE_INFO ? cmd->many->on_text(cmd, body, size) : "not an info answer";
    if (reason) {
        cmd_on_bad_reply(cmd, reason);
        return;
    }
    tnd_link* link = cmd->link;
    cmd->link = NULL;
    tnd_link_release(link);
    tnd_cmd_end(cmd, cmd->err.code == AEROSPIKE_OK ? NULL : &cmd->err, NULL);
}

static void cmd_on_message(tnd_cmd* cmd, const uint8_t* body, size_t size)
{
    tnd_wire_reply reply;
    const char* reason;
    if (cmd->many) {
        cmd_on_stream(cmd, body, size);
    } else if (!tnd_wire_reply_open(&reply, body, size, &reason)) {
        cmd_on_bad_reply(cmd, reason);
    } else {
        cmd_on_result(cmd, &reply);
    }
}

/* The command may be gone when its answer is freed here. */
static void cmd_on_compressed(tnd_cmd* cmd, const uint8_t* body, size_t size)
{
    tnd_buf message;
    const char* reason;
    tnd_buf_init(&message, TND_WIRE_FRAME_BYTES + (size_t)TND_WIRE_BODY_BYTES_MAX);
    if (tnd_inflate(body, size, TND_WIRE_BODY_BYTES_MAX, &message, &reason)) {
        cmd_on_message(cmd, message.data + TND_WIRE_FRAME_BYTES,
                       message.size - TND_WIRE_FRAME_BYTES);
    } else {
        cmd_on_bad_reply(cmd, reason);
    }
    tnd_buf_done(&message);
}

static void cmd_on_reply(tnd_cmd* cmd, uint8_t type, const uint8_t* body, size_t size)
{
    if (!tnd_cmd_is_out(cmd)) {
        cmd_on_bad_reply(cmd, "it came before the request was out");
    } else if (cmd->result == TND_CMD_TEXT) {
        cmd_on_text(cmd, type, body, size);
    } else if (type == TND_WIRE_MESSAGE) {
        cmd_on_message(cmd, body, size);
    } else if (type == TND_WIRE_COMPRESSED && cmd->may_inflate) {
        cmd_on_compressed(cmd, body, size);
    } else {
        cmd_on_bad_reply(cmd, "not a record message");
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
