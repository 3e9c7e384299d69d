/*
 * Replies. Nothing of a reply is believed before tnd_wire_reply_open has walked all of it: counts
 * are only loop bounds, every length is checked by the cursor, and the last entry must end where
 * the frame does. What follows (iterating, copying into a record) then works on a known shape.
 */
#include "core/wire.h"

#include <assert.h>
#include <string.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_string.h>

#include "core/mem.h"
#include "core/msgpack.h"

enum {
    OP_FLAG_UPDATE_TIME = 0x01, /* eight bytes of time precede the value; to be ignored */
    OP_UPDATE_TIME_BYTES = 8,
    OP_SIZE_BYTES = 4, /* of an entry, not counted in it */
    OP_HEAD_BYTES = 4, /* counted */
    REQUEST_HEAD_BYTES = TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES,
    GEOJSON_HEAD_BYTES = 3,
    GEOJSON_CELL_BYTES = 8,
};

#define EPOCH_2010_SEC UINT64_C(1262304000)

/* --- frame --- */

static tnd_wire_outcome frame_bad(tnd_wire_frame_info* ret_info, const char* reason)
{
    *ret_info = (tnd_wire_frame_info){.reason = reason};
    return TND_WIRE_BAD;
}

/* The smallest body that a frame of this type may announce. */
static size_t frame_body_min(uint8_t type)
{
    switch (type) {
    case TND_WIRE_MESSAGE:
        return TND_WIRE_HEADER_BYTES;
    case TND_WIRE_ADMIN:
        return TND_WIRE_ADMIN_BYTES_MIN;
    default:
        return 0;
    }
}

tnd_wire_outcome tnd_wire_frame(const uint8_t* bytes, size_t size, uint8_t expected_type,
                                size_t body_bytes_max, tnd_wire_frame_info* ret_info)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, bytes, size);
    uint8_t version = tnd_cursor_fetch_u8(&cursor);
    if (!cursor.is_short && version != TND_WIRE_VERSION) {
        return frame_bad(ret_info, "unknown protocol version in a reply");
    }
    uint8_t type = tnd_cursor_fetch_u8(&cursor);
    if (!cursor.is_short && type != expected_type) {
        return frame_bad(ret_info, type == TND_WIRE_COMPRESSED
                                       ? "a compressed reply that wasn't asked for"
                                       : "unexpected type of reply");
    }
    uint64_t body_bytes = tnd_cursor_fetch_be48(&cursor);
    if (cursor.is_short) {
        *ret_info = (tnd_wire_frame_info){.total_bytes = TND_WIRE_FRAME_BYTES};
        return TND_WIRE_WAIT;
    }
    if (body_bytes > body_bytes_max || body_bytes > TND_WIRE_BODY_BYTES_MAX) {
        return frame_bad(ret_info, "reply too large");
    }
    if (body_bytes < frame_body_min(expected_type)) {
        return frame_bad(ret_info, "reply too small");
    }
    bool is_complete = tnd_cursor_left(&cursor) >= body_bytes;
    *ret_info = (tnd_wire_frame_info){
        .body_bytes = is_complete ? (size_t)body_bytes : 0,
        .total_bytes = TND_WIRE_FRAME_BYTES + (size_t)body_bytes,
    };
    return is_complete ? TND_WIRE_READY : TND_WIRE_WAIT;
}

/* --- reply --- */

/* Takes one entry. False if it doesn't fit into what is left. */
static bool entry_take(tnd_cursor* ops, tnd_wire_entry* ret_entry)
{
    const uint8_t* head = tnd_cursor_fetch_bytes(ops, OP_SIZE_BYTES + OP_HEAD_BYTES);
    if (!head) {
        return false;
    }
    uint8_t flags = head[OP_SIZE_BYTES + 2];
    size_t name_size = head[OP_SIZE_BYTES + 3];
    size_t before = OP_HEAD_BYTES + name_size;
    before += flags & OP_FLAG_UPDATE_TIME ? OP_UPDATE_TIME_BYTES : 0;
    uint32_t entry_size = tnd_be32_get(head);
    if (entry_size < before) {
        return false;
    }
    const uint8_t* rest = tnd_cursor_fetch_bytes(ops, entry_size - OP_HEAD_BYTES);
    if (!rest) {
        return false;
    }
    ret_entry->op = head[OP_SIZE_BYTES];
    ret_entry->type = head[OP_SIZE_BYTES + 1];
    ret_entry->name = (tnd_slice){(const char*)rest, name_size};
    ret_entry->value =
        (tnd_slice){(const char*)rest + (before - OP_HEAD_BYTES), entry_size - before};
    return true;
}

