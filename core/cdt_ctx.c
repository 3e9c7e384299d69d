/*
 * as_cdt_ctx: contexts, and their packed form (protocol/cdt-expressions.md 3): one flat list of
 * types and values.
 */
#include <aerospike/as_cdt_ctx.h>

#include <string.h>

#include <aerospike/as_integer.h>
#include <aerospike/as_nil.h>

#include "core/base64.h"
#include "core/cdt.h"
#include "core/mem.h"
#include "core/msgpack.h"
#include "core/orderedmap.h"

enum {
    CTX_CREATE_BITS = 0xc0,
    CTX_CREATE_PADDED = 0x80,
    CTX_BYTES_MAX = 1024 * 1024,
    CTX_STEPS_MAX = 1024,
};

/* --- making and unmaking --- */

void as_cdt_ctx_init(as_cdt_ctx* ctx, uint32_t capacity)
{
    as_vector_init(&ctx->list, sizeof(as_cdt_ctx_item), capacity);
}

as_cdt_ctx* as_cdt_ctx_create(uint32_t capacity)
{
    /* A context is its vector. */
    return (as_cdt_ctx*)as_vector_create(sizeof(as_cdt_ctx_item), capacity);
}

static bool item_has_value(const as_cdt_ctx_item* item)
{
    return item->type & AS_CDT_CTX_VALUE;
}

static as_cdt_ctx_item* ctx_item(const as_cdt_ctx* ctx, uint32_t index)
{
    return as_vector_get((as_vector*)&ctx->list, index);
}

void as_cdt_ctx_destroy(as_cdt_ctx* ctx)
{
    if (!ctx) {
        return;
    }
    for (uint32_t i = 0; i < ctx->list.size; i++) {
        as_cdt_ctx_item* item = ctx_item(ctx, i);
        if (item_has_value(item)) {
            as_val_destroy(item->val.pval);
        }
    }
    as_vector_destroy(&ctx->list);
}

/* --- steps --- */

static as_cdt_ctx_item* ctx_add(as_cdt_ctx* ctx, uint32_t type)
{
    as_cdt_ctx_item* item = as_vector_reserve(&ctx->list);

    if (item) {
        item->type = type;
    } else {
        ctx->list.flags |= AS_CDT_CTX_IS_BROKEN;
    }
    return item;
}

static void ctx_add_number(as_cdt_ctx* ctx, uint32_t type, int64_t number)
{
    as_cdt_ctx_item* item = ctx_add(ctx, type);

    if (item) {
        item->val.ival = number;
    }
}

static void ctx_add_value(as_cdt_ctx* ctx, uint32_t type, as_val* value)
{
    as_cdt_ctx_item* item = ctx_add(ctx, type);

    if (item) {
        item->val.pval = value ? value : (as_val*)&as_nil;
    } else {
        as_val_destroy(value);
    }
}

void as_cdt_ctx_add_list_index(as_cdt_ctx* ctx, int index)
{
    ctx_add_number(ctx, AS_CDT_CTX_LIST_INDEX, index);
}

void as_cdt_ctx_add_list_index_create(as_cdt_ctx* ctx, int index, as_list_order order, bool pad)
{
    ctx_add_number(ctx, AS_CDT_CTX_LIST_INDEX | as_list_order_to_flag(order, pad), index);
}

void as_cdt_ctx_add_list_rank(as_cdt_ctx* ctx, int rank)
{
    ctx_add_number(ctx, AS_CDT_CTX_LIST_RANK, rank);
}

void as_cdt_ctx_add_list_value(as_cdt_ctx* ctx, as_val* val)
{
    ctx_add_value(ctx, AS_CDT_CTX_LIST_VALUE, val);
}

void as_cdt_ctx_add_map_index(as_cdt_ctx* ctx, int index)
{
    ctx_add_number(ctx, AS_CDT_CTX_MAP_INDEX, index);
}

void as_cdt_ctx_add_map_rank(as_cdt_ctx* ctx, int rank)
{
    ctx_add_number(ctx, AS_CDT_CTX_MAP_RANK, rank);
}

