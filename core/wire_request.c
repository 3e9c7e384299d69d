/*
 * Requests out of keys, values and operations: the two walks, the fields, the bits of policies.
 */
#include "core/wire_request.h"

#include <assert.h>
#include <string.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_exp.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_string.h>

#include "core/digest.h"
#include "core/key.h"
#include "core/msgpack.h"
#include "core/operations.h"

enum {
    FIELD_NAMESPACE = 0,
    FIELD_SET = 1,
    FIELD_DIGEST = 4,
    FIELD_UDF_PACKAGE = 30,
    FIELD_UDF_FUNCTION = 31,
    FIELD_UDF_ARGLIST = 32,
    FIELD_FILTER = 43,
};

enum {
    FIELD_OVERHEAD_BYTES = 5, /* size and type */
    OP_OVERHEAD_BYTES = 8,    /* size, op, type, flags, name size */
    ERROR_NAME_CHARS_MAX = 128,
    UDF_NAME_CHARS_MAX = 127,
};

#define ROW_HEAD_BYTES_MAX 16 /* flags to operation count, of a batch's row */

/* The set of the transaction monitors, which only the library itself may write. */
static const char RESERVED_SET[] = "<ERO~MRT";

/* Three bytes that precede GeoJSON text: flags 0, no cells. The server computes the cells. */
static const uint8_t GEOJSON_PREFIX[3] = {0};

/* --- values --- */

static tnd_wire_value value_number(uint8_t type, uint64_t bits)
{
    tnd_wire_value value = {.type = type, .size = 8};
    for (size_t i = 0; i < 8; i++) {
        value.number[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    return value;
}

static tnd_wire_value value_double(double number)
{
    uint64_t bits;
    static_assert(sizeof(bits) == sizeof(number), "IEEE 754 double");
    memcpy(&bits, &number, sizeof(bits));
    return value_number(TND_WIRE_DOUBLE, bits);
}

static tnd_wire_value value_text(uint8_t type, const char* text, size_t size)
{
    /* Lengths are computed here and not by as_string_len, which would write into the caller's
     * value. */
    return (tnd_wire_value){
        .type = type,
        .prefix_size = type == TND_WIRE_GEOJSON ? sizeof(GEOJSON_PREFIX) : 0,
        .bytes = text ? text : "",
        .size = !text              ? 0
                : size == SIZE_MAX ? strlen(text)
                                   : size,
    };
}

static as_status value_bytes(as_error* err, const as_bytes* bytes, tnd_wire_value* ret_value)
{
    /* Type 0 would delete the bin instead of writing it. */
    if (bytes->type <= AS_BYTES_UNDEF || (unsigned)bytes->type > UINT8_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Invalid bytes type: %d",
                               (int)bytes->type);
    }
    if (bytes->type == AS_BYTES_LIST && !tnd_msgpack_list_is_safe(bytes->value, bytes->size)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "Bytes of a list with a persistent index but without order: a "
                               "server might not survive them");
    }
    *ret_value = (tnd_wire_value){
        .type = (uint8_t)bytes->type,
        .bytes = bytes->value ? (const void*)bytes->value : "",
        .size = bytes->value ? bytes->size : 0,
    };
    return AEROSPIKE_OK;
}

static as_status value_packed(as_error* err, uint8_t type, const as_val* val,
                              tnd_wire_value* ret_value)
{
    uint64_t size;
    const char* reason;
    if (!tnd_msgpack_size(val, false, &size, &reason)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Invalid value: %s", reason);
    }
    if (size > TND_WIRE_BODY_BYTES_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_RECORD_TOO_BIG,
                               "A list or map of %llu bytes is too large",
                               (unsigned long long)size);
    }
    *ret_value = (tnd_wire_value){.type = type, .size = (size_t)size, .packed = val};
    return AEROSPIKE_OK;
}

