/**
 * The map of this library: entries sorted by key in the server's order: integers, then texts, then
 * bytes; integers by value, the others byte by byte.
 *
 * Keys are integers, texts or bytes of type AS_BYTES_BLOB. A map takes over the caller's references
 * of key and value, on success only, and lends what is got from it. Setting a key that exists
 * destroys its old key and value. Iteration is in key order.
 *
 * The flags decide how the map is sent; AS_MAP_FLAGS_MASK has the bits.
 */
#pragma once

#include <aerospike/as_iterator.h>
#include <aerospike/as_map.h>
#include <aerospike/as_pair.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct map_entry_s {
    as_val* key;
    as_val* value;
} map_entry;

typedef struct as_orderedmap_s {
    as_map _;
    /** Entries. */
    uint32_t count;
    /** Entries that `table` has room for. */
    uint32_t capacity;
    /** Sorted; those of `hold_table` aren't among them. */
    map_entry* table;
    /** Entries that came out of order, sorted, and joined with the others when needed. */
    uint32_t hold_count;
    map_entry* hold_table;
    /** Private; unused. */
    uint32_t* hold_locations;
} as_orderedmap;

typedef struct as_orderedmap_iterator_s {
    as_iterator _;
    const as_orderedmap* map;
    /** Index of the next entry. */
    uint32_t ix;
    /** The entry handed out last. */
    as_pair pair;
} as_orderedmap_iterator;

/** An empty, key-ordered map in the caller's struct with room for `capacity` entries; it grows.
 * NULL without memory. */
AS_EXTERN as_orderedmap* as_orderedmap_init(as_orderedmap* map, uint32_t capacity);

/** The same on the heap; NULL without memory. */
AS_EXTERN as_orderedmap* as_orderedmap_new(uint32_t capacity);

/** Drops one reference; the last one destroys the entries. */
static inline void as_orderedmap_destroy(as_orderedmap* map)
{
    as_val_destroy(map);
}

/** Number of entries; 0 for NULL. */
AS_EXTERN uint32_t as_orderedmap_size(const as_orderedmap* map);

/** Value of `key`, lent; NULL if there is none. */
AS_EXTERN as_val* as_orderedmap_get(const as_orderedmap* map, const as_val* key);

/** Stores `val` (NULL: nil) under `key`. 0, or -1, with nothing taken over, for a key of another
 * type and without memory. */
AS_EXTERN int as_orderedmap_set(as_orderedmap* map, const as_val* key, const as_val* val);

/** Destroys all entries; the room for them stays. 0. */
AS_EXTERN int as_orderedmap_clear(as_orderedmap* map);

/** Destroys the entry of `key`, if any. 0; -1 for a key of another type. */
AS_EXTERN int as_orderedmap_remove(as_orderedmap* map, const as_val* key);

/** Changes how the map is sent: 0 unordered; else key-ordered and what other bits of the mask say.
 */
AS_EXTERN void as_orderedmap_set_flags(as_orderedmap* map, uint32_t flags);

/** Calls `callback` for each entry; false if it stopped or there is no map. */
AS_EXTERN bool as_orderedmap_foreach(const as_orderedmap* map, as_map_foreach_callback callback,
                                     void* udata);

/** Prepares the caller's iterator, before the first entry. */
AS_EXTERN as_orderedmap_iterator* as_orderedmap_iterator_init(as_orderedmap_iterator* it,
                                                              const as_orderedmap* map);

/** An iterator on the heap, before the first entry; NULL without memory. */
AS_EXTERN as_orderedmap_iterator* as_orderedmap_iterator_new(const as_orderedmap* map);

/** Ends the iteration and frees the struct if it is on the heap. */
AS_EXTERN void as_orderedmap_iterator_destroy(as_orderedmap_iterator* it);

/** Whether as_orderedmap_iterator_next() has another entry. */
AS_EXTERN bool as_orderedmap_iterator_has_next(const as_orderedmap_iterator* it);

/** The next entry as an as_pair, which lives until the following call; NULL after the last one. */
AS_EXTERN const as_val* as_orderedmap_iterator_next(as_orderedmap_iterator* it);

#ifdef __cplusplus
}
#endif
