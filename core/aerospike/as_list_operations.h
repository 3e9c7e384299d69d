/**
 * Operations on lists, and on lists nested in lists and maps.
 *
 * Indexes and ranks count from 0; negative ones from the end: -1 is the last, or the highest. A
 * single index out of bounds is AEROSPIKE_ERR_OP_NOT_APPLICABLE, ranges are cut. In a value range
 * `begin` is in and `end` isn't. A missing bin reads as nil, and is made by append, insert, set and
 * increment.
 *
 * `ctx` names a nested list, NULL or an empty one the bin itself; it is only read. Values, lists
 * and maps among the arguments are consumed: one reference is destroyed before the call returns,
 * whatever it returns. All is packed at once.
 *
 * False: nothing was added, as there is no room or the bin's name is NULL or longer than 15 bytes;
 * or the operation is one that a server is known not to survive, or can't be packed: it is added as
 * one that makes the command fail with AEROSPIKE_ERR_PARAM and the reason.
 */
#pragma once

#include <aerospike/as_bytes.h>
#include <aerospike/as_cdt_ctx.h>
#include <aerospike/as_cdt_order.h>
#include <aerospike/as_double.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_list.h>
#include <aerospike/as_operations.h>
#include <aerospike/as_string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum as_list_sort_flags_e {
    AS_LIST_SORT_DEFAULT = 0,
    AS_LIST_SORT_DROP_DUPLICATES = 2
} as_list_sort_flags;

/** May be or'ed. */
typedef enum as_list_write_flags_e {
    AS_LIST_WRITE_DEFAULT = 0,
    /** A value that is there already is AEROSPIKE_ERR_FAIL_ELEMENT_EXISTS. */
    AS_LIST_WRITE_ADD_UNIQUE = 1,
    /** No gap of nil: AEROSPIKE_ERR_OP_NOT_APPLICABLE. */
    AS_LIST_WRITE_INSERT_BOUNDED = 2,
    /** What the other flags refuse isn't done, without an error. */
    AS_LIST_WRITE_NO_FAIL = 4,
    /** With NO_FAIL: of several items those are added that may be. */
    AS_LIST_WRITE_PARTIAL = 8
} as_list_write_flags;

/** What a selection returns: for one element a value, for several a list of them. */
typedef enum as_list_return_type_e {
    AS_LIST_RETURN_NONE = 0,
    AS_LIST_RETURN_INDEX = 1,
    /** From the end. */
    AS_LIST_RETURN_REVERSE_INDEX = 2,
    /** Place in value order. */
    AS_LIST_RETURN_RANK = 3,
    AS_LIST_RETURN_REVERSE_RANK = 4,
    /** How many were selected. */
    AS_LIST_RETURN_COUNT = 5,
    AS_LIST_RETURN_VALUE = 7,
    /** Whether any was selected. */
    AS_LIST_RETURN_EXISTS = 13,
    /** Or'ed in: selects the others. */
    AS_LIST_RETURN_INVERTED = 0x10000
} as_list_return_type;

/** Numbers of the operations on the wire. */
typedef enum as_cdt_op_list_e {
    AS_CDT_OP_LIST_SET_TYPE = 0,
    AS_CDT_OP_LIST_APPEND = 1,
    AS_CDT_OP_LIST_APPEND_ITEMS = 2,
    AS_CDT_OP_LIST_INSERT = 3,
    AS_CDT_OP_LIST_INSERT_ITEMS = 4,
    AS_CDT_OP_LIST_POP = 5,
    AS_CDT_OP_LIST_POP_RANGE = 6,
    AS_CDT_OP_LIST_REMOVE = 7,
    AS_CDT_OP_LIST_REMOVE_RANGE = 8,
    AS_CDT_OP_LIST_SET = 9,
    AS_CDT_OP_LIST_TRIM = 10,
    AS_CDT_OP_LIST_CLEAR = 11,
    AS_CDT_OP_LIST_INCREMENT = 12,
    AS_CDT_OP_LIST_SORT = 13,
    AS_CDT_OP_LIST_SIZE = 16,
    AS_CDT_OP_LIST_GET = 17,
    AS_CDT_OP_LIST_GET_RANGE = 18,
    AS_CDT_OP_LIST_GET_BY_INDEX = 19,
    AS_CDT_OP_LIST_GET_BY_RANK = 21,
    AS_CDT_OP_LIST_GET_ALL_BY_VALUE = 22,
    AS_CDT_OP_LIST_GET_BY_VALUE_LIST = 23,
    AS_CDT_OP_LIST_GET_BY_INDEX_RANGE = 24,
    AS_CDT_OP_LIST_GET_BY_VALUE_INTERVAL = 25,
    AS_CDT_OP_LIST_GET_BY_RANK_RANGE = 26,
    AS_CDT_OP_LIST_GET_BY_VALUE_REL_RANK_RANGE = 27,
    AS_CDT_OP_LIST_REMOVE_BY_INDEX = 32,
    AS_CDT_OP_LIST_REMOVE_BY_RANK = 34,
    AS_CDT_OP_LIST_REMOVE_ALL_BY_VALUE = 35,
    AS_CDT_OP_LIST_REMOVE_BY_VALUE_LIST = 36,
    AS_CDT_OP_LIST_REMOVE_BY_INDEX_RANGE = 37,
    AS_CDT_OP_LIST_REMOVE_BY_VALUE_INTERVAL = 38,
    AS_CDT_OP_LIST_REMOVE_BY_RANK_RANGE = 39,
    AS_CDT_OP_LIST_REMOVE_BY_VALUE_REL_RANK_RANGE = 40
} as_cdt_op_list;

