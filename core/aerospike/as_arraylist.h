/**
 * The list of this library: a growing array of values.
 *
 * It takes over the caller's reference of what is put in, on success only, and lends what is got
 * from it. Integer results are an as_arraylist_status. Indexes count from 0; reading beyond the end
 * gives NULL or 0. A list with a block size of 0 can't grow.
 */
#pragma once

#include <aerospike/as_list.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum as_arraylist_status_e {
    AS_ARRAYLIST_OK = 0,
    /** No memory. */
    AS_ARRAYLIST_ERR_ALLOC = 1,
    /** Full, and it may not grow. */
    AS_ARRAYLIST_ERR_MAX = 2,
    /** Beyond the end. */
    AS_ARRAYLIST_ERR_INDEX = 3
} as_arraylist_status;

typedef struct as_arraylist_s {
    as_list _;
    /** By how many elements the list grows at least; 0: not at all. */
    uint32_t block_size;
    /** Elements that fit without growth. */
    uint32_t capacity;
    uint32_t size;
    as_val** elements;
    /** `elements` is heap memory of the list. */
    bool free;
} as_arraylist;

/** An empty list with room for `n` elements on the caller's stack, which can't grow. Several
 * statements. */
#define as_arraylist_inita(list, n)                                                                \
    as_arraylist_init((list), 0, 0);                                                               \
    (list)->elements = (as_val**)alloca(sizeof(as_val*) * (size_t)(n));                            \
    (list)->capacity = (uint32_t)(n);                                                              \
    (list)->free = false;

/** An empty list in the caller's struct, with `capacity` elements on the heap; without memory it is
 * a list of capacity 0. */
AS_EXTERN as_arraylist* as_arraylist_init(as_arraylist* list, uint32_t capacity,
                                          uint32_t block_size);

/** The same on the heap; NULL without memory. */
AS_EXTERN as_arraylist* as_arraylist_new(uint32_t capacity, uint32_t block_size);

/** Drops one reference; the last one destroys the elements. */
static inline void as_arraylist_destroy(as_arraylist* list)
{
    as_val_destroy(list);
}

/** 0. */
AS_EXTERN uint32_t as_arraylist_hashcode(const as_arraylist* list);

/** Number of elements; 0 for NULL. */
AS_EXTERN uint32_t as_arraylist_size(const as_arraylist* list);

/** Appends the elements of `list2`, adding a reference to each. All or nothing. */
AS_EXTERN int as_arraylist_concat(as_arraylist* list, const as_arraylist* list2);

/** Removes and destroys the elements from `index` on. */
AS_EXTERN int as_arraylist_trim(as_arraylist* list, uint32_t index);

/** First element, lent; NULL if empty. */
AS_EXTERN as_val* as_arraylist_head(const as_arraylist* list);

/** New heap list of all but the first element, which it shares; NULL without memory. */
AS_EXTERN as_arraylist* as_arraylist_tail(const as_arraylist* list);

/** New heap list without the first `n` elements; the others are shared. */
AS_EXTERN as_arraylist* as_arraylist_drop(const as_arraylist* list, uint32_t n);

/** New heap list of the first `n` elements, shared. */
AS_EXTERN as_arraylist* as_arraylist_take(const as_arraylist* list, uint32_t n);

/** Removes and destroys the element at `index`. */
AS_EXTERN int as_arraylist_remove(as_arraylist* list, uint32_t index);

/** Calls `callback` for each element; false if it stopped or there is no list. */
AS_EXTERN bool as_arraylist_foreach(const as_arraylist* list, as_list_foreach_callback callback,
                                    void* udata);

/** Element at `i`, lent; NULL beyond the end. */
AS_EXTERN as_val* as_arraylist_get(const as_arraylist* list, uint32_t i);

/** Integer at `i`; 0 if it is none. */
AS_EXTERN int64_t as_arraylist_get_int64(const as_arraylist* list, uint32_t i);

/** Double at `i`; 0.0 if it is none. */
AS_EXTERN double as_arraylist_get_double(const as_arraylist* list, uint32_t i);

