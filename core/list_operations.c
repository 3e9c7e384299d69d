/*
 * as_list_operations: the arguments of each operation, as protocol/cdt-expressions.md 4 lists them.
 */
#include <aerospike/as_list_operations.h>

#include "core/cdt.h"

/* One operation with its arguments; `create` is or'ed into the last step of the context. */
#define LIST_OP(operator_, code_, create, ...)                                                     \
    tnd_cdt_add(ops, name,                                                                         \
                &(tnd_cdt_op){                                                                     \
                    .op = AS_OPERATOR_CDT_##operator_,                                             \
                    .code = AS_CDT_OP_LIST_##code_,                                                \
                    .ctx = ctx,                                                                    \
                    .create_flag = (create),                                                       \
                    .args = (tnd_cdt_arg[]){__VA_ARGS__},                                          \
                    .args_count = sizeof((tnd_cdt_arg[]){__VA_ARGS__}) / sizeof(tnd_cdt_arg),      \
                })
#define LIST_READ(code, ...) LIST_OP(READ, code, 0, __VA_ARGS__)
#define LIST_MODIFY(code, ...) LIST_OP(MODIFY, code, 0, __VA_ARGS__)

/* Without arguments; an empty array is no C. */
static bool list_bare(as_operations* ops, const char* name, const as_cdt_ctx* ctx, as_operator op,
                      unsigned code)
{
    return tnd_cdt_add(ops, name, &(tnd_cdt_op){.op = op, .code = code, .ctx = ctx});
}

/* --- the list as a whole --- */

bool as_operations_list_create_all(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                   as_list_order order, bool pad, bool persist_index)
{
    /* Nested, an index has no meaning; the order of what is made stands in the step as well. */
    bool is_nested = !cdt_ctx_is_empty(ctx);
    uint32_t type = (uint32_t)order | (persist_index && !is_nested ? 0x10 : 0);
    const char* refusal = persist_index && !is_nested && order != AS_LIST_ORDERED
                              ? "a persistent index needs an ordered list"
                              : NULL;

    return tnd_cdt_add(ops, name,
                       &(tnd_cdt_op){
                           .op = AS_OPERATOR_CDT_MODIFY,
                           .code = AS_CDT_OP_LIST_SET_TYPE,
                           .ctx = ctx,
                           .create_flag = as_list_order_to_flag(order, pad),
                           .args = (tnd_cdt_arg[]){TND_UINT(type)},
                           .args_count = 1,
                           .refusal = refusal,
                       });
}

bool as_operations_list_create(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                               as_list_order order, bool pad)
{
    return as_operations_list_create_all(ops, name, ctx, order, pad, false);
}

bool as_operations_list_set_order(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  as_list_order order)
{
    return LIST_MODIFY(SET_TYPE, TND_UINT(order));
}

bool as_operations_list_sort(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                             as_list_sort_flags flags)
{
    return LIST_MODIFY(SORT, TND_UINT(flags));
}

bool as_operations_list_clear(as_operations* ops, const char* name, as_cdt_ctx* ctx)
{
    return list_bare(ops, name, ctx, AS_OPERATOR_CDT_MODIFY, AS_CDT_OP_LIST_CLEAR);
}

bool as_operations_list_size(as_operations* ops, const char* name, as_cdt_ctx* ctx)
{
    return list_bare(ops, name, ctx, AS_OPERATOR_CDT_READ, AS_CDT_OP_LIST_SIZE);
}

bool as_operations_list_trim(as_operations* ops, const char* name, as_cdt_ctx* ctx, int64_t index,
                             uint64_t count)
{
    return LIST_MODIFY(TRIM, TND_INT(index), TND_UINT(count));
}

/* --- putting in --- */

bool as_operations_list_append(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                               as_list_policy* policy, as_val* val)
{
    return policy ? LIST_MODIFY(APPEND, TND_VALUE(val), TND_UINT(policy->order),
                                TND_UINT(policy->flags))
                  : LIST_MODIFY(APPEND, TND_VALUE(val));
}