typedef struct as_list_policy_s {
    /** Of a list that the operation makes. */
    as_list_order order;
    as_list_write_flags flags;
} as_list_policy;

/** Unordered, no flags. */
static inline void as_list_policy_init(as_list_policy* policy)
{
    policy->order = AS_LIST_UNORDERED;
    policy->flags = AS_LIST_WRITE_DEFAULT;
}

/** Sets both. */
static inline void as_list_policy_set(as_list_policy* policy, as_list_order order,
                                      as_list_write_flags flags)
{
    policy->order = order;
    policy->flags = flags;
}

/** Makes an empty list, or one nested at `ctx`; `pad` allows a gap of nil before it. */
AS_EXTERN bool as_operations_list_create(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                         as_list_order order, bool pad);

/** The same; `persist_index` keeps an index with an ordered list that isn't nested. */
AS_EXTERN bool as_operations_list_create_all(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                             as_list_order order, bool pad, bool persist_index);

/** Makes the list ordered, sorting it, or unordered. */
AS_EXTERN bool as_operations_list_set_order(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            as_list_order order);

/** Sorts the list, once. */
AS_EXTERN bool as_operations_list_sort(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       as_list_sort_flags flags);

/** Adds `val` at the end, or where it belongs in an ordered list. Returns the size. */
AS_EXTERN bool as_operations_list_append(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                         as_list_policy* policy, as_val* val);

/** Adds the elements of `list`. Returns the size. */
AS_EXTERN bool as_operations_list_append_items(as_operations* ops, const char* name,
                                               as_cdt_ctx* ctx, as_list_policy* policy,
                                               as_list* list);

/** Inserts `val` before `index`. Not into an ordered list. Returns the size. */
AS_EXTERN bool as_operations_list_insert(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                         as_list_policy* policy, int64_t index, as_val* val);

/** Inserts the elements of `list` before `index`. Not into an ordered list. Returns the size. */
AS_EXTERN bool as_operations_list_insert_items(as_operations* ops, const char* name,
                                               as_cdt_ctx* ctx, as_list_policy* policy,
                                               int64_t index, as_list* list);

/** Adds `incr` (NULL: 1) to the number at `index`. Returns the sum. */
AS_EXTERN bool as_operations_list_increment(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            as_list_policy* policy, int64_t index, as_val* incr);

/** Replaces the element at `index`. Not of an ordered list. */
AS_EXTERN bool as_operations_list_set(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                      as_list_policy* policy, int64_t index, as_val* val);

/** Removes the element at `index` and returns it. */
AS_EXTERN bool as_operations_list_pop(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                      int64_t index);

/** Removes `count` elements from `index` on and returns them. */
AS_EXTERN bool as_operations_list_pop_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            int64_t index, uint64_t count);

/** Removes the elements from `index` on and returns them. */
AS_EXTERN bool as_operations_list_pop_range_from(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, int64_t index);

/** Removes the element at `index`. Returns the number removed. */
AS_EXTERN bool as_operations_list_remove(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                         int64_t index);

