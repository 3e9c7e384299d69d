/*
 * Rows and messages of batches. Row bits are those of single commands; what differs stands in
 * protocol/records.md 9.3.
 */
#include "core/wire_batch.h"

#include <assert.h>
#include <string.h>

#include "core/digest.h"
#include "core/wire_request.h"

enum {
    INFO1_BATCH = 0x08,
    INFO3_LAST = 0x01,

    FIELD_BATCH = 41,
    FIELD_HEAD_BYTES = 5,
    FRAME_OFFSET = 0,
    FIELD_OFFSET = TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES,
    COUNT_OFFSET = FIELD_OFFSET + FIELD_HEAD_BYTES,

    ROW_REPEAT = 0x01,
};

/* --- rows --- */

static const as_exp* filter_of(const as_exp* own, const as_exp* usual)
{
    return own ? own : usual;
}

as_status tnd_wire_row_read(tnd_buf* rows, as_error* err, const as_key* key,
                            const tnd_wire_row_bins* bins, const as_policy_batch_read* policy,
                            const as_exp* usual)
{
    tnd_request req = {
        .key = key, .info1 = INFO1_READ, .filter = filter_of(policy->filter_exp, usual)};
    if (bins->ops) {
        as_policy_operate operate;
        as_policy_operate_init(&operate);
        operate.respond_all_ops = true;
        operate.read_mode_ap = policy->read_mode_ap;
        operate.read_mode_sc = policy->read_mode_sc;
        operate.read_touch_ttl_percent = policy->read_touch_ttl_percent;
        if (tnd_wire_ops_write(bins->ops)) {
            return as_error_update(err, AEROSPIKE_ERR_PARAM,
                                   "A batch read's operations can't write");
        }
        if (tnd_request_set_operations(&req, err, bins->ops, &operate) != AEROSPIKE_OK) {
            return err->code;
        }
        req.info2 = 0; /* a read's row gets an answer per operation anyway */
        return tnd_request_append_row(rows, err, &req, AS_POLICY_KEY_DIGEST);
    }
    if (bins->names_count > TND_WIRE_OPS_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Too many bin names: %u, at most %d",
                               bins->names_count, TND_WIRE_OPS_MAX);
    }
    if (bins->names_count > 0) {
        req.list = (tnd_request_ops){.count = bins->names_count, .names = bins->names};
    } else {
        req.info1 |= bins->wants_all ? INFO1_GET_ALL : INFO1_GET_NO_BINS;
    }
    req.ttl = (uint32_t)policy->read_touch_ttl_percent;
    tnd_request_set_read_modes(&req, policy->read_mode_ap, policy->read_mode_sc);
    return tnd_request_append_row(rows, err, &req, AS_POLICY_KEY_DIGEST);
}

as_status tnd_wire_row_write(tnd_buf* rows, as_error* err, const as_key* key,
                             const tnd_wire_ops* ops, const as_policy_batch_write* policy,
                             const as_exp* usual)
{
    tnd_request req = {.key = key, .filter = filter_of(policy->filter_exp, usual)};
    as_policy_operate operate;
    as_policy_operate_init(&operate);
    operate.respond_all_ops = true;
    operate.gen = policy->gen;
    operate.exists = policy->exists;
    operate.ttl = policy->ttl;
    operate.commit_level = policy->commit_level;
    operate.durable_delete = policy->durable_delete;
    operate.on_locking_only = policy->on_locking_only;
    if (tnd_request_set_operations(&req, err, ops, &operate) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!(req.info2 & INFO2_WRITE)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "A batch write's operations only read: make it a batch read");
    }
    return tnd_request_append_row(rows, err, &req, policy->key);
}

as_status tnd_wire_row_apply(tnd_buf* rows, as_error* err, const as_key* key,
                             const tnd_wire_udf* udf, const as_policy_batch_apply* policy,
                             const as_exp* usual)
{
    tnd_request req = {.key = key,
                       .info2 = INFO2_WRITE,
                       .info4 = policy->on_locking_only ? INFO4_ON_LOCKING_ONLY : 0,
                       .ttl = tnd_request_ttl(AS_RECORD_CLIENT_DEFAULT_TTL, policy->ttl),
                       .filter = filter_of(policy->filter_exp, usual),
                       .udf = udf};
    tnd_request_set_commit(&req, policy->commit_level, policy->durable_delete);
    return tnd_request_append_row(rows, err, &req, policy->key);
}