static as_status value_of(as_error* err, const as_val* val, tnd_wire_value* ret_value)
{
    switch (as_val_type(val)) {
    case AS_NIL:
        *ret_value = (tnd_wire_value){.type = TND_WIRE_NULL};
        return AEROSPIKE_OK;
    case AS_BOOLEAN:
        *ret_value = (tnd_wire_value){
            .type = TND_WIRE_BOOL, .size = 1, .number = {((const as_boolean*)val)->value}};
        return AEROSPIKE_OK;
    case AS_INTEGER:
        *ret_value = value_number(TND_WIRE_INTEGER, (uint64_t)((const as_integer*)val)->value);
        return AEROSPIKE_OK;
    case AS_DOUBLE:
        *ret_value = value_double(((const as_double*)val)->value);
        return AEROSPIKE_OK;
    case AS_STRING:
        *ret_value = value_text(TND_WIRE_STRING, ((const as_string*)val)->value,
                                ((const as_string*)val)->len);
        return AEROSPIKE_OK;
    case AS_GEOJSON:
        *ret_value = value_text(TND_WIRE_GEOJSON, ((const as_geojson*)val)->value,
                                ((const as_geojson*)val)->len);
        return AEROSPIKE_OK;
    case AS_BYTES:
        return value_bytes(err, (const as_bytes*)val, ret_value);
    case AS_LIST:
    case AS_PAIR:
        return value_packed(err, TND_WIRE_LIST, val, ret_value);
    case AS_MAP:
        return value_packed(err, TND_WIRE_MAP, val, ret_value);
    default:
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Invalid value type: %d",
                               (int)as_val_type(val));
    }
}

static size_t value_size(const tnd_wire_value* value)
{
    return value->prefix_size + value->size;
}

static void append_value(tnd_buf* buf, const tnd_wire_value* value)
{
    if (value->packed) {
        tnd_msgpack_append(buf, value->packed);
        return;
    }
    tnd_buf_append_bytes(buf, GEOJSON_PREFIX, value->prefix_size);
    tnd_buf_append_bytes(buf, value->bytes ? value->bytes : value->number, value->size);
}

/* --- operations --- */

static tnd_wire_op list_at(const tnd_request_ops* list, uint32_t index)
{
    if (list->ops) {
        return list->ops[index];
    }
    if (list->binops) {
        return tnd_wire_op_of(&list->binops[index]);
    }
    if (list->bins) {
        const as_bin* bin = &list->bins[index];
        return (tnd_wire_op){TND_WIRE_OP_WRITE, bin->name, (const as_val*)bin->valuep};
    }
    return (tnd_wire_op){TND_WIRE_OP_READ, list->names[index], NULL};
}

static as_status op_check_name(as_error* err, const tnd_request_ops* list, const char* name)
{
    /* The name of a bin is an array that needn't be terminated; the others are C strings. */
    bool is_array = list->bins || list->binops;
    size_t readable = is_array ? AS_BIN_NAME_MAX_SIZE : ERROR_NAME_CHARS_MAX;
    if (!name) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Bin name is NULL");
    }
    size_t size = strnlen(name, readable);
    if (size > TND_WIRE_BIN_NAME_CHARS_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Bin name too long: %.*s", (int)size,
                               name);
    }
    if (list->names && size == 0) {
        /* On the wire it would mean all bins, or the bin without a name. */
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Bin name is empty");
    }
    return AEROSPIKE_OK;
}

bool tnd_request_op_writes(tnd_wire_op_code code)
{
    switch (code) {
    case TND_WIRE_OP_WRITE:
    case TND_WIRE_OP_CDT_MODIFY:
    case TND_WIRE_OP_INCR:
    case TND_WIRE_OP_EXP_MODIFY:
    case TND_WIRE_OP_APPEND:
    case TND_WIRE_OP_PREPEND:
    case TND_WIRE_OP_TOUCH:
    case TND_WIRE_OP_BITS_MODIFY:
    case TND_WIRE_OP_DELETE_ALL:
    case TND_WIRE_OP_HLL_MODIFY:
        return true;
    case TND_WIRE_OP_READ:
    case TND_WIRE_OP_CDT_READ:
    case TND_WIRE_OP_EXP_READ:
    case TND_WIRE_OP_BITS_READ:
    case TND_WIRE_OP_HLL_READ:
        return false;
    }
    return false;
}

