/*
 * Reads: get, select, exists, read-only operate (protocol/records.md 1.4, 1.6, 1.7, 5.1 - 5.3).
 *
 * GET_NO_BINS wins over GET_ALL, GET_ALL makes the operations ignored. Bins that are absent are
 * left out, or NULL with RESPOND_ALL_OPS. An expired record answers 2 with its old generation.
 * Operations are looked at only once the record was found.
 */
#include "cdt.h"
#include "message.h"

#include <string.h>

// The operations of a plain read. Returns a result code.
static int read_check_ops(const mc_message* m)
{
    const uint8_t* at = m->ops;
    mc_op op;
    if (m->info1 & (MC_INFO1_GET_NO_BINS | MC_INFO1_GET_ALL)) {
        return MC_OK;
    }
    if (!m->op_count) {
        return MC_PARAMETER;
    }
    while (mc_message_op(m, &at, &op)) {
        if (!mc_bin_name_is_good(&op)) {
            return MC_BIN_NAME;
        }
        switch (op.op) {
        case MC_OP_READ:
        case MC_OP_CDT_READ:
            break;
        case MC_OP_EXP_READ:
        case MC_OP_BITS_READ:
        case MC_OP_HLL_READ:
            return MC_UNSUPPORTED;
        default:
            return MC_PARAMETER;
        }
    }
    return MC_OK;
}

static const uint8_t* read_find(const mc_record* record, const mc_op* op)
{
    const uint8_t* end = record->bins + record->bins_len;
    for (const uint8_t* e = record->bins; e < end; e += mc_entry_size(e)) {
        if (e[7] == op->name_len && !memcmp(e + 8, op->name, op->name_len)) {
            return e;
        }
    }
    return NULL;
}

// An operation on the list or map in this entry. Returns a result code.
static int read_cdt(mc_command* c, const mc_op* op, const uint8_t* entry)
{
    mc_particle bin = {entry[5], entry + 8 + entry[7], mc_entry_size(entry) - 8 - entry[7]};
    mc_arena arena = {0};
    mc_item* answer;
    mc_item* root;
    int result = mc_cdt_run(&arena, op, bin, &answer, &root);
    if (result == MC_OK && (answer || c->m->info2 & MC_INFO2_RESPOND_ALL)) {
        mc_reply_answer(c, op, answer);
    }
    mc_arena_done(&arena);
    return result;
}

static int read_ops(mc_command* c, const mc_record* record)
{
    const uint8_t* at = c->m->ops;
    mc_op op;
    int result = MC_OK;
    while (result == MC_OK && mc_message_op(c->m, &at, &op)) {
        const uint8_t* entry = read_find(record, &op);
        if (entry && op.op == MC_OP_CDT_READ) {
            result = read_cdt(c, &op, entry);
        } else if (entry) {
            mc_bytes_add(c->out, entry, mc_entry_size(entry));
            c->entries++;
        } else if (c->m->info2 & MC_INFO2_RESPOND_ALL) {
            mc_reply_entry(c, op.op, 0, op.name, op.name_len, NULL, 0);
        }
    }
    return result;
}

// The read-touch percentage in the ttl field. Returns a result code.
static int read_touch(mc_command* c, mc_record* record)
{
    int32_t percent = (int32_t)c->m->ttl;
    if (!record->void_time || percent == 0 || percent == -1 ||
        c->conn->cluster->build < mc_cluster_build(7, 1, 0)) {
        return MC_OK;
    }
    if (percent < 1 || percent > 100) {
        return MC_PARAMETER;
    }
    uint64_t left_sec = record->void_time - c->void_now;
    if (left_sec * 100 <= (uint64_t)record->life_sec * (uint64_t)percent) {
        record->void_time = c->void_now + record->life_sec;
    }
    return MC_OK;
}

void mc_read(mc_command* c)
{
    const mc_message* m = c->m;
    mc_record* record = mc_store_find(c->space->store, m->digest.data);
    if (!record || record->tombstone) {
        mc_reply_finish(c, MC_NOT_FOUND, 0, 0);
        return;
    }
    uint32_t void_time = record->void_time;
    if (mc_record_is_expired(record, c->void_now)) {
        mc_reply_finish(c, MC_NOT_FOUND, record->generation, void_time);
        return;
    }
    int result = mc_check_set(m, record, false);
    result = result == MC_OK ? mc_check_key(m, record) : result;
    result = result == MC_OK ? mc_filter(m->filter, record) : result;
    result = result == MC_OK ? read_check_ops(m) : result;
    result = result == MC_OK ? read_touch(c, record) : result;
    if (result == MC_OK && !(m->info1 & MC_INFO1_GET_NO_BINS)) {
        if (m->info1 & MC_INFO1_GET_ALL) {
            mc_bytes_add(c->out, record->bins, record->bins_len);
            c->entries = record->bin_count;
        } else {
            result = read_ops(c, record);
        }
    }
    mc_reply_finish(c, result, record->generation, void_time);
}
