/*
 * Requests. Each public encoder describes its command as a `request` (header bits and a list of
 * operations), and request_encode turns any of them into bytes in two walks: the first checks every
 * operation and adds up the exact size, the second appends into a buffer that has grown once.
 */
#include "core/wire.h"

#include <assert.h>
#include <string.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_string.h>

#include "core/digest.h"
#include "core/msgpack.h"
#include "core/operations.h"

/* protocol/records.md 1.4 */
enum {
    INFO1_READ = 0x01,
    INFO1_GET_ALL = 0x02,
    INFO1_GET_NO_BINS = 0x20,
    INFO1_AP_READ_ALL = 0x40,

    INFO2_WRITE = 0x01,
    INFO2_DELETE = 0x02,
    INFO2_GENERATION = 0x04,
    INFO2_GENERATION_GT = 0x08,
    INFO2_DURABLE_DELETE = 0x10,
    INFO2_CREATE_ONLY = 0x20,
    INFO2_RESPOND_ALL_OPS = 0x80,

    INFO3_COMMIT_MASTER = 0x02,
    INFO3_UPDATE_ONLY = 0x08,
    INFO3_CREATE_OR_REPLACE = 0x10,
    INFO3_REPLACE_ONLY = 0x20,
    INFO3_SC_READ_TYPE = 0x40,
    INFO3_SC_READ_RELAX = 0x80,

    INFO4_ON_LOCKING_ONLY = 0x10,
    INFO4_ERROR_VERBOSITY_SHIFT = 5,
};

enum {
    FIELD_NAMESPACE = 0,
    FIELD_SET = 1,
    FIELD_KEY = 2,
    FIELD_DIGEST = 4,
};

enum {
    FIELD_OVERHEAD_BYTES = 5, /* size and type */
    OP_OVERHEAD_BYTES = 8,    /* size, op, type, flags, name size */
    TIMEOUT_OFFSET = TND_WIRE_FRAME_BYTES + 14,
    ERROR_NAME_CHARS_MAX = 128,
};

/* The set of the transaction monitors, which only the library itself may write. */
static const char RESERVED_SET[] = "<ERO~MRT";

/* Three bytes that precede GeoJSON text: flags 0, no cells. The server computes the cells. */
static const uint8_t GEOJSON_PREFIX[3] = {0};

/* A value as it goes over the wire: type, prefix, bytes. Borrows from the as_val or points at
 * `number`. */
typedef struct wire_value {
    uint8_t type;
    uint8_t number[8]; /* scalars, big-endian */
    size_t prefix_size;
    const void* bytes; /* NULL: the first `size` bytes of `number` */
    size_t size;
    const as_val* packed; /* a list or map, `size` bytes of msgpack when it is appended */
} wire_value;

/* The operations of a request, from one of four sources. */
typedef struct op_list {
    uint32_t count;
    const tnd_wire_op* ops;
    const as_binop* binops;
    const as_bin* bins;
    const char* const* names;
} op_list;

/* Everything that distinguishes one request from another. */
typedef struct request {
    const as_key* key;
    bool has_user_key; /* field 2 wanted by the policy and possible with this key */
    uint8_t info1, info2, info3, info4;
    uint32_t generation;
    uint32_t ttl;
    uint32_t timeout_ms;
    op_list list;
    wire_value user_key;
} request;

/* --- values --- */

static wire_value value_number(uint8_t type, uint64_t bits)
{
    wire_value value = {.type = type, .size = 8};
    for (size_t i = 0; i < 8; i++) {
        value.number[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    return value;
}

static wire_value value_double(double number)
{
    uint64_t bits;
    static_assert(sizeof(bits) == sizeof(number), "IEEE 754 double");
    memcpy(&bits, &number, sizeof(bits));
    return value_number(TND_WIRE_DOUBLE, bits);
}

static wire_value value_text(uint8_t type, const char* text, size_t size)
{
    /* Lengths are computed here and not by as_string_len, which would write into the caller's
     * value. */
    return (wire_value){
        .type = type,
        .prefix_size = type == TND_WIRE_GEOJSON ? sizeof(GEOJSON_PREFIX) : 0,
        .bytes = text ? text : "",
        .size = !text              ? 0
                : size == SIZE_MAX ? strlen(text)
                                   : size,
    };
}

static as_status value_bytes(as_error* err, const as_bytes* bytes, wire_value* ret_value)
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
    *ret_value = (wire_value){
        .type = (uint8_t)bytes->type,
        .bytes = bytes->value ? (const void*)bytes->value : "",
        .size = bytes->value ? bytes->size : 0,
    };
    return AEROSPIKE_OK;
}

static as_status value_packed(as_error* err, uint8_t type, const as_val* val, wire_value* ret_value)
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
    *ret_value = (wire_value){.type = type, .size = (size_t)size, .packed = val};
    return AEROSPIKE_OK;
}