void as_cdt_ctx_add_map_key(as_cdt_ctx* ctx, as_val* key)
{
    ctx_add_value(ctx, AS_CDT_CTX_MAP_KEY, key);
}

void as_cdt_ctx_add_map_key_create(as_cdt_ctx* ctx, as_val* key, as_map_order order)
{
    ctx_add_value(ctx, AS_CDT_CTX_MAP_KEY | as_map_order_to_flag(order), key);
}

void as_cdt_ctx_add_map_value(as_cdt_ctx* ctx, as_val* val)
{
    ctx_add_value(ctx, AS_CDT_CTX_MAP_VALUE, val);
}

/* --- packing --- */

/* What a server doesn't survive (protocol/cdt-expressions.md 15), or takes for something else. */
static const char* item_check(uint32_t type, const as_cdt_ctx_item* item)
{
    uint32_t create = type & CTX_CREATE_BITS;
    uint32_t kind = type & ~(uint32_t)CTX_CREATE_BITS;

    if (kind == AS_CDT_CTX_LIST_INDEX && create != 0) {
        int64_t lowest = create == CTX_CREATE_PADDED ? 0 : -1;
        if (item->val.ival < lowest) {
            return "a context that makes a list at an index counted from the end";
        }
    }
    if (kind == AS_CDT_CTX_MAP_KEY && !tnd_orderedmap_is_key(item->val.pval)) {
        return "a context with a map key that isn't an integer, a text or a blob";
    }
    return NULL;
}

static bool item_pack(tnd_buf* buf, uint32_t type, const as_cdt_ctx_item* item,
                      const char** ret_reason)
{
    uint64_t size;

    *ret_reason = item_check(type, item);
    if (*ret_reason) {
        return false;
    }
    tnd_msgpack_append_uint(buf, type);
    if (!item_has_value(item)) {
        tnd_msgpack_append_int(buf, item->val.ival);
        return true;
    }
    if (!tnd_msgpack_size(item->val.pval, true, &size, ret_reason)) {
        return false;
    }
    tnd_msgpack_append(buf, item->val.pval);
    return true;
}

bool tnd_cdt_ctx_pack(tnd_buf* buf, const as_cdt_ctx* ctx, uint32_t create_flag,
                      const char** ret_reason)
{
    uint32_t count = ctx->list.size;

    if (ctx->list.flags & AS_CDT_CTX_IS_BROKEN) {
        *ret_reason = "a context that lost a step for lack of memory";
        return false;
    }
    if (count > CTX_STEPS_MAX) {
        *ret_reason = "a context of more than 1024 steps";
        return false;
    }
    tnd_msgpack_append_list_head(buf, 2 * count);
    for (uint32_t i = 0; i < count; i++) {
        const as_cdt_ctx_item* item = ctx_item(ctx, i);
        uint32_t type = item->type | (i + 1 == count ? create_flag : 0);
        if (!item_pack(buf, type, item, ret_reason)) {
            return false;
        }
    }
    return true;
}

/* The packed form, which the caller frees; empty if there is none. */
static tnd_buf ctx_packed(const as_cdt_ctx* ctx)
{
    tnd_buf buf;
    const char* reason;

    tnd_buf_init(&buf, CTX_BYTES_MAX);
    if (cdt_ctx_is_empty((as_cdt_ctx*)ctx) || !tnd_cdt_ctx_pack(&buf, ctx, 0, &reason) ||
        !tnd_buf_is_ok(&buf)) {
        tnd_buf_done(&buf);
    }
    return buf;
}

uint32_t as_cdt_ctx_byte_capacity(const as_cdt_ctx* ctx)
{
    tnd_buf buf = ctx_packed(ctx);
    uint32_t size = (uint32_t)buf.size;

    tnd_buf_done(&buf);
    return size;
}

