/**
 * How lists and maps are ordered.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum as_list_order_e {
    AS_LIST_UNORDERED = 0,
    /** By value. */
    AS_LIST_ORDERED = 1
} as_list_order;

typedef enum as_map_order_e {
    AS_MAP_UNORDERED = 0,
    AS_MAP_KEY_ORDERED = 1,
    AS_MAP_KEY_VALUE_ORDERED = 3
} as_map_order;

/** The bit that a context's item carries to make a list; `pad` allows a gap of nil before it. */
static inline uint32_t as_list_order_to_flag(as_list_order order, bool pad)
{
    return order == AS_LIST_ORDERED ? 0xc0 : pad ? 0x80 : 0x40;
}

/** The bit that a context's item carries to make a map. */
static inline uint32_t as_map_order_to_flag(as_map_order order)
{
    return order == AS_MAP_UNORDERED ? 0x40 : order == AS_MAP_KEY_ORDERED ? 0x80 : 0xc0;
}

#ifdef __cplusplus
}
#endif
