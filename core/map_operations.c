/*
 * as_map_operations: the arguments of each operation, as protocol/cdt-expressions.md 5 lists them.
 */
#include <aerospike/as_map_operations.h>

#include "core/cdt.h"

enum {
    ATTRIBUTE_PERSIST_INDEX = 0x10,
};

/* One operation with its arguments. */
#define MAP_OP(operator_, code_, refusal_, ...)                                                    \
    tnd_cdt_add(ops, name,                                                                         \
                &(tnd_cdt_op){                                                                     \
                    .op = AS_OPERATOR_MAP_##operator_,                                             \
                    .code = (unsigned)(code_),                                                     \
                    .ctx = ctx,                                                                    \
                    .args = (tnd_cdt_arg[]){__VA_ARGS__},                                          \
                    .args_count = sizeof((tnd_cdt_arg[]){__VA_ARGS__}) / sizeof(tnd_cdt_arg),      \
                    .refusal = (refusal_),                                                         \
                })
#define MAP_READ(code, ...) MAP_OP(READ, AS_CDT_OP_MAP_##code, NULL, __VA_ARGS__)
#define MAP_MODIFY(code, ...) MAP_OP(MODIFY, AS_CDT_OP_MAP_##code, NULL, __VA_ARGS__)

/* Without arguments; an empty array is no C. */
static bool map_bare(as_operations* ops, const char* name, const as_cdt_ctx* ctx, as_operator op,
                     unsigned code)
{
    return tnd_cdt_add(ops, name, &(tnd_cdt_op){.op = op, .code = code, .ctx = ctx});
}

/* --- what isn't sent --- */

/* The server takes a wildcard for some entry that happens to be there. */
static const char* refuse_key(const as_val* key)
{
    return as_val_type(key) == AS_CMP_WILDCARD ? "a wildcard is no key" : NULL;
}

/* A server doesn't survive the complement of nothing as elements (cdt-expressions.md 15). */
static const char* refuse_list(const as_list* items, as_map_return_type return_type)
{
    bool is_inverted = (unsigned)return_type & AS_MAP_RETURN_INVERTED;

    switch ((unsigned)return_type & ~(unsigned)AS_MAP_RETURN_INVERTED) {
    case AS_MAP_RETURN_NONE:
    case AS_MAP_RETURN_COUNT:
    case AS_MAP_RETURN_EXISTS:
        return NULL;
    default:
        return is_inverted && as_list_size(items) == 0
                   ? "an inverted selection by an empty list: ask for the whole map instead"
                   : NULL;
    }
}

static const char* refuse_keys(const as_list* keys, as_map_return_type return_type)
{
    const char* refusal = refuse_list(keys, return_type);

    for (uint32_t i = 0; i < as_list_size(keys) && !refusal; i++) {
        refusal = refuse_key(as_list_get(keys, i));
    }
    return refusal;
}

/* --- policies --- */

void as_map_policy_set_all(as_map_policy* policy, as_map_order order, uint32_t flags,
                           bool persist_index)
{
    policy->attributes = (uint64_t)order | (persist_index ? ATTRIBUTE_PERSIST_INDEX : 0);
    policy->flags = flags;
    policy->item_command = AS_CDT_OP_MAP_PUT;
    policy->items_command = AS_CDT_OP_MAP_PUT_ITEMS;
}

void as_map_policy_init(as_map_policy* policy)
{
    as_map_policy_set_all(policy, AS_MAP_UNORDERED, AS_MAP_WRITE_DEFAULT, false);
}

void as_map_policy_set_flags(as_map_policy* policy, as_map_order order, uint32_t flags)
{
    as_map_policy_set_all(policy, order, flags, false);
}

void as_map_policy_set(as_map_policy* policy, as_map_order order, as_map_write_mode mode)
{
    as_map_policy_set_all(policy, order, AS_MAP_WRITE_DEFAULT, false);
    switch (mode) {
    case AS_MAP_UPDATE:
        break;
    case AS_MAP_UPDATE_ONLY:
        policy->item_command = AS_CDT_OP_MAP_REPLACE;
        policy->items_command = AS_CDT_OP_MAP_REPLACE_ITEMS;
        break;
    case AS_MAP_CREATE_ONLY:
        policy->item_command = AS_CDT_OP_MAP_ADD;
        policy->items_command = AS_CDT_OP_MAP_ADD_ITEMS;
        break;
    }
}