bool tnd_request_op_reads_all(const tnd_wire_op* op)
{
    return op->code == TND_WIRE_OP_READ && op->name && op->name[0] == '\0';
}

/* Whether an operation with this code takes a value of this kind. `val` may be NULL. */
static bool op_accepts(tnd_wire_op_code code, const as_val* val)
{
    as_val_t type = as_val_type(val);
    switch (code) {
    case TND_WIRE_OP_READ:
    case TND_WIRE_OP_TOUCH:
    case TND_WIRE_OP_DELETE_ALL:
        return !val;
    case TND_WIRE_OP_WRITE:
        return val != NULL;
    case TND_WIRE_OP_INCR:
        return type == AS_INTEGER || type == AS_DOUBLE;
    case TND_WIRE_OP_APPEND:
    case TND_WIRE_OP_PREPEND:
        return type == AS_STRING || type == AS_BYTES;
    case TND_WIRE_OP_CDT_READ:
    case TND_WIRE_OP_CDT_MODIFY:
    case TND_WIRE_OP_EXP_READ:
    case TND_WIRE_OP_EXP_MODIFY:
    case TND_WIRE_OP_BITS_READ:
    case TND_WIRE_OP_BITS_MODIFY:
    case TND_WIRE_OP_HLL_READ:
    case TND_WIRE_OP_HLL_MODIFY:
        return type == AS_BYTES;
    }
    return false;
}

static bool op_needs_name(tnd_wire_op_code code)
{
    return code != TND_WIRE_OP_READ && code != TND_WIRE_OP_TOUCH && code != TND_WIRE_OP_DELETE_ALL;
}

/* Checks operation `index` and yields its wire form. */
static as_status op_prepare(as_error* err, const tnd_request_ops* list, uint32_t index,
                            tnd_wire_op* ret_op, tnd_wire_value* ret_value)
{
    tnd_wire_op op = list_at(list, index);
    as_status status = op_check_name(err, list, op.name);
    if (status != AEROSPIKE_OK) {
        return status;
    }
    if (list->binops && op.name[0] == '\0' && op_needs_name(op.code)) {
        /* The server would make a bin that nobody can read again. */
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Operation %d: the bin name is empty",
                               (int)op.code);
    }
    const char* refusal = list->binops ? tnd_operations_refusal(&list->binops[index]) : NULL;
    if (refusal) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Operation %u on bin '%s': %s", index + 1,
                               op.name, refusal);
    }
    if (!op_accepts(op.code, op.value)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "Operation %d on bin '%s' can't take this value", (int)op.code,
                               op.name);
    }
    *ret_op = op;
    *ret_value = (tnd_wire_value){.type = TND_WIRE_NULL};
    return op.value ? value_of(err, op.value, ret_value) : AEROSPIKE_OK;
}

static void append_op(tnd_buf* buf, const tnd_wire_op* op, const tnd_wire_value* value)
{
    size_t name_size = strlen(op->name);
    tnd_buf_append_be32(buf, (uint32_t)(4 + name_size + value_size(value)));
    tnd_buf_append_u8(buf, (uint8_t)op->code);
    tnd_buf_append_u8(buf, value->type);
    tnd_buf_append_u8(buf, 0);
    tnd_buf_append_u8(buf, (uint8_t)name_size);
    tnd_buf_append_bytes(buf, op->name, name_size);
    append_value(buf, value);
}

/* --- the message --- */

static as_status check_policy_base(as_error* err, const as_policy_base* base)
{
    if (base->txn) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "transactions are not supported yet");
    }
    if (base->error_detail_verbosity > 2) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "error_detail_verbosity is at most 2");
    }
    return AEROSPIKE_OK;
}

static as_status check_key(as_error* err, tnd_request* req)
{
    const as_key* key = req->key;
    req->ns_size = strnlen(key->ns, sizeof(key->ns));
    req->set_size = strnlen(key->set, sizeof(key->set));
    if (req->ns_size == 0 || req->ns_size >= sizeof(key->ns)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Namespace must have 1 to 31 bytes");
    }
    if (req->set_size >= sizeof(key->set)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Set must have at most 63 bytes");
    }
    if ((req->info2 & INFO2_WRITE) && strcmp(key->set, RESERVED_SET) == 0) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Set '%s' is reserved", RESERVED_SET);
    }
    /* The digest is kept in the key, whose const means "the application's part". */
    return key->digest.init ? AEROSPIKE_OK : tnd_key_set_digest(err, (as_key*)key, req->set_size);
}