/** Text at `i`, lent; NULL if it is none. */
AS_EXTERN char* as_arraylist_get_str(const as_arraylist* list, uint32_t i);

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_integer* as_arraylist_get_integer(const as_arraylist* list, uint32_t i)
{
    as_val* v = as_arraylist_get(list, i);
    return as_util_fromval(v, AS_INTEGER, as_integer);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_double* as_arraylist_get_as_double(const as_arraylist* list, uint32_t i)
{
    as_val* v = as_arraylist_get(list, i);
    return as_util_fromval(v, AS_DOUBLE, as_double);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_string* as_arraylist_get_string(const as_arraylist* list, uint32_t i)
{
    as_val* v = as_arraylist_get(list, i);
    return as_util_fromval(v, AS_STRING, as_string);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_bytes* as_arraylist_get_bytes(const as_arraylist* list, uint32_t i)
{
    as_val* v = as_arraylist_get(list, i);
    return as_util_fromval(v, AS_BYTES, as_bytes);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_list* as_arraylist_get_list(const as_arraylist* list, uint32_t i)
{
    as_val* v = as_arraylist_get(list, i);
    return as_util_fromval(v, AS_LIST, as_list);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline struct as_map_s* as_arraylist_get_map(const as_arraylist* list, uint32_t i)
{
    as_val* v = as_arraylist_get(list, i);
    return as_util_fromval(v, AS_MAP, struct as_map_s);
}

/** Stores a value at `i`, destroying what was there; a gap before it is filled with nil. Takes the
 * reference over; NULL counts as nil. */
AS_EXTERN int as_arraylist_set(as_arraylist* list, uint32_t i, as_val* value);

/** The same with an integer made here. */
AS_EXTERN int as_arraylist_set_int64(as_arraylist* list, uint32_t i, int64_t value);

/** The same with a double made here. */
AS_EXTERN int as_arraylist_set_double(as_arraylist* list, uint32_t i, double value);

/** The same with a copy of a text. */
AS_EXTERN int as_arraylist_set_str(as_arraylist* list, uint32_t i, const char* value);

/** as_arraylist_set() of that type. */
static inline int as_arraylist_set_integer(as_arraylist* list, uint32_t i, as_integer* value)
{
    return as_arraylist_set(list, i, (as_val*)value);
}

/** as_arraylist_set() of that type. */
static inline int as_arraylist_set_as_double(as_arraylist* list, uint32_t i, as_double* value)
{
    return as_arraylist_set(list, i, (as_val*)value);
}

/** as_arraylist_set() of that type. */
static inline int as_arraylist_set_string(as_arraylist* list, uint32_t i, as_string* value)
{
    return as_arraylist_set(list, i, (as_val*)value);
}

/** as_arraylist_set() of that type. */
static inline int as_arraylist_set_bytes(as_arraylist* list, uint32_t i, as_bytes* value)
{
    return as_arraylist_set(list, i, (as_val*)value);
}

/** as_arraylist_set() of that type. */
static inline int as_arraylist_set_list(as_arraylist* list, uint32_t i, as_list* value)
{
    return as_arraylist_set(list, i, (as_val*)value);
}

/** as_arraylist_set() of that type. */
static inline int as_arraylist_set_map(as_arraylist* list, uint32_t i, struct as_map_s* value)
{
    return as_arraylist_set(list, i, (as_val*)value);
}

/** Inserts a value before `i`; a gap before it is filled with nil. Takes the reference over; NULL
 * counts as nil. */
AS_EXTERN int as_arraylist_insert(as_arraylist* list, uint32_t i, as_val* value);

/** The same with an integer made here. */
AS_EXTERN int as_arraylist_insert_int64(as_arraylist* list, uint32_t i, int64_t value);

/** The same with a double made here. */
AS_EXTERN int as_arraylist_insert_double(as_arraylist* list, uint32_t i, double value);

/** The same with a copy of a text. */
AS_EXTERN int as_arraylist_insert_str(as_arraylist* list, uint32_t i, const char* value);

/** as_arraylist_insert() of that type. */
static inline int as_arraylist_insert_integer(as_arraylist* list, uint32_t i, as_integer* value)
{
    return as_arraylist_insert(list, i, (as_val*)value);
}

/** as_arraylist_insert() of that type. */
static inline int as_arraylist_insert_as_double(as_arraylist* list, uint32_t i, as_double* value)
{
    return as_arraylist_insert(list, i, (as_val*)value);
}

/** as_arraylist_insert() of that type. */
static inline int as_arraylist_insert_string(as_arraylist* list, uint32_t i, as_string* value)
{
    return as_arraylist_insert(list, i, (as_val*)value);
}

/** as_arraylist_insert() of that type. */
static inline int as_arraylist_insert_bytes(as_arraylist* list, uint32_t i, as_bytes* value)
{
    return as_arraylist_insert(list, i, (as_val*)value);
}

/** as_arraylist_insert() of that type. */
static inline int as_arraylist_insert_list(as_arraylist* list, uint32_t i, as_list* value)
{
    return as_arraylist_insert(list, i, (as_val*)value);
}

/** as_arraylist_insert() of that type. */
static inline int as_arraylist_insert_map(as_arraylist* list, uint32_t i, struct as_map_s* value)
{
    return as_arraylist_insert(list, i, (as_val*)value);
}

/** Adds a value at the end. Takes the reference over; NULL counts as nil. */
AS_EXTERN int as_arraylist_append(as_arraylist* list, as_val* value);

/** The same with an integer made here. */
AS_EXTERN int as_arraylist_append_int64(as_arraylist* list, int64_t value);

/** The same with a double made here. */
AS_EXTERN int as_arraylist_append_double(as_arraylist* list, double value);

/** The same with a copy of a text. */
AS_EXTERN int as_arraylist_append_str(as_arraylist* list, const char* value);

/** as_arraylist_append() of that type. */
static inline int as_arraylist_append_integer(as_arraylist* list, as_integer* value)
{
    return as_arraylist_append(list, (as_val*)value);
}

/** as_arraylist_append() of that type. */
static inline int as_arraylist_append_as_double(as_arraylist* list, as_double* value)
{
    return as_arraylist_append(list, (as_val*)value);
}

/** as_arraylist_append() of that type. */
static inline int as_arraylist_append_string(as_arraylist* list, as_string* value)
{
    return as_arraylist_append(list, (as_val*)value);
}

/** as_arraylist_append() of that type. */
static inline int as_arraylist_append_bytes(as_arraylist* list, as_bytes* value)
{
    return as_arraylist_append(list, (as_val*)value);
}

/** as_arraylist_append() of that type. */
static inline int as_arraylist_append_list(as_arraylist* list, as_list* value)
{
    return as_arraylist_append(list, (as_val*)value);
}

/** as_arraylist_append() of that type. */
static inline int as_arraylist_append_map(as_arraylist* list, struct as_map_s* value)
{
    return as_arraylist_append(list, (as_val*)value);
}

/** Adds a value in front. Takes the reference over; NULL counts as nil. */
AS_EXTERN int as_arraylist_prepend(as_arraylist* list, as_val* value);

/** The same with an integer made here. */
AS_EXTERN int as_arraylist_prepend_int64(as_arraylist* list, int64_t value);

/** The same with a double made here. */
AS_EXTERN int as_arraylist_prepend_double(as_arraylist* list, double value);

/** The same with a copy of a text. */
AS_EXTERN int as_arraylist_prepend_str(as_arraylist* list, const char* value);

/** as_arraylist_prepend() of that type. */
static inline int as_arraylist_prepend_integer(as_arraylist* list, as_integer* value)
{
    return as_arraylist_prepend(list, (as_val*)value);
}

/** as_arraylist_prepend() of that type. */
static inline int as_arraylist_prepend_as_double(as_arraylist* list, as_double* value)
{
    return as_arraylist_prepend(list, (as_val*)value);
}

/** as_arraylist_prepend() of that type. */
static inline int as_arraylist_prepend_string(as_arraylist* list, as_string* value)
{
    return as_arraylist_prepend(list, (as_val*)value);
}

/** as_arraylist_prepend() of that type. */
static inline int as_arraylist_prepend_bytes(as_arraylist* list, as_bytes* value)
{
    return as_arraylist_prepend(list, (as_val*)value);
}

/** as_arraylist_prepend() of that type. */
static inline int as_arraylist_prepend_list(as_arraylist* list, as_list* value)
{
    return as_arraylist_prepend(list, (as_val*)value);
}

/** as_arraylist_prepend() of that type. */
static inline int as_arraylist_prepend_map(as_arraylist* list, struct as_map_s* value)
{
    return as_arraylist_prepend(list, (as_val*)value);
}

#ifdef __cplusplus
}
#endif
