/*
 * Writes: put, touch, operate (protocol/records.md 1.5 - 1.7, 3.5, 5.4, 5.5, 5.9).
 *
 * First what the operations' codes and names tell, then the policies against the record, then the
 * ttl, then the operations one by one on a working copy of its bins (bins.c), at last the record
 * itself: a command that fails anywhere changes nothing. The order shows in the result code of a
 * command with several faults; it is that of a real server. Errors of commands that found a record
 * carry its generation and void time.
 */
#include <stdlib.h>
#include <string.h>

#include "bins.h"
#include "message.h"

enum {
    WRITE_TTL_MAX_SEC = 315360000,
    WRITE_BINS_MAX = 32767,
    WRITE_RECORD_OVERHEAD = 48, // header, digest and so on of a stored record
    WRITE_BIN_OVERHEAD = 7
};

#define WRITE_TTL_NEVER 0xffffffffu
#define WRITE_TTL_KEEP 0xfffffffeu

typedef struct write_shape {
    bool touches;
    bool reads;
    unsigned read_alls;
    unsigned answers; // other operations that yield an entry
} write_shape;

// ---- what the request alone tells ---------------------------------------------------------------

static bool write_replaces(const mc_message* m)
{
    return m->info3 & (MC_INFO3_CREATE_OR_REPLACE | MC_INFO3_REPLACE_ONLY);
}

static int write_check_op(const mc_message* m, const mc_op* op, write_shape* shape)
{
    bool replaces = write_replaces(m);
    if (!mc_bin_name_is_good(op)) {
        return MC_BIN_NAME;
    }
    switch (op->op) {
    case MC_OP_READ:
        shape->reads = true;
        if (op->name_len || !(m->info1 & MC_INFO1_GET_ALL)) {
            shape->answers++;
            return MC_OK;
        }
        return shape->read_alls++ || m->info2 & MC_INFO2_RESPOND_ALL ? MC_PARAMETER : MC_OK;
    case MC_OP_WRITE:
        return replaces && op->type == 0 ? MC_PARAMETER : MC_OK;
    case MC_OP_TOUCH:
        shape->touches = true;
        return replaces ? MC_PARAMETER : MC_OK;
    case MC_OP_CDT_READ:
        shape->reads = true;
        shape->answers++;
        return MC_OK;
    case MC_OP_CDT_MODIFY:
    case MC_OP_HLL_MODIFY:
        shape->answers++;
        return replaces ? MC_PARAMETER : MC_OK;
    case MC_OP_INCR:
    case MC_OP_APPEND:
    case MC_OP_PREPEND:
    case MC_OP_DELETE_ALL:
    case MC_OP_BITS_MODIFY:
        return replaces ? MC_PARAMETER : MC_OK;
    default: // told when its turn comes
        return MC_OK;
    }
}

static int write_check_ops(const mc_message* m, write_shape* shape)
{
    const uint8_t* at = m->ops;
    mc_op op;
    int result = MC_OK;
    while (result == MC_OK && mc_message_op(m, &at, &op)) {
        result = write_check_op(m, &op, shape);
    }
    if (result != MC_OK) {
        return result;
    }
    bool get_all = m->info1 & MC_INFO1_GET_ALL;
    if (!m->op_count || get_all != (shape->read_alls == 1) ||
        (shape->reads && !(m->info1 & MC_INFO1_READ)) || (shape->read_alls && shape->answers)) {
        return MC_PARAMETER;
    }
    return MC_OK;
}

static int write_check_ttl(const mc_command* c)
{
    uint32_t ttl = c->m->ttl;
    if (ttl == WRITE_TTL_NEVER || ttl == WRITE_TTL_KEEP) {
        return MC_OK;
    }
    if (ttl > WRITE_TTL_MAX_SEC) {
        return MC_PARAMETER;
    }
    bool expires = ttl || c->space->config.default_ttl_sec;
    return expires && c->space->config.nsup_off ? MC_FORBIDDEN : MC_OK;
}

// ---- policies against the record ----------------------------------------------------------------

static int write_check_generation(const mc_message* m, uint32_t generation)
{
    if (m->info2 & MC_INFO2_GENERATION) {
        return m->generation == generation ? MC_OK : MC_GENERATION;
    }
    if (m->info2 & MC_INFO2_GENERATION_GT) {
        return m->generation > generation ? MC_OK : MC_GENERATION;
    }
    return MC_OK;
}

