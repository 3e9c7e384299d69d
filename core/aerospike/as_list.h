/**
 * A list value: an interface that a concrete list implements by its hooks.
 *
 * A list takes over the caller's reference of what is put in, on success only, and lends what is
 * got from it. Functions with an int result answer 0 for success; without hooks they answer 1, and
 * getters 0 or NULL.
 */
#pragma once

#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_string.h>
#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_map_s;
union as_list_iterator_u;
struct as_list_hooks_s;

typedef struct as_list_s {
    as_val _;
    /** How the list is sent: the concrete list's business. */
    uint32_t flags;
    const struct as_list_hooks_s* hooks;
} as_list;

/** Called with each element, lent, and the caller's `udata`; false stops. */
typedef bool (*as_list_foreach_callback)(as_val* value, void* udata);

/** What a concrete list supplies; a hook may be NULL. `destroy` releases the content. */
typedef struct as_list_hooks_s {
    bool (*destroy)(as_list* list);
    uint32_t (*hashcode)(as_list* list);
    uint32_t (*size)(const as_list* list);
    as_val* (*get)(const as_list* list, uint32_t i);
    int64_t (*get_int64)(const as_list* list, uint32_t i);
    double (*get_double)(const as_list* list, uint32_t i);
    char* (*get_str)(const as_list* list, uint32_t i);
    int (*set)(as_list* list, uint32_t i, as_val* value);
    int (*set_int64)(as_list* list, uint32_t i, int64_t value);
    int (*set_double)(as_list* list, uint32_t i, double value);
    int (*set_str)(as_list* list, uint32_t i, const char* value);
    int (*insert)(as_list* list, uint32_t i, as_val* value);
    int (*insert_int64)(as_list* list, uint32_t i, int64_t value);
    int (*insert_double)(as_list* list, uint32_t i, double value);
    int (*insert_str)(as_list* list, uint32_t i, const char* value);
    int (*append)(as_list* list, as_val* value);
    int (*append_int64)(as_list* list, int64_t value);
    int (*append_double)(as_list* list, double value);
    int (*append_str)(as_list* list, const char* value);
    int (*prepend)(as_list* list, as_val* value);
    int (*prepend_int64)(as_list* list, int64_t value);
    int (*prepend_double)(as_list* list, double value);
    int (*prepend_str)(as_list* list, const char* value);
    int (*remove)(as_list* list, uint32_t index);
    int (*concat)(as_list* list, const as_list* list2);
    int (*trim)(as_list* list, uint32_t index);
    as_val* (*head)(const as_list* list);
    as_list* (*tail)(const as_list* list);
    as_list* (*drop)(const as_list* list, uint32_t n);
    as_list* (*take)(const as_list* list, uint32_t n);
    bool (*foreach)(const as_list* list, as_list_foreach_callback callback, void* udata);
    union as_list_iterator_u* (*iterator_new)(const as_list* list);
    union as_list_iterator_u* (*iterator_init)(const as_list* list, union as_list_iterator_u* it);
} as_list_hooks;

/** Prepares `list` with one reference; `free` says that it is on the heap. */
AS_EXTERN as_list* as_list_cons(as_list* list, bool free, const as_list_hooks* hooks);

/** Prepares the caller's `list`. */
AS_EXTERN as_list* as_list_init(as_list* list, const as_list_hooks* hooks);

/** A bare list on the heap; NULL without memory. */
AS_EXTERN as_list* as_list_new(const as_list_hooks* hooks);

/** Drops one reference. */
static inline void as_list_destroy(as_list* list)
{
    as_val_destroy(list);
}

/** A number that equal lists share. */
static inline uint32_t as_list_hashcode(as_list* list)
{
    return as_util_hook(hashcode, 0, list);
}

/** Number of elements. */
static inline uint32_t as_list_size(const as_list* list)
{
    return as_util_hook(size, 0, list);
}

/** Appends the elements of `list2`, adding a reference to each. */
static inline int as_list_concat(as_list* list, const as_list* list2)
{
    return as_util_hook(concat, 1, list, list2);
}