/* Skips the fields: those that mean something (transactions, error details) aren't asked for yet.
 */
static bool fields_skip(tnd_cursor* body, uint16_t fields_count)
{
    for (uint16_t i = 0; i < fields_count; i++) {
        uint32_t field_size = tnd_cursor_fetch_be32(body);
        if (field_size == 0 || !tnd_cursor_skip(body, field_size)) {
            return false;
        }
    }
    return true;
}

/* Names go into arrays of 16 bytes and must come out of them as they went in. */
static bool entry_name_fits(const tnd_wire_entry* entry)
{
    if (entry->name.size > TND_WIRE_BIN_NAME_CHARS_MAX) {
        return false;
    }
    for (size_t i = 0; i < entry->name.size; i++) {
        if (entry->name.data[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* Moves past the entries. */
static const char* ops_check(tnd_cursor* ops, uint16_t ops_count)
{
    tnd_wire_entry entry;
    for (uint16_t i = 0; i < ops_count; i++) {
        if (!entry_take(ops, &entry)) {
            return "an entry of the reply runs past its end";
        }
        if (!entry_name_fits(&entry)) {
            return "bad bin name in the reply";
        }
    }
    return NULL;
}

bool tnd_wire_reply_take(tnd_wire_reply* reply, tnd_cursor* body, const char** ret_reason)
{
    const uint8_t* header = tnd_cursor_fetch_bytes(body, TND_WIRE_HEADER_BYTES);
    if (!header || header[0] != TND_WIRE_HEADER_BYTES) {
        *ret_reason = "bad header of a reply";
        return false;
    }
    uint16_t fields_count = tnd_be16_get(header + 18);
    uint16_t ops_count = tnd_be16_get(header + 20);
    if (!fields_skip(body, fields_count)) {
        *ret_reason = "a field of the reply runs past its end";
        return false;
    }
    *reply = (tnd_wire_reply){
        .info3 = header[3],
        .result = header[5],
        .generation = tnd_be32_get(header + 6),
        .void_time = tnd_be32_get(header + 10),
        .batch_index = tnd_be32_get(header + 14),
        .ops_count = ops_count,
        .ops_left = ops_count,
        .ops = *body,
    };
    const char* reason = ops_check(body, ops_count);
    if (reason) {
        *ret_reason = reason;
        return false;
    }
    reply->ops.size = body->pos;
    return true;
}

bool tnd_wire_reply_open(tnd_wire_reply* reply, const uint8_t* body, size_t size,
                         const char** ret_reason)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, body, size);
    if (!tnd_wire_reply_take(reply, &cursor, ret_reason)) {
        return false;
    }
    if (!tnd_cursor_at_end(&cursor)) {
        *ret_reason = "bytes left over behind the reply's last entry";
        return false;
    }
    return true;
}

bool tnd_wire_op_next(tnd_wire_reply* reply, tnd_wire_entry* ret_entry)
{
    if (reply->ops_left == 0 || !entry_take(&reply->ops, ret_entry)) {
        return false;
    }
    reply->ops_left--;
    return true;
}

/* More names than these in a request aren't compared: the work would grow with their square. */
#define ANSWERS_NAMES_MAX 64u

/* The operations of a request of ours, which is well-formed. */
static tnd_cursor request_ops(const tnd_buf* request)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, request->data, request->size);
    tnd_cursor_skip(&cursor, REQUEST_HEAD_BYTES);
    fields_skip(&cursor, tnd_be16_get(request->data + REQUEST_HEAD_BYTES - 4));
    return cursor;
}