static int write_check_new_key(const mc_message* m)
{
    if (!m->key.data) {
        return MC_OK;
    }
    bool bad = m->key.len < 1 || (m->key.data[0] == 1 && m->key.len != 9);
    return bad ? MC_UNSUPPORTED : MC_OK;
}

// `record` is live, or NULL for one that is missing or as good as that.
static int write_check_record(const mc_message* m, const mc_record* record, bool touches)
{
    bool must_exist = touches || m->info3 & (MC_INFO3_UPDATE_ONLY | MC_INFO3_REPLACE_ONLY);
    if (!record && must_exist) {
        return MC_NOT_FOUND;
    }
    if (record && m->info2 & MC_INFO2_CREATE_ONLY) {
        return MC_EXISTS;
    }
    int result = write_check_generation(m, record ? record->generation : 0);
    if (result == MC_OK && record) {
        result = mc_check_set(m, record, true);
        result = result == MC_OK ? mc_check_key(m, record) : result;
        result = result == MC_OK ? mc_filter(m->filter, record) : result;
    }
    if (result == MC_OK && (!record || !record->key_len)) {
        result = write_check_new_key(m);
    }
    return result;
}

// ---- operations ---------------------------------------------------------------------------------

static int write_modify(mc_bins* bins, const mc_op* op)
{
    int result = MC_OK;
    switch (op->op) {
    case MC_OP_WRITE:
        result = op->type ? mc_value_check(op->type, op->value, op->len) : MC_OK;
        break;
    case MC_OP_INCR:
    case MC_OP_APPEND:
    case MC_OP_PREPEND:
        result = mc_value_check(op->type, op->value, op->len);
        break;
    case MC_OP_TOUCH:
    case MC_OP_DELETE_ALL:
        break;
    case MC_OP_EXP_READ:
    case MC_OP_EXP_MODIFY:
    case MC_OP_BITS_READ:
    case MC_OP_BITS_MODIFY:
    case MC_OP_HLL_READ:
    case MC_OP_HLL_MODIFY:
        return MC_UNSUPPORTED;
    default:
        return MC_PARAMETER;
    }
    return result == MC_OK ? mc_bins_modify(bins, op) : result;
}

static int write_apply(mc_command* c, mc_bins* bins)
{
    const mc_message* m = c->m;
    bool respond_all = m->info2 & MC_INFO2_RESPOND_ALL;
    const uint8_t* at = m->ops;
    mc_op op;
    while (mc_message_op(m, &at, &op)) {
        if (op.op == MC_OP_READ && !op.name_len && m->info1 & MC_INFO1_GET_ALL) {
            mc_bins_answer_all(bins, c);
            continue;
        }
        if (op.op == MC_OP_READ) {
            mc_bins_answer(bins, c, &op, respond_all);
            continue;
        }
        bool cdt = op.op == MC_OP_CDT_READ || op.op == MC_OP_CDT_MODIFY;
        int result = cdt ? mc_bins_cdt(bins, c, &op) : write_modify(bins, &op);
        if (result != MC_OK) {
            return result;
        }
        if (respond_all && op.op != MC_OP_TOUCH && !cdt) {
            mc_reply_entry(c, op.op, 0, op.name, op.name_len, NULL, 0);
        }
    }
    return MC_OK;
}

static uint64_t write_record_size(const mc_command* c, const mc_record* record, const mc_bins* bins)
{
    const mc_message* m = c->m;
    uint64_t set_len = record ? record->set_len : m->set.len;
    uint64_t key_len = record && record->key_len ? record->key_len : m->key.len;
    uint64_t size = WRITE_RECORD_OVERHEAD + set_len + key_len;
    for (uint32_t i = 0; i < bins->count; i++) {
        size += WRITE_BIN_OVERHEAD + bins->items[i].name_len + bins->items[i].len;
    }
    return size;
}

// ---- the record itself --------------------------------------------------------------------------

static void write_set_life(const mc_command* c, mc_record* record, bool fresh)
{
    uint32_t ttl = c->m->ttl;
    if (ttl == WRITE_TTL_KEEP && !fresh) {
        return;
    }
    if (ttl == 0 || ttl == WRITE_TTL_KEEP) {
        ttl = c->space->config.default_ttl_sec;
    }
    bool never = ttl == 0 || ttl == WRITE_TTL_NEVER;
    record->life_sec = never ? 0 : ttl;
    record->void_time = never ? 0 : c->void_now + ttl;
}