bool as_operations_list_append_items(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     as_list_policy* policy, as_list* list)
{
    return policy ? LIST_MODIFY(APPEND_ITEMS, TND_VALUE(list), TND_UINT(policy->order),
                                TND_UINT(policy->flags))
                  : LIST_MODIFY(APPEND_ITEMS, TND_VALUE(list));
}

bool as_operations_list_insert(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                               as_list_policy* policy, int64_t index, as_val* val)
{
    return policy ? LIST_MODIFY(INSERT, TND_INT(index), TND_VALUE(val), TND_UINT(policy->flags))
                  : LIST_MODIFY(INSERT, TND_INT(index), TND_VALUE(val));
}

bool as_operations_list_insert_items(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     as_list_policy* policy, int64_t index, as_list* list)
{
    return policy
               ? LIST_MODIFY(INSERT_ITEMS, TND_INT(index), TND_VALUE(list), TND_UINT(policy->flags))
               : LIST_MODIFY(INSERT_ITEMS, TND_INT(index), TND_VALUE(list));
}

bool as_operations_list_increment(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  as_list_policy* policy, int64_t index, as_val* incr)
{
    tnd_cdt_arg delta = incr ? TND_VALUE(incr) : TND_INT(1);

    return policy ? LIST_MODIFY(INCREMENT, TND_INT(index), delta, TND_UINT(policy->order),
                                TND_UINT(policy->flags))
                  : LIST_MODIFY(INCREMENT, TND_INT(index), delta);
}

bool as_operations_list_set(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                            as_list_policy* policy, int64_t index, as_val* val)
{
    return policy ? LIST_MODIFY(SET, TND_INT(index), TND_VALUE(val), TND_UINT(policy->flags))
                  : LIST_MODIFY(SET, TND_INT(index), TND_VALUE(val));
}

/* --- by index, without a return type --- */

bool as_operations_list_pop(as_operations* ops, const char* name, as_cdt_ctx* ctx, int64_t index)
{
    return LIST_MODIFY(POP, TND_INT(index));
}

bool as_operations_list_pop_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  int64_t index, uint64_t count)
{
    return LIST_MODIFY(POP_RANGE, TND_INT(index), TND_UINT(count));
}

bool as_operations_list_pop_range_from(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       int64_t index)
{
    return LIST_MODIFY(POP_RANGE, TND_INT(index));
}

bool as_operations_list_remove(as_operations* ops, const char* name, as_cdt_ctx* ctx, int64_t index)
{
    return LIST_MODIFY(REMOVE, TND_INT(index));
}

bool as_operations_list_remove_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     int64_t index, uint64_t count)
{
    return LIST_MODIFY(REMOVE_RANGE, TND_INT(index), TND_UINT(count));
}

bool as_operations_list_remove_range_from(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                          int64_t index)
{
    return LIST_MODIFY(REMOVE_RANGE, TND_INT(index));
}

bool as_operations_list_get(as_operations* ops, const char* name, as_cdt_ctx* ctx, int64_t index)
{
    return LIST_READ(GET, TND_INT(index));
}

bool as_operations_list_get_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                  int64_t index, uint64_t count)
{
    return LIST_READ(GET_RANGE, TND_INT(index), TND_UINT(count));
}

bool as_operations_list_get_range_from(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       int64_t index)
{
    return LIST_READ(GET_RANGE, TND_INT(index));
}

/* --- selections: each to get and to remove --- */

bool as_operations_list_get_by_value(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     as_val* value, as_list_return_type return_type)
{
    return LIST_READ(GET_ALL_BY_VALUE, TND_UINT(return_type), TND_VALUE(value));
}

bool as_operations_list_remove_by_value(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                        as_val* value, as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_ALL_BY_VALUE, TND_UINT(return_type), TND_VALUE(value));
}

bool as_operations_list_get_by_value_list(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                          as_list* values, as_list_return_type return_type)
{
    return LIST_READ(GET_BY_VALUE_LIST, TND_UINT(return_type), TND_VALUE(values));
}

