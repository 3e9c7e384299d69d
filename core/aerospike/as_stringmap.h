/**
 * Maps with text keys: as_map functions that make the key, and for some the value, from a C string
 * or number. The map owns what is made here. Results as of as_map_set() and as_map_get().
 */
#pragma once

#include <aerospike/as_list.h>
#include <aerospike/as_map.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Stores `v` under a copy of `k`, taking the reference over; not 0 for a failure, which takes
 * nothing. */
AS_EXTERN int as_stringmap_set(as_map* m, const char* k, as_val* v);

/** Stores an integer under a copy of `k`. */
AS_EXTERN int as_stringmap_set_int64(as_map* m, const char* k, int64_t v);

/** Stores a double under a copy of `k`. */
AS_EXTERN int as_stringmap_set_double(as_map* m, const char* k, double v);

/** Stores a copy of a text under a copy of `k`. */
AS_EXTERN int as_stringmap_set_str(as_map* m, const char* k, const char* v);

/** Value of `k`, lent; NULL if there is none. */
AS_EXTERN as_val* as_stringmap_get(as_map* m, const char* k);

/** Integer of `k`; 0 if it is none. */
static inline int64_t as_stringmap_get_int64(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_integer_getorelse(as_integer_fromval(v), 0);
}

/** Double of `k`; 0.0 if it is none. */
static inline double as_stringmap_get_double(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_double_getorelse(as_double_fromval(v), 0.0);
}

/** Text of `k`, lent; NULL if it is none. */
static inline char* as_stringmap_get_str(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_string_getorelse(as_string_fromval(v), NULL);
}

/** as_stringmap_set() of that type. */
static inline int as_stringmap_set_integer(as_map* m, const char* k, as_integer* v)
{
    return as_stringmap_set(m, k, (as_val*)v);
}

/** Value of `k` if it is of that type, lent; else NULL. */
static inline as_integer* as_stringmap_get_integer(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_util_fromval(v, AS_INTEGER, as_integer);
}

/** as_stringmap_set() of that type. */
static inline int as_stringmap_set_as_double(as_map* m, const char* k, as_double* v)
{
    return as_stringmap_set(m, k, (as_val*)v);
}

/** Value of `k` if it is of that type, lent; else NULL. */
static inline as_double* as_stringmap_get_as_double(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_util_fromval(v, AS_DOUBLE, as_double);
}

/** as_stringmap_set() of that type. */
static inline int as_stringmap_set_string(as_map* m, const char* k, as_string* v)
{
    return as_stringmap_set(m, k, (as_val*)v);
}

/** Value of `k` if it is of that type, lent; else NULL. */
static inline as_string* as_stringmap_get_string(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_util_fromval(v, AS_STRING, as_string);
}

/** as_stringmap_set() of that type. */
static inline int as_stringmap_set_bytes(as_map* m, const char* k, as_bytes* v)
{
    return as_stringmap_set(m, k, (as_val*)v);
}

/** Value of `k` if it is of that type, lent; else NULL. */
static inline as_bytes* as_stringmap_get_bytes(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_util_fromval(v, AS_BYTES, as_bytes);
}

/** as_stringmap_set() of that type. */
static inline int as_stringmap_set_list(as_map* m, const char* k, as_list* v)
{
    return as_stringmap_set(m, k, (as_val*)v);
}

/** Value of `k` if it is of that type, lent; else NULL. */
static inline as_list* as_stringmap_get_list(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_util_fromval(v, AS_LIST, as_list);
}

/** as_stringmap_set() of that type. */
static inline int as_stringmap_set_map(as_map* m, const char* k, as_map* v)
{
    return as_stringmap_set(m, k, (as_val*)v);
}

/** Value of `k` if it is of that type, lent; else NULL. */
static inline as_map* as_stringmap_get_map(as_map* m, const char* k)
{
    as_val* v = as_stringmap_get(m, k);
    return as_util_fromval(v, AS_MAP, as_map);
}

#ifdef __cplusplus
}
#endif