/** Removes `count` elements from `index` on. Returns the number removed. */
AS_EXTERN bool as_operations_list_remove_range(as_operations* ops, const char* name,
                                               as_cdt_ctx* ctx, int64_t index, uint64_t count);

/** Removes the elements from `index` on. Returns the number removed. */
AS_EXTERN bool as_operations_list_remove_range_from(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, int64_t index);

/** Removes the elements equal to `value`. */
AS_EXTERN bool as_operations_list_remove_by_value(as_operations* ops, const char* name,
                                                  as_cdt_ctx* ctx, as_val* value,
                                                  as_list_return_type return_type);

/** Removes the elements equal to one of `values`. */
AS_EXTERN bool as_operations_list_remove_by_value_list(as_operations* ops, const char* name,
                                                       as_cdt_ctx* ctx, as_list* values,
                                                       as_list_return_type return_type);

/** Removes the elements from `begin` on and below `end`; NULL leaves that side open. */
AS_EXTERN bool as_operations_list_remove_by_value_range(as_operations* ops, const char* name,
                                                        as_cdt_ctx* ctx, as_val* begin, as_val* end,
                                                        as_list_return_type return_type);

/** Removes the elements from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_list_remove_by_value_rel_rank_range_to_end(
    as_operations* ops, const char* name, as_cdt_ctx* ctx, as_val* value, int64_t rank,
    as_list_return_type return_type);

/** Removes `count` elements from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_list_remove_by_value_rel_rank_range(as_operations* ops,
                                                                 const char* name, as_cdt_ctx* ctx,
                                                                 as_val* value, int64_t rank,
                                                                 uint64_t count,
                                                                 as_list_return_type return_type);

/** Removes the element at `index`. */
AS_EXTERN bool as_operations_list_remove_by_index(as_operations* ops, const char* name,
                                                  as_cdt_ctx* ctx, int64_t index,
                                                  as_list_return_type return_type);

/** Removes the elements from `index` on. */
AS_EXTERN bool as_operations_list_remove_by_index_range_to_end(as_operations* ops, const char* name,
                                                               as_cdt_ctx* ctx, int64_t index,
                                                               as_list_return_type return_type);

/** Removes `count` elements from `index` on. */
AS_EXTERN bool as_operations_list_remove_by_index_range(as_operations* ops, const char* name,
                                                        as_cdt_ctx* ctx, int64_t index,
                                                        uint64_t count,
                                                        as_list_return_type return_type);

/** Removes the element of `rank` in value order. */
AS_EXTERN bool as_operations_list_remove_by_rank(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, int64_t rank,
                                                 as_list_return_type return_type);

/** Removes the elements from `rank` in value order on. */
AS_EXTERN bool as_operations_list_remove_by_rank_range_to_end(as_operations* ops, const char* name,
                                                              as_cdt_ctx* ctx, int64_t rank,
                                                              as_list_return_type return_type);

/** Removes `count` elements from `rank` in value order on. */
AS_EXTERN bool as_operations_list_remove_by_rank_range(as_operations* ops, const char* name,
                                                       as_cdt_ctx* ctx, int64_t rank,
                                                       uint64_t count,
                                                       as_list_return_type return_type);

/** Removes all but `count` elements from `index` on. Returns the number removed. */
AS_EXTERN bool as_operations_list_trim(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       int64_t index, uint64_t count);

/** Removes all elements. */
AS_EXTERN bool as_operations_list_clear(as_operations* ops, const char* name, as_cdt_ctx* ctx);

/** Returns the number of elements. */
AS_EXTERN bool as_operations_list_size(as_operations* ops, const char* name, as_cdt_ctx* ctx);

/** Returns the element at `index`. */
AS_EXTERN bool as_operations_list_get(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                      int64_t index);

/** Returns `count` elements from `index` on. */
AS_EXTERN bool as_operations_list_get_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            int64_t index, uint64_t count);

/** Returns the elements from `index` on. */
AS_EXTERN bool as_operations_list_get_range_from(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, int64_t index);

/** Selects the elements equal to `value`. */
AS_EXTERN bool as_operations_list_get_by_value(as_operations* ops, const char* name,
                                               as_cdt_ctx* ctx, as_val* value,
                                               as_list_return_type return_type);

