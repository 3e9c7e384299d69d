/**
 * Values to msgpack, as the server has it (protocol/cdt-expressions.md 1), and back.
 */
#pragma once

#include <aerospike/as_msgpack.h>
#include <aerospike/as_serializer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A serializer on the heap; NULL without memory. */
AS_EXTERN as_serializer* as_msgpack_new(void);

/** Prepares the caller's serializer. */
AS_EXTERN as_serializer* as_msgpack_init(as_serializer* serializer);

#ifdef __cplusplus
}
#endif
