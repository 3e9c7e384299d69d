/**
 * A GeoJSON text value. The server checks it, not the library.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_geojson_s {
    as_val _;
    /** `value` is freed with the object; otherwise it is borrowed for the object's whole life. */
    bool free;
    /** Terminated text. */
    char* value;
    /** Bytes without the terminator; SIZE_MAX until computed. */
    size_t len;
} as_geojson;

/** Prepares the caller's `string` around `value`. `free` gives `value` (malloc memory) away. */
AS_EXTERN as_geojson* as_geojson_init(as_geojson* string, char* value, bool free);

/** The same with a length that is trusted. */
AS_EXTERN as_geojson* as_geojson_init_wlen(as_geojson* string, char* value, size_t len, bool free);

/** A new one on the heap around `value`; without memory NULL, and `value` stays the caller's. */
AS_EXTERN as_geojson* as_geojson_new(char* value, bool free);

/** The same with a length that is trusted. */
AS_EXTERN as_geojson* as_geojson_new_wlen(char* value, size_t len, bool free);

/** A new one on the heap with a copy of `value`; NULL without memory. */
AS_EXTERN as_geojson* as_geojson_new_strdup(const char* value);

/** Drops one reference. */
static inline void as_geojson_destroy(as_geojson* string)
{
    as_val_destroy(string);
}

/** Length in bytes, computed once; 0 for NULL. */
AS_EXTERN size_t as_geojson_len(as_geojson* string);

/** The text, which stays the object's, or `fallback` for NULL. */
static inline char* as_geojson_getorelse(const as_geojson* string, char* fallback)
{
    return string ? string->value : fallback;
}

/** The text, which stays the object's; NULL for NULL. */
static inline char* as_geojson_get(const as_geojson* string)
{
    return as_geojson_getorelse(string, NULL);
}

/** The same object as as_val*. */
static inline as_val* as_geojson_toval(const as_geojson* string)
{
    return (as_val*)string;
}

/** `v` as as_geojson*, or NULL if it is NULL or something else. */
static inline as_geojson* as_geojson_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_GEOJSON, as_geojson);
}

#ifdef __cplusplus
}
#endif