static bool ops_have_name(tnd_cursor ops, uint16_t count, tnd_slice name)
{
    tnd_wire_entry entry;
    while (count-- > 0 && entry_take(&ops, &entry)) {
        if (entry.name.size == 0 || tnd_slice_equals(entry.name, name)) {
            return true; /* without a name it is about all bins */
        }
    }
    return false;
}

bool tnd_wire_reply_answers(const tnd_wire_reply* reply, const tnd_buf* request)
{
    assert(request->size >= TND_WIRE_FRAME_BYTES);
    if (request->data[1] != TND_WIRE_MESSAGE) {
        return true; /* compressed: its names can't be seen */
    }
    uint16_t count = tnd_be16_get(request->data + REQUEST_HEAD_BYTES - 2);
    if (reply->ops_left == 0 || count == 0 || count > ANSWERS_NAMES_MAX) {
        return true;
    }
    tnd_cursor ops = request_ops(request);
    tnd_wire_reply walk = *reply;
    tnd_wire_entry entry;
    while (tnd_wire_op_next(&walk, &entry)) {
        if (!ops_have_name(ops, count, entry.name)) {
            return false;
        }
    }
    return true;
}

bool tnd_wire_failure(const tnd_wire_reply* reply, tnd_slice* ret_text)
{
    tnd_wire_reply walk = *reply;
    tnd_wire_entry entry;
    while (tnd_wire_op_next(&walk, &entry)) {
        if (tnd_slice_equals_text(entry.name, "FAILURE") && entry.type == TND_WIRE_STRING) {
            *ret_text = entry.value;
            return true;
        }
    }
    return false;
}

uint32_t tnd_wire_ttl(uint32_t void_time, uint64_t unix_now_sec)
{
    if (void_time == 0) {
        return AS_RECORD_NO_EXPIRE_TTL;
    }
    uint64_t now_sec = unix_now_sec > EPOCH_2010_SEC ? unix_now_sec - EPOCH_2010_SEC : 0;
    return void_time > now_sec ? (uint32_t)(void_time - now_sec) : 1;
}

/* --- records --- */

static uint64_t value_be(tnd_slice value)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, value.data, value.size);
    return tnd_cursor_fetch_be64(&cursor);
}

/* Cuts flags and cells off a GeoJSON value, so that its text is left. */
static bool geojson_strip(tnd_slice* value)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, value->data, value->size);
    tnd_cursor_skip(&cursor, 1); /* flags */
    size_t cells_bytes = (size_t)tnd_cursor_fetch_be16(&cursor) * GEOJSON_CELL_BYTES;
    if (!tnd_cursor_skip(&cursor, cells_bytes)) {
        return false;
    }
    tnd_slice_take(value, GEOJSON_HEAD_BYTES + cells_bytes);
    return true;
}

/* The whole value is one list, or one map. */
static bool packed_is_sound(const tnd_wire_entry* entry)
{
    tnd_cursor cursor;
    uint8_t head = entry->value.size > 0 ? (uint8_t)entry->value.data[0] : 0;
    bool is_list = (head & 0xf0) == 0x90 || head == 0xdc || head == 0xdd;
    bool is_map = (head & 0xf0) == 0x80 || head == 0xde || head == 0xdf;
    tnd_cursor_init(&cursor, entry->value.data, entry->value.size);
    return (entry->type == TND_WIRE_LIST ? is_list : is_map) && tnd_msgpack_skip(&cursor) &&
           tnd_cursor_at_end(&cursor);
}

/* Whether the value's size agrees with its type. */
static bool value_is_sound(const tnd_wire_entry* entry)
{
    tnd_slice text = entry->value;
    switch (entry->type) {
    case TND_WIRE_NULL:
        return entry->value.size == 0;
    case TND_WIRE_INTEGER:
    case TND_WIRE_DOUBLE:
        return entry->value.size == 8;
    case TND_WIRE_BOOL:
        return entry->value.size == 1;
    case TND_WIRE_GEOJSON:
        return geojson_strip(&text);
    case TND_WIRE_LIST:
    case TND_WIRE_MAP:
        return packed_is_sound(entry);
    default:
        return true;
    }
}

