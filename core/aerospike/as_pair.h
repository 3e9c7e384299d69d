/**
 * Two values. A pair owns one reference of each; on the wire it is a list of two.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_pair_s {
    as_val _;
    as_val* _1;
    as_val* _2;
} as_pair;

/** A pair on the heap of any two value pointers. */
#define pair_new(a, b) as_pair_new((as_val*)(a), (as_val*)(b))

/** A pair on the heap that takes over one reference of each; NULL without memory. */
AS_EXTERN as_pair* as_pair_new(as_val* _1, as_val* _2);

/** Prepares the caller's pair, which takes over one reference of each. */
AS_EXTERN as_pair* as_pair_init(as_pair* pair, as_val* _1, as_val* _2);

/** Drops one reference; the last one destroys both values. */
static inline void as_pair_destroy(as_pair* pair)
{
    as_val_destroy(pair);
}

/** The first value, lent; NULL for NULL. */
static inline as_val* as_pair_1(as_pair* pair)
{
    return pair ? pair->_1 : NULL;
}

/** The second value, lent; NULL for NULL. */
static inline as_val* as_pair_2(as_pair* pair)
{
    return pair ? pair->_2 : NULL;
}

/** The same object as as_val*. */
static inline as_val* as_pair_toval(const as_pair* pair)
{
    return (as_val*)pair;
}

/** `v` as as_pair*, or NULL if it is NULL or something else. */
static inline as_pair* as_pair_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_PAIR, as_pair);
}

#ifdef __cplusplus
}
#endif
