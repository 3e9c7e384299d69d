/*
 * Batches and their parts. See batch.h.
 *
 * Happy path
 *   - tnd_batch_start: the root part with all rows.
 *   - on_route: grouped by node; a message of the first group, parts for the others.
 *   - on_row: the answer goes into its row; on_last, has_more: the next message, or the end.
 *   - on_end: the part is gone; the last one calls the listener.
 *
 * Possible failures
 *   - a namespace that the cluster doesn't have: the row's result, at once.
 *   - no node for a row: a part of its own that is tried again like any other.
 *   - a node fails: its part is routed again, rows with an answer are left alone.
 *   - an answer for a row that isn't out, or none for one that was: the connection isn't in step.
 *   - no memory for a part: its rows stay without an answer.
 */
#include "async/batch.h"

#include <assert.h>
#include <string.h>

#include "async/cmd_int.h"
#include "core/compress.h"
#include "core/mem.h"
#include "core/wire_batch.h"

typedef struct batch_part batch_part;

typedef struct batch_row {
    size_t at; /* in tnd_batch.rows */
    uint32_t size;
    bool is_unknown;  /* an attempt may have executed it */
    batch_part* part; /* whose message it is in; NULL: in none */
} batch_row;

struct tnd_batch {
    as_batch_records* records;
    as_async_batch_listener listener;
    void* udata;
    tnd_buf rows;
    batch_row* row; /* one per record */
    uint32_t added_count;
    size_t added_bytes;
    unsigned flags; /* TND_WIRE_BATCH_* */
    bool keeps_packed;
    bool has_write;
    as_policy_replica replica;
    as_policy_read_mode_sc read_mode_sc;
    batch_part* parts;
    as_error err; /* of the first part that failed */
};

struct batch_part {
    tnd_batch* batch;
    tnd_cmd* cmd;
    batch_part* next;
    batch_part* prev;
    bool is_grouped; /* its rows are those of cmd->node_index, by the map of this turn */
    uint32_t sent_count;
    uint32_t count;
    uint32_t indexes[]; /* of records; the first sent_count are in the message */
};

static const tnd_cmd_many batch_many;

static as_batch_base_record* batch_record(const tnd_batch* batch, uint32_t index)
{
    return as_vector_get(&batch->records->list, index);
}

static bool row_is_open(const tnd_batch* batch, uint32_t index)
{
    return batch_record(batch, index)->result == AEROSPIKE_NO_RESPONSE;
}

/* ---- rows ---- */

tnd_batch* tnd_batch_new(const as_policy_batch* policy, as_batch_records* records, bool has_write,
                         as_async_batch_listener listener, void* udata)
{
    uint32_t count = records->list.size;
    tnd_batch* batch = tnd_calloc(1, sizeof(*batch));
    batch_row* rows = count > 0 ? tnd_calloc(count, sizeof(*rows)) : NULL;
    if (!batch || (count > 0 && !rows)) {
        tnd_free(batch);
        tnd_free(rows);
        return NULL;
    }
    batch->records = records;
    batch->listener = listener;
    batch->udata = udata;
    batch->row = rows;
    batch->flags = TND_WIRE_BATCH_LAST_ERROR | (policy->allow_inline ? TND_WIRE_BATCH_INLINE : 0u) |
                   (policy->allow_inline_ssd ? TND_WIRE_BATCH_INLINE_SSD : 0u) |
                   (policy->respond_all_keys ? TND_WIRE_BATCH_RESPOND_ALL : 0u) |
                   (policy->base.compress ? TND_WIRE_BATCH_COMPRESS : 0u);
    batch->keeps_packed = !policy->deserialize;
    batch->has_write = has_write;
    batch->replica = policy->replica;
    batch->read_mode_sc = policy->read_mode_sc;
    as_error_init(&batch->err);
    tnd_buf_init(&batch->rows, SIZE_MAX);
    for (uint32_t i = 0; i < count; i++) {
        as_batch_base_record* record = batch_record(batch, i);
        as_record_destroy(&record->record); /* of an earlier batch of the same rows */
        as_record_init(&record->record, 0);
        record->result = AEROSPIKE_NO_RESPONSE;
        record->in_doubt = false;
    }
    return batch;
}