static as_status value_of(as_error* err, const as_val* val, wire_value* ret_value)
{
    switch (as_val_type(val)) {
    case AS_NIL:
        *ret_value = (wire_value){.type = TND_WIRE_NULL};
        return AEROSPIKE_OK;
    case AS_BOOLEAN:
        *ret_value = (wire_value){
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

static size_t value_size(const wire_value* value)
{
    return value->prefix_size + value->size;
}

static void append_value(tnd_buf* buf, const wire_value* value)
{
    if (value->packed) {
        tnd_msgpack_append(buf, value->packed);
        return;
    }
    tnd_buf_append_bytes(buf, GEOJSON_PREFIX, value->prefix_size);
    tnd_buf_append_bytes(buf, value->bytes ? value->bytes : value->number, value->size);
}

/* --- operations --- */

static tnd_wire_op list_at(const op_list* list, uint32_t index)
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

static as_status op_check_name(as_error* err, const op_list* list, const char* name)
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

static bool op_is_write(tnd_wire_op_code code)
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

static bool op_is_read_all(const tnd_wire_op* op)
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
static as_status op_prepare(as_error* err, const op_list* list, uint32_t index, tnd_wire_op* ret_op,
                            wire_value* ret_value)
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
    *ret_value = (wire_value){.type = TND_WIRE_NULL};
    return op.value ? value_of(err, op.value, ret_value) : AEROSPIKE_OK;
}

static void append_op(tnd_buf* buf, const tnd_wire_op* op, const wire_value* value)
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
    if (base->filter_exp) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "filter_exp is not supported yet");
    }
    if (base->txn) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "transactions are not supported yet");
    }
    if (base->compress) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "compress is not supported yet");
    }
    if (base->error_detail_verbosity > 2) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "error_detail_verbosity is at most 2");
    }
    return AEROSPIKE_OK;
}

static as_status check_key(as_error* err, const request* req)
{
    const as_key* key = req->key;
    size_t ns_size = strnlen(key->ns, sizeof(key->ns));
    if (ns_size == 0 || ns_size >= sizeof(key->ns)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Namespace must have 1 to 31 bytes");
    }
    if (strnlen(key->set, sizeof(key->set)) >= sizeof(key->set)) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Set must have at most 63 bytes");
    }
    if ((req->info2 & INFO2_WRITE) && strcmp(key->set, RESERVED_SET) == 0) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Set '%s' is reserved", RESERVED_SET);
    }
    /* The digest is kept in the key, whose const means "the application's part". */
    return key->digest.init ? AEROSPIKE_OK : as_key_set_digest(err, (as_key*)key);
}

/* What the digest was made of goes along when the policy says so; a key of a digest alone has none.
 */
static as_status prepare_user_key(as_error* err, request* req, as_policy_key policy)
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
        return value_of(err, val, &req->user_key);
    default:
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Invalid key type");
    }
}

static size_t fields_size(const request* req)
{
    size_t size = FIELD_OVERHEAD_BYTES + strlen(req->key->ns);
    size += FIELD_OVERHEAD_BYTES + strlen(req->key->set);
    size += FIELD_OVERHEAD_BYTES + TND_DIGEST_BYTES;
    if (req->has_user_key) {
        size += FIELD_OVERHEAD_BYTES + 1 + value_size(&req->user_key);
    }
    return size;
}

/* Checks all operations and adds up the body. */
static as_status request_measure(as_error* err, const request* req, uint64_t* ret_body_bytes)
{
    uint64_t body_bytes = TND_WIRE_HEADER_BYTES + (uint64_t)fields_size(req);
    for (uint32_t i = 0; i < req->list.count; i++) {
        tnd_wire_op op;
        wire_value value;
        as_status status = op_prepare(err, &req->list, i, &op, &value);
        if (status != AEROSPIKE_OK) {
            return status;
        }
        body_bytes += OP_OVERHEAD_BYTES + strlen(op.name) + value_size(&value);
    }
    *ret_body_bytes = body_bytes;
    return AEROSPIKE_OK;
}