/* Values with bytes of their own. False without memory. */
static bool bin_set_bytes(as_bin* bin, const tnd_wire_entry* entry, tnd_recycle* recycle)
{
    tnd_slice bytes = entry->value;
    if (entry->type == TND_WIRE_GEOJSON) {
        geojson_strip(&bytes);
    }
    char* copy = tnd_recycle_take(recycle, bytes.size + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = '\0';
    switch (entry->type) {
    case TND_WIRE_STRING:
        as_string_init_wlen(&bin->value.string, copy, bytes.size, true);
        break;
    case TND_WIRE_GEOJSON:
        /* The union has no member of this type: it's laid out as a string (as_geojson.h). */
        as_geojson_init_wlen((as_geojson*)&bin->value, copy, bytes.size, true);
        break;
    default:
        as_bytes_init_wrap(&bin->value.bytes, (uint8_t*)copy, (uint32_t)bytes.size, true);
        as_bytes_set_type(&bin->value.bytes, (as_bytes_type)entry->type);
        break;
    }
    return true;
}

/* A list or map. False without memory. */
static bool bin_set_packed(as_bin* bin, const tnd_wire_entry* entry, uint64_t* values_left,
                           tnd_recycle* recycle)
{
    as_val* val = NULL;
    switch (tnd_msgpack_unpack_within(entry->value.data, entry->value.size, values_left, &val)) {
    case TND_MSGPACK_OK:
        bin->valuep = (as_bin_value*)val;
        return true;
    case TND_MSGPACK_UNSUPPORTED:
        return bin_set_bytes(bin, entry, recycle); /* better than to lose the whole record for it */
    case TND_MSGPACK_BAD:                          /* value_is_sound has seen to it */
    case TND_MSGPACK_NO_MEMORY:
        break;
    }
    return false;
}

/* Fills a bin. Lists and maps come as bytes without `values_left`. False without memory. */
static bool bin_set(as_bin* bin, const tnd_wire_entry* entry, uint64_t* values_left,
                    tnd_recycle* recycle)
{
    memset(bin, 0, sizeof(*bin));
    tnd_copy_bytes(bin->name, entry->name.data, entry->name.size);
    bin->valuep = &bin->value;
    switch (entry->type) {
    case TND_WIRE_NULL:
        bin->valuep = (as_bin_value*)&as_nil;
        return true;
    case TND_WIRE_INTEGER:
        as_integer_init(&bin->value.integer, (int64_t)value_be(entry->value));
        return true;
    case TND_WIRE_DOUBLE: {
        uint64_t bits = value_be(entry->value);
        double number;
        memcpy(&number, &bits, sizeof(number));
        as_double_init(&bin->value.dbl, number);
        return true;
    }
    case TND_WIRE_BOOL:
        as_boolean_init(&bin->value.boolean, entry->value.data[0] != 0);
        return true;
    case TND_WIRE_LIST:
    case TND_WIRE_MAP:
        return values_left ? bin_set_packed(bin, entry, values_left, recycle)
                           : bin_set_bytes(bin, entry, recycle);
    default:
        return bin_set_bytes(bin, entry, recycle);
    }
}

/* On the heap, where a bin has its value in itself. NULL without memory. */
static as_val* bin_to_value(const as_bin* bin)
{
    if (bin->valuep != &bin->value) {
        return (as_val*)bin->valuep;
    }
    as_val* val = tnd_malloc(sizeof(bin->value));
    if (val) {
        memcpy((void*)val, (const void*)&bin->value, sizeof(bin->value));
        val->free = true;
    } else {
        as_val_destroy((const as_val*)&bin->value);
    }
    return val;
}

as_status tnd_wire_udf_value(const tnd_wire_reply* reply, as_val** ret_val, as_error* err)
{
    tnd_wire_reply walk = *reply;
    tnd_wire_entry entry;
    if (!tnd_wire_op_next(&walk, &entry) || !tnd_slice_equals_text(entry.name, "SUCCESS") ||
        !value_is_sound(&entry)) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "Bad reply: a UDF's value is missing or contradicts its type");
    }
    as_bin bin = {0};
    uint64_t values_left = TND_WIRE_VALUES_MAX;
    *ret_val = bin_set(&bin, &entry, &values_left, NULL) ? bin_to_value(&bin) : NULL;
    return *ret_val ? AEROSPIKE_OK
                    : as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a UDF's value");
}