/** Selects the elements from `begin` on and below `end`; NULL leaves that side open. */
AS_EXTERN bool as_operations_list_get_by_value_range(as_operations* ops, const char* name,
                                                     as_cdt_ctx* ctx, as_val* begin, as_val* end,
                                                     as_list_return_type return_type);

/** Selects the elements equal to one of `values`. */
AS_EXTERN bool as_operations_list_get_by_value_list(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, as_list* values,
                                                    as_list_return_type return_type);

/** Selects the elements from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool
as_operations_list_get_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                      as_cdt_ctx* ctx, as_val* value, int64_t rank,
                                                      as_list_return_type return_type);

/** Selects `count` elements from `rank` places above the place of `value` in value order on. */
AS_EXTERN bool as_operations_list_get_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                              as_cdt_ctx* ctx, as_val* value,
                                                              int64_t rank, uint64_t count,
                                                              as_list_return_type return_type);

/** Selects the element at `index`. */
AS_EXTERN bool as_operations_list_get_by_index(as_operations* ops, const char* name,
                                               as_cdt_ctx* ctx, int64_t index,
                                               as_list_return_type return_type);

/** Selects the elements from `index` on. */
AS_EXTERN bool as_operations_list_get_by_index_range_to_end(as_operations* ops, const char* name,
                                                            as_cdt_ctx* ctx, int64_t index,
                                                            as_list_return_type return_type);

/** Selects `count` elements from `index` on. */
AS_EXTERN bool as_operations_list_get_by_index_range(as_operations* ops, const char* name,
                                                     as_cdt_ctx* ctx, int64_t index, uint64_t count,
                                                     as_list_return_type return_type);

/** Selects the element of `rank` in value order. */
AS_EXTERN bool as_operations_list_get_by_rank(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                              int64_t rank, as_list_return_type return_type);

/** Selects the elements from `rank` in value order on. */
AS_EXTERN bool as_operations_list_get_by_rank_range_to_end(as_operations* ops, const char* name,
                                                           as_cdt_ctx* ctx, int64_t rank,
                                                           as_list_return_type return_type);

/** Selects `count` elements from `rank` in value order on. */
AS_EXTERN bool as_operations_list_get_by_rank_range(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, int64_t rank, uint64_t count,
                                                    as_list_return_type return_type);

/* --- the same without a context --- */

/** as_operations_list_append() of a text that is freed here if `free`. */
static inline bool as_operations_add_list_append_strp(as_operations* ops, const char* name,
                                                      const char* value, bool free)
{
    as_string text;
    as_string_init(&text, (char*)value, free);
    return as_operations_list_append(ops, name, NULL, NULL, (as_val*)&text);
}

/** as_operations_list_append() of bytes that are freed here if `free`. */
static inline bool as_operations_add_list_append_rawp(as_operations* ops, const char* name,
                                                      const uint8_t* value, uint32_t size,
                                                      bool free)
{
    as_bytes bytes;
    as_bytes_init_wrap(&bytes, (uint8_t*)value, size, free);
    return as_operations_list_append(ops, name, NULL, NULL, (as_val*)&bytes);
}

/** as_operations_list_insert() of a text that is freed here if `free`. */
static inline bool as_operations_add_list_insert_strp(as_operations* ops, const char* name,
                                                      int64_t index, const char* value, bool free)
{
    as_string text;
    as_string_init(&text, (char*)value, free);
    return as_operations_list_insert(ops, name, NULL, NULL, index, (as_val*)&text);
}

/** as_operations_list_insert() of bytes that are freed here if `free`. */
static inline bool as_operations_add_list_insert_rawp(as_operations* ops, const char* name,
                                                      int64_t index, const uint8_t* value,
                                                      uint32_t size, bool free)
{
    as_bytes bytes;
    as_bytes_init_wrap(&bytes, (uint8_t*)value, size, free);
    return as_operations_list_insert(ops, name, NULL, NULL, index, (as_val*)&bytes);
}

/** as_operations_list_set() of a text that is freed here if `free`. */
static inline bool as_operations_add_list_set_strp(as_operations* ops, const char* name,
                                                   int64_t index, const char* value, bool free)
{
    as_string text;
    as_string_init(&text, (char*)value, free);
    return as_operations_list_set(ops, name, NULL, NULL, index, (as_val*)&text);
}