as_status tnd_wire_row_remove(tnd_buf* rows, as_error* err, const as_key* key,
                              const as_policy_batch_remove* policy, const as_exp* usual)
{
    tnd_request req = {.key = key,
                       .info2 = INFO2_WRITE | INFO2_DELETE | INFO2_RESPOND_ALL_OPS,
                       .filter = filter_of(policy->filter_exp, usual)};
    tnd_request_set_generation(&req, policy->gen, policy->generation);
    tnd_request_set_commit(&req, policy->commit_level, policy->durable_delete);
    return tnd_request_append_row(rows, err, &req, policy->key);
}

/* --- messages --- */

void tnd_wire_batch_begin(tnd_buf* buf, unsigned flags, uint32_t timeout_ms)
{
    assert(buf->size == 0);
    tnd_buf_append_be64(buf, 0); /* the frame, with the size, comes last */
    tnd_buf_append_u8(buf, TND_WIRE_HEADER_BYTES);
    tnd_buf_append_u8(buf, flags & TND_WIRE_BATCH_COMPRESS ? INFO1_BATCH | INFO1_COMPRESS_RESPONSE
                                                           : INFO1_BATCH);
    tnd_buf_append_be32(buf, 0); /* info2 to info4, result code */
    tnd_buf_append_be32(buf, 0); /* generation */
    tnd_buf_append_be32(buf, 0); /* ttl */
    tnd_buf_append_be32(buf, timeout_ms);
    tnd_buf_append_be16(buf, 1); /* fields */
    tnd_buf_append_be16(buf, 0); /* operations */
    tnd_buf_append_be32(buf, 0); /* of the field: its size and its rows come last */
    tnd_buf_append_u8(buf, FIELD_BATCH);
    tnd_buf_append_be32(buf, 0);
    tnd_buf_append_u8(buf, (uint8_t)flags);
}

void tnd_wire_batch_add(tnd_buf* buf, uint32_t index, const uint8_t* digest, const uint8_t* row,
                        size_t size, bool repeats)
{
    uint8_t* at = tnd_buf_claim(buf, TND_WIRE_ROW_KEY_BYTES + (repeats ? 1 : size));
    if (!at) {
        return;
    }
    tnd_be32_put(at, index);
    memcpy(at + 4, digest, TND_DIGEST_BYTES);
    if (repeats) {
        at[TND_WIRE_ROW_KEY_BYTES] = ROW_REPEAT;
    } else {
        memcpy(at + TND_WIRE_ROW_KEY_BYTES, row, size);
    }
}

as_status tnd_wire_batch_end(tnd_buf* buf, uint32_t rows_count, as_error* err)
{
    tnd_buf_state state = buf->state;
    size_t body_bytes = buf->size - TND_WIRE_FRAME_BYTES;
    if (state == TND_BUF_OK && body_bytes <= TND_WIRE_BODY_BYTES_MAX) {
        tnd_buf_patch_be64(buf, FRAME_OFFSET,
                           (uint64_t)TND_WIRE_VERSION << 56 | (uint64_t)TND_WIRE_MESSAGE << 48 |
                               body_bytes);
        tnd_buf_patch_be32(buf, FIELD_OFFSET, (uint32_t)(buf->size - FIELD_OFFSET - 4));
        tnd_buf_patch_be32(buf, COUNT_OFFSET, rows_count);
        return AEROSPIKE_OK;
    }
    tnd_buf_reset(buf);
    if (state == TND_BUF_NO_MEMORY) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a batch of %u rows",
                               rows_count);
    }
    return as_error_update(err, AEROSPIKE_ERR_RECORD_TOO_BIG,
                           "%u rows of a batch need more than %d bytes", rows_count,
                           TND_WIRE_BODY_BYTES_MAX);
}

bool tnd_wire_row_has_key(const uint8_t* row, size_t size)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, row, size);
    uint8_t flags = tnd_cursor_fetch_u8(&cursor);
    tnd_cursor_skip(&cursor, 3u + (flags & TND_ROW_INFO4 ? 1 : 0) +
                                 (flags & TND_ROW_GENERATION ? 2 : 0) + 4u);
    uint16_t fields_count = tnd_cursor_fetch_be16(&cursor);
    tnd_cursor_skip(&cursor, 2);
    for (uint16_t i = 0; i < fields_count; i++) {
        tnd_cursor field = tnd_cursor_fetch_part(&cursor, tnd_cursor_fetch_be32(&cursor));
        if (tnd_cursor_fetch_u8(&field) == TND_FIELD_KEY) {
            return true;
        }
    }
    return false;
}

/* --- answers --- */

bool tnd_wire_batch_next(tnd_cursor* body, tnd_wire_reply* ret_reply, const char** ret_reason)
{
    *ret_reason = NULL;
    return tnd_cursor_left(body) > 0 && tnd_wire_reply_take(ret_reply, body, ret_reason);
}

bool tnd_wire_reply_is_last(const tnd_wire_reply* reply)
{
    return reply->info3 & INFO3_LAST;
}
