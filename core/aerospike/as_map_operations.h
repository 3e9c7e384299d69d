/**
 * Operations on maps, and on maps nested in lists and maps.
 *
 * An entry's index is its place in key order, in an unordered map too; its rank the place in value
 * order. Both count from 0; negative ones from the end. A single index or rank out of bounds is
 * AEROSPIKE_ERR_OP_NOT_APPLICABLE, ranges are cut. In a range `begin` is in and `end` isn't. Keys
 * are integers, texts or blobs. A missing bin reads as nil, and is made by put and increment.
 *
 * A command with a map operation has a result for each operation, nil where there is none.
 *
 * `ctx` names a nested map, NULL or an empty one the bin itself; it is only read. Values, lists and
 * maps among the arguments are consumed: one reference is destroyed before the call returns,
 * whatever it returns. All is packed at once. What false means is said in as_list_operations.h.
 */
#pragma once

#include <aerospike/as_cdt_ctx.h>
#include <aerospike/as_cdt_order.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map.h>
#include <aerospike/as_operations.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a put does with a key that is there, or isn't; write flags say more. */
typedef enum as_map_write_mode_e {
    AS_MAP_UPDATE = 0,
    /** A missing key is AEROSPIKE_ERR_FAIL_ELEMENT_NOT_FOUND. */
    AS_MAP_UPDATE_ONLY = 1,
    /** A key that is there is AEROSPIKE_ERR_FAIL_ELEMENT_EXISTS. */
    AS_MAP_CREATE_ONLY = 2
} as_map_write_mode;

/** May be or'ed. */
typedef enum as_map_write_flags_e {
    AS_MAP_WRITE_DEFAULT = 0,
    /** A key that is there is AEROSPIKE_ERR_FAIL_ELEMENT_EXISTS. */
    AS_MAP_WRITE_CREATE_ONLY = 1,
    /** A missing key is AEROSPIKE_ERR_FAIL_ELEMENT_NOT_FOUND. */
    AS_MAP_WRITE_UPDATE_ONLY = 2,
    /** What the other flags refuse isn't done, without an error. */
    AS_MAP_WRITE_NO_FAIL = 4,
    /** With NO_FAIL: of several entries those are stored that may be. */
    AS_MAP_WRITE_PARTIAL = 8
} as_map_write_flags;

/** What a selection returns: for one entry a value, for several a list of them. */
typedef enum as_map_return_type_e {
    AS_MAP_RETURN_NONE = 0,
    AS_MAP_RETURN_INDEX = 1,
    /** From the end. */
    AS_MAP_RETURN_REVERSE_INDEX = 2,
    /** Place in value order. */
    AS_MAP_RETURN_RANK = 3,
    AS_MAP_RETURN_REVERSE_RANK = 4,
    /** How many were selected. */
    AS_MAP_RETURN_COUNT = 5,
    AS_MAP_RETURN_KEY = 6,
    AS_MAP_RETURN_VALUE = 7,
    /** A list of keys and values: key, value, key, value. */
    AS_MAP_RETURN_KEY_VALUE = 8,
    /** Whether any was selected. */
    AS_MAP_RETURN_EXISTS = 13,
    AS_MAP_RETURN_UNORDERED_MAP = 16,
    AS_MAP_RETURN_ORDERED_MAP = 17,
    /** Or'ed in: selects the others. */
    AS_MAP_RETURN_INVERTED = 0x10000
} as_map_return_type;

