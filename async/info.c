/*
 * Info requests. A request is a command whose route is a node's name; its answer is text.
 *
 * Possible failures
 *   - no node of that name: AEROSPIKE_ERR_INVALID_NODE.
 *   - the connection fails or is silent: one more attempt.
 *   - the server refuses: its code and text.
 */
#include "async/info.h"

#include <stdio.h>
#include <string.h>

#include "async/cmd_int.h"
#include "core/info.h"
#include "core/mem.h"

#define INFO_RETRIES 1
#define INFO_REQUEST_BYTES_MAX (2u * 1024 * 1024) /* a file of UDFs fits, as base64 */

typedef struct info_part {
    tnd_info_fn fn;
    void* udata;
    char* text; /* the answer; heap */
    char name[AS_NODE_NAME_SIZE];
} info_part;

/* ---- the command ---- */

static uint32_t node_by_name(const tnd_map* map, const char* name)
{
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        const tnd_node_rec* rec = tnd_map_node(map, i);
        if (rec && strcmp(rec->name, name) == 0) {
            return i;
        }
    }
    return 0;
}

static tnd_node* on_route(tnd_cmd* cmd, uint32_t timeout_ms, as_error* err)
{
    (void)timeout_ms;
    info_part* part = cmd->part;
    tnd_map* map = tnd_worker_map(cmd->engine->worker);
    tnd_map_refresh(map);
    cmd->node_index = node_by_name(map, part->name);
    tnd_node* node =
        cmd->node_index ? tnd_pool_node(&cmd->engine->pool, map, cmd->node_index) : NULL;
    if (!node) {
        as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                         "No node %s in the cluster", part->name);
    }
    return node;
}

/* Refused as a whole, or by the answer of its only line. */
static bool body_is_refusal(tnd_slice body, tnd_info_error* ret_error)
{
    tnd_info_line line, next;
    if (tnd_info_body_error(body, ret_error)) {
        return true;
    }
    bool is_single = tnd_info_next(&body, &line) && !tnd_info_next(&body, &next);
    return is_single && tnd_info_value_error(line.value, ret_error);
}

static const char* on_text(tnd_cmd* cmd, const uint8_t* body, size_t size)
{
    info_part* part = cmd->part;
    tnd_info_error refused;
    if (body_is_refusal(tnd_slice_of(body, size), &refused)) {
        as_error_setallv(&cmd->err, (as_status)refused.code, __func__, __FILE__, __LINE__, "%.*s",
                         (int)(refused.text.size > 512 ? 512 : refused.text.size),
                         refused.text.size > 0 ? refused.text.data : "");
        return NULL;
    }
    part->text = tnd_memdup_text((const char*)body, size);
    return part->text ? NULL : "out of memory";
}

static void on_unknown(tnd_cmd* cmd)
{
    (void)cmd; /* info requests have no doubt to note */
}

static void on_end(tnd_cmd* cmd, as_error* err)
{
    info_part* part = cmd->part;
    bool is_fine = !err || err->code == AEROSPIKE_OK;
    part->fn(is_fine ? NULL : err, is_fine ? part->text : NULL, part->udata, cmd->entry);
    tnd_free(part->text);
    tnd_free(part);
}

static const tnd_cmd_many info_many = {
    .route = on_route,
    .on_text = on_text,
    .on_unknown = on_unknown,
    .on_end = on_end,
};

/* ---- the start ---- */

static as_status info_check(const char* request, as_error* err)
{
    size_t size = request ? strnlen(request, INFO_REQUEST_BYTES_MAX + 1) : 0;
    if (size == 0 || size > INFO_REQUEST_BYTES_MAX) {
        return as_error_setallv(err, AEROSPIKE_ERR_PARAM, __func__, __FILE__, __LINE__,
                                "An info request needs 1 to %u bytes", INFO_REQUEST_BYTES_MAX);
    }
    return AEROSPIKE_OK;
}

static void info_encode(tnd_buf* buf, const char* request)
{
    size_t size = strlen(request);
    bool is_ended = request[size - 1] == '\n';
    tnd_buf_append_be64(buf, (uint64_t)TND_WIRE_VERSION << 56 | (uint64_t)TND_WIRE_INFO << 48 |
                                 (size + !is_ended));
    tnd_buf_append_bytes(buf, request, size);
    if (!is_ended) {
        tnd_buf_append_u8(buf, '\n');
    }
}

as_status tnd_info_start(tnd_engine* engine, as_event_loop* entry, const as_policy_info* policy,
                         const char* name, const char* request, tnd_info_fn fn, void* udata,
                         as_error* err)
{
    return tnd_info_start_later(engine, entry, policy, name, request, 0, fn, udata, err);
}

as_status tnd_info_start_later(tnd_engine* engine, as_event_loop* entry,
                               const as_policy_info* policy, const char* name, const char* request,
                               uint32_t pause_ms, tnd_info_fn fn, void* udata, as_error* err)
{
    if (info_check(request, err) != AEROSPIKE_OK) {
        return err->code;
    }
    info_part* part = tnd_calloc(1, sizeof(*part));
    tnd_cmd* cmd = part ? tnd_cmd_new(engine, entry) : NULL;
    if (cmd) {
        info_encode(&cmd->buf, request);
    }
    if (!cmd || !tnd_buf_is_ok(&cmd->buf)) {
        if (cmd) {
            tnd_cmd_discard(cmd);
        }
        tnd_free(part);
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: an info request");
    }
    part->fn = fn;
    part->udata = udata;
    snprintf(part->name, sizeof(part->name), "%s", name);
    cmd->many = &info_many;
    cmd->part = part;
    cmd->result = TND_CMD_TEXT;
    cmd->kind = TND_COMMAND_OTHER;
    cmd->replica.is_read = true;
    cmd->replica.count = 1;
    cmd->first_pause_ms = pause_ms;
    as_policy_base base = {.total_timeout = policy->timeout > 0 ? policy->timeout + pause_ms : 0,
                           .socket_timeout = policy->timeout,
                           .timeout_delay = policy->timeout_delay,
                           .max_retries = INFO_RETRIES};
    if (tnd_cmd_start_many(cmd, &base, err) != AEROSPIKE_OK) {
        tnd_free(part);
        return err->code;
    }
    return AEROSPIKE_OK;
}
