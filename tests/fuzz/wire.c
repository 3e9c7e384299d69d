/*
 * Replies to record commands. The input is a frame. Promises: a prefix never knows more than the
 * whole; what opens iterates to its end; what becomes a record can be put again and comes out the
 * same.
 */
#include "core/wire.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum {
    BODY_BYTES_MAX = 1 << 20
};

static void check_prefixes(const uint8_t* data, size_t size, tnd_wire_outcome whole)
{
    for (size_t cut = 0; cut <= size && cut <= TND_WIRE_FRAME_BYTES + 1; cut++) {
        tnd_wire_frame_info info;
        tnd_wire_outcome part = tnd_wire_frame(data, cut, TND_WIRE_MESSAGE, BODY_BYTES_MAX, &info);
        must(part != TND_WIRE_BAD || (whole == TND_WIRE_BAD && info.reason));
        must(part != TND_WIRE_WAIT || info.total_bytes > cut);
        must(part != TND_WIRE_READY || whole == TND_WIRE_READY);
    }
}

/* GeoJSON loses its cells on the way in. */
static tnd_slice without_cells(const tnd_wire_entry* entry)
{
    tnd_slice value = entry->value;
    if (entry->type == TND_WIRE_GEOJSON) {
        const uint8_t* bytes = (const uint8_t*)value.data;
        tnd_slice_take(&value, 3 + 8 * ((size_t)bytes[1] << 8 | bytes[2]));
    }
    return value;
}

static void check_same_entries(tnd_wire_reply came, tnd_wire_reply went)
{
    tnd_wire_entry a, b;
    while (tnd_wire_op_next(&came, &a)) {
        must(tnd_wire_op_next(&went, &b));
        must(tnd_slice_equals(a.name, b.name));
        must(a.type == b.type && b.op == TND_WIRE_OP_WRITE);
        if (a.type == TND_WIRE_BOOL) {
            must((a.value.data[0] != 0) == (b.value.data[0] != 0));
        } else {
            must(tnd_slice_equals(without_cells(&a), without_cells(&b)));
        }
    }
    must(!tnd_wire_op_next(&went, &b));
}

/* A request's body is laid out like a reply's: the decoder reads what the encoder wrote. */
static void check_round_trip(const tnd_wire_reply* came, const as_record* record)
{
    tnd_buf buf;
    as_error err;
    as_key key;
    as_policy_write policy;
    tnd_wire_reply went;
    const char* reason;
    tnd_buf_init(&buf, TND_WIRE_BODY_BYTES_MAX);
    as_error_init(&err);
    as_policy_write_init(&policy);
    as_key_init_int64(&key, "test", "demo", 1);
    as_status status = tnd_wire_put(&buf, &err, &key, record, &policy, 0);
    if (record->bins.size > TND_WIRE_OPS_MAX) {
        must(status == AEROSPIKE_ERR_PARAM);
    } else {
        must(status == AEROSPIKE_OK);
        must(tnd_wire_reply_open(&went, buf.data + TND_WIRE_FRAME_BYTES,
                                 buf.size - TND_WIRE_FRAME_BYTES, &reason));
        check_same_entries(*came, went);
    }
    tnd_buf_done(&buf);
    as_key_destroy(&key);
}

static void check_body(const uint8_t* body, size_t size)
{
    tnd_wire_reply reply, walk;
    tnd_wire_entry entry;
    tnd_slice text;
    as_record record;
    as_error err;
    const char* reason = NULL;
    if (!tnd_wire_reply_open(&reply, body, size, &reason)) {
        must(reason);
        return;
    }
    uint32_t count = 0;
    walk = reply;
    while (tnd_wire_op_next(&walk, &entry)) {
        must(entry.name.size <= TND_WIRE_BIN_NAME_CHARS_MAX);
        count++;
    }
    must(count == reply.ops_count && tnd_cursor_at_end(&walk.ops));
    tnd_wire_failure(&reply, &text);
    as_error_init(&err);
    as_record_init(&record, 0);
    reply.keeps_packed = true; /* lists and maps as values are the target msgpack's business, ... */
    if (tnd_wire_record(&reply, 1700000000, &record, NULL, &err) == AEROSPIKE_OK) {
        must(record.bins.size == count);
        check_round_trip(&reply, &record);
    } else {
        must(err.code != AEROSPIKE_OK && !record.bins.entries);
    }
    bool is_record = record.bins.size == count && (count == 0 || record.bins.entries);
    as_record_destroy(&record);
    reply.keeps_packed = false; /* ... but whether there is a record doesn't depend on them */
    as_record_init(&record, 0);
    must((tnd_wire_record(&reply, 1700000000, &record, NULL, &err) == AEROSPIKE_OK) == is_record ||
         count == 0);
    as_record_destroy(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    tnd_wire_frame_info info;
    tnd_wire_outcome outcome = tnd_wire_frame(data, size, TND_WIRE_MESSAGE, BODY_BYTES_MAX, &info);
    check_prefixes(data, size, outcome);
    if (outcome == TND_WIRE_READY) {
        must(info.total_bytes <= size);
        check_body(data + TND_WIRE_FRAME_BYTES, info.body_bytes);
    }
    /* Behind a broken frame the body is as good as any: most mutations of sizes end there. */
    if (size > TND_WIRE_FRAME_BYTES) {
        check_body(data + TND_WIRE_FRAME_BYTES, size - TND_WIRE_FRAME_BYTES);
    }
    return 0;
}