static const as_map_policy plain_policy = {
    .item_command = AS_CDT_OP_MAP_PUT,
    .items_command = AS_CDT_OP_MAP_PUT_ITEMS,
};

/* --- the map as a whole --- */

bool as_operations_map_create_all(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  as_map_order order, bool persist_index)
{
    /* Nested, an index has no meaning; the order of what is made stands in the step as well. */
    bool has_index = persist_index && cdt_ctx_is_empty(ctx);
    uint32_t type = (uint32_t)order | (has_index ? ATTRIBUTE_PERSIST_INDEX : 0);

    return tnd_cdt_add(ops, name,
                       &(tnd_cdt_op){
                           .op = AS_OPERATOR_MAP_MODIFY,
                           .code = AS_CDT_OP_MAP_SET_TYPE,
                           .ctx = ctx,
                           .create_flag = as_map_order_to_flag(order),
                           .args = (tnd_cdt_arg[]){TND_UINT(type)},
                           .args_count = 1,
                       });
}

bool as_operations_map_create(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                              as_map_order order)
{
    return as_operations_map_create_all(ops, name, ctx, order, false);
}

bool as_operations_map_set_policy(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  as_map_policy* policy)
{
    uint64_t attributes = policy ? policy->attributes : 0;

    if (!cdt_ctx_is_empty(ctx)) {
        attributes &= ~(uint64_t)ATTRIBUTE_PERSIST_INDEX;
    }
    return MAP_MODIFY(SET_TYPE, TND_UINT(attributes));
}

bool as_operations_map_clear(as_operations* ops, const char* name, as_cdt_ctx* ctx)
{
    return map_bare(ops, name, ctx, AS_OPERATOR_MAP_MODIFY, AS_CDT_OP_MAP_CLEAR);
}

bool as_operations_map_size(as_operations* ops, const char* name, as_cdt_ctx* ctx)
{
    return map_bare(ops, name, ctx, AS_OPERATOR_MAP_READ, AS_CDT_OP_MAP_SIZE);
}

/* --- putting in --- */

bool as_operations_map_put(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                           as_map_policy* policy, as_val* key, as_val* value)
{
    const as_map_policy* p = policy ? policy : &plain_policy;

    if (p->flags != 0) {
        return MAP_MODIFY(PUT, TND_VALUE(key), TND_VALUE(value), TND_UINT(p->attributes),
                          TND_UINT(p->flags));
    }
    if (p->item_command == AS_CDT_OP_MAP_REPLACE) {
        return MAP_MODIFY(REPLACE, TND_VALUE(key), TND_VALUE(value));
    }
    return MAP_OP(MODIFY, p->item_command, NULL, TND_VALUE(key), TND_VALUE(value),
                  TND_UINT(p->attributes));
}

bool as_operations_map_put_items(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                 as_map_policy* policy, as_map* items)
{
    const as_map_policy* p = policy ? policy : &plain_policy;

    if (p->flags != 0) {
        return MAP_MODIFY(PUT_ITEMS, TND_VALUE(items), TND_UINT(p->attributes), TND_UINT(p->flags));
    }
    if (p->items_command == AS_CDT_OP_MAP_REPLACE_ITEMS) {
        return MAP_MODIFY(REPLACE_ITEMS, TND_VALUE(items));
    }
    return MAP_OP(MODIFY, p->items_command, NULL, TND_VALUE(items), TND_UINT(p->attributes));
}

bool as_operations_map_increment(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                 as_map_policy* policy, as_val* key, as_val* value)
{
    return MAP_MODIFY(INCREMENT, TND_VALUE(key), TND_VALUE(value),
                      TND_UINT(policy ? policy->attributes : 0));
}