/* What the first walk finds for the second; each is set where the request has it. */
typedef struct request_values {
    tnd_wire_value user_key;
    tnd_wire_value udf_args;
} request_values;

/* What the digest was made of goes along when the policy says so; a key of a digest alone has none.
 */
static as_status prepare_user_key(as_error* err, tnd_request* req, as_policy_key policy,
                                  request_values* ret_values)
{
    req->has_user_key = policy == AS_POLICY_KEY_SEND && req->key->valuep;
    if (!req->has_user_key) {
        return AEROSPIKE_OK;
    }
    const as_val* val = (const as_val*)req->key->valuep;
    switch (as_val_type(val)) {
    case AS_INTEGER:
    case AS_DOUBLE:
    case AS_STRING:
    case AS_BYTES:
        return value_of(err, val, &ret_values->user_key);
    default:
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Invalid key type");
    }
}

/* ---- filter ---- */

static as_status check_filter(as_error* err, const tnd_request* req)
{
    if (req->filter && req->filter->packed_sz == 0) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "The filter expression is empty");
    }
    return AEROSPIKE_OK;
}

/* ---- UDF ---- */

static const uint8_t NO_ARGUMENTS[] = {0x90}; /* an empty list */

static as_status check_udf_name(as_error* err, const char* what, const char* name)
{
    size_t size = name ? strnlen(name, UDF_NAME_CHARS_MAX + 1) : 0;
    if (size == 0 || size > UDF_NAME_CHARS_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "A UDF's %s needs a name of 1 to %d bytes",
                               what, UDF_NAME_CHARS_MAX);
    }
    return AEROSPIKE_OK;
}

static as_status prepare_udf(as_error* err, const tnd_request* req, request_values* ret_values)
{
    const tnd_wire_udf* udf = req->udf;
    if (!udf) {
        return AEROSPIKE_OK;
    }
    if (check_udf_name(err, "module", udf->module) != AEROSPIKE_OK ||
        check_udf_name(err, "function", udf->function) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!udf->arglist) {
        ret_values->udf_args =
            (tnd_wire_value){.bytes = NO_ARGUMENTS, .size = sizeof(NO_ARGUMENTS)};
        return AEROSPIKE_OK;
    }
    return value_of(err, (const as_val*)udf->arglist, &ret_values->udf_args);
}

/* ---- fields ---- */

static uint16_t fields_count(const tnd_request* req, bool has_digest)
{
    unsigned more = req->filter || req->udf ? (req->filter ? 1u : 0u) + (req->udf ? 3u : 0u) : 0u;
    return (uint16_t)(2u + has_digest + req->has_user_key + more);
}

/* Of those that every request has. */
static size_t names_size(const tnd_request* req, bool has_digest)
{
    return 2 * FIELD_OVERHEAD_BYTES + req->ns_size + req->set_size +
           (has_digest ? FIELD_OVERHEAD_BYTES + TND_DIGEST_BYTES : 0);
}

static uint64_t fields_size(const tnd_request* req, const request_values* values, bool has_digest)
{
    uint64_t size = names_size(req, has_digest);
    if (req->has_user_key) {
        size += FIELD_OVERHEAD_BYTES + 1 + value_size(&values->user_key);
    }
    if (req->filter) {
        size += FIELD_OVERHEAD_BYTES + (uint64_t)req->filter->packed_sz;
    }
    if (req->udf) {
        size += FIELD_OVERHEAD_BYTES + strlen(req->udf->module);
        size += FIELD_OVERHEAD_BYTES + strlen(req->udf->function);
        size += FIELD_OVERHEAD_BYTES + value_size(&values->udf_args);
    }
    return size;
}