/** Numbers of the operations on the wire. */
typedef enum as_cdt_op_map_e {
    AS_CDT_OP_MAP_SET_TYPE = 64,
    AS_CDT_OP_MAP_ADD = 65,
    AS_CDT_OP_MAP_ADD_ITEMS = 66,
    AS_CDT_OP_MAP_PUT = 67,
    AS_CDT_OP_MAP_PUT_ITEMS = 68,
    AS_CDT_OP_MAP_REPLACE = 69,
    AS_CDT_OP_MAP_REPLACE_ITEMS = 70,
    AS_CDT_OP_MAP_INCREMENT = 73,
    AS_CDT_OP_MAP_DECREMENT = 74,
    AS_CDT_OP_MAP_CLEAR = 75,
    AS_CDT_OP_MAP_REMOVE_BY_KEY = 76,
    AS_CDT_OP_MAP_REMOVE_BY_INDEX = 77,
    AS_CDT_OP_MAP_REMOVE_BY_RANK = 79,
    AS_CDT_OP_MAP_REMOVE_BY_KEY_LIST = 81,
    AS_CDT_OP_MAP_REMOVE_ALL_BY_VALUE = 82,
    AS_CDT_OP_MAP_REMOVE_BY_VALUE_LIST = 83,
    AS_CDT_OP_MAP_REMOVE_BY_KEY_INTERVAL = 84,
    AS_CDT_OP_MAP_REMOVE_BY_INDEX_RANGE = 85,
    AS_CDT_OP_MAP_REMOVE_BY_VALUE_INTERVAL = 86,
    AS_CDT_OP_MAP_REMOVE_BY_RANK_RANGE = 87,
    AS_CDT_OP_MAP_REMOVE_BY_KEY_REL_INDEX_RANGE = 88,
    AS_CDT_OP_MAP_REMOVE_BY_VALUE_REL_RANK_RANGE = 89,
    AS_CDT_OP_MAP_SIZE = 96,
    AS_CDT_OP_MAP_GET_BY_KEY = 97,
    AS_CDT_OP_MAP_GET_BY_INDEX = 98,
    AS_CDT_OP_MAP_GET_BY_RANK = 100,
    AS_CDT_OP_MAP_GET_ALL_BY_VALUE = 102,
    AS_CDT_OP_MAP_GET_BY_KEY_INTERVAL = 103,
    AS_CDT_OP_MAP_GET_BY_INDEX_RANGE = 104,
    AS_CDT_OP_MAP_GET_BY_VALUE_INTERVAL = 105,
    AS_CDT_OP_MAP_GET_BY_RANK_RANGE = 106,
    AS_CDT_OP_MAP_GET_BY_KEY_LIST = 107,
    AS_CDT_OP_MAP_GET_BY_VALUE_LIST = 108,
    AS_CDT_OP_MAP_GET_BY_KEY_REL_INDEX_RANGE = 109,
    AS_CDT_OP_MAP_GET_BY_VALUE_REL_RANK_RANGE = 110
} as_cdt_op_map;

/** Set by the functions below. */
typedef struct as_map_policy_s {
    /** Order and index of a map that the operation makes. */
    uint64_t attributes;
    uint64_t flags;
    /** Operations that put one entry, and several. */
    int item_command;
    int items_command;
} as_map_policy;

/** Unordered, plain updates. */
AS_EXTERN void as_map_policy_init(as_map_policy* policy);

/** An order and a write mode. */
AS_EXTERN void as_map_policy_set(as_map_policy* policy, as_map_order order, as_map_write_mode mode);

/** An order and write flags. */
AS_EXTERN void as_map_policy_set_flags(as_map_policy* policy, as_map_order order, uint32_t flags);

/** The same, and whether an index is kept with a map that isn't nested. */
AS_EXTERN void as_map_policy_set_all(as_map_policy* policy, as_map_order order, uint32_t flags,
                                     bool persist_index);

/** Makes an empty map, or one nested at `ctx`. */
AS_EXTERN bool as_operations_map_create(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                        as_map_order order);

/** The same; `persist_index` keeps an index with a map that isn't nested. */
AS_EXTERN bool as_operations_map_create_all(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            as_map_order order, bool persist_index);

/** Gives the map the order and index of `policy`. */
AS_EXTERN bool as_operations_map_set_policy(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            as_map_policy* policy);

/** Stores `value` under `key`. Returns the size. */
AS_EXTERN bool as_operations_map_put(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     as_map_policy* policy, as_val* key, as_val* value);

/** Stores the entries of `items`. Returns the size. */
AS_EXTERN bool as_operations_map_put_items(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                           as_map_policy* policy, as_map* items);

/**
 * Adds `value` (NULL: 1) to the number of `key`, which is made if it is missing. Returns the sum.
 */
AS_EXTERN bool as_operations_map_increment(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                           as_map_policy* policy, as_val* key, as_val* value);

