/**
 * The same map as as_orderedmap, but sent as an unordered one: its flags are 0.
 */
#pragma once

#include <aerospike/as_orderedmap.h>

#ifdef __cplusplus
extern "C" {
#endif

#define as_hashmap as_orderedmap
#define as_hashmap_destroy as_orderedmap_destroy
#define as_hashmap_size as_orderedmap_size
#define as_hashmap_get as_orderedmap_get
#define as_hashmap_set as_orderedmap_set
#define as_hashmap_clear as_orderedmap_clear
#define as_hashmap_remove as_orderedmap_remove
#define as_hashmap_set_flags as_orderedmap_set_flags
#define as_hashmap_foreach as_orderedmap_foreach

/** An empty map in the caller's struct with room for `capacity` entries; it grows. NULL without
 * memory. */
AS_EXTERN as_hashmap* as_hashmap_init(as_hashmap* map, uint32_t capacity);

/** The same on the heap; NULL without memory. */
AS_EXTERN as_hashmap* as_hashmap_new(uint32_t capacity);

/** 1. */
AS_EXTERN uint32_t as_hashmap_hashcode(const as_hashmap* map);

#ifdef __cplusplus
}
#endif