/* Checks all operations and adds up the body. */
static as_status request_measure(as_error* err, const tnd_request* req,
                                 const request_values* values, bool has_digest, uint64_t* ret_bytes)
{
    uint64_t bytes = fields_size(req, values, has_digest);
    for (uint32_t i = 0; i < req->list.count; i++) {
        tnd_wire_op op;
        tnd_wire_value value;
        as_status status = op_prepare(err, &req->list, i, &op, &value);
        if (status != AEROSPIKE_OK) {
            return status;
        }
        bytes += OP_OVERHEAD_BYTES + strlen(op.name) + value_size(&value);
    }
    *ret_bytes = bytes;
    return AEROSPIKE_OK;
}

/* Frame and header. This and the following return where the next one goes. */
static uint8_t* put_header(uint8_t* at, const tnd_request* req, uint64_t body_bytes)
{
    tnd_be64_put(at,
                 (uint64_t)TND_WIRE_VERSION << 56 | (uint64_t)TND_WIRE_MESSAGE << 48 | body_bytes);
    at += TND_WIRE_FRAME_BYTES;
    at[0] = TND_WIRE_HEADER_BYTES;
    at[1] = req->info1;
    at[2] = req->info2;
    at[3] = req->info3;
    at[4] = req->info4;
    at[5] = 0; /* result code: of replies only */
    tnd_be32_put(at + 6, req->generation);
    tnd_be32_put(at + 10, req->ttl);
    tnd_be32_put(at + 14, req->timeout_ms);
    tnd_be16_put(at + 18, fields_count(req, true));
    tnd_be16_put(at + 20, (uint16_t)req->list.count);
    return at + TND_WIRE_HEADER_BYTES;
}

static inline uint8_t* put_field(uint8_t* at, uint8_t type, const void* bytes, size_t size)
{
    tnd_be32_put(at, (uint32_t)(size + 1));
    at[4] = type;
    tnd_copy_bytes(at + FIELD_OVERHEAD_BYTES, bytes, size);
    return at + FIELD_OVERHEAD_BYTES + size;
}

static void append_field(tnd_buf* buf, uint8_t type, const void* bytes, size_t size)
{
    uint8_t* at = tnd_buf_claim(buf, FIELD_OVERHEAD_BYTES + size);
    assert(at); /* the whole request has been reserved */
    put_field(at, type, bytes, size);
}

static void append_value_field(tnd_buf* buf, uint8_t type, const tnd_wire_value* value)
{
    tnd_buf_append_be32(buf, (uint32_t)(1 + value_size(value)));
    tnd_buf_append_u8(buf, type);
    append_value(buf, value);
}

/* The namespace first: a batch's rows need it there. The set even if it is empty. */
static uint8_t* put_names(uint8_t* at, const tnd_request* req)
{
    at = put_field(at, FIELD_NAMESPACE, req->key->ns, req->ns_size);
    return put_field(at, FIELD_SET, req->key->set, req->set_size);
}

/* Those that not every request has. */
static void append_fields(tnd_buf* buf, const tnd_request* req, const request_values* values)
{
    if (req->has_user_key) {
        tnd_buf_append_be32(buf, (uint32_t)(2 + value_size(&values->user_key)));
        tnd_buf_append_u8(buf, TND_FIELD_KEY);
        tnd_buf_append_u8(buf, values->user_key.type);
        append_value(buf, &values->user_key);
    }
    if (req->filter) {
        append_field(buf, FIELD_FILTER, req->filter->packed, req->filter->packed_sz);
    }
    if (req->udf) {
        append_field(buf, FIELD_UDF_PACKAGE, req->udf->module, strlen(req->udf->module));
        append_field(buf, FIELD_UDF_FUNCTION, req->udf->function, strlen(req->udf->function));
        append_value_field(buf, FIELD_UDF_ARGLIST, &values->udf_args);
    }
}

static void append_ops(tnd_buf* buf, as_error* err, const tnd_request* req)
{
    for (uint32_t i = 0; i < req->list.count; i++) {
        tnd_wire_op op;
        tnd_wire_value value;
        as_status status = op_prepare(err, &req->list, i, &op, &value);
        assert(status == AEROSPIKE_OK); /* the first walk has seen to it */
        (void)status;
        append_op(buf, &op, &value);
    }
}