/** as_operations_list_set() of bytes that are freed here if `free`. */
static inline bool as_operations_add_list_set_rawp(as_operations* ops, const char* name,
                                                   int64_t index, const uint8_t* value,
                                                   uint32_t size, bool free)
{
    as_bytes bytes;
    as_bytes_init_wrap(&bytes, (uint8_t*)value, size, free);
    return as_operations_list_set(ops, name, NULL, NULL, index, (as_val*)&bytes);
}

/** as_operations_list_set_order() without a context. */
static inline bool as_operations_add_list_set_order(as_operations* ops, const char* name,
                                                    as_list_order order)
{
    return as_operations_list_set_order(ops, name, NULL, order);
}

/** as_operations_list_sort() without a context. */
static inline bool as_operations_add_list_sort(as_operations* ops, const char* name,
                                               as_list_sort_flags flags)
{
    return as_operations_list_sort(ops, name, NULL, flags);
}

/** as_operations_list_append() without a context. */
static inline bool as_operations_add_list_append(as_operations* ops, const char* name, as_val* val)
{
    return as_operations_list_append(ops, name, NULL, NULL, val);
}

/** as_operations_list_append() without a context. */
static inline bool as_operations_add_list_append_with_policy(as_operations* ops, const char* name,
                                                             as_list_policy* policy, as_val* val)
{
    return as_operations_list_append(ops, name, NULL, policy, val);
}

/** as_operations_list_append() of an integer. */
static inline bool as_operations_add_list_append_int64(as_operations* ops, const char* name,
                                                       int64_t value)
{
    return as_operations_list_append(ops, name, NULL, NULL, (as_val*)as_integer_new(value));
}

/** as_operations_list_append() of a double. */
static inline bool as_operations_add_list_append_double(as_operations* ops, const char* name,
                                                        double value)
{
    return as_operations_list_append(ops, name, NULL, NULL, (as_val*)as_double_new(value));
}

/** as_operations_list_append() of a text. */
static inline bool as_operations_add_list_append_str(as_operations* ops, const char* name,
                                                     const char* value)
{
    return as_operations_add_list_append_strp(ops, name, value, false);
}

/** as_operations_list_append() of bytes. */
static inline bool as_operations_add_list_append_raw(as_operations* ops, const char* name,
                                                     const uint8_t* value, uint32_t size)
{
    return as_operations_add_list_append_rawp(ops, name, value, size, false);
}

/** as_operations_list_append_items() without a context. */
static inline bool as_operations_add_list_append_items(as_operations* ops, const char* name,
                                                       as_list* list)
{
    return as_operations_list_append_items(ops, name, NULL, NULL, list);
}

/** as_operations_list_append_items() without a context. */
static inline bool as_operations_add_list_append_items_with_policy(as_operations* ops,
                                                                   const char* name,
                                                                   as_list_policy* policy,
                                                                   as_list* list)
{
    return as_operations_list_append_items(ops, name, NULL, policy, list);
}

/** as_operations_list_insert() without a context. */
static inline bool as_operations_add_list_insert(as_operations* ops, const char* name,
                                                 int64_t index, as_val* val)
{
    return as_operations_list_insert(ops, name, NULL, NULL, index, val);
}

/** as_operations_list_insert() without a context. */
static inline bool as_operations_add_list_insert_with_policy(as_operations* ops, const char* name,
                                                             as_list_policy* policy, int64_t index,
                                                             as_val* val)
{
    return as_operations_list_insert(ops, name, NULL, policy, index, val);
}

/** as_operations_list_insert() of an integer. */
static inline bool as_operations_add_list_insert_int64(as_operations* ops, const char* name,
                                                       int64_t index, int64_t value)
{
    return as_operations_list_insert(ops, name, NULL, NULL, index, (as_val*)as_integer_new(value));
}

/** as_operations_list_insert() of a double. */
static inline bool as_operations_add_list_insert_double(as_operations* ops, const char* name,
                                                        int64_t index, double value)
{
    return as_operations_list_insert(ops, name, NULL, NULL, index, (as_val*)as_double_new(value));
}

/** as_operations_list_insert() of a text. */
static inline bool as_operations_add_list_insert_str(as_operations* ops, const char* name,
                                                     int64_t index, const char* value)
{
    return as_operations_add_list_insert_strp(ops, name, index, value, false);
}

/** as_operations_list_insert() of bytes. */
static inline bool as_operations_add_list_insert_raw(as_operations* ops, const char* name,
                                                     int64_t index, const uint8_t* value,
                                                     uint32_t size)
{
    return as_operations_add_list_insert_rawp(ops, name, index, value, size, false);
}