/** Subtracts `value` (NULL: 1) from the number of `key`. Returns the difference. */
AS_EXTERN bool as_operations_map_decrement(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                           as_map_policy* policy, as_val* key, as_val* value);

/** Removes all entries. */
AS_EXTERN bool as_operations_map_clear(as_operations* ops, const char* name, as_cdt_ctx* ctx);

/** Removes the entry of `key`. */
AS_EXTERN bool as_operations_map_remove_by_key(as_operations* ops, const char* name,
                                               as_cdt_ctx* ctx, as_val* key,
                                               as_map_return_type return_type);

/** Removes the entries of `keys`. */
AS_EXTERN bool as_operations_map_remove_by_key_list(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, as_list* keys,
                                                    as_map_return_type return_type);

/**
 * Removes the entries whose keys are from `begin` on and below `end`; NULL leaves that side open.
 */
AS_EXTERN bool as_operations_map_remove_by_key_range(as_operations* ops, const char* name,
                                                     as_cdt_ctx* ctx, as_val* begin, as_val* end,
                                                     as_map_return_type return_type);

/** Removes the entries from `index` places above the place of `key` in key order on. */
AS_EXTERN bool
as_operations_map_remove_by_key_rel_index_range_to_end(as_operations* ops, const char* name,
                                                       as_cdt_ctx* ctx, as_val* key, int64_t index,
                                                       as_map_return_type return_type);

/** Removes `count` entries from `index` places above the place of `key` in key order on. */
AS_EXTERN bool as_operations_map_remove_by_key_rel_index_range(as_operations* ops, const char* name,
                                                               as_cdt_ctx* ctx, as_val* key,
                                                               int64_t index, uint64_t count,
                                                               as_map_return_type return_type);

/** Removes the entries whose values equal `value`. */
AS_EXTERN bool as_operations_map_remove_by_value(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, as_val* value,
                                                 as_map_return_type return_type);

/** Removes the entries whose values are among `values`. */
AS_EXTERN bool as_operations_map_remove_by_value_list(as_operations* ops, const char* name,
                                                      as_cdt_ctx* ctx, as_list* values,
                                                      as_map_return_type return_type);

/**
 * Removes the entries whose values are from `begin` on and below `end`; NULL leaves that side open.
 */
AS_EXTERN bool as_operations_map_remove_by_value_range(as_operations* ops, const char* name,
                                                       as_cdt_ctx* ctx, as_val* begin, as_val* end,
                                                       as_map_return_type return_type);

/** Removes the entries from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_map_remove_by_value_rel_rank_range_to_end(
    as_operations* ops, const char* name, as_cdt_ctx* ctx, as_val* value, int64_t rank,
    as_map_return_type return_type);

/** Removes `count` entries from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_map_remove_by_value_rel_rank_range(as_operations* ops,
                                                                const char* name, as_cdt_ctx* ctx,
                                                                as_val* value, int64_t rank,
                                                                uint64_t count,
                                                                as_map_return_type return_type);

/** Removes the entry at `index`. */
AS_EXTERN bool as_operations_map_remove_by_index(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, int64_t index,
                                                 as_map_return_type return_type);

/** Removes the entries from `index` on. */
AS_EXTERN bool as_operations_map_remove_by_index_range_to_end(as_operations* ops, const char* name,
                                                              as_cdt_ctx* ctx, int64_t index,
                                                              as_map_return_type return_type);

/** Removes `count` entries from `index` on. */
AS_EXTERN bool as_operations_map_remove_by_index_range(as_operations* ops, const char* name,
                                                       as_cdt_ctx* ctx, int64_t index,
                                                       uint64_t count,
                                                       as_map_return_type return_type);

/** Removes the entry of `rank` in value order. */
AS_EXTERN bool as_operations_map_remove_by_rank(as_operations* ops, const char* name,
                                                as_cdt_ctx* ctx, int64_t rank,
                                                as_map_return_type return_type);

/** Removes the entries from `rank` in value order on. */
AS_EXTERN bool as_operations_map_remove_by_rank_range_to_end(as_operations* ops, const char* name,
                                                             as_cdt_ctx* ctx, int64_t rank,
                                                             as_map_return_type return_type);