as_status tnd_request_reserve(tnd_buf* buf, as_error* err, uint64_t body_bytes)
{
    if (tnd_buf_is_ok(buf) && body_bytes <= TND_WIRE_BODY_BYTES_MAX &&
        body_bytes + TND_WIRE_FRAME_BYTES <= buf->capacity - buf->size) {
        return AEROSPIKE_OK; /* nearly always: the buffers are used again */
    }
    uint64_t limit = TND_WIRE_BODY_BYTES_MAX;
    if (buf->limit < limit + TND_WIRE_FRAME_BYTES) {
        limit = buf->limit > TND_WIRE_FRAME_BYTES ? buf->limit - TND_WIRE_FRAME_BYTES : 0;
    }
    if (body_bytes > limit) {
        return as_error_update(err, AEROSPIKE_ERR_RECORD_TOO_BIG,
                               "Record too large: %llu bytes, at most %llu are possible",
                               (unsigned long long)body_bytes, (unsigned long long)limit);
    }
    if (!tnd_buf_reserve(buf, (size_t)body_bytes + TND_WIRE_FRAME_BYTES)) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: request of %llu bytes",
                               (unsigned long long)body_bytes);
    }
    return AEROSPIKE_OK;
}

/* The first walk. */
static as_status request_prepare(as_error* err, tnd_request* req, as_policy_key key_policy,
                                 bool has_digest, request_values* ret_values, uint64_t* ret_bytes)
{
    as_status status = check_key(err, req);
    if (status == AEROSPIKE_OK) {
        status = prepare_user_key(err, req, key_policy, ret_values);
    }
    if (status == AEROSPIKE_OK) {
        status = check_filter(err, req);
    }
    if (status == AEROSPIKE_OK) {
        status = prepare_udf(err, req, ret_values);
    }
    if (status == AEROSPIKE_OK) {
        status = request_measure(err, req, ret_values, has_digest, ret_bytes);
    }
    return status;
}

as_status tnd_request_encode(tnd_buf* buf, as_error* err, tnd_request* req,
                             const as_policy_base* base, as_policy_key key_policy)
{
    uint64_t bytes = 0;
    request_values values;
    tnd_buf_reset(buf);
    req->filter = base->filter_exp;
    as_status status = check_policy_base(err, base);
    if (status == AEROSPIKE_OK) {
        status = request_prepare(err, req, key_policy, true, &values, &bytes);
    }
    uint64_t body_bytes = TND_WIRE_HEADER_BYTES + bytes;
    if (status == AEROSPIKE_OK) {
        status = tnd_request_reserve(buf, err, body_bytes);
    }
    if (status != AEROSPIKE_OK) {
        tnd_buf_reset(buf);
        return status;
    }
    req->info4 |= (uint8_t)(base->error_detail_verbosity << INFO4_ERROR_VERBOSITY_SHIFT);
    uint8_t* at =
        tnd_buf_claim(buf, TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES + names_size(req, true));
    assert(at); /* the whole message has been reserved */
    at = put_names(put_header(at, req, body_bytes), req);
    put_field(at, FIELD_DIGEST, req->key->digest.value, TND_DIGEST_BYTES);
    append_fields(buf, req, &values);
    append_ops(buf, err, req);
    assert(tnd_buf_is_ok(buf) && buf->size == TND_WIRE_FRAME_BYTES + body_bytes);
    return AEROSPIKE_OK;
}

