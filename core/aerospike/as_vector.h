/**
 * An array of items of one size that grows by doubling. Not a value: items are copied bytes.
 *
 * Growth moves the items, so an address got from as_vector_get() is good until the next append or
 * reserve.
 */
#pragma once

#include <string.h>

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of as_vector.flags; private. */

/** `list` is heap memory of the vector. */
#define AS_VECTOR_HEAP_LIST 1u
/** The struct itself came from as_vector_create(). */
#define AS_VECTOR_HEAP_SELF 2u

typedef struct as_vector_s {
    /** The items, one after the other. */
    void* list;
    /** Items that fit without growth. */
    uint32_t capacity;
    /** Items in use. */
    uint32_t size;
    /** Bytes per item. */
    uint32_t item_size;
    /** Private. */
    uint32_t flags;
} as_vector;

/** Items on the caller's stack; they move to the heap when the vector grows. Several statements. */
#define as_vector_inita(vector, _item_size, _capacity)                                             \
    (vector)->list = alloca((size_t)(_item_size) * (size_t)(_capacity));                           \
    (vector)->capacity = (_capacity);                                                              \
    (vector)->size = 0;                                                                            \
    (vector)->item_size = (_item_size);                                                            \
    (vector)->flags = 0;

/** An empty vector in the caller's struct. `capacity` may be 0; without memory it is 0 after. */
AS_EXTERN void as_vector_init(as_vector* vector, uint32_t item_size, uint32_t capacity);

/** The same on the heap; NULL without memory. as_vector_destroy() frees it. */
AS_EXTERN as_vector* as_vector_create(uint32_t item_size, uint32_t capacity);

/** Frees the items and, if created, the vector. What items point to is the caller's business. */
AS_EXTERN void as_vector_destroy(as_vector* vector);

/** Doubles the capacity (1 from 0) and moves the items. Without memory nothing changes. */
AS_EXTERN void as_vector_increase_capacity(as_vector* vector);

/** Adds one zeroed item and returns its address; NULL without memory. */
AS_EXTERN void* as_vector_reserve(as_vector* vector);

/** Adds a copy of the item at `value`; without memory it is dropped and a line logged. */
AS_EXTERN void as_vector_append(as_vector* vector, void* value);

/** Adds a copy unless an item of the same bytes is there. True if it was added. */
AS_EXTERN bool as_vector_append_unique(as_vector* vector, void* value);

/** Removes the item at `index`, moving later ones down. False beyond the end. */
AS_EXTERN bool as_vector_remove(as_vector* vector, uint32_t index);

/** A malloc()ed copy of the items for the caller to free, their number in `size`; NULL if none. */
AS_EXTERN void* as_vector_to_array(as_vector* vector, uint32_t* size);

/** Forgets the items, keeps the capacity. */
static inline void as_vector_clear(as_vector* vector)
{
    vector->size = 0;
}

/** Address of the item at `index`, which must be below the size. */
static inline void* as_vector_get(as_vector* vector, uint32_t index)
{
    return (uint8_t*)vector->list + (size_t)vector->item_size * index;
}

/** The pointer that is stored as the item at `index`. */
static inline void* as_vector_get_ptr(as_vector* vector, uint32_t index)
{
    void* pointer;
    memcpy(&pointer, as_vector_get(vector, index), sizeof(pointer));
    return pointer;
}

/** Overwrites the item at `index`, which must be below the capacity, with the one at `value`. */
static inline void as_vector_set(as_vector* vector, uint32_t index, void* value)
{
    memcpy(as_vector_get(vector, index), value, vector->item_size);
}

#ifdef __cplusplus
}
#endif