void tnd_batch_free(tnd_batch* batch)
{
    tnd_buf_done(&batch->rows);
    tnd_free(batch->row);
    tnd_free(batch);
}

tnd_buf* tnd_batch_rows(tnd_batch* batch)
{
    return &batch->rows;
}

void tnd_batch_add(tnd_batch* batch)
{
    assert(batch->added_count < batch->records->list.size);
    batch_row* row = &batch->row[batch->added_count];
    const batch_row* last = batch->added_count > 0 ? row - 1 : NULL;
    row->at = batch->added_bytes;
    row->size = (uint32_t)(batch->rows.size - batch->added_bytes);
    if (last && last->size == row->size &&
        memcmp(batch->rows.data + last->at, batch->rows.data + row->at, row->size) == 0) {
        batch->rows.size = batch->added_bytes;
        row->at = last->at;
    }
    batch->added_bytes = batch->rows.size;
    batch->added_count++;
}

void tnd_batch_add_again(tnd_batch* batch)
{
    assert(batch->added_count > 0 && batch->added_count < batch->records->list.size);
    batch_row* row = &batch->row[batch->added_count++];
    row->at = row[-1].at;
    row->size = row[-1].size;
}

/* ---- parts ---- */

/* With its command; NULL without memory. */
static batch_part* part_new(tnd_batch* batch, tnd_engine* engine, as_event_loop* entry,
                            uint32_t count)
{
    batch_part* part = tnd_calloc(1, sizeof(*part) + (size_t)count * sizeof(part->indexes[0]));
    tnd_cmd* cmd = part ? tnd_cmd_new(engine, entry) : NULL;
    if (!cmd) {
        tnd_free(part);
        return NULL;
    }
    part->batch = batch;
    part->cmd = cmd;
    part->next = batch->parts;
    if (part->next) {
        part->next->prev = part;
    }
    batch->parts = part;
    cmd->many = &batch_many;
    cmd->ends_early = !(batch->flags & TND_WIRE_BATCH_RESPOND_ALL);
    cmd->part = part;
    cmd->result = TND_CMD_MANY;
    cmd->kind = TND_COMMAND_BATCH;
    cmd->keeps_packed = batch->keeps_packed;
    cmd->may_inflate = batch->flags & TND_WIRE_BATCH_COMPRESS;
    cmd->compress_above = cmd->may_inflate ? TND_COMPRESS_ABOVE_BYTES : 0;
    cmd->read_mode_sc = batch->read_mode_sc;
    return part;
}

static void part_free(batch_part* part)
{
    /* Another part may get this one's address: its node must not answer for these rows. */
    for (uint32_t i = 0; i < part->sent_count; i++) {
        batch_row* row = &part->batch->row[part->indexes[i]];
        row->part = row->part == part ? NULL : row->part;
    }
    if (part->next) {
        part->next->prev = part->prev;
    }
    if (part->prev) {
        part->prev->next = part->next;
    } else {
        part->batch->parts = part->next;
    }
    tnd_free(part);
}

/* Rows that have an answer go; what was out isn't any more. */
static void part_compact(batch_part* part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t index = part->indexes[i];
        part->batch->row[index].part = NULL;
        if (row_is_open(part->batch, index)) {
            part->indexes[count++] = index;
        }
    }
    part->count = count;
    part->sent_count = 0;
}

/* ---- grouping ---- */