/** as_operations_list_insert_items() without a context. */
static inline bool as_operations_add_list_insert_items(as_operations* ops, const char* name,
                                                       int64_t index, as_list* list)
{
    return as_operations_list_insert_items(ops, name, NULL, NULL, index, list);
}

/** as_operations_list_insert_items() without a context. */
static inline bool as_operations_add_list_insert_items_with_policy(as_operations* ops,
                                                                   const char* name,
                                                                   as_list_policy* policy,
                                                                   int64_t index, as_list* list)
{
    return as_operations_list_insert_items(ops, name, NULL, policy, index, list);
}

/** as_operations_list_increment() without a context. */
static inline bool as_operations_add_list_increment(as_operations* ops, const char* name,
                                                    int64_t index, as_val* incr)
{
    return as_operations_list_increment(ops, name, NULL, NULL, index, incr);
}

/** as_operations_list_increment() without a context. */
static inline bool as_operations_add_list_increment_with_policy(as_operations* ops,
                                                                const char* name,
                                                                as_list_policy* policy,
                                                                int64_t index, as_val* incr)
{
    return as_operations_list_increment(ops, name, NULL, policy, index, incr);
}

/** as_operations_list_set() without a context. */
static inline bool as_operations_add_list_set(as_operations* ops, const char* name, int64_t index,
                                              as_val* val)
{
    return as_operations_list_set(ops, name, NULL, NULL, index, val);
}

/** as_operations_list_set() without a context. */
static inline bool as_operations_add_list_set_with_policy(as_operations* ops, const char* name,
                                                          as_list_policy* policy, int64_t index,
                                                          as_val* val)
{
    return as_operations_list_set(ops, name, NULL, policy, index, val);
}

/** as_operations_list_set() of an integer. */
static inline bool as_operations_add_list_set_int64(as_operations* ops, const char* name,
                                                    int64_t index, int64_t value)
{
    return as_operations_list_set(ops, name, NULL, NULL, index, (as_val*)as_integer_new(value));
}

/** as_operations_list_set() of a double. */
static inline bool as_operations_add_list_set_double(as_operations* ops, const char* name,
                                                     int64_t index, double value)
{
    return as_operations_list_set(ops, name, NULL, NULL, index, (as_val*)as_double_new(value));
}

/** as_operations_list_set() of a text. */
static inline bool as_operations_add_list_set_str(as_operations* ops, const char* name,
                                                  int64_t index, const char* value)
{
    return as_operations_add_list_set_strp(ops, name, index, value, false);
}

/** as_operations_list_set() of bytes. */
static inline bool as_operations_add_list_set_raw(as_operations* ops, const char* name,
                                                  int64_t index, const uint8_t* value,
                                                  uint32_t size)
{
    return as_operations_add_list_set_rawp(ops, name, index, value, size, false);
}

/** as_operations_list_pop() without a context. */
static inline bool as_operations_add_list_pop(as_operations* ops, const char* name, int64_t index)
{
    return as_operations_list_pop(ops, name, NULL, index);
}

/** as_operations_list_pop_range() without a context. */
static inline bool as_operations_add_list_pop_range(as_operations* ops, const char* name,
                                                    int64_t index, uint64_t count)
{
    return as_operations_list_pop_range(ops, name, NULL, index, count);
}

/** as_operations_list_pop_range_from() without a context. */
static inline bool as_operations_add_list_pop_range_from(as_operations* ops, const char* name,
                                                         int64_t index)
{
    return as_operations_list_pop_range_from(ops, name, NULL, index);
}

/** as_operations_list_remove() without a context. */
static inline bool as_operations_add_list_remove(as_operations* ops, const char* name,
                                                 int64_t index)
{
    return as_operations_list_remove(ops, name, NULL, index);
}

/** as_operations_list_remove_range() without a context. */
static inline bool as_operations_add_list_remove_range(as_operations* ops, const char* name,
                                                       int64_t index, uint64_t count)
{
    return as_operations_list_remove_range(ops, name, NULL, index, count);
}

/** as_operations_list_remove_range_from() without a context. */
static inline bool as_operations_add_list_remove_range_from(as_operations* ops, const char* name,
                                                            int64_t index)
{
    return as_operations_list_remove_range_from(ops, name, NULL, index);
}