/** Removes `count` entries from `rank` in value order on. */
AS_EXTERN bool as_operations_map_remove_by_rank_range(as_operations* ops, const char* name,
                                                      as_cdt_ctx* ctx, int64_t rank, uint64_t count,
                                                      as_map_return_type return_type);

/** Returns the number of entries. */
AS_EXTERN bool as_operations_map_size(as_operations* ops, const char* name, as_cdt_ctx* ctx);

/** Selects the entry of `key`. */
AS_EXTERN bool as_operations_map_get_by_key(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            as_val* key, as_map_return_type return_type);

/**
 * Selects the entries whose keys are from `begin` on and below `end`; NULL leaves that side open.
 */
AS_EXTERN bool as_operations_map_get_by_key_range(as_operations* ops, const char* name,
                                                  as_cdt_ctx* ctx, as_val* begin, as_val* end,
                                                  as_map_return_type return_type);

/** Selects the entries of `keys`. */
AS_EXTERN bool as_operations_map_get_by_key_list(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, as_list* keys,
                                                 as_map_return_type return_type);

/** Selects the entries from `index` places above the place of `key` in key order on. */
AS_EXTERN bool as_operations_map_get_by_key_rel_index_range_to_end(as_operations* ops,
                                                                   const char* name,
                                                                   as_cdt_ctx* ctx, as_val* key,
                                                                   int64_t index,
                                                                   as_map_return_type return_type);

/** Selects `count` entries from `index` places above the place of `key` in key order on. */
AS_EXTERN bool as_operations_map_get_by_key_rel_index_range(as_operations* ops, const char* name,
                                                            as_cdt_ctx* ctx, as_val* key,
                                                            int64_t index, uint64_t count,
                                                            as_map_return_type return_type);

/** Selects the entries whose values equal `value`. */
AS_EXTERN bool as_operations_map_get_by_value(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                              as_val* value, as_map_return_type return_type);

/**
 * Selects the entries whose values are from `begin` on and below `end`; NULL leaves that side open.
 */
AS_EXTERN bool as_operations_map_get_by_value_range(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, as_val* begin, as_val* end,
                                                    as_map_return_type return_type);

/** Selects the entries whose values are among `values`. */
AS_EXTERN bool as_operations_map_get_by_value_list(as_operations* ops, const char* name,
                                                   as_cdt_ctx* ctx, as_list* values,
                                                   as_map_return_type return_type);

/** Selects the entries from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_map_get_by_value_rel_rank_range_to_end(as_operations* ops,
                                                                    const char* name,
                                                                    as_cdt_ctx* ctx, as_val* value,
                                                                    int64_t rank,
                                                                    as_map_return_type return_type);

/** Selects `count` entries from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_map_get_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                             as_cdt_ctx* ctx, as_val* value,
                                                             int64_t rank, uint64_t count,
                                                             as_map_return_type return_type);

/** Selects the entry at `index`. */
AS_EXTERN bool as_operations_map_get_by_index(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                              int64_t index, as_map_return_type return_type);

/** Selects the entries from `index` on. */
AS_EXTERN bool as_operations_map_get_by_index_range_to_end(as_operations* ops, const char* name,
                                                           as_cdt_ctx* ctx, int64_t index,
                                                           as_map_return_type return_type);

/** Selects `count` entries from `index` on. */
AS_EXTERN bool as_operations_map_get_by_index_range(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, int64_t index, uint64_t count,
                                                    as_map_return_type return_type);

/** Selects the entry of `rank` in value order. */
AS_EXTERN bool as_operations_map_get_by_rank(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                             int64_t rank, as_map_return_type return_type);

/** Selects the entries from `rank` in value order on. */
AS_EXTERN bool as_operations_map_get_by_rank_range_to_end(as_operations* ops, const char* name,
                                                          as_cdt_ctx* ctx, int64_t rank,
                                                          as_map_return_type return_type);

/** Selects `count` entries from `rank` in value order on. */
AS_EXTERN bool as_operations_map_get_by_rank_range(as_operations* ops, const char* name,
                                                   as_cdt_ctx* ctx, int64_t rank, uint64_t count,
                                                   as_map_return_type return_type);

/* --- the same without a context --- */