/* Node indexes of a part's rows, and how many of them each has; index 0: no node. */
typedef struct batch_groups {
    uint16_t* node_of; /* by place in the part; heap */
    uint32_t counts[TND_NODES_MAX + 1];
    uint32_t first;      /* the node of the first row that has one */
    tnd_replica replica; /* as the routing of a row of that left it */
} batch_groups;

/* Where a row goes. False: it has got its result instead. */
static bool row_route(tnd_cmd* cmd, const tnd_replica* base, uint32_t index, uint32_t* ret_node)
{
    batch_part* part = cmd->part;
    as_batch_base_record* record = batch_record(part->batch, index);
    const uint8_t* digest = record->key.digest.value;
    uint32_t partition = (digest[0] | (uint32_t)digest[1] << 8) & (TND_PARTITIONS - 1);
    cmd->replica = *base;
    if (tnd_cmd_route_key(cmd, record->key.ns, partition, &cmd->err)) {
        *ret_node = cmd->node_index;
        return true;
    }
    if (cmd->err.code == AEROSPIKE_ERR_INVALID_NODE) {
        *ret_node = 0;
        return true;
    }
    record->result = cmd->err.code;
    return false;
}

static void part_group(batch_part* part, batch_groups* groups)
{
    tnd_cmd* cmd = part->cmd;
    const tnd_replica base = cmd->replica;
    groups->replica = base;
    uint32_t count = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t node;
        if (!row_route(cmd, &base, part->indexes[i], &node)) {
            continue;
        }
        if (node != 0 && groups->first == 0) {
            groups->first = node;
            groups->replica = cmd->replica;
        }
        groups->counts[node]++;
        groups->node_of[count] = (uint16_t)node;
        part->indexes[count++] = part->indexes[i];
    }
    part->count = count;
    cmd->replica = groups->replica;
}

/* Rows of one other node become a part of their own. */
static void part_split(batch_part* part, const batch_groups* groups, uint32_t node)
{
    tnd_cmd* cmd = part->cmd;
    batch_part* other = part_new(part->batch, cmd->engine, cmd->entry, groups->counts[node]);
    if (!other) {
        if (part->batch->err.code == AEROSPIKE_OK) {
            as_error_set_message(&part->batch->err, AEROSPIKE_ERR_CLIENT,
                                 "Out of memory: a part of a batch");
        }
        return;
    }
    for (uint32_t i = 0; i < part->count; i++) {
        if (groups->node_of[i] == node) {
            other->indexes[other->count++] = part->indexes[i];
        }
    }
    other->is_grouped = node != 0;
    other->cmd->replica = groups->replica;
    other->cmd->replica.last_node = node;
    other->cmd->node_index = node;
    tnd_cmd_start_part(other->cmd, cmd);
}

static void part_split_all(batch_part* part, batch_groups* groups)
{
    uint32_t keep = groups->first;
    uint32_t count = 0;
    for (uint32_t node = 0; node <= TND_NODES_MAX; node++) {
        if (node != keep && groups->counts[node] > 0) {
            part_split(part, groups, node);
        }
    }
    for (uint32_t i = 0; i < part->count; i++) {
        if (groups->node_of[i] == keep) {
            part->indexes[count++] = part->indexes[i];
        }
    }
    part->count = count;
}

/* The node of a part that was made for one, while that is still good. */
static tnd_node* part_grouped_node(batch_part* part)
{
    tnd_cmd* cmd = part->cmd;
    if (!part->is_grouped) {
        return NULL;
    }
    part->is_grouped = false;
    return tnd_pool_node(&cmd->engine->pool, tnd_worker_map(cmd->engine->worker), cmd->node_index);
}