/* What was made so far goes; `err` is set. */
static as_status record_undo(as_bin* bins, uint16_t count, const as_error* err)
{
    for (uint16_t i = 0; i < count; i++) {
        as_val_destroy((as_val*)bins[i].valuep);
    }
    tnd_free(bins);
    return err->code;
}

static as_status record_no_memory(as_error* err)
{
    return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: record");
}

/* Fills `bins` with all entries; `*ret_count` of them are there in any case. */
static as_status record_fill_bins(const tnd_wire_reply* reply, as_bin* bins, uint16_t* ret_count,
                                  tnd_recycle* recycle, as_error* err)
{
    tnd_cursor ops = reply->ops;
    tnd_wire_entry entry;
    uint64_t values_left = TND_WIRE_VALUES_MAX;
    *ret_count = 0;
    while (*ret_count < reply->ops_left && entry_take(&ops, &entry)) {
        bool is_plain = entry.type == TND_WIRE_STRING || entry.type == TND_WIRE_BLOB;
        if (!is_plain && !value_is_sound(&entry)) {
            return as_error_update(
                err, AEROSPIKE_ERR_CLIENT, "Bad reply: bin '%.*s' of type %u with %zu bytes",
                (int)entry.name.size, entry.name.data, (unsigned)entry.type, entry.value.size);
        }
        if (!bin_set(&bins[*ret_count], &entry, reply->keeps_packed ? NULL : &values_left,
                     recycle)) {
            return record_no_memory(err);
        }
        ++*ret_count;
    }
    return AEROSPIKE_OK;
}

/* The value's memory, where it is the bin's own; a program may have put another value there. */
static void bin_recycle(as_bin* bin, tnd_recycle* recycle)
{
    as_val* val = (as_val*)bin->valuep;
    as_string* string = &bin->value.string;
    as_bytes* bytes = &bin->value.bytes;
    bool is_embedded = bin->valuep == &bin->value && val->count <= 1;
    as_val_t type = is_embedded ? as_val_type(val) : AS_UNDEF;
    if ((type == AS_STRING || type == AS_GEOJSON) && string->free) {
        tnd_recycle_give(recycle, string->value);
    } else if (type == AS_BYTES && bytes->free) {
        tnd_recycle_give(recycle, bytes->value);
    } else {
        as_val_destroy(val);
    }
}

void tnd_wire_record_done(as_record* record, tnd_recycle* recycle)
{
    as_bins* bins = &record->bins;
    for (uint16_t i = 0; i < bins->size; i++) {
        bin_recycle(&bins->entries[i], recycle);
    }
    if (bins->_free) {
        tnd_recycle_give(recycle, bins->entries);
    }
    *bins = (as_bins){0};
    if (record->_._.free || record->_._.count > 1 || record->key.valuep) {
        as_record_destroy(record); /* else nothing is left */
    }
}

as_status tnd_wire_record(const tnd_wire_reply* reply, uint64_t unix_now_sec, as_record* record,
                          tnd_recycle* recycle, as_error* err)
{
    assert(!record->bins.entries && record->bins.size == 0);
    as_bin* bins = NULL;
    uint16_t count = 0;
    if (reply->ops_left > 0) {
        bins = tnd_recycle_take(recycle, reply->ops_left * sizeof(*bins));
        if (!bins) {
            return record_no_memory(err);
        }
        if (record_fill_bins(reply, bins, &count, recycle, err) != AEROSPIKE_OK) {
            return record_undo(bins, count, err);
        }
    }
    record->bins = (as_bins){.entries = bins, .capacity = count, .size = count, ._free = bins};
    record->gen = (uint16_t)reply->generation;
    record->ttl = tnd_wire_ttl(reply->void_time, unix_now_sec);
    return AEROSPIKE_OK;
}