uint32_t as_cdt_ctx_to_bytes(const as_cdt_ctx* ctx, uint8_t* bytes, uint32_t capacity)
{
    tnd_buf buf = ctx_packed(ctx);
    uint32_t size = buf.size <= capacity ? (uint32_t)buf.size : 0;

    if (size > 0) {
        memcpy(bytes, buf.data, size);
    }
    tnd_buf_done(&buf);
    return size;
}

uint32_t as_cdt_ctx_base64_capacity(const as_cdt_ctx* ctx)
{
    uint32_t size = as_cdt_ctx_byte_capacity(ctx);

    return size > 0 ? (uint32_t)tnd_base64_chars(size) + 1 : 0;
}

bool as_cdt_ctx_to_base64(const as_cdt_ctx* ctx, char* base64, uint32_t capacity)
{
    tnd_buf buf = ctx_packed(ctx);
    size_t chars = tnd_base64_chars(buf.size);
    bool is_ok = buf.size > 0 && chars < capacity;

    if (is_ok) {
        tnd_base64_encode(buf.data, buf.size, base64);
        base64[chars] = '\0';
    }
    tnd_buf_done(&buf);
    return is_ok;
}

/* --- unpacking --- */

static bool type_is_known(int64_t type)
{
    switch (type & ~(int64_t)CTX_CREATE_BITS) {
    case AS_CDT_CTX_LIST_INDEX:
    case AS_CDT_CTX_LIST_RANK:
    case AS_CDT_CTX_LIST_VALUE:
    case AS_CDT_CTX_MAP_INDEX:
    case AS_CDT_CTX_MAP_RANK:
    case AS_CDT_CTX_MAP_KEY:
    case AS_CDT_CTX_MAP_VALUE:
        return true;
    default:
        return false;
    }
}

/* One step out of its two elements. */
static bool ctx_take(as_cdt_ctx* ctx, const as_list* steps, uint32_t at)
{
    const as_integer* type = as_list_get_integer(steps, at);
    as_val* value = as_list_get(steps, at + 1);

    if (!type || !type_is_known(type->value)) {
        return false;
    }
    if (type->value & AS_CDT_CTX_VALUE) {
        ctx_add_value(ctx, (uint32_t)type->value, as_val_reserve(value));
    } else if (as_val_type(value) == AS_INTEGER) {
        ctx_add_number(ctx, (uint32_t)type->value, ((as_integer*)value)->value);
    } else {
        return false;
    }
    return !(ctx->list.flags & AS_CDT_CTX_IS_BROKEN);
}

static bool ctx_fill(as_cdt_ctx* ctx, const as_list* steps)
{
    uint32_t size = as_list_size(steps);
    bool is_ok = size > 0 && size % 2 == 0 && size / 2 <= CTX_STEPS_MAX;

    as_cdt_ctx_init(ctx, is_ok ? size / 2 : 0);
    for (uint32_t i = 0; i < size && is_ok; i += 2) {
        is_ok = ctx_take(ctx, steps, i);
    }
    if (!is_ok) {
        as_cdt_ctx_destroy(ctx);
    }
    return is_ok;
}

bool as_cdt_ctx_from_bytes(as_cdt_ctx* ctx, const uint8_t* bytes, uint32_t size)
{
    as_val* steps = NULL;
    bool is_ok = false;

    if (tnd_msgpack_unpack(bytes, size, &steps) == TND_MSGPACK_OK && as_list_fromval(steps)) {
        is_ok = ctx_fill(ctx, (as_list*)steps);
    }
    as_val_destroy(steps);
    return is_ok;
}

bool as_cdt_ctx_from_base64(as_cdt_ctx* ctx, const char* base64)
{
    size_t chars = strlen(base64);
    size_t size;
    uint8_t* bytes = chars <= CTX_BYTES_MAX * 2 ? tnd_malloc(chars / 4 * 3 + 3) : NULL;
    bool is_ok = bytes && tnd_base64_decode(base64, chars, bytes, &size) &&
                 as_cdt_ctx_from_bytes(ctx, bytes, (uint32_t)size);

    tnd_free(bytes);
    return is_ok;
}
