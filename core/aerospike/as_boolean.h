/**
 * A true or false value.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_boolean_s {
    as_val _;
    bool value;
} as_boolean;

/** Constants in read-only memory, with count 0. */
AS_EXTERN extern const as_boolean as_true;
AS_EXTERN extern const as_boolean as_false;

/** Prepares the caller's `boolean`; returns it, or NULL for NULL. */
AS_EXTERN as_boolean* as_boolean_init(as_boolean* boolean, bool value);

/** A new one on the heap with one reference; NULL without memory. */
AS_EXTERN as_boolean* as_boolean_new(bool value);

/** Drops one reference. */
static inline void as_boolean_destroy(as_boolean* boolean)
{
    as_val_destroy(boolean);
}

/** The value, or `fallback` for NULL. */
static inline bool as_boolean_getorelse(const as_boolean* boolean, bool fallback)
{
    return boolean ? boolean->value : fallback;
}

/** The value, false for NULL. */
static inline bool as_boolean_get(const as_boolean* boolean)
{
    return as_boolean_getorelse(boolean, false);
}

/** Old name of as_boolean_get(). */
static inline bool as_boolean_tobool(const as_boolean* boolean)
{
    return as_boolean_get(boolean);
}

/** The same object as as_val*. */
static inline as_val* as_boolean_toval(const as_boolean* boolean)
{
    return (as_val*)boolean;
}

/** `v` as as_boolean*, or NULL if it is NULL or something else. */
static inline as_boolean* as_boolean_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_BOOLEAN, as_boolean);
}

#ifdef __cplusplus
}
#endif
