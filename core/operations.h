/*
 * What the builders of packed operations need of as_operations.
 */
#ifndef TENDRIL_CORE_OPERATIONS_H
#define TENDRIL_CORE_OPERATIONS_H

#include <aerospike/as_operations.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Adds an operation whose operand is packed already; `bytes` is malloc memory and the operation's
   on success. False, and nothing is taken over, if there is no room or the name doesn't suit. */
bool tnd_operations_add_packed(as_operations* ops, as_operator op, const char* name, uint8_t* bytes,
                               uint32_t size);

/* Adds an operation that makes the command fail with this reason (static text), so that a program
   that doesn't look at a builder's result can't miss that one is missing. */
void tnd_operations_refuse(as_operations* ops, as_operator op, const char* name,
                           const char* reason);

/* The reason, if the operation is one of those. */
const char* tnd_operations_refusal(const as_binop* binop);

#ifdef __cplusplus
}
#endif

#endif
