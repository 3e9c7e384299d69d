/**
 * Nil: the value of a bin that a write deletes, and of what isn't there.
 */
#pragma once

#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The one nil; read-only, with count 0. */
AS_EXTERN extern const as_val as_nil;

#ifdef __cplusplus
}
#endif