static void append_header(tnd_buf* buf, const request* req, uint64_t body_bytes)
{
    tnd_buf_append_be64(buf, (uint64_t)TND_WIRE_VERSION << 56 | (uint64_t)TND_WIRE_MESSAGE << 48 |
                                 body_bytes);
    tnd_buf_append_u8(buf, TND_WIRE_HEADER_BYTES);
    tnd_buf_append_u8(buf, req->info1);
    tnd_buf_append_u8(buf, req->info2);
    tnd_buf_append_u8(buf, req->info3);
    tnd_buf_append_u8(buf, req->info4);
    tnd_buf_append_u8(buf, 0); /* result code: of replies only */
    tnd_buf_append_be32(buf, req->generation);
    tnd_buf_append_be32(buf, req->ttl);
    tnd_buf_append_be32(buf, req->timeout_ms);
    tnd_buf_append_be16(buf, req->has_user_key ? 4 : 3);
    tnd_buf_append_be16(buf, (uint16_t)req->list.count);
}

static void append_field(tnd_buf* buf, uint8_t type, const void* bytes, size_t size)
{
    tnd_buf_append_be32(buf, (uint32_t)(size + 1));
    tnd_buf_append_u8(buf, type);
    tnd_buf_append_bytes(buf, bytes, size);
}

static void append_fields(tnd_buf* buf, const request* req)
{
    const as_key* key = req->key;
    append_field(buf, FIELD_NAMESPACE, key->ns, strlen(key->ns));
    append_field(buf, FIELD_SET, key->set, strlen(key->set)); /* even an empty one */
    append_field(buf, FIELD_DIGEST, key->digest.value, TND_DIGEST_BYTES);
    if (req->has_user_key) {
        tnd_buf_append_be32(buf, (uint32_t)(2 + value_size(&req->user_key)));
        tnd_buf_append_u8(buf, FIELD_KEY);
        tnd_buf_append_u8(buf, req->user_key.type);
        append_value(buf, &req->user_key);
    }
}

static as_status request_reserve(tnd_buf* buf, as_error* err, uint64_t body_bytes)
{
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

static as_status request_encode(tnd_buf* buf, as_error* err, request* req,
                                const as_policy_base* base, as_policy_key key_policy)
{
    uint64_t body_bytes = 0;
    tnd_buf_reset(buf);
    as_status status = check_policy_base(err, base);
    if (status == AEROSPIKE_OK) {
        status = check_key(err, req);
    }
    if (status == AEROSPIKE_OK) {
        status = prepare_user_key(err, req, key_policy);
    }
    if (status == AEROSPIKE_OK) {
        status = request_measure(err, req, &body_bytes);
    }
    if (status == AEROSPIKE_OK) {
        status = request_reserve(buf, err, body_bytes);
    }
    if (status != AEROSPIKE_OK) {
        tnd_buf_reset(buf);
        return status;
    }
    req->info4 |= (uint8_t)(base->error_detail_verbosity << INFO4_ERROR_VERBOSITY_SHIFT);
    append_header(buf, req, body_bytes);
    append_fields(buf, req);
    for (uint32_t i = 0; i < req->list.count; i++) {
        tnd_wire_op op;
        wire_value value;
        status = op_prepare(err, &req->list, i, &op, &value);
        assert(status == AEROSPIKE_OK); /* the first walk has seen to it */
        append_op(buf, &op, &value);
    }
    assert(tnd_buf_is_ok(buf) && buf->size == TND_WIRE_FRAME_BYTES + body_bytes);
    return AEROSPIKE_OK;
}

/* --- policies to bits (protocol/records.md 5.4, 7.2) --- */

static void set_read_modes(request* req, as_policy_read_mode_ap ap, as_policy_read_mode_sc sc)
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

static void set_generation(request* req, as_policy_gen policy, uint16_t generation)
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

static void set_exists(request* req, as_policy_exists policy)
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

static void set_commit(request* req, as_policy_commit_level commit, bool durable_delete)
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
static uint32_t ttl_of(uint32_t record_ttl, uint32_t policy_ttl)
{
    uint32_t ttl = record_ttl == AS_RECORD_CLIENT_DEFAULT_TTL ? policy_ttl : record_ttl;
    return ttl == AS_RECORD_CLIENT_DEFAULT_TTL ? AS_RECORD_DEFAULT_TTL : ttl;
}

/* --- commands --- */

static as_status encode_read(tnd_buf* buf, as_error* err, request* req,
                             const as_policy_read* policy)
{
    req->ttl = (uint32_t)policy->read_touch_ttl_percent;
    set_read_modes(req, policy->read_mode_ap, policy->read_mode_sc);
    return request_encode(buf, err, req, &policy->base, policy->key);
}

as_status tnd_wire_get(tnd_buf* buf, as_error* err, const as_key* key, const as_policy_read* policy,
                       uint32_t timeout_ms)
{
    request req = {.key = key, .info1 = INFO1_READ | INFO1_GET_ALL, .timeout_ms = timeout_ms};
    return encode_read(buf, err, &req, policy);
}

as_status tnd_wire_select(tnd_buf* buf, as_error* err, const as_key* key, const char* const* names,
                          uint32_t names_count, const as_policy_read* policy, uint32_t timeout_ms)
{
    request req = {.key = key,
                   .info1 = INFO1_READ,
                   .timeout_ms = timeout_ms,
                   .list = {.count = names_count, .names = names}};
    if (names_count == 0 || names_count > TND_WIRE_OPS_MAX) {
        tnd_buf_reset(buf);
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Select takes 1 to %d bin names, not %u",
                               TND_WIRE_OPS_MAX, names_count);
    }
    return encode_read(buf, err, &req, policy);
}

