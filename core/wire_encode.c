/*
 * One encoder for each command on one record: which bits, which operations. The bytes are made in
 * wire_request.c.
 */
#include <assert.h>
#include <string.h>

#include "core/wire_request.h"

#define TIMEOUT_OFFSET (TND_WIRE_FRAME_BYTES + 14)

static as_status encode_read(tnd_buf* buf, as_error* err, tnd_request* req,
                             const as_policy_read* policy)
{
    req->ttl = (uint32_t)policy->read_touch_ttl_percent;
    tnd_request_set_read_modes(req, policy->read_mode_ap, policy->read_mode_sc);
    return tnd_request_encode(buf, err, req, &policy->base, policy->key);
}

as_status tnd_wire_get(tnd_buf* buf, as_error* err, const as_key* key, const as_policy_read* policy,
                       uint32_t timeout_ms)
{
    tnd_request req = {.key = key, .info1 = INFO1_READ | INFO1_GET_ALL, .timeout_ms = timeout_ms};
    tnd_request_set_compress(&req, &policy->base);
    return encode_read(buf, err, &req, policy);
}

as_status tnd_wire_select(tnd_buf* buf, as_error* err, const as_key* key, const char* const* names,
                          uint32_t names_count, const as_policy_read* policy, uint32_t timeout_ms)
{
    tnd_request req = {.key = key,
                       .info1 = INFO1_READ,
                       .timeout_ms = timeout_ms,
                       .list = {.count = names_count, .names = names}};
    if (names_count == 0 || names_count > TND_WIRE_OPS_MAX) {
        tnd_buf_reset(buf);
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Select takes 1 to %d bin names, not %u",
                               TND_WIRE_OPS_MAX, names_count);
    }
    tnd_request_set_compress(&req, &policy->base);
    return encode_read(buf, err, &req, policy);
}

as_status tnd_wire_exists(tnd_buf* buf, as_error* err, const as_key* key,
                          const as_policy_read* policy, uint32_t timeout_ms)
{
    tnd_request req = {
        .key = key, .info1 = INFO1_READ | INFO1_GET_NO_BINS, .timeout_ms = timeout_ms};
    return encode_read(buf, err, &req, policy);
}

as_status tnd_wire_put(tnd_buf* buf, as_error* err, const as_key* key, const as_record* record,
                       const as_policy_write* policy, uint32_t timeout_ms)
{
    tnd_request req = {.key = key,
                       .info2 = INFO2_WRITE,
                       .info4 = policy->on_locking_only ? INFO4_ON_LOCKING_ONLY : 0,
                       .ttl = tnd_request_ttl(record->ttl, policy->ttl),
                       .timeout_ms = timeout_ms,
                       .list = {.count = record->bins.size, .bins = record->bins.entries}};
    if (record->bins.size > TND_WIRE_OPS_MAX) {
        tnd_buf_reset(buf);
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Too many bins: %u, at most %d",
                               (unsigned)record->bins.size, TND_WIRE_OPS_MAX);
    }
    tnd_request_set_generation(&req, policy->gen, record->gen);
    tnd_request_set_exists(&req, policy->exists);
    tnd_request_set_commit(&req, policy->commit_level, policy->durable_delete);
    return tnd_request_encode(buf, err, &req, &policy->base, policy->key);
}

as_status tnd_wire_remove(tnd_buf* buf, as_error* err, const as_key* key,
                          const as_policy_remove* policy, uint32_t timeout_ms)
{
    tnd_request req = {.key = key, .info2 = INFO2_WRITE | INFO2_DELETE, .timeout_ms = timeout_ms};
    tnd_request_set_generation(&req, policy->gen, policy->generation);
    tnd_request_set_commit(&req, policy->commit_level, policy->durable_delete);
    return tnd_request_encode(buf, err, &req, &policy->base, policy->key);
}

/* What a list of operations asks for as a whole. */
typedef struct ops_summary {
    bool has_read;         /* some operation reads */
    bool has_write;        /* some operation writes */
    bool has_read_all;     /* READ of all bins */
    bool has_complex_read; /* a read that yields more than a bin's value */
    bool wants_all;        /* some operation whose answers are told apart by position only */
} ops_summary;

