/*
 * The identity of a record: RIPEMD-160 over set name, type byte and key value, and the partition
 * that follows from it (protocol/records.md 2, protocol/cluster.md 3.1). The namespace isn't
 * hashed.
 */
#ifndef TENDRIL_CORE_DIGEST_H
#define TENDRIL_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_DIGEST_BYTES = 20,
    TND_PARTITION_COUNT = 4096, /* per namespace, fixed by the protocol */
};

/* `type` is the particle type of the key: 1 integer, 2 double, 3 string, 4 blob, 7-12 language
   blobs. `value` is the key as it goes over the wire: integers and doubles as 8 big-endian bytes,
   strings without terminator. Either pointer may be NULL when its length is 0. */
void tnd_digest(const char* set, size_t set_size, uint8_t type, const void* value,
                size_t value_size, uint8_t ret_digest[TND_DIGEST_BYTES]);

/* 0 .. TND_PARTITION_COUNT - 1: the low 12 bits of the first two bytes, read little-endian. */
uint32_t tnd_digest_partition(const uint8_t digest[TND_DIGEST_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