as_status tnd_wire_exists(tnd_buf* buf, as_error* err, const as_key* key,
                          const as_policy_read* policy, uint32_t timeout_ms)
{
    request req = {.key = key, .info1 = INFO1_READ | INFO1_GET_NO_BINS, .timeout_ms = timeout_ms};
    return encode_read(buf, err, &req, policy);
}

as_status tnd_wire_put(tnd_buf* buf, as_error* err, const as_key* key, const as_record* record,
                       const as_policy_write* policy, uint32_t timeout_ms)
{
    request req = {.key = key,
                   .info2 = INFO2_WRITE,
                   .info4 = policy->on_locking_only ? INFO4_ON_LOCKING_ONLY : 0,
                   .ttl = ttl_of(record->ttl, policy->ttl),
                   .timeout_ms = timeout_ms,
                   .list = {.count = record->bins.size, .bins = record->bins.entries}};
    if (record->bins.size > TND_WIRE_OPS_MAX) {
        tnd_buf_reset(buf);
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "Too many bins: %u, at most %d",
                               (unsigned)record->bins.size, TND_WIRE_OPS_MAX);
    }
    set_generation(&req, policy->gen, record->gen);
    set_exists(&req, policy->exists);
    set_commit(&req, policy->commit_level, policy->durable_delete);
    return request_encode(buf, err, &req, &policy->base, policy->key);
}

as_status tnd_wire_remove(tnd_buf* buf, as_error* err, const as_key* key,
                          const as_policy_remove* policy, uint32_t timeout_ms)
{
    request req = {.key = key, .info2 = INFO2_WRITE | INFO2_DELETE, .timeout_ms = timeout_ms};
    set_generation(&req, policy->gen, policy->generation);
    set_commit(&req, policy->commit_level, policy->durable_delete);
    return request_encode(buf, err, &req, &policy->base, policy->key);
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
        bool is_write = op_is_write(code);
        sum.has_write |= is_write;
        sum.has_read |= !is_write;
        sum.has_read_all |= op_is_read_all(&op);
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

static void set_operate_bits(request* req, const ops_summary* sum, const tnd_wire_ops* ops,
                             const as_policy_operate* policy)
{
    if (sum->has_read) {
        req->info1 |= sum->has_read_all ? INFO1_READ | INFO1_GET_ALL : INFO1_READ;
        set_read_modes(req, policy->read_mode_ap, policy->read_mode_sc);
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
    req->ttl = ttl_of(ops->ttl, policy->ttl);
    set_generation(req, policy->gen, ops->gen);
    set_exists(req, policy->exists);
    set_commit(req, policy->commit_level, policy->durable_delete);
}

as_status tnd_wire_operate(tnd_buf* buf, as_error* err, const as_key* key, const tnd_wire_ops* ops,
                           const as_policy_operate* policy, uint32_t timeout_ms)
{
    request req = {.key = key,
                   .timeout_ms = timeout_ms,
                   .list = {.count = ops->count, .ops = ops->entries, .binops = ops->binops}};
    tnd_buf_reset(buf);
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
    set_operate_bits(&req, &sum, ops, policy);
    return request_encode(buf, err, &req, &policy->base, policy->key);
}

void tnd_wire_set_timeout(tnd_buf* buf, uint32_t timeout_ms)
{
    assert(buf->size >= TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES);
    tnd_buf_patch_be32(buf, TIMEOUT_OFFSET, timeout_ms);
}