/** as_operations_list_remove_by_value() without a context. */
static inline bool as_operations_add_list_remove_by_value(as_operations* ops, const char* name,
                                                          as_val* value,
                                                          as_list_return_type return_type)
{
    return as_operations_list_remove_by_value(ops, name, NULL, value, return_type);
}

/** as_operations_list_remove_by_value_list() without a context. */
static inline bool as_operations_add_list_remove_by_value_list(as_operations* ops, const char* name,
                                                               as_list* values,
                                                               as_list_return_type return_type)
{
    return as_operations_list_remove_by_value_list(ops, name, NULL, values, return_type);
}

/** as_operations_list_remove_by_value_range() without a context. */
static inline bool as_operations_add_list_remove_by_value_range(as_operations* ops,
                                                                const char* name, as_val* begin,
                                                                as_val* end,
                                                                as_list_return_type return_type)
{
    return as_operations_list_remove_by_value_range(ops, name, NULL, begin, end, return_type);
}

/** as_operations_list_remove_by_value_rel_rank_range_to_end() without a context. */
static inline bool
as_operations_add_list_remove_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                             as_val* value, int64_t rank,
                                                             as_list_return_type return_type)
{
    return as_operations_list_remove_by_value_rel_rank_range_to_end(ops, name, NULL, value, rank,
                                                                    return_type);
}

/** as_operations_list_remove_by_value_rel_rank_range() without a context. */
static inline bool
as_operations_add_list_remove_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                      as_val* value, int64_t rank, uint64_t count,
                                                      as_list_return_type return_type)
{
    return as_operations_list_remove_by_value_rel_rank_range(ops, name, NULL, value, rank, count,
                                                             return_type);
}

/** as_operations_list_remove_by_index() without a context. */
static inline bool as_operations_add_list_remove_by_index(as_operations* ops, const char* name,
                                                          int64_t index,
                                                          as_list_return_type return_type)
{
    return as_operations_list_remove_by_index(ops, name, NULL, index, return_type);
}

/** as_operations_list_remove_by_index_range_to_end() without a context. */
static inline bool
as_operations_add_list_remove_by_index_range_to_end(as_operations* ops, const char* name,
                                                    int64_t index, as_list_return_type return_type)
{
    return as_operations_list_remove_by_index_range_to_end(ops, name, NULL, index, return_type);
}

/** as_operations_list_remove_by_index_range() without a context. */
static inline bool as_operations_add_list_remove_by_index_range(as_operations* ops,
                                                                const char* name, int64_t index,
                                                                uint64_t count,
                                                                as_list_return_type return_type)
{
    return as_operations_list_remove_by_index_range(ops, name, NULL, index, count, return_type);
}

/** as_operations_list_remove_by_rank() without a context. */
static inline bool as_operations_add_list_remove_by_rank(as_operations* ops, const char* name,
                                                         int64_t rank,
                                                         as_list_return_type return_type)
{
    return as_operations_list_remove_by_rank(ops, name, NULL, rank, return_type);
}

/** as_operations_list_remove_by_rank_range_to_end() without a context. */
static inline bool
as_operations_add_list_remove_by_rank_range_to_end(as_operations* ops, const char* name,
                                                   int64_t rank, as_list_return_type return_type)
{
    return as_operations_list_remove_by_rank_range_to_end(ops, name, NULL, rank, return_type);
}

/** as_operations_list_remove_by_rank_range() without a context. */
static inline bool as_operations_add_list_remove_by_rank_range(as_operations* ops, const char* name,
                                                               int64_t rank, uint64_t count,
                                                               as_list_return_type return_type)
{
    return as_operations_list_remove_by_rank_range(ops, name, NULL, rank, count, return_type);
}

/** as_operations_list_trim() without a context. */
static inline bool as_operations_add_list_trim(as_operations* ops, const char* name, int64_t index,
                                               uint64_t count)
{
    return as_operations_list_trim(ops, name, NULL, index, count);
}

/** as_operations_list_clear() without a context. */
static inline bool as_operations_add_list_clear(as_operations* ops, const char* name)
{
    return as_operations_list_clear(ops, name, NULL);
}

/** as_operations_list_size() without a context. */
static inline bool as_operations_add_list_size(as_operations* ops, const char* name)
{
    return as_operations_list_size(ops, name, NULL);
}