static ops_summary ops_summarize(const tnd_wire_ops* ops)
{
    ops_summary sum = {.wants_all = ops->has_map_ops};
    for (uint32_t i = 0; i < ops->count; i++) {
        tnd_wire_op op = ops->entries ? ops->entries[i] : tnd_wire_op_of(&ops->binops[i]);
        tnd_wire_op_code code = op.code;
        bool is_write = tnd_request_op_writes(code);
        sum.has_write |= is_write;
        sum.has_read |= !is_write;
        sum.has_read_all |= tnd_request_op_reads_all(&op);
        sum.has_complex_read |= !is_write && code != TND_WIRE_OP_READ;
        sum.wants_all |= code == TND_WIRE_OP_EXP_READ || code == TND_WIRE_OP_EXP_MODIFY ||
                         code == TND_WIRE_OP_BITS_READ || code == TND_WIRE_OP_BITS_MODIFY ||
                         code == TND_WIRE_OP_HLL_READ || code == TND_WIRE_OP_HLL_MODIFY;
    }
    return sum;
}

bool tnd_wire_ops_write(const tnd_wire_ops* ops)
{
    return ops_summarize(ops).has_write;
}

static void set_operate_bits(tnd_request* req, const ops_summary* sum, const tnd_wire_ops* ops,
                             const as_policy_operate* policy)
{
    if (sum->has_read) {
        req->info1 |= sum->has_read_all ? INFO1_READ | INFO1_GET_ALL : INFO1_READ;
        tnd_request_set_read_modes(req, policy->read_mode_ap, policy->read_mode_sc);
    }
    if ((policy->respond_all_ops || sum->wants_all) && !sum->has_read_all) {
        req->info2 |= INFO2_RESPOND_ALL_OPS;
    }
    if (!sum->has_write) {
        /* WRITE on a list that only reads would still modify the record. */
        req->ttl = (uint32_t)policy->read_touch_ttl_percent;
        return;
    }
    req->info2 |= INFO2_WRITE;
    req->info4 |= policy->on_locking_only ? INFO4_ON_LOCKING_ONLY : 0;
    req->ttl = tnd_request_ttl(ops->ttl, policy->ttl);
    tnd_request_set_generation(req, policy->gen, ops->gen);
    tnd_request_set_exists(req, policy->exists);
    tnd_request_set_commit(req, policy->commit_level, policy->durable_delete);
}

as_status tnd_request_set_operations(tnd_request* req, as_error* err, const tnd_wire_ops* ops,
                                     const as_policy_operate* policy)
{
    req->list = (tnd_request_ops){.count = ops->count, .ops = ops->entries, .binops = ops->binops};
    if (ops->count == 0) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "No operations defined");
    }
    if (ops->count > TND_WIRE_OPS_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Too many operations: %u, at most %d",
                               ops->count, TND_WIRE_OPS_MAX);
    }
    ops_summary sum = ops_summarize(ops);
    if (!sum.has_write && sum.has_read_all && sum.has_complex_read) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "A read of all bins can't go with other reads in one command");
    }
    set_operate_bits(req, &sum, ops, policy);
    return AEROSPIKE_OK;
}

as_status tnd_wire_operate(tnd_buf* buf, as_error* err, const as_key* key, const tnd_wire_ops* ops,
                           const as_policy_operate* policy, uint32_t timeout_ms)
{
    tnd_request req = {.key = key, .timeout_ms = timeout_ms};
    if (tnd_request_set_operations(&req, err, ops, policy) != AEROSPIKE_OK) {
        tnd_buf_reset(buf);
        return err->code;
    }
    tnd_request_set_compress(&req, &policy->base);
    return tnd_request_encode(buf, err, &req, &policy->base, policy->key);
}

as_status tnd_wire_apply(tnd_buf* buf, as_error* err, const as_key* key, const tnd_wire_udf* udf,
                         const as_policy_apply* policy, uint32_t timeout_ms)
{
    tnd_request req = {.key = key,
                       .info2 = INFO2_WRITE,
                       .info4 = policy->on_locking_only ? INFO4_ON_LOCKING_ONLY : 0,
                       .ttl = tnd_request_ttl(AS_RECORD_CLIENT_DEFAULT_TTL, policy->ttl),
                       .timeout_ms = timeout_ms,
                       .udf = udf};
    tnd_request_set_commit(&req, policy->commit_level, policy->durable_delete);
    tnd_request_set_compress(&req, &policy->base);
    return tnd_request_encode(buf, err, &req, &policy->base, policy->key);
}

void tnd_wire_set_timeout(tnd_buf* buf, uint32_t timeout_ms)
{
    assert(buf->size >= TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES);
    tnd_buf_patch_be32(buf, TIMEOUT_OFFSET, timeout_ms);
}