/* NULL with err OK: no row is left to ask for. */
static tnd_node* part_choose_node(batch_part* part, as_error* err)
{
    tnd_cmd* cmd = part->cmd;
    tnd_node* node = part_grouped_node(part);
    part_compact(part);
    if (node || part->count == 0) {
        return node;
    }
    batch_groups groups = {.node_of = tnd_malloc(part->count * sizeof(uint16_t))};
    if (!groups.node_of) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a batch");
        return NULL;
    }
    part_group(part, &groups);
    if (groups.first != 0) {
        as_error_reset(err);
        part_split_all(part, &groups);
        cmd->node_index = groups.first;
        node =
            tnd_pool_node(&cmd->engine->pool, tnd_worker_map(cmd->engine->worker), cmd->node_index);
    } else if (part->count == 0) {
        as_error_reset(err);
    } else {
        as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                         "No node for %u rows of a batch", part->count);
    }
    tnd_free(groups.node_of);
    return node;
}

/* ---- the message ---- */

static as_status part_encode(batch_part* part, uint32_t timeout_ms, as_error* err)
{
    tnd_batch* batch = part->batch;
    tnd_buf* buf = &part->cmd->buf;
    const batch_row* last = NULL;
    tnd_buf_reset(buf);
    tnd_wire_batch_begin(buf, batch->flags, timeout_ms);
    uint32_t count = 0;
    while (count < part->count && count < TND_BATCH_ROWS_MAX) {
        uint32_t index = part->indexes[count];
        batch_row* row = &batch->row[index];
        const uint8_t* bytes = batch->rows.data + row->at;
        if (count > 0 && buf->size + row->size > TND_BATCH_BYTES_MAX) {
            break;
        }
        bool repeats = last && last->at == row->at && !tnd_wire_row_has_key(bytes, row->size);
        tnd_wire_batch_add(buf, index, batch_record(batch, index)->key.digest.value, bytes,
                           row->size, repeats);
        row->part = part;
        last = row;
        count++;
    }
    part->sent_count = count;
    return tnd_wire_batch_end(buf, count, err);
}

static tnd_node* on_route(tnd_cmd* cmd, uint32_t timeout_ms, as_error* err)
{
    batch_part* part = cmd->part;
    tnd_node* node = part_choose_node(part, err);
    return node && part_encode(part, timeout_ms, err) == AEROSPIKE_OK ? node : NULL;
}

/* ---- answers ---- */

static bool result_has_bins(uint8_t result)
{
    return result == AEROSPIKE_OK || result == AEROSPIKE_ERR_UDF;
}

static const char* on_row(tnd_cmd* cmd, tnd_wire_reply* reply)
{
    batch_part* part = cmd->part;
    tnd_batch* batch = part->batch;
    uint32_t index = reply->batch_index;
    if (index >= batch->records->list.size || batch->row[index].part != part ||
        !row_is_open(batch, index)) {
        return "an answer for a row that wasn't asked for";
    }
    as_batch_base_record* record = batch_record(batch, index);
    if (result_has_bins(reply->result)) {
        as_error err;
        tnd_loop* loop = cmd->engine->loop;
        uint64_t unix_now_sec = reply->void_time != 0 ? loop->ops->unix_now(loop) : 0;
        reply->keeps_packed = batch->keeps_packed;
        if (tnd_wire_record(reply, unix_now_sec, &record->record, NULL, as_error_init(&err)) !=
            AEROSPIKE_OK) {
            return "a row's answer makes no sense, or no memory for it";
        }
    }
    record->result = (as_status)reply->result;
    bool is_unknown = batch->row[index].is_unknown || reply->result == AEROSPIKE_ERR_TIMEOUT;
    record->in_doubt = record->has_write && reply->result != AEROSPIKE_OK && is_unknown;
    return NULL;
}

static const char* on_last(tnd_cmd* cmd)
{
    batch_part* part = cmd->part;
    for (uint32_t i = 0; i < part->sent_count; i++) {
        if (row_is_open(part->batch, part->indexes[i])) {
            return "a batch's answers lack a row";
        }
    }
    return NULL;
}

static bool has_more(tnd_cmd* cmd)
{
    batch_part* part = cmd->part;
    part->is_grouped = part->sent_count < part->count;
    return part->is_grouped;
}

