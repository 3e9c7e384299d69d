/**
 * Two constants to compare with, in arguments of operations and expressions only: a record can't
 * hold them.
 */
#pragma once

#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Greater than everything else. */
AS_EXTERN extern const as_val as_cmp_inf;

/** Equal to anything; what follows it in a list isn't looked at. */
AS_EXTERN extern const as_val as_cmp_wildcard;

#ifdef __cplusplus
}
#endif
