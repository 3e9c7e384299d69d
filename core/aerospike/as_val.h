/**
 * What every value starts with: a count of references, a type, and whether the struct itself is on
 * the heap. A pointer to any value may be cast to as_val* and back.
 *
 * X_init() prepares storage of the caller, X_new() allocates it; both give one reference. The last
 * as_val_destroy() releases the content and, if it was allocated, the struct. A count of 0 means a
 * constant (as_nil, as_true, as_false), or a value on the stack that is gone already: reserving and
 * destroying one writes nothing. Counts aren't atomic: a value belongs to one thread at a time.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Number of a type, one of as_val_type_e. */
typedef uint8_t as_val_t;

typedef enum as_val_type_e {
    AS_UNDEF = 0,
    AS_UNKNOWN = 0,
    AS_NIL = 1,
    AS_BOOLEAN = 2,
    AS_INTEGER = 3,
    AS_STRING = 4,
    AS_LIST = 5,
    AS_MAP = 6,
    AS_REC = 7,
    AS_PAIR = 8,
    AS_BYTES = 9,
    AS_DOUBLE = 10,
    AS_GEOJSON = 11,
    AS_CMP_EXT = 12,
    AS_CMP_WILDCARD = 13,
    AS_CMP_INF = 14,
    AS_VAL_T_MAX = 15
} as_val_type_e;

typedef struct as_val_s {
    /** References; 0 in constants and in what is gone. */
    uint32_t count;
    as_val_t type;
    /** The struct is on the heap. */
    bool free;
} as_val;

/** Adds a reference and returns `v`; behind as_val_reserve(). */
AS_EXTERN as_val* as_val_val_reserve(as_val* v);

/** Removes a reference; NULL once the value is gone, else `v`; behind as_val_destroy(). */
AS_EXTERN as_val* as_val_val_destroy(as_val* v);

/** A number that equal values share within one process; behind as_val_hashcode(). */
AS_EXTERN uint32_t as_val_val_hashcode(const as_val* v);

/** Text of a value, malloc()ed for the caller; behind as_val_tostring(). */
AS_EXTERN char* as_val_val_tostring(const as_val* v);

/** Type of `v`, AS_UNDEF for NULL; behind as_val_type(). */
static inline as_val_t as_val_val_type(const as_val* v)
{
    return v ? v->type : (as_val_t)AS_UNDEF;
}

/** Type of any value pointer, AS_UNDEF for NULL. */
#define as_val_type(v) as_val_val_type((const as_val*)(v))

/** Adds a reference to any value and yields it as as_val*. NULL is allowed. */
#define as_val_reserve(v) as_val_val_reserve((as_val*)(v))

/** Removes a reference: yields NULL once the value is gone, else the value. NULL is allowed. */
#define as_val_destroy(v) as_val_val_destroy((as_val*)(v))

/** A number that equal values share within one process. */
#define as_val_hashcode(v) as_val_val_hashcode((const as_val*)(v))

/**
 * Text for people, to be freed by the caller: 12, 1.5, true, NIL, "text", 01 AB, [1, "x"],
 * {"a":1}. NULL for NULL, for empty bytes and without memory.
 */
#define as_val_tostring(v) as_val_val_tostring((const as_val*)(v))

/** A boolean's value, whether an integer isn't 0, else false. */
AS_EXTERN bool as_val_tobool(const as_val* v);

/** Fills the common part of a value with one reference. */
static inline void as_val_init(as_val* v, as_val_t type, bool free)
{
    v->count = 1;
    v->type = type;
    v->free = free;
}

/** The same, returning `val`. */
static inline as_val* as_val_cons(as_val* val, as_val_t type, bool free)
{
    if (val) {
        as_val_init(val, type, free);
    }
    return val;
}

#ifdef __cplusplus
}
#endif