static void write_set_identity(const mc_message* m, mc_record* record, bool fresh)
{
    if (fresh) {
        record->tombstone = false;
        record->set_len = (uint8_t)m->set.len;
        record->key_len = 0;
        record->generation = 0;
        if (m->set.len) {
            memcpy(record->set, m->set.data, m->set.len);
        }
    }
    if (m->key.data && !record->key_len) {
        record->key = mc_realloc(record->key, m->key.len);
        memcpy(record->key, m->key.data, m->key.len);
        record->key_len = m->key.len;
    }
}

// The record is left without bins. Returns a result code.
static int write_vanish(mc_command* c, mc_record* live)
{
    bool durable = c->m->info2 & MC_INFO2_DURABLE_DELETE;
    if (!live || write_replaces(c->m)) {
        return MC_NOT_FOUND;
    }
    if (durable && !c->conn->cluster->config.enterprise) {
        return MC_ENTERPRISE_ONLY;
    }
    if (durable) {
        live->tombstone = true;
        mc_store_set_bins(live, NULL, 0, 0);
    } else {
        mc_store_remove(c->space->store, c->m->digest.data);
    }
    mc_command_tell(c, NULL);
    return MC_OK;
}

static void write_commit(mc_command* c, mc_record* record, bool fresh, const mc_bins* bins)
{
    if (!record) {
        record = mc_store_create(c->space->store, c->m->digest.data);
    }
    write_set_identity(c->m, record, fresh);
    mc_bytes stored = {0};
    mc_bins_store(bins, &stored);
    mc_store_set_bins(record, stored.data, (uint32_t)stored.len, (uint16_t)bins->count);
    record->generation = record->generation == 65535 ? 1 : (uint16_t)(record->generation + 1);
    record->update_ms = c->conn->cluster->config.unix_base_ms + c->now_ms;
    write_set_life(c, record, fresh);
    mc_command_tell(c, record);
    mc_reply_finish(c, MC_OK, record->generation, record->void_time);
}

// `result` is that of what led to these bins. A record that is gone answers `gone_generation`.
static void write_finish(mc_command* c, mc_record* found, mc_record* live, const mc_bins* bins,
                         int result, uint32_t gone_generation)
{
    if (result == MC_OK && bins->count > WRITE_BINS_MAX) {
        result = MC_PARAMETER;
    }
    if (result == MC_OK && write_record_size(c, live, bins) > c->space->config.record_bytes_max) {
        result = MC_TOO_BIG;
    }
    if (result == MC_OK && bins->count) {
        write_commit(c, found, !live, bins);
    } else if (result == MC_OK) {
        result = write_vanish(c, live);
        gone_generation = result == MC_OK ? gone_generation : 0;
        bool kept = live && result != MC_OK;
        mc_reply_finish(c, result, kept ? live->generation : gone_generation,
                        kept ? live->void_time : 0);
    } else {
        mc_reply_finish(c, result, live ? live->generation : 0, live ? live->void_time : 0);
    }
}

void mc_write_bins(mc_command* c, mc_record* found, mc_record* live, const mc_bins* bins)
{
    write_finish(c, found, live, bins, write_check_ttl(c), live ? live->generation + 1u : 0);
}

// Runs the operations. `found` may be expired or a tombstone; `live` is NULL then.
static void write_run(mc_command* c, mc_record* found, mc_record* live)
{
    mc_bins bins = {0};
    if (live && !write_replaces(c->m)) {
        mc_bins_load(&bins, live->bins, live->bins_len);
    }
    int result = write_check_ttl(c);
    result = result == MC_OK ? write_apply(c, &bins) : result;
    write_finish(c, found, live, &bins, result, 0);
    mc_bins_done(&bins);
}

void mc_write(mc_command* c)
{
    write_shape shape = {0};
    int result = write_check_ops(c->m, &shape);
    if (result != MC_OK) {
        mc_reply_finish(c, result, 0, 0);
        return;
    }
    mc_record* found = mc_store_find(c->space->store, c->m->digest.data);
    bool seen = found && !found->tombstone;
    bool expired = seen && mc_record_is_expired(found, c->void_now);
    mc_record* live = seen && !expired ? found : NULL;
    result = write_check_record(c->m, live, shape.touches);
    if (result != MC_OK) {
        mc_reply_finish(c, result, seen ? found->generation : 0, seen ? found->void_time : 0);
        return;
    }
    write_run(c, found, live);
}