as_status tnd_request_append_row(tnd_buf* buf, as_error* err, tnd_request* req,
                                 as_policy_key key_policy)
{
    uint64_t bytes = 0;
    request_values values;
    as_status status = request_prepare(err, req, key_policy, false, &values, &bytes);
    if (status != AEROSPIKE_OK) {
        return status;
    }
    if (bytes > TND_WIRE_BODY_BYTES_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_RECORD_TOO_BIG,
                               "Record too large: a row of %llu bytes, at most %d are possible",
                               (unsigned long long)bytes, TND_WIRE_BODY_BYTES_MAX);
    }
    if (!tnd_buf_reserve(buf, ROW_HEAD_BYTES_MAX + (size_t)bytes)) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: row of %llu bytes",
                               (unsigned long long)bytes);
    }
    bool is_write = req->info2 & INFO2_WRITE;
    tnd_buf_append_u8(buf,
                      (uint8_t)(TND_ROW_INFO | TND_ROW_TTL | (is_write ? TND_ROW_GENERATION : 0) |
                                (req->info4 ? TND_ROW_INFO4 : 0)));
    tnd_buf_append_u8(buf, req->info1);
    tnd_buf_append_u8(buf, req->info2);
    tnd_buf_append_u8(buf, req->info3);
    if (req->info4) {
        tnd_buf_append_u8(buf, req->info4);
    }
    if (is_write) {
        tnd_buf_append_be16(buf, (uint16_t)req->generation);
    }
    tnd_buf_append_be32(buf, req->ttl);
    tnd_buf_append_be16(buf, fields_count(req, false));
    tnd_buf_append_be16(buf, (uint16_t)req->list.count);
    uint8_t* at = tnd_buf_claim(buf, names_size(req, false));
    assert(at); /* the whole row has been reserved */
    put_names(at, req);
    append_fields(buf, req, &values);
    append_ops(buf, err, req);
    return AEROSPIKE_OK;
}

/* --- policies to bits (protocol/records.md 5.4, 7.2) --- */

void tnd_request_set_read_modes(tnd_request* req, as_policy_read_mode_ap ap,
                                as_policy_read_mode_sc sc)
{
    if (ap == AS_POLICY_READ_MODE_AP_ALL) {
        req->info1 |= INFO1_AP_READ_ALL;
    }
    switch (sc) {
    case AS_POLICY_READ_MODE_SC_SESSION:
        break;
    case AS_POLICY_READ_MODE_SC_LINEARIZE:
        req->info3 |= INFO3_SC_READ_TYPE;
        break;
    case AS_POLICY_READ_MODE_SC_ALLOW_REPLICA:
        req->info3 |= INFO3_SC_READ_RELAX;
        break;
    case AS_POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE:
        req->info3 |= INFO3_SC_READ_TYPE | INFO3_SC_READ_RELAX;
        break;
    }
}

void tnd_request_set_generation(tnd_request* req, as_policy_gen policy, uint16_t generation)
{
    switch (policy) {
    case AS_POLICY_GEN_IGNORE:
        break;
    case AS_POLICY_GEN_EQ:
        req->info2 |= INFO2_GENERATION;
        req->generation = generation;
        break;
    case AS_POLICY_GEN_GT:
        req->info2 |= INFO2_GENERATION_GT;
        req->generation = generation;
        break;
    }
}

void tnd_request_set_exists(tnd_request* req, as_policy_exists policy)
{
    switch (policy) {
    case AS_POLICY_EXISTS_IGNORE:
        break;
    case AS_POLICY_EXISTS_CREATE:
        req->info2 |= INFO2_CREATE_ONLY;
        break;
    case AS_POLICY_EXISTS_UPDATE:
        req->info3 |= INFO3_UPDATE_ONLY;
        break;
    case AS_POLICY_EXISTS_REPLACE:
        req->info3 |= INFO3_REPLACE_ONLY;
        break;
    case AS_POLICY_EXISTS_CREATE_OR_REPLACE:
        req->info3 |= INFO3_CREATE_OR_REPLACE;
        break;
    }
}

void tnd_request_set_commit(tnd_request* req, as_policy_commit_level commit, bool durable_delete)
{
    if (commit == AS_POLICY_COMMIT_LEVEL_MASTER) {
        req->info3 |= INFO3_COMMIT_MASTER;
    }
    if (durable_delete) {
        req->info2 |= INFO2_DURABLE_DELETE;
    }
}

/* "Client default" exists in the API only: it never goes over the wire, not even out of a policy.
 */
uint32_t tnd_request_ttl(uint32_t record_ttl, uint32_t policy_ttl)
{
    uint32_t ttl = record_ttl == AS_RECORD_CLIENT_DEFAULT_TTL ? policy_ttl : record_ttl;
    return ttl == AS_RECORD_CLIENT_DEFAULT_TTL ? AS_RECORD_DEFAULT_TTL : ttl;
}