/** Removes and destroys the elements from `index` on. */
static inline int as_list_trim(as_list* list, uint32_t index)
{
    return as_util_hook(trim, 1, list, index);
}

/** First element, lent; NULL if empty. */
static inline as_val* as_list_head(const as_list* list)
{
    return as_util_hook(head, NULL, list);
}

/** New heap list of all but the first element, which it shares. */
static inline as_list* as_list_tail(const as_list* list)
{
    return as_util_hook(tail, NULL, list);
}

/** New heap list without the first `n` elements; the others are shared. */
static inline as_list* as_list_drop(const as_list* list, uint32_t n)
{
    return as_util_hook(drop, NULL, list, n);
}

/** New heap list of the first `n` elements, shared. */
static inline as_list* as_list_take(const as_list* list, uint32_t n)
{
    return as_util_hook(take, NULL, list, n);
}

/** Removes and destroys the element at `index`. */
static inline int as_list_remove(as_list* list, uint32_t index)
{
    return as_util_hook(remove, 1, list, index);
}

/** Calls `callback` for each element in order; false if it stopped or there is no list. */
static inline bool as_list_foreach(const as_list* list, as_list_foreach_callback callback,
                                   void* udata)
{
    return as_util_hook(foreach, false, list, callback, udata);
}

/** Iterator on the heap. */
static inline union as_list_iterator_u* as_list_iterator_new(const as_list* list)
{
    return as_util_hook(iterator_new, NULL, list);
}

/** Iterator in storage of the caller. */
static inline union as_list_iterator_u* as_list_iterator_init(union as_list_iterator_u* it,
                                                              const as_list* list)
{
    return as_util_hook(iterator_init, NULL, list, it);
}

/** The same object as as_val*. */
static inline as_val* as_list_toval(as_list* list)
{
    return (as_val*)list;
}

/** `v` as as_list*, or NULL if it is NULL or something else. */
static inline as_list* as_list_fromval(as_val* v)
{
    return as_util_fromval(v, AS_LIST, as_list);
}

/** Element at `i`, lent; NULL beyond the end. */
static inline as_val* as_list_get(const as_list* list, uint32_t i)
{
    return as_util_hook(get, NULL, list, i);
}

/** Integer at `i`; 0 beyond the end or of another type. */
static inline int64_t as_list_get_int64(const as_list* list, uint32_t i)
{
    return as_util_hook(get_int64, 0, list, i);
}

/** Double at `i`; 0.0 beyond the end or of another type. */
static inline double as_list_get_double(const as_list* list, uint32_t i)
{
    return as_util_hook(get_double, 0.0, list, i);
}