/** as_operations_list_get() without a context. */
static inline bool as_operations_add_list_get(as_operations* ops, const char* name, int64_t index)
{
    return as_operations_list_get(ops, name, NULL, index);
}

/** as_operations_list_get_range() without a context. */
static inline bool as_operations_add_list_get_range(as_operations* ops, const char* name,
                                                    int64_t index, uint64_t count)
{
    return as_operations_list_get_range(ops, name, NULL, index, count);
}

/** as_operations_list_get_range_from() without a context. */
static inline bool as_operations_add_list_get_range_from(as_operations* ops, const char* name,
                                                         int64_t index)
{
    return as_operations_list_get_range_from(ops, name, NULL, index);
}

/** as_operations_list_get_by_value() without a context. */
static inline bool as_operations_add_list_get_by_value(as_operations* ops, const char* name,
                                                       as_val* value,
                                                       as_list_return_type return_type)
{
    return as_operations_list_get_by_value(ops, name, NULL, value, return_type);
}

/** as_operations_list_get_by_value_range() without a context. */
static inline bool as_operations_add_list_get_by_value_range(as_operations* ops, const char* name,
                                                             as_val* begin, as_val* end,
                                                             as_list_return_type return_type)
{
    return as_operations_list_get_by_value_range(ops, name, NULL, begin, end, return_type);
}

/** as_operations_list_get_by_value_list() without a context. */
static inline bool as_operations_add_list_get_by_value_list(as_operations* ops, const char* name,
                                                            as_list* values,
                                                            as_list_return_type return_type)
{
    return as_operations_list_get_by_value_list(ops, name, NULL, values, return_type);
}

/** as_operations_list_get_by_value_rel_rank_range_to_end() without a context. */
static inline bool
as_operations_add_list_get_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                          as_val* value, int64_t rank,
                                                          as_list_return_type return_type)
{
    return as_operations_list_get_by_value_rel_rank_range_to_end(ops, name, NULL, value, rank,
                                                                 return_type);
}

/** as_operations_list_get_by_value_rel_rank_range() without a context. */
static inline bool
as_operations_add_list_get_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                   as_val* value, int64_t rank, uint64_t count,
                                                   as_list_return_type return_type)
{
    return as_operations_list_get_by_value_rel_rank_range(ops, name, NULL, value, rank, count,
                                                          return_type);
}

/** as_operations_list_get_by_index() without a context. */
static inline bool as_operations_add_list_get_by_index(as_operations* ops, const char* name,
                                                       int64_t index,
                                                       as_list_return_type return_type)
{
    return as_operations_list_get_by_index(ops, name, NULL, index, return_type);
}

/** as_operations_list_get_by_index_range_to_end() without a context. */
static inline bool as_operations_add_list_get_by_index_range_to_end(as_operations* ops,
                                                                    const char* name, int64_t index,
                                                                    as_list_return_type return_type)
{
    return as_operations_list_get_by_index_range_to_end(ops, name, NULL, index, return_type);
}

/** as_operations_list_get_by_index_range() without a context. */
static inline bool as_operations_add_list_get_by_index_range(as_operations* ops, const char* name,
                                                             int64_t index, uint64_t count,
                                                             as_list_return_type return_type)
{
    return as_operations_list_get_by_index_range(ops, name, NULL, index, count, return_type);
}

/** as_operations_list_get_by_rank() without a context. */
static inline bool as_operations_add_list_get_by_rank(as_operations* ops, const char* name,
                                                      int64_t rank, as_list_return_type return_type)
{
    return as_operations_list_get_by_rank(ops, name, NULL, rank, return_type);
}

/** as_operations_list_get_by_rank_range_to_end() without a context. */
static inline bool as_operations_add_list_get_by_rank_range_to_end(as_operations* ops,
                                                                   const char* name, int64_t rank,
                                                                   as_list_return_type return_type)
{
    return as_operations_list_get_by_rank_range_to_end(ops, name, NULL, rank, return_type);
}

/** as_operations_list_get_by_rank_range() without a context. */
static inline bool as_operations_add_list_get_by_rank_range(as_operations* ops, const char* name,
                                                            int64_t rank, uint64_t count,
                                                            as_list_return_type return_type)
{
    return as_operations_list_get_by_rank_range(ops, name, NULL, rank, count, return_type);
}

#ifdef __cplusplus
}
#endif
