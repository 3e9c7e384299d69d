/**
 * A 64-bit signed integer value.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_integer_s {
    as_val _;
    int64_t value;
} as_integer;

/** Prepares the caller's `integer`; returns it, or NULL for NULL. */
AS_EXTERN as_integer* as_integer_init(as_integer* integer, int64_t value);

/** A new one on the heap with one reference; NULL without memory. */
AS_EXTERN as_integer* as_integer_new(int64_t value);

/** Drops one reference. */
static inline void as_integer_destroy(as_integer* integer)
{
    as_val_destroy(integer);
}

/** The value, or `fallback` for NULL. */
static inline int64_t as_integer_getorelse(const as_integer* integer, int64_t fallback)
{
    return integer ? integer->value : fallback;
}

/** The value, 0 for NULL. */
static inline int64_t as_integer_get(const as_integer* integer)
{
    return as_integer_getorelse(integer, 0);
}

/** Old name of as_integer_get(). */
static inline int64_t as_integer_toint(const as_integer* integer)
{
    return as_integer_get(integer);
}

/** The same object as as_val*. */
static inline as_val* as_integer_toval(const as_integer* integer)
{
    return (as_val*)integer;
}

/** `v` as as_integer*, or NULL if it is NULL or something else. */
static inline as_integer* as_integer_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_INTEGER, as_integer);
}

#ifdef __cplusplus
}
#endif