/** as_operations_map_set_policy() without a context. */
static inline bool as_operations_add_map_set_policy(as_operations* ops, const char* name,
                                                    as_map_policy* policy)
{
    return as_operations_map_set_policy(ops, name, NULL, policy);
}

/** as_operations_map_put() without a context. */
static inline bool as_operations_add_map_put(as_operations* ops, const char* name,
                                             as_map_policy* policy, as_val* key, as_val* value)
{
    return as_operations_map_put(ops, name, NULL, policy, key, value);
}

/** as_operations_map_put_items() without a context. */
static inline bool as_operations_add_map_put_items(as_operations* ops, const char* name,
                                                   as_map_policy* policy, as_map* items)
{
    return as_operations_map_put_items(ops, name, NULL, policy, items);
}

/** as_operations_map_increment() without a context. */
static inline bool as_operations_add_map_increment(as_operations* ops, const char* name,
                                                   as_map_policy* policy, as_val* key,
                                                   as_val* value)
{
    return as_operations_map_increment(ops, name, NULL, policy, key, value);
}

/** as_operations_map_decrement() without a context. */
static inline bool as_operations_add_map_decrement(as_operations* ops, const char* name,
                                                   as_map_policy* policy, as_val* key,
                                                   as_val* value)
{
    return as_operations_map_decrement(ops, name, NULL, policy, key, value);
}

/** as_operations_map_clear() without a context. */
static inline bool as_operations_add_map_clear(as_operations* ops, const char* name)
{
    return as_operations_map_clear(ops, name, NULL);
}

/** as_operations_map_remove_by_key() without a context. */
static inline bool as_operations_add_map_remove_by_key(as_operations* ops, const char* name,
                                                       as_val* key, as_map_return_type return_type)
{
    return as_operations_map_remove_by_key(ops, name, NULL, key, return_type);
}

/** as_operations_map_remove_by_key_list() without a context. */
static inline bool as_operations_add_map_remove_by_key_list(as_operations* ops, const char* name,
                                                            as_list* keys,
                                                            as_map_return_type return_type)
{
    return as_operations_map_remove_by_key_list(ops, name, NULL, keys, return_type);
}

/** as_operations_map_remove_by_key_range() without a context. */
static inline bool as_operations_add_map_remove_by_key_range(as_operations* ops, const char* name,
                                                             as_val* begin, as_val* end,
                                                             as_map_return_type return_type)
{
    return as_operations_map_remove_by_key_range(ops, name, NULL, begin, end, return_type);
}

/** as_operations_map_remove_by_key_rel_index_range_to_end() without a context. */
static inline bool
as_operations_add_map_remove_by_key_rel_index_range_to_end(as_operations* ops, const char* name,
                                                           as_val* key, int64_t index,
                                                           as_map_return_type return_type)
{
    return as_operations_map_remove_by_key_rel_index_range_to_end(ops, name, NULL, key, index,
                                                                  return_type);
}

/** as_operations_map_remove_by_key_rel_index_range() without a context. */
static inline bool
as_operations_add_map_remove_by_key_rel_index_range(as_operations* ops, const char* name,
                                                    as_val* key, int64_t index, uint64_t count,
                                                    as_map_return_type return_type)
{
    return as_operations_map_remove_by_key_rel_index_range(ops, name, NULL, key, index, count,
                                                           return_type);
}

/** as_operations_map_remove_by_value() without a context. */
static inline bool as_operations_add_map_remove_by_value(as_operations* ops, const char* name,
                                                         as_val* value,
                                                         as_map_return_type return_type)
{
    return as_operations_map_remove_by_value(ops, name, NULL, value, return_type);
}

/** as_operations_map_remove_by_value_list() without a context. */
static inline bool as_operations_add_map_remove_by_value_list(as_operations* ops, const char* name,
                                                              as_list* values,
                                                              as_map_return_type return_type)
{
    return as_operations_map_remove_by_value_list(ops, name, NULL, values, return_type);
}

/** as_operations_map_remove_by_value_range() without a context. */
static inline bool as_operations_add_map_remove_by_value_range(as_operations* ops, const char* name,
                                                               as_val* begin, as_val* end,
                                                               as_map_return_type return_type)
{
    return as_operations_map_remove_by_value_range(ops, name, NULL, begin, end, return_type);
}

