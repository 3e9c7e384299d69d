/**
 * Partitions: every record is in one of 4096 by its digest (protocol/records.md 2.3).
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The partition of a digest among `n_partitions`, a power of two (4096). */
static inline uint32_t as_partition_getid(const uint8_t* digest, uint32_t n_partitions)
{
    return (digest[0] | (uint32_t)digest[1] << 8) & (n_partitions - 1);
}

#ifdef __cplusplus
}
#endif
