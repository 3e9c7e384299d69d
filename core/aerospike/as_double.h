/**
 * A double precision value.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_double_s {
    as_val _;
    double value;
} as_double;

/** Prepares the caller's `dbl`; returns it, or NULL for NULL. */
AS_EXTERN as_double* as_double_init(as_double* dbl, double value);

/** A new one on the heap with one reference; NULL without memory. */
AS_EXTERN as_double* as_double_new(double value);

/** Drops one reference. */
static inline void as_double_destroy(as_double* dbl)
{
    as_val_destroy(dbl);
}

/** The value, or `fallback` for NULL. */
static inline double as_double_getorelse(const as_double* dbl, double fallback)
{
    return dbl ? dbl->value : fallback;
}

/** The value, 0.0 for NULL. */
static inline double as_double_get(const as_double* dbl)
{
    return as_double_getorelse(dbl, 0.0);
}

/** The same object as as_val*. */
static inline as_val* as_double_toval(const as_double* dbl)
{
    return (as_val*)dbl;
}

/** `v` as as_double*, or NULL if it is NULL or something else. */
static inline as_double* as_double_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_DOUBLE, as_double);
}

#ifdef __cplusplus
}
#endif
