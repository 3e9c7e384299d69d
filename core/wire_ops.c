/*
 * A program's operations on their way to the wire: its operators are numbers of the client only
 * (protocol/cdt-expressions.md 2.2).
 */
#include "core/wire.h"

/* 0 for what the wire doesn't have. */
static tnd_wire_op_code code_of(as_operator op)
{
    switch (op) {
    case AS_OPERATOR_READ:
        return TND_WIRE_OP_READ;
    case AS_OPERATOR_WRITE:
        return TND_WIRE_OP_WRITE;
    case AS_OPERATOR_CDT_READ:
    case AS_OPERATOR_MAP_READ:
        return TND_WIRE_OP_CDT_READ;
    case AS_OPERATOR_CDT_MODIFY:
    case AS_OPERATOR_MAP_MODIFY:
        return TND_WIRE_OP_CDT_MODIFY;
    case AS_OPERATOR_INCR:
        return TND_WIRE_OP_INCR;
    case AS_OPERATOR_EXP_READ:
        return TND_WIRE_OP_EXP_READ;
    case AS_OPERATOR_EXP_MODIFY:
        return TND_WIRE_OP_EXP_MODIFY;
    case AS_OPERATOR_APPEND:
        return TND_WIRE_OP_APPEND;
    case AS_OPERATOR_PREPEND:
        return TND_WIRE_OP_PREPEND;
    case AS_OPERATOR_TOUCH:
        return TND_WIRE_OP_TOUCH;
    case AS_OPERATOR_BIT_READ:
        return TND_WIRE_OP_BITS_READ;
    case AS_OPERATOR_BIT_MODIFY:
        return TND_WIRE_OP_BITS_MODIFY;
    case AS_OPERATOR_DELETE:
        return TND_WIRE_OP_DELETE_ALL;
    case AS_OPERATOR_HLL_READ:
        return TND_WIRE_OP_HLL_READ;
    case AS_OPERATOR_HLL_MODIFY:
        return TND_WIRE_OP_HLL_MODIFY;
    case AS_OPERATOR_STRING_READ:
    case AS_OPERATOR_STRING_MODIFY:
    case AS_OPERATOR_TO_STRING:
        break;
    }
    return (tnd_wire_op_code)0;
}

tnd_wire_op tnd_wire_op_of(const as_binop* binop)
{
    return (tnd_wire_op){
        .code = code_of(binop->op),
        .name = binop->bin.name,
        .value = (const as_val*)binop->bin.valuep,
    };
}

static bool is_map_op(as_operator op)
{
    return op == AS_OPERATOR_MAP_READ || op == AS_OPERATOR_MAP_MODIFY;
}

tnd_wire_ops tnd_wire_ops_of(const as_operations* operations)
{
    tnd_wire_ops ops = {0};
    if (!operations) {
        return ops;
    }
    ops.binops = operations->binops.entries;
    ops.count = operations->binops.size;
    ops.ttl = operations->ttl;
    ops.gen = operations->gen;
    for (uint32_t i = 0; i < ops.count; i++) {
        ops.has_map_ops |= is_map_op(ops.binops[i].op);
    }
    return ops;
}