/** Text at `i`, lent; NULL beyond the end or of another type. */
static inline char* as_list_get_str(const as_list* list, uint32_t i)
{
    return as_util_hook(get_str, NULL, list, i);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_integer* as_list_get_integer(const as_list* list, uint32_t i)
{
    as_val* v = as_list_get(list, i);
    return as_util_fromval(v, AS_INTEGER, as_integer);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_double* as_list_get_as_double(const as_list* list, uint32_t i)
{
    as_val* v = as_list_get(list, i);
    return as_util_fromval(v, AS_DOUBLE, as_double);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_string* as_list_get_string(const as_list* list, uint32_t i)
{
    as_val* v = as_list_get(list, i);
    return as_util_fromval(v, AS_STRING, as_string);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_bytes* as_list_get_bytes(const as_list* list, uint32_t i)
{
    as_val* v = as_list_get(list, i);
    return as_util_fromval(v, AS_BYTES, as_bytes);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline as_list* as_list_get_list(const as_list* list, uint32_t i)
{
    as_val* v = as_list_get(list, i);
    return as_util_fromval(v, AS_LIST, as_list);
}

/** Element at `i` if it is of that type, lent; else NULL. */
static inline struct as_map_s* as_list_get_map(const as_list* list, uint32_t i)
{
    as_val* v = as_list_get(list, i);
    return as_util_fromval(v, AS_MAP, struct as_map_s);
}

/** Stores a value at `i`, destroying what was there; takes the reference over, NULL counts as nil.
 */
static inline int as_list_set(as_list* list, uint32_t i, as_val* value)
{
    return as_util_hook(set, 1, list, i, value);
}

/** Stores a value at `i`, destroying what was there, made here. */
static inline int as_list_set_int64(as_list* list, uint32_t i, int64_t value)
{
    return as_util_hook(set_int64, 1, list, i, value);
}

/** Stores a value at `i`, destroying what was there, made here. */
static inline int as_list_set_double(as_list* list, uint32_t i, double value)
{
    return as_util_hook(set_double, 1, list, i, value);
}

/** Stores a value at `i`, destroying what was there, made here from a copy. */
static inline int as_list_set_str(as_list* list, uint32_t i, const char* value)
{
    return as_util_hook(set_str, 1, list, i, value);
}

/** Stores a value at `i`, destroying what was there; takes the reference over. */
static inline int as_list_set_integer(as_list* list, uint32_t i, as_integer* value)
{
    return as_list_set(list, i, (as_val*)value);
}

/** Stores a value at `i`, destroying what was there; takes the reference over. */
static inline int as_list_set_as_double(as_list* list, uint32_t i, as_double* value)
{
    return as_list_set(list, i, (as_val*)value);
}

/** Stores a value at `i`, destroying what was there; takes the reference over. */
static inline int as_list_set_string(as_list* list, uint32_t i, as_string* value)
{
    return as_list_set(list, i, (as_val*)value);
}

/** Stores a value at `i`, destroying what was there; takes the reference over. */
static inline int as_list_set_bytes(as_list* list, uint32_t i, as_bytes* value)
{
    return as_list_set(list, i, (as_val*)value);
}

/** Stores a value at `i`, destroying what was there; takes the reference over. */
static inline int as_list_set_list(as_list* list, uint32_t i, as_list* value)
{
    return as_list_set(list, i, (as_val*)value);
}

/** Stores a value at `i`, destroying what was there; takes the reference over. */
static inline int as_list_set_map(as_list* list, uint32_t i, struct as_map_s* value)
{
    return as_list_set(list, i, (as_val*)value);
}

/** Inserts a value before the one at `i`; takes the reference over, NULL counts as nil. */
static inline int as_list_insert(as_list* list, uint32_t i, as_val* value)
{
    return as_util_hook(insert, 1, list, i, value);
}

/** Inserts a value before the one at `i`, made here. */
static inline int as_list_insert_int64(as_list* list, uint32_t i, int64_t value)
{
    return as_util_hook(insert_int64, 1, list, i, value);
}

/** Inserts a value before the one at `i`, made here. */
static inline int as_list_insert_double(as_list* list, uint32_t i, double value)
{
    return as_util_hook(insert_double, 1, list, i, value);
}

/** Inserts a value before the one at `i`, made here from a copy. */
static inline int as_list_insert_str(as_list* list, uint32_t i, const char* value)
{
    return as_util_hook(insert_str, 1, list, i, value);
}

/** Inserts a value before the one at `i`; takes the reference over. */
static inline int as_list_insert_integer(as_list* list, uint32_t i, as_integer* value)
{
    return as_list_insert(list, i, (as_val*)value);
}

/** Inserts a value before the one at `i`; takes the reference over. */
static inline int as_list_insert_as_double(as_list* list, uint32_t i, as_double* value)
{
    return as_list_insert(list, i, (as_val*)value);
}

/** Inserts a value before the one at `i`; takes the reference over. */
static inline int as_list_insert_string(as_list* list, uint32_t i, as_string* value)
{
    return as_list_insert(list, i, (as_val*)value);
}

/** Inserts a value before the one at `i`; takes the reference over. */
static inline int as_list_insert_bytes(as_list* list, uint32_t i, as_bytes* value)
{
    return as_list_insert(list, i, (as_val*)value);
}

/** Inserts a value before the one at `i`; takes the reference over. */
static inline int as_list_insert_list(as_list* list, uint32_t i, as_list* value)
{
    return as_list_insert(list, i, (as_val*)value);
}

/** Inserts a value before the one at `i`; takes the reference over. */
static inline int as_list_insert_map(as_list* list, uint32_t i, struct as_map_s* value)
{
    return as_list_insert(list, i, (as_val*)value);
}

/** Appends a value; takes the reference over, NULL counts as nil. */
static inline int as_list_append(as_list* list, as_val* value)
{
    return as_util_hook(append, 1, list, value);
}

/** Appends a value, made here. */
static inline int as_list_append_int64(as_list* list, int64_t value)
{
    return as_util_hook(append_int64, 1, list, value);
}

/** Appends a value, made here. */
static inline int as_list_append_double(as_list* list, double value)
{
    return as_util_hook(append_double, 1, list, value);
}

/** Appends a value, made here from a copy. */
static inline int as_list_append_str(as_list* list, const char* value)
{
    return as_util_hook(append_str, 1, list, value);
}

/** Appends a value; takes the reference over. */
static inline int as_list_append_integer(as_list* list, as_integer* value)
{
    return as_list_append(list, (as_val*)value);
}

/** Appends a value; takes the reference over. */
static inline int as_list_append_as_double(as_list* list, as_double* value)
{
    return as_list_append(list, (as_val*)value);
}

/** Appends a value; takes the reference over. */
static inline int as_list_append_string(as_list* list, as_string* value)
{
    return as_list_append(list, (as_val*)value);
}

/** Appends a value; takes the reference over. */
static inline int as_list_append_bytes(as_list* list, as_bytes* value)
{
    return as_list_append(list, (as_val*)value);
}

/** Appends a value; takes the reference over. */
static inline int as_list_append_list(as_list* list, as_list* value)
{
    return as_list_append(list, (as_val*)value);
}

/** Appends a value; takes the reference over. */
static inline int as_list_append_map(as_list* list, struct as_map_s* value)
{
    return as_list_append(list, (as_val*)value);
}

/** Puts a value before all others; takes the reference over, NULL counts as nil. */
static inline int as_list_prepend(as_list* list, as_val* value)
{
    return as_util_hook(prepend, 1, list, value);
}

/** Puts a value before all others, made here. */
static inline int as_list_prepend_int64(as_list* list, int64_t value)
{
    return as_util_hook(prepend_int64, 1, list, value);
}

/** Puts a value before all others, made here. */
static inline int as_list_prepend_double(as_list* list, double value)
{
    return as_util_hook(prepend_double, 1, list, value);
}

/** Puts a value before all others, made here from a copy. */
static inline int as_list_prepend_str(as_list* list, const char* value)
{
    return as_util_hook(prepend_str, 1, list, value);
}

/** Puts a value before all others; takes the reference over. */
static inline int as_list_prepend_integer(as_list* list, as_integer* value)
{
    return as_list_prepend(list, (as_val*)value);
}

/** Puts a value before all others; takes the reference over. */
static inline int as_list_prepend_as_double(as_list* list, as_double* value)
{
    return as_list_prepend(list, (as_val*)value);
}

/** Puts a value before all others; takes the reference over. */
static inline int as_list_prepend_string(as_list* list, as_string* value)
{
    return as_list_prepend(list, (as_val*)value);
}

/** Puts a value before all others; takes the reference over. */
static inline int as_list_prepend_bytes(as_list* list, as_bytes* value)
{
    return as_list_prepend(list, (as_val*)value);
}

/** Puts a value before all others; takes the reference over. */
static inline int as_list_prepend_list(as_list* list, as_list* value)
{
    return as_list_prepend(list, (as_val*)value);
}

/** Puts a value before all others; takes the reference over. */
static inline int as_list_prepend_map(as_list* list, struct as_map_s* value)
{
    return as_list_prepend(list, (as_val*)value);
}

#ifdef __cplusplus
}
#endif