bool as_operations_map_decrement(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                 as_map_policy* policy, as_val* key, as_val* value)
{
    return MAP_MODIFY(DECREMENT, TND_VALUE(key), TND_VALUE(value),
                      TND_UINT(policy ? policy->attributes : 0));
}

/* --- selections by key and by list: with refusals --- */

bool as_operations_map_get_by_key(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  as_val* key, as_map_return_type return_type)
{
    return MAP_OP(READ, AS_CDT_OP_MAP_GET_BY_KEY, refuse_key(key), TND_UINT(return_type),
                  TND_VALUE(key));
}

bool as_operations_map_remove_by_key(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     as_val* key, as_map_return_type return_type)
{
    return MAP_OP(MODIFY, AS_CDT_OP_MAP_REMOVE_BY_KEY, refuse_key(key), TND_UINT(return_type),
                  TND_VALUE(key));
}

bool as_operations_map_get_by_key_list(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       as_list* keys, as_map_return_type return_type)
{
    return MAP_OP(READ, AS_CDT_OP_MAP_GET_BY_KEY_LIST, refuse_keys(keys, return_type),
                  TND_UINT(return_type), TND_VALUE(keys));
}

bool as_operations_map_remove_by_key_list(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                          as_list* keys, as_map_return_type return_type)
{
    return MAP_OP(MODIFY, AS_CDT_OP_MAP_REMOVE_BY_KEY_LIST, refuse_keys(keys, return_type),
                  TND_UINT(return_type), TND_VALUE(keys));
}

bool as_operations_map_get_by_value_list(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                         as_list* values, as_map_return_type return_type)
{
    return MAP_OP(READ, AS_CDT_OP_MAP_GET_BY_VALUE_LIST, refuse_list(values, return_type),
                  TND_UINT(return_type), TND_VALUE(values));
}

bool as_operations_map_remove_by_value_list(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            as_list* values, as_map_return_type return_type)
{
    return MAP_OP(MODIFY, AS_CDT_OP_MAP_REMOVE_BY_VALUE_LIST, refuse_list(values, return_type),
                  TND_UINT(return_type), TND_VALUE(values));
}

/* --- the other selections: each to get and to remove --- */

bool as_operations_map_get_by_key_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                        as_val* begin, as_val* end, as_map_return_type return_type)
{
    return end ? MAP_READ(GET_BY_KEY_INTERVAL, TND_UINT(return_type), TND_VALUE(begin),
                          TND_VALUE(end))
               : MAP_READ(GET_BY_KEY_INTERVAL, TND_UINT(return_type), TND_VALUE(begin));
}

bool as_operations_map_remove_by_key_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                           as_val* begin, as_val* end,
                                           as_map_return_type return_type)
{
    return end ? MAP_MODIFY(REMOVE_BY_KEY_INTERVAL, TND_UINT(return_type), TND_VALUE(begin),
                            TND_VALUE(end))
               : MAP_MODIFY(REMOVE_BY_KEY_INTERVAL, TND_UINT(return_type), TND_VALUE(begin));
}

bool as_operations_map_get_by_key_rel_index_range_to_end(as_operations* ops, const char* name,
                                                         as_cdt_ctx* ctx, as_val* key,
                                                         int64_t index,
                                                         as_map_return_type return_type)
{
    return MAP_READ(GET_BY_KEY_REL_INDEX_RANGE, TND_UINT(return_type), TND_VALUE(key),
                    TND_INT(index));
}

bool as_operations_map_remove_by_key_rel_index_range_to_end(as_operations* ops, const char* name,
                                                            as_cdt_ctx* ctx, as_val* key,
                                                            int64_t index,
                                                            as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_KEY_REL_INDEX_RANGE, TND_UINT(return_type), TND_VALUE(key),
                      TND_INT(index));
}

bool as_operations_map_get_by_key_rel_index_range(as_operations* ops, const char* name,
                                                  as_cdt_ctx* ctx, as_val* key, int64_t index,
                                                  uint64_t count, as_map_return_type return_type)
{
    return MAP_READ(GET_BY_KEY_REL_INDEX_RANGE, TND_UINT(return_type), TND_VALUE(key),
                    TND_INT(index), TND_UINT(count));
}

