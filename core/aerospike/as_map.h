/**
 * A map value: an interface that a concrete map implements by its hooks.
 *
 * A map takes over the caller's references of key and value, on success only, and lends what is got
 * from it. Functions with an int result answer 0 for success; without hooks they answer 1, and
 * getters 0 or NULL.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

union as_map_iterator_u;
struct as_map_hooks_s;

/** Bits of as_map.flags that mean something. */
#define AS_MAP_FLAGS_MASK 0x13

typedef struct as_map_s {
    as_val _;
    /** How the map is sent: 0 unordered, 1 key-ordered, 3 key-value-ordered, 0x10 persist index. */
    uint32_t flags;
    const struct as_map_hooks_s* hooks;
} as_map;

/** Called with each entry, lent, and the caller's `udata`; false stops. */
typedef bool (*as_map_foreach_callback)(const as_val* key, const as_val* value, void* udata);

/** What a concrete map supplies; a hook may be NULL. `destroy` releases the content. */
typedef struct as_map_hooks_s {
    bool (*destroy)(as_map* map);
    uint32_t (*hashcode)(const as_map* map);
    uint32_t (*size)(const as_map* map);
    int (*set)(as_map* map, const as_val* key, const as_val* val);
    as_val* (*get)(const as_map* map, const as_val* key);
    int (*clear)(as_map* map);
    int (*remove)(as_map* map, const as_val* key);
    void (*set_flags)(as_map* map, uint32_t flags);
    bool (*foreach)(const as_map* map, as_map_foreach_callback callback, void* udata);
    union as_map_iterator_u* (*iterator_new)(const as_map* map);
    union as_map_iterator_u* (*iterator_init)(const as_map* map, union as_map_iterator_u* it);
} as_map_hooks;

/** Prepares `map` with one reference; `free` says that it is on the heap. */
AS_EXTERN as_map* as_map_cons(as_map* map, bool free, uint32_t flags, const as_map_hooks* hooks);

/** Prepares the caller's `map`, with flags 0. */
AS_EXTERN as_map* as_map_init(as_map* map, const as_map_hooks* hooks);

/** A bare map on the heap, with flags 0; NULL without memory. */
AS_EXTERN as_map* as_map_new(const as_map_hooks* hooks);

/** Drops one reference. */
static inline void as_map_destroy(as_map* map)
{
    as_val_destroy(map);
}

/** A number that equal maps share. */
static inline uint32_t as_map_hashcode(const as_map* map)
{
    return as_util_hook(hashcode, 0, map);
}

/** Number of entries. */
static inline uint32_t as_map_size(const as_map* map)
{
    return as_util_hook(size, 0, map);
}

/** Value of `key`, lent; NULL if there is none. */
static inline as_val* as_map_get(const as_map* map, const as_val* key)
{
    return as_util_hook(get, NULL, map, key);
}

/** Stores `val` under `key`, taking both references over and destroying what was there. */
static inline int as_map_set(as_map* map, const as_val* key, const as_val* val)
{
    return as_util_hook(set, 1, map, key, val);
}

/** Destroys all entries. */
static inline int as_map_clear(as_map* map)
{
    return as_util_hook(clear, 1, map);
}

/** Destroys the entry of `key`, if any. */
static inline int as_map_remove(as_map* map, const as_val* key)
{
    return as_util_hook(remove, 1, map, key);
}

/** Changes how the map is sent. */
static inline void as_map_set_flags(as_map* map, uint32_t flags)
{
    as_util_hook_ret_void(set_flags, map, flags);
}

/** Calls `callback` for each entry; false if it stopped or there is no map. */
static inline bool as_map_foreach(const as_map* map, as_map_foreach_callback callback, void* udata)
{
    return as_util_hook(foreach, false, map, callback, udata);
}

/** Iterator on the heap. */
static inline union as_map_iterator_u* as_map_iterator_new(const as_map* map)
{
    return as_util_hook(iterator_new, NULL, map);
}

/** Iterator in storage of the caller. */
static inline union as_map_iterator_u* as_map_iterator_init(union as_map_iterator_u* it,
                                                            const as_map* map)
{
    return as_util_hook(iterator_init, NULL, map, it);
}

/** The same object as as_val*. */
static inline as_val* as_map_toval(const as_map* map)
{
    return (as_val*)map;
}

/** `val` as as_map*, or NULL if it is NULL or something else. */
static inline as_map* as_map_fromval(const as_val* val)
{
    return as_util_fromval(val, AS_MAP, as_map);
}

#ifdef __cplusplus
}
#endif