/** as_operations_map_remove_by_value_rel_rank_range_to_end() without a context. */
static inline bool
as_operations_add_map_remove_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                            as_val* value, int64_t rank,
                                                            as_map_return_type return_type)
{
    return as_operations_map_remove_by_value_rel_rank_range_to_end(ops, name, NULL, value, rank,
                                                                   return_type);
}

/** as_operations_map_remove_by_value_rel_rank_range() without a context. */
static inline bool
as_operations_add_map_remove_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                     as_val* value, int64_t rank, uint64_t count,
                                                     as_map_return_type return_type)
{
    return as_operations_map_remove_by_value_rel_rank_range(ops, name, NULL, value, rank, count,
                                                            return_type);
}

/** as_operations_map_remove_by_index() without a context. */
static inline bool as_operations_add_map_remove_by_index(as_operations* ops, const char* name,
                                                         int64_t index,
                                                         as_map_return_type return_type)
{
    return as_operations_map_remove_by_index(ops, name, NULL, index, return_type);
}

/** as_operations_map_remove_by_index_range_to_end() without a context. */
static inline bool
as_operations_add_map_remove_by_index_range_to_end(as_operations* ops, const char* name,
                                                   int64_t index, as_map_return_type return_type)
{
    return as_operations_map_remove_by_index_range_to_end(ops, name, NULL, index, return_type);
}

/** as_operations_map_remove_by_index_range() without a context. */
static inline bool as_operations_add_map_remove_by_index_range(as_operations* ops, const char* name,
                                                               int64_t index, uint64_t count,
                                                               as_map_return_type return_type)
{
    return as_operations_map_remove_by_index_range(ops, name, NULL, index, count, return_type);
}

/** as_operations_map_remove_by_rank() without a context. */
static inline bool as_operations_add_map_remove_by_rank(as_operations* ops, const char* name,
                                                        int64_t rank,
                                                        as_map_return_type return_type)
{
    return as_operations_map_remove_by_rank(ops, name, NULL, rank, return_type);
}

/** as_operations_map_remove_by_rank_range_to_end() without a context. */
static inline bool as_operations_add_map_remove_by_rank_range_to_end(as_operations* ops,
                                                                     const char* name, int64_t rank,
                                                                     as_map_return_type return_type)
{
    return as_operations_map_remove_by_rank_range_to_end(ops, name, NULL, rank, return_type);
}

/** as_operations_map_remove_by_rank_range() without a context. */
static inline bool as_operations_add_map_remove_by_rank_range(as_operations* ops, const char* name,
                                                              int64_t rank, uint64_t count,
                                                              as_map_return_type return_type)
{
    return as_operations_map_remove_by_rank_range(ops, name, NULL, rank, count, return_type);
}

/** as_operations_map_size() without a context. */
static inline bool as_operations_add_map_size(as_operations* ops, const char* name)
{
    return as_operations_map_size(ops, name, NULL);
}

/** as_operations_map_get_by_key() without a context. */
static inline bool as_operations_add_map_get_by_key(as_operations* ops, const char* name,
                                                    as_val* key, as_map_return_type return_type)
{
    return as_operations_map_get_by_key(ops, name, NULL, key, return_type);
}

/** as_operations_map_get_by_key_range() without a context. */
static inline bool as_operations_add_map_get_by_key_range(as_operations* ops, const char* name,
                                                          as_val* begin, as_val* end,
                                                          as_map_return_type return_type)
{
    return as_operations_map_get_by_key_range(ops, name, NULL, begin, end, return_type);
}

/** as_operations_map_get_by_key_list() without a context. */
static inline bool as_operations_add_map_get_by_key_list(as_operations* ops, const char* name,
                                                         as_list* keys,
                                                         as_map_return_type return_type)
{
    return as_operations_map_get_by_key_list(ops, name, NULL, keys, return_type);
}

/** as_operations_map_get_by_key_rel_index_range_to_end() without a context. */
static inline bool
as_operations_add_map_get_by_key_rel_index_range_to_end(as_operations* ops, const char* name,
                                                        as_val* key, int64_t index,
                                                        as_map_return_type return_type)
{
    return as_operations_map_get_by_key_rel_index_range_to_end(ops, name, NULL, key, index,
                                                               return_type);
}

