/**
 * A named value of a record. Scalars, text and bytes lie in the bin itself; lists, maps and values
 * that the program made are only pointed at.
 */
#pragma once

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_string.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a bin's name with its terminator. */
#define AS_BIN_NAME_MAX_SIZE 16
/** Most bytes of a bin's name. */
#define AS_BIN_NAME_MAX_LEN 15

typedef char as_bin_name[AS_BIN_NAME_MAX_SIZE];

/** Any value; `nil.type` says which. A geojson has the members of a string. */
typedef union as_bin_value_s {
    as_val nil;
    as_boolean boolean;
    as_integer integer;
    as_double dbl;
    as_string string;
    as_bytes bytes;
    as_list list;
    as_map map;
} as_bin_value;

typedef struct as_bin_s {
    as_bin_name name;
    /** Storage for values that live in the bin. */
    as_bin_value value;
    /** The value: `value` above or one elsewhere. */
    as_bin_value* valuep;
} as_bin;

typedef struct as_bins_s {
    as_bin* entries;
    /** Bins that fit; a hard limit. */
    uint16_t capacity;
    uint16_t size;
    /** `entries` is heap memory of its own. */
    bool _free;
} as_bins;

/** The name, which stays the bin's. */
static inline char* as_bin_get_name(const as_bin* bin)
{
    return (char*)bin->name;
}

/** The value, lent. */
static inline as_bin_value* as_bin_get_value(const as_bin* bin)
{
    return bin->valuep;
}

/** The value's type. */
static inline as_val_t as_bin_get_type(const as_bin* bin)
{
    return as_val_type(bin->valuep);
}

#ifdef __cplusplus
}
#endif