static void on_unknown(tnd_cmd* cmd)
{
    batch_part* part = cmd->part;
    for (uint32_t i = 0; i < part->sent_count; i++) {
        uint32_t index = part->indexes[i];
        as_batch_base_record* record = batch_record(part->batch, index);
        if (record->has_write && row_is_open(part->batch, index)) {
            part->batch->row[index].is_unknown = true;
            record->in_doubt = true;
        }
    }
}

/* ---- the end ---- */

static bool result_is_fine(as_status result)
{
    return result == AEROSPIKE_OK || result == AEROSPIKE_ERR_RECORD_NOT_FOUND ||
           result == AEROSPIKE_FILTERED_OUT;
}

/* NULL if all is well. */
static as_error* batch_outcome(tnd_batch* batch)
{
    bool has_failed = batch->err.code != AEROSPIKE_OK;
    bool in_doubt = false;
    for (uint32_t i = 0; i < batch->records->list.size; i++) {
        const as_batch_base_record* record = batch_record(batch, i);
        has_failed |= !result_is_fine(record->result);
        in_doubt |= record->in_doubt;
    }
    if (!has_failed) {
        return NULL;
    }
    if (batch->err.code == AEROSPIKE_OK) {
        as_error_set_message(&batch->err, AEROSPIKE_BATCH_FAILED,
                             "One or more batch sub-commands failed");
    }
    batch->err.in_doubt = in_doubt;
    return &batch->err;
}

/* Rows that no node was found for say so themselves, where nothing worse is known of them. */
static void part_fail(batch_part* part, const as_error* err)
{
    for (uint32_t i = 0; i < part->count && err->code == AEROSPIKE_ERR_INVALID_NODE; i++) {
        uint32_t index = part->indexes[i];
        if (row_is_open(part->batch, index) && !part->batch->row[index].is_unknown) {
            batch_record(part->batch, index)->result = err->code;
        }
    }
    if (part->batch->err.code == AEROSPIKE_OK && err->code != AEROSPIKE_ERR_INVALID_NODE) {
        as_error_copy(&part->batch->err, err);
    }
}

static void on_end(tnd_cmd* cmd, as_error* err)
{
    batch_part* part = cmd->part;
    tnd_batch* batch = part->batch;
    as_event_loop* entry = cmd->entry;
    if (err && err->code != AEROSPIKE_OK) {
        part_fail(part, err);
    }
    part_free(part);
    if (batch->parts) {
        tnd_cmd_hand_turn(cmd, batch->parts->cmd);
        return;
    }
    batch->listener(batch_outcome(batch), batch->records, batch->udata, entry);
    tnd_batch_free(batch);
}

static const tnd_cmd_many batch_many = {
    .route = on_route,
    .on_row = on_row,
    .on_last = on_last,
    .has_more = has_more,
    .on_unknown = on_unknown,
    .on_end = on_end,
};

/* ---- the start ---- */

as_status tnd_batch_start(tnd_batch* batch, tnd_engine* engine, as_event_loop* entry,
                          const as_policy_base* base, as_error* err)
{
    uint32_t count = batch->records->list.size;
    assert(batch->added_count == count);
    batch_part* part = part_new(batch, engine, entry, count);
    if (!part) {
        tnd_batch_free(batch);
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a batch");
    }
    for (uint32_t i = 0; i < count; i++) {
        part->indexes[i] = i;
    }
    part->count = count;
    if (batch->has_write) {
        tnd_replica_init_write(&part->cmd->replica, batch->replica);
    } else {
        tnd_replica_init_read(&part->cmd->replica, batch->replica, batch->read_mode_sc);
    }
    if (tnd_cmd_start_many(part->cmd, base, err) != AEROSPIKE_OK) {
        part_free(part);
        tnd_batch_free(batch);
        return err->code;
    }
    return AEROSPIKE_OK;
}