/** as_operations_map_get_by_key_rel_index_range() without a context. */
static inline bool as_operations_add_map_get_by_key_rel_index_range(as_operations* ops,
                                                                    const char* name, as_val* key,
                                                                    int64_t index, uint64_t count,
                                                                    as_map_return_type return_type)
{
    return as_operations_map_get_by_key_rel_index_range(ops, name, NULL, key, index, count,
                                                        return_type);
}

/** as_operations_map_get_by_value() without a context. */
static inline bool as_operations_add_map_get_by_value(as_operations* ops, const char* name,
                                                      as_val* value, as_map_return_type return_type)
{
    return as_operations_map_get_by_value(ops, name, NULL, value, return_type);
}

/** as_operations_map_get_by_value_range() without a context. */
static inline bool as_operations_add_map_get_by_value_range(as_operations* ops, const char* name,
                                                            as_val* begin, as_val* end,
                                                            as_map_return_type return_type)
{
    return as_operations_map_get_by_value_range(ops, name, NULL, begin, end, return_type);
}

/** as_operations_map_get_by_value_list() without a context. */
static inline bool as_operations_add_map_get_by_value_list(as_operations* ops, const char* name,
                                                           as_list* values,
                                                           as_map_return_type return_type)
{
    return as_operations_map_get_by_value_list(ops, name, NULL, values, return_type);
}

/** as_operations_map_get_by_value_rel_rank_range_to_end() without a context. */
static inline bool
as_operations_add_map_get_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                         as_val* value, int64_t rank,
                                                         as_map_return_type return_type)
{
    return as_operations_map_get_by_value_rel_rank_range_to_end(ops, name, NULL, value, rank,
                                                                return_type);
}

/** as_operations_map_get_by_value_rel_rank_range() without a context. */
static inline bool as_operations_add_map_get_by_value_rel_rank_range(as_operations* ops,
                                                                     const char* name,
                                                                     as_val* value, int64_t rank,
                                                                     uint64_t count,
                                                                     as_map_return_type return_type)
{
    return as_operations_map_get_by_value_rel_rank_range(ops, name, NULL, value, rank, count,
                                                         return_type);
}

/** as_operations_map_get_by_index() without a context. */
static inline bool as_operations_add_map_get_by_index(as_operations* ops, const char* name,
                                                      int64_t index, as_map_return_type return_type)
{
    return as_operations_map_get_by_index(ops, name, NULL, index, return_type);
}

/** as_operations_map_get_by_index_range_to_end() without a context. */
static inline bool as_operations_add_map_get_by_index_range_to_end(as_operations* ops,
                                                                   const char* name, int64_t index,
                                                                   as_map_return_type return_type)
{
    return as_operations_map_get_by_index_range_to_end(ops, name, NULL, index, return_type);
}

/** as_operations_map_get_by_index_range() without a context. */
static inline bool as_operations_add_map_get_by_index_range(as_operations* ops, const char* name,
                                                            int64_t index, uint64_t count,
                                                            as_map_return_type return_type)
{
    return as_operations_map_get_by_index_range(ops, name, NULL, index, count, return_type);
}

/** as_operations_map_get_by_rank() without a context. */
static inline bool as_operations_add_map_get_by_rank(as_operations* ops, const char* name,
                                                     int64_t rank, as_map_return_type return_type)
{
    return as_operations_map_get_by_rank(ops, name, NULL, rank, return_type);
}

/** as_operations_map_get_by_rank_range_to_end() without a context. */
static inline bool as_operations_add_map_get_by_rank_range_to_end(as_operations* ops,
                                                                  const char* name, int64_t rank,
                                                                  as_map_return_type return_type)
{
    return as_operations_map_get_by_rank_range_to_end(ops, name, NULL, rank, return_type);
}

/** as_operations_map_get_by_rank_range() without a context. */
static inline bool as_operations_add_map_get_by_rank_range(as_operations* ops, const char* name,
                                                           int64_t rank, uint64_t count,
                                                           as_map_return_type return_type)
{
    return as_operations_map_get_by_rank_range(ops, name, NULL, rank, count, return_type);
}

#ifdef __cplusplus
}
#endif
