/**
 * A context: the way from a bin to a list or map nested in it, outermost step first.
 *
 * A context owns its values: as_cdt_ctx_destroy(). Operations only read it. Indexes and ranks count
 * from 0, negative ones from the end. A step whose name ends in `create` makes what is missing.
 *
 * What a server is known not to survive is refused when the context is used, with
 * AEROSPIKE_ERR_PARAM: a create step with a negative list index (-1 is allowed without padding).
 */
#pragma once

#include <aerospike/as_cdt_order.h>
#include <aerospike/as_list.h>
#include <aerospike/as_val.h>
#include <aerospike/as_vector.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_exp;

typedef enum as_cdt_ctx_type_e {
    AS_CDT_CTX_EXP = 4,
    AS_CDT_CTX_LIST_INDEX = 16,
    AS_CDT_CTX_LIST_RANK = 17,
    AS_CDT_CTX_LIST_VALUE = 19,
    AS_CDT_CTX_MAP_INDEX = 32,
    AS_CDT_CTX_MAP_RANK = 33,
    AS_CDT_CTX_MAP_KEY = 34,
    AS_CDT_CTX_MAP_VALUE = 35,
    AS_CDT_CTX_MAP_KEYS_IN = 42
} as_cdt_ctx_type;

/** Bit of the types above that carry a value. */
#define AS_CDT_CTX_VALUE 0x2
/** In the flags of a context's list: a step was lost for lack of memory. */
#define AS_CDT_CTX_IS_BROKEN 0x80000000u
/** Bit of an item that narrows the one before it. */
#define AS_CDT_CTX_AND 0x200

typedef struct as_cdt_ctx_item_s {
    /** An as_cdt_ctx_type, with bits that say what to make. */
    uint32_t type;
    union {
        int64_t ival;
        /** Owned. */
        as_val* pval;
        struct as_exp* exp;
    } val;
} as_cdt_ctx_item;

typedef struct as_cdt_ctx_s {
    /** Of as_cdt_ctx_item. */
    as_vector list;
} as_cdt_ctx;

/** An empty context with room for `cap` steps on the caller's stack; it grows. */
#define as_cdt_ctx_inita(ctx, cap) as_vector_inita(&(ctx)->list, sizeof(as_cdt_ctx_item), cap)

/** An empty context with room for `capacity` steps; it grows. */
AS_EXTERN void as_cdt_ctx_init(as_cdt_ctx* ctx, uint32_t capacity);

/** The same on the heap; NULL without memory. */
AS_EXTERN as_cdt_ctx* as_cdt_ctx_create(uint32_t capacity);

/** Destroys the values, and frees what is on the heap. */
AS_EXTERN void as_cdt_ctx_destroy(as_cdt_ctx* ctx);

/** The element of a list at `index`. */
AS_EXTERN void as_cdt_ctx_add_list_index(as_cdt_ctx* ctx, int index);

/** The same; makes the list, and the element, if it is missing. */
AS_EXTERN void as_cdt_ctx_add_list_index_create(as_cdt_ctx* ctx, int index, as_list_order order,
                                                bool pad);

/** The element of a list of `rank` in value order. */
AS_EXTERN void as_cdt_ctx_add_list_rank(as_cdt_ctx* ctx, int rank);

/** The first element of a list that equals `val`, which is taken over. */
AS_EXTERN void as_cdt_ctx_add_list_value(as_cdt_ctx* ctx, as_val* val);

/** The value of a map's entry at `index` in key order. */
AS_EXTERN void as_cdt_ctx_add_map_index(as_cdt_ctx* ctx, int index);

/** The value of a map's entry of `rank` in value order. */
AS_EXTERN void as_cdt_ctx_add_map_rank(as_cdt_ctx* ctx, int rank);

/** The value of `key`, which is taken over. */
AS_EXTERN void as_cdt_ctx_add_map_key(as_cdt_ctx* ctx, as_val* key);

/** The same; makes the map, and the entry, if it is missing. */
AS_EXTERN void as_cdt_ctx_add_map_key_create(as_cdt_ctx* ctx, as_val* key, as_map_order order);

/** A map's value that equals `val`, which is taken over. */
AS_EXTERN void as_cdt_ctx_add_map_value(as_cdt_ctx* ctx, as_val* val);

/** Whether no step was added; also for NULL. A step lost for lack of memory was added. */
static inline bool cdt_ctx_is_empty(as_cdt_ctx* ctx)
{
    return !ctx || (ctx->list.size == 0 && !(ctx->list.flags & AS_CDT_CTX_IS_BROKEN));
}

/** Bytes that as_cdt_ctx_to_bytes() writes; 0 if the context can't be packed. */
AS_EXTERN uint32_t as_cdt_ctx_byte_capacity(const as_cdt_ctx* ctx);

/** Packs the context, as secondary indexes and queries take it; the length, 0 for an error. */
AS_EXTERN uint32_t as_cdt_ctx_to_bytes(const as_cdt_ctx* ctx, uint8_t* bytes, uint32_t capacity);

/** Prepares `ctx` from its packed form; destroy it later. False, with nothing to destroy, for
 * bytes that aren't one and without memory. */
AS_EXTERN bool as_cdt_ctx_from_bytes(as_cdt_ctx* ctx, const uint8_t* bytes, uint32_t size);

/** Characters that as_cdt_ctx_to_base64() writes, with the terminator; 0 if it can't be packed. */
AS_EXTERN uint32_t as_cdt_ctx_base64_capacity(const as_cdt_ctx* ctx);

/** The packed form as base64 text; false if it can't be packed or `capacity` is too small. */
AS_EXTERN bool as_cdt_ctx_to_base64(const as_cdt_ctx* ctx, char* base64, uint32_t capacity);

/** as_cdt_ctx_from_bytes() of a base64 text. */
AS_EXTERN bool as_cdt_ctx_from_base64(as_cdt_ctx* ctx, const char* base64);

#ifdef __cplusplus
}
#endif