bool as_operations_list_remove_by_value_list(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                             as_list* values, as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_VALUE_LIST, TND_UINT(return_type), TND_VALUE(values));
}

bool as_operations_list_get_by_value_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                           as_val* begin, as_val* end,
                                           as_list_return_type return_type)
{
    return end ? LIST_READ(GET_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin),
                           TND_VALUE(end))
               : LIST_READ(GET_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin));
}

bool as_operations_list_remove_by_value_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                              as_val* begin, as_val* end,
                                              as_list_return_type return_type)
{
    return end ? LIST_MODIFY(REMOVE_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin),
                             TND_VALUE(end))
               : LIST_MODIFY(REMOVE_BY_VALUE_INTERVAL, TND_UINT(return_type), TND_VALUE(begin));
}

bool as_operations_list_get_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                           as_cdt_ctx* ctx, as_val* value,
                                                           int64_t rank,
                                                           as_list_return_type return_type)
{
    return LIST_READ(GET_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                     TND_INT(rank));
}

bool as_operations_list_remove_by_value_rel_rank_range_to_end(as_operations* ops, const char* name,
                                                              as_cdt_ctx* ctx, as_val* value,
                                                              int64_t rank,
                                                              as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                       TND_INT(rank));
}

bool as_operations_list_get_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, as_val* value, int64_t rank,
                                                    uint64_t count, as_list_return_type return_type)
{
    return LIST_READ(GET_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                     TND_INT(rank), TND_UINT(count));
}

bool as_operations_list_remove_by_value_rel_rank_range(as_operations* ops, const char* name,
                                                       as_cdt_ctx* ctx, as_val* value, int64_t rank,
                                                       uint64_t count,
                                                       as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_VALUE_REL_RANK_RANGE, TND_UINT(return_type), TND_VALUE(value),
                       TND_INT(rank), TND_UINT(count));
}

bool as_operations_list_get_by_index(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                     int64_t index, as_list_return_type return_type)
{
    return LIST_READ(GET_BY_INDEX, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_list_remove_by_index(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                        int64_t index, as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_INDEX, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_list_get_by_index_range_to_end(as_operations* ops, const char* name,
                                                  as_cdt_ctx* ctx, int64_t index,
                                                  as_list_return_type return_type)
{
    return LIST_READ(GET_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_list_remove_by_index_range_to_end(as_operations* ops, const char* name,
                                                     as_cdt_ctx* ctx, int64_t index,
                                                     as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index));
}

bool as_operations_list_get_by_index_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                           int64_t index, uint64_t count,
                                           as_list_return_type return_type)
{
    return LIST_READ(GET_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index), TND_UINT(count));
}

bool as_operations_list_remove_by_index_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                              int64_t index, uint64_t count,
                                              as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_INDEX_RANGE, TND_UINT(return_type), TND_INT(index),
                       TND_UINT(count));
}

bool as_operations_list_get_by_rank(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                    int64_t rank, as_list_return_type return_type)
{
    return LIST_READ(GET_BY_RANK, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_list_remove_by_rank(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                       int64_t rank, as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_RANK, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_list_get_by_rank_range_to_end(as_operations* ops, const char* name,
                                                 as_cdt_ctx* ctx, int64_t rank,
                                                 as_list_return_type return_type)
{
    return LIST_READ(GET_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_list_remove_by_rank_range_to_end(as_operations* ops, const char* name,
                                                    as_cdt_ctx* ctx, int64_t rank,
                                                    as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank));
}

bool as_operations_list_get_by_rank_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                          int64_t rank, uint64_t count,
                                          as_list_return_type return_type)
{
    return LIST_READ(GET_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank), TND_UINT(count));
}

bool as_operations_list_remove_by_rank_range(as_operations* ops, const char* name, as_cdt_ctx* ctx,
                                             int64_t rank, uint64_t count,
                                             as_list_return_type return_type)
{
    return LIST_MODIFY(REMOVE_BY_RANK_RANGE, TND_UINT(return_type), TND_INT(rank), TND_UINT(count));
}