bool as_operations_map_remove_by_key_rel_index_range(as_operations* ops, const char* name,
                                                     as_cdt_ctx* ctx, as_val* key, int64_t index,
                                                     uint64_t count, as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_KEY_REL_INDEX_RANGE, TND_UINT(return_type), TND_VALUE(key),
                      TND_INT(index), TND_UINT(count));
}

bool as_operations_map_get_by_value(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                    as_val* value, as_map_return_type return_type)
{
    return MAP_READ(GET_ALL_BY_VALUE, TND_UINT(return_type), TND_VALUE(value));
}

bool as_operations_map_remove_by_value(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       as_val* value, as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_ALL_BY_VALUE, TND_UINT(return_type), TND_VALUE(value));
}

bool as_operations_map_get_by_value_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                          as_val* begin, as_val* end,
                                          as_map_return_type return_type)
{
    return end ? MAP_READ(GET_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin),
                          TND_VALUE(end))
               : MAP_READ(GET_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin));
}

bool as_operations_map_remove_by_value_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                             as_val* begin, as_val* end,
                                             as_map_return_type return_type)
{
    return end ? MAP_MODIFY(REMOVE_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin),
                            TND_VALUE(end))
               : MAP_MODIFY(REMOVE_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin));
}

bool as_operations_map_get_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                          as_cdt_ctx* ctx, as_val* value,
                                                          int64_t rank,
                                                          as_map_return_type return_type)
{
    return MAP_READ(GET_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                    TND_INT(rank));
}

bool as_operations_map_remove_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                             as_cdt_ctx* ctx, as_val* value,
                                                             int64_t rank,
                                                             as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                      TND_INT(rank));
}

bool as_operations_map_get_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                   as_cdt_ctx* ctx, as_val* value, int64_t rank,
                                                   uint64_t count, as_map_return_type return_type)
{
    return MAP_READ(GET_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                    TND_INT(rank), TND_UINT(count));
}

bool as_operations_map_remove_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                      as_cdt_ctx* ctx, as_val* value, int64_t rank,
                                                      uint64_t count,
                                                      as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                      TND_INT(rank), TND_UINT(count));
}

bool as_operations_map_get_by_index(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                    int64_t index, as_map_return_type return_type)
{
    return MAP_READ(GET_BY_INDEX, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_map_remove_by_index(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       int64_t index, as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_INDEX, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_map_get_by_index_range_to_end(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, int64_t index,
                                                 as_map_return_type return_type)
{
    return MAP_READ(GET_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_map_remove_by_index_range_to_end(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, int64_t index,
                                                    as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_map_get_by_index_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                          int64_t index, uint64_t count,
                                          as_map_return_type return_type)
{
    return MAP_READ(GET_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index), TND_UINT(count));
}

bool as_operations_map_remove_by_index_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                             int64_t index, uint64_t count,
                                             as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index),
                      TND_UINT(count));
}

bool as_operations_map_get_by_rank(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                   int64_t rank, as_map_return_type return_type)
{
    return MAP_READ(GET_BY_RANK, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_map_remove_by_rank(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                      int64_t rank, as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_RANK, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_map_get_by_rank_range_to_end(as_operations* ops, const char* name,
                                                as_cdt_ctx* ctx, int64_t rank,
                                                as_map_return_type return_type)
{
    return MAP_READ(GET_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_map_remove_by_rank_range_to_end(as_operations* ops, const char* name,
                                                   as_cdt_ctx* ctx, int64_t rank,
                                                   as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_map_get_by_rank_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                         int64_t rank, uint64_t count,
                                         as_map_return_type return_type)
{
    return MAP_READ(GET_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank), TND_UINT(count));
}

bool as_operations_map_remove_by_rank_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                            int64_t rank, uint64_t count,
                                            as_map_return_type return_type)
{
    return MAP_MODIFY(REMOVE_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank), TND_UINT(count));
}
